//! One generation of a view: a file, the task that follows the log into it, and the pools that read it.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use eventlog::EventLog;
use serve::Shutdown;
use sqlx::{SqlitePool, SqliteTransaction, sqlite::SqlitePoolOptions};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
};
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::{
    PositionSet, Positions, View, ViewError, as_of, digest,
    error::with_source,
    file::{self, File, Identity},
    fixture::Fixture,
    fold::{self, Fold},
    sql,
};

/// Pages whose events are read before they are folded, at most.
const PAGES_AHEAD: usize = 48;

/// The time over which the rate of folding is taken.
const RATE_SECONDS: u64 = 5;

/// How far a view is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Status {
    /// The position it has folded and written.
    pub position: u64,
    /// The head of the log when it last looked.
    pub head: u64,
    /// Why it stopped; none while it is well.
    pub stopped: Option<String>,
    /// Entries folded in a second, over the last few; 0 once it has caught up.
    pub rate: f64,
}

/// A view's tables at one position: queries of one snapshot see the same.
pub struct Snapshot {
    /// The connection to query.
    pub tx: SqliteTransaction<'static>,
    /// The position it is of.
    pub position: u64,
}

impl Snapshot {
    /// A stored set of positions.
    pub fn positions(bytes: &[u8]) -> Result<Positions, ViewError> {
        PositionSet::bitmap(bytes).map_err(ViewError::Positions)
    }
}

/// What all generations of a view have in common.
pub(crate) struct Setting {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) folder: PathBuf,
    pub(crate) origin: String,
    pub(crate) fixture: Fixture,
    /// Positions between two snapshots, in new files.
    pub(crate) every: u64,
    pub(crate) shutdown: Shutdown,
    pub(crate) health: HealthReporter,
    /// The gRPC service whose health shows whether the view is well.
    pub(crate) service: &'static str,
    /// The generation that is live in this process.
    pub(crate) live: AtomicU32,
}

/// A generation that is open, and follows the log unless it is halted.
pub(crate) struct Generation<V> {
    pub(crate) number: u32,
    view: Arc<V>,
    setting: Arc<Setting>,
    path: PathBuf,
    every: u64,
    pool: SqlitePool,
    /// Its connections are closed after each use: they hold temporary tables.
    pool_as_of: SqlitePool,
    status: watch::Receiver<Status>,
    task: Task,
}

struct Task {
    halt: watch::Sender<bool>,
    handle: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl<V: View> Generation<V> {
    /// Opens the file, makes it where there is none, and follows the log unless it is halted.
    pub(crate) async fn open(
        number: u32,
        view: Arc<V>,
        calendar: String,
        is_halted: bool,
        setting: Arc<Setting>,
    ) -> Result<Self, ViewError> {
        let path = path(&setting.folder, V::NAME, V::VERSION, number);
        let identity =
            Identity { name: V::NAME, version: V::VERSION, origin: setting.origin.clone(), calendar };
        // A what-if folds otherwise: it's held to what it folded itself.
        let fixture = if identity.calendar.is_empty() {
            setting.fixture.clone()
        } else {
            Fixture::of(&*view, None).await?.unwrap_or_else(|| setting.fixture.clone())
        };
        let file = File::open(&path, &*view, &identity, &fixture, setting.every).await?;
        let every = file.every();
        let fold = Fold::resume::<V>(file).await?;
        // A connection to a file needs no test before it's used.
        let readers = |connections| {
            let pool = SqlitePoolOptions::new().max_connections(connections);
            pool.min_connections(0).test_before_acquire(false)
        };
        let options = file::options(&path).read_only(true).create_if_missing(false);
        let pool = readers(4).connect_with(options.clone()).await?;
        let pool_as_of = readers(2)
            .after_release(|_, _| Box::pin(std::future::ready(Ok(false))))
            .connect_with(options.pragma("temp_store", "MEMORY"))
            .await?;
        let status = Status { position: fold.file.saved(), ..Status::default() };
        let (sender, status) = watch::channel(status);
        let (halt, halted) = watch::channel(is_halted);
        let run = Run {
            number,
            view: view.clone(),
            setting: setting.clone(),
            fold,
            status: sender,
            samples: VecDeque::new(),
        };
        let handle = tokio::spawn(run.until(halted));
        let task = Task { halt, handle: tokio::sync::Mutex::new(Some(handle)) };
        Ok(Self { number, view, setting, path, every, pool, pool_as_of, status, task })
    }

    /// How far it is.
    pub(crate) fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Halts it where it is, or lets it go on.
    pub(crate) fn halt(&self, is_halted: bool) {
        self.task.halt.send_if_modified(|halted| std::mem::replace(halted, is_halted) != is_halted);
    }

    /// The view as it is.
    pub(crate) async fn now(&self) -> Result<Snapshot, ViewError> {
        let mut tx = self.pool.begin().await?;
        let position: i64 = sqlx::query_scalar("SELECT position FROM view").fetch_one(&mut *tx).await?;
        Ok(Snapshot { tx, position: sql::read(position) })
    }

    /// The view as it was at a position that it has reached.
    pub(crate) async fn as_of(&self, position: u64) -> Result<Snapshot, ViewError> {
        let mut tx = self.pool_as_of.begin().await?;
        let now: i64 = sqlx::query_scalar("SELECT position FROM view").fetch_one(&mut *tx).await?;
        if sql::read(now) != position {
            as_of::show(&self.view, &self.setting.log, &mut tx, self.every, position).await?;
        }
        Ok(Snapshot { tx, position })
    }

    /// The digest of what it holds at a position that it has reached.
    pub(crate) async fn digest(&self, position: u64) -> Result<String, ViewError> {
        let mut snapshot = self.as_of(position).await?;
        digest::of::<V>(&mut snapshot.tx, position).await
    }

    /// Bytes of its file, with the write-ahead log.
    pub(crate) fn size(&self) -> u64 {
        let size = |suffix: &str| {
            let mut name = self.path.as_os_str().to_owned();
            name.push(suffix);
            std::fs::metadata(name).map_or(0, |meta| meta.len())
        };
        size("") + size("-wal")
    }

    /// Ends the task after what it is writing, and closes the file.
    pub(crate) async fn close(&self, is_dropped: bool) {
        let handle = self.task.handle.lock().await.take();
        if let Some(handle) = handle {
            if is_dropped {
                // Its place ends at an await: a transaction under way rolls back.
                handle.abort();
            }
            if let Err(error) = handle.await
                && !error.is_cancelled()
            {
                tracing::error!(view = V::NAME, %error, "the view's task failed");
            }
        }
        self.pool.close().await;
        self.pool_as_of.close().await;
    }
}

/// The file of a generation. It is never renamed: another one has another name.
pub(crate) fn path(folder: &Path, name: &str, version: u32, number: u32) -> PathBuf {
    folder.join(format!("{name}-v{version}-g{number}.db"))
}

enum Stop {
    /// The log can't be read: try again.
    Interrupted(String),
    /// An entry can't be folded, or the file not be written.
    Failed(String),
    Halted,
    Shutdown,
}

/// The task that follows the log.
struct Run<V> {
    number: u32,
    view: Arc<V>,
    setting: Arc<Setting>,
    fold: Fold,
    status: watch::Sender<Status>,
    /// When it was where, over the last few seconds.
    samples: VecDeque<(Instant, u64)>,
}

/// The longest pause before a stopped view looks whether what stopped it is mended.
const PAUSE_MAX: Duration = Duration::from_secs(5);

impl<V: View> Run<V> {
    async fn until(mut self, mut halted: watch::Receiver<bool>) {
        let shutdown = self.setting.shutdown.clone();
        let mut pause = Duration::from_millis(50);
        loop {
            let stop = if *halted.borrow_and_update() {
                Stop::Halted
            } else {
                let before = self.fold.file.saved();
                let stop = tokio::select! {
                    stop = self.follow() => stop,
                    _ = halted.wait_for(|halted| *halted) => Stop::Halted,
                    () = shutdown.wait() => Stop::Shutdown,
                };
                if self.fold.file.saved() > before {
                    pause = Duration::from_millis(50);
                }
                stop
            };
            match stop {
                Stop::Shutdown => return,
                Stop::Halted => {
                    self.status.send_modify(|status| status.rate = 0.0);
                    tokio::select! {
                        changed = halted.wait_for(|halted| !*halted) => if changed.is_err() { return },
                        () = shutdown.wait() => return,
                    }
                    continue;
                }
                Stop::Interrupted(error) => {
                    tracing::warn!(view = V::NAME, error, "the log can't be read; trying again");
                }
                Stop::Failed(error) => {
                    self.tell_stopped(error).await;
                    pause = PAUSE_MAX;
                }
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = shutdown.wait() => return,
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn tell_stopped(&mut self, error: String) {
        if self.status.borrow().stopped.as_ref() != Some(&error) {
            tracing::error!(view = V::NAME, generation = self.number, error, "the view stopped");
        }
        self.gauge("liem_view_healthy").set(0.0);
        self.status.send_modify(|status| {
            status.stopped = Some(error);
            status.rate = 0.0;
        });
        if self.setting.live.load(Ordering::Acquire) == self.number {
            self.setting.health.set_service_status(self.setting.service, ServingStatus::NotServing).await;
        }
    }

    fn gauge(&self, name: &'static str) -> metrics::Gauge {
        metrics::gauge!(name, "view" => V::NAME, "generation" => self.number.to_string())
    }

    async fn follow(&mut self) -> Stop {
        match self.try_follow().await {
            Ok(()) => Stop::Interrupted("the log ended".to_owned()),
            Err(stop) => stop,
        }
    }

    async fn try_follow(&mut self) -> Result<(), Stop> {
        let failed = |error: ViewError| Stop::Failed(with_source(&error));
        // What was folded but not written is folded again.
        let mut position = self.fold.reset().await.map_err(failed)?;
        // What is needed of a page is read while the ones before are folded and written. Ends with this call.
        let (sender, mut pages) = mpsc::channel(PAGES_AHEAD);
        let mut reading = JoinSet::new();
        reading.spawn(fold::read_ahead(self.view.clone(), self.setting.log.clone(), position, sender));
        while let Some(page) = pages.recv().await {
            let page = page.map_err(|error| match error {
                ViewError::Log(_) => Stop::Interrupted(with_source(&error)),
                _ => Stop::Failed(with_source(&error)),
            })?;
            let head = page.head;
            if head < position {
                return Err(Stop::Failed(format!(
                    "the view is at {position}, but the log ends at {head}: if the log was restored, delete the view's \
                     file, it comes back"
                )));
            }
            self.fold.page(&*self.view, page).await.map_err(failed)?;
            position = self.fold.file.saved();
            self.tell(position, head).await;
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge; no log has 2⁵² entries")]
    async fn tell(&mut self, position: u64, head: u64) {
        let now = Instant::now();
        let since = now.checked_sub(Duration::from_secs(RATE_SECONDS));
        while self.samples.front().is_some_and(|(at, _)| since.is_some_and(|since| *at < since)) {
            self.samples.pop_front();
        }
        self.samples.push_back((now, position));
        let rate = match self.samples.front() {
            Some((at, from)) if position < head => {
                (position - from.min(&position)) as f64 / now.duration_since(*at).as_secs_f64().max(0.001)
            }
            _ => 0.0,
        };
        self.gauge("liem_view_healthy").set(1.0);
        self.gauge("liem_view_position").set(position as f64);
        self.gauge("liem_view_lag_entries").set(head.saturating_sub(position) as f64);
        let was_stopped = self.status.borrow().stopped.is_some();
        self.status.send_if_modified(|status| {
            let new = Status { position, head, stopped: None, rate };
            let changed = *status != new;
            *status = new;
            changed
        });
        if was_stopped && self.setting.live.load(Ordering::Acquire) == self.number {
            tracing::info!(view = V::NAME, generation = self.number, "the view goes on");
            self.setting.health.set_service_status(self.setting.service, ServingStatus::Serving).await;
        }
    }
}
