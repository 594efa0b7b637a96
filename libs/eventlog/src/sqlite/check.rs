//! Checking the log in a database file.

use std::path::Path;

use sqlx::{ConnectOptions as _, Row as _, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::{bundles, connect, schema, unsigned};
use crate::{
    OpenError,
    check::{Check, CheckProgress, PAGE, ROWS_BEFORE, StoredRow},
};

/// What to do about bundles.
const REMEDY: &str = "stop the ledger and delete the bundles file, it comes back";

/// Reads the log in a database file and proves that positions are gapless, revisions dense, times never
/// go back, every column is equal to its bytes, and the triggers that refuse changes are in place. Where
/// there are bundles, each has what the rows have; that some are missing is no fault.
/// Works beside a running writer. `progress` is told after each page.
pub async fn check_file(
    path: &Path,
    mut progress: impl FnMut(&CheckProgress) + Send,
) -> Result<CheckProgress, OpenError> {
    let database = |source| OpenError::Database { path: path.display().to_string(), source };
    let mut connection =
        connect(path).create_if_missing(false).read_only(true).connect().await.map_err(database)?;
    let opened = open_bundles(path).await;
    let total: i64 = sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM entry")
        .fetch_one(&mut connection)
        .await
        .map_err(database)?;
    let (mut bundles, reach, fault) = match opened {
        Ok(Some((file, reach))) => (Some(file), reach, None),
        Ok(None) => (None, 0, None),
        Err(error) => (None, 0, Some(format!("the bundles can't be read ({error})"))),
    };
    let mut check = Check::new(unsigned(total.max(0)), reach, REMEDY);
    if let Some(fault) = fault {
        check.bundles_fault(&fault);
    }
    check_schema(&mut check, &mut connection).await.map_err(database)?;
    let mut past = 0;
    loop {
        let rows = sqlx::query(
            "SELECT position, stream, revision, append_id, k, type, recorded_at, bytes FROM entry \
             WHERE position > ? AND position <= ? ORDER BY position LIMIT ?",
        )
        .bind(past)
        .bind(total)
        .bind(PAGE)
        .fetch_all(&mut connection)
        .await
        .map_err(database)?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            past = row.try_get(0).map_err(database)?;
            let position = unsigned(past);
            if let (Some(number), Some(file)) = (check.wants_bundle(position), &mut bundles) {
                check.take_bundle(number, bundles::stored(file, number).await);
            }
            match stored(position, row) {
                Ok(row) => check.row(&row),
                Err(error) => check.unreadable(position, &error),
            }
        }
        progress(&check.progress);
    }
    Ok(check.end())
}

/// A row, which may have what the schema doesn't allow.
fn stored(position: u64, row: &SqliteRow) -> Result<StoredRow<'_>, sqlx::Error> {
    Ok(StoredRow {
        position,
        stream: row.try_get(1)?,
        revision: row.try_get(2)?,
        append_id: Uuid::from_slice(row.try_get(3)?).unwrap_or_default(),
        k: row.try_get(4)?,
        event_type: row.try_get(5)?,
        recorded_at: row.try_get(6)?,
        bytes: row.try_get(7)?,
    })
}

/// The bundles beside the rows, and how far they reach before the rows are read.
async fn open_bundles(log: &Path) -> Result<Option<(SqliteConnection, u64)>, bundles::Unusable> {
    let path = bundles::path_of(log);
    if !path.exists() {
        return Ok(None);
    }
    let mut file = bundles::for_reading(&path).connect().await?;
    let reach = bundles::reach(&mut file).await?;
    Ok(Some((file, reach)))
}

/// The triggers are what refuses changes: a database without them could have been changed.
async fn check_schema(check: &mut Check, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let found: Vec<String> = sqlx::query_scalar("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")
        .fetch_all(&mut *connection)
        .await?;
    for statement in schema::STATEMENTS {
        if !found.iter().any(|sql| sql == statement) {
            let first = statement.lines().next().unwrap_or_default();
            check.fault(0, format!("the schema lacks `{first}`: rows could have been changed"));
        }
    }
    let is_before: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM entry WHERE position < 1)")
        .fetch_one(connection)
        .await?;
    if is_before {
        check.fault(0, ROWS_BEFORE);
    }
    Ok(())
}
