//! An answer as of a position is the answer of a ledger that ended there.

use chrono::TimeDelta;
use eventlog::EventLog as _;
use projection::position_at;
use proptest::prelude::*;
use tonic_health::server::health_reporter;

use crate::{
    store::{Running, Store},
    tally::Tally,
};

#[derive(Debug, Clone)]
enum Act {
    Steps { case: u8, unit: u8, step: u8, count: usize },
    Noise(usize),
    CatchUp,
    Restart,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let steps = (0..4_u8, 0..3_u8, 0..3_u8, 1..6_usize).prop_map(|(case, unit, step, count)| Act::Steps {
        case,
        unit,
        step,
        count,
    });
    let act = prop_oneof![
        6 => steps,
        2 => (1..4_usize).prop_map(Act::Noise),
        2 => Just(Act::CatchUp),
        1 => Just(Act::Restart),
    ];
    prop::collection::vec(act, 1..16)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever the batches, the restarts and the distance between snapshots were: at every position the view
    /// says what a view says that follows only up to there.
    #[test]
    fn every_position_answers_as_a_log_that_ended_there(acts in acts(), every in 1..12_u64) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(live_out(acts, every));
    }
}

async fn start(store: &Store, folder: &str, every: u64) -> Running {
    let folder = store.folder(folder);
    Running::start_every(Tally::NEW, store.log.clone(), &folder, health_reporter().0, every).await.unwrap()
}

async fn live_out(acts: Vec<Act>, every: u64) {
    let store = Store::new().await;
    // One that is asked at the end, and one that says at each position what it is.
    let mut view = start(&store, "asked", every).await;
    let witness = start(&store, "witness", u64::MAX).await;
    let mut seen = Vec::new();
    for act in acts {
        match act {
            Act::Steps { case, unit, step, count } => {
                let (case, unit, step) = (format!("case-{case}"), format!("unit-{unit}"), format!("T{step}"));
                for _ in 0..count {
                    let head = store.steps(&case, &unit, &[step.as_str()]).await;
                    seen.push(witness.digest_at(head).await);
                }
            }
            Act::Noise(count) => {
                let head = store.noise(count).await;
                seen.push(witness.digest_at(head).await);
            }
            Act::CatchUp => {
                view.digest_at(store.head().await).await;
            }
            Act::Restart => {
                view.stop().await;
                view = start(&store, "asked", every).await;
            }
        }
    }
    view.digest_at(store.head().await).await;
    for seen in seen {
        let position = seen.0;
        assert_eq!(view.digest_as_of(position).await, seen, "at {position}, snapshots every {every}");
    }
    view.stop().await;
    witness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_time_is_the_position_of_the_last_entry_by_then() {
    let store = Store::new().await;
    let before = eventlog::Clock::system().now();
    let mut times = Vec::new();
    for n in 0..9 {
        let head = store.steps("case", "unit", &vec!["T01"; n % 3 + 1]).await;
        let entry = &store.log.read_at(&[head]).await.unwrap()[0];
        times.push((entry.header().unwrap().recorded_at, head));
    }
    for (time, head) in &times {
        // Several can be of one microsecond: the last of them counts.
        let last = times.iter().filter(|(at, _)| at == time).map(|(_, head)| *head).max().unwrap();
        assert_eq!(position_at(&*store.log, *time).await.unwrap(), last);
        assert!(position_at(&*store.log, *time - TimeDelta::microseconds(1)).await.unwrap() < *head);
    }
    assert_eq!(position_at(&*store.log, before - TimeDelta::days(1)).await.unwrap(), 0);
    assert_eq!(
        position_at(&*store.log, eventlog::Clock::system().now() + TimeDelta::days(1)).await.unwrap(),
        store.head().await
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_file_keeps_its_distance_between_snapshots() {
    let store = Store::new().await;
    store.steps("case", "unit", &["T01", "T02", "T03"]).await;
    let view = start(&store, "view", 2).await;
    let third = view.digest_at(store.head().await).await;
    view.stop().await;
    // The setting is for files that are made new: the numbers in this one mean every second position.
    let view = start(&store, "view", 5).await;
    let head = store.steps("case", "unit", &["T04", "T05", "T06"]).await;
    view.digest_at(head).await;
    assert_eq!(view.digest_as_of(third.0).await, third);
    view.stop().await;
}
