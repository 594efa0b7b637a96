//! Registers the province in the directory.
//!
//! The units come last. A case names its unit, and a service that does not know the unit reads the log up to
//! its end first: so no case is promised anything by a directory in which terms or days are missing.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use events::directory::Terms;
use futures::{StreamExt as _, stream};
use proto::{
    directory::{self as pb, DayKind},
    ledger::Recorded,
};
use tonic::Status;
use uuid::Uuid;

use super::{
    super::{
        cases::zone,
        province::{Agency, Procedure, Province, Unit},
    },
    SendError, Sent, retried,
};
use crate::{
    client::{Connection, Directory},
    import::source::request_id,
};

/// Something to register.
#[derive(Clone, Copy)]
enum Entry<'p> {
    DayOff(NaiveDate),
    Step(&'p str),
    /// A procedure with its first terms.
    Procedure(&'p Procedure),
    /// Later terms of a procedure.
    Terms(&'p Procedure, Terms),
    Agency(&'p Agency),
    /// A unit, and its agency's code.
    Unit(&'p Unit, &'p str),
}

impl Entry<'_> {
    /// The RPC, and the code of what is registered.
    fn name(&self) -> (&'static str, String) {
        match self {
            Self::DayOff(day) => ("DeclareDay", day.to_string()),
            Self::Step(step) => ("DefineStep", (*step).to_owned()),
            Self::Procedure(procedure) => ("DefineProcedure", procedure.code.clone()),
            Self::Terms(procedure, terms) => {
                ("ChangeTerms", format!("{} from {}", procedure.code, terms.effective_date))
            }
            Self::Agency(agency) => ("OpenAgency", agency.code.clone()),
            Self::Unit(unit, _) => ("OpenUnit", unit.code.clone()),
        }
    }

    /// How many events it is recorded as.
    fn events(&self) -> u64 {
        if matches!(self, Self::Procedure(_)) { 2 } else { 1 }
    }

    async fn register(&self, mut directory: Directory, id: Uuid) -> Result<Option<Recorded>, Status> {
        let request_id = id.to_string();
        Ok(match *self {
            Self::DayOff(day) => {
                let kind = DayKind::Off.into();
                let request = pb::DeclareDayRequest { request_id, date: day.to_string(), kind };
                directory.declare_day(request).await?.into_inner().recorded
            }
            Self::Step(step) => {
                let request = pb::DefineStepRequest { request_id, step: step.to_owned() };
                directory.define_step(request).await?.into_inner().recorded
            }
            Self::Procedure(procedure) => {
                let procedure = Some(pb::Procedure {
                    code: procedure.code.clone(),
                    name_vi: procedure.name_vi.clone(),
                    name_en: procedure.name_en.clone(),
                    fields: procedure.fields.iter().map(|tag| (*tag).to_owned()).collect(),
                    terms: procedure.terms.first().copied().map(terms_of).into_iter().collect(),
                });
                let request = pb::DefineProcedureRequest { request_id, procedure };
                directory.define_procedure(request).await?.into_inner().recorded
            }
            Self::Terms(procedure, terms) => {
                let (procedure, terms) = (procedure.code.clone(), Some(terms_of(terms)));
                let request = pb::ChangeTermsRequest { request_id, procedure, terms };
                directory.change_terms(request).await?.into_inner().recorded
            }
            Self::Agency(agency) => {
                let agency = Some(pb::Agency {
                    code: agency.code.clone(),
                    name_vi: agency.name_vi.clone(),
                    name_en: agency.name_en.clone(),
                    ..pb::Agency::default()
                });
                directory
                    .open_agency(pb::OpenAgencyRequest { request_id, agency })
                    .await?
                    .into_inner()
                    .recorded
            }
            Self::Unit(unit, agency) => {
                let unit = Some(pb::Unit {
                    code: unit.code.clone(),
                    agency: agency.to_owned(),
                    name_vi: unit.name_vi.clone(),
                    name_en: unit.name_en.clone(),
                    ..pb::Unit::default()
                });
                directory.open_unit(pb::OpenUnitRequest { request_id, unit }).await?.into_inner().recorded
            }
        })
    }
}

fn terms_of(terms: Terms) -> pb::Terms {
    pb::Terms {
        effective_date: terms.effective_date.to_string(),
        statutory_working_days: terms.statutory_working_days,
        committed_working_days: terms.committed_working_days,
    }
}

/// Registers everything of a province.
pub(super) async fn register(
    connection: &Connection,
    province: &Province,
    in_flight: usize,
) -> Result<Sent, SendError> {
    let procedures = || province.procedures.iter();
    let later = |procedure| terms_after_the_first(procedure).map(move |terms| Entry::Terms(procedure, terms));
    let of_unit = |unit| Entry::Unit(unit, &province.agencies[unit.agency].code);
    let mut first: Vec<_> = procedures().map(Entry::Procedure).collect();
    first.extend(province.steps.iter().copied().map(Entry::Step));
    first.push(Entry::DayOff(province.day_off));
    let stages = [
        first,
        procedures().flat_map(later).collect(),
        province.agencies.iter().map(Entry::Agency).collect(),
        province.units.iter().map(of_unit).collect(),
    ];

    let at = (province.start.and_time(NaiveTime::MIN) - zone()).and_utc();
    let mut sent = Sent::default();
    for stage in stages {
        let calls = stage.into_iter().map(|entry| register_one(connection, province.seed, at, entry));
        let mut calls = stream::iter(calls).buffer_unordered(in_flight.max(1));
        while let Some(registered) = calls.next().await {
            let (recorded, events) = registered?;
            sent.count(recorded, events);
        }
    }
    Ok(sent)
}

fn terms_after_the_first(procedure: &Procedure) -> impl Iterator<Item = Terms> {
    procedure.terms.iter().skip(1).copied()
}

async fn register_one(
    connection: &Connection,
    seed: u64,
    at: DateTime<Utc>,
    entry: Entry<'_>,
) -> Result<(Option<Recorded>, u64), SendError> {
    let (method, code) = entry.name();
    let id = request_id(at, &["demo", &seed.to_string(), method, &code]);
    let what = || format!("{method} of {code}");
    let recorded = retried(what, || entry.register(connection.directory(), id)).await?;
    Ok((recorded, entry.events()))
}
