//! Rules of discipline: what is refused, which moment selects, and which of several answers.

use chrono::{Days, NaiveDate};
use proptest::prelude::*;
use rulebook::law::{
    Asked, AskedDiscipline, Duty, Kind, LawError, Lawbook, Lawbooks, Moment, Moments, PersonClass, Rule,
    Start, Track,
};

use super::{day, many, one};

/// A rule of discipline with what every one needs, where it isn't given.
pub(super) fn rule(id: &str, duty: Duty, more: &str) -> String {
    let has = |field: &str| more.lines().any(|line| line.starts_with(&format!("{field} =")));
    let mut text = format!("id = '{id}'\nduty = '{}'\n{more}\n", duty.as_str());
    for (field, value) in [("selected_by", "'decision'"), ("selected_by_source", "'A law'")] {
        if !has(field) {
            text.extend([field, " = ", value, "\n"]);
        }
    }
    if duty == Duty::Sanction && !has("forms") {
        text += "forms = ['reprimand']\n";
    }
    text
}

fn book(rules: &[String]) -> Result<Lawbook, LawError> {
    many(&rules.iter().map(String::as_str).collect::<Vec<_>>())
}

fn asked(duty: Duty) -> AskedDiscipline<'static> {
    let (track, person) = (Track::Administrative, PersonClass::CivilServant);
    AskedDiscipline { duty, track, person, leads: false, form: None }
}

/// The moments of these days; an empty one isn't known.
fn moments(violation: &str, discovery: &str, decision: &str) -> Moments {
    let known = |text: &str| (!text.is_empty()).then(|| day(text));
    Moments { violation: known(violation), discovery: known(discovery), decision: day(decision) }
}

#[test]
fn words_of_discipline_are_those_of_serde() {
    for track in Track::ALL {
        assert_eq!(Track::parse(track.as_str()), Some(track));
        let book = one(&rule("x", Duty::Open, &format!("track = '{}'", track.as_str()))).expect("a word");
        assert_eq!(book.rules()[0].track, Some(track));
    }
    for person in PersonClass::ALL {
        assert_eq!(PersonClass::parse(person.as_str()), Some(person));
        let book = one(&rule("x", Duty::Open, &format!("person = '{}'", person.as_str()))).expect("a word");
        assert_eq!(book.rules()[0].person, Some(person));
    }
    for moment in Moment::ALL {
        assert_eq!(Moment::parse(moment.as_str()), Some(moment));
        let text = rule("x", Duty::Open, &format!("selected_by = '{}'", moment.as_str()));
        assert_eq!(one(&text).expect("a word").rules()[0].moment(), moment);
    }
    for start in Start::ALL {
        assert_eq!(Start::parse(start.as_str()), Some(start));
        let more = format!("limit = {{ days = 1 }}\ncounts_from = '{}'", start.as_str());
        assert_eq!(one(&rule("x", Duty::Open, &more)).expect("a word").rules()[0].counts_from, Some(start));
    }
    assert_eq!((Track::parse("Party"), PersonClass::parse("")), (None, None));
    assert_eq!((Moment::parse("opening"), Start::parse("violation")), (None, None));
    let ordinary = Duty::ALL.iter().filter(|duty| !duty.is_discipline()).count();
    assert_eq!((ordinary, Duty::ALL.len()), (9, 24));
}

#[test]
fn what_is_not_known_is_taken_from_the_next_later_day() {
    let (violation, discovery, decision) = ("2019-05-01", "2021-06-01", "2024-07-01");
    for (known, expected) in [
        (moments(violation, discovery, decision), [violation, discovery, decision]),
        (moments("", discovery, decision), [discovery, discovery, decision]),
        (moments(violation, "", decision), [violation, decision, decision]),
        (moments("", "", decision), [decision, decision, decision]),
    ] {
        assert_eq!(Moment::ALL.map(|moment| known.on(moment)), expected.map(day), "{known:?}");
    }
}

#[test]
fn a_term_of_months_ends_on_the_same_day_or_the_last_one() {
    let term = |months: u32| {
        let text = rule("x", Duty::Limitation, &format!("months = {months}"));
        one(&text).expect("a term").rules()[0].clone()
    };
    for (months, from, ends) in [
        (24, "2018-03-15", "2020-03-15"),
        (1, "2026-01-31", "2026-02-28"),
        (1, "2024-01-31", "2024-02-29"),
        (12, "2024-02-29", "2025-02-28"),
        (120, "2023-09-20", "2033-09-20"),
    ] {
        assert_eq!(term(months).term_ends(day(from)), Some(day(ends)), "{months} months from {from}");
    }
    assert_eq!(term(600).term_ends(NaiveDate::MAX), None);
    let without = one(&rule("x", Duty::Limitation, "")).expect("no limitation");
    assert_eq!(without.rules()[0].term_ends(day("2026-01-01")), None);
}

#[test]
fn the_moment_a_rule_names_selects_it() {
    for (moment, found) in [("violation", "old"), ("discovery", "old"), ("decision", "new")] {
        let version = |word: &str, more: &str| {
            rule("x", Duty::Weigh, &format!("mitigates = ['{word}']\nselected_by = '{moment}'\n{more}"))
        };
        let old = version("old", "from = 2020-01-01\nuntil = 2025-06-30");
        let book = book(&[old, version("new", "from = 2025-07-01")]).expect("one version after another");
        let says = |moments| {
            let rule = book.find_discipline(asked(Duty::Weigh), moments);
            rule.map(|rule| rule.mitigates[0].as_str())
        };
        assert_eq!(says(moments("2025-06-29", "2025-06-30", "2025-07-01")), Some(found), "{moment}");
        assert_eq!(says(moments("2019-12-30", "2019-12-31", "2019-12-31")), None, "{moment}");
        // On the last day of one version and the first of the next.
        for (on, found) in [("2025-06-30", "old"), ("2025-07-01", "new")] {
            assert_eq!(says(moments("", "", on)), Some(found), "{moment}");
        }
    }
}

#[test]
fn conditions_part_who_is_asked_for() {
    let conditions = [
        ("any", ""),
        ("track", "track = 'administrative'"),
        ("person", "track = 'administrative'\nperson = 'cadre'"),
        ("leads", "track = 'administrative'\nperson = 'cadre'\nleads = true"),
        ("form", "track = 'administrative'\nperson = 'cadre'\nleads = true\nform = 'removal'"),
    ];
    let rules = conditions.map(|(id, conditions)| rule(id, Duty::Limitation, conditions));
    let backwards: Vec<_> = rules.iter().rev().cloned().collect();
    for rules in [rules.to_vec(), backwards] {
        let book = book(&rules).expect("each is narrower than the one before");
        let find = |track, person, leads, form| {
            let asked = AskedDiscipline { duty: Duty::Limitation, track, person, leads, form };
            book.find_discipline(asked, moments("", "", "2026-01-01")).map(|rule| rule.id.as_str())
        };
        let (office, cadre) = (Track::Administrative, PersonClass::Cadre);
        assert_eq!(find(Track::Party, cadre, true, Some("removal")), Some("any"));
        assert_eq!(find(office, PersonClass::CivilServant, true, Some("removal")), Some("track"));
        assert_eq!(find(office, cadre, false, Some("removal")), Some("person"));
        assert_eq!(find(office, cadre, true, Some("warning")), Some("leads"));
        assert_eq!(find(office, cadre, true, None), Some("leads"));
        assert_eq!(find(office, cadre, true, Some("removal")), Some("form"));
    }
}

#[test]
fn neither_question_is_answered_by_the_rules_of_the_other() {
    let rules: Vec<_> = Duty::ALL
        .into_iter()
        .map(|duty| {
            if duty.is_discipline() {
                rule(duty.as_str(), duty, "")
            } else {
                format!("id = '{0}'\nduty = '{0}'\n", duty.as_str())
            }
        })
        .collect();
    let book = book(&rules).expect("one rule a duty");
    for duty in Duty::ALL {
        let ordinary = Asked { kind: Kind::Complaint, duty, instance: 1, remote: false };
        let on = day("2026-01-01");
        assert_eq!(book.find(ordinary, on).is_some(), !duty.is_discipline(), "{duty:?}");
        let found = book.find_discipline(asked(duty), moments("", "", "2026-01-01"));
        assert_eq!(found.is_some(), duty.is_discipline(), "{duty:?}");
    }
}

#[test]
fn a_rule_of_discipline_says_all_it_has() {
    let says = |duty, more: &str| one(&rule("x", duty, more)).expect(more).rules()[0].words();
    let by = "; selected by the decision (A law)";
    for (duty, more, words) in [
        (
            Duty::Handle,
            "limit = { days = 90 }\nextensions = [{ when = 'complex', times = 1, days = 60 }]\n\
             counts_from = 'discovery'\npauses = ['detention']\nrequires = ['hearing']\ntrack = 'party'",
            "90 days from the discovery, +60 once if complex; requires hearing; paused by detention; for party",
        ),
        (Duty::Limitation, "months = 24\nexempt = ['fake_diploma']", "24 months; exempt: fake_diploma"),
        (
            Duty::Limitation,
            "person = 'cadre'\nleads = false\nform = 'removal'",
            "no limitation; for cadre, others than leaders, the form removal",
        ),
        (Duty::Clear, "months = 1\ncounts_from = 'decision'", "1 month from the decision"),
        (Duty::Sanction, "leads = true", "forms: reprimand; for leaders"),
        (Duty::Weigh, "mitigates = ['a']\naggravates = ['b', 'c']", "mitigated by a; aggravated by b, c"),
        (Duty::Parallel, "", "waits for no other track"),
        (
            Duty::Parallel,
            "track = 'party'\nwaits_for = 'administrative'",
            "waits for the track administrative; for party",
        ),
    ] {
        assert_eq!(says(duty, more), format!("{words}{by}"));
    }
}

#[test]
fn what_makes_no_sense_in_discipline_is_refused() {
    let refused = |text: &str, wanted: &str| {
        let error = one(text).expect_err(text);
        let LawError::Field { field, .. } = error else { panic!("{text}: {error}") };
        assert_eq!(field, wanted, "{text}");
    };
    refused("id = 'x'\nduty = 'open'\nselected_by_source = 'A law'", "selected_by");
    refused("id = 'x'\nduty = 'open'\nselected_by = 'violation'", "selected_by_source");
    for (wanted, duty, more) in [
        ("selected_by_source", Duty::Open, "selected_by_source = ' '"),
        ("kind", Duty::Open, "kind = 'complaint'"),
        ("instance", Duty::Open, "instance = 1"),
        ("remote", Duty::Open, "remote = false"),
        ("form", Duty::Limitation, "form = 'Reprimand'"),
        ("forms", Duty::Sanction, "forms = []"),
        ("forms", Duty::Sanction, "forms = ['warning', 'warning']"),
        ("forms", Duty::Sanction, "forms = ['a warning']"),
        ("forms", Duty::Open, "forms = ['warning']"),
        ("months", Duty::Limitation, "months = 0"),
        ("months", Duty::Limitation, "months = 601"),
        ("months", Duty::Handle, "months = 2"),
        ("exempt", Duty::Clear, "exempt = ['fake_diploma']"),
        ("exempt", Duty::Limitation, "exempt = ['']"),
        ("pauses", Duty::Handle, "pauses = ['detention']"),
        ("requires", Duty::Open, "requires = ['hearing']"),
        ("requires", Duty::Sanction, "requires = ['oath']"),
        ("requires", Duty::Sanction, "requires = ['council', 'council']"),
        ("mitigates", Duty::Sanction, "mitigates = ['youth']"),
        ("aggravates", Duty::Sanction, "aggravates = ['rank']"),
        ("aggravates", Duty::Weigh, "aggravates = ['rank', 'rank']"),
        ("waits_for", Duty::Open, "waits_for = 'party'"),
        ("waits_for", Duty::Parallel, "track = 'party'\nwaits_for = 'party'"),
        ("counts_from", Duty::Open, "limit = { days = 1 }"),
        ("counts_from", Duty::Clear, "months = 1"),
        ("counts_from", Duty::Limitation, "months = 1\ncounts_from = 'discovery'"),
        ("counts_from", Duty::Open, "counts_from = 'finding'"),
        ("limit", Duty::Open, "limit = { days = 0 }\ncounts_from = 'finding'"),
        ("reasons", Duty::Open, "reasons = ['other']"),
    ] {
        refused(&rule("x", duty, more), wanted);
    }
    // What only discipline has is refused of every other duty.
    for more in [
        "track = 'party'",
        "person = 'cadre'",
        "leads = true",
        "form = 'warning'",
        "forms = ['warning']",
        "months = 1",
        "exempt = ['fake_diploma']",
        "pauses = ['detention']",
        "requires = ['hearing']",
        "mitigates = ['youth']",
        "aggravates = ['rank']",
        "waits_for = 'party'",
        "selected_by = 'decision'",
        "selected_by_source = 'A law'",
        "counts_from = 'finding'",
    ] {
        let field = more.split(' ').next().unwrap();
        refused(&format!("id = 'x'\nduty = 'accept'\n{more}"), field);
    }
    for more in [
        "track = 'Party'",
        "person = 'minister'",
        "leads = 1",
        "form = ['a']",
        "months = -1",
        "counts_from = 'violation'",
        "selected_by = 'appeal'",
        "waits_for = 'court'",
        "forms = 'warning'",
    ] {
        let error = one(&rule("x", Duty::Open, more)).expect_err(more);
        assert!(matches!(error, LawError::Toml(_)), "{more}: {error}");
    }
}

#[test]
fn two_answers_to_one_question_of_discipline_are_refused() {
    let both = |one: &str, other: &str| {
        book(&[rule("a", Duty::Limitation, one), rule("b", Duty::Limitation, other)])
    };
    for (one, other) in [
        ("", ""),
        ("track = 'party'", "track = 'party'"),
        ("track = 'party'", "person = 'party_member'"),
        ("person = 'cadre'", "leads = true"),
        ("leads = true", "form = 'warning'"),
        ("track = 'party'\nform = 'warning'", "person = 'party_member'"),
        ("until = 2020-06-30", "from = 2020-06-30"),
    ] {
        let error = both(one, other).expect_err(one);
        let on = day(if other.contains("from") { "2020-06-30" } else { "2020-01-01" });
        assert_eq!(error, LawError::Overlap { one: "a".into(), other: "b".into(), on }, "{one} / {other}");
    }
    for (one, other) in [
        ("track = 'party'", "track = 'administrative'"),
        ("person = 'cadre'", "person = 'civil_servant'"),
        ("leads = true", "leads = false"),
        ("form = 'warning'", "form = 'reprimand'"),
        ("", "form = 'warning'"),
        ("until = 2020-06-30", "from = 2020-07-01"),
        // Who asks for a narrower rule gets it, whatever selects the wider one.
        ("selected_by = 'violation'", "track = 'party'"),
        ("track = 'party'\nselected_by = 'violation'", "track = 'administrative'"),
    ] {
        assert!(both(one, other).is_ok(), "{one} / {other}");
    }
}

/// A violation of 2019 that is decided on in 2025 would be under both.
#[test]
fn dates_part_no_rules_of_different_moments() {
    let until = |moment: &str| format!("selected_by = '{moment}'\nuntil = 2020-06-30");
    let from = |moment: &str| format!("selected_by = '{moment}'\nfrom = 2020-07-01");
    let pair = |id: &str, one: &str, other: &str| {
        book(&[rule("a", Duty::Weigh, &until(one)), rule(id, Duty::Weigh, &from(other))])
    };
    for one in Moment::ALL {
        for other in Moment::ALL {
            let (versions, rules) =
                (pair("a", one.as_str(), other.as_str()), pair("b", one.as_str(), other.as_str()));
            if one == other {
                assert!(versions.is_ok() && rules.is_ok(), "{one:?}");
                continue;
            }
            let error = versions.expect_err("two moments");
            assert_eq!(error, LawError::VersionMoments { id: "a".into(), one, other });
            let text = error.to_string();
            assert!(
                text.contains("`a`") && text.contains(one.as_str()) && text.contains(other.as_str()),
                "{text}"
            );
            let error = rules.expect_err("two moments");
            assert_eq!(error, LawError::OverlapMoments { one: "a".into(), other: "b".into() });
        }
    }
}

// ---- One answer. ----

fn days() -> impl Strategy<Value = NaiveDate> {
    (0..8_u64).prop_map(|years| day("2018-01-01") + Days::new(years * 365))
}

fn some<T: Clone + std::fmt::Debug + 'static>(of: &'static [T]) -> impl Strategy<Value = Option<T>> {
    prop::option::of(prop::sample::select(of))
}

/// The text of a rule without its id, and which id it has.
fn rules() -> impl Strategy<Value = (usize, String)> {
    let conditions = (
        some(&["administrative", "party"]),
        some(&["cadre", "civil_servant"]),
        some(&["true", "false"]),
        some(&["warning", "removal"]),
    );
    let moment = prop::sample::select(&Moment::ALL[..]);
    (0..6_usize, conditions, moment, days(), prop::option::of(0..4_u64)).prop_map(
        |(id, (track, person, leads, form), moment, from, years)| {
            let quoted = [("track", track), ("person", person), ("form", form)];
            let mut text: String = quoted
                .iter()
                .filter_map(|(field, word)| word.map(|word| format!("{field} = '{word}'\n")))
                .collect();
            text.extend(leads.map(|leads| format!("leads = {leads}\n")));
            text.extend([format!("selected_by = '{}'\nfrom = {from}\n", moment.as_str())]);
            text.extend(years.map(|years| format!("until = {}\n", from + Days::new(years * 365))));
            (id, text)
        },
    )
}

fn known_days() -> impl Strategy<Value = Moments> {
    (prop::option::of(days()), prop::option::of(days()), days())
        .prop_map(|(violation, discovery, decision)| Moments { violation, discovery, decision })
}

fn questions(duties: &'static [Duty]) -> impl Strategy<Value = AskedDiscipline<'static>> {
    (
        prop::sample::select(duties),
        prop::sample::select(&Track::ALL[..]),
        prop::sample::select(&PersonClass::ALL[..]),
        any::<bool>(),
        some(&["reprimand", "warning", "removal", "expulsion"]),
    )
        .prop_map(|(duty, track, person, leads, form)| AskedDiscipline {
            duty,
            track,
            person,
            leads,
            form,
        })
}

/// Whether the book has one narrowest answer or none, and gives it.
fn one_answer(book: &Lawbook, asked: AskedDiscipline<'_>, moments: Moments) -> Result<(), TestCaseError> {
    let width = |rule: &Rule| {
        let has = [rule.track.is_some(), rule.person.is_some(), rule.leads.is_some(), rule.form.is_some()];
        has.iter().filter(|has| **has).count()
    };
    let answers: Vec<_> = book
        .rules()
        .iter()
        .filter(|rule| rule.answers_discipline(asked) && rule.is_in_force(moments.on(rule.moment())))
        .collect();
    let most = answers.iter().map(|rule| width(rule)).max();
    let narrowest: Vec<_> = answers.into_iter().filter(|rule| Some(width(rule)) == most).collect();
    prop_assert!(narrowest.len() <= 1, "{narrowest:?}");
    prop_assert_eq!(book.find_discipline(asked, moments), narrowest.first().copied());
    Ok(())
}

proptest! {
    /// A book that takes every rule that the check lets in has one answer to each question, or none.
    #[test]
    fn what_the_check_lets_in_has_one_answer(
        rules in prop::collection::vec(rules(), 1..12),
        questions in prop::collection::vec((questions(&[Duty::Limitation]), known_days()), 24),
    ) {
        let (mut texts, mut made) = (Vec::new(), None);
        for (id, more) in rules {
            texts.push(rule(&format!("r{id}"), Duty::Limitation, &more));
            match book(&texts) {
                Ok(book) => made = Some(book),
                Err(_) => drop(texts.pop()),
            }
        }
        let book = made.expect("the first rule is alone");
        for (asked, moments) in questions {
            one_answer(&book, asked, moments)?;
        }
    }

    /// The same of the shipped books.
    #[test]
    fn a_question_of_discipline_has_one_answer(asked in questions(&Duty::ALL), moments in known_days()) {
        for book in Lawbooks::shipped().iter() {
            one_answer(book, asked, moments)?;
        }
    }
}
