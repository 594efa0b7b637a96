//! The shipped rulebooks at the dates around their changes, and what is refused as a rulebook.

#[path = "law/discipline.rs"]
mod discipline;
#[path = "law/sanctions.rs"]
mod sanctions;

use std::collections::BTreeSet;

use chrono::NaiveDate;
use proptest::prelude::*;
use rulebook::law::{Asked, Complexity, Duty, Extension, Kind, LawError, Lawbook, Lawbooks, Limit, Rule};
use rulebook::{Calendar, CalendarError};

const VN: &str = include_str!("../data/law/VN.toml");

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date written in a test exists")
}

fn book(jurisdiction: &str) -> Lawbook {
    Lawbooks::shipped().get(jurisdiction).expect("it is shipped").clone()
}

fn asked(kind: Kind, duty: Duty) -> Asked {
    Asked { kind, duty, instance: 1, remote: false }
}

/// What a book says on a day, as the rule's id and words; nothing if no rule answers.
fn says(book: &Lawbook, asked: Asked, on: &str) -> String {
    book.find(asked, day(on)).map_or_else(String::new, |rule| said(&rule.id, &rule.words()))
}

fn said(id: &str, words: &str) -> String {
    format!("{id}: {words}")
}

#[test]
fn a_complaint_has_its_limits_by_instance_and_place() {
    let vn = book("VN");
    for (instance, remote, id, words) in [
        (1, false, "complaint.conclude.first", "30 days, +15 once if complex"),
        (1, true, "complaint.conclude.first.remote", "45 days, +15 once if complex"),
        (2, false, "complaint.conclude.second", "45 days, +15 once if complex"),
        (2, true, "complaint.conclude.second.remote", "60 days, +10 once if complex"),
    ] {
        let asked = Asked { instance, remote, ..asked(Kind::Complaint, Duty::Conclude) };
        assert_eq!(says(&vn, asked, "2012-06-30"), "");
        for on in ["2012-07-01", "2018-12-31", "2019-01-01", "2026-06-30", "2026-07-01"] {
            assert_eq!(says(&vn, asked, on), said(id, words), "{on}");
        }
        let rule = vn.find(asked, day("2026-07-01")).expect("found above");
        assert!(rule.verified);
        assert_eq!(rule.cite().contains("art. 28"), instance == 1, "{}", rule.cite());
        assert_eq!(rule.note.contains("article is remembered"), instance == 2, "{}", rule.note);
    }
    assert_eq!(
        vn.find(Asked { instance: 3, ..asked(Kind::Complaint, Duty::Conclude) }, day("2026-07-01")),
        None
    );

    let accept = vn.rule("complaint.accept", day("2012-07-01")).expect("in force");
    assert_eq!(accept.limit, Some(Limit { days: 10, working: false }));
    assert_eq!(accept.cite(), "Law on Complaints 02/2011/QH13, art. 27");
    let decline = vn.rule("complaint.decline", day("2026-07-01")).expect("in force");
    assert_eq!(decline.reasons.len(), 9);
    assert_eq!(decline.cite(), "Law on Complaints 02/2011/QH13, art. 11 (unverified)");
}

#[test]
fn a_denunciation_is_judged_by_the_law_of_its_day() {
    let vn = book("VN");
    let (before, after) = ("2018-12-31", "2019-01-01");
    let asked = |duty| asked(Kind::Denunciation, duty);
    for (duty, id, old, new) in [
        (
            Duty::Conclude,
            "denunciation.conclude",
            Some("60 days, +30 once if complex"),
            "30 days, +30 once if complex, +30 twice if especially complex",
        ),
        (Duty::Accept, "denunciation.accept", Some("10 days"), "7 working days"),
        (Duty::Verify, "denunciation.verify", None, "10 working days"),
        (
            Duty::Anonymous,
            "denunciation.anonymous",
            None,
            "with evidence: inspection; without evidence: file_away",
        ),
    ] {
        let old = old.map_or_else(String::new, |words| said(id, words));
        assert_eq!(says(&vn, asked(duty), "2012-06-30"), "");
        assert_eq!(says(&vn, asked(duty), "2012-07-01"), old);
        assert_eq!(says(&vn, asked(duty), before), old);
        assert_eq!(says(&vn, asked(duty), after), said(id, new));
        assert_eq!(says(&vn, asked(duty), "2026-07-01"), said(id, new));
    }
    let rule = |id, on| vn.rule(id, day(on)).expect("in force");
    for on in [before, after] {
        let reasons = &rule("denunciation.decline", on).reasons;
        assert!(reasons.contains(&"no_grounds".to_owned()) && reasons.len() == 7, "{reasons:?}");
        assert!(rule("denunciation.conclude", on).verified);
        assert!(!rule("denunciation.accept", on).verified);
    }
    assert_eq!(rule("denunciation.conclude", before).cite(), "Law on Denunciations 03/2011/QH13");
    assert!(rule("denunciation.conclude", before).note.contains("Simplified"));
    assert_eq!(rule("denunciation.conclude", after).place(), "Law on Denunciations 25/2018/QH14, art. 30");
    let anonymous = rule("denunciation.anonymous", after);
    assert_eq!(anonymous.with_evidence.as_deref(), Some("inspection"));
    assert_eq!(anonymous.without_evidence.as_deref(), Some("file_away"));
    assert!(anonymous.verified);
    for kind in [Kind::Complaint, Kind::Petition, Kind::Reflection] {
        assert_eq!(vn.find(Asked { kind, ..asked(Duty::Anonymous) }, day(after)), None);
    }
}

#[test]
fn reception_and_withdrawal_change_in_the_middle_of_2026() {
    let vn = book("VN");
    let (before, after) = ("2026-06-30", "2026-07-01");
    for kind in Kind::ALL {
        assert_eq!(says(&vn, asked(kind, Duty::Receive), before), "");
        let reception = vn.find(asked(kind, Duty::Receive), day(after)).expect("in force");
        assert_eq!(reception.permits, ["online_reception"]);
        assert_eq!(reception.forbids, ["delegated_reception"]);

        assert_eq!(says(&vn, asked(kind, Duty::Withdraw), "2012-06-30"), "");
        for on in ["2012-07-01", before] {
            let whole = vn.find(asked(kind, Duty::Withdraw), day(on)).expect("in force");
            assert_eq!(whole.permits, ["whole_withdrawal"]);
            // The article was read for complaints only.
            assert_eq!(whole.verified, kind == Kind::Complaint);
            assert!(whole.article == "10" && whole.source.contains("Complaints"));
        }
        let partial = vn.find(asked(kind, Duty::Withdraw), day(after)).expect("in force");
        assert_eq!(partial.id, "withdrawal.partial");
        assert_eq!(partial.permits, ["whole_withdrawal", "partial_withdrawal"]);
        assert_eq!((partial.cite().as_str(), reception.cite().as_str()), ("Law 136/2025", "Law 136/2025"));
    }
}

#[test]
fn yardsticks_are_named_as_such() {
    let vn = book("VN");
    let on = "2026-07-01";
    for kind in Kind::ALL {
        let id = |duty: &str| format!("{}.{duty}", kind.as_str());
        assert_eq!(says(&vn, asked(kind, Duty::Classify), on), said(&id("classify"), "7 days"));
        assert_eq!(says(&vn, asked(kind, Duty::DecideAppeal), on), said("appeal.decide", "45 days"));
        if matches!(kind, Kind::Petition | Kind::Reflection) {
            assert_eq!(says(&vn, asked(kind, Duty::Accept), on), said(&id("accept"), "10 days"));
            let words = "90 days, +90 once if complex";
            assert_eq!(says(&vn, asked(kind, Duty::Conclude), on), said(&id("conclude"), words));
        }
    }
    let abroad: Vec<_> = vn.rules().iter().filter(|rule| rule.source.contains("Directive")).collect();
    assert_eq!(abroad.len(), 6);
    for rule in abroad {
        assert!(rule.note.contains("from abroad") && rule.note.contains("not Vietnamese law"), "{}", rule.id);
    }
}

#[test]
fn what_was_not_read_is_unverified() {
    let verified: BTreeSet<_> =
        book("VN").rules().iter().filter(|rule| rule.verified).map(|rule| rule.id.clone()).collect();
    let read = [
        "complaint.accept",
        "complaint.conclude.first",
        "complaint.conclude.first.remote",
        "complaint.conclude.second",
        "complaint.conclude.second.remote",
        "denunciation.anonymous",
        "denunciation.conclude",
        "discipline.handle",
        "discipline.head_liability",
        "discipline.limitation",
        "discipline.limitation.reprimand",
        "discipline.weigh",
        "exoneration.party",
        "reception",
        "sanction.cadre",
        "sanction.civil_servant",
        "sanction.civil_servant.leader",
        "sanction.party_member",
        "sanction.party_organisation",
        "withdrawal.partial",
        "withdrawal.whole",
    ];
    assert_eq!(verified, read.map(str::to_owned).into());
    assert!(book("US-PHL").rules().iter().all(|rule| !rule.verified));
    for rule in Lawbooks::shipped().iter().flat_map(Lawbook::rules) {
        assert!(!rule.source.is_empty() && !rule.words().is_empty(), "{}", rule.id);
        assert!(rule.verified || !rule.note.is_empty(), "{} doesn't say what was not read", rule.id);
        assert_eq!(rule.cite().ends_with(" (unverified)"), !rule.verified);
    }
}

#[test]
fn philadelphia_concludes_and_takes_the_anonymous() {
    let book = book("US-PHL");
    for kind in Kind::ALL {
        assert_eq!(says(&book, asked(kind, Duty::Conclude), "1999-12-31"), "");
        assert_eq!(
            says(&book, asked(kind, Duty::Conclude), "2000-01-01"),
            said("investigation.conclude", "90 days")
        );
        assert_eq!(
            says(&book, asked(kind, Duty::Anonymous), "2018-03-29"),
            said("anonymous", "permits anonymous")
        );
        assert_eq!(says(&book, asked(kind, Duty::Decline), "2018-03-29"), said("decline", "reasons: other"));
        assert_eq!(says(&book, asked(kind, Duty::Accept), "2018-03-29"), "");
        assert_eq!(says(&book, asked(kind, Duty::Classify), "2018-03-29"), "");
    }
}

/// Changing a shipped rulebook changes what events are decided under: raise its version and pin the new hash.
#[test]
fn the_shipped_rulebooks_are_pinned() {
    let pinned: Vec<_> = Lawbooks::shipped().iter().map(Lawbook::version_and_hash).collect();
    assert_eq!(
        pinned,
        ["US-PHL-2026.12@7b20d427126047eec0e124641739500f", "VN-2026.12@dbab021fd7bb88431ae90617b2301fd4"]
    );
}

#[test]
fn the_hash_is_of_the_text_but_not_of_its_line_ends() {
    let hash = |text: &str| Lawbook::parse(text).expect("it is a rulebook").hash;
    assert_eq!(hash(VN), book("VN").hash);
    assert_eq!(hash(VN).len(), 32);
    assert_eq!(hash(&VN.replace('\n', "\r\n")), hash(VN));
    assert_ne!(hash(&VN.replace("days = 30", "days = 31")), hash(VN));
    assert_ne!(hash(&format!("{VN}# A remark.\n")), hash(VN));
}

#[test]
fn a_book_replaces_that_of_its_jurisdiction() {
    let other = Lawbook::parse("jurisdiction = 'VN'\nname = 'x'\nversion = 'VN-2027.01'\nrule = []")
        .expect("it is one");
    let new =
        Lawbook::parse("jurisdiction = 'EU'\nname = 'x'\nversion = 'EU-1'\nrule = []").expect("it is one");
    let books = Lawbooks::shipped().with(other.clone()).with(new);
    assert_eq!(books.get("VN"), Some(&other));
    assert_eq!(
        books.iter().map(|book| book.jurisdiction.as_str()).collect::<Vec<_>>(),
        ["EU", "US-PHL", "VN"]
    );
    assert_eq!(books.get("vn"), None);
}

#[test]
fn words_are_those_of_serde() {
    for kind in Kind::ALL {
        assert_eq!(Kind::parse(kind.as_str()), Some(kind));
    }
    assert_eq!(Kind::parse("Complaint"), None);
    assert_eq!(Duty::parse("sanctions"), None);
    for duty in Duty::ALL {
        let text = if duty.is_discipline() {
            discipline::rule("x", duty, "")
        } else {
            format!("id = 'x'\nduty = '{}'", duty.as_str())
        };
        assert_eq!(one(&text).expect("every duty has its word").rules()[0].duty, duty);
        assert_eq!(Duty::parse(duty.as_str()), Some(duty));
    }
}

#[test]
fn limits_end_on_working_days() {
    let calendar = Calendar::vietnam();
    let due = |days, working, from| Limit { days, working }.due(&calendar, day(from));
    // 2026-06-01 is a Monday, and day 0.
    assert_eq!(due(10, false, "2026-06-01"), Ok(day("2026-06-11")));
    assert_eq!(due(10, true, "2026-06-01"), Ok(day("2026-06-15")));
    // On a Sunday; on the first of five days off for Tết before a weekend.
    assert_eq!(due(6, false, "2026-06-01"), Ok(day("2026-06-08")));
    assert_eq!(due(10, false, "2026-02-06"), Ok(day("2026-02-23")));
    assert!(matches!(due(u32::MAX, false, "2026-06-01"), Err(CalendarError::OutOfRange { .. })));
    assert_eq!(Limit { days: 1, working: true }.to_string(), "1 working day");
}

#[test]
fn an_extension_is_counted_from_where_the_limit_is() {
    let vn = book("VN");
    let rule = vn.rule("denunciation.conclude", day("2019-01-01")).expect("in force");
    let extended = |when, times| rule.extended(when, times).map(|limit| limit.days);
    assert_eq!(extended(Complexity::Complex, 0), Some(30));
    assert_eq!(extended(Complexity::Complex, 1), Some(60));
    assert_eq!(extended(Complexity::Complex, 2), None);
    assert_eq!(extended(Complexity::EspeciallyComplex, 2), Some(90));
    assert_eq!(extended(Complexity::EspeciallyComplex, u32::MAX), None);
    let second = vn.rule("complaint.conclude.second.remote", day("2019-01-01")).expect("in force");
    let once = Extension { when: Complexity::Complex, times: 1, days: 10, working: false };
    assert_eq!(second.extensions, [once]);
    assert_eq!(second.extended(Complexity::EspeciallyComplex, 1), None);
    assert_eq!(vn.rule("reception", day("2026-07-01")).and_then(|rule| rule.extended(once.when, 1)), None);
}

// ---- What is refused. ----

/// A book with these rules; what every rule needs is added.
fn many(rules: &[&str]) -> Result<Lawbook, LawError> {
    let heading = "jurisdiction = 'XX'\nname = 'A test'\nversion = 'XX-1'\n";
    let rules = rules.iter().map(|rule| {
        let has = |field: &str| rule.lines().any(|line| line.starts_with(field));
        let from = if has("from =") { "" } else { "from = 2020-01-01" };
        let source = if has("source =") { "" } else { "source = 'A law'" };
        format!("[[rule]]\n{rule}\n{from}\n{source}\nverified = false\n")
    });
    Lawbook::parse(&format!("{heading}{}", rules.collect::<String>()))
}

fn one(rule: &str) -> Result<Lawbook, LawError> {
    many(&[rule])
}

#[test]
fn a_text_that_is_no_rulebook_is_refused() {
    let text = "jurisdiction = 'VN'\nname = 'x'\nversion = 'VN-1'\n";
    assert!(Lawbook::parse(&format!("{text}rule = []")).is_ok());
    for bad in ["", "rule = 7", "{}", "rule = []\nauthor = 'x'", "[[rule]]\nid = 'x'"] {
        let error = Lawbook::parse(&format!("{text}{bad}")).expect_err(bad);
        assert!(matches!(error, LawError::Toml(_)), "{bad}: {error}");
        assert!(error.to_string().contains("correct the line"), "{error}");
    }
    for (jurisdiction, version, field, bad) in [
        ("VN", "VN 1", "version", "VN 1"),
        ("VN", "VN@1", "version", "VN@1"),
        ("VN", "", "version", ""),
        ("../VN", "VN-1", "jurisdiction", "../VN"),
    ] {
        let text = format!("jurisdiction = '{jurisdiction}'\nname = 'x'\nversion = '{version}'\nrule = []");
        assert_eq!(Lawbook::parse(&text), Err(LawError::Heading { field, value: bad.into() }));
    }
    for bad in [
        "id = 'x'\nduty = 'accept'\nlimits = { days = 1 }",
        "id = 'x'\nduty = 'accepting'",
        "id = 'x'\nduty = 'accept'\nkind = 'Complaint'",
        "id = 'x'\nduty = 'accept'\nlimit = { days = -1 }",
        "id = 'x'\nduty = 'accept'\nlimit = { days = 1, hours = 2 }",
        "id = 'x'\nduty = 'accept'\nfrom = '2020-01-01'",
        "id = 'x'\nduty = 'accept'\nfrom = 2020-02-30",
        "id = 'x'\nduty = 'accept'\nfrom = 2020-01-01T00:00:00Z",
        "id = 'x'\nduty = 'accept'\nextensions = [{ when = 'hard', times = 1, days = 1 }]",
        "duty = 'accept'",
    ] {
        let error = one(bad).expect_err(bad);
        assert!(matches!(error, LawError::Toml(_)), "{bad}: {error}");
    }
    let error = one("id = 'x'\nduty = 'accept'\nfrom = 2020-01-01T00:00:00Z").expect_err("a time");
    let source = std::error::Error::source(&error).expect("it names the line").to_string();
    assert!(source.contains("write it like 2026-07-01") && source.contains("line 7"), "{source}");
}

#[test]
fn a_field_that_makes_no_sense_is_refused() {
    for (wanted, bad) in [
        ("id", "id = ''\nduty = 'accept'"),
        ("id", "id = 'Accept'\nduty = 'accept'"),
        ("source", "id = 'x'\nduty = 'accept'\nsource = ' '"),
        ("instance", "id = 'x'\nduty = 'accept'\ninstance = 0"),
        ("instance", "id = 'x'\nduty = 'accept'\ninstance = 3"),
        ("limit", "id = 'x'\nduty = 'accept'\nlimit = { days = 0 }"),
        ("limit", "id = 'x'\nduty = 'accept'\nlimit = { days = 3651 }"),
        ("extensions", "id = 'x'\nduty = 'accept'\nextensions = [{ when = 'complex', times = 1, days = 1 }]"),
        (
            "extensions",
            "id = 'x'\nduty = 'accept'\nlimit = { days = 1 }\nextensions = [{ when = 'complex', times = 0, days = 1 }]",
        ),
        (
            "extensions",
            "id = 'x'\nduty = 'accept'\nlimit = { days = 1 }\nextensions = [{ when = 'complex', times = 1, days = 0 }]",
        ),
        (
            "extensions",
            "id = 'x'\nduty = 'accept'\nlimit = { days = 1, working = true }\nextensions = [{ when = 'complex', times = 1, days = 1 }]",
        ),
        (
            "extensions",
            "id = 'x'\nduty = 'accept'\nlimit = { days = 1 }\nextensions = [{ when = 'complex', times = 1, days = 1 }, { when = 'complex', times = 2, days = 1 }]",
        ),
        ("reasons", "id = 'x'\nduty = 'accept'\nreasons = ['other']"),
        ("reasons", "id = 'x'\nduty = 'decline'\nreasons = ['other', 'other']"),
        ("permits", "id = 'x'\nduty = 'receive'\npermits = ['On line']"),
        ("forbids", "id = 'x'\nduty = 'receive'\nforbids = ['']"),
        ("with_evidence", "id = 'x'\nduty = 'anonymous'\nwith_evidence = 'burn'"),
        ("without_evidence", "id = 'x'\nduty = 'accept'\nwithout_evidence = 'file_away'"),
    ] {
        let error = one(bad).expect_err(bad);
        let LawError::Field { field, ref id, .. } = error else { panic!("{bad}: {error}") };
        assert_eq!(field, wanted, "{bad}");
        assert!(error.to_string().contains(&format!("`{id}`")), "{error}");
    }
    let backwards = one("id = 'x'\nduty = 'accept'\nfrom = 2020-01-02\nuntil = 2020-01-01");
    let expected = LawError::Dates { id: "x".into(), from: day("2020-01-02"), until: day("2020-01-01") };
    assert_eq!(backwards, Err(expected));
    assert!(one("id = 'x'\nduty = 'accept'\nfrom = 2020-01-01\nuntil = 2020-01-01").is_ok());
}

#[test]
fn two_answers_to_one_question_are_refused() {
    let overlap = |one: &str, other: &str| {
        many(&[&format!("id = 'a'\nduty = 'accept'\n{one}"), &format!("id = 'b'\nduty = 'accept'\n{other}")])
    };
    for (one, other) in [
        ("", ""),
        ("kind = 'complaint'", "kind = 'complaint'"),
        ("until = 2020-06-30", "from = 2020-06-30"),
        // Neither is narrower: a complaint in a remote place would have two answers.
        ("kind = 'complaint'", "remote = true"),
        ("kind = 'complaint'\ninstance = 1", "kind = 'complaint'\nremote = false"),
        ("kind = 'complaint'\ninstance = 1", "remote = false"),
    ] {
        let error = overlap(one, other).expect_err(one);
        let LawError::Overlap { one: first, other: second, on } = &error else { panic!("{error}") };
        assert_eq!((first.as_str(), second.as_str()), ("a", "b"));
        assert_eq!(*on, day(if other.contains("from") { "2020-06-30" } else { "2020-01-01" }));
    }
    for (one, other) in [
        ("kind = 'complaint'", "kind = 'petition'"),
        ("instance = 1", "instance = 2"),
        ("remote = true", "remote = false"),
        ("until = 2020-06-30", "from = 2020-07-01"),
        ("", "kind = 'complaint'"),
        ("instance = 2\nremote = true", "instance = 2"),
    ] {
        assert!(overlap(one, other).is_ok(), "{one} / {other}");
    }
    // The same id is one rule, whatever it is about.
    let repeated = many(&["id = 'a'\nduty = 'accept'\nkind = 'complaint'", "id = 'a'\nduty = 'verify'"]);
    assert_eq!(repeated, Err(LawError::Repeated { id: "a".into(), on: day("2020-01-01") }));
}

#[test]
fn the_narrowest_rule_answers() {
    let rule = |id: &str, more: &str| format!("id = '{id}'\nduty = 'conclude'\n{more}");
    let rules = [
        rule("any", ""),
        rule("complaint", "kind = 'complaint'"),
        rule("complaint.second", "kind = 'complaint'\ninstance = 2"),
        rule("complaint.second.remote", "kind = 'complaint'\ninstance = 2\nremote = true"),
    ];
    let rules: Vec<_> = rules.iter().map(String::as_str).collect();
    let backwards: Vec<_> = rules.iter().rev().copied().collect();
    for rules in [rules, backwards] {
        let book = many(&rules).expect("each is narrower than the one before");
        let find = |kind, instance, remote| {
            let asked = Asked { kind, duty: Duty::Conclude, instance, remote };
            book.find(asked, day("2020-01-01")).map(|rule| rule.id.as_str())
        };
        assert_eq!(find(Kind::Petition, 2, true), Some("any"));
        assert_eq!(find(Kind::Complaint, 1, true), Some("complaint"));
        assert_eq!(find(Kind::Complaint, 2, false), Some("complaint.second"));
        assert_eq!(find(Kind::Complaint, 2, true), Some("complaint.second.remote"));
    }
}

fn questions() -> impl Strategy<Value = Asked> {
    let (kind, duty) = (prop::sample::select(&Kind::ALL[..]), prop::sample::select(&Duty::ALL[..]));
    (kind, duty, 1..=2_u32, any::<bool>()).prop_map(|(kind, duty, instance, remote)| Asked {
        kind,
        duty,
        instance,
        remote,
    })
}

proptest! {
    /// On any day a shipped book has one narrowest answer, or none, and it is in force.
    #[test]
    fn a_question_has_one_answer(asked in questions(), days in 0..12_000_u64) {
        let on = day("1999-01-01") + chrono::Days::new(days);
        for book in Lawbooks::shipped().iter() {
            let width = |rule: &Rule| {
                [rule.kind.is_some(), rule.instance.is_some(), rule.remote.is_some()].iter().filter(|is| **is).count()
            };
            let answers: Vec<_> = book.in_force(on).filter(|rule| rule.answers(asked)).collect();
            let most = answers.iter().map(|rule| width(rule)).max();
            let narrowest: Vec<_> = answers.iter().filter(|rule| Some(width(rule)) == most).collect();
            prop_assert!(narrowest.len() <= 1);
            prop_assert_eq!(book.find(asked, on), narrowest.first().map(|rule| **rule));
        }
    }
}
