//! Delivery's RPCs: decode, look up, let the case decide, encode.

mod codes;
mod commands;
mod convert;
mod rpc;

use std::sync::{Arc, Mutex, PoisonError};

use aggregate::{ExecuteError, Outcome, Request, execute};
use chrono::{DateTime, Datelike as _, FixedOffset, NaiveDate, TimeDelta, Utc};
use command::{Opened, acting_official};
use eventlog::{Clock, Context, EventLog, StreamName, occurred_from_proto};
use events::{
    Event as _, Occurred,
    delivery::{CaseEvent, Promise},
    directory::{AgencyRecord, Directory, Status},
};
use identity::{Caller, Role};
use projection::DirectoryFollower;
use proto::{
    Failure, Timestamp, agency_from,
    delivery::{self as pb, ErrorReason},
    ledger::Recorded,
    non_empty, official_from, timestamp_to, uuid_from,
};
use uuid::Uuid;

use crate::domain::{Case, CaseCommand, Command, Refusal, Rules};
use codes::CodeSequence;

const SERVICE: &str = "delivery";

/// How far ahead of the ledger's clock something may have happened: clocks of agencies differ, and a civil
/// date begins earlier in the east.
const AHEAD_MAX: TimeDelta = TimeDelta::days(1);

/// The handlers of `liem.delivery.v1.DeliveryService`.
pub struct DeliveryHandlers {
    log: Arc<dyn EventLog>,
    directory: DirectoryFollower,
    clock: Clock,
    zone: FixedOffset,
    codes: CodeSequence,
    rules: Mutex<Option<(Arc<Directory>, Arc<Rules>)>>,
}

/// A decoded command, before the case's part of it is known.
struct Asked {
    caller: Caller,
    id: Uuid,
    context: Context,
    /// The case's code as given; empty for a new one.
    code: String,
    occurred: Occurred,
    agency: Option<String>,
    official: Option<String>,
}

impl DeliveryHandlers {
    /// Handlers over a log whose civil dates are meant in `zone`.
    pub fn new(
        log: Arc<dyn EventLog>,
        directory: DirectoryFollower,
        clock: Clock,
        zone: FixedOffset,
    ) -> Self {
        let codes = CodeSequence::new(log.clone());
        Self { log, directory, clock, zone, codes, rules: Mutex::new(None) }
    }

    /// Decodes what every mutation says.
    fn asked<M: prost::Message>(&self, opened: &Opened<pb::Command, M>) -> Result<Asked, Failure> {
        let Opened { method, caller, request_id, command, message } = opened;
        let occurred = occurred_from_proto("command.occurred", command.occurred.as_ref())?;
        self.check_time(occurred)?;
        if !command.agency.is_empty() {
            agency_from("command.agency", &command.agency)?;
        }
        let agency = caller.acting_for(&command.agency)?;
        let official = match non_empty(command.official.clone()) {
            Some(official) => Some(official_from("command.official", &official)?),
            None => None,
        };
        let official = acting_official(caller, official)?;
        let mut context = aggregate::context(caller, SERVICE, method, message);
        context.on_behalf_of.clone_from(&official);
        Ok(Asked {
            caller: caller.clone(),
            id: uuid_from("command.request_id", request_id)?,
            context,
            code: command.case.clone(),
            occurred,
            agency,
            official,
        })
    }

    /// What has not happened yet is not recorded.
    fn check_time(&self, occurred: Occurred) -> Result<(), Failure> {
        check_date(occurred.date(self.zone))?;
        let latest = self.clock.now() + AHEAD_MAX;
        if occurred.earliest_micros(self.zone) > latest.timestamp_micros() {
            let text = format!("{occurred} lies in the future: record it once it has happened");
            return Err(Failure::new(ErrorReason::OccurredInFuture, text));
        }
        Ok(())
    }

    /// The directory, caught up with the log if `has` finds something missing in what was read so far.
    async fn directory_with(
        &self,
        has: impl Fn(&Directory) -> bool,
    ) -> Result<(Arc<Directory>, u64), Failure> {
        let now = self.directory.now();
        if has(&now.0) { Ok(now) } else { self.directory.caught_up().await }
    }

    /// The rules as the directory has them. They are made once for each state of the directory: every command
    /// needs them, and the calendar's hash costs more than the rest of a decision. Holding the directory keeps
    /// its address from being used for another state.
    fn rules(&self, (directory, directory_position): &(Arc<Directory>, u64)) -> Arc<Rules> {
        let mut kept = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, rules)) = &*kept
            && Arc::ptr_eq(of, directory)
        {
            return rules.clone();
        }
        let version = directory.calendar.version();
        let rules = Arc::new(Rules {
            calendar: directory.calendar.clone(),
            calendar_version: format!("{}@{}", version.name, version.hash),
            directory_position: *directory_position,
            zone: self.zone,
            mergers: directory.agency_mergers.clone(),
        });
        *kept = Some((directory.clone(), rules.clone()));
        rules
    }

    /// An agency that takes cases on a day: one the directory has, neither merged nor closed by then.
    async fn check_agency(&self, field: &str, agency: &str, day: NaiveDate) -> Result<(), Failure> {
        agency_from(field, agency)?;
        // A merger that was acknowledged a moment ago counts.
        let (directory, _) = self.directory.caught_up().await?;
        let Some(AgencyRecord { status, .. }) = directory.agencies.get(agency) else {
            let text = format!("the directory has no agency {agency}: open it first");
            return Err(Failure::new(ErrorReason::AgencyUnknown, text));
        };
        if status.is_open_on(day) {
            return Ok(());
        }
        let text = gone("agency", agency, status, directory.successor(agency));
        Err(Failure::new(ErrorReason::AgencyClosed, text))
    }

    /// Lets the case decide.
    async fn decide(&self, asked: Asked, command: Command) -> Result<Outcome<CaseEvent>, Failure> {
        // Where the calendar decides something, it is the calendar of now: a day that was declared and
        // acknowledged a moment ago counts.
        let directory =
            if command.needs_calendar() { self.directory.caught_up().await? } else { self.directory.now() };
        let (stream, rules) = (case_stream(&asked.code)?, self.rules(&directory));
        match self.execute(&asked, stream.clone(), &rules, &command).await {
            // So does a merger.
            Err(ExecuteError::Refused(Refusal::HolderMismatch { .. } | Refusal::HandedToAnother { .. })) => {
                let rules = self.rules(&self.directory.caught_up().await?);
                Ok(self.execute(&asked, stream, &rules, &command).await?)
            }
            done => Ok(done?),
        }
    }

    async fn decide_under(
        &self,
        asked: Asked,
        rules: Arc<Rules>,
        command: Command,
    ) -> Result<Outcome<CaseEvent>, Failure> {
        let stream = case_stream(&asked.code)?;
        Ok(self.execute(&asked, stream, &rules, &command).await?)
    }

    async fn execute(
        &self,
        asked: &Asked,
        stream: StreamName,
        rules: &Arc<Rules>,
        command: &Command,
    ) -> Result<Outcome<CaseEvent>, ExecuteError<Refusal>> {
        let mut context = asked.context.clone();
        context.rules = Some(rules.calendar_version.clone());
        let code = stream.key().to_owned();
        let request = Request { id: asked.id, stream, context };
        execute::<Case, CaseEvent>(&*self.log, request, || CaseCommand {
            code: code.clone(),
            occurred: asked.occurred,
            agency: asked.agency.clone(),
            official: asked.official.clone(),
            rules: rules.clone(),
            // Administrators are who imports.
            is_order_checked: asked.caller.role != Role::Administrator,
            command: command.clone(),
        })
        .await
    }

    /// What a request recorded the first time, if it's a repeat.
    async fn repeated(&self, request: &Request) -> Result<Option<Outcome<CaseEvent>>, Failure> {
        Ok(aggregate::repeat::<CaseEvent, Refusal>(&*self.log, request).await?)
    }

    /// A retry gets its first answer, also where what the command names has changed since and is now refused.
    async fn or_first_answer(
        &self,
        retry: Request,
        outcome: Result<Outcome<CaseEvent>, Failure>,
    ) -> Result<Outcome<CaseEvent>, Failure> {
        match outcome {
            Ok(outcome) => Ok(outcome),
            Err(failure) => self.repeated(&retry).await?.ok_or(failure),
        }
    }
}

/// A unit that works on a day: one the directory has, neither merged nor closed by then; with `agency` one of that
/// agency, of those it answers for, or of the one that answers for it. Gives the unit's agency.
fn check_unit(
    directory: &Directory,
    unit: &str,
    agency: Option<&str>,
    day: NaiveDate,
) -> Result<String, Failure> {
    let Some(record) = directory.units.get(unit) else {
        let text = format!("the directory has no unit {unit}: open it first");
        return Err(Failure::new(ErrorReason::UnitUnknown, text));
    };
    let mergers = &directory.agency_mergers;
    let is_its =
        |agency| mergers.succeeds(agency, &record.agency) || mergers.succeeds(&record.agency, agency);
    if let Some(agency) = agency.filter(|agency| !is_its(agency)) {
        let text = format!("the unit {unit} belongs to {}, not to {agency}", record.agency);
        return Err(Failure::new(ErrorReason::UnitOfOtherAgency, text));
    }
    if !record.status.is_open_on(day) {
        let text = gone("unit", unit, &record.status, directory.unit_successor(unit));
        return Err(Failure::new(ErrorReason::UnitClosed, text));
    }
    Ok(record.agency.clone())
}

/// What to say of something that is no more.
fn gone(what: &str, code: &str, status: &Status, successor: &str) -> String {
    let since = status.ended().map_or_else(String::new, |date| format!(" since {date}"));
    if successor == code {
        format!("the {what} {code} is closed{since}: name another one")
    } else {
        format!("the {what} {code} is merged{since}: name {successor}, which answers for it")
    }
}

impl Asked {
    /// The request as the log knows it: by its id and digest, whatever its stream.
    fn retry(&self) -> Result<Request, Failure> {
        Ok(Request { id: self.id, stream: case_stream("any")?, context: self.context.clone() })
    }
}

/// The stream of a case.
fn case_stream(code: &str) -> Result<StreamName, Failure> {
    if code.is_empty() {
        return Err(Failure::field("command.case", "give the case's code"));
    }
    Ok(StreamName::new(CaseEvent::CATEGORY, code).map_err(eventlog::AppendError::from)?)
}

/// Years in which the calendar's arithmetic makes sense.
fn check_date(date: NaiveDate) -> Result<(), Failure> {
    if (1900..=2200).contains(&date.year()) { Ok(()) } else { Err(Refusal::DateOutOfRange.into()) }
}

/// An explicit due time of a sensible year.
fn due_from(field: &str, due: &Timestamp) -> Result<DateTime<Utc>, Failure> {
    let due = proto::timestamp_from(field, due)?;
    check_date(due.date_naive())?;
    Ok(due)
}

fn recorded(outcome: &Outcome<CaseEvent>) -> Recorded {
    Recorded { position: outcome.position, repeated: outcome.repeated }
}

fn promise(promise: Option<&Promise>) -> Option<pb::Promise> {
    promise.map(|promise| pb::Promise {
        statutory_due_time: Some(timestamp_to(promise.statutory_due)),
        committed_due_time: Some(timestamp_to(promise.committed_due)),
    })
}

/// The promise in what was recorded.
fn promised(outcome: &Outcome<CaseEvent>) -> Option<pb::Promise> {
    outcome.events.iter().find_map(|event| match event {
        CaseEvent::Received { promise: made, .. }
        | CaseEvent::SupplementReceived { promise: made, .. }
        | CaseEvent::Resumed { promise: made, .. }
        | CaseEvent::Corrected { promise: made, .. } => promise(made.as_ref()),
        _ => None,
    })
}

/// The code of the case in what was recorded.
fn code_of(outcome: &Outcome<CaseEvent>) -> String {
    outcome.stream.split_once('/').map_or_else(String::new, |(_, code)| code.to_owned())
}
