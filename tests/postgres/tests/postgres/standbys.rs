//! Standbys.

use std::net::TcpStream;

use test_postgres::{Postgres, Role};

use crate::{ask, connect, execute, rows, until};

#[tokio::test]
async fn a_standby_is_waited_for_when_told_so_and_takes_the_place_of_its_primary() {
    let mut primary = Postgres::start();
    let database = primary.database();
    let mut owner = connect(&database.url(Role::Owner)).await;
    execute(&mut owner, "CREATE TABLE kept (n int)").await;
    let mut standby = primary.standby();
    let there = database.on(&standby);
    let mut reader = connect(&there.url(Role::Owner)).await;
    let refused = sqlx::raw_sql("INSERT INTO kept VALUES (0)").execute(&mut reader).await.unwrap_err();
    assert_eq!(refused.as_database_error().unwrap().code().as_deref(), Some("25006"), "it's read only");

    // Nobody waits for it yet.
    standby.stop();
    execute(&mut owner, "INSERT INTO kept VALUES (1)").await;
    standby.start_again();
    until("it has caught up", async || rows(&there).await == 1).await;

    primary.wait_for(&standby);
    standby.kill();
    let insert = tokio::spawn(async move { execute(&mut owner, "INSERT INTO kept VALUES (2)").await });
    let mut superuser = connect(&database.url(Role::Superuser)).await;
    let waiting = "SELECT count(*)::text FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    until("the insert waits", async || {
        assert!(!insert.is_finished(), "it's answered without the standby");
        ask(&mut superuser, waiting).await == "1"
    })
    .await;
    standby.start_again();
    insert.await.unwrap();

    standby.kill();
    primary.wait_for_none();
    let mut owner = connect(&database.url(Role::Owner)).await;
    execute(&mut owner, "INSERT INTO kept VALUES (3)").await;
    standby.start_again();

    primary.wait_for(&standby);
    for n in 4..=100 {
        execute(&mut owner, &format!("INSERT INTO kept VALUES ({n})")).await;
    }
    primary.kill();
    standby.promote();
    TcpStream::connect(primary.address()).unwrap_err();
    assert_eq!(rows(&there).await, 100, "whatever was answered is there");
    execute(&mut connect(&there.tcp_url(Role::Owner)).await, "INSERT INTO kept VALUES (101)").await;
    assert_eq!(rows(&there).await, 101);
}
