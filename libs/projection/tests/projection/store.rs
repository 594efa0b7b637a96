//! A log, views of it, and the content of a view's file.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use chrono::{FixedOffset, NaiveDate};
use eventlog::{
    Actor, Append, Clock, Context, EventLog, Expected, Genesis, NewEvent, Options, SqliteLog, StreamName,
};
use events::{
    Event, Occurred,
    delivery::{By, CaseEvent},
};
use projection::{Follower, Status, ViewError};
use serve::Shutdown;
use sqlx::{ConnectOptions as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use tonic_health::server::{HealthReporter, health_reporter};
use uuid::Uuid;

use crate::tally::Tally;

/// A log, and a folder for it and for the files of views.
pub(crate) struct Store {
    pub(crate) folder: TempDir,
    pub(crate) log: Arc<SqliteLog>,
}

impl Store {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = open_log(&folder.path().join("log.db"), "liem.test/views").await;
        Self { folder, log }
    }

    /// A folder for the files of views.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    pub(crate) async fn view(&self, folder: &Path) -> Running {
        Running::start(Tally::NEW, self.log.clone(), folder).await.unwrap()
    }

    /// The digest of the view made anew, at once, of the log as it is.
    pub(crate) async fn rebuilt(&self) -> (u64, String) {
        let folder = tempfile::tempdir().unwrap();
        let view = self.view(folder.path()).await;
        let digest = view.digest_at(self.head().await).await;
        view.stop().await;
        digest
    }

    pub(crate) async fn head(&self) -> u64 {
        self.log.head().await.unwrap().position
    }

    /// Records steps of a case, done by a unit; the position of the last.
    pub(crate) async fn steps(&self, case: &str, unit: &str, steps: &[&str]) -> u64 {
        record(&*self.log, case, steps.iter().map(|text| step(unit, text)).collect()).await
    }

    /// Records what no view here asks for.
    pub(crate) async fn noise(&self, events: usize) -> u64 {
        let accepted = CaseEvent::Accepted { by: by("noise") };
        record(&*self.log, "noise", (0..events).map(|_| accepted.clone()).collect()).await
    }
}

pub(crate) async fn open_log(path: &Path, origin: &str) -> Arc<SqliteLog> {
    let time_zone = FixedOffset::east_opt(7 * 3600).unwrap();
    let genesis = Genesis { origin: origin.into(), jurisdiction: "VN".into(), time_zone };
    SqliteLog::open(path, Options::new(genesis, Clock::system())).await.unwrap()
}

fn by(unit: &str) -> By {
    By { agency: "H57.18".into(), unit: Some(unit.into()), official: None }
}

pub(crate) fn step(unit: &str, step: &str) -> CaseEvent {
    CaseEvent::StepDone { by: by(unit), step: step.into(), before_receipt: false, after_close: false }
}

/// Records events in the stream of a key; the position of the last.
pub(crate) async fn record<E: Event>(log: &dyn EventLog, key: &str, events: Vec<E>) -> u64 {
    let event = |event: &E| NewEvent {
        encoded: events::encode(event).unwrap(),
        subjects: event.subjects(key),
        occurred: Occurred::On(NaiveDate::from_ymd_opt(2026, 11, 24).unwrap()),
    };
    let append = Append {
        id: Uuid::now_v7(),
        stream: StreamName::new(E::CATEGORY, key).unwrap(),
        expected: Expected::Any,
        events: events.iter().map(event).collect(),
        context: Context {
            actor: Actor { id: "agency-1".into(), role: "agency".into(), agency: None },
            on_behalf_of: None,
            service: "delivery".into(),
            command_digest: [7; 32],
            causation: None,
            correlation: None,
            rules: None,
            day_start: None,
        },
    };
    log.append(append).await.unwrap().last_position
}

/// A view that follows, and how to stop it.
pub(crate) struct Running {
    pub(crate) follower: Follower<Tally>,
    shutdown: Shutdown,
}

impl Running {
    pub(crate) async fn start(view: Tally, log: Arc<dyn EventLog>, folder: &Path) -> Result<Self, ViewError> {
        Self::start_with(view, log, folder, health_reporter().0).await
    }

    pub(crate) async fn start_with(
        view: Tally,
        log: Arc<dyn EventLog>,
        folder: &Path,
        health: HealthReporter,
    ) -> Result<Self, ViewError> {
        Self::start_every(view, log, folder, health, 4_096).await
    }

    /// With so many positions between two snapshots.
    pub(crate) async fn start_every(
        view: Tally,
        log: Arc<dyn EventLog>,
        folder: &Path,
        health: HealthReporter,
        snapshot_every: u64,
    ) -> Result<Self, ViewError> {
        let shutdown = Shutdown::default();
        let (until, service) = (shutdown.clone(), "test.View");
        let options = projection::Options { log, folder, snapshot_every, shutdown: until, health, service };
        let follower = Follower::start(view, options).await?;
        Ok(Self { follower, shutdown })
    }

    pub(crate) async fn stop(self) {
        self.shutdown.start();
        self.follower.close().await;
    }

    /// The digest once the view has read up to a position.
    pub(crate) async fn digest_at(&self, position: u64) -> (u64, String) {
        // Longer than a query would wait: some logs here are long.
        let reached = |status: Status| status.position >= position || status.stopped.is_some();
        eventually("the view gets there", || reached(self.follower.status()).then_some(())).await;
        drop(self.follower.at_least(position).await.unwrap());
        self.follower.digest().await.unwrap()
    }

    /// The digest as of a position that it has reached.
    pub(crate) async fn digest_as_of(&self, position: u64) -> (u64, String) {
        self.follower.digest_as_of(position).await.unwrap()
    }

    /// Why it stopped, once it has.
    pub(crate) async fn stopped(&self) -> String {
        eventually("the view stops", || self.follower.status().stopped).await
    }
}

/// Waits for a condition.
pub(crate) async fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let met = async {
        let mut look = tokio::time::interval(Duration::from_millis(1));
        loop {
            if let Some(found) = condition() {
                return found;
            }
            look.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), met).await.unwrap_or_else(|_| panic!("{what} in time"))
}

/// A connection to a view's file that asks nobody.
pub(crate) async fn raw(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}

/// What the view's tables say, without the positions: agency, unit, steps; then case, step.
pub(crate) async fn content(path: &Path) -> (Vec<(String, i64)>, Vec<(String, String)>) {
    let mut raw = raw(path).await;
    let units =
        sqlx::query_as("SELECT unit, steps FROM unit ORDER BY unit").fetch_all(&mut raw).await.unwrap();
    let cases = sqlx::query_as("SELECT case_code, step FROM last_step ORDER BY case_code");
    (units, cases.fetch_all(&mut raw).await.unwrap())
}
