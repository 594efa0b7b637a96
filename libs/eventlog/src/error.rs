//! How the log fails, and the reason each failure has in gRPC.

use chrono::{DateTime, Utc};
use proto::{Failure, ledger::ErrorReason};
use uuid::Uuid;

use crate::{Expected, MAX_ENTRY_BYTES, MAX_EVENTS, NotAnEntry, StreamNameMalformed};

/// Why an append was not taken. But for [`AppendError::Unavailable`], nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The stream is not at the expected revision.
    #[error("the stream `{stream}` is at revision {actual}, not at {expected}")]
    Conflict {
        /// The stream.
        stream: String,
        /// What was expected.
        expected: Expected,
        /// What it has; 0 for none.
        actual: u64,
    },
    /// The append id was used for another command.
    #[error("the request id {id} was used before with other content")]
    RequestIdReused {
        /// The id.
        id: Uuid,
    },
    /// An entry would be too long.
    #[error("event {k} would make an entry of {size} bytes; {MAX_ENTRY_BYTES} are allowed")]
    EntryTooLarge {
        /// The event's place in the append, from 0.
        k: usize,
        /// The entry's size in bytes.
        size: usize,
    },
    /// No event, or too many.
    #[error("an append has 1 to {MAX_EVENTS} events, not {count}")]
    EventCount {
        /// How many there were.
        count: usize,
    },
    /// The stream's name is malformed.
    #[error(transparent)]
    StreamName(#[from] StreamNameMalformed),
    /// The service doesn't own the stream's category.
    #[error("the service `{service}` does not own the category `{category}`")]
    CategoryNotOwned {
        /// The service.
        service: String,
        /// The category.
        category: String,
    },
    /// The queue stayed full.
    #[error("the log's queue is full")]
    QueueFull,
    /// The disk is full.
    #[error("the disk is full")]
    StorageFull,
    /// The clock stands before the last entry.
    #[error("the clock says {now}, but the last entry was recorded at {last}")]
    ClockWentBack {
        /// What the clock says.
        now: DateTime<Utc>,
        /// When the last entry was recorded.
        last: DateTime<Utc>,
    },
    /// The log's database can't be reached, or doesn't take it.
    #[error("the log's database can't be reached; nothing was recorded")]
    Unreachable {
        /// What happened.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The log was moved elsewhere.
    #[error("the log was moved elsewhere and is closed; nothing was recorded")]
    Closed,
    /// The log can't be reached or is closing; whether the append was recorded is unknown.
    #[error("the log is unavailable; whether the append was recorded is unknown")]
    Unavailable {
        /// What happened.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A remote log refused for a reason that this version doesn't know.
    #[error("the ledger refused the append ({reason})")]
    Refused {
        /// The reason it gave.
        reason: String,
    },
}

impl AppendError {
    /// The log can't say.
    pub(crate) fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable { source: source.into() }
    }

    /// The log could not take it.
    pub(crate) fn unreachable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unreachable { source: source.into() }
    }
}

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The log can't be reached.
    #[error("the log is unavailable")]
    Unavailable {
        /// What happened.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A position past the head.
    #[error("there is no entry at position {position}")]
    NotFound {
        /// The position.
        position: u64,
    },
    /// What is stored is not an entry.
    #[error("the log is damaged")]
    Damaged {
        /// Where and how.
        #[source]
        source: Box<NotAnEntry>,
    },
}

impl ReadError {
    /// The log can't be reached.
    pub(crate) fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable { source: source.into() }
    }
}

impl From<NotAnEntry> for ReadError {
    fn from(source: NotAnEntry) -> Self {
        Self::Damaged { source: Box::new(source) }
    }
}

/// Why a log can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open for writing.
    #[error("another process writes to {path}; stop it, or use another data folder")]
    Locked {
        /// The lock file.
        path: String,
    },
    /// The folder or a file in it can't be made or opened.
    #[error("can't open {path}")]
    File {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The database can't be opened.
    #[error("can't open the database {path}")]
    Database {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// The schema is of a version that this binary doesn't know.
    #[error("the log {path} has schema version {found}; this binary knows {known}: use a newer one")]
    Schema {
        /// The file.
        path: String,
        /// What it has.
        found: i64,
        /// What this binary knows.
        known: i64,
    },
    /// The schema is not there, or older than this binary.
    #[error(
        "the log {path} has schema version {found}, this binary needs {known}: run `liem log migrate` as the owner"
    )]
    NotMigrated {
        /// The database.
        path: String,
        /// What it has; 0 for none.
        found: i64,
        /// What this binary needs.
        known: i64,
    },
    /// The log was closed, to be moved elsewhere.
    #[error("the log {path} is closed: {reason}")]
    Closed {
        /// The database.
        path: String,
        /// Why, as recorded.
        reason: String,
    },
    /// Bundles can't be made.
    #[error("the bundles of {path} can't be made anew")]
    Bundles {
        /// The database.
        path: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Entry 1 can't be written or read.
    #[error("entry 1 of the log is not what opens a log")]
    Genesis {
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Self {
        use ErrorReason as R;
        let (reason, advice) = match &error {
            AppendError::Conflict { .. } => (R::RevisionConflict, "read the stream again and decide anew"),
            AppendError::RequestIdReused { .. } => (R::RequestIdReused, "use a new id for a new request"),
            AppendError::EntryTooLarge { .. } => (R::EntryTooLarge, "send less in one event"),
            AppendError::EventCount { .. } => (R::AppendEmpty, "split the append, or leave it"),
            AppendError::StreamName(_) => (R::StreamNameMalformed, "correct the name"),
            AppendError::CategoryNotOwned { .. } => {
                (R::CategoryNotOwned, "call the service that owns the category")
            }
            AppendError::QueueFull => {
                (R::QueueFull, "nothing was recorded: try again with the same request id")
            }
            AppendError::StorageFull => (R::StorageFull, "nothing was recorded: free room, then send again"),
            AppendError::ClockWentBack { .. } => {
                (R::ClockWentBack, "nothing was recorded: set the ledger's clock right, then send again")
            }
            AppendError::Unreachable { .. } => {
                (R::LogUnreachable, "nothing was recorded: try again with the same request id")
            }
            AppendError::Closed => (R::LogClosed, "ask the administrator for the ledger that goes on"),
            AppendError::Unavailable { .. } => (R::LogUnavailable, "send it again with the same request id"),
            AppendError::Refused { .. } => (R::Internal, "the ledger's log tells more"),
        };
        Failure::new(reason, format!("{error}: {advice}"))
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        let (reason, advice) = match &error {
            ReadError::Unavailable { .. } => (ErrorReason::LogUnavailable, "try again"),
            ReadError::NotFound { .. } => {
                (ErrorReason::PositionNotFound, "ask for a position up to the head")
            }
            ReadError::Damaged { .. } => (ErrorReason::LogDamaged, "stop and run `liem log check`"),
        };
        Failure::new(reason, format!("{error}: {advice}"))
    }
}
