//! What can be asked of a proceeding, and what it decides.

use std::sync::Arc;

use chrono::NaiveDate;
use command::Law;
use esrs::Aggregate;
use events::{
    Fact, Occurred,
    conduct::Limit,
    delivery::By,
    directory::Directory,
    discipline::{
        AppealResult, CloseReason, Decision, DeclineReason, ExonerationGround, Liability, ProceedingEvent,
        SanctionResult, Track, Weight,
    },
};
use rulebook::law::{Duty, Rule, Start};

use super::{
    Found, Imported, Opening, ProceedingState, Refusal, Stage,
    law::{Starts, basis, law_track},
    opening,
};

/// The aggregate of one proceeding; its stream's key is its id.
pub(crate) struct Proceeding;

/// Something asked of a proceeding.
#[derive(Debug, Clone)]
pub(crate) struct ProceedingCommand {
    pub(crate) proceeding: String,
    /// The day it happened.
    pub(crate) on: NaiveDate,
    /// The agency the caller acts for; none to act for the one that has the proceeding.
    pub(crate) agency: Option<String>,
    pub(crate) official: Option<String>,
    /// Whether that official acts by a token of their own.
    pub(crate) is_own: bool,
    /// Whether an inspector acts, who may put another agency in the place of one that can't.
    pub(crate) is_inspector: bool,
    pub(crate) law: Arc<Law>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) command: Command,
}

#[derive(Debug, Clone)]
pub(crate) enum Command {
    BecomeDue {
        found: Found,
        track: Track,
    },
    Lapse {
        origin_revision: u64,
    },
    Open(Opening),
    DeclineToOpen {
        found: Found,
        reason: DeclineReason,
    },
    Import(Imported),
    Extend,
    Pause {
        ground: String,
    },
    Resume,
    ConveneCouncil(Vec<String>),
    HoldHearing {
        attended: bool,
    },
    RecordCircumstance {
        circumstance: String,
        report: Option<String>,
    },
    Recommend(Decision),
    /// `other_undecided`: the proceeding on the other track, as long as it isn't decided.
    Decide {
        decision: Decision,
        other_undecided: Option<String>,
    },
    HoldHeadLiable {
        head: String,
        liability: Liability,
    },
    Execute,
    Appeal,
    DecideAppeal {
        result: AppealResult,
        form: Option<String>,
    },
    Clear,
    Exonerate(ExonerationGround),
    Apologise,
    Restore,
    Close(CloseReason),
}

impl Aggregate for Proceeding {
    const NAME: &'static str = "discipline.proceeding";
    type State = ProceedingState;
    type Command = ProceedingCommand;
    type Event = Fact<ProceedingEvent>;
    type Error = Refusal;

    fn handle_command(
        state: &ProceedingState,
        asked: ProceedingCommand,
    ) -> Result<Vec<Self::Event>, Refusal> {
        let dated = |(on, data)| Fact { occurred: Occurred::On(on), data };
        let acting = Acting { is_own: asked.is_own, is_inspector: asked.is_inspector };
        let ProceedingCommand { proceeding: id, on, agency, official, law, directory, command, .. } = asked;
        let (law, directory) = (&*law, &*directory);
        let events = match command {
            Command::BecomeDue { found, track } => {
                vec![opening::due(state, &id, &found, track, (law, directory))?]
            }
            Command::Lapse { origin_revision } => match state.stage {
                Stage::Due => vec![ProceedingEvent::Lapsed { origin_revision }],
                _ => return Err(Refusal::Unchanged),
            },
            Command::Open(new) => opening::opened(state, &id, new, (agency, official), (law, directory, on))?,
            Command::DeclineToOpen { found, reason } => {
                let by = (agency, official);
                vec![opening::not_opened(state, &id, found, reason, by, (directory, on))?]
            }
            Command::Import(imported) => {
                let facts = opening::imported(state, &id, imported, official, law)?;
                return Ok(facts.into_iter().map(dated).collect());
            }
            _ if !state.exists() => return Err(Refusal::ProceedingUnknown(id)),
            _ if !state.is_opened() => return Err(Refusal::Closed),
            command => {
                let by = by(state, (agency, official, acting), directory, on, &command)?;
                // An appeal is in time or not whatever was recorded since.
                let follows = if matches!(command, Command::Appeal) { state.decided } else { state.latest };
                in_order(follows, on)?;
                handle(state, (law, directory), by, on, command)?
            }
        };
        Ok(events.into_iter().map(|event| dated((on, event))).collect())
    }

    fn apply_event(state: ProceedingState, fact: Self::Event) -> ProceedingState {
        state.apply(fact)
    }
}

/// By whose token somebody acts.
#[derive(Clone, Copy)]
struct Acting {
    is_own: bool,
    is_inspector: bool,
}

pub(super) fn in_order(follows: Option<NaiveDate>, on: NaiveDate) -> Result<(), Refusal> {
    match follows {
        Some(follows) if on < follows => Err(Refusal::OutOfOrder { follows }),
        _ => Ok(()),
    }
}

/// Who acts: the agency that has the proceeding, by an official whom it isn't about. The official whom it's about may
/// appeal, by a token of their own, and nothing else.
fn by(
    state: &ProceedingState,
    (agency, official, acting): (Option<String>, Option<String>, Acting),
    directory: &Directory,
    on: NaiveDate,
    command: &Command,
) -> Result<By, Refusal> {
    let handler = &state.standing.handler;
    let is_person = official.as_deref().is_some_and(|official| state.standing.is_person(official));
    let is_appeal = matches!(command, Command::Appeal);
    if is_appeal && is_person && acting.is_own {
        return Ok(By { agency: handler.clone(), unit: None, official });
    }
    let person = state.standing.person.as_deref();
    let is_headed = |agency: &str| person.is_some_and(|person| directory.heads(agency, on).contains(&person));
    let agency = agency.unwrap_or_else(|| handler.clone());
    if directory.successor(&agency) != directory.successor(handler) {
        // Where the person came to head the agency that has it, an inspector says which one acts in its place.
        let is_replaced = acting.is_inspector && is_headed(handler) && directory.is_open(&agency);
        if !is_replaced {
            return Err(Refusal::HandlerMismatch { agency });
        }
    }
    if is_person && !is_appeal {
        return Err(Refusal::ConcernsOfficial);
    }
    // What is owed to somebody is given by whoever owes it, also where they came to head it.
    let is_owed = matches!(command, Command::Apologise | Command::Restore);
    if !is_owed && is_headed(&agency) {
        return Err(Refusal::ConcernsHandler(agency));
    }
    Ok(By { agency, unit: None, official })
}

fn handle(
    state: &ProceedingState,
    (law, directory): (&Law, &Directory),
    by: By,
    on: NaiveDate,
    command: Command,
) -> Result<Vec<ProceedingEvent>, Refusal> {
    let in_law = state.in_law();
    let event = match command {
        Command::Extend => {
            state.running()?;
            let limit = state.decide.as_ref().ok_or(Refusal::NoRule)?;
            let rule = in_law.rule(law, Duty::Handle, None, on).ok_or(Refusal::NoRule)?;
            let extension = rule.extensions.iter().find(|extension| state.extensions < extension.times);
            // A limit that is over can't be extended: what is late stays late.
            let extension = extension
                .filter(|_| on <= limit.due_date)
                .ok_or_else(|| Refusal::ExtensionNotAllowed { rule: rule.cite(), due: limit.due_date })?;
            let more = (state.extensions + 1).saturating_mul(extension.days);
            let decide = law.limit_with(rule, limit.from_date, more, state.paused_days)?;
            ProceedingEvent::Extended { by, decide: decide.ok_or(Refusal::NoRule)? }
        }
        Command::Pause { ground } => {
            state.running()?;
            let rule = in_law.rule(law, Duty::Handle, None, on).ok_or(Refusal::NoRule)?;
            if !rule.pauses.contains(&ground) {
                let known = rule.pauses.join(", ");
                return Err(Refusal::PauseGroundUnknown { rule: rule.cite(), known });
            }
            ProceedingEvent::Paused { by, ground, rule: rule.id.clone() }
        }
        Command::Resume => {
            state.undecided()?;
            let since = state.paused.ok_or(Refusal::NotPaused)?;
            let days = state.paused_days + days_between(since, on);
            let later = |limit: &Option<Limit>, duty| match limit {
                // What was over before the pause stays over.
                Some(limit) if since <= limit.due_date => {
                    let rule = in_law.rule(law, duty, None, on).ok_or(Refusal::NoRule)?;
                    let each = rule.extensions.first().map_or(0, |extension| extension.days);
                    let extensions = if duty == Duty::Handle { state.extensions } else { 0 };
                    let more = extensions.saturating_mul(each);
                    Ok(law.limit_with(rule, limit.from_date, more, days)?)
                }
                limit => Ok::<_, Refusal>(limit.clone()),
            };
            let convene = later(&state.convene, Duty::Convene)?;
            ProceedingEvent::Resumed { by, convene, decide: later(&state.decide, Duty::Handle)? }
        }
        Command::ConveneCouncil(members) => {
            state.running()?;
            if state.has_council {
                return Err(Refusal::CouncilConvened);
            }
            if members.iter().any(|member| state.standing.is_person(member)) {
                return Err(Refusal::MemberConcerned);
            }
            ProceedingEvent::CouncilConvened { by, members }
        }
        Command::HoldHearing { attended } => {
            state.running()?;
            let rule = in_law.rule(law, Duty::Sanction, None, on);
            let rule = rule.filter(|rule| rule.requires.iter().any(|step| step == "council"));
            if let Some(rule) = rule.filter(|_| !state.has_council) {
                return Err(Refusal::CouncilNotConvened(rule.cite()));
            }
            ProceedingEvent::HearingHeld { by, attended }
        }
        Command::RecordCircumstance { circumstance, report } => {
            state.undecided()?;
            let rule = in_law.rule(law, Duty::Weigh, None, on).ok_or(Refusal::NoRule)?;
            let is_in = |codes: &[String]| codes.contains(&circumstance);
            let weight = match (is_in(&rule.mitigates), is_in(&rule.aggravates)) {
                (true, _) => Weight::Mitigating,
                (_, true) => Weight::Aggravating,
                _ => {
                    let known = [rule.mitigates.as_slice(), &rule.aggravates].concat().join(", ");
                    return Err(Refusal::CircumstanceUnknown { rule: rule.cite(), known });
                }
            };
            if state.circumstances.iter().any(|(known, _)| *known == circumstance) {
                return Err(Refusal::CircumstanceRecorded);
            }
            ProceedingEvent::CircumstanceRecorded { by, circumstance, weight, basis: basis(rule), report }
        }
        Command::Recommend(decision) => {
            state.running()?;
            if let Some(form) = form_of(&decision)? {
                in_law.allowing(law, form, on)?;
            }
            ProceedingEvent::Recommended { by, decision }
        }
        Command::Decide { decision, other_undecided } => {
            state.running()?;
            return Ok(vec![decided(state, (law, directory), by, on, decision, other_undecided)?]);
        }
        Command::HoldHeadLiable { head, liability } => {
            state.imposed()?;
            let rule = in_law.rule(law, Duty::HeadLiability, None, on).ok_or(Refusal::NoRule)?;
            let word = match liability {
                Liability::Direct => "direct",
                Liability::Joint => "joint",
            };
            if !rule.permits.iter().any(|permitted| permitted == word) {
                let known = rule.permits.join(", ");
                return Err(Refusal::LiabilityUnknown { rule: rule.cite(), known });
            }
            if state.heads.iter().any(|(known, _)| *known == head) {
                return Err(Refusal::HeadLiable);
            }
            let since = state.violation.or(state.opened).unwrap_or(on);
            let matter = state.matter.as_ref();
            let agency = matter.map(|matter| matter.agency.as_str()).unwrap_or_default();
            let unit = matter.and_then(|matter| matter.unit.as_deref());
            let is_head = directory.heads(agency, since).contains(&head.as_str())
                || unit.is_some_and(|unit| directory.unit_heads(unit, since).contains(&head.as_str()));
            if !is_head {
                let body = unit.unwrap_or(agency).to_owned();
                return Err(Refusal::NotTheHead { head, body, on: since });
            }
            ProceedingEvent::HeadHeldLiable { by, head, liability, basis: basis(rule) }
        }
        Command::Execute => {
            state.imposed()?;
            if state.is_executed {
                return Err(Refusal::Executed);
            }
            if state.is_cleared {
                return Err(Refusal::Cleared);
            }
            let clear = in_law.rule(law, Duty::Clear, None, on).and_then(|rule| {
                let from_date = cleared_from(rule, state, on);
                let due_date = rule.term_ends(from_date)?;
                Some(Limit {
                    from_date,
                    due_date,
                    rule: rule.id.clone(),
                    citation: Some(rule.cite()),
                    calendar: None,
                })
            });
            ProceedingEvent::Executed { by, clear }
        }
        Command::Appeal => {
            match (state.stage, state.appeal_result) {
                (Stage::UnderAppeal, _) => return Err(Refusal::AppealPending),
                (Stage::Decided, Some(_)) => return Err(Refusal::AppealDecided),
                (Stage::Decided, None) => {
                    state.imposed()?;
                }
                _ => return Err(Refusal::NotDecided),
            }
            if let Some(limit) = state.appeal.as_ref().filter(|limit| on > limit.due_date) {
                let rule =
                    state.decided.and_then(|decided| in_law.rule(law, Duty::AppealSanction, None, decided));
                let rule = rule.map_or_else(|| limit.rule.clone(), Rule::cite);
                return Err(Refusal::AppealTooLate { rule, due: limit.due_date });
            }
            let answer = in_law.limit(law, Duty::AnswerAppeal, starts(state), on)?;
            ProceedingEvent::Appealed { by, answer }
        }
        Command::DecideAppeal { result, form } => {
            if state.stage != Stage::UnderAppeal {
                return Err(Refusal::AppealNotPending);
            }
            // Of what an exoneration has undone, nothing is left to decide.
            state.imposed()?;
            let basis = match (result, &form) {
                (AppealResult::Changed, Some(form)) => {
                    within_limitation(state, law, form, on)?;
                    Some(in_law.allowing(law, form, on)?)
                }
                (AppealResult::Changed, None) | (_, Some(_)) => return Err(Refusal::FormMismatch),
                _ => None,
            };
            ProceedingEvent::AppealDecided { by, result, form, basis }
        }
        Command::Clear => {
            state.imposed()?;
            if state.stage == Stage::UnderAppeal {
                return Err(Refusal::AppealPending);
            }
            if state.is_cleared {
                return Err(Refusal::Cleared);
            }
            let rule = in_law.rule(law, Duty::Clear, None, on).ok_or(Refusal::NoRule)?;
            // What was never executed has its term from the decision on.
            let due = match (&state.clear, state.decided) {
                (Some(clear), _) => Some(clear.due_date),
                (None, Some(decided)) => rule.term_ends(cleared_from(rule, state, decided)),
                (None, None) => None,
            };
            if let Some(due) = due.filter(|due| on < *due) {
                return Err(Refusal::TermNotOver { rule: rule.cite(), due });
            }
            ProceedingEvent::Cleared { by }
        }
        Command::Exonerate(ground) => {
            if state.is_exonerated {
                return Err(Refusal::Exonerated);
            }
            // What was annulled after it was executed has to be made good too.
            if state.appeal_result != Some(AppealResult::Annulled) || !state.is_executed {
                state.imposed()?;
            }
            let rule = in_law.rule(law, Duty::Exonerate, None, on);
            let apologise = in_law.limit(law, Duty::Apologise, starts(state), on)?;
            let restore = in_law.limit(law, Duty::Restore, starts(state), on)?;
            ProceedingEvent::Exonerated { by, ground, basis: rule.map(basis), apologise, restore }
        }
        Command::Apologise if !state.is_exonerated => return Err(Refusal::NotExonerated),
        Command::Apologise if state.is_apologised => return Err(Refusal::Apologised),
        Command::Apologise => ProceedingEvent::Apologised { by },
        Command::Restore if !state.is_exonerated => return Err(Refusal::NotExonerated),
        Command::Restore if state.is_restored => return Err(Refusal::Restored),
        Command::Restore => ProceedingEvent::Restored { by },
        Command::Close(reason) => {
            state.undecided()?;
            let is_over = state.decide.as_ref().is_some_and(|limit| on > limit.due_date);
            let has_left = opening::has_left(directory, state.standing.person.as_deref(), on);
            match reason {
                CloseReason::HandlingTimeOver if !is_over => {
                    return Err(Refusal::ReasonNotSo("the time to decide isn't over"));
                }
                CloseReason::PersonLeft if !has_left => {
                    return Err(Refusal::ReasonNotSo("the directory has nobody here who left"));
                }
                _ => {}
            }
            ProceedingEvent::Closed { by, reason }
        }
        Command::BecomeDue { .. }
        | Command::Lapse { .. }
        | Command::Open(_)
        | Command::DeclineToOpen { .. }
        | Command::Import(_) => unreachable!("decided before"),
    };
    Ok(vec![event])
}

fn days_between(from: NaiveDate, until: NaiveDate) -> u64 {
    u64::try_from((until - from).num_days()).unwrap_or(0)
}

/// From when a sanction's term counts: the decision, where the rule says so, else the execution.
fn cleared_from(rule: &Rule, state: &ProceedingState, executed: NaiveDate) -> NaiveDate {
    match rule.counts_from {
        Some(Start::Decision) => state.decided.unwrap_or(executed),
        _ => executed,
    }
}

/// The days that limits count from.
fn starts(state: &ProceedingState) -> Starts {
    Starts { opened: state.opened, decided: state.decided, found: None }
}

/// The form of a decision: a sanction has one, and nothing else has.
fn form_of(decision: &Decision) -> Result<Option<&str>, Refusal> {
    match (decision.result, &decision.form) {
        (SanctionResult::Sanctioned, Some(form)) => Ok(Some(form)),
        (SanctionResult::NotSanctioned, None) => Ok(None),
        _ => Err(Refusal::FormMismatch),
    }
}

/// Refuses a form whose limitation was over when the proceeding was opened: a slighter form has a shorter one.
fn within_limitation(state: &ProceedingState, law: &Law, form: &str, on: NaiveDate) -> Result<(), Refusal> {
    if state.exemption.is_some() {
        return Ok(());
    }
    match (state.in_law().limitation(law, Some(form), on)?, state.opened) {
        (Some((limit, rule)), Some(opened)) if opened > limit.due_date => {
            Err(Refusal::LimitationRunOut { rule, due: limit.due_date })
        }
        _ => Ok(()),
    }
}

/// Decides, where the law allows it: in time, after what the rule asks for, and in a form that it knows.
fn decided(
    state: &ProceedingState,
    (law, directory): (&Law, &Directory),
    by: By,
    on: NaiveDate,
    decision: Decision,
    other_undecided: Option<String>,
) -> Result<ProceedingEvent, Refusal> {
    let in_law = state.in_law();
    let form = form_of(&decision)?;
    let basis = form.map(|form| in_law.allowing(law, form, on)).transpose()?;
    if let Some(limit) = state.decide.as_ref().filter(|limit| on > limit.due_date) {
        let rule = in_law.rule(law, Duty::Handle, None, on);
        let rule = rule.map_or_else(|| limit.rule.clone(), Rule::cite);
        return Err(Refusal::HandlingTimeOver { rule, due: limit.due_date });
    }
    if let Some(other) = other_undecided
        && let Some(rule) = in_law.rule(law, Duty::Parallel, None, on)
        && rule.waits_for.is_some_and(|track| track != law_track(in_law.track))
    {
        return Err(Refusal::OtherTrackFirst { rule: rule.cite(), other });
    }
    if let Some(form) = form {
        let rule = in_law.rule(law, Duty::Sanction, None, on).ok_or(Refusal::NoRule)?;
        let asks = |step: &str| rule.requires.iter().any(|required| required == step);
        if asks("council") && !state.has_council {
            return Err(Refusal::CouncilNotConvened(rule.cite()));
        }
        if asks("hearing") && !state.has_hearing {
            return Err(Refusal::HearingNotHeld(rule.cite()));
        }
        let person = state.standing.person.as_ref().and_then(|person| directory.officials.get(person));
        if let Some(left) = person.and_then(|person| person.left).filter(|left| *left <= on) {
            return Err(Refusal::PersonLeft(left));
        }
        within_limitation(state, law, form, on)?;
    }
    let starts = Starts { decided: Some(on), ..starts(state) };
    let is_sanction = form.is_some();
    let limit = |duty| if is_sanction { in_law.limit(law, duty, starts, on) } else { Ok(None) };
    let (appeal, execute) = (limit(Duty::AppealSanction)?, limit(Duty::Execute)?);
    Ok(ProceedingEvent::Decided { by, decision, basis, appeal, execute, date_unknown: false })
}
