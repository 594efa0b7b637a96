//! Views are rebuilt beside the live one, compared, switched to and rolled back, on record; and they answer as of any
//! moment.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use proto::leaderboard::{BoardQuery, GetBoardRequest};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Answer, Client, Server, liem, run, shared, wait_until};

const MAPPING: &str = r#"
source = "replay-test"

[columns]
case = "case"
agency = "agency"
unit = "unit"
activity = "step"
time = "time"
deadline = "due"
end = "end"
"#;

/// Cases `from..until` of three agencies, each with three steps, some still open.
fn csv(from: u32, until: u32) -> String {
    let mut csv = "case,agency,unit,step,time,due,end\n".to_owned();
    for case in from..until {
        let (agency, unit, day) = (case % 3, case % 4, 2 + case % 7);
        let end = if case % 5 == 0 { String::new() } else { format!("2026-03-{:02}", 5 + case % 20) };
        for step in 0..3 {
            let due = 9 + case % 9;
            let at = format!("2026-03-{day:02}T{:02}:00:00", 8 + step);
            writeln!(csv, "c-{case},A{agency},A{agency}-U{unit},step {step},{at},2026-03-{due:02},{end}")
                .unwrap();
        }
    }
    csv
}

/// A server with cases, and the files they came from.
struct World {
    folder: TempDir,
    server: Server,
}

impl World {
    fn new(setting: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = start(folder.path(), setting);
        let mut world = Self { folder, server };
        world.import(0, 120);
        world
    }

    fn import(&mut self, from: u32, until: u32) -> u64 {
        let (file, mapping) = (self.file("cases.csv", &csv(from, until)), self.file("mapping.toml", MAPPING));
        let summary = self.server.json(&["import", "csv", &file, "--mapping", &mapping]);
        assert_eq!(summary["rejected"], 0, "{summary}");
        self.head()
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn head(&self) -> u64 {
        self.server.json(&["log", "head"])["position"].as_u64().unwrap()
    }

    fn views(&self) -> PathBuf {
        self.server.data.join("views")
    }

    /// The board as of now, judged at one instant.
    fn board(&self) -> Value {
        let head = self.head().to_string();
        self.server.json(&["board", "--judged-at", "2026-03-16T09:00:00+07:00", "--at-least", &head])
    }

    fn fails(&self, arguments: &[&str], reason: &str) {
        let Answer { success, err, .. } = self.server.liem(arguments);
        assert!(!success && err.contains(&format!("[{reason}]")), "{arguments:?}: {err}");
    }

    fn generations(&self, view: &str) -> Vec<Value> {
        self.server.json(&["replay", "list", view]).as_array().unwrap().clone()
    }

    fn states(&self, view: &str) -> Vec<(u64, String)> {
        let state = |g: &Value| (g["generation"].as_u64().unwrap(), g["state"].as_str().unwrap().to_owned());
        self.generations(view).iter().map(state).collect()
    }

    /// Waits until every generation is where the log ends, and gives their digests there.
    fn digests(&self, view: &str) -> Vec<Value> {
        let head = self.head();
        wait_until("all generations have caught up", || {
            self.generations(view).iter().all(|g| g["position"].as_u64().unwrap() >= head)
        });
        let digest = |g: &Value| {
            let (number, at) = (g["generation"].to_string(), head.to_string());
            let asked = ["view", "digest", view, "--generation", &number, "--at", &at];
            self.server.json(&asked)["digest"].clone()
        };
        self.generations(view).iter().map(digest).collect()
    }
}

fn start(data: &Path, setting: &[(&str, &str)]) -> Server {
    let mut command = liem(&["up", "--listen", "127.0.0.1:0"]);
    command.envs(setting.iter().copied());
    Server::spawn(data, command)
}

fn pairs(states: &[(u64, &str)]) -> Vec<(u64, String)> {
    states.iter().map(|(number, state)| (*number, (*state).to_owned())).collect()
}

#[test]
fn a_view_is_rebuilt_compared_switched_to_rolled_back_and_dropped() {
    let world = World::new(&[]);
    let board = world.board();
    assert_eq!(board.as_array().unwrap().len(), 3);
    let on_record =
        |act: &str, reason: &str| world.server.json(&["replay", act, "leaderboard", "--reason", reason]);
    let started = world.server.json(&["replay", "start", "leaderboard", "--reason", "ticket 7", "--wait"]);
    assert_eq!(started, json!({ "view": "leaderboard", "generation": 2 }));
    assert!(world.views().join("leaderboard-v6-g2.db").exists());
    let compared = world.server.json(&["replay", "compare", "leaderboard"]);
    assert_eq!((&compared["equal"], &compared["rows"]), (&true.into(), &json!([])), "{compared}");
    assert_eq!(compared["tables"][0]["equal"], 120);

    assert_eq!(on_record("switch", "ticket 8")["generation"], 2);
    assert_eq!(world.states("leaderboard"), pairs(&[(1, "kept"), (2, "live")]));
    assert_eq!(world.board(), board);
    assert_eq!(world.server.json(&["view", "leaderboard"])["generation"], 2);
    assert_eq!(on_record("rollback", "ticket 9")["generation"], 1);
    assert_eq!(world.board(), board);
    world.fails(&["replay", "drop", "leaderboard", "--generation", "1", "--reason", "x"], "GENERATION_LIVE");
    let dropped =
        world.server.json(&["replay", "drop", "leaderboard", "--generation", "2", "--reason", "ticket 10"]);
    assert_eq!(dropped["generation"], 2);
    assert!(!world.views().join("leaderboard-v6-g2.db").exists());
    assert_eq!(world.states("leaderboard"), pairs(&[(1, "live")]));

    let trail = world.server.json(&["trail", "view:leaderboard", "--oldest-first"]);
    let said: Vec<_> = trail
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            assert_eq!(line["actor"], "local-administrator");
            format!("{} {}", line["type"].as_str().unwrap(), line["data"]["reason"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        said,
        [
            "view.ReplayStarted.v1 ticket 7",
            "view.GenerationSwitched.v1 ticket 8",
            "view.GenerationRolledBack.v1 ticket 9",
            "view.GenerationDropped.v1 ticket 10",
        ]
    );
    world.fails(&["replay", "rollback", "audit", "--reason", "x"], "NOTHING_TO_ROLL_BACK");
    world.fails(&["replay", "switch", "audit", "--generation", "7", "--reason", "x"], "GENERATION_UNKNOWN");
    world.fails(&["replay", "start", "audit", "--reason", ""], "FIELD_INVALID");
    world.fails(&["replay", "start", "audit", "--reason", &"x".repeat(201)], "FIELD_INVALID");
    // An act is the administrators'; to look is also the inspectors'.
    let inspector = world.server.token(&["--role", "inspector"]);
    let as_inspector =
        |arguments: &[&str]| world.server.liem(&[arguments, &["--token", &inspector]].concat());
    assert!(as_inspector(&["replay", "list"]).success);
    assert!(as_inspector(&["replay", "compare", "audit"]).success);
    let refused = as_inspector(&["replay", "start", "audit", "--reason", "x"]);
    assert!(!refused.success && refused.err.contains("[ROLE_NOT_ALLOWED]"), "{}", refused.err);
    let citizen = world.server.token(&["--role", "citizen"]);
    let refused = world.server.liem(&["replay", "list", "--token", &citizen]);
    assert!(!refused.success && refused.err.contains("[ROLE_NOT_ALLOWED]"), "{}", refused.err);
}

/// The positions of answers, as one client after the other sees them, while generations change and the log grows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_query_fails_and_no_answer_is_older_across_switches_over_grpc() {
    let mut world = tokio::task::spawn_blocking(|| World::new(&[])).await.unwrap();
    let client = Client::new(&world.server.address, &world.server.token(&["--role", "inspector"]));
    let done = Arc::new(AtomicBool::new(false));
    let askers: Vec<_> = (0..3)
        .map(|_| {
            let (client, done) = (client.clone(), done.clone());
            tokio::spawn(async move {
                let (mut leaderboard, mut last, mut count) = (client.leaderboard(), 0, 0);
                while !done.load(Ordering::Acquire) {
                    let request = GetBoardRequest { query: Some(BoardQuery::default()) };
                    let board = leaderboard.get_board(request).await.expect("no query fails").into_inner();
                    assert!(board.position >= last, "{} after {last}", board.position);
                    (last, count) = (board.position, count + 1);
                }
                count
            })
        })
        .collect();
    let world = tokio::task::spawn_blocking(move || {
        for round in 0..3 {
            let act = |act: &str| {
                let on = ["replay", act, "leaderboard", "--reason", "under load"];
                world.server.json(&on);
            };
            world.server.json(&["replay", "start", "leaderboard", "--reason", "under load", "--wait"]);
            act("switch");
            act("rollback");
            let newest = world.generations("leaderboard").last().unwrap()["generation"].to_string();
            let drop = ["replay", "drop", "leaderboard", "--generation", &newest, "--reason", "under load"];
            world.server.json(&drop);
            world.import(200 + round * 20, 220 + round * 20);
        }
        world
    });
    let world = world.await.unwrap();
    done.store(true, Ordering::Release);
    for asker in askers {
        assert!(asker.await.unwrap() > 50);
    }
    tokio::task::spawn_blocking(move || drop(world)).await.unwrap();
}

#[test]
fn a_kill_in_a_rebuild_or_a_switch_leaves_what_is_on_record() {
    // Snapshots every few positions: kills fall between and within them too.
    let setting = [("LIEM_SNAPSHOT_EVERY", "64")];
    let mut world = World::new(&setting);
    let board = world.board();
    let data = world.server.data.clone();
    for round in 0..8_u64 {
        let generation = world.server.json(&["replay", "start", "leaderboard", "--reason", "before a kill"]);
        let generation = generation["generation"].to_string();
        if round % 2 == 1 {
            // The call is under way when the kill comes: it's recorded, or not.
            let on =
                ["replay", "switch", "leaderboard", "--generation", &generation, "--reason", "and a kill"];
            let mut switch = liem(&on);
            let mut switch = switch.env("LIEM_DATA", &data).spawn().unwrap();
            wait_until("some time has passed", {
                let mut looks = 0;
                move || {
                    looks += 1;
                    looks > round
                }
            });
            world.server.kill();
            switch.wait().unwrap();
        } else {
            world.server.kill();
        }
        world.server = start(&data, &setting);
        let digests = world.digests("leaderboard");
        assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
        let recorded = world.server.json(&["trail", "view:leaderboard", "--oldest-first"]);
        let mut switched =
            recorded.as_array().unwrap().iter().filter(|line| line["type"] == "view.GenerationSwitched.v1");
        let live = switched.next_back().map_or(1, |line| line["data"]["to"].as_u64().unwrap());
        wait_until("the live one is the one on record", || {
            world.server.json(&["view", "leaderboard"])["generation"] == live
        });
        assert_eq!(world.board(), board);
        for (number, _) in world.states("leaderboard").iter().filter(|(number, _)| *number != live) {
            let number = number.to_string();
            let drop = ["replay", "drop", "leaderboard", "--generation", &number, "--reason", "room"];
            world.server.json(&drop);
        }
    }
}

#[test]
fn every_moment_answers_as_it_did_then() {
    for every in ["16", "262144"] {
        let mut world = World::new(&[("LIEM_SNAPSHOT_EVERY", every)]);
        let mut seen = Vec::new();
        for round in 1..5 {
            let head = world.import(round * 40 + 100, round * 40 + 130);
            let at = head.to_string();
            let digest = ["audit", "leaderboard"].map(|view| {
                let asked = ["view", "digest", view, "--at", &at];
                world.server.json(&asked)["digest"].clone()
            });
            let time = world.server.json(&["log", "head"])["recorded"].as_str().unwrap().to_owned();
            seen.push((at, time, digest, world.board()));
        }
        for (at, time, digest, board) in seen {
            for (view, digest) in ["audit", "leaderboard"].iter().zip(digest) {
                let asked = ["view", "digest", view, "--at", &at];
                assert_eq!(world.server.json(&asked)["digest"], digest, "{view} at {at}, every {every}");
            }
            let judged = ["board", "--judged-at", "2026-03-16T09:00:00+07:00", "--as-of"];
            assert_eq!(world.server.json(&[&judged[..], &[&at]].concat()), board);
            assert_eq!(world.server.json(&[&judged[..], &[&time]].concat()), board);
            let trail = world.server.json(&["trail", "agency:A1", "--as-of", &at, "--limit", "1"]);
            assert!(trail[0]["position"].as_u64().unwrap() <= at.parse().unwrap());
        }
        let beyond = (world.head() + 1).to_string();
        world.fails(&["board", "--as-of", &beyond], "VIEW_BEHIND");
        world.fails(&["trail", "agency:A1", "--as-of", "2001-01-01"], "FIELD_INVALID");
    }
}

#[test]
fn a_what_if_folds_the_same_history_under_another_calendar_and_never_goes_live() {
    let mut world = World::new(&[]);
    let shared = shared("calendar/holidays_vn_2010_2027.csv");
    let official = shared.map(|path| path.to_str().unwrap().to_owned());
    // Deadlines were given here: what depends on the calendar is how many working days a case took.
    let every_other_day: Vec<_> = (1..=31).step_by(2).map(|day| format!("2026-03-{day:02},off\n")).collect();
    let made_up = world.file("fewer-days.csv", &format!("date,kind\n{}", every_other_day.concat()));
    for holidays in official.iter().chain([&made_up]) {
        let started = world.server.json(&[
            "replay",
            "what-if",
            "leaderboard",
            "--holidays",
            holidays,
            "--reason",
            "order 3",
            "--wait",
        ]);
        let number = started["generation"].to_string();
        let listed = world.generations("leaderboard");
        let listed = listed.iter().find(|g| g["generation"] == started["generation"]).unwrap();
        assert_eq!(listed["state"], "what-if");
        assert!(listed["calendar"].as_str().unwrap().contains('@'), "{listed}");
        world.fails(
            &["replay", "switch", "leaderboard", "--generation", &number, "--reason", "x"],
            "WHAT_IF_NEVER_LIVE",
        );
    }
    let compared = world.server.json(&["replay", "compare", "leaderboard"]);
    assert_eq!(compared["equal"], false);
    let cases =
        &compared["rows"].as_array().unwrap().iter().filter(|r| r["table"] == "cases").collect::<Vec<_>>();
    assert!(cases.len() > 50);
    for row in cases {
        let days = |row: &Value| row["working_days"].as_i64();
        assert!(days(&row["row"]) <= days(&row["other_row"]), "{row}");
    }
    assert!(cases.iter().any(|row| row["row"]["working_days"] != row["other_row"]["working_days"]));
    // It follows on.
    let head = world.import(300, 310);
    wait_until("the what-if has caught up", || {
        world.generations("leaderboard").iter().all(|g| g["position"].as_u64().unwrap() >= head)
    });
    world.fails(&["replay", "what-if", "audit", "--holidays", &made_up, "--reason", "x"], "CALENDAR_UNUSED");
    let head = world.head();
    for (name, text, says) in [
        ("no-date.csv", "day\n2026-03-02\n", "no column `date`"),
        ("bad-date.csv", "date\n2026-3-2\n", "line 2: date: `2026-3-2` is not a date"),
        ("bad-kind.csv", "date,kind\n2026-03-02,half\n", "line 2: the kind is"),
    ] {
        let file = world.file(name, text);
        let refused =
            world.server.liem(&["replay", "what-if", "leaderboard", "--holidays", &file, "--reason", "x"]);
        assert!(!refused.success && refused.err.contains(says), "{}", refused.err);
    }
    assert_eq!(world.head(), head, "nothing was recorded");
}

/// Two leaderboards of one ledger, each a process with a folder of its own.
#[test]
fn replicas_follow_what_is_on_record_and_agree() {
    let world = World::new(&[]);
    let token = world.server.token(&["--role", "service", "--service", "leaderboard"]);
    let key = world.server.data.join("keys/public.pem");
    let replica = |folder: &TempDir| {
        let mut command = liem(&["serve", "leaderboard", "--listen", "127.0.0.1:0", "--token", &token]);
        command.args(["--ledger", &world.server.address, "--public-key", key.to_str().unwrap()]);
        Server::spawn(folder.path(), command)
    };
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let replicas = [replica(&folders[0]), replica(&folders[1])];
    let ask = |replica: &Server, arguments: &[&str]| -> Value {
        let token = world.server.token(&["--role", "administrator"]);
        let to = ["--address", &replica.address, "--token", &token, "--json"];
        let answer = run(liem(&[arguments, &to].concat()).env("LIEM_DATA", &replica.data));
        assert!(answer.success, "{arguments:?}: {}", answer.err);
        serde_json::from_str(&answer.out).unwrap()
    };
    ask(&replicas[0], &["replay", "start", "leaderboard", "--reason", "ticket 1", "--wait"]);
    ask(&replicas[0], &["replay", "switch", "leaderboard", "--reason", "ticket 2"]);
    for server in [&replicas[1], &world.server] {
        wait_until("the others follow", || ask(server, &["view", "leaderboard"])["generation"] == 2);
    }
    let head = world.head();
    for at in [1, head / 3, head / 2, head] {
        let at = at.to_string();
        let digest =
            |server: &Server| ask(server, &["view", "digest", "leaderboard", "--at", &at])["digest"].clone();
        let digests = [digest(&replicas[0]), digest(&replicas[1]), digest(&world.server)];
        assert!(digests.iter().all(|one| *one == digests[0]), "at {at}: {digests:?}");
    }
}

#[test]
fn a_file_of_an_older_version_is_left_alone_and_not_read() {
    let mut world = World::new(&[]);
    let digest = world.digests("leaderboard");
    assert!(world.server.terminate());
    let old = world.views().join("leaderboard-v1-g1.db");
    fs::write(&old, "not even a database").unwrap();
    world.server = start(&world.server.data.clone(), &[]);
    assert_eq!(world.digests("leaderboard"), digest);
    assert_eq!(fs::read_to_string(&old).unwrap(), "not even a database");
}
