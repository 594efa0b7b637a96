//! What can be asked of a report, and what it decides.

use std::sync::Arc;

use chrono::NaiveDate;
use command::Law;
use esrs::Aggregate;
use events::{
    Fact, Occurred,
    conduct::{
        AboutWhom, Appellant, Class, Classed, Complexity, Finding, FindingStage, Found, Kind,
        ReopeningReason, ReportEvent, Source, TransferReason,
    },
    delivery::By,
    directory::Directory,
    vault::Sealed,
};
use rulebook::law::Duty;

use super::{
    Refusal, ReportState, Stage,
    law::{extended, limit_of, permitting, rule_of},
};

/// The aggregate of one report; its stream's key is its id.
pub(crate) struct Report;

/// Something asked of a report.
#[derive(Debug, Clone)]
pub(crate) struct ReportCommand {
    pub(crate) report: String,
    /// The day it happened.
    pub(crate) on: NaiveDate,
    /// Today: whoever came to head an agency up to now is its head in the matter.
    pub(crate) today: NaiveDate,
    /// The agency the caller acts for; none to act for the one that has the report.
    pub(crate) agency: Option<String>,
    pub(crate) official: Option<String>,
    pub(crate) law: Arc<Law>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) command: Command,
}

/// What is filed.
#[derive(Debug, Clone)]
pub(crate) struct NewReport {
    pub(crate) source: Source,
    pub(crate) kind: Kind,
    pub(crate) classed: Classed,
    pub(crate) about: AboutWhom,
    pub(crate) handler: String,
    pub(crate) jurisdiction: String,
    pub(crate) remote: bool,
    pub(crate) name: Option<Sealed>,
    pub(crate) contact: Option<Sealed>,
    pub(crate) text: Option<Sealed>,
    pub(crate) retaliation_for: Option<String>,
}

/// An allegation as another register has it.
#[derive(Debug, Clone)]
pub(crate) struct ImportedAllegation {
    pub(crate) person: Option<String>,
    pub(crate) classed: Classed,
    pub(crate) recommended: Option<Finding>,
    pub(crate) last: Option<Finding>,
}

#[derive(Debug, Clone)]
pub(crate) enum Command {
    File(NewReport),
    Import {
        report: NewReport,
        allegations: Vec<ImportedAllegation>,
        opened: Option<NaiveDate>,
        closed: Option<NaiveDate>,
    },
    Add(Sealed),
    Answer {
        question: u32,
        text: Sealed,
    },
    Withdraw(Vec<u32>),
    ReportRetaliation {
        by_report: String,
    },
    Classify {
        kind: Option<Kind>,
        class: Option<Class>,
        evidence: bool,
    },
    Accept {
        instance: u32,
    },
    Transfer {
        to: String,
        reason: TransferReason,
    },
    Decline {
        reason: String,
    },
    Extend(Complexity),
    Ask(Sealed),
    OpenInquiry,
    AddPerson(String),
    RecordStep(String),
    AddAllegation {
        person: Option<String>,
        classed: Classed,
    },
    RecordFinding {
        found: Found,
        stage: FindingStage,
    },
    Conclude,
    Appeal(Appellant),
    DecideAppeal(Vec<Found>),
    Reopen(ReopeningReason),
}

impl Aggregate for Report {
    const NAME: &'static str = "conduct.report";
    type State = ReportState;
    type Command = ReportCommand;
    type Event = Fact<ReportEvent>;
    type Error = Refusal;

    fn handle_command(state: &ReportState, command: ReportCommand) -> Result<Vec<Self::Event>, Refusal> {
        let on = command.on;
        let dated = |on| move |data| Fact { occurred: Occurred::On(on), data };
        match &command.command {
            Command::File(_) | Command::Import { .. } if state.exists() => {
                Err(Refusal::ReportExists(command.report))
            }
            Command::File(new) => {
                let classify = limit_of(&command.law, Duty::Classify, (new.kind, 1, new.remote), on)?;
                Ok(vec![dated(on)(received(&command.report, new.clone(), classify))])
            }
            Command::Import { .. } => imported(command),
            _ if !state.exists() => Err(Refusal::ReportUnknown(command.report)),
            _ => Ok(decide(state, command)?.into_iter().map(dated(on)).collect()),
        }
    }

    fn apply_event(state: ReportState, fact: Self::Event) -> ReportState {
        state.apply(fact)
    }
}

fn received(id: &str, new: NewReport, classify: Option<events::conduct::Limit>) -> ReportEvent {
    let NewReport { source, kind, classed, about, handler, jurisdiction, remote, .. } = new;
    let NewReport { name, contact, text, retaliation_for, .. } = new;
    ReportEvent::Received {
        report: id.to_owned(),
        source,
        kind,
        classed,
        about,
        handler,
        jurisdiction,
        remote,
        name,
        contact,
        text,
        retaliation_for,
        classify,
    }
}

/// A report as another register has it: what that one doesn't tell is not made up.
fn imported(command: ReportCommand) -> Result<Vec<Fact<ReportEvent>>, Refusal> {
    let ReportCommand { report: id, on, law, command, official, .. } = command;
    let Command::Import { report, allegations, opened, closed } = command else { return Ok(Vec::new()) };
    let by = By { agency: report.handler.clone(), unit: None, official };
    // In the order of the register, or not at all.
    let mut before = on;
    for day in [opened, closed].into_iter().flatten() {
        if day < before {
            return Err(Refusal::OutOfOrder { follows: before });
        }
        before = day;
    }
    let in_law = (report.kind, 1, report.remote);
    let mut facts = vec![(on, received(&id, report, None))];
    if let Some(opened) = opened {
        let conclude = limit_of(&law, Duty::Conclude, in_law, opened)?;
        facts.push((opened, ReportEvent::Accepted { by: by.clone(), instance: 1, conclude }));
    }
    let begun = opened.unwrap_or(on);
    if opened.is_some() || !allegations.is_empty() {
        facts.push((begun, ReportEvent::InquiryOpened { by: by.clone() }));
    }
    let found_on = closed.unwrap_or(begun);
    let is_settled = |a: &ImportedAllegation| a.last.is_some_and(|finding| finding != Finding::Pending);
    let is_concluded = closed.is_some() || (!allegations.is_empty() && allegations.iter().all(is_settled));
    for (number, allegation) in (1..).zip(allegations) {
        let ImportedAllegation { person, classed, recommended, last } = allegation;
        facts.push((
            begun,
            ReportEvent::AllegationMade { by: by.clone(), allegation: number, person, classed },
        ));
        let stages = [(recommended, FindingStage::Recommended), (last, FindingStage::Final)];
        for (finding, stage) in stages {
            let Some(finding) = finding else { continue };
            let found = Found { allegation: number, finding };
            facts.push((found_on, ReportEvent::FindingRecorded { by: by.clone(), found, stage }));
        }
    }
    if is_concluded {
        facts.push((found_on, ReportEvent::Concluded { by, date_unknown: closed.is_none() }));
    }
    Ok(facts.into_iter().map(|(on, data)| Fact { occurred: Occurred::On(on), data }).collect())
}

fn decide(state: &ReportState, asked: ReportCommand) -> Result<Vec<ReportEvent>, Refusal> {
    let ReportCommand { on, today, agency, official, law, directory, command, .. } = asked;
    let one = |event| Ok(vec![event]);
    // What a reporter does: no agency has a say in it.
    let command = match command {
        Command::Add(text) => return one(ReportEvent::AddedTo { text }),
        Command::Answer { question, text } => {
            let place = usize::try_from(question).ok().and_then(|n| n.checked_sub(1));
            let asked = place.and_then(|place| state.questions.get(place));
            return match asked {
                None => Err(Refusal::QuestionUnknown(question)),
                Some(asked) if asked.is_answered => Err(Refusal::QuestionAnswered),
                Some(_) => one(ReportEvent::QuestionAnswered { question, text }),
            };
        }
        Command::ReportRetaliation { by_report } => {
            return one(ReportEvent::RetaliationReported { by_report });
        }
        Command::Withdraw(allegations) => {
            state.open()?;
            let what = if allegations.is_empty() { "whole_withdrawal" } else { "partial_withdrawal" };
            for number in &allegations {
                state.allegation(*number).ok_or(Refusal::AllegationUnknown(*number))?;
            }
            let (kind, _, _) = state.in_law();
            let rule = permitting(&law, what, kind, on).ok_or(Refusal::NoRule)?;
            return one(ReportEvent::Withdrawn { allegations, rule: rule.id.clone() });
        }
        other => other,
    };

    let acting = agency.unwrap_or_else(|| state.concern.handler.clone());
    if directory.successor(&acting) != directory.successor(&state.concern.handler) {
        return Err(Refusal::HandlerMismatch { agency: acting, handler: state.concern.handler.clone() });
    }
    for follows in [state.concern.received, state.latest].into_iter().flatten() {
        if on < follows {
            return Err(Refusal::OutOfOrder { follows });
        }
    }
    let until = on.max(today);
    let is_concerned = |agency: &str| state.concern.is_agency(agency, &directory, until);
    let by = By { agency: acting.clone(), unit: None, official };
    if let Command::Transfer { to, reason } = command {
        state.transferable()?;
        if directory.successor(&to) == directory.successor(&acting) {
            return Err(Refusal::TransferredToItself);
        }
        if is_concerned(&to) {
            return Err(Refusal::TargetConcerned { to });
        }
        let (mut classify, mut accept) = (None, None);
        match state.stage {
            Stage::Received => classify = limit_of(&law, Duty::Classify, state.in_law(), on)?,
            Stage::Classified => accept = limit_of(&law, Duty::Accept, state.in_law(), on)?,
            _ => {}
        }
        return one(ReportEvent::Transferred { by, to_agency: to, reason, classify, accept });
    }
    if is_concerned(&acting) {
        return Err(Refusal::ConcernsHandler { handler: acting });
    }
    if by.official.as_ref().is_some_and(|official| state.concern.is_person(official)) {
        return Err(Refusal::ConcernsOfficial);
    }
    handle(state, &law, by, on, command)
}

/// What the agency that has a report, and may handle it, does with it.
fn handle(
    state: &ReportState,
    law: &Law,
    by: By,
    on: NaiveDate,
    command: Command,
) -> Result<Vec<ReportEvent>, Refusal> {
    let one = |event| Ok(vec![event]);
    match command {
        Command::Classify { kind, class, evidence } => {
            state.open()?;
            if state.stage != Stage::Received {
                return Err(Refusal::Classified);
            }
            classify(state, law, by, on, (kind, class, evidence))
        }
        Command::Accept { instance } => {
            state.classified()?;
            let (kind, _, remote) = state.in_law();
            let conclude = limit_of(law, Duty::Conclude, (kind, instance, remote), on)?;
            one(ReportEvent::Accepted { by, instance, conclude })
        }
        Command::Decline { reason } => {
            state.classified()?;
            let rule = rule_of(law, Duty::Decline, state.in_law(), on).ok_or(Refusal::NoRule)?;
            if !rule.reasons.contains(&reason) {
                let known = rule.reasons.join(", ");
                return Err(Refusal::DeclineReasonUnknown { rule: rule.cite(), known });
            }
            one(ReportEvent::Declined { by, reason, rule: rule.id.clone() })
        }
        Command::Extend(complexity) => {
            state.accepted()?;
            let limit = state.limit.as_ref().ok_or(Refusal::NoRule)?;
            let conclude = extended(law, limit, complexity, state.extensions, on)?;
            one(ReportEvent::Extended { by, complexity, conclude })
        }
        Command::Ask(text) => {
            state.open()?;
            let question = u32::try_from(state.questions.len()).unwrap_or(u32::MAX).saturating_add(1);
            one(ReportEvent::QuestionAsked { by, question, text })
        }
        Command::OpenInquiry => {
            state.accepted()?;
            if state.stage == Stage::UnderInquiry {
                return Err(Refusal::InquiryOpen);
            }
            one(ReportEvent::InquiryOpened { by })
        }
        Command::AddPerson(person) => {
            state.under_inquiry()?;
            if state.persons.contains(&person) {
                return Err(Refusal::PersonKnown);
            }
            one(ReportEvent::PersonConcerned { by, person })
        }
        Command::RecordStep(step) => {
            state.under_inquiry()?;
            one(ReportEvent::InquiryStepDone { by, step })
        }
        Command::AddAllegation { person, classed } => {
            state.under_inquiry()?;
            let allegation = u32::try_from(state.allegations.len()).unwrap_or(u32::MAX).saturating_add(1);
            one(ReportEvent::AllegationMade { by, allegation, person, classed })
        }
        Command::RecordFinding { found, stage } => {
            state.under_inquiry()?;
            let allegation = state.allegation(found.allegation);
            let allegation = allegation.ok_or(Refusal::AllegationUnknown(found.allegation))?;
            let known = match stage {
                FindingStage::Recommended => allegation.recommended,
                FindingStage::Final if allegation.recommended.is_none() => {
                    return Err(Refusal::NotRecommended);
                }
                FindingStage::Final => allegation.last,
            };
            if known == Some(found.finding) {
                return Err(Refusal::FindingUnchanged);
            }
            one(ReportEvent::FindingRecorded { by, found, stage })
        }
        Command::Conclude => {
            state.under_inquiry()?;
            for (number, allegation) in (1..).zip(&state.allegations) {
                let is_found = allegation.last.is_some_and(|finding| finding != Finding::Pending);
                if !is_found && !allegation.is_withdrawn {
                    return Err(Refusal::FindingsMissing(number));
                }
            }
            one(ReportEvent::Concluded { by, date_unknown: false })
        }
        Command::Appeal(appellant) => {
            state.concluded()?;
            let decide = limit_of(law, Duty::DecideAppeal, state.in_law(), on)?;
            one(ReportEvent::Appealed { appellant, decide })
        }
        Command::DecideAppeal(changed) => {
            if state.stage != Stage::UnderAppeal {
                return Err(Refusal::AppealNotPending);
            }
            for Found { allegation, finding } in &changed {
                let known = state.allegation(*allegation).ok_or(Refusal::AllegationUnknown(*allegation))?;
                if known.last == Some(*finding) {
                    return Err(Refusal::FindingUnchanged);
                }
                let named = changed.iter().filter(|other| other.allegation == *allegation).count();
                if *finding == Finding::Pending || named > 1 {
                    return Err(Refusal::FindingsMissing(*allegation));
                }
            }
            one(ReportEvent::AppealDecided { by, changed })
        }
        Command::Reopen(reason) => {
            state.concluded()?;
            let conclude = limit_of(law, Duty::Conclude, state.in_law(), on)?;
            one(ReportEvent::Reopened { by, reason, conclude })
        }
        Command::File(_)
        | Command::Import { .. }
        | Command::Add(_)
        | Command::Answer { .. }
        | Command::Withdraw(_)
        | Command::ReportRetaliation { .. }
        | Command::Transfer { .. } => unreachable!("decided before"),
    }
}

/// What a report is, and where that leads: an anonymous one ends here or goes to inspection, where the rule
/// says so.
fn classify(
    state: &ReportState,
    law: &Law,
    by: By,
    on: NaiveDate,
    (kind, class, evidence): (Option<Kind>, Option<Class>, bool),
) -> Result<Vec<ReportEvent>, Refusal> {
    let (declared, instance, remote) = state.in_law();
    let kind = kind.unwrap_or(declared);
    let in_law = (kind, instance, remote);
    let since = state.handled_since.unwrap_or(on);
    let classed = match (class, &state.classed) {
        (Some(class), Some(said)) if said.class == class => said.clone(),
        (Some(class), _) => Classed { class, source_class: None },
        (None, Some(said)) => said.clone(),
        (None, None) => Classed { class: Class::Other, source_class: None },
    };
    let anonymous =
        rule_of(law, Duty::Anonymous, in_law, since).filter(|_| state.source == Some(Source::Anonymous));
    let outcome = anonymous.and_then(|rule| {
        let outcome = if evidence { rule.with_evidence.as_deref() } else { rule.without_evidence.as_deref() };
        outcome.map(|outcome| (rule.id.clone(), outcome))
    });
    let accept = if outcome.is_none() { limit_of(law, Duty::Accept, in_law, since)? } else { None };
    let mut decided = vec![ReportEvent::Classified { by: by.clone(), kind, classed, evidence, accept }];
    match outcome {
        Some((rule, "inspection")) => {
            let conclude = limit_of(law, Duty::Conclude, in_law, on)?;
            decided.push(ReportEvent::SentToInspection { by, rule, conclude });
        }
        Some((rule, _)) => decided.push(ReportEvent::FiledAway { by, rule }),
        None => {}
    }
    Ok(decided)
}

/// The rules that several commands share.
impl ReportState {
    fn open(&self) -> Result<(), Refusal> {
        match self.stage {
            Stage::Declined | Stage::FiledAway | Stage::Withdrawn | Stage::Concluded | Stage::UnderAppeal => {
                Err(Refusal::Ended)
            }
            _ => Ok(()),
        }
    }

    /// Somebody has it to do something with: also with what is concluded, which can be reopened.
    fn transferable(&self) -> Result<(), Refusal> {
        match self.stage {
            Stage::Declined | Stage::FiledAway | Stage::Withdrawn => Err(Refusal::Ended),
            _ => Ok(()),
        }
    }

    /// Classified, and nothing was decided since.
    fn classified(&self) -> Result<(), Refusal> {
        self.open()?;
        match self.stage {
            Stage::Received => Err(Refusal::NotClassified),
            Stage::Classified => Ok(()),
            _ => Err(Refusal::Accepted),
        }
    }

    fn accepted(&self) -> Result<(), Refusal> {
        self.open()?;
        match self.stage {
            Stage::Received | Stage::Classified => Err(Refusal::NotAccepted),
            _ => Ok(()),
        }
    }

    fn under_inquiry(&self) -> Result<(), Refusal> {
        self.open()?;
        if self.stage == Stage::UnderInquiry { Ok(()) } else { Err(Refusal::InquiryNotOpen) }
    }

    fn concluded(&self) -> Result<(), Refusal> {
        match self.stage {
            Stage::Concluded => Ok(()),
            Stage::UnderAppeal => Err(Refusal::AppealPending),
            _ => Err(Refusal::NotConcluded),
        }
    }
}
