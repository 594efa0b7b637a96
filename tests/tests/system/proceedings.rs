//! Proceedings in the views: trails, duties, the board and totals, over the history of all event types.
//!
//! The history is recorded as the services would, by their tokens: what is decided is tested with them. Whatever else
//! follows from it stands beside it, and is passed over.

use std::collections::BTreeMap;

use eventlog::{Actor, Append, Context, EventLog as _, Expected, NewEvent, RemoteLog};
use events::{Encoded, Occurred, Subject};
use identity::{Caller, Claims, Role, SigningKey};
use proto::obligations::ListObligationsRequest;
use serde_json::{Value, json, value::RawValue};
use tests::{Client, Server, request_id};

use crate::command_line::{documented, fields};

const BRIBERY: &str = "r-f7dr03nsextnskms8qhza1rss4";
const RETALIATION: &str = "r-kjvzymctvdx605qj4q727sjgc0";
const REGISTERED: &str = "register:2025-0117";

/// A line of the history.
struct Line {
    position: u64,
    stream: String,
    event_type: String,
    service: String,
    whole: Value,
    /// As it is written.
    data: String,
}

impl Line {
    fn of(text: &str) -> Self {
        let whole: Value = serde_json::from_str(text).unwrap();
        let word = |name: &str| whole[name].as_str().unwrap().to_owned();
        // The data come last.
        let data = text.split_once(",\"data\":").unwrap().1.strip_suffix('}').unwrap().to_owned();
        Self {
            position: whole["position"].as_u64().unwrap(),
            stream: word("stream"),
            event_type: word("type"),
            service: word("service"),
            data,
            whole,
        }
    }

    fn actor(&self) -> Actor {
        let word = |name: &str| self.whole["actor"][name].as_str().map(str::to_owned);
        Actor { id: word("id").unwrap(), role: word("role").unwrap(), agency: word("agency") }
    }
}

/// A server with the history, and the positions that its lines have there.
struct World {
    server: Server,
    positions: BTreeMap<u64, u64>,
    lines: Vec<Line>,
}

impl World {
    async fn new() -> Self {
        let server = Server::up();
        let key = SigningKey::open(&server.data.join("keys/private.pem")).unwrap();
        let channel = Client::new(&server.address, "").channel();
        let mut logs = BTreeMap::new();
        for service in ["directory", "delivery", "conduct", "discipline"] {
            let caller = Caller { id: service.to_owned(), role: Role::Service, agency: None };
            let token = key.sign(&Claims::new(caller, 1_700_000_000, 3_000_000_000)).unwrap();
            logs.insert(service, RemoteLog::new(channel.clone(), &token).unwrap());
        }
        let mut world = Self { server, positions: BTreeMap::new(), lines: Vec::new() };
        for line in events::HISTORY.lines() {
            let line = Line::of(line);
            // What was done with views and sealed data is this server's own.
            if let Some(log) = logs.get(line.service.as_str())
                && !line.stream.starts_with("vault.")
            {
                world.record(log, line).await;
            }
        }
        world
    }

    async fn record(&mut self, log: &RemoteLog, line: Line) {
        // An entry that another one names has another position here.
        let mut data = line.data.clone();
        if let Some((before, after)) = data.clone().split_once("\"finding_position\":") {
            let digits = after.chars().take_while(char::is_ascii_digit).count();
            let here = self.positions[&after[..digits].parse().unwrap()];
            data = format!("{before}\"finding_position\":{here}{}", &after[digits..]);
        }
        let event = NewEvent {
            encoded: Encoded {
                event_type: line.event_type.clone(),
                data: RawValue::from_string(data).unwrap(),
            },
            subjects: serde_json::from_value::<Vec<Subject>>(line.whole["subjects"].clone()).unwrap(),
            occurred: serde_json::from_value::<Occurred>(line.whole["occurred"].clone()).unwrap(),
        };
        let append = Append {
            id: request_id().parse().unwrap(),
            stream: line.stream.parse().unwrap(),
            expected: Expected::Any,
            events: vec![event],
            context: Context {
                actor: line.actor(),
                on_behalf_of: line.whole["on_behalf_of"].as_str().map(str::to_owned),
                service: line.service.clone(),
                command_digest: [7; 32],
                causation: None,
                correlation: None,
                rules: None,
                day_start: None,
            },
        };
        let position = log.append(append).await.unwrap().last_position;
        self.positions.insert(line.position, position);
        self.lines.push(line);
    }

    /// The proceeding that was opened from an allegation of a report, on a track.
    fn opened(&self, report: &str, allegation: u32, track: &str) -> String {
        let is_it = |line: &&Line| {
            let data = &line.whole["data"];
            let stream = format!("conduct.report/{report}");
            line.event_type == "discipline.ProceedingOpened.v1"
                && (&data["origin"]["stream"], &data["origin"]["allegation"], &data["track"])
                    == (&json!(stream), &json!(allegation), &json!(track))
        };
        let line = self.lines.iter().find(is_it).unwrap();
        line.stream.split_once('/').unwrap().1.to_owned()
    }

    /// The position here of the last event of a type.
    fn last(&self, event_type: &str) -> u64 {
        let line = self.lines.iter().rfind(|line| line.event_type == event_type).unwrap();
        self.positions[&line.position]
    }

    fn newest(&self) -> String {
        self.positions.values().max().unwrap().to_string()
    }

    fn official(&self, id: &str, agency: &str) -> String {
        self.server.token(&["--role", "official", "--agency", agency, "--holder", id])
    }

    fn agency(&self, agency: &str) -> String {
        self.server.token(&["--role", "agency", "--agency", agency])
    }

    /// A trail, oldest first, for an inspector or the holder of a token.
    fn trail(&self, subject: &str, token: Option<&str>) -> Result<Vec<Value>, String> {
        let newest = self.newest();
        let arguments = ["trail", subject, "--oldest-first", "--at-least", &newest, "--json"];
        let token = token.map(|token| vec!["--token", token]).unwrap_or_default();
        let answer = self.server.liem(&[&arguments[..], &token].concat());
        if !answer.success {
            return Err(answer.err);
        }
        Ok(serde_json::from_str(&answer.out).unwrap())
    }

    fn board(&self, by: &str, more: &[&str]) -> BTreeMap<String, Value> {
        let newest = self.newest();
        let board = self.server.json(&[&["board", "--by", by, "--at-least", &newest], more].concat());
        let rows = board.as_array().unwrap().iter();
        rows.map(|row| (row["subject"].as_str().unwrap().to_owned(), row.clone())).collect()
    }
}

/// The names of the events in a trail.
fn types(trail: &[Value]) -> Vec<&str> {
    trail.iter().map(|line| line["type"].as_str().unwrap().split('.').nth(1).unwrap()).collect()
}

fn of_discipline(trail: &[Value]) -> Vec<&str> {
    let is_of = |line: &&Value| line["type"].as_str().unwrap().starts_with("discipline.");
    trail.iter().filter(is_of).map(|line| line["type"].as_str().unwrap()).collect()
}

const COURSE: [&str; 12] = [
    "ProceedingDue",
    "ProceedingOpened",
    "CouncilConvened",
    "HearingHeld",
    "CircumstanceRecorded",
    "SanctionRecommended",
    "SanctionDecided",
    "HeadHeldLiable",
    "SanctionExecuted",
    "SanctionAppealed",
    "SanctionAppealDecided",
    "SanctionCleared",
];

fn check_trails(world: &World) {
    let proceeding = world.opened(BRIBERY, 1, "administrative");
    let subject = format!("proceeding:{proceeding}");
    let whole = world.trail(&subject, None).unwrap();
    assert_eq!(types(&whole), COURSE);
    assert!(whole.iter().all(|line| line["position"].is_u64()));
    // The agency that has it, and the one whom it is against: both see days, and the latter nobody else.
    let handler = world.trail(&subject, Some(&world.official("cb-0301", "H57.03"))).unwrap();
    assert_eq!((types(&handler), &handler[6]["data"]), (COURSE.to_vec(), &Value::Null));
    assert!(json!(handler).to_string().contains("cb-0203"), "the council's members");
    assert_eq!(types(&world.trail(&subject, Some(&world.agency("H57.03"))).unwrap()), COURSE);
    let person = world.official("cb-0302", "H57.03");
    let seen = world.trail(&subject, Some(&person)).unwrap();
    let own = world.trail("official:cb-0302", Some(&person)).unwrap();
    assert_eq!(types(&seen), COURSE);
    for course in COURSE {
        assert!(types(&own).contains(&course), "{course} in their own trail");
    }
    for trail in [json!(seen).to_string(), json!(own).to_string()] {
        assert!(trail.contains("cb-0302") && trail.contains(BRIBERY), "{trail}");
        for other in ["cb-0203", "cb-0301", "cb-0401", RETALIATION] {
            assert!(!trail.contains(other), "{other} in {trail}");
        }
        assert!(!trail.contains("conduct."), "{trail}");
    }
    let none = "NO_STANDING";
    // Of its council, wherever they work: without the names that their agency has no standing for.
    let of_council = world.trail(&subject, Some(&world.official("cb-0203", "H57.02"))).unwrap();
    assert_eq!(types(&of_council), COURSE);
    assert!(!json!(of_council).to_string().contains("cb-0302"), "whom it is against");
    let administrator = world.server.token(&["--role", "administrator"]);
    // A colleague of whom it is against is one of the others.
    let colleagues = [world.official("cb-0302x", "H57.02"), world.official("cb-0302x", "H57.03")];
    let others = [[world.agency("H57.02"), administrator], colleagues].concat();
    for token in &others {
        assert!(world.trail(&subject, Some(token)).unwrap_err().contains(none));
    }
    assert!(world.trail(&format!("report:{BRIBERY}"), Some(&person)).unwrap_err().contains(none));

    // In an agency's trail it stands for inspectors.
    let of_agency = world.trail("agency:H57.03", Some(&world.agency("H57.03"))).unwrap();
    assert_eq!(of_discipline(&of_agency), Vec::<&str>::new());
    assert!(!of_discipline(&world.trail("agency:H57.03", None).unwrap()).is_empty());
    let unit = world.trail("unit:H57.03.01", Some(&world.agency("H57.03"))).unwrap();
    assert_eq!(of_discipline(&unit), Vec::<&str>::new());
    // Whoever has the report sees that one was due and opened; inspectors see what became of it.
    let report = format!("report:{BRIBERY}");
    let of_report = world.trail(&report, Some(&world.agency("H57.02"))).unwrap();
    let seen: Vec<_> = of_discipline(&of_report);
    assert!(seen.contains(&"discipline.ProceedingOpened.v1"), "{seen:?}");
    assert!(!seen.contains(&"discipline.SanctionDecided.v1"), "{seen:?}");
    let all = world.trail(&report, None).unwrap();
    assert!(of_discipline(&all).contains(&"discipline.SanctionDecided.v1"));
    // As it was: no line after the moment.
    let opened =
        world.positions[&world.lines.iter().find(|l| l.stream.ends_with(&proceeding)).unwrap().position];
    let then = world.server.json(&["trail", "official:cb-0302", "--as-of", &opened.to_string()]);
    let then = of_discipline(then.as_array().unwrap());
    assert!(then.contains(&"discipline.ProceedingDue.v1"), "{then:?}");
    assert!(!then.contains(&"discipline.ProceedingOpened.v1"), "{then:?}");
}

async fn check_duties(world: &World) {
    let proceeding = world.opened(BRIBERY, 1, "administrative");
    let newest = world.newest();
    let due = |more: &[&str]| {
        let duties = world.server.json(&[&["due", "--at-least", &newest], more].concat());
        let duties = duties.as_array().unwrap().iter().filter(|duty| duty["subject"] == json!(proceeding));
        duties.cloned().collect::<Vec<_>>()
    };
    let running = due(&["--judged-at", "2026-09-10"]);
    let duties: Vec<_> = running.iter().map(|duty| (duty["duty"].clone(), duty["due"].clone())).collect();
    assert_eq!(
        duties,
        [
            (json!("convene_council"), json!("2026-10-22T16:59:59.999999Z")),
            (json!("decide_sanction"), json!("2026-12-06T16:59:59.999999Z"))
        ]
    );
    assert_eq!(
        (&running[0]["subject_role"], &running[0]["agency"]),
        (&json!("proceeding"), &json!("H57.03"))
    );
    // A page ends between two duties of one proceeding, and the next goes on there.
    let client = Client::new(&world.server.address, &world.server.token(&["--role", "inspector"]));
    let judge_time = Some(tests::instant("2026-09-10T23:59:59+07:00"));
    let mut request = ListObligationsRequest { judge_time, page_size: 1, ..Default::default() };
    let mut paged = Vec::new();
    loop {
        let answer = client.obligations().list_obligations(request.clone()).await.unwrap().into_inner();
        paged.extend(answer.obligations.into_iter().map(|duty| (duty.subject, duty.duty)));
        if answer.next_page_token.is_empty() {
            assert_eq!(i64::try_from(paged.len()).unwrap(), answer.total_count);
            break;
        }
        request.page_token = answer.next_page_token;
    }
    let of_it: Vec<_> = paged.iter().filter(|(subject, _)| *subject == proceeding).collect();
    assert_eq!(
        of_it.iter().map(|(_, duty)| duty).collect::<Vec<_>>(),
        ["convene_council", "decide_sanction"]
    );
    // The agency sees its own, whom it is against nothing of it, and nobody who that is.
    let (own, person) = (world.agency("H57.03"), world.official("cb-0302", "H57.03"));
    let at = ["--judged-at", "2026-09-10", "--token"];
    let seen = due(&[&at[..], &[&own]].concat());
    assert_eq!((seen.len(), seen[0]["rule"].clone()), (2, Value::Null));
    assert!(!json!(seen).to_string().contains("cb-0302"));
    // Officials see none of proceedings, also where they act in them.
    let acting = world.official("cb-0301", "H57.03");
    assert!(due(&[&at[..], &[&acting]].concat()).is_empty());
    assert!(due(&[&at[..], &[&person]].concat()).is_empty());
    assert!(due(&[&at[..], &[&world.agency("H57.02")]].concat()).is_empty());
}

fn check_board(world: &World) {
    let proceeding = world.opened(BRIBERY, 1, "administrative");
    // Judged after all of it.
    let late = ["--judged-at", "2027-12-31"];
    let board = world.board("agency", &late);
    let figures = |row: &Value| {
        ["sanctions_decided", "sanctions_final", "heads_liable", "party_sanctions", "officials"]
            .map(|field| row[field].as_i64().unwrap_or(-1))
    };
    // Of three, one was annulled, one closed; the Party's ended in an exoneration.
    assert_eq!(figures(&board["H57.03"]), [1, 1, 1, 0, 2]);
    assert_eq!(board["H57.03"]["sanctions_per_hundred_officials"], json!(50.0));
    assert_eq!(board["H57.03"]["sanctions_per_thousand"], Value::Null, "it closed no case");
    // Two of another register, one of whom is exonerated; with the officials of agencies merged into it.
    assert_eq!(figures(&board["H57.01"]), [1, 1, 0, 0, 2]);
    assert!(board["H57.01"]["sanctions_per_thousand"].as_f64() > Some(0.0));
    assert!(board["H57.01"]["sanctions_lower"].as_f64() < board["H57.01"]["sanctions_upper"].as_f64());
    let units = world.board("unit", &late);
    assert_eq!(figures(&units["H57.03.01"])[..3], [1, 1, 1]);
    assert_eq!(units["H57.03.01"]["officials"], Value::Null);
    // While the appeal was pending, it was not final; before it was decided, there was none.
    assert_eq!(figures(&world.board("agency", &["--judged-at", "2026-10-20"])["H57.03"])[..2], [1, 0]);
    assert_eq!(figures(&world.board("agency", &["--judged-at", "2026-10-01"])["H57.03"])[..2], [0, 0]);
    assert_eq!(figures(&world.board("agency", &["--period", "2025"])["H57.01"])[..2], [1, 1]);

    // An exoneration takes effect at its position; what was known before stays as it was.
    let exonerated = world.last("discipline.OfficialExonerated.v1");
    let before = (exonerated - 1).to_string();
    let as_of = [&late[..], &["--as-of", &before]].concat();
    assert_eq!(figures(&world.board("agency", &as_of)["H57.01"])[..2], [2, 2]);

    // From the cell to the proceeding, the report, the rules, and every entry; nobody's name.
    let explain = ["board", "explain", "H57.03", "sanctions_final"];
    let explained = world.server.json(&[&explain[..], &late].concat());
    // Strata are of another figure.
    let mut known = documented()["liem board explain"].clone();
    known.retain(|field| !field.starts_with("strata[]"));
    assert_eq!(fields(&explained), known);
    assert_eq!((&explained["value"], &explained["total"]), (&json!(1.0), &json!(1)));
    let line = &explained["lines"][0];
    assert_eq!((&line["proceeding"], &line["report"]), (&json!(proceeding), &json!(BRIBERY)));
    let rules = line["rules"].to_string();
    assert!(rules.contains("Decree 172/2025") && rules.contains("discipline.appeal"), "{rules}");
    let here = |positions: &[u64]| positions.iter().map(|at| world.positions[at]).collect::<Vec<_>>();
    let (received, finding, concluded) = (214, 262, 268);
    let positions: Vec<u64> = serde_json::from_value(line["positions"].clone()).unwrap();
    assert_eq!(positions[..3], here(&[received, finding, concluded]));
    let own = world.trail(&format!("proceeding:{proceeding}"), None).unwrap();
    let own = own.iter().map(|line| line["position"].as_u64().unwrap());
    assert_eq!(positions[3..], own.collect::<Vec<_>>(), "all of its trail");
    assert!(!explained.to_string().contains("cb-0"));

    // Others see no count as small, and no line behind it.
    let own = world.agency("H57.03");
    let token = ["--token", &own];
    let seen = &world.board("agency", &[&late[..], &token].concat())["H57.03"];
    assert_eq!((figures(seen)[..4].to_vec(), &seen["suppressed"]), (vec![-1; 4], &json!(true)));
    assert_eq!(seen["sanctions_per_hundred_officials"], Value::Null);
    let refused = world.server.liem(&[&explain[..], &token].concat());
    assert!(refused.err.contains("CELL_SUPPRESSED"), "{}", refused.err);

    // People see a column where there is anything in it.
    for (arguments, part) in [
        (&["board", "--judged-at", "2027-12-31"][..], "sanctions ┆ heads │"),
        (&["board", "--judged-at", "2027-12-31"], "1, 1 final"),
        (&[&explain[..], &late].concat(), "Decree 172/2025"),
        (&["proceeding", "totals", "--by", "class"], "bribery"),
    ] {
        let answer = world.server.liem(arguments);
        assert!(answer.success && answer.out.contains(part), "{arguments:?}: {} {}", answer.out, answer.err);
    }
}

fn check_totals(world: &World) {
    let newest = world.newest();
    let totals = |by: &str, more: &[&str]| {
        let arguments = ["proceeding", "totals", "--by", by, "--at-least", &newest];
        world.server.json(&[&arguments[..], more].concat())
    };
    let counts = |by: &str, more: &[&str]| {
        let totals = totals(by, more);
        let total = |total: &Value| format!("{} {}", total["key"].as_str().unwrap(), total["count"]);
        totals.as_array().unwrap().iter().map(total).collect::<Vec<_>>()
    };
    assert_eq!(fields(&totals("outcome", &[])), documented()["liem proceeding totals"]);
    assert_eq!(
        counts("outcome", &[]),
        ["Counselling 1", "annulled 1", "closed 1", "exonerated 1", "reprimand 1"]
    );
    assert_eq!(
        counts("class", &[]),
        ["attitude 1", "bribery 1", "late permits 1", "overbearing 1", "waste 1"]
    );
    assert_eq!(counts("unit", &[]), ["H57.01.01 1", "H57.01.02 1", "H57.03.01 3"]);
    assert_eq!(counts("recommended", &[]), ["Formal reprimand 1", "dismissal 1", "none 3"]);
    assert_eq!(counts("change", &[]), ["Formal reprimand → Counselling 1", "dismissal → warning 1"]);
    assert_eq!(counts("outcome", &["--agency", "H57.01"]), ["Counselling 1", "exonerated 1"]);
    assert_eq!(counts("outcome", &["--party"]), ["exonerated 1"]);
    // On a log's first day others see nothing, and they ask for no agency.
    let citizen = world.server.token(&["--role", "citizen"]);
    assert_eq!(totals("outcome", &["--token", &citizen]), json!([]));
    let asked = ["proceeding", "totals", "--by", "outcome", "--agency", "H57.01", "--token", &citizen];
    assert!(world.server.liem(&asked).err.contains("NO_STANDING"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn proceedings_show_in_every_view() {
    let world = World::new().await;
    assert_ne!(world.opened(REGISTERED, 1, "administrative"), "");
    check_trails(&world);
    check_duties(&world).await;
    check_board(&world);
    check_totals(&world);
    // Built anew, each is the same.
    for view in ["audit", "leaderboard", "obligations"] {
        world.server.json(&["replay", "start", view, "--reason", "ticket 5", "--wait"]);
        assert_eq!(world.server.json(&["replay", "compare", view])["equal"], true, "{view}");
    }
}
