//! A seed gives one history, and what is in it could have happened.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use eventlog::{Direction, Expected, Filter};
use events::{
    Event as _, Occurred,
    delivery::{CaseEvent, Correction},
    directory::Directory,
};

use super::{append::Timed, *};

async fn history(folder: &Path, seed: u64, entries: u64) -> History {
    History::in_folder(folder, seed, entries, |_| {}).await.unwrap()
}

/// What is recorded, but for the nonces, and of entry 1 but for what the log itself made up.
async fn told(history: &History) -> Vec<(eventlog::Header, String)> {
    let (mut entries, mut past, mut ended) = (Vec::new(), 0, false);
    while !ended {
        let page = history.log.read_all(past, Direction::Forwards, &Filter::default(), 10_000).await.unwrap();
        entries.extend(page.entries);
        (past, ended) = (page.through, page.ended);
    }
    let told = |entry: &eventlog::Entry| (entry.header().unwrap(), entry.data().unwrap().get().to_owned());
    entries[1..].iter().map(told).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_seed_makes_the_history() {
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let first = history(folders[0].path(), 1, 2_000).await;
    let again = history(folders[1].path(), 1, 2_000).await;
    let other = history(folders[2].path(), 2, 2_000).await;
    let first_told = told(&first).await;
    assert_eq!(first_told.len(), 1_999);
    assert_eq!(first_told, told(&again).await);
    assert_ne!(first_told, told(&other).await);

    // What is recorded is recorded on the day it happened, and ids grow: that keeps their index small and quick.
    for (header, _) in &first_told {
        let Occurred::At(at) = header.occurred else { panic!("{header:?}") };
        let day = |at: DateTime<Utc>| at.with_timezone(&output::usual_zone()).date_naive();
        assert!(at <= header.recorded_at && day(at) == day(header.recorded_at), "{header:?}");
        assert_eq!(header.append_id.get_version_num(), 7);
    }
    assert!(first_told.is_sorted_by_key(|(header, _)| header.append_id));
    let path = first.log.path().to_owned();
    first.log.close().await;
    let checked = eventlog::check_file(&path, |_| {}).await.unwrap();
    assert_eq!((checked.checked, checked.faults.len()), (2_000, 0));
}

#[tokio::test]
async fn a_history_may_end_anywhere() {
    for entries in [1, 2, 100, 583] {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(history(folder.path(), 1, entries).await.entries, entries);
    }
}

#[derive(Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Received,
    Accepted,
    Decided,
    /// Otherwise than by a decision.
    Closed,
}

/// Where a case stands, as far as the rules of delivery ask for it.
#[derive(Default)]
struct Checked {
    revision: u64,
    at: Option<DateTime<Utc>>,
    agency: String,
    unit: Option<String>,
    handed_to: Option<String>,
    stage: Stage,
    is_paused: bool,
    is_returned: bool,
    is_rated: bool,
}

impl Checked {
    fn take(&mut self, code: &str, event: &CaseEvent, directory: &Directory) {
        let is_open = matches!(self.stage, Stage::Received | Stage::Accepted);
        let is_running = is_open && !self.is_paused;
        let by = event.by();
        if let Some(unit) = &by.unit {
            assert_eq!(directory.units[unit].agency, by.agency);
        }
        if let CaseEvent::Received { case, by, procedure, channel, promise, .. } = event {
            assert!(self.revision == 0 && case == code && channel.is_some());
            assert!(case.starts_with(&format!("{}-", by.agency)));
            assert!(directory.procedures.contains_key(procedure.as_deref().unwrap()));
            let promise = promise.as_ref().unwrap();
            assert!(promise.committed_due <= promise.statutory_due);
            self.agency.clone_from(&by.agency);
            self.unit.clone_from(&by.unit);
            return;
        }
        assert!(self.revision > 0);
        match event {
            CaseEvent::TakenUp { by } => {
                assert_eq!(self.handed_to.take().as_ref(), Some(&by.agency));
                self.agency.clone_from(&by.agency);
                self.unit.clone_from(&by.unit);
            }
            CaseEvent::Assigned { .. } => self.unit.clone_from(&by.unit),
            _ => {}
        }
        assert_eq!((&self.agency, &self.unit), (&by.agency, &by.unit));
        match event {
            CaseEvent::Received { .. } => unreachable!("handled above"),
            CaseEvent::Accepted { .. } => {
                assert!(is_running && self.stage == Stage::Received);
                self.stage = Stage::Accepted;
            }
            CaseEvent::RefusedAtIntake { .. } => {
                assert!(self.stage == Stage::Received);
                self.stage = Stage::Closed;
            }
            CaseEvent::Assigned { assignee, .. } => assert!(is_open && assignee.is_some()),
            CaseEvent::StepDone { step, .. } => assert!(is_running && directory.steps.contains(step)),
            CaseEvent::SupplementRequested { .. } | CaseEvent::Suspended { .. } => {
                assert!(is_running);
                self.is_paused = true;
            }
            CaseEvent::SupplementReceived { promise, .. } | CaseEvent::Resumed { promise, .. } => {
                assert!(is_open && self.is_paused && promise.is_some());
                self.is_paused = false;
            }
            CaseEvent::HandedOver { to_agency, .. } => {
                assert!(is_open && self.handed_to.is_none() && *to_agency != self.agency);
                assert!(directory.agencies.contains_key(to_agency));
                self.handed_to = Some(to_agency.clone());
            }
            CaseEvent::TakenUp { .. } | CaseEvent::DelayApologised { .. } => assert!(is_open),
            CaseEvent::Decided { outcome, .. } => {
                assert!(is_running && self.handed_to.is_none() && outcome.is_some());
                self.stage = Stage::Decided;
            }
            CaseEvent::Withdrawn { .. } => {
                assert!(is_open);
                self.stage = Stage::Closed;
            }
            CaseEvent::ResultReturned { .. } => {
                assert!(self.stage == Stage::Decided && !self.is_returned);
                self.is_returned = true;
            }
            CaseEvent::Rated { rating, .. } => {
                assert!(!is_open && !self.is_rated && (1..=5).contains(rating));
                self.is_rated = true;
            }
            CaseEvent::Corrected { promise, working_days, correction, .. } => {
                assert!(!is_open && promise.is_some() && working_days.is_some());
                assert!(matches!(correction, Correction::Channel { .. } | Correction::Received { .. }));
            }
        }
    }
}

#[test]
fn every_life_is_lawful_and_the_shape_is_that_of_a_province() {
    const ENTRIES: u64 = 60_000;
    let mut appends = Appends::new(1, ENTRIES, output::usual_zone()).unwrap();
    let opening = appends.opening();
    let (mut directory, mut cases) = (Directory::default(), HashMap::<String, Checked>::new());
    let (mut last, mut count, mut most_under_way) = (opening, 1, 0);
    let (mut types, mut officials) = (BTreeMap::<String, u64>::new(), BTreeSet::new());
    while count < ENTRIES {
        let Timed { at, append } = appends.next().unwrap().unwrap();
        assert!(at >= last, "{append:?}");
        last = at;
        most_under_way = most_under_way.max(appends.under_way());
        let stream = append.stream;
        for event in append.events {
            count += 1;
            *types.entry(event.encoded.event_type.clone()).or_default() += 1;
            let data = event.encoded.data.get();
            let text = format!(r#"{{"type":"{}","data":{data}}}"#, event.encoded.event_type);
            if stream.category() != CaseEvent::CATEGORY {
                directory.fold(stream.category(), text.as_bytes()).unwrap();
                continue;
            }
            let case = cases.entry(stream.key().to_owned()).or_default();
            let revision = case.revision;
            let expected = if revision == 0 { Expected::NoStream } else { Expected::Exact(revision) };
            assert_eq!(append.expected, expected);
            assert!(case.at < Some(at), "{stream} at {at}");
            let event: CaseEvent = events::decode(text.as_bytes()).unwrap();
            officials.extend(event.by().official.clone());
            case.take(stream.key(), &event, &directory);
            case.revision += 1;
            case.at = Some(at);
        }
    }

    assert_eq!((directory.agencies.len(), directory.units.len(), directory.procedures.len()), (30, 300, 100));
    let registered = province::Province::new(1).officials();
    assert!((1_900..2_300).contains(&registered) && officials.len() > 1_700, "{}", officials.len());
    let days = (last - opening).num_days();
    assert!((700..760).contains(&days), "{days} days");
    // 1,000 entries that are not of cases, to have a round number.
    let of_cases = ENTRIES - 1_000;
    let per_1000_cases = of_cases * 1_000 / cases.len() as u64;
    assert!((8_000..9_000).contains(&per_1000_cases), "{per_1000_cases}");
    assert!((60..400).contains(&most_under_way), "{most_under_way}");
    for (name, per_mille) in [
        ("CaseDecided", 880..950),
        ("ResultReturned", 860..930),
        ("CaseRefusedAtIntake", 22..38),
        ("SupplementRequested", 65..95),
        ("CaseSuspended", 20..40),
        ("CaseTakenUp", 45..70),
        ("CaseWithdrawn", 13..28),
        ("CaseRated", 250..310),
        ("CaseCorrected", 5..15),
        ("DelayApologised", 15..60),
    ] {
        let share = types[&format!("delivery.{name}.v1")] * 1_000 / cases.len() as u64;
        assert!(per_mille.contains(&share), "{name}: {share} of a thousand cases");
    }
}
