//! A real public log, imported whole: every total equal to one that is counted from the file by code that
//! shares nothing with the importer.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use serde_json::Value;
use tests::{Server, shared};

const MAPPING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/mappings/wabo-receipt.toml");

/// What the file says, counted line by line.
#[derive(Default)]
struct Counted {
    rows: u64,
    cases: BTreeSet<String>,
    activities: BTreeMap<String, u64>,
    officials: BTreeMap<String, u64>,
    units: BTreeMap<String, u64>,
    closed: BTreeSet<String>,
    late: BTreeSet<String>,
    open_late: BTreeSet<String>,
}

fn count(path: &std::path::Path) -> Counted {
    let mut counted = Counted::default();
    let mut reader = csv::Reader::from_path(path).unwrap();
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|h| h == name).unwrap();
    let (case, activity, official, unit) =
        (column("case:concept:name"), column("concept:name"), column("org:resource"), column("org:group"));
    let (end, deadline) = (column("case:enddate"), column("case:deadline"));
    let time = |text: &str| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%:z").unwrap();
    let judged = DateTime::parse_from_rfc3339("2012-01-24T00:00:00+07:00").unwrap();
    for record in reader.records() {
        let record = record.unwrap();
        let code = record[case].to_owned();
        counted.rows += 1;
        *counted.activities.entry(record[activity].to_owned()).or_default() += 1;
        *counted.officials.entry(record[official].to_owned()).or_default() += 1;
        *counted.units.entry(record[unit].to_owned()).or_default() += 1;
        counted.cases.insert(code.clone());
        let due = time(&record[deadline]);
        if record[end].is_empty() {
            if due < judged {
                counted.open_late.insert(code);
            }
        } else {
            counted.closed.insert(code.clone());
            if time(&record[end]) > due {
                counted.late.insert(code);
            }
        }
    }
    counted
}

fn total(server: &Server, subject: &str) -> u64 {
    let trail = ["trail", subject, "--type", "delivery.StepDone.v1", "--count"];
    server.json(&trail)["total"].as_u64().unwrap()
}

fn names(explained: &Value) -> BTreeSet<String> {
    let lines = explained["lines"].as_array().unwrap();
    lines.iter().map(|line| line["case"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_receipt_log_imports_whole_and_adds_up() {
    let Some(file) = shared("delivery/receipt.csv") else {
        return;
    };
    let counted = count(&file);
    let server = Server::up();
    let rejects = server.data.join("rejects.csv");
    let (file, rejects) = (file.to_str().unwrap(), rejects.to_str().unwrap());
    let import = ["import", "csv", file, "--mapping", MAPPING, "--rejects", rejects];
    let first = server.json(&import);
    let closed = counted.closed.len() as u64;
    let cases = counted.cases.len() as u64;
    assert_eq!(
        (counted.rows, cases, closed, counted.late.len(), counted.open_late.len()),
        (8_577, 1_434, 1_329, 377, 39)
    );
    assert_eq!(first["rows"], counted.rows);
    assert_eq!(first["cases"], cases);
    assert_eq!(first["rejected"], 0);
    assert_eq!(first["repeated"], 0);
    assert_eq!(first["appended"], cases + counted.rows + closed);
    assert_eq!(first["flags"]["before_start"], 12);
    assert_eq!(first["flags"]["after_end"], 180);

    // Every row is a step, by activity, official and unit.
    assert_eq!(counted.officials["Resource01"], 1_228);
    for (role, totals) in
        [("step", &counted.activities), ("official", &counted.officials), ("unit", &counted.units)]
    {
        for (id, count) in totals {
            assert_eq!(total(&server, &format!("{role}:{id}")), *count, "{role}:{id}");
        }
    }
    let judged = ["--judged-at", "2012-01-23"];
    let units = server.json(&[&["board", "--by", "unit"], &judged[..]].concat());
    let steps: BTreeMap<String, u64> = units
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["subject"].as_str().unwrap().to_owned(), row["steps"].as_u64().unwrap()))
        .filter(|(_, steps)| *steps > 0)
        .collect();
    assert_eq!(steps, counted.units);

    // The board, and the cases behind its figures.
    let board = server.json(&[&["board"], &judged[..]].concat());
    let row = &board[0];
    let figures = ["received", "closed", "closed_on_time", "closed_late", "open", "open_late", "steps"];
    let shown: Vec<u64> = figures.iter().map(|figure| row[figure].as_u64().unwrap()).collect();
    assert_eq!(shown, [1_434, 1_329, 952, 377, 105, 39, 8_577]);
    let explain = |figure: &str| {
        let explained = server.json(&[&["board", "explain", "WABO", figure], &judged[..]].concat());
        let lines = explained["lines"].as_array().unwrap().len();
        assert_eq!(explained["value"].to_string(), format!("{lines}.0"), "{figure}");
        names(&explained)
    };
    assert_eq!(explain("received"), counted.cases);
    assert_eq!(explain("closed"), counted.closed);
    assert_eq!(explain("closed_late"), counted.late);
    assert_eq!(explain("open_late"), counted.open_late);

    // A second run adds nothing.
    let head = server.json(&["log", "head"])["position"].clone();
    let second = server.json(&import);
    assert_eq!(second["appended"], 0);
    assert_eq!(second["repeated"], first["appended"]);
    assert_eq!(server.json(&["log", "head"])["position"], head);
    assert_eq!(server.json(&["log", "check"])["ok"], true);
}
