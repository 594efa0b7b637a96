//! The gate in front of the log: every append, from this process or another, passes it.

use std::sync::Arc;

use async_trait::async_trait;
use eventlog::{
    Append, AppendError, Direction, Entry, EventLog, Filter, Head, Page, Pending, ReadError, StreamName,
};
use futures::stream::BoxStream;
use uuid::Uuid;

/// The log as services see it: a service appends to the categories it owns, and to no others.
pub struct Gate {
    log: Arc<dyn EventLog>,
}

impl Gate {
    /// A gate in front of a log.
    pub fn new(log: Arc<dyn EventLog>) -> Arc<Self> {
        Arc::new(Self { log })
    }
}

#[async_trait]
impl EventLog for Gate {
    async fn submit(&self, append: Append) -> Result<Pending, AppendError> {
        let (service, category) = (&append.context.service, append.stream.category());
        if !identity::access::owns(service, category) {
            let (service, category) = (service.clone(), category.to_owned());
            return Err(AppendError::CategoryNotOwned { service, category });
        }
        self.log.submit(append).await
    }

    async fn find_append(&self, id: Uuid) -> Result<Vec<Entry>, ReadError> {
        self.log.find_append(id).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        after_revision: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, ReadError> {
        self.log.read_stream(stream, after_revision, limit).await
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
        self.log.follow(after, filter)
    }
}
