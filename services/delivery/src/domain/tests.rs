//! The rules of a case: given events, when a command, then an event or a refusal.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use esrs::Aggregate as _;
use events::{
    Occurred,
    delivery::{
        CaseEvent, Channel, Correction, CorrectionReason, DelayReason, IntakeRefusalReason, Outcome,
        SupplementReason, SuspensionReason,
    },
    directory::{Mergers, Terms},
    parse_offset,
};
use rulebook::Calendar;

use super::{Case, CaseCommand, CaseState, Command, Due, Refusal, Rules};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn rules() -> Arc<Rules> {
    Arc::new(Rules {
        calendar: Calendar::vietnam(),
        calendar_version: "vietnam@test".into(),
        directory_position: 7,
        zone: parse_offset("+07:00").unwrap(),
        mergers: Mergers::default(),
    })
}

fn terms() -> Terms {
    Terms { effective_date: day("2026-01-01"), statutory_working_days: 10, committed_working_days: 7 }
}

fn receive(due: Due) -> Command {
    Command::Receive {
        agency: "H57.18".into(),
        unit: Some("one-stop".into()),
        procedure: Some("1.001234".into()),
        channel: Some(Channel::Counter),
        due,
        reopens: None,
    }
}

fn ask(on: &str, agency: Option<&str>, command: Command) -> CaseCommand {
    CaseCommand {
        code: "H57.18-260302-0001".into(),
        occurred: Occurred::parse(on).unwrap(),
        agency: agency.map(str::to_owned),
        official: None,
        rules: rules(),
        is_order_checked: true,
        command,
    }
}

/// Plays commands on a case; each must be taken.
fn given(commands: &[(&str, Command)]) -> CaseState {
    commands.iter().fold(CaseState::default(), |state, (on, command)| play(state, on, command.clone()).0)
}

fn play(state: CaseState, on: &str, command: Command) -> (CaseState, CaseEvent) {
    let facts = Case::handle_command(&state, ask(on, None, command)).unwrap();
    let event = facts[0].data.clone();
    (facts.into_iter().fold(state, Case::apply_event), event)
}

fn refused(state: &CaseState, on: &str, command: Command) -> Refusal {
    Case::handle_command(state, ask(on, None, command)).unwrap_err()
}

fn received() -> (&'static str, Command) {
    ("2026-03-02", receive(Due::Terms(terms())))
}

fn due_date(state: &CaseState) -> (NaiveDate, NaiveDate) {
    let zone = parse_offset("+07:00").unwrap();
    let promise = state.promise.as_ref().unwrap();
    let date = |due: DateTime<Utc>| due.with_timezone(&zone).date_naive();
    (date(promise.statutory_due), date(promise.committed_due))
}

#[test]
fn receipt_promises_both_clocks() {
    let state = given(&[received()]);
    // Monday 2 March 2026: seven working days end on the 11th, ten on the 16th.
    assert_eq!(due_date(&state), (day("2026-03-16"), day("2026-03-11")));
}

#[test]
fn a_code_is_used_once_and_an_unknown_case_is_refused() {
    let state = given(&[received()]);
    let again = refused(&state, "2026-03-02", receive(Due::None));
    assert_eq!(again, Refusal::CaseExists("H57.18-260302-0001".into()));
    let unknown = refused(&CaseState::default(), "2026-03-02", Command::Accept);
    assert_eq!(unknown, Refusal::CaseUnknown("H57.18-260302-0001".into()));
}

#[test]
fn a_supplement_moves_the_due_dates_by_the_working_days_paused() {
    let request = Command::RequestSupplement(SupplementReason::DocumentMissing);
    let paused = given(&[received(), ("2026-03-04", request.clone())]);
    assert_eq!(refused(&paused, "2026-03-05", Command::Decide(Some(Outcome::Granted))), Refusal::Paused);
    assert_eq!(refused(&paused, "2026-03-05", request), Refusal::Paused);
    assert_eq!(refused(&paused, "2026-03-05", Command::Resume), Refusal::NotSuspended);
    let (state, _) = play(paused, "2026-03-06", Command::ReceiveSupplement);
    // Two working days, the 5th and the 6th, did not count.
    assert_eq!(due_date(&state), (day("2026-03-18"), day("2026-03-13")));
    assert_eq!(refused(&state, "2026-03-06", Command::ReceiveSupplement), Refusal::SupplementNotRequested);
    let (_, decided) = play(state, "2026-03-13", Command::Decide(Some(Outcome::Granted)));
    assert!(matches!(decided, CaseEvent::Decided { working_days: 7, .. }), "{decided:?}");
}

#[test]
fn a_suspension_moves_an_explicit_due_time_and_keeps_its_hour() {
    let due: DateTime<Utc> = "2026-03-11T03:30:00Z".parse().unwrap();
    let state = given(&[
        ("2026-03-02", receive(Due::Explicit(due))),
        ("2026-03-04", Command::Suspend(SuspensionReason::FinancialDuty)),
        ("2026-03-06", Command::Resume),
    ]);
    assert_eq!(state.promise.unwrap().committed_due.to_rfc3339(), "2026-03-13T03:30:00+00:00");
}

#[test]
fn a_due_time_before_the_receipt_is_refused() {
    let due: DateTime<Utc> = "2026-03-01T00:00:00Z".parse().unwrap();
    let early = refused(&CaseState::default(), "2026-03-02", receive(Due::Explicit(due)));
    assert_eq!(early, Refusal::DueBeforeReceipt);
}

#[test]
fn a_closed_case_takes_steps_and_nothing_else() {
    let closed = given(&[received(), ("2026-03-05", Command::Decide(Some(Outcome::Refused)))]);
    for command in [
        Command::Accept,
        Command::RefuseAtIntake(IntakeRefusalReason::Duplicate),
        Command::RequestSupplement(SupplementReason::FeeUnpaid),
        Command::ReceiveSupplement,
        Command::Assign { unit: None, assignee: None },
        Command::HandOver { to_agency: "H57.19".into() },
        Command::TakeUp { unit: None },
        Command::Suspend(SuspensionReason::ForceMajeure),
        Command::Resume,
        Command::Decide(Some(Outcome::Granted)),
        Command::Withdraw,
    ] {
        assert_eq!(refused(&closed, "2026-03-06", command.clone()), Refusal::CaseClosed, "{command:?}");
    }
    let step = || Command::RecordStep { step: "archive".into(), unit: None };
    let (_, late) = play(closed.clone(), "2026-03-06", step());
    assert!(matches!(late, CaseEvent::StepDone { after_close: true, before_receipt: false, .. }));
    let (_, early) = play(closed, "2026-03-01", step());
    assert!(matches!(early, CaseEvent::StepDone { after_close: false, before_receipt: true, .. }));
}

#[test]
fn acceptance_comes_once() {
    let state = given(&[received(), ("2026-03-02", Command::Accept)]);
    assert_eq!(refused(&state, "2026-03-03", Command::Accept), Refusal::AlreadyAccepted);
    let refuse = Command::RefuseAtIntake(IntakeRefusalReason::NotEligible);
    assert_eq!(refused(&state, "2026-03-03", refuse), Refusal::AlreadyAccepted);
}

#[test]
fn a_case_handed_over_is_held_by_whom_it_was_handed_to() {
    let hand_over = Command::HandOver { to_agency: "H57.19".into() };
    let state = given(&[received(), ("2026-03-03", hand_over.clone())]);
    assert_eq!(refused(&state, "2026-03-03", hand_over), Refusal::HandOverPending { to: "H57.19".into() });
    let decide = Command::Decide(Some(Outcome::Granted));
    assert_eq!(refused(&state, "2026-03-03", decide), Refusal::HandOverPending { to: "H57.19".into() });
    let wrong =
        Case::handle_command(&state, ask("2026-03-04", Some("H57.20"), Command::TakeUp { unit: None }));
    assert_eq!(wrong.unwrap_err(), Refusal::HandedToAnother { to: "H57.19".into(), agency: "H57.20".into() });
    let (state, _) = play(state, "2026-03-04", Command::TakeUp { unit: Some("land".into()) });
    assert_eq!((state.agency.as_str(), state.unit.as_deref()), ("H57.19", Some("land")));
    let former = Case::handle_command(&state, ask("2026-03-05", Some("H57.18"), Command::Withdraw));
    let mismatch = Refusal::HolderMismatch { agency: "H57.18".into(), holder: "H57.19".into() };
    assert_eq!(former.unwrap_err(), mismatch);
    assert_eq!(refused(&state, "2026-03-05", Command::TakeUp { unit: None }), Refusal::NotHandedOver);
    let itself = Command::HandOver { to_agency: "H57.19".into() };
    assert_eq!(refused(&state, "2026-03-05", itself), Refusal::HandedToItself);
}

#[test]
fn an_agency_acts_in_what_those_hold_that_were_merged_into_it() {
    let mut mergers = Mergers::default();
    for (agency, into) in [("H57.18", "H57.19"), ("H57.19", "H57.20"), ("H57.21", "H57.20")] {
        mergers.add(agency.into(), into.into());
    }
    let merged = Arc::new(Rules { mergers, ..(*rules()).clone() });
    let act = |state: &CaseState, agency: Option<&str>, command| {
        let asked = CaseCommand { rules: merged.clone(), ..ask("2026-03-04", agency, command) };
        Case::handle_command(state, asked).map(|mut facts| facts.remove(0).data)
    };
    let state = given(&[received()]);
    for agency in ["H57.18", "H57.19", "H57.20"] {
        // It stays where it was, under the code that holds it.
        let decided = act(&state, Some(agency), Command::Decide(Some(Outcome::Granted))).unwrap();
        assert_eq!(decided.by().agency, "H57.18", "{agency}");
    }
    // A merged agency doesn't act for the others that were.
    let mismatch = Refusal::HolderMismatch { agency: "H57.21".into(), holder: "H57.18".into() };
    assert_eq!(act(&state, Some("H57.21"), Command::Accept), Err(mismatch));
    // A step is recorded of whoever did it.
    let step = Command::RecordStep { step: "archive".into(), unit: None };
    assert_eq!(act(&state, Some("H57.20"), step).unwrap().by().agency, "H57.20");
    let hand_over = |to: &str| Command::HandOver { to_agency: to.into() };
    assert_eq!(act(&state, Some("H57.20"), hand_over("H57.18")), Err(Refusal::HandedToItself));
    assert!(act(&state, Some("H57.20"), hand_over("H57.20")).is_ok(), "from the old code to the new one");

    // What was handed to one that was merged since, the one that answers for it takes up, under its own code.
    let state = given(&[received(), ("2026-03-03", hand_over("H57.21"))]);
    let take_up = || Command::TakeUp { unit: None };
    for agency in [Some("H57.20"), None] {
        assert_eq!(act(&state, agency, take_up()).unwrap().by().agency, "H57.20", "{agency:?}");
    }
    let another = Refusal::HandedToAnother { to: "H57.21".into(), agency: "H57.19".into() };
    assert_eq!(act(&state, Some("H57.19"), take_up()), Err(another));
}

#[test]
fn an_apology_gives_a_later_date_and_keeps_the_promise() {
    let apologise = |date| Command::Apologise { new_date: day(date), reason: DelayReason::Workload };
    let state = given(&[received()]);
    let early = refused(&state, "2026-03-10", apologise("2026-03-11"));
    assert_eq!(early, Refusal::NewDateNotLater { replaced: day("2026-03-11") });
    let promise = state.promise.clone();
    let (state, _) = play(state, "2026-03-10", apologise("2026-03-20"));
    assert_eq!(state.promise, promise);
    let again = refused(&state, "2026-03-19", apologise("2026-03-20"));
    assert_eq!(again, Refusal::NewDateNotLater { replaced: day("2026-03-20") });
    let unpromised = given(&[("2026-03-02", receive(Due::None))]);
    assert_eq!(refused(&unpromised, "2026-03-10", apologise("2026-03-20")), Refusal::NoPromise);
}

#[test]
fn results_and_ratings_come_once_and_after_the_close() {
    let open = given(&[received()]);
    assert_eq!(refused(&open, "2026-03-03", Command::ReturnResult), Refusal::NotDecided);
    assert_eq!(refused(&open, "2026-03-03", Command::Rate(5)), Refusal::CaseNotClosed);
    let (state, _) = play(open, "2026-03-04", Command::Decide(Some(Outcome::Granted)));
    let (state, _) = play(state, "2026-03-05", Command::ReturnResult);
    let (state, _) = play(state, "2026-03-06", Command::Rate(4));
    assert_eq!(refused(&state, "2026-03-06", Command::ReturnResult), Refusal::AlreadyReturned);
    assert_eq!(refused(&state, "2026-03-06", Command::Rate(1)), Refusal::AlreadyRated);
}

#[test]
fn a_withdrawal_while_paused_closes_the_case() {
    let pause = Command::RequestSupplement(SupplementReason::Other);
    let state = given(&[received(), ("2026-03-03", pause)]);
    let (state, withdrawn) = play(state, "2026-03-09", Command::Withdraw);
    assert!(matches!(withdrawn, CaseEvent::Withdrawn { working_days: 1, .. }), "{withdrawn:?}");
    assert!(state.closed.is_some());
}

#[test]
fn corrections_work_out_anew_what_follows_from_them() {
    let correct =
        |correction| Command::Correct { reason: CorrectionReason::EntryMistake, correction, terms: None };
    let closed = given(&[received(), ("2026-03-12", Command::Decide(Some(Outcome::Granted)))]);
    let received_on = |date| Correction::Received { occurred: Occurred::On(day(date)) };
    let (state, event) = play(closed.clone(), "2026-03-13", correct(received_on("2026-03-03")));
    assert_eq!(due_date(&state), (day("2026-03-17"), day("2026-03-12")));
    assert!(matches!(event, CaseEvent::Corrected { working_days: Some(7), .. }), "{event:?}");
    let again = refused(&state, "2026-03-13", correct(received_on("2026-03-03")));
    assert_eq!(again, Refusal::CorrectionUnchanged);
    let open = given(&[received()]);
    let close = Correction::Closed { occurred: Occurred::On(day("2026-03-12")) };
    assert_eq!(refused(&open, "2026-03-13", correct(close)), Refusal::CaseNotClosed);
}

#[test]
fn what_follows_is_not_dated_before_what_it_follows() {
    let state = given(&[received()]);
    let out_of_order = |on: &str| Refusal::OutOfOrder { follows: Occurred::parse(on).unwrap() };
    let decide = || Command::Decide(Some(Outcome::Granted));
    assert_eq!(refused(&state, "2020-01-01", decide()), out_of_order("2026-03-02"));
    let pause = Command::RequestSupplement(SupplementReason::Other);
    let (paused, _) = play(state.clone(), "2026-03-05", pause);
    assert_eq!(refused(&paused, "2026-03-04", Command::ReceiveSupplement), out_of_order("2026-03-05"));
    let (closed, _) = play(state.clone(), "2026-03-05", decide());
    assert_eq!(refused(&closed, "2026-03-04", Command::Rate(5)), out_of_order("2026-03-05"));
    let close_earlier = Command::Correct {
        reason: CorrectionReason::EntryMistake,
        correction: Correction::Closed { occurred: Occurred::On(day("1950-01-01")) },
        terms: None,
    };
    assert_eq!(refused(&closed, "2026-03-06", close_earlier), out_of_order("2026-03-02"));
    // An import takes the times of its source.
    let import = CaseCommand { is_order_checked: false, ..ask("2020-01-01", None, decide()) };
    assert!(Case::handle_command(&state, import).is_ok());
}
