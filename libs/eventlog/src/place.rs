//! Where a log is kept: in a file, or in a database of PostgreSQL.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc};

use sqlx::postgres::PgConnectOptions;
use tokio::sync::watch;

use crate::{
    CheckProgress, EventLog, OpenError, Options, PostgresLog, SqliteLog, check_file, check_postgres, postgres,
};

/// Where a log is kept.
#[derive(Debug, Clone)]
pub enum LogPlace {
    /// A file of SQLite.
    File(PathBuf),
    /// A database of PostgreSQL, and the role that comes to it.
    Postgres(Box<PgConnectOptions>),
}

/// What says where no log can be.
#[derive(Debug, thiserror::Error)]
#[error("this is not the URL of a database: write postgres://ROLE@HOST/DATABASE, or a file's path")]
pub struct LogPlaceMalformed {
    /// What is wrong with it.
    #[source]
    source: sqlx::Error,
}

impl FromStr for LogPlace {
    type Err = LogPlaceMalformed;

    /// `postgres://…` is a database, everything else a file's path.
    fn from_str(text: &str) -> Result<Self, LogPlaceMalformed> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let options = text.parse().map_err(|source| LogPlaceMalformed { source })?;
            return Ok(Self::Postgres(Box::new(options)));
        }
        Ok(Self::File(text.into()))
    }
}

/// As it may be shown: without a password.
impl fmt::Display for LogPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Postgres(options) => f.write_str(&postgres::shown(options)),
        }
    }
}

impl LogPlace {
    /// Opens the log there, to append and to read.
    pub async fn open(&self, options: Options) -> Result<OwnLog, OpenError> {
        Ok(match self {
            Self::File(path) => OwnLog::Sqlite(SqliteLog::open(path, options).await?),
            Self::Postgres(place) => OwnLog::Postgres(PostgresLog::open(place, options).await?),
        })
    }

    /// Reads the whole log there and proves that it is one: see [`check_file`].
    pub async fn check(
        &self,
        progress: impl FnMut(&CheckProgress) + Send,
    ) -> Result<CheckProgress, OpenError> {
        match self {
            Self::File(path) => check_file(path, progress).await,
            Self::Postgres(place) => check_postgres(place, progress).await,
        }
    }
}

/// A log that this process has open.
#[derive(Clone)]
pub enum OwnLog {
    /// In a file.
    Sqlite(Arc<SqliteLog>),
    /// In a database.
    Postgres(Arc<PostgresLog>),
}

impl OwnLog {
    /// The log.
    pub fn log(&self) -> Arc<dyn EventLog> {
        match self {
            Self::Sqlite(log) => log.clone(),
            Self::Postgres(log) => log.clone(),
        }
    }

    /// Whether its database can be reached, as it changes; none where it's always so.
    pub fn is_reached(&self) -> Option<watch::Receiver<bool>> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(log) => Some(log.is_reached()),
        }
    }

    /// Takes no more appends, answers those that were taken, and closes.
    pub async fn close(self) {
        match self {
            Self::Sqlite(log) => log.close().await,
            Self::Postgres(log) => log.close().await,
        }
    }
}
