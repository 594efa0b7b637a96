//! A full queue pushes back, and nothing is lost by it.

use std::time::Duration;

use eventlog::{AppendError, EventLog as _, Options, SqliteLog, conformance::whole::everything};
use futures::{StreamExt as _, stream::FuturesUnordered};
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
