//! The ledger's RPCs: decode, ask the log, encode.

mod append_stream;
mod read_all;

use std::{sync::Arc, time::Duration};

use eventlog::{Appended, Direction, Entry, EventLog, Filter, LogPlace, StreamName, append_from_proto};
use futures::{StreamExt as _, stream::BoxStream};
use identity::Caller;
use proto::{
    Failure,
    ledger::{self as pb, ErrorReason, ledger_service_server::LedgerService},
    page_size_from, timestamp_to, uuid_from,
};
use serve::Shutdown;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::Gate;

/// Entries in one answer, at most.
const PAGE_MAX: usize = 1_000;

/// The handlers of `liem.ledger.v1.LedgerService`.
pub struct LedgerHandlers {
    log: Arc<Gate>,
    /// Where the log is, which `CheckLog` reads column by column.
    place: LogPlace,
    shutdown: Shutdown,
    append_stream_lifetime: Duration,
}

impl LedgerHandlers {
    /// Handlers over the log of a place.
    pub fn new(log: Arc<Gate>, place: LogPlace, shutdown: Shutdown) -> Self {
        Self { log, place, shutdown, append_stream_lifetime: append_stream::LIFETIME }
    }

    /// The same, with another time after which a call of `AppendStream` is ended than the usual ten minutes.
    #[must_use]
    pub fn append_stream_lifetime(self, append_stream_lifetime: Duration) -> Self {
        Self { append_stream_lifetime, ..self }
    }
}

fn entry(entry: Entry) -> pb::Entry {
    pb::Entry { position: entry.position, bytes: entry.bytes }
}

fn entries(entries: Vec<Entry>) -> Vec<pb::Entry> {
    entries.into_iter().map(entry).collect()
}

fn recorded(appended: Appended) -> pb::AppendEventsResponse {
    pb::AppendEventsResponse {
        first_position: appended.first_position,
        last_position: appended.last_position,
        last_revision: appended.last_revision,
        repeated: appended.repeated,
    }
}

fn filter(filter: Option<pb::EntryFilter>) -> Filter {
    let pb::EntryFilter { types, categories } = filter.unwrap_or_default();
    Filter { types, categories }
}

/// A page of a stream is as long as it may be, unless asked otherwise.
fn stream_page_size(asked: i32) -> Result<usize, Failure> {
    if asked == 0 { Ok(PAGE_MAX) } else { page_size_from(asked) }
}

fn failed(error: eventlog::ReadError) -> Status {
    error.into_status()
}

#[tonic::async_trait]
impl LedgerService for LedgerHandlers {
    async fn append_events(
        &self,
        request: Request<pb::AppendEventsRequest>,
    ) -> Result<Response<pb::AppendEventsResponse>, Status> {
        // The service is who the token says, not who the request says.
        let service = Caller::of(&request)?.id;
        let append = append_from_proto(request.into_inner(), &service)?;
        let appended = self.log.append(append).await.map_err(eventlog::AppendError::into_status)?;
        Ok(Response::new(recorded(appended)))
    }

    type AppendStreamStream = BoxStream<'static, Result<pb::AppendStreamResponse, Status>>;

    async fn append_stream(
        &self,
        request: Request<Streaming<pb::AppendStreamRequest>>,
    ) -> Result<Response<Self::AppendStreamStream>, Status> {
        let service = Caller::of(&request)?.id;
        let appends = append_stream::Appends {
            log: self.log.clone(),
            service,
            requests: request.into_inner(),
            shutdown: self.shutdown.clone(),
            lifetime: self.append_stream_lifetime,
        };
        Ok(Response::new(appends.answers()))
    }

    async fn get_append(
        &self,
        request: Request<pb::GetAppendRequest>,
    ) -> Result<Response<pb::GetAppendResponse>, Status> {
        let id = uuid_from("request_id", &request.get_ref().request_id)?;
        let found = self.log.find_append(id).await.map_err(failed)?;
        if found.is_empty() {
            return Err(Failure::new(ErrorReason::AppendNotFound, "no append has this request id").into());
        }
        Ok(Response::new(pb::GetAppendResponse { entries: entries(found) }))
    }

    async fn list_stream_entries(
        &self,
        request: Request<pb::ListStreamEntriesRequest>,
    ) -> Result<Response<pb::ListStreamEntriesResponse>, Status> {
        let request = request.into_inner();
        let stream: StreamName = request
            .stream
            .parse()
            .map_err(|e: eventlog::StreamNameMalformed| Failure::from(eventlog::AppendError::from(e)))?;
        let limit = stream_page_size(request.page_size)?;
        let found = self.log.read_stream(&stream, request.after_revision, limit).await.map_err(failed)?;
        Ok(Response::new(pb::ListStreamEntriesResponse { entries: entries(found) }))
    }

    async fn list_entries(
        &self,
        request: Request<pb::ListEntriesRequest>,
    ) -> Result<Response<pb::ListEntriesResponse>, Status> {
        let request = request.into_inner();
        let direction = match request.order() {
            pb::ListOrder::OldestFirst => Direction::Forwards,
            pb::ListOrder::Unspecified | pb::ListOrder::NewestFirst => Direction::Backwards,
        };
        let limit = page_size_from(request.page_size)?;
        let filter = filter(request.filter);
        let page =
            self.log.read_all(request.past_position, direction, &filter, limit).await.map_err(failed)?;
        Ok(Response::new(pb::ListEntriesResponse {
            entries: entries(page.entries),
            through_position: page.through,
            ended: page.ended,
            head_position: page.head,
        }))
    }

    async fn batch_get_entries(
        &self,
        request: Request<pb::BatchGetEntriesRequest>,
    ) -> Result<Response<pb::BatchGetEntriesResponse>, Status> {
        let positions = request.into_inner().positions;
        if positions.len() > PAGE_MAX {
            return Err(Failure::field("positions", "ask for 1,000 at most").into());
        }
        let found = self.log.read_at(&positions).await.map_err(failed)?;
        Ok(Response::new(pb::BatchGetEntriesResponse { entries: entries(found) }))
    }

    type FollowEntriesStream = BoxStream<'static, Result<pb::FollowEntriesResponse, Status>>;

    async fn follow_entries(
        &self,
        request: Request<pb::FollowEntriesRequest>,
    ) -> Result<Response<Self::FollowEntriesStream>, Status> {
        let request = request.into_inner();
        let pages = self.log.follow(request.after_position, filter(request.filter));
        let shutdown = self.shutdown.clone();
        let messages = pages
            .map(|page| {
                let page = page.map_err(failed)?;
                Ok(pb::FollowEntriesResponse {
                    entries: entries(page.entries),
                    through_position: page.through,
                    head_position: page.head,
                })
            })
            // A follower never ends by itself: without this a shutdown would wait for it.
            .take_until(async move { shutdown.wait().await });
        Ok(Response::new(messages.boxed()))
    }

    type ReadAllStream = BoxStream<'static, Result<pb::ReadAllResponse, Status>>;

    async fn read_all(
        &self,
        request: Request<pb::ReadAllRequest>,
    ) -> Result<Response<Self::ReadAllStream>, Status> {
        let messages = read_all::messages(self.log.clone(), request.into_inner(), self.shutdown.clone());
        Ok(Response::new(messages))
    }

    async fn get_head(
        &self,
        _: Request<pb::GetHeadRequest>,
    ) -> Result<Response<pb::GetHeadResponse>, Status> {
        let head = self.log.head().await.map_err(failed)?;
        Ok(Response::new(pb::GetHeadResponse {
            position: head.position,
            record_time: Some(timestamp_to(head.recorded_at)),
            origin: head.genesis.origin,
            jurisdiction: head.genesis.jurisdiction,
            time_zone: head.genesis.time_zone.to_string(),
        }))
    }

    type CheckLogStream = BoxStream<'static, Result<pb::CheckLogResponse, Status>>;

    async fn check_log(
        &self,
        _: Request<pb::CheckLogRequest>,
    ) -> Result<Response<Self::CheckLogStream>, Status> {
        let (sender, receiver) = mpsc::channel(4);
        let place = self.place.clone();
        tokio::spawn(async move {
            let progress = sender.clone();
            let checked = place
                .check(|p| {
                    // A slow reader misses progress, never the result.
                    drop(progress.try_send(Ok(check_message(p, false))));
                })
                .await;
            let last = match checked {
                Ok(checked) => Ok(check_message(&checked, true)),
                Err(error) => {
                    let text = format!("{error}: is the database readable?");
                    Err(Failure::new(ErrorReason::LogUnavailable, text).into())
                }
            };
            // The reader may have gone.
            drop(sender.send(last).await);
        });
        Ok(Response::new(ReceiverStream::new(receiver).boxed()))
    }
}

fn check_message(progress: &eventlog::CheckProgress, complete: bool) -> pb::CheckLogResponse {
    let fault = |fault: &eventlog::Fault| pb::check_log_response::Fault {
        position: fault.position,
        description: fault.description.clone(),
    };
    pb::CheckLogResponse {
        checked_count: progress.checked,
        total_count: progress.total,
        faults: if complete { progress.faults.iter().map(fault).collect() } else { Vec::new() },
        complete,
    }
}
