//! Who is calling, and what they may do: without a token of this ledger nothing, with one what the table of
//! access says, and within that what the caller has standing for.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use identity::{Caller, Claims, Role, SigningKey, access};
use proto::{
    audit::{ListTrailRequest, ListTrailResponse},
    delivery::{Command, ReceiveCaseRequest},
    directory::ListAgenciesRequest,
    ledger::{
        self, AppendEventsRequest, Expected, NewEvent, Occurred, Subject, expected::Revision, occurred::When,
    },
    reason_of,
};
use tests::{Act, Client, Server, command, instant, liem, reason, request_id, when};
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::http::uri::PathAndQuery,
};

/// Sends an empty message, and looks at no answer's content: enough to see who is let in.
#[derive(Clone, Copy)]
struct Empty;

impl Codec for Empty {
    type Encode = ();
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Empty {
    type Item = ();
    type Error = Status;

    fn encode(&mut self, (): (), _: &mut EncodeBuf<'_>) -> Result<(), Status> {
        Ok(())
    }
}

impl Decoder for Empty {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, _: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        Ok(Some(()))
    }
}

/// Calls any RPC with an empty message, and with what stands for the caller.
async fn call(client: &Client, path: &'static str, authorization: Option<&str>) -> Result<(), Status> {
    let mut grpc = Grpc::new(client.channel());
    grpc.ready().await.unwrap();
    let mut request = Request::new(());
    if let Some(authorization) = authorization {
        request.metadata_mut().insert("authorization", authorization.parse().unwrap());
    }
    grpc.server_streaming(request, PathAndQuery::from_static(path), Empty).await.map(drop)
}

const LIST: &str = "/liem.directory.v1.DirectoryService/ListAgencies";

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// A token of every role, for an agency where the role needs one.
fn tokens(server: &Server) -> Vec<(Role, String)> {
    let token = |role: Role| {
        let more: &[&str] = match role {
            Role::Agency | Role::Official => &["--agency", "H57.1"],
            Role::Service => &["--service", "delivery"],
            Role::Inspector | Role::Administrator | Role::Citizen => &[],
        };
        server.token(&[&["--role", role.as_str()], more].concat())
    };
    Role::ALL.into_iter().map(|role| (role, token(role))).collect()
}

#[tokio::test]
async fn only_a_good_token_of_this_ledger_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("server.log");
    let mut up = liem(&["up", "--listen", "127.0.0.1:0"]);
    up.env("RUST_LOG", "debug").stderr(File::create(&log).unwrap());
    let server = Server::spawn(folder.path(), up);
    let client = Client::new(&server.address, "");
    let good = server.token(&["--role", "citizen"]);
    call(&client, LIST, Some(&bearer(&good))).await.unwrap();

    let key = SigningKey::open(&folder.path().join("keys/private.pem")).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let pem = |name: &str| elsewhere.path().join(name);
    let forger = SigningKey::open_or_make(&pem("private.pem"), &pem("public.pem")).unwrap();
    let claims = |iat| {
        let caller = Caller { id: "somebody".into(), role: Role::Administrator, agency: None };
        Claims::new(caller, iat, 3_000_000_000)
    };
    let administrator = key.sign(&claims(1_700_000_000)).unwrap();
    call(&client, LIST, Some(&bearer(&administrator))).await.unwrap();
    let forged = forger.sign(&claims(1_700_000_000)).unwrap();
    let expired = key.sign(&Claims { exp: 1_700_000_060, ..claims(1_700_000_000) }).unwrap();
    let for_others = key.sign(&Claims { aud: "somebody-else".into(), ..claims(1_700_000_000) }).unwrap();
    let part = |token: &str, index: usize| token.split('.').nth(index).unwrap().to_owned();
    // A citizen who puts an administrator's claims into a token; one that asks for no signature, or for one
    // by a shared secret: the headers are {"alg":"none"} and {"alg":"HS256"}.
    let raised = format!("{}.{}.{}", part(&good, 0), part(&administrator, 1), part(&good, 2));
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", part(&administrator, 1));
    let secret = format!("eyJhbGciOiJIUzI1NiJ9.{}.{}", part(&administrator, 1), part(&administrator, 2));
    let cut = &good[..good.len() - 4];
    for (authorization, expected) in [
        (None, "TOKEN_MISSING"),
        (Some("Basic Y2l0aXplbjpjaXRpemVu".to_owned()), "TOKEN_MISSING"),
        (Some(bearer("")), "TOKEN_INVALID"),
        (Some(bearer("garbage")), "TOKEN_INVALID"),
        (Some(bearer("not.a.token")), "TOKEN_INVALID"),
        (Some(bearer(&forged)), "TOKEN_INVALID"),
        (Some(bearer(&for_others)), "TOKEN_INVALID"),
        (Some(bearer(&raised)), "TOKEN_INVALID"),
        (Some(bearer(&unsigned)), "TOKEN_INVALID"),
        (Some(bearer(&secret)), "TOKEN_INVALID"),
        (Some(bearer(cut)), "TOKEN_INVALID"),
        (Some(bearer(&expired)), "TOKEN_EXPIRED"),
    ] {
        let status = call(&client, LIST, authorization.as_deref()).await.unwrap_err();
        let sent = authorization.unwrap_or_default();
        assert_eq!(reason_of(&status).as_deref(), Some(expected), "{sent}: {status:?}");
        assert_eq!(status.code(), Code::Unauthenticated, "{sent}");
        let shown = format!("{status:?}");
        let secrets =
            sent.strip_prefix("Bearer ").unwrap_or_default().split('.').filter(|part| part.len() > 20);
        assert!(secrets.into_iter().all(|part| !shown.contains(part)), "{shown}");
    }

    // A token that was good, and taken before, until it runs out.
    let short = bearer(&server.token(&["--role", "citizen", "--valid-for", "1s"]));
    let since = Instant::now();
    let status = loop {
        match call(&client, LIST, Some(&short)).await {
            Ok(()) => assert!(since.elapsed() < Duration::from_secs(20), "the token never runs out"),
            Err(status) => break status,
        }
    };
    assert_eq!(reason_of(&status).as_deref(), Some("TOKEN_EXPIRED"));
    // The command line says so too, and what to do.
    let answer = server.liem(&["log", "head", "--token", &expired]);
    assert!(
        !answer.success && answer.err.contains("TOKEN_EXPIRED") && answer.err.contains("ask for a new one")
    );
    assert!(!answer.err.contains(&part(&expired, 2)), "{}", answer.err);

    // Neither the metrics, which need no token, nor the logs hold a token or a key.
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: liem\r\nconnection: close\r\n\r\n").unwrap();
    let mut metrics = String::new();
    stream.read_to_string(&mut metrics).unwrap();
    assert!(metrics.contains("liem_rpc_seconds") && metrics.contains("Unauthenticated"), "{metrics}");
    let logs = std::fs::read_to_string(&log).unwrap();
    assert!(logs.contains("ListAgencies"), "{logs}");
    for token in [&good, &administrator, &forged, &expired] {
        for index in 1..3 {
            assert!(!metrics.contains(&part(token, index)), "the metrics hold a token");
            assert!(!logs.contains(&part(token, index)), "the logs hold a token");
        }
    }
}

#[tokio::test]
async fn every_rpc_is_for_the_roles_of_its_row() {
    let server = Server::up();
    let client = Client::new(&server.address, "");
    let tokens = tokens(&server);
    let inspector = Client::new(&server.address, &server.token(&["--role", "inspector"]));
    let head = inspector.head().await;
    let denied = ["TOKEN_MISSING", "TOKEN_INVALID", "TOKEN_EXPIRED", "ROLE_NOT_ALLOWED", "RPC_UNKNOWN"];
    for (path, roles) in access::TABLE {
        let status = call(&client, path, None).await.unwrap_err();
        let told = reason_of(&status);
        assert_eq!(
            (status.code(), told.as_deref()),
            (Code::Unauthenticated, Some("TOKEN_MISSING")),
            "{path}"
        );
        for (role, token) in &tokens {
            let answer = call(&client, path, Some(&bearer(token))).await;
            let told = answer.as_ref().err().and_then(reason_of);
            if roles.contains(role) {
                let is_denied = told.is_some_and(|reason| denied.contains(&reason.as_str()));
                assert!(!is_denied, "{path} lets {role:?} in: {answer:?}");
            } else {
                let code = answer.err().map(|status| status.code());
                assert_eq!(code, Some(Code::PermissionDenied), "{path} for {role:?}");
                assert_eq!(told.as_deref(), Some("ROLE_NOT_ALLOWED"), "{path} for {role:?}");
            }
        }
    }
    let unknown = "/liem.ledger.v1.LedgerService/DeleteEntries";
    assert_eq!(reason(call(&client, unknown, None).await), "TOKEN_MISSING");
    assert_eq!(reason(call(&client, unknown, Some(&bearer(&tokens[0].1))).await), "RPC_UNKNOWN");
    // Health needs no token; nothing that was sent was recorded.
    call(&client, "/grpc.health.v1.Health/Check", None).await.unwrap();
    assert_eq!(inspector.head().await, head);
}

/// A case of an agency, handled by two officials: one says so with his own token, one through the agency.
async fn world() -> (Server, Client, String) {
    let server = Server::up();
    let admin = Client::new(&server.address, &server.token(&["--role", "administrator"]));
    admin.open("H57.1", &["land-desk"]).await;
    admin.open("H57.2", &[]).await;
    admin.define_step("Check").await;
    let case = admin.receive("H57.1", "2025-04-23T15:04:05+07:00", ReceiveCaseRequest::default()).await;
    let official = ["--role", "official", "--agency", "H57.1", "--holder", "o-17"];
    let official = Client::new(&server.address, &server.token(&official));
    let at = |at| Command { official: "o-17".into(), ..command(&case, at) };
    official.act(at("2025-04-24T01:02:03.000004Z"), Act::Accept).await.unwrap();
    admin.act(at("2025-04-24T23:30:00+07:00"), Act::Step("Check", "land-desk")).await.unwrap();
    (server, admin, case)
}

#[tokio::test]
async fn callers_act_for_themselves_only() {
    let (server, admin, case) = world().await;
    let client = |arguments: &[&str]| Client::new(&server.address, &server.token(arguments));
    let land = client(&["--role", "agency", "--agency", "H57.1"]);
    let head = admin.head().await;
    let other = Command { agency: "H57.2".into(), ..command(&case, "2025-04-25") };
    assert_eq!(reason(land.act(other.clone(), Act::Decide).await), "NO_STANDING");
    let receive = |command, source_code: &str| ReceiveCaseRequest {
        command: Some(command),
        source_code: source_code.into(),
        ..ReceiveCaseRequest::default()
    };
    let other = receive(Command { case: String::new(), ..other }, "");
    assert_eq!(reason(land.delivery().receive_case(other).await), "NO_STANDING");
    let own_code = receive(command("", "2025-04-25"), "a code of ours");
    assert_eq!(reason(land.delivery().receive_case(own_code).await), "NO_STANDING");

    // A token that names no agency acts for none, though its role acts for agencies.
    let key = SigningKey::open(&server.data.join("keys/private.pem")).unwrap();
    let nobody = Caller { id: "nobody".into(), role: Role::Agency, agency: None };
    let nobody =
        Client::new(&server.address, &key.sign(&Claims::new(nobody, 1_700_000_000, 3_000_000_000)).unwrap());
    assert_eq!(reason(nobody.act(command(&case, "2025-04-25"), Act::Decide).await), "NO_STANDING");
    assert!(!server.liem(&["token", "issue", "--role", "agency"]).success);

    // A service appends to what it owns, and to nothing else; it is who its token says.
    let append = |stream: &str| AppendEventsRequest {
        request_id: request_id(),
        stream: stream.into(),
        expected: Some(Expected { revision: Some(Revision::Any(true)) }),
        events: vec![NewEvent {
            r#type: "delivery.CaseAccepted.v1".into(),
            occurred: when("2025-04-25"),
            data: br#"{"by":{"agency":"H57.1"}}"#.to_vec().into(),
            ..NewEvent::default()
        }],
        actor: Some(ledger::Actor { id: "delivery".into(), role: "service".into(), agency: String::new() }),
        command_digest: vec![0; 32].into(),
        ..AppendEventsRequest::default()
    };
    for (service, stream) in [
        ("directory", "delivery.case/x"),
        ("audit", "delivery.case/x"),
        ("leaderboard", "leaderboard.board/x"),
        ("delivery", "directory.agency/H57.9"),
        ("delivery", "ledger.log/main"),
    ] {
        let service = client(&["--role", "service", "--service", service]);
        assert_eq!(
            reason(service.ledger().append_events(append(stream)).await),
            "CATEGORY_NOT_OWNED",
            "{stream}"
        );
    }
    assert_eq!(admin.head().await, head);
}

async fn trail(client: &Client, role: &str, id: &str, at_least: u64) -> Result<ListTrailResponse, Status> {
    let subject = Some(Subject { role: role.into(), id: id.into() });
    let request = ListTrailRequest { subject, at_least_position: at_least, ..ListTrailRequest::default() };
    client.audit().list_trail(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn a_trail_shows_what_the_caller_has_standing_for() {
    let (server, admin, case) = world().await;
    let client = |arguments: &[&str]| Client::new(&server.address, &server.token(arguments));
    let head = admin.head().await;
    let inspector = client(&["--role", "inspector"]);
    let own = client(&["--role", "official", "--agency", "H57.1", "--holder", "o-17"]);
    let colleague = client(&["--role", "official", "--agency", "H57.1", "--holder", "o-18"]);
    let land = client(&["--role", "agency", "--agency", "H57.1"]);
    let building = client(&["--role", "agency", "--agency", "H57.2"]);
    let citizen = client(&["--role", "citizen"]);

    // Inspectors: to the microsecond, with positions.
    let seen = trail(&inspector, "official", "o-17", head).await.unwrap().lines;
    let [step, accepted] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!((step.position, accepted.position), (head, head - 1));
    assert_eq!(accepted.occurred, when("2025-04-24T01:02:03.000004Z"));
    assert_eq!((accepted.actor.as_str(), accepted.actor_role.as_str()), ("o-17", "official"));
    assert_eq!((step.actor.as_str(), step.on_behalf_of.as_str()), ("administrator", "o-17"));
    assert!(
        step.record_time.unwrap().seconds > instant("2025-04-24T16:30:00Z").seconds
            && step.data.contains("land-desk")
    );

    // The official: the day. 23:30 in Vietnam is that day, though 01:02 UTC and 16:30 UTC are the same one.
    let seen = trail(&own, "official", "o-17", head).await.unwrap().lines;
    assert_eq!(seen.len(), 2);
    for line in &seen {
        assert_eq!((line.occurred.clone(), line.position), (when("2025-04-24"), 0));
        assert_eq!((line.record_time, line.record_date.len()), (None, 10));
    }
    // Nobody else, whatever their role.
    for client in [&colleague, &land, &building, &admin, &citizen] {
        assert_eq!(reason(trail(client, "official", "o-17", head).await), "NO_STANDING");
    }

    // Agencies: their own; citizens: a case, without a person in it.
    assert_eq!(trail(&land, "agency", "H57.1", head).await.unwrap().total_count, 5);
    assert_eq!(reason(trail(&building, "agency", "H57.1", head).await), "NO_STANDING");
    for (role, id) in [("agency", "H57.1"), ("unit", "land-desk"), ("step", "Check"), ("official", "o-17")] {
        assert_eq!(reason(trail(&citizen, role, id, head).await), "NO_STANDING");
    }
    let seen = trail(&citizen, "case", &case, head).await.unwrap();
    assert_eq!((seen.lines.len(), seen.total_count), (3, 3));
    for line in &seen.lines {
        let Some(Occurred { when: Some(When::On(_)) }) = &line.occurred else { panic!("{line:?}") };
        assert_eq!((line.record_time, line.position, line.data.as_str()), (None, 0, ""));
        assert!(!format!("{line:?}").contains("o-17"), "{line:?}");
    }
    let case = citizen.case(&case).await;
    assert_eq!(case.assignee, "");
    let agencies = citizen.directory().list_agencies(ListAgenciesRequest::default()).await.unwrap();
    assert_eq!(agencies.into_inner().agencies.len(), 2);

    // A narrower question than the answer would be an answer: what happened between two instants of a day is
    // told to inspectors only.
    let between = |from: &str, until: &str| ListTrailRequest {
        subject: Some(Subject { role: "case".into(), id: case.code.clone() }),
        occurred_from: Some(instant(from)),
        occurred_until: Some(instant(until)),
        ..ListTrailRequest::default()
    };
    let narrow = || between("2025-04-24T02:00:00Z", "2025-04-24T16:00:00Z");
    let lines = async |client: &Client, request| {
        client.audit().list_trail(request).await.unwrap().into_inner().lines.len()
    };
    assert_eq!(lines(&inspector, narrow()).await, 0);
    assert_eq!(lines(&citizen, narrow()).await, 2, "the whole day");
    assert_eq!(lines(&land, between("2025-04-24T17:00:00Z", "2025-04-25T16:00:00Z")).await, 0, "another day");
    // Nor as of which position, which would tell where each line stands.
    let as_of = || ListTrailRequest {
        as_of_position: head,
        ..between("2025-04-23T17:00:00Z", "2025-04-24T17:00:00Z")
    };
    assert_eq!(lines(&inspector, as_of()).await, 2);
    for client in [&citizen, &land, &own, &admin] {
        assert_eq!(reason(client.audit().list_trail(as_of()).await), "NO_STANDING");
    }
}
