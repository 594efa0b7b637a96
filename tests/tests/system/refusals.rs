//! Bad input: each has its own reason, and leaves the log as it was.

use proto::{
    audit::ListTrailRequest,
    delivery::{
        self as pb, Command, CorrectCaseRequest, ReceiveCaseRequest, ReopenCaseRequest,
        correct_case_request::Correction,
    },
    directory as dir,
    leaderboard::{BoardQuery, ExplainFigureRequest, Figure, GetBoardRequest},
    ledger::{self, AppendEventsRequest, Expected, NewEvent, Subject, expected::Revision},
    reason_of,
};
use tests::{Act, Client, Server, command, instant, request_id, when};
use tonic::Status;

pub(super) const LAND: &str = "H57.1";
pub(super) const BUILDING: &str = "H57.2";
/// Its terms since 2025: 10 working days by law, 7 as promised.
pub(super) const PROCEDURE: &str = "1.000001";

pub(super) struct World {
    pub(super) server: Server,
    pub(super) admin: Client,
}

impl World {
    pub(super) async fn new() -> Self {
        Self::of(Server::up()).await
    }

    pub(super) async fn of(server: Server) -> Self {
        let admin = Client::new(&server.address, &server.token(&["--role", "administrator"]));
        admin.open(LAND, &["land-desk", "land-files"]).await;
        admin.open(BUILDING, &["building-desk"]).await;
        admin.open("H57.3", &["third-desk"]).await;
        admin.define(PROCEDURE, "2025-01-01", 10, 7).await;
        admin.define_step("Check").await;
        Self { server, admin }
    }

    pub(super) fn client(&self, arguments: &[&str]) -> Client {
        Client::new(&self.server.address, &self.server.token(arguments))
    }

    /// The call fails for the reason, tells people what to do, and leaves the log as it was.
    pub(super) async fn refused<T>(&self, expected: &str, call: impl Future<Output = Result<T, Status>>) {
        let head = self.admin.head().await;
        let status = call.await.err().unwrap_or_else(|| panic!("{expected}: the call should fail"));
        assert_eq!(reason_of(&status).as_deref(), Some(expected), "{status:?}");
        assert!(status.message().len() > 15, "{expected}: {}", status.message());
        assert_eq!(self.admin.head().await, head, "{expected} changed the log");
    }

    /// A case of the land agency to which these things happened, a day after the other.
    pub(super) async fn case(&self, acts: &[Act<'_>]) -> String {
        let request = ReceiveCaseRequest { procedure: PROCEDURE.into(), ..ReceiveCaseRequest::default() };
        let code = self.admin.receive(LAND, "2025-04-23", request).await;
        for (day, act) in (24..).zip(acts) {
            self.admin.act(command(&code, &format!("2025-04-{day}")), *act).await.unwrap();
        }
        code
    }
}

/// A request to receive a case.
pub(super) fn receive(agency: &str, case: &str, at: &str) -> ReceiveCaseRequest {
    let command = Command { agency: agency.to_owned(), ..command(case, at) };
    ReceiveCaseRequest { command: Some(command), ..ReceiveCaseRequest::default() }
}

#[tokio::test]
async fn what_the_state_of_a_case_forbids_is_refused() {
    use Act::{
        Accept, Apologise, AskSupplement, Assign, Decide, HandOver, Rate, Refuse, Resume, Return, Step,
        Suspend, TakeSupplement, TakeUp, Withdraw,
    };
    let world = World::new().await;
    let received = &world.case(&[]).await;
    let accepted = &world.case(&[Accept]).await;
    let asked = &world.case(&[AskSupplement]).await;
    let suspended = &world.case(&[Accept, Suspend]).await;
    let handed = &world.case(&[HandOver(BUILDING)]).await;
    let decided = &world.case(&[Decide]).await;
    let turned_away = &world.case(&[Refuse]).await;
    let withdrawn = &world.case(&[Withdraw]).await;
    let finished = &world.case(&[Decide, Return, Rate(4)]).await;
    let unpromised = &world.admin.receive(LAND, "2025-04-23", ReceiveCaseRequest::default()).await;
    let unknown = &"H57.1-250423-9999".to_owned();

    let closing = [
        Accept,
        Refuse,
        AskSupplement,
        TakeSupplement,
        Assign("land-desk", ""),
        HandOver(BUILDING),
        TakeUp("building-desk"),
        Suspend,
        Resume,
        Apologise("2025-06-02"),
        Decide,
        Withdraw,
    ];
    for closed in [decided, turned_away, withdrawn, finished] {
        for act in closing {
            world.refused("CASE_CLOSED", world.admin.act(command(closed, "2025-05-05"), act)).await;
        }
    }
    for act in closing.into_iter().chain([Step("Check", ""), Return, Rate(3)]) {
        world.refused("CASE_UNKNOWN", world.admin.act(command(unknown, "2025-05-05"), act)).await;
    }
    let table = [
        (received, Return, "CASE_NOT_DECIDED"),
        (received, Rate(3), "CASE_NOT_CLOSED"),
        (received, TakeSupplement, "SUPPLEMENT_NOT_REQUESTED"),
        (received, Resume, "CASE_NOT_SUSPENDED"),
        (received, TakeUp(""), "NOT_HANDED_OVER"),
        (received, HandOver(LAND), "HANDED_TO_ITSELF"),
        (received, HandOver("H57.9"), "AGENCY_UNKNOWN"),
        (received, HandOver("Sở Xây dựng"), "FIELD_INVALID"),
        (received, Assign("nobody's desk", ""), "UNIT_UNKNOWN"),
        (received, Assign("building-desk", ""), "UNIT_OF_OTHER_AGENCY"),
        (received, Assign("land-desk", "Nguyễn Văn A"), "FIELD_INVALID"),
        (received, Step("Called the applicant, who was not at home", ""), "STEP_UNKNOWN"),
        (received, Step("", ""), "FIELD_INVALID"),
        (received, Step("Check", "nobody's desk"), "UNIT_UNKNOWN"),
        // Promised for 2025-05-06.
        (received, Apologise("2025-05-06"), "NEW_DATE_NOT_LATER"),
        (received, Apologise("07/05/2025"), "FIELD_INVALID"),
        (received, Apologise("2300-01-01"), "DATE_OUT_OF_RANGE"),
        (unpromised, Apologise("2025-05-07"), "NO_PROMISE"),
        (accepted, Accept, "CASE_ALREADY_ACCEPTED"),
        (accepted, Refuse, "CASE_ALREADY_ACCEPTED"),
        (asked, Accept, "CASE_PAUSED"),
        (asked, AskSupplement, "CASE_PAUSED"),
        (asked, Suspend, "CASE_PAUSED"),
        (asked, Decide, "CASE_PAUSED"),
        (asked, Resume, "CASE_NOT_SUSPENDED"),
        (suspended, Decide, "CASE_PAUSED"),
        (suspended, TakeSupplement, "SUPPLEMENT_NOT_REQUESTED"),
        (handed, HandOver("H57.3"), "HAND_OVER_PENDING"),
        (handed, Decide, "HAND_OVER_PENDING"),
        (handed, TakeUp("land-desk"), "UNIT_OF_OTHER_AGENCY"),
        (decided, Rate(0), "RATING_OUT_OF_RANGE"),
        (decided, Rate(6), "RATING_OUT_OF_RANGE"),
        (decided, Rate(-1), "RATING_OUT_OF_RANGE"),
        (turned_away, Return, "CASE_NOT_DECIDED"),
        (withdrawn, Return, "CASE_NOT_DECIDED"),
        (finished, Return, "RESULT_ALREADY_RETURNED"),
        (finished, Rate(5), "CASE_ALREADY_RATED"),
    ];
    for (case, act, expected) in table {
        world.refused(expected, world.admin.act(command(case, "2025-05-05"), act)).await;
    }

    // The same rules, for those who act for one agency.
    let third = world.client(&["--role", "agency", "--agency", "H57.3"]);
    for (act, expected) in [(TakeUp(""), "HANDED_TO_ANOTHER"), (Accept, "HOLDER_MISMATCH")] {
        world.refused(expected, third.act(command(handed, "2025-05-05"), act)).await;
    }
    let land = world.client(&["--role", "agency", "--agency", LAND]);
    let undecided = pb::DecideCaseRequest { command: Some(command(accepted, "2025-05-05")), outcome: 0 };
    world.refused("FIELD_INVALID", land.delivery().decide_case(undecided)).await;

    let reopen =
        |case: &str| ReopenCaseRequest { command: Some(command(case, "2025-05-05")), due_time: None };
    world.refused("CASE_NOT_CLOSED", land.delivery().reopen_case(reopen(received))).await;
    world.refused("CASE_UNKNOWN", land.delivery().reopen_case(reopen(unknown))).await;
    let early = ReopenCaseRequest { due_time: Some(instant("2025-05-04T00:00:00Z")), ..reopen(decided) };
    world.refused("DUE_BEFORE_RECEIPT", land.delivery().reopen_case(early)).await;

    let correct = |case: &str, correction| CorrectCaseRequest {
        command: Some(command(case, "2025-05-05")),
        reason: 1,
        correction,
    };
    let early = Some(instant("2025-04-22T00:00:00Z"));
    for (request, expected) in [
        (correct(received, None), "FIELD_INVALID"),
        (correct(received, when("2025-04-23").map(Correction::ReceiveOccurred)), "CORRECTION_UNCHANGED"),
        (correct(received, when("2199-04-23").map(Correction::ReceiveOccurred)), "OCCURRED_IN_FUTURE"),
        (correct(received, when("2025-04-23").map(Correction::CloseOccurred)), "CASE_NOT_CLOSED"),
        (correct(received, Some(Correction::Procedure("9.999999".into()))), "PROCEDURE_UNKNOWN"),
        (correct(received, early.map(Correction::DueTime)), "DUE_BEFORE_RECEIPT"),
        (correct(received, Some(Correction::Channel(0))), "FIELD_INVALID"),
        (CorrectCaseRequest { reason: 0, ..correct(received, None) }, "FIELD_INVALID"),
        (correct(unknown, Some(Correction::Channel(1))), "CASE_UNKNOWN"),
    ] {
        world.refused(expected, land.delivery().correct_case(request)).await;
    }
    assert_eq!(world.server.json(&["log", "check"])["ok"], true);
}

#[tokio::test]
async fn what_is_malformed_is_refused() {
    let world = World::new().await;
    let admin = &world.admin;
    let case = world.case(&[]).await;
    let good = || command(&case, "2025-04-24");
    for (bad, expected) in [
        (Command { request_id: String::new(), ..good() }, "FIELD_INVALID"),
        (Command { request_id: "7".into(), ..good() }, "FIELD_INVALID"),
        (Command { occurred: None, ..good() }, "FIELD_INVALID"),
        (Command { occurred: when("24.04.2025"), ..good() }, "FIELD_INVALID"),
        (Command { occurred: when("2199-01-01"), ..good() }, "OCCURRED_IN_FUTURE"),
        (Command { occurred: when("1899-12-31"), ..good() }, "DATE_OUT_OF_RANGE"),
        (Command { official: "Nguyễn Văn A".into(), ..good() }, "FIELD_INVALID"),
        (Command { official: "Nguyen Van A".into(), ..good() }, "FIELD_INVALID"),
        (Command { agency: "Sở Tài nguyên".into(), ..good() }, "FIELD_INVALID"),
        (Command { agency: BUILDING.into(), ..good() }, "HOLDER_MISMATCH"),
        (Command { case: String::new(), ..good() }, "FIELD_INVALID"),
        (Command { case: "a\nb".into(), ..good() }, "STREAM_NAME_MALFORMED"),
        (Command { case: "x".repeat(300), ..good() }, "STREAM_NAME_MALFORMED"),
    ] {
        world.refused(expected, admin.act(bad, Act::Accept)).await;
    }
    world
        .refused("FIELD_INVALID", admin.delivery().accept_case(pb::AcceptCaseRequest { command: None }))
        .await;
    let unreasoned = pb::SuspendCaseRequest { command: Some(good()), reason: 0 };
    world.refused("FIELD_INVALID", admin.delivery().suspend_case(unreasoned)).await;

    let at = "2025-04-23T09:00:00+07:00";
    let new = || receive(LAND, "", at);
    for (bad, expected) in [
        (ReceiveCaseRequest { command: None, ..new() }, "FIELD_INVALID"),
        (receive(LAND, "H57.1-250423-7", at), "CASE_CODE_MALFORMED"),
        (receive(LAND, "H57.1-250424-0007", at), "CASE_CODE_MALFORMED"),
        (receive(LAND, "H57.2-250423-0007", at), "CASE_CODE_MALFORMED"),
        (receive(LAND, "hồ sơ 7", at), "CASE_CODE_MALFORMED"),
        (receive(LAND, &case, at), "CASE_EXISTS"),
        (receive("", "", at), "FIELD_INVALID"),
        (receive("H57.9", "", at), "AGENCY_UNKNOWN"),
        (receive(LAND, "", "2199-04-23"), "OCCURRED_IN_FUTURE"),
        (ReceiveCaseRequest { unit: "nobody's desk".into(), ..new() }, "UNIT_UNKNOWN"),
        (ReceiveCaseRequest { unit: "building-desk".into(), ..new() }, "UNIT_OF_OTHER_AGENCY"),
        (ReceiveCaseRequest { procedure: "9.999999".into(), ..new() }, "PROCEDURE_UNKNOWN"),
        (ReceiveCaseRequest { source_code: " padded ".into(), ..new() }, "FIELD_INVALID"),
        (
            ReceiveCaseRequest { due_time: Some(instant("2025-04-23T01:59:59Z")), ..new() },
            "DUE_BEFORE_RECEIPT",
        ),
        (
            ReceiveCaseRequest { due_time: Some(instant("2300-01-01T00:00:00Z")), ..new() },
            "DATE_OUT_OF_RANGE",
        ),
    ] {
        world.refused(expected, admin.delivery().receive_case(bad)).await;
    }

    let inspector = world.client(&["--role", "inspector"]);
    let trail = |role: &str, id: &str| ListTrailRequest {
        subject: Some(Subject { role: role.into(), id: id.into() }),
        at_least_position: 1,
        ..ListTrailRequest::default()
    };
    for (bad, expected) in [
        (ListTrailRequest { page_token: "next".into(), ..trail("agency", LAND) }, "PAGE_TOKEN_INVALID"),
        (ListTrailRequest { page_size: -1, ..trail("agency", LAND) }, "FIELD_INVALID"),
        (ListTrailRequest::default(), "FIELD_INVALID"),
        (trail("person", "o-1"), "SUBJECT_ROLE_UNKNOWN"),
        (trail("case", "H57.1-250423-9999"), "SUBJECT_UNKNOWN"),
    ] {
        world.refused(expected, inspector.audit().list_trail(bad)).await;
    }
    let explain = |figure: Figure| ExplainFigureRequest {
        query: Some(BoardQuery { at_least_position: 1, ..BoardQuery::default() }),
        subject: LAND.into(),
        figure: figure.into(),
        ..ExplainFigureRequest::default()
    };
    inspector.leaderboard().explain_figure(explain(Figure::Received)).await.unwrap();
    for (bad, expected) in [
        (ExplainFigureRequest { page_token: "next".into(), ..explain(Figure::Steps) }, "PAGE_TOKEN_INVALID"),
        (ExplainFigureRequest { page_size: -1, ..explain(Figure::Received) }, "FIELD_INVALID"),
        (ExplainFigureRequest { subject: "H57.9".into(), ..explain(Figure::Received) }, "SUBJECT_UNKNOWN"),
        (explain(Figure::Unspecified), "FIELD_INVALID"),
    ] {
        world.refused(expected, inspector.leaderboard().explain_figure(bad)).await;
    }
    let query = BoardQuery { period: "2025-4".into(), ..BoardQuery::default() };
    let board = GetBoardRequest { query: Some(query) };
    world.refused("PERIOD_MALFORMED", inspector.leaderboard().get_board(board)).await;
    for (page_size, page_token, expected) in [(-1, "", "FIELD_INVALID"), (0, "next", "PAGE_TOKEN_INVALID")] {
        let list = dir::ListAgenciesRequest { page_size, page_token: page_token.into() };
        world.refused(expected, admin.directory().list_agencies(list)).await;
    }
    let list = ledger::ListEntriesRequest { page_size: -1, ..ledger::ListEntriesRequest::default() };
    world.refused("FIELD_INVALID", inspector.ledger().list_entries(list)).await;
    let absent = ledger::GetAppendRequest { request_id: request_id() };
    world.refused("APPEND_NOT_FOUND", inspector.ledger().get_append(absent)).await;
    let past = ledger::BatchGetEntriesRequest { positions: vec![1_000_000] };
    world.refused("POSITION_NOT_FOUND", inspector.ledger().batch_get_entries(past)).await;
    assert_eq!(world.server.json(&["log", "check"])["ok"], true);
}

#[tokio::test]
async fn the_ledger_refuses_an_append_that_no_log_may_take() {
    let world = World::new().await;
    let case = world.case(&[]).await;
    let delivery = world.client(&["--role", "service", "--service", "delivery"]);
    let event = |data: String| NewEvent {
        r#type: "delivery.CaseAccepted.v1".into(),
        subjects: vec![Subject { role: "case".into(), id: case.clone() }],
        occurred: when("2025-04-24"),
        data: data.into_bytes().into(),
    };
    let expected = |revision| Some(Expected { revision: Some(revision) });
    let good = || AppendEventsRequest {
        request_id: request_id(),
        stream: format!("delivery.case/{case}"),
        expected: expected(Revision::Exact(1)),
        events: vec![event(r#"{"by":{"agency":"H57.1"}}"#.into())],
        actor: Some(ledger::Actor { id: "tester".into(), role: "service".into(), agency: String::new() }),
        command_digest: vec![7; 32].into(),
        ..AppendEventsRequest::default()
    };
    let long = format!(r#"{{"by":{{"agency":"{}"}}}}"#, "A".repeat(65_535));
    let bad = [
        (AppendEventsRequest { events: vec![event(long)], ..good() }, "ENTRY_TOO_LARGE"),
        (AppendEventsRequest { expected: expected(Revision::NoStream(true)), ..good() }, "REVISION_CONFLICT"),
        (AppendEventsRequest { expected: expected(Revision::Exact(7)), ..good() }, "REVISION_CONFLICT"),
        (AppendEventsRequest { expected: None, ..good() }, "FIELD_INVALID"),
        (AppendEventsRequest { events: Vec::new(), ..good() }, "APPEND_EMPTY"),
        (AppendEventsRequest { events: vec![event("not JSON".into())], ..good() }, "FIELD_INVALID"),
        (AppendEventsRequest { stream: "delivery.case".into(), ..good() }, "STREAM_NAME_MALFORMED"),
        (AppendEventsRequest { stream: "directory.agency/H57.9".into(), ..good() }, "CATEGORY_NOT_OWNED"),
        (AppendEventsRequest { command_digest: vec![7; 31].into(), ..good() }, "FIELD_INVALID"),
    ];
    for (request, expected) in bad {
        world.refused(expected, delivery.ledger().append_events(request)).await;
    }
    // The stream moves on: the first of two gets it, the second is told, and reads again.
    let (first, second) = (good(), good());
    let appended = delivery.ledger().append_events(first.clone()).await.unwrap().into_inner();
    assert_eq!((appended.last_revision, appended.repeated), (2, false));
    world.refused("REVISION_CONFLICT", delivery.ledger().append_events(second.clone())).await;
    // A repeat is told what was recorded, whatever it expects; with other content it is no repeat.
    let again = AppendEventsRequest { expected: expected(Revision::NoStream(true)), ..first.clone() };
    let again = delivery.ledger().append_events(again).await.unwrap().into_inner();
    assert_eq!((again.last_position, again.repeated), (appended.last_position, true));
    let other = AppendEventsRequest { command_digest: vec![8; 32].into(), ..first };
    world.refused("REQUEST_ID_REUSED", delivery.ledger().append_events(other)).await;
    let moved = AppendEventsRequest { expected: expected(Revision::Exact(2)), ..second };
    assert_eq!(delivery.ledger().append_events(moved).await.unwrap().into_inner().last_revision, 3);
    assert_eq!(world.server.json(&["log", "check"])["ok"], true);
}
