//! Commands about posts and officials.

use events::directory::{Official, Post};
use identity::Caller;
use proto::{Failure, agency_from, code_from, directory as pb, ledger::Recorded, non_empty, official_from};

use super::{
    DirectoryHandlers,
    convert::{calendar_date, leadership},
};
use crate::domain::{OfficialAggregate, PostAggregate, rules};

type Answer = Result<Option<Recorded>, Failure>;

/// A unit's code; none for an empty one.
fn unit_from(field: &str, unit: &str) -> Result<Option<String>, Failure> {
    non_empty(unit.to_owned()).map(|unit| code_from(field, &unit)).transpose()
}

impl DirectoryHandlers {
    pub(super) async fn define_post_as(&self, caller: &Caller, message: pb::DefinePostRequest) -> Answer {
        let pb::DefinePostRequest { request_id, post } = message;
        let post = post.ok_or_else(|| Failure::field("post", "give it"))?;
        let code = code_from("post.code", &post.code)?;
        let agency = agency_from("post.agency", &post.agency)?;
        let unit = unit_from("post.unit", &post.unit)?;
        let defined = Post::Defined {
            post: code.clone(),
            agency: agency.clone(),
            unit: unit.clone(),
            leadership: leadership(post.leadership()),
        };
        let said = ("DefinePost", &post);
        self.judge::<PostAggregate, _>(caller, &request_id, said, (&code, defined), |directory| {
            rules::post_defined(directory, &code, &agency, unit.as_deref())
        })
        .await
    }

    pub(super) async fn close_post_as(&self, caller: &Caller, mut message: pb::ClosePostRequest) -> Answer {
        let id = std::mem::take(&mut message.request_id);
        let post = code_from("post", &message.post)?;
        let effective_date = calendar_date("effective_date", &message.effective_date)?;
        let closed = Post::Closed { post: post.clone(), effective_date };
        let said = ("ClosePost", &message);
        self.judge::<PostAggregate, _>(caller, &id, said, (&post, closed), |directory| {
            rules::post_closed(directory, &post, effective_date)
        })
        .await
    }

    pub(super) async fn appoint_official_as(
        &self,
        caller: &Caller,
        mut message: pb::AppointOfficialRequest,
    ) -> Answer {
        let id = std::mem::take(&mut message.request_id);
        let official = official_from("official", &message.official)?;
        let post = code_from("post", &message.post)?;
        let from_date = calendar_date("from_date", &message.from_date)?;
        let appointed = Official::Appointed { official: official.clone(), post: post.clone(), from_date };
        let said = ("AppointOfficial", &message);
        self.judge::<OfficialAggregate, _>(caller, &id, said, (&official, appointed), |directory| {
            rules::appointed(directory, &official, &post, from_date)
        })
        .await
    }

    pub(super) async fn move_official_as(
        &self,
        caller: &Caller,
        mut message: pb::MoveOfficialRequest,
    ) -> Answer {
        let id = std::mem::take(&mut message.request_id);
        let official = official_from("official", &message.official)?;
        let agency = agency_from("agency", &message.agency)?;
        let unit = unit_from("unit", &message.unit)?;
        let from_date = calendar_date("from_date", &message.from_date)?;
        let moved = Official::Moved {
            official: official.clone(),
            agency: agency.clone(),
            unit: unit.clone(),
            from_date,
        };
        let said = ("MoveOfficial", &message);
        self.judge::<OfficialAggregate, _>(caller, &id, said, (&official, moved), |directory| {
            rules::moved(directory, &agency, unit.as_deref(), from_date)
        })
        .await
    }

    pub(super) async fn record_departure_as(
        &self,
        caller: &Caller,
        mut message: pb::RecordDepartureRequest,
    ) -> Answer {
        let id = std::mem::take(&mut message.request_id);
        let official = official_from("official", &message.official)?;
        let effective_date = calendar_date("effective_date", &message.effective_date)?;
        let left = Official::Left { official: official.clone(), effective_date };
        let said = ("RecordDeparture", &message);
        self.judge::<OfficialAggregate, _>(caller, &id, said, (&official, left), |_| Ok(())).await
    }

    pub(super) async fn change_party_membership_as(
        &self,
        caller: &Caller,
        mut message: pb::ChangePartyMembershipRequest,
    ) -> Answer {
        let id = std::mem::take(&mut message.request_id);
        let official = official_from("official", &message.official)?;
        let effective_date = calendar_date("effective_date", &message.effective_date)?;
        let changed = Official::PartyMembershipChanged {
            official: official.clone(),
            party_member: message.party_member,
            effective_date,
        };
        let said = ("ChangePartyMembership", &message);
        self.judge::<OfficialAggregate, _>(caller, &id, said, (&official, changed), |_| Ok(())).await
    }
}
