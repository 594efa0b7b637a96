//! The queue of appends and the one task that empties it: the same for every form of the log.
//!
//! The task takes all appends that wait, up to a number, has the form commit them in one go, and answers each on
//! its own: a conflict fails its append, not its neighbours. Nobody is answered before the commit is on disk.
//! While one group is written the next one is judged as it comes, on what the first one will leave; if that
//! fails, it's judged again.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use crate::{
    Append, AppendError, Pending,
    judge::{Answer, Batch, Memory},
};

/// Appends in one commit, at most.
const MAX_GROUP: usize = 1_000;

/// Events in one commit: once there are so many, no further append is added.
const MAX_GROUP_EVENTS: usize = 2_000;

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
pub(crate) struct Waiting {
    requests: mpsc::Receiver<Request>,
    /// Appends in one commit, at most.
    most: usize,
    is_stopping: bool,
}

/// What commits.
#[async_trait]
pub(crate) trait Store: Send {
    /// Records a batch that was judged by memory, all in one commit. False if it has to be looked first: nothing of it is
    /// recorded then.
    async fn write(&mut self, batch: &Batch) -> Result<bool, sqlx::Error>;

    /// Looks, judges, records what is new of some appends, all in one commit, and says what each gets. `failed`: what
    /// was written of them before, and how that failed.
    async fn commit(
        &mut self,
        memory: &mut Memory,
        appends: &[Append],
        failed: Option<(Batch, sqlx::Error)>,
    ) -> Vec<Answer>;
}

/// The appends of one commit, and who waits for them.
#[derive(Default)]
struct Group {
    appends: Vec<Append>,
    replies: Vec<(oneshot::Sender<Answer>, Instant)>,
    events: usize,
    /// None where it can't be judged by memory.
    batch: Option<Batch>,
}

impl Group {
    /// Adds an append that comes after those of `before`, which are being written.
    fn add(&mut self, append: Append, memory: &mut Memory, before: Option<&Batch>) {
        if self.appends.is_empty() {
            let last = before.map_or(memory.last, |before| before.last);
            self.batch = Some(Batch::after(last));
        }
        if let Some(batch) = &mut self.batch
            && !memory.extend(batch, before, &append)
        {
            self.batch = None;
        }
        self.events += append.events.len();
        self.appends.push(append);
    }
}

/// Answers that can be given.
#[derive(Default)]
struct Answers {
    replies: Vec<(oneshot::Sender<Answer>, Instant)>,
    answers: Vec<Answer>,
}

impl Answers {
    fn give(&mut self) {
        let histogram = metrics::histogram!("liem_log_append_seconds");
        for ((reply, since), answer) in self.replies.drain(..).zip(self.answers.drain(..)) {
            histogram.record(since.elapsed().as_secs_f64());
            // The caller may have gone; the entry stays recorded.
            drop(reply.send(answer));
        }
    }
}

impl Queue {
    /// A queue for so many appends; one that finds no place waits as long as it has patience.
    pub(crate) fn new(length: usize, patience: Duration) -> (Self, Waiting) {
        let (sender, receiver) = mpsc::channel(length);
        let waiting = Waiting { requests: receiver, most: length.min(MAX_GROUP), is_stopping: false };
        (Self { sender, patience }, waiting)
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
    pub(crate) async fn serve(mut self, memory: &mut Memory, store: &mut dyn Store) {
        let mut answers = Answers::default();
        let mut group = Group::default();
        loop {
            if group.appends.is_empty() {
                answers.give();
                if self.is_stopping || !self.fill(&mut group, memory, None).await {
                    return;
                }
                continue;
            }
            let mut next = Group::default();
            let written = match &group.batch {
                None => Ok(false),
                Some(batch) => {
                    let mut writing = store.write(batch);
                    loop {
                        tokio::select! {
                            biased;
                            written = &mut writing => break written,
                            // Once the next write has begun: nothing waits for this then.
                            () = std::future::ready(()), if !answers.replies.is_empty() => answers.give(),
                            _ = self.fill(&mut next, memory, Some(batch)), if self.takes(&next) => {}
                        }
                    }
                }
            };
            answers.give();
            let failed = match (written, group.batch.take()) {
                (Ok(true), Some(batch)) => {
                    answers = Answers { replies: group.replies, answers: memory.recorded(batch) };
                    group = next;
                    continue;
                }
                (Err(error), Some(batch)) => Some((batch, error)),
                (_, batch) => {
                    // What was not taken without a look may be a repeat.
                    memory.looks_first |= batch.is_some();
                    None
                }
            };
            let given = store.commit(memory, &group.appends, failed).await;
            answers = Answers { replies: group.replies, answers: given };
            // What was judged on what didn't come about is judged again.
            group = Group { replies: next.replies, ..Group::default() };
            for append in next.appends {
                group.add(append, memory, None);
            }
        }
    }

    /// Whether a group has room for more, and more may come.
    fn takes(&self, group: &Group) -> bool {
        !self.is_stopping && group.appends.len() < self.most && group.events < MAX_GROUP_EVENTS
    }

    /// Waits for the next append, and adds it and those that are there by then; false if none will come.
    async fn fill(&mut self, group: &mut Group, memory: &mut Memory, before: Option<&Batch>) -> bool {
        let mut request = self.requests.recv().await;
        loop {
            match request {
                Some(Request::Append { append, reply, since }) => {
                    group.replies.push((reply, since));
                    group.add(*append, memory, before);
                }
                // What came after the stop is dropped, which tells its caller: unknown, ask again.
                Some(Request::Stop) | None => self.is_stopping = true,
            }
            if !self.takes(group) {
                return !group.appends.is_empty();
            }
            match self.requests.try_recv() {
                Ok(next) => request = Some(next),
                Err(_) => return true,
            }
        }
    }
}
