//! A reporter is safe: who they are and when they came is nowhere, and nobody reads what is not theirs to read.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
};

use proto::{
    Timestamp, audit as au,
    conduct::{self as pb},
    ledger::{ListEntriesRequest, Subject},
};
use serde_json::Value;
use tests::{Client, Server, liem, reason, request_id};

const MARKS: [&str; 5] =
    ["Nguyen Marked Name", "marked-contact@example", "MARKED FREE TEXT", "MARKED ADDITION", "MARKED ANSWER"];

struct World {
    server: Server,
    admin: Client,
    inspector: Client,
    citizen: Client,
}

async fn world() -> World {
    let folder = tempfile::tempdir().unwrap().keep();
    let log = fs::File::create(folder.join("stderr.txt")).unwrap();
    let mut command = liem(&["up", "--listen", "127.0.0.1:0"]);
    command.env("RUST_LOG", "trace,h2=info,sqlx=info").stderr(log);
    let server = Server::spawn(&folder, command);
    let client = |role: &[&str]| Client::new(&server.address, &server.token(&[&["--role"], role].concat()));
    let admin = client(&["administrator"]);
    admin.open("H57", &["land desk"]).await;
    admin.open("H58", &[]).await;
    let (inspector, citizen) = (client(&["inspector"]), client(&["citizen", "--holder", "MARKED-HOLDER"]));
    World { server, admin, inspector, citizen }
}

impl World {
    fn token(&self, role: &str, agency: &str, holder: &str) -> Client {
        let arguments = ["--role", role, "--agency", agency, "--holder", holder];
        Client::new(&self.server.address, &self.server.token(&arguments))
    }

    /// Files a report; its follow-up code, and its id as an inspector finds it.
    async fn file(&self, report: pb::NewReport) -> (String, String) {
        let before = self.reports().await;
        let request = pb::FileReportRequest { request_id: request_id(), report: Some(report) };
        let filed = self.citizen.conduct().file_report(request).await.unwrap().into_inner();
        assert_eq!((filed.report.as_str(), filed.recorded.unwrap().position), ("", 0));
        let after = self.reports().await;
        let new = after.into_iter().find(|report| !before.contains(report)).unwrap();
        (filed.follow_up_code, new)
    }

    async fn reports(&self) -> Vec<String> {
        let entries = self.entries("conduct.report").await;
        let mut ids: Vec<_> = entries
            .iter()
            .map(|e| e["stream"].as_str().unwrap()["conduct.report/".len()..].to_owned())
            .collect();
        ids.dedup();
        ids
    }

    async fn entries(&self, category: &str) -> Vec<Value> {
        let request = ListEntriesRequest {
            filter: Some(proto::ledger::EntryFilter {
                categories: vec![category.into()],
                ..Default::default()
            }),
            page_size: 1_000,
            order: proto::ledger::ListOrder::OldestFirst.into(),
            ..ListEntriesRequest::default()
        };
        let answer = self.inspector.ledger().list_entries(request).await.unwrap().into_inner();
        answer.entries.iter().map(|entry| serde_json::from_slice(&entry.bytes).unwrap()).collect()
    }

    fn command(report: &str) -> pb::Command {
        let (report, occurred) = (report.to_owned(), tests::when(&today()));
        pb::Command { request_id: request_id(), report, occurred, ..pb::Command::default() }
    }

    async fn follow_up(&self, code: &str) -> Result<pb::GetFollowUpResponse, tonic::Status> {
        let request = pb::GetFollowUpRequest { follow_up_code: code.to_owned() };
        self.citizen.conduct().get_follow_up(request).await.map(tonic::Response::into_inner)
    }

    async fn open(&self, client: &Client, report: &str) -> Result<pb::OpenSealedDataResponse, tonic::Status> {
        let request = pb::OpenSealedDataRequest {
            request_id: request_id(),
            report: report.to_owned(),
            seals: Vec::new(),
            reader: "inspector-7".into(),
            reason: pb::OpeningReason::Inspection.into(),
        };
        client.conduct().open_sealed_data(request).await.map(tonic::Response::into_inner)
    }

    /// Waits until the views have what was recorded.
    async fn settled(&self) {
        let head = self.admin.head().await;
        let subject = Some(Subject { role: "agency".into(), id: "H57".into() });
        let request = au::ListTrailRequest { subject, at_least_position: head, ..Default::default() };
        self.inspector.audit().list_trail(request).await.unwrap();
        let query = proto::leaderboard::BoardQuery { at_least_position: head, ..Default::default() };
        let request = proto::leaderboard::GetBoardRequest { query: Some(query) };
        self.inspector.leaderboard().get_board(request).await.unwrap();
    }
}

/// Today in the ledger's zone.
fn today() -> String {
    let zone = chrono::FixedOffset::east_opt(7 * 3600).unwrap();
    eventlog::Clock::system().now().with_timezone(&zone).date_naive().to_string()
}

fn new_report() -> pb::NewReport {
    pb::NewReport {
        agency: "H57".into(),
        kind: pb::Kind::Denunciation.into(),
        class: pb::Class::Corruption.into(),
        about_unit: "land desk".into(),
        ..pb::NewReport::default()
    }
}

/// Every file under a folder that holds one of the texts.
pub(super) fn holding(folder: &Path, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, texts));
            continue;
        }
        let bytes = fs::read(&path).unwrap_or_default();
        for text in texts {
            if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                found.push(format!("{} holds `{text}`", path.display()));
            }
        }
    }
    found
}

/// The page of metrics.
fn metrics(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: liem\r\nConnection: close\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_a_person_says_is_nowhere_before_and_after_it_is_erased() {
    let world = world().await;
    let named = pb::NewReport {
        name: MARKS[0].into(),
        contact: MARKS[1].into(),
        text: MARKS[2].into(),
        ..new_report()
    };
    let (code, report) = world.file(named).await;
    let mut conduct = world.citizen.conduct();
    let add = pb::AddToReportRequest {
        request_id: request_id(),
        follow_up_code: code.clone(),
        text: MARKS[3].into(),
    };
    conduct.add_to_report(add).await.unwrap();
    let ask =
        pb::AskReporterRequest { command: Some(World::command(&report)), text: "Which day was it?".into() };
    world.admin.conduct().ask_reporter(ask).await.unwrap();
    let seen = world.follow_up(&code).await.unwrap();
    assert_eq!(seen.questions[0].text, "Which day was it?");
    let answer = pb::AnswerQuestionRequest {
        request_id: request_id(),
        follow_up_code: code.clone(),
        question: 1,
        text: MARKS[4].into(),
    };
    conduct.answer_question(answer.clone()).await.unwrap();
    // Refused ones say nothing of what was sent.
    let again = pb::AnswerQuestionRequest { request_id: request_id(), ..answer.clone() };
    let refused = conduct.answer_question(again).await.unwrap_err();
    assert!(!MARKS.iter().any(|mark| format!("{refused:?}").contains(mark)), "{refused:?}");
    let reused = pb::AnswerQuestionRequest { text: "MARKED ANSWER again".into(), ..answer };
    let refused = conduct.answer_question(reused).await.unwrap_err();
    assert!(!format!("{refused:?}").contains("MARKED"), "{refused:?}");

    // Whoever steals the code doesn't see what was said.
    let seen = format!("{:?}", world.follow_up(&code).await.unwrap());
    assert!(!MARKS.iter().any(|mark| seen.contains(mark)), "{seen}");

    // Opened to a named reader, on record.
    let opened = world.open(&world.inspector, &report).await.unwrap();
    let texts: Vec<_> = opened.fields.iter().map(|field| field.text.as_str()).collect();
    assert!(MARKS.iter().all(|mark| texts.contains(mark)), "{texts:?}");
    let openings = world.entries("vault.record").await;
    assert_eq!(openings[0]["data"]["reader"], "inspector-7");
    assert_eq!(openings[0]["data"]["reason"], "inspection");

    world.settled().await;
    let texts = [&MARKS[..], &["MARKED-HOLDER", "Which day was it?", &code, &code[9..]]].concat();
    let found = holding(&world.server.data, &texts);
    assert!(found.is_empty(), "{found:#?}");
    assert!(fs::read(world.server.data.join("stderr.txt")).unwrap().len() > 1_000, "the log is written");
    let metrics = metrics(&world.server.address);
    assert!(metrics.contains("liem_rpc_seconds"), "{metrics}");
    assert!(!texts.iter().any(|text| metrics.contains(text)) && !metrics.contains("FileReport"), "{metrics}");

    let erase = pb::ErasePersonalDataRequest {
        request_id: request_id(),
        report: report.clone(),
        ground: pb::ErasureGround::SubjectRequest.into(),
    };
    let erased = world.admin.conduct().erase_personal_data(erase).await.unwrap().into_inner();
    assert_eq!(erased.erased_count, 6);
    let opened = world.open(&world.inspector, &report).await.unwrap();
    assert!(opened.fields.iter().all(|field| field.erased && field.text.is_empty()), "{opened:?}");
    world.settled().await;
    assert!(holding(&world.server.data, &texts).is_empty());
    let shown = world.server.json(&["report", "show", &report]);
    assert!(shown["sealed"].as_array().unwrap().iter().all(|sealed| sealed["state"] == "erased by law"));
    let trail = world.server.liem(&["trail", &format!("report:{report}")]);
    assert!(trail.out.contains("ReportReceived (erased by law)"), "{}", trail.out);
    // The record itself stays as it was.
    let checked = world.server.json(&["log", "check"]);
    assert_eq!(checked["ok"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_anonymous_filing_leaves_no_time_and_no_address() {
    let world = world().await;
    let (_, report) = world.file(pb::NewReport { text: MARKS[2].into(), ..new_report() }).await;
    let entries = world.entries("conduct.report").await;
    let entry = entries.iter().find(|entry| entry["stream"].as_str().unwrap().contains(&report)).unwrap();
    assert_eq!(entry["data"]["source"], "anonymous");
    assert_eq!(entry["occurred"], today());
    assert_eq!(entry["actor"]["id"], "reporter");
    // Recorded as of the entry before, not as of when it came.
    let position = entry["position"].as_u64().unwrap();
    let before = world.server.json(&["log", "read", "--limit", "0"]);
    let before = before.as_array().unwrap().iter().find(|e| e["position"] == position - 1).unwrap().clone();
    assert_eq!(entry["recorded_at"], before["recorded_at"]);
    // A version 7 id says when it was made.
    assert_eq!(&entry["append_id"].as_str().unwrap()[14..15], "5");
    let text = entry.to_string();
    assert!(!text.contains("127.0.0.1") && !text.contains("MARKED"), "{text}");
    let logs = fs::read_to_string(world.server.data.join("stderr.txt")).unwrap();
    assert!(!logs.contains("FileReport"), "no line says when a report was filed");
    assert!(logs.contains("ListEntries"), "other calls are logged at this level");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn guessing_codes_is_limited() {
    let world = world().await;
    let (code, _) = world.file(new_report()).await;
    assert!(world.follow_up(&code.to_lowercase()).await.is_ok(), "letters of either size are taken");
    let (locator, secret) = code.split_once('-').unwrap();
    let length = secret.chars().filter(|c| *c != '-').count();
    assert!(length * 5 >= 80, "{length} letters of five bits each");
    let wrong = format!("{locator}-00000-00000-00000-00000");
    let mut reasons = Vec::new();
    for _ in 0..7 {
        reasons.push(reason(world.follow_up(&wrong).await));
    }
    assert_eq!(&reasons[..4], &["CODE_UNKNOWN"; 4]);
    assert_eq!(reasons.last().unwrap(), "TOO_MANY_ATTEMPTS");
    // Locked for the right one too, so that a lock tells nothing.
    assert_eq!(reason(world.follow_up(&code).await), "TOO_MANY_ATTEMPTS");
    assert_eq!(reason(world.follow_up("nonsense").await), "CODE_UNKNOWN");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nobody_reads_a_report_without_standing() {
    let world = world().await;
    let about_person = pb::NewReport { about_officials: vec!["o-17".into()], ..new_report() };
    let (_, report) = world.file(about_person).await;
    let about_itself = pb::NewReport { about_unit: String::new(), ..new_report() };
    let (_, of_itself) = world.file(about_itself).await;
    world.settled().await;
    let holder = world.token("agency", "H57", "desk");
    let other = world.token("agency", "H58", "desk");
    let accused = world.token("official", "H57", "o-17");
    let colleague = world.token("official", "H57", "o-18");
    let get = async |client: &Client, report: &str| {
        let request = pb::GetReportRequest { report: report.to_owned() };
        client.conduct().get_report(request).await
    };
    let trail = async |client: &Client, report: &str| {
        let subject = Some(Subject { role: "report".into(), id: report.to_owned() });
        client.audit().list_trail(au::ListTrailRequest { subject, ..Default::default() }).await
    };
    for client in [&holder, &colleague, &world.inspector] {
        assert!(get(client, &report).await.is_ok());
        assert!(trail(client, &report).await.is_ok());
    }
    for (client, report) in [(&other, &report), (&accused, &report), (&holder, &of_itself)] {
        assert_eq!(reason(get(client, report).await), "NO_STANDING");
        assert_eq!(reason(world.open(client, report).await), "NO_STANDING");
    }
    for (client, report) in [(&other, &report), (&holder, &of_itself), (&world.admin, &report)] {
        assert_eq!(reason(trail(client, report).await), "NO_STANDING");
    }
    for client in [&world.citizen, &world.admin] {
        assert_eq!(reason(get(client, &report).await), "ROLE_NOT_ALLOWED");
        assert_eq!(reason(world.open(client, &report).await), "ROLE_NOT_ALLOWED");
    }
    assert_eq!(reason(trail(&world.citizen, &report).await), "NO_STANDING");
    // The trails of an agency and of an official don't tell of reports to themselves.
    for (client, role, id) in [(&holder, "agency", "H57"), (&accused, "official", "o-17")] {
        let subject = Some(Subject { role: role.into(), id: id.into() });
        let answer = client.audit().list_trail(au::ListTrailRequest { subject, ..Default::default() }).await;
        let lines = answer.map(|a| a.into_inner().lines).unwrap_or_default();
        assert!(lines.iter().all(|line| !line.r#type.starts_with("conduct.")), "{lines:?}");
    }
    // Nobody learns whose reports there are from how many.
    let totals = proto::leaderboard::GetReportTotalsRequest { by: 3, ..Default::default() };
    let answer = world.citizen.leaderboard().get_report_totals(totals.clone()).await.unwrap().into_inner();
    assert!(answer.totals.is_empty(), "everyone sees those of yesterday: {answer:?}");
    let of_one = proto::leaderboard::GetReportTotalsRequest { agency: "H57".into(), ..totals };
    assert_eq!(reason(world.citizen.leaderboard().get_report_totals(of_one).await), "NO_STANDING");
    // Whoever a report concerns sees no duty of it; an agency has to know what it has to transfer.
    let duties = async |client: &Client| {
        let request = proto::obligations::ListObligationsRequest {
            at_least_position: world.admin.head().await,
            ..Default::default()
        };
        let answer = client.obligations().list_obligations(request).await.unwrap().into_inner();
        assert!(answer.obligations.iter().all(|duty| duty.position == 0 && duty.rule.is_empty()));
        answer.obligations.into_iter().map(|duty| duty.subject).collect::<Vec<_>>()
    };
    assert_eq!(duties(&accused).await, Vec::<String>::new());
    assert_eq!(duties(&colleague).await, std::slice::from_ref(&report));
    let both = duties(&holder).await;
    assert!(both.len() == 2 && both.contains(&of_itself), "{both:?}");
    assert!(duties(&other).await.is_empty());
    // Nor do they handle it, and nobody writes into it who only knows its id.
    let classify = pb::ClassifyReportRequest { command: Some(World::command(&report)), ..Default::default() };
    assert_eq!(reason(accused.conduct().classify_report(classify.clone()).await), "CONCERNS_HANDLER");
    let retaliation = pb::NewReport { retaliation_for: report.clone(), ..new_report() };
    let request = pb::FileReportRequest { request_id: request_id(), report: Some(retaliation) };
    assert_eq!(reason(world.citizen.conduct().file_report(request).await), "NO_STANDING");
    colleague.conduct().classify_report(classify).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_trail_of_a_report_shows_days_in_no_order_and_no_positions() {
    let world = world().await;
    let mut is_shuffled = false;
    let holder = world.token("agency", "H57", "desk");
    for _ in 0..6 {
        let (_, report) = world.file(new_report()).await;
        let mut client = holder.conduct();
        let command = || Some(World::command(&report));
        let evidence = pb::ClassifyReportRequest { command: command(), evidence: true, ..Default::default() };
        client.classify_report(evidence).await.unwrap();
        client.open_inquiry(pb::OpenInquiryRequest { command: command() }).await.unwrap();
        for person in ["o-1", "o-2", "o-3"] {
            let person = person.to_owned();
            client
                .add_person_concerned(pb::AddPersonConcernedRequest { command: command(), person })
                .await
                .unwrap();
        }
        let subject = Some(Subject { role: "report".into(), id: report.clone() });
        let head = world.admin.head().await;
        let request = au::ListTrailRequest {
            subject,
            at_least_position: head,
            order: proto::ledger::ListOrder::OldestFirst.into(),
            ..Default::default()
        };
        let lines = async |client: &Client, request: &au::ListTrailRequest| {
            client.audit().list_trail(request.clone()).await.unwrap().into_inner()
        };
        let exact = lines(&world.inspector, &request).await.lines;
        let seen = lines(&holder, &request).await;
        assert_eq!(seen.lines.len(), exact.len());
        for line in &seen.lines {
            assert_eq!((line.position, line.record_time, line.data.as_str()), (0, None::<Timestamp>, ""));
            let when = line.occurred.clone().unwrap().when.unwrap();
            assert!(matches!(when, proto::ledger::occurred::When::On(_)), "{when:?}");
        }
        let types = |lines: &[au::TrailLine]| lines.iter().map(|l| l.r#type.clone()).collect::<Vec<_>>();
        is_shuffled |= types(&seen.lines) != types(&exact);
        // Pages go on in the same order.
        let mut paged = Vec::new();
        let mut page = au::ListTrailRequest { page_size: 2, ..request.clone() };
        loop {
            let answer = lines(&holder, &page).await;
            paged.extend(answer.lines);
            if answer.next_page_token.is_empty() {
                break;
            }
            page.page_token = answer.next_page_token;
        }
        assert_eq!(paged, seen.lines);
    }
    assert!(is_shuffled, "six times in order by chance: once in billions");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_retried_filing_is_one_report_with_a_code_that_works() {
    let world = world().await;
    let request = pb::FileReportRequest {
        request_id: request_id(),
        report: Some(pb::NewReport { text: "the same".into(), ..new_report() }),
    };
    let mut conduct = world.citizen.conduct();
    let first = conduct.file_report(request.clone()).await.unwrap().into_inner();
    let second = conduct.file_report(request.clone()).await.unwrap().into_inner();
    assert!(second.recorded.unwrap().repeated);
    assert_eq!(world.reports().await.len(), 1);
    // Whoever repeats it never saw the first code: that one is dead.
    assert_ne!(first.follow_up_code, second.follow_up_code);
    assert_eq!(reason(world.follow_up(&first.follow_up_code).await), "CODE_UNKNOWN");
    world.follow_up(&second.follow_up_code).await.unwrap();
    let other = pb::FileReportRequest {
        report: Some(pb::NewReport { text: "something else".into(), ..new_report() }),
        ..request
    };
    assert_eq!(reason(conduct.file_report(other).await), "REQUEST_ID_REUSED");
    // A proof of filing is made when it is asked for: the leaf hash of the entry.
    let code = second.follow_up_code;
    let proof = pb::GetFilingProofRequest { follow_up_code: code.clone() };
    let proof = conduct.get_filing_proof(proof).await.unwrap().into_inner();
    assert_eq!((proof.leaf_hash.len(), proof.receive_date), (64, today()));
    // Retaliation is linked by the code, which is all that a reporter has.
    let retaliation = pb::NewReport { retaliation_for: code, ..new_report() };
    let (_, report) = world.file(retaliation).await;
    let shown = world.server.json(&["report", "show", &report]);
    let earlier = shown["retaliation_for"].as_str().unwrap().to_owned();
    let shown = world.server.json(&["report", "show", &earlier]);
    assert_eq!(shown["retaliation_reports"][0], report.as_str());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_erased_stays_erased_when_an_older_vault_is_restored() {
    let mut world = world().await;
    let (_, report) = world.file(pb::NewReport { text: MARKS[2].into(), ..new_report() }).await;
    let data = world.server.data.clone();
    let (vault, backup) = (data.join("vault/conduct"), data.join("backup"));
    assert!(world.server.terminate());
    fs::create_dir(&backup).unwrap();
    for entry in fs::read_dir(&vault).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, backup.join(path.file_name().unwrap())).unwrap();
    }
    let mut server = Server::up_in(&data);
    let ground = ["--ground", "subject_request"];
    server.json(&[&["report", "erase", &report], &ground[..]].concat());
    assert!(server.terminate());
    fs::remove_dir_all(&vault).unwrap();
    fs::rename(&backup, &vault).unwrap();
    let server = Server::up_in(&data);
    let reader = ["--reader", "inspector-7", "--reason", "inspection"];
    let opened = server.json(&[&["report", "open", &report], &reader[..]].concat());
    assert_eq!(opened[0]["state"], "erased by law");
    assert!(holding(&data, &MARKS).is_empty());
}
