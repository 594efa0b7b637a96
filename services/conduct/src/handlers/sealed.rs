//! Opening and erasing what is sealed.

use disclosure::Asked as Disclosed;
use events::Occurred;
use identity::{Caller, Role};
use proto::{
    Failure, conduct as pb,
    ledger::{ErrorReason as Shared, Recorded},
    official_from, uuid_from,
};
use secrecy::ExposeSecret as _;
use vault::{Opened, State};

use super::{ConductHandlers, SERVICE, convert, subject_of};
use crate::domain::ReportState;

impl ConductHandlers {
    /// Which of a report's seals are erased.
    pub(super) async fn erased(&self, state: &ReportState) -> Result<Vec<bool>, Failure> {
        let seals: Vec<_> = state.sealed.iter().map(|(sealed, _)| sealed.seal.clone()).collect();
        let states = self.disclosure.vault().state(&seals).await;
        let states = states.map_err(|error| disclosure::failure_of(&error))?;
        Ok(states.into_iter().map(|state| state == State::Erased).collect())
    }

    /// Opens sealed data to a named reader, for a reason: on record before it is shown.
    pub(super) async fn open_sealed(
        &self,
        caller: Caller,
        mut message: pb::OpenSealedDataRequest,
    ) -> Result<pb::OpenSealedDataResponse, Failure> {
        let request_id = std::mem::take(&mut message.request_id);
        let reader = official_from("reader", &message.reader)?;
        if caller.role == Role::Official && reader != caller.id {
            let text = "an official reads for themselves only: give the token's own id as `reader`";
            return Err(Failure::new(Shared::NoStanding, text));
        }
        let reason = convert::opening(message.reason())?;
        let (state, _) = self.existing(&message.report).await?;
        self.check_standing(&caller, &state).await?;
        if state.concern.is_person(&reader) {
            let text = "the report is about this reader: name another one";
            return Err(Failure::new(Shared::NoStanding, text));
        }
        let fields: Vec<_> = state
            .sealed
            .iter()
            .filter(|(sealed, _)| message.seals.is_empty() || message.seals.contains(&sealed.seal))
            .map(|(sealed, field)| (sealed.seal.clone(), *field))
            .collect();
        let unknown = message.seals.iter().find(|seal| !fields.iter().any(|(known, _)| known == *seal));
        if unknown.is_some() {
            return Err(Failure::field("seals", "the report has no such seal: GetReport lists them"));
        }
        let asked = Disclosed {
            id: uuid_from("request_id", &request_id)?,
            context: aggregate::context(&caller, SERVICE, "OpenSealedData", &message),
            occurred: Occurred::At(self.clock.now()),
            subject: subject_of(&message.report),
        };
        let seals = fields.iter().map(|(seal, _)| seal.clone()).collect();
        let (outcome, opened) = self.disclosure.open(&asked, seals, reader, reason).await?;
        // A repeat opens what was opened on record, not what was added since.
        let fields = opened.into_iter().filter_map(|(seal, opened)| {
            let (_, field) = fields.iter().find(|(known, _)| *known == seal)?;
            let (text, erased) = match opened {
                Opened::Text(text) => (text.expose_secret().to_owned(), false),
                Opened::Erased => (String::new(), true),
                Opened::Unknown => (String::new(), false),
            };
            Some(pb::OpenedField { seal, field: (*field).to_owned(), text, erased })
        });
        Ok(pb::OpenSealedDataResponse {
            recorded: Some(Recorded { position: outcome.position, repeated: outcome.repeated }),
            fields: fields.collect(),
        })
    }

    /// Erases the personal data of a report by law.
    pub(super) async fn erase(
        &self,
        caller: Caller,
        mut message: pb::ErasePersonalDataRequest,
    ) -> Result<pb::ErasePersonalDataResponse, Failure> {
        let request_id = std::mem::take(&mut message.request_id);
        let ground = convert::erasure(message.ground())?;
        let (state, _) = self.existing(&message.report).await?;
        let asked = Disclosed {
            id: uuid_from("request_id", &request_id)?,
            context: aggregate::context(&caller, SERVICE, "ErasePersonalData", &message),
            occurred: Occurred::At(self.clock.now()),
            subject: subject_of(&message.report),
        };
        let seals = state.sealed.iter().map(|(sealed, _)| sealed.seal.clone()).collect();
        let (outcome, count) = self.disclosure.erase(&asked, seals, ground).await?;
        Ok(pb::ErasePersonalDataResponse {
            recorded: Some(Recorded { position: outcome.position, repeated: outcome.repeated }),
            erased_count: i32::try_from(count).unwrap_or(i32::MAX),
        })
    }
}
