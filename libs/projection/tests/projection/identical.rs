//! A view comes out the same, however it came about.

use std::{collections::BTreeMap, fs, path::Path};

use proptest::prelude::*;

use crate::store::{Running, Store, content, raw};

fn delete(file: &Path) {
    let name = file.file_name().unwrap().to_str().unwrap();
    for file in fs::read_dir(file.parent().unwrap()).unwrap() {
        let file = file.unwrap();
        if file.file_name().to_str().unwrap().starts_with(name) {
            fs::remove_file(file.path()).unwrap();
        }
    }
    assert!(!file.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_view_comes_back_identical() {
    let store = Store::new().await;
    for n in 0..40 {
        store.steps(&format!("case-{}", n % 9), &format!("unit-{}", n % 4), &["T01", "T02"]).await;
        store.noise(n % 3 + 1).await;
    }
    let head = store.head().await;
    let folder = store.folder("view");
    let view = store.view(&folder).await;
    let digest = view.digest_at(head).await;
    let file = view.follower.path();
    assert_eq!(file, folder.join("tally-v3-g1.db"));
    let before = content(&file).await;
    view.stop().await;
    assert_eq!(before.0.iter().map(|(_, steps)| steps).sum::<i64>(), 80);

    delete(&file);
    let view = store.view(&folder).await;
    assert_eq!(view.digest_at(head).await, digest);
    assert_eq!(content(&file).await, before);
    view.stop().await;
    // And one that was not deleted stays what it is.
    let view = store.view(&folder).await;
    assert_eq!(view.digest_at(head).await, digest);
    view.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grown_live_or_made_at_once_is_the_same() {
    let store = Store::new().await;
    let folder = store.folder("live");
    let mut live = store.view(&folder).await;
    for n in 0..60 {
        let head = match n % 3 {
            2 => store.noise(1).await,
            _ => store.steps(&format!("case-{}", n % 7), &format!("unit-{}", n % 2), &["T01"]).await,
        };
        // One batch an entry.
        let (position, _) = live.digest_at(head).await;
        assert_eq!(position, head);
        if n % 20 == 19 {
            live.stop().await;
            live = store.view(&folder).await;
        }
    }
    let digest = live.digest_at(store.head().await).await;
    live.stop().await;
    assert_eq!(store.rebuilt().await, digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_of_positions_that_changes_its_form_is_the_same() {
    // A set is stored otherwise once it's dense: past 4,096 in one block of 65,536.
    let store = Store::new().await;
    let folder = store.folder("live");
    let mut live = store.view(&folder).await;
    let many = vec!["T01"; 1_000];
    for n in 0..5 {
        let head = store.steps("case", "unit", &many).await;
        live.digest_at(head).await;
        if n % 2 == 0 {
            live.stop().await;
            live = store.view(&folder).await;
        }
    }
    let digest = live.digest_at(store.head().await).await;
    assert_eq!(content(&live.follower.path()).await.0, [("unit".to_owned(), 5_000)]);
    live.stop().await;
    assert_eq!(store.rebuilt().await, digest);
}

#[derive(Debug, Clone)]
enum Act {
    Steps { case: u8, unit: u8, count: usize },
    Noise(usize),
    CatchUp,
    Restart,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let steps =
        (0..5_u8, 0..3_u8, 1..9_usize).prop_map(|(case, unit, count)| Act::Steps { case, unit, count });
    let act = prop_oneof![
        6 => steps,
        2 => (1..5_usize).prop_map(Act::Noise),
        2 => Just(Act::CatchUp),
        1 => Just(Act::Restart),
    ];
    prop::collection::vec(act, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn any_history_folds_to_what_it_says(acts in acts()) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(live_out(acts));
    }
}

/// Lives out a history, and holds the view to one folded as simply as possible.
async fn live_out(acts: Vec<Act>) {
    let store = Store::new().await;
    let folder = store.folder("live");
    let mut live: Running = store.view(&folder).await;
    let (mut units, mut cases) = (BTreeMap::new(), BTreeMap::new());
    for (n, act) in acts.into_iter().enumerate() {
        match act {
            Act::Steps { case, unit, count } => {
                let (case, unit, text) = (format!("case-{case}"), format!("unit-{unit}"), format!("T{n}"));
                store.steps(&case, &unit, &vec![text.as_str(); count]).await;
                *units.entry(unit).or_insert(0) += i64::try_from(count).unwrap();
                cases.insert(case, text);
            }
            Act::Noise(count) => {
                store.noise(count).await;
            }
            Act::CatchUp => {
                live.digest_at(store.head().await).await;
            }
            Act::Restart => {
                live.stop().await;
                live = store.view(&folder).await;
            }
        }
    }
    let digest = live.digest_at(store.head().await).await;
    let content = content(&live.follower.path()).await;
    live.stop().await;
    assert_eq!(content, (units.into_iter().collect(), cases.into_iter().collect()));
    assert_eq!(store.rebuilt().await, digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_digest_sees_every_change() {
    let store = Store::new().await;
    let head = store.steps("case", "unit", &["T01", "T02"]).await;
    let folder = store.folder("view");
    let view = store.view(&folder).await;
    let mut seen = vec![view.digest_at(head).await];
    let mut raw = raw(&view.follower.path()).await;
    // As the first and third position are stored.
    let other = vec![0_u8, 1, 2];
    sqlx::query("UPDATE unit SET positions = ?").bind(other).execute(&mut raw).await.unwrap();
    seen.push(view.follower.digest().await.unwrap());
    assert_ne!(seen[0], seen[1]);
    for change in [
        "UPDATE unit SET steps = 3",
        "UPDATE unit SET steps = NULL",
        "UPDATE last_step SET step = 'T03'",
        "UPDATE last_step SET official = ''",
        // What was in one column is now in the next: the same bytes in a row.
        "UPDATE last_step SET step = 'T0', official = '3'",
        "UPDATE last_step SET step = 'T0', official = NULL",
        "UPDATE last_step SET step = NULL, official = 'T0'",
        "INSERT INTO unit SELECT 'H57.19', unit, steps, positions FROM unit",
        "DELETE FROM last_step",
        "UPDATE standing SET cases = cases + 1",
        "UPDATE view SET position = position + 1",
    ] {
        sqlx::query(change).execute(&mut raw).await.unwrap();
        let digest = view.follower.digest().await.unwrap();
        assert!(!seen.contains(&digest), "{change}");
        seen.push(digest);
    }
    view.stop().await;
}
