//! Opening: entry 1, one writer, the schema and the triggers that keep rows as they are.

use std::{sync::Arc, time::Duration};

use eventlog::{
    EventLog as _, Genesis, OpenError, Options, SqliteLog,
    conformance::whole::{everything, header},
    sqlite_version,
};
use events::ledger::LedgerEvent;
use sqlx::Connection as _;

use crate::store::{Store, append, genesis, options, record};

#[tokio::test]
async fn the_linked_sqlite_does_not_corrupt_on_wal_reset() {
    let version = sqlite_version().await.unwrap();
    let parts: Vec<u32> = version.split('.').map(|part| part.parse().unwrap()).collect();
    assert!(parts >= vec![3, 51, 3], "{version}: 3.7.0 to 3.51.2 can corrupt a log");
}

#[tokio::test]
async fn entry_1_opens_the_log_and_stays_what_it_is() {
    let store = Store::new();
    let log = store.open().await;
    let entries = everything(&*log).await;
    assert_eq!(entries.len(), 1);
    assert_eq!(header(&entries[0]).event_type, "ledger.LedgerOpened.v1");
    let opened = LedgerEvent::LedgerOpened {
        origin: "liem.test/one".into(),
        jurisdiction: "VN".into(),
        time_zone: "+07:00".into(),
    };
    assert_eq!(entries[0].event::<LedgerEvent>().unwrap(), opened);
    log.close().await;

    // Whatever it's opened with later, a log is what its first entry says.
    let other = Genesis { origin: "liem.test/two".into(), ..genesis() };
    let log = SqliteLog::open(&store.path(), Options { genesis: other, ..options() }).await.unwrap();
    assert_eq!(log.head().await.unwrap().genesis, genesis());
    assert_eq!(everything(&*log).await, entries, "opening again records nothing");
}

#[tokio::test]
async fn a_second_writer_is_refused() {
    let store = Store::new();
    let log = store.open().await;
    let second = SqliteLog::open(&store.path(), options()).await;
    let Err(OpenError::Locked { path }) = second.map(drop) else { panic!("two writers on one log") };
    assert!(path.ends_with("log.lock"), "{path}");
    // The first doesn't notice, and once it's closed the log is free, also while someone still holds it.
    record(&log, "a", 1).await.unwrap();
    log.clone().close().await;
    let second = store.open().await;
    assert_eq!(record(&second, "a", 1).await.unwrap().last_revision, 2);
    drop(log);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_stays_locked_until_its_last_commit() {
    let store = Store::new();
    let log = store.open().await;
    // The writer has taken an append and waits for the database when everyone lets go of the log.
    let mut raw = store.raw().await;
    let blocker = raw.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let under_way = append("under-way", 1);
    let id = under_way.id;
    let caller = tokio::spawn({
        let log = log.clone();
        async move { drop(log.append(under_way).await) }
    });
    tokio::task::yield_now().await;
    caller.abort();
    drop(caller.await);
    drop(log);

    let early = SqliteLog::open(&store.path(), options()).await;
    assert!(matches!(early, Err(OpenError::Locked { .. })), "two writers on one log");
    blocker.rollback().await.unwrap();
    let log = opened(&store).await;
    assert!(log.find_append(id).await.unwrap().len() <= 1, "recorded once, or never sent");
    record(&log, "next", 1).await.unwrap();
    everything(&*log).await;
}

/// The log, once nobody else has it.
async fn opened(store: &Store) -> Arc<SqliteLog> {
    let opening = async {
        loop {
            match SqliteLog::open(&store.path(), options()).await {
                Ok(log) => return log,
                Err(OpenError::Locked { .. }) => tokio::task::yield_now().await,
                Err(other) => panic!("{other}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), opening)
        .await
        .expect("it's free once the last commit is done")
}

#[tokio::test]
async fn the_triggers_refuse_every_change() {
    let store = Store::new();
    let log = store.open().await;
    for key in ["a", "b"] {
        record(&log, key, 2).await.unwrap();
    }
    let before = everything(&*log).await;
    let mut raw = store.raw().await;
    for (statement, refusal) in [
        ("UPDATE entry SET bytes = x'00' WHERE position = 2", "entries are never updated"),
        ("UPDATE entry SET recorded_at = recorded_at", "entries are never updated"),
        ("DELETE FROM entry WHERE position = 5", "entries are never deleted"),
        ("DELETE FROM entry", "entries are never deleted"),
        // REPLACE deletes what is in its way, and no DELETE trigger sees it.
        (
            "REPLACE INTO entry SELECT position, stream, revision, append_id, k, type, recorded_at, x'00' \
             FROM entry WHERE position = 2",
            "entries are never replaced",
        ),
        (
            "INSERT OR REPLACE INTO entry SELECT 6, stream, revision, randomblob(16), 0, type, recorded_at, \
             bytes FROM entry WHERE position = 3",
            "entries are never replaced",
        ),
        (
            "REPLACE INTO entry SELECT 6, 'delivery.case/c', 1, append_id, k, type, recorded_at, bytes \
             FROM entry WHERE position = 3",
            "entries are never replaced",
        ),
        (
            "INSERT INTO entry SELECT position, stream, revision, append_id, k, type, recorded_at, bytes \
             FROM entry WHERE position = 2 ON CONFLICT DO UPDATE SET bytes = x'00'",
            "entries are never",
        ),
    ] {
        let refused = sqlx::query(statement).execute(&mut raw).await;
        let text = refused.expect_err(statement).to_string();
        assert!(text.contains(refusal), "{statement}: {text}");
    }
    assert_eq!(everything(&*log).await, before);
    // And the log goes on.
    assert_eq!(record(&log, "a", 1).await.unwrap().last_position, 6);
}

#[tokio::test]
async fn a_log_of_a_newer_schema_is_refused() {
    let store = Store::new();
    store.open().await.close().await;
    sqlx::query("PRAGMA user_version = 3").execute(&mut store.raw().await).await.unwrap();
    let refused = SqliteLog::open(&store.path(), options()).await.map(drop);
    assert!(matches!(refused, Err(OpenError::Schema { found: 3, known: 2, .. })), "{refused:?}");
}

#[tokio::test]
async fn what_is_no_log_is_not_opened() {
    let store = Store::new();
    std::fs::write(store.path(), "this is a letter, not a database, and it is long enough to look at")
        .unwrap();
    let refused = SqliteLog::open(&store.path(), options()).await.map(drop);
    assert!(matches!(refused, Err(OpenError::Database { .. })), "{refused:?}");
    let nowhere = store.path().join("no/such/folder.db");
    let refused = SqliteLog::open(&nowhere, options()).await.map(drop);
    assert!(matches!(refused, Err(OpenError::File { .. })), "{refused:?}");
}
