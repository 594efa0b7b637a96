//! The wire breaks half-way: the append was lost, or saved but reported lost. The caller can't tell which,
//! is told so, and sends it again.

use std::time::Duration;

use eventlog::{
    Append, AppendError, Appended, EventLog, Expected, Filter, RemoteLog,
    conformance::{
        sample::{append, case, steps},
        whole::everything,
    },
};
use futures::StreamExt as _;

use crate::{
    relay::{Relay, Wire},
    running::{Ledger, channel},
};

#[tokio::test(flavor = "multi_thread")]
async fn saved_but_reported_lost() {
    let ledger = Ledger::start().await;
    let relay = Relay::to(ledger.address()).await;
    let log = ledger.remote_through(channel(relay.address), "delivery");
    for round in 0..5 {
        let head = warm_up(&log).await;
        relay.set(Wire::LosesAnswers);
        let one = append(&case(&format!("saved-{round}")), Expected::NoStream, steps(3));
        let answer = tokio::spawn({
            let (log, one) = (log.clone(), one.clone());
            async move { log.append(one).await }
        });
        // The ledger has it on disk, and its answer is on a wire that swallows it.
        let mut pages = ledger.inside().follow(head, Filter::default());
        let seen = pages.next().await.unwrap().unwrap();
        assert_eq!((seen.entries.len(), seen.through), (3, head + 3));
        relay.set(Wire::Cut);
        let answer = answer.await.unwrap();
        assert!(matches!(answer, Err(AppendError::Unavailable { .. })), "nobody knows: {answer:?}");

        relay.set(Wire::Whole);
        let (first_position, last_position) = (head + 1, head + 3);
        let expected = Appended { first_position, last_position, last_revision: 3, repeated: true };
        assert_eq!(retry(&log, one.clone()).await, expected);
        assert_eq!(ledger.inside().find_append(one.id).await.unwrap().len(), 3, "once");
    }
    everything(&log).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost() {
    let ledger = Ledger::start().await;
    let relay = Relay::to(ledger.address()).await;
    let log = ledger.remote_through(channel(relay.address), "delivery");
    for round in 0..5 {
        let head = warm_up(&log).await;
        relay.set(Wire::LosesRequests);
        let one = append(&case(&format!("lost-{round}")), Expected::NoStream, steps(3));
        let answer = log.append(one.clone()).await;
        assert!(matches!(answer, Err(AppendError::Unavailable { .. })), "nobody knows: {answer:?}");
        assert_eq!(ledger.inside().head().await.unwrap().position, head, "it never came");

        relay.set(Wire::Whole);
        let (first_position, last_position) = (head + 1, head + 3);
        let expected = Appended { first_position, last_position, last_revision: 3, repeated: false };
        assert_eq!(retry(&log, one).await, expected);
    }
    everything(&log).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_is_gone_is_unavailable_and_found_again() {
    let mut ledger = Ledger::start().await;
    let address = ledger.address();
    let log = ledger.remote("delivery");
    let one = append(&case("gone"), Expected::NoStream, steps(1));
    let first = log.append(one.clone()).await.unwrap();
    let mut pages = log.follow(first.last_position, Filter::default());
    ledger.stop().await;

    let answer = log.append(one.clone()).await;
    assert!(matches!(answer, Err(AppendError::Unavailable { .. })), "{answer:?}");
    assert!(log.head().await.is_err());
    // A follower ends, so that its reader follows again.
    let ended = tokio::time::timeout(Duration::from_secs(30), async {
        while let Some(Ok(page)) = pages.next().await {
            assert_eq!(page.entries, []);
        }
    });
    ended.await.expect("it ends with the server");
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

/// An append that goes through, and leaves the connection open; the head after it.
async fn warm_up(log: &RemoteLog) -> u64 {
    retry(log, append(&case("warm-up"), Expected::Any, steps(1))).await.last_position
}

/// Sends an append until it's answered: the first calls may still meet the broken connection.
pub(crate) async fn retry(log: &RemoteLog, append: Append) -> Appended {
    let answered = async {
        loop {
            match log.append(append.clone()).await {
                Ok(appended) => return appended,
                Err(AppendError::Unavailable { .. }) => tokio::task::yield_now().await,
                Err(other) => panic!("{other}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), answered).await.expect("the wire is whole again")
}
