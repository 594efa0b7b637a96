//! The task that makes bundles behind the log's head.
//!
//! It reads the log like any reader and writes a file of its own, so that no append ever waits for it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::watch;

use super::{bundles, connect, read, signed};
use crate::{
    bundle::{self, BUNDLE_ENTRIES},
    judge::Last,
    recent::Recent,
};

/// Bundles in one transaction, at most.
const BATCH: u64 = 16;

/// Bytes in one transaction: once there are so many, no further bundle is added.
const BATCH_BYTES: usize = 8 << 20;

/// How long it rests after a failure.
const REST: Duration = Duration::from_mins(1);

type Failed = Box<dyn std::error::Error + Send + Sync>;

pub(super) struct Bundler {
    pub(super) log: PathBuf,
    /// Where entries are read that are not kept.
    pub(super) rows: Option<SqliteConnection>,
    /// Made with the first bundle: most logs are short.
    pub(super) file: Option<SqliteConnection>,
    pub(super) head: watch::Receiver<Last>,
    pub(super) reach: watch::Sender<u64>,
    pub(super) recent: Recent,
    /// Closed when it shall stop.
    pub(super) stop: watch::Receiver<()>,
}

impl Bundler {
    pub(super) async fn run(mut self) {
        while self.is_due().await {
            if let Err(error) = self.make().await {
                tracing::warn!(%error, "bundles could not be made: history is read row by row");
                // What is wrong may pass, as a full disk does. The connections may be what is wrong.
                self.rows = None;
                self.file = None;
                drop(tokio::time::timeout(REST, self.stop.changed()).await);
            }
        }
        if let Some(file) = self.file.take()
            && let Err(error) = close(file).await
        {
            tracing::debug!(%error, "the bundles did not close cleanly");
        }
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

    /// Makes the next bundles in one transaction.
    async fn make(&mut self) -> Result<(), Failed> {
        let mut reach = *self.reach.borrow();
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(open(&self.log, reach).await?),
        };
        let head = self.head.borrow().position;
        let (mut made, mut bytes) = (Vec::new(), 0);
        while reach + BUNDLE_ENTRIES <= head && (made.len() as u64) < BATCH && bytes < BATCH_BYTES {
            let bundle = match self.recent.bundle(reach) {
                Some(bundle) => bundle,
                None => read_bundle(&mut self.rows, &self.log, reach).await?,
            };
            let stored = bundle::compress(&bundle);
            bytes += stored.len();
            made.push((reach / BUNDLE_ENTRIES, stored));
            reach += BUNDLE_ENTRIES;
            tokio::task::yield_now().await;
        }
        let mut tx = file.begin_with("BEGIN IMMEDIATE").await?;
        for (number, stored) in made {
            sqlx::query("INSERT INTO bundle (number, entries) VALUES (?, ?)")
                .bind(signed(number))
                .bind(stored)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        self.reach.send_replace(reach);
        Ok(())
    }
}

/// A bundle of what the log has past a position.
async fn read_bundle(rows: &mut Option<SqliteConnection>, log: &Path, past: u64) -> Result<Vec<u8>, Failed> {
    let rows = if let Some(rows) = rows {
        rows
    } else {
        // Reads each row once: a cache would hold what nobody asks for again.
        let options = connect(log).read_only(true).pragma("cache_size", "-2048");
        rows.insert(options.connect().await?)
    };
    let entries = read::stretch(rows, past).await?;
    Ok(bundle::of(&entries).ok_or("an entry is too long for a bundle")?)
}

/// The file again after a failure, or a new one. What it reaches to is known, and was verified.
async fn open(log: &Path, reach: u64) -> Result<SqliteConnection, Failed> {
    let path = bundles::path_of(log);
    let mut file = if reach == 0 {
        bundles::create(&path).await?
    } else {
        bundles::for_writing(&path).connect().await?
    };
    let found = bundles::reach(&mut file).await?;
    if found != reach {
        return Err(format!("the bundles reach to {found}, not to {reach}").into());
    }
    Ok(file)
}

/// Folds the write-ahead log back, so that one file is all there is: readers may have it open still.
async fn close(mut file: SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut file).await?;
    file.close().await
}
