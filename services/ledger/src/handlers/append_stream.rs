//! Many appends on one call: one task reads them and hands them to the log, and the answers go out in the same
//! order. What is between the two is bounded, so that a client that sends more than the disk takes, or that does
//! not read its answers, is read no further.

use std::{pin::pin, sync::Arc, time::Duration};

use eventlog::{AppendError, EventLog as _, Pending, append_from_proto, refusal_from_status};
use futures::stream::{self, BoxStream, StreamExt as _};
use proto::{
    Failure,
    ledger::{self as pb, ErrorReason, append_stream_response::Outcome},
};
use serve::Shutdown;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tonic::{Status, Streaming};

use super::recorded;
use crate::Gate;

/// Appends of a call that wait for their answers, at most; one that is long counts for several.
const ROOM: u32 = 1_024;

/// How long an append's data may be and count for one.
const UNIT_BYTES: usize = 16 * 1024;

/// How long a call is open before the ledger ends it: its token is checked when it begins, and never again.
pub(crate) const LIFETIME: Duration = Duration::from_mins(10);

/// How long a caller may take to see that the call has ended, and to send no more.
const FAREWELL: Duration = Duration::from_secs(5);

/// What goes out: the answer to an append, or how the call ends.
type Out = Result<pb::AppendStreamResponse, Status>;

/// An append that was read, on its way to its answer.
struct Taken {
    request_id: String,
    answer: Result<Pending, Status>,
    _room: OwnedSemaphorePermit,
}

impl Taken {
    async fn answer(self) -> pb::AppendStreamResponse {
        let outcome = match self.answer {
            Ok(pending) => pending.await.map_err(AppendError::into_status),
            Err(status) => Err(status),
        };
        let outcome = match outcome {
            Ok(appended) => Outcome::Recorded(recorded(appended)),
            Err(status) => Outcome::Refused(refusal_from_status(&status)),
        };
        pb::AppendStreamResponse { request_id: self.request_id, outcome: Some(outcome) }
    }
}

/// The appends of one call, on their way to the log.
pub(super) struct Appends {
    pub(super) log: Arc<Gate>,
    /// Whose they are.
    pub(super) service: String,
    pub(super) requests: Streaming<pb::AppendStreamRequest>,
    pub(super) shutdown: Shutdown,
    pub(super) lifetime: Duration,
}

impl Appends {
    /// Takes the appends in, and answers them.
    pub(super) fn answers(self) -> BoxStream<'static, Out> {
        // Bounded by the room that each of them holds until it's answered.
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(self.take(sender));
        stream::unfold(receiver, |mut receiver| async {
            let answer = match receiver.recv().await? {
                Ok(taken) => Ok(Taken::answer(taken).await),
                Err(status) => Err(status),
            };
            Some((answer, receiver))
        })
        .boxed()
    }

    /// Hands one after the other to the log. When it returns, the call ends as soon as they are answered.
    async fn take(self, taken: mpsc::UnboundedSender<Result<Taken, Status>>) {
        let Self { log, service, mut requests, shutdown, lifetime } = self;
        let room = Arc::new(Semaphore::new(ROOM as usize));
        let mut end = pin!(async {
            tokio::select! {
                () = shutdown.wait() => {
                    let text = "the ledger is shutting down: send what has no answer again, to one that runs";
                    Err(Status::from(Failure::new(ErrorReason::LogUnavailable, text)))
                }
                () = tokio::time::sleep(lifetime) => Ok(()),
            }
        });
        let next = async |requests: &mut Streaming<pb::AppendStreamRequest>| {
            let Some(request) = requests.message().await? else { return Ok(None) };
            let units = units(&request);
            let room = room.clone().acquire_many_owned(units).await;
            let room = room.map_err(|closed| Status::internal(closed.to_string()))?;
            Ok::<_, Status>(Some((request, room)))
        };
        let ended = loop {
            // An append that was read when the call ends is not handed on: nothing of it was taken in.
            let next = tokio::select! {
                biased;
                ended = &mut end => break ended,
                next = next(&mut requests) => next,
            };
            let (request, room) = match next {
                Ok(Some(next)) => next,
                Ok(None) => break Ok(()),
                Err(status) => break Err(status),
            };
            let request = request.append.unwrap_or_default();
            let request_id = request.request_id.clone();
            let answer = match append_from_proto(request, &service) {
                Ok(append) => log.submit(append).await.map_err(AppendError::into_status),
                Err(failure) => Err(failure.into()),
            };
            if taken.send(Ok(Taken { request_id, answer, _room: room })).is_err() {
                // The caller has gone.
                return;
            }
        };
        if let Err(status) = ended {
            drop(taken.send(Err(status)));
        }
        drop(taken);
        // What still comes is read and dropped: a connection that is closed with something unread in it takes the
        // answers on their way along.
        let rest = async { while let Ok(Some(_)) = requests.message().await {} };
        drop(tokio::time::timeout(FAREWELL, rest).await);
    }
}

fn units(request: &pb::AppendStreamRequest) -> u32 {
    let events = request.append.as_ref().map_or(&[][..], |append| &append.events);
    let bytes: usize = events.iter().map(|event| event.data.len()).sum();
    u32::try_from(1 + bytes / UNIT_BYTES).unwrap_or(ROOM).min(ROOM)
}
