//! The directory in memory: what command services look agencies, procedures and the calendar up in.

use std::{
    sync::{Arc, RwLock},
    time::Duration,
};

use eventlog::{EventLog, Filter};
use events::directory::{CATEGORIES, Directory};
use futures::StreamExt as _;
use proto::{Failure, ledger::ErrorReason};
use serve::Shutdown;
use tokio::sync::watch;

/// How long a look-up waits for the directory to catch up with the log.
const PATIENCE: Duration = Duration::from_secs(5);

/// The directory, following the log in memory.
#[derive(Clone)]
pub struct DirectoryFollower {
    log: Arc<dyn EventLog>,
    /// The directory and the position it was read to, together.
    directory: Arc<RwLock<(Arc<Directory>, u64)>>,
    position: watch::Receiver<u64>,
}

impl DirectoryFollower {
    /// Follows the directory's events until the shutdown.
    pub fn start(log: Arc<dyn EventLog>, shutdown: Shutdown) -> Self {
        let directory = Arc::new(RwLock::new((Arc::new(Directory::default()), 0)));
        let (sender, position) = watch::channel(0);
        let follower = Self { log: log.clone(), directory: directory.clone(), position };
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = follow(&*log, &directory, &sender) => {}
                    () = shutdown.wait() => return,
                }
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(200)) => {}
                    () = shutdown.wait() => return,
                }
            }
        });
        follower
    }

    /// The directory as far as it was read, and that position.
    pub fn now(&self) -> (Arc<Directory>, u64) {
        self.directory.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// The directory once it has caught up with the log as it is now: for a look-up that found nothing in
    /// [`DirectoryFollower::now`], and for whatever terms and calendar decide. Waits up to five seconds.
    pub async fn caught_up(&self) -> Result<(Arc<Directory>, u64), Failure> {
        let head = self.log.head().await?.position;
        let (directory, position) = self.now();
        if position >= head {
            return Ok((directory, position));
        }
        let mut reached = self.position.clone();
        if let Ok(Ok(_)) = tokio::time::timeout(PATIENCE, reached.wait_for(|p| *p >= head)).await {
            return Ok(self.now());
        }
        let text = "the directory has not caught up with the log in time: nothing was recorded, try again";
        Err(Failure::new(ErrorReason::ViewBehind, text))
    }

    /// Waits until the directory has been read up to where the log ends now, however long that takes: before a
    /// service that looks things up in it begins to answer.
    pub async fn ready(&self) -> Result<(), eventlog::ReadError> {
        let head = self.log.head().await?.position;
        let mut reached = self.position.clone();
        // The follower's task ends with a shutdown only, and then nobody asks.
        drop(reached.wait_for(|p| *p >= head).await);
        Ok(())
    }
}

async fn follow(
    log: &dyn EventLog,
    directory: &RwLock<(Arc<Directory>, u64)>,
    position: &watch::Sender<u64>,
) {
    let filter = Filter { types: Vec::new(), categories: CATEGORIES.map(str::to_owned).to_vec() };
    let mut pages = log.follow(*position.borrow(), filter);
    while let Some(page) = pages.next().await {
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                tracing::warn!(%error, "the directory's events can't be read; trying again");
                return;
            }
        };
        {
            let mut held = directory.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            let (held, read_to) = &mut *held;
            *read_to = page.through;
            for entry in &page.entries {
                let folded = entry.header().map_err(|e| e.to_string()).and_then(|header| {
                    Arc::make_mut(held).fold(header.category(), &entry.bytes).map_err(|e| e.to_string())
                });
                if let Err(error) = folded {
                    // The views stop at such an entry and say so; commands go on with what is known.
                    tracing::error!(
                        position = entry.position,
                        error,
                        "an event of the directory can't be read"
                    );
                }
            }
        }
        position.send_replace(page.through);
    }
}
