//! The command line: the fields of its JSON, which docs/cli.md lists one by one; what its flags mean; where
//! its settings come from; how it ends.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use proto::delivery::{Command, ReceiveCaseRequest};
use serde_json::Value;
use tests::{Act, Answer, Client, Server, command, liem, run};

/// Headings whose fields are tested beside the commands themselves, in `report_fields` and `flags`.
pub(crate) const ELSEWHERE: [&str; 8] = [
    "liem report file",
    "liem report follow-up",
    "liem report follow-up --proof",
    "liem report",
    "liem report show",
    "liem report open",
    "liem report totals",
    "liem due",
];

/// Headings whose fields are tested in `bench`.
pub(crate) const OF_BENCH: [&str; 3] = ["liem bench append", "liem bench read", "liem bench follow"];

/// Headings whose fields are tested beside the views, in `flags` and `proceedings`.
const OF_VIEWS: [&str; 2] = ["liem board flags", "liem proceeding totals"];
/// Headings whose fields are tested beside the commands themselves, in `proceedings_cli`.
pub(crate) const OF_PROCEEDINGS: [&str; 2] = ["liem proceeding", "liem proceeding show"];

/// What is done while no server runs.
const STOPPED: [&str; 2] = ["liem vault change-key", "liem vault backup"];

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cli.md");

/// The fields that docs/cli.md lists, by the heading they stand under.
pub(crate) fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(DOCS).unwrap();
    let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let (mut heading, mut is_fields) = (String::new(), false);
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            title.trim_matches('`').clone_into(&mut heading);
        }
        is_fields = line == "| field | what |" || (is_fields && line.starts_with('|'));
        if is_fields && let Some(field) = line.strip_prefix("| `").and_then(|rest| rest.split('`').next()) {
            let is_new = tables.entry(heading.clone()).or_default().insert(field.to_owned());
            assert!(is_new, "{heading} lists {field} twice");
        }
    }
    tables
}

/// The names of the fields in an answer: those of an array's objects as one, and those within as
/// `subjects[].role`. What `data`, `flags` and `trail` hold is described elsewhere, and rows are the
/// view's own.
pub(crate) fn fields(value: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    match value {
        Value::Array(items) => items.iter().for_each(|item| names.extend(fields(item))),
        Value::Object(object) => {
            for (name, value) in object {
                names.insert(name.clone());
                if !["data", "flags", "trail", "row", "other_row"].contains(&name.as_str()) {
                    let mark = if value.is_array() { "[]" } else { "" };
                    names.extend(fields(value).into_iter().map(|inner| format!("{name}{mark}.{inner}")));
                }
            }
        }
        _ => {}
    }
    names
}

/// A case of an official, a later one that is paused and rated by nobody, and a log imported from a file.
struct World {
    server: Server,
    case: String,
    head: u64,
}

async fn world() -> World {
    let server = Server::up();
    let admin = Client::new(&server.address, &server.token(&["--role", "administrator"]));
    admin.open("H57.1", &["land desk"]).await;
    admin.define("1.000001", "2025-01-01", 10, 7).await;
    admin.define_step("Check: twice").await;
    let new = ReceiveCaseRequest { procedure: "1.000001".into(), ..ReceiveCaseRequest::default() };
    let case = admin.receive("H57.1", "2025-04-23T23:30:00+07:00", new).await;
    let official = ["--role", "official", "--agency", "H57.1", "--holder", "o-17"];
    let official = Client::new(&server.address, &server.token(&official));
    let at = |at| Command { official: "o-17".into(), ..command(&case, at) };
    official.act(at("2025-04-24T08:00:00+07:00"), Act::Accept).await.unwrap();
    official.act(at("2025-04-25T08:00:00+07:00"), Act::Step("Check: twice", "land desk")).await.unwrap();
    official.act(at("2025-04-25"), Act::Assign("land desk", "o-18")).await.unwrap();
    let head = admin.head().await;
    World { server, case, head }
}

impl World {
    fn fails(&self, arguments: &[&str], parts: &[&str]) {
        let Answer { success, out, err, .. } = self.server.liem(arguments);
        assert!(!success && out.is_empty(), "{arguments:?}: {out}");
        for part in parts {
            assert!(err.contains(part), "{arguments:?} should say `{part}`: {err}");
        }
    }

    fn shows(&self, arguments: &[&str], parts: &[&str]) {
        let Answer { success, out, err, .. } = self.server.liem(arguments);
        assert!(success, "{arguments:?}: {err}");
        for part in parts {
            assert!(out.contains(part), "{arguments:?} should show `{part}`: {out}");
        }
    }

    /// The types of a trail's lines, in order.
    fn types(&self, arguments: &[&str]) -> Vec<String> {
        let at_least = self.head.to_string();
        let lines = self.server.json(&[&["trail"], arguments, &["--at-least", &at_least]].concat());
        let lines = lines.as_array().unwrap();
        let name = |line: &Value| line["type"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
        lines.iter().map(name).collect()
    }
}

fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

// On a thread of its own the clients' connections end while this one waits for the server's end.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_fields_are_those_that_the_documentation_lists() {
    let World { mut server, case, head } = world().await;
    let documented = documented();
    let (case, head) = (case.as_str(), head.to_string());
    let data = server.data.clone();
    let csv = file(&data, "small.csv", "id,what,when,who\n1,Begin,2025-05-05,An B\n2,,,\n");
    let columns = "case = 'id'\nactivity = 'what'\ntime = 'when'\nofficial = 'who'\n";
    let mapping = file(&data, "small.toml", &format!("source = 'small'\n[columns]\n{columns}"));
    let rejects = data.join("rejects.csv");
    let import = ["import", "csv", &csv, "--mapping", &mapping, "--rejects", rejects.to_str().unwrap()];
    let csv = file(&data, "register.csv", "id,in\n1,2025-05-05\n2,soon\n");
    let mapping = "source = 'register'\n[reports]\nreport = 'id'\nreceived = 'in'\n";
    let mapping = file(&data, "register.toml", mapping);
    let rejects = data.join("register.rejects.csv");
    let rejects = ["--rejects", rejects.to_str().unwrap()];
    let register = [&["import", "csv", &csv, "--mapping", &mapping], &rejects[..]].concat();
    // Another calendar, under which due times differ: two days of every week off.
    let days = chrono::NaiveDate::from_ymd_opt(2025, 1, 6).unwrap().iter_weeks().take(100);
    let days: Vec<_> = days.map(|day| format!("{day}\n{}\n", day.succ_opt().unwrap())).collect();
    let holidays = file(&data, "short-weeks.csv", &format!("date\n{}", days.concat()));
    let what_if =
        ["replay", "what-if", "leaderboard", "--reason", "order 7", "--holidays", &holidays, "--wait"];
    let bench = data.join("bench");
    let bench = ["bench", "replay", "--events", "2000", "--data", bench.to_str().unwrap()];
    let (head_of, of_desk) = (["--leadership", "head"], ["--unit", "land desk"]);
    let (in_agency, category) = (["--agency", "H57.1"], ["--category", "civil-servant"]);
    let registered = ["directory", "register-official", "o-17", "--name", "An B"];
    let registered = [&registered[..], &in_agency, &category].concat();
    let open_name = ["directory", "open-name", "o-17", "--reader", "i-1", "--reason", "handling"];
    let erase_name = ["directory", "erase-name", "o-17", "--ground", "recorded_wrongly"];
    let agency_head = [&["directory", "define-post", "land/head"], &in_agency[..], &head_of].concat();
    let desk_head = [&["directory", "define-post", "desk/head"], &in_agency[..], &of_desk, &head_of].concat();
    let appoint = |post, from| ["directory", "appoint", "o-17", "--post", post, "--from", from];
    let (desk_led, agency_led) = (appoint("desk/head", "2025-01-01"), appoint("land/head", "2026-01-01"));
    let commands: [(&str, &[&str]); 29] = [
        ("liem token issue", &["token", "issue", "--role", "citizen"]),
        ("liem directory", &registered),
        ("liem directory open-name", &open_name),
        ("liem directory", &erase_name),
        ("liem directory open-name", &open_name),
        ("liem directory", &agency_head),
        ("liem directory", &desk_head),
        ("liem directory", &desk_led),
        ("liem directory", &agency_led),
        ("liem directory show", &["directory", "show", "H57.1"]),
        ("liem import csv", &import),
        ("liem import csv` reports", &register),
        ("liem case show", &["case", "show", case]),
        ("liem trail", &["trail", case, "--at-least", &head]),
        ("liem trail --count", &["trail", case, "--count"]),
        ("liem board", &["board", "--at-least", &head]),
        ("liem board explain", &["board", "explain", "H57.1", "observed_to_expected"]),
        ("liem log head", &["log", "head"]),
        ("liem log read", &["log", "read", "--limit", "0"]),
        ("liem view", &["view", "audit"]),
        ("liem view", &["view", "leaderboard"]),
        ("liem view digest", &["view", "digest", "audit", "--at", &head]),
        ("liem replay", &["replay", "start", "audit", "--reason", "ticket 12", "--wait"]),
        ("liem replay", &what_if),
        ("liem replay list", &["replay", "list"]),
        ("liem replay compare", &["replay", "compare", "leaderboard"]),
        ("liem rules show", &["rules", "show"]),
        ("liem bench replay", &bench),
        // The log is damaged for this one, below.
        ("liem log check", &["log", "check"]),
    ];
    for (heading, arguments) in &commands[..28] {
        assert_eq!(fields(&server.json(arguments)), documented[*heading], "{heading}");
    }
    let whole = server.json(&["log", "check"]);
    assert_eq!((&whole["ok"], &whole["faults"]), (&true.into(), &Value::Array(Vec::new())));
    let headings =
        commands.iter().map(|(heading, _)| *heading).chain(ELSEWHERE).chain(OF_PROCEEDINGS).chain(OF_VIEWS);
    let headings: BTreeSet<_> = headings.chain(OF_BENCH).chain(STOPPED).collect();
    assert_eq!(documented.keys().map(String::as_str).collect::<BTreeSet<_>>(), headings);
    // The trail within a case is a trail; one object a row, and one array.
    assert_eq!(fields(&server.json(&["case", "show", case])["trail"]), documented["liem trail"]);
    assert!(server.json(&["board"]).is_array());

    assert!(server.terminate());
    let [new, sealed, keys] = ["new.key", "sealed", "copied-keys"].map(|name| data.join(name));
    let [new, sealed, keys] = [&new, &sealed, &keys].map(|path| path.to_str().unwrap());
    let change_key = ["vault", "change-key", "--new-key-file", new];
    let backup = ["vault", "backup", "--sealed-to", sealed, "--keys-to", keys];
    for (heading, arguments) in STOPPED.into_iter().zip([&change_key[..], &backup]) {
        assert_eq!(fields(&server.json(arguments)), documented[heading], "{heading}");
    }

    // Somebody writes into the file of a stopped ledger: the check says where, and ends with a failure.
    let log = data.join("log.db");
    let mut bytes = fs::read(&log).unwrap();
    let name = format!("\"stream\":\"delivery.case/{case}\"").into_bytes();
    let places: Vec<_> = (0..bytes.len() - name.len()).filter(|at| bytes[*at..].starts_with(&name)).collect();
    assert!(!places.is_empty(), "the entries are in the file itself");
    for place in places {
        bytes[place + name.len() - 2] = b'x';
    }
    fs::write(&log, bytes).unwrap();
    let damaged = server.liem(&["log", "check", "--json"]);
    let answer: Value = serde_json::from_str(&damaged.out).unwrap();
    assert!(!damaged.success && answer["ok"] == false, "{answer}");
    assert_eq!(fields(&answer), documented["liem log check"]);
    assert!(server.liem(&["log", "check"]).out.contains("the log is damaged"));
}

#[tokio::test]
async fn people_get_tables_and_advice() {
    let world = world().await;
    let (case, head) = (world.case.as_str(), world.head.to_string());
    let at_least = ["--at-least", head.as_str()];
    world.shows(
        &[&["trail", case], &at_least[..]].concat(),
        &[
            "│ position ┆ occurred",
            "CaseReceived",
            "StepDone: Check: twice",
            "2025-04-24 08:00:00",
            "H57.1 land desk",
            "o-17",
            "4 lines shown of 4 events",
        ],
    );
    world.shows(
        &[&["board"], &at_least[..]].concat(),
        &["│ rank ┆ subject", "H57.1", "95 % interval", "as of position"],
    );
    world.shows(
        &["board", "explain", "H57.1", "open"],
        &["counts for", case, "open of H57.1: 1; 1 lines shown of 1"],
    );
    world.shows(
        &["case", "show", case],
        &["stage            accepted", "committed_due    2025-05-06T16:59:59.999999Z"],
    );
    world.shows(&["log", "head"], &["origin         liem.local", "time_zone      +07:00"]);
    world.shows(&["log", "read", "--limit", "1"], &["│ position ┆ recorded", "delivery.CaseAssigned.v1"]);
    world.shows(&["log", "check"], &["positions gapless, revisions dense"]);
    world.shows(&["view", "audit"], &["audit is at position", "follows the log", "digest "]);

    world.fails(&["case", "show", "H57.1-250423-9999"], &["check the code on the slip", "[CASE_UNKNOWN]"]);
    world.fails(&["trail", "person:o-17"], &["case, agency, unit, official", "[SUBJECT_ROLE_UNKNOWN]"]);
    world.fails(&["trail", case, "--from", "yesterday"], &["`yesterday`", "2012-01-23"]);
    world.fails(&["token", "issue", "--role", "agency"], &["--agency"]);
    world.fails(&["token", "issue", "--role", "citizen", "--holder", "Nguyễn Văn A"], &["never a name"]);
    let nowhere = world.server.data.join("nowhere");
    let nowhere = nowhere.to_str().unwrap();
    world.fails(&["board", "--data", nowhere], &["no token", "--data"]);
    world.fails(&["board", "--data", nowhere, "--token", "x"], &["no server", "liem up", "--address"]);
    world.fails(&["board", "--address", "127.0.0.1:1"], &["is it running", "liem up"]);
    world.fails(&["log", "head", "--token", "x"], &["[TOKEN_INVALID]"]);
    let code = |arguments: &[&str]| {
        liem(arguments).env("LIEM_DATA", &world.server.data).output().unwrap().status.code()
    };
    assert_eq!(code(&["board"]), Some(0));
    assert_eq!(code(&["board", "--period", "2025-4"]), Some(1));
    assert_eq!(code(&["board", "--periods", "2025"]), Some(2));
    assert_eq!(code(&["board", "explain", "H57.1", "luck"]), Some(2));
}

#[tokio::test]
async fn a_subject_is_a_role_with_an_id_or_a_case() {
    let world = world().await;
    let case = world.case.as_str();
    let whole = ["CaseAssigned", "StepDone", "CaseAccepted", "CaseReceived"];
    for subject in [case, &format!("case:{case}"), &format!("case/{case}")] {
        assert_eq!(world.types(&[subject]), whole, "{subject}");
    }
    assert_eq!(world.types(&["official:o-17"]), whole[..3]);
    assert_eq!(world.types(&["official/o-18"]), whole[..1]);
    assert_eq!(world.types(&["unit:land desk"]), [&whole[..2], &["UnitOpened"]].concat());
    assert_eq!(world.types(&["step:Check: twice"]), ["StepDone", "StepDefined"]);
    assert_eq!(world.types(&["procedure:1.000001"])[0], "CaseReceived");
    assert_eq!(world.types(&["agency:H57.1"]).len(), 6);

    // Order, range, type, actor, limit.
    let oldest: Vec<_> = whole.into_iter().rev().collect();
    assert_eq!(world.types(&[case, "--oldest-first"]), oldest);
    assert_eq!(
        world.types(&[case, "--type", "delivery.StepDone.v1", "--type", "delivery.CaseReceived.v1"]),
        ["StepDone", "CaseReceived"]
    );
    assert_eq!(world.types(&[case, "--actor", "administrator"]), ["CaseReceived"]);
    assert_eq!(world.types(&[case, "--limit", "2"]), whole[..2]);
    // 23:30 in Vietnam is that day, and so is the first hour of it, which is still the day before in UTC.
    assert_eq!(world.types(&[case, "--until", "2025-04-23"]), ["CaseReceived"]);
    assert_eq!(world.types(&[case, "--from", "2025-04-24", "--until", "2025-04-24"]), ["CaseAccepted"]);
    assert_eq!(
        world.types(&[case, "--from", "2025-04-24T08:00:00+07:00", "--until", "2025-04-25T01:00:00Z"]),
        ["CaseAssigned", "CaseAccepted"]
    );

    // As of a position, and at least as new as one.
    let at = |position: u64| position.to_string();
    let as_of = |position: u64| world.types(&[case, "--as-of", &at(position)]);
    assert_eq!(as_of(world.head), whole);
    assert_eq!(as_of(world.head - 1), whole[1..]);
    assert_eq!(as_of(world.head - 3), whole[3..]);
    world.fails(&["trail", case, "--as-of", &at(world.head - 4)], &["[SUBJECT_UNKNOWN]"]);
    let count = |arguments: &[&str]| world.server.json(&[&["trail", case, "--count"], arguments].concat());
    assert_eq!(count(&["--at-least", &at(world.head)])["total"], 4);
    assert_eq!(count(&["--as-of", &at(world.head - 2)])["total"], 2);
    assert_eq!(count(&["--as-of", &at(world.head - 2)])["position"], world.head - 2);

    let read = |arguments: &[&str]| -> Vec<u64> {
        let entries = world.server.json(&[&["log", "read"], arguments].concat());
        entries.as_array().unwrap().iter().map(|entry| entry["position"].as_u64().unwrap()).collect()
    };
    assert_eq!(read(&["--limit", "2"]), [world.head, world.head - 1]);
    assert_eq!(read(&["--limit", "0"]).len() as u64, world.head);
    assert_eq!(read(&["--oldest-first", "--past", "2", "--limit", "2"]), [3, 4]);
    assert_eq!(read(&["--past", "3"]), [2, 1]);
    assert_eq!(read(&["--type", "delivery.StepDone.v1"]), [world.head - 1]);
    assert_eq!(read(&["--category", "delivery.case"]).len(), 4);
}

#[tokio::test]
async fn a_board_is_of_a_period_and_judged_at_an_instant() {
    let world = world().await;
    let at_least = world.head.to_string();
    let board =
        |arguments: &[&str]| world.server.json(&[&["board", "--at-least", &at_least], arguments].concat());
    let received = |period: &str| board(&["--period", period])[0]["received"].as_u64();
    for period in ["all", "2025", "2025-Q2", "2025-04"] {
        assert_eq!(received(period), Some(1), "{period}");
    }
    for period in ["2025-Q3", "2025-05", "2026"] {
        assert_eq!(received(period), Some(0), "{period}: open, and not received then");
    }
    assert_eq!(board(&["--period", "2024"]), Value::Array(Vec::new()));
    for period in ["2025-4", "2025-13", "2025-Q5", "Q2", "25", "2025-04-23", "april"] {
        world.fails(&["board", "--period", period], &["`2011-Q3`", "[PERIOD_MALFORMED]"]);
    }
    // Due at the end of 6 May. A date is judged at its end, in Vietnam.
    let judged = |at: &str| {
        let row = &board(&["--judged-at", at])[0];
        (row["judged_at"].as_str().unwrap().to_owned(), row["open"].clone(), row["open_late"].clone())
    };
    let expected = |at: &str, open_late: u64| (at.to_owned(), Value::from(1), Value::from(open_late));
    assert_eq!(judged("2025-05-06"), expected("2025-05-06T16:59:59.999999Z", 0));
    assert_eq!(judged("2025-05-07"), expected("2025-05-07T16:59:59.999999Z", 1));
    assert_eq!(judged("2025-05-07T00:00:00+07:00"), expected("2025-05-06T17:00:00Z", 1));
    assert_eq!(judged("2025-05-06T17:00:00Z"), expected("2025-05-06T17:00:00Z", 1));
    // Never after the period, whose end it is where nothing is said.
    assert_eq!(board(&["--period", "2025-04"])[0]["judged_at"], "2025-04-30T16:59:59.999999Z");
    assert_eq!(
        board(&["--period", "2025-04", "--judged-at", "2025-06-01"])[0]["judged_at"],
        "2025-04-30T16:59:59.999999Z"
    );
    // By law there is time to 9 May.
    let late = |clock| board(&["--judged-at", "2025-05-09", "--clock", clock])[0]["open_late"].clone();
    assert_eq!((late("committed"), late("statutory")), (1.into(), 0.into()));
    world.fails(&["board", "--judged-at", "tomorrow"], &["`tomorrow`", "2012-01-23"]);
}

#[tokio::test]
async fn a_flag_counts_over_the_environment_and_that_over_the_file() {
    let World { server, .. } = world().await;
    let folder = tempfile::tempdir().unwrap();
    let token = server.token(&["--role", "inspector"]);
    let right = format!("address = '{}'\ntoken = '{token}'\n", server.address);
    let wrong = "address = '127.0.0.1:1'\ntoken = 'x'\n";
    let head = |file: &str, environment: &[(&str, &str)], flags: &[&str]| {
        fs::write(folder.path().join("liem.toml"), file).unwrap();
        let mut command =
            liem(&[&["log", "head", "--data", folder.path().to_str().unwrap()], flags].concat());
        let output = command.envs(environment.iter().copied()).output().unwrap();
        if output.status.success() { Ok(()) } else { Err(String::from_utf8(output.stderr).unwrap()) }
    };
    let address = server.address.as_str();
    assert_eq!(head(&right, &[], &[]), Ok(()));
    assert!(head(wrong, &[], &[]).is_err());
    assert_eq!(head(wrong, &[("LIEM_ADDRESS", address), ("LIEM_TOKEN", &token)], &[]), Ok(()));
    assert!(head(&right, &[("LIEM_ADDRESS", "127.0.0.1:1")], &[]).unwrap_err().contains("is it running"));
    assert!(head(&right, &[("LIEM_TOKEN", "x")], &[]).unwrap_err().contains("TOKEN_INVALID"));
    let wrongly = [("LIEM_ADDRESS", "127.0.0.1:1"), ("LIEM_TOKEN", "x")];
    assert_eq!(head(wrong, &wrongly, &["--address", address, "--token", &token]), Ok(()));
    // One address for each service; another file; a setting that isn't one.
    let each = format!("ledger={address},audit=127.0.0.1:1");
    assert_eq!(head("", &[("LIEM_TOKEN", &token)], &["--address", &each]), Ok(()));
    let elsewhere = file(folder.path(), "elsewhere.toml", &right);
    assert_eq!(head(wrong, &[], &["--config", &elsewhere]), Ok(()));
    assert_eq!(head(wrong, &[("LIEM_CONFIG", &elsewhere)], &[]), Ok(()));
    let error = head("adress = 'x'\n", &[], &[]).unwrap_err();
    assert!(error.contains("adress") && error.contains("liem.toml"), "{error}");
}

#[test]
fn the_law_is_shown_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let answer =
        |arguments: &[&str]| run(liem(&[&["rules", "show"], arguments].concat()).current_dir(folder.path()));
    let shows = |arguments: &[&str]| {
        let Answer { success, out, err, .. } = answer(arguments);
        assert!(success, "{arguments:?}: {err}");
        out
    };
    let fails = |arguments: &[&str], parts: &[&str]| {
        let Answer { code, out, err, .. } = answer(arguments);
        assert!(code == Some(1) && out.is_empty(), "{arguments:?}: {out}");
        for part in parts {
            assert!(err.contains(part), "{arguments:?} should say `{part}`: {err}");
        }
    };
    let json = |arguments: &[&str]| -> Vec<Value> {
        serde_json::from_str(&shows(&[arguments, &["--json"]].concat())).unwrap()
    };
    let rule = |id: &str, at: &str| json(&["--at", at]).into_iter().find(|rule| rule["id"] == id);

    let all = shows(&[]);
    let part = [
        "VN-2026.12@",
        "60 days, +30 once if complex",
        "30 days, +30 once if complex, +30 twice if especially complex",
        "2018-12-31",
        "Law on Complaints 02/2011/QH13, art. 28",
        "┆ unverified │",
    ];
    for part in part {
        assert!(all.contains(part), "should show `{part}`: {all}");
    }
    assert!(shows(&["--at", "2019-01-01"]).contains("rules in force on 2019-01-01"));
    assert!(!shows(&["--at", "2019-01-01"]).contains("2018-12-31"));
    assert_eq!(rule("denunciation.conclude", "2018-12-31").unwrap()["days"], 60);
    let accept = rule("denunciation.accept", "2026-07-01").unwrap();
    assert_eq!((&accept["days"], &accept["working_days"]), (&7.into(), &true.into()));
    assert_eq!((&accept["article"], &accept["verified"]), (&"24".into(), &false.into()));
    assert_eq!(rule("reception", "2026-06-30"), None);
    let reception = rule("reception", "2026-07-01").unwrap();
    assert_eq!(reception["forbids"], Value::from(vec!["delegated_reception"]));
    assert_eq!((&reception["days"], &reception["working_days"]), (&Value::Null, &Value::Null));
    let handle = rule("discipline.handle", "2026-07-01").unwrap();
    assert_eq!((&handle["days"], &handle["counts_from"]), (&90.into(), &"discovery".into()));
    assert_eq!((&handle["track"], &handle["selected_by"]), (&"administrative".into(), &"discovery".into()));
    let forms = |at| rule("sanction.civil_servant.leader", at).unwrap()["forms"].as_array().unwrap().len();
    assert_eq!((forms("2025-06-30"), forms("2025-07-01")), (6, 4));
    assert_eq!((&reception["selected_by"], &reception["months"]), (&Value::Null, &Value::Null));
    assert_eq!(rule("complaint.accept", "2012-06-30"), None);
    assert_eq!(json(&["--at", "2009-12-31"]), Vec::<Value>::new());
    let philadelphia = json(&["--jurisdiction", "US-PHL"]);
    assert!(philadelphia.iter().all(|rule| rule["jurisdiction"] == "US-PHL" && rule["verified"] == false));

    for at in ["tomorrow", "2026-7", "2026-02-30", "01/07/2026"] {
        fails(&["--at", at], &[at, "such as 2026-07-01"]);
    }
    fails(&["--jurisdiction", "FR"], &["`FR`", "US-PHL, VN", "--rules"]);

    // Other rulebooks: bad ones are named; good ones replace those of their jurisdiction.
    let rules = folder.path().join("rules");
    let path = rules.to_str().unwrap();
    let with = |arguments: &[&'static str]| [&["--rules", path], arguments].concat();
    fails(&with(&[]), &["folder of rulebooks", "rules", "--rules"]);
    fs::create_dir(&rules).unwrap();
    fails(&with(&[]), &["no rulebook in", "*.toml"]);
    let heading = "jurisdiction = 'VN'\nname = 'x'\nversion = 'VN-2027.01'\n[[rule]]\n";
    let limit = "id = 'x'\nduty = 'accept'\nfrom = 2027-01-01\nlimit = { days = 3 }\n";
    let text = format!("{heading}{limit}source = 'A law'\nverified = true\n");
    file(&rules, "notes.txt", "not a rulebook");
    file(&rules, "a.toml", &text.replace("days", "hours"));
    fails(&with(&[]), &["a.toml", "correct the line", "hours"]);
    file(&rules, "a.toml", &text.replace("{ days = 3 }", "{ days = 0 }"));
    fails(&with(&[]), &["a.toml", "`x`", "1 to 3650 days"]);
    file(&rules, "a.toml", &text);
    let shown = shows(&with(&[]));
    assert!(
        shown.contains("VN-2027.01@") && shown.contains("3 days") && !shown.contains("10 days"),
        "{shown}"
    );
    assert_eq!(json(&with(&["--jurisdiction", "US-PHL"])), philadelphia);
    let environment = liem(&["rules", "show"]).env("LIEM_RULES", &rules).output().unwrap();
    assert_eq!(String::from_utf8(environment.stdout).unwrap(), shown);
    file(&rules, "b.toml", &text);
    fails(&with(&[]), &["a.toml", "b.toml", "of VN", "take one out"]);
}
