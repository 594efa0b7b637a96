//! The task that folds the write-ahead log back into the database while the writer goes on.
//!
//! The writer does it too, once the write-ahead log is long, and then begins it anew; but it finds little left to do, and no
//! append waits long for it.

use std::{path::PathBuf, time::Duration};

use sqlx::{ConnectOptions as _, SqliteConnection};
use tokio::sync::watch;

use super::connect;
use crate::judge::Last;

/// After so many entries it's folded back: often enough that the writer finds little to do, seldom enough that index
/// pages, which change with every entry, are not written over and over.
const ENTRIES: u64 = 4_096;

/// How long it rests after a failure.
const REST: Duration = Duration::from_mins(1);

pub(super) struct Folder {
    pub(super) log: PathBuf,
    pub(super) head: watch::Receiver<Last>,
    /// Closed when it shall stop.
    pub(super) stop: watch::Receiver<()>,
}

impl Folder {
    pub(super) async fn run(mut self) {
        let mut connection = None;
        let mut folded = self.head.borrow().position;
        while self.is_due(folded + ENTRIES).await {
            folded = self.head.borrow().position;
            if let Err(error) = self.fold(&mut connection).await {
                tracing::warn!(%error, "the write-ahead log is not folded back beside the writer: appends wait for it");
                connection = None;
                drop(tokio::time::timeout(REST, self.stop.changed()).await);
            }
        }
    }

    /// Waits until the log reaches a position; false if it shall stop.
    async fn is_due(&mut self, position: u64) -> bool {
        let reached = self.head.wait_for(|last| last.position >= position);
        tokio::select! {
            biased;
            _ = self.stop.changed() => false,
            reached = reached => reached.is_ok(),
        }
    }

    async fn fold(&self, connection: &mut Option<SqliteConnection>) -> Result<(), sqlx::Error> {
        let connection = match connection {
            Some(connection) => connection,
            // Only moves pages: a cache would hold what nobody asks for.
            None => connection.insert(connect(&self.log).pragma("cache_size", "-256").connect().await?),
        };
        sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(connection).await?;
        Ok(())
    }
}
