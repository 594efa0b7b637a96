//! Killed at any moment, the ledger loses nothing that it acknowledged and records nothing twice; views
//! come back as they were.

use std::{
    fmt::Write as _,
    fs,
    net::TcpListener,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use proto::{ledger::GetHeadRequest, reason_of};
use serde_json::Value;
use tests::{Client, Numbers, Server, Writer, liem, prove, run, wait_until};

const SEED: u64 = 20_261_124;
const KILLS: u64 = 100;
const WRITERS: u64 = 8;

/// A serving command that tells no more than warnings.
fn quiet(data: &Path, arguments: &[&str]) -> Server {
    let mut command = liem(arguments);
    command.env("RUST_LOG", "warn");
    Server::spawn(data, command)
}

fn ledger(data: &Path) -> Server {
    quiet(data, &["serve", "ledger", "--listen", "127.0.0.1:0"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_killed_a_hundred_times_keeps_what_it_acknowledged_and_records_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let mut server = ledger(data);
    let token = server.token(&["--role", "service", "--service", "delivery"]);
    let mut numbers = Numbers::new(SEED);
    let mut writers: Vec<_> =
        (0..WRITERS).map(|w| Writer::new(&format!("w{w}"), numbers.below(u64::MAX))).collect();
    let mut unanswered = 0;

    for kill in 0..KILLS {
        let is_killed = Arc::new(AtomicBool::new(false));
        let mut writing = Vec::new();
        for mut writer in writers.drain(..) {
            let (client, is_killed) = (Client::new(&server.address, &token), is_killed.clone());
            writing.push(tokio::spawn(async move {
                let status = writer.write_until_failure(&client, || {}).await;
                assert!(is_killed.load(SeqCst), "an append failed on a ledger that lives: {status:?}");
                assert_eq!(reason_of(&status), None, "an append was refused: {status:?}");
                writer
            }));
        }
        // Not a wait for anything: the moment of the kill is what is tried.
        tokio::time::sleep(Duration::from_millis(20 + numbers.below(181))).await;
        is_killed.store(true, SeqCst);
        server.kill();
        for writer in writing {
            writers.push(writer.await.unwrap());
        }
        unanswered += writers.iter().filter(|writer| writer.is_unanswered()).count();

        server = ledger(data);
        let mut restarted = Client::new(&server.address, &token).ledger();
        let head = restarted.get_head(GetHeadRequest {}).await.unwrap().into_inner().position;
        let told = writers.iter().map(Writer::head).max().unwrap();
        assert!(head >= told, "after kill {kill}: {told} was acknowledged, the log ends at {head}");
    }

    let client = Client::new(&server.address, &token);
    for writer in &mut writers {
        while writer.is_unanswered() {
            writer.write(&client).await.unwrap();
        }
    }
    let head = prove(&client, &writers).await;
    assert_eq!(head, 1 + writers.iter().map(Writer::recorded).sum::<u64>());
    let check = server.json(&["log", "check"]);
    assert_eq!((&check["ok"], &check["checked"]), (&true.into(), &head.into()), "{check}");
    let recorded: u64 = writers.iter().map(|writer| writer.recorded_unanswered).sum();
    assert!(unanswered >= 100, "the kills came when nobody was writing: {unanswered} unanswered");
    assert!(recorded > 0, "no kill fell between an entry and its answer");
}

/// A port that nothing else on this machine is given: below the range that port 0 takes from.
fn port() -> u16 {
    let mut ports =
        (0..10_000).map(|n| 20_000 + (u16::try_from(std::process::id() % 10_000).unwrap() + n) % 10_000);
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

const CASES: u64 = 300;
const STEPS: u64 = 4;

/// Cases of three agencies, each with steps and a close.
fn csv() -> String {
    let mut csv = "case,agency,unit,step,time,due,end\n".to_owned();
    for case in 0..CASES {
        for step in 0..STEPS {
            let (agency, hour, close) = (case % 3, 8 + step, 3 + case % 9);
            let (date, due, end) =
                ("2026-03-02", format!("2026-03-{:02}", 5 + case % 5), format!("2026-03-{close:02}"));
            writeln!(
                csv,
                "c-{case},A{agency},A{agency}-U{},step {step},{date}T{hour:02}:00:00,{due},{end}",
                case % 4
            )
            .unwrap();
        }
    }
    csv
}

const MAPPING: &str = r#"
source = "crash-test"

[columns]
case = "case"
agency = "agency"
unit = "unit"
activity = "step"
time = "time"
deadline = "due"
end = "end"
"#;

/// Both views, once they have read the log to its end.
fn views(server: &Server) -> [Value; 2] {
    ["audit", "leaderboard"].map(|view| {
        let mut status = Value::Null;
        wait_until(&format!("the view {view} has caught up"), || {
            status = server.json(&["view", view]);
            assert_eq!(status["stopped"], Value::Null, "{status}");
            status["position"] == server.json(&["log", "head"])["position"]
        });
        status
    })
}

#[test]
fn views_of_a_killed_server_are_those_of_a_fresh_fold() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let (file, mapping) = (data.join("cases.csv"), data.join("mapping.toml"));
    fs::write(&file, csv()).unwrap();
    fs::write(&mapping, MAPPING).unwrap();
    let listen = format!("127.0.0.1:{}", port());
    let up = || quiet(data, &["up", "--listen", &listen]);
    let mut import =
        liem(&["import", "csv", file.to_str().unwrap(), "--mapping", mapping.to_str().unwrap(), "--json"]);
    import.env("LIEM_DATA", data);
    let events = CASES * (STEPS + 2);

    let mut server = up();
    let importing = thread::spawn(move || run(&mut import));
    for kill in 1..=5 {
        wait_until("the import has come further", || {
            server.json(&["log", "head"])["position"].as_u64().unwrap() > kill * events / 6
        });
        server.kill();
        server = up();
    }
    // It asked again for what was not answered, and needed no second run.
    let imported = importing.join().unwrap();
    assert!(imported.success, "{imported:?}");
    let summary: Value = serde_json::from_str(&imported.out).unwrap();
    let count = |name: &str| summary[name].as_u64().unwrap();
    assert_eq!((count("appended") + count("repeated"), count("rejected")), (events, 0), "{summary}");
    let head = server.json(&["log", "head"])["position"].as_u64().unwrap();
    // The log's own entry, 3 agencies, 12 units, the steps, and what happened to the cases.
    assert_eq!(head, 1 + 3 + 12 + STEPS + events, "{summary}");
    assert_eq!(server.json(&["log", "check"])["ok"], true);

    let kept = views(&server);
    let board = server.json(&["board", "--judged-at", "2026-03-31"]);
    assert!(server.terminate());
    fs::remove_dir_all(data.join("views")).unwrap();
    server = up();
    assert_eq!(views(&server), kept);
    assert_eq!(server.json(&["board", "--judged-at", "2026-03-31"]), board);
}
