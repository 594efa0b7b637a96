//! A log in a folder of its own, and ways to it that go round the log.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, FixedOffset, Utc};
use eventlog::{
    Append, AppendError, Appended, Clock, EventLog as _, Expected, Genesis, Options, SqliteLog,
    conformance::sample,
};
use sqlx::{ConnectOptions as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

/// A folder with the file of a log.
pub(crate) struct Store {
    folder: TempDir,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("log.db")
    }

    /// The file of the log's bundles.
    pub(crate) fn bundles(&self) -> PathBuf {
        self.folder.path().join("log.bundles")
    }

    /// The log, with the usual options.
    pub(crate) async fn open(&self) -> Arc<SqliteLog> {
        SqliteLog::open(&self.path(), options()).await.unwrap()
    }

    /// A connection that asks nobody.
    pub(crate) async fn raw(&self) -> SqliteConnection {
        raw(&self.path()).await
    }
}

pub(crate) async fn raw(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).busy_timeout(Duration::from_secs(10)).connect().await.unwrap()
}

pub(crate) fn genesis() -> Genesis {
    Genesis {
        origin: "liem.test/one".into(),
        jurisdiction: "VN".into(),
        time_zone: FixedOffset::east_opt(7 * 3600).unwrap(),
    }
}

pub(crate) fn options() -> Options {
    Options::new(genesis(), Clock::system())
}

/// A clock that stands where it's put.
#[derive(Clone)]
pub(crate) struct SetClock(Arc<AtomicI64>);

impl SetClock {
    pub(crate) fn at(time: DateTime<Utc>) -> Self {
        Self(Arc::new(AtomicI64::new(time.timestamp_micros())))
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0.load(Ordering::SeqCst)).unwrap()
    }

    pub(crate) fn step(&self, by: chrono::TimeDelta) {
        self.0.fetch_add(by.num_microseconds().unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> Clock {
        let clock = self.clone();
        Clock::from_fn(move || clock.now())
    }
}

/// An append of some events to the stream of a case.
pub(crate) fn append(key: &str, events: usize) -> Append {
    sample::append(&sample::case(key), Expected::Any, sample::steps(events))
}

pub(crate) async fn record(log: &SqliteLog, key: &str, events: usize) -> Result<Appended, AppendError> {
    log.append(append(key, events)).await
}
