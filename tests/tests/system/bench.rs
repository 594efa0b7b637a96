//! `liem bench append`, `read` and `follow`: what they answer, which ledgers they write to, and that they leave nothing
//! running.

use std::path::Path;

use serde_json::Value;
use tests::{Answer, Server, liem, run};

use crate::command_line::{OF_BENCH, documented, fields};

fn bench(arguments: &[&str]) -> Answer {
    run(&mut liem(&[&["bench"], arguments].concat()))
}

/// The answer as JSON, after its fields were compared with those that docs/cli.md lists.
fn measured(arguments: &[&str]) -> Value {
    let Answer { success, out, err, .. } = bench(&[arguments, &["--json"]].concat());
    assert!(success, "{arguments:?}: {err}");
    let answer = serde_json::from_str(&out).unwrap();
    assert_eq!(fields(&answer), documented()[&format!("liem bench {}", arguments[0])], "{arguments:?}");
    answer
}

fn number(answer: &Value, field: &str) -> f64 {
    answer[field].as_f64().unwrap_or_else(|| panic!("{field} is a number: {answer}"))
}

const SHORT: [&str; 4] = ["--seconds", "1", "--warmup", "0"];

#[test]
fn each_measures_a_ledger_of_its_own() {
    for (mode, batch, arguments) in [
        ("unary", 1, &["append", "--callers", "8"][..]),
        ("unary", 20, &["append", "--callers", "300", "--batch", "20", "--connections", "2"]),
        ("stream", 1, &["append", "--stream"]),
        ("stream", 3, &["append", "--stream", "--batch", "3", "--callers", "5", "--connections", "2"]),
    ] {
        let answer = measured(&[arguments, &SHORT].concat());
        assert_eq!((&answer["mode"], &answer["batch"]), (&mode.into(), &batch.into()));
        assert_eq!((&answer["errors"], &answer["error"]), (&0.into(), &Value::Null));
        let taken = number(&answer, "events_per_second");
        assert!(taken > 0.0 && number(&answer, "head") > taken, "{answer}");
        let times = ["p50_ms", "p99_ms", "p999_ms", "max_ms"].map(|field| number(&answer, field));
        assert!(times[0] > 0.0 && times.is_sorted(), "{answer}");
        assert!((400.0..1_000.0).contains(&number(&answer, "entry_bytes")), "{answer}");
    }
    let answer = measured(&["follow", "--rate", "200", "--seconds", "1"]);
    assert!((100.0..=210.0).contains(&number(&answer, "events")), "{answer}");
    assert!(number(&answer, "from_call_p50_ms") > number(&answer, "p50_ms"), "{answer}");
    assert_eq!(answer["burst_per_second"], Value::Null);
    assert_eq!(OF_BENCH.len(), 3, "all are here");
}

#[test]
fn a_log_that_is_filled_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = ["--data", folder.path().to_str().unwrap()];
    let read = ["read", "--events", "3000", "--rounds", "2"];
    let answer = measured(&[&read[..], &data].concat());
    // The first entry opened the log, and it's filled by 500 at a time.
    assert_eq!((&answer["events"], &answer["mode"]), (&3_001.into(), &"all".into()));
    assert!(number(&answer, "filled_seconds") > 0.0, "{answer}");
    let answer = measured(&[&read[..], &data, &["--pages"]].concat());
    assert_eq!((&answer["events"], &answer["mode"]), (&3_001.into(), &"pages".into()));
    assert_eq!(answer["filled_seconds"], Value::Null);
}

#[test]
fn a_log_that_is_not_for_it_is_left_alone() {
    let mut server = Server::up();
    let token = server.token(&["--role", "service", "--service", "delivery"]);
    let head = server.json(&["log", "head"])["position"].clone();
    for command in ["append", "read", "follow"] {
        let refused = bench(&[command, "--address", &server.address, "--token", &token]);
        assert!(!refused.success && refused.err.contains("--origin liem.bench"), "{}", refused.err);
    }
    let refused = bench(&["append", "--address", &server.address]);
    assert!(!refused.success && refused.err.contains("--token"), "{}", refused.err);
    assert_eq!(server.json(&["log", "head"])["position"], head);
    assert!(server.terminate());
    let refused = bench(&["append", "--data", server.data.to_str().unwrap()]);
    assert!(!refused.success && refused.err.contains("--origin liem.bench"), "{}", refused.err);
}

#[test]
fn a_ledger_that_runs_for_it_is_measured_too() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["serve", "ledger", "--listen", "127.0.0.1:0", "--origin", "liem.bench"];
    let server = Server::start(folder.path(), &arguments);
    let token = server.token(&["--role", "service", "--service", "delivery"]);
    let address = ["--address", &server.address, "--token", &token];
    let answer = measured(&[&["append"], &SHORT[..], &address].concat());
    assert_eq!(answer["server_peak_mib"], Value::Null);
    assert_eq!(server.json(&["log", "head"])["position"], answer["head"], "it's in that log");
    assert!(Path::new(&server.data).join("log.db").exists());
}
