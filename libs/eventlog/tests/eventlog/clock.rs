//! When the log says that it took something: as the clock goes, is set back, or isn't to be told.

use chrono::{DateTime, TimeDelta, Utc};
use eventlog::{
    Append, AppendError, Appended, EventLog as _, Options, PostgresLog, SqliteLog,
    conformance::{
        sample::instant,
        whole::{everything, header},
    },
};

use test_postgres::Role;

use crate::{
    postgres::Place,
    store::{SetClock, Store, append, genesis, record},
};

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

#[tokio::test(flavor = "multi_thread")]
async fn where_clocks_of_two_processes_differ_recorded_at_never_goes_back() {
    let place = Place::new().await;
    let (ahead, behind) = (SetClock::at(instant()), SetClock::at(instant()));
    let open =
        async |clock: &SetClock| PostgresLog::open(&place.of(Role::Service), options(clock)).await.unwrap();
    let (one, other) = (open(&ahead).await, open(&behind).await);
    let take = async |log: &PostgresLog, expected: DateTime<Utc>| {
        log.append(append("a", 1)).await.unwrap();
        let head = log.head().await.unwrap();
        assert_eq!(head.recorded_at, expected, "entry {}", head.position);
    };
    // A little is made good, more is refused, by the one whose clock is behind.
    ahead.step(TimeDelta::seconds(1));
    take(&one, ahead.now()).await;
    take(&other, ahead.now()).await;
    ahead.step(TimeDelta::microseconds(1));
    take(&one, ahead.now()).await;
    let refused = append("b", 1);
    for _ in 0..2 {
        let answer = other.append(refused.clone()).await;
        let Err(AppendError::ClockWentBack { now, last }) = answer else { panic!("{answer:?}") };
        assert_eq!((now, last), (behind.now(), ahead.now()));
    }
    take(&one, ahead.now()).await;

    // Neither does a restart make it right, nor does it go on alone: also where nobody else writes any more.
    one.close().await;
    other.close().await;
    let other = open(&behind).await;
    let answer = other.append(refused.clone()).await;
    assert!(matches!(answer, Err(AppendError::ClockWentBack { .. })), "{answer:?}");
    behind.step(TimeDelta::seconds(5));
    assert!(!other.append(refused).await.unwrap().repeated);
    take(&other, behind.now()).await;
    everything(&*other).await;

    // Set back while it runs.
    behind.step(TimeDelta::seconds(-2));
    let answer = other.append(append("c", 1)).await;
    assert!(matches!(answer, Err(AppendError::ClockWentBack { .. })), "{answer:?}");
    behind.step(TimeDelta::seconds(2));
    take(&other, behind.now()).await;
    everything(&*other).await;
    other.close().await;
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

/// An append that is recorded as of the start of a day.
fn sheltered(key: &str, events: usize, day_start: DateTime<Utc>) -> Append {
    let mut append = append(key, events);
    append.context.day_start = Some(day_start);
    append
}

#[tokio::test]
async fn a_sheltered_entry_is_recorded_as_of_its_day_or_of_the_entry_before() {
    let store = Store::new();
    let clock = SetClock::at(instant());
    let mut log = SqliteLog::open(&store.path(), options(&clock)).await.unwrap();
    // In the zone of the log it's seven in the morning.
    let day = |days| "2026-11-23T17:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::days(days);
    let hours = |hours| clock.step(TimeDelta::hours(hours));
    let take = async |log: &SqliteLog, append: Append, expected: DateTime<Utc>| {
        let appended = log.append(append).await.unwrap();
        let positions: Vec<u64> = (appended.first_position..=appended.last_position).collect();
        for entry in log.read_at(&positions).await.unwrap() {
            assert_eq!(header(&entry).recorded_at, expected, "entry {}", entry.position);
        }
        let head = log.head().await.unwrap();
        assert_eq!((head.position, head.recorded_at), (appended.last_position, expected));
        appended
    };

    hours(1);
    take(&log, sheltered("a", 1, day(0)), instant()).await;
    hours(24);
    let retried = sheltered("a", 2, day(1));
    let first = take(&log, retried.clone(), day(1)).await;
    hours(1);
    // The log's time went back to the day's start for that one only.
    let before = clock.now();
    take(&log, append("b", 1), before).await;
    hours(1);
    take(&log, sheltered("a", 2, day(1)), before).await;
    take(&log, sheltered("b", 1, day(-300)), before).await;

    log.close().await;
    log = SqliteLog::open(&store.path(), options(&clock)).await.unwrap();
    assert_eq!(log.head().await.unwrap().recorded_at, before);
    take(&log, sheltered("a", 1, day(1)), before).await;
    take(&log, append("b", 1), clock.now()).await;
    hours(24);
    // A retry on another day is one still.
    let retry = Append { context: sheltered("a", 0, day(2)).context, ..retried };
    assert_eq!(log.append(retry).await.unwrap(), Appended { repeated: true, ..first });
    take(&log, sheltered("c", 1, day(2)), day(2)).await;
    // A day to come is no reason to run ahead of the clock.
    take(&log, sheltered("c", 1, day(9)), clock.now()).await;
    everything(&*log).await;
}
