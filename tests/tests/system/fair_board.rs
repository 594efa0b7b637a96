//! What rows of a board are expected to have on time, worked out anew from the cases behind them; and that nothing of it
//! shows what is hidden.

use std::collections::BTreeMap;

use proto::{
    delivery::{Channel, CorrectCaseRequest, ReceiveCaseRequest, correct_case_request::Correction},
    leaderboard::{BoardQuery, BoardSubject, Clock, ExplainFigureRequest, ExplainFigureResponse, Figure},
};
use serde_json::Value;
use tests::{Act, Client, Server, command, instant};

use super::{
    figures::{explain, rows},
    public::import,
};

/// The figures that come from comparing rows.
pub(super) const FAIR: [&str; 13] = [
    "expected_on_time",
    "observed_to_expected",
    "adjusted_rate",
    "shrunk_rate",
    "shrunk_lower",
    "shrunk_upper",
    "rank_low",
    "rank_high",
    "funnel_band",
    "funnel_lower_998",
    "funnel_lower_95",
    "funnel_upper_95",
    "funnel_upper_998",
];

/// Two agencies whose cases are of two procedures: five days for the one, one day for the other.
async fn world(client: &Client) -> Vec<String> {
    client.open("H57.1", &["land", "files"]).await;
    client.open("H57.2", &["build"]).await;
    client.define("1.1", "2025-01-01", 10, 5).await;
    client.define("2.2", "2025-01-01", 10, 1).await;
    let mut cases = Vec::new();
    // Received on a Monday: in five days it is in time until the next one, in one day until Tuesday.
    let lives = [
        ("H57.1", "land", "1.1", Channel::Online, "03-07"),
        ("H57.1", "land", "1.1", Channel::Online, "03-12"),
        ("H57.1", "land", "2.2", Channel::Online, "03-04"),
        ("H57.1", "files", "2.2", Channel::Counter, "03-06"),
        ("H57.1", "files", "2.2", Channel::Counter, ""),
        ("H57.2", "build", "1.1", Channel::Online, "03-06"),
        ("H57.2", "build", "1.1", Channel::Online, "03-06"),
        ("H57.2", "build", "2.2", Channel::Counter, "03-04"),
        ("H57.2", "build", "2.2", Channel::Unspecified, "04-02"),
        ("H57.2", "build", "", Channel::Counter, "04-02"),
    ];
    for (agency, unit, procedure, channel, decided) in lives {
        let request = ReceiveCaseRequest {
            unit: unit.into(),
            procedure: procedure.into(),
            channel: channel.into(),
            ..ReceiveCaseRequest::default()
        };
        let case = client.receive(agency, "2025-03-03", request).await;
        if !decided.is_empty() {
            client.act(command(&case, &format!("2025-{decided}")), Act::Decide).await.unwrap();
        }
        cases.push(case);
    }
    cases
}

/// The explanation of a row's observed ÷ expected on 10 April.
async fn explained(client: &Client, by: BoardSubject, clock: Clock, subject: &str) -> ExplainFigureResponse {
    let judge_time = Some(instant("2025-04-10T16:59:59.999999Z"));
    let query = BoardQuery { by: by.into(), clock: clock.into(), judge_time, ..BoardQuery::default() };
    let (query, subject) = (Some(query), subject.to_owned());
    let figure = Figure::ObservedToExpected.into();
    explain(client, &ExplainFigureRequest { query, subject, figure, ..Default::default() }).await.unwrap()
}

#[expect(clippy::cast_precision_loss, reason = "the numbers are small")]
fn float(n: i64) -> f64 {
    n as f64
}

#[tokio::test]
async fn what_is_expected_comes_from_the_cases_of_all() {
    let server = Server::up();
    let admin = Client::new(&server.address, &server.token(&["--role", "administrator"]));
    let inspector = Client::new(&server.address, &server.token(&["--role", "inspector"]));
    let cases = world(&admin).await;
    let before = admin.head().await.to_string();
    let judged = ["--judged-at", "2025-04-10"];
    let board = |arguments: &[&str]| rows(&server, &[arguments, &judged].concat());
    let first = board(&["--at-least", &before]);
    // Of the first procedure online three of four are on time. Of the second each channel is a stratum: online the only one
    // is, at the counter one of three, and of unknown channel none of one.
    let expected = |rows: &BTreeMap<String, Value>, agency: &str| rows[agency]["expected_on_time"].clone();
    assert_eq!(expected(&first, "H57.1"), 3.166_667);
    assert_eq!(expected(&first, "H57.2"), 1.833_333);
    assert_eq!(first["H57.1"]["observed_to_expected"], 0.631_579);
    assert_eq!(first["H57.2"]["observed_to_expected"], 1.636_364);

    // Two mistakes: it came in online, and was of the first procedure.
    for (case, correction) in [
        (&cases[7], Correction::Channel(Channel::Online.into())),
        (&cases[3], Correction::Procedure("1.1".to_owned())),
    ] {
        let correct = CorrectCaseRequest {
            command: Some(command(case, "2025-03-20")),
            reason: 1,
            correction: Some(correction),
        };
        admin.delivery().correct_case(correct).await.unwrap();
    }
    let after = admin.head().await.to_string();
    let second = board(&["--at-least", &after]);
    // Of the first at the counter the only one is on time now, of the second none of one; online both.
    assert_eq!(expected(&second, "H57.1"), 3.5);
    assert_eq!(expected(&second, "H57.2"), 2.5);
    // What was known before it stays what it was.
    assert_eq!(board(&["--as-of", &before]), first);

    for (by, flag) in [(BoardSubject::Agency, "agency"), (BoardSubject::Unit, "unit")] {
        for (clock, name) in [(Clock::Committed, "committed"), (Clock::Statutory, "statutory")] {
            let rows = board(&["--by", flag, "--clock", name]);
            let mut all: BTreeMap<(String, String), (i64, i64)> = BTreeMap::new();
            let mut answers = BTreeMap::new();
            for subject in rows.keys() {
                let answer = explained(&inspector, by, clock, subject).await;
                for stratum in &answer.strata {
                    let of = (stratum.procedure.clone(), stratum.channel.clone());
                    let (judged, on_time) = all.entry(of).or_default();
                    (*judged, *on_time) = (*judged + stratum.judged, *on_time + stratum.judged_on_time);
                }
                answers.insert(subject, answer);
            }
            for (subject, answer) in answers {
                let row = &rows[subject];
                let mut expected = 0.0;
                for stratum in &answer.strata {
                    let (judged, on_time) = all[&(stratum.procedure.clone(), stratum.channel.clone())];
                    assert_eq!((stratum.overall_judged, stratum.overall_on_time), (judged, on_time));
                    expected += float(stratum.judged) * float(on_time) / float(judged);
                }
                let on_time: i64 = answer.lines.iter().map(|line| line.value).sum();
                assert_eq!(on_time, row["closed_on_time"].as_i64().unwrap(), "{row}");
                let judged: i64 = answer.strata.iter().map(|stratum| stratum.judged).sum();
                assert_eq!(judged, answer.total_count, "{row}");
                assert!((row["expected_on_time"].as_f64().unwrap() - expected).abs() < 1e-6, "{row}");
                assert!((answer.figure - float(on_time) / expected).abs() < 1e-6, "{row}");
                assert_eq!(row["observed_to_expected"].as_f64(), Some(answer.figure), "{row}");
            }
        }
    }
    // The units of one agency are compared with all of them, and ranked among themselves.
    let units = board(&["--by", "unit"]);
    let mut of_agency = board(&["--by", "unit", "--agency", "H57.1"]);
    assert_eq!(of_agency.len(), 2);
    of_agency.retain(|unit, row| units[unit] != *row);
    assert!(of_agency.is_empty(), "{of_agency:?}");
    // Other months have other cases.
    let april = board(&["--period", "2025-04"]);
    assert_eq!(april["H57.2"]["expected_on_time"], 0.0);
    assert_eq!(april["H57.2"]["observed_to_expected"], Value::Null);
}

#[tokio::test]
async fn rows_whose_cases_are_hidden_have_no_figures_and_give_none_to_others() {
    let server = Server::up();
    import(
        &server,
        &[
            ("F1", "f1", [40, 20, 9, 9]),
            ("F2", "f2", [50, 10, 9, 9]),
            ("F3", "f3", [60, 2, 9, 9]),
            ("F4", "f4", [50, 6, 9, 9]),
            ("F5", "f5", [90, 40, 20, 30]),
        ],
    );
    let inspector = rows(&server, &["--judged-at", "2024-03-20"]);
    let token = server.token(&["--role", "citizen"]);
    let public = rows(&server, &["--judged-at", "2024-03-20", "--token", &token]);
    let is_hidden = |row: &Value| row["on_time_rate"].is_null();
    let hidden: Vec<_> = public.iter().filter(|(_, row)| is_hidden(row)).map(|(code, _)| code).collect();
    // Two late cases are too few, and the next smallest hides them.
    assert_eq!(hidden, ["F3", "F4"]);
    for (code, row) in &public {
        for name in FAIR {
            assert_eq!(row[name].is_null(), is_hidden(row), "{name} of {row}");
            assert!(!inspector[code][name].is_null(), "{name} of {}", inspector[code]);
        }
    }
    // What the public sees is what it would see if those whose cases are hidden weren't there, but for their ranks.
    let other = Server::up();
    import(
        &other,
        &[("F1", "f1", [40, 20, 9, 9]), ("F2", "f2", [50, 10, 9, 9]), ("F5", "f5", [90, 40, 20, 30])],
    );
    let alone = rows(&other, &["--judged-at", "2024-03-20"]);
    for (code, row) in &alone {
        for name in FAIR.iter().filter(|name| !name.starts_with("rank")) {
            assert_eq!(row[name], public[code][name], "{name} of {code}");
        }
    }
    let citizen = Client::new(&server.address, &token);
    let query = BoardQuery { judge_time: Some(instant("2024-03-20T16:59:59.999999Z")), ..Default::default() };
    let figure = Figure::ObservedToExpected.into();
    let request =
        ExplainFigureRequest { query: Some(query), subject: "F1".into(), figure, ..Default::default() };
    let answer = explain(&citizen, &request).await.unwrap();
    assert!(answer.strata.is_empty() && answer.lines.is_empty());
    assert_eq!(Some(answer.figure), public["F1"]["observed_to_expected"].as_f64());
}

#[test]
fn people_see_what_rows_are_compared_with() {
    let server = Server::up();
    import(&server, &[("F1", "f1", [40, 20, 9, 9]), ("F2", "f2", [60, 5, 9, 3])]);
    let shown = server.liem(&["board", "--fair", "--judged-at", "2024-03-20"]).out;
    for part in ["obs ÷ exp", "99.8 % funnel", "below_95", "1–1", "2–2"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let arguments = ["board", "explain", "F1", "observed_to_expected", "--judged-at", "2024-03-20"];
    let shown = server.liem(&arguments).out;
    for part in ["on time overall", "counter", "online", "observed_to_expected of F1"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}
