//! What a report decides, rule by rule.

use std::sync::Arc;

use chrono::NaiveDate;
use command::Law;
use esrs::Aggregate as _;
use events::{
    Fact,
    conduct::{
        AboutWhom, Appellant, Class, Classed, Complexity, Finding, FindingStage, Found, Kind,
        ReopeningReason, ReportEvent, Source, TransferReason,
    },
    directory::{Directory, Leadership, Official, OfficialCategory, Post},
    vault::Sealed,
};
use rulebook::{
    Calendar,
    law::{Lawbook, Lawbooks},
};

use super::{Command, NewReport, Refusal, Report, ReportCommand, ReportState, Stage};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn law_of(book: Lawbook) -> Arc<Law> {
    let calendar = Calendar::vietnam();
    let version = calendar.version();
    Arc::new(Law {
        book: Arc::new(book),
        calendar: Arc::new(calendar),
        calendar_version: format!("{}@{}", version.name, version.hash),
    })
}

fn law() -> Arc<Law> {
    law_of(Lawbooks::shipped().get("VN").unwrap().clone())
}

/// One report, and who heads what.
struct Story {
    state: ReportState,
    law: Arc<Law>,
    directory: Arc<Directory>,
    agency: Option<&'static str>,
}

impl Story {
    fn new() -> Self {
        let (state, directory) = (ReportState::default(), Arc::new(Directory::default()));
        Self { state, law: law(), directory, agency: None }
    }

    fn filed(source: Source, kind: Kind, on: &str, change: impl FnOnce(&mut NewReport)) -> Self {
        let mut story = Self::new();
        let mut new = NewReport {
            source,
            kind,
            classed: Classed { class: Class::Harassment, source_class: None },
            about: AboutWhom { agency: "H57".into(), unit: Some("H57.02".into()), officials: Vec::new() },
            handler: "H57".into(),
            jurisdiction: "VN".into(),
            remote: false,
            name: None,
            contact: None,
            text: None,
            retaliation_for: None,
        };
        change(&mut new);
        story.does(on, Command::File(new)).unwrap();
        story
    }

    fn accepted(kind: Kind, on: &str) -> Self {
        let mut story = Self::filed(Source::Named, kind, on, |_| {});
        story.does(on, Command::Classify { kind: None, class: None, evidence: true }).unwrap();
        story.does(on, Command::Accept { instance: 1 }).unwrap();
        story
    }

    fn does(&mut self, on: &str, command: Command) -> Result<Vec<ReportEvent>, Refusal> {
        let command = ReportCommand {
            report: "r-1".into(),
            on: day(on),
            today: day(on),
            agency: self.agency.map(str::to_owned),
            official: None,
            law: self.law.clone(),
            directory: self.directory.clone(),
            command,
        };
        let facts = Report::handle_command(&self.state, command)?;
        for fact in &facts {
            self.state = std::mem::take(&mut self.state).apply(fact.clone());
        }
        Ok(facts.into_iter().map(|Fact { data, .. }| data).collect())
    }

    fn due(&self) -> Option<String> {
        self.state.limit.as_ref().map(|limit| limit.due_date.to_string())
    }

    fn finds(&mut self, on: &str, allegation: u32, finding: Finding) {
        for stage in [FindingStage::Recommended, FindingStage::Final] {
            let found = Found { allegation, finding };
            self.does(on, Command::RecordFinding { found, stage }).unwrap();
        }
    }
}

fn classify() -> Command {
    Command::Classify { kind: None, class: None, evidence: false }
}

fn sealed(seal: &str) -> Sealed {
    Sealed { seal: seal.into(), commitment: "00".into() }
}

#[test]
fn three_clocks_run_one_after_the_other() {
    let mut story = Story::filed(Source::Named, Kind::Complaint, "2026-03-02", |_| {});
    assert_eq!(story.due().as_deref(), Some("2026-03-09"), "seven days to classify");
    story.does("2026-03-04", classify()).unwrap();
    assert_eq!(story.due().as_deref(), Some("2026-03-12"), "ten days from receipt to accept");
    story.does("2026-03-10", Command::Accept { instance: 1 }).unwrap();
    assert_eq!(story.due().as_deref(), Some("2026-04-09"), "thirty days from acceptance");
    assert_eq!(story.state.limit.as_ref().unwrap().rule, "complaint.conclude.first");
}

#[test]
fn a_remote_complaint_and_a_second_instance_have_their_own_limits() {
    for (remote, instance, due) in
        [(false, 1, "2026-04-01"), (true, 1, "2026-04-16"), (false, 2, "2026-04-16"), (true, 2, "2026-05-04")]
    {
        let mut story = Story::filed(Source::Named, Kind::Complaint, "2026-03-02", |new| new.remote = remote);
        story.does("2026-03-02", classify()).unwrap();
        story.does("2026-03-02", Command::Accept { instance }).unwrap();
        assert_eq!(story.due().as_deref(), Some(due), "remote {remote}, instance {instance}");
    }
}

#[test]
fn a_denunciation_is_extended_once_if_complex_and_twice_if_especially_so() {
    let mut story = Story::accepted(Kind::Denunciation, "2026-03-02");
    assert_eq!(story.due().as_deref(), Some("2026-04-01"));
    story.does("2026-03-30", Command::Extend(Complexity::Complex)).unwrap();
    assert_eq!(
        story.due().as_deref(),
        Some("2026-05-04"),
        "thirty days, and then a Friday off and a weekend"
    );
    let again = story.does("2026-04-20", Command::Extend(Complexity::Complex));
    assert!(matches!(again, Err(Refusal::ExtensionNotAllowed { .. })), "{again:?}");
    story.does("2026-04-20", Command::Extend(Complexity::EspeciallyComplex)).unwrap();
    let third = story.does("2026-05-20", Command::Extend(Complexity::EspeciallyComplex));
    assert!(third.is_err());
    // What is over is not extended: a late one stays late.
    let mut late = Story::accepted(Kind::Denunciation, "2026-03-02");
    assert!(late.does("2026-04-02", Command::Extend(Complexity::Complex)).is_err());
    // No law lets a petition be especially complex.
    let mut petition = Story::accepted(Kind::Petition, "2026-03-02");
    assert!(petition.does("2026-03-03", Command::Extend(Complexity::EspeciallyComplex)).is_err());
}

#[test]
fn an_anonymous_denunciation_has_two_outcomes() {
    for (evidence, stage) in [(true, Stage::InInspection), (false, Stage::FiledAway)] {
        let mut story = Story::filed(Source::Anonymous, Kind::Denunciation, "2026-03-02", |_| {});
        let command = Command::Classify { kind: None, class: None, evidence };
        let decided = story.does("2026-03-03", command).unwrap();
        assert_eq!(decided.len(), 2);
        assert_eq!(story.state.stage, stage);
        assert!(story.does("2026-03-04", Command::Accept { instance: 1 }).is_err());
    }
    // In inspection an inquiry is opened as in any other.
    let mut story = Story::filed(Source::Anonymous, Kind::Denunciation, "2026-03-02", |_| {});
    story.does("2026-03-03", Command::Classify { kind: None, class: None, evidence: true }).unwrap();
    assert!(story.due().is_some());
    story.does("2026-03-04", Command::OpenInquiry).unwrap();
    // A confidential one is handled as any.
    let mut story = Story::filed(Source::Confidential, Kind::Denunciation, "2026-03-02", |_| {});
    story.does("2026-03-03", classify()).unwrap();
    assert_eq!(story.state.stage, Stage::Classified);
}

#[test]
fn an_agency_never_handles_a_report_about_itself() {
    let about_itself = |new: &mut NewReport| new.about.unit = None;
    for (source, change) in [
        (Source::Named, about_itself as fn(&mut NewReport)),
        // A self-report goes elsewhere, also if it is about one unit.
        (Source::SelfReport, |_| {}),
    ] {
        let mut story = Story::filed(source, Kind::Denunciation, "2026-03-02", change);
        let refused = story.does("2026-03-03", classify());
        assert_eq!(refused, Err(Refusal::ConcernsHandler { handler: "H57".into() }), "{source:?}");
        let to = |to: &str| Command::Transfer { to: to.into(), reason: TransferReason::ConcernsHandler };
        assert_eq!(story.does("2026-03-03", to("H57")), Err(Refusal::TransferredToItself));
        story.does("2026-03-03", to("H58")).unwrap();
        assert_eq!(story.state.concern.handler, "H58");
        assert_eq!(story.due().as_deref(), Some("2026-03-10"), "the other agency's clock starts anew");
        // It does not come back either.
        assert_eq!(story.does("2026-03-04", to("H57")), Err(Refusal::TargetConcerned { to: "H57".into() }));
        story.does("2026-03-04", classify()).unwrap();
    }
}

#[test]
fn an_agency_never_handles_a_report_about_its_head() {
    let mut directory = Directory::default();
    let mut fold = |category: &str, event: serde_json::Value| {
        directory.fold(category, event.to_string().as_bytes()).unwrap();
    };
    let json = |event: &dyn erased::Json| event.json();
    fold(
        "directory.post",
        json(&Post::Defined {
            post: "H57.head".into(),
            agency: "H57".into(),
            unit: None,
            leadership: Leadership::Head,
        }),
    );
    fold(
        "directory.official",
        json(&Official::Registered {
            official: "o-1".into(),
            agency: "H57".into(),
            category: OfficialCategory::CivilServant,
            party_member: true,
            name: None,
        }),
    );
    fold(
        "directory.official",
        json(&Official::Appointed {
            official: "o-1".into(),
            post: "H57.head".into(),
            from_date: day("2026-01-01"),
        }),
    );
    fold(
        "directory.official",
        json(&Official::Left { official: "o-1".into(), effective_date: day("2026-03-10") }),
    );
    let directory = Arc::new(directory);
    let about_head = |new: &mut NewReport| new.about.officials = vec!["o-1".into()];

    // Who headed it when the report came in is its head in this matter, also after leaving.
    let mut story = Story::filed(Source::Named, Kind::Denunciation, "2026-03-02", about_head);
    story.directory = directory.clone();
    assert!(matches!(story.does("2026-03-20", classify()), Err(Refusal::ConcernsHandler { .. })));

    // A report that came later is about a former head.
    let mut story = Story::filed(Source::Named, Kind::Denunciation, "2026-04-02", about_head);
    story.directory = directory.clone();
    story.does("2026-04-03", classify()).unwrap();

    // If the inquiry finds that it's about the head, it goes on elsewhere, and its clock with it.
    let mut story = Story::accepted(Kind::Denunciation, "2026-03-02");
    story.directory = directory;
    story.does("2026-03-03", Command::OpenInquiry).unwrap();
    story.does("2026-03-03", Command::AddPerson("o-1".into())).unwrap();
    let due = story.due();
    let step = Command::RecordStep("hearing".into());
    assert!(matches!(story.does("2026-03-04", step.clone()), Err(Refusal::ConcernsHandler { .. })));
    let transfer = Command::Transfer { to: "H58".into(), reason: TransferReason::ConcernsHandler };
    story.does("2026-03-04", transfer).unwrap();
    assert_eq!(story.due(), due);
    story.does("2026-03-05", step).unwrap();
}

mod erased {
    /// An event in its stored form.
    pub(super) trait Json {
        fn json(&self) -> serde_json::Value;
    }

    impl<E: events::Event> Json for E {
        fn json(&self) -> serde_json::Value {
            serde_json::to_value(self).unwrap()
        }
    }
}

#[test]
fn a_report_is_declined_for_a_reason_that_its_rule_knows() {
    let mut story = Story::filed(Source::Named, Kind::Complaint, "2026-03-02", |_| {});
    let decline = |reason: &str| Command::Decline { reason: reason.into() };
    assert_eq!(story.does("2026-03-03", decline("not_competent")), Err(Refusal::NotClassified));
    story.does("2026-03-03", classify()).unwrap();
    let refused = story.does("2026-03-03", decline("no_time"));
    assert!(matches!(refused, Err(Refusal::DeclineReasonUnknown { .. })), "{refused:?}");
    let declined = story.does("2026-03-03", decline("not_competent")).unwrap();
    assert!(matches!(&declined[..], [ReportEvent::Declined { rule, .. }] if rule == "complaint.decline"));
    assert_eq!(story.due(), None);
    assert_eq!(story.does("2026-03-04", Command::Accept { instance: 1 }), Err(Refusal::Ended));
}

#[test]
fn findings_are_recommended_then_final_then_concluded_appealed_and_changed() {
    let mut story = Story::accepted(Kind::Denunciation, "2026-03-02");
    let classed = Classed { class: Class::Attitude, source_class: None };
    let allege = Command::AddAllegation { person: Some("o-7".into()), classed };
    assert_eq!(story.does("2026-03-03", allege.clone()), Err(Refusal::InquiryNotOpen));
    story.does("2026-03-03", Command::OpenInquiry).unwrap();
    story.does("2026-03-03", allege.clone()).unwrap();
    story.does("2026-03-03", allege).unwrap();
    let found = Found { allegation: 1, finding: Finding::Substantiated };
    let last = Command::RecordFinding { found, stage: FindingStage::Final };
    assert_eq!(story.does("2026-03-04", last), Err(Refusal::NotRecommended));
    story.finds("2026-03-04", 1, Finding::Substantiated);
    assert_eq!(story.does("2026-03-05", Command::Conclude), Err(Refusal::FindingsMissing(2)));
    story.finds("2026-03-05", 2, Finding::False);
    story.does("2026-03-05", Command::Conclude).unwrap();
    assert_eq!((story.state.stage, story.due()), (Stage::Concluded, None));

    story.does("2026-03-06", Command::Appeal(Appellant::PersonConcerned)).unwrap();
    assert!(story.due().is_some(), "the appeal has a clock of its own");
    assert_eq!(story.does("2026-03-07", Command::Appeal(Appellant::Reporter)), Err(Refusal::AppealPending));
    let same = vec![Found { allegation: 1, finding: Finding::Substantiated }];
    assert_eq!(story.does("2026-03-08", Command::DecideAppeal(same)), Err(Refusal::FindingUnchanged));
    let changed = vec![Found { allegation: 1, finding: Finding::Unsubstantiated }];
    story.does("2026-03-08", Command::DecideAppeal(changed)).unwrap();
    assert_eq!(story.state.allegation(1).unwrap().last, Some(Finding::Unsubstantiated));
    story.does("2026-03-09", Command::Reopen(ReopeningReason::NewEvidence)).unwrap();
    assert_eq!(story.state.stage, Stage::UnderInquiry);
    assert_eq!(story.due().as_deref(), Some("2026-04-08"));
}

#[test]
fn some_allegations_are_withdrawn_only_since_the_law_allows_it() {
    for (on, is_allowed) in [("2026-06-30", false), ("2026-07-01", true)] {
        let mut story = Story::accepted(Kind::Denunciation, "2026-06-10");
        story.does("2026-06-11", Command::OpenInquiry).unwrap();
        let classed = Classed { class: Class::Waste, source_class: None };
        story.does("2026-06-11", Command::AddAllegation { person: None, classed }).unwrap();
        let partial = story.does(on, Command::Withdraw(vec![1]));
        assert_eq!(partial.is_ok(), is_allowed, "{on}: {partial:?}");
        assert_eq!(story.does(on, Command::Withdraw(vec![2])), Err(Refusal::AllegationUnknown(2)));
        story.does(on, Command::Withdraw(Vec::new())).unwrap();
        assert_eq!(story.state.stage, Stage::Withdrawn);
    }
}

#[test]
fn what_was_decided_stays_when_the_law_is_changed_for_the_past() {
    let mut story = Story::accepted(Kind::Complaint, "2026-03-02");
    let due = story.due();
    let text = include_str!("../../../../libs/rulebook/data/law/VN.toml");
    let shorter = text.replace("limit = { days = 30 }", "limit = { days = 20 }");
    assert_ne!(shorter, text);
    let book = Lawbook::parse(&shorter).unwrap();
    assert_ne!(book.hash, story.law.book.hash);
    story.law = law_of(book);
    story.does("2026-03-03", Command::OpenInquiry).unwrap();
    assert_eq!(story.due(), due, "the promise stays");
    let mut other = Story::filed(Source::Named, Kind::Complaint, "2026-03-02", |_| {});
    other.law = story.law.clone();
    other.does("2026-03-02", classify()).unwrap();
    other.does("2026-03-02", Command::Accept { instance: 1 }).unwrap();
    assert_ne!(other.due(), due, "a later decision is by the other rule");
}

#[test]
fn questions_are_answered_once() {
    let mut story = Story::filed(Source::Confidential, Kind::Petition, "2026-03-02", |_| {});
    story.does("2026-03-03", Command::Ask(sealed("s-1"))).unwrap();
    let answer = |question| Command::Answer { question, text: sealed("s-2") };
    assert_eq!(story.does("2026-03-04", answer(2)), Err(Refusal::QuestionUnknown(2)));
    story.does("2026-03-04", answer(1)).unwrap();
    assert_eq!(story.does("2026-03-05", answer(1)), Err(Refusal::QuestionAnswered));
    story.does("2026-03-05", Command::Add(sealed("s-3"))).unwrap();
    assert_eq!(story.state.sealed.len(), 3);
}

#[test]
fn only_the_agency_that_has_it_handles_it_and_in_order_of_time() {
    let mut story = Story::filed(Source::Named, Kind::Complaint, "2026-03-02", |_| {});
    story.agency = Some("H58");
    let refused = story.does("2026-03-03", classify());
    assert_eq!(refused, Err(Refusal::HandlerMismatch { agency: "H58".into(), handler: "H57".into() }));
    story.agency = Some("H57");
    assert_eq!(story.does("2026-03-01", classify()), Err(Refusal::OutOfOrder { follows: day("2026-03-02") }));
    story.does("2026-03-05", classify()).unwrap();
    let early = story.does("2026-03-04", Command::Accept { instance: 1 });
    assert_eq!(early, Err(Refusal::OutOfOrder { follows: day("2026-03-05") }));
    assert_eq!(story.does("2026-03-06", classify()), Err(Refusal::Classified));
}
