//! Killed, cut off, or beside another: a view goes on where its file is, and folds nothing twice.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
};

use projection::ViewError;

use crate::{
    paced::Paced,
    store::{Running, Store, eventually, open_log, raw, record, step},
    tally::Tally,
};

/// The folder that the process to be killed works in.
const FOLDER: &str = "LIEM_KILLED_VIEW";
/// Past some snapshots, which are 4,096 entries apart here, so that part of the work is saved.
const HANGS_AT: u64 = 17_500;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_view_goes_on_where_its_file_is() {
    let store = Store::new().await;
    let many: Vec<String> = (0..1_000).map(|n| format!("T{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for n in 0..18 {
        store.steps(&format!("case-{}", n % 5), &format!("unit-{}", n % 3), &many).await;
    }
    let Store { folder, log } = store;
    log.close().await;

    // This very binary runs the helper below, which follows the log and is killed in the middle of a fold.
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "interrupted::a_view_to_be_killed", "--include-ignored", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let saved = lines.find_map(|line| line.unwrap().strip_prefix("saved=")?.parse::<u64>().ok());
    child.kill().unwrap();
    child.wait().unwrap();
    let saved = saved.expect("it saved a batch before it was killed");
    assert!((4_096..HANGS_AT).contains(&saved), "{saved}");

    let log = open_log(&folder.path().join("log.db"), "liem.test/views").await;
    let store = Store { folder, log };
    let view = store.view(store.folder.path()).await;
    assert!(view.follower.status().position >= saved, "what was saved is not folded again");
    let digest = view.digest_at(store.head().await).await;
    view.stop().await;
    assert_eq!(store.rebuilt().await, digest);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "only for the process that a_killed_view_goes_on_where_its_file_is starts"]
async fn a_view_to_be_killed() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let log = open_log(&folder.join("log.db"), "liem.test/views").await;
    let view = Tally { hangs_at: Some(HANGS_AT), ..Tally::NEW };
    let view = Running::start(view, log, &folder).await.unwrap();
    let saved =
        eventually("a batch is saved", || Some(view.follower.status().position).filter(|p| *p > 0)).await;
    eprintln!("saved={saved}");
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_wire_is_followed_again_and_nothing_is_folded_twice() {
    let store = Store::new().await;
    for n in 0..10 {
        store.steps(&format!("case-{}", n % 3), "unit", &["T01", "T02", "T03"]).await;
    }
    // Wherever it breaks: what was folded but not saved is folded again.
    for breaks_after in [1, 2, 15, 30, 31] {
        let log = Paced::new(store.log.clone(), 1_000, breaks_after);
        let folder = store.folder(&format!("breaks-{breaks_after}"));
        let view = Running::start(Tally::NEW, log, &folder).await.unwrap();
        let head = store.head().await;
        assert_eq!(view.digest_at(head).await, store.rebuilt().await, "broken after {breaks_after} pages");
        // And it goes on living.
        let head = store.steps("case-0", "unit", &["T04"]).await;
        assert_eq!(view.digest_at(head).await, store.rebuilt().await);
        assert_eq!(view.follower.status().stopped, None);
        view.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_followers_of_one_file_never_mix() {
    let store = Store::new().await;
    let folder = store.folder("shared");
    // As where a view service is started twice on one folder.
    let (one, other) = (store.view(&folder).await, store.view(&folder).await);
    let head = store.steps("case", "unit", &["T01", "T02"]).await;
    // Both want to save the same stretch: one does, the other sees that it isn't alone, and stops.
    let (lost, won) = eventually("one of them stops", || {
        let stopped = |view: &Running| view.follower.status().stopped;
        if stopped(&one).is_some() { Some((&one, &other)) } else { stopped(&other).map(|_| (&other, &one)) }
    })
    .await;
    assert!(lost.stopped().await.contains("another process"), "{}", lost.stopped().await);
    assert_eq!(won.digest_at(head).await, store.rebuilt().await);
    let head = store.steps("case", "unit", &["T03"]).await;
    assert_eq!(won.digest_at(head).await, store.rebuilt().await);
    assert_eq!(won.follower.status().stopped, None);
    one.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_of_a_longer_log_stops() {
    let store = Store::new().await;
    store.steps("case", "unit", &["T01", "T02"]).await;
    // A backup is taken, the log and the view go on, and the backup is restored.
    let backup = store.folder.path().join("backup.db");
    sqlx::query("VACUUM INTO ?")
        .bind(backup.to_str().unwrap())
        .execute(&mut raw(store.log.path()).await)
        .await
        .unwrap();
    let head = store.steps("case", "unit", &["T03", "T04", "T05"]).await;
    let folder = store.folder("view");
    let view = store.view(&folder).await;
    let (position, digest) = view.digest_at(head).await;
    assert_eq!(position, 6);
    view.stop().await;

    let restored = open_log(&backup, "liem.test/views").await;
    let view = Running::start(Tally::NEW, restored.clone(), &folder).await.unwrap();
    let why = view.stopped().await;
    assert!(why.contains("the view is at 6, but the log ends at 3"), "{why}");
    // It stays as it was, also when the log grows past it: its history is another one.
    record(&*restored, "other", vec![step("unit", "T06"); 5]).await;
    assert_eq!(view.follower.digest().await.unwrap(), (position, digest));
    view.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_log_is_refused() {
    let store = Store::new().await;
    let folder = store.folder("view");
    store.view(&folder).await.stop().await;
    // Also where both logs have one name: each has an entry 1 of its own.
    for (file, origin) in [("other.db", "liem.test/other"), ("namesake.db", "liem.test/views")] {
        let other = open_log(&store.folder.path().join(file), origin).await;
        let refused = Running::start(Tally::NEW, other, &folder).await.map(|_| ());
        let Err(ViewError::OtherLog { found, expected }) = refused else { panic!("{refused:?}") };
        assert!(found.starts_with("liem.test/views#") && expected.starts_with(origin), "{found} {expected}");
        assert_ne!(found, expected);
    }
}
