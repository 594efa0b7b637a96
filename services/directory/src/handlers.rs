//! The directory's RPCs: decode, let the rules and the aggregate decide, encode; reads come from memory.

mod bodies;
mod convert;
mod names;
mod people;
mod rpc;

use std::sync::Arc;

use aggregate::{Outcome, Request as Command, execute};
use chrono::{FixedOffset, NaiveDate};
use disclosure::Disclosure;
use esrs::Aggregate;
use eventlog::{Clock, EventLog, StreamName};
use events::{Event, Fact, Occurred, directory::Directory};
use identity::Caller;
use projection::DirectoryFollower;
use proto::{Failure, ledger::Recorded, uuid_from};
use tokio::sync::Mutex;

use crate::domain::Refusal;

const SERVICE: &str = "directory";

/// The handlers of `liem.directory.v1.DirectoryService`.
pub struct DirectoryHandlers {
    log: Arc<dyn EventLog>,
    directory: DirectoryFollower,
    /// Where names lie sealed.
    disclosure: Disclosure,
    clock: Clock,
    zone: FixedOffset,
    /// Commands that depend on several things of the directory come one after the other: else two of them could
    /// each be right, and wrong together.
    turn: Mutex<()>,
}

impl DirectoryHandlers {
    /// Handlers over a log whose civil dates are meant in `zone`, and the vault that names lie in.
    pub fn new(
        log: Arc<dyn EventLog>,
        directory: DirectoryFollower,
        disclosure: Disclosure,
        clock: Clock,
        zone: FixedOffset,
    ) -> Self {
        Self { log, directory, disclosure, clock, zone, turn: Mutex::new(()) }
    }

    fn now(&self) -> Occurred {
        Occurred::At(self.clock.now())
    }

    fn today(&self) -> NaiveDate {
        self.clock.now().with_timezone(&self.zone).date_naive()
    }

    /// Lets an aggregate decide a command on the stream of `key`.
    async fn decide<A, E>(
        &self,
        caller: &Caller,
        request_id: &str,
        said: (&str, &impl prost::Message),
        key: &str,
        command: impl Fn() -> A::Command + Send,
    ) -> Result<Option<Recorded>, Failure>
    where
        A: Aggregate<Event = Fact<E>, Error = Refusal>,
        A::State: Send,
        A::Command: Send,
        E: Event,
    {
        let request = request::<E>(caller, request_id, said, key)?;
        let Outcome { position, repeated, .. } = execute::<A, E>(&*self.log, request, command).await?;
        Ok(Some(Recorded { position, repeated }))
    }

    /// Lets a rule judge by the directory as it stands, and then the aggregate of the stream of `key`. A retry gets
    /// its first answer, also where the rule has come to refuse it.
    async fn judge<A, E>(
        &self,
        caller: &Caller,
        request_id: &str,
        said: (&str, &impl prost::Message),
        (key, event): (&str, E),
        rule: impl FnOnce(&Directory) -> Result<(), Refusal> + Send,
    ) -> Result<Option<Recorded>, Failure>
    where
        A: Aggregate<Event = Fact<E>, Command = Fact<E>, Error = Refusal>,
        A::State: Send,
        E: Event,
    {
        let turn = self.turn.lock().await;
        let (directory, _) = self.directory.caught_up().await?;
        if let Err(refusal) = rule(&directory) {
            let request = request::<E>(caller, request_id, said, key)?;
            let first = aggregate::repeat::<E, Refusal>(&*self.log, &request).await?.ok_or(refusal)?;
            return Ok(Some(Recorded { position: first.position, repeated: first.repeated }));
        }
        let command = || Fact { occurred: self.now(), data: event.clone() };
        let recorded = self.decide::<A, E>(caller, request_id, said, key, command).await;
        drop(turn);
        recorded
    }
}

/// A request as the log knows it. `said` is the RPC, and the message without its request id.
fn request<E: Event>(
    caller: &Caller,
    request_id: &str,
    (method, message): (&str, &impl prost::Message),
    key: &str,
) -> Result<Command, Failure> {
    Ok(Command {
        id: uuid_from("request_id", request_id)?,
        stream: StreamName::new(E::CATEGORY, key).map_err(eventlog::AppendError::from)?,
        context: aggregate::context(caller, SERVICE, method, message),
    })
}
