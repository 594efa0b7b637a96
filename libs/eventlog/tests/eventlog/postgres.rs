//! A log in a database of its own, on the server that this binary's tests share.

use std::sync::Arc;

use eventlog::{
    AppendError, EventLog as _, Expected, PostgresLog, check_postgres, conformance::sample, migrate_postgres,
};
use futures::future::join_all;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, PgConnection, error::DatabaseError, postgres::PgConnectOptions,
};
use test_postgres::{Database, Postgres, Role};

use crate::store::options;

/// A database with the log's schema.
pub(crate) struct Place(pub(crate) Database);

impl Place {
    pub(crate) async fn new() -> Self {
        Self::on(tokio::task::spawn_blocking(Postgres::shared).await.unwrap()).await
    }

    /// The same on a server of the test's own.
    pub(crate) async fn on(server: &Postgres) -> Self {
        Self::migrated(server.database()).await
    }

    /// The same in a database that is there.
    pub(crate) async fn migrated(database: Database) -> Self {
        let place = Self(database);
        assert_eq!(migrate_postgres(&place.of(Role::Owner)).await.unwrap().0, 0);
        place
    }

    /// Without the schema.
    pub(crate) async fn bare() -> Self {
        Self(tokio::task::spawn_blocking(|| Postgres::shared().database()).await.unwrap())
    }

    /// A connection that asks nobody.
    pub(crate) async fn raw(&self, role: Role) -> PgConnection {
        self.of(role).connect().await.unwrap()
    }

    pub(crate) fn of(&self, role: Role) -> PgConnectOptions {
        self.0.url(role).parse().unwrap()
    }

    /// The log as the service has it.
    pub(crate) async fn open(&self) -> Arc<PostgresLog> {
        PostgresLog::open(&self.of(Role::Service), options()).await.unwrap()
    }
}

/// Runs statements, and says how many rows the last one changed.
pub(crate) async fn execute(connection: &mut PgConnection, statements: &str) -> Result<u64, sqlx::Error> {
    let done = sqlx::raw_sql(AssertSqlSafe(statements)).execute(connection).await?;
    Ok(done.rows_affected())
}

/// The `SQLSTATE` with which a database refused.
pub(crate) fn code(error: &sqlx::Error) -> String {
    error.as_database_error().and_then(DatabaseError::code).unwrap_or_else(|| panic!("{error}")).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_have_one_log() {
    let place = Place::new().await;
    let (one, other) = (place.open().await, place.open().await);
    assert_eq!(one.head().await.unwrap(), other.head().await.unwrap());
    let first =
        one.append(sample::append(&sample::case("a"), Expected::NoStream, sample::steps(2))).await.unwrap();
    let then =
        other.append(sample::append(&sample::case("a"), Expected::Exact(2), sample::steps(1))).await.unwrap();
    assert_eq!((first.last_position, then.first_position, then.last_revision), (3, 4, 3));
    one.close().await;
    other.close().await;
}

/// So long that the rows are copied in.
#[tokio::test(flavor = "multi_thread")]
async fn long_appends_of_two_processes_stand_once_and_without_gaps() {
    let place = Place::new().await;
    let logs = [place.open().await, place.open().await];
    let appends: Vec<_> = (0..8)
        .map(|n| sample::append(&sample::case(&format!("case-{}", n % 3)), Expected::Any, sample::steps(300)))
        .collect();
    for is_again in [false, true] {
        let both = logs.iter().flat_map(|log| appends.iter().map(move |append| log.append(append.clone())));
        let answers: Vec<_> = join_all(both).await.into_iter().map(Result::unwrap).collect();
        let (here, there) = answers.split_at(appends.len());
        for (one, other) in here.iter().zip(there) {
            assert_eq!(one.first_position, other.first_position, "recorded once");
            assert_eq!(one.last_position, one.first_position + 299);
            assert_eq!(one.repeated && other.repeated, is_again);
        }
    }
    let late = sample::append(&sample::case("case-0"), Expected::NoStream, sample::steps(300));
    assert!(matches!(logs[0].append(late).await, Err(AppendError::Conflict { .. })));
    for log in logs {
        assert!(log.until_bundled(2_304).await);
        log.close().await;
    }
    let checked = check_postgres(&place.of(Role::Service), |_| {}).await.unwrap();
    assert_eq!((checked.checked, checked.faults), (1 + 8 * 300, Vec::new()));
}
