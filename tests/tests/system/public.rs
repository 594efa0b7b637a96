//! The order of a board's rows, and what of it the public doesn't see.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use proto::leaderboard::{BoardQuery, BoardSubject, Clock, ExplainFigureRequest};
use serde_json::{Value, json};
use tests::{Client, Server, instant, reason};

use super::{
    fair_board::FAIR,
    figures::{explain, figures, rows},
};

/// Imports cases: agency, unit, and how many were closed in time, closed late, open in time, open and late.
pub(super) fn import(server: &Server, of: &[(&str, &str, [usize; 4])]) {
    let mut text = "id,agency,unit,channel,start,end,due\n".to_owned();
    for (agency, unit, counts) in of {
        let kinds = ["2024-03-08,2024-03-11", "2024-03-15,2024-03-11", ",2024-03-29", ",2024-03-11"];
        for (kind, count) in kinds.iter().zip(counts) {
            for number in 0..*count {
                let channel = ["online", "counter"][number % 2];
                let id = format!("{unit} {kind} {number}").replace(',', " ");
                writeln!(text, "{id},{agency},{unit},{channel},2024-03-04,{kind}").unwrap();
            }
        }
    }
    let columns = "case = 'id'\nagency = 'agency'\nunit = 'unit'\nchannel = 'channel'\nstart = 'start'\nend = 'end'\ndeadline = 'due'\n";
    let path = |name: &str, text: &str| {
        let path = server.data.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let mapping = path("cases.toml", &format!("source = 'cases'\n[columns]\n{columns}"));
    let summary = server.json(&["import", "csv", &path("cases.csv", &text), "--mapping", &mapping]);
    assert_eq!((&summary["rejected"], &summary["flagged"]), (&0.into(), &0.into()));
}

#[test]
fn rows_stand_in_the_order_of_what_is_proven() {
    let server = Server::up();
    import(
        &server,
        &[
            ("R1", "r1", [39, 1, 3, 0]),
            ("R2", "r2", [39, 1, 0, 0]),
            ("R3", "r3", [20, 10, 0, 10]),
            ("R4", "r4", [29, 0, 0, 0]),
            ("R5", "r5", [30, 0, 0, 0]),
        ],
    );
    let board = server.json(&["board", "--judged-at", "2024-03-20"]);
    let shown: Vec<_> = board
        .as_array()
        .unwrap()
        .iter()
        .map(|row| json!([row["subject"], row["rank"], row["lower"], row["upper"]]))
        .collect();
    // A hundred per cent of thirty before 97.5 % of forty; equal ones share a rank; 29 are too few.
    assert_eq!(
        json!(shown),
        json!([
            ["R5", 1, 0.886_483, 1.0],
            ["R1", 2, 0.871_183, 0.995_573],
            ["R2", 2, 0.871_183, 0.995_573],
            ["R3", 4, 0.351_993, 0.648_007],
            ["R4", null, 0.883_026, 1.0],
        ])
    );
}

#[tokio::test]
async fn the_public_sees_no_handful_of_people() {
    let server = Server::up();
    import(
        &server,
        &[
            ("P1", "p1", [12, 8, 6, 6]),
            ("P2", "p2 a", [6, 3, 3, 3]),
            ("P2", "p2 b", [6, 6, 3, 3]),
            ("P3", "p3", [12, 3, 6, 6]),
            ("P4", "p4 a", [7, 7, 5, 1]),
            ("P4", "p4 b", [5, 5, 1, 5]),
        ],
    );
    let token = server.token(&["--role", "citizen"]);
    let judged = ["--judged-at", "2024-03-20"];
    let both = |arguments: &[&str]| {
        let arguments = [arguments, &judged].concat();
        (rows(&server, &arguments), rows(&server, &[&arguments[..], &["--token", &token]].concat()))
    };
    // P3's three are hidden; so are P1's, the smallest others, or the three were what is missing in the sum.
    let (_, public) = both(&[]);
    let column = |name: &str| public.values().map(|row| row[name].clone()).collect::<Vec<_>>();
    assert_eq!(json!(column("closed")), json!([20, 21, 15, 24]));
    assert_eq!(json!(column("closed_late")), json!([null, 9, null, 12]));
    assert_eq!(json!(column("closed_on_time")), json!([null, 12, null, 12]));
    let rated = column("on_time_rate").iter().map(Value::is_null).collect::<Vec<_>>();
    assert_eq!(rated, [true, false, true, false]);

    // Who asks for one row gets the same one, with the same rank and the same cells hidden.
    for (subject, row) in &public {
        assert_eq!(both(&["--agency", subject]).1, [(subject.clone(), row.clone())].into());
    }

    let counts =
        ["received", "closed", "closed_on_time", "closed_late", "open", "open_late", "rated", "steps"];
    let citizen = Client::new(&server.address, &token);
    let mut hidden_figures = 0;
    for (by, clock) in [("agency", "committed"), ("unit", "committed"), ("unit", "statutory")] {
        let (exact, public) = both(&["--by", by, "--clock", clock]);
        assert!(exact.keys().eq(public.keys()), "{by}");
        for (subject, row) in &public {
            let is_hidden = |name: &str| row[name].is_null();
            for name in row.as_object().unwrap().keys().filter(|name| *name != "suppressed") {
                // What rows are compared with is what the caller sees.
                if FAIR.contains(&name.as_str()) {
                    continue;
                }
                assert!(is_hidden(name) || row[name] == exact[subject][name], "{name} of {row}");
            }
            for name in counts {
                assert!(row[name].as_i64().is_none_or(|count| count >= 5), "{name} of {row}");
            }
            assert_eq!(row["suppressed"], counts.into_iter().any(is_hidden), "{row}");
            // Closed = on time + late, and the rate has all three in it; open = late + in time.
            let apart = ["closed", "closed_on_time", "closed_late"]
                .into_iter()
                .filter(|name| is_hidden(name))
                .count();
            assert_ne!(apart, 1, "{row}");
            assert!(apart == 0 && !is_hidden("open_late") || is_hidden("on_time_rate"), "{row}");
            assert_eq!(is_hidden("on_time_rate"), is_hidden("lower") && is_hidden("upper"), "{row}");
            let in_time = row["open"].as_i64().zip(row["open_late"].as_i64()).map(|(open, late)| open - late);
            assert!(in_time.is_none_or(|count| count >= 5), "{row}");

            // What is hidden on the board is not explained, and what is explained has no positions.
            let kind = if by == "unit" { BoardSubject::Unit } else { BoardSubject::Agency };
            let clock = if clock == "statutory" { Clock::Statutory } else { Clock::Committed };
            let judge_time = Some(instant("2024-03-20T16:59:59.999999Z"));
            let query =
                BoardQuery { by: kind.into(), clock: clock.into(), judge_time, ..BoardQuery::default() };
            for (figure, name) in figures() {
                let (query, subject) = (Some(query.clone()), subject.clone());
                let request =
                    ExplainFigureRequest { query, subject, figure: figure.into(), ..Default::default() };
                let answer = explain(&citizen, &request).await;
                if is_hidden(&name) {
                    hidden_figures += 1;
                    assert_eq!(reason(answer), "CELL_SUPPRESSED", "{name} of {row}");
                } else {
                    // A case's code is what a citizen looks their own case up by: others' are not told.
                    let answer = answer.unwrap();
                    assert!(answer.lines.is_empty() && answer.total_count >= 5, "{name} of {row}");
                }
            }
        }
        // An agency's total is known: one hidden unit among its visible ones could be worked out.
        let mut groups: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
        for row in public.values() {
            let group = if by == "unit" { row["agency"].to_string() } else { String::new() };
            groups.entry(group).or_default().push(row);
        }
        for group in groups.values().filter(|group| group.len() > 1) {
            for name in counts {
                assert_ne!(group.iter().filter(|row| row[name].is_null()).count(), 1, "{name} in {group:?}");
            }
        }
    }
    assert!(hidden_figures > 20, "{hidden_figures}");
}
