//! Reports of misconduct through the command line: from filing to finding, their clocks, and what is counted.

use proto::delivery::{Command, ReceiveCaseRequest};
use serde_json::{Value, json};
use tests::{Act, Client, Server, command};

/// A server with two agencies, and an official who heads the first.
async fn world() -> Server {
    let server = Server::up();
    let admin = Client::new(&server.address, &server.token(&["--role", "administrator"]));
    admin.open("H57", &["land desk"]).await;
    admin.open("H58", &[]).await;
    admin.define_step("hearing").await;
    for arguments in [
        &["define-post", "H57/head", "--agency", "H57", "--leadership", "head"][..],
        &["register-official", "o-head", "--agency", "H57", "--category", "civil-servant"],
        &["appoint", "o-head", "--post", "H57/head", "--from", "2026-01-01"],
    ] {
        server.json(&[&["directory"], arguments].concat());
    }
    server
}

/// Files a report about the land desk of H57 on a day; its id.
fn file(server: &Server, on: &str, more: &[&str]) -> String {
    let usual = ["report", "file", "--agency", "H57", "--received", on];
    let filed = server.json(&[&usual, more].concat());
    filed["report"].as_str().unwrap().to_owned()
}

/// Does something with a report on a day.
fn does(server: &Server, what: &str, report: &str, on: &str, more: &[&str]) -> Value {
    server.json(&[&["report", what, report, "--on", on], more].concat())
}

fn refused(server: &Server, arguments: &[&str], reason: &str) {
    let answer = server.liem(arguments);
    assert!(!answer.success && answer.err.contains(reason), "{arguments:?}: {} {}", answer.out, answer.err);
}

fn due(server: &Server, more: &[&str]) -> Vec<Value> {
    let head = server.json(&["log", "head"])["position"].to_string();
    let duties = server.json(&[&["due", "--at-least", &head], more].concat());
    let is_of_report = |duty: &&Value| duty["subject_role"] != "proceeding";
    duties.as_array().unwrap().iter().filter(is_of_report).cloned().collect()
}

/// What was done with the report itself: what follows from it is another matter, and comes a moment later.
fn types(shown: &Value) -> Vec<&str> {
    let types = shown["trail"].as_array().unwrap().iter().map(|line| line["type"].as_str().unwrap());
    types.filter(|name| name.starts_with("conduct.")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_report_goes_from_filing_to_a_changed_finding() {
    let server = world().await;
    let about =
        ["--unit", "land desk", "--kind", "denunciation", "--class", "harassment", "--name", "Trần B"];
    let report = file(&server, "2026-03-02", &about);
    let at = ["--judged-at", "2026-03-10"];
    let duties = due(&server, &at);
    assert_eq!(duties.len(), 1);
    let duty = |name: &str| duties[0][name].clone();
    assert_eq!(
        (duty("duty"), duty("agency"), duty("head")),
        (json!("classify"), json!("H57"), json!("o-head"))
    );
    // A duty that is missed shows without anybody recording that it was.
    assert_eq!((duty("overdue"), duty("overdue_days")), (json!(true), json!(1)));
    assert!(due(&server, &["--judged-at", "2026-03-01"]).is_empty(), "it did not run yet");

    let classified = does(&server, "classify", &report, "2026-03-04", &["--evidence"]);
    assert_eq!(classified["due"], "2026-03-11", "seven working days from receipt");
    refused(&server, &["report", "inquire", &report, "--on", "2026-03-05"], "REPORT_NOT_ACCEPTED");
    let accepted = does(&server, "accept", &report, "2026-03-05", &[]);
    assert_eq!(
        (&accepted["due"], &accepted["rule"]),
        (&json!("2026-04-06"), &json!("denunciation.conclude"))
    );
    does(&server, "extend", &report, "2026-03-20", &[]);
    refused(&server, &["report", "extend", &report, "--on", "2026-03-21"], "EXTENSION_NOT_ALLOWED");
    does(&server, "inquire", &report, "2026-03-21", &[]);
    does(&server, "person", &report, "2026-03-21", &["--person", "o-17"]);
    does(&server, "step", &report, "2026-03-22", &["--step", "hearing"]);
    for class in ["harassment", "attitude"] {
        does(&server, "allege", &report, "2026-03-22", &["--class", class, "--person", "o-17"]);
    }
    let finds = |allegation: &str, finding: &str, more: &[&str]| {
        let arguments = ["--allegation", allegation, "--finding", finding];
        does(&server, "finding", &report, "2026-03-25", &[&arguments[..], more].concat());
    };
    let early = ["--allegation", "1", "--finding", "partly", "--final", "--on", "2026-03-25"];
    refused(&server, &[&["report", "finding", &report], &early[..]].concat(), "FINDING_NOT_RECOMMENDED");
    for (allegation, finding) in [("1", "substantiated"), ("2", "unsubstantiated")] {
        finds(allegation, finding, &[]);
        finds(allegation, finding, &["--final"]);
    }
    does(&server, "conclude", &report, "2026-03-30", &[]);
    // Judged at a moment before, its clock runs; after, it doesn't.
    let open_then = due(&server, &["--judged-at", "2026-03-20T00:00:00+07:00"]);
    assert_eq!(open_then[0]["duty"], "conclude");
    assert!(due(&server, &["--judged-at", "2026-04-30"]).is_empty());

    let totals = |by: &str| {
        let head = server.json(&["log", "head"])["position"].to_string();
        server.json(&["report", "totals", "--by", by, "--at-least", &head])
    };
    let one = |key: &str, count: i32| json!({ "key": key, "count": count });
    assert_eq!(totals("finding"), json!([one("substantiated", 1), one("unsubstantiated", 1)]));
    assert_eq!(totals("class"), json!([one("harassment", 1)]));
    assert_eq!(totals("unit"), json!([one("land desk", 1)]));
    assert_eq!(totals("kind"), json!([one("denunciation", 1)]));

    // The board counts findings that are concluded and not under appeal, and ranks nobody by them.
    let board = || {
        let head = server.json(&["log", "head"])["position"].to_string();
        let board = server.json(&["board", "--by", "unit", "--at-least", &head]);
        board.as_array().unwrap().iter().find(|row| row["subject"] == "land desk").cloned()
    };
    let row = board().unwrap();
    assert_eq!((&row["substantiated"], &row["rank"]), (&json!(1), &Value::Null));
    let explained = server.json(&["board", "explain", "land desk", "substantiated", "--by", "unit"]);
    assert_eq!(explained["lines"][0]["report"], json!(report), "{explained}");
    does(&server, "appeal", &report, "2026-04-01", &["--who", "person_concerned"]);
    assert_eq!(board(), None, "under appeal it counts for nobody");
    assert_eq!(due(&server, &["--judged-at", "2026-04-02"])[0]["duty"], "decide_appeal");
    does(&server, "decide-appeal", &report, "2026-04-10", &["--change", "1=partly"]);
    assert_eq!(board().unwrap()["substantiated"], 1);
    does(&server, "reopen", &report, "2026-04-20", &[]);
    assert_eq!(board(), None);

    let shown = server.json(&["report", "show", &report]);
    assert_eq!((&shown["stage"], &shown["handler"]), (&json!("under_inquiry"), &json!("H57")));
    assert_eq!(shown["allegations"][0]["final"], "partly");
    assert_eq!(shown["sealed"][0]["field"], "name");
    assert_eq!(types(&shown).len(), 17);
    // Each event says under which rulebook it was decided.
    let entries = server.json(&["log", "read", "--limit", "0", "--category", "conduct.report"]);
    let rules: Vec<_> = entries.as_array().unwrap().iter().map(|e| e["rules"].as_str().unwrap()).collect();
    assert!(rules.iter().all(|rules| rules.starts_with("VN-") && rules.contains('@')), "{rules:?}");
    // Inspectors find it in the trails of the agency and of the person.
    for subject in ["agency:H57", "official:o-17"] {
        let trail = server.json(&["trail", subject]).to_string();
        assert!(trail.contains("conduct."), "{subject}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_agency_handles_no_report_about_itself_or_its_head() {
    let server = world().await;
    let transfer = |report: &str, to: &str| {
        let reason = ["--to", to, "--reason", "concerns_handler"];
        server.liem(&[&["report", "transfer", report, "--on", "2026-03-04"], &reason[..]].concat())
    };
    for about in [&[][..], &["--official", "o-head", "--unit", "land desk"]] {
        let report = file(&server, "2026-03-02", about);
        refused(&server, &["report", "classify", &report, "--on", "2026-03-03"], "CONCERNS_HANDLER");
        assert!(transfer(&report, "H58").success);
        let back = transfer(&report, "H57");
        assert!(!back.success && back.err.contains("TARGET_CONCERNED"), "{}", back.err);
        does(&server, "classify", &report, "2026-03-05", &[]);
        assert_eq!(server.json(&["report", "show", &report])["handler"], "H58");
    }
    // A self-report is one, is credited, and goes elsewhere.
    let own = server.token(&["--role", "agency", "--agency", "H57"]);
    let filed = server.json(&["report", "file", "--agency", "H57", "--class", "waste", "--token", &own]);
    assert_eq!(filed["follow_up_code"], Value::Null);
    let report = filed["report"].as_str().unwrap();
    refused(&server, &["report", "classify", report], "CONCERNS_HANDLER");
    let head = server.json(&["log", "head"])["position"].to_string();
    let board = server.json(&["board", "--at-least", &head]);
    let row = board.as_array().unwrap().iter().find(|row| row["subject"] == "H57").unwrap();
    assert_eq!(row["self_reports"], 1);
    assert_eq!(server.json(&["report", "show", report])["source"], "self_report");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn anonymous_reports_end_two_ways_and_declining_needs_a_reason() {
    let server = world().await;
    let unit = ["--unit", "land desk"];
    for (evidence, stage) in [(&["--evidence"][..], "in_inspection"), (&[], "filed_away")] {
        let report = file(&server, "2026-03-02", &unit);
        let classified = does(&server, "classify", &report, "2026-03-03", evidence);
        assert_eq!(classified["stage"], stage);
    }
    let complaint = [&unit[..], &["--kind", "complaint", "--name", "Lê C", "--remote"]].concat();
    let report = file(&server, "2026-03-02", &complaint);
    does(&server, "classify", &report, "2026-03-03", &[]);
    refused(
        &server,
        &["report", "decline", &report, "--on", "2026-03-04", "--reason", "bored"],
        "DECLINE_REASON_UNKNOWN",
    );
    let declined = does(&server, "decline", &report, "2026-03-04", &["--reason", "not_competent"]);
    assert_eq!(declined["rule"], "complaint.decline");
    refused(&server, &["report", "accept", &report, "--on", "2026-03-05"], "REPORT_ENDED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn duties_of_cases_stand_beside_those_of_reports() {
    let server = world().await;
    let admin = Client::new(&server.address, &server.token(&["--role", "administrator"]));
    admin.define("1.000001", "2025-01-01", 10, 7).await;
    let new = || ReceiveCaseRequest {
        procedure: "1.000001".into(),
        unit: "land desk".into(),
        ..ReceiveCaseRequest::default()
    };
    let late = admin.receive("H57", "2025-04-01", new()).await;
    let paused = admin.receive("H57", "2025-04-02", new()).await;
    let closed =
        admin.receive("H58", "2025-04-02", ReceiveCaseRequest { unit: String::new(), ..new() }).await;
    let at = |case: &str, at: &str| Command { official: "o-17".into(), ..command(case, at) };
    admin.act(at(&paused, "2025-04-03"), Act::AskSupplement).await.unwrap();
    admin.act(at(&closed, "2025-04-04"), Act::Decide).await.unwrap();

    let now = due(&server, &["--judged-at", "2025-04-30"]);
    let shown: Vec<_> =
        now.iter().map(|duty| json!([duty["subject"], duty["overdue"], duty["paused"]])).collect();
    assert_eq!(json!(shown), json!([[late, true, false], [paused, false, true]]));
    assert_eq!(due(&server, &["--judged-at", "2025-04-30", "--overdue"]).len(), 1);
    // On the day it was still open, the closed one was running, and the paused one not yet paused.
    let then = due(&server, &["--judged-at", "2025-04-02T12:00:00+07:00"]);
    assert!(then.iter().all(|duty| duty["paused"] == false) && then.len() == 3, "{then:?}");
    let within = due(&server, &["--judged-at", "2025-04-02T12:00:00+07:00", "--within", "3d"]);
    assert!(within.is_empty());
    let within = due(&server, &["--judged-at", "2025-04-02T12:00:00+07:00", "--within", "30d"]);
    assert_eq!(within.len(), 3);
    for (filter, count) in
        [("--agency", "H57"), ("--unit", "land desk"), ("--head", "o-head")].map(|f| (f, 2))
    {
        let duties = due(&server, &["--judged-at", "2026-04-30", filter.0, filter.1]);
        assert_eq!(duties.len(), count, "{filter:?}");
    }
    // An agency's token sees its own.
    let own = server.token(&["--role", "agency", "--agency", "H58"]);
    assert!(due_of(&server, &own, &[]).is_empty());
    let other = server.liem(&["due", "--agency", "H57", "--token", &own]);
    assert!(!other.success && other.err.contains("NO_STANDING"), "{}", other.err);
    let rebuilt = server.json(&["replay", "start", "obligations", "--reason", "ticket 1", "--wait"]);
    assert!(rebuilt.is_object(), "{rebuilt}");
    let compared = server.json(&["replay", "compare", "obligations"]);
    assert_eq!(compared["rows"].as_array().map(Vec::len), Some(0), "{compared}");
}

fn due_of(server: &Server, token: &str, more: &[&str]) -> Vec<Value> {
    server.json(&[&["due", "--token", token], more].concat()).as_array().unwrap().clone()
}
