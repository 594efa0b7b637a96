//! What the shipped rulebooks say of discipline, at the dates around their changes.

use std::collections::BTreeSet;

use rulebook::Calendar;
use rulebook::law::{
    AskedDiscipline, Complexity, Duty, Limit, Moment, Moments, PersonClass, Rule, Start, Track,
};

use super::{book, day};

const OFFICE: [PersonClass; 3] = [PersonClass::Cadre, PersonClass::CivilServant, PersonClass::PublicEmployee];
const EXEMPT: [&str; 4] =
    ["party_expulsion", "internal_political_protection", "national_interest", "fake_diploma"];

fn office(duty: Duty) -> AskedDiscipline<'static> {
    let (track, person) = (Track::Administrative, PersonClass::CivilServant);
    AskedDiscipline { duty, track, person, leads: false, form: None }
}

fn party(duty: Duty) -> AskedDiscipline<'static> {
    AskedDiscipline { track: Track::Party, person: PersonClass::PartyMember, ..office(duty) }
}

/// A violation, its discovery and the decision, all on one day.
fn at_once(on: &str) -> Moments {
    Moments { violation: None, discovery: None, decision: day(on) }
}

/// Three days: of the violation, the discovery and the decision.
fn days(violation: &str, discovery: &str, decision: &str) -> Moments {
    Moments { violation: Some(day(violation)), discovery: Some(day(discovery)), decision: day(decision) }
}

fn found(jurisdiction: &str, asked: AskedDiscipline<'_>, moments: Moments) -> Option<Rule> {
    book(jurisdiction).find_discipline(asked, moments).cloned()
}

fn vn(asked: AskedDiscipline<'_>, moments: Moments) -> Option<Rule> {
    found("VN", asked, moments)
}

#[test]
fn limitation_is_that_of_the_day_of_the_violation() {
    // The violation, the months of a reprimand and of other forms, and whether some grounds have none.
    for (violation, reprimand, other, is_exempt) in [
        ("2010-01-01", 24, 24, false),
        ("2020-06-30", 24, 24, false),
        ("2020-07-01", 24, 60, true),
        ("2023-09-19", 24, 60, true),
        ("2023-09-20", 60, 120, true),
        ("2026-07-01", 60, 120, true),
    ] {
        // Long before the decision, whose day has a law of its own.
        let moments = days(violation, "2026-07-01", "2026-07-02");
        for person in OFFICE {
            for (form, months) in [
                (Some("reprimand"), reprimand),
                (Some("warning"), other),
                (Some("removal"), other),
                (None, other),
            ] {
                for leads in [false, true] {
                    let asked = AskedDiscipline { person, leads, form, ..office(Duty::Limitation) };
                    let rule = vn(asked, moments).expect("in force");
                    assert_eq!(rule.months, Some(months), "{violation} {form:?}");
                    assert_eq!(rule.exempt, if is_exempt { &EXEMPT[..] } else { &[] }, "{violation}");
                    assert_eq!((rule.moment(), rule.verified), (Moment::Violation, true));
                    assert_eq!(rule.counts_from, None);
                }
            }
        }
    }
    assert_eq!(vn(office(Duty::Limitation), at_once("2009-12-31")), None);
    // Where the violation has no day, that of its discovery stands in, and then that of the decision.
    let months = |discovery: Option<&str>| {
        let moments = Moments { violation: None, discovery: discovery.map(day), decision: day("2023-09-20") };
        vn(office(Duty::Limitation), moments).and_then(|rule| rule.months)
    };
    assert_eq!((months(Some("2020-06-30")), months(None)), (Some(24), Some(120)));
}

#[test]
fn limitation_ends_on_a_day() {
    let ends = |violation: &str, form| {
        let asked = AskedDiscipline { form, ..office(Duty::Limitation) };
        vn(asked, at_once(violation)).and_then(|rule| rule.term_ends(day(violation)))
    };
    assert_eq!(ends("2020-06-30", None), Some(day("2022-06-30")));
    assert_eq!(ends("2020-07-01", None), Some(day("2025-07-01")));
    assert_eq!(ends("2020-07-01", Some("reprimand")), Some(day("2022-07-01")));
    assert_eq!(ends("2024-02-29", Some("reprimand")), Some(day("2029-02-28")));
    assert_eq!(ends("2024-02-29", Some("dismissal")), Some(day("2034-02-28")));
}

#[test]
fn the_party_has_yardsticks_of_limitation() {
    for (form, months) in [
        (None, Some(120)),
        (Some("warning"), Some(120)),
        (Some("removal"), Some(120)),
        (Some("reprimand"), Some(60)),
        (Some("expulsion"), None),
    ] {
        let asked = AskedDiscipline { form, ..party(Duty::Limitation) };
        let rule = vn(asked, at_once("2022-07-06")).expect("in force");
        assert_eq!(
            (rule.months, rule.verified, rule.moment()),
            (months, false, Moment::Violation),
            "{form:?}"
        );
        assert_eq!(rule.words().starts_with("no limitation"), months.is_none(), "{}", rule.words());
        assert!(rule.cite().starts_with("Regulation 69-QD/TW"), "{}", rule.cite());
        assert_eq!(vn(asked, at_once("2022-07-05")), None);
    }
}

#[test]
fn a_sanction_is_decided_on_in_ninety_days_or_in_a_hundred_and_fifty() {
    let handle = vn(office(Duty::Handle), days("2012-01-01", "2020-07-01", "2020-08-01")).expect("in force");
    // By the day of the discovery, whatever the others are.
    assert_eq!(vn(office(Duty::Handle), days("2012-01-01", "2020-06-30", "2026-08-01")), None);
    assert_eq!((handle.moment(), handle.counts_from), (Moment::Discovery, Some(Start::Discovery)));
    assert_eq!(handle.limit, Some(Limit { days: 90, working: false }));
    let extended = |when, times| handle.extended(when, times).map(|limit| limit.days);
    assert_eq!(extended(Complexity::Complex, 1), Some(150));
    assert_eq!((extended(Complexity::Complex, 2), extended(Complexity::EspeciallyComplex, 1)), (None, None));
    assert_eq!(handle.pauses, ["serious_illness", "maternity", "child_under_12_months", "detention"]);
    assert!(handle.verified);
    // Ninety days after a Friday, on a Thursday.
    let due = handle.limit.map(|limit| limit.due(&Calendar::vietnam(), day("2026-03-06")));
    assert_eq!(due, Some(Ok(day("2026-06-04"))));
    let party = vn(party(Duty::Handle), at_once("2026-07-01")).expect("in force");
    assert_eq!((party.limit, party.verified), (handle.limit, false));
}

/// Class, whether they lead, the forms until 2025-06-30 and those since, and whether the latter are verified.
type Forms = (PersonClass, bool, &'static [&'static str], &'static [&'static str], bool);

#[test]
fn the_forms_of_sanction_are_those_of_the_day_of_the_decision() {
    let (before, after) = ("2025-06-30", "2025-07-01");
    let rows: [Forms; 6] = [
        (
            PersonClass::Cadre,
            false,
            &["reprimand", "warning", "removal", "removal_from_office"],
            &["reprimand", "warning", "removal", "removal_from_office"],
            true,
        ),
        (
            PersonClass::Cadre,
            true,
            &["reprimand", "warning", "removal", "removal_from_office"],
            &["reprimand", "warning", "removal", "removal_from_office"],
            true,
        ),
        (
            PersonClass::CivilServant,
            false,
            &["reprimand", "warning", "salary_cut", "dismissal"],
            &["reprimand", "warning", "dismissal"],
            true,
        ),
        (
            PersonClass::CivilServant,
            true,
            &["reprimand", "warning", "salary_cut", "demotion", "removal", "dismissal"],
            &["reprimand", "warning", "removal", "dismissal"],
            true,
        ),
        // The decree names cadres and civil servants only.
        (
            PersonClass::PublicEmployee,
            false,
            &["reprimand", "warning", "termination"],
            &["reprimand", "warning", "termination"],
            false,
        ),
        (
            PersonClass::PublicEmployee,
            true,
            &["reprimand", "warning", "removal", "termination"],
            &["reprimand", "warning", "removal", "termination"],
            false,
        ),
    ];
    for (person, leads, old, new, is_verified) in rows {
        let asked = AskedDiscipline { person, leads, ..office(Duty::Sanction) };
        for (decision, forms, is_verified, source) in
            [(before, old, false, "Law on"), (after, new, is_verified, "Decree 172/2025/ND-CP")]
        {
            // The violation and its discovery lie on the other side of the change, or on this one.
            for earlier in ["2024-03-01", decision] {
                let rule = vn(asked, days(earlier, earlier, decision)).expect("in force");
                assert_eq!(rule.forms, forms, "{person:?} {leads} {decision}");
                assert_eq!(
                    (rule.verified, rule.moment()),
                    (is_verified, Moment::Decision),
                    "{person:?} {decision}"
                );
                assert!(rule.source.starts_with(source), "{}", rule.source);
                assert_eq!(rule.requires, ["council", "hearing"]);
            }
        }
    }
    let leader = AskedDiscipline { leads: true, ..office(Duty::Sanction) };
    let late = vn(leader, days("2024-05-01", "2024-06-01", "2025-08-01")).expect("in force");
    assert_eq!(late.cite(), "Decree 172/2025/ND-CP");
}

#[test]
fn the_party_has_forms_for_members_and_for_organisations() {
    for (person, forms) in [
        (PersonClass::PartyMember, &["reprimand", "warning", "removal", "expulsion"][..]),
        (PersonClass::PartyOrganisation, &["reprimand", "warning", "dissolution"]),
    ] {
        for leads in [false, true] {
            let asked = AskedDiscipline { person, leads, ..party(Duty::Sanction) };
            let rule = vn(asked, at_once("2022-07-06")).expect("in force");
            assert_eq!(
                (rule.forms.iter().map(String::as_str).collect::<Vec<_>>(), rule.verified),
                (forms.into(), true)
            );
            assert_eq!(rule.requires, ["hearing"]);
            assert_eq!(vn(asked, at_once("2022-07-05")), None);
            assert_eq!(
                vn(AskedDiscipline { track: Track::Administrative, ..asked }, at_once("2026-01-01")),
                None
            );
        }
    }
    assert_eq!(
        vn(AskedDiscipline { track: Track::Party, ..office(Duty::Sanction) }, at_once("2026-01-01")),
        None
    );
}

#[test]
fn circumstances_the_head_and_exoneration() {
    let cases = [
        (Duty::Weigh, "2022-07-05", "2022-07-06"),
        (Duty::HeadLiability, "2019-06-30", "2019-07-01"),
        (Duty::Exonerate, "2023-08-17", "2023-08-18"),
        (Duty::Apologise, "2023-08-17", "2023-08-18"),
        (Duty::Restore, "2023-08-17", "2023-08-18"),
    ];
    for (duty, before, since) in cases {
        for asked in [office(duty), party(duty)] {
            assert_eq!(vn(asked, at_once(before)), None, "{duty:?}");
            let rule = vn(asked, at_once(since)).expect("in force");
            let is_read = match duty {
                Duty::Weigh | Duty::HeadLiability => true,
                // Of the Party's regulation that was read; until when was not.
                Duty::Exonerate => asked.track == Track::Party,
                _ => false,
            };
            assert_eq!(rule.verified, is_read, "{duty:?} {:?}", asked.track);
            match duty {
                Duty::Weigh => {
                    assert_eq!(rule.mitigates, ["voluntary_self_report"]);
                    assert_eq!(rule.aggravates, ["retaliation", "obstruction"]);
                }
                Duty::HeadLiability => {
                    assert_eq!(rule.permits, ["direct", "joint"]);
                    assert_eq!(rule.place(), "Law on Anti-Corruption 36/2018/QH14, art. 70-73");
                    assert_eq!(rule.moment(), Moment::Violation);
                }
                Duty::Exonerate => assert_eq!(rule.permits, ["apology", "restoration"]),
                _ => {
                    assert_eq!(rule.limit, Some(Limit { days: 30, working: false }));
                    assert_eq!(rule.counts_from, Some(Start::Exoneration));
                }
            }
        }
    }
}

#[test]
fn yardsticks_of_discipline_are_named_as_such() {
    for (duty, days, working, start) in [
        (Duty::Open, 15, false, Start::Finding),
        (Duty::Convene, 30, false, Start::Opening),
        (Duty::Execute, 5, true, Start::Decision),
        (Duty::AppealSanction, 15, false, Start::Decision),
        (Duty::AnswerAppeal, 30, false, Start::Appeal),
    ] {
        let rule = vn(office(duty), at_once("2026-07-01")).expect("in force");
        assert_eq!((rule.limit, rule.counts_from), (Some(Limit { days, working }), Some(start)), "{duty:?}");
        assert!(!rule.verified && rule.cite().ends_with(" (unverified)"));
        assert!(["yardstick", "emembered"].iter().any(|word| rule.note.contains(word)), "{}", rule.note);
        let days = if duty == Duty::AppealSanction { 30 } else { days };
        let rule = vn(party(duty), at_once("2026-07-01")).expect("in force");
        assert_eq!(rule.limit, Some(Limit { days, working }), "{duty:?}");
    }
    for asked in [office(Duty::Clear), party(Duty::Clear)] {
        let clear = vn(asked, at_once("2026-07-01")).expect("in force");
        assert_eq!(
            (clear.months, clear.counts_from, clear.verified),
            (Some(12), Some(Start::Decision), false)
        );
        assert_eq!(clear.term_ends(day("2026-08-31")), Some(day("2027-08-31")));
    }
    for asked in [office(Duty::Parallel), party(Duty::Parallel)] {
        let parallel = vn(asked, at_once("2026-07-01")).expect("in force");
        assert_eq!((parallel.waits_for, parallel.verified), (None, false));
    }
}

#[test]
fn every_duty_of_discipline_has_a_rule_of_each_track() {
    for duty in Duty::ALL.into_iter().filter(|duty| duty.is_discipline()) {
        for asked in [office(duty), party(duty)] {
            assert!(vn(asked, at_once("2026-07-01")).is_some(), "{asked:?}");
        }
    }
}

#[test]
fn what_selects_is_named_and_not_verified() {
    for book in ["VN", "US-PHL"].map(book) {
        for rule in book.rules() {
            assert_eq!(rule.selected_by.is_some(), rule.duty.is_discipline(), "{}", rule.id);
            if rule.duty.is_discipline() {
                assert!(!rule.selected_by_source.is_empty(), "{}", rule.id);
                assert!(
                    rule.note.contains("selects is") && rule.note.ends_with("(unverified)."),
                    "{}",
                    rule.note
                );
            }
        }
    }
}

#[test]
fn philadelphia_has_forms_and_nothing_else() {
    let forms = ["training_counseling", "reprimand", "suspension", "demotion", "transfer", "dismissal"];
    for leads in [false, true] {
        let of = |duty| AskedDiscipline { person: PersonClass::PoliceOfficer, leads, ..office(duty) };
        let rule = found("US-PHL", of(Duty::Sanction), at_once("2000-01-01")).expect("in force");
        assert_eq!(rule.forms, forms);
        assert!(!rule.verified && rule.requires.is_empty() && rule.note.contains("register"));
        assert_eq!(found("US-PHL", of(Duty::Sanction), at_once("1999-12-31")), None);
        let duties: BTreeSet<_> = Duty::ALL
            .into_iter()
            .filter(|duty| found("US-PHL", of(*duty), at_once("2018-03-29")).is_some())
            .collect();
        assert_eq!(duties, [Duty::Sanction].into());
    }
    assert_eq!(found("US-PHL", office(Duty::Sanction), at_once("2018-03-29")), None);
}
