//! The schema, and the triggers that keep rows from being changed.

use std::path::Path;

use sqlx::{Connection as _, SqliteConnection};

use crate::OpenError;

/// The version in `PRAGMA user_version`. 2 added the table `closed`.
pub(super) const VERSION: i64 = 2;

/// Every statement of the schema. `liem log check` compares what the database has with this.
///
/// The columns repeat what the bytes say, so that it can be looked up; the bytes are the record. There are
/// three indexes and no more (position, stream and revision, append id): anything else is a view.
pub(super) const STATEMENTS: [&str; 5] = [
    "CREATE TABLE entry (
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
) STRICT",
    "CREATE TRIGGER entry_is_never_updated BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'entries are never updated'); END",
    "CREATE TRIGGER entry_is_never_deleted BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END",
    // REPLACE takes away the rows in its way, and no trigger on DELETE sees it.
    "CREATE TRIGGER entry_is_never_replaced BEFORE INSERT ON entry
WHEN EXISTS (SELECT 1 FROM entry WHERE position = NEW.position)
    OR EXISTS (SELECT 1 FROM entry WHERE stream = NEW.stream AND revision = NEW.revision)
    OR EXISTS (SELECT 1 FROM entry WHERE append_id = NEW.append_id AND k = NEW.k)
BEGIN SELECT RAISE(ABORT, 'entries are never replaced'); END",
    CLOSED,
];

/// A row here closes the log: nothing is appended. That is how a log is moved elsewhere.
const CLOSED: &str = "CREATE TABLE closed (incomplete INTEGER NOT NULL, reason TEXT NOT NULL) STRICT";

/// Makes the schema in a new database, and refuses one of another version.
pub(super) async fn migrate(connection: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    let shown = path.display().to_string();
    let database = |source| OpenError::Database { path: shown.clone(), source };
    let found: i64 =
        sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *connection).await.map_err(database)?;
    if found == VERSION {
        return Ok(());
    }
    let statements = match found {
        0 => STATEMENTS.as_slice(),
        1 => &[CLOSED],
        _ => return Err(OpenError::Schema { path: shown.clone(), found, known: VERSION }),
    };
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await.map_err(database)?;
    for statement in statements {
        sqlx::query(*statement).execute(&mut *tx).await.map_err(database)?;
    }
    sqlx::query("PRAGMA user_version = 2").execute(&mut *tx).await.map_err(database)?;
    tx.commit().await.map_err(database)
}

/// Refuses a log that takes no appends.
pub(super) async fn refuse_closed(connection: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    let path = path.display().to_string();
    let reason: Option<String> = sqlx::query_scalar("SELECT reason FROM closed LIMIT 1")
        .fetch_optional(connection)
        .await
        .map_err(|source| OpenError::Database { path: path.clone(), source })?;
    reason.map_or(Ok(()), |reason| Err(OpenError::Closed { path, reason }))
}
