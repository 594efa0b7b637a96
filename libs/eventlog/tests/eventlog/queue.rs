//! A full queue pushes back, and nothing is lost by it.

use std::time::Duration;

use eventlog::{
    AppendError, EventLog as _, Expected, Options, SqliteLog, check_file,
    conformance::{sample, whole::everything},
};
use futures::{
    StreamExt as _,
    future::{join, join_all},
    stream::FuturesUnordered,
};
use sqlx::Connection as _;

use crate::store::{Store, append, options};

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_told_and_nothing_is_lost() {
    let store = Store::new();
    let options = Options { queue: 1, patience: Duration::from_millis(20), ..options() };
    let log = SqliteLog::open(&store.path(), options).await.unwrap();
    // The writer can't begin its commit while another holds the database's write lock.
    let mut raw = store.raw().await;
    let blocker = raw.begin_with("BEGIN IMMEDIATE").await.unwrap();

    let appends: Vec<_> = (0..8).map(|n| append(&format!("case-{n}"), 2)).collect();
    let mut answers: FuturesUnordered<_> =
        appends.iter().map(|append| async { (append.id, log.append(append.clone()).await) }).collect();
    // One is with the writer, one in the queue (a second where the writer took two): the others are told.
    let mut told = Vec::new();
    while told.len() < 5 {
        let (id, answer) = answers.next().await.unwrap();
        assert!(matches!(answer, Err(AppendError::QueueFull)), "{answer:?}");
        told.push(id);
    }
    blocker.rollback().await.unwrap();
    let mut taken = Vec::new();
    while let Some((id, answer)) = answers.next().await {
        match answer {
            Ok(appended) => {
                assert!(!appended.repeated);
                taken.push(id);
            }
            Err(AppendError::QueueFull) => told.push(id),
            Err(other) => panic!("{other}"),
        }
    }
    assert!(!taken.is_empty(), "the writer and the queue each held one");

    for append in &appends {
        let recorded = log.find_append(append.id).await.unwrap().len();
        assert_eq!(recorded, if taken.contains(&append.id) { 2 } else { 0 }, "what was told holds");
        // Who was told the queue is full sends it again, with the same id.
        let again = log.append(append.clone()).await.unwrap();
        assert_eq!(again.repeated, taken.contains(&append.id));
    }
    assert_eq!(everything(&*log).await.len(), 1 + 8 * 2);
}

/// What comes while a group is written is judged on what that leaves: rightly, also where the group is refused then.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_during_a_write_is_judged_on_what_it_leaves() {
    let step = |expected| sample::append(&sample::case("new"), expected, sample::steps(2));
    let new = |key| sample::append(&sample::case(key), Expected::NoStream, sample::steps(2));
    for is_known in [false, true] {
        let store = Store::new();
        // Groups of one append each.
        let options = Options { queue: 1, patience: Duration::from_secs(30), ..options() };
        let log = SqliteLog::open(&store.path(), options).await.unwrap();
        let old = new("old");
        log.append(old.clone()).await.unwrap();
        let mut raw = store.raw().await;
        let blocker = raw.begin_with("BEGIN IMMEDIATE").await.unwrap();
        // The write of the first waits for the blocker. That an old one is known is found out by it alone.
        let first = if is_known { old } else { new("first") };
        let (begin, then, late) =
            (step(Expected::NoStream), step(Expected::Exact(2)), step(Expected::Exact(3)));
        let mut pending = Vec::new();
        // The queue has room for the third only once the second was taken, and judged: the first is being written.
        for append in [&first, &begin, &then] {
            pending.push(log.submit(append.clone()).await.unwrap());
        }
        let others = join_all([&late, &begin].map(|append| log.append(append.clone())));
        let (others, rolled_back) = join(others, blocker.rollback()).await;
        rolled_back.unwrap();
        let answers = join_all(pending).await.into_iter().map(Result::unwrap);
        let places: Vec<_> = answers.map(|told| (told.first_position, told.repeated)).collect();
        let (end, first) = if is_known { (3, (2, true)) } else { (5, (4, false)) };
        assert_eq!(places, [first, (end + 1, false), (end + 3, false)]);
        assert!(matches!(others[0], Err(AppendError::Conflict { actual: 4, .. })), "{:?}", others[0]);
        let again = others[1].as_ref().unwrap();
        assert_eq!((again.first_position, again.repeated), (end + 1, true));
        log.close().await;
        let checked = check_file(&store.path(), |_| {}).await.unwrap();
        assert_eq!((checked.checked, checked.faults), (end + 4, Vec::new()));
    }
}
