//! Registers of misconduct, imported whole: every total equal to one that is counted from the files by code
//! that shares nothing with the importer.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::Value;
use tests::{Server, liem, shared, wait_until};

pub(crate) const MAPPING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/mappings/philadelphia.toml");

/// What the files say, counted line by line.
#[derive(Default)]
struct Counted {
    rows: u64,
    reports: BTreeSet<String>,
    classes: BTreeMap<String, u64>,
    districts: BTreeMap<String, u64>,
    findings: BTreeMap<String, u64>,
    allegations: u64,
    alike: u64,
    alleged: BTreeSet<String>,
    persons: BTreeSet<String>,
}

fn count(complaints: &Path, allegations: &Path) -> Counted {
    let mut counted = Counted::default();
    let mut reader = csv::Reader::from_path(complaints).unwrap();
    for record in reader.records() {
        let record = record.unwrap();
        counted.rows += 1;
        assert!(counted.reports.insert(record[0].to_owned()), "{record:?}");
        *counted.districts.entry(record[2].to_owned()).or_default() += 1;
        *counted.classes.entry(record[3].trim().to_owned()).or_default() += 1;
    }
    let mut seen = BTreeSet::new();
    let mut reader = csv::Reader::from_path(allegations).unwrap();
    for record in reader.records() {
        let record = record.unwrap();
        counted.rows += 1;
        counted.allegations += 1;
        counted.alleged.insert(record[0].to_owned());
        counted.persons.insert(record[1].to_owned());
        let finding = match &record[3] {
            "Sustained Finding" => "substantiated",
            "Other than Sustained Finding" => "unsubstantiated",
            other => &other.to_lowercase(),
        };
        *counted.findings.entry(finding.to_owned()).or_default() += 1;
        let cells: Vec<String> = record.iter().map(str::to_owned).collect();
        counted.alike += u64::from(!seen.insert(cells));
    }
    counted
}

/// The totals by something, as the leaderboard has them.
fn totals(server: &Server, by: &str) -> BTreeMap<String, u64> {
    let totals = server.json(&["report", "totals", "--by", by]);
    let total = |total: &Value| (total["key"].as_str().unwrap().to_owned(), total["count"].as_u64().unwrap());
    totals.as_array().unwrap().iter().map(total).collect()
}

fn map(totals: &[(&str, u64)]) -> BTreeMap<String, u64> {
    totals.iter().map(|(key, count)| ((*key).to_owned(), *count)).collect()
}

/// Numbers of a summary.
#[track_caller]
pub(crate) fn counts<const N: usize>(summary: &Value, expected: [(&str, u64); N]) {
    for (name, count) in expected {
        assert_eq!(summary[name], count, "{name} in {summary}");
    }
}

pub(crate) fn import(server: &Server, files: &[&Path], mapping: &str) -> Value {
    let rejects = server.data.join("rejects.csv");
    let options = ["--mapping", mapping, "--rejects", rejects.to_str().unwrap()];
    let files: Vec<_> = files.iter().map(|file| file.to_str().unwrap()).collect();
    server.json(&[&["import", "csv"], &files[..], &options].concat())
}

#[test]
fn complaints_of_a_city_import_whole_and_add_up() {
    let files = (shared("conduct/ppd_complaints.csv"), shared("conduct/ppd_allegations.csv"));
    let (Some(complaints), Some(allegations)) = files else {
        return;
    };
    let counted = count(&complaints, &allegations);
    let reports = counted.reports.len() as u64;
    assert_eq!((reports, counted.allegations, counted.alike), (3_786, 8_978, 545));
    let findings = map(&[("substantiated", 1_283), ("unsubstantiated", 7_078), ("pending", 617)]);
    assert_eq!(counted.findings, findings);
    assert_eq!(counted.reports.difference(&counted.alleged).count(), 24);

    let server = Server::up();
    let first = import(&server, &[&allegations, &complaints], MAPPING);
    counts(&first, [("rows", counted.rows), ("reports", reports), ("allegations", counted.allegations)]);
    counts(&first, [("duplicates", counted.alike), ("appended", reports), ("repeated", 0), ("rejected", 0)]);
    // Two agencies, and the districts.
    counts(&first, [("registered", 2 + counted.districts.len() as u64), ("report_differs", 0)]);
    counts(&first, [("closed_before_opened", 0), ("refused", 0)]);

    assert_eq!(totals(&server, "finding"), counted.findings);
    assert_eq!(totals(&server, "class"), counted.classes);
    assert_eq!(totals(&server, "kind"), map(&[("complaint", reports)]));
    assert_eq!(totals(&server, "unit"), counted.districts);
    let board = server.json(&["board", "--judged-at", "2019-01-01"]);
    let rows = board.as_array().unwrap();
    assert!(rows.iter().any(|row| row["subject"] == "PPD"), "{board}");

    let shown = server.json(&["report", "show", "philadelphia:13-0001"]);
    for (name, value) in [
        ("about_agency", "PPD"),
        ("handler", "PPD.IA"),
        ("about_unit", "35"),
        ("received", "2013-01-07"),
        ("class", "overbearing"),
        ("source_class", "PHYSICAL ABUSE"),
        ("jurisdiction", "US-PHL"),
        ("stage", "concluded"),
    ] {
        assert_eq!(shown[name], value, "{name} in {shown}");
    }
    let persons = |report: &Value| -> Vec<String> {
        let allegations = report["allegations"].as_array().unwrap();
        allegations.iter().map(|allegation| allegation["person"].as_str().unwrap().to_owned()).collect()
    };
    let of_report = counted.persons.iter().filter(|person| person.starts_with("13-0001/")).count();
    let distinct: BTreeSet<_> = persons(&shown).into_iter().collect();
    assert_eq!(distinct.len(), of_report, "{shown}");
    assert_eq!(shown["allegations"][0]["class"], "delay");
    assert_eq!(shown["allegations"][0]["source_class"], "Lack of Service");
    assert_eq!(shown["allegations"][0]["final"], "substantiated");

    // Once more, the files the other way round: nothing is added.
    let head = server.json(&["log", "head"])["position"].clone();
    let again = import(&server, &[&complaints, &allegations], MAPPING);
    counts(&again, [("appended", 0), ("repeated", reports), ("registered", 0), ("rejected", 0)]);
    assert_eq!(server.json(&["log", "head"])["position"], head);
    assert_eq!(again["position"], first["position"]);
}

/// Another city: one file, one row an allegation, other words, dates of opening and closing.
const CITY: &str = "source = 'harbour'\ntime_zone = '+01:00'\ndelimiter = ';'\ndate_format = '%m/%d/%Y'\n\
    [reports]\nreport = 'Complaint'\nreceived = 'Received'\nopened = 'Opened'\nclosed = 'Closed'\n\
    agency = { column = 'Force', values = { 'Harbour Police' = 'HP', 'Customs' = 'CU' } }\n\
    handler = { constant = 'OMBUDS' }\nunit = 'Post'\njurisdiction = { constant = 'US-PHL' }\n\
    kind = { column = 'Kind', values = { D = 'denunciation', C = 'complaint' } }\n\
    source = { column = 'By', values = { anon = 'anonymous' }, default = 'named' }\n\
    class = { column = 'Type', values = { Bribe = 'corruption' } }\n\
    [allegations]\nreport = 'Complaint'\nperson = 'Officer'\nclass = 'Allegation'\n\
    recommended = { column = 'Board', values = { S = 'substantiated', U = 'unsubstantiated', '?' = '' } }\n\
    final = { column = 'Chief', values = { S = 'substantiated', P = 'partly', U = 'unsubstantiated' } }\n";

const ROWS: &str = "\u{feff}Received;Complaint;Force;Post;Opened;Closed;Kind;By;Type;Officer;Allegation;Board;Chief\r\n\
    1/31/2019;A-1;Harbour Police;1;02/01/2019;3/15/2019;D;anon;Bribe;Nguyễn Văn A;Took money;S;P\r\n\
    1/31/2019;A-1;Harbour Police;1;02/01/2019;3/15/2019;D;anon;Bribe;b-2;\"Bribe; \"\"small\"\"\";U;U\r\n\
    \r\n\
    2/1/2019 11:00:00 PM;A-2;Customs;1;2/2/2019;1/2/2019;C;;waste;b-2;delay;?;false\r\n\
    02/02/2019;A-3;Harbour Police;2;;;C;a neighbour;Noise;;;;\r\n\
    1/31/2019;A-1;Harbour Police;2;02/01/2019;3/15/2019;D;anon;Bribe;b-3;Took money;S;S\r\n\
    31/1/2019;A-4;Harbour Police;2;;;C;;Noise;b-4;delay;S;S\r\n\
    02/03/2019;A-5;Harbour Police;2;;;C;;Noise;b-4;delay;S;Guilty\r\n\
    02/04/2199;A-6;Harbour Police;2;;;C;;Noise;b-4;delay;S;S\r\n";

#[test]
fn another_city_has_one_file_with_both_tables() {
    let server = Server::up();
    // Somebody else's unit has the number of a post.
    server.json(&["directory", "open-agency", "OTHER", "--name-vi", "Other"]);
    server.json(&["directory", "open-unit", "2", "--agency", "OTHER", "--name-vi", "2"]);
    let mapping = server.data.join("city.toml");
    fs::write(&mapping, CITY).unwrap();
    let mapping = mapping.to_str().unwrap();
    let file = server.data.join("city.csv");
    fs::write(&file, ROWS).unwrap();
    let first = import(&server, &[&file], mapping);
    counts(&first, [("rows", 8), ("reports", 4), ("allegations", 4), ("appended", 3), ("repeated", 0)]);
    counts(&first, [("rejected", 4), ("refused", 1), ("report_differs", 1), ("closed_before_opened", 1)]);
    // Three agencies, and the posts 1 and 2 of one, 1 of another.
    counts(&first, [("registered", 6), ("duplicates", 0)]);
    let rejects = fs::read_to_string(server.data.join("rejects.csv")).unwrap();
    let rejected: Vec<_> = rejects.lines().skip(1).map(|line| line.split(';').collect::<Vec<_>>()).collect();
    let rejected: Vec<_> = rejected.iter().map(|cells| (cells[0], cells[1])).collect();
    let expected = [
        ("7", "REPORT_DIFFERS"),
        ("8", "received_unreadable"),
        ("9", "final_unknown"),
        ("10", "OCCURRED_IN_FUTURE"),
    ];
    assert_eq!(rejected, expected);

    let shown = server.json(&["report", "show", "harbour:A-1"]);
    assert_eq!((&shown["kind"], &shown["source"]), (&"denunciation".into(), &"anonymous".into()));
    assert_eq!((&shown["class"], &shown["source_class"]), (&"corruption".into(), &"Bribe".into()));
    let lines: Vec<_> =
        shown["trail"].as_array().unwrap().iter().map(|line| line["occurred"].as_str()).collect();
    assert_eq!(lines.first(), Some(&Some("2019-01-31")));
    assert_eq!(lines.last(), Some(&Some("2019-03-15")));
    let found = |report: &Value| -> Vec<(String, String)> {
        let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let allegations = report["allegations"].as_array().unwrap();
        allegations.iter().map(|a| (word(&a["recommended"]), word(&a["final"]))).collect()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(left, right)| ((*left).to_owned(), (*right).to_owned())).collect()
    };
    assert_eq!(found(&shown), pairs(&[("substantiated", "partly"), ("unsubstantiated", "unsubstantiated")]));
    assert!(!server.liem(&["log", "read", "--json", "--limit", "0"]).out.contains("Nguyễn"));
    let shown = server.json(&["report", "show", "harbour:A-2"]);
    assert_eq!(found(&shown), pairs(&[("-", "false")]));
    assert_eq!((&shown["received"], &shown["stage"]), (&"2019-02-01".into(), &"concluded".into()));
    assert_eq!((&shown["class"], &shown["source_class"]), (&"waste".into(), &Value::Null));
    let shown = server.json(&["report", "show", "harbour:A-3"]);
    assert_eq!((&shown["class"], &shown["source_class"]), (&"other".into(), &"Noise".into()));
    assert_eq!((&shown["source"], &shown["about_unit"]), (&"named".into(), &"HP/2".into()));
    assert_eq!(totals(&server, "finding"), map(&[("partly", 1), ("unsubstantiated", 1), ("false", 1)]));
    assert_eq!(totals(&server, "unit"), map(&[("1", 1), ("HP/1", 1), ("HP/2", 1)]));

    // Sorted otherwise, it's the same; with another finding it differs from what stands.
    let head = server.json(&["log", "head"])["position"].clone();
    let mut rows: Vec<_> = ROWS.lines().filter(|line| !line.is_empty()).collect();
    rows[1..3].reverse();
    fs::write(&file, rows.join("\n")).unwrap();
    let again = import(&server, &[&file], mapping);
    counts(&again, [("appended", 0), ("repeated", 3), ("rejected", 4), ("report_differs", 1)]);
    fs::write(&file, ROWS.replace("?;false", "U;false")).unwrap();
    let other = import(&server, &[&file], mapping);
    counts(&other, [("appended", 0), ("repeated", 2), ("rejected", 5), ("report_differs", 2)]);
    assert_eq!(server.json(&["log", "head"])["position"], head);
    // A new report goes in beside those that are known.
    fs::write(&file, format!("{ROWS}02/05/2019;A-7;Customs;1;;;C;;Noise;;;;\r\n")).unwrap();
    let more = import(&server, &[&file], mapping);
    counts(&more, [("appended", 1), ("repeated", 3), ("registered", 0)]);
}

#[test]
fn an_import_that_was_cut_off_goes_on() {
    let server = Server::up();
    let path = |name: &str| server.data.join(name).to_str().unwrap().to_owned();
    let (mapping, file) = (path("town.toml"), path("town.csv"));
    fs::write(&mapping, "source = 'town'\n[reports]\nreport = 'id'\nreceived = 'on'\n").unwrap();
    let rows: Vec<_> = (0..1_500).map(|id| format!("{id},2019-01-0{}", 1 + id % 9)).collect();
    fs::write(&file, format!("id,on\n{}\n", rows.join("\n"))).unwrap();
    let head = || server.json(&["log", "head"])["position"].as_u64().unwrap();
    let mut cut_off = liem(&["import", "csv", &file, "--mapping", &mapping, "--in-flight", "8"]);
    let mut cut_off = cut_off.env("LIEM_DATA", &server.data).spawn().unwrap();
    wait_until("some reports are in", || head() > 200);
    cut_off.kill().unwrap();
    cut_off.wait().unwrap();

    let rest = import(&server, &[Path::new(&file)], &mapping);
    counts(&rest, [("reports", 1_500), ("registered", 0), ("rejected", 0), ("report_differs", 0)]);
    let (appended, repeated) = (rest["appended"].as_u64().unwrap(), rest["repeated"].as_u64().unwrap());
    assert!(appended > 0 && repeated > 0 && appended + repeated == 1_500, "{rest}");
    assert_eq!(totals(&server, "kind"), map(&[("complaint", 1_500)]));
    // The log's own first entry, the agency, and the reports.
    assert_eq!(head(), 2 + 1_500);
}
