//! Following: catch up, then wait for the writer's word.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinSet};

use futures::stream::{self, BoxStream, StreamExt as _};

use crate::{
    Direction, FOLLOW_PAGE, Filter, HEARTBEAT_SECONDS, Page, ReadError,
    judge::Last,
    pages::{self, Source},
};

/// Follows a log of this process, whose head is told by whoever moves it.
pub(crate) fn follow(
    source: Arc<dyn Source>,
    head: watch::Receiver<Last>,
    after: u64,
    filter: Filter,
) -> BoxStream<'static, Result<Page, ReadError>> {
    let follower = Follower::new(source, head, after, filter);
    stream::unfold(Some(follower), |follower| async {
        let mut follower = follower?;
        match follower.next().await {
            Ok(Some(page)) => Some((Ok(page), Some(follower))),
            Ok(None) => None,
            Err(e) => Some((Err(e), None)),
        }
    })
    .boxed()
}

/// A reader that catches up and then waits for the writer's word.
struct Follower {
    source: Arc<dyn Source>,
    head: watch::Receiver<Last>,
    after: u64,
    filter: Arc<Filter>,
    is_first: bool,
    /// The page that is being read, at most one. A task of its own: it's read while the one before is
    /// folded, and it ends though nobody asks for it.
    reading: JoinSet<Result<Page, ReadError>>,
}

impl Follower {
    fn new(source: Arc<dyn Source>, head: watch::Receiver<Last>, after: u64, filter: Filter) -> Self {
        let filter = Arc::new(filter);
        Self { source, head, after, filter, is_first: true, reading: JoinSet::new() }
    }

    /// The next page; none once the log is closed and read to its end.
    async fn next(&mut self) -> Result<Option<Page>, ReadError> {
        if self.reading.is_empty() {
            let after = self.after;
            let nothing = |head| Page { entries: Vec::new(), through: after, head, ended: true };
            let head = self.head.borrow().position;
            if std::mem::take(&mut self.is_first) && head < after {
                // The log was longer once: an older copy was restored. Told at once, before it grows past
                // `after`.
                return Ok(Some(nothing(head)));
            }
            let wait = self.head.wait_for(|last| last.position > after);
            let waited = tokio::time::timeout(Duration::from_secs(HEARTBEAT_SECONDS), wait).await;
            match waited.map(|moved| moved.map(|last| last.position)) {
                Ok(Ok(head)) => self.read(head),
                Ok(Err(_)) => return Ok(None),
                Err(_) => return Ok(Some(nothing(head))),
            }
        }
        let Some(read) = self.reading.join_next().await else { return Ok(None) };
        let page = read.map_err(ReadError::unavailable)??;
        self.after = page.through;
        if !page.ended {
            // Still catching up.
            let head = self.head.borrow().position;
            self.read(head);
        }
        Ok(Some(page))
    }

    fn read(&mut self, head: u64) {
        let (source, filter, after) = (self.source.clone(), self.filter.clone(), self.after);
        self.reading.spawn(async move {
            pages::page(&*source, head, after, Direction::Forwards, &filter, FOLLOW_PAGE).await
        });
    }
}
