//! Bundles: stretches of 256 entries in one piece, beside the log, so that history is read fast.
//!
//! A bundle has the form of the entry bundles of C2SP tlog-tiles: each entry as its length in two bytes, big
//! end first, and its bytes. They're an index and not the record: whatever is wrong with one, the rows
//! are read instead, and the file can be deleted at any time.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use futures::TryStreamExt as _;
use sqlx::{
    ConnectOptions as _, Connection as _, Row as _, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};
use tokio::sync::watch;

use super::{read, signed, unsigned};
use crate::{Entry, Filter, MAX_ENTRY_BYTES, outline::Outline};

/// Entries in a bundle: bundle n has the positions 256n+1 to 256n+256.
pub(super) const BUNDLE_ENTRIES: u64 = 256;

/// Bytes of a bundle, at most.
const BUNDLE_BYTES: usize = 256 * (2 + MAX_ENTRY_BYTES);

/// Once a page holds so many bytes no further bundle is taken into it.
const PAGE_BYTES: usize = 8 << 20;

/// A page that takes fewer entries of a bundle than one in so many gets copies, or it would keep the whole
/// bundle in memory.
const SPARSE: usize = 8;

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

/// Entries as a bundle; none if one is too long for it.
pub(super) fn encode(entries: &[Entry]) -> Option<Vec<u8>> {
    let mut bundle = Vec::with_capacity(entries.iter().map(|e| 2 + e.bytes.len()).sum());
    for entry in entries {
        bundle.extend(u16::try_from(entry.bytes.len()).ok()?.to_be_bytes());
        bundle.extend_from_slice(&entry.bytes);
    }
    Some(bundle)
}

/// The entries of a bundle, each a slice of it; none if it isn't one.
pub(super) fn decode(bundle: &Bytes) -> Option<Vec<Bytes>> {
    let mut entries = Vec::with_capacity(256);
    let mut at = 0;
    while at < bundle.len() {
        let length: [u8; 2] = bundle.get(at..at + 2)?.try_into().ok()?;
        let end = at + 2 + usize::from(u16::from_be_bytes(length));
        if end > bundle.len() {
            return None;
        }
        entries.push(bundle.slice(at + 2..end));
        at = end;
    }
    (entries.len() as u64 == BUNDLE_ENTRIES).then_some(entries)
}

pub(super) fn compress(bundle: &[u8]) -> Vec<u8> {
    lz4_flex::block::compress_prepend_size(bundle)
}

/// A bundle as it was before it was compressed; none if it's damaged.
pub(super) fn decompress(stored: &[u8]) -> Option<Bytes> {
    let (size, block) = lz4_flex::block::uncompressed_size(stored).ok()?;
    if size > BUNDLE_BYTES {
        return None;
    }
    lz4_flex::block::decompress(block, size).ok().filter(|bundle| bundle.len() == size).map(Bytes::from)
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
    count.map(|count| count * BUNDLE_ENTRIES).map_err(|_negative| Unusable::Version)
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
        let expected = read::stretch(rows, past).await.ok().as_deref().and_then(encode);
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

    /// Takes entries of a stretch, past `low` and up to `high`, oldest first, as far as bundles can say. Returns
    /// how far that was; the rest is for the rows.
    pub(super) async fn take(
        &self,
        low: u64,
        high: u64,
        filter: &Filter,
        limit: usize,
        entries: &mut Vec<Entry>,
    ) -> u64 {
        let mut high = high.min(self.reach());
        let takes_all = filter.types.is_empty() && filter.categories.is_empty();
        if takes_all {
            high = high.min(low.saturating_add(limit as u64));
            entries.reserve(usize::try_from(high.saturating_sub(low)).unwrap_or(0));
        }
        let mut through = low;
        if low >= high || limit == 0 {
            return through;
        }
        let mut bytes = 0;
        // One statement for all of them: SQLite reads the next ones while these are looked through.
        let mut rows = sqlx::query(
            "SELECT number, entries FROM bundle WHERE number >= ? AND number <= ? ORDER BY number",
        )
        .bind(signed(low / BUNDLE_ENTRIES))
        .bind(signed((high - 1) / BUNDLE_ENTRIES))
        .fetch(&self.pool);
        while through < high && entries.len() < limit && bytes < PAGE_BYTES {
            let number = through / BUNDLE_ENTRIES;
            let bundle = match rows.try_next().await {
                Ok(row) => row.as_ref().and_then(|row| bundle_of(row, number)),
                Err(error) => {
                    tracing::warn!(%error, "the bundles can't be read");
                    None
                }
            };
            let before = entries.len();
            let taken =
                bundle.and_then(|bundle| take_of(number, bundle, through, high, filter, limit, entries));
            let Some(last) = taken else {
                // Nothing of it: the rows say it all.
                entries.truncate(before);
                tracing::warn!(number, "a bundle is damaged: the log's rows are read in its place");
                break;
            };
            through = last;
            bytes += entries[before..].iter().map(|e| e.bytes.len()).sum::<usize>();
        }
        through
    }
}

fn bundle_of(row: &SqliteRow, number: u64) -> Option<Vec<Bytes>> {
    if unsigned(row.get(0)) != number {
        return None;
    }
    let entries = decode(&decompress(row.get(1))?)?;
    // It is the one it's said to be.
    let first = Outline::of(entries.first()?).ok()?;
    (first.position == number * BUNDLE_ENTRIES + 1).then_some(entries)
}

/// Takes what is wanted of one bundle, and returns how far it was looked through; none if it can't be said
/// what is wanted.
fn take_of(
    number: u64,
    bundle: Vec<Bytes>,
    low: u64,
    high: u64,
    filter: &Filter,
    limit: usize,
    entries: &mut Vec<Entry>,
) -> Option<u64> {
    let before = entries.len();
    let takes_all = filter.types.is_empty() && filter.categories.is_empty();
    let mut through = low;
    for (position, bytes) in (number * BUNDLE_ENTRIES + 1..=high).zip(bundle) {
        if position <= low {
            continue;
        }
        through = position;
        if takes_all || filter.takes(&Outline::of(&bytes).ok()?) {
            entries.push(Entry { position, bytes });
            if entries.len() == limit {
                break;
            }
        }
    }
    let taken = &mut entries[before..];
    if taken.len() * SPARSE < 256 {
        for entry in taken {
            entry.bytes = Bytes::copy_from_slice(&entry.bytes);
        }
    }
    Some(through)
}

impl Filter {
    fn takes(&self, outline: &Outline<'_>) -> bool {
        let holds = |list: &[String], name: &str| list.is_empty() || list.iter().any(|n| n == name);
        holds(&self.types, &outline.event_type) && holds(&self.categories, outline.category())
    }
}
