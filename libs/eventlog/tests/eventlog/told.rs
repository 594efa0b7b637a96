//! What callers were told of their appends, and the proof that it's true.

use std::{sync::Arc, time::Duration};

use eventlog::{
    Append, AppendError, Appended, EventLog, Expected, check_postgres,
    conformance::{sample, whole::everything},
};
use test_postgres::Role;

use crate::postgres::Place;

/// An append, and what its caller was told.
pub(crate) struct Told {
    pub(crate) append: Append,
    pub(crate) answer: Result<Appended, AppendError>,
}

impl Told {
    pub(crate) fn is_recorded(&self) -> bool {
        self.answer.is_ok()
    }

    pub(crate) fn is_not_recorded(&self) -> bool {
        matches!(self.answer, Err(AppendError::Unreachable { .. }))
    }

    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self.answer, Err(AppendError::Unavailable { .. }))
    }
}

/// An append of some steps to a new case.
pub(crate) fn fresh(events: usize) -> Append {
    let key = uuid::Uuid::now_v7().to_string();
    sample::append(&sample::case(&key), Expected::NoStream, sample::steps(events))
}

/// Sends an append for the first time. An answer that says it's a repeat is wrong.
pub(crate) async fn send(log: Arc<dyn EventLog>, append: Append) -> Told {
    let answer = log.append(append.clone()).await;
    match &answer {
        Ok(appended) => assert!(!appended.repeated, "it was sent once: {appended:?}"),
        Err(AppendError::Unreachable { .. } | AppendError::Unavailable { .. }) => {}
        Err(error) => panic!("it's new and right: {error:?}"),
    }
    Told { append, answer }
}

/// Looks up what became of each, with a log that nothing hinders: recorded is there, not recorded is not there,
/// unknown is there whole or not at all. Then sends all of them again, and each is recorded once. The log has these
/// and what opened it, and nothing else.
pub(crate) async fn is_true(place: &Place, all: &[Told]) {
    let log = place.open().await;
    for told in all {
        let positions = positions(&*log, &told.append).await;
        match &told.answer {
            Ok(appended) => assert_eq!(positions, range(appended), "{:?}", told.answer),
            Err(_) if told.is_not_recorded() => {
                assert!(positions.is_empty(), "{:?}: {positions:?}", told.answer);
            }
            Err(_) => {
                assert!(positions.is_empty() || positions.len() == told.append.events.len(), "{positions:?}");
            }
        }
        let again = log.append(told.append.clone()).await.unwrap();
        assert_eq!(again.repeated, !positions.is_empty());
        if again.repeated {
            assert_eq!(range(&again), positions);
        }
    }
    let events: usize = all.iter().map(|told| told.append.events.len()).sum();
    assert_eq!(everything(&*log).await.len(), 1 + events);
    log.close().await;
    assert_eq!(check_postgres(&place.of(Role::Service), |_| {}).await.unwrap().faults, []);
}

fn range(appended: &Appended) -> Vec<u64> {
    (appended.first_position..=appended.last_position).collect()
}

pub(crate) async fn positions(log: &dyn EventLog, append: &Append) -> Vec<u64> {
    log.find_append(append.id).await.unwrap().iter().map(|entry| entry.position).collect()
}

/// Waits until an append is in the database, though nobody was told.
pub(crate) async fn until_recorded(log: &dyn EventLog, append: &Append) -> Vec<u64> {
    let looking = async {
        loop {
            let found = positions(log, append).await;
            if !found.is_empty() {
                return found;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), looking).await.expect("it's recorded soon")
}
