//! A clock that is set back.

use chrono::TimeDelta;
use eventlog::{
    AppendError, EventLog as _, Options, SqliteLog,
    conformance::{
        sample::instant,
        whole::{everything, header},
    },
};

use crate::store::{SetClock, Store, append, genesis, record};

fn options(clock: &SetClock) -> Options {
    Options::new(genesis(), clock.clock())
}

#[tokio::test]
async fn a_clock_set_back_ends_in_an_honest_error_and_an_unharmed_log() {
    let store = Store::new();
    let clock = SetClock::at(instant());
    let log = SqliteLog::open(&store.path(), options(&clock)).await.unwrap();
    let known = append("a", 1);
    let first = log.append(known.clone()).await.unwrap();

    clock.step(TimeDelta::microseconds(-1_000_001));
    let refused = append("b", 1);
    for _ in 0..2 {
        let answer = log.append(refused.clone()).await;
        let Err(AppendError::ClockWentBack { now, last }) = answer else { panic!("{answer:?}") };
        assert_eq!((now, last), (clock.now(), instant()));
    }
    // What needs no time goes on: reading, and recognising a repeat.
    assert_eq!(log.append(known).await.unwrap().last_position, first.last_position);
    assert_eq!(everything(&*log).await.len(), 2, "nothing was recorded");

    // A restart doesn't make the clock right.
    log.close().await;
    let log = SqliteLog::open(&store.path(), options(&clock)).await.unwrap();
    let answer = log.append(refused.clone()).await;
    assert!(matches!(answer, Err(AppendError::ClockWentBack { .. })), "{answer:?}");

    clock.step(TimeDelta::seconds(10));
    let appended = log.append(refused).await.unwrap();
    assert_eq!((appended.first_position, appended.repeated), (3, false));
    let entries = everything(&*log).await;
    assert_eq!(header(&entries[2]).recorded_at, clock.now());
}

#[tokio::test]
async fn a_small_step_back_keeps_recorded_at() {
    let store = Store::new();
    let clock = SetClock::at(instant());
    let log = SqliteLog::open(&store.path(), options(&clock)).await.unwrap();
    for (step, expected) in [
        (TimeDelta::zero(), instant()),
        (TimeDelta::seconds(-1), instant()),
        (TimeDelta::milliseconds(999), instant()),
        (TimeDelta::milliseconds(2), instant() + TimeDelta::milliseconds(1)),
    ] {
        clock.step(step);
        let appended = record(&log, "a", 1).await.unwrap();
        let entry = &log.read_at(&[appended.last_position]).await.unwrap()[0];
        assert_eq!(header(entry).recorded_at, expected, "after {step}");
        assert_eq!(log.head().await.unwrap().recorded_at, expected);
    }
}

#[tokio::test]
async fn time_is_cut_to_the_microsecond() {
    let store = Store::new();
    let nanoseconds = instant() + TimeDelta::nanoseconds(999);
    let options = Options::new(genesis(), eventlog::Clock::from_fn(move || nanoseconds));
    let log = SqliteLog::open(&store.path(), options).await.unwrap();
    record(&log, "a", 1).await.unwrap();
    assert_eq!(log.head().await.unwrap().recorded_at, instant());
}
