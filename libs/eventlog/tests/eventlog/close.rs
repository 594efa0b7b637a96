//! Closing: what was taken is answered, what comes later is told.

use std::time::Duration;

use eventlog::{AppendError, EventLog as _, Filter, check_file};
use futures::{StreamExt as _, future::join_all, poll};
use tokio::task::unconstrained;

use crate::store::{Store, append, record};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_queued_is_answered_and_on_disk() {
    let store = Store::new();
    let log = store.open().await;
    let appends: Vec<_> = (0..300).map(|n| append(&format!("case-{n}"), 2)).collect();
    let ids: Vec<_> = appends.iter().map(|append| append.id).collect();
    // Unconstrained: else tokio would have one task poll only so many before it has to yield.
    let mut pending: Vec<_> = appends.into_iter().map(|append| unconstrained(log.append(append))).collect();
    for append in &mut pending {
        // Once polled, it's in the queue.
        assert!(poll!(append).is_pending());
    }
    let (answers, ()) = tokio::join!(join_all(pending), log.clone().close());
    for answer in answers {
        assert!(!answer.expect("what was queued before is answered").repeated);
    }

    let late = log.append(append("late", 1)).await;
    assert!(matches!(late, Err(AppendError::Unavailable { .. })), "{late:?}");

    let log = store.open().await;
    for id in ids {
        assert_eq!(log.find_append(id).await.unwrap().len(), 2);
    }
    assert_eq!(log.head().await.unwrap().position, 1 + 600, "and nothing else");
}

#[tokio::test]
async fn followers_end_when_the_log_closes() {
    let store = Store::new();
    let log = store.open().await;
    let head = record(&log, "a", 3).await.unwrap().last_position;
    let mut pages = log.follow(0, Filter::default());
    assert_eq!(pages.next().await.unwrap().unwrap().through, head);
    let (page, ()) = tokio::join!(pages.next(), log.close());
    assert!(page.is_none(), "{page:?}");
}

#[tokio::test]
async fn a_closed_log_is_whole_in_its_database_file() {
    let store = Store::new();
    let log = store.open().await;
    record(&log, "a", 100).await.unwrap();
    let _pages = log.follow(0, Filter::default());
    tokio::time::timeout(Duration::from_secs(30), log.close()).await.unwrap();
    // Who copies this one file has all of it.
    let copy = store.path().with_file_name("copy.db");
    std::fs::copy(store.path(), &copy).unwrap();
    let checked = check_file(&copy, |_| {}).await.unwrap();
    assert_eq!((checked.checked, checked.faults), (101, Vec::new()));
}
