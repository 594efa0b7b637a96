//! Queries: at least as new as asked for, and of one position.

use std::time::Duration;

use futures::poll;
use proto::{Reason, ledger::ErrorReason};

use crate::{
    paced::Paced,
    store::{Running, Store},
    tally::Tally,
};

async fn steps(snapshot: &mut projection::Snapshot) -> i64 {
    sqlx::query_scalar("SELECT coalesce(sum(steps), 0) FROM unit").fetch_one(&mut *snapshot.tx).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_waits_for_the_position_it_asks_for() {
    let store = Store::new().await;
    let log = Paced::new(store.log.clone(), 1, 0);
    let view = Running::start(Tally::NEW, log.clone(), &store.folder("view")).await.unwrap();
    let head = store.steps("case", "unit", &["T01", "T02", "T03"]).await;
    // The view hasn't been given the pages yet, so that this can't be answered.
    let mut query = Box::pin(view.follower.at_least(head));
    assert!(poll!(&mut query).is_pending());
    log.let_out(100);
    let mut snapshot = query.await.unwrap();
    assert_eq!((snapshot.position, steps(&mut snapshot).await), (head, 3));
    drop(snapshot);
    // What was reached before is answered at once.
    for position in [0, 1, head] {
        assert_eq!(view.follower.at_least(position).await.unwrap().position, head);
    }
    view.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_told_when_the_view_does_not_get_there() {
    let store = Store::new().await;
    let view = store.view(&store.folder("view")).await;
    let head = store.head().await;
    let waiting = tokio::time::timeout(Duration::from_secs(30), view.follower.at_least(head + 1));
    let refused = waiting.await.expect("it waits for some seconds only").map(|_| ()).unwrap_err();
    assert_eq!(refused.reason, Reason::Ledger(ErrorReason::ViewBehind));
    view.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_position_of_an_answer_is_never_before_the_one_asked_for() {
    let store = Store::new().await;
    // A long stretch without what the view wants: pages that bring nothing, and don't end.
    let head = store.noise(20).await;
    let log = Paced::new(store.log.clone(), 0, 0);
    let view = Running::start(Tally::NEW, log.clone(), &store.folder("view")).await.unwrap();
    for position in 1..=head {
        log.let_out(1);
        let snapshot = view.follower.at_least(position).await.unwrap();
        assert_eq!(snapshot.position, position, "and what the view says of itself is in its file");
    }
    assert_eq!(log.waiting(), 0);
    view.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_folded_but_not_saved_is_not_shown() {
    let store = Store::new().await;
    let head = store.steps("case", "unit", &["T01", "T02", "T03"]).await;
    let log = Paced::new(store.log.clone(), 0, 0);
    let view = Running::start(Tally::NEW, log.clone(), &store.folder("view")).await.unwrap();
    // All but the last page: they are folded, and wait for the batch to end.
    log.let_out(usize::try_from(head).unwrap() - 1);
    let mut query = Box::pin(view.follower.at_least(2));
    while log.waiting() > 0 {
        assert!(poll!(&mut query).is_pending(), "the view says how far it has saved, not read");
        tokio::task::yield_now().await;
    }
    log.let_out(1);
    let mut snapshot = query.await.unwrap();
    assert_eq!((snapshot.position, steps(&mut snapshot).await), (head, 3));
    drop(snapshot);
    view.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_stays_as_it_was() {
    let store = Store::new().await;
    let view = store.view(&store.folder("view")).await;
    let head = store.steps("case", "unit", &["T01"]).await;
    let mut before = view.follower.at_least(head).await.unwrap();
    let later = store.steps("case", "unit", &["T02", "T03"]).await;
    let mut after = view.follower.at_least(later).await.unwrap();
    assert_eq!((before.position, steps(&mut before).await), (head, 1));
    assert_eq!((after.position, steps(&mut after).await), (later, 3));
    drop((before, after));
    view.stop().await;
}
