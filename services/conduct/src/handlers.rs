//! Conduct's RPCs: decode, seal what is personal, look up, let the report decide, encode.

mod convert;
mod file;
mod follow_up;
mod rpc;
mod sealed;

use std::sync::Arc;

use aggregate::{Outcome, Request, execute};
use chrono::{DateTime, Datelike as _, FixedOffset, NaiveDate, TimeDelta, TimeZone as _, Utc};
use command::{Law, Laws, Opened, acting_official};
use disclosure::Disclosure;
use eventlog::{Clock, Context, EventLog, StreamName, occurred_from_proto};
use events::{Event as _, conduct::ReportEvent, directory::Directory};
use identity::{Caller, Role};
use projection::DirectoryFollower;
use proto::{
    Failure, agency_from,
    conduct::{self as pb, ErrorReason},
    ledger::{ErrorReason as Shared, Recorded},
    non_empty, official_from, uuid_from,
};
use rulebook::law::Lawbooks;
use uuid::Uuid;

use crate::domain::{Command, Refusal, Report, ReportCommand, ReportState};

const SERVICE: &str = "conduct";

/// How far ahead of the ledger's clock something may have happened.
const AHEAD_MAX: TimeDelta = TimeDelta::days(1);

/// The handlers of `liem.conduct.v1.ConductService`.
pub struct ConductHandlers {
    log: Arc<dyn EventLog>,
    directory: DirectoryFollower,
    disclosure: Disclosure,
    clock: Clock,
    zone: FixedOffset,
    /// The ledger's jurisdiction.
    jurisdiction: String,
    origin: String,
    /// Held while a follow-up code is made.
    coding: tokio::sync::Mutex<()>,
    laws: Laws,
}

/// What the ledger says of itself.
#[derive(Debug, Clone)]
pub struct Place {
    /// The time zone of civil dates.
    pub zone: FixedOffset,
    /// Whose law reports are handled under that name no other.
    pub jurisdiction: String,
    /// The log's name.
    pub origin: String,
}

/// A decoded command of a handler.
struct Asked {
    id: Uuid,
    context: Context,
    report: String,
    on: NaiveDate,
    agency: Option<String>,
    official: Option<String>,
}

impl ConductHandlers {
    /// Handlers over a log and a vault.
    pub fn new(
        log: Arc<dyn EventLog>,
        directory: DirectoryFollower,
        disclosure: Disclosure,
        lawbooks: Arc<Lawbooks>,
        clock: Clock,
        Place { zone, jurisdiction, origin }: Place,
    ) -> Self {
        Self {
            log,
            directory,
            disclosure,
            clock,
            zone,
            jurisdiction,
            origin,
            coding: tokio::sync::Mutex::default(),
            laws: Laws::new(lawbooks),
        }
    }

    fn today(&self) -> NaiveDate {
        self.clock.now().with_timezone(&self.zone).date_naive()
    }

    /// The first instant of today.
    fn day_start(&self) -> DateTime<Utc> {
        let midnight = self.today().and_time(chrono::NaiveTime::MIN);
        let midnight = self.zone.from_local_datetime(&midnight).single();
        midnight.map_or_else(|| self.clock.now(), |midnight| midnight.with_timezone(&Utc))
    }

    /// A day on which something happened: sensible, and not to come.
    fn check_day(&self, day: NaiveDate) -> Result<NaiveDate, Failure> {
        if !(1900..=2200).contains(&day.year()) {
            return Err(Refusal::DateOutOfRange.into());
        }
        if day > (self.clock.now() + AHEAD_MAX).with_timezone(&self.zone).date_naive() {
            let text = format!("{day} lies in the future: record it once it has happened");
            return Err(Failure::new(ErrorReason::OccurredInFuture, text));
        }
        Ok(day)
    }

    /// Decodes what every command of a handler says.
    fn asked<M: prost::Message>(&self, opened: &Opened<pb::Command, M>) -> Result<Asked, Failure> {
        let Opened { method, caller, request_id, command, message } = opened;
        let occurred = occurred_from_proto("command.occurred", command.occurred.as_ref())?;
        let on = self.check_day(occurred.date(self.zone))?;
        if !command.agency.is_empty() {
            agency_from("command.agency", &command.agency)?;
        }
        let agency = match caller.role {
            // Whoever inspects acts for the agency they name, as an administrator does.
            Role::Inspector => non_empty(command.agency.clone()),
            _ => caller.acting_for(&command.agency)?,
        };
        let official = match non_empty(command.official.clone()) {
            Some(official) => Some(official_from("command.official", &official)?),
            None => None,
        };
        let official = acting_official(caller, official)?;
        let mut context = aggregate::context(caller, SERVICE, method, message);
        context.on_behalf_of.clone_from(&official);
        let id = uuid_from("command.request_id", request_id)?;
        Ok(Asked { id, context, report: command.report.clone(), on, agency, official })
    }

    async fn load(&self, report: &str) -> Result<(ReportState, u64), Failure> {
        let stream = report_stream(report)?;
        Ok(aggregate::load::<Report, ReportEvent>(&*self.log, &stream).await?)
    }

    /// A report that exists.
    async fn existing(&self, report: &str) -> Result<(ReportState, u64), Failure> {
        let (state, revision) = self.load(report).await?;
        if state.exists() {
            Ok((state, revision))
        } else {
            Err(Refusal::ReportUnknown(report.chars().take(60).flat_map(char::escape_debug).collect()).into())
        }
    }

    /// The law of a jurisdiction, over the calendar as it is now.
    fn law(&self, jurisdiction: &str, directory: &Arc<Directory>) -> Result<Arc<Law>, Failure> {
        self.laws.of(jurisdiction, directory).ok_or_else(|| {
            let text = format!("there is no rulebook of {jurisdiction}: give one with --rules");
            Failure::new(ErrorReason::JurisdictionUnknown, text)
        })
    }

    /// Lets a report decide what a handler asks for.
    async fn decide(&self, asked: Asked, command: Command) -> Result<Outcome<ReportEvent>, Failure> {
        let (state, _) = self.existing(&asked.report).await?;
        let Asked { id, context, report, on, agency, official } = asked;
        self.execute(&report, &state.jurisdiction, (id, context), (on, agency, official), command).await
    }

    async fn execute(
        &self,
        report: &str,
        jurisdiction: &str,
        (id, mut context): (Uuid, Context),
        (on, agency, official): (NaiveDate, Option<String>, Option<String>),
        command: Command,
    ) -> Result<Outcome<ReportEvent>, Failure> {
        let (directory, _) = self.directory.caught_up().await?;
        let law = self.law(jurisdiction, &directory)?;
        context.rules = Some(law.book.version_and_hash());
        let request = Request { id, stream: report_stream(report)?, context };
        let command = || ReportCommand {
            report: report.to_owned(),
            on,
            today: self.today(),
            agency: agency.clone(),
            official: official.clone(),
            law: law.clone(),
            directory: directory.clone(),
            command: command.clone(),
        };
        Ok(execute::<Report, ReportEvent>(&*self.log, request, command).await?)
    }

    async fn check_agency(&self, agency: &str) -> Result<(), Failure> {
        let (directory, _) = self.directory.caught_up().await?;
        let text = match directory.agencies.get(agency) {
            // What was merged has a successor, which acts for it.
            Some(_) if directory.is_open(directory.successor(agency)) => return Ok(()),
            Some(_) => format!("the agency {agency} is closed, and nobody answers for it: choose another"),
            None => format!("the directory has no agency {agency}: open it first"),
        };
        Err(Failure::new(ErrorReason::AgencyUnknown, text))
    }

    async fn check_unit(&self, agency: &str, unit: &str) -> Result<(), Failure> {
        let (directory, _) = self.directory.caught_up().await?;
        if directory.units.get(unit).is_some_and(|record| record.agency == agency) {
            return Ok(());
        }
        let text = format!("the directory has no unit {unit} of {agency}: open it first");
        Err(Failure::new(ErrorReason::UnitUnknown, text))
    }

    async fn check_step(&self, step: &str) -> Result<(), Failure> {
        let (directory, _) = self.directory.caught_up().await?;
        if directory.steps.contains(step) {
            return Ok(());
        }
        let text = format!("the directory has no step {step}: define it first");
        Err(Failure::new(ErrorReason::StepUnknown, text))
    }

    /// Refuses to tell of a report to whom it's none of their business. The agency a report is about is no
    /// reader of it, unless it has it.
    async fn check_standing(&self, caller: &Caller, state: &ReportState) -> Result<(), Failure> {
        let is_handler = match (caller.role, &caller.agency) {
            (Role::Inspector, _) => true,
            (Role::Agency | Role::Official, Some(agency)) => {
                let (directory, _) = self.directory.caught_up().await?;
                let concern = &state.concern;
                let is_holder = directory.successor(agency) == directory.successor(&concern.handler);
                // Whoever the report is about doesn't read it, even if it was sent to them.
                let is_concerned = concern.is_agency(agency, &directory, self.today());
                is_holder && !is_concerned && !concern.is_person(&caller.id)
            }
            _ => false,
        };
        if is_handler {
            return Ok(());
        }
        let text =
            "only inspectors, and the agency that has the report and is not concerned by it, may read it";
        Err(Failure::new(Shared::NoStanding, text))
    }
}

/// The stream of a report.
fn report_stream(report: &str) -> Result<StreamName, Failure> {
    if report.is_empty() {
        return Err(Failure::field("report", "give the report's id"));
    }
    Ok(StreamName::new(ReportEvent::CATEGORY, report).map_err(eventlog::AppendError::from)?)
}

/// The subject of a report's sealed data.
fn subject_of(report: &str) -> String {
    format!("report:{report}")
}

fn recorded(outcome: &Outcome<ReportEvent>) -> Recorded {
    Recorded { position: outcome.position, repeated: outcome.repeated }
}

/// What a reporter is told of a record: not where it stands, which would tell when it came.
fn recorded_somewhere(outcome: &Outcome<ReportEvent>) -> Recorded {
    Recorded { position: 0, repeated: outcome.repeated }
}
