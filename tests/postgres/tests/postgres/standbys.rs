//! Standbys.

use test_postgres::{Postgres, Role, wait_until};

use crate::{ask, connect, execute, rows};

#[tokio::test]
async fn what_a_primary_answered_is_in_the_standby_that_takes_its_place() {
    let mut primary = Postgres::start();
    let database = primary.database();
    let mut owner = connect(&database.url(Role::Owner)).await;
    execute(&mut owner, "CREATE TABLE kept (n int)").await;
    let mut standby = primary.standby();
    let there = database.on(&standby);
    assert_ne!(there.url(Role::Owner), database.url(Role::Owner));
    let mut reader = connect(&there.url(Role::Owner)).await;
    assert_eq!(ask(&mut reader, "SELECT pg_is_in_recovery()::text").await, "true");
    let refused = sqlx::raw_sql("INSERT INTO kept VALUES (0)").execute(&mut reader).await.unwrap_err();
    assert_eq!(refused.as_database_error().unwrap().code().as_deref(), Some("25006"));

    primary.wait_for(&standby);
    for n in 1..=100 {
        execute(&mut owner, &format!("INSERT INTO kept VALUES ({n})")).await;
    }
    primary.kill();
    standby.promote();
    assert_eq!(rows(&there).await, 100);
    execute(&mut connect(&there.tcp_url(Role::Owner)).await, "INSERT INTO kept VALUES (101)").await;
    assert_eq!(rows(&there).await, 101);
}

#[tokio::test]
async fn a_primary_that_waits_answers_when_its_standby_is_back() {
    let primary = Postgres::start();
    let database = primary.database();
    let mut owner = connect(&database.url(Role::Owner)).await;
    execute(&mut owner, "CREATE TABLE kept (n int)").await;
    let mut standby = primary.standby();
    // It waits for nobody yet.
    standby.stop();
    execute(&mut owner, "INSERT INTO kept VALUES (1)").await;
    standby.start_again();

    primary.wait_for(&standby);
    standby.kill();
    let insert = tokio::spawn(async move { execute(&mut owner, "INSERT INTO kept VALUES (2)").await });
    let mut superuser = connect(&database.url(Role::Superuser)).await;
    let waiting = "SELECT count(*)::text FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    while ask(&mut superuser, waiting).await == "0" {
        assert!(!insert.is_finished(), "it's answered without the standby");
    }
    standby.start_again();
    insert.await.unwrap();
    assert_eq!(rows(&database).await, 2);

    standby.kill();
    primary.wait_for_none();
    let mut owner = connect(&database.url(Role::Owner)).await;
    execute(&mut owner, "INSERT INTO kept VALUES (3)").await;
    standby.start_again();
    let there = database.on(&standby);
    let mut reader = connect(&there.url(Role::Owner)).await;
    let (runtime, count) = (tokio::runtime::Handle::current(), "SELECT count(*)::text FROM kept");
    tokio::task::spawn_blocking(move || {
        wait_until("the standby has caught up", || runtime.block_on(ask(&mut reader, count)) == "3");
    })
    .await
    .unwrap();
}
