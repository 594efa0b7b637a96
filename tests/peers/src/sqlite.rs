//! SQLite by hand: the log's table without its triggers, and one statement of many rows, which is one
//! transaction.

use std::{path::Path, sync::Arc};

use anyhow::Result;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::sync::Mutex;

use crate::{
    contents::{Contents, EVENT_TYPE},
    load::Append,
    rows::Rows,
};

/// As in `libs/eventlog/src/sqlite/schema.rs`.
const TABLE: &str = "CREATE TABLE entry (
    position INTEGER PRIMARY KEY CHECK (position > 0),
    stream TEXT NOT NULL,
    revision INTEGER NOT NULL CHECK (revision > 0),
    append_id BLOB NOT NULL CHECK (length(append_id) = 16),
    k INTEGER NOT NULL CHECK (k >= 0),
    type TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    UNIQUE (stream, revision),
    UNIQUE (append_id, k)
) STRICT";

const COLUMNS: &str = "position, stream, revision, append_id, k, type, recorded_at, bytes";

/// The version of the SQLite that is linked in here.
pub(crate) async fn version() -> Result<String> {
    let mut connection = SqliteConnectOptions::new().in_memory(true).connect().await?;
    Ok(sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut connection).await?)
}

/// One connection that inserts.
pub(crate) struct Inserts {
    connection: Mutex<SqliteConnection>,
    rows: Rows,
}

impl Inserts {
    /// Makes the table in a new file.
    pub(crate) async fn new(folder: &Path, contents: Arc<Contents>) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        // The settings are the log's.
        let mut connection = SqliteConnectOptions::new()
            .filename(folder.join("raw.sqlite"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("cache_size", "-65536")
            .connect()
            .await?;
        sqlx::query(TABLE).execute(&mut connection).await?;
        Ok(Self { connection: Mutex::new(connection), rows: Rows::new(contents) })
    }
}

impl Append for Inserts {
    async fn append(&self, events: usize) -> Result<()> {
        let places = vec!["(?,?,?,?,?,?,?,?)"; events].join(",");
        let sql = format!("INSERT INTO entry ({COLUMNS}) VALUES {places}");
        let mut insert = sqlx::query(AssertSqlSafe(sql));
        for row in self.rows.append(i32::try_from(events)?) {
            insert = insert
                .bind(row.position)
                .bind(row.stream)
                .bind(row.revision)
                .bind(row.append_id.into_bytes().to_vec())
                .bind(row.k)
                .bind(EVENT_TYPE)
                .bind(row.recorded_at)
                .bind(row.bytes);
        }
        insert.execute(&mut *self.connection.lock().await).await?;
        Ok(())
    }
}
