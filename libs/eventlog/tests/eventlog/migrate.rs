//! The schema of a database: made by its owner, once, and known by its version.

use eventlog::{
    EventLog as _, LogPlace, OpenError, PostgresLog, check_postgres, copy, migrate_postgres,
    rebundle_postgres,
};
use futures::future::join_all;
use test_postgres::Role;

use crate::{
    postgres::{Place, execute},
    store::{Store, append, options},
};

#[tokio::test]
async fn a_database_without_the_schema_says_what_to_do() {
    let place = Place::bare().await;
    let opened = PostgresLog::open(&place.of(Role::Service), options()).await.map(drop);
    let checked = check_postgres(&place.of(Role::Service), |_| {}).await.map(drop);
    let rebundled = rebundle_postgres(&place.of(Role::Maintenance)).await.map(drop);
    for refused in [opened, checked, rebundled] {
        let error = refused.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, OpenError::NotMigrated { found: 0, known: 2, .. }), "{text}");
        assert!(text.contains("run `liem log migrate` as the owner"), "{text}");
    }
}

#[tokio::test]
async fn migrating_again_changes_nothing() {
    let place = Place::bare().await;
    let owner = place.of(Role::Owner);
    assert_eq!(migrate_postgres(&owner).await.unwrap(), (0, 2));
    place.open().await.close().await;
    assert_eq!(migrate_postgres(&owner).await.unwrap(), (2, 2));
    place.open().await.close().await;
    let checked = check_postgres(&place.of(Role::Service), |_| {}).await.unwrap();
    assert_eq!((checked.checked, checked.faults), (1, Vec::new()));
}

#[tokio::test]
async fn a_schema_of_the_version_before_is_refused_and_brought_forward() {
    let place = Place::bare().await;
    let owner = place.of(Role::Owner);
    let first = include_str!("../../src/postgres/schema_1.sql");
    sqlx::raw_sql(first).execute(&mut place.raw(Role::Owner).await).await.unwrap();
    let error = PostgresLog::open(&place.of(Role::Service), options()).await.map(drop).unwrap_err();
    assert!(matches!(error, OpenError::NotMigrated { found: 1, known: 2, .. }), "{error}");
    let checked = check_postgres(&owner, |_| {}).await.map(drop);
    assert!(matches!(checked, Err(OpenError::NotMigrated { found: 1, .. })), "{checked:?}");
    assert_eq!(migrate_postgres(&owner).await.unwrap(), (1, 2));
    let log = place.open().await;
    assert!(!log.append(append("case-1", 2)).await.unwrap().repeated);
    log.close().await;
    let checked = check_postgres(&place.of(Role::Service), |_| {}).await.unwrap();
    assert_eq!((checked.checked, checked.faults), (3, Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_at_once_come_one_after_the_other() {
    let place = Place::bare().await;
    let owner = place.of(Role::Owner);
    let migrations = join_all((0..8).map(|_| migrate_postgres(&owner))).await;
    let mut had: Vec<_> = migrations.into_iter().map(|migrated| migrated.unwrap().0).collect();
    had.sort_unstable();
    assert_eq!(had, [0, 2, 2, 2, 2, 2, 2, 2]);
    place.open().await.close().await;
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let place = Place::new().await;
    place.open().await.close().await;
    execute(&mut place.raw(Role::Owner).await, "INSERT INTO liem.version VALUES (3)").await.unwrap();
    let owner = place.of(Role::Owner);
    let opened = PostgresLog::open(&place.of(Role::Service), options()).await.map(drop);
    let migrated = migrate_postgres(&owner).await.map(drop);
    let checked = check_postgres(&owner, |_| {}).await.map(drop);
    let rebundled = rebundle_postgres(&place.of(Role::Maintenance)).await.map(drop);
    for refused in [opened, migrated, checked, rebundled] {
        let error = refused.unwrap_err();
        assert!(matches!(error, OpenError::Schema { found: 3, known: 2, .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("has schema version 3; this binary knows 2: use a newer one"), "{text}");
    }
    let store = Store::new();
    store.open().await.close().await;
    let here = LogPlace::File(store.path());
    let copied = copy(&here, &LogPlace::Postgres(Box::new(owner)), |_, _| {}).await.unwrap_err();
    assert!(copied.to_string().contains("has schema version 3"), "{copied}");
    // The source was not closed for a move that could not begin.
    store.open().await.close().await;
}
