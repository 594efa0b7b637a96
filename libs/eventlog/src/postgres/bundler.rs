//! The task that makes bundles behind the log's head: in one process at a time, the others see what it makes.

use std::time::Duration;

use sqlx::{Connection as _, Executor as _, PgConnection, PgPool};
use tokio::sync::watch;

use super::{read, signed, unsigned, writer};
use crate::{
    bundle::{self, BUNDLE_ENTRIES},
    judge::Last,
    recent::Recent,
};

/// Bundles in one transaction, at most.
const BATCH: u64 = 16;

/// Bytes in one transaction: once there are so many, no further bundle is added.
const BATCH_BYTES: usize = 8 << 20;

/// How long it rests after a failure, and where another process makes them.
const REST: Duration = Duration::from_secs(1);

/// One process at a time makes bundles.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7808826862170697071)";
const TRY_LOCK: &str = "SELECT pg_try_advisory_xact_lock(7808826862170697071)";

pub(super) type Failed = Box<dyn std::error::Error + Send + Sync>;

pub(super) struct Bundler {
    pub(super) pool: PgPool,
    pub(super) head: watch::Receiver<Last>,
    pub(super) reach: watch::Sender<u64>,
    pub(super) recent: Recent,
    /// Closed when it shall stop.
    pub(super) stop: watch::Receiver<()>,
}

/// How far the bundles in the database reach.
pub(super) async fn reach(connection: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let last: Option<i64> =
        sqlx::query_scalar("SELECT max(number) FROM liem.bundle").fetch_one(connection).await?;
    // A number past all that a log can have is a forgery, and no reason to fail.
    let end = |last| (unsigned(last) + 1).saturating_mul(BUNDLE_ENTRIES).min(unsigned(i64::MAX));
    Ok(last.map_or(0, end))
}

impl Bundler {
    pub(super) async fn run(mut self) {
        while self.is_due().await {
            match self.make().await {
                Ok(true) => {}
                Ok(false) => self.rest().await,
                Err(error) => {
                    tracing::warn!(%error, "bundles could not be made: history is read row by row");
                    self.rest().await;
                }
            }
        }
    }

    async fn rest(&mut self) {
        drop(tokio::time::timeout(REST, self.stop.changed()).await);
    }

    /// Waits until the next bundle is complete; false if it shall stop.
    async fn is_due(&mut self) -> bool {
        let end = *self.reach.borrow() + BUNDLE_ENTRIES;
        let complete = self.head.wait_for(|last| last.position >= end);
        tokio::select! {
            biased;
            _ = self.stop.changed() => false,
            complete = complete => complete.is_ok(),
        }
    }

    /// Makes the next bundles; false if another process is making them.
    async fn make(&mut self) -> Result<bool, Failed> {
        let head = self.head.borrow().position;
        let mut connection = self.pool.acquire().await?;
        let mut tx = connection.begin().await?;
        // What waits is a loss of work, so nobody waits.
        let is_ours: bool = sqlx::query_scalar(TRY_LOCK).fetch_one(&mut *tx).await?;
        let reach =
            if is_ours { make(&mut tx, Some(&mut self.recent), head).await? } else { reach(&mut tx).await? };
        tx.commit().await?;
        self.reach.send_replace(reach);
        Ok(is_ours)
    }
}

/// Takes all bundles away and makes them anew. Returns how many there are.
pub(super) async fn make_anew(connection: &mut PgConnection) -> Result<u64, Failed> {
    let mut tx = connection.begin().await?;
    tx.execute(LOCK).await?;
    tx.execute("DELETE FROM liem.bundle").await?;
    tx.commit().await?;
    loop {
        let mut tx = connection.begin().await?;
        tx.execute(LOCK).await?;
        let head = writer::load_last(&mut tx).await?.position;
        let reach = make(&mut tx, None, head).await?;
        tx.commit().await?;
        if reach + BUNDLE_ENTRIES > head {
            return Ok(reach / BUNDLE_ENTRIES);
        }
    }
}

/// Makes the next bundles of a log, within a transaction that holds the lock. Returns how far they reach.
async fn make(tx: &mut PgConnection, mut recent: Option<&mut Recent>, head: u64) -> Result<u64, Failed> {
    let mut reach = reach(tx).await?;
    let (mut numbers, mut made, mut bytes) = (Vec::new(), Vec::new(), 0);
    while reach + BUNDLE_ENTRIES <= head && (made.len() as u64) < BATCH && bytes < BATCH_BYTES {
        let kept = match recent.as_mut().and_then(|recent| recent.bundle(reach)) {
            Some(kept) if ends_as_recorded(tx, reach, &kept).await? => Some(kept),
            _ => None,
        };
        let bundle = if let Some(kept) = kept {
            kept
        } else {
            let entries = read::stretch(tx, reach).await?;
            bundle::of(&entries).ok_or("an entry is too long for a bundle")?
        };
        let stored = bundle::compress(&bundle);
        bytes += stored.len();
        numbers.push(signed(reach / BUNDLE_ENTRIES));
        made.push(stored);
        reach += BUNDLE_ENTRIES;
        tokio::task::yield_now().await;
    }
    sqlx::query("INSERT INTO liem.bundle (number, entries) SELECT * FROM unnest($1::bigint[], $2::bytea[])")
        .bind(numbers)
        .bind(made)
        .execute(tx)
        .await?;
    Ok(reach)
}

/// Whether a bundle past a position has the last entry that the database has there, and so all before it: another server may
/// have come in the place of the one that had recorded what is kept, and without the newest of it.
async fn ends_as_recorded(tx: &mut PgConnection, past: u64, bundle: &[u8]) -> Result<bool, sqlx::Error> {
    let last: Option<Vec<u8>> = sqlx::query_scalar("SELECT bytes FROM liem.entry WHERE position = $1")
        .bind(signed(past + BUNDLE_ENTRIES))
        .fetch_optional(tx)
        .await?;
    Ok(last.is_some_and(|last| bundle.ends_with(&last)))
}
