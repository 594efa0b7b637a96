//! How a proceeding comes to be.

use super::*;

#[test]
fn a_proceeding_needs_a_substantiated_finding_of_a_concluded_report_or_a_self_report() {
    let stream = "conduct.report/r-1";
    let open = report(Some("clerk"), None, Source::Named);
    assert_eq!(found(&open, stream, 5, Some(1), None).unwrap_err(), Refusal::OriginNotConcluded);
    let concluded = report(Some("clerk"), Some("2025-08-25"), Source::Named);
    for number in [Some(2), Some(3), None] {
        assert_eq!(found(&concluded, stream, 6, number, None).unwrap_err(), Refusal::NoFinding);
    }
    let other = found(&concluded, stream, 6, Some(1), Some("head".into())).unwrap_err();
    assert_eq!(other, Refusal::PersonMismatch);
    let known = found(&concluded, stream, 6, Some(1), None).unwrap();
    assert_eq!((known.origin.revision, known.origin.finding_position), (6, Some(13)));
    assert_eq!((known.matter.person.as_deref(), known.on), (Some("clerk"), day("2025-08-25")));
    // The agency's own report about itself needs no conclusion, but somebody whom it is about.
    let own = self_report();
    let own = found(&own, stream, 1, None, Some("clerk".into())).unwrap();
    assert_eq!((own.is_self_report, own.origin.allegation), (true, None));
    // One that was dropped gives nothing.
    // Once it is inquired, each finding has its own.
    let inquired = report(None, None, Source::SelfReport);
    assert_eq!(found(&inquired, stream, 3, None, Some("clerk".into())).unwrap_err(), Refusal::NoFinding);
    let mut dropped = self_report();
    dropped.apply(&ReportEvent::Withdrawn { allegations: vec![], rule: "x".into() }, day("2025-08-26"), 30);
    let refused = found(&dropped, stream, 4, None, Some("clerk".into()));
    assert_eq!(refused.unwrap_err(), Refusal::OriginNotConcluded);
}

#[test]
fn a_finding_has_one_proceeding_on_each_track() {
    let id = |track, class| proceeding_id("r-1", Some(1), Some("clerk"), track, class);
    assert_eq!(id(Track::Administrative, None), "p-r-1-1");
    assert_eq!(id(Track::Party, None), "p-r-1-1-party");
    assert_eq!(id(Track::Party, Some(PersonClass::PartyOrganisation)), "p-r-1-1-organisation");
    // Of a self-report as a whole, one for each person, whom the id doesn't tell.
    let whole = |person, track, class| proceeding_id("r-1", None, Some(person), track, class);
    let ids = [
        whole("clerk", Track::Administrative, None),
        whole("head", Track::Administrative, None),
        whole("clerk", Track::Party, None),
        whole("1", Track::Administrative, None),
        whole("clerk-party", Track::Administrative, None),
    ];
    for (number, id) in ids.iter().enumerate() {
        assert!(!id.contains("clerk") && !ids[..number].contains(id) && id != "p-r-1-1", "{id}");
    }
    let organisation = |person| whole(person, Track::Party, Some(PersonClass::PartyOrganisation));
    assert_eq!(organisation("clerk"), organisation("head"));
    assert_eq!(linked_id(&organisation("clerk"), Track::Party), None);
    assert_eq!(linked_id("p-r-1-1", Track::Administrative).as_deref(), Some("p-r-1-1-party"));
    assert_eq!(linked_id("p-r-1-1-party", Track::Party).as_deref(), Some("p-r-1-1"));
    let mut story = Story::opened("2025-05-05");
    let again = story.does("2025-09-02", Command::Open(against("clerk", "2025-05-05"))).unwrap_err();
    assert_eq!(again, Refusal::ProceedingExists("p-r-1-1".into()));
}

#[test]
fn the_opening_says_what_the_law_is_and_when_it_ends() {
    let story = Story::opened("2025-05-05");
    let state = &story.state;
    assert_eq!((state.class, state.leads), (Some(PersonClass::CivilServant), false));
    // Ten years for what is graver than a reprimand.
    assert_eq!(due(state.limitation.as_ref()), "2035-05-05");
    // 90 days from the discovery on 2025-08-20.
    assert_eq!(due(state.decide.as_ref()), "2025-11-18");
    assert_eq!(due(state.convene.as_ref()), "2025-10-01");
}

#[test]
fn only_who_is_competent_and_not_concerned_opens() {
    let open = |agency, official, person, on: &str| {
        let mut story = Story::new();
        (story.agency, story.official) = (agency, official);
        story.does(on, Command::Open(against(person, "2025-05-05"))).map(|_| ())
    };
    assert_eq!(open(Some("H57"), None, "clerk", "2025-09-01"), Ok(()));
    assert_eq!(open(Some("H58"), None, "clerk", "2025-09-01"), Ok(()), "it has the report");
    let other = open(Some("H59"), None, "clerk", "2025-09-01");
    assert!(matches!(other, Err(Refusal::HandlerMismatch { .. })), "{other:?}");
    assert_eq!(open(Some("H57"), None, "head", "2025-09-01"), Err(Refusal::ConcernsHandler("H57".into())));
    assert_eq!(open(Some("H58"), None, "head", "2025-09-01"), Ok(()));
    assert_eq!(open(None, Some("clerk"), "clerk", "2025-09-01"), Err(Refusal::ConcernsOfficial));
    let early = open(None, None, "clerk", "2025-08-24");
    assert_eq!(early, Err(Refusal::OutOfOrder { follows: day("2025-08-25") }));
}

#[test]
fn days_classes_and_tracks_are_checked() {
    let open = |change: fn(&mut Opening)| {
        let mut opening = against("clerk", "2025-05-05");
        change(&mut opening);
        Story::new().does("2025-09-01", Command::Open(opening)).map(|_| ())
    };
    assert_eq!(open(|o| o.violation = day("2025-08-21")), Err(Refusal::DatesOutOfOrder));
    // Neither found out after it was found, which would win time, nor done after it was reported.
    assert_eq!(open(|o| o.discovery = Some(day("2025-08-26"))), Err(Refusal::DatesOutOfOrder));
    assert_eq!(open(|o| o.violation = day("2025-08-02")), Err(Refusal::DatesOutOfOrder));
    assert_eq!(open(|o| o.found.matter.person = None), Err(Refusal::PersonMissing));
    let stranger: fn(&mut Opening) = |o| o.found.matter.person = Some("stranger".into());
    assert_eq!(open(stranger), Err(Refusal::PersonClassMissing));
    let told: fn(&mut Opening) = |o| {
        o.found.matter.person = Some("stranger".into());
        o.class = Some(PersonClass::PublicEmployee);
    };
    assert_eq!(open(told), Ok(()));
    // The directory knows better than whoever opens.
    let mut story = Story::new();
    let mut opening = against("clerk", "2025-05-05");
    (opening.class, opening.leads) = (Some(PersonClass::Cadre), true);
    story.does("2025-09-01", Command::Open(opening)).unwrap();
    assert_eq!((story.state.class, story.state.leads), (Some(PersonClass::CivilServant), false));
    // The head is no member of the Party.
    let party: fn(&mut Opening) = |o| {
        o.found = finding("head");
        o.track = Track::Party;
    };
    let mut opening = against("clerk", "2025-05-05");
    party(&mut opening);
    let mut story = Story::new();
    story.agency = Some("H58");
    let refused = story.does("2025-09-01", Command::Open(opening)).unwrap_err();
    assert_eq!(refused, Refusal::TrackNotAllowed("head".into()));
}

#[test]
fn what_is_too_long_ago_is_not_opened_unless_there_is_no_limitation() {
    // 24 months, for what was done before 2020-07-01; five years after that; ten from 2023-09-20.
    let open = |violation: &str, exemption: Option<&str>| {
        let mut opening = against("clerk", violation);
        opening.exemption = exemption.map(str::to_owned);
        Story::new().does("2025-09-01", Command::Open(opening))
    };
    for (violation, end) in [("2020-06-30", "2022-06-30"), ("2020-08-31", "2025-08-31")] {
        match open(violation, None) {
            Err(Refusal::LimitationRunOut { rule, due }) => {
                assert_eq!(due, day(end), "{violation}");
                assert!(rule.len() > 10, "{rule} names the article");
            }
            other => panic!("{violation}: {other:?}"),
        }
    }
    // Before the oldest rule that is known, that one measures.
    assert!(matches!(open("1950-01-01", None), Err(Refusal::LimitationRunOut { .. })));
    open("2020-09-01", None).unwrap();
    open("2020-08-31", Some("fake_diploma")).unwrap();
    match open("2020-08-31", Some("no_time")) {
        Err(Refusal::ExemptionUnknown { known, .. }) => assert!(known.contains("fake_diploma"), "{known}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_organisation_of_the_party_is_proceeded_against_by_another() {
    let open = |agency| {
        let mut opening = against("clerk", "2025-05-05");
        (opening.track, opening.class) = (Track::Party, Some(PersonClass::PartyOrganisation));
        let mut story = Story::new();
        story.agency = agency;
        story.does("2025-09-01", Command::Open(opening)).map(|_| story)
    };
    assert_eq!(open(None).map(|_| ()), Err(Refusal::ConcernsHandler("H57".into())));
    let mut story = open(Some("H58")).unwrap();
    assert_eq!(story.state.standing.person, None);
    story.does("2025-09-05", Command::HoldHearing { attended: true }).unwrap();
    story.decides("2025-09-10", sanction("dissolution")).unwrap();
}

#[test]
fn a_finding_makes_it_due_until_it_is_opened_declined_or_falls() {
    let become_due = || Command::BecomeDue { found: finding("clerk"), track: Track::Administrative };
    let mut story = Story::new();
    let events = story.does("2025-08-25", become_due()).unwrap();
    match &events[..] {
        [ProceedingEvent::Due { duty_of, open, .. }] => {
            assert_eq!((duty_of.as_str(), open.from_date), ("H57", day("2025-08-25")));
            assert!(open.due_date > open.from_date);
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(story.does("2025-08-26", become_due()), Err(Refusal::ProceedingExists(_))));
    assert_eq!(story.does("2025-08-26", Command::Extend), Err(Refusal::Closed));
    story.does("2025-08-26", Command::Lapse { origin_revision: 7 }).unwrap();
    assert_eq!(story.does("2025-08-26", Command::Lapse { origin_revision: 7 }), Err(Refusal::Unchanged));
    story.does("2025-08-27", become_due()).unwrap();
    let decline = || Command::DeclineToOpen { found: finding("clerk"), reason: DeclineReason::Minor };
    story.does("2025-09-01", decline()).unwrap();
    assert!(matches!(story.does("2025-09-02", decline()), Err(Refusal::ProceedingExists(_))));
    // It may still be opened.
    story.does("2025-09-02", Command::Open(against("clerk", "2025-05-05"))).unwrap();
    // Of a head, it's the duty of the agency that has the report.
    let mut story = Story::new();
    let found = finding("head");
    let events =
        story.does("2025-08-25", Command::BecomeDue { found, track: Track::Administrative }).unwrap();
    assert!(matches!(&events[..], [ProceedingEvent::Due { duty_of, .. }] if duty_of == "H58"), "{events:?}");
}

#[test]
fn what_another_register_has_is_taken_as_it_is() {
    let laws = Laws::new(Arc::new(Lawbooks::shipped()));
    let mut story = Story::new();
    story.law = laws.of("US-PHL", &story.directory).unwrap();
    let told = |result, form: Option<&str>, word: &str| Decision {
        result,
        form: form.map(str::to_owned),
        source_outcome: Some(word.into()),
    };
    let imported = |decision, recommended, decided: Option<&str>| {
        let (found, class) = (finding("clerk"), PersonClass::PoliceOfficer);
        let decided = decided.map(day);
        Command::Import(Imported { found, class, recommended, decision, decided })
    };
    let training = told(SanctionResult::Sanctioned, Some("training_counseling"), "Training/Counseling");
    let unlawful = told(SanctionResult::Sanctioned, Some("flogging"), "Flogging");
    let refused = story.does("2026-01-01", imported(unlawful, None, None));
    assert!(matches!(refused, Err(Refusal::FormNotAllowed { .. })), "{refused:?}");
    let early = story.does("2026-01-01", imported(training.clone(), None, Some("2025-07-31")));
    assert_eq!(early, Err(Refusal::OutOfOrder { follows: day("2025-08-01") }), "before its receipt");
    let guilty = told(SanctionResult::Sanctioned, None, "Guilty Finding");
    let events = story.does("2026-01-01", imported(training.clone(), Some(guilty), None)).unwrap();
    assert_eq!(events.len(), 3);
    assert!(matches!(&events[2], ProceedingEvent::Decided { basis: Some(_), date_unknown: true, .. }));
    assert_eq!(story.state.decision.as_ref().unwrap().word(), "Training/Counseling");
    let again = story.does("2026-01-01", imported(training, None, None));
    assert!(matches!(again, Err(Refusal::ProceedingExists(_))), "{again:?}");
    // What is pending is not decided.
    let mut story = Story { state: ProceedingState::default(), ..story };
    let pending = told(SanctionResult::Pending, None, "Pending");
    let events = story.does("2026-01-01", imported(pending, None, None)).unwrap();
    assert!(matches!(&events[..], [ProceedingEvent::Opened { imported: true, .. }]), "{events:?}");
}
