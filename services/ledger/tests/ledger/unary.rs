//! The log as a client has it that appends by `AppendEvents`, a call for each.

use async_trait::async_trait;
use eventlog::{
    Append, AppendError, Appended, Direction, Entry, EventLog, Filter, Head, Page, Pending, ReadError,
    RemoteLog, StreamName, append_to_proto,
};
use futures::stream::BoxStream;
use uuid::Uuid;

use crate::running::{Client, Ledger};

/// Reads as [`RemoteLog`] does, and appends by unary calls.
pub(crate) struct UnaryLog {
    reads: RemoteLog,
    client: Client,
}

impl UnaryLog {
    pub(crate) fn of(ledger: &Ledger, service: &str) -> Self {
        Self { reads: ledger.remote(service), client: ledger.client_of(service) }
    }
}

#[async_trait]
impl EventLog for UnaryLog {
    async fn submit(&self, append: Append) -> Result<Pending, AppendError> {
        let (reply, pending) = Pending::new();
        let mut client = self.client.clone();
        tokio::spawn(async move {
            let answer = client.append_events(append_to_proto(&append)).await;
            let answer = answer.map_err(|status| AppendError::from_status(&append, status)).map(|answer| {
                let answer = answer.into_inner();
                Appended {
                    first_position: answer.first_position,
                    last_position: answer.last_position,
                    last_revision: answer.last_revision,
                    repeated: answer.repeated,
                }
            });
            // The caller may have gone.
            drop(reply.send(answer));
        });
        Ok(pending)
    }

    async fn find_append(&self, id: Uuid) -> Result<Vec<Entry>, ReadError> {
        self.reads.find_append(id).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        after_revision: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, ReadError> {
        self.reads.read_stream(stream, after_revision, limit).await
    }

    async fn read_all(
        &self,
        past: u64,
        direction: Direction,
        filter: &Filter,
        limit: usize,
    ) -> Result<Page, ReadError> {
        self.reads.read_all(past, direction, filter, limit).await
    }

    async fn read_at(&self, positions: &[u64]) -> Result<Vec<Entry>, ReadError> {
        self.reads.read_at(positions).await
    }

    async fn head(&self) -> Result<Head, ReadError> {
        self.reads.head().await
    }

    fn follow(&self, after: u64, filter: Filter) -> BoxStream<'static, Result<Page, ReadError>> {
        self.reads.follow(after, filter)
    }
}
