//! Bundles: their form, and that whatever happens to them what is read is what the rows have.

use std::{fs, sync::Arc};

use eventlog::{
    Direction, Entry, EventLog as _, Expected, FOLLOW_PAGE, Fault, Filter, SqliteLog, check_file,
    conformance::{
        sample::{self, accepted, steps},
        whole::everything,
    },
};
use futures::StreamExt as _;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use crate::store::{Store, raw, record};

/// Records until the log ends at a position: mostly steps, in a few streams.
async fn fill(log: &SqliteLog, end: u64) {
    let mut head = log.head().await.unwrap().position;
    while head < end {
        let missing = usize::try_from(end - head).unwrap();
        let stream = sample::case(&format!("case-{}", head % 7));
        let events = if head % 5 == 0 { vec![accepted()] } else { steps(missing.min(40)) };
        head = log.append(sample::append(&stream, Expected::Any, events)).await.unwrap().last_position;
    }
}

/// A log that ends at a position, with all its bundles.
async fn filled(store: &Store, end: u64) -> Arc<SqliteLog> {
    let log = store.open().await;
    fill(&log, end).await;
    assert!(log.until_bundled(end / 256 * 256).await);
    log
}

/// All entries, from the rows alone.
async fn rows(store: &Store) -> Vec<Entry> {
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as("SELECT position, bytes FROM entry ORDER BY position")
        .fetch_all(&mut store.raw().await)
        .await
        .unwrap();
    rows.into_iter()
        .map(|(n, bytes)| Entry { position: n.try_into().unwrap(), bytes: bytes.into() })
        .collect()
}

async fn faults(store: &Store) -> Vec<Fault> {
    check_file(&store.path(), |_| {}).await.unwrap().faults
}

/// Runs a statement on the bundles of a closed log.
async fn change(store: &Store, statement: &'static str) {
    let changed = sqlx::query(statement).execute(&mut raw(&store.bundles()).await).await.unwrap();
    assert!(changed.rows_affected() > 0, "{statement}");
}

#[tokio::test]
async fn a_bundle_has_the_form_of_tlog_tiles() {
    let store = Store::new();
    let log = filled(&store, 3 * 256 + 200).await;
    assert_eq!(log.bundled(), 3 * 256, "only full ones");
    let entries = rows(&store).await;
    for (number, stretch) in entries.chunks(256).take(3).enumerate() {
        let mut expected = Vec::new();
        for entry in stretch {
            let length = entry.bytes.len();
            expected.extend([length / 256, length % 256].map(|byte| u8::try_from(byte).unwrap()));
            expected.extend_from_slice(&entry.bytes);
        }
        assert_eq!(log.bundle(number as u64).await.unwrap().unwrap(), expected);
    }
    assert_eq!(log.bundle(3).await.unwrap(), None);
    log.close().await;
    assert_eq!(faults(&store).await, []);
}

#[test]
fn pages_are_what_a_naive_filter_gives() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = Store::new();
    let log = runtime.block_on(filled(&store, 5 * 256 + 77));
    let entries = runtime.block_on(rows(&store));
    let head = entries.len() as u64;
    let lists = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    let types = [lists(&[]), lists(&["delivery.CaseAccepted.v1"]), lists(&["delivery.StepDone.v1", "x"])];
    let categories = [lists(&[]), lists(&["delivery.case"]), lists(&["ledger.log", "delivery"])];
    let any = (0..head + 3, 0..1_000_usize, 0..3_usize, 0..3_usize);
    let mut runner = TestRunner::new(Config { cases: 200, ..Config::default() });
    let ran = runner.run(&any, |(past, limit, types_at, categories_at)| {
        let filter = Filter { types: types[types_at].clone(), categories: categories[categories_at].clone() };
        let wanted = |entry: &&Entry| {
            let header = entry.header().unwrap();
            entry.position > past
                && (filter.types.is_empty() || filter.types.contains(&header.event_type))
                && (filter.categories.is_empty() || filter.categories.iter().any(|c| c == header.category()))
        };
        let expected: Vec<Entry> = entries.iter().filter(wanted).take(limit).cloned().collect();
        let page = runtime.block_on(log.read_all(past, Direction::Forwards, &filter, limit)).unwrap();
        let through = match expected.last() {
            Some(last) if expected.len() == limit => last.position,
            None if limit == 0 => past,
            _ => head.max(past),
        };
        prop_assert_eq!(page.through, through);
        prop_assert_eq!((page.head, page.ended), (head, through >= head));
        prop_assert_eq!(page.entries, expected);
        Ok(())
    });
    ran.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_goes_from_bundles_to_rows_to_live() {
    let store = Store::new();
    let log = filled(&store, 10 * FOLLOW_PAGE as u64 + 100).await;
    let mut pages = log.follow(300, Filter::default());
    let (mut seen, mut through) = (Vec::new(), 300);
    while through < log.head().await.unwrap().position {
        let page = pages.next().await.unwrap().unwrap();
        through = page.through;
        seen.extend(page.entries);
    }
    let head = record(&log, "live", 3).await.unwrap().last_position;
    let live = pages.next().await.unwrap().unwrap();
    assert_eq!((live.through, live.ended), (head, true));
    seen.extend(live.entries);
    assert_eq!(seen, rows(&store).await[300..]);
    // It ends with the log, also with a page read ahead.
    let mut early = log.follow(0, Filter::default());
    early.next().await.unwrap().unwrap();
    log.close().await;
    assert!(pages.next().await.is_none());
}

#[tokio::test]
async fn they_go_on_where_they_were() {
    let store = Store::new();
    filled(&store, 4 * 256 + 10).await.close().await;
    // As if it had been killed half way.
    change(&store, "DELETE FROM bundle WHERE number >= 2").await;
    change(&store, "INSERT INTO bundle SELECT 100, entries FROM bundle WHERE number = 0").await;
    change(&store, "DELETE FROM bundle WHERE number = 100").await;
    assert_eq!(faults(&store).await, [], "missing bundles are no fault");
    let log = store.open().await;
    assert!(log.until_bundled(4 * 256).await);
    fill(&log, 6 * 256).await;
    assert!(log.until_bundled(6 * 256).await);
    assert_eq!(everything(&*log).await, rows(&store).await);
    log.close().await;
    assert_eq!(faults(&store).await, []);
}

#[tokio::test]
async fn bundles_of_another_log_are_made_anew() {
    // An older log was restored: it ends before the bundles do.
    let store = Store::new();
    filled(&store, 300).await.close().await;
    let older = store.path().with_extension("older");
    fs::copy(store.path(), &older).unwrap();
    filled(&store, 4 * 256).await.close().await;
    fs::copy(&older, store.path()).unwrap();
    let told = faults(&store).await;
    assert_eq!(told.first().map(|f| f.position), Some(301), "{told:?}");
    let log = store.open().await;
    assert!(log.bundled() <= 256);
    // It grows on otherwise.
    fill(&log, 5 * 256).await;
    assert!(log.until_bundled(5 * 256).await);
    assert_eq!(everything(&*log).await, rows(&store).await);
    log.close().await;
    assert_eq!(faults(&store).await, []);

    // As long, but another one.
    let other = Store::new();
    filled(&other, 5 * 256).await.close().await;
    fs::copy(other.bundles(), store.bundles()).unwrap();
    assert!(!faults(&store).await.is_empty());
    let log = filled(&store, 5 * 256).await;
    assert_eq!(everything(&*log).await, rows(&store).await);
    log.close().await;
    assert_eq!(faults(&store).await, []);
}

#[tokio::test]
async fn a_damaged_file_is_made_anew() {
    let store = Store::new();
    filled(&store, 3 * 256).await.close().await;
    let whole = fs::read(store.bundles()).unwrap();
    let halved = whole[..whole.len() / 2].to_vec();
    for damaged in [b"a letter, not a database".repeat(100), Vec::new(), halved] {
        // An empty file has no bundles, which is no fault.
        let is_fault = !damaged.is_empty();
        fs::write(store.bundles(), damaged).unwrap();
        assert_eq!(!faults(&store).await.is_empty(), is_fault);
        let log = filled(&store, 3 * 256).await;
        assert_eq!(everything(&*log).await, rows(&store).await);
        log.close().await;
        assert_eq!(faults(&store).await, []);
    }
    // What can't be taken away doesn't stop the log.
    fs::remove_file(store.bundles()).unwrap();
    fs::create_dir_all(store.bundles()).unwrap();
    let log = store.open().await;
    assert_eq!((log.bundled(), everything(&*log).await), (0, rows(&store).await));
    log.close().await;
}

#[tokio::test]
async fn a_damaged_bundle_is_read_from_the_rows_and_found() {
    for (statement, position, words) in [
        ("UPDATE bundle SET entries = x'00' WHERE number = 1", 257, "not a bundle"),
        ("UPDATE bundle SET entries = zeroblob(length(entries)) WHERE number = 1", 257, "not a bundle"),
        (
            "UPDATE bundle SET entries = (SELECT entries FROM bundle WHERE number = 0) WHERE number = 1",
            257,
            "another entry",
        ),
    ] {
        let store = Store::new();
        filled(&store, 4 * 256).await.close().await;
        change(&store, statement).await;
        let told = faults(&store).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].position == position && told[0].description.contains(words), "{told:?}");
        let log = store.open().await;
        assert_eq!(everything(&*log).await, rows(&store).await, "{statement}");
        log.close().await;
    }
}

#[tokio::test]
async fn the_first_wrong_entry_of_a_bundle_is_named() {
    let store = Store::new();
    let log = filled(&store, 4 * 256).await;
    let mut bundle = log.bundle(2).await.unwrap().unwrap().to_vec();
    log.close().await;
    // One letter of the 101st entry of bundle 2.
    let entries = rows(&store).await;
    let before: usize = entries[512..612].iter().map(|e| 2 + e.bytes.len()).sum();
    bundle[before + 2 + 300] ^= 1;
    // An LZ4 block of literals only, behind its length.
    let mut stored = u32::try_from(bundle.len()).unwrap().to_le_bytes().to_vec();
    stored.push(0xf0);
    let rest = bundle.len() - 15;
    stored.extend(std::iter::repeat_n(255, rest / 255));
    stored.push(u8::try_from(rest % 255).unwrap());
    stored.extend(&bundle);
    sqlx::query("UPDATE bundle SET entries = ? WHERE number = 2")
        .bind(stored)
        .execute(&mut raw(&store.bundles()).await)
        .await
        .unwrap();
    let told = faults(&store).await;
    assert_eq!(told.iter().map(|f| f.position).collect::<Vec<_>>(), [613], "{told:?}");
}
