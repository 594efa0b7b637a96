//! A view that follows the log.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use eventlog::{EventLog, Page};
use futures::StreamExt as _;
use proto::{Failure, ledger::ErrorReason};
use serve::Shutdown;
use sqlx::{SqlitePool, SqliteTransaction, sqlite::SqlitePoolOptions};
use tokio::{sync::watch, task::JoinHandle};
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::{
    FoldError, Positions, View, ViewError, digest, file,
    rows::{Keys, Rows},
};

/// Entries folded before the changes are written, at most.
const BATCH: usize = 16_384;

/// Rows kept in memory between batches, at most.
const KEPT_ROWS: usize = 50_000;

/// How long a query waits for a view to reach a position.
const PATIENCE: Duration = Duration::from_secs(5);

/// How far a view is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// The position it has folded and written.
    pub position: u64,
    /// The head of the log when it last looked.
    pub head: u64,
    /// Why it stopped; none while it is well.
    pub stopped: Option<String>,
}

/// A view that follows the log, and its file.
pub struct Follower<V> {
    view: Arc<V>,
    pool: SqlitePool,
    status: watch::Receiver<Status>,
    path: PathBuf,
    task: JoinHandle<()>,
}

/// A view's tables at one position: queries of one snapshot see the same.
pub struct Snapshot {
    /// The connection to query.
    pub tx: SqliteTransaction<'static>,
    /// The position it is of.
    pub position: u64,
}

enum Stop {
    /// The log can't be read: try again.
    Interrupted(String),
    /// An entry can't be folded, or the file not be written.
    Failed(String),
    Shutdown,
}

impl<V: View> Follower<V> {
    /// Opens the view's file in a folder, makes it where there is none, and follows the log until the
    /// shutdown. `service` is the gRPC service whose health shows whether the view is well.
    pub async fn start(
        view: V,
        log: Arc<dyn EventLog>,
        folder: &Path,
        shutdown: Shutdown,
        health: HealthReporter,
        service: &'static str,
    ) -> Result<Self, ViewError> {
        // The first generation; a file is never renamed.
        let path = folder.join(format!("{}-v{}-g1.db", V::NAME, V::VERSION));
        let head = log.head().await.map_err(|e| unreadable(&e))?;
        // A log is told from others by its first entry, which holds a nonce: two logs can have one name.
        let first = log.read_at(&[1]).await.map_err(|e| unreadable(&e))?;
        let hash = blake3::hash(first.first().map_or(&[], |entry| entry.bytes.as_ref())).to_hex();
        let origin = format!("{}#{}", head.genesis.origin, &hash[..16]);
        let mut file = file::File::open(&path, V::TABLES, &origin).await?;
        let position = file.checkpoint().await?;
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(file::options(&path).read_only(true))
            .await?;
        let view = Arc::new(view);
        let (sender, status) = watch::channel(Status { position, head: head.position, stopped: None });
        let run = Run { view: view.clone(), log, file, rows: Rows::new(V::TABLES.len()), status: sender };
        let task = tokio::spawn(run.until(shutdown, health, service));
        Ok(Self { view, pool, status, path, task })
    }

    /// The view itself.
    pub fn view(&self) -> &V {
        &self.view
    }

    /// The view's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How far it is.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// A snapshot at least as new as a position: waits for the view to reach it.
    pub async fn at_least(&self, position: u64) -> Result<Snapshot, Failure> {
        let mut status = self.status.clone();
        let reached = status.wait_for(|s| s.position >= position || s.stopped.is_some());
        let status = match tokio::time::timeout(PATIENCE, reached).await {
            Ok(Ok(status)) => status.clone(),
            Ok(Err(_)) | Err(_) => self.status(),
        };
        if status.stopped.is_some() {
            // Why it stopped can name a case or a position: that is for those who look after views.
            let text = format!("the view {} stopped: an administrator sees why with `liem view`", V::NAME);
            return Err(Failure::new(ErrorReason::ViewStopped, text));
        }
        if status.position < position {
            let (name, at) = (V::NAME, status.position);
            let text =
                format!("the view {name} is at {at} and has not reached {position} in time: try again");
            return Err(Failure::new(ErrorReason::ViewBehind, text));
        }
        self.snapshot().await.map_err(|e| internal(&e))
    }

    async fn snapshot(&self) -> Result<Snapshot, ViewError> {
        let mut tx = self.pool.begin().await?;
        let position: i64 = sqlx::query_scalar("SELECT position FROM checkpoint").fetch_one(&mut *tx).await?;
        Ok(Snapshot { tx, position: u64::try_from(position).unwrap_or(0) })
    }

    /// The position and digest of what the view holds now.
    pub async fn digest(&self) -> Result<(u64, String), Failure> {
        let digest = async {
            let mut snapshot = self.snapshot().await?;
            let position = snapshot.position;
            let digest = digest::digest(&mut snapshot.tx, V::NAME, V::VERSION, position, V::TABLES).await?;
            Ok::<_, ViewError>((position, digest))
        };
        digest.await.map_err(|e| internal(&e))
    }

    /// Waits until it no longer follows, after a shutdown, and closes the file.
    pub async fn close(self) {
        if let Err(error) = self.task.await {
            tracing::error!(view = V::NAME, %error, "the view's task failed");
        }
        self.pool.close().await;
    }
}

/// The log can't be read when the view starts.
fn unreadable(error: &eventlog::ReadError) -> ViewError {
    ViewError::Log(error.to_string())
}

/// A failure of the view's own file.
fn internal(error: &ViewError) -> Failure {
    tracing::error!(error = error as &dyn std::error::Error, "a view's file failed");
    Failure::new(ErrorReason::Internal, "the view's file failed; the server's log tells more")
}

impl From<ViewError> for Failure {
    fn from(error: ViewError) -> Self {
        internal(&error)
    }
}

impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl Snapshot {
    /// A stored set of positions.
    pub fn positions(bytes: &[u8]) -> Result<Positions, ViewError> {
        file::positions(bytes)
    }
}

struct Run<V> {
    view: Arc<V>,
    log: Arc<dyn EventLog>,
    file: file::File,
    rows: Rows,
    status: watch::Sender<Status>,
}

impl<V: View> Run<V> {
    async fn until(mut self, shutdown: Shutdown, health: HealthReporter, service: &'static str) {
        let mut pause = Duration::from_millis(50);
        loop {
            let stop = tokio::select! {
                stop = self.follow() => stop,
                () = shutdown.wait() => Stop::Shutdown,
            };
            match stop {
                Stop::Shutdown => return,
                Stop::Interrupted(error) => {
                    tracing::warn!(view = V::NAME, error, "the log can't be read; trying again");
                    // What was folded but not written is folded again.
                    self.rows.clear();
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = shutdown.wait() => return,
                    }
                    pause = (pause * 2).min(Duration::from_secs(5));
                }
                Stop::Failed(error) => {
                    tracing::error!(view = V::NAME, error, "the view stopped");
                    metrics::gauge!("liem_view_healthy", "view" => V::NAME).set(0.0);
                    self.status.send_modify(|s| s.stopped = Some(error));
                    health.set_service_status(service, ServingStatus::NotServing).await;
                    return;
                }
            }
        }
    }

    async fn follow(&mut self) -> Stop {
        match self.try_follow().await {
            Ok(()) => Stop::Interrupted("the log ended".to_owned()),
            Err(stop) => stop,
        }
    }

    async fn try_follow(&mut self) -> Result<(), Stop> {
        metrics::gauge!("liem_view_healthy", "view" => V::NAME).set(1.0);
        let failed = |error: ViewError| Stop::Failed(with_source(&error));
        let mut position = self.file.checkpoint().await.map_err(failed)?;
        let mut pages = self.log.follow(position, self.view.filter());
        let mut unsaved = 0;
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| Stop::Interrupted(with_source(&error)))?;
            if page.head < position {
                let head = page.head;
                return Err(Stop::Failed(format!(
                    "the view is at {position}, but the log ends at {head}: if the log was restored, delete the view's \
                     file, it comes back"
                )));
            }
            self.fold(&page).await?;
            unsaved += page.entries.len();
            let has_moved = page.through > position;
            position = page.through;
            // A stretch that brought nothing is saved too: the view says only what its file says.
            if has_moved && (page.ended || unsaved >= BATCH || unsaved == 0) {
                self.file.save(&mut self.rows, position).await.map_err(failed)?;
                unsaved = 0;
                if self.rows.len() > KEPT_ROWS {
                    self.rows.clear();
                }
            }
            if unsaved == 0 {
                self.tell(position, page.head);
            }
        }
        Ok(())
    }

    async fn fold(&mut self, page: &Page) -> Result<(), Stop> {
        let at = |position, error: FoldError| Stop::Failed(format!("at position {position}: {error}"));
        let mut events = Vec::with_capacity(page.entries.len());
        let mut keys = Keys::default();
        for entry in &page.entries {
            if let Some(event) = self.view.read(entry).map_err(|e| at(entry.position, e))? {
                self.view.keys(&event, &mut keys);
                events.push((entry.position, event));
            }
        }
        self.file.load(keys, &mut self.rows).await.map_err(|e| Stop::Failed(with_source(&e)))?;
        for (position, event) in events {
            self.view.fold(event, &mut self.rows).map_err(|e| at(position, e))?;
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge; no log has 2⁵² entries")]
    fn tell(&self, position: u64, head: u64) {
        metrics::gauge!("liem_view_position", "view" => V::NAME).set(position as f64);
        metrics::gauge!("liem_view_lag_entries", "view" => V::NAME).set(head.saturating_sub(position) as f64);
        self.status.send_if_modified(|status| {
            let changed = (status.position, status.head) != (position, head);
            (status.position, status.head) = (position, head);
            changed
        });
    }
}

/// An error with its causes, for a log line.
fn with_source(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
