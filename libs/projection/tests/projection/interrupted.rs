//! Killed, cut off, or beside another: a view goes on where its file is, and folds nothing twice.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use eventlog::{EventLog as _, SqliteLog};
use projection::ViewError;

use crate::{
    paced::Paced,
    store::{Running, Store, eventually, open_log},
    tally::Tally,
};

/// The folder that the process to be killed works in.
const FOLDER: &str = "LIEM_KILLED_VIEW";
/// Past the first batch, which is 16,384 entries, so that part of the work is saved.
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
    assert!((16_384..HANGS_AT).contains(&saved), "{saved}");

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
    let saved = eventually("a batch is saved", || Some(view.follower.status().position).filter(|p| *p > 0)).await;
    eprintln!("saved={saved}");
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_wire_is_followed_again_and_nothing_is_folded_twice() {
    let store = Store::new().await;
    for n in 0..10 {
        store.steps(&format!("case-{}", n % 3), "unit", &["T01", "T02", "T03"]).await;
    }
    let head = store.head().await;
    let expected = store.rebuilt().await;
    // Wherever it breaks: pages that were folded but not saved are folded again.
    for breaks_after in [1, 2, 15, 30, 31] {
        let folder = store.folder(&format!("breaks-{breaks_after}"));
        let log = Paced::new(store.log.clone(), 1_000, breaks_after);
        let view = Running::start(Tally::NEW, log, &folder).await.unwrap();
        assert_eq!(view.digest_at(head).await, expected, "broken after {breaks_after} pages");
        // It goes on living.
        store.noise(1).await;
        view.digest_at(head + 1).await;
        assert_eq!(view.follower.status().stopped, None);
        view.stop().await;
        // The next round is to begin with the same log.
        assert_eq!(store.rebuilt().await.0, store.head().await);
        return_to(&store, head).await;
    }
}
