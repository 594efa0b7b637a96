//! `check_file` finds what was done to a log behind its back.
//!
//! Whoever can write the file can also drop the triggers and make them again, so each forgery here does.
//! What a check can't find, since nothing but the bytes says it: a change of the data that leaves every
//! column right, or a whole tail cut off. That takes checkpoints of the log's Merkle tree.

use std::path::Path;

use chrono::TimeDelta;
use eventlog::{Fault, Options, SqliteLog, check_file, conformance::sample::instant};
use sqlx::AssertSqlSafe;

use crate::store::{SetClock, Store, genesis, raw, record};

/// A closed log of 13 entries in four streams, each append a second after the one before:
/// 1 opens it; a: 2 3 4, b: 5 6, a: 7 8, c: 9 10, b: 11, a: 12 13.
async fn sample_log() -> Store {
    let store = Store::new();
    let clock = SetClock::at(instant());
    let log = SqliteLog::open(&store.path(), Options::new(genesis(), clock.clock())).await.unwrap();
    for (key, events) in [("a", 3), ("b", 2), ("a", 2), ("c", 2), ("b", 1), ("a", 2)] {
        clock.step(TimeDelta::seconds(1));
        record(&log, key, events).await.unwrap();
    }
    log.close().await;
    store
}

async fn faults(path: &Path) -> Vec<Fault> {
    let checked = check_file(path, |_| {}).await.unwrap();
    checked.faults
}

/// Runs statements with the triggers out of the way, and puts them back.
async fn forge(path: &Path, statements: &str) {
    let mut raw = raw(path).await;
    let triggers: Vec<(String, String)> =
        sqlx::query_as("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
            .fetch_all(&mut raw)
            .await
            .unwrap();
    assert_eq!(triggers.len(), 3);
    for (name, _) in &triggers {
        sqlx::query(AssertSqlSafe(format!("DROP TRIGGER {name}"))).execute(&mut raw).await.unwrap();
    }
    for statement in statements.split(';') {
        let changed = sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&mut raw).await.unwrap();
        let is_forgery = !statement.starts_with("PRAGMA");
        assert!(!is_forgery || changed.rows_affected() > 0, "the forgery changes something: {statement}");
    }
    for (_, sql) in triggers {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut raw).await.unwrap();
    }
}

#[tokio::test]
async fn a_clean_log_has_no_faults() {
    let store = sample_log().await;
    let mut told = Vec::new();
    let checked = check_file(&store.path(), |progress| told.push(progress.clone())).await.unwrap();
    assert_eq!((checked.checked, checked.total, &checked.faults), (13, 13, &Vec::new()));
    assert_eq!(told, [checked], "progress is told");
    // Making the triggers again leaves a clean log: what the forgeries below are found by is what they did.
    forge(&store.path(), "UPDATE entry SET k = k").await;
    assert_eq!(faults(&store.path()).await, []);
}

#[tokio::test]
async fn every_forgery_is_found() {
    let store = sample_log().await;
    for (n, (statements, position, words)) in [
        // The bytes.
        ("UPDATE entry SET bytes = x'00' WHERE position = 4", 4, "not an entry"),
        ("UPDATE entry SET bytes = CAST('{}' AS BLOB) WHERE position = 4", 4, "not an entry"),
        (
            "UPDATE entry SET bytes = (SELECT bytes FROM entry WHERE position = 3) WHERE position = 4",
            4,
            "`position` is not what the bytes say",
        ),
        (&in_bytes("position", "99"), 6, "`position` is not what the bytes say"),
        (&in_bytes("stream", "'delivery.case/z'"), 6, "`stream` is not what the bytes say"),
        (&in_bytes("revision", "9"), 6, "`revision` is not what the bytes say"),
        (
            &in_bytes("append_id", "'01935f3a-0000-7000-8000-000000000001'"),
            6,
            "`append_id` is not what the bytes say",
        ),
        (&in_bytes("k", "0"), 6, "`k` is not what the bytes say"),
        (&in_bytes("type", "'delivery.CaseRated.v1'"), 6, "`type` is not what the bytes say"),
        (
            &in_bytes("recorded_at", "'2026-11-24T00:00:02.123457Z'"),
            6,
            "`recorded_at` is not what the bytes say",
        ),
        // The columns.
        ("UPDATE entry SET position = 14 WHERE position = 13", 13, "gap: position 12 is followed by 14"),
        (
            "UPDATE entry SET position = 9223372036854775807 WHERE position = 13",
            13,
            "gap: position 12 is followed by 9223372036854775807",
        ),
        (
            "PRAGMA ignore_check_constraints = ON; UPDATE entry SET revision = -3 WHERE position = 4",
            4,
            "revision 2 is followed by -3",
        ),
        (
            "PRAGMA ignore_check_constraints = ON; UPDATE entry SET position = -1 WHERE position = 1",
            0,
            "rows stand before position 1",
        ),
        (
            "UPDATE entry SET stream = 'delivery.case/z' WHERE position = 13",
            13,
            "`stream` is not what the bytes say",
        ),
        ("UPDATE entry SET revision = 8 WHERE position = 13", 13, "revision 6 is followed by 8"),
        (
            "UPDATE entry SET append_id = x'00112233445566778899aabbccddeeff' WHERE position = 2",
            2,
            "`append_id` is not what the bytes say",
        ),
        ("UPDATE entry SET k = 2 WHERE position = 8", 8, "event 2 of append"),
        ("UPDATE entry SET type = 'delivery.CaseRated.v1' WHERE position = 8", 8, "`type` is not what"),
        (
            "UPDATE entry SET recorded_at = recorded_at + 1 WHERE position = 13",
            13,
            "`recorded_at` is not what",
        ),
        // Rows.
        ("DELETE FROM entry WHERE position = 1", 1, "gap: position 0 is followed by 2"),
        ("DELETE FROM entry WHERE position = 9", 9, "gap: position 8 is followed by 10"),
        ("DELETE FROM entry WHERE position BETWEEN 5 AND 8", 5, "gap: position 4 is followed by 9"),
        // One event of a stream is taken out, and all after it are moved up, columns and bytes.
        (
            "DELETE FROM entry WHERE position = 11; \
             UPDATE entry SET position = position - 1, \
             bytes = CAST(json_set(CAST(bytes AS TEXT), '$.position', position - 1) AS BLOB) \
             WHERE position > 11; \
             DELETE FROM entry WHERE position = 7; \
             UPDATE entry SET position = position - 1, \
             bytes = CAST(json_set(CAST(bytes AS TEXT), '$.position', position - 1) AS BLOB) \
             WHERE position > 7",
            7,
            "stream `delivery.case/a`: revision 3 is followed by 5",
        ),
        // Two times are swapped, in the columns only and then in the bytes too.
        (
            "UPDATE entry SET recorded_at = (SELECT max(recorded_at) + min(recorded_at) - entry.recorded_at \
             FROM entry AS other WHERE other.position IN (6, 10)) WHERE position IN (6, 10)",
            7,
            "before the entry it follows",
        ),
        (
            "UPDATE entry SET recorded_at = (SELECT max(recorded_at) + min(recorded_at) - entry.recorded_at \
             FROM entry AS other WHERE other.position IN (6, 10)), \
             bytes = CAST(json_set(CAST(bytes AS TEXT), '$.recorded_at', \
             (SELECT CAST(other.bytes AS TEXT) ->> '$.recorded_at' FROM entry AS other \
             WHERE other.position = 16 - entry.position)) AS BLOB) WHERE position IN (6, 10)",
            7,
            "before the entry it follows",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        // A file of its own: the write-ahead log of another copy must not be taken for this one's.
        let copy = store.path().with_file_name(format!("forged-{n}.db"));
        std::fs::copy(store.path(), &copy).unwrap();
        forge(&copy, statements).await;
        let found = faults(&copy).await;
        assert!(
            found.iter().any(|fault| fault.position == position && fault.description.contains(words)),
            "{statements}: {found:#?}"
        );
    }
}

/// Changes one field in the bytes of entry 6.
fn in_bytes(field: &str, value: &str) -> String {
    format!(
        "UPDATE entry SET bytes = CAST(json_set(CAST(bytes AS TEXT), '$.{field}', {value}) AS BLOB) \
         WHERE position = 6"
    )
}

#[tokio::test]
async fn a_missing_or_changed_trigger_is_found() {
    let store = sample_log().await;
    for name in ["entry_is_never_updated", "entry_is_never_deleted", "entry_is_never_replaced"] {
        let copy = store.path().with_file_name(format!("{name}.db"));
        std::fs::copy(store.path(), &copy).unwrap();
        let mut raw = raw(&copy).await;
        sqlx::query(AssertSqlSafe(format!("DROP TRIGGER {name}"))).execute(&mut raw).await.unwrap();
        let found = faults(&copy).await;
        assert!(
            found.len() == 1 && found[0].position == 0 && found[0].description.contains(name),
            "{name}: {found:#?}"
        );
        // One of the same name that refuses nothing is no trigger.
        let idle = format!("CREATE TRIGGER {name} BEFORE UPDATE ON entry BEGIN SELECT 1; END");
        sqlx::query(AssertSqlSafe(idle)).execute(&mut raw).await.unwrap();
        assert_eq!(faults(&copy).await, found);
    }
}

#[tokio::test]
async fn a_log_can_be_checked_while_it_is_written() {
    let store = Store::new();
    let log = store.open().await;
    record(&log, "before", 500).await.unwrap();
    let writer = tokio::spawn({
        let log = log.clone();
        async move {
            for n in 0..60 {
                record(&log, &format!("case-{n}"), 50).await.unwrap();
            }
        }
    });
    let mut checks = 0;
    while !writer.is_finished() || checks == 0 {
        let checked = check_file(&store.path(), |_| {}).await.unwrap();
        assert_eq!(checked.faults, []);
        assert_eq!(checked.checked, checked.total, "up to where the log was when it began");
        checks += 1;
    }
    writer.await.unwrap();
    let checked = check_file(&store.path(), |_| {}).await.unwrap();
    assert_eq!((checked.checked, checked.faults), (1 + 500 + 3_000, Vec::new()));
}

#[tokio::test]
async fn a_ruined_log_is_reported_without_end() {
    let store = Store::new();
    let log = store.open().await;
    record(&log, "many", 300).await.unwrap();
    log.close().await;
    forge(&store.path(), "UPDATE entry SET bytes = x'00'").await;
    let checked = check_file(&store.path(), |_| {}).await.unwrap();
    assert_eq!((checked.faults.len(), checked.checked), (100, 301), "the first hundred, and all were read");
    let nothing = check_file(&store.path().with_file_name("none.db"), |_| {}).await;
    assert!(nothing.is_err(), "a check makes no log");
}
