//! Acknowledged means on disk: the write-ahead log is synced at least once for every committed batch, and
//! before its appends are answered.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use eventlog::EventLog as _;
use futures::future::join_all;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

use crate::store::{Store, append, record};

/// Where the preloaded counter counts; set only for the counting process.
const COUNT_FILE: &str = "LIEM_SYNC_COUNT";
const SEQUENTIAL: u64 = 100;
const CONCURRENT: u64 = 400;

#[test]
fn every_acknowledged_batch_is_synced() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("libfsync_counter.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fsync_counter.c");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
        .arg(&library)
        .arg(source)
        .arg("-ldl")
        .status()
        .expect("a C compiler, which SQLite is built with too");
    assert!(compiled.success());
    let count = folder.path().join("count");
    fs::write(&count, [0; 8]).unwrap();

    // This very binary, with the counter preloaded, runs the helper below and nothing else.
    let ran = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "durability::appends_under_the_counter", "--include-ignored", "--nocapture"])
        .env("LD_PRELOAD", &library)
        .env(COUNT_FILE, &count)
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{printed}");
    let figure = |name: &str| -> u64 {
        let found = printed.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        found.and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("no {name} in:\n{printed}"))
    };

    assert_eq!(figure("sequential_batches"), SEQUENTIAL);
    assert!(figure("sequential_syncs") >= SEQUENTIAL, "{printed}");
    let (batches, syncs) = (figure("concurrent_batches"), figure("concurrent_syncs"));
    assert!((1..CONCURRENT / 4).contains(&batches), "appends at once share commits: {batches}");
    assert!(syncs >= batches, "{syncs} syncs of {batches} batches");
    eprintln!(
        "syncs of the write-ahead log: {} of {SEQUENTIAL} single appends, {syncs} of {batches} batches with {CONCURRENT} appends",
        figure("sequential_syncs")
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "only for the process that every_acknowledged_batch_is_synced starts"]
async fn appends_under_the_counter() {
    let Some(count) = std::env::var_os(COUNT_FILE) else { return };
    let syncs = || u64::from_ne_bytes(fs::read(&count).unwrap().try_into().unwrap());
    let batches = Arc::new(AtomicU64::new(0));
    metrics::set_global_recorder(Batches(batches.clone())).map_err(|e| e.to_string()).unwrap();
    let store = Store::new();
    let log = store.open().await;

    let (batches_before, syncs_before) = (batches.load(Ordering::SeqCst), syncs());
    for _ in 0..SEQUENTIAL {
        let before = syncs();
        record(&log, "sequential", 2).await.unwrap();
        assert!(syncs() > before, "an append was answered before it was on disk");
    }
    eprintln!("sequential_batches={}", batches.load(Ordering::SeqCst) - batches_before);
    eprintln!("sequential_syncs={}", syncs() - syncs_before);

    let (batches_before, syncs_before) = (batches.load(Ordering::SeqCst), syncs());
    for answer in join_all((0..CONCURRENT).map(|n| log.append(append(&format!("case-{n}"), 1)))).await {
        answer.unwrap();
    }
    eprintln!("concurrent_batches={}", batches.load(Ordering::SeqCst) - batches_before);
    eprintln!("concurrent_syncs={}", syncs() - syncs_before);
}

/// Counts the log's commits, and lets every other metric go.
struct Batches(Arc<AtomicU64>);

impl Recorder for Batches {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        if key.name() == "liem_log_batches_total" {
            Counter::from_arc(self.0.clone())
        } else {
            Counter::noop()
        }
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
