//! Every figure of a board against numbers worked out by hand, and the cases and positions behind each.

use std::collections::{BTreeMap, BTreeSet};

use proto::{
    delivery::{Channel, CorrectCaseRequest, ReceiveCaseRequest, correct_case_request::Correction},
    leaderboard::{BoardQuery, BoardSubject, Clock, ExplainFigureRequest, ExplainFigureResponse, Figure},
    ledger::BatchGetEntriesRequest,
};
use serde_json::{Value, json};
use tests::{Act, Client, Server, command, instant};
use tonic::Status;

const LAND: &str = "H57.1";
const BUILDING: &str = "H57.2";

/// The rows of a board by subject.
pub(super) fn rows(server: &Server, arguments: &[&str]) -> BTreeMap<String, Value> {
    let board = server.json(&[&["board"], arguments].concat());
    let rows = board.as_array().unwrap().iter();
    rows.map(|row| (row["subject"].as_str().unwrap().to_owned(), row.clone())).collect()
}

/// Some figures of a row, in the order asked for.
#[track_caller]
fn check(row: &Value, expected: &[(&str, Value)]) {
    for (name, value) in expected {
        assert_eq!(row[name], *value, "{name} of {row}");
    }
}

/// A case in few words: its code, by the name it has here.
struct Cases<'a> {
    client: &'a Client,
    codes: BTreeMap<&'static str, String>,
}

impl Cases<'_> {
    /// Receives a case and does things with it, each on its day or at its time.
    async fn add(
        &mut self,
        name: &'static str,
        (agency, unit, channel, at): (&str, &str, Channel, &str),
        procedure: &str,
        acts: &[(&str, Act<'_>)],
    ) {
        let (unit, procedure) = (unit.to_owned(), procedure.to_owned());
        let request =
            ReceiveCaseRequest { unit, procedure, channel: channel.into(), ..ReceiveCaseRequest::default() };
        let code = self.client.receive(agency, at, request).await;
        for (at, act) in acts {
            let at = if at.len() == 5 { format!("2025-{at}") } else { (*at).to_owned() };
            self.client.act(command(&code, &at), *act).await.unwrap();
        }
        self.codes.insert(name, code);
    }

    fn named(&self, names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| self.codes[name].clone()).collect()
    }
}

/// Two agencies with three units. What is received on Monday 3 March 2025 under the procedure is promised for
/// the seventh working day, the 12th, and due by law on the tenth, the 17th; no holiday is near.
async fn world(client: &Client) -> Cases<'_> {
    use Act::{
        AskSupplement, Assign, Decide, HandOver, Rate, Refuse, Return, Step, Suspend, TakeSupplement, TakeUp,
        Withdraw,
    };
    use Channel::{Counter, Online, Post, Unspecified};
    client.open(LAND, &["land", "files"]).await;
    client.open(BUILDING, &["build"]).await;
    client.define("1.1", "2025-01-01", 10, 7).await;
    client.define_step("Check").await;
    let mut cases = Cases { client, codes: BTreeMap::new() };
    let land = |channel| (LAND, "land", channel, "2025-03-03");
    let steps = [
        ("03-04", Step("Check", "land")),
        ("03-05", Step("Check", "land")),
        ("03-06", Step("Check", "build")),
    ];
    let life = [&steps[..], &[("03-07", Decide), ("03-10", Return), ("03-11", Rate(5))]].concat();
    cases.add("in time", land(Online), "1.1", &life).await;
    cases.add("late", land(Counter), "1.1", &[("03-13", Decide), ("03-14", Rate(2))]).await;
    cases.add("late by law", land(Post), "1.1", &[("03-18", Decide), ("03-19", Rate(4))]).await;
    // Paused on 6, 7 and 10 March: promised for the 17th then.
    let paused = [("03-05", AskSupplement), ("03-10", TakeSupplement), ("03-17", Decide)];
    cases.add("supplemented", land(Online), "1.1", &paused).await;
    cases.add("open", land(Counter), "1.1", &[]).await;
    cases.add("suspended in time", land(Online), "1.1", &[("03-10", Suspend)]).await;
    cases.add("suspended late", land(Unspecified), "1.1", &[("03-14", Suspend)]).await;
    cases.add("withdrawn", land(Online), "1.1", &[("03-06", Withdraw)]).await;
    cases.add("turned away", land(Counter), "1.1", &[("03-04", Refuse)]).await;
    cases.add("unpromised", (LAND, "files", Counter, "2025-03-03"), "", &[("03-20", Decide)]).await;
    let given_up = [("03-04", Assign("files", "")), ("03-11", AskSupplement), ("03-25", Withdraw)];
    cases.add("given up", land(Post), "1.1", &given_up).await;
    let moved = [("03-06", HandOver(BUILDING)), ("03-07", TakeUp("build")), ("03-11", Decide)];
    cases.add("taken up", land(Online), "1.1", &moved).await;
    cases.add("left lying", land(Counter), "1.1", &moved[..1]).await;
    // The end of March in Vietnam, to the microsecond.
    let build = |at| (BUILDING, "build", Online, at);
    cases.add("last of March", build("2025-03-31T23:30:00+07:00"), "1.1", &[("04-02", Decide)]).await;
    let first = (BUILDING, "build", Counter, "2025-04-01T00:00:00+07:00");
    cases.add("first of April", first, "1.1", &[]).await;
    let life = [("03-10", Step("Check", "")), ("2025-03-31T23:59:59.999999+07:00", Decide)];
    cases.add("of no unit", (BUILDING, "", Counter, "2025-03-03"), "1.1", &life).await;
    // It came in online after all.
    let correct = CorrectCaseRequest {
        command: Some(command(&cases.codes["turned away"], "2025-03-05")),
        reason: 1,
        correction: Some(Correction::Channel(Online.into())),
    };
    client.delivery().correct_case(correct).await.unwrap();
    cases
}

/// Every figure, and its name in JSON.
pub(super) fn figures() -> impl Iterator<Item = (Figure, String)> {
    let name = |figure: Figure| figure.as_str_name().trim_start_matches("FIGURE_").to_lowercase();
    (1..=13).map(|number| Figure::try_from(number).unwrap()).map(move |figure| (figure, name(figure)))
}

/// All lines behind a figure, page by page.
pub(super) async fn explain(
    client: &Client,
    request: &ExplainFigureRequest,
) -> Result<ExplainFigureResponse, Status> {
    let mut request = ExplainFigureRequest { page_size: 4, ..request.clone() };
    let mut lines = Vec::new();
    loop {
        let mut page = client.leaderboard().explain_figure(request.clone()).await?.into_inner();
        assert!(page.lines.len() <= 4);
        lines.append(&mut page.lines);
        if page.next_page_token.is_empty() {
            return Ok(ExplainFigureResponse { lines, ..page });
        }
        request.page_token = page.next_page_token;
    }
}

#[expect(clippy::cast_precision_loss, reason = "the numbers are small")]
fn worked_out(figure: Figure, values: &[i64]) -> Value {
    let (sum, count) = (values.iter().sum::<i64>(), values.len());
    match figure {
        Figure::OnTimeRate | Figure::OnlineShare | Figure::Rating if count == 0 => Value::Null,
        Figure::OnTimeRate | Figure::OnlineShare | Figure::Rating => {
            json!((sum as f64 / count as f64 * 1e6).round() / 1e6)
        }
        Figure::MedianWorkingDays => {
            let mut sorted = values.to_vec();
            sorted.sort_unstable();
            let middle = (sorted.get(count.wrapping_sub(1) / 2)).zip(sorted.get(count / 2));
            middle.map_or(Value::Null, |(low, high)| json!((low + high) as f64 / 2.0))
        }
        _ => json!(sum),
    }
}

/// The bounds of the Wilson interval: the two shares from which what was seen lies 1.96 standard errors away.
fn wilson(on_time: f64, judged: f64) -> (f64, f64) {
    let is_below = |share: f64, sign: f64| {
        sign * (on_time - judged * share) > 1.96 * (judged * share * (1.0 - share)).sqrt()
    };
    let bisect = |mut inside: f64, mut outside: f64, sign: f64| {
        for _ in 0..60 {
            let middle = f64::midpoint(inside, outside);
            if is_below(middle, sign) { outside = middle } else { inside = middle }
        }
        inside
    };
    (bisect(on_time / judged, 0.0, 1.0), bisect(on_time / judged, 1.0, -1.0))
}

#[tokio::test]
async fn every_figure_is_what_a_hand_counts() {
    let server = Server::up();
    let admin = Client::new(&server.address, &server.token(&["--role", "administrator"]));
    let cases = world(&admin).await;
    let at_least = admin.head().await.to_string();
    let board = |arguments: &[&str]| rows(&server, &[&["--at-least", &at_least], arguments].concat());

    // On 25 March, by what was promised.
    let judged = ["--judged-at", "2025-03-25"];
    let agencies = board(&judged);
    assert_eq!(agencies.keys().collect::<Vec<_>>(), [LAND, BUILDING]);
    check(
        &agencies[LAND],
        &[
            ("received", 12.into()),
            ("closed", 8.into()),
            ("closed_on_time", 5.into()),
            ("closed_late", 2.into()),
            ("closed_on_time_statutory", 6.into()),
            ("closed_on_time_committed", 5.into()),
            ("open", 4.into()),
            ("open_late", 3.into()),
            ("on_time_rate", 0.5.into()),
            ("lower", 0.236_59.into()),
            ("upper", 0.763_41.into()),
            // 1, 3, 4, 6, 7, 8, 11 and 13.
            ("median_working_days", 6.5.into()),
            // Five of eleven; of one it isn't known.
            ("online_share", 0.454_545.into()),
            ("rating", 3.666_667.into()),
            ("rated", 3.into()),
            ("steps", 2.into()),
            ("rank", Value::Null),
            ("suppressed", false.into()),
            ("judged_at", "2025-03-25T16:59:59.999999Z".into()),
        ],
    );
    check(
        &agencies[BUILDING],
        &[
            ("received", 2.into()),
            ("closed", 1.into()),
            ("closed_on_time", 1.into()),
            ("open", 1.into()),
            ("open_late", 1.into()),
            ("on_time_rate", 0.5.into()),
            ("lower", 0.094_529.into()),
            ("median_working_days", 6.0.into()),
            ("online_share", 0.5.into()),
            ("rating", Value::Null),
            ("steps", 2.into()),
        ],
    );
    // By law.
    let law = board(&[&judged[..], &["--clock", "statutory"]].concat());
    let expected =
        [("closed_on_time", 6), ("closed_late", 1), ("closed_on_time_committed", 5), ("open_late", 2)];
    check(&law[LAND], &expected.map(|(name, count)| (name, count.into())));
    check(
        &law[LAND],
        &[("on_time_rate", 0.666_667.into()), ("lower", 0.354_197.into()), ("upper", 0.879_418.into())],
    );

    let units = board(&[&judged[..], &["--by", "unit"]].concat());
    assert_eq!(units.keys().collect::<Vec<_>>(), ["build", "files", "land"]);
    let names =
        ["received", "closed", "closed_on_time", "closed_late", "open", "open_late", "rated", "steps"];
    for (unit, counts) in [
        ("land", [10, 6, 4, 2, 4, 3, 3, 2]),
        ("files", [2, 2, 1, 0, 0, 0, 0, 0]),
        ("build", [1, 1, 1, 0, 0, 0, 0, 1]),
    ] {
        assert_eq!(names.map(|name| units[unit][name].as_i64().unwrap()), counts, "{unit}");
    }
    check(&units["land"], &[("on_time_rate", 0.444_444.into()), ("median_working_days", 5.5.into())]);
    check(&units["land"], &[("online_share", 0.555_556.into()), ("agency", LAND.into())]);
    check(&units["files"], &[("on_time_rate", 1.0.into()), ("median_working_days", 9.5.into())]);
    let of_agency = board(&[&judged[..], &["--by", "unit", "--agency", LAND]].concat());
    assert_eq!(
        of_agency,
        units.iter().filter(|(unit, _)| *unit != "build").map(|(u, r)| (u.clone(), r.clone())).collect()
    );

    // On the 7th at noon most were open, and none was late.
    let early = board(&["--judged-at", "2025-03-07T12:00:00+07:00"]);
    let names = ["received", "closed", "closed_on_time", "open", "open_late"];
    assert_eq!(names.map(|name| early[LAND][name].as_i64().unwrap()), [12, 3, 3, 9, 0]);

    // Periods: by the day in Vietnam, to the microsecond.
    for (period, counts) in [
        ("2025-03", [3, 2, 1, 1, 0]),
        ("2025-Q1", [3, 2, 1, 1, 0]),
        ("2025-04", [1, 1, 1, 1, 1]),
        ("2025-Q2", [1, 1, 1, 1, 1]),
        ("2025-02", [0; 5]),
        ("2025", [4, 3, 2, 1, 1]),
        ("all", [4, 3, 2, 1, 1]),
    ] {
        let rows = board(&["--period", period]);
        let shown = names.map(|name| rows.get(BUILDING).map_or(0, |row| row[name].as_i64().unwrap()));
        assert_eq!(shown, counts, "{period}");
    }

    // Behind every figure stand the cases it counts, and the entries that say so.
    let inspector = Client::new(&server.address, &server.token(&["--role", "inspector"]));
    let judge_time = Some(instant("2025-03-25T16:59:59.999999Z"));
    for (by, clock, shown) in [
        (BoardSubject::Agency, Clock::Committed, &agencies),
        (BoardSubject::Agency, Clock::Statutory, &law),
        (BoardSubject::Unit, Clock::Committed, &units),
    ] {
        let query = BoardQuery { by: by.into(), clock: clock.into(), judge_time, ..BoardQuery::default() };
        for (subject, row) in shown {
            for (figure, name) in figures() {
                let (subject, query) = (subject.clone(), Some(query.clone()));
                let request =
                    ExplainFigureRequest { query, subject, figure: figure.into(), ..Default::default() };
                let explained = explain(&inspector, &request).await.unwrap();
                let values: Vec<_> = explained.lines.iter().map(|line| line.value).collect();
                assert_eq!(worked_out(figure, &values), row[&name], "{name} of {row}");
                assert_eq!(explained.total_count, i64::try_from(values.len()).unwrap(), "{name} of {row}");
                assert_eq!(
                    row[&name].as_f64().unwrap_or(0.0).to_bits(),
                    explained.figure.to_bits(),
                    "{name}"
                );
                for line in &explained.lines {
                    let role =
                        if figure == Figure::Steps { row["agency"].as_str().unwrap() } else { &line.case };
                    leads_to(&inspector, &line.positions, role).await;
                }
            }
            let judged = row["closed_on_time"].as_f64().unwrap() + row["closed_late"].as_f64().unwrap();
            let (lower, upper) =
                wilson(row["closed_on_time"].as_f64().unwrap(), judged + row["open_late"].as_f64().unwrap());
            let off = |name: &str, bound: f64| (row[name].as_f64().unwrap() - bound).abs();
            assert!(off("lower", lower) < 1e-6 && off("upper", upper) < 1e-6, "{lower} {upper} {row}");
        }
    }
    let behind = |figure: &str| {
        let explained = server.json(&[&["board", "explain", LAND, figure], &judged[..]].concat());
        let lines = explained["lines"].as_array().unwrap();
        lines.iter().map(|line| line["case"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    assert_eq!(behind("open_late"), cases.named(&["open", "suspended late", "left lying"]));
    assert_eq!(behind("closed_late"), cases.named(&["late", "late by law"]));
    assert_eq!(behind("rating"), cases.named(&["in time", "late", "late by law"]));
}

/// The entries at some positions are about a case, or an agency.
async fn leads_to(inspector: &Client, positions: &[u64], id: &str) {
    assert!(!positions.is_empty(), "{id}");
    let request = BatchGetEntriesRequest { positions: positions.to_vec() };
    for entry in inspector.ledger().batch_get_entries(request).await.unwrap().into_inner().entries {
        let envelope: Value = serde_json::from_slice(&entry.bytes).unwrap();
        let mut subjects = envelope["subjects"].as_array().unwrap().iter();
        assert!(subjects.any(|subject| subject["id"] == id), "{id} is not in {envelope}");
    }
}
