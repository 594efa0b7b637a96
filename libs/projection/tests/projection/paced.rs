//! The real log, followed at the pace of a test: one entry a page, pages that can be held back, and a wire
//! that breaks.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use eventlog::{
    Append, AppendError, Direction, Entry, EventLog, Filter, Head, Page, Pending, ReadError, SqliteLog,
    StreamName,
};
use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use tokio::sync::Semaphore;
use uuid::Uuid;

pub(crate) struct Paced {
    log: Arc<SqliteLog>,
    /// Pages that may still go out.
    pages: Arc<Semaphore>,
    /// After so many pages the wire breaks, once; 0 for never.
    breaks_after: Arc<AtomicUsize>,
}

impl Paced {
    pub(crate) fn new(log: Arc<SqliteLog>, pages: usize, breaks_after: usize) -> Arc<Self> {
        let (pages, breaks_after) =
            (Arc::new(Semaphore::new(pages)), Arc::new(AtomicUsize::new(breaks_after)));
        Arc::new(Self { log, pages, breaks_after })
    }

    /// Lets more pages out.
    pub(crate) fn let_out(&self, pages: usize) {
        self.pages.add_permits(pages);
    }

    /// Pages that were let out and not yet taken.
    pub(crate) fn waiting(&self) -> usize {
        self.pages.available_permits()
    }
}

/// The same stretch of the log in pages of one position each, of which only the last has ended. The contract
/// allows pages as short as that, and empty ones.
fn by_position(page: Page, from: u64) -> VecDeque<Page> {
    let mut entries = page.entries.into_iter().peekable();
    let one = |through| Page {
        entries: entries.next_if(|entry| entry.position == through).into_iter().collect(),
        through,
        head: page.head,
        ended: through >= page.head,
    };
    (from + 1..=page.through).map(one).collect()
}

#[async_trait]
impl EventLog for Paced {
    async fn submit(&self, append: Append) -> Result<Pending, AppendError> {
        self.log.submit(append).await
    }

    async fn find_append(&self, id: Uuid) -> Result<Vec<Entry>, ReadError> {
        self.log.find_append(id).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, ReadError> {
        self.log.read_stream(stream, after, limit).await
    }

    async fn read_all(
        &self,
        past: u64,
        direction: Direction,
        filter: &Filter,
        limit: usize,
    ) -> Result<Page, ReadError> {
        self.log.read_all(past, direction, filter, limit).await
    }

    async fn read_at(&self, positions: &[u64]) -> Result<Vec<Entry>, ReadError> {
        self.log.read_at(positions).await
    }

    async fn head(&self) -> Result<Head, ReadError> {
        self.log.head().await
    }

    fn follow(&self, after: u64, filter: Filter) -> BoxStream<'static, Result<Page, ReadError>> {
        if filter.categories == ["view.generations"] {
            // What is on record of the view's generations comes as it is.
            return self.log.follow(after, filter);
        }
        let (pages, breaks_after) = (self.pages.clone(), self.breaks_after.clone());
        let mut through = after;
        self.log
            .follow(after, filter)
            .flat_map(move |page| {
                let split: VecDeque<_> = match page {
                    Ok(page) => {
                        let from = std::mem::replace(&mut through, page.through);
                        by_position(page, from).into_iter().map(Ok).collect()
                    }
                    Err(error) => [Err(error)].into(),
                };
                stream::iter(split)
            })
            .then(move |page| {
                let (pages, breaks_after) = (pages.clone(), breaks_after.clone());
                async move {
                    pages.acquire().await.unwrap().forget();
                    let left =
                        breaks_after.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
                    if left == Ok(1) {
                        return Err(ReadError::Unavailable { source: "the wire broke".into() });
                    }
                    page
                }
            })
            .boxed()
    }
}
