//! Opening and erasing sealed personal data, on record.
//!
//! An opening is recorded before anything is shown: without the log nothing opens. An erasure is recorded, and
//! then the keys are destroyed; whatever the vault is restored from, [`Disclosure::catch_up`] destroys again
//! what the log says is erased, before anything is served.

use std::{convert::Infallible, sync::Arc};

use aggregate::{ExecuteError, Outcome, Request, execute};
use esrs::Aggregate;
use eventlog::{Context, Direction, EventLog, Filter, ReadError, StreamName};
use events::{
    Event as _, Fact, NotAnEvent, Occurred,
    vault::{ErasureGround, OpeningReason, RecordEvent, Sealed},
};
use proto::{Failure, ledger::ErrorReason};
use secrecy::SecretString;
use uuid::Uuid;
use vault::{Opened, ToSeal, Vault, VaultError};

/// Entries looked through at a time when the vault catches up.
const PAGE: usize = 1_000;

/// What is on record of one subject's personal data: any number of openings and erasures.
struct Record;

impl Aggregate for Record {
    const NAME: &'static str = "vault.record";
    type State = ();
    type Command = Fact<RecordEvent>;
    type Event = Fact<RecordEvent>;
    type Error = Infallible;

    fn handle_command((): &(), command: Self::Command) -> Result<Vec<Self::Event>, Infallible> {
        Ok(vec![command])
    }

    fn apply_event((): (), _: Self::Event) {}
}

/// Opens and erases what lies in a vault, on record in a log.
#[derive(Clone)]
pub struct Disclosure {
    log: Arc<dyn EventLog>,
    vault: Vault,
}

/// Who asks for something, and under which id.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The request id.
    pub id: Uuid,
    /// Who and why.
    pub context: Context,
    /// When.
    pub occurred: Occurred,
    /// Whose data: `report:ID` or `official:ID`.
    pub subject: String,
}

/// A failure of the vault as the caller sees it: it never says what was in it.
pub fn failure_of(error: &VaultError) -> Failure {
    tracing::error!(%error, "the vault");
    let text = "the vault can't be read or written: try again, with the same request id where there is one";
    Failure::new(ErrorReason::VaultUnavailable, text)
}

/// Makes the functions `opening` and `erasure`, from the contract's reasons and grounds to ours. Every context
/// with a vault has enums of its own for them, of the same values, in the module that is given.
#[macro_export]
macro_rules! conversions {
    ($($pb:ident)::+) => {
        /// Why sealed data is opened.
        pub(super) fn opening(
            value: $($pb)::+::OpeningReason,
        ) -> Result<::events::vault::OpeningReason, ::proto::Failure> {
            use ::events::vault::OpeningReason as Ours;
            use $($pb)::+::OpeningReason as Theirs;
            Ok(match value {
                Theirs::Unspecified => return Err(::proto::Failure::field("reason", "give it")),
                Theirs::Handling => Ours::Handling,
                Theirs::Protection => Ours::Protection,
                Theirs::Inspection => Ours::Inspection,
                Theirs::LegalOrder => Ours::LegalOrder,
                Theirs::SubjectRequest => Ours::SubjectRequest,
            })
        }

        /// On what ground personal data is erased.
        pub(super) fn erasure(
            value: $($pb)::+::ErasureGround,
        ) -> Result<::events::vault::ErasureGround, ::proto::Failure> {
            use ::events::vault::ErasureGround as Ours;
            use $($pb)::+::ErasureGround as Theirs;
            Ok(match value {
                Theirs::Unspecified => return Err(::proto::Failure::field("ground", "give it")),
                Theirs::SubjectRequest => Ours::SubjectRequest,
                Theirs::RetentionOver => Ours::RetentionOver,
                Theirs::LegalOrder => Ours::LegalOrder,
                Theirs::RecordedWrongly => Ours::RecordedWrongly,
            })
        }
    };
}

impl Disclosure {
    /// Over a log and a vault.
    pub fn new(log: Arc<dyn EventLog>, vault: Vault) -> Self {
        Self { log, vault }
    }

    /// The vault.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Seals texts for a command, each with what it is: what its event says in their place, in order. Append the
    /// event under the same id, then [`confirm`](Self::confirm).
    pub async fn seal(
        &self,
        request: Uuid,
        subject: &str,
        said: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<Vec<Sealed>, Failure> {
        let item = |(field, text): (&str, String)| ToSeal {
            subject: subject.to_owned(),
            field: field.to_owned(),
            text: SecretString::from(text),
        };
        let seals = self.vault.seal(request, said.into_iter().map(item).collect()).await;
        let seals = seals.map_err(|error| match error {
            VaultError::RequestReused { .. } => Failure::new(
                ErrorReason::RequestIdReused,
                "the request id was used before with other content: use a new one for a new request",
            ),
            error => failure_of(&error),
        })?;
        Ok(seals.into_iter().map(|seal| Sealed { seal: seal.id, commitment: seal.commitment }).collect())
    }

    /// Marks what was sealed for a command as referred to. If that fails, the next sweep does it.
    pub async fn confirm(&self, request: Uuid) {
        if let Err(error) = self.vault.confirm(request).await {
            tracing::warn!(%error, "the vault could not be told of a record");
        }
    }

    async fn record(&self, asked: &Asked, data: RecordEvent) -> Result<Outcome<RecordEvent>, Failure> {
        let stream = StreamName::new(RecordEvent::CATEGORY, &asked.subject);
        let stream = stream.map_err(eventlog::AppendError::from)?;
        let request = Request { id: asked.id, stream, context: asked.context.clone() };
        let command = || Fact { occurred: asked.occurred, data: data.clone() };
        execute::<Record, RecordEvent>(&*self.log, request, command).await.map_err(|error| match error {
            ExecuteError::Refused(never) => match never {},
            ExecuteError::Append(error) => error.into(),
            ExecuteError::Read(error) => error.into(),
            ExecuteError::Stored { .. } => Failure::new(ErrorReason::LogDamaged, error.to_string()),
        })
    }

    /// Records that a reader opens seals, and then gives what is in them: of a repeat, what was opened on record the
    /// first time.
    pub async fn open(
        &self,
        asked: &Asked,
        seals: Vec<String>,
        reader: String,
        reason: OpeningReason,
    ) -> Result<(Outcome<RecordEvent>, Vec<(String, Opened)>), Failure> {
        let outcome = self.record(asked, RecordEvent::Opened { seals, reader, reason }).await?;
        let on_record = seals_of(&outcome);
        let opened = self.vault.unseal(&on_record).await.map_err(|error| failure_of(&error))?;
        Ok((outcome, on_record.into_iter().zip(opened).collect()))
    }

    /// Records that personal data of a subject is erased, and then destroys its keys: how many. What was sealed since
    /// the first time is left alone by a repeat.
    pub async fn erase(
        &self,
        asked: &Asked,
        seals: Vec<String>,
        ground: ErasureGround,
    ) -> Result<(Outcome<RecordEvent>, usize), Failure> {
        let outcome = self.record(asked, RecordEvent::Erased { seals, ground }).await?;
        let on_record = seals_of(&outcome);
        self.vault.erase_seals(&on_record).await.map_err(|error| {
            tracing::error!(%error, "the vault");
            let text = "the erasure is recorded, and its keys could not be destroyed yet: send the same request again";
            Failure::new(ErrorReason::VaultUnavailable, text)
        })?;
        Ok((outcome, on_record.len()))
    }

    /// Destroys every key whose erasure stands in the log: to be called before anything is served, since a
    /// vault that was restored from a backup has keys that were destroyed since.
    pub async fn catch_up(&self) -> Result<(), CatchUpError> {
        let filter = Filter {
            types: vec!["vault.DataErased.v1".to_owned()],
            categories: vec![RecordEvent::CATEGORY.to_owned()],
        };
        let mut past = self.vault.erased_through().await?;
        loop {
            let page = self.log.read_all(past, Direction::Forwards, &filter, PAGE).await?;
            for entry in &page.entries {
                if let RecordEvent::Erased { seals, .. } = entry.event()? {
                    self.vault.erase_seals(&seals).await?;
                }
            }
            past = page.through;
            if page.ended {
                break;
            }
        }
        Ok(self.vault.set_erased_through(past).await?)
    }

    /// Destroys what was sealed for an event that was never recorded. To be called now and then: what was
    /// sealed since the last time is left alone, since its event may be on the way.
    pub async fn sweep(&self) -> Result<(), CatchUpError> {
        for request in self.vault.unconfirmed().await? {
            if self.log.find_append(request).await?.is_empty() {
                self.vault.discard(request).await?;
            } else {
                self.vault.confirm(request).await?;
            }
        }
        Ok(())
    }
}

/// The seals that an opening or an erasure names on record.
fn seals_of(outcome: &Outcome<RecordEvent>) -> Vec<String> {
    let seals = outcome.events.iter().map(|event| match event {
        RecordEvent::Opened { seals, .. } | RecordEvent::Erased { seals, .. } => seals.clone(),
    });
    seals.flatten().collect()
}

/// Why a vault could not be brought in line with the log.
#[derive(Debug, thiserror::Error)]
pub enum CatchUpError {
    /// The log can't be read.
    #[error("the log can't be read")]
    Log(#[from] ReadError),
    /// An erasure in the log can't be read.
    #[error("an erasure in the log can't be read: run `liem log check`")]
    Stored(#[from] NotAnEvent),
    /// The vault can't be read or written.
    #[error("the vault can't be read or written")]
    Vault(#[from] VaultError),
}
