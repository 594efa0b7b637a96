//! Reading the whole log on one call.

use eventlog::{
    Entry, EventLog as _, Expected, NewEvent,
    conformance::{
        sample::{append, case, step, steps},
        whole::everything,
    },
};
use futures::{StreamExt as _, TryStreamExt as _};
use proto::ledger as pb;

use crate::running::Ledger;

async fn read(ledger: &Ledger, after: u64) -> Vec<Entry> {
    let pages: Vec<_> = ledger.remote("audit").read_everything(after).try_collect().await.unwrap();
    pages.concat()
}

/// The messages of a call.
async fn messages(ledger: &Ledger, after_position: u64, through_position: u64) -> Vec<pb::ReadAllResponse> {
    let request = pb::ReadAllRequest { after_position, through_position };
    let answer = ledger.client_of("audit").read_all(request).await.unwrap();
    answer.into_inner().try_collect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_read_from_any_position_on() {
    let ledger = Ledger::start().await;
    assert_eq!(read(&ledger, 0).await, everything(&**ledger.inside()).await, "a log with one entry");
    let log = ledger.remote("delivery");
    for n in 0..4 {
        log.append(append(&case(&n.to_string()), Expected::NoStream, steps(997))).await.unwrap();
    }
    // As long as entries can be.
    let long = |length| NewEvent { subjects: Vec::new(), ..step(&"x".repeat(length)) };
    log.append(append(&case("long"), Expected::NoStream, (0..60).map(|_| long(64_000)).collect()))
        .await
        .unwrap();
    // History is read from bundles, and what came last from the rows.
    assert!(ledger.inside().until_bundled(3_840).await);
    let all = everything(&**ledger.inside()).await;
    assert_eq!(all.len(), 1 + 4 * 997 + 60);
    for after in [0, 1, 255, 256, 257, 3_988, 4_047, 4_048, 4_049, u64::MAX] {
        let rest = all.get(usize::try_from(after).unwrap()..).unwrap_or_default();
        assert!(read(&ledger, after).await == rest, "after {after}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_large_without_a_gap_and_end_where_asked() {
    let ledger = Ledger::start().await;
    for n in 0..4 {
        let one = append(&case(&n.to_string()), Expected::NoStream, steps(1_000));
        ledger.remote("delivery").append(one).await.unwrap();
    }
    for (after, through, end) in [(0, 0, 4_001), (0, 4_001, 4_001), (10, 3_000, 3_000), (0, 9_999, 4_001)] {
        let messages = messages(&ledger, after, through).await;
        let mut next = after + 1;
        for (n, message) in messages.iter().enumerate() {
            assert_eq!((message.first_position, message.head_position), (next, 4_001));
            next += u64::from(message.count);
            let length = message.entries.len();
            assert!(length <= 600 * 1024, "{length}");
            assert!(length >= 512 * 1024 || n + 1 == messages.len(), "{length}");
        }
        assert_eq!(next, end + 1);
    }
    for (after, through) in [(4_001, 0), (4_002, 0), (20, 10)] {
        assert_eq!(messages(&ledger, after, through).await, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_recorded_after_the_call_began_is_not_in_it() {
    let ledger = Ledger::start().await;
    let log = ledger.remote("delivery");
    for n in 0..8 {
        log.append(append(&case(&n.to_string()), Expected::NoStream, steps(1_000))).await.unwrap();
    }
    let mut pages = log.read_everything(0);
    let mut read = pages.next().await.unwrap().unwrap();
    log.append(append(&case("later"), Expected::NoStream, steps(1_000))).await.unwrap();
    while let Some(page) = pages.next().await {
        read.extend(page.unwrap());
    }
    assert_eq!(read.len(), 8_001);
    assert_eq!(log.head().await.unwrap().position, 9_001);
}
