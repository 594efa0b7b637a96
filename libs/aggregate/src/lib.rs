//! esrs aggregates over the log.
//!
//! A service says what its aggregate is with [`esrs::Aggregate`], whose event is a [`Fact`]; [`execute`]
//! does the rest: load, decide, append, retry a conflict, and recognise a repeat. A retried command gets its
//! first answer even where the state has moved on; the same id with other content is refused.
//!
//! The Uuid that esrs wants is v5 of the stream's name; it is never stored.

mod store;

use esrs::{Aggregate, AggregateState, manager::AggregateManager};
use eventlog::{Actor, AppendError, Context, Entry, EventLog, ReadError, StreamName};
use events::{Event, Fact, NotAnEvent};
use identity::Caller;
use proto::{Failure, ledger::ErrorReason};
use uuid::Uuid;

use store::Store;

/// How often a command is decided anew after a conflict before its caller is told.
const ATTEMPTS: usize = 8;

/// A command on its way to its aggregate.
#[derive(Debug, Clone)]
pub struct Request {
    /// The request id, which becomes the append id.
    pub id: Uuid,
    /// The aggregate's stream.
    pub stream: StreamName,
    /// Who and why.
    pub context: Context,
}

/// What a command recorded, first or again.
#[derive(Debug, Clone)]
pub struct Outcome<E> {
    /// The position of the last event.
    pub position: u64,
    /// The stream it was recorded in: for a repeat the one of the first time.
    pub stream: String,
    /// The events, in order.
    pub events: Vec<E>,
    /// True if it had been recorded before.
    pub repeated: bool,
}

/// Why a command has no outcome.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<R> {
    /// The aggregate refused it.
    #[error("the rule refuses it")]
    Refused(R),
    /// The log didn't take it.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The log couldn't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A stored event can't be read.
    #[error("the stream `{stream}` can't be read")]
    Stored {
        /// The stream.
        stream: String,
        /// Why.
        #[source]
        source: NotAnEvent,
    },
}

impl<R: Into<Failure>> From<ExecuteError<R>> for Failure {
    fn from(error: ExecuteError<R>) -> Self {
        match error {
            ExecuteError::Refused(refusal) => refusal.into(),
            ExecuteError::Append(error) => error.into(),
            ExecuteError::Read(error) => error.into(),
            ExecuteError::Stored { .. } => {
                Self::new(ErrorReason::LogDamaged, format!("{error}: stop and run `liem log check`"))
            }
        }
    }
}

/// The context of a caller's command. `method` names the RPC; `message` is the request with its request id
/// left out: together with the caller they make the digest that tells a retry from a reused id.
pub fn context(caller: &Caller, service: &str, method: &str, message: &impl prost::Message) -> Context {
    let mut hasher = blake3::Hasher::new();
    for part in [method.as_bytes(), caller.id.as_bytes(), &message.encode_to_vec()] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    Context {
        actor: Actor {
            id: caller.id.clone(),
            role: caller.role.as_str().to_owned(),
            agency: caller.agency.clone(),
        },
        on_behalf_of: None,
        service: service.to_owned(),
        command_digest: *hasher.finalize().as_bytes(),
        causation: None,
        correlation: None,
        rules: None,
        day_start: None,
    }
}

/// The state of an aggregate and its revision; revision 0 if it has no event.
pub async fn load<A, E>(
    log: &dyn EventLog,
    stream: &StreamName,
) -> Result<(A::State, u64), ExecuteError<A::Error>>
where
    A: Aggregate<Event = Fact<E>>,
    A::State: Send,
    E: Event,
{
    let store = Store::<A, E>::for_reading(log, stream);
    let state = AggregateManager::new(&store).load(store::uuid_of(stream)).await.map_err(unwrap_store)?;
    Ok(state.map_or_else(Default::default, |state| {
        let revision = u64::try_from(*state.sequence_number()).unwrap_or(0);
        (state.into_inner(), revision)
    }))
}

/// Loads the aggregate, lets it decide, and appends what it decided.
///
/// `command` is made anew for each attempt, with the aggregate's state as loaded.
pub async fn execute<A, E>(
    log: &dyn EventLog,
    request: Request,
    command: impl Fn() -> A::Command,
) -> Result<Outcome<E>, ExecuteError<A::Error>>
where
    A: Aggregate<Event = Fact<E>>,
    A::State: Send,
    A::Command: Send,
    A::Error: Send,
    E: Event,
{
    let mut attempt = 1;
    loop {
        let store = Store::<A, E>::for_writing(log, &request);
        let manager = AggregateManager::new(&store);
        let id = store::uuid_of(&request.stream);
        let state = manager.load(id).await.map_err(unwrap_store)?;
        let state = state.unwrap_or_else(|| AggregateState::with_id(id));
        match manager.handle_command(state, command()).await {
            Ok(Ok(_state)) => return outcome(log, &request, store.recorded()).await,
            Ok(Err(refusal)) => {
                // The state may have moved on because this very command was recorded before.
                return repeat(log, &request).await?.ok_or(ExecuteError::Refused(refusal));
            }
            Err(store::StoreError::Append(AppendError::Conflict { .. })) if attempt < ATTEMPTS => {
                attempt += 1;
            }
            Err(error) => return Err(unwrap_store(error)),
        }
    }
}

fn unwrap_store<R>(error: store::StoreError) -> ExecuteError<R> {
    match error {
        store::StoreError::Append(error) => ExecuteError::Append(error),
        store::StoreError::Read(error) => ExecuteError::Read(error),
        store::StoreError::Stored { stream, source } => ExecuteError::Stored { stream, source },
        store::StoreError::NotDeletable => unreachable!("nothing here deletes an aggregate"),
    }
}

async fn outcome<E: Event, R>(
    log: &dyn EventLog,
    request: &Request,
    recorded: store::Recorded<E>,
) -> Result<Outcome<E>, ExecuteError<R>> {
    match recorded {
        store::Recorded::New { position, events } => {
            Ok(Outcome { position, stream: request.stream.to_string(), events, repeated: false })
        }
        // The log took it for a repeat: what counts is what was recorded the first time.
        store::Recorded::Repeated => {
            let entries = log.find_append(request.id).await?;
            read_outcome(&entries)
        }
    }
}

/// The outcome of the first time a command was recorded, if it was.
pub async fn repeat<E: Event, R>(
    log: &dyn EventLog,
    request: &Request,
) -> Result<Option<Outcome<E>>, ExecuteError<R>> {
    let entries = log.find_append(request.id).await?;
    let Some(first) = entries.first() else { return Ok(None) };
    let header = first.header().map_err(ReadError::from)?;
    if header.command_digest != hex(&request.context.command_digest) {
        return Err(AppendError::RequestIdReused { id: request.id }.into());
    }
    read_outcome(&entries).map(Some)
}

fn read_outcome<E: Event, R>(entries: &[Entry]) -> Result<Outcome<E>, ExecuteError<R>> {
    let mut outcome = Outcome { position: 0, stream: String::new(), events: Vec::new(), repeated: true };
    for entry in entries {
        let header = entry.header().map_err(ReadError::from)?;
        outcome.position = entry.position;
        outcome.stream = header.stream;
        let stored = |source| ExecuteError::Stored { stream: outcome.stream.clone(), source };
        outcome.events.push(entry.event().map_err(stored)?);
    }
    Ok(outcome)
}

fn hex(bytes: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*bytes).to_hex().to_string()
}
