//! Checking the log in a database.

use sqlx::{ConnectOptions as _, PgConnection, Row as _, postgres::PgConnectOptions};

use super::{bundler, schema, shown, signed, unsigned};
use crate::{
    OpenError,
    check::{Check, CheckProgress, PAGE, StoredRow},
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
    let mut check = Check::new(unsigned(total), reach, REMEDY);
    check_schema(&mut check, &mut connection).await.map_err(database)?;
    loop {
        let rows = sqlx::query(
            "SELECT position, stream, revision, append_id, k, type, recorded_at, bytes FROM liem.entry \
             WHERE position >= $1 AND position <= $2 ORDER BY position LIMIT $3",
        )
        .bind(signed(check.next()))
        .bind(total)
        .bind(PAGE)
        .fetch_all(&mut connection)
        .await
        .map_err(database)?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let position = unsigned(row.get(0));
            if let Some(number) = check.wants_bundle(position) {
                let stored = sqlx::query_scalar("SELECT entries FROM liem.bundle WHERE number = $1")
                    .bind(signed(number))
                    .fetch_optional(&mut connection)
                    .await;
                check.take_bundle(number, stored);
            }
            check.row(&StoredRow {
                position,
                stream: row.get(1),
                revision: unsigned(row.get(2)),
                append_id: row.get(3),
                k: row.get::<i32, _>(4).into(),
                event_type: row.get(5),
                recorded_at: row.get(6),
                bytes: row.get(7),
            });
        }
        progress(&check.progress);
    }
    Ok(check.end())
}

/// The trigger is what refuses changes, and the function what keeps writers apart: a database without them could have been changed.
async fn check_schema(check: &mut Check, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    // 58: BEFORE (2), DELETE (8), UPDATE (16), TRUNCATE (32); for each statement.
    let is_kept: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'liem.entry'::regclass AND tgname = $1 \
         AND tgenabled = 'A' AND tgtype = 58 AND tgfoid = 'liem.refuse'::regproc AND tgqual IS NULL)",
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
    for function in ["refuse", "lock", "append"] {
        let found: Vec<String> = sqlx::query_scalar(
            "SELECT prosrc FROM pg_proc WHERE pronamespace = 'liem'::regnamespace AND proname = $1",
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
    let indexes: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_index WHERE indrelid = 'liem.entry'::regclass AND indisunique AND indisvalid",
    )
    .fetch_one(connection)
    .await?;
    if indexes != 3 {
        check.fault(0, format!("{indexes} unique indexes of 3 are in place: entries could stand twice"));
    }
    Ok(())
}
