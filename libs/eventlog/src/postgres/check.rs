//! Checking the log in a database.

use sqlx::{
    ConnectOptions as _, PgConnection, Row as _,
    postgres::{PgConnectOptions, PgRow},
};

use super::{bundler, schema, shown, signed, unsigned};
use crate::{
    OpenError,
    check::{Check, CheckProgress, PAGE, ROWS_BEFORE, StoredRow},
};

/// What to do about bundles.
const REMEDY: &str = "make them anew by `liem log rebundle` as the maintenance role";

/// Reads the log in a PostgreSQL database and proves what [`check_file`](crate::check_file) proves of a file. Any role that may
/// read the log can do it, also beside running writers.
pub async fn check_postgres(
    options: &PgConnectOptions,
    mut progress: impl FnMut(&CheckProgress) + Send,
) -> Result<CheckProgress, OpenError> {
    let path = shown(options);
    let database = |source| OpenError::Database { path: path.clone(), source };
    let mut connection = options.clone().application_name("liem check").connect().await.map_err(database)?;
    schema::require(&mut connection, &path).await?;
    let reach = bundler::reach(&mut connection).await.map_err(database)?;
    let total: i64 = sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM liem.entry")
        .fetch_one(&mut connection)
        .await
        .map_err(database)?;
    let mut check = Check::new(unsigned(total.max(0)), reach, REMEDY);
    check_schema(&mut check, &mut connection).await.map_err(database)?;
    let mut past = 0;
    loop {
        let rows = sqlx::query(
            "SELECT position, stream, revision, append_id, k, type, recorded_at, bytes FROM liem.entry \
             WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3",
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
            if let Some(number) = check.wants_bundle(position) {
                let stored = sqlx::query_scalar("SELECT entries FROM liem.bundle WHERE number = $1")
                    .bind(signed(number))
                    .fetch_optional(&mut connection)
                    .await;
                check.take_bundle(number, stored);
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
fn stored(position: u64, row: &PgRow) -> Result<StoredRow<'_>, sqlx::Error> {
    Ok(StoredRow {
        position,
        stream: row.try_get(1)?,
        revision: row.try_get(2)?,
        append_id: row.try_get(3)?,
        k: row.try_get::<i32, _>(4)?.into(),
        event_type: row.try_get(5)?,
        recorded_at: row.try_get(6)?,
        bytes: row.try_get(7)?,
    })
}

/// The trigger is what refuses changes, the functions and indexes are what keeps appends apart, and nothing else may come
/// between: a database where it's otherwise could have been changed.
async fn check_schema(check: &mut Check, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    // 58: BEFORE (2), DELETE (8), UPDATE (16), TRUNCATE (32); for each statement, of all columns.
    let is_kept: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'liem.entry'::regclass AND tgname = $1 \
         AND tgenabled = 'A' AND tgtype = 58 AND tgfoid = 'liem.refuse()'::regprocedure AND tgqual IS NULL \
         AND tgattr = '')",
    )
    .bind(schema::TRIGGER)
    .fetch_one(&mut *connection)
    .await?;
    if !is_kept {
        check.fault(
            0,
            format!("the trigger {} is not in place: rows could have been changed", schema::TRIGGER),
        );
    }
    let others: Vec<String> = sqlx::query_scalar(
        "SELECT 'trigger ' || tgname FROM pg_trigger \
         WHERE tgrelid = 'liem.entry'::regclass AND tgname <> $1 AND NOT tgisinternal \
         UNION ALL SELECT 'rule ' || rulename FROM pg_rewrite WHERE ev_class = 'liem.entry'::regclass",
    )
    .bind(schema::TRIGGER)
    .fetch_all(&mut *connection)
    .await?;
    for other in others {
        check.fault(0, format!("the {other} is none of the schema's: entries could have been swallowed"));
    }
    for function in ["refuse", "lock", "begin_append", "append"] {
        let found: Vec<String> = sqlx::query_scalar(
            "SELECT CASE WHEN prosecdef OR proconfig IS NOT NULL THEN '' ELSE prosrc END FROM pg_proc \
             WHERE pronamespace = 'liem'::regnamespace AND proname = $1",
        )
        .bind(function)
        .fetch_all(&mut *connection)
        .await?;
        if found.len() != 1 || schema::source_of(function) != Some(found[0].as_str()) {
            let text = format!(
                "the function liem.{function} is not what the schema has: rows could have been changed"
            );
            check.fault(0, text);
        }
    }
    let indexes: Vec<String> = sqlx::query_scalar(
        "SELECT (SELECT string_agg(attname, ', ' ORDER BY place) FROM unnest(indkey) WITH ORDINALITY AS key (n, place) \
         JOIN pg_attribute ON attrelid = indrelid AND attnum = n) FROM pg_index \
         WHERE indrelid = 'liem.entry'::regclass AND indisunique AND indimmediate AND indisvalid \
         AND indpred IS NULL AND indexprs IS NULL",
    )
    .fetch_all(&mut *connection)
    .await?;
    for columns in ["position", "stream, revision", "append_id, k"] {
        if !indexes.iter().any(|index| index == columns) {
            check.fault(0, format!("there is no unique index of {columns}: entries could stand twice"));
        }
    }
    let is_before: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM liem.entry WHERE position < 1)")
        .fetch_one(connection)
        .await?;
    if is_before {
        check.fault(0, ROWS_BEFORE);
    }
    Ok(())
}
