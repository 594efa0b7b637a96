//! The schema in a PostgreSQL database: embedded, and applied by its owner only.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::OpenError;

/// Each version of the schema, from 1. Applied ones are never changed.
const VERSIONS: [&str; 2] = [include_str!("schema_1.sql"), include_str!("schema_2.sql")];

/// The version that this binary knows.
pub(super) const VERSION: i64 = VERSIONS.len().cast_signed() as i64;

/// The trigger that refuses changes, the functions it and appends call, as the schema makes them.
pub(super) const TRIGGER: &str = "entry_is_never_changed";

/// The version that the database has; 0 for none.
pub(super) async fn found(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    // Not by to_regclass, which asks for rights in the schema: before it's migrated nobody but its owner has any.
    let sql = "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE n.nspname = 'liem' AND c.relname = 'version')";
    let is_there: bool = sqlx::query_scalar(sql).fetch_one(&mut *connection).await?;
    if !is_there {
        return Ok(0);
    }
    sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM liem.version").fetch_one(connection).await
}

/// Refuses a database whose schema this binary doesn't know.
pub(super) async fn require(connection: &mut PgConnection, shown: &str) -> Result<(), OpenError> {
    let database = |source| OpenError::Database { path: shown.to_owned(), source };
    match found(connection).await.map_err(database)? {
        VERSION => Ok(()),
        found if found > VERSION => Err(OpenError::Schema { path: shown.to_owned(), found, known: VERSION }),
        found => Err(OpenError::NotMigrated { path: shown.to_owned(), found, known: VERSION }),
    }
}

/// Brings the schema to the version that this binary knows. Returns the version it had.
pub(super) async fn migrate(connection: &mut PgConnection, shown: &str) -> Result<i64, OpenError> {
    let database = |source| OpenError::Database { path: shown.to_owned(), source };
    let mut tx = connection.begin().await.map_err(database)?;
    // Two owners at once come one after the other.
    sqlx::query("SELECT pg_advisory_xact_lock(7808826862170697070)")
        .execute(&mut *tx)
        .await
        .map_err(database)?;
    let had = found(&mut tx).await.map_err(database)?;
    if had > VERSION {
        return Err(OpenError::Schema { path: shown.to_owned(), found: had, known: VERSION });
    }
    for statements in &VERSIONS[usize::try_from(had).unwrap_or(0)..] {
        sqlx::raw_sql(AssertSqlSafe(*statements)).execute(&mut *tx).await.map_err(database)?;
    }
    tx.commit().await.map_err(database)?;
    Ok(had)
}

/// The source of a function as [`VERSIONS`] has it last.
pub(super) fn source_of(function: &str) -> Option<&'static str> {
    let head = format!("FUNCTION liem.{function}(");
    // It's made before anything else is said of it.
    let newest = VERSIONS.iter().rev().find_map(|sql| sql.split_once(&head))?;
    newest.1.split("$$").nth(1)
}
