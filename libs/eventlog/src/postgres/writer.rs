//! What commits to PostgreSQL, over one connection, beside other processes that do the same.
//!
//! Most batches are one statement and so one round trip: `liem.append` takes the lock, records the rows if the log
//! still ends where they were judged, and tells everyone. Where it says no, the lock is taken first, what is recorded is looked up, and
//! the batch is judged again. The heads of streams are kept in memory only while nobody else has written.

use std::{
    sync::{Arc, atomic::AtomicU32},
    time::Duration,
};

use async_trait::async_trait;
use bytes::BufMut as _;
use chrono::DateTime;
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _, postgres::PgConnectOptions};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};
use uuid::Uuid;

use super::{
    connect::{self, code, is_lost},
    raise, signed, unsigned,
};
use crate::{
    Append, AppendError,
    judge::{Answer, Batch, Last, Memory, Recorded, Row},
    queue::Store,
    recent::Recorder,
};

/// How long appends wait for a database that went away before they are told.
const PATIENCE: Duration = Duration::from_secs(10);

/// Longer than anything takes that is not stuck.
const STUCK: Duration = Duration::from_secs(20);

/// Between two tries to reach it.
const REST: Duration = Duration::from_millis(100);

/// From so many rows on they're copied.
const COPIED_ROWS: usize = 200;

const COPY: &str = "COPY liem.entry (position, stream, revision, append_id, k, type, recorded_at, bytes) \
                    FROM STDIN (FORMAT binary)";

pub(super) struct Writer {
    options: PgConnectOptions,
    /// None after it was lost.
    connection: Option<PgConnection>,
    /// Where the log ends as far as anyone here knows.
    head: watch::Sender<Last>,
    recorder: Recorder,
    /// The log was moved elsewhere: repeats are answered, and nothing else is taken.
    is_closed: bool,
    is_reached: watch::Sender<bool>,
    /// The number of the server's process that commits for this one.
    own: Arc<AtomicU32>,
}

/// The end of the log as stored.
pub(super) async fn load_last(connection: &mut PgConnection) -> Result<Last, sqlx::Error> {
    let row = sqlx::query("SELECT position, recorded_at FROM liem.entry ORDER BY position DESC LIMIT 1")
        .fetch_optional(connection)
        .await?;
    Ok(row.map_or(Last::NOTHING, |row| Last {
        position: unsigned(row.get(0)),
        recorded_at: DateTime::from_timestamp_micros(row.get(1)).unwrap_or_default(),
    }))
}

#[async_trait]
impl Store for Writer {
    async fn write(&mut self, batch: &Batch) -> Result<bool, sqlx::Error> {
        let has_moved = self.head.borrow().position > batch.after;
        if self.is_closed || has_moved || !*self.is_reached.borrow() {
            return Ok(false);
        }
        let Some(mut connection) = self.connection.take() else { return Ok(false) };
        let appending = append(&mut connection, batch);
        let is_recorded = match tokio::time::timeout(STUCK, appending).await {
            Ok(Ok(is_recorded)) => is_recorded,
            // Among what is not taken there may be what was recorded before.
            Ok(Err(error)) if is_refusal(&error) => false,
            Ok(Err(error)) => return Err(error),
            Err(_) => return Err(sqlx::Error::PoolTimedOut),
        };
        self.connection = Some(connection);
        if is_recorded {
            self.tell(batch);
        }
        Ok(is_recorded)
    }

    async fn commit(
        &mut self,
        memory: &mut Memory,
        appends: &[Append],
        failed: Option<(Batch, sqlx::Error)>,
    ) -> Vec<Answer> {
        let deadline = Instant::now() + PATIENCE;
        // What may have reached the database though no answer came back.
        let (mut sent, mut failed) = failed.unzip();
        let mut was_sent = false;
        loop {
            let error = match failed.take() {
                Some(error) => error,
                None => match self.try_once(memory, appends, &mut sent, deadline).await {
                    Ok(answers) => return answers,
                    Err(error) => error,
                },
            };
            memory.heads.clear();
            // Dropped with whatever is under way on it: a transaction ends with its connection.
            self.connection = None;
            if code(&error).as_deref() == Some("LI002") && !self.is_closed {
                // Nothing of it is there. What is a repeat has its answer all the same.
                (self.is_closed, sent, was_sent) = (true, None, false);
                continue;
            }
            if is_lost(&error) && Instant::now() < deadline {
                // What the old connection was doing ends before the lock is free again. Then it's looked what became of
                // the rows, and what wasn't recorded is recorded now.
                tracing::warn!(%error, "the database went away while appends were under way; trying again");
                was_sent = sent.is_some();
                continue;
            }
            tell_failure(&error);
            return appends.iter().map(|_| Err(failure(&error, was_sent, sent.is_some()))).collect();
        }
    }
}

impl Writer {
    pub(super) fn new(
        options: PgConnectOptions,
        connection: PgConnection,
        head: watch::Sender<Last>,
        recorder: Recorder,
        is_reached: watch::Sender<bool>,
        own: Arc<AtomicU32>,
    ) -> Self {
        Self { options, connection: Some(connection), head, recorder, is_closed: false, is_reached, own }
    }

    pub(super) async fn close(mut self) {
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "the database did not close cleanly");
        }
    }

    /// The connection, or a new one within the time.
    async fn connected(&mut self, deadline: Instant) -> Result<PgConnection, sqlx::Error> {
        if let Some(mut connection) = self.connection.take() {
            // Once the database is known to be away nothing is sent on a connection that may have gone with it: nobody
            // could say any more that it wasn't recorded.
            if *self.is_reached.borrow()
                || matches!(timeout_at(deadline, connection.ping()).await, Ok(Ok(())))
            {
                return Ok(connection);
            }
        }
        loop {
            let connected = match timeout_at(deadline, connect::writer(&self.options, &self.own)).await {
                Ok(connected) => connected,
                Err(_) => Err(sqlx::Error::PoolTimedOut),
            };
            match connected {
                Ok(connection) => {
                    self.is_reached.send_if_modified(|is| !std::mem::replace(is, true));
                    return Ok(connection);
                }
                Err(error) => {
                    self.is_reached.send_if_modified(|is| std::mem::replace(is, false));
                    if Instant::now() + REST >= deadline {
                        return Err(error);
                    }
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }

    async fn try_once(
        &mut self,
        memory: &mut Memory,
        appends: &[Append],
        sent: &mut Option<Batch>,
        deadline: Instant,
    ) -> Result<Vec<Answer>, sqlx::Error> {
        let connection = self.connected(deadline).await?;
        let trying = self.try_commit(connection, memory, appends, sent);
        tokio::time::timeout(STUCK, trying).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    /// Commits, and gives the connection back only if all went well.
    async fn try_commit(
        &mut self,
        mut connection: PgConnection,
        memory: &mut Memory,
        appends: &[Append],
        sent: &mut Option<Batch>,
    ) -> Result<Vec<Answer>, sqlx::Error> {
        let was_sent = sent.is_some();
        if !was_sent && !memory.looks_first {
            load_heads(&mut connection, memory, appends, false).await?;
            let batch = memory.judge(appends, Recorded::default());
            if !batch.refuses() {
                self.connection = Some(connection);
                let batch = sent.insert(batch);
                if self.write(batch).await? {
                    return Ok(sent.take().map(|batch| memory.recorded(batch)).unwrap_or_default());
                }
                *sent = None;
                let Some(again) = self.connection.take() else { return Err(sqlx::Error::PoolTimedOut) };
                connection = again;
            }
        }
        let mut tx = connection.begin().await?;
        sqlx::query("SELECT liem.lock()").execute(&mut *tx).await?;
        let mut answers_again = match sent {
            Some(batch) => is_recorded(&mut tx, batch).await?,
            None => false,
        };
        if !answers_again {
            let last = load_last(&mut tx).await?;
            if last != memory.last {
                memory.heads.clear();
                memory.last = last;
            }
            let known = find_known(&mut tx, appends).await?;
            load_heads(&mut tx, memory, appends, true).await?;
            let mut batch = memory.judge(appends, known);
            if self.is_closed {
                batch.refuse_new(last);
            }
            let batch = sent.insert(batch);
            memory.looks_first = batch.repeats();
            match append(&mut tx, batch).await {
                Ok(true) => answers_again = batch.rows.is_empty() && batch.repeats(),
                Ok(false) => {
                    let message = "the database refused rows that were judged under the lock";
                    return Err(sqlx::Error::Decode(message.into()));
                }
                Err(error) if is_refusal(&error) && memory.looks_first => {
                    tell_failure(&error);
                    tx.rollback().await?;
                    wait_for_standby(&mut connection).await?;
                    self.connection = Some(connection);
                    let batch = sent.take();
                    let refused = batch.map(|b| b.refused(last, || failure(&error, was_sent, true)));
                    return Ok(refused.unwrap_or_default());
                }
                Err(error) => return Err(error),
            }
        }
        if answers_again {
            wait_for_standby(&mut tx).await?;
        }
        tx.commit().await?;
        self.connection = Some(connection);
        let Some(batch) = sent.take() else { return Ok(Vec::new()) };
        self.tell(&batch);
        Ok(memory.recorded(batch))
    }

    /// Tells readers what is on disk.
    fn tell(&self, batch: &Batch) {
        if !batch.rows.is_empty() {
            self.recorder.keep(&batch.rows);
            raise(&self.head, batch.last);
        }
    }
}

/// Brings the heads of streams into memory, as far as it can't be judged without them.
async fn load_heads(
    connection: &mut PgConnection,
    memory: &mut Memory,
    appends: &[Append],
    is_sure: bool,
) -> Result<(), sqlx::Error> {
    let missing = memory.heads.missing(appends, is_sure);
    if missing.is_empty() {
        return Ok(());
    }
    // A correlated maximum is one seek in the index per stream; GROUP BY would walk each stream.
    let sql = "SELECT stream, coalesce((SELECT max(revision) FROM liem.entry e WHERE e.stream = asked.stream), 0) \
               FROM unnest($1::text[]) AS asked (stream)";
    for row in sqlx::query(sql).bind(missing).fetch_all(connection).await? {
        memory.heads.put(row.get(0), unsigned(row.get(1)));
    }
    Ok(())
}

/// Whether a batch that was sent is there: its first entry is, with the nonce that it was given.
async fn is_recorded(connection: &mut PgConnection, batch: &Batch) -> Result<bool, sqlx::Error> {
    let Some(first) = batch.rows.first() else { return Ok(false) };
    let sql = "SELECT EXISTS (SELECT FROM liem.entry WHERE position = $1 AND bytes = $2)";
    sqlx::query_scalar(sql).bind(signed(first.position)).bind(&first.bytes).fetch_one(connection).await
}

/// Waits until a standby that commits wait for has what is visible here. It may not: what was committed and not yet
/// confirmed when the server crashed is visible after it. A commit waits only if it writes.
async fn wait_for_standby(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    connection.execute("SELECT pg_logical_emit_message(true, 'liem', ''::text)").await?;
    Ok(())
}

/// Which of the append ids are recorded already.
async fn find_known(connection: &mut PgConnection, appends: &[Append]) -> Result<Recorded, sqlx::Error> {
    let ids: Vec<Uuid> = appends.iter().map(|append| append.id).collect();
    let sql = "SELECT append_id, position, revision, bytes FROM liem.entry WHERE append_id = ANY($1) ORDER BY position";
    let mut known = Recorded::default();
    for row in sqlx::query(sql).bind(ids).fetch_all(connection).await? {
        known
            .add(row.get(0), unsigned(row.get(1)), unsigned(row.get(2)), row.get(3))
            .map_err(|e| sqlx::Error::Decode(e.into()))?;
    }
    Ok(known)
}

/// Records the rows of a batch; false if the log doesn't end where it was judged.
async fn append(connection: &mut PgConnection, batch: &Batch) -> Result<bool, sqlx::Error> {
    let rows = &*batch.rows;
    if rows.len() >= COPIED_ROWS {
        return copy_after(connection, batch.after, rows).await;
    }
    if rows.is_empty() {
        return Ok(true);
    }
    // Each column as one array.
    sqlx::query_scalar("SELECT liem.append($1, $2, $3, $4, $5, $6, $7, $8, $9)")
        .bind(signed(batch.after))
        .bind(rows.iter().map(|row| signed(row.position)).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.stream.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| signed(row.revision)).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.append_id).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.k.cast_signed()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.event_type.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.recorded_at).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.bytes.as_slice()).collect::<Vec<_>>())
        .fetch_one(connection)
        .await
}

/// The same in several round trips, of which each row costs less.
async fn copy_after(connection: &mut PgConnection, after: u64, rows: &[Row]) -> Result<bool, sqlx::Error> {
    let mut tx = connection.begin().await?;
    let is_next: bool =
        sqlx::query_scalar("SELECT liem.begin_append($1)").bind(signed(after)).fetch_one(&mut *tx).await?;
    if !is_next {
        tx.rollback().await?;
        return Ok(false);
    }
    match copy(&mut tx, rows).await {
        Ok(()) => tx.commit().await?,
        Err(error) => {
            // Before anything else is sent: a lost connection fails here too.
            tx.rollback().await?;
            return Err(error);
        }
    }
    Ok(true)
}

/// Records rows as they are.
pub(super) async fn copy(connection: &mut PgConnection, rows: &[Row]) -> Result<(), sqlx::Error> {
    let mut copying = connection.copy_in_raw(COPY).await?;
    copying.send(binary(rows)).await?;
    copying.finish().await?;
    Ok(())
}

/// Rows in the binary format of COPY: each field behind its length, all numbers big end first.
fn binary(rows: &[Row]) -> Vec<u8> {
    fn field(text: &mut Vec<u8>, bytes: &[u8]) {
        text.put_u32(u32::try_from(bytes.len()).expect("an entry is short"));
        text.put_slice(bytes);
    }
    let mut text = Vec::with_capacity(64 + rows.iter().map(|row| 256 + row.bytes.len()).sum::<usize>());
    text.put_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
    for row in rows {
        text.put_u16(8);
        field(&mut text, &signed(row.position).to_be_bytes());
        field(&mut text, row.stream.as_bytes());
        field(&mut text, &signed(row.revision).to_be_bytes());
        field(&mut text, row.append_id.as_bytes());
        field(&mut text, &row.k.to_be_bytes());
        field(&mut text, row.event_type.as_bytes());
        field(&mut text, &row.recorded_at.to_be_bytes());
        field(&mut text, &row.bytes);
    }
    // Where a row would say how many fields it has.
    text.put_i16(-1);
    text
}

/// The database refused a statement as a whole, before anything counted.
fn is_refusal(error: &sqlx::Error) -> bool {
    code(error).is_some() && !is_lost(error)
}

fn tell_failure(error: &sqlx::Error) {
    tracing::error!(%error, "a batch was not recorded");
    metrics::counter!("liem_log_failed_batches_total").increment(1);
}

/// What a failure means to those whose append was in the batch, which may have been sent before the try that failed.
fn failure(error: &sqlx::Error, was_sent: bool, is_sent: bool) -> AppendError {
    let message = error.to_string();
    match code(error).filter(|_| is_refusal(error)).as_deref() {
        Some("53100") if !was_sent => AppendError::StorageFull,
        Some("LI002") if !was_sent => AppendError::Closed,
        Some(_) if !was_sent => AppendError::unreachable(message),
        None if !is_sent => AppendError::unreachable(message),
        _ => AppendError::unavailable(message),
    }
}
