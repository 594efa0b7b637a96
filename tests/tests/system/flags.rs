//! Signs of gaming: each kind raised where one agency has more than the others, and not where it hasn't.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use proto::{
    delivery::{ReceiveCaseRequest, ReopenCaseRequest},
    leaderboard::{BoardQuery, ListFlagsRequest},
};
use serde_json::Value;
use tests::{Act, Client, Server, command, instant, reason};

use super::command_line::{documented, fields};

/// A ledger with agencies of a unit each, whose cases are of two procedures with five working days.
struct World {
    server: Server,
    admin: Client,
}

const AGENCIES: [(&str, &str); 3] = [("G1", "g1"), ("G2", "g2"), ("G3", "g3")];

impl World {
    async fn new() -> Self {
        let server = Server::up();
        let admin = Client::new(&server.address, &server.token(&["--role", "administrator"]));
        for (agency, unit) in AGENCIES {
            admin.open(agency, &[unit]).await;
        }
        admin.define("1.1", "2025-01-01", 10, 5).await;
        admin.define("2.2", "2025-01-01", 10, 5).await;
        Self { server, admin }
    }

    /// So many cases of an agency, each received on a day and treated alike.
    async fn cases(
        &self,
        client: &Client,
        number: usize,
        (agency, procedure, at): (&str, &str, &str),
        acts: &[(&str, Act<'_>)],
    ) -> Vec<String> {
        let mut cases = Vec::new();
        for _ in 0..number {
            let unit = AGENCIES.iter().find(|(code, _)| *code == agency).unwrap().1.to_owned();
            let procedure = procedure.to_owned();
            let request = ReceiveCaseRequest { unit, procedure, ..ReceiveCaseRequest::default() };
            let case = client.receive(agency, at, request).await;
            for (at, act) in acts {
                client.act(command(&case, at), *act).await.unwrap();
            }
            cases.push(case);
        }
        cases
    }

    /// The flags there are now: of each its subject and kind, and the whole.
    async fn flags(&self, more: &[&str]) -> BTreeMap<(String, String), Value> {
        let at_least = self.admin.head().await.to_string();
        let flags = self.server.json(&[&["board", "flags", "--at-least", &at_least], more].concat());
        let word = |flag: &Value, name: &str| flag[name].as_str().unwrap().to_owned();
        let flags = flags.as_array().unwrap().iter();
        flags.map(|flag| ((word(flag, "subject"), word(flag, "kind")), flag.clone())).collect()
    }

    /// The only flag there is, which has so many entries out of so many; the types of these entries.
    #[track_caller]
    fn check(
        &self,
        flags: &BTreeMap<(String, String), Value>,
        (subject, kind): (&str, &str),
        counts: (u64, u64),
    ) -> Vec<String> {
        let names: Vec<_> = flags.keys().map(|(subject, kind)| (subject.as_str(), kind.as_str())).collect();
        assert_eq!(names, [(subject, kind)]);
        let flag = flags.values().next().unwrap();
        assert_eq!((flag["count"].as_u64(), flag["of"].as_u64()), (Some(counts.0), Some(counts.1)), "{flag}");
        assert!(flag["count"].as_u64() > flag["upper_limit"].as_u64(), "{flag}");
        assert!(flag["expected"].as_f64() < flag["upper_limit"].as_f64(), "{flag}");
        let positions: Vec<_> = flag["positions"].as_array().unwrap().iter().map(Value::as_u64).collect();
        assert_eq!(positions.len() as u64, counts.0, "{flag}");
        let log = self.server.json(&["log", "read", "--limit", "0", "--oldest-first"]);
        let entries = log.as_array().unwrap().iter();
        let behind = entries.filter(|entry| positions.contains(&entry["position"].as_u64()));
        behind.map(|entry| entry["type"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn pauses_on_the_last_day_are_flagged_and_earlier_ones_are_not() {
    let world = World::new().await;
    // Received on a Monday, and promised for the next one.
    let last_day = [("2025-03-10T16:00:00+07:00", Act::AskSupplement)];
    let earlier = [("2025-03-07", Act::Suspend)];
    world.cases(&world.admin, 5, ("G1", "1.1", "2025-03-03"), &last_day).await;
    world.cases(&world.admin, 5, ("G1", "1.1", "2025-03-03"), &[("2025-03-10", Act::Suspend)]).await;
    world.cases(&world.admin, 30, ("G2", "1.1", "2025-03-03"), &earlier).await;
    world.cases(&world.admin, 4, ("G3", "1.1", "2025-03-03"), &last_day).await;
    let before = world.admin.head().await.to_string();
    let flags = world.flags(&[]).await;
    let shown: Vec<_> = flags.values().cloned().collect();
    assert_eq!(fields(&Value::Array(shown)), documented()["liem board flags"]);
    let types = world.check(&flags, ("G1", "last_day_pause"), (10, 10));
    assert_eq!(types.iter().filter(|of| *of == "delivery.SupplementRequested.v1").count(), 5);

    // By month, by unit, by kind and by row.
    assert_eq!(world.flags(&["--period", "2025-03"]).await.len(), 1);
    assert_eq!(world.flags(&["--period", "2025-02"]).await.len(), 0);
    assert!(world.flags(&["--by", "unit"]).await.contains_key(&("g1".into(), "last_day_pause".into())));
    assert_eq!(world.flags(&["--kind", "refusals"]).await.len(), 0);
    assert_eq!(world.flags(&["--subject", "G2"]).await.len(), 0);
    // What was merged is flagged under the code that answers for it, and what was known before stays.
    world.server.json(&["directory", "merge-agency", "G1", "--into", "G3", "--on", "2025-06-01"]);
    let merged = world.flags(&[]).await;
    world.check(&merged, ("G3", "last_day_pause"), (14, 14));
    let known: BTreeMap<_, _> = world.flags(&["--as-of", &before]).await;
    assert_eq!(known.keys().collect::<Vec<_>>(), flags.keys().collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_recorded_late_is_flagged_and_what_is_imported_is_not() {
    let world = World::new().await;
    let client = |agency: &str| {
        Client::new(&world.server.address, &world.server.token(&["--role", "agency", "--agency", agency]))
    };
    let head = world.server.json(&["log", "head"]);
    let recorded: chrono::DateTime<chrono::Utc> = head["recorded"].as_str().unwrap().parse().unwrap();
    let ago = |days: i64| (recorded - chrono::TimeDelta::days(days)).format("%Y-%m-%d").to_string();
    // By procedures without terms: these dates may be of any year.
    let (late, in_time) = (ago(60), ago(3));
    world.cases(&client("G1"), 12, ("G1", "", &late), &[]).await;
    world.cases(&client("G2"), 40, ("G2", "", &in_time), &[]).await;
    world.cases(&world.admin, 30, ("G3", "", &late), &[]).await;
    let flags = world.flags(&[]).await;
    let types = world.check(&flags, ("G1", "late_recording"), (12, 12));
    assert_eq!(types, vec!["delivery.CaseReceived.v1"; 12]);
}

#[tokio::test]
async fn closes_in_bulk_at_night_are_flagged_and_a_few_or_by_day_are_not() {
    let world = World::new().await;
    let received = |agency| (agency, "", "2025-03-03");
    world.cases(&world.admin, 10, received("G1"), &[("2025-03-06T22:15:00+07:00", Act::Decide)]).await;
    world.cases(&world.admin, 4, received("G1"), &[("2025-03-06T23:15:00+07:00", Act::Decide)]).await;
    // Nine in the hour; the same hour as a date only; and by day.
    world.cases(&world.admin, 9, received("G2"), &[("2025-03-08T10:15:00+07:00", Act::Decide)]).await;
    world.cases(&world.admin, 12, received("G2"), &[("2025-03-08", Act::Decide)]).await;
    world.cases(&world.admin, 20, received("G3"), &[("2025-03-06T10:15:00+07:00", Act::Decide)]).await;
    let types = world.check(&world.flags(&[]).await, ("G1", "off_hours_closing"), (10, 14));
    assert_eq!(types, vec!["delivery.CaseDecided.v1"; 10]);
}

#[tokio::test]
async fn refusals_are_flagged_above_those_of_the_same_procedure() {
    let world = World::new().await;
    let received = |agency, procedure| (agency, procedure, "2025-03-03");
    let (refuse, decide) = ([("2025-03-05", Act::Refuse)], [("2025-03-06", Act::Decide)]);
    world.cases(&world.admin, 7, received("G1", "1.1"), &refuse).await;
    world.cases(&world.admin, 3, received("G1", "1.1"), &[("2025-03-05", Act::Withdraw)]).await;
    world.cases(&world.admin, 2, received("G1", "1.1"), &decide).await;
    world.cases(&world.admin, 2, received("G2", "1.1"), &refuse).await;
    world.cases(&world.admin, 38, received("G2", "1.1"), &decide).await;
    // Whoever has this procedure refuses it.
    world.cases(&world.admin, 12, received("G3", "2.2"), &refuse).await;
    let flags = world.flags(&[]).await;
    let types = world.check(&flags, ("G1", "refusals"), (10, 12));
    assert_eq!(types.iter().filter(|of| *of == "delivery.CaseWithdrawn.v1").count(), 3);

    // Agencies see their own, without positions; others none; citizens may not ask.
    let request = ListFlagsRequest {
        query: Some(BoardQuery { at_least_position: world.admin.head().await, ..BoardQuery::default() }),
        ..ListFlagsRequest::default()
    };
    let ask = async |role: &[&str], request: &ListFlagsRequest| {
        let client = Client::new(&world.server.address, &world.server.token(role));
        client.leaderboard().list_flags(request.clone()).await
    };
    let own = ask(&["--role", "agency", "--agency", "G1"], &request).await.unwrap().into_inner();
    assert_eq!((own.flags.len(), own.total_count), (1, 1));
    assert!(own.flags[0].positions.is_empty() && own.flags[0].count == 10);
    let other = ask(&["--role", "agency", "--agency", "G2"], &request).await.unwrap().into_inner();
    assert_eq!((other.flags.len(), other.total_count), (0, 0));
    assert_eq!(reason(ask(&["--role", "citizen"], &request).await), "ROLE_NOT_ALLOWED");
    // Evidence goes on past a position; a token is one that was given, and a moment of judgement is none.
    let inspector = ["--role", "inspector"];
    let whole = ask(&inspector, &request).await.unwrap().into_inner().flags.remove(0);
    let past = ListFlagsRequest { past_position: whole.positions[3], ..request.clone() };
    let rest = ask(&inspector, &past).await.unwrap().into_inner().flags.remove(0);
    assert_eq!((rest.positions.as_slice(), rest.count), (&whole.positions[4..], 10));
    let bad = ListFlagsRequest { page_token: "next".into(), ..request.clone() };
    assert_eq!(reason(ask(&inspector, &bad).await), "PAGE_TOKEN_INVALID");
    let judge_time = Some(instant("2025-03-10T00:00:00Z"));
    let judged = BoardQuery { judge_time, ..BoardQuery::default() };
    let bad = ListFlagsRequest { query: Some(judged), ..request };
    assert_eq!(reason(ask(&inspector, &bad).await), "FIELD_INVALID");
}

#[tokio::test]
async fn cases_reopened_soon_are_flagged_and_later_ones_are_not() {
    let world = World::new().await;
    let decided = [("2025-03-06", Act::Decide)];
    let soon = world.cases(&world.admin, 8, ("G1", "", "2025-03-03"), &decided).await;
    let late = world.cases(&world.admin, 8, ("G2", "", "2025-03-03"), &decided).await;
    world.cases(&world.admin, 24, ("G3", "", "2025-03-03"), &decided).await;
    for (cases, at) in [(soon, "2025-03-31"), (late, "2025-05-12")] {
        for case in cases {
            let request = ReopenCaseRequest { command: Some(command(&case, at)), due_time: None };
            world.admin.delivery().reopen_case(request).await.unwrap();
        }
    }
    let types = world.check(&world.flags(&[]).await, ("G1", "reopened_soon"), (8, 8));
    assert_eq!(types, vec!["delivery.CaseReceived.v1"; 8]);
}

#[tokio::test]
async fn reports_reopened_soon_are_flagged_and_later_ones_are_not() {
    let world = World::new().await;
    let mut text = "id,in,out,by\n".to_owned();
    for (number, handler) in (0..20).map(|number| (number, if number < 6 { "G1" } else { "G2" })) {
        writeln!(text, "{number},2025-03-03,2025-03-28,{handler}").unwrap();
    }
    let path = |name: &str, text: &str| {
        let path = world.server.data.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let mapping = "source = 'register'\n[reports]\nreport = 'id'\nreceived = 'in'\nclosed = 'out'\nhandler = 'by'\n\
                   agency = { constant = 'G3' }\n";
    let (csv, mapping) = (path("reports.csv", &text), path("reports.toml", mapping));
    world.server.json(&["import", "csv", &csv, "--mapping", &mapping]);
    let concluded = ["log", "read", "--limit", "0", "--oldest-first", "--type", "conduct.ReportConcluded.v1"];
    let concluded = world.server.json(&concluded);
    let mut of_second = 0;
    for entry in concluded.as_array().unwrap() {
        let report = entry["stream"].as_str().unwrap().split_once('/').unwrap().1;
        let on = match entry["data"]["by"]["agency"].as_str() {
            Some("G1") => "2025-04-10",
            _ if of_second < 6 => {
                of_second += 1;
                "2025-05-10"
            }
            _ => continue,
        };
        world.server.json(&["report", "reopen", report, "--on", on]);
    }
    let types = world.check(&world.flags(&[]).await, ("G1", "report_reopened_soon"), (6, 6));
    assert_eq!(types, vec!["conduct.ReportReopened.v1"; 6]);
}
