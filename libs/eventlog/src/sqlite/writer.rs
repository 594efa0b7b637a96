//! The one task that writes.
//!
//! It takes all appends that wait, up to [`MAX_GROUP`], judges each against the streams' heads, writes what
//! is new with a few multi-row statements in one transaction, and answers each append on its own: a
//! conflict fails its append, not its neighbours. Nobody is answered before the commit is on disk.

use std::{
    collections::{HashMap, hash_map},
    num::NonZeroUsize,
    time::Instant,
};

use chrono::{DateTime, TimeDelta, Utc};
use lru::LruCache;
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection, error::DatabaseError};
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use super::{from_micros, signed, unsigned};
use crate::{
    Append, AppendError, Appended, Clock, MAX_ENTRY_BYTES,
    entry::{ENVELOPE_VERSION, Envelope, Header, hex},
};

/// Appends in one commit, at most.
const MAX_GROUP: usize = 1_000;

/// Stream heads kept in memory, at most.
const HEADS: NonZeroUsize = NonZeroUsize::new(100_000).expect("not zero");

/// How far the clock may stand behind the last entry before appends are refused: small corrections of the
/// clock are no reason to stop, and `recorded_at` simply doesn't go back.
const CLOCK_SLACK: TimeDelta = TimeDelta::seconds(1);

/// Rows per statement; a remainder goes into smaller ones, so that few statements need preparing.
const ROWS: [usize; 3] = [100, 10, 1];

/// The end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Last {
    pub(super) position: u64,
    pub(super) recorded_at: DateTime<Utc>,
}

type Answer = Result<Appended, AppendError>;

/// What the writer is asked for.
pub(super) enum Request {
    Append {
        append: Box<Append>,
        reply: oneshot::Sender<Answer>,
        since: Instant,
    },
    /// Answer what came before this and stop.
    Stop,
}

impl Request {
    pub(super) fn append(append: Append, reply: oneshot::Sender<Answer>) -> Self {
        Self::Append { append: Box::new(append), reply, since: Instant::now() }
    }
}

/// A row to insert.
struct Row {
    position: u64,
    stream: String,
    revision: u64,
    append_id: Uuid,
    k: u32,
    event_type: String,
    recorded_at: i64,
    bytes: Vec<u8>,
}

/// An append that was recorded before.
struct Known {
    digest: String,
    appended: Appended,
}

pub(super) struct Writer {
    connection: SqliteConnection,
    clock: Clock,
    head: watch::Sender<Last>,
    heads: LruCache<String, u64>,
}

/// The end of the log as stored.
pub(super) async fn load_last(connection: &mut SqliteConnection) -> Result<Last, sqlx::Error> {
    let row = sqlx::query("SELECT position, recorded_at FROM entry ORDER BY position DESC LIMIT 1")
        .fetch_optional(connection)
        .await?;
    Ok(row.map_or(Last { position: 0, recorded_at: DateTime::UNIX_EPOCH }, |row| Last {
        position: unsigned(row.get(0)),
        recorded_at: from_micros(row.get(1)),
    }))
}

impl Writer {
    pub(super) fn new(connection: SqliteConnection, clock: Clock, head: watch::Sender<Last>) -> Self {
        Self { connection, clock, head, heads: LruCache::new(HEADS) }
    }

    pub(super) async fn run(&mut self, mut queue: mpsc::Receiver<Request>) {
        let mut requests = Vec::with_capacity(MAX_GROUP);
        let mut stopping = false;
        while !stopping && queue.recv_many(&mut requests, MAX_GROUP).await > 0 {
            let mut appends = Vec::with_capacity(requests.len());
            let mut replies = Vec::with_capacity(requests.len());
            for request in requests.drain(..) {
                match request {
                    // What came after the stop is dropped, which tells its caller: unknown, ask again.
                    Request::Append { append, reply, since } if !stopping => {
                        appends.push(*append);
                        replies.push((reply, since));
                    }
                    Request::Append { .. } => {}
                    Request::Stop => stopping = true,
                }
            }
            if appends.is_empty() {
                continue;
            }
            let answers = self.commit(&appends).await;
            for ((reply, since), answer) in replies.into_iter().zip(answers) {
                metrics::histogram!("liem_log_append_seconds").record(since.elapsed().as_secs_f64());
                // The caller may have gone; the entry stays recorded.
                drop(reply.send(answer));
            }
        }
    }

    /// Closes the database, once nothing else of this process writes or reads long.
    pub(super) async fn close(mut self) {
        // Folds the write-ahead log back, so that the database file is all there is. Closing alone would not do
        // it while a reader is open. A failure is repaired at the next start.
        if let Err(error) = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut self.connection).await
        {
            tracing::warn!(%error, "the write-ahead log was not folded back");
        }
        if let Err(error) = self.connection.close().await {
            tracing::warn!(%error, "the database did not close cleanly");
        }
    }

    /// Commits a group and answers every append of it.
    async fn commit(&mut self, appends: &[Append]) -> Vec<Answer> {
        match self.try_commit(appends).await {
            Ok(answers) => answers,
            Err(error) => {
                tracing::error!(error = %error, "a batch was not recorded");
                metrics::counter!("liem_log_failed_batches_total").increment(1);
                self.recover().await;
                appends.iter().map(|_| Err(storage_error(&error))).collect()
            }
        }
    }

    async fn try_commit(&mut self, appends: &[Append]) -> Result<Vec<Answer>, sqlx::Error> {
        let known = self.find_known(appends).await?;
        self.load_heads(appends).await?;
        let mut batch = Batch::new(*self.head.borrow(), self.clock.now(), known);
        let answers: Vec<Answer> = appends.iter().map(|append| batch.take(append, &mut self.heads)).collect();
        if batch.rows.is_empty() {
            return Ok(answers);
        }
        // Not by sqlx's transaction: it loses count where SQLite rolls back by itself, as on a full disk, and
        // would never begin again.
        sqlx::query("BEGIN IMMEDIATE").execute(&mut self.connection).await?;
        insert(&mut self.connection, &batch.rows).await?;
        sqlx::query("COMMIT").execute(&mut self.connection).await?;
        metrics::counter!("liem_log_batches_total").increment(1);
        metrics::counter!("liem_log_entries_total").increment(batch.rows.len() as u64);
        #[expect(clippy::cast_precision_loss, reason = "a batch has far fewer than 2⁵² entries")]
        metrics::histogram!("liem_log_batch_entries").record(batch.rows.len() as f64);
        for (stream, revision) in batch.heads {
            self.heads.put(stream, revision);
        }
        self.head.send_replace(batch.last);
        Ok(answers)
    }

    /// After a failed commit nothing cached is trusted. SQLite has rolled back, or does so now.
    async fn recover(&mut self) {
        self.heads.clear();
        if let Err(error) = sqlx::query("ROLLBACK").execute(&mut self.connection).await {
            tracing::debug!(%error, "nothing to roll back");
        }
        match load_last(&mut self.connection).await {
            Ok(last) => {
                self.head.send_replace(last);
            }
            Err(error) => tracing::error!(%error, "the end of the log can't be read"),
        }
    }

    /// Which of the append ids are recorded already.
    async fn find_known(&mut self, appends: &[Append]) -> Result<HashMap<Uuid, Known>, sqlx::Error> {
        let mut known = HashMap::new();
        for chunk in in_chunks(appends) {
            let sql = format!(
                "SELECT append_id, position, revision, bytes FROM entry WHERE append_id IN ({}) ORDER BY position",
                vec!["?"; chunk.len()].join(",")
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for append in chunk {
                query = query.bind(append.id.as_bytes().as_slice());
            }
            for row in query.fetch_all(&mut self.connection).await? {
                let id = Uuid::from_slice(row.get::<&[u8], _>(0)).unwrap_or_default();
                let (position, revision) = (unsigned(row.get(1)), unsigned(row.get(2)));
                match known.entry(id) {
                    hash_map::Entry::Occupied(mut entry) => {
                        let Known { appended, .. } = entry.get_mut();
                        appended.last_position = position;
                        appended.last_revision = revision;
                    }
                    hash_map::Entry::Vacant(entry) => {
                        let header: Header = serde_json::from_slice(row.get::<&[u8], _>(3))
                            .map_err(|e| sqlx::Error::Decode(e.into()))?;
                        let appended = Appended {
                            first_position: position,
                            last_position: position,
                            last_revision: revision,
                            repeated: true,
                        };
                        entry.insert(Known { digest: header.command_digest, appended });
                    }
                }
            }
        }
        Ok(known)
    }

    /// Brings the heads of all streams of the group into the cache.
    async fn load_heads(&mut self, appends: &[Append]) -> Result<(), sqlx::Error> {
        let missing: Vec<&Append> =
            appends.iter().filter(|a| self.heads.get(a.stream.as_str()).is_none()).collect();
        for chunk in in_chunks(&missing) {
            // A correlated maximum is one seek in the index per stream; GROUP BY would walk each stream.
            let sql = format!(
                "SELECT asked.column1, (SELECT max(revision) FROM entry WHERE stream = asked.column1) \
                 FROM (VALUES {}) AS asked",
                vec!["(?)"; chunk.len()].join(",")
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for append in chunk {
                query = query.bind(append.stream.as_str());
            }
            for row in query.fetch_all(&mut self.connection).await? {
                let revision: Option<i64> = row.get(1);
                self.heads.put(row.get(0), revision.map_or(0, unsigned));
            }
        }
        Ok(())
    }
}

/// Slices of a few fixed lengths, so that statements are prepared once and used again.
fn in_chunks<T>(items: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = items;
    std::iter::from_fn(move || {
        let size = ROWS.into_iter().find(|size| *size <= rest.len())?;
        let (chunk, tail) = rest.split_at(size);
        rest = tail;
        Some(chunk)
    })
}

async fn insert(connection: &mut SqliteConnection, rows: &[Row]) -> Result<(), sqlx::Error> {
    let mut inserted = 0;
    for chunk in in_chunks(rows) {
        let sql = format!(
            "INSERT INTO entry (position, stream, revision, append_id, k, type, recorded_at, bytes) VALUES {}",
            vec!["(?,?,?,?,?,?,?,?)"; chunk.len()].join(",")
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for row in chunk {
            query = query
                .bind(signed(row.position))
                .bind(row.stream.as_str())
                .bind(signed(row.revision))
                .bind(row.append_id.as_bytes().as_slice())
                .bind(i64::from(row.k))
                .bind(row.event_type.as_str())
                .bind(row.recorded_at)
                .bind(row.bytes.as_slice());
        }
        inserted += query.execute(&mut *connection).await?.rows_affected();
    }
    assert_eq!(inserted, rows.len() as u64, "every row of a batch is inserted, or the statement fails");
    Ok(())
}

/// The appends of one commit, judged in the order they came.
struct Batch {
    last: Last,
    /// What the clock says; `recorded_at` of every entry in the batch, unless that would go back.
    now: DateTime<Utc>,
    known: HashMap<Uuid, Known>,
    heads: HashMap<String, u64>,
    rows: Vec<Row>,
}

impl Batch {
    fn new(last: Last, now: DateTime<Utc>, known: HashMap<Uuid, Known>) -> Self {
        Self { last, now, known, heads: HashMap::new(), rows: Vec::new() }
    }

    fn take(&mut self, append: &Append, cache: &mut LruCache<String, u64>) -> Answer {
        let digest = hex(&append.context.command_digest);
        if let Some(known) = self.known.get(&append.id) {
            if known.digest == digest {
                return Ok(Appended { repeated: true, ..known.appended });
            }
            return Err(AppendError::RequestIdReused { id: append.id });
        }
        let stream = append.stream.as_str();
        let actual = self.heads.get(stream).or_else(|| cache.peek(stream)).copied().unwrap_or(0);
        if !append.expected.allows(actual) {
            let (stream, expected) = (stream.to_owned(), append.expected);
            return Err(AppendError::Conflict { stream, expected, actual });
        }
        if self.last.recorded_at - self.now > CLOCK_SLACK {
            return Err(AppendError::ClockWentBack { now: self.now, last: self.last.recorded_at });
        }
        let taken = append.context.day_start.map_or(self.now, |day_start| day_start.min(self.now));
        let recorded_at = taken.max(self.last.recorded_at);
        let rows = self.rows_of(append, actual, recorded_at, &digest)?;
        let appended = Appended {
            first_position: self.last.position + 1,
            last_position: self.last.position + rows.len() as u64,
            last_revision: actual + rows.len() as u64,
            repeated: false,
        };
        self.rows.extend(rows);
        self.last = Last { position: appended.last_position, recorded_at };
        self.heads.insert(stream.to_owned(), appended.last_revision);
        self.known.insert(append.id, Known { digest, appended });
        Ok(appended)
    }

    fn rows_of(
        &self,
        append: &Append,
        revision: u64,
        recorded_at: DateTime<Utc>,
        digest: &str,
    ) -> Result<Vec<Row>, AppendError> {
        let mut nonces = vec![0_u8; 16 * append.events.len()];
        getrandom::fill(&mut nonces).map_err(AppendError::unavailable)?;
        let context = &append.context;
        append
            .events
            .iter()
            .zip(nonces.chunks_exact(16))
            .enumerate()
            .map(|(k, (event, nonce))| {
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
                let bytes = serde_json::to_vec(&envelope).map_err(AppendError::unavailable)?;
                if bytes.len() > MAX_ENTRY_BYTES {
                    return Err(AppendError::EntryTooLarge { k, size: bytes.len() });
                }
                Ok(Row {
                    position: envelope.position,
                    stream: envelope.stream.to_owned(),
                    revision: envelope.revision,
                    append_id: append.id,
                    k: envelope.k,
                    event_type: envelope.event_type.to_owned(),
                    recorded_at: recorded_at.timestamp_micros(),
                    bytes,
                })
            })
            .collect()
    }
}

/// What a database error means to those whose append was in the batch.
fn storage_error(error: &sqlx::Error) -> AppendError {
    let code =
        error.as_database_error().and_then(DatabaseError::code).and_then(|code| code.parse::<i32>().ok());
    // The low byte is the primary code. SQLite reports a full disk while writing, before the commit counts.
    match code.map(|code| code & 0xff) {
        Some(libsqlite3_sys::SQLITE_FULL) => AppendError::StorageFull,
        _ => AppendError::unavailable(error.to_string()),
    }
}
