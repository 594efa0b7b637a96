//! The directory's RPCs: decode, let the aggregate decide, encode; reads come from memory.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use aggregate::{Outcome, Request as Command, execute};
use chrono::{Datelike as _, NaiveDate};
use esrs::Aggregate;
use eventlog::{Clock, EventLog, StreamName};
use events::{
    Event, Fact, Occurred,
    directory::{self as events_of, DayKind, Days, Directory, ProcedureRecord, UnitRecord},
};
use identity::Caller;
use projection::DirectoryFollower;
use proto::{
    Failure, agency_from, code_from, date_from,
    directory::{self as pb, ErrorReason, directory_service_server::DirectoryService},
    ledger::{ErrorReason as Shared, Recorded},
    page_size_from, uuid_from,
};
use tonic::{Request, Response, Status};

use crate::domain::{DaysAggregate, Once, ProcedureAggregate, ProcedureCommand, Refusal, kind_of};

const SERVICE: &str = "directory";

/// A limit in working days, at most: about forty years.
const WORKING_DAYS_MAX: u32 = 10_000;

/// The handlers of `liem.directory.v1.DirectoryService`.
pub struct DirectoryHandlers {
    log: Arc<dyn EventLog>,
    directory: DirectoryFollower,
    clock: Clock,
}

impl DirectoryHandlers {
    /// Handlers over a log.
    pub fn new(log: Arc<dyn EventLog>, directory: DirectoryFollower, clock: Clock) -> Self {
        Self { log, directory, clock }
    }

    fn now(&self) -> Occurred {
        Occurred::At(self.clock.now())
    }

    /// Lets an aggregate decide a command on the stream of `key`.
    async fn decide<A, E>(
        &self,
        caller: &Caller,
        request_id: &str,
        (method, message): (&str, &impl prost::Message),
        key: &str,
        command: impl Fn() -> A::Command + Send,
    ) -> Result<Option<Recorded>, Failure>
    where
        A: Aggregate<Event = Fact<E>, Error = Refusal>,
        A::State: Send,
        A::Command: Send,
        E: Event,
    {
        let request = Command {
            id: uuid_from("request_id", request_id)?,
            stream: StreamName::new(E::CATEGORY, key).map_err(eventlog::AppendError::from)?,
            context: aggregate::context(caller, SERVICE, method, message),
        };
        let Outcome { position, repeated, .. } = execute::<A, E>(&*self.log, request, command).await?;
        Ok(Some(Recorded { position, repeated }))
    }

    async fn directory_with(&self, has: impl Fn(&Directory) -> bool) -> Result<Arc<Directory>, Failure> {
        let (directory, _) = self.directory.now();
        if has(&directory) { Ok(directory) } else { Ok(self.directory.caught_up().await?.0) }
    }
}

/// A name: up to 200 characters, no control characters.
fn name(field: &str, text: &str) -> Result<String, Failure> {
    if text.chars().count() > 200 || text.chars().any(char::is_control) {
        return Err(Failure::field(field, "give at most 200 characters, without control characters"));
    }
    Ok(text.to_owned())
}

fn terms(terms: &pb::Terms) -> Result<events_of::Terms, Failure> {
    let (statutory, committed) = (terms.statutory_working_days, terms.committed_working_days);
    if statutory == 0 || statutory > WORKING_DAYS_MAX {
        return Err(Failure::field("terms.statutory_working_days", "give 1 to 10,000 working days"));
    }
    if committed == 0 || committed > statutory {
        let problem = "give at least 1 and at most the statutory working days";
        return Err(Failure::field("terms.committed_working_days", problem));
    }
    Ok(events_of::Terms {
        effective_date: date_from("terms.effective_date", &terms.effective_date)?,
        statutory_working_days: statutory,
        committed_working_days: committed,
    })
}

/// A date of the years a calendar can be declared for.
fn calendar_date(field: &str, text: &str) -> Result<NaiveDate, Failure> {
    let date = date_from(field, text)?;
    if (1900..=2200).contains(&date.year()) {
        Ok(date)
    } else {
        Err(Failure::field(field, "give a date of the years 1900 to 2200"))
    }
}

fn agency_unknown(code: &str) -> Failure {
    Failure::new(ErrorReason::AgencyUnknown, format!("there is no agency {code}: open it first"))
}

fn agency(code: &str, names: &events_of::Names) -> pb::Agency {
    pb::Agency { code: code.to_owned(), name_vi: names.vi.clone(), name_en: names.en.clone() }
}

fn unit(code: &str, unit: &UnitRecord) -> pb::Unit {
    pb::Unit {
        code: code.to_owned(),
        agency: unit.agency.clone(),
        name_vi: unit.names.vi.clone(),
        name_en: unit.names.en.clone(),
    }
}

fn procedure(code: &str, procedure: &ProcedureRecord) -> pb::Procedure {
    let terms = procedure.terms.iter().map(|t| pb::Terms {
        effective_date: t.effective_date.to_string(),
        statutory_working_days: t.statutory_working_days,
        committed_working_days: t.committed_working_days,
    });
    pb::Procedure {
        code: code.to_owned(),
        name_vi: procedure.names.vi.clone(),
        name_en: procedure.names.en.clone(),
        fields: procedure.fields.clone(),
        terms: terms.collect(),
    }
}

/// Rows of a page, by code, and the token of the next one.
type Page<'a, T> = (Vec<(&'a String, &'a T)>, String);

/// A page of a sorted map past the code in `token`, and the token of the next page.
fn page<'a, T>(
    map: &'a BTreeMap<String, T>,
    size: i32,
    token: &str,
    keep: impl Fn(&T) -> bool,
) -> Result<Page<'a, T>, Failure> {
    let limit = page_size_from(size)?;
    let start = if token.is_empty() { Bound::Unbounded } else { Bound::Excluded(token.to_owned()) };
    if !token.is_empty() && !map.contains_key(token) {
        return Err(Failure::new(Shared::PageTokenInvalid, "the page token is not one that this list gave"));
    }
    let mut rest = map.range((start, Bound::Unbounded)).filter(|(_, value)| keep(value));
    let rows: Vec<_> = rest.by_ref().take(limit).collect();
    let next = rest.next().and(rows.last()).map_or_else(String::new, |(code, _)| (*code).clone());
    Ok((rows, next))
}

#[tonic::async_trait]
impl DirectoryService for DirectoryHandlers {
    async fn open_agency(
        &self,
        request: Request<pb::OpenAgencyRequest>,
    ) -> Result<Response<pb::OpenAgencyResponse>, Status> {
        let caller = Caller::of(&request)?;
        let pb::OpenAgencyRequest { request_id, agency } = request.into_inner();
        let agency = agency.ok_or_else(|| Failure::field("agency", "give it"))?;
        let opened = events_of::Agency::Opened {
            agency: agency_from("agency.code", &agency.code)?,
            name_vi: name("agency.name_vi", &agency.name_vi)?,
            name_en: name("agency.name_en", &agency.name_en)?,
        };
        let command = || Fact { occurred: self.now(), data: opened.clone() };
        let said = ("OpenAgency", &agency);
        let recorded = self.decide::<Once<_>, _>(&caller, &request_id, said, &agency.code, command).await?;
        Ok(Response::new(pb::OpenAgencyResponse { recorded }))
    }

    async fn open_unit(
        &self,
        request: Request<pb::OpenUnitRequest>,
    ) -> Result<Response<pb::OpenUnitResponse>, Status> {
        let caller = Caller::of(&request)?;
        let pb::OpenUnitRequest { request_id, unit } = request.into_inner();
        let unit = unit.ok_or_else(|| Failure::field("unit", "give it"))?;
        let opened = events_of::Unit::Opened {
            unit: code_from("unit.code", &unit.code)?,
            agency: agency_from("unit.agency", &unit.agency)?,
            name_vi: name("unit.name_vi", &unit.name_vi)?,
            name_en: name("unit.name_en", &unit.name_en)?,
        };
        let directory = self.directory_with(|d| d.agencies.contains_key(&unit.agency)).await?;
        if !directory.agencies.contains_key(&unit.agency) {
            return Err(agency_unknown(&unit.agency).into());
        }
        let command = || Fact { occurred: self.now(), data: opened.clone() };
        let said = ("OpenUnit", &unit);
        let recorded = self.decide::<Once<_>, _>(&caller, &request_id, said, &unit.code, command).await?;
        Ok(Response::new(pb::OpenUnitResponse { recorded }))
    }

    async fn define_procedure(
        &self,
        request: Request<pb::DefineProcedureRequest>,
    ) -> Result<Response<pb::DefineProcedureResponse>, Status> {
        let caller = Caller::of(&request)?;
        let pb::DefineProcedureRequest { request_id, procedure } = request.into_inner();
        let procedure = procedure.ok_or_else(|| Failure::field("procedure", "give it"))?;
        let first_terms = match procedure.terms.as_slice() {
            [] => None,
            [one] => Some(terms(one)?),
            _ => {
                return Err(
                    Failure::field("procedure.terms", "give one at most; ChangeTerms adds more").into()
                );
            }
        };
        let fields = procedure.fields.iter().map(|field| code_from("procedure.fields", field));
        let defined = events_of::Procedure::Defined {
            procedure: code_from("procedure.code", &procedure.code)?,
            name_vi: name("procedure.name_vi", &procedure.name_vi)?,
            name_en: name("procedure.name_en", &procedure.name_en)?,
            fields: fields.collect::<Result<_, _>>()?,
        };
        let command = || ProcedureCommand::Define {
            occurred: self.now(),
            defined: defined.clone(),
            terms: first_terms,
        };
        let said = ("DefineProcedure", &procedure);
        let recorded = self
            .decide::<ProcedureAggregate, _>(&caller, &request_id, said, &procedure.code, command)
            .await?;
        Ok(Response::new(pb::DefineProcedureResponse { recorded }))
    }

    async fn change_terms(
        &self,
        request: Request<pb::ChangeTermsRequest>,
    ) -> Result<Response<pb::ChangeTermsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut message = request.into_inner();
        let request_id = std::mem::take(&mut message.request_id);
        let procedure = code_from("procedure", &message.procedure)?;
        let given = message.terms.as_ref().ok_or_else(|| Failure::field("terms", "give them"))?;
        let terms = terms(given)?;
        let command =
            || ProcedureCommand::ChangeTerms { occurred: self.now(), procedure: procedure.clone(), terms };
        let said = ("ChangeTerms", &message);
        let recorded =
            self.decide::<ProcedureAggregate, _>(&caller, &request_id, said, &procedure, command).await?;
        Ok(Response::new(pb::ChangeTermsResponse { recorded }))
    }

    async fn define_step(
        &self,
        request: Request<pb::DefineStepRequest>,
    ) -> Result<Response<pb::DefineStepResponse>, Status> {
        let caller = Caller::of(&request)?;
        let pb::DefineStepRequest { request_id, step } = request.into_inner();
        let defined = events_of::Step::Defined { step: code_from("step", &step)? };
        let command = || Fact { occurred: self.now(), data: defined.clone() };
        let said = ("DefineStep", &step);
        let recorded = self.decide::<Once<_>, _>(&caller, &request_id, said, &step, command).await?;
        Ok(Response::new(pb::DefineStepResponse { recorded }))
    }

    async fn declare_day(
        &self,
        request: Request<pb::DeclareDayRequest>,
    ) -> Result<Response<pb::DeclareDayResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut message = request.into_inner();
        let request_id = std::mem::take(&mut message.request_id);
        let kind = match message.kind() {
            pb::DayKind::Off => DayKind::Off,
            pb::DayKind::Worked => DayKind::Worked,
            pb::DayKind::WeeklyRule => DayKind::WeeklyRule,
            pb::DayKind::Unspecified => return Err(Failure::field("kind", "say what the day is").into()),
        };
        let date = calendar_date("date", &message.date)?;
        let command = || Fact { occurred: self.now(), data: Days::Declared { date, kind } };
        let said = ("DeclareDay", &message);
        let year = date.year().to_string();
        let recorded = self.decide::<DaysAggregate, _>(&caller, &request_id, said, &year, command).await?;
        Ok(Response::new(pb::DeclareDayResponse { recorded }))
    }

    async fn swap_days(
        &self,
        request: Request<pb::SwapDaysRequest>,
    ) -> Result<Response<pb::SwapDaysResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut message = request.into_inner();
        let request_id = std::mem::take(&mut message.request_id);
        let off_date = calendar_date("off_date", &message.off_date)?;
        let worked_date = calendar_date("worked_date", &message.worked_date)?;
        if off_date == worked_date {
            return Err(Failure::field("worked_date", "it can't be the day that is off").into());
        }
        let command = || Fact { occurred: self.now(), data: Days::Swapped { off_date, worked_date } };
        let said = ("SwapDays", &message);
        let year = off_date.year().to_string();
        let recorded = self.decide::<DaysAggregate, _>(&caller, &request_id, said, &year, command).await?;
        Ok(Response::new(pb::SwapDaysResponse { recorded }))
    }

    async fn get_agency(
        &self,
        request: Request<pb::GetAgencyRequest>,
    ) -> Result<Response<pb::GetAgencyResponse>, Status> {
        let code = request.into_inner().code;
        let directory = self.directory_with(|d| d.agencies.contains_key(&code)).await?;
        let names = directory.agencies.get(&code).ok_or_else(|| agency_unknown(&code))?;
        Ok(Response::new(pb::GetAgencyResponse { agency: Some(agency(&code, names)) }))
    }

    async fn list_agencies(
        &self,
        request: Request<pb::ListAgenciesRequest>,
    ) -> Result<Response<pb::ListAgenciesResponse>, Status> {
        let pb::ListAgenciesRequest { page_size, page_token } = request.into_inner();
        let (directory, _) = self.directory.caught_up().await?;
        let (rows, next_page_token) = page(&directory.agencies, page_size, &page_token, |_| true)?;
        let agencies = rows.into_iter().map(|(code, names)| agency(code, names)).collect();
        Ok(Response::new(pb::ListAgenciesResponse { agencies, next_page_token }))
    }

    async fn list_units(
        &self,
        request: Request<pb::ListUnitsRequest>,
    ) -> Result<Response<pb::ListUnitsResponse>, Status> {
        let pb::ListUnitsRequest { agency, page_size, page_token } = request.into_inner();
        let (directory, _) = self.directory.caught_up().await?;
        let keep = |unit: &UnitRecord| agency.is_empty() || unit.agency == agency;
        let (rows, next_page_token) = page(&directory.units, page_size, &page_token, keep)?;
        let units = rows.into_iter().map(|(code, record)| unit(code, record)).collect();
        Ok(Response::new(pb::ListUnitsResponse { units, next_page_token }))
    }

    async fn get_procedure(
        &self,
        request: Request<pb::GetProcedureRequest>,
    ) -> Result<Response<pb::GetProcedureResponse>, Status> {
        let code = request.into_inner().code;
        let directory = self.directory.caught_up().await?.0;
        let record = directory
            .procedures
            .get(&code)
            .ok_or_else(|| Failure::from(Refusal::ProcedureUnknown(code.clone())))?;
        Ok(Response::new(pb::GetProcedureResponse { procedure: Some(procedure(&code, record)) }))
    }

    async fn list_procedures(
        &self,
        request: Request<pb::ListProceduresRequest>,
    ) -> Result<Response<pb::ListProceduresResponse>, Status> {
        let pb::ListProceduresRequest { page_size, page_token } = request.into_inner();
        let (directory, _) = self.directory.caught_up().await?;
        let (rows, next_page_token) = page(&directory.procedures, page_size, &page_token, |_| true)?;
        let procedures = rows.into_iter().map(|(code, record)| procedure(code, record)).collect();
        Ok(Response::new(pb::ListProceduresResponse { procedures, next_page_token }))
    }

    async fn list_days(
        &self,
        request: Request<pb::ListDaysRequest>,
    ) -> Result<Response<pb::ListDaysResponse>, Status> {
        let year = request.into_inner().year;
        let (directory, _) = self.directory.caught_up().await?;
        let calendar = &directory.calendar;
        let days = calendar.departures().filter(|(date, _)| date.year() == year).map(|(date, _)| pb::Day {
            date: date.to_string(),
            kind: match kind_of(calendar, date) {
                DayKind::Off => pb::DayKind::Off.into(),
                DayKind::Worked => pb::DayKind::Worked.into(),
                DayKind::WeeklyRule => pb::DayKind::WeeklyRule.into(),
            },
        });
        let version = calendar.version();
        let calendar = format!("{}@{}", version.name, version.hash);
        Ok(Response::new(pb::ListDaysResponse { days: days.collect(), calendar }))
    }
}
