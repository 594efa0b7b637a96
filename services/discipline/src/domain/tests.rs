//! What a proceeding decides, rule by rule.

use std::sync::Arc;

use chrono::NaiveDate;
use command::{Law, Laws};
use esrs::Aggregate as _;
use events::{
    Fact,
    conduct::{
        AboutWhom, Class, Classed, Finding, FindingStage, Findings, Found as FoundOf, Kind, ReportEvent,
        Source,
    },
    delivery::By,
    directory::{Agency, Directory, Leadership, Official, OfficialCategory, Post},
    discipline::{
        AppealResult, CloseReason, Decision, DeclineReason, ExonerationGround, Liability, PersonClass,
        ProceedingEvent, SanctionResult, Track, Weight,
    },
};
use rulebook::law::Lawbooks;

use super::*;

mod opening;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn fold<E: events::Event>(directory: &mut Directory, category: &str, event: &E) {
    directory.fold(category, &serde_json::to_vec(event).unwrap()).unwrap();
}

/// H57 with its head `head`, the clerk `clerk`, both civil servants; the Party has the clerk. H58 beside it.
fn directory() -> Directory {
    let mut directory = Directory::default();
    for code in ["H57", "H58", "H59"] {
        let opened: Agency = serde_json::from_value(serde_json::json!({
            "type": "directory.AgencyOpened.v1",
            "data": { "agency": code, "name_vi": code, "name_en": code },
        }))
        .unwrap();
        fold(&mut directory, "directory.agency", &opened);
    }
    let (post, agency) = ("H57-head".to_owned(), "H57".to_owned());
    let defined = Post::Defined { post, agency, unit: None, leadership: Leadership::Head };
    fold(&mut directory, "directory.post", &defined);
    for official in ["head", "clerk"] {
        let registered = Official::Registered {
            official: official.into(),
            agency: "H57".into(),
            category: OfficialCategory::CivilServant,
            party_member: official == "clerk",
            name: None,
        };
        fold(&mut directory, "directory.official", &registered);
    }
    let from_date = day("2020-01-01");
    let appointed = Official::Appointed { official: "head".into(), post: "H57-head".into(), from_date };
    fold(&mut directory, "directory.official", &appointed);
    directory
}

/// A report of H57, handled by H58, with a substantiated allegation against somebody, concluded on a day.
fn report(person: Option<&str>, concluded: Option<&str>, source: Source) -> Findings {
    let mut findings = Findings::default();
    let classed = Classed { class: Class::Corruption, source_class: None };
    let by = By { agency: "H58".into(), unit: None, official: None };
    let received = ReportEvent::Received {
        report: "r-1".into(),
        source,
        kind: Kind::Denunciation,
        classed: classed.clone(),
        about: AboutWhom { agency: "H57".into(), unit: None, officials: Vec::new() },
        handler: "H58".into(),
        jurisdiction: "VN".into(),
        remote: false,
        name: None,
        contact: None,
        text: None,
        retaliation_for: None,
        classify: None,
    };
    let person = person.map(str::to_owned);
    let mut events = vec![
        received,
        ReportEvent::AllegationMade { by: by.clone(), allegation: 1, person, classed: classed.clone() },
        ReportEvent::AllegationMade { by: by.clone(), allegation: 2, person: None, classed },
    ];
    for (allegation, finding) in [(1, Finding::Substantiated), (2, Finding::False)] {
        let (found, stage) = (FoundOf { allegation, finding }, FindingStage::Final);
        events.push(ReportEvent::FindingRecorded { by: by.clone(), found, stage });
    }
    for (position, event) in (10..).zip(&events) {
        findings.apply(event, day("2025-08-01"), position);
    }
    if let Some(on) = concluded {
        findings.apply(&ReportEvent::Concluded { by, date_unknown: false }, day(on), 20);
    }
    findings
}

/// H57's report about itself, which H58 has, before anything was inquired.
fn self_report() -> Findings {
    let mut findings = report(None, None, Source::SelfReport);
    findings.allegations.clear();
    findings
}

struct Story {
    state: ProceedingState,
    law: Arc<Law>,
    directory: Arc<Directory>,
    agency: Option<&'static str>,
    official: Option<&'static str>,
    is_own: bool,
    is_inspector: bool,
}

fn sanction(form: &str) -> Decision {
    Decision { result: SanctionResult::Sanctioned, form: Some(form.into()), source_outcome: None }
}

impl Story {
    fn new() -> Self {
        let directory = Arc::new(directory());
        let law = Laws::new(Arc::new(Lawbooks::shipped())).of("VN", &directory).unwrap();
        Self {
            state: ProceedingState::default(),
            law,
            directory,
            agency: None,
            official: None,
            is_own: false,
            is_inspector: false,
        }
    }

    fn does(&mut self, on: &str, command: Command) -> Result<Vec<ProceedingEvent>, Refusal> {
        let asked = ProceedingCommand {
            proceeding: "p-r-1-1".into(),
            on: day(on),
            agency: self.agency.map(str::to_owned),
            official: self.official.map(str::to_owned),
            is_own: self.is_own,
            is_inspector: self.is_inspector,
            law: self.law.clone(),
            directory: self.directory.clone(),
            command,
        };
        let facts = Proceeding::handle_command(&self.state, asked)?;
        for fact in &facts {
            self.state = std::mem::take(&mut self.state).apply(fact.clone());
        }
        Ok(facts.into_iter().map(|Fact { data, .. }| data).collect())
    }

    /// Opened by H57 against the clerk on 2025-09-01, for what was done on a day and found out on 2025-08-20.
    fn opened(violation: &str) -> Self {
        let mut story = Self::new();
        story.does("2025-09-01", Command::Open(against("clerk", violation))).unwrap();
        story
    }

    /// Heard by a council on 2025-09-15.
    fn heard(violation: &str) -> Self {
        let mut story = Self::opened(violation);
        story.does("2025-09-10", Command::ConveneCouncil(vec!["m-1".into(), "m-2".into()])).unwrap();
        story.does("2025-09-15", Command::HoldHearing { attended: true }).unwrap();
        story
    }

    fn decides(&mut self, on: &str, decision: Decision) -> Result<Vec<ProceedingEvent>, Refusal> {
        self.does(on, Command::Decide { decision, other_undecided: None })
    }

    /// Warned on 2025-10-01.
    fn decided() -> Self {
        let mut story = Self::heard("2025-05-05");
        story.decides("2025-10-01", sanction("warning")).unwrap();
        story
    }
}

fn finding(person: &str) -> Found {
    let findings = report(Some(person), Some("2025-08-25"), Source::Named);
    found(&findings, "conduct.report/r-1", 6, Some(1), None).unwrap()
}

fn against(person: &str, violation: &str) -> Opening {
    Opening {
        found: finding(person),
        track: Track::Administrative,
        class: None,
        leads: false,
        violation: day(violation),
        discovery: Some(day("2025-08-20")),
        exemption: None,
        linked: None,
    }
}

fn due(limit: Option<&events::conduct::Limit>) -> String {
    limit.map(|limit| limit.due_date.to_string()).unwrap_or_default()
}

#[test]
fn a_slighter_form_has_a_shorter_limitation() {
    // A reprimand: two years for what was done before 2023-09-20.
    let mut story = Story::heard("2023-08-31");
    match story.decides("2025-10-01", sanction("reprimand")) {
        Err(Refusal::LimitationRunOut { due, .. }) => assert_eq!(due, day("2025-08-31")),
        other => panic!("{other:?}"),
    }
    story.decides("2025-10-01", sanction("warning")).unwrap();
}

#[test]
fn only_a_form_of_the_law_of_the_day_is_decided_and_the_refusal_names_the_article() {
    let mut story = Story::heard("2025-05-05");
    // Cut of salary ended on 2025-06-30, whenever the violation was; removal is for leaders.
    for form in ["salary_cut", "demotion", "removal", "removal_from_office", "termination", "fine"] {
        let refused = story.decides("2025-10-01", sanction(form)).unwrap_err();
        let text = refused.to_string();
        assert!(text.contains("172/2025") && text.contains("reprimand, warning, dismissal"), "{text}");
        assert!(text.contains("doesn't lead"), "{text}");
    }
    let events = story.decides("2025-10-01", sanction("dismissal")).unwrap();
    match &events[..] {
        [
            ProceedingEvent::Decided {
                basis: Some(basis), appeal: Some(appeal), execute: Some(execute), ..
            },
        ] => {
            assert_eq!(basis.rule, "sanction.civil_servant");
            assert!(basis.citation.contains("172/2025"), "{}", basis.citation);
            assert_eq!((appeal.from_date, execute.from_date), (day("2025-10-01"), day("2025-10-01")));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(story.decides("2025-10-02", sanction("warning")), Err(Refusal::Decided));
    // A leader: by the post on the day of the violation.
    let mut story = Story::new();
    story.agency = Some("H58");
    story.does("2025-09-01", Command::Open(against("head", "2025-05-05"))).unwrap();
    assert!(story.state.leads);
    story.does("2025-09-10", Command::ConveneCouncil(vec!["m-1".into()])).unwrap();
    story.does("2025-09-15", Command::HoldHearing { attended: false }).unwrap();
    story.decides("2025-10-01", sanction("removal")).unwrap();
}

#[test]
fn a_sanction_comes_after_council_and_hearing_and_no_sanction_needs_neither() {
    let mut story = Story::opened("2025-05-05");
    let refused = story.decides("2025-09-05", sanction("warning"));
    assert!(matches!(refused, Err(Refusal::CouncilNotConvened(_))), "{refused:?}");
    let early = story.does("2025-09-05", Command::HoldHearing { attended: true });
    assert!(matches!(early, Err(Refusal::CouncilNotConvened(_))), "{early:?}");
    let own = story.does("2025-09-06", Command::ConveneCouncil(vec!["clerk".into()]));
    assert_eq!(own, Err(Refusal::MemberConcerned));
    story.does("2025-09-06", Command::ConveneCouncil(vec!["m-1".into()])).unwrap();
    let twice = story.does("2025-09-06", Command::ConveneCouncil(vec!["m-1".into()]));
    assert_eq!(twice, Err(Refusal::CouncilConvened));
    let refused = story.decides("2025-09-07", sanction("warning"));
    assert!(matches!(refused, Err(Refusal::HearingNotHeld(_))), "{refused:?}");

    let none = Decision { result: SanctionResult::NotSanctioned, form: None, source_outcome: None };
    let mut story = Story::opened("2025-05-05");
    let events = story.decides("2025-09-05", none.clone()).unwrap();
    assert!(matches!(
        &events[..],
        [ProceedingEvent::Decided { appeal: None, execute: None, basis: None, .. }]
    ));
    let with_form = Decision { form: Some("warning".into()), ..none };
    assert_eq!(Story::opened("2025-05-05").decides("2025-09-05", with_form), Err(Refusal::FormMismatch));
}

#[test]
fn the_handling_time_is_extended_once_and_stands_still_in_a_pause() {
    let mut story = Story::heard("2025-05-05");
    match story.decides("2025-11-19", sanction("warning")) {
        Err(Refusal::HandlingTimeOver { due, .. }) => assert_eq!(due, day("2025-11-18")),
        other => panic!("{other:?}"),
    }
    let late = story.does("2025-11-19", Command::Extend);
    assert!(matches!(late, Err(Refusal::ExtensionNotAllowed { .. })), "what is late stays late: {late:?}");
    story.does("2025-11-18", Command::Extend).unwrap();
    // 60 more days, to 2026-01-17, a Saturday: so the Monday.
    assert_eq!(due(story.state.decide.as_ref()), "2026-01-19");
    let again = story.does("2025-11-18", Command::Extend);
    assert!(matches!(again, Err(Refusal::ExtensionNotAllowed { .. })), "{again:?}");
    assert_eq!(story.does("2025-11-20", Command::Resume), Err(Refusal::NotPaused));
    match story.does("2025-11-20", Command::Pause { ground: "holiday".into() }) {
        Err(Refusal::PauseGroundUnknown { known, .. }) => assert!(known.contains("maternity"), "{known}"),
        other => panic!("{other:?}"),
    }
    story.does("2025-11-20", Command::Pause { ground: "serious_illness".into() }).unwrap();
    for command in [Command::Pause { ground: "detention".into() }, Command::Extend] {
        assert_eq!(story.does("2025-11-21", command), Err(Refusal::Paused));
    }
    assert_eq!(story.decides("2025-11-21", sanction("warning")), Err(Refusal::Paused));
    story.does("2025-12-20", Command::Resume).unwrap();
    // 90, 60 and 30 days from the discovery are 2026-02-16, which falls within Tết: the first working day after it.
    assert_eq!(due(story.state.decide.as_ref()), "2026-02-23");
    // Six pauses of a day are six days, and no more for the days off that limits fell on.
    for start in ["2025-12-22", "2025-12-24", "2025-12-26", "2025-12-28", "2025-12-30", "2026-01-01"] {
        story.does(start, Command::Pause { ground: "detention".into() }).unwrap();
        story.does(&day(start).succ_opt().unwrap().to_string(), Command::Resume).unwrap();
    }
    assert_eq!(due(story.state.decide.as_ref()), "2026-02-23", "2026-02-22 is a Sunday");
    story.decides("2026-02-23", sanction("warning")).unwrap();
}

#[test]
fn whoever_has_left_is_not_sanctioned() {
    let mut story = Story::heard("2025-05-05");
    let mut directory = (*story.directory).clone();
    let left = Official::Left { official: "clerk".into(), effective_date: day("2025-10-01") };
    fold(&mut directory, "directory.official", &left);
    story.directory = Arc::new(directory);
    story.decides("2025-09-30", sanction("warning")).map(|_| ()).unwrap();
    let mut story = Story { state: Story::heard("2025-05-05").state, ..story };
    assert_eq!(story.decides("2025-10-01", sanction("warning")), Err(Refusal::PersonLeft(day("2025-10-01"))));
    let early = Command::Close(CloseReason::HandlingTimeOver);
    assert!(matches!(story.does("2025-10-02", early), Err(Refusal::ReasonNotSo(_))));
    story.does("2025-10-02", Command::Close(CloseReason::PersonLeft)).unwrap();
    assert_eq!(story.does("2025-10-03", Command::Extend), Err(Refusal::Closed));
    // A false reason buries nothing: it can be opened anew, from the beginning.
    story.does("2025-10-04", Command::Open(against("clerk", "2025-05-05"))).unwrap();
    assert!(!story.state.has_council && !story.state.has_hearing);
}

#[test]
fn circumstances_weigh_as_the_rule_has_it() {
    let mut story = Story::opened("2025-05-05");
    let record = |code: &str| Command::RecordCircumstance { circumstance: code.into(), report: None };
    let events = story.does("2025-09-02", record("retaliation")).unwrap();
    assert!(matches!(
        &events[..],
        [ProceedingEvent::CircumstanceRecorded { weight: Weight::Aggravating, .. }]
    ));
    assert_eq!(story.does("2025-09-03", record("retaliation")), Err(Refusal::CircumstanceRecorded));
    let unknown = story.does("2025-09-03", record("rudeness"));
    assert!(matches!(unknown, Err(Refusal::CircumstanceUnknown { .. })), "{unknown:?}");
    // A self-report mitigates from the start for the head, who answers for the agency, and for nobody else.
    for (person, agency, mitigates) in [("head", "H58", true), ("clerk", "H57", false)] {
        let own = found(&self_report(), "conduct.report/r-1", 1, None, Some(person.into())).unwrap();
        let mut story = Story::new();
        story.agency = Some(agency);
        let discovery = Some(day("2025-08-01"));
        let opening = Opening { found: own, discovery, ..against(person, "2025-05-05") };
        story.does("2025-09-01", Command::Open(opening)).unwrap();
        let known = [("voluntary_self_report".to_owned(), Weight::Mitigating)];
        assert_eq!(story.state.circumstances, known[..usize::from(mitigates)], "{person}");
    }
}

#[test]
fn an_appeal_comes_in_time_and_once_and_upholds_changes_or_annuls() {
    let mut story = Story::opened("2025-05-05");
    assert_eq!(story.does("2025-09-02", Command::Appeal), Err(Refusal::NotDecided));
    let mut story = Story::decided();
    let end = story.state.appeal.clone().unwrap().due_date;
    match story.does(&end.succ_opt().unwrap().to_string(), Command::Appeal) {
        Err(Refusal::AppealTooLate { rule, due }) => {
            assert_eq!(due, end);
            assert!(rule.contains("02/2011"), "{rule}");
        }
        other => panic!("{other:?}"),
    }
    // The official whom it's about appeals for themselves, and does nothing else.
    (story.agency, story.official, story.is_own) = (Some("H57"), Some("clerk"), true);
    assert_eq!(story.does("2025-10-05", Command::Execute), Err(Refusal::ConcernsOfficial));
    // Another agency doesn't appeal in their name.
    (story.agency, story.is_own) = (Some("H59"), false);
    let other = story.does("2025-10-05", Command::Appeal);
    assert_eq!(other, Err(Refusal::HandlerMismatch { agency: "H59".into() }));
    (story.agency, story.is_own) = (Some("H57"), true);
    story.does("2025-10-05", Command::Appeal).unwrap();
    (story.agency, story.official, story.is_own) = (None, None, false);
    assert_eq!(story.does("2025-10-06", Command::Appeal), Err(Refusal::AppealPending));
    let change = |form: Option<&str>| Command::DecideAppeal {
        result: AppealResult::Changed,
        form: form.map(str::to_owned),
    };
    assert_eq!(story.does("2025-10-20", change(None)), Err(Refusal::FormMismatch));
    let unlawful = story.does("2025-10-20", change(Some("salary_cut")));
    assert!(matches!(unlawful, Err(Refusal::FormNotAllowed { .. })), "{unlawful:?}");
    story.does("2025-10-20", change(Some("reprimand"))).unwrap();
    assert_eq!(story.state.imposed().unwrap().form.as_deref(), Some("reprimand"));
    assert_eq!(story.does("2025-10-21", Command::Appeal), Err(Refusal::AppealDecided));
    assert_eq!(story.does("2025-10-21", change(Some("warning"))), Err(Refusal::AppealNotPending));

    let mut story = Story::decided();
    story.does("2025-10-05", Command::Appeal).unwrap();
    story.does("2025-10-20", Command::DecideAppeal { result: AppealResult::Annulled, form: None }).unwrap();
    for command in [Command::Execute, Command::Clear, Command::Exonerate(ExonerationGround::NoViolation)] {
        assert_eq!(story.does("2025-10-21", command), Err(Refusal::NothingImposed));
    }
    // What was executed before has to be made good.
    let mut story = Story::decided();
    story.does("2025-10-06", Command::Execute).unwrap();
    // Recorded after, and in time all the same.
    story.does("2025-10-05", Command::Appeal).unwrap();
    story.does("2025-10-20", Command::DecideAppeal { result: AppealResult::Annulled, form: None }).unwrap();
    story.does("2025-10-21", Command::Exonerate(ExonerationGround::UnlawfulDecision)).unwrap();
    story.does("2025-10-22", Command::Apologise).unwrap();
}

#[test]
fn a_sanction_is_executed_and_cleared_after_its_term() {
    let mut story = Story::decided();
    let early = story.does("2025-10-02", Command::Clear);
    assert!(matches!(early, Err(Refusal::TermNotOver { .. })), "{early:?}");
    story.does("2025-10-06", Command::Execute).unwrap();
    assert_eq!(story.does("2025-10-07", Command::Execute), Err(Refusal::Executed));
    // A year from the decision: whoever executes late doesn't lengthen it.
    match story.does("2026-09-30", Command::Clear) {
        Err(Refusal::TermNotOver { due, .. }) => assert_eq!(due, day("2026-10-01")),
        other => panic!("{other:?}"),
    }
    story.does("2026-10-01", Command::Clear).unwrap();
    assert_eq!(story.does("2026-10-07", Command::Clear), Err(Refusal::Cleared));
}

#[test]
fn the_head_of_the_day_of_the_violation_is_liable_once() {
    let head = |name: &str, liability| Command::HoldHeadLiable { head: name.into(), liability };
    let mut story = Story::heard("2025-05-05");
    let early = story.does("2025-09-20", head("head", Liability::Joint));
    assert_eq!(early, Err(Refusal::NothingImposed));
    let mut story = Story::decided();
    let other = story.does("2025-10-02", head("clerk", Liability::Direct));
    assert!(matches!(other, Err(Refusal::NotTheHead { .. })), "{other:?}");
    let events = story.does("2025-10-02", head("head", Liability::Joint)).unwrap();
    match &events[..] {
        [ProceedingEvent::HeadHeldLiable { basis, .. }] => {
            assert!(basis.citation.contains("36/2018") && basis.citation.contains("art. 7"), "{basis:?}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(story.does("2025-10-03", head("head", Liability::Joint)), Err(Refusal::HeadLiable));
}

#[test]
fn only_what_was_imposed_is_exonerated_and_apology_and_restoration_follow() {
    let exonerate = || Command::Exonerate(ExonerationGround::NoViolation);
    assert_eq!(Story::opened("2025-05-05").does("2025-09-02", exonerate()), Err(Refusal::NothingImposed));
    let mut story = Story::decided();
    assert_eq!(story.does("2025-10-02", Command::Apologise), Err(Refusal::NotExonerated));
    assert_eq!(story.does("2025-10-02", Command::Restore), Err(Refusal::NotExonerated));
    let events = story.does("2025-12-01", exonerate()).unwrap();
    assert!(matches!(
        &events[..],
        [ProceedingEvent::Exonerated { apologise: Some(_), restore: Some(_), basis: Some(_), .. }]
    ));
    assert_eq!(story.does("2025-12-02", exonerate()), Err(Refusal::Exonerated));
    assert_eq!(story.does("2025-12-02", Command::Execute), Err(Refusal::NothingImposed));
    story.does("2025-12-10", Command::Apologise).unwrap();
    story.does("2025-12-11", Command::Restore).unwrap();
    assert_eq!(story.does("2025-12-12", Command::Apologise), Err(Refusal::Apologised));
    assert_eq!(story.does("2025-12-12", Command::Restore), Err(Refusal::Restored));
    // An appeal that was pending has nothing left to decide.
    let mut story = Story::decided();
    story.does("2025-10-05", Command::Appeal).unwrap();
    story.does("2025-10-06", exonerate()).unwrap();
    let upheld = Command::DecideAppeal { result: AppealResult::Upheld, form: None };
    assert_eq!(story.does("2025-10-20", upheld), Err(Refusal::NothingImposed));
}

#[test]
fn the_party_goes_by_its_own_forms_and_neither_track_waits_unless_a_rule_says_so() {
    let mut opening = against("clerk", "2025-05-05");
    opening.track = Track::Party;
    let mut story = Story::new();
    story.does("2025-09-01", Command::Open(opening)).unwrap();
    assert_eq!(story.state.class, Some(PersonClass::PartyMember));
    story.does("2025-09-05", Command::HoldHearing { attended: true }).unwrap();
    let refused = story.decides("2025-09-10", sanction("dismissal"));
    assert!(matches!(refused, Err(Refusal::FormNotAllowed { .. })), "{refused:?}");
    let decision = sanction("expulsion");
    let other_undecided = Some("p-r-1-1".to_owned());
    story.does("2025-09-10", Command::Decide { decision, other_undecided }).unwrap();

    // A rulebook in which the administration waits for the Party.
    let waiting = "\njurisdiction = \"VN\"\nname = \"Test\"\nversion = \"VN-T\"\n".to_owned()
        + &rule("sanction", "forms = [\"warning\"]")
        + &rule("parallel", "waits_for = \"party\"");
    let book = rulebook::law::Lawbook::parse(&waiting).unwrap();
    let mut story = Story::heard("2025-05-05");
    story.law = Arc::new(Law { book: Arc::new(book), ..(*story.law).clone() });
    let decision = sanction("warning");
    let other_undecided = Some("p-r-1-1-party".to_owned());
    let refused = story.does("2025-10-01", Command::Decide { decision, other_undecided });
    assert!(matches!(refused, Err(Refusal::OtherTrackFirst { .. })), "{refused:?}");
    story.decides("2025-10-01", sanction("warning")).unwrap();
}

fn rule(duty: &str, says: &str) -> String {
    format!(
        "\n[[rule]]\nid = \"{duty}\"\nduty = \"{duty}\"\ntrack = \"administrative\"\nfrom = 2020-01-01\n{says}\n\
         selected_by = \"decision\"\nselected_by_source = \"Test\"\nsource = \"Test\"\nverified = false\n"
    )
}

#[test]
fn where_the_person_came_to_head_the_agency_another_acts_in_its_place() {
    let mut story = Story::decided();
    let mut directory = (*story.directory).clone();
    let from_date = day("2025-11-01");
    let appointed = Official::Appointed { official: "clerk".into(), post: "H57-head".into(), from_date };
    fold(&mut directory, "directory.official", &appointed);
    story.directory = Arc::new(directory);
    let own = story.does("2025-11-02", Command::Execute);
    assert_eq!(own, Err(Refusal::ConcernsHandler("H57".into())));
    story.agency = Some("H58");
    let other = story.does("2025-11-02", Command::Execute);
    assert_eq!(other, Err(Refusal::HandlerMismatch { agency: "H58".into() }));
    story.is_inspector = true;
    story.does("2025-11-02", Command::Execute).unwrap();
    story.does("2025-11-03", Command::Exonerate(ExonerationGround::NoViolation)).unwrap();
    // What is owed is given by whoever owes it.
    (story.agency, story.is_inspector) = (None, false);
    story.does("2025-11-04", Command::Apologise).unwrap();
}

#[test]
fn nothing_happens_before_what_it_follows_nor_by_another_agency() {
    let mut story = Story::opened("2025-05-05");
    let early = story.does("2025-08-31", Command::Extend);
    assert_eq!(early, Err(Refusal::OutOfOrder { follows: day("2025-09-01") }));
    story.agency = Some("H58");
    let other = story.does("2025-09-02", Command::Extend);
    assert!(matches!(other, Err(Refusal::HandlerMismatch { .. })), "{other:?}");
    assert_eq!(
        Story::new().does("2025-09-02", Command::Extend),
        Err(Refusal::ProceedingUnknown("p-r-1-1".into()))
    );
}
