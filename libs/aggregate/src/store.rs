//! The event store that esrs sees: one stream of the log, made for one request.

use std::{marker::PhantomData, sync::Mutex};

use async_trait::async_trait;
use esrs::{
    Aggregate, AggregateState,
    store::{EventStore, EventStoreLockGuard, StoreEvent, UnlockOnDrop},
};
use eventlog::{Append, AppendError, Context, EventLog, Expected, NewEvent, ReadError, StreamName};
use events::{Event, Fact, NotAnEvent};
use uuid::Uuid;

use crate::Request;

/// Entries of a stream read at a time.
const PAGE: usize = 1_000;

/// How the store fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the stream `{stream}` holds what is not its event")]
    Stored {
        stream: String,
        #[source]
        source: NotAnEvent,
    },
    #[error("nothing is ever deleted from the log")]
    NotDeletable,
}

/// What the log did with the events of a command.
pub(crate) enum Recorded<E> {
    New { position: u64, events: Vec<E> },
    Repeated,
}

pub(crate) struct Store<'a, A, E> {
    log: &'a dyn EventLog,
    stream: &'a StreamName,
    write: Option<(Uuid, &'a Context)>,
    recorded: Mutex<Option<Recorded<E>>>,
    aggregate: PhantomData<fn() -> A>,
}

/// The id that esrs knows the aggregate by; derived from the stream's name, so never stored.
pub(crate) fn uuid_of(stream: &StreamName) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, stream.as_str().as_bytes())
}

impl<'a, A, E> Store<'a, A, E> {
    pub(crate) fn for_reading(log: &'a dyn EventLog, stream: &'a StreamName) -> Self {
        Self { log, stream, write: None, recorded: Mutex::new(None), aggregate: PhantomData }
    }

    pub(crate) fn for_writing(log: &'a dyn EventLog, request: &'a Request) -> Self {
        let write = Some((request.id, &request.context));
        Self { write, ..Self::for_reading(log, &request.stream) }
    }

    /// What was recorded; to be asked once, after a command was handled.
    pub(crate) fn recorded(&self) -> Recorded<E> {
        let recorded = self.recorded.lock().expect("nothing panics while it holds this lock").take();
        recorded.expect("a handled command was persisted")
    }
}

struct NoLock;
impl UnlockOnDrop for NoLock {}

#[async_trait]
impl<A, E> EventStore for Store<'_, A, E>
where
    A: Aggregate<Event = Fact<E>>,
    A::State: Send,
    E: Event,
{
    type Aggregate = A;
    type Error = StoreError;

    /// The expected revision of the append is the lock: a command that lost the race is decided anew.
    async fn lock(&self, _: Uuid) -> Result<EventStoreLockGuard, StoreError> {
        Ok(EventStoreLockGuard::new(NoLock))
    }

    async fn by_aggregate_id(&self, id: Uuid) -> Result<Vec<StoreEvent<Fact<E>>>, StoreError> {
        let mut events = Vec::new();
        loop {
            let page = self.log.read_stream(self.stream, events.len() as u64, PAGE).await?;
            let is_last = page.len() < PAGE;
            for entry in page {
                let header = entry.header().map_err(ReadError::from)?;
                let data = entry
                    .event()
                    .map_err(|source| StoreError::Stored { stream: self.stream.to_string(), source })?;
                events.push(StoreEvent {
                    id: header.append_id,
                    aggregate_id: id,
                    payload: Fact { occurred: header.occurred, data },
                    occurred_on: header.recorded_at,
                    sequence_number: i32::try_from(header.revision).unwrap_or(i32::MAX),
                    version: None,
                });
            }
            if is_last {
                return Ok(events);
            }
        }
    }

    async fn persist(
        &self,
        state: &mut AggregateState<A::State>,
        facts: Vec<Fact<E>>,
    ) -> Result<Vec<StoreEvent<Fact<E>>>, StoreError> {
        let (id, context) = self.write.expect("only a store for writing persists");
        let revision = u64::try_from(*state.sequence_number()).unwrap_or(0);
        let encode = |fact: &Fact<E>| {
            let stored = |source| StoreError::Stored { stream: self.stream.to_string(), source };
            Ok::<_, StoreError>(NewEvent {
                encoded: events::encode(&fact.data).map_err(stored)?,
                subjects: fact.data.subjects(self.stream.key()),
                occurred: fact.occurred,
            })
        };
        let append = Append {
            id,
            stream: self.stream.clone(),
            expected: if revision == 0 { Expected::NoStream } else { Expected::Exact(revision) },
            events: facts.iter().map(encode).collect::<Result<_, _>>()?,
            context: context.clone(),
        };
        let appended = self.log.append(append).await?;
        let recorded = if appended.repeated {
            Recorded::Repeated
        } else {
            let events = facts.into_iter().map(|fact| fact.data).collect();
            Recorded::New { position: appended.last_position, events }
        };
        *self.recorded.lock().expect("nothing panics while it holds this lock") = Some(recorded);
        // esrs would apply these to the state it returns, which nobody here looks at.
        Ok(Vec::new())
    }

    /// Followers of the log are its bus.
    async fn publish(&self, _: &[StoreEvent<Fact<E>>]) {}

    async fn delete(&self, _: Uuid) -> Result<(), StoreError> {
        Err(StoreError::NotDeletable)
    }
}
