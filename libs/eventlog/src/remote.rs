//! The log over the ledger's gRPC: what a service uses that runs apart from the ledger.

use async_trait::async_trait;
use chrono::DateTime;
use events::{Occurred, Role, Subject};
use futures::stream::{self, BoxStream, StreamExt as _};
use proto::{
    Failure, date_from,
    ledger::{self as pb, ErrorReason, ledger_service_client::LedgerServiceClient},
    reason_of, timestamp_from, timestamp_to,
};
use tonic::{Code, Status, metadata::MetadataValue, service::Interceptor, transport::Channel};
use uuid::Uuid;

use crate::{
    Actor, Append, AppendError, Appended, Direction, Entry, EventLog, Expected, Filter, Genesis, Head, Page,
    Pending, ReadError, StreamName,
};

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

/// The log of another process.
#[derive(Clone)]
pub struct RemoteLog {
    client: Client,
}

impl RemoteLog {
    /// The log behind a channel, called with a service's token. None if the token has characters that no
    /// header may have.
    pub fn new(channel: Channel, token: &str) -> Option<Self> {
        let bearer = Bearer(format!("Bearer {token}").parse().ok()?);
        let client = LedgerServiceClient::with_interceptor(channel, bearer)
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        Some(Self { client })
    }
}

fn entry(entry: pb::Entry) -> Entry {
    Entry { position: entry.position, bytes: entry.bytes }
}

fn read_error(status: Status) -> ReadError {
    ReadError::unavailable(status)
}

/// The error an append would have got from a log in this process.
fn append_error(append: &Append, status: Status) -> AppendError {
    let is = |reason: ErrorReason| {
        let name = reason_of(&status);
        name.is_some_and(|name| reason.as_str_name().strip_prefix("ERROR_REASON_") == Some(name.as_str()))
    };
    if is(ErrorReason::RevisionConflict) {
        let actual = revision_in(&status);
        return AppendError::Conflict {
            stream: append.stream.to_string(),
            expected: append.expected,
            actual,
        };
    }
    if is(ErrorReason::RequestIdReused) {
        return AppendError::RequestIdReused { id: append.id };
    }
    if is(ErrorReason::EntryTooLarge) {
        let (k, size) = too_large_in(&status);
        return AppendError::EntryTooLarge { k, size };
    }
    if is(ErrorReason::AppendEmpty) {
        return AppendError::EventCount { count: append.events.len() };
    }
    if is(ErrorReason::CategoryNotOwned) {
        let (service, category) = (append.context.service.clone(), append.stream.category().to_owned());
        return AppendError::CategoryNotOwned { service, category };
    }
    if is(ErrorReason::QueueFull) {
        return AppendError::QueueFull;
    }
    if is(ErrorReason::StorageFull) {
        return AppendError::StorageFull;
    }
    if is(ErrorReason::LogUnreachable) {
        return AppendError::unreachable(status);
    }
    if is(ErrorReason::LogClosed) {
        return AppendError::Closed;
    }
    if is(ErrorReason::ClockWentBack) {
        let time = |key| DateTime::from_timestamp_micros(metadata(&status, key)).unwrap_or_default();
        return AppendError::ClockWentBack { now: time(CLOCK_MICROS), last: time(LAST_MICROS) };
    }
    match status.code() {
        Code::Unavailable | Code::Unknown | Code::Cancelled | Code::DeadlineExceeded | Code::Internal => {
            AppendError::unavailable(status)
        }
        _ => AppendError::Refused { reason: reason_of(&status).unwrap_or_else(|| status.code().to_string()) },
    }
}

fn metadata<T: std::str::FromStr + Default>(status: &Status, key: &str) -> T {
    status.metadata().get(key).and_then(|v| v.to_str().ok()?.parse().ok()).unwrap_or_default()
}

fn revision_in(status: &Status) -> u64 {
    metadata(status, ACTUAL_REVISION)
}

fn too_large_in(status: &Status) -> (usize, usize) {
    (metadata(status, EVENT_PLACE), metadata(status, ENTRY_SIZE))
}

const ACTUAL_REVISION: &str = "liem-actual-revision";
const EVENT_PLACE: &str = "liem-event-place";
const ENTRY_SIZE: &str = "liem-entry-bytes";
const CLOCK_MICROS: &str = "liem-clock-micros";
const LAST_MICROS: &str = "liem-last-micros";
const MISSING_POSITION: &str = "liem-missing-position";

fn with_figures(failure: Failure, figures: &[(&'static str, i128)]) -> Status {
    let mut status = Status::from(failure);
    for (key, figure) in figures {
        // A whole number is a valid header.
        if let Ok(value) = figure.to_string().parse() {
            status.metadata_mut().insert(*key, value);
        }
    }
    status
}

impl AppendError {
    /// The status of this failure. Figures that a service's retry needs travel as metadata.
    pub fn into_status(self) -> Status {
        let figures = match &self {
            Self::Conflict { actual, .. } => vec![(ACTUAL_REVISION, i128::from(*actual))],
            Self::EntryTooLarge { k, size } => {
                vec![(EVENT_PLACE, *k as i128), (ENTRY_SIZE, *size as i128)]
            }
            Self::ClockWentBack { now, last } => vec![
                (CLOCK_MICROS, i128::from(now.timestamp_micros())),
                (LAST_MICROS, i128::from(last.timestamp_micros())),
            ],
            _ => Vec::new(),
        };
        with_figures(self.into(), &figures)
    }
}

impl ReadError {
    /// The status of this failure, with the figure that tells which position is missing.
    pub fn into_status(self) -> Status {
        let figures = match &self {
            Self::NotFound { position } => vec![(MISSING_POSITION, i128::from(*position))],
            _ => Vec::new(),
        };
        with_figures(self.into(), &figures)
    }
}

/// An actor in the contract's form.
pub fn actor_to_proto(actor: &Actor) -> pb::Actor {
    pb::Actor {
        id: actor.id.clone(),
        role: actor.role.clone(),
        agency: actor.agency.clone().unwrap_or_default(),
    }
}

/// An actor from the contract's form.
pub fn actor_from_proto(actor: pb::Actor) -> Actor {
    Actor { id: actor.id, role: actor.role, agency: some(actor.agency) }
}

/// A time in the contract's form.
pub fn occurred_to_proto(occurred: Occurred) -> pb::Occurred {
    let when = match occurred {
        Occurred::At(time) => pb::occurred::When::At(timestamp_to(time)),
        Occurred::On(_) => pb::occurred::When::On(occurred.to_string()),
    };
    pb::Occurred { when: Some(when) }
}

/// A time from the contract's form. `field` names it in the failure.
pub fn occurred_from_proto(field: &str, occurred: Option<&pb::Occurred>) -> Result<Occurred, Failure> {
    match occurred.and_then(|o| o.when.as_ref()) {
        Some(pb::occurred::When::At(time)) => Ok(Occurred::At(timestamp_from(field, time)?)),
        Some(pb::occurred::When::On(date)) => Ok(Occurred::On(date_from(field, date)?)),
        None => Err(Failure::field(field, "say when it happened: an instant (`at`) or a date (`on`)")),
    }
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn append_to_proto(append: &Append) -> pb::AppendEventsRequest {
    use pb::expected::Revision;
    let revision = match append.expected {
        Expected::NoStream => Revision::NoStream(true),
        Expected::Exact(revision) => Revision::Exact(revision),
        Expected::Any => Revision::Any(true),
    };
    let events = append.events.iter().map(|event| pb::NewEvent {
        r#type: event.encoded.event_type.clone(),
        subjects: event.subjects.iter().map(subject_to_proto).collect(),
        occurred: Some(occurred_to_proto(event.occurred)),
        data: event.encoded.data.get().to_owned().into(),
    });
    let context = append.context.clone();
    pb::AppendEventsRequest {
        request_id: append.id.to_string(),
        stream: append.stream.to_string(),
        expected: Some(pb::Expected { revision: Some(revision) }),
        events: events.collect(),
        actor: Some(actor_to_proto(&context.actor)),
        on_behalf_of: context.on_behalf_of.unwrap_or_default(),
        command_digest: context.command_digest.to_vec().into(),
        causation: context.causation.map(|id| id.to_string()).unwrap_or_default(),
        correlation: context.correlation.unwrap_or_default(),
        rules: context.rules.unwrap_or_default(),
        day_start_time: context.day_start.map(proto::timestamp_to),
    }
}

/// A subject in the contract's form.
fn subject_to_proto(subject: &Subject) -> pb::Subject {
    pb::Subject { role: subject.role.as_str().to_owned(), id: subject.id.clone() }
}

/// An append from the contract's form; `service` is the caller.
pub fn append_from_proto(request: pb::AppendEventsRequest, service: &str) -> Result<Append, Failure> {
    use pb::expected::Revision;
    let expected = match request.expected.and_then(|e| e.revision) {
        Some(Revision::NoStream(_)) => Expected::NoStream,
        Some(Revision::Exact(revision)) => Expected::Exact(revision),
        Some(Revision::Any(_)) => Expected::Any,
        None => return Err(Failure::field("expected", "say `no_stream`, `exact` or `any`")),
    };
    let events = request.events.into_iter().map(event_from_proto).collect::<Result<_, _>>()?;
    let digest = request.command_digest.as_ref().try_into();
    Ok(Append {
        id: proto::uuid_from("request_id", &request.request_id)?,
        stream: request.stream.parse().map_err(AppendError::from)?,
        expected,
        events,
        context: crate::Context {
            actor: actor_from_proto(request.actor.ok_or_else(|| Failure::field("actor", "say who did it"))?),
            on_behalf_of: some(request.on_behalf_of),
            service: service.to_owned(),
            command_digest: digest.map_err(|_length| Failure::field("command_digest", "give 32 bytes"))?,
            causation: match some(request.causation) {
                Some(id) => Some(proto::uuid_from("causation", &id)?),
                None => None,
            },
            correlation: some(request.correlation),
            rules: some(request.rules),
            day_start: match &request.day_start_time {
                Some(time) => Some(proto::timestamp_from("day_start_time", time)?),
                None => None,
            },
        },
    })
}

fn event_from_proto(event: pb::NewEvent) -> Result<crate::NewEvent, Failure> {
    let data = String::from_utf8(event.data.into()).map_err(|e| Failure::field("events.data", e)).and_then(
        |text| serde_json::value::RawValue::from_string(text).map_err(|e| Failure::field("events.data", e)),
    )?;
    let subjects = event.subjects.into_iter().map(subject_from_proto).collect::<Result<_, _>>()?;
    Ok(crate::NewEvent {
        encoded: events::Encoded { event_type: event.r#type, data },
        subjects,
        occurred: occurred_from_proto("events.occurred", event.occurred.as_ref())?,
    })
}

fn subject_from_proto(subject: pb::Subject) -> Result<Subject, Failure> {
    let role =
        Role::parse(&subject.role).ok_or_else(|| Failure::field("events.subjects.role", "no such role"))?;
    Ok(Subject { role, id: subject.id })
}

#[async_trait]
impl EventLog for RemoteLog {
    async fn submit(&self, append: Append) -> Result<Pending, AppendError> {
        append.validate()?;
        let (reply, pending) = Pending::new();
        let mut client = self.client.clone();
        tokio::spawn(async move {
            let answer = client.append_events(append_to_proto(&append)).await;
            let answer = answer.map_err(|status| append_error(&append, status)).map(|answer| {
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
                    return ReadError::NotFound { position: metadata(&status, MISSING_POSITION) };
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
