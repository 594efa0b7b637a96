//! What those meet who run a ledger: health, reflection, metrics, stopping, settings, and errors that say
//! what to do.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use proto::reason_of;
use serde_json::Value;
use tests::{Answer, Client, Server, Writer, liem, prove, reason, run, wait_until};
use tonic::{Code, Request, codegen::tokio_stream};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

const SERVICES: [&str; 5] = [
    "liem.audit.v1.AuditService",
    "liem.delivery.v1.DeliveryService",
    "liem.directory.v1.DirectoryService",
    "liem.leaderboard.v1.LeaderboardService",
    "liem.ledger.v1.LedgerService",
];

/// Runs a command on a data folder, which must fail with exit code 1, print no answer, and give the advice.
fn fails(command: &mut Command, data: &Path, advice: &str) -> Answer {
    let answer = run(command.env("LIEM_DATA", data));
    assert_eq!((answer.code, answer.out.as_str()), (Some(1), ""), "{command:?}: {answer:?}");
    assert!(answer.err.contains(advice), "{command:?}: no `{advice}` in {}", answer.err);
    answer
}

#[tokio::test]
async fn health_is_told_to_anyone() {
    let server = Server::up();
    let mut health = HealthClient::new(Client::new(&server.address, "").channel());
    for service in SERVICES.into_iter().chain([""]) {
        let answer = health.check(HealthCheckRequest { service: service.into() }).await.unwrap();
        assert_eq!(answer.into_inner().status(), ServingStatus::Serving, "{service}");
    }
    let unknown = HealthCheckRequest { service: "liem.nothing.v1.NothingService".into() };
    assert_eq!(health.check(unknown).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn reflection_lists_all_services_to_those_with_a_token() {
    let server = Server::up();
    let mut reflection = ServerReflectionClient::new(Client::new(&server.address, "").channel());
    let request = || {
        let list = MessageRequest::ListServices(String::new());
        Request::new(tokio_stream::once(ServerReflectionRequest {
            host: String::new(),
            message_request: Some(list),
        }))
    };
    let refused = reflection.server_reflection_info(request()).await;
    assert_eq!(refused.as_ref().unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(reason(refused), "TOKEN_MISSING");

    let token = server.token(&["--role", "citizen"]);
    let mut request = request();
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let mut answers = reflection.server_reflection_info(request).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response;
    let Some(MessageResponse::ListServicesResponse(list)) = answer else { panic!("{answer:?}") };
    let listed: BTreeSet<_> = list.service.into_iter().map(|service| service.name).collect();
    for service in SERVICES.into_iter().chain(["grpc.health.v1.Health"]) {
        assert!(listed.contains(service), "{service} is not in {listed:?}");
    }
}

/// The page as a scraper gets it: plain HTTP/1.1, without a token.
fn metrics(server: &Server) -> String {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.address).unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
    page
}

#[tokio::test]
async fn metrics_tell_of_appends_batches_and_views() {
    let server = Server::up();
    let token = server.token(&["--role", "service", "--service", "delivery"]);
    let (client, mut writer) = (Client::new(&server.address, &token), Writer::new("metrics", 1));
    for _ in 0..20 {
        writer.write(&client).await.unwrap();
    }
    let figure = |name: &str| -> Option<f64> {
        let page = metrics(&server);
        page.lines().find_map(|line| line.strip_prefix(&format!("{name} "))?.parse().ok())
    };
    let entries = f64::from(u32::try_from(writer.recorded()).unwrap());
    for view in ["audit", "leaderboard"] {
        wait_until(&format!("the view {view} has caught up"), || {
            figure(&format!("liem_view_position{{view=\"{view}\",generation=\"1\"}}")) == Some(1.0 + entries)
        });
        assert_eq!(figure(&format!("liem_view_lag_entries{{view=\"{view}\",generation=\"1\"}}")), Some(0.0));
    }
    // The entry that opens the log may come before the counting starts.
    assert!(figure("liem_log_append_seconds_count").unwrap() >= 20.0);
    assert!(figure("liem_log_append_seconds_sum").unwrap() > 0.0);
    assert!(figure("liem_log_batch_entries_sum").unwrap() >= entries);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_told_to_stop_ends_well_and_keeps_what_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::up_in(folder.path());
    let token = server.token(&["--role", "service", "--service", "delivery"]);
    let answered = Arc::new(AtomicU64::new(0));
    let mut writing = Vec::new();
    for w in 0..50 {
        let (client, answered) = (Client::new(&server.address, &token), answered.clone());
        let mut writer = Writer::new(&format!("w{w}"), w);
        writing.push(tokio::spawn(async move {
            let status = writer
                .write_until_failure(&client, || {
                    answered.fetch_add(1, SeqCst);
                })
                .await;
            (writer, status)
        }));
    }
    wait_until("50 clients append", || answered.load(SeqCst) > 500);
    assert!(server.terminate(), "the server did not end well");

    let mut writers = Vec::new();
    for writer in writing {
        let (writer, status) = writer.await.unwrap();
        let reason = reason_of(&status);
        assert!(reason.as_deref().is_none_or(|reason| reason == "LOG_UNAVAILABLE"), "{status:?}");
        writers.push(writer);
    }
    // The database file is all there is: what a copy of it would miss is nothing.
    let ahead = fs::metadata(folder.path().join("log.db-wal")).map_or(0, |file| file.len());
    assert_eq!(ahead, 0, "the write-ahead log was not folded back");
    server = Server::up_in(folder.path());
    let head = prove(&Client::new(&server.address, &token), &writers).await;
    assert!(head > 500);
    assert_eq!(server.json(&["log", "check"])["ok"], true);
}

#[test]
fn a_data_folder_has_one_ledger_and_a_port_one_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::up();
    let second = ["up", "--listen", "127.0.0.1:0"];
    fails(&mut liem(&second), &server.data, "another process writes to");
    fails(&mut liem(&["up", "--listen", &server.address]), folder.path(), "choose one with --listen");
    // The first one still serves, and commands still find it.
    assert_eq!(server.json(&["log", "head"])["position"], 1);
}

#[test]
fn servers_listen_on_this_machine_only_unless_told_otherwise() {
    for command in ["up", "serve"] {
        let help = run(&mut liem(&[command, "--help"]));
        let default = help.out.lines().find(|line| line.contains("Address to listen on")).unwrap();
        assert!(default.contains("[default: 127.0.0.1:7420"), "{default}");
    }
}

#[test]
fn a_flag_counts_over_the_environment_and_that_over_the_file() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (taken, free) = (taken.local_addr().unwrap().to_string(), "127.0.0.1:0");
    let up = |file: &str, environment: &[(&str, &str)], flags: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("liem.toml"), file).unwrap();
        let mut command = liem(&[&["up"], flags].concat());
        command.envs(environment.iter().copied());
        (folder, command)
    };
    let origin = |(folder, command)| {
        let folder: tempfile::TempDir = folder;
        Server::spawn(folder.path(), command).json(&["log", "head"])["origin"].clone()
    };
    let file = format!("listen = \"{free}\"\norigin = \"a\"\n");
    assert_eq!(origin(up(&format!("listen = \"{free}\""), &[], &[])), "liem.local");
    assert_eq!(origin(up(&file, &[], &[])), "a");
    assert_eq!(origin(up(&file, &[("LIEM_ORIGIN", "b")], &[])), "b");
    assert_eq!(origin(up(&file, &[("LIEM_ORIGIN", "b")], &["--origin", "c"])), "c");

    let file = format!("listen = \"{taken}\"\n");
    let refused = format!("can't listen on {taken}");
    let (folder, mut command) = up(&file, &[], &[]);
    fails(&mut command, folder.path(), &refused);
    origin(up(&file, &[("LIEM_LISTEN", free)], &[]));
    let (folder, mut command) = up(&file, &[("LIEM_LISTEN", &taken)], &[]);
    fails(&mut command, folder.path(), &refused);
    origin(up(&file, &[("LIEM_LISTEN", &taken)], &["--listen", free]));
    let (folder, mut command) = up("listen = 7420", &[], &[]);
    fails(&mut command, folder.path(), "in the settings file");
}

#[test]
fn reading_without_a_server_says_what_to_do() {
    let reading: [&[&str]; 7] = [
        &["log", "head"],
        &["log", "read"],
        &["board"],
        &["board", "explain", "H57", "open"],
        &["trail", "agency:H57"],
        &["case", "show", "k-1"],
        &["view", "audit"],
    ];
    let each = |data: &Path, advice: &str| {
        for question in reading {
            fails(&mut liem(question), data, advice);
            fails(&mut liem(&[question, &["--json"]].concat()), data, advice);
        }
    };
    let folder = tempfile::tempdir().unwrap();
    each(folder.path(), "give one with --token, or --data with the folder of a running ledger");
    fails(&mut liem(&["log", "check"]), folder.path(), "name the folder with --data");

    let mut server = Server::up_in(folder.path());
    assert_eq!(server.liem(&["log", "head"]).code, Some(0));
    assert_eq!(server.liem(&["log", "no-such-command"]).code, Some(2));
    assert!(server.terminate());
    each(folder.path(), "start one with `liem up`");

    // Killed, it leaves its address behind.
    server = Server::up_in(folder.path());
    server.kill();
    each(folder.path(), "is it running (`liem up`)");
    let check = server.json(&["log", "check"]);
    assert_eq!((&check["ok"], &check["checked"]), (&true.into(), &1.into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_byte_changed_by_hand_is_found_with_and_without_a_server() {
    const POSITION: u64 = 7;
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::up_in(folder.path());
    let token = server.token(&["--role", "service", "--service", "delivery"]);
    let (client, mut writer) = (Client::new(&server.address, &token), Writer::new("change", 1));
    while writer.head() < POSITION {
        writer.write(&client).await.unwrap();
    }
    assert!(server.terminate());
    let check = server.json(&["log", "check"]);
    assert_eq!((&check["ok"], &check["checked"]), (&true.into(), &writer.head().into()));

    let file = folder.path().join("log.db");
    let mut bytes = fs::read(&file).unwrap();
    let text = format!("\"position\":{POSITION},\"stream\":\"delivery.case/");
    let places: Vec<_> =
        bytes.windows(text.len()).enumerate().filter(|(_, part)| *part == text.as_bytes()).collect();
    let [(place, _)] = places[..] else { panic!("entry {POSITION} stands in the file once: {places:?}") };
    let last = place + text.len() - 2;
    assert_eq!(bytes[last], b'e');
    bytes[last] = b'a';
    fs::write(&file, bytes).unwrap();

    let finds = |server: &Server| {
        let answer = server.liem(&["log", "check", "--json"]);
        assert_eq!(answer.code, Some(1), "{answer:?}");
        let found: Value = serde_json::from_str(&answer.out).unwrap();
        assert_eq!((&found["ok"], &found["checked"]), (&false.into(), &writer.head().into()));
        let faults = found["faults"].as_array().unwrap();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0]["position"], POSITION);
        assert_eq!(faults[0]["description"], "column `stream` is not what the bytes say");
        let answer = server.liem(&["log", "check"]);
        assert_eq!(answer.code, Some(1), "{answer:?}");
        assert!(answer.out.contains("the log is damaged"), "{answer:?}");
    };
    finds(&server);
    finds(&Server::up_in(folder.path()));
}
