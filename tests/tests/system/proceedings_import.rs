//! What registers say of discipline, imported: every outcome as it is counted from the files.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Value, json};
use tests::{Server, shared};

use super::reports_import::{MAPPING, counts, import};

/// Every proceeding on record by its id, with what is on record of it.
fn proceedings(server: &Server) -> BTreeMap<String, Vec<Value>> {
    let read = ["log", "read", "--oldest-first", "--category", "discipline.proceeding", "--limit", "0"];
    let mut proceedings: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for entry in server.json(&read).as_array().unwrap() {
        let id = entry["stream"].as_str().unwrap().split_once('/').unwrap().1;
        proceedings.entry(id.to_owned()).or_default().push(entry.clone());
    }
    proceedings
}

/// The source's word for what came of a proceeding, wherever it stands.
fn word(entries: &[Value]) -> String {
    let words = entries.iter().filter(|entry| entry["type"] != "discipline.SanctionRecommended.v1");
    let words = words.filter_map(|entry| entry["data"]["source_outcome"].as_str());
    words.collect::<Vec<_>>().join("+")
}

#[test]
fn what_came_of_the_findings_of_a_city_is_as_its_files_say() {
    let files = (shared("conduct/ppd_complaints.csv"), shared("conduct/ppd_allegations.csv"));
    let (Some(complaints), Some(allegations)) = files else {
        return;
    };
    let (mut counted, mut others) = (BTreeMap::<String, u64>::new(), 0);
    for record in csv::Reader::from_path(&allegations).unwrap().records() {
        let record = record.unwrap();
        if &record[3] == "Sustained Finding" {
            *counted.entry(record[4].to_owned()).or_default() += 1;
        } else {
            others += 1;
        }
    }
    let outcomes = [
        ("Guilty Finding", 166),
        ("No Guilty Findings", 97),
        ("Not Applicable", 7),
        ("Pending", 130),
        ("Training/Counseling", 883),
    ];
    assert_eq!(counted, outcomes.map(|(outcome, count)| (outcome.to_owned(), count)).into());

    let server = Server::up();
    let first = import(&server, &[&complaints, &allegations], MAPPING);
    assert_eq!(first["proceedings"], json!({ "new": 1_283, "repeated": 0, "differing": 0 }));
    counts(&first, [("outcomes_not_taken", others), ("rejected", 0)]);
    let proceedings = proceedings(&server);
    let mut found = BTreeMap::<String, u64>::new();
    for entries in proceedings.values() {
        *found.entry(word(entries)).or_default() += 1;
    }
    assert_eq!(found, counted);

    let trained = server.json(&["proceeding", "show", "p-philadelphia:13-0001-1"]);
    let decision = json!({ "result": "sanctioned", "form": "training_counseling", "source_outcome": "Training/Counseling" });
    for (name, value) in [
        ("stage", json!("decided")),
        ("agency", json!("PPD")),
        ("handler", json!("PPD.IA")),
        ("unit", json!("35")),
        ("person_class", json!("police_officer")),
        ("decision", decision),
        ("appeal", Value::Null),
        ("execute", Value::Null),
    ] {
        assert_eq!(trained[name], value, "{name} in {trained}");
    }
    assert!(trained["citation"].as_str().unwrap().contains("Disciplinary Code"), "{trained}");

    let head = server.json(&["log", "head"])["position"].clone();
    let again = import(&server, &[&allegations, &complaints], MAPPING);
    assert_eq!(again["proceedings"], json!({ "new": 0, "repeated": 1_283, "differing": 0 }));
    assert_eq!((&server.json(&["log", "head"])["position"], &again["position"]), (&head, &head));
}

/// Another city, which tells in codes what was recommended and what was decided.
const LAKE: &str = "source = 'lake'\ntime_zone = '-06:00'\n[reports]\nreport = 'complaint_no'\nreceived = 'received'\n\
    closed = 'closed_date'\nagency = { constant = 'LPD' }\nhandler = { constant = 'LPD.COPA' }\nunit = 'district'\n\
    jurisdiction = { constant = 'US-PHL' }\n\
    [allegations]\nreport = 'complaint_no'\nperson = 'officer_id'\nclass = 'category'\n\
    recommended = { column = 'recommended_finding', values = { SU = 'substantiated', NS = 'unsubstantiated', PE = '' } }\n\
    final = { column = 'final_finding', values = { SU = 'substantiated', NS = 'unsubstantiated', PE = 'pending' } }\n\
    person_class = { constant = 'police_officer' }\nrecommended_outcome = 'recommended_discipline_code'\n\
    decided = 'decided'\n[allegations.outcome]\ncolumn = 'final_discipline_code'\n[allegations.outcome.values]\n\
    100 = { result = 'sanctioned', form = 'reprimand' }\n200 = { result = 'sanctioned', form = 'suspension' }\n\
    300 = { result = 'sanctioned', form = 'exile' }\n600 = 'not_sanctioned'\n'' = ''\n";

const ROWS: &str = "complaint_no,received,closed_date,district,officer_id,category,recommended_finding,\
    recommended_discipline_code,final_finding,final_discipline_code,decided\n\
    L-1,2019-01-07,2019-06-30,7,o-1,Force,SU,200,SU,100,2019-04-01\n\
    L-1,2019-01-07,2019-06-30,7,,Force,SU,100,SU,100,\n\
    L-1,2019-01-07,2019-06-30,7,o-2,Force,SU,200,NS,600,2019-04-01\n\
    L-2,2019-02-07,,7,o-3,Search,SU,600,SU,600,\n\
    L-2,2019-02-07,,7,o-4,Search,PE,,PE,,\n\
    L-3,2019-03-07,2019-04-07,9,o-5,Search,SU,200,SU,10,2019-05-01\n\
    L-3,2019-03-07,2019-04-07,9,o-6,Search,SU,100,SU,,\n\
    L-4,2019-03-08,2019-04-07,9,o-7,Search,SU,100,SU,300,\n\
    L-4,2019-03-08,2019-04-07,9,o-8,Search,SU,100,SU,200,2019-03-01\n\
    L-4,2019-03-08,2019-04-07,9,o-9,Search,,,SU,pending,\n";

#[test]
fn codes_of_another_city_are_imported_by_a_mapping_alone() {
    let server = Server::up();
    let path = |name: &str, text: &str| {
        let path = server.data.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let rejected = || -> Vec<(String, String)> {
        let text = fs::read_to_string(server.data.join("rejects.csv")).unwrap();
        let mut rows: Vec<_> =
            text.lines().skip(1).map(|line| line.splitn(3, ',').map(str::to_owned)).collect();
        let mut rows: Vec<_> =
            rows.iter_mut().map(|cells| (cells.next().unwrap(), cells.next().unwrap())).collect();
        rows.sort();
        rows
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(line, reason)| ((*line).to_owned(), (*reason).to_owned())).collect()
    };
    let totals =
        |new, repeated, differing| json!({ "new": new, "repeated": repeated, "differing": differing });
    let (mapping, file) = (path("lake.toml", LAKE), path("lake.csv", ROWS));
    let first = import(&server, &[Path::new(&file)], &mapping);
    assert_eq!(first["proceedings"], totals(4, 0, 0));
    counts(&first, [("reports", 4), ("allegations", 10), ("appended", 4), ("outcomes_not_taken", 1)]);
    counts(&first, [("rejected", 3), ("refused", 2), ("report_differs", 0)]);
    let unusable = [("10", "OCCURRED_OUT_OF_ORDER"), ("7", "outcome_unknown"), ("9", "FORM_NOT_ALLOWED")];
    assert_eq!(rejected(), pairs(&unusable));

    // Recommended to be suspended, and reprimanded at last: before the report was closed.
    let changed = server.json(&["proceeding", "show", "p-lake:L-1-2"]);
    let code =
        |form: &str, code: &str| json!({ "result": "sanctioned", "form": form, "source_outcome": code });
    assert_eq!(changed["recommended"], code("suspension", "200"));
    assert_eq!(changed["decision"], code("reprimand", "100"));
    assert_eq!((&changed["person"], &changed["decision_date"]), (&"o-1".into(), &"2019-04-01".into()));
    // Nobody is named. Nothing says when it was decided: the day of the finding stands for it.
    let nobody = server.json(&["proceeding", "show", "p-lake:L-1-1"]);
    assert_eq!((&nobody["person"], &nobody["decision"]), (&Value::Null, &code("reprimand", "100")));
    let on_record = proceedings(&server);
    assert_eq!(on_record["p-lake:L-1-1"].last().unwrap()["data"]["date_unknown"], true);
    // The rest of the report goes on.
    let spared = server.json(&["proceeding", "show", "p-lake:L-2-1"]);
    assert_eq!(
        (&spared["decision"]["result"], &spared["stage"]),
        (&"not_sanctioned".into(), &"decided".into())
    );
    assert_eq!(server.json(&["report", "show", "lake:L-2"])["stage"], "under_inquiry");
    // Our own word is no word of the source's.
    let pending = &on_record["p-lake:L-4-3"];
    assert_eq!((pending.len(), &pending[0]["data"]["source_outcome"]), (1, &Value::Null));
    assert_eq!(server.json(&["proceeding", "show", "p-lake:L-4-3"])["stage"], "open");

    // Any number of days is a suspension, and a code that no rule allows has no form: what was missing goes in.
    let better = LAKE.replace("{ result = 'sanctioned', form = 'exile' }", "'sanctioned'");
    let column = "column = 'final_discipline_code'\n";
    let otherwise = "otherwise = { result = 'sanctioned', form = 'suspension' }\n";
    let better = better.replace(column, &[column, otherwise].concat());
    let mapping = path("lake.toml", &better);
    let second = import(&server, &[Path::new(&file)], &mapping);
    assert_eq!(second["proceedings"], totals(2, 4, 0));
    counts(&second, [("appended", 0), ("repeated", 4), ("rejected", 1), ("refused", 1)]);
    let days = server.json(&["proceeding", "show", "p-lake:L-3-1"]);
    assert_eq!(
        (&days["decision"], &days["decision_date"]),
        (&code("suspension", "10"), &"2019-05-01".into())
    );
    assert_eq!(server.json(&["proceeding", "show", "p-lake:L-4-1"])["decision"]["source_outcome"], "300");

    // Sorted otherwise it's the same. What is told otherwise later is told apart, and stays.
    let head = server.json(&["log", "head"])["position"].clone();
    let mut lines: Vec<_> = ROWS.lines().collect();
    lines[1..].reverse();
    let file = path("lake.csv", &lines.join("\n"));
    assert_eq!(import(&server, &[Path::new(&file)], &mapping)["proceedings"], totals(0, 6, 0));
    let file = path("lake.csv", &ROWS.replace("SU,10,2019-05-01", "SU,15,2019-05-01"));
    let other = import(&server, &[Path::new(&file)], &mapping);
    assert_eq!((&other["proceedings"], &other["rejected"]), (&totals(0, 5, 1), &2.into()));
    assert_eq!(rejected(), pairs(&[("10", "OCCURRED_OUT_OF_ORDER"), ("7", "PROCEEDING_DIFFERS")]));
    assert_eq!(server.json(&["log", "head"])["position"], head);
}
