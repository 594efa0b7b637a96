//! The queue of appends and the one task that empties it: the same for every form of the log.
//!
//! The task takes all appends that wait, up to [`MAX_GROUP`], has the form commit them in one go, and answers each on
//! its own: a conflict fails its append, not its neighbours. Nobody is answered before the commit is on disk.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use crate::{Append, AppendError, Pending, judge::Answer};

/// Appends in one commit, at most.
const MAX_GROUP: usize = 1_000;

/// What the task is asked for.
enum Request {
    Append {
        append: Box<Append>,
        reply: oneshot::Sender<Answer>,
        since: Instant,
    },
    /// Answer what came before this and stop.
    Stop,
}

/// Where appends are taken in.
pub(crate) struct Queue {
    sender: mpsc::Sender<Request>,
    patience: Duration,
}

/// The other end of a queue.
pub(crate) struct Waiting(mpsc::Receiver<Request>);

/// What commits.
#[async_trait]
pub(crate) trait Store: Send {
    /// Records what is new of some appends, all in one commit, and says what each gets.
    async fn commit(&mut self, appends: &[Append]) -> Vec<Answer>;
}

impl Queue {
    /// A queue for so many appends; one that finds no place waits as long as it has patience.
    pub(crate) fn new(length: usize, patience: Duration) -> (Self, Waiting) {
        let (sender, receiver) = mpsc::channel(length);
        (Self { sender, patience }, Waiting(receiver))
    }

    pub(crate) async fn submit(&self, append: Append) -> Result<Pending, AppendError> {
        append.validate()?;
        let (reply, pending) = Pending::new();
        let request = Request::Append { append: Box::new(append), reply, since: Instant::now() };
        let request = match self.sender.try_send(request) {
            Ok(()) => return Ok(pending),
            Err(mpsc::error::TrySendError::Closed(_)) => {
                return Err(AppendError::unavailable("the log is closed"));
            }
            Err(mpsc::error::TrySendError::Full(request)) => request,
        };
        // A full queue pushes back: the caller waits for a place, and is told if none comes free.
        self.sender.send_timeout(request, self.patience).await.map_err(|e| match e {
            mpsc::error::SendTimeoutError::Timeout(_) => AppendError::QueueFull,
            mpsc::error::SendTimeoutError::Closed(_) => AppendError::unavailable("the log is closed"),
        })?;
        Ok(pending)
    }

    /// Takes no more appends; false if it took none any more already.
    pub(crate) async fn stop(&self) -> bool {
        self.sender.send(Request::Stop).await.is_ok()
    }
}

impl Waiting {
    /// Empties the queue until it's stopped.
    pub(crate) async fn serve(mut self, store: &mut dyn Store) {
        let mut requests = Vec::with_capacity(MAX_GROUP);
        let mut stopping = false;
        while !stopping && self.0.recv_many(&mut requests, MAX_GROUP).await > 0 {
            let mut appends = Vec::with_capacity(requests.len());
            let mut replies = Vec::with_capacity(requests.len());
            for request in requests.drain(..) {
                match request {
                    // What came after the stop is dropped, which tells its caller: unknown, ask again.
                    Request::Append { append, reply, since } if !stopping => {
                        appends.push(*append);
                        replies.push((reply, since));
                    }
                    Request::Append { .. } => {}
                    Request::Stop => stopping = true,
                }
            }
            if appends.is_empty() {
                continue;
            }
            let answers = store.commit(&appends).await;
            for ((reply, since), answer) in replies.into_iter().zip(answers) {
                metrics::histogram!("liem_log_append_seconds").record(since.elapsed().as_secs_f64());
                // The caller may have gone; the entry stays recorded.
                drop(reply.send(answer));
            }
        }
    }
}
