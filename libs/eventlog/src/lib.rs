//! The log: one gapless sequence of immutable entries.
//!
//! [`EventLog`] is the contract; [`SqliteLog`] keeps it in an embedded database, [`PostgresLog`] in a server's,
//! [`RemoteLog`] over the ledger's gRPC. All are held to one suite (`conformance`, behind the feature of that name).
//!
//! What the log guarantees:
//! - positions are gapless from 1, revisions dense from 1 in each stream, and neither ever changes;
//! - an acknowledged append is on disk, whole, and once: its append id is recognised for ever;
//! - `recorded_at` never goes back;
//! - what is served is the bytes that were recorded.
//!
//! The log knows no aggregate and no rule of the domain. Who may append what is decided by the ledger
//! service before it comes here.

mod append;
mod bundle;
mod check;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod copy;
mod entry;
mod error;
mod follow;
mod genesis;
mod judge;
mod outline;
mod pages;
mod place;
mod postgres;
mod queue;
mod recent;
mod remote;
mod sqlite;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, FixedOffset, Utc};
use futures::stream::BoxStream;
use uuid::Uuid;

pub use append::{
    Append, Appended, Context, Expected, MAX_EVENTS, NewEvent, Pending, StreamName, StreamNameMalformed,
};
pub use check::{CheckProgress, Fault};
pub use clock::Clock;
pub use copy::{Copied, CopyError, copy};
pub use entry::{Actor, Entry, Header, MAX_ENTRY_BYTES, NotAnEntry};
pub use error::{AppendError, OpenError, ReadError};
pub use outline::{About, AboutSubject, Happened, Outline};
pub use place::{LogPlace, LogPlaceMalformed, OwnLog};
pub use postgres::{PostgresLog, check_postgres, migrate_postgres, rebundle_postgres};
pub use remote::{
    RemoteLog, actor_from_proto, actor_to_proto, append_from_proto, append_to_proto, occurred_from_proto,
    occurred_to_proto, refusal_from_status,
};
pub use sqlite::{SqliteLog, check_file, sqlite_version};
/// How a PostgreSQL database is reached.
pub use sqlx::postgres::PgConnectOptions;

/// The contract of the log.
#[async_trait]
pub trait EventLog: Send + Sync + 'static {
    /// Takes an append in, and returns before it's on disk: what was taken in by one caller one after the other
    /// is recorded in that order. Waits where the queue is full. What [`Pending`] answers is said at
    /// [`EventLog::append`].
    async fn submit(&self, append: Append) -> Result<Pending, AppendError>;

    /// Records the events of one append in one stream, all or none, and returns once they are on disk.
    ///
    /// A repeat of an append id is recognised before the expected revision is looked at, and gets what the
    /// first one got.
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.submit(append).await?.await
    }

    /// What an append recorded, in order; nothing if there is no such append.
    async fn find_append(&self, id: Uuid) -> Result<Vec<Entry>, ReadError>;

    /// Entries of a stream after a revision, oldest first, at most `limit`.
    async fn read_stream(
        &self,
        stream: &StreamName,
        after_revision: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, ReadError>;

    /// A page of the log past a position. It can be empty though more follow, where a long stretch has
    /// nothing that matches: go on past [`Page::through`] until [`Page::ended`].
    async fn read_all(
        &self,
        past: u64,
        direction: Direction,
        filter: &Filter,
        limit: usize,
    ) -> Result<Page, ReadError>;

    /// The entries at these positions, in the order asked for.
    async fn read_at(&self, positions: &[u64]) -> Result<Vec<Entry>, ReadError>;

    /// Where the log ends, and what it is.
    async fn head(&self) -> Result<Head, ReadError>;

    /// Catches up from a position, then stays live. Sends a page at least every [`HEARTBEAT_SECONDS`], if
    /// need be without entries. Ends after an error; follow again after the last page's position.
    fn follow(&self, after: u64, filter: Filter) -> BoxStream<'static, Result<Page, ReadError>>;
}

/// How a log is kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// What entry 1 says, where the log is new.
    pub genesis: Genesis,
    /// The time.
    pub clock: Clock,
    /// Appends that may wait for the writer.
    pub queue: usize,
    /// How long an append waits for a place in the queue before it's told that the queue is full.
    pub patience: Duration,
}

impl Options {
    /// The usual options.
    pub fn new(genesis: Genesis, clock: Clock) -> Self {
        Self { genesis, clock, queue: 4_096, patience: Duration::from_secs(5) }
    }
}

/// A followed log sends a page at least this often.
pub const HEARTBEAT_SECONDS: u64 = 5;

/// Entries in a page of [`EventLog::follow`], at most.
pub const FOLLOW_PAGE: usize = 1_024;

/// Which way to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From older to newer, after the given position.
    Forwards,
    /// From newer to older, before the given position; 0 means from the head.
    Backwards,
}

/// Which entries to read: all, or those of chosen types and categories.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only these types; empty for all.
    pub types: Vec<String>,
    /// Only streams of these categories; empty for all.
    pub categories: Vec<String>,
}

/// A page of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The entries in the order asked for.
    pub entries: Vec<Entry>,
    /// How far the log was read; with a filter this can lie past the last entry.
    pub through: u64,
    /// The position of the log's last entry when the page was read.
    pub head: u64,
    /// True if nothing lies past `through`.
    pub ended: bool,
}

/// Where the log ends, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The position of the last entry.
    pub position: u64,
    /// When the log took it.
    pub recorded_at: DateTime<Utc>,
    /// What entry 1 says.
    pub genesis: Genesis,
}

/// What entry 1 says of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genesis {
    /// The log's name, unique among all logs.
    pub origin: String,
    /// The jurisdiction whose rules hold.
    pub jurisdiction: String,
    /// The offset from UTC in which civil dates are meant.
    pub time_zone: FixedOffset,
}
