//! What a case lives through: from its receipt to its correction, with what it is promised on the way; and
//! the same commands again, which get their first answers.

use proto::{
    audit::ListTrailRequest,
    delivery::{
        CaseStage, Channel, Command, CorrectCaseRequest, Outcome, Promise, ReceiveCaseRequest,
        ReceiveSupplementRequest, ReopenCaseRequest, ResumeCaseRequest, correct_case_request::Correction,
    },
    directory as dir,
    ledger::{ListOrder, Subject},
};
use tests::{Act, Server, command, instant, when};

use super::refusals::{BUILDING, LAND, PROCEDURE, World, receive};

/// The days on which a promise falls due, each to its last microsecond in Vietnam: by law, and as promised.
fn due(statutory: &str, committed: &str) -> Promise {
    let end = |day: &str| Some(instant(&format!("{day}T16:59:59.999999Z")));
    Promise { statutory_due_time: end(statutory), committed_due_time: end(committed) }
}

/// The stretch of the calendar: in 2025 Saturday 26 April is worked for Friday 2 May; 30 April and 1 May are
/// holidays. So after Wednesday 23 April there are worked: 24, 25, 26, 28, 29 April; 5, 6, 7, 8, 9, 12, 13,
/// 14 May. The seventh is 6 May and the tenth 9 May.
#[tokio::test]
async fn a_case_lives_its_whole_life() {
    let world = World::new().await;
    let land = world.client(&["--role", "agency", "--agency", LAND]);
    let building = world.client(&["--role", "official", "--agency", BUILDING, "--holder", "o-22"]);
    let citizen = world.client(&["--role", "citizen"]);
    let new = ReceiveCaseRequest {
        procedure: PROCEDURE.into(),
        unit: "land-desk".into(),
        channel: Channel::Counter.into(),
        ..receive("", "", "2025-04-23T15:00:00+07:00")
    };
    let received = land.delivery().receive_case(new).await.unwrap().into_inner();
    let code = received.case.as_str();
    let mut position = received.recorded.unwrap().position;
    assert_eq!(code, "H57.1-250423-0001");
    assert_eq!(received.promise, Some(due("2025-05-09", "2025-05-06")));
    let case = land.case(code).await;
    assert_eq!((case.agency.as_str(), case.unit.as_str(), case.revision), (LAND, "land-desk", 1));
    assert_eq!((case.stage(), case.channel()), (CaseStage::Received, Channel::Counter));
    assert_eq!((case.receive_occurred, case.promise), (when("2025-04-23T08:00:00Z"), received.promise));

    // Every command is answered with the next position.
    let mut next = |recorded: proto::ledger::Recorded| {
        position += 1;
        assert_eq!((recorded.position, recorded.repeated), (position, false));
    };
    next(land.act(command(code, "2025-04-24T08:00:00+07:00"), Act::Accept).await.unwrap());
    next(land.act(command(code, "2025-04-24"), Act::Assign("land-files", "o-17")).await.unwrap());
    next(land.act(command(code, "2025-04-24"), Act::Step("Check", "land-files")).await.unwrap());
    let case = land.case(code).await;
    assert_eq!((case.stage(), case.unit.as_str(), case.step_count), (CaseStage::Accepted, "land-files", 1));
    assert_eq!(case.assignee, "o-17");
    assert_eq!(citizen.case(code).await.assignee, "", "a citizen sees no official");

    // Asked on the second working day; 26, 28 and 29 April don't count, so the other five begin on 5 May.
    next(land.act(command(code, "2025-04-25T16:00:00+07:00"), Act::AskSupplement).await.unwrap());
    let case = land.case(code).await;
    assert_eq!((case.stage(), case.promise), (CaseStage::AwaitingSupplement, None));
    let command_at = |at: &str| Some(command(code, at));
    let request = ReceiveSupplementRequest { command: command_at("2025-04-29T09:00:00+07:00") };
    let supplement = land.delivery().receive_supplement(request).await.unwrap().into_inner();
    next(supplement.recorded.unwrap());
    assert_eq!(supplement.promise, Some(due("2025-05-14", "2025-05-09")));
    // Suspended and resumed on one day costs nothing; to the next day, one day.
    next(land.act(command(code, "2025-05-05"), Act::Suspend).await.unwrap());
    assert_eq!(land.case(code).await.stage(), CaseStage::Suspended);
    let request = ResumeCaseRequest { command: command_at("2025-05-05") };
    let resumed = land.delivery().resume_case(request).await.unwrap().into_inner();
    next(resumed.recorded.unwrap());
    assert_eq!(resumed.promise, Some(due("2025-05-14", "2025-05-09")));
    next(land.act(command(code, "2025-05-05"), Act::Suspend).await.unwrap());
    let request = ResumeCaseRequest { command: command_at("2025-05-06") };
    let resumed = land.delivery().resume_case(request).await.unwrap().into_inner();
    next(resumed.recorded.unwrap());
    assert_eq!(resumed.promise, Some(due("2025-05-15", "2025-05-12")));

    // To the other agency, whose official takes it up; the first one has no more to say in it.
    next(land.act(command(code, "2025-05-07"), Act::HandOver(BUILDING)).await.unwrap());
    let case = land.case(code).await;
    assert_eq!((case.stage(), case.handed_to.as_str()), (CaseStage::HandedOver, BUILDING));
    next(building.act(command(code, "2025-05-08"), Act::TakeUp("building-desk")).await.unwrap());
    let case = building.case(code).await;
    assert_eq!((case.agency.as_str(), case.unit.as_str()), (BUILDING, "building-desk"));
    assert_eq!((case.stage(), case.handed_to.as_str()), (CaseStage::Accepted, ""));
    world.refused("HOLDER_MISMATCH", land.act(command(code, "2025-05-09"), Act::Decide)).await;

    // Late by what was promised, in time by law; an apology changes neither.
    next(building.act(command(code, "2025-05-12"), Act::Apologise("2025-05-13")).await.unwrap());
    next(building.act(command(code, "2025-05-13T10:00:00+07:00"), Act::Decide).await.unwrap());
    let case = building.case(code).await;
    assert_eq!(
        (case.stage(), case.outcome(), case.new_date.as_str()),
        (CaseStage::Decided, Outcome::Granted, "2025-05-13")
    );
    assert_eq!((case.close_occurred, case.promise), (when("2025-05-13T03:00:00Z"), resumed.promise));
    next(building.act(command(code, "2025-05-14"), Act::Return).await.unwrap());
    assert!(building.case(code).await.result_returned);
    // A step after the close goes in, and says so.
    next(building.act(command(code, "2025-05-15"), Act::Step("Check", "building-desk")).await.unwrap());

    next(citizen.act(command(code, "2025-05-16"), Act::Rate(2)).await.unwrap());
    world.refused("CASE_ALREADY_RATED", citizen.act(command(code, "2025-05-16"), Act::Rate(5))).await;
    world.refused("ROLE_NOT_ALLOWED", building.act(command(code, "2025-05-16"), Act::Rate(5))).await;

    // Worked after Monday 2 June: 3, 4, 5, 6, 9, 10, 11; 12, 13, 16.
    let reopen = || ReopenCaseRequest { command: command_at("2025-06-02"), due_time: None };
    let reopened = building.delivery().reopen_case(reopen()).await.unwrap().into_inner();
    next(reopened.recorded.unwrap());
    assert_eq!(
        (reopened.case.as_str(), reopened.promise),
        ("H57.1-250423-0001~2", Some(due("2025-06-16", "2025-06-11")))
    );
    world.refused("CASE_ALREADY_REOPENED", building.delivery().reopen_case(reopen())).await;
    let newer = building.case(&reopened.case).await;
    assert_eq!(
        (newer.reopens.as_str(), newer.agency.as_str(), newer.stage()),
        (code, BUILDING, CaseStage::Received)
    );
    assert_eq!(newer.channel(), Channel::Counter);

    // It was closed on the 12th after all: in time by both clocks.
    let correct = CorrectCaseRequest {
        command: command_at("2025-06-03"),
        reason: 1,
        correction: when("2025-05-12").map(Correction::CloseOccurred),
    };
    let corrected = building.delivery().correct_case(correct).await.unwrap().into_inner();
    next(corrected.recorded.unwrap());
    let case = building.case(code).await;
    assert_eq!((case.close_occurred, case.rating, case.revision), (when("2025-05-12"), 2, 18));
    assert_eq!(case.promise, resumed.promise);
    let board = world.server.json(&["board", "--period", "2025-05", "--at-least", &position.to_string()]);
    let row = board.as_array().unwrap().iter().find(|row| row["subject"] == BUILDING).unwrap();
    let figures = ["closed", "closed_on_time", "closed_on_time_statutory", "rated", "steps"];
    assert_eq!(figures.map(|figure| row[figure].as_u64().unwrap()), [1, 1, 1, 1, 1]);
    // 24 and 25 April; 5, 7, 8, 9 and 12 May.
    assert_eq!(row["median_working_days"], 7.0);

    // The trail of the original has it all, in order, and the newer case.
    let request = ListTrailRequest {
        subject: Some(Subject { role: "case".into(), id: code.into() }),
        order: ListOrder::OldestFirst.into(),
        at_least_position: position,
        ..ListTrailRequest::default()
    };
    let inspector = world.client(&["--role", "inspector"]);
    let trail = inspector.audit().list_trail(request).await.unwrap().into_inner();
    let positions: Vec<_> = trail.lines.iter().map(|line| line.position).collect();
    assert_eq!(positions, (received.recorded.unwrap().position..=position).collect::<Vec<_>>());
    let decided = trail.lines.iter().find(|line| line.r#type == "delivery.CaseDecided.v1").unwrap();
    assert_eq!((decided.actor.as_str(), decided.agency.as_str()), ("o-22", BUILDING));
}

#[tokio::test]
async fn a_retried_command_gets_its_first_answer_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::of(Server::up_in(folder.path())).await;
    let new = ReceiveCaseRequest { procedure: PROCEDURE.into(), ..receive(LAND, "", "2025-04-23") };
    let first = world.admin.delivery().receive_case(new.clone()).await.unwrap().into_inner();
    let second =
        world.admin.delivery().receive_case(receive(LAND, "", "2025-04-23")).await.unwrap().into_inner();
    assert_eq!((first.case.as_str(), second.case.as_str()), ("H57.1-250423-0001", "H57.1-250423-0002"));
    let case = first.case.clone();

    // A life in which every command, sent again at the end, would be refused.
    let life = [
        Act::Accept,
        Act::Step("Check", "land-desk"),
        Act::Assign("land-desk", "o-17"),
        Act::AskSupplement,
        Act::TakeSupplement,
        Act::Suspend,
        Act::Resume,
        Act::Apologise("2025-06-30"),
        Act::HandOver(BUILDING),
        Act::TakeUp("building-desk"),
        Act::HandOver("H57.3"),
        Act::TakeUp("third-desk"),
        Act::Decide,
        Act::Return,
        Act::Rate(5),
    ];
    let mut sent = Vec::new();
    for act in life {
        let command = command(&case, "2025-04-24");
        let recorded = world.admin.act(command.clone(), act).await.unwrap();
        assert!(!recorded.repeated, "{act:?}");
        sent.push((command, act, recorded.position));
    }
    let reopen = ReopenCaseRequest { command: Some(command(&case, "2025-06-02")), due_time: None };
    let reopened = world.admin.delivery().reopen_case(reopen.clone()).await.unwrap().into_inner();

    for is_restarted in [false, true] {
        if is_restarted {
            world.server.kill();
            world.server = Server::up_in(folder.path());
            world.admin = world.client(&["--role", "administrator"]);
        }
        let head = world.admin.head().await;
        let again = world.admin.delivery().receive_case(new.clone()).await.unwrap().into_inner();
        let recorded = again.recorded.unwrap();
        assert_eq!((&again.case, &again.promise), (&first.case, &first.promise));
        assert_eq!((recorded.position, recorded.repeated), (first.recorded.unwrap().position, true));
        for (command, act, position) in &sent {
            let again =
                world.admin.act(command.clone(), *act).await.unwrap_or_else(|e| panic!("{act:?}: {e:?}"));
            assert_eq!((again.position, again.repeated), (*position, true), "{act:?}");
            // The id stands for this content, this RPC and this caller.
            let other = Command { official: "o-99".into(), ..command.clone() };
            world.refused("REQUEST_ID_REUSED", world.admin.act(other, *act)).await;
        }
        let again = world.admin.delivery().reopen_case(reopen.clone()).await.unwrap().into_inner();
        assert_eq!((&again.case, again.recorded.unwrap().repeated), (&reopened.case, true));
        assert_eq!(world.admin.head().await, head);
    }

    // An id is one for all RPCs, services and callers.
    let used = || new.command.clone().unwrap();
    let open = world.case(&[]).await;
    let accept = Command { case: open.clone(), ..used() };
    world.refused("REQUEST_ID_REUSED", world.admin.act(accept, Act::Accept)).await;
    let changed = ReceiveCaseRequest { channel: Channel::Online.into(), ..new.clone() };
    world.refused("REQUEST_ID_REUSED", world.admin.delivery().receive_case(changed)).await;
    let other = world.client(&["--role", "administrator", "--holder", "somebody-else"]);
    world.refused("REQUEST_ID_REUSED", other.delivery().receive_case(new.clone())).await;
    let step = dir::DefineStepRequest { request_id: used().request_id, step: "Other".into() };
    world.refused("REQUEST_ID_REUSED", world.admin.directory().define_step(step)).await;
    let (command, act, _) = sent[0].clone();
    world.refused("REQUEST_ID_REUSED", other.act(command, act)).await;
}
