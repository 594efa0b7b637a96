//! Judging the appends of one commit, in the order they came: the same for every form of the log.
//!
//! A store first judges by what it has in memory, and looks nothing up: that an append id or a stream is new
//! is found out by the unique indexes when it writes. Where that fails, or an append would be refused, it looks
//! up what is recorded ([`Known`], the heads of streams) and judges again.

use std::{collections::HashMap, num::NonZeroUsize, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use lru::LruCache;
use uuid::Uuid;

use crate::{
    Append, AppendError, Appended, Clock, Expected, MAX_ENTRY_BYTES,
    entry::{ENVELOPE_VERSION, Envelope, Header, hex},
};

/// Stream heads kept in memory, at most.
const HEADS: NonZeroUsize = NonZeroUsize::new(100_000).expect("not zero");

/// How far the clock may stand behind the last entry before appends are refused: small corrections of the
/// clock are no reason to stop, and `recorded_at` simply doesn't go back.
const CLOCK_SLACK: TimeDelta = TimeDelta::seconds(1);

/// The end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Last {
    pub(crate) position: u64,
    pub(crate) recorded_at: DateTime<Utc>,
}

impl Last {
    /// The end of a log that has nothing.
    pub(crate) const NOTHING: Self = Self { position: 0, recorded_at: DateTime::UNIX_EPOCH };
}

pub(crate) type Answer = Result<Appended, AppendError>;

/// A row to insert: what the bytes say, so that it can be looked up, and the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) position: u64,
    pub(crate) stream: String,
    pub(crate) revision: u64,
    pub(crate) append_id: Uuid,
    pub(crate) k: u32,
    pub(crate) event_type: String,
    /// Microseconds since 1970.
    pub(crate) recorded_at: i64,
    pub(crate) bytes: Vec<u8>,
}

/// An append that was recorded before.
pub(crate) struct Known {
    digest: String,
    appended: Appended,
}

/// The appends that are recorded already, by their ids.
#[derive(Default)]
pub(crate) struct Recorded(HashMap<Uuid, Known>);

impl Recorded {
    /// Takes one of their entries; those of one append come in order.
    pub(crate) fn add(
        &mut self,
        id: Uuid,
        position: u64,
        revision: u64,
        bytes: &[u8],
    ) -> Result<(), serde_json::Error> {
        if let Some(Known { appended, .. }) = self.0.get_mut(&id) {
            appended.last_position = position;
            appended.last_revision = revision;
            return Ok(());
        }
        let header: Header = serde_json::from_slice(bytes)?;
        let appended = Appended {
            first_position: position,
            last_position: position,
            last_revision: revision,
            repeated: true,
        };
        self.0.insert(id, Known { digest: header.command_digest, appended });
        Ok(())
    }
}

/// The last revisions of streams that were written lately. Right only while nobody else writes.
pub(crate) struct Heads(LruCache<String, u64>);

impl Heads {
    fn new() -> Self {
        Self(LruCache::new(HEADS))
    }

    pub(crate) fn put(&mut self, stream: String, revision: u64) {
        self.0.put(stream, revision);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The streams of appends that can't be judged without their heads. That one is expected to be new needs no
    /// look: the unique index knows.
    pub(crate) fn missing<'a>(&mut self, appends: &'a [Append], is_sure: bool) -> Vec<&'a str> {
        let unknown = |append: &&Append| {
            (is_sure || append.expected != Expected::NoStream) && self.0.get(append.stream.as_str()).is_none()
        };
        appends.iter().filter(unknown).map(|append| append.stream.as_str()).collect()
    }
}

/// What a store knows of its log without a look.
pub(crate) struct Memory {
    clock: Clock,
    /// Where this process left the log; others may have gone on.
    pub(crate) last: Last,
    pub(crate) heads: Heads,
    /// True while repeats come: then it's looked first.
    pub(crate) looks_first: bool,
    nonces: Nonces,
}

impl Memory {
    /// Of a log that ends at `last`.
    pub(crate) fn new(clock: Clock, last: Last) -> Self {
        Self { clock, last, heads: Heads::new(), looks_first: false, nonces: Nonces::new() }
    }

    /// Judges appends by memory and by what was looked up.
    pub(crate) fn judge(&mut self, appends: &[Append], known: Recorded) -> Batch {
        let mut batch = Batch { known: known.0, ..Batch::after(self.last) };
        let now = self.clock.now();
        for append in appends {
            let answer = batch.take(append, now, None, self);
            batch.answers.push(answer);
        }
        batch
    }

    /// Judges one more append of a batch by memory alone. `before` is being written, and comes first. False if it has to
    /// be looked.
    pub(crate) fn extend(&mut self, batch: &mut Batch, before: Option<&Batch>, append: &Append) -> bool {
        let stream = append.stream.as_str();
        let has_head = || {
            let is_in = |batch: &Batch| batch.heads.contains_key(stream);
            is_in(batch) || before.is_some_and(is_in) || self.heads.0.contains(stream)
        };
        if self.looks_first
            || before.is_some_and(|before| before.known.contains_key(&append.id))
            || (append.expected != Expected::NoStream && !has_head())
        {
            return false;
        }
        let answer = batch.take(append, self.clock.now(), before, self);
        let is_taken = answer.is_ok();
        batch.answers.push(answer);
        is_taken
    }

    /// The rows of a batch are on disk: the log is as it leaves it.
    pub(crate) fn recorded(&mut self, batch: Batch) -> Vec<Answer> {
        metrics::counter!("liem_log_batches_total").increment(1);
        metrics::counter!("liem_log_entries_total").increment(batch.rows.len() as u64);
        #[expect(clippy::cast_precision_loss, reason = "a batch has far fewer than 2⁵² entries")]
        metrics::histogram!("liem_log_batch_entries").record(batch.rows.len() as f64);
        if !batch.rows.is_empty() {
            self.last = batch.last;
        }
        for (stream, revision) in batch.heads {
            self.heads.put(stream, revision);
        }
        batch.answers
    }
}

/// The rows of a batch that is being judged.
fn rows(rows: &mut Arc<Vec<Row>>) -> &mut Vec<Row> {
    Arc::get_mut(rows).expect("they're shared once they're written, and never judged again")
}

/// Random bytes, fetched many at a time: a call costs more than the bytes.
struct Nonces {
    bytes: Box<[u8; 16 * 256]>,
    used: usize,
}

impl Nonces {
    fn new() -> Self {
        let bytes = Box::new([0; 16 * 256]);
        Self { used: bytes.len(), bytes }
    }

    fn next(&mut self) -> Result<&[u8], getrandom::Error> {
        if self.used == self.bytes.len() {
            getrandom::fill(self.bytes.as_mut_slice())?;
            self.used = 0;
        }
        self.used += 16;
        Ok(&self.bytes[self.used - 16..self.used])
    }
}

/// The appends of one commit.
pub(crate) struct Batch {
    /// Where the log ends before them.
    pub(crate) after: u64,
    /// Where it ends with them.
    pub(crate) last: Last,
    pub(crate) rows: Arc<Vec<Row>>,
    /// What each append gets once the rows are on disk.
    pub(crate) answers: Vec<Answer>,
    known: HashMap<Uuid, Known>,
    heads: HashMap<String, u64>,
}

impl Batch {
    /// Nothing yet, on a log that ends at `last`.
    pub(crate) fn after(last: Last) -> Self {
        let (known, heads) = (HashMap::new(), HashMap::new());
        Self { after: last.position, last, rows: Arc::default(), answers: Vec::new(), known, heads }
    }

    /// True if an append would be refused: a repeat must not be, so it's judged only after a look.
    pub(crate) fn refuses(&self) -> bool {
        self.answers.iter().any(Result::is_err)
    }

    /// True if an append had been recorded before: more of the kind may follow.
    pub(crate) fn repeats(&self) -> bool {
        self.answers.iter().flatten().any(|appended| appended.repeated)
    }

    /// The log, which ends at `last`, is closed: nothing new is taken.
    pub(crate) fn refuse_new(&mut self, last: Last) {
        for answer in &mut self.answers {
            if answer.as_ref().is_ok_and(|appended| appended.first_position > last.position) {
                *answer = Err(AppendError::Closed);
            }
        }
        self.last = last;
        self.rows = Arc::default();
        self.heads.clear();
    }

    /// The rows were refused: what the log had recorded before, up to `last`, it has still; all else fails.
    pub(crate) fn refused(self, last: Last, failure: impl Fn() -> AppendError) -> Vec<Answer> {
        let is_there = |appended: &Appended| appended.last_position <= last.position;
        self.answers.into_iter().map(|a| a.ok().filter(is_there).ok_or_else(&failure)).collect()
    }

    fn take(
        &mut self,
        append: &Append,
        now: DateTime<Utc>,
        before: Option<&Self>,
        memory: &mut Memory,
    ) -> Answer {
        let digest = hex(&append.context.command_digest);
        if let Some(known) = self.known.get(&append.id) {
            if known.digest == digest {
                return Ok(Appended { repeated: true, ..known.appended });
            }
            return Err(AppendError::RequestIdReused { id: append.id });
        }
        let stream = append.stream.as_str();
        let head = self.heads.get(stream).or_else(|| before?.heads.get(stream));
        let actual = head.or_else(|| memory.heads.0.peek(stream)).copied().unwrap_or(0);
        if !append.expected.allows(actual) {
            let (stream, expected) = (stream.to_owned(), append.expected);
            return Err(AppendError::Conflict { stream, expected, actual });
        }
        if self.last.recorded_at - now > CLOCK_SLACK {
            return Err(AppendError::ClockWentBack { now, last: self.last.recorded_at });
        }
        let taken = append.context.day_start.map_or(now, |day_start| day_start.min(now));
        let recorded_at = taken.max(self.last.recorded_at);
        let before = self.rows.len();
        if let Err(error) = self.add_rows(append, actual, recorded_at, &digest, &mut memory.nonces) {
            rows(&mut self.rows).truncate(before);
            return Err(error);
        }
        let count = append.events.len() as u64;
        let appended = Appended {
            first_position: self.last.position + 1,
            last_position: self.last.position + count,
            last_revision: actual + count,
            repeated: false,
        };
        self.last = Last { position: appended.last_position, recorded_at };
        self.heads.insert(stream.to_owned(), appended.last_revision);
        self.known.insert(append.id, Known { digest, appended });
        Ok(appended)
    }

    fn add_rows(
        &mut self,
        append: &Append,
        revision: u64,
        recorded_at: DateTime<Utc>,
        digest: &str,
        nonces: &mut Nonces,
    ) -> Result<(), AppendError> {
        let context = &append.context;
        for (k, event) in append.events.iter().enumerate() {
            let nonce = nonces.next().map_err(AppendError::unavailable)?;
            let place = k as u64 + 1;
            let envelope = Envelope {
                v: ENVELOPE_VERSION,
                position: self.last.position + place,
                stream: append.stream.as_str(),
                revision: revision + place,
                append_id: append.id,
                k: u32::try_from(k).unwrap_or(u32::MAX),
                event_type: &event.encoded.event_type,
                actor: &context.actor,
                on_behalf_of: context.on_behalf_of.as_deref(),
                service: &context.service,
                subjects: &event.subjects,
                occurred: event.occurred,
                recorded_at,
                causation: context.causation,
                correlation: context.correlation.as_deref(),
                rules: context.rules.as_deref(),
                command_digest: digest.into(),
                nonce: hex(nonce).into(),
                data: &event.encoded.data,
            };
            let mut bytes = Vec::with_capacity(640 + event.encoded.data.get().len());
            serde_json::to_writer(&mut bytes, &envelope).map_err(AppendError::unavailable)?;
            if bytes.len() > MAX_ENTRY_BYTES {
                return Err(AppendError::EntryTooLarge { k, size: bytes.len() });
            }
            rows(&mut self.rows).push(Row {
                position: envelope.position,
                stream: envelope.stream.to_owned(),
                revision: envelope.revision,
                append_id: append.id,
                k: envelope.k,
                event_type: envelope.event_type.to_owned(),
                recorded_at: recorded_at.timestamp_micros(),
                bytes,
            });
        }
        Ok(())
    }
}
