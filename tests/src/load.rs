//! Writers that append to the log as fast as they are answered, and the proof that the log holds each of
//! their appends exactly once.

use std::{collections::HashMap, time::Duration};

use proto::{
    Timestamp,
    ledger::{
        Actor, AppendEventsRequest, AppendEventsResponse, Expected, ListEntriesRequest, ListOrder, NewEvent,
        Occurred, Subject, expected::Revision, occurred::When,
    },
    reason_of,
};
use serde_json::{Value, json};
use tonic::Status;

use crate::{Client, request_id};

/// Streams that all writers append to.
const SHARED: usize = 4;

/// Numbers that look random: the same seed gives the same ones (splitmix64).
pub struct Numbers(u64);

impl Numbers {
    /// The numbers of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next one, below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// One that appends to streams of its own and to shared ones: what it asked for, and what it was told.
pub struct Writer {
    name: String,
    numbers: Numbers,
    /// Revisions of its own streams, as it knows them.
    streams: Vec<u64>,
    /// Revisions of the shared streams, as it last heard of them: others may have gone on.
    shared: [u64; SHARED],
    /// Asked for and not answered: sent again, with the same id, before anything else.
    pending: Option<AppendEventsRequest>,
    answered: Vec<(AppendEventsRequest, AppendEventsResponse)>,
    /// Unanswered appends that turned out to be recorded.
    pub recorded_unanswered: u64,
    /// Appends that were refused, since another had appended to a shared stream meanwhile.
    pub conflicts: u64,
}

impl Writer {
    /// A writer of a name, which decides by a seed what it appends.
    pub fn new(name: &str, seed: u64) -> Self {
        Self {
            name: name.to_owned(),
            numbers: Numbers::new(seed),
            streams: Vec::new(),
            shared: [0; SHARED],
            pending: None,
            answered: Vec::new(),
            recorded_unanswered: 0,
            conflicts: 0,
        }
    }

    /// Whether an append of it was not answered.
    pub fn is_unanswered(&self) -> bool {
        self.pending.is_some()
    }

    /// How many events its answered appends recorded.
    pub fn recorded(&self) -> u64 {
        self.answered.iter().map(|(request, _)| request.events.len() as u64).sum()
    }

    /// The highest position it was told.
    pub fn head(&self) -> u64 {
        self.answered.iter().map(|(_, answer)| answer.last_position).max().unwrap_or(0)
    }

    /// Appends until a call fails, and gives the failure.
    pub async fn write_until_failure(&mut self, client: &Client, mut each: impl FnMut()) -> Status {
        loop {
            match self.write(client).await {
                Ok(()) => each(),
                Err(status) => return status,
            }
        }
    }

    /// One append: first the one that was not answered, if there is one. Some callers give up early and
    /// ask again; some ask again though they were answered. One that came too late for its shared stream is given
    /// up for another.
    pub async fn write(&mut self, client: &Client) -> Result<(), Status> {
        while let Err(status) = self.try_write(client).await {
            let conflicting = reason_of(&status).as_deref() == Some("REVISION_CONFLICT");
            let shared = self.pending.as_ref().and_then(|request| shared_stream(&request.stream));
            let (true, Some(shared)) = (conflicting, shared) else { return Err(status) };
            let actual = status.metadata().get("liem-actual-revision").unwrap();
            self.shared[shared] = actual.to_str().unwrap().parse().unwrap();
            self.conflicts += 1;
            self.pending = None;
        }
        Ok(())
    }

    async fn try_write(&mut self, client: &Client) -> Result<(), Status> {
        let is_retry = self.pending.is_some();
        let request = match self.pending.take() {
            Some(request) => request,
            None => self.next(),
        };
        let mut ledger = client.ledger();
        let mood = self.numbers.below(16);
        self.pending = Some(request.clone());
        if mood == 0 {
            let patience = Duration::from_micros(self.numbers.below(4_000));
            // Whatever came of it, the same id is sent again.
            drop(tokio::time::timeout(patience, ledger.append_events(request.clone())).await);
        }
        let answer = ledger.append_events(request.clone()).await?.into_inner();
        self.pending = None;
        assert!(is_retry || mood == 0 || !answer.repeated, "nobody sent {} before", request.request_id);
        if is_retry && answer.repeated {
            self.recorded_unanswered += 1;
        }
        if let Some(stream) = self.own_stream(&request.stream) {
            self.streams[stream] = answer.last_revision;
        }
        if let Some(stream) = shared_stream(&request.stream) {
            self.shared[stream] = answer.last_revision;
        }
        self.answered.push((request.clone(), answer));
        if mood == 1 {
            let again = ledger.append_events(request).await?.into_inner();
            assert_eq!(again, AppendEventsResponse { repeated: true, ..answer });
        }
        Ok(())
    }

    fn own_stream(&self, stream: &str) -> Option<usize> {
        stream.strip_prefix(&format!("delivery.case/{}-", self.name))?.parse().ok()
    }

    /// A new append: a new case, further steps of one of its own, or steps of a shared case.
    fn next(&mut self) -> AppendEventsRequest {
        let kind = self.numbers.below(4);
        let count = if self.numbers.below(3) == 0 { 1 + self.numbers.below(6) } else { 1 };
        let (key, revision) = if kind == 0 || self.streams.is_empty() {
            self.streams.push(0);
            (format!("{}-{}", self.name, self.streams.len() - 1), Revision::NoStream(true))
        } else if kind == 1 {
            let stream = usize::try_from(self.numbers.below(SHARED as u64)).unwrap();
            let revision = match (self.numbers.below(2), self.shared[stream]) {
                (0, _) => Revision::Any(true),
                (_, 0) => Revision::NoStream(true),
                (_, revision) => Revision::Exact(revision),
            };
            (format!("shared-{stream}"), revision)
        } else {
            let stream = self.streams.len() - 1 - usize::from(self.streams.len() > 1 && kind == 2);
            (format!("{}-{stream}", self.name), Revision::Exact(self.streams[stream]))
        };
        let is_new = revision == Revision::NoStream(true);
        let mut digest = vec![0; 24];
        digest.extend(self.numbers.below(u64::MAX).to_le_bytes());
        AppendEventsRequest {
            request_id: request_id(),
            stream: format!("delivery.case/{key}"),
            expected: Some(Expected { revision: Some(revision) }),
            events: (0..count).map(|k| event(&key, is_new && k == 0, self.numbers.below(u64::MAX))).collect(),
            actor: Some(Actor { id: self.name.clone(), role: "agency".into(), agency: "H57".into() }),
            on_behalf_of: String::new(),
            command_digest: digest.into(),
            causation: String::new(),
            correlation: String::new(),
            rules: String::new(),
            day_start_time: None,
        }
    }
}

/// Which of the shared streams this is.
fn shared_stream(stream: &str) -> Option<usize> {
    stream.strip_prefix("delivery.case/shared-")?.parse().ok()
}

/// An event that delivery could have recorded, unlike any other.
fn event(case: &str, is_first: bool, number: u64) -> NewEvent {
    let by = json!({ "agency": "H57" });
    let (event_type, data) = if is_first {
        ("delivery.CaseReceived.v1", json!({ "case": case, "by": by }))
    } else {
        ("delivery.StepDone.v1", json!({ "by": by, "step": format!("step {number:020}") }))
    };
    NewEvent {
        r#type: event_type.into(),
        subjects: vec![Subject { role: "case".into(), id: case.into() }],
        occurred: Some(Occurred { when: Some(When::At(Timestamp { seconds: 1_780_000_000, nanos: 0 })) }),
        data: data.to_string().into_bytes().into(),
    }
}

/// Every entry of the log, oldest first.
async fn entries(client: &Client) -> Vec<Value> {
    let mut entries = Vec::new();
    let mut request = ListEntriesRequest {
        past_position: 0,
        order: ListOrder::OldestFirst.into(),
        filter: None,
        page_size: 1_000,
    };
    loop {
        let page = client.ledger().list_entries(request.clone()).await.unwrap().into_inner();
        for entry in page.entries {
            let envelope: Value = serde_json::from_slice(&entry.bytes).unwrap();
            assert_eq!(envelope["position"], entry.position);
            entries.push(envelope);
        }
        if page.ended {
            return entries;
        }
        request.past_position = page.through_position;
    }
}

/// Proves that every answered append stands in the log once, whole, and exactly where its writer was told;
/// that neither positions nor revisions have a gap; and that nothing else is there but the log's own first entry and, whole or
/// not at all, what was not answered. Gives the number of entries.
pub async fn prove(client: &Client, writers: &[Writer]) -> u64 {
    let mut found: HashMap<String, Vec<Value>> = HashMap::new();
    let entries = entries(client).await;
    let mut revisions: HashMap<&str, u64> = HashMap::new();
    for (entry, position) in entries.iter().zip(1_u64..) {
        assert_eq!(entry["position"], position, "positions have a gap");
        let revision = revisions.entry(entry["stream"].as_str().unwrap()).or_default();
        *revision += 1;
        assert_eq!(entry["revision"], *revision, "revisions of a stream have a gap: {entry}");
        found.entry(entry["append_id"].as_str().unwrap().to_owned()).or_default().push(entry.clone());
    }
    for (request, answer) in writers.iter().flat_map(|writer| &writer.answered) {
        let entries = found.remove(&request.request_id).unwrap_or_default();
        compare(&entries, request);
        let positions: Vec<u64> = entries.iter().map(|e| e["position"].as_u64().unwrap()).collect();
        let told: Vec<u64> = (answer.first_position..=answer.last_position).collect();
        assert_eq!(positions, told, "{request:?}");
        assert_eq!(entries.last().unwrap()["revision"], answer.last_revision, "{request:?}");
    }
    for request in writers.iter().filter_map(|writer| writer.pending.as_ref()) {
        if let Some(entries) = found.remove(&request.request_id) {
            compare(&entries, request);
        }
    }
    let rest: Vec<_> = found.into_values().flatten().map(|entry| entry["type"].clone()).collect();
    assert_eq!(rest, ["ledger.LedgerOpened.v1"], "entries that nobody asked for");
    entries.len() as u64
}

/// The entries are what was asked for: all of it, in order, in one place.
fn compare(entries: &[Value], request: &AppendEventsRequest) {
    assert_eq!(entries.len(), request.events.len(), "{request:?} is recorded as {entries:?}");
    let (position, revision) = (&entries[0]["position"], &entries[0]["revision"]);
    for ((entry, event), k) in entries.iter().zip(&request.events).zip(0_u64..) {
        assert_eq!(entry["position"], position.as_u64().unwrap() + k, "{entry}");
        assert_eq!(entry["revision"], revision.as_u64().unwrap() + k, "{entry}");
        assert_eq!(entry["k"], k, "{entry}");
        assert_eq!(entry["stream"], *request.stream, "{entry}");
        assert_eq!(entry["type"], *event.r#type, "{entry}");
        assert_eq!(entry["data"], serde_json::from_slice::<Value>(&event.data).unwrap(), "{entry}");
        assert_eq!(entry["service"], "delivery", "{entry}");
    }
}
