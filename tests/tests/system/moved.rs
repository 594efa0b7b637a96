//! A log that is moved to PostgreSQL and back: whoever asks gets the same answers, with the views that were there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::Value;
use test_postgres::{Database, Postgres, Proxy, Role, Side, wait_until};
use tests::{Answer, Server, liem, run};

use super::{
    beside::migrated,
    command_line::{documented, fields},
};

const MAPPING: &str = r#"
source = "moved"

[columns]
case = "case"
agency = "agency"
unit = "unit"
activity = "step"
time = "time"
deadline = "due"
end = "end"
"#;

/// Cases of two agencies with a step each: some more than a thousand entries.
fn csv() -> String {
    let rows = (0..400).map(|n| {
        let agency = n % 2;
        let (due, end) = (3 + n % 7, 3 + n % 9);
        format!("c-{n},A{agency},A{agency}-U1,check,2026-03-02T08:00:00,2026-03-{due:02},2026-03-{end:02}\n")
    });
    format!("case,agency,unit,step,time,due,end\n{}", rows.collect::<String>())
}

/// `liem up` on the log of a place, or else that of the folder.
fn up(data: &Path, log: Option<&str>) -> Server {
    let mut command = liem(&["up", "--listen", "127.0.0.1:0"]);
    command.env("RUST_LOG", "warn");
    if let Some(log) = log {
        command.env("LIEM_LOG", log);
    }
    Server::spawn(data, command)
}

/// What anyone asks, with the digests of the views.
fn answers(server: &Server, report: &str) -> Vec<Value> {
    let head = server.json(&["log", "head"])["position"].to_string();
    let mut answers: Vec<Value> = ["audit", "leaderboard", "obligations"]
        .map(|view| server.json(&["view", "digest", view, "--at", &head]))
        .into();
    let questions: [&[&str]; 7] = [
        &["log", "head"],
        &["log", "read", "--limit", "0"],
        &["board", "--judged-at", "2026-03-31", "--at-least", &head],
        &["board", "--by", "unit", "--judged-at", "2026-03-31"],
        &["trail", "agency:A1", "--limit", "0", "--at-least", &head],
        &["report", "show", report],
        &["directory", "show", "A0"],
    ];
    answers.extend(questions.map(|question| server.json(question)));
    answers
}

struct World {
    folder: tempfile::TempDir,
    database_server: Postgres,
    database: Database,
    file: PathBuf,
}

impl World {
    fn import(&self, server: &Server) -> Value {
        let path = |name| self.folder.path().join(name);
        let (file, mapping) = (path("cases.csv"), path("mapping.toml"));
        fs::write(&file, csv()).unwrap();
        fs::write(&mapping, MAPPING).unwrap();
        server.json(&["import", "csv", file.to_str().unwrap(), "--mapping", mapping.to_str().unwrap()])
    }
}

fn copy(from: &str, to: &str) -> Answer {
    run(&mut liem(&["log", "copy", "--from", from, "--to", to, "--json"]))
}

fn ends_with_1(answer: &Answer, words: &str) {
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(answer.err.contains(words), "{words}: {}", answer.err);
}

/// The answer of a command that succeeded, which has the fields that are documented.
fn done(answer: &Answer, heading: &str) -> Value {
    assert!(answer.success, "{answer:?}");
    let value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!(fields(&value), documented()[heading], "{heading}");
    value
}

#[test]
fn a_log_moves_to_postgresql_and_back_and_the_answers_stay() {
    let database_server = Postgres::start();
    let database = migrated(&database_server);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let world = World { file: data.join("log.db"), folder, database_server, database };
    let (file, owner, service) =
        (world.file.to_str().unwrap(), world.database.url(Role::Owner), world.database.url(Role::Service));
    let mut server = up(&data, None);
    let imported = world.import(&server);
    let filed = server.json(&["report", "file", "--agency", "A0", "--text", "MARKED TEXT"]);
    let report = filed["report"].as_str().unwrap();
    let before = answers(&server, report);
    let head = server.json(&["log", "head"])["position"].clone();

    // Not while it runs.
    ends_with_1(&copy(file, &owner), "another process writes to");
    assert!(server.terminate());

    // Killed before the first entry: the source is closed, and neither is a log that can be opened.
    killed(&world, file, &owner);
    let opens = |log: Option<&str>| {
        let mut command = liem(&["up", "--listen", "127.0.0.1:0"]);
        command.env("LIEM_DATA", &data);
        if let Some(log) = log {
            command.env("LIEM_LOG", log);
        }
        run(&mut command)
    };
    ends_with_1(&opens(None), "is closed: it was moved to postgres://liem_owner@");
    ends_with_1(&opens(Some(&service)), "not complete");
    // Interrupted among the first thousand entries.
    let proxy = Proxy::to(world.database_server.address());
    proxy.cut_after(Side::Client, 300_000);
    let wire = world.database.url_at(Role::Owner, proxy.address());
    ends_with_1(&copy(file, &wire), "start it again, it goes on where it stopped");
    ends_with_1(&opens(Some(&service)), "not complete");
    // To its end, and once more.
    let copied = done(&copy(file, &owner), "liem log copy");
    assert_eq!(copied["entries"], head);
    assert_eq!(done(&copy(file, &owner), "liem log copy")["found"], head);
    let check = run(liem(&["log", "check", "--json"]).env("LIEM_LOG", &service));
    let check: Value = serde_json::from_str(&check.out).unwrap();
    assert_eq!((&check["ok"], &check["checked"]), (&true.into(), &head), "{check}");
    ends_with_1(&opens(None), "is closed: it was moved to");

    // The same folder with the log elsewhere: views go on, sealed data opens, what was imported is known.
    let mut server = up(&data, Some(&service));
    assert_eq!(answers(&server, report), before);
    let again = world.import(&server);
    assert_eq!((&again["appended"], &again["repeated"]), (&0.into(), &imported["appended"]), "{again}");
    let open = ["report", "open", report, "--reader", "i-1", "--reason", "inspection"];
    assert_eq!(server.json(&open)[0]["text"], "MARKED TEXT");
    let after = answers(&server, report);
    let head = server.json(&["log", "head"])["position"].clone();
    assert!(server.terminate());
    let maintenance = world.database.url(Role::Maintenance);
    let rebundled = run(liem(&["log", "rebundle", "--json"]).env("LIEM_LOG", &maintenance));
    let bundles = done(&rebundled, "liem log rebundle")["bundles"].as_u64().unwrap();
    assert_eq!(bundles, head.as_u64().unwrap() / 256);
    let migrated = run(liem(&["log", "migrate", "--json"]).env("LIEM_LOG", &owner));
    assert_eq!(done(&migrated, "liem log migrate")["had_version"], 2);

    // And back, into a new file; the old one stays closed.
    ends_with_1(&copy(&owner, file), "is closed, it was moved to");
    let back = data.join("back.db");
    let copied = done(&copy(&owner, back.to_str().unwrap()), "liem log copy");
    assert_eq!(copied["entries"], head);
    ends_with_1(&opens(Some(&service)), "is closed: it was moved to");
    let server = up(&data, back.to_str());
    assert_eq!(answers(&server, report), after);
    assert_eq!(server.json(&["log", "check"])["ok"], true);
}

/// Kills a move that waits to write its first entries, by which the source is closed.
fn killed(world: &World, from: &str, to: &str) {
    let psql = |statement: &str| {
        let mut psql = world.database_server.program("psql");
        psql.args(["-At", "-d", world.database.name(), "-c", statement]);
        psql
    };
    let ask = |statement: &str| String::from_utf8(psql(statement).output().unwrap().stdout).unwrap();
    // A backup that takes its time holds such a lock.
    let mut holding =
        psql("BEGIN; LOCK TABLE liem.entry IN SHARE MODE; SELECT pg_sleep(600)").spawn().unwrap();
    let held = "SELECT count(*) FROM pg_locks WHERE relation = 'liem.entry'::regclass AND mode = 'ShareLock'";
    wait_until("the table is locked", || ask(held).trim() == "1");
    let mut copying =
        liem(&["log", "copy", "--from", from, "--to", to]).stdout(Stdio::null()).spawn().unwrap();
    let its = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'liem copy'";
    wait_until("the move waits", || ask(&format!("{its} AND wait_event_type = 'Lock'")).trim() == "1");
    copying.kill().unwrap();
    copying.wait().unwrap();
    ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' \
         AND pid <> pg_backend_pid()");
    holding.wait().unwrap();
    wait_until("the server has let go of it", || ask(its).trim() == "0");
}
