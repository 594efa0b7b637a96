//! Discipline's RPCs: decode, look up the directory and what a proceeding comes from, let it decide, encode.

mod convert;
mod open;
mod origin;
mod rpc;

use std::sync::Arc;

use aggregate::{Outcome, Request, execute};
use chrono::{Datelike as _, FixedOffset, NaiveDate, TimeDelta};
use command::{Law, Laws, Opened, acting_official};
use eventlog::{Clock, Context, EventLog, StreamName, occurred_from_proto};
use events::{Event as _, directory::Directory, discipline::ProceedingEvent};
use identity::{Caller, Role};
use projection::DirectoryFollower;
use proto::{
    Failure, agency_from,
    discipline::{self as pb, ErrorReason},
    ledger::{ErrorReason as Shared, Recorded},
    non_empty, official_from, uuid_from,
};
use rulebook::law::Lawbooks;
use uuid::Uuid;

use crate::domain::{Command, Proceeding, ProceedingCommand, ProceedingState, Refusal};

pub(crate) use origin::{findings, first_jurisdiction, report_stream};

pub(crate) const SERVICE: &str = "discipline";

/// How far ahead of the ledger's clock something may have happened.
const AHEAD_MAX: TimeDelta = TimeDelta::days(1);

/// The handlers of `liem.discipline.v1.DisciplineService`.
pub struct DisciplineHandlers {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) directory: DirectoryFollower,
    laws: Laws,
    clock: Clock,
    pub(crate) zone: FixedOffset,
}

/// A decoded command.
pub(crate) struct Asked {
    pub(crate) id: Uuid,
    pub(crate) context: Context,
    pub(crate) proceeding: String,
    pub(crate) on: NaiveDate,
    pub(crate) agency: Option<String>,
    pub(crate) official: Option<String>,
    /// Whether that official acts by a token of their own.
    pub(crate) is_own: bool,
    pub(crate) is_inspector: bool,
}

impl DisciplineHandlers {
    /// Handlers over a log.
    pub fn new(
        log: Arc<dyn EventLog>,
        directory: DirectoryFollower,
        lawbooks: Arc<Lawbooks>,
        clock: Clock,
        zone: FixedOffset,
    ) -> Self {
        Self { log, directory, laws: Laws::new(lawbooks), clock, zone }
    }

    /// Decodes what every command says.
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
        let official = non_empty(command.official.clone());
        let official = official.map(|official| official_from("command.official", &official)).transpose()?;
        let official = acting_official(caller, official)?;
        let mut context = aggregate::context(caller, SERVICE, method, message);
        context.on_behalf_of.clone_from(&official);
        let id = uuid_from("command.request_id", request_id)?;
        let is_own = caller.role == Role::Official && official.as_ref() == Some(&caller.id);
        let is_inspector = caller.role == Role::Inspector;
        let proceeding = command.proceeding.clone();
        Ok(Asked { id, context, proceeding, on, agency, official, is_own, is_inspector })
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

    /// Today, in the ledger's time zone.
    pub(crate) fn today(&self) -> NaiveDate {
        self.clock.now().with_timezone(&self.zone).date_naive()
    }

    async fn load(&self, proceeding: &str) -> Result<(ProceedingState, u64), Failure> {
        let stream = proceeding_stream(proceeding)?;
        Ok(aggregate::load::<Proceeding, ProceedingEvent>(&*self.log, &stream).await?)
    }

    /// A proceeding that exists.
    pub(crate) async fn existing(&self, proceeding: &str) -> Result<(ProceedingState, u64), Failure> {
        let (state, revision) = self.load(proceeding).await?;
        if state.exists() { Ok((state, revision)) } else { Err(unknown(proceeding).into()) }
    }

    pub(crate) fn law(&self, jurisdiction: &str, directory: &Arc<Directory>) -> Result<Arc<Law>, Failure> {
        self.laws.of(jurisdiction, directory).ok_or_else(|| {
            let text = format!("there is no rulebook of {jurisdiction}: give one with --rules");
            Failure::new(ErrorReason::JurisdictionUnknown, text)
        })
    }

    /// Lets a proceeding decide what is asked of it.
    async fn decide(&self, asked: Asked, command: Command) -> Result<Outcome<ProceedingEvent>, Failure> {
        let (state, _) = self.existing(&asked.proceeding).await?;
        self.decide_as(asked, &state, command).await
    }

    /// The same, of a proceeding that is loaded.
    async fn decide_as(
        &self,
        asked: Asked,
        state: &ProceedingState,
        command: Command,
    ) -> Result<Outcome<ProceedingEvent>, Failure> {
        let jurisdiction = state.matter.as_ref().map_or("", |matter| &matter.jurisdiction);
        self.execute(asked, jurisdiction, command).await
    }

    pub(crate) async fn execute(
        &self,
        asked: Asked,
        jurisdiction: &str,
        command: Command,
    ) -> Result<Outcome<ProceedingEvent>, Failure> {
        let Asked { id, mut context, proceeding, on, agency, official, is_own, is_inspector } = asked;
        let (directory, _) = self.directory.caught_up().await?;
        let law = self.law(jurisdiction, &directory)?;
        context.rules = Some(law.book.version_and_hash());
        let request = Request { id, stream: proceeding_stream(&proceeding)?, context };
        let command = || ProceedingCommand {
            proceeding: proceeding.clone(),
            on,
            agency: agency.clone(),
            official: official.clone(),
            is_own,
            is_inspector,
            law: law.clone(),
            directory: directory.clone(),
            command: command.clone(),
        };
        Ok(execute::<Proceeding, ProceedingEvent>(&*self.log, request, command).await?)
    }

    /// What a request recorded the first time, if it is a repeat, else the failure: what it is about may have changed since.
    async fn or_first_answer(
        &self,
        (id, context): (Uuid, Context),
        outcome: Result<Outcome<ProceedingEvent>, Failure>,
    ) -> Result<Outcome<ProceedingEvent>, Failure> {
        match outcome {
            Ok(outcome) => Ok(outcome),
            Err(failure) => {
                let request = Request { id, stream: proceeding_stream("any")?, context };
                let repeat = aggregate::repeat::<ProceedingEvent, Refusal>(&*self.log, &request).await?;
                repeat.ok_or(failure)
            }
        }
    }

    async fn is_handler(&self, agency: &str, state: &ProceedingState) -> Result<bool, Failure> {
        let (directory, _) = self.directory.caught_up().await?;
        Ok(directory.successor(agency) == directory.successor(&state.standing.handler))
    }

    /// Whether the report that a proceeding comes from is about an official too.
    async fn concerns(&self, state: &ProceedingState, official: &str) -> Result<bool, Failure> {
        let Some(origin) = &state.origin else { return Ok(false) };
        let (findings, _) = findings(&*self.log, &report_stream(&origin.stream)?, self.zone).await?;
        Ok(findings.concern.is_person(official))
    }

    /// Refuses whoever acts for an agency that doesn't have the proceeding, before anything else is looked at.
    async fn check_acting(&self, asked: &Asked, state: &ProceedingState) -> Result<(), Failure> {
        let Some(agency) = asked.agency.as_deref().filter(|_| !asked.is_inspector) else { return Ok(()) };
        if self.is_handler(agency, state).await? {
            return Ok(());
        }
        Err(Refusal::HandlerMismatch { agency: agency.to_owned() }.into())
    }

    /// Refuses to tell of a proceeding to whom it's none of their business.
    async fn check_standing(&self, caller: &Caller, state: &ProceedingState) -> Result<(), Failure> {
        let standing = &state.standing;
        let may = match (caller.role, &caller.agency) {
            (Role::Inspector, _) => true,
            (Role::Official, _) if standing.is_person(&caller.id) => true,
            (Role::Agency, Some(agency)) => self.is_handler(agency, state).await?,
            // Of colleagues, those who act in it, unless the report concerns them too.
            (Role::Official, Some(agency)) if state.acting.contains(&caller.id) => {
                self.is_handler(agency, state).await? && !self.concerns(state, &caller.id).await?
            }
            _ => false,
        };
        if may {
            return Ok(());
        }
        let text = "only inspectors, the agency that has the proceeding, its officials who act in it, and whom it's about may read it";
        Err(Failure::new(Shared::NoStanding, text))
    }
}

fn unknown(proceeding: &str) -> Refusal {
    Refusal::ProceedingUnknown(proceeding.chars().take(60).flat_map(char::escape_debug).collect())
}

/// The stream of a proceeding.
pub(crate) fn proceeding_stream(proceeding: &str) -> Result<StreamName, Failure> {
    if proceeding.is_empty() {
        return Err(Failure::field("command.proceeding", "give the proceeding's id"));
    }
    Ok(StreamName::new(ProceedingEvent::CATEGORY, proceeding).map_err(eventlog::AppendError::from)?)
}

fn recorded(outcome: &Outcome<ProceedingEvent>) -> Recorded {
    Recorded { position: outcome.position, repeated: outcome.repeated }
}

/// The id of the proceeding in what was recorded.
fn id_of(outcome: &Outcome<ProceedingEvent>) -> String {
    outcome.stream.split_once('/').map_or_else(String::new, |(_, id)| id.to_owned())
}
