//! Appends on their way to the ledger: all of one log go over one call, the next without waiting for the answer to
//! the one before, and are recorded in the order in which they were submitted.
//!
//! The call is opened by the first append. Where it breaks, nobody knows whether what it carried was recorded, and
//! that is what those who wait are told; the next append opens another. Where the ledger ends it well, which it
//! does after some minutes, what has no answer was not recorded, and goes over another call at once.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::stream;
use prost::Message as _;
use proto::ledger::{self as pb, append_stream_response::Outcome};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tonic::Status;

use super::{Client, MAX_MESSAGE_BYTES, convert::append_to_proto};
use crate::{Append, AppendError, Appended, Pending};

/// Appends without an answer, at most; one that is long counts for several.
const ROOM: u32 = 1_024;

/// How long an append may be and count for one.
const UNIT_BYTES: usize = 16 * 1024;

/// How long an append waits for room before it's told that there is none.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the appends of one log go out. Dropped, it sends no more; what was taken in is still sent and answered.
pub(super) struct Appends(Arc<Shared>);

struct Shared {
    client: Client,
    room: Arc<Semaphore>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    /// The sending side of the call, where one is open.
    call: Option<mpsc::UnboundedSender<pb::AppendStreamRequest>>,
    /// In the order in which they were sent.
    unanswered: VecDeque<Unanswered>,
    /// The log was let go of.
    is_closed: bool,
}

struct Unanswered {
    append: Append,
    reply: oneshot::Sender<Result<Appended, AppendError>>,
    _room: OwnedSemaphorePermit,
}

/// How a call ended that did not end well.
enum Broken {
    /// It was not taken.
    Refused(Status),
    /// After it was taken.
    Midway(Status),
}

impl Appends {
    pub(super) fn new(client: Client) -> Self {
        let room = Arc::new(Semaphore::new(ROOM as usize));
        Self(Arc::new(Shared { client, room, open: Mutex::default() }))
    }

    pub(super) async fn submit(&self, append: Append) -> Result<Pending, AppendError> {
        let request = append_to_proto(&append);
        let length = request.encoded_len();
        if length > MAX_MESSAGE_BYTES {
            // The call would break on it, and take along what others sent.
            return Err(AppendError::Refused {
                reason: format!("{length} bytes are too long for one append"),
            });
        }
        let units = u32::try_from(1 + length / UNIT_BYTES).unwrap_or(ROOM).min(ROOM);
        let room = self.0.room.clone().acquire_many_owned(units);
        let room = tokio::time::timeout(PATIENCE, room).await.map_err(|_elapsed| AppendError::QueueFull)?;
        let room = room.map_err(AppendError::unavailable)?;
        let (reply, pending) = Pending::new();

        let mut open = self.0.open();
        open.unanswered.push_back(Unanswered { append, reply, _room: room });
        if let Some(call) = &open.call {
            // A call that has just ended takes no more: what is unanswered is seen to where its end is.
            drop(call.send(pb::AppendStreamRequest { append: Some(request) }));
        } else {
            let requests = open.call();
            tokio::spawn(self.0.clone().run(requests));
        }
        drop(open);
        Ok(pending)
    }
}

impl Drop for Appends {
    fn drop(&mut self) {
        let mut open = self.0.open();
        open.is_closed = true;
        open.call = None;
    }
}

impl Open {
    /// A new call's requests, of which the first are those without an answer.
    fn call(&mut self) -> mpsc::UnboundedReceiver<pb::AppendStreamRequest> {
        // What is in it is bounded by the room.
        let (sender, receiver) = mpsc::unbounded_channel();
        for unanswered in &self.unanswered {
            let append = Some(append_to_proto(&unanswered.append));
            drop(sender.send(pb::AppendStreamRequest { append }));
        }
        self.call = (!self.is_closed).then_some(sender);
        receiver
    }
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, Open> {
        // Nothing in it is half done where a thread could have panicked.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries a call, and those after it, as long as there is something to answer.
    async fn run(self: Arc<Self>, mut requests: mpsc::UnboundedReceiver<pb::AppendStreamRequest>) {
        loop {
            match self.carry(requests).await {
                Ok(answered) => {
                    let mut open = self.open();
                    if open.unanswered.is_empty() {
                        open.call = None;
                        return;
                    }
                    if answered == 0 {
                        drop(open);
                        return self
                            .fail(&Broken::Midway(Status::unavailable("the call ended without an answer")));
                    }
                    requests = open.call();
                }
                Err(broken) => return self.fail(&broken),
            }
        }
    }

    /// Sends a call's requests and hands out its answers, until it ends; how many there were.
    async fn carry(
        &self,
        mut requests: mpsc::UnboundedReceiver<pb::AppendStreamRequest>,
    ) -> Result<u64, Broken> {
        let requests = stream::poll_fn(move |context| requests.poll_recv(context));
        let answers = self.client.clone().append_stream(requests).await.map_err(Broken::Refused)?;
        let mut answers = answers.into_inner();
        let mut count = 0;
        while let Some(answer) = answers.message().await.map_err(Broken::Midway)? {
            let unanswered = self.open().unanswered.pop_front();
            let Some(Unanswered { append, reply, .. }) = unanswered else {
                return Err(Broken::Midway(Status::internal("an answer to an append that was not sent")));
            };
            let outcome = answer.outcome.filter(|_| answer.request_id == append.id.to_string());
            let outcome = match outcome {
                Some(Outcome::Recorded(recorded)) => Ok(Appended {
                    first_position: recorded.first_position,
                    last_position: recorded.last_position,
                    last_revision: recorded.last_revision,
                    repeated: recorded.repeated,
                }),
                Some(Outcome::Refused(refusal)) => Err(AppendError::from_refusal(&append, refusal)),
                None => {
                    let status = Status::internal("an answer to another append than the one that waits");
                    drop(reply.send(Err(AppendError::unavailable(status.clone()))));
                    return Err(Broken::Midway(status));
                }
            };
            // The caller may have gone.
            drop(reply.send(outcome));
            count += 1;
        }
        Ok(count)
    }

    /// Tells all who wait that the call broke; the next append opens another.
    fn fail(&self, broken: &Broken) {
        let unanswered = {
            let mut open = self.open();
            open.call = None;
            std::mem::take(&mut open.unanswered)
        };
        for Unanswered { append, reply, .. } in unanswered {
            let error = match broken {
                Broken::Refused(status) => AppendError::from_status(&append, status.clone()),
                // It may be on disk, whatever the status says.
                Broken::Midway(status) => AppendError::unavailable(status.clone()),
            };
            drop(reply.send(Err(error)));
        }
    }
}
