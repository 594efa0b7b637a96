//! Every service as a process of its own gives the same answers as all of them in one.

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;
use tests::{Client, Server, liem, run, wait_until};

/// Cases of two agencies: open and closed, in time and late, rows out of order, a unit of the other agency,
/// a name, an unknown channel, and a row that can't go in.
const CASES: &str = "\
case,agency,unit,who,step,at,via,procedure,due,end
k-01,H57,counter,o-1,register,2026-03-02T08:00:00+07:00,counter,1.001,2026-03-09,2026-03-06T10:00:00+07:00
k-01,H57,land,o-2,check,2026-03-03T09:30:00+07:00,counter,1.001,2026-03-09,2026-03-06T10:00:00+07:00
k-01,H57,land,o-3,sign,2026-03-05T16:10:00.250+07:00,counter,1.001,2026-03-09,2026-03-06T10:00:00+07:00
k-02,H57,counter,o-1,register,2026-03-02T08:20:00+07:00,online,1.001,2026-03-06,2026-03-12T10:00:00+07:00
k-02,H57,land,o-2,check,2026-03-10,online,1.001,2026-03-06,2026-03-12T10:00:00+07:00
k-03,H58,counter,o-4,register,2026-03-02T08:40:00+07:00,post,1.002,2026-03-05,
k-03,H58,tax,o-5,check,2026-03-04T08:40:00+07:00,post,1.002,2026-03-05,
k-04,H58,counter,o-4,register,2026-03-03T09:00:00+07:00,counter,1.002,2026-03-30,
k-05,H57,counter,o-1,register,2026-03-03T09:15:00+07:00,fax,,2026-03-10,2026-03-10T11:00:00+07:00
k-05,H57,EMPTY,,archive,2026-03-11T11:00:00+07:00,fax,,2026-03-10,2026-03-10T11:00:00+07:00
k-06,H57,land,o-2,check,2026-03-05T13:00:00+07:00,online,1.001,2026-03-13,2026-03-13
k-06,H57,counter,o-1,register,2026-03-04T10:00:00+07:00,online,1.001,2026-03-13,2026-03-13
k-07,H58,tax,Nguyen Van A,check,2026-03-04T10:30:00+07:00,online,1.002,2026-03-11,2026-03-16T08:00:00+07:00
k-08,H58,tax,o-5,check,2026-03-04T11:00:00+07:00,counter,1.002,2026-03-11,2026-03-11T08:00:00+07:00
k-09,H58,counter,o-4,register,2026-03-04T15:00:00+07:00,counter,1.002,2026-03-12,2026-03-10T08:00:00+07:00
k-09,H57,land,o-2,opinion,2026-03-05T08:00:00+07:00,counter,1.002,2026-03-12,2026-03-10T08:00:00+07:00
k-10,H57,counter,o-1,register,2026-03-05T08:30:00+07:00,counter,1.001,2026-03-12,2026-03-12T08:00:00+07:00
k-11,H57,counter,o-1,register,2026-03-05T09:00:00+07:00,post,,,2026-03-09T08:00:00+07:00
k-12,H57,counter,o-6,register,2026-03-05T09:30:00+07:00,online,1.001,2026-03-12,
,H57,counter,o-6,register,2026-03-05T09:45:00+07:00,online,1.001,2026-03-12,
";

const MAPPING: &str = r#"
source = "alone-test"

[columns]
case = "case"
agency = "agency"
unit = "unit"
official = "who"
activity = "step"
time = "at"
channel = "via"
procedure = "procedure"
deadline = "due"
end = "end"
"#;

/// Questions about every part of what was imported, over every service.
const QUESTIONS: &[&[&str]] = &[
    &["board", "--judged-at", "2026-03-20"],
    &["board", "--by", "unit", "--judged-at", "2026-03-20"],
    &["board", "--period", "2026-03", "--clock", "statutory", "--agency", "H57", "--by", "unit"],
    &["board", "explain", "H58", "open_late", "--judged-at", "2026-03-20"],
    &["board", "explain", "H57", "on_time_rate", "--judged-at", "2026-03-20"],
    &["trail", "agency:H57"],
    &["trail", "agency:H58", "--oldest-first"],
    &["trail", "unit:H57/land", "--from", "2026-03-05"],
    &["trail", "official:o-2", "--type", "delivery.StepDone.v1"],
    &["trail", "procedure:1.002", "--as-of", "40"],
    &["case", "show", "k-01"],
    &["case", "show", "k-05"],
    &["case", "show", "k-09"],
    &["log", "read", "--limit", "0"],
    &["log", "check"],
    &["view", "audit"],
    &["view", "leaderboard"],
    &["due", "--judged-at", "2026-03-20"],
    &["due", "--judged-at", "2026-03-05", "--agency", "H58", "--overdue"],
    &["view", "obligations"],
];

/// What two logs of the same commands don't have in common: the time of recording, which is also when the
/// directory's events happened, and what is drawn at random.
fn without_chance(answer: &mut Value) {
    match answer {
        Value::Array(items) => items.iter_mut().for_each(without_chance),
        Value::Object(fields) => {
            let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
            fields.retain(|name, _| match name.as_str() {
                "recorded" | "recorded_at" | "nonce" => false,
                "occurred" => kind.starts_with("delivery."),
                "append_id" => kind != "ledger.LedgerOpened.v1",
                _ => true,
            });
            fields.values_mut().for_each(without_chance);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Imports the cases, one after the other so that positions are the same everywhere, and asks all questions.
fn answers(ask: impl Fn(&[&str]) -> Value) -> Vec<(String, Value)> {
    let files = tempfile::tempdir().unwrap();
    let path = |name: &str| files.path().join(name).to_str().unwrap().to_owned();
    let (cases, mapping, rejects) = (path("cases.csv"), path("mapping.toml"), path("rejects.csv"));
    fs::write(&cases, CASES).unwrap();
    fs::write(&mapping, MAPPING).unwrap();
    let import = ["import", "csv", &cases, "--mapping", &mapping, "--rejects", &rejects, "--in-flight", "1"];
    let mut summary = ask(&import);
    assert_eq!((&summary["cases"], &summary["rejected"]), (&12.into(), &1.into()), "{summary}");
    summary["rejects_file"] = fs::read_to_string(&rejects).unwrap().into();
    let mut answers = vec![("import".to_owned(), summary)];
    for view in ["audit", "leaderboard", "obligations"] {
        wait_until(&format!("{view} has caught up"), || {
            ask(&["view", view])["position"] == ask(&["log", "head"])["position"]
        });
    }
    for question in QUESTIONS {
        let mut answer = ask(question);
        without_chance(&mut answer);
        answers.push((question.join(" "), answer));
    }
    answers
}

/// A service alone in the common data folder.
fn alone(data: &Path, service: &str) -> Server {
    Server::start(data, &["serve", service, "--listen", "127.0.0.1:0"])
}

/// A service that has nothing but what it is told: a folder of its own, a token, a public key, an address.
fn apart(ledger: &Server, service: &str, folder: &TempDir) -> Server {
    let token = ledger.token(&["--role", "service", "--service", service]);
    let key = ledger.data.join("keys/public.pem");
    let arguments = ["serve", service, "--listen", "127.0.0.1:0", "--ledger", &ledger.address];
    let given = ["--public-key", key.to_str().unwrap(), "--token", &token];
    Server::start(folder.path(), &[&arguments[..], &given].concat())
}

#[test]
fn services_as_processes_of_their_own_answer_as_one_process_does() {
    let together = Server::up();
    let expected = answers(|question| together.json(question));

    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ledger = alone(folder.path(), "ledger");
    let near =
        ["directory", "delivery", "leaderboard", "obligations"].map(|service| alone(folder.path(), service));
    let far = apart(&ledger, "audit", &elsewhere);
    assert!(!elsewhere.path().join("log.db").exists() && !elsewhere.path().join("keys/private.pem").exists());
    let [directory, delivery, leaderboard, obligations] = near.each_ref().map(|server| &server.address);
    let addresses = format!(
        "ledger={},directory={directory},delivery={delivery},leaderboard={leaderboard},obligations={obligations},audit={}",
        ledger.address, far.address
    );
    let answered = answers(|question| ledger.json(&[question, &["--address", &addresses]].concat()));

    for ((question, expected), (_, answered)) in expected.iter().zip(&answered) {
        assert_eq!(answered, expected, "{question}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn with_the_ledger_stopped_nothing_that_is_sealed_opens() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = alone(folder.path(), "ledger");
    let directory = alone(folder.path(), "directory");
    let mut conduct = alone(folder.path(), "conduct");
    let token = ledger.token(&["--role", "administrator"]);
    Client::new(&directory.address, &token).open("H57", &["desk"]).await;
    let filing = ["report", "file", "--agency", "H57", "--unit", "desk", "--text", "MARKED TEXT"];
    let filed = ledger.json(&filing);
    let (report, code) = (filed["report"].as_str().unwrap(), filed["follow_up_code"].as_str().unwrap());
    ledger.json(&["report", "ask", report, "--text", "MARKED QUESTION"]);
    let open = ["report", "open", report, "--reader", "i-1", "--reason", "inspection"];
    assert_eq!(ledger.json(&open)[0]["text"], "MARKED TEXT");

    ledger.kill();
    for arguments in [&open[..], &["report", "follow-up", code], &["report", "show", report]] {
        let answer = conduct.liem(arguments);
        assert!(!answer.success && answer.out.is_empty(), "{arguments:?}: {answer:?}");
        assert!(!answer.err.contains("MARKED"), "{arguments:?}: {answer:?}");
    }
    // One vault has one process, and another key opens nothing.
    let ledger = alone(folder.path(), "ledger");
    let second = run(liem(&["serve", "conduct", "--listen", "127.0.0.1:0"]).env("LIEM_DATA", folder.path()));
    assert!(!second.success, "{second:?}");
    assert!(conduct.terminate());
    let mut other_key = liem(&["serve", "conduct", "--listen", "127.0.0.1:0"]);
    let other_key = other_key.env("LIEM_DATA", folder.path()).env("LIEM_VAULT_KEY", "0f".repeat(32));
    let refused = run(other_key);
    assert!(!refused.success && refused.err.contains("master key"), "{refused:?}");
    let conduct = alone(folder.path(), "conduct");
    assert_eq!(conduct.json(&open)[0]["text"], "MARKED TEXT");
    drop(ledger);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn discipline_alone_follows_what_conduct_alone_records() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = alone(folder.path(), "ledger");
    let [directory, _conduct] = ["directory", "conduct"].map(|service| alone(folder.path(), service));
    let admin = Client::new(&directory.address, &ledger.token(&["--role", "administrator"]));
    admin.open("H57", &[]).await;
    admin.open("H58", &[]).await;
    let _discipline = alone(folder.path(), "discipline");
    let report = crate::discipline::concluded(&ledger, &["o-1"]);
    let shown = ["proceeding", "show", &format!("p-{report}-1")];
    wait_until("the finding makes it a duty", || ledger.liem(&shown).success);
    assert_eq!(ledger.json(&shown)["stage"], "due");
}

#[test]
fn a_service_that_misses_something_says_what_to_do() {
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let [ledger, stranger] = [0, 1].map(|folder| alone(folders[folder].path(), "ledger"));
    let empty = folders[2].path();
    let fails = |arguments: &[&str], advice: &[&str]| {
        let serve = ["serve", "delivery", "--listen", "127.0.0.1:0"];
        let answer = run(liem(&[&serve, arguments].concat()).env("LIEM_DATA", empty));
        assert_eq!((answer.code, answer.out.as_str()), (Some(1), ""), "{arguments:?}: {answer:?}");
        for words in advice {
            assert!(answer.err.contains(words), "{arguments:?}: no `{words}` in {}", answer.err);
        }
    };
    let service = ["--role", "service", "--service", "delivery"];
    let (token, forged) = (ledger.token(&service), stranger.token(&service));
    let key = |server: &Server| server.data.join("keys/public.pem").to_str().unwrap().to_owned();
    let (key, other_key, at) = (key(&ledger), key(&stranger), ledger.address.as_str());

    fails(&["--ledger", at], &["--token", "liem token issue --role service"]);
    fails(&["--token", &token, "--public-key", &key], &["where is the ledger?", "--ledger"]);
    fails(&["--ledger", at, "--token", &token], &["public.pem", "--public-key"]);
    fails(&["--ledger", at, "--token", &token, "--public-key", &other_key], &["--public-key", "--token"]);
    fails(&["--ledger", at, "--token", &forged, "--public-key", &key], &["--public-key", "--token"]);
    fails(
        &["--ledger", at, "--token", &forged, "--public-key", &other_key],
        &["the ledger refuses the token", "liem token issue --role service"],
    );
    let other = ledger.token(&["--role", "service", "--service", "audit"]);
    let needed = "liem token issue --role service --service delivery";
    fails(&["--ledger", at, "--token", &other, "--public-key", &key], &["the token is for `audit`", needed]);
    let nobody = ["--ledger", "127.0.0.1:1", "--token", &token, "--public-key", &key];
    fails(&nobody, &["the ledger does not answer: is it running?"]);
}
