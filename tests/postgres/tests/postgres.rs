//! Servers that tests start, against the real thing.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use test_postgres::{Database, Role};

#[path = "postgres/leaks.rs"]
mod leaks;
#[path = "postgres/proxies.rs"]
mod proxies;
#[path = "postgres/servers.rs"]
mod servers;
#[path = "postgres/standbys.rs"]
mod standbys;

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap_or_else(|e| panic!("{url}: {e}"))
}

async fn execute(connection: &mut PgConnection, statements: &str) {
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(connection).await.unwrap();
}

async fn ask(connection: &mut PgConnection, query: &str) -> String {
    sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(connection).await.unwrap()
}

/// How many rows the table `kept` has.
async fn rows(database: &Database) -> i64 {
    let mut owner = connect(&database.url(Role::Owner)).await;
    sqlx::query_scalar("SELECT count(*) FROM kept").fetch_one(&mut owner).await.unwrap()
}

/// Waits until a condition holds, whose answer takes a connection.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async { while !holds().await {} };
    tokio::time::timeout(Duration::from_mins(1), waiting).await.unwrap_or_else(|e| panic!("{what}: {e}"));
}
