//! Writers that race: whoever loses decides anew, on the state as it then is.

use std::sync::{
    Arc, Barrier,
    atomic::{AtomicU32, Ordering},
};

use aggregate::{ExecuteError, execute, load};
use eventlog::{Append, AppendError, EventLog as _, Expected, NewEvent};
use events::{Event as _, Occurred};
use tokio::{runtime::Handle, task::block_in_place};
use uuid::Uuid;

use crate::tank::{CAPACITY, Command, Level, Refusal, Store, Tank, TankEvent, day, request};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_race_is_decided_on_fresh_state() {
    let store = Arc::new(Store::new().await);
    let attempts = Arc::new(AtomicU32::new(0));
    for round in 0..50 {
        // Both have loaded the tank before either may decide: one of the two must lose.
        let both_loaded = Arc::new(Barrier::new(2));
        let writers = [4, 3].map(|litres| {
            let (store, attempts, both_loaded) = (store.clone(), attempts.clone(), both_loaded.clone());
            tokio::spawn(async move {
                let tries = AtomicU32::new(0);
                let decide = || {
                    attempts.fetch_add(1, Ordering::SeqCst);
                    if tries.fetch_add(1, Ordering::SeqCst) == 0 {
                        block_in_place(|| both_loaded.wait());
                    }
                    Command::Fill(litres)
                };
                let request = request(&format!("round-{round}"), 1);
                let outcome = execute::<Tank, TankEvent>(&*store.log, request, decide).await.unwrap();
                assert!(!outcome.repeated);
                outcome
            })
        });
        let mut levels = Vec::new();
        for writer in writers {
            let outcome = writer.await.unwrap();
            let [TankEvent::Filled { litres, level }] = outcome.events[..] else { panic!("{outcome:?}") };
            levels.push((level, litres));
        }
        levels.sort_unstable();
        let ((first, own), (second, _)) = (levels[0], levels[1]);
        assert_eq!((first, second), (own, 7), "the second was decided on what the first left");
        let (state, revision) =
            load::<Tank, TankEvent>(&*store.log, &request(&format!("round-{round}"), 1).stream)
                .await
                .unwrap();
        assert_eq!((state, revision), (Level(7), 2));
    }
    assert_eq!(attempts.load(Ordering::SeqCst), 50 * 3, "one of two had to decide again, each time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rule_holds_however_many_race() {
    let store = Arc::new(Store::new().await);
    let writers: Vec<_> = (0..16)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                // The client's part: a conflict that outlasts the attempts is sent again.
                let request = request("contested", 1);
                loop {
                    match store.run(&request, Command::Fill(1)).await {
                        Ok(_) => return true,
                        Err(ExecuteError::Refused(Refusal::Overflow)) => return false,
                        Err(ExecuteError::Append(AppendError::Conflict { .. })) => {}
                        Err(other) => panic!("{other:?}"),
                    }
                }
            })
        })
        .collect();
    let mut taken = 0;
    for writer in writers {
        taken += u32::from(writer.await.unwrap());
    }
    assert_eq!(taken, CAPACITY, "never a litre too much, and none refused while there is room");
    let state = load::<Tank, TankEvent>(&*store.log, &request("contested", 1).stream).await.unwrap();
    assert_eq!(state, (Level(CAPACITY), u64::from(CAPACITY)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_always_loses_is_told_at_last() {
    // The rival wins this many times in a row; the command is decided eight times at most.
    for (wins, taken) in [(1, true), (7, true), (8, false)] {
        let store = Store::new().await;
        let one = request("contested", 1);
        let tries = AtomicU32::new(0);
        let decide = || {
            // Between load and append another writer empties the tank, which conflicts.
            if tries.fetch_add(1, Ordering::SeqCst) < wins {
                let rival = Append {
                    id: Uuid::now_v7(),
                    stream: one.stream.clone(),
                    expected: Expected::Any,
                    events: vec![NewEvent {
                        encoded: events::encode(&TankEvent::Emptied {}).unwrap(),
                        subjects: TankEvent::Emptied {}.subjects("contested"),
                        occurred: Occurred::On(day()),
                    }],
                    context: one.context.clone(),
                };
                block_in_place(|| Handle::current().block_on(store.log.append(rival))).unwrap();
            }
            Command::Fill(2)
        };
        let answer = execute::<Tank, TankEvent>(&*store.log, one.clone(), decide).await;
        if taken {
            assert_eq!(answer.unwrap().position, 2 + u64::from(wins));
            assert_eq!(tries.load(Ordering::SeqCst), wins + 1);
        } else {
            assert!(
                matches!(answer, Err(ExecuteError::Append(AppendError::Conflict { actual: 8, .. }))),
                "{answer:?}"
            );
            assert_eq!(tries.load(Ordering::SeqCst), wins);
            assert_eq!(store.log.find_append(one.id).await.unwrap(), []);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_request_many_times_at_once_is_one_command() {
    let store = Arc::new(Store::new().await);
    for round in 0..10 {
        let one = request(&format!("round-{round}"), 1);
        let callers: Vec<_> = (0..8)
            .map(|_| {
                let (store, one) = (store.clone(), one.clone());
                tokio::spawn(async move { store.run(&one, Command::Fill(6)).await.unwrap() })
            })
            .collect();
        let mut outcomes = Vec::new();
        for caller in callers {
            outcomes.push(caller.await.unwrap());
        }
        assert_eq!(outcomes.iter().filter(|o| !o.repeated).count(), 1);
        assert!(outcomes.iter().all(|o| o.position == outcomes[0].position));
        assert!(outcomes.iter().all(|o| o.events == [TankEvent::Filled { litres: 6, level: 6 }]));
    }
    assert_eq!(store.head().await, 1 + 10);
}
