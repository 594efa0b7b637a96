//! The file of bundles beside an SQLite log.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use sqlx::{
    ConnectOptions as _, Connection as _, Row as _, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::watch;

use super::{read, signed, unsigned};
use crate::{
    bundle::{self, BUNDLE_ENTRIES, decode, decompress},
    pages::Stored,
};

/// The version in `PRAGMA user_version`: this schema, each bundle compressed as one LZ4 block behind its length.
const VERSION: i64 = 1;

/// Why a bundles file can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("it is of another version")]
    Version,
    #[error("it reaches to position {reach}, but the log ends at {head}")]
    PastHead { reach: u64, head: u64 },
    #[error("bundle {number} is not what the log has")]
    Differs { number: u64 },
}

/// The bundles file of a log.
pub(super) fn path_of(log: &Path) -> PathBuf {
    log.with_extension("bundles")
}

/// How the file is read. Nothing is set in the file: it may be being made.
pub(super) fn for_reading(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(Duration::from_secs(10))
        .pragma("cache_size", "-4096")
        // Bundles that wait to be taken are memory.
        .row_buffer_size(2)
}

/// How the file is written.
pub(super) fn for_writing(path: &Path) -> SqliteConnectOptions {
    for_reading(path)
        .read_only(false)
        .page_size(16_384)
        .journal_mode(SqliteJournalMode::Wal)
        // Never torn, though the last ones may be lost: they're made again.
        .synchronous(SqliteSynchronous::Normal)
        .pragma("wal_autocheckpoint", "512")
}

/// How far the bundles of a file reach.
pub(super) async fn reach(file: &mut SqliteConnection) -> Result<u64, Unusable> {
    // One statement, and so one snapshot: the file may be being made.
    let (version, statements): (i64, i64) =
        sqlx::query_as("SELECT user_version, (SELECT count(*) FROM sqlite_schema) FROM pragma_user_version")
            .fetch_one(&mut *file)
            .await?;
    match version {
        VERSION => {}
        0 if statements == 0 => return Ok(0),
        _ => return Err(Unusable::Version),
    }
    let last: Option<i64> = sqlx::query_scalar("SELECT max(number) FROM bundle").fetch_one(file).await?;
    // A negative number was never ours.
    let count = last.map_or(Ok(0), |last| u64::try_from(last).map(|last| last + 1));
    let end = |count: u64| count.saturating_mul(BUNDLE_ENTRIES).min(i64::MAX.unsigned_abs());
    count.map(end).map_err(|_negative| Unusable::Version)
}

/// One bundle as it is stored.
pub(super) async fn stored(file: &mut SqliteConnection, number: u64) -> Result<Option<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar("SELECT entries FROM bundle WHERE number = ?")
        .bind(signed(number))
        .fetch_optional(file)
        .await
}

/// Makes the table where it isn't there.
pub(super) async fn create(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let mut file = for_writing(path).create_if_missing(true).connect().await?;
    let mut tx = file.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query(
        "CREATE TABLE IF NOT EXISTS bundle (number INTEGER PRIMARY KEY, entries BLOB NOT NULL) STRICT",
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query("PRAGMA user_version = 1").execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(file)
}

/// The file, if it's there and belongs to this log, and how far it reaches. One that can't be used is taken
/// away, to be made anew.
pub(super) async fn open(
    log: &Path,
    rows: &mut SqliteConnection,
    head: u64,
) -> (Option<SqliteConnection>, u64) {
    let path = path_of(log);
    if !path.exists() {
        return (None, 0);
    }
    match verified(&path, rows, head).await {
        Ok((file, 0)) => {
            // Perhaps without its table, which is made with the first bundle.
            drop(file.close().await);
            (None, 0)
        }
        Ok((file, reach)) => (Some(file), reach),
        Err(reason) => {
            let shown = path.display();
            tracing::warn!(path = %shown, %reason, "the bundles can't be used: they are made anew");
            if let Err(error) = remove(&path) {
                tracing::warn!(path = %shown, %error, "the bundles can't be taken away");
            }
            (None, 0)
        }
    }
}

async fn verified(
    path: &Path,
    rows: &mut SqliteConnection,
    head: u64,
) -> Result<(SqliteConnection, u64), Unusable> {
    let mut file = for_writing(path).connect().await?;
    match belongs(&mut file, rows, head).await {
        Ok(reach) => Ok((file, reach)),
        Err(reason) => {
            // It's taken away next, and must not be open then.
            drop(file.close().await);
            Err(reason)
        }
    }
}

/// The last bundle is what the log has at its end: no other log has it, as every entry has a nonce.
async fn belongs(
    file: &mut SqliteConnection,
    rows: &mut SqliteConnection,
    head: u64,
) -> Result<u64, Unusable> {
    let reach = reach(file).await?;
    if reach > head {
        return Err(Unusable::PastHead { reach, head });
    }
    if let Some(past) = reach.checked_sub(BUNDLE_ENTRIES) {
        let number = past / BUNDLE_ENTRIES;
        let bundle = stored(file, number).await?.as_deref().and_then(decompress);
        let expected = read::stretch(rows, past).await.ok().as_deref().and_then(bundle::of);
        if expected.is_none() || bundle.as_deref() != expected.as_deref() {
            return Err(Unusable::Differs { number });
        }
    }
    Ok(reach)
}

fn remove(path: &Path) -> io::Result<()> {
    // The log of the file first: without its file it would never be read again, but for a new one.
    for suffix in ["-wal", "-shm", ""] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(&name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Reads bundles, as far as there are any.
#[derive(Clone)]
pub(super) struct Bundles {
    pool: SqlitePool,
    reach: watch::Receiver<u64>,
}

impl Bundles {
    /// Opens nothing yet: most logs are short.
    pub(super) fn new(log: &Path, reach: watch::Receiver<u64>) -> Self {
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .test_before_acquire(false)
            .connect_lazy_with(for_reading(&path_of(log)));
        Self { pool, reach }
    }

    pub(super) fn reach(&self) -> u64 {
        *self.reach.borrow()
    }

    /// Waits until bundles reach a position; false if none are made any more.
    pub(super) async fn until(&self, position: u64) -> bool {
        self.reach.clone().wait_for(|reach| *reach >= position).await.is_ok()
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    /// One bundle in its form; none where there is none, or it's damaged.
    pub(super) async fn get(&self, number: u64) -> Result<Option<Bytes>, sqlx::Error> {
        if number >= self.reach() / BUNDLE_ENTRIES {
            return Ok(None);
        }
        let mut connection = self.pool.acquire().await?;
        let bundle = stored(&mut connection, number).await?.as_deref().and_then(decompress);
        Ok(bundle.filter(|bundle| decode(bundle).is_some()))
    }

    /// Bundles from one number to another as they are stored.
    pub(super) fn stored(&self, first: u64, last: u64) -> Stored<'_> {
        // One statement for all of them: SQLite reads the next ones while these are looked through.
        sqlx::query("SELECT number, entries FROM bundle WHERE number >= ? AND number <= ? ORDER BY number")
            .bind(signed(first))
            .bind(signed(last))
            .fetch(&self.pool)
            .map_ok(|row| (unsigned(row.get(0)), row.get(1)))
            .boxed()
    }
}
