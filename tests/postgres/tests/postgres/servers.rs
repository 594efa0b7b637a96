//! Servers and their databases.

use std::net::TcpStream;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use test_postgres::{Postgres, Role};

use crate::{ask, connect, execute, rows};

#[tokio::test]
async fn a_server_has_databases_of_their_own_and_syncs_what_is_committed() {
    let server = Postgres::shared();
    let (one, other) = (server.database(), server.database());
    assert_ne!(one.name(), other.name());

    let mut owner = connect(&one.url(Role::Owner)).await;
    execute(&mut owner, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)").await;
    assert_eq!(rows(&one).await, 1);
    let mut elsewhere = connect(&other.url(Role::Owner)).await;
    let missing = sqlx::query("SELECT * FROM kept").execute(&mut elsewhere).await.unwrap_err();
    assert_eq!(missing.as_database_error().unwrap().code().as_deref(), Some("42P01"));

    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        assert_eq!(ask(&mut owner, &format!("SHOW {setting}")).await, "on", "{setting}");
    }
    assert!(ask(&mut owner, "SHOW server_version_num").await.parse::<u32>().unwrap() >= 150_000);
}

#[tokio::test]
async fn roles_come_over_both_ways_and_may_do_what_was_granted() {
    let database = Postgres::shared().database();
    let mut owner = connect(&database.url(Role::Owner)).await;
    execute(&mut owner, "CREATE TABLE kept (n int); GRANT INSERT ON kept TO liem_service").await;

    for role in [Role::Owner, Role::Service, Role::Maintenance, Role::Superuser] {
        for url in [database.url(role), database.tcp_url(role)] {
            let mut connection = connect(&url).await;
            let whose = "SELECT concat_ws(' ', current_user, current_database())";
            assert_eq!(
                ask(&mut connection, whose).await,
                format!("{} {}", role.name(), database.name()),
                "{url}"
            );
            let over_tcp = ask(&mut connection, "SELECT (inet_client_addr() IS NOT NULL)::text").await;
            assert_eq!(over_tcp == "true", url == database.tcp_url(role), "{url}");
            let is_superuser = ask(&mut connection, "SHOW is_superuser").await;
            assert_eq!(is_superuser == "on", role == Role::Superuser, "{url}");
        }
    }

    let insert = "INSERT INTO kept VALUES (1)";
    execute(&mut connect(&database.url(Role::Service)).await, insert).await;
    let mut maintenance = connect(&database.url(Role::Maintenance)).await;
    for statement in [insert, "CREATE TABLE own (n int)"] {
        let denied = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut maintenance).await.unwrap_err();
        assert_eq!(denied.as_database_error().unwrap().code().as_deref(), Some("42501"), "{statement}");
    }
}

#[tokio::test]
async fn what_was_committed_outlives_a_kill_and_what_was_not_does_not() {
    let mut server = Postgres::start();
    let database = server.database();
    let mut owner = connect(&database.url(Role::Owner)).await;
    execute(&mut owner, "CREATE TABLE kept (n int); INSERT INTO kept SELECT generate_series(1, 1000)").await;
    execute(&mut owner, "BEGIN; INSERT INTO kept VALUES (1001)").await;

    server.kill();
    sqlx::raw_sql("COMMIT").execute(&mut owner).await.unwrap_err();
    TcpStream::connect(server.address()).unwrap_err();
    PgConnection::connect(&database.url(Role::Owner)).await.unwrap_err();
    server.start_again();
    assert_eq!(rows(&database).await, 1000);

    server.stop();
    TcpStream::connect(server.address()).unwrap_err();
    server.start_again();
    assert_eq!(rows(&database).await, 1000);
    let mut over_tcp = connect(&database.tcp_url(Role::Owner)).await;
    execute(&mut over_tcp, "INSERT INTO kept VALUES (1001)").await;

    let (folder, address) = (server.folder().to_owned(), server.address());
    assert!(folder.join("data/postmaster.pid").exists());
    drop(server);
    TcpStream::connect(address).unwrap_err();
    assert!(!folder.exists());
}
