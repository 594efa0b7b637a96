//! What commits to SQLite, over one connection.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection, error::DatabaseError};
use tokio::sync::watch;
use uuid::Uuid;

use super::{from_micros, signed, unsigned};
use crate::{
    Append, AppendError,
    judge::{Answer, Batch, Last, Memory, Recorded, Row},
    queue::Store,
    recent::Recorder,
};

/// Rows of an insert: few lengths, so that few statements need preparing.
const ROWS: [usize; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/// Ids and streams that one statement looks up: the last length is filled up with nothing.
const LOOKED_UP: usize = 100;

pub(super) struct Writer {
    connection: SqliteConnection,
    head: watch::Sender<Last>,
    recorder: Recorder,
}

/// The end of the log as stored.
pub(super) async fn load_last(connection: &mut SqliteConnection) -> Result<Last, sqlx::Error> {
    let row = sqlx::query("SELECT position, recorded_at FROM entry ORDER BY position DESC LIMIT 1")
        .fetch_optional(connection)
        .await?;
    Ok(row.map_or(Last::NOTHING, |row| Last {
        position: unsigned(row.get(0)),
        recorded_at: from_micros(row.get(1)),
    }))
}

#[async_trait]
impl Store for Writer {
    async fn write(&mut self, batch: &Batch) -> Result<bool, sqlx::Error> {
        match write(&mut self.connection, &batch.rows).await {
            Ok(()) => {
                self.tell(batch);
                Ok(true)
            }
            // An append id or a stream is not new.
            Err(error) if is_constraint(&error) => {
                self.roll_back().await;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    async fn commit(
        &mut self,
        memory: &mut Memory,
        appends: &[Append],
        failed: Option<(Batch, sqlx::Error)>,
    ) -> Vec<Answer> {
        let committed = match failed {
            Some((_, error)) => Err(error),
            None => self.try_commit(memory, appends).await,
        };
        match committed {
            Ok(answers) => answers,
            Err(error) => {
                tracing::error!(error = %error, "a batch was not recorded");
                metrics::counter!("liem_log_failed_batches_total").increment(1);
                self.recover(memory).await;
                self.refuse(memory, appends, &error).await
            }
        }
    }
}

impl Writer {
    pub(super) fn new(connection: SqliteConnection, head: watch::Sender<Last>, recorder: Recorder) -> Self {
        Self { connection, head, recorder }
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

    async fn try_commit(
        &mut self,
        memory: &mut Memory,
        appends: &[Append],
    ) -> Result<Vec<Answer>, sqlx::Error> {
        if !memory.looks_first {
            self.load_heads(memory, appends, false).await?;
            let batch = memory.judge(appends, Recorded::default());
            if !batch.refuses() && self.write(&batch).await? {
                return Ok(memory.recorded(batch));
            }
        }
        let known = self.find_known(appends).await?;
        self.load_heads(memory, appends, true).await?;
        let batch = memory.judge(appends, known);
        memory.looks_first = batch.repeats();
        write(&mut self.connection, &batch.rows).await?;
        self.tell(&batch);
        Ok(memory.recorded(batch))
    }

    /// Tells readers what is on disk.
    fn tell(&self, batch: &Batch) {
        if !batch.rows.is_empty() {
            // First, so that whoever hears of them finds them.
            self.recorder.keep(&batch.rows);
            self.head.send_replace(batch.last);
        }
    }

    /// Answers the appends of a batch that could not be written: what is a repeat has its answer all the same.
    async fn refuse(&mut self, memory: &mut Memory, appends: &[Append], error: &sqlx::Error) -> Vec<Answer> {
        let failure = || storage_error(error);
        match self.find_known(appends).await {
            Ok(known) => memory.judge(appends, known).refused(memory.last, failure),
            Err(_) => appends.iter().map(|_| Err(failure())).collect(),
        }
    }

    /// After a failed commit nothing cached is trusted. SQLite has rolled back, or does so now.
    async fn recover(&mut self, memory: &mut Memory) {
        memory.heads.clear();
        self.roll_back().await;
        match load_last(&mut self.connection).await {
            Ok(last) => {
                memory.last = last;
                self.head.send_replace(last);
            }
            Err(error) => tracing::error!(%error, "the end of the log can't be read"),
        }
    }

    async fn roll_back(&mut self) {
        if let Err(error) = sqlx::query("ROLLBACK").execute(&mut self.connection).await {
            tracing::debug!(%error, "nothing to roll back");
        }
    }

    /// Which of the append ids are recorded already.
    async fn find_known(&mut self, appends: &[Append]) -> Result<Recorded, sqlx::Error> {
        let mut known = Recorded::default();
        let sql = format!(
            "SELECT append_id, position, revision, bytes FROM entry WHERE append_id IN ({}) ORDER BY position",
            vec!["?"; LOOKED_UP].join(",")
        );
        for chunk in appends.chunks(LOOKED_UP) {
            let mut query = sqlx::query(AssertSqlSafe(sql.as_str()));
            for place in 0..LOOKED_UP {
                query = query.bind(chunk.get(place).map(|append| append.id.as_bytes().as_slice()));
            }
            for row in query.fetch_all(&mut self.connection).await? {
                let id = Uuid::from_slice(row.get::<&[u8], _>(0)).unwrap_or_default();
                known
                    .add(id, unsigned(row.get(1)), unsigned(row.get(2)), row.get(3))
                    .map_err(|e| sqlx::Error::Decode(e.into()))?;
            }
        }
        Ok(known)
    }

    /// Brings the heads of streams into the cache, as far as it can't be judged without them.
    async fn load_heads(
        &mut self,
        memory: &mut Memory,
        appends: &[Append],
        is_sure: bool,
    ) -> Result<(), sqlx::Error> {
        let missing = memory.heads.missing(appends, is_sure);
        if missing.is_empty() {
            return Ok(());
        }
        // A correlated maximum is one seek in the index per stream; GROUP BY would walk each stream.
        let sql = format!(
            "SELECT asked.column1, (SELECT max(revision) FROM entry WHERE stream = asked.column1) \
             FROM (VALUES {}) AS asked WHERE asked.column1 IS NOT NULL",
            vec!["(?)"; LOOKED_UP].join(",")
        );
        for chunk in missing.chunks(LOOKED_UP) {
            let mut query = sqlx::query(AssertSqlSafe(sql.as_str()));
            for place in 0..LOOKED_UP {
                query = query.bind(chunk.get(place));
            }
            for row in query.fetch_all(&mut self.connection).await? {
                let revision: Option<i64> = row.get(1);
                memory.heads.put(row.get(0), revision.map_or(0, unsigned));
            }
        }
        Ok(())
    }
}

/// Writes rows in one transaction, with as few words to SQLite's thread as there can be.
pub(super) async fn write(connection: &mut SqliteConnection, rows: &[Row]) -> Result<(), sqlx::Error> {
    let most = ROWS[ROWS.len() - 1];
    if rows.is_empty() {
        return Ok(());
    }
    if rows.len() <= most {
        // A statement is a transaction of its own.
        return insert(connection, rows).await;
    }
    // Not by sqlx's transaction: it loses count where SQLite rolls back by itself, as on a full disk, and
    // would never begin again.
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
    for rows in rows.chunks(most) {
        insert(connection, rows).await?;
    }
    sqlx::query("COMMIT").execute(connection).await?;
    Ok(())
}

/// Inserts rows by one statement, which is filled up with nothing to one of a few lengths.
async fn insert(connection: &mut SqliteConnection, rows: &[Row]) -> Result<(), sqlx::Error> {
    let length = ROWS.into_iter().find(|length| *length >= rows.len()).unwrap_or(rows.len());
    let filling = if length == rows.len() { "" } else { " WHERE column1 IS NOT NULL" };
    let sql = format!(
        "INSERT INTO entry (position, stream, revision, append_id, k, type, recorded_at, bytes) \
         SELECT * FROM (VALUES {}){filling}",
        vec!["(?,?,?,?,?,?,?,?)"; length].join(",")
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for row in rows {
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
    // What isn't bound is NULL.
    let inserted = query.execute(connection).await?.rows_affected();
    assert_eq!(inserted, rows.len() as u64, "every row of a batch is inserted, or the statement fails");
    Ok(())
}

/// The primary code of a database error.
fn code(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error().and_then(DatabaseError::code)?.parse::<i32>().ok()?;
    // The low byte is the primary code.
    Some(code & 0xff)
}

fn is_constraint(error: &sqlx::Error) -> bool {
    code(error) == Some(libsqlite3_sys::SQLITE_CONSTRAINT)
}

/// What a database error means to those whose append was in the batch.
fn storage_error(error: &sqlx::Error) -> AppendError {
    match code(error) {
        // SQLite reports a full disk while writing, before the commit counts.
        Some(libsqlite3_sys::SQLITE_FULL) => AppendError::StorageFull,
        _ => AppendError::unavailable(error.to_string()),
    }
}
