//! What can be asked of a case, and what it decides.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use esrs::Aggregate;
use events::{
    Fact, Occurred,
    delivery::{
        By, CaseEvent, Channel, Correction, CorrectionReason, DelayReason, IntakeRefusalReason, Outcome,
        Promise, Reopens, SupplementReason, SuspensionReason,
    },
    directory::{Mergers, Terms},
};
use rulebook::Calendar;

use super::{CaseState, Refusal, Stage, promise::explicit, state::PauseCause};

/// The aggregate of one case; its stream's key is the code.
pub(crate) struct Case;

/// The rules a command is decided under.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) calendar: Calendar,
    /// `name@hash`.
    pub(crate) calendar_version: String,
    /// The position to which the directory was read.
    pub(crate) directory_position: u64,
    /// The ledger's time zone.
    pub(crate) zone: FixedOffset,
    /// Which agencies were merged into which: an agency acts in what those hold that it answers for.
    pub(crate) mergers: Mergers,
}

/// Where due times come from.
#[derive(Debug, Clone)]
pub(crate) enum Due {
    Explicit(DateTime<Utc>),
    Terms(Terms),
    None,
}

/// Something asked of a case.
#[derive(Debug, Clone)]
pub(crate) struct CaseCommand {
    pub(crate) code: String,
    pub(crate) occurred: Occurred,
    /// The agency the caller acts for; none to act for the one that holds the case.
    pub(crate) agency: Option<String>,
    pub(crate) official: Option<String>,
    pub(crate) rules: Arc<Rules>,
    /// Whether times that contradict each other are refused. An import takes them as its source has them: a real
    /// log has cases that end before they start.
    pub(crate) is_order_checked: bool,
    pub(crate) command: Command,
}

#[derive(Debug, Clone)]
pub(crate) enum Command {
    Receive {
        agency: String,
        unit: Option<String>,
        procedure: Option<String>,
        channel: Option<Channel>,
        due: Due,
        reopens: Option<Reopens>,
    },
    Accept,
    RefuseAtIntake(IntakeRefusalReason),
    RequestSupplement(SupplementReason),
    ReceiveSupplement,
    Assign {
        unit: Option<String>,
        assignee: Option<String>,
    },
    RecordStep {
        step: String,
        unit: Option<String>,
    },
    HandOver {
        to_agency: String,
    },
    TakeUp {
        unit: Option<String>,
    },
    Suspend(SuspensionReason),
    Resume,
    Apologise {
        new_date: NaiveDate,
        reason: DelayReason,
    },
    Decide(Option<Outcome>),
    ReturnResult,
    Withdraw,
    Rate(u8),
    Correct {
        reason: CorrectionReason,
        correction: Correction,
        terms: Option<Terms>,
    },
}

impl Command {
    /// Whether the calendar has a say: in a due date, or in the working days that a case took.
    pub(crate) fn needs_calendar(&self) -> bool {
        matches!(
            self,
            Self::Receive { .. }
                | Self::RefuseAtIntake(_)
                | Self::ReceiveSupplement
                | Self::Resume
                | Self::Decide(_)
                | Self::Withdraw
                | Self::Correct { .. }
        )
    }
}

impl Aggregate for Case {
    const NAME: &'static str = "delivery.case";
    type State = CaseState;
    type Command = CaseCommand;
    type Event = Fact<CaseEvent>;
    type Error = Refusal;

    fn handle_command(state: &CaseState, command: CaseCommand) -> Result<Vec<Self::Event>, Refusal> {
        let occurred = command.occurred;
        let data = decide(state, command)?;
        Ok(vec![Fact { occurred, data }])
    }

    fn apply_event(state: CaseState, fact: Self::Event) -> CaseState {
        state.apply(fact)
    }
}

fn decide(state: &CaseState, asked: CaseCommand) -> Result<CaseEvent, Refusal> {
    let CaseCommand { code, occurred, agency, official, rules, is_order_checked, command } = asked;
    if let Command::Receive { agency, unit, procedure, channel, due, reopens } = command {
        if state.exists() {
            return Err(Refusal::CaseExists(code));
        }
        let promise = rules.promise(occurred, &due)?;
        let by = By { agency, unit, official };
        return Ok(CaseEvent::Received { case: code, by, procedure, channel, promise, reopens });
    }
    let Some(received) = state.received else { return Err(Refusal::CaseUnknown(code)) };
    let by =
        By { agency: agency.unwrap_or_else(|| state.agency.clone()), unit: state.unit.clone(), official };
    let by = match command {
        // Whoever did a step, or takes a case up, does so under their own code.
        Command::RecordStep { .. } | Command::TakeUp { .. } => by,
        // What a merged agency holds stays under its code.
        _ if rules.mergers.succeeds(&by.agency, &state.agency) => By { agency: state.agency.clone(), ..by },
        _ => by,
    };
    let procedure = || state.procedure.clone();
    if is_order_checked {
        check_order(state, &rules, received, occurred, &command)?;
    }
    match command {
        Command::Receive { .. } => unreachable!("handled above"),
        Command::RecordStep { step, unit } => {
            let before_receipt = rules.is_before(occurred, received);
            let after_close = state.closed.is_some_and(|closed| rules.is_before(closed, occurred));
            Ok(CaseEvent::StepDone { by: By { unit, ..by }, step, before_receipt, after_close })
        }
        Command::TakeUp { unit } => {
            state.open()?;
            let to = state.handed_to.clone().ok_or(Refusal::NotHandedOver)?;
            // Whoever acts for no agency in particular acts for the one it was handed to, or that answers for it.
            let answering = rules.mergers.successor(&to).to_owned();
            let agency = if by.agency == state.agency { answering } else { by.agency };
            if !rules.mergers.succeeds(&agency, &to) {
                return Err(Refusal::HandedToAnother { to, agency });
            }
            Ok(CaseEvent::TakenUp { by: By { agency, unit, official: by.official } })
        }
        Command::Rate(rating) => {
            state.closed_since()?;
            match state.rating {
                Some(_) => Err(Refusal::AlreadyRated),
                None => Ok(CaseEvent::Rated { by, rating }),
            }
        }
        _ if by.agency != state.agency => {
            Err(Refusal::HolderMismatch { agency: by.agency, holder: state.agency.clone() })
        }
        Command::Accept => {
            state.running()?;
            state.not_accepted()?;
            Ok(CaseEvent::Accepted { by })
        }
        Command::RefuseAtIntake(reason) => {
            state.open()?;
            state.not_accepted()?;
            let working_days = rules.working_days(state, received, occurred);
            Ok(CaseEvent::RefusedAtIntake { by, procedure: procedure(), reason, working_days })
        }
        Command::RequestSupplement(reason) => {
            state.running()?;
            Ok(CaseEvent::SupplementRequested { by, reason })
        }
        Command::ReceiveSupplement => {
            state.open()?;
            if state.pause != Some(PauseCause::Supplement) {
                return Err(Refusal::SupplementNotRequested);
            }
            Ok(CaseEvent::SupplementReceived { by, promise: rules.promise_after_pause(state, occurred)? })
        }
        Command::Assign { unit, assignee } => {
            state.open()?;
            Ok(CaseEvent::Assigned { by: By { unit: unit.or(by.unit), ..by }, assignee })
        }
        Command::HandOver { to_agency } => {
            state.open()?;
            state.not_handed_over()?;
            if to_agency == state.agency {
                return Err(Refusal::HandedToItself);
            }
            Ok(CaseEvent::HandedOver { by, to_agency })
        }
        Command::Suspend(reason) => {
            state.running()?;
            Ok(CaseEvent::Suspended { by, reason })
        }
        Command::Resume => {
            state.open()?;
            if state.pause != Some(PauseCause::Suspension) {
                return Err(Refusal::NotSuspended);
            }
            Ok(CaseEvent::Resumed { by, promise: rules.promise_after_pause(state, occurred)? })
        }
        Command::Apologise { new_date, reason } => {
            state.open()?;
            let promised = state.promise.as_ref().ok_or(Refusal::NoPromise)?;
            let due = promised.committed_due.with_timezone(&rules.zone).date_naive();
            let replaced = state.new_date.map_or(due, |earlier| earlier.max(due));
            if new_date <= replaced {
                return Err(Refusal::NewDateNotLater { replaced });
            }
            Ok(CaseEvent::DelayApologised { by, new_date, reason })
        }
        Command::Decide(outcome) => {
            state.running()?;
            state.not_handed_over()?;
            let working_days = rules.working_days(state, received, occurred);
            Ok(CaseEvent::Decided { by, procedure: procedure(), outcome, working_days })
        }
        Command::ReturnResult => match (state.stage, state.result_returned) {
            (Stage::Decided, false) => Ok(CaseEvent::ResultReturned { by }),
            (Stage::Decided, true) => Err(Refusal::AlreadyReturned),
            _ => Err(Refusal::NotDecided),
        },
        Command::Withdraw => {
            state.open()?;
            let working_days = rules.working_days(state, received, occurred);
            Ok(CaseEvent::Withdrawn { by, procedure: procedure(), working_days })
        }
        Command::Correct { reason, correction, terms } => {
            correct(state, &rules, received, &correction, terms).map(|(promise, working_days)| {
                CaseEvent::Corrected { by, reason, correction, promise, working_days }
            })
        }
    }
}

/// What is recorded of a case happened after what it follows: else a close could be dated into the time
/// limit. A step may be odd, and is flagged; a correction is checked by what it corrects.
fn check_order(
    state: &CaseState,
    rules: &Rules,
    received: Occurred,
    occurred: Occurred,
    command: &Command,
) -> Result<(), Refusal> {
    let follows = match command {
        Command::Receive { .. } | Command::RecordStep { .. } | Command::Correct { .. } => return Ok(()),
        Command::ReceiveSupplement | Command::Resume => state.pauses.last().map(|pause| pause.from),
        Command::ReturnResult | Command::Rate(_) => state.closed,
        _ => None,
    };
    for earlier in [Some(received), follows].into_iter().flatten() {
        if rules.is_before(occurred, earlier) {
            return Err(Refusal::OutOfOrder { follows: earlier });
        }
    }
    Ok(())
}

impl Rules {
    /// Whether one thing happened before another. Where only a day is known of either, the same day is not
    /// before.
    fn is_before(&self, one: Occurred, other: Occurred) -> bool {
        match (one, other) {
            (Occurred::At(one), Occurred::At(other)) => one < other,
            _ => one.date(self.zone) < other.date(self.zone),
        }
    }
}

/// What follows from a correction: the promise from now on, and the working days of a closed case.
fn correct(
    state: &CaseState,
    rules: &Rules,
    received: Occurred,
    correction: &Correction,
    terms: Option<Terms>,
) -> Result<(Option<Promise>, Option<u32>), Refusal> {
    use events::delivery::Basis;
    let day = |occurred: Occurred| occurred.date(rules.zone);
    let ended: Vec<_> = rules.pauses(state, None).into_iter().filter(|p| p.until.is_some()).collect();
    let by_terms = |terms, received| rules.by_terms(terms, day(received), &ended);
    let mut promise = state.promise.clone();
    let (mut received, mut closed) = (received, state.closed);
    let unchanged = match correction {
        Correction::Channel { channel } => state.channel == Some(*channel),
        Correction::Procedure { procedure } => {
            if let Some(terms) = terms {
                promise = Some(by_terms(terms, received)?);
            }
            state.procedure.as_ref() == Some(procedure)
        }
        Correction::Received { occurred } => {
            let unchanged = received == *occurred;
            if let Some(closed) = state.closed.filter(|closed| rules.is_before(*closed, *occurred)) {
                return Err(Refusal::OutOfOrder { follows: closed });
            }
            received = *occurred;
            promise = match state.promise.as_ref().map(|p| &p.basis) {
                Some(Basis::Terms { terms, .. }) => Some(by_terms(*terms, received)?),
                Some(Basis::Explicit { due })
                    if due.timestamp_micros() < received.earliest_micros(rules.zone) =>
                {
                    return Err(Refusal::DueBeforeReceipt);
                }
                Some(Basis::Explicit { .. }) | None => promise,
            };
            unchanged
        }
        Correction::Closed { occurred } => {
            let unchanged = state.closed_since()? == *occurred;
            if rules.is_before(*occurred, received) {
                return Err(Refusal::OutOfOrder { follows: received });
            }
            closed = Some(*occurred);
            unchanged
        }
        Correction::Due { due } => {
            if due.timestamp_micros() < received.earliest_micros(rules.zone) {
                return Err(Refusal::DueBeforeReceipt);
            }
            let unchanged =
                promise.as_ref().is_some_and(|p| p.statutory_due == *due && p.committed_due == *due);
            promise = Some(explicit(*due, *due));
            unchanged
        }
    };
    if unchanged {
        return Err(Refusal::CorrectionUnchanged);
    }
    Ok((promise, closed.map(|closed| rules.working_days(state, received, closed))))
}

/// The rules that several commands share.
impl CaseState {
    fn open(&self) -> Result<(), Refusal> {
        if self.closed.is_some() { Err(Refusal::CaseClosed) } else { Ok(()) }
    }

    /// Open, and its clocks run.
    fn running(&self) -> Result<(), Refusal> {
        self.open()?;
        if self.pause.is_some() { Err(Refusal::Paused) } else { Ok(()) }
    }

    fn closed_since(&self) -> Result<Occurred, Refusal> {
        self.closed.ok_or(Refusal::CaseNotClosed)
    }

    fn not_accepted(&self) -> Result<(), Refusal> {
        if self.stage == Stage::Received { Ok(()) } else { Err(Refusal::AlreadyAccepted) }
    }

    fn not_handed_over(&self) -> Result<(), Refusal> {
        match &self.handed_to {
            Some(to) => Err(Refusal::HandOverPending { to: to.clone() }),
            None => Ok(()),
        }
    }
}
