//! The RPCs, one by one.

use chrono::Datelike as _;
use events::{
    Fact,
    directory::{self as events_of, Body, DayKind, Days, Directory, OfficialRecord, PostRecord, UnitRecord},
};
use identity::Caller;
use proto::{
    Failure, agency_from, code_from,
    directory::{self as pb, directory_service_server::DirectoryService},
};
use tonic::{Request, Response, Status};

use super::{
    DirectoryHandlers,
    convert::{Shown, calendar_date, head_periods, name, page, post, procedure, terms},
};
use crate::domain::{
    AgencyAggregate, DaysAggregate, Once, ProcedureAggregate, ProcedureCommand, Refusal, kind_of,
};

/// The failure of a look-up.
fn unknown(refusal: fn(String) -> Refusal, code: &str) -> Failure {
    refusal(code.to_owned()).into()
}

/// Whether something of an agency is of the asked-for one, which also has what was merged into it; empty for all.
fn is_of(directory: &Directory, asked: &str, agency: &str) -> bool {
    asked.is_empty() || directory.agency_mergers.succeeds(asked, agency)
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
        let recorded =
            self.decide::<AgencyAggregate, _>(&caller, &request_id, said, &agency.code, command).await?;
        Ok(Response::new(pb::OpenAgencyResponse { recorded }))
    }

    async fn rename_agency(
        &self,
        request: Request<pb::RenameAgencyRequest>,
    ) -> Result<Response<pb::RenameAgencyResponse>, Status> {
        let recorded = self.rename_agency_as(&Caller::of(&request)?, request.into_inner()).await?;
        Ok(Response::new(pb::RenameAgencyResponse { recorded }))
    }

    async fn merge_agency(
        &self,
        request: Request<pb::MergeAgencyRequest>,
    ) -> Result<Response<pb::MergeAgencyResponse>, Status> {
        let recorded = self.merge_agency_as(&Caller::of(&request)?, request.into_inner()).await?;
        Ok(Response::new(pb::MergeAgencyResponse { recorded }))
    }

    async fn close_agency(
        &self,
        request: Request<pb::CloseAgencyRequest>,
    ) -> Result<Response<pb::CloseAgencyResponse>, Status> {
        let recorded = self.close_agency_as(&Caller::of(&request)?, request.into_inner()).await?;
        Ok(Response::new(pb::CloseAgencyResponse { recorded }))
    }

    async fn open_unit(
        &self,
        request: Request<pb::OpenUnitRequest>,
    ) -> Result<Response<pb::OpenUnitResponse>, Status> {
        let recorded = self.open_unit_as(&Caller::of(&request)?, request.into_inner()).await?;
        Ok(Response::new(pb::OpenUnitResponse { recorded }))
    }

    async fn rename_unit(
        &self,
        request: Request<pb::RenameUnitRequest>,
    ) -> Result<Response<pb::RenameUnitResponse>, Status> {
        let recorded = self.rename_unit_as(&Caller::of(&request)?, request.into_inner()).await?;
        Ok(Response::new(pb::RenameUnitResponse { recorded }))
    }

    async fn merge_unit(
        &self,
        request: Request<pb::MergeUnitRequest>,
    ) -> Result<Response<pb::MergeUnitResponse>, Status> {
        let recorded = self.merge_unit_as(&Caller::of(&request)?, request.into_inner()).await?;
        Ok(Response::new(pb::MergeUnitResponse { recorded }))
    }

    async fn close_unit(
        &self,
        request: Request<pb::CloseUnitRequest>,
    ) -> Result<Response<pb::CloseUnitResponse>, Status> {
        let recorded = self.close_unit_as(&Caller::of(&request)?, request.into_inner()).await?;
        Ok(Response::new(pb::CloseUnitResponse { recorded }))
    }

    async fn define_post(
        &self,
        request: Request<pb::DefinePostRequest>,
    ) -> Result<Response<pb::DefinePostResponse>, Status> {
        let recorded = self.define_post_as(&Caller::of(&request)?, request.into_inner()).await?;
        Ok(Response::new(pb::DefinePostResponse { recorded }))
    }

    async fn close_post(
        &self,
        request: Request<pb::ClosePostRequest>,
    ) -> Result<Response<pb::ClosePostResponse>, Status> {
        let recorded = self.close_post_as(&Caller::of(&request)?, request.into_inner()).await?;
        Ok(Response::new(pb::ClosePostResponse { recorded }))
    }

    async fn register_official(
        &self,
        request: Request<pb::RegisterOfficialRequest>,
    ) -> Result<Response<pb::RegisterOfficialResponse>, Status> {
        let recorded = self.register_official_as(&Caller::of(&request)?, request.into_inner()).await?;
        Ok(Response::new(pb::RegisterOfficialResponse { recorded }))
    }

    async fn open_official_name(
        &self,
        request: Request<pb::OpenOfficialNameRequest>,
    ) -> Result<Response<pb::OpenOfficialNameResponse>, Status> {
        let answer = self.open_official_name_as(&Caller::of(&request)?, request.into_inner()).await?;
        Ok(Response::new(answer))
    }

    async fn erase_official_name(
        &self,
        request: Request<pb::EraseOfficialNameRequest>,
    ) -> Result<Response<pb::EraseOfficialNameResponse>, Status> {
        let recorded = self.erase_official_name_as(&Caller::of(&request)?, request.into_inner()).await?;
        Ok(Response::new(pb::EraseOfficialNameResponse { recorded }))
    }

    async fn appoint_official(
        &self,
        request: Request<pb::AppointOfficialRequest>,
    ) -> Result<Response<pb::AppointOfficialResponse>, Status> {
        let recorded = self.appoint_official_as(&Caller::of(&request)?, request.into_inner()).await?;
        Ok(Response::new(pb::AppointOfficialResponse { recorded }))
    }

    async fn move_official(
        &self,
        request: Request<pb::MoveOfficialRequest>,
    ) -> Result<Response<pb::MoveOfficialResponse>, Status> {
        let recorded = self.move_official_as(&Caller::of(&request)?, request.into_inner()).await?;
        Ok(Response::new(pb::MoveOfficialResponse { recorded }))
    }

    async fn record_departure(
        &self,
        request: Request<pb::RecordDepartureRequest>,
    ) -> Result<Response<pb::RecordDepartureResponse>, Status> {
        let recorded = self.record_departure_as(&Caller::of(&request)?, request.into_inner()).await?;
        Ok(Response::new(pb::RecordDepartureResponse { recorded }))
    }

    async fn change_party_membership(
        &self,
        request: Request<pb::ChangePartyMembershipRequest>,
    ) -> Result<Response<pb::ChangePartyMembershipResponse>, Status> {
        let recorded = self.change_party_membership_as(&Caller::of(&request)?, request.into_inner()).await?;
        Ok(Response::new(pb::ChangePartyMembershipResponse { recorded }))
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
        let caller = &Caller::of(&request)?;
        let code = request.into_inner().code;
        let directory = &*self.directory.caught_up().await?.0;
        let record = directory.agencies.get(&code).ok_or_else(|| unknown(Refusal::AgencyUnknown, &code))?;
        let shown = Shown { directory, caller, today: self.today() };
        Ok(Response::new(pb::GetAgencyResponse { agency: Some(shown.agency(&code, record)) }))
    }

    async fn list_agencies(
        &self,
        request: Request<pb::ListAgenciesRequest>,
    ) -> Result<Response<pb::ListAgenciesResponse>, Status> {
        let caller = &Caller::of(&request)?;
        let pb::ListAgenciesRequest { page_size, page_token } = request.into_inner();
        let directory = &*self.directory.caught_up().await?.0;
        let (rows, next_page_token) = page(&directory.agencies, page_size, &page_token, |_| true)?;
        let shown = Shown { directory, caller, today: self.today() };
        let agencies = rows.into_iter().map(|(code, record)| shown.agency(code, record)).collect();
        Ok(Response::new(pb::ListAgenciesResponse { agencies, next_page_token }))
    }

    async fn list_units(
        &self,
        request: Request<pb::ListUnitsRequest>,
    ) -> Result<Response<pb::ListUnitsResponse>, Status> {
        let caller = &Caller::of(&request)?;
        let pb::ListUnitsRequest { agency, page_size, page_token } = request.into_inner();
        let directory = &*self.directory.caught_up().await?.0;
        let keep = |unit: &UnitRecord| is_of(directory, &agency, &unit.agency);
        let (rows, next_page_token) = page(&directory.units, page_size, &page_token, keep)?;
        let shown = Shown { directory, caller, today: self.today() };
        let units = rows.into_iter().map(|(code, record)| shown.unit(code, record)).collect();
        Ok(Response::new(pb::ListUnitsResponse { units, next_page_token }))
    }

    async fn list_posts(
        &self,
        request: Request<pb::ListPostsRequest>,
    ) -> Result<Response<pb::ListPostsResponse>, Status> {
        let pb::ListPostsRequest { agency, page_size, page_token } = request.into_inner();
        let (directory, _) = self.directory.caught_up().await?;
        let keep = |post: &PostRecord| is_of(&directory, &agency, &post.agency);
        let (rows, next_page_token) = page(&directory.posts, page_size, &page_token, keep)?;
        let posts = rows.into_iter().map(|(code, record)| post(code, record)).collect();
        Ok(Response::new(pb::ListPostsResponse { posts, next_page_token }))
    }

    async fn list_heads(
        &self,
        request: Request<pb::ListHeadsRequest>,
    ) -> Result<Response<pb::ListHeadsResponse>, Status> {
        let pb::ListHeadsRequest { agency, unit } = request.into_inner();
        let (directory, _) = self.directory.caught_up().await?;
        let body = match (agency.as_str(), unit.as_str()) {
            (agency, "") if directory.agencies.contains_key(agency) => Body::Agency(agency),
            ("", unit) if directory.units.contains_key(unit) => Body::Unit(unit),
            ("", "") => return Err(Failure::field("agency", "give it, or a unit").into()),
            (agency, "") => return Err(unknown(Refusal::AgencyUnknown, agency).into()),
            ("", unit) => return Err(unknown(Refusal::UnitUnknown, unit).into()),
            _ => return Err(Failure::field("unit", "give it, or an agency: not both").into()),
        };
        Ok(Response::new(pb::ListHeadsResponse { periods: head_periods(&directory, body) }))
    }

    async fn get_official(
        &self,
        request: Request<pb::GetOfficialRequest>,
    ) -> Result<Response<pb::GetOfficialResponse>, Status> {
        let id = request.into_inner().id;
        let (directory, _) = self.directory.caught_up().await?;
        let record = directory.officials.get(&id).ok_or_else(|| unknown(Refusal::OfficialUnknown, &id))?;
        let official = self.officials_shown([(&id, record)]).await?.pop();
        Ok(Response::new(pb::GetOfficialResponse { official }))
    }

    async fn list_officials(
        &self,
        request: Request<pb::ListOfficialsRequest>,
    ) -> Result<Response<pb::ListOfficialsResponse>, Status> {
        let pb::ListOfficialsRequest { agency, page_size, page_token } = request.into_inner();
        let (directory, _) = self.directory.caught_up().await?;
        let keep = |official: &OfficialRecord| is_of(&directory, &agency, &official.agency);
        let (rows, next_page_token) = page(&directory.officials, page_size, &page_token, keep)?;
        let officials = self.officials_shown(rows).await?;
        Ok(Response::new(pb::ListOfficialsResponse { officials, next_page_token }))
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
