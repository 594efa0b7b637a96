//! A log in a database of its own, on the server that this binary's tests share.

use std::sync::Arc;

use eventlog::{EventLog as _, Expected, PostgresLog, conformance::sample, migrate_postgres};
use sqlx::postgres::PgConnectOptions;
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

    pub(crate) fn of(&self, role: Role) -> PgConnectOptions {
        self.0.url(role).parse().unwrap()
    }

    /// The log as the service has it.
    pub(crate) async fn open(&self) -> Arc<PostgresLog> {
        PostgresLog::open(&self.of(Role::Service), options()).await.unwrap()
    }
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
