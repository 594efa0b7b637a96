//! Commands about agencies and units.

use events::directory::{Agency, Body, Unit};
use identity::Caller;
use proto::{Failure, agency_from, code_from, directory as pb, ledger::Recorded};

use super::{
    DirectoryHandlers,
    convert::{calendar_date, name},
};
use crate::domain::{AgencyAggregate, UnitAggregate, rules};

type Answer = Result<Option<Recorded>, Failure>;

impl DirectoryHandlers {
    pub(super) async fn rename_agency_as(
        &self,
        caller: &Caller,
        mut message: pb::RenameAgencyRequest,
    ) -> Answer {
        let id = std::mem::take(&mut message.request_id);
        let agency = agency_from("agency", &message.agency)?;
        let renamed = Agency::Renamed {
            agency: agency.clone(),
            name_vi: name("name_vi", &message.name_vi)?,
            name_en: name("name_en", &message.name_en)?,
        };
        let said = ("RenameAgency", &message);
        self.judge::<AgencyAggregate, _>(caller, &id, said, (&agency, renamed), |_| Ok(())).await
    }

    pub(super) async fn merge_agency_as(
        &self,
        caller: &Caller,
        mut message: pb::MergeAgencyRequest,
    ) -> Answer {
        let id = std::mem::take(&mut message.request_id);
        let agency = agency_from("agency", &message.agency)?;
        let into = agency_from("into", &message.into)?;
        let effective_date = calendar_date("effective_date", &message.effective_date)?;
        let merged = Agency::Merged { agency: agency.clone(), into: into.clone(), effective_date };
        let today = self.today();
        let said = ("MergeAgency", &message);
        self.judge::<AgencyAggregate, _>(caller, &id, said, (&agency, merged), |directory| {
            rules::ends(directory, Body::Agency(&agency), Some(&into), effective_date, today)
        })
        .await
    }

    pub(super) async fn close_agency_as(
        &self,
        caller: &Caller,
        mut message: pb::CloseAgencyRequest,
    ) -> Answer {
        let id = std::mem::take(&mut message.request_id);
        let agency = agency_from("agency", &message.agency)?;
        let effective_date = calendar_date("effective_date", &message.effective_date)?;
        let closed = Agency::Closed { agency: agency.clone(), effective_date };
        let today = self.today();
        let said = ("CloseAgency", &message);
        self.judge::<AgencyAggregate, _>(caller, &id, said, (&agency, closed), |directory| {
            rules::ends(directory, Body::Agency(&agency), None, effective_date, today)
        })
        .await
    }

    pub(super) async fn open_unit_as(&self, caller: &Caller, message: pb::OpenUnitRequest) -> Answer {
        let pb::OpenUnitRequest { request_id, unit } = message;
        let unit = unit.ok_or_else(|| Failure::field("unit", "give it"))?;
        let opened = Unit::Opened {
            unit: code_from("unit.code", &unit.code)?,
            agency: agency_from("unit.agency", &unit.agency)?,
            name_vi: name("unit.name_vi", &unit.name_vi)?,
            name_en: name("unit.name_en", &unit.name_en)?,
        };
        let said = ("OpenUnit", &unit);
        self.judge::<UnitAggregate, _>(caller, &request_id, said, (&unit.code, opened), |directory| {
            rules::unit_opened(directory, &unit.code, &unit.agency)
        })
        .await
    }

    pub(super) async fn rename_unit_as(&self, caller: &Caller, mut message: pb::RenameUnitRequest) -> Answer {
        let id = std::mem::take(&mut message.request_id);
        let unit = code_from("unit", &message.unit)?;
        let renamed = Unit::Renamed {
            unit: unit.clone(),
            name_vi: name("name_vi", &message.name_vi)?,
            name_en: name("name_en", &message.name_en)?,
        };
        let said = ("RenameUnit", &message);
        self.judge::<UnitAggregate, _>(caller, &id, said, (&unit, renamed), |_| Ok(())).await
    }

    pub(super) async fn merge_unit_as(&self, caller: &Caller, mut message: pb::MergeUnitRequest) -> Answer {
        let id = std::mem::take(&mut message.request_id);
        let unit = code_from("unit", &message.unit)?;
        let into = code_from("into", &message.into)?;
        let effective_date = calendar_date("effective_date", &message.effective_date)?;
        let merged = Unit::Merged { unit: unit.clone(), into: into.clone(), effective_date };
        let today = self.today();
        let said = ("MergeUnit", &message);
        self.judge::<UnitAggregate, _>(caller, &id, said, (&unit, merged), |directory| {
            rules::ends(directory, Body::Unit(&unit), Some(&into), effective_date, today)
        })
        .await
    }

    pub(super) async fn close_unit_as(&self, caller: &Caller, mut message: pb::CloseUnitRequest) -> Answer {
        let id = std::mem::take(&mut message.request_id);
        let unit = code_from("unit", &message.unit)?;
        let effective_date = calendar_date("effective_date", &message.effective_date)?;
        let closed = Unit::Closed { unit: unit.clone(), effective_date };
        let today = self.today();
        let said = ("CloseUnit", &message);
        self.judge::<UnitAggregate, _>(caller, &id, said, (&unit, closed), |directory| {
            rules::ends(directory, Body::Unit(&unit), None, effective_date, today)
        })
        .await
    }
}
