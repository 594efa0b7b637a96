//! The directory in memory is a fold of its events.

use chrono::NaiveDate;
use events::{
    Event,
    directory::{CATEGORIES, DayKind, Days, Directory, Procedure, Terms},
};

use crate::exemplars::{self, Exemplars};

fn fold<E: Event>(directory: &mut Directory, event: &E) {
    let entry = serde_json::to_vec(event).unwrap();
    directory.fold(E::CATEGORY, &entry).unwrap();
}

fn fold_all<E: Event>(directory: &mut Directory, exemplars: Exemplars<E>) {
    for (_, event) in exemplars {
        fold(directory, &event);
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn every_event_of_the_directory_is_folded() {
    let mut directory = Directory::default();
    fold_all(&mut directory, exemplars::agency());
    fold_all(&mut directory, exemplars::unit());
    fold_all(&mut directory, exemplars::procedure());
    fold_all(&mut directory, exemplars::step());
    fold_all(&mut directory, exemplars::days());

    assert_eq!(directory.agencies["H57.18"].vi, "Sở Tài nguyên và Môi trường");
    assert_eq!(directory.units["H57.18.02"].agency, "H57.18");
    assert_eq!(directory.procedures["1.012781"].fields, ["land", "resettlement"]);
    assert!(directory.steps.contains("T02 Check confirmation of receipt"));
    for (date, is_worked) in [("2026-09-01", false), ("2026-01-02", false), ("2026-01-10", true)] {
        assert_eq!(directory.calendar.is_working(day(date)), is_worked, "{date}");
    }
}

#[test]
fn terms_hold_from_their_date_on() {
    let mut directory = Directory::default();
    let (_, defined) = &exemplars::procedure()[0];
    fold(&mut directory, defined);
    for (date, days) in [("2025-01-01", 30), ("2026-07-01", 20)] {
        let (effective_date, procedure) = (day(date), "1.012781".to_owned());
        let terms = Terms { effective_date, statutory_working_days: days, committed_working_days: days / 2 };
        fold(&mut directory, &Procedure::TermsChanged { procedure, terms });
    }
    let record = &directory.procedures["1.012781"];
    let limit = |date| record.terms_on(day(date)).map(|terms| terms.statutory_working_days);
    assert_eq!(limit("2024-12-31"), None);
    assert_eq!(limit("2025-01-01"), Some(30));
    assert_eq!(limit("2026-06-30"), Some(30));
    assert_eq!(limit("2026-07-01"), Some(20));
}

#[test]
fn the_last_word_on_a_day_holds() {
    let mut directory = Directory::default();
    let saturday = day("2026-11-28");
    for (kind, is_worked) in [
        (DayKind::Worked, true),
        (DayKind::Off, false),
        (DayKind::Worked, true),
        (DayKind::WeeklyRule, false),
    ] {
        fold(&mut directory, &Days::Declared { date: saturday, kind });
        assert_eq!(directory.calendar.is_working(saturday), is_worked, "{kind:?}");
    }
}

#[test]
fn other_categories_change_nothing_and_broken_entries_are_told() {
    let mut directory = Directory::default();
    directory.fold("delivery.case", b"not even JSON").unwrap();
    for category in CATEGORIES {
        let error = directory.fold(category, br#"{"type":"directory.Other.v1","data":{}}"#);
        assert_eq!(error.unwrap_err().category, category);
    }
    assert!(directory.agencies.is_empty() && directory.steps.is_empty());
}
