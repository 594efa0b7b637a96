//! The directory in memory is a fold of its events.

use chrono::NaiveDate;
use events::{
    Event,
    directory::{
        Agency, Body, CATEGORIES, DayKind, Days, Directory, HeadPeriod, Leadership, Official,
        OfficialCategory, Post, Procedure, Status, Terms, Unit,
    },
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
    fold_all(&mut directory, exemplars::post());
    fold_all(&mut directory, exemplars::official());
    fold_all(&mut directory, exemplars::procedure());
    fold_all(&mut directory, exemplars::step());
    fold_all(&mut directory, exemplars::days());

    let (agency, unit) = (&directory.agencies["H57.18"], &directory.units["H57.18.02"]);
    assert_eq!(agency.names.vi, "Sở Nông nghiệp và Môi trường");
    assert_eq!(agency.status, Status::Closed { date: day("2026-07-01") });
    assert_eq!(
        (unit.agency.as_str(), unit.names.en.as_str()),
        ("H57.18", "Branch of the Land Registration Office")
    );
    assert_eq!(unit.status.ended(), Some(day("2026-07-01")));
    let (post, official) = (&directory.posts["H57.18/head"], &directory.officials["cb-0417"]);
    assert_eq!((post.leadership, post.closed), (Leadership::Head, Some(day("2026-07-01"))));
    assert_eq!((official.agency.as_str(), official.party_member), ("H57.20", false));
    assert_eq!(official.left, Some(day("2026-09-01")));
    assert_eq!(directory.procedures["1.012781"].fields, ["land", "resettlement"]);
    assert!(directory.steps.contains("T02 Check confirmation of receipt"));
    for (date, is_worked) in [("2026-09-01", false), ("2026-01-02", false), ("2026-01-10", true)] {
        assert_eq!(directory.calendar.is_working(day(date)), is_worked, "{date}");
    }
}

fn open_agency(directory: &mut Directory, agency: &str) {
    let (agency, name) = (agency.to_owned(), agency.to_owned());
    fold(directory, &Agency::Opened { agency, name_vi: name, name_en: String::new() });
}

fn merge(directory: &mut Directory, agency: &str, into: &str, date: &str) {
    let (agency, into, effective_date) = (agency.to_owned(), into.to_owned(), day(date));
    fold(directory, &Agency::Merged { agency, into, effective_date });
}

fn head_post(directory: &mut Directory, post: &str, agency: &str, unit: Option<&str>) {
    let (post, agency, unit) = (post.to_owned(), agency.to_owned(), unit.map(str::to_owned));
    fold(directory, &Post::Defined { post, agency, unit, leadership: Leadership::Head });
}

fn register(directory: &mut Directory, official: &str, agency: &str) {
    let registered = Official::Registered {
        official: official.to_owned(),
        agency: agency.to_owned(),
        category: OfficialCategory::CivilServant,
        party_member: false,
        name: None,
    };
    fold(directory, &registered);
}

fn appoint(directory: &mut Directory, official: &str, post: &str, from: &str) {
    let (official, post, from_date) = (official.to_owned(), post.to_owned(), day(from));
    fold(directory, &Official::Appointed { official, post, from_date });
}

/// Who headed a body, as `official from..until`.
fn periods(directory: &Directory, body: Body<'_>) -> Vec<String> {
    let shown = |period: HeadPeriod<'_>| {
        let until = period.until.map_or_else(String::new, |until| until.to_string());
        format!("{} {}..{until}", period.official, period.from)
    };
    directory.heads_by_period(body).into_iter().map(shown).collect()
}

#[test]
fn a_merged_agency_stays_readable_and_leads_to_its_successor() {
    let mut directory = Directory::default();
    for agency in ["H57.1", "H57.2", "H57.3", "H57.4"] {
        open_agency(&mut directory, agency);
    }
    merge(&mut directory, "H57.1", "H57.2", "2026-03-01");
    merge(&mut directory, "H57.2", "H57.3", "2026-07-01");
    fold(&mut directory, &Agency::Closed { agency: "H57.4".into(), effective_date: day("2026-07-01") });

    assert_eq!(directory.agencies.len(), 4);
    assert_eq!((directory.successor("H57.1"), directory.successor("H57.2")), ("H57.3", "H57.3"));
    assert_eq!((directory.successor("H57.4"), directory.successor("H57.9")), ("H57.4", "H57.9"));
    assert_eq!(directory.agency_mergers.answered_for("H57.3"), ["H57.3", "H57.2", "H57.1"]);
    let open = |agency| directory.is_open(agency);
    assert!(open("H57.3") && !open("H57.1") && !open("H57.2") && !open("H57.4") && !open("H57.9"));
    let status = &directory.agencies["H57.1"].status;
    assert_eq!(status.merged_into(), Some("H57.2"));
    assert!(status.is_open_on(day("2026-02-28")) && !status.is_open_on(day("2026-03-01")));
}

#[test]
fn a_head_is_followed_by_the_next_and_by_the_head_of_the_agency_merged_into() {
    let mut directory = Directory::default();
    for (agency, head) in [("H57.1", "P1"), ("H57.2", "P2")] {
        open_agency(&mut directory, agency);
        head_post(&mut directory, head, agency, None);
    }
    for (official, agency) in [("o-1", "H57.1"), ("o-2", "H57.1"), ("o-3", "H57.2")] {
        register(&mut directory, official, agency);
    }
    appoint(&mut directory, "o-1", "P1", "2025-01-01");
    appoint(&mut directory, "o-3", "P2", "2025-06-01");
    appoint(&mut directory, "o-2", "P1", "2026-01-01");
    assert_eq!(directory.heads("H57.1", day("2026-01-01")), ["o-2"]);
    merge(&mut directory, "H57.1", "H57.2", "2026-07-01");

    assert_eq!(
        periods(&directory, Body::Agency("H57.1")),
        ["o-1 2025-01-01..2025-12-31", "o-2 2026-01-01..2026-06-30"]
    );
    assert_eq!(periods(&directory, Body::Agency("H57.2")), ["o-3 2025-06-01.."]);
    for (agency, on, expected) in [
        ("H57.1", "2024-12-31", &[][..]),
        ("H57.1", "2025-12-31", &["o-1"]),
        ("H57.1", "2026-06-30", &["o-2"]),
        ("H57.1", "2026-07-01", &["o-3"]),
        ("H57.2", "2026-06-30", &["o-3"]),
        ("H57.2", "2025-05-31", &[]),
        ("H57.9", "2026-07-01", &[]),
    ] {
        assert_eq!(directory.heads(agency, day(on)), expected, "{agency} on {on}");
    }
}

#[test]
fn an_official_holds_one_post_at_a_time() {
    let mut directory = Directory::default();
    open_agency(&mut directory, "H57.1");
    for unit in ["U1", "U2"] {
        let (unit, agency) = (unit.to_owned(), "H57.1".to_owned());
        fold(&mut directory, &Unit::Opened { unit, agency, name_vi: String::new(), name_en: String::new() });
    }
    for (post, unit) in [("P", None), ("P1", Some("U1")), ("P2", Some("U2"))] {
        head_post(&mut directory, post, "H57.1", unit);
    }
    register(&mut directory, "o-1", "H57.1");
    appoint(&mut directory, "o-1", "P1", "2025-01-01");
    appoint(&mut directory, "o-1", "P2", "2025-03-01");
    assert_eq!(directory.officials["o-1"].unit.as_deref(), Some("U2"));
    let moved = |unit: Option<&str>, from| Official::Moved {
        official: "o-1".into(),
        agency: "H57.1".into(),
        unit: unit.map(str::to_owned),
        from_date: day(from),
    };
    // Within the unit that they head, and then out of it.
    fold(&mut directory, &moved(Some("U2"), "2025-04-01"));
    fold(&mut directory, &moved(Some("U1"), "2025-05-01"));
    appoint(&mut directory, "o-1", "P", "2025-06-01");
    // A post of the agency itself is kept in any of its units.
    fold(&mut directory, &moved(Some("U2"), "2025-07-01"));
    fold(&mut directory, &Official::Left { official: "o-1".into(), effective_date: day("2026-01-01") });

    assert_eq!(periods(&directory, Body::Unit("U1")), ["o-1 2025-01-01..2025-02-28"]);
    assert_eq!(periods(&directory, Body::Unit("U2")), ["o-1 2025-03-01..2025-04-30"]);
    assert_eq!(periods(&directory, Body::Agency("H57.1")), ["o-1 2025-06-01..2025-12-31"]);
    assert_eq!(directory.unit_heads("U2", day("2025-04-30")), ["o-1"]);
    let official = &directory.officials["o-1"];
    assert_eq!(official.appointment_on(day("2025-02-01")).unwrap().post, "P1");
    assert_eq!(official.appointment_on(day("2026-01-01")), None);

    // A closed post has no holder any more.
    register(&mut directory, "o-2", "H57.1");
    appoint(&mut directory, "o-2", "P1", "2025-08-01");
    fold(&mut directory, &Post::Closed { post: "P1".into(), effective_date: day("2025-10-01") });
    assert_eq!(
        periods(&directory, Body::Unit("U1")),
        ["o-1 2025-01-01..2025-02-28", "o-2 2025-08-01..2025-09-30"]
    );
}

#[test]
fn what_was_never_opened_stays_unknown() {
    let mut directory = Directory::default();
    merge(&mut directory, "H57.1", "H57.2", "2026-07-01");
    appoint(&mut directory, "o-1", "P1", "2026-01-01");
    fold(&mut directory, &Post::Closed { post: "P1".into(), effective_date: day("2026-07-01") });
    fold(&mut directory, &Unit::Closed { unit: "U1".into(), effective_date: day("2026-07-01") });
    assert!(directory.agencies.is_empty() && directory.units.is_empty());
    assert!(directory.posts.is_empty() && directory.officials.is_empty());
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
