//! The fields of what `liem report` and `liem due` answer are those that docs/cli.md lists.

use std::collections::BTreeSet;

use serde_json::Value;
use tests::{Client, Server};

use super::command_line::{ELSEWHERE, documented, fields};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn reports_have_the_documented_fields() {
    let server = Server::up();
    let admin = Client::new(&server.address, &server.token(&["--role", "administrator"]));
    admin.open("H57", &["desk"]).await;
    admin.open("H58", &[]).await;
    admin.define_step("hearing").await;
    let documented = documented();
    let (mut handled, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut check = |heading: &'static str, answer: &Value| {
        assert_eq!(fields(answer), documented[heading], "{heading}: {answer}");
        seen.insert(heading);
    };
    let new =
        ["report", "file", "--agency", "H57", "--unit", "desk", "--kind", "complaint", "--name", "An B"];
    let filed = server.json(&new);
    check("liem report file", &filed);
    let (report, code) = (filed["report"].as_str().unwrap(), filed["follow_up_code"].as_str().unwrap());
    let mut does = |arguments: &[&str]| {
        let answer = server.json(&[&["report", arguments[0], report], &arguments[1..]].concat());
        let fields = fields(&answer);
        assert!(fields.is_subset(&documented["liem report"]), "{arguments:?}: {answer}");
        handled.extend(fields);
    };
    does(&["classify"]);
    does(&["ask", "--text", "When?"]);
    let answered = server.json(&["report", "follow-up", code, "--add", "--text", "more"]);
    assert_eq!(answered["questions"][0]["text"], "When?");
    does(&["accept"]);
    does(&["extend"]);
    does(&["inquire"]);
    does(&["person", "--person", "o-1"]);
    does(&["step", "--step", "hearing"]);
    does(&["allege", "--class", "delay"]);
    does(&["finding", "--allegation", "1", "--finding", "partly"]);
    does(&["finding", "--allegation", "1", "--finding", "partly", "--final"]);
    check("liem due", &server.json(&["due"]));
    does(&["conclude"]);
    // Answers have a question, or findings: one of each makes all fields.
    let concluded = server.json(&["report", "follow-up", code]);
    let both: BTreeSet<String> = fields(&answered).union(&fields(&concluded)).cloned().collect();
    assert_eq!(both, documented["liem report follow-up"]);
    check("liem report follow-up --proof", &server.json(&["report", "follow-up", code, "--proof"]));
    does(&["appeal"]);
    does(&["decide-appeal", "--change", "1=false"]);
    does(&["reopen"]);
    does(&["transfer", "--to", "H58"]);
    let reader = ["--reader", "i-1", "--reason", "handling"];
    check("liem report open", &server.json(&[&["report", "open", report], &reader[..]].concat()));
    does(&["erase", "--ground", "legal_order"]);
    check("liem report show", &server.json(&["report", "show", report]));
    let head = server.json(&["log", "head"])["position"].to_string();
    check("liem report totals", &server.json(&["report", "totals", "--by", "kind", "--at-least", &head]));
    assert_eq!(handled, documented["liem report"]);
    seen.extend(["liem report", "liem report follow-up"]);
    assert_eq!(seen, ELSEWHERE.into_iter().collect());

    // People get lines and tables, and advice.
    for (arguments, part) in [
        (&["report", "show", report][..], "erased by law"),
        (&["due"], "duties shown of"),
        (&["report", "totals", "--by", "unit"], "desk"),
        (&["report", "follow-up", code], "handler"),
    ] {
        let answer = server.liem(arguments);
        assert!(answer.success && answer.out.contains(part), "{arguments:?}: {} {}", answer.out, answer.err);
    }
    let unknown = server.liem(&["report", "show", "r-nothing"]);
    assert!(unknown.err.contains("[REPORT_UNKNOWN]"), "{}", unknown.err);
    let nameless = server.liem(&["report", "file", "--agency", "H57", "--source", "confidential"]);
    assert!(nameless.err.contains("[NAME_MISSING]"), "{}", nameless.err);
    let elsewhere = server.liem(&["report", "file", "--agency", "H57", "--jurisdiction", "XX"]);
    assert!(elsewhere.err.contains("[JURISDICTION_UNKNOWN]"), "{}", elsewhere.err);
}
