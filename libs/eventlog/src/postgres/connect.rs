//! Connections to the database, and which failures mean that there is none.

use std::{
    borrow::Cow,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use sqlx::{
    ConnectOptions as _, Executor as _, PgConnection, PgPool,
    error::DatabaseError,
    postgres::{PgConnectOptions, PgPoolOptions},
};

/// How long a connection may take to come up, and a statement of a reader to wait for a free one.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection that rested longer than this is asked whether it still lives before it's used.
const REST: Duration = Duration::from_secs(1);

/// Connections of readers, at most.
pub(super) const READERS: u32 = 8;

/// The connection that writes, or a failure within [`PATIENCE`]. Its commits are on disk when they return, whatever the server's
/// usual is, and it leaves no transaction open behind it if it hangs. `own` gets the number of the server's process for it.
pub(super) async fn writer(options: &PgConnectOptions, own: &AtomicU32) -> Result<PgConnection, sqlx::Error> {
    let connecting = async {
        let mut connection = options.clone().application_name("liem writer").connect().await?;
        connection
            .execute("SET idle_in_transaction_session_timeout = '10s'; SET lock_timeout = '10s'")
            .await?;
        let (fsync, commit, is_standby, process): (String, String, bool, i32) = sqlx::query_as(
            "SELECT current_setting('fsync'), current_setting('synchronous_commit'), pg_is_in_recovery(), \
             pg_backend_pid()",
        )
        .fetch_one(&mut connection)
        .await?;
        if fsync == "off" {
            let message = "the server has fsync = off: what it acknowledges may not be on disk; set it on";
            return Err(sqlx::Error::Configuration(message.into()));
        }
        if commit == "off" {
            connection.execute("SET synchronous_commit = on").await?;
        }
        // A standby that is not promoted takes no writes.
        if is_standby {
            let message = "the database is a standby: it takes no appends until it's promoted";
            return Err(sqlx::Error::Io(std::io::Error::other(message)));
        }
        own.store(process.cast_unsigned(), Ordering::Relaxed);
        Ok(connection)
    };
    match tokio::time::timeout(PATIENCE, connecting).await {
        Ok(connected) => connected,
        Err(_) => Err(sqlx::Error::PoolTimedOut),
    }
}

/// The pool of readers; connects when it's first used.
pub(super) fn readers(options: &PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > REST {
                    sqlx::Connection::ping(connection).await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options.clone().application_name("liem reader"))
}

/// The `SQLSTATE` of a database error.
pub(super) fn code(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error().and_then(DatabaseError::code)
}

/// True if the connection is gone, or the server on the other side goes: another may be had later. Whatever was
/// sent may have been done.
pub(super) fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::WorkerCrashed => true,
        // Shutdown, crash, starting up or not yet promoted; too many connections; a transaction or a wait for the lock that
        // took too long, so that somebody hangs.
        _ => code(error).is_some_and(|code| {
            code.starts_with("57P")
                || code.starts_with("08")
                || matches!(&*code, "25006" | "53300" | "25P03" | "55P03")
        }),
    }
}
