//! Names of officials: sealed, opened and erased.

use disclosure::Asked;
use events::{
    directory::{Official, OfficialRecord},
    vault::Sealed,
};
use identity::Caller;
use proto::{Failure, agency_from, directory as pb, ledger::Recorded, non_empty, official_from, uuid_from};
use secrecy::ExposeSecret as _;
use vault::{Opened, State, VaultError};

use super::{
    DirectoryHandlers, SERVICE,
    convert::{self, category, name},
};
use crate::domain::{OfficialAggregate, Refusal, rules};

/// Whom a name is about, as the vault knows them.
fn subject_of(official: &str) -> String {
    format!("official:{official}")
}

impl DirectoryHandlers {
    /// Registers an official: the name is sealed first, and the event appended second.
    pub(super) async fn register_official_as(
        &self,
        caller: &Caller,
        mut message: pb::RegisterOfficialRequest,
    ) -> Result<Option<Recorded>, Failure> {
        let request_id = std::mem::take(&mut message.request_id);
        let request = uuid_from("request_id", &request_id)?;
        let official = message.official.as_ref().ok_or_else(|| Failure::field("official", "give it"))?;
        let id = official_from("official.id", &official.id)?;
        let agency = agency_from("official.agency", &official.agency)?;
        let category = category(official.category())?;
        let party_member = official.party_member;
        let name = non_empty(name("name", std::mem::take(&mut message.name).trim())?);
        let sealed = match name {
            Some(name) => self.disclosure.seal(request, &subject_of(&id), [("name", name)]).await?.pop(),
            None => None,
        };
        if let Some(sealed) = &sealed {
            // Not of the name itself: it could be guessed from a digest. The commitment is salted.
            message.name.clone_from(&sealed.commitment);
        }
        let has_name = sealed.is_some();
        let registered = Official::Registered {
            official: id.clone(),
            agency: agency.clone(),
            category,
            party_member,
            name: sealed,
        };
        let said = ("RegisterOfficial", &message);
        let recorded =
            self.judge::<OfficialAggregate, _>(caller, &request_id, said, (&id, registered), |directory| {
                rules::registered(directory, &id, &agency)
            });
        let recorded = recorded.await?;
        if has_name {
            self.disclosure.confirm(request).await;
        }
        Ok(recorded)
    }

    /// Opens a name to a named reader, for a reason: on record before it is shown.
    pub(super) async fn open_official_name_as(
        &self,
        caller: &Caller,
        mut message: pb::OpenOfficialNameRequest,
    ) -> Result<pb::OpenOfficialNameResponse, Failure> {
        let request_id = std::mem::take(&mut message.request_id);
        let reader = official_from("reader", &message.reader)?;
        let reason = convert::opening(message.reason())?;
        let asked = self.asked(caller, &request_id, ("OpenOfficialName", &message), &message.official)?;
        let seal = self.sealed_name(&message.official).await?.seal;
        let (outcome, opened) = self.disclosure.open(&asked, vec![seal.clone()], reader, reason).await?;
        let (name, erased) = match opened.into_iter().next().map(|(_, opened)| opened) {
            Some(Opened::Text(name)) => (name.expose_secret().to_owned(), false),
            Some(Opened::Erased) => (String::new(), true),
            // The log has it and the vault hasn't: it is not the vault that it was sealed in.
            Some(Opened::Unknown) | None => {
                return Err(disclosure::failure_of(&VaultError::Damaged { what: seal }));
            }
        };
        let recorded = Some(Recorded { position: outcome.position, repeated: outcome.repeated });
        Ok(pb::OpenOfficialNameResponse { recorded, name, erased })
    }

    /// Erases a name by law.
    pub(super) async fn erase_official_name_as(
        &self,
        caller: &Caller,
        mut message: pb::EraseOfficialNameRequest,
    ) -> Result<Option<Recorded>, Failure> {
        let request_id = std::mem::take(&mut message.request_id);
        let ground = convert::erasure(message.ground())?;
        let asked = self.asked(caller, &request_id, ("EraseOfficialName", &message), &message.official)?;
        let seal = self.sealed_name(&message.official).await?.seal;
        let (outcome, _) = self.disclosure.erase(&asked, vec![seal], ground).await?;
        Ok(Some(Recorded { position: outcome.position, repeated: outcome.repeated }))
    }

    fn asked(
        &self,
        caller: &Caller,
        request_id: &str,
        (method, message): (&str, &impl prost::Message),
        official: &str,
    ) -> Result<Asked, Failure> {
        Ok(Asked {
            id: uuid_from("request_id", request_id)?,
            context: aggregate::context(caller, SERVICE, method, message),
            occurred: self.now(),
            subject: subject_of(&official_from("official", official)?),
        })
    }

    /// What the log has of an official's name.
    async fn sealed_name(&self, official: &str) -> Result<Sealed, Failure> {
        let (directory, _) = self.directory.caught_up().await?;
        let record = directory.officials.get(official);
        let record = record.ok_or_else(|| Refusal::OfficialUnknown(official.to_owned()))?;
        let name = record.name.clone().ok_or_else(|| Refusal::NameUnknown(official.to_owned()))?;
        Ok(name)
    }

    /// Officials with how their names stand.
    pub(super) async fn officials_shown<'a>(
        &self,
        records: impl IntoIterator<Item = (&'a String, &'a OfficialRecord)>,
    ) -> Result<Vec<pb::Official>, Failure> {
        let records: Vec<_> = records.into_iter().collect();
        let seals = records.iter().filter_map(|(_, record)| record.name.as_ref());
        let seals: Vec<_> = seals.map(|name| name.seal.clone()).collect();
        let states = self.disclosure.vault().state(&seals).await;
        let mut states = states.map_err(|error| disclosure::failure_of(&error))?.into_iter();
        let shown = records.into_iter().map(|(id, record)| {
            let state = match record.name.as_ref().and_then(|_| states.next()) {
                None => pb::NameState::None,
                Some(State::Erased) => pb::NameState::Erased,
                Some(State::Sealed | State::Unknown) => pb::NameState::Sealed,
            };
            convert::official(id, record, state)
        });
        Ok(shown.collect())
    }
}
