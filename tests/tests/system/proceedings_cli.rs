//! Discipline through the command line: from a finding to a sanction, its appeal, clearing and exoneration.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Server, wait_until};

use super::command_line::{OF_PROCEEDINGS, documented, fields};

/// An official of H57 under a head, and a report about them that H58 concluded: three findings, one of them about
/// nobody whom the directory knows, and one about nobody.
fn world() -> (Server, String) {
    let server = Server::up();
    let done = |arguments: &[&str]| server.json(arguments);
    done(&["directory", "open-agency", "H57", "--name-vi", "H57"]);
    done(&["directory", "open-agency", "H58", "--name-vi", "H58"]);
    done(&["directory", "open-unit", "desk", "--agency", "H57", "--name-vi", "desk"]);
    let post = ["--agency", "H57", "--unit", "desk", "--leadership", "head"];
    done(&[&["directory", "define-post", "desk/head"], &post[..]].concat());
    for official in ["o-17", "o-head"] {
        let as_what = ["--agency", "H57", "--category", "civil-servant", "--party-member"];
        done(&[&["directory", "register-official", official], &as_what[..]].concat());
    }
    done(&["directory", "appoint", "o-head", "--post", "desk/head", "--from", "2020-01-01"]);

    let about = ["--about", "H57", "--unit", "desk", "--name", "An B", "--received", "2023-10-02"];
    let filed = done(&[&["report", "file", "--agency", "H58"], &about[..]].concat());
    let report = filed["report"].as_str().unwrap().to_owned();
    let handles = |on: &str, what: &str, more: &[&str]| {
        done(&[&["report", what, &report, "--on", on], more].concat());
    };
    handles("2023-10-03", "classify", &[]);
    handles("2023-10-04", "accept", &[]);
    handles("2023-10-05", "inquire", &[]);
    handles("2023-10-06", "allege", &["--class", "harassment", "--person", "o-17"]);
    handles("2023-10-06", "allege", &["--class", "delay", "--person", "o-gone"]);
    handles("2023-10-06", "allege", &["--class", "delay"]);
    for number in ["1", "2", "3"] {
        let finding = ["--allegation", number, "--finding", "substantiated"];
        handles("2023-10-25", "finding", &finding);
        handles("2023-10-25", "finding", &[&finding[..], &["--final"]].concat());
    }
    handles("2023-11-01", "conclude", &[]);
    (server, report)
}

fn refused(server: &Server, arguments: &[&str], parts: &[&str]) {
    let answer = server.liem(arguments);
    assert!(!answer.success, "{arguments:?}: {}", answer.out);
    for part in parts {
        assert!(answer.err.contains(part), "{arguments:?} should say `{part}`: {}", answer.err);
    }
}

#[test]
fn a_proceeding_goes_from_a_finding_to_an_exoneration() {
    let (server, report) = world();
    let documented = documented();
    let (mut handled, mut shown) = (BTreeSet::new(), BTreeSet::new());
    let mut show = |proceeding: &str| {
        let answer = server.json(&["proceeding", "show", proceeding]);
        shown.extend(fields(&answer));
        answer
    };
    let mut does = |on: &str, arguments: &[&str]| {
        let answer = server.json(&[&["proceeding"], arguments, &["--on", on]].concat());
        handled.extend(fields(&answer));
        answer
    };
    let limit = |from: &str, due: &str, rule: &str| json!({ "from": from, "due": due, "rule": rule });
    let [first, second, third] = [1, 2, 3].map(|number| format!("p-{report}-{number}"));
    let (first, party) = (first.as_str(), format!("{first}-party"));

    // The findings oblige to open proceedings, or to say why not; the Party is told of its member.
    wait_until("the proceedings are due", || {
        server.liem(&["proceeding", "show", &third]).success
            && server.liem(&["proceeding", "show", &party]).success
    });
    let due = show(first);
    assert_eq!((&due["stage"], &due["handler"]), (&"due".into(), &"H57".into()));
    assert_eq!(due["open"], limit("2023-11-01", "2023-11-16", "discipline.open"));
    assert_eq!((&due["track"], &due["convene"]), (&Value::Null, &Value::Null));

    let of_first = ["--origin", &report, "--allegation", "1", "--violation", "2023-09-12"];
    let request = ["--request-id", "018f2b6e-0000-7000-8000-000000000001", "--agency", "H57"];
    let open = [&["open"], &of_first[..], &request].concat();
    let opened = does("2023-11-06", &open);
    assert_eq!((&opened["proceeding"], &opened["repeated"]), (&first.into(), &false.into()));
    assert_eq!(opened["convene"], limit("2023-11-06", "2023-12-06", "discipline.convene"));
    assert_eq!(opened["decide"], limit("2023-11-01", "2024-01-30", "discipline.handle"));
    let again = does("2023-11-06", &open);
    assert_eq!((&again["repeated"], &again["position"]), (&true.into(), &opened["position"]));
    let twice = [&["proceeding", "open"], &of_first[..], &["--on", "2023-11-07"]].concat();
    refused(&server, &twice, &["[PROCEEDING_EXISTS]", first]);

    let extended = does("2023-11-08", &["extend", first]);
    assert_eq!(extended["decide"]["due"], "2024-04-01");
    refused(&server, &["proceeding", "pause", first, "--ground", "holiday"], &["[PAUSE_GROUND_UNKNOWN]"]);
    does("2023-11-10", &["pause", first, "--ground", "serious_illness"]);
    assert_eq!(show(first)["stage"], "paused");
    assert_eq!(does("2023-11-20", &["resume", first])["decide"]["due"], "2024-04-09");
    does("2023-11-21", &["council", first, "o-1", "o-2", "o-3"]);
    does("2023-11-22", &["hearing", first]);
    let weighed = does("2023-11-22", &["circumstance", first, "obstruction", "--report", &report]);
    assert_eq!(weighed["aggravating"], true);
    does("2023-11-23", &["recommend", first, "--form", "salary_cut"]);
    let demotion = ["proceeding", "decide", first, "--form", "demotion", "--on", "2023-11-24"];
    refused(&server, &demotion, &["[FORM_NOT_ALLOWED]", "art. 79", "salary_cut"]);
    let undecided = server.liem(&["proceeding", "decide", first]);
    assert_eq!(undecided.code, Some(2), "{}", undecided.err);
    let decided = does("2023-11-24", &["decide", first, "--form", "warning"]);
    assert_eq!(decided["rule"], "sanction.civil_servant");
    assert_eq!(decided["appeal"], limit("2023-11-24", "2023-12-11", "discipline.appeal_sanction"));
    assert_eq!(decided["execute"]["due"], "2023-12-01");
    does("2023-11-27", &["head", first, "o-head", "--liability", "joint"]);
    assert_eq!(does("2023-12-01", &["appeal", first])["answer"]["due"], "2024-01-02");
    assert_eq!(show(first)["stage"], "under_appeal");
    let changed = does("2023-12-11", &["decide-appeal", first, "changed", "--form", "reprimand"]);
    assert!(changed["citation"].as_str().unwrap().contains("art. 79"), "{changed}");
    assert_eq!(
        does("2023-12-12", &["execute", first])["clear_date"],
        "2024-11-24",
        "a year from the decision"
    );

    let stands = show(first);
    for (name, value) in [
        ("stage", json!("decided")),
        ("origin", json!(format!("conduct.report/{report}"))),
        ("allegation", json!(1)),
        ("person", json!("o-17")),
        ("person_class", json!("civil_servant")),
        ("unit", json!("desk")),
        ("violation_date", json!("2023-09-12")),
        ("discovery_date", json!("2023-11-01")),
        ("decision_date", json!("2023-11-24")),
        ("limitation_date", json!("2028-09-12")),
        ("circumstances", json!([{ "circumstance": "obstruction", "aggravating": true }])),
        ("recommended", json!({ "result": "sanctioned", "form": "salary_cut", "source_outcome": null })),
        ("decision", json!({ "result": "sanctioned", "form": "reprimand", "source_outcome": null })),
        ("appeal_result", json!("changed")),
        ("liable_heads", json!([{ "head": "o-head", "liability": "joint" }])),
        ("executed", json!(true)),
    ] {
        assert_eq!(stands[name], value, "{name} in {stands}");
    }
    refused(
        &server,
        &["proceeding", "clear", first, "--on", "2024-11-23"],
        &["[TERM_NOT_OVER]", "2024-11-24"],
    );
    does("2024-12-12", &["clear", first]);
    let exonerated = does("2025-01-10", &["exonerate", first, "--ground", "court_ruling"]);
    assert!(exonerated["apologise"]["due"].is_string() && exonerated["restore"]["due"].is_string());
    does("2025-01-13", &["apology", first]);
    does("2025-01-14", &["restoration", first]);

    // The Party's runs beside it; both know of each other.
    let opened = does("2023-11-06", &[&["open", "--track", "party"], &of_first[..]].concat());
    assert_eq!(opened["proceeding"], party.as_str());
    does("2023-11-07", &["hearing", &party, "--absent"]);
    assert!(show(&party)["decide"].is_object());
    does("2023-11-08", &["close", &party, "--reason", "other_procedure"]);
    assert_eq!((&show(&party)["linked"], &show(first)["linked"]), (&first.into(), &party.as_str().into()));

    let of_second = ["--origin", &report, "--allegation", "2", "--reason", "person_left"];
    does("2023-11-06", &[&["decline"], &of_second[..]].concat());
    assert_eq!(show(&second)["stage"], "not_opened");
    let of_third = ["--origin", &report, "--allegation", "3", "--violation", "2023-09-12"];
    let open = [&["open"], &of_third[..], &["--person", "o-new", "--class", "public_employee", "--leads"]];
    does("2023-11-06", &open.concat());
    does("2023-11-07", &["decide", &third, "--none"]);
    let third = show(&third);
    assert_eq!((&third["leads"], &third["person"]), (&true.into(), &"o-new".into()));
    assert_eq!(third["decision"]["result"], "not_sanctioned");

    assert_eq!([handled, shown], OF_PROCEEDINGS.map(|heading| documented[heading].clone()));

    // People see each limit with its rule.
    for (arguments, parts) in [
        (
            &["show", first][..],
            &["stage            exonerated", "by 2023-12-11, from 2023-11-24 (discipline.appeal_sanction)"][..],
        ),
        (
            &["show", first],
            &["decision         sanctioned, reprimand", "liable head      o-head (joint)", "(aggravates)"],
        ),
    ] {
        let answer = server.liem(&[&["proceeding"], arguments].concat());
        assert!(answer.success, "{arguments:?}: {}", answer.err);
        for part in parts {
            assert!(answer.out.contains(part), "{arguments:?} should show `{part}`: {}", answer.out);
        }
    }
    refused(&server, &["proceeding", "show", "p-nothing"], &["[PROCEEDING_UNKNOWN]"]);
    refused(&server, &["proceeding", "extend", "p-nothing"], &["[PROCEEDING_UNKNOWN]"]);
}
