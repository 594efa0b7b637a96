//! Moving a log from one place to another, every entry's bytes unchanged.
//!
//! The source is closed first, for good, and the target takes appends only once it has all: there are never two
//! live logs of one origin. What was interrupted goes on where it stopped.

use async_trait::async_trait;

use crate::{
    Entry, LogPlace, NotAnEntry, OpenError, ReadError, entry::Header, judge::Row, postgres::PostgresEnd,
    sqlite::SqliteEnd,
};

/// Entries in one transaction.
const PAGE: u64 = 1_000;

/// Why a log could not be moved.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A place can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A place can't be read or written.
    #[error("can't go on with {place}: start it again, it goes on where it stopped")]
    Database {
        /// The place.
        place: String,
        /// Why.
        #[source]
        source: Failed,
    },
    /// The source has something that is no entry.
    #[error("the source is damaged: run `liem log check` on it")]
    Damaged(#[from] NotAnEntry),
    /// The source has a gap.
    #[error("the source has no entry at position {position}: run `liem log check` on it")]
    Gap {
        /// Where.
        position: u64,
    },
    /// The source has nothing.
    #[error("{place} has no log")]
    Empty {
        /// The source.
        place: String,
    },
    /// The source is the target of a move that did not end.
    #[error("{place} is not complete itself: finish the move that fills it first")]
    Incomplete {
        /// The source.
        place: String,
    },
    /// The target has a log.
    #[error("{place} has a log already: name an empty place")]
    Occupied {
        /// The target.
        place: String,
    },
    /// One of both was moved elsewhere before.
    #[error("{place} is closed, {reason}: there would be two of one log")]
    Moved {
        /// Which.
        place: String,
        /// Why it's closed.
        reason: String,
    },
}

/// What was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Entries that the target has now.
    pub entries: u64,
    /// Of these, entries that it had already from an earlier try.
    pub found: u64,
}

/// Moves the log of a place to another one that is empty. `progress` is told how many entries are there, of how many.
///
/// A database needs the owner's role on either side. The source may not be open if it's a file, which the ledger that writes
/// it locks; ledgers on a database get `LOG_CLOSED` from then on.
pub async fn copy(
    from: &LogPlace,
    to: &LogPlace,
    mut progress: impl FnMut(u64, u64) + Send,
) -> Result<Copied, CopyError> {
    let mut source = open(from, false).await?;
    let mut target = open(to, true).await?;
    let failed = |place: &LogPlace| {
        let place = place.to_string();
        move |source| CopyError::Database { place, source }
    };
    let source_closed = source.closed().await.map_err(failed(from))?;
    let target_closed = target.closed().await.map_err(failed(to))?;
    let (goes_on, here) =
        (target_closed.as_ref().is_some_and(|c| c.incomplete), format!("it was moved to {to}"));
    match (&source_closed, target_closed) {
        (Some(Closed { incomplete: true, .. }), _) => {
            return Err(CopyError::Incomplete { place: from.to_string() });
        }
        (_, Some(Closed { incomplete: false, reason })) => {
            return Err(CopyError::Moved { place: to.to_string(), reason });
        }
        _ => {}
    }
    let occupied = || CopyError::Occupied { place: to.to_string() };
    let found = target.head().await.map_err(failed(to))?;
    if found > 0 {
        // No other log has the same: every entry has a nonce.
        for position in [1, found] {
            let ours = source.page(position - 1, 1).await.map_err(|e| failed(from)(e.into()))?;
            if ours.is_empty()
                || target.page(position - 1, 1).await.map_err(|e| failed(to)(e.into()))? != ours
            {
                return Err(occupied());
            }
        }
        if !goes_on && source_closed.is_none() {
            // Both are open: it's the source itself, or a copy that was made otherwise.
            return Err(occupied());
        }
    } else if source.head().await.map_err(failed(from))? == 0 {
        return Err(CopyError::Empty { place: from.to_string() });
    } else if let Some(Closed { reason, .. }) = source_closed.filter(|closed| closed.reason != here) {
        return Err(CopyError::Moved { place: from.to_string(), reason });
    } else {
        // Before the source is closed: a target that takes nothing must not cost the log.
        target
            .begin(&format!("it is being moved here from {from}, and not complete"))
            .await
            .map_err(failed(to))?;
    }
    let total = source.close_for_good(&here).await.map_err(failed(from))?;
    if found > 0 && !goes_on && found != total {
        return Err(occupied());
    }
    let mut through = found;
    while through < total {
        let page = source.page(through, PAGE.min(total - through)).await;
        let page = page.map_err(|e| failed(from)(e.into()))?;
        let mut rows = Vec::with_capacity(page.len());
        for entry in page {
            through += 1;
            if entry.position != through {
                return Err(CopyError::Gap { position: through });
            }
            rows.push(row_of(&entry)?);
        }
        if rows.is_empty() {
            return Err(CopyError::Gap { position: through + 1 });
        }
        target.write(&rows).await.map_err(failed(to))?;
        progress(through, total);
    }
    target.finish().await.map_err(failed(to))?;
    Ok(Copied { entries: total, found })
}

/// The row of an entry: what its bytes say.
fn row_of(entry: &Entry) -> Result<Row, NotAnEntry> {
    let Header { stream, revision, append_id, k, event_type, recorded_at, .. } = entry.header()?;
    Ok(Row {
        position: entry.position,
        stream,
        revision,
        append_id,
        k,
        event_type,
        recorded_at: recorded_at.timestamp_micros(),
        bytes: entry.bytes.to_vec(),
    })
}

pub(crate) type Failed = Box<dyn std::error::Error + Send + Sync>;

/// What closes a log.
pub(crate) struct Closed {
    /// It's the target of a move that has not ended.
    pub(crate) incomplete: bool,
    pub(crate) reason: String,
}

/// One end of a move: a log that nobody else writes to.
#[async_trait]
pub(crate) trait End: Send {
    /// The position of the last entry.
    async fn head(&mut self) -> Result<u64, Failed>;

    /// Whether it takes no appends, and why.
    async fn closed(&mut self) -> Result<Option<Closed>, Failed>;

    /// Lets it take no append any more, for good, and returns where it ends.
    async fn close_for_good(&mut self, reason: &str) -> Result<u64, Failed>;

    /// Marks it, which has nothing, as not complete, so that nobody opens it.
    async fn begin(&mut self, reason: &str) -> Result<(), Failed>;

    /// Entries past a position, oldest first.
    async fn page(&mut self, past: u64, limit: u64) -> Result<Vec<Entry>, ReadError>;

    /// Writes rows that follow on its last one, in one transaction.
    async fn write(&mut self, rows: &[Row]) -> Result<(), Failed>;

    /// It has all: it may be opened.
    async fn finish(&mut self) -> Result<(), Failed>;
}

async fn open(place: &LogPlace, is_target: bool) -> Result<Box<dyn End>, OpenError> {
    Ok(match place {
        LogPlace::File(path) => Box::new(SqliteEnd::open(path, is_target).await?),
        LogPlace::Postgres(options) => Box::new(PostgresEnd::open(options).await?),
    })
}
