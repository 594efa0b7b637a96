//! The log over the ledger's gRPC: what a service uses that runs apart from the ledger.

mod appends;
mod convert;
mod status;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Buf as _, Bytes};
use futures::stream::{self, BoxStream, StreamExt as _};
use proto::{
    ledger::{self as pb, ledger_service_client::LedgerServiceClient},
    timestamp_from,
};
use tonic::{Code, Status, metadata::MetadataValue, service::Interceptor, transport::Channel};
use uuid::Uuid;

use crate::{
    Append, AppendError, Direction, Entry, EventLog, Filter, Genesis, Head, Page, Pending, ReadError,
    StreamName,
};
use appends::Appends;
pub use convert::{
    actor_from_proto, actor_to_proto, append_from_proto, append_to_proto, occurred_from_proto,
    occurred_to_proto,
};
pub use status::refusal_from_status;

/// Bytes of one message, at most: 1,024 entries of full length and their frame.
const MAX_MESSAGE_BYTES: usize = 80 * 1024 * 1024;

/// Sends the service's token with every call.
#[derive(Clone)]
struct Bearer(MetadataValue<tonic::metadata::Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

type Client = LedgerServiceClient<tonic::service::interceptor::InterceptedService<Channel, Bearer>>;

/// The log of another process. Clones share the call that appends go over.
#[derive(Clone)]
pub struct RemoteLog {
    client: Client,
    appends: Arc<Appends>,
}

impl RemoteLog {
    /// The log behind a channel, called with a service's token. None if the token has characters that no
    /// header may have.
    pub fn new(channel: Channel, token: &str) -> Option<Self> {
        let bearer = Bearer(format!("Bearer {token}").parse().ok()?);
        let client = LedgerServiceClient::with_interceptor(channel, bearer)
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        let appends = Arc::new(Appends::new(client.clone()));
        Some(Self { client, appends })
    }

    /// All entries after a position, up to the head as it is now, many at a time: the fastest way to read.
    pub fn read_everything(&self, after: u64) -> BoxStream<'static, Result<Vec<Entry>, ReadError>> {
        let mut client = self.client.clone();
        let request = pb::ReadAllRequest { after_position: after, through_position: 0 };
        stream::once(async move { client.read_all(request).await })
            .flat_map(|answer| match answer {
                Ok(answer) => answer.into_inner().boxed(),
                Err(status) => stream::iter([Err(status)]).boxed(),
            })
            .map(|message| entries_of(message.map_err(read_error)?))
            .boxed()
    }
}

/// The entries of a message, slices of it.
fn entries_of(message: pb::ReadAllResponse) -> Result<Vec<Entry>, ReadError> {
    let mut rest: Bytes = message.entries;
    let positions = message.first_position..message.first_position + u64::from(message.count);
    let entries = positions.map(|position| {
        let length = usize::from(rest.try_get_u16().ok()?);
        let bytes = (length <= rest.len()).then(|| rest.split_to(length))?;
        Some(Entry { position, bytes })
    });
    let entries = entries.collect::<Option<Vec<_>>>();
    entries
        .filter(|_| rest.is_empty())
        .ok_or_else(|| ReadError::unavailable("a message is not the entries that it says it is"))
}

fn entry(entry: pb::Entry) -> Entry {
    Entry { position: entry.position, bytes: entry.bytes }
}

fn read_error(status: Status) -> ReadError {
    ReadError::unavailable(status)
}

#[async_trait]
impl EventLog for RemoteLog {
    async fn submit(&self, append: Append) -> Result<Pending, AppendError> {
        append.validate()?;
        self.appends.submit(append).await
    }

    async fn find_append(&self, id: Uuid) -> Result<Vec<Entry>, ReadError> {
        let request = pb::GetAppendRequest { request_id: id.to_string() };
        match self.client.clone().get_append(request).await {
            Ok(answer) => Ok(answer.into_inner().entries.into_iter().map(entry).collect()),
            Err(status) if status.code() == Code::NotFound => Ok(Vec::new()),
            Err(status) => Err(read_error(status)),
        }
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        after_revision: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, ReadError> {
        let mut entries = Vec::new();
        let mut after_revision = after_revision;
        // The ledger gives 1,000 at a time.
        while entries.len() < limit {
            let page_size = i32::try_from((limit - entries.len()).min(1_000)).unwrap_or(1_000);
            let stream = stream.to_string();
            let request = pb::ListStreamEntriesRequest { stream, after_revision, page_size };
            let answer = self.client.clone().list_stream_entries(request).await.map_err(read_error)?;
            let page = answer.into_inner().entries;
            let count = page.len();
            entries.extend(page.into_iter().map(entry));
            after_revision += count as u64;
            if count < usize::try_from(page_size).unwrap_or(0) {
                break;
            }
        }
        Ok(entries)
    }

    async fn read_all(
        &self,
        past: u64,
        direction: Direction,
        filter: &Filter,
        limit: usize,
    ) -> Result<Page, ReadError> {
        let order = match direction {
            Direction::Forwards => pb::ListOrder::OldestFirst,
            Direction::Backwards => pb::ListOrder::NewestFirst,
        };
        let request = pb::ListEntriesRequest {
            past_position: past,
            order: order.into(),
            filter: Some(filter_to_proto(filter.clone())),
            page_size: i32::try_from(limit).unwrap_or(i32::MAX),
        };
        let answer = self.client.clone().list_entries(request).await.map_err(read_error)?.into_inner();
        Ok(Page {
            entries: answer.entries.into_iter().map(entry).collect(),
            through: answer.through_position,
            head: answer.head_position,
            ended: answer.ended,
        })
    }

    async fn read_at(&self, positions: &[u64]) -> Result<Vec<Entry>, ReadError> {
        let mut entries = Vec::with_capacity(positions.len());
        for chunk in positions.chunks(1_000) {
            let request = pb::BatchGetEntriesRequest { positions: chunk.to_vec() };
            let answer = self.client.clone().batch_get_entries(request).await.map_err(|status| {
                if status.code() == Code::NotFound {
                    return ReadError::not_found(&status);
                }
                read_error(status)
            })?;
            entries.extend(answer.into_inner().entries.into_iter().map(entry));
        }
        Ok(entries)
    }

    async fn head(&self) -> Result<Head, ReadError> {
        let head =
            self.client.clone().get_head(pb::GetHeadRequest {}).await.map_err(read_error)?.into_inner();
        let recorded_at = head.record_time.unwrap_or_default();
        Ok(Head {
            position: head.position,
            recorded_at: timestamp_from("record_time", &recorded_at).map_err(ReadError::unavailable)?,
            genesis: Genesis {
                origin: head.origin,
                jurisdiction: head.jurisdiction,
                time_zone: events::parse_offset(&head.time_zone)
                    .ok_or_else(|| ReadError::unavailable("the ledger's time zone is not an offset"))?,
            },
        })
    }

    fn follow(&self, after: u64, filter: Filter) -> BoxStream<'static, Result<Page, ReadError>> {
        let mut client = self.client.clone();
        let request =
            pb::FollowEntriesRequest { after_position: after, filter: Some(filter_to_proto(filter)) };
        let messages = async move { client.follow_entries(request).await };
        stream::once(messages)
            .flat_map(|answer| match answer {
                Ok(answer) => answer.into_inner().boxed(),
                Err(status) => stream::iter([Err(status)]).boxed(),
            })
            .map(|message| {
                let message = message.map_err(read_error)?;
                let (through, head) = (message.through_position, message.head_position);
                let entries = message.entries.into_iter().map(entry).collect();
                Ok(Page { entries, through, head, ended: through >= head })
            })
            .boxed()
    }
}

fn filter_to_proto(filter: Filter) -> pb::EntryFilter {
    pb::EntryFilter { types: filter.types, categories: filter.categories }
}
