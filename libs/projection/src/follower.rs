//! A view that follows the log: its generations as they are on record, and the live one, which answers.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use eventlog::{EventLog, Filter, ReadError};
use events::{Event as _, view::ViewEvent};
use futures::StreamExt as _;
use proto::{Failure, ledger::ErrorReason};
use rulebook::Calendar;
use serve::Shutdown;
use tokio::{
    sync::{RwLock, watch},
    task::JoinHandle,
    time::Instant,
};
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::{
    Snapshot, Status, View, ViewError, file,
    fixture::Fixture,
    generation::{Generation, Setting},
    record::Record,
};

/// How long a query waits for a view to reach a position.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long queries are held back, at most, while a generation that takes over catches up.
const SWITCH_PATIENCE: Duration = Duration::from_secs(1);

/// Positions between two snapshots, unless told otherwise.
pub const SNAPSHOT_EVERY: u64 = 262_144;

/// Where a view lives and what it follows.
pub struct Options<'a> {
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// The folder of its files.
    pub folder: &'a Path,
    /// Positions between two snapshots, for files that are made new: more of them make answers as of a
    /// moment faster, and files larger.
    pub snapshot_every: u64,
    /// When to end.
    pub shutdown: Shutdown,
    /// Where to tell whether it is well.
    pub health: HealthReporter,
    /// The gRPC service whose health that is.
    pub service: &'static str,
}

/// A view that follows the log.
pub struct Follower<V> {
    shared: Arc<Shared<V>>,
    task: JoinHandle<()>,
}

pub(crate) struct Shared<V> {
    view: Arc<V>,
    setting: Arc<Setting>,
    /// Those that are open, by number.
    generations: std::sync::RwLock<BTreeMap<u32, Arc<Generation<V>>>>,
    /// The one that answers. Held while a query takes its snapshot, so that a switch falls between two.
    live: RwLock<Arc<Generation<V>>>,
    /// The newest position that a query was answered at.
    served: AtomicU64,
    /// What is on record, and the position it was read to.
    record: watch::Sender<(Record, u64)>,
    /// The position up to which this process has done what the record says, but for a switch.
    done: watch::Sender<u64>,
    /// The number of the live one, for those who wait for a switch.
    switched: watch::Sender<u32>,
}

impl<V: View> Follower<V> {
    /// Opens the view's files in a folder, makes what is not there, and follows the log until the shutdown.
    pub async fn start(view: V, options: Options<'_>) -> Result<Self, ViewError> {
        let Options { log, folder, snapshot_every, shutdown, health, service } = options;
        // A log is told from others by its first entry, which holds a nonce: two logs can have one name.
        let head = log.head().await.map_err(|e| unreadable(&e))?;
        let first = log.read_at(&[1]).await.map_err(|e| unreadable(&e))?;
        let hash = blake3::hash(first.first().map_or(&[], |entry| &entry.bytes)).to_hex();
        let fixture = Fixture::of(&view, None).await?;
        let setting = Arc::new(Setting {
            origin: format!("{}#{}", head.genesis.origin, &hash[..16]),
            log,
            folder: folder.to_owned(),
            fixture: fixture
                .ok_or_else(|| ViewError::Log("the history of all event types is empty".into()))?,
            every: snapshot_every.max(1),
            shutdown,
            health,
            service,
            live: AtomicU32::new(0),
        });
        let view = Arc::new(view);
        let (record, reached) = read_record::<V>(&*setting.log, head.position).await?;
        setting.live.store(record.live, Ordering::Release);
        let mut generations = BTreeMap::new();
        for (number, recorded) in &record.generations {
            let generation = open(*number, &view, recorded, &setting).await?;
            generations.insert(*number, Arc::new(generation));
        }
        let live = generations.get(&record.live).cloned();
        let live = live.ok_or_else(|| ViewError::Log("the live generation is not on record".to_owned()))?;
        tell_leftovers::<V>(folder, &record);
        let (switched, _) = watch::channel(live.number);
        let (record, _) = watch::channel((record, reached));
        let shared = Arc::new(Shared {
            view,
            setting,
            generations: std::sync::RwLock::new(generations),
            live: RwLock::new(live),
            served: AtomicU64::new(0),
            done: watch::channel(reached).0,
            record,
            switched,
        });
        let task = tokio::spawn(shared.clone().keep_to_record());
        Ok(Self { shared, task })
    }

    /// The view itself.
    pub fn view(&self) -> &V {
        &self.shared.view
    }

    /// The log it follows.
    pub fn log(&self) -> &dyn EventLog {
        &*self.shared.setting.log
    }

    /// How far the live generation is.
    pub fn status(&self) -> Status {
        self.shared.live_now().status()
    }

    /// The file of the live generation.
    pub fn path(&self) -> std::path::PathBuf {
        self.shared.live_now().path().to_owned()
    }

    /// A snapshot at least as new as a position: waits for the view to reach it.
    pub async fn at_least(&self, position: u64) -> Result<Snapshot, Failure> {
        self.shared.at_least(position).await
    }

    /// The view as it was at a position: waits for the view to reach it.
    pub async fn as_of(&self, position: u64) -> Result<Snapshot, Failure> {
        drop(self.shared.at_least(position).await?);
        let live = self.shared.live_now();
        Ok(live.as_of(position).await?)
    }

    /// Waits until the live generation has reached a position, however long that takes; fails if it stops.
    pub async fn reached(&self, position: u64) -> Result<(), Failure> {
        let far = Instant::now() + Duration::from_hours(24 * 365);
        wait_for(&self.shared.live_now(), position, far).await
    }

    /// The position and digest of what the live generation holds now.
    pub async fn digest(&self) -> Result<(u64, String), Failure> {
        let live = self.shared.live_now();
        let position = live.status().position;
        Ok((position, live.digest(position).await?))
    }

    /// The position and digest of what the live generation held at a position that it has reached.
    pub async fn digest_as_of(&self, position: u64) -> Result<(u64, String), Failure> {
        Ok((position, self.shared.live_now().digest(position).await?))
    }

    pub(crate) fn shared(&self) -> Arc<Shared<V>> {
        self.shared.clone()
    }

    /// Waits until it no longer follows, after a shutdown, and closes the files.
    pub async fn close(self) {
        if let Err(error) = self.task.await {
            tracing::error!(view = V::NAME, %error, "the view's task failed");
        }
        for generation in self.shared.all() {
            generation.close(false).await;
        }
    }
}

async fn open<V: View>(
    number: u32,
    view: &Arc<V>,
    recorded: &crate::record::Recorded,
    setting: &Arc<Setting>,
) -> Result<Generation<V>, ViewError> {
    let (view, calendar) = match &recorded.what_if {
        None => (view.clone(), String::new()),
        Some(other) => {
            let mut calendar = Calendar::weekends_only();
            other.departures.iter().for_each(|day| calendar.declare(day.date, day.kind));
            // Only a view that depends on a calendar has a what-if on record.
            (view.under(calendar).map_or_else(|| view.clone(), Arc::new), other.calendar.clone())
        }
    };
    Generation::open(number, view, calendar, recorded.is_halted, setting.clone()).await
}

/// Files that no generation on record uses: of dropped ones, where the process was killed before it had
/// deleted them, which it does now; and of other versions of the view, which a downgrade could want.
fn tell_leftovers<V: View>(folder: &Path, record: &Record) {
    let Ok(files) = std::fs::read_dir(folder) else { return };
    let prefix = format!("{}-v", V::NAME);
    for file in files.flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        let Some(rest) = name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(".db")) else {
            continue;
        };
        let Some((version, number)) = rest.split_once("-g") else { continue };
        if version != V::VERSION.to_string() {
            tracing::info!(view = V::NAME, file = name, "left by another version: it can be deleted");
        } else if number.parse().is_ok_and(|number| !record.generations.contains_key(&number))
            && let Err(error) = file::delete(&file.path())
        {
            tracing::warn!(view = V::NAME, %error, "a dropped generation's file stays");
        }
    }
}

/// What is on record up to where the log ends now.
async fn read_record<V: View>(log: &dyn EventLog, head: u64) -> Result<(Record, u64), ViewError> {
    let (mut record, mut reached) = (Record::default(), 0);
    while reached < head {
        let page = log.read_all(reached, eventlog::Direction::Forwards, &filter(), 1_000).await;
        let page = page.map_err(|e| unreadable(&e))?;
        fold_record::<V>(&mut record, &page.entries);
        reached = page.through;
    }
    Ok((record, reached))
}

fn filter() -> Filter {
    Filter { types: Vec::new(), categories: vec![ViewEvent::CATEGORY.to_owned()] }
}

fn fold_record<V: View>(record: &mut Record, entries: &[eventlog::Entry]) {
    for entry in entries {
        let of_view = entry.header().map_err(|e| e.to_string()).and_then(|header| {
            let is_its = header.key() == V::NAME;
            is_its.then(|| entry.event().map_err(|e| e.to_string())).transpose()
        });
        match of_view {
            Ok(Some(event)) => record.apply(event),
            Ok(None) => {}
            Err(error) => {
                let position = entry.position;
                tracing::error!(view = V::NAME, position, error, "an event of the views can't be read");
            }
        }
    }
}

impl<V: View> Shared<V> {
    pub(crate) fn view(&self) -> &V {
        &self.view
    }

    pub(crate) fn log(&self) -> &dyn EventLog {
        &*self.setting.log
    }

    pub(crate) fn record(&self) -> Record {
        self.record.borrow().0.clone()
    }

    /// Those that are open, by number.
    pub(crate) fn all(&self) -> Vec<Arc<Generation<V>>> {
        self.generations.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(crate) fn get(&self, number: u32) -> Option<Arc<Generation<V>>> {
        self.generations.read().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
    }

    /// The generation that answers.
    pub(crate) fn live_now(&self) -> Arc<Generation<V>> {
        let number = *self.switched.borrow();
        self.get(number).expect("the live generation is never dropped")
    }

    /// A snapshot of the live generation at least as new as a position.
    async fn at_least(&self, position: u64) -> Result<Snapshot, Failure> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let live = self.live_now();
            wait_for::<V>(&live, position, deadline).await?;
            let live = self.live.read().await;
            let snapshot = live.now().await?;
            // Another generation may have taken over that has all that was answered, and not yet this.
            if snapshot.position >= position {
                self.served.fetch_max(snapshot.position, Ordering::AcqRel);
                return Ok(snapshot);
            }
        }
    }

    /// Opens, halts, drops and switches generations as the record says, until the shutdown.
    async fn keep_to_record(self: Arc<Self>) {
        let shutdown = self.setting.shutdown.clone();
        loop {
            let reached = self.record.borrow().1;
            let mut pages = self.setting.log.follow(reached, filter());
            loop {
                let reached = self.record.borrow().1;
                self.open_and_drop().await;
                self.done.send_replace(reached);
                let wanted = self.record.borrow().0.live;
                let is_switched = *self.switched.borrow() == wanted || self.switch_to(wanted).await;
                let mut target = self.get(wanted).map(|target| target.watch());
                let moved = async {
                    match &mut target {
                        Some(target) if !is_switched => drop(target.changed().await),
                        _ => std::future::pending().await,
                    }
                };
                tokio::select! {
                    page = pages.next() => match page {
                        Some(Ok(page)) => self.record.send_modify(|(record, reached)| {
                            fold_record::<V>(record, &page.entries);
                            *reached = page.through;
                        }),
                        Some(Err(_)) | None => break,
                    },
                    () = moved => {}
                    () = shutdown.wait() => return,
                }
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(200)) => {}
                () = shutdown.wait() => return,
            }
        }
    }

    /// Opens what is on record and not open, halts and resumes, and drops what is on record no more.
    async fn open_and_drop(&self) {
        let record = self.record();
        for (number, recorded) in &record.generations {
            if let Some(generation) = self.get(*number) {
                generation.halt(recorded.is_halted);
                continue;
            }
            match open(*number, &self.view, recorded, &self.setting).await {
                Ok(generation) => {
                    let mut generations = self.generations.write().unwrap_or_else(PoisonError::into_inner);
                    generations.insert(*number, Arc::new(generation));
                }
                Err(error) => {
                    tracing::error!(view = V::NAME, generation = number, %error, "it can't be opened");
                }
            }
        }
        for generation in self.all() {
            // The one that answers stays until another one does.
            let answers = *self.switched.borrow() == generation.number;
            if record.generations.contains_key(&generation.number) || answers {
                continue;
            }
            generation.close(true).await;
            self.generations.write().unwrap_or_else(PoisonError::into_inner).remove(&generation.number);
            if let Err(error) = file::delete(generation.path()) {
                tracing::warn!(view = V::NAME, %error, "a dropped generation's file stays");
            }
        }
    }

    /// Lets a generation answer from now on, unless it has not caught up with what was answered already.
    async fn switch_to(&self, number: u32) -> bool {
        let Some(target) = self.get(number) else { return false };
        // Near enough to be waited for while queries are held back.
        let status = target.status();
        if status.stopped.is_some() || status.position + 1_000 < self.served.load(Ordering::Acquire) {
            return false;
        }
        let mut live = self.live.write().await;
        let served = self.served.load(Ordering::Acquire);
        if wait_for::<V>(&target, served, Instant::now() + SWITCH_PATIENCE).await.is_err() {
            return false;
        }
        tracing::info!(view = V::NAME, from = live.number, to = number, "another generation answers");
        *live = target.clone();
        self.setting.live.store(number, Ordering::Release);
        self.switched.send_replace(number);
        let health = if target.status().stopped.is_some() {
            ServingStatus::NotServing
        } else {
            ServingStatus::Serving
        };
        self.setting.health.set_service_status(self.setting.service, health).await;
        true
    }

    /// Waits until this process has read the record up to a position and done what it says.
    pub(crate) async fn done(&self, position: u64, live: u32) -> Result<(), Failure> {
        let mut done = self.done.subscribe();
        let mut switched = self.switched.subscribe();
        let waited = tokio::time::timeout(PATIENCE, async {
            drop(done.wait_for(|done| *done >= position).await);
            if live > 0 {
                drop(switched.wait_for(|number| *number == live).await);
            }
        });
        waited.await.map_err(|_elapsed| {
            let text =
                "it is on record, and this server has not done it in time: look with `liem replay list`";
            Failure::new(ErrorReason::ViewBehind, text)
        })
    }
}

/// Waits until a generation has reached a position.
pub(crate) async fn wait_for<V: View>(
    generation: &Generation<V>,
    position: u64,
    deadline: Instant,
) -> Result<(), Failure> {
    let mut status = generation.watch();
    let reached = status.wait_for(|s| s.position >= position || s.stopped.is_some());
    let status = match tokio::time::timeout_at(deadline, reached).await {
        Ok(Ok(status)) => status.clone(),
        Ok(Err(_)) | Err(_) => generation.status(),
    };
    if status.stopped.is_some() {
        // Why it stopped can name a case or a position: that is for those who look after views.
        let text = format!("the view {} stopped: an administrator sees why with `liem view`", V::NAME);
        return Err(Failure::new(ErrorReason::ViewStopped, text));
    }
    if status.position < position {
        let (name, at) = (V::NAME, status.position);
        let text = format!("the view {name} is at {at} and has not reached {position} in time: try again");
        return Err(Failure::new(ErrorReason::ViewBehind, text));
    }
    Ok(())
}

/// The log can't be read when the view starts.
fn unreadable(error: &ReadError) -> ViewError {
    ViewError::Log(error.to_string())
}
