//! From a finding to a sanction, its appeal and an exoneration, over gRPC: and each thing that the law does not allow.

use proto::discipline as pb;
use serde_json::Value;
use tests::{Client, Server, reason, request_id, wait_until, when};
use tokio::runtime::Handle;
use tonic::Status;

/// A server with two agencies. In H57 `o-head` heads, `o-17` is a clerk and of the Party, `o-18` is none of it.
async fn world() -> Server {
    let server = Server::up();
    let admin = Client::new(&server.address, &server.token(&["--role", "administrator"]));
    admin.open("H57", &[]).await;
    admin.open("H58", &[]).await;
    for arguments in [
        &["define-post", "H57/head", "--agency", "H57", "--leadership", "head"][..],
        &["register-official", "o-head", "--agency", "H57", "--category", "civil-servant"],
        &["register-official", "o-17", "--agency", "H57", "--category", "civil-servant", "--party-member"],
        &["register-official", "o-18", "--agency", "H57", "--category", "civil-servant"],
        &["appoint", "o-head", "--post", "H57/head", "--from", "2025-01-01"],
    ] {
        server.json(&[&["directory"], arguments].concat());
    }
    server
}

/// A report about people of H57 that H58 has, concluded on 2026-03-30 with a substantiated allegation against each,
/// and an unsubstantiated one against the first.
pub(crate) fn concluded(server: &Server, people: &[&str]) -> String {
    let arguments =
        ["report", "file", "--agency", "H58", "--received", "2026-03-02", "--kind", "denunciation"];
    let about =
        ["--about", "H57", "--class", "corruption", "--source", "confidential", "--name", "Trần Bí Mật"];
    let filed = server.json(&[&arguments[..], &about].concat());
    let report = filed["report"].as_str().unwrap().to_owned();
    let does = |what: &str, more: &[&str]| {
        server.json(&[&["report", what, &report, "--on", "2026-03-20"], more].concat());
    };
    does("classify", &["--evidence"]);
    does("accept", &[]);
    does("inquire", &[]);
    for person in [people, &people[..1]].concat() {
        does("allege", &["--class", "corruption", "--person", person]);
    }
    for number in 1..=people.len() + 1 {
        let finding = if number <= people.len() { "substantiated" } else { "unsubstantiated" };
        let arguments = ["--allegation", &number.to_string(), "--finding", finding];
        does("finding", &arguments);
        does("finding", &[&arguments[..], &["--final"]].concat());
    }
    server.json(&["report", "conclude", &report, "--on", "2026-03-30"]);
    report
}

#[expect(clippy::unnecessary_wraps, reason = "requests hold it so")]
fn command(proceeding: &str, on: &str) -> Option<pb::Command> {
    let (request_id, proceeding) = (request_id(), proceeding.to_owned());
    Some(pb::Command { request_id, proceeding, occurred: when(on), ..pb::Command::default() })
}

fn opening(report: &str, allegation: i32, on: &str) -> pb::OpenProceedingRequest {
    pb::OpenProceedingRequest {
        command: command("", on),
        origin_stream: format!("conduct.report/{report}"),
        allegation,
        violation_date: "2026-01-15".into(),
        discovery_date: "2026-03-30".into(),
        ..pb::OpenProceedingRequest::default()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "requests hold it so")]
fn form(form: &str) -> Option<pb::Decision> {
    let result = pb::Result::Sanctioned.into();
    Some(pb::Decision { result, form: form.into(), source_outcome: String::new() })
}

/// A client with what is done most.
struct Office(Client);

impl Office {
    fn of(server: &Server, token: &[&str]) -> Self {
        Self(Client::new(&server.address, &server.token(token)))
    }

    async fn open(&self, request: pb::OpenProceedingRequest) -> Result<pb::OpenProceedingResponse, Status> {
        Ok(self.0.discipline().open_proceeding(request).await?.into_inner())
    }

    async fn decide(
        &self,
        id: &str,
        on: &str,
        decision: Option<pb::Decision>,
    ) -> Result<pb::DecideSanctionResponse, Status> {
        let request = pb::DecideSanctionRequest { command: command(id, on), decision };
        Ok(self.0.discipline().decide_sanction(request).await?.into_inner())
    }

    /// Convenes a council and hears the official.
    async fn hear(&self, id: &str, on: &str) {
        let members = vec!["m-1".into(), "m-2".into()];
        let request = pb::ConveneCouncilRequest { command: command(id, on), members };
        self.0.discipline().convene_council(request).await.unwrap();
        let request = pb::RecordHearingRequest { command: command(id, on), attended: true };
        self.0.discipline().record_hearing(request).await.unwrap();
    }

    async fn show(&self, id: &str) -> Result<pb::Proceeding, Status> {
        let request = pb::GetProceedingRequest { proceeding: id.into() };
        Ok(self.0.discipline().get_proceeding(request).await?.into_inner().proceeding.unwrap())
    }

    /// Waits until a proceeding is in a stage: the process meets a report's event a moment after it is recorded.
    fn reaches(&self, id: &str, stage: pb::ProceedingStage) -> pb::Proceeding {
        let mut reached = None;
        wait_until(&format!("{id} is {stage:?}"), || {
            let shown = tokio::task::block_in_place(|| Handle::current().block_on(self.show(id)));
            reached = shown.ok().filter(|shown| shown.stage() == stage);
            reached.is_some()
        });
        reached.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_finding_makes_it_a_duty_to_open_or_to_say_why_not() {
    let server = world().await;
    let inspector = Office::of(&server, &["--role", "inspector"]);
    let report = concluded(&server, &["o-17", "o-head", "o-18"]);
    let (first, second, third) = (format!("p-{report}-1"), format!("p-{report}-2"), format!("p-{report}-3"));
    let due = inspector.reaches(&third, pb::ProceedingStage::Due);
    assert_eq!((due.handler.as_str(), due.person.as_str()), ("H57", "o-18"));
    let limit = due.open.unwrap();
    assert_eq!((limit.from_date.as_str(), limit.rule.is_empty()), ("2026-03-30", false));
    // Of the head, it's the duty of the agency that has the report.
    assert_eq!(inspector.show(&second).await.unwrap().handler, "H58");
    // Of a member of the Party there are two; what isn't substantiated makes none.
    inspector.reaches(&format!("{first}-party"), pb::ProceedingStage::Due);

    let decline = |on: &str, reason: pb::DeclineReason| pb::DeclineProceedingRequest {
        command: command("", on),
        origin_stream: format!("conduct.report/{report}"),
        allegation: 3,
        reason: reason.into(),
        ..pb::DeclineProceedingRequest::default()
    };
    let mut client = inspector.0.discipline();
    let declined = client.decline_proceeding(decline("2026-04-01", pb::DeclineReason::Minor)).await;
    assert_eq!(declined.unwrap().into_inner().proceeding, third);
    assert_eq!(inspector.show(&third).await.unwrap().stage(), pb::ProceedingStage::NotOpened);

    // Under appeal, a finding obliges nobody; where it stands, it does again, and where it falls, it doesn't.
    server.json(&["report", "appeal", &report, "--on", "2026-04-02", "--who", "person_concerned"]);
    inspector.reaches(&first, pb::ProceedingStage::Lapsed);
    assert_eq!(reason(inspector.open(opening(&report, 1, "2026-04-03")).await), "ORIGIN_NOT_CONCLUDED");
    server.json(&["report", "decide-appeal", &report, "--on", "2026-04-10", "--change", "2=false"]);
    inspector.reaches(&first, pb::ProceedingStage::Due);
    assert_eq!(inspector.show(&second).await.unwrap().stage(), pb::ProceedingStage::Lapsed);
    assert_eq!(inspector.show(&third).await.unwrap().stage(), pb::ProceedingStage::NotOpened);
    assert_eq!(reason(inspector.open(opening(&report, 2, "2026-04-11")).await), "NO_FINDING");
    // By now the process has gone over all of it, twice.
    for none in [format!("{second}-party"), format!("p-{report}-4")] {
        assert_eq!(reason(inspector.show(&none).await), "PROCEEDING_UNKNOWN");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nobody_learns_whom_a_finding_is_about_by_asking() {
    let server = world().await;
    let admin = Client::new(&server.address, &server.token(&["--role", "administrator"]));
    admin.open("H59", &[]).await;
    let report = concluded(&server, &["o-17", "o-18"]);
    let stranger = Office::of(&server, &["--role", "agency", "--agency", "H59"]);
    // Whatever they guess, the answer is the same, and names nobody.
    for (allegation, person) in [(1, ""), (1, "o-18"), (3, ""), (9, "")] {
        let request =
            pb::OpenProceedingRequest { person: person.into(), ..opening(&report, allegation, "2026-04-01") };
        let refused = stranger.open(request).await.unwrap_err();
        assert!(!refused.message().contains("o-1"), "{}", refused.message());
        assert_eq!(reason(Err::<(), _>(refused)), "HANDLER_MISMATCH");
    }
    let agency = Office::of(&server, &["--role", "agency", "--agency", "H57"]);
    let id = agency.open(opening(&report, 2, "2026-04-01")).await.unwrap().proceeding;
    agency.hear(&id, "2026-04-03").await;
    agency.decide(&id, "2026-04-06", form("warning")).await.unwrap();
    // Nor does another agency, or a colleague, appeal in somebody's name.
    for (office, official) in [
        (&stranger, "o-18"),
        (&stranger, "o-17"),
        (&Office::of(&server, &["--role", "official", "--agency", "H59", "--holder", "o-99"]), ""),
    ] {
        let mut command = command(&id, "2026-04-07").unwrap();
        command.official = official.into();
        let request = pb::AppealSanctionRequest { command: Some(command) };
        assert_eq!(reason(office.0.discipline().appeal_sanction(request).await), "HANDLER_MISMATCH");
    }
    // Colleagues read it if they act in it, and not if the report is about them too.
    let colleague =
        |id: &str| Office::of(&server, &["--role", "official", "--agency", "H57", "--holder", id]);
    assert!(colleague("m-1").show(&id).await.is_ok());
    for other in ["o-20", "o-17"] {
        assert_eq!(reason(colleague(other).show(&id).await), "NO_STANDING");
    }
    assert!(colleague("o-18").show(&id).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_finding_that_fell_ends_in_no_sanction() {
    let server = world().await;
    let report = concluded(&server, &["o-17"]);
    let agency = Office::of(&server, &["--role", "agency", "--agency", "H57"]);
    let id = agency.open(opening(&report, 1, "2026-04-01")).await.unwrap().proceeding;
    agency.hear(&id, "2026-04-03").await;
    let close = || pb::CloseProceedingRequest {
        command: command(&id, "2026-04-20"),
        reason: pb::CloseReason::FindingFell.into(),
    };
    let mut client = agency.0.discipline();
    assert_eq!(reason(client.close_proceeding(close()).await), "REASON_NOT_SO");
    server.json(&["report", "appeal", &report, "--on", "2026-04-05", "--who", "person_concerned"]);
    assert_eq!(reason(agency.decide(&id, "2026-04-06", form("warning")).await), "ORIGIN_NOT_CONCLUDED");
    server.json(&["report", "decide-appeal", &report, "--on", "2026-04-10", "--change", "1=unsubstantiated"]);
    assert_eq!(reason(agency.decide(&id, "2026-04-11", form("warning")).await), "NO_FINDING");
    client.close_proceeding(close()).await.unwrap();
    assert_eq!(agency.show(&id).await.unwrap().stage(), pb::ProceedingStage::Closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn after_a_restart_the_process_goes_on_and_records_nothing_twice() {
    let data = tempfile::tempdir().unwrap();
    let (report, before) = {
        let mut server = Server::up_in(data.path());
        let admin = Client::new(&server.address, &server.token(&["--role", "administrator"]));
        admin.open("H57", &[]).await;
        admin.open("H58", &[]).await;
        let report = concluded(&server, &["o-1"]);
        let inspector = Office::of(&server, &["--role", "inspector"]);
        inspector.reaches(&format!("p-{report}-1"), pb::ProceedingStage::Due);
        let head = inspector.0.head().await;
        assert!(server.terminate());
        (report, head)
    };
    let server = Server::up_in(data.path());
    let inspector = Office::of(&server, &["--role", "inspector"]);
    let other = concluded(&server, &["o-2"]);
    inspector.reaches(&format!("p-{other}-1"), pb::ProceedingStage::Due);
    let entries = server.json(&["log", "read", "--limit", "0", "--category", "discipline.proceeding"]);
    let of = |report: &str| {
        let is_of = |entry: &&Value| entry["stream"].as_str().unwrap().contains(report);
        entries.as_array().unwrap().iter().filter(is_of).count()
    };
    assert_eq!((of(&report), of(&other)), (1, 1), "{entries}");
    assert!(inspector.0.head().await > before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_proceeding_goes_from_its_opening_to_an_exoneration() {
    let server = world().await;
    let report = concluded(&server, &["o-17"]);
    let agency = Office::of(&server, &["--role", "agency", "--agency", "H57"]);
    let request = opening(&report, 1, "2026-04-01");
    let opened = agency.open(request.clone()).await.unwrap();
    let id = opened.proceeding.clone();
    assert_eq!(id, format!("p-{report}-1"));
    assert_eq!(opened.decide.unwrap().due_date, "2026-06-29", "90 days end on a Sunday");
    // A retry gets the first answer; another request does not open a second one.
    let again = agency.open(request).await.unwrap();
    assert_eq!((again.recorded.unwrap().repeated, again.proceeding.as_str()), (true, id.as_str()));
    assert_eq!(reason(agency.open(opening(&report, 1, "2026-04-01")).await), "PROCEEDING_EXISTS");

    // The Party's goes beside it.
    let party =
        pb::OpenProceedingRequest { track: pb::Track::Party.into(), ..opening(&report, 1, "2026-04-02") };
    let party = agency.open(party).await.unwrap().proceeding;
    let shown = agency.show(&party).await.unwrap();
    assert_eq!((shown.linked.as_str(), shown.person_class()), (id.as_str(), pb::PersonClass::PartyMember));
    assert_eq!(agency.show(&id).await.unwrap().linked, party);

    agency.hear(&id, "2026-04-10").await;
    let circumstance = pb::RecordCircumstanceRequest {
        command: command(&id, "2026-04-11"),
        circumstance: "obstruction".into(),
        report: report.clone(),
    };
    let weighed = agency.0.discipline().record_circumstance(circumstance).await.unwrap().into_inner();
    assert!(weighed.aggravating);
    assert_eq!(reason(agency.decide(&id, "2026-04-20", form("salary_cut")).await), "FORM_NOT_ALLOWED");
    let decided = agency.decide(&id, "2026-04-20", form("warning")).await.unwrap();
    assert!(decided.citation.contains("172/2025"), "{}", decided.citation);
    assert_eq!(decided.appeal.unwrap().from_date, "2026-04-20");
    let liable = |head: &str| pb::HoldHeadLiableRequest {
        command: command(&id, "2026-04-21"),
        head: head.into(),
        liability: pb::Liability::Joint.into(),
    };
    let mut client = agency.0.discipline();
    assert_eq!(reason(client.hold_head_liable(liable("o-18")).await), "NOT_THE_HEAD");
    let held = client.hold_head_liable(liable("o-head")).await.unwrap().into_inner();
    assert!(held.citation.contains("36/2018"), "{}", held.citation);

    // The official reads their own, appeals for themselves, and does nothing else; colleagues of other agencies see nothing.
    let own = Office::of(&server, &["--role", "official", "--agency", "H57", "--holder", "o-17"]);
    assert_eq!(own.show(&id).await.unwrap().decision.unwrap().form, "warning");
    let execute = |on: &str| pb::ExecuteSanctionRequest { command: command(&id, on) };
    assert_eq!(reason(own.0.discipline().execute_sanction(execute("2026-04-22")).await), "CONCERNS_HANDLER");
    let other = Office::of(&server, &["--role", "agency", "--agency", "H58"]);
    assert_eq!(reason(other.show(&id).await), "NO_STANDING");
    assert_eq!(
        reason(other.0.discipline().execute_sanction(execute("2026-04-22")).await),
        "HANDLER_MISMATCH"
    );
    let appeal = pb::AppealSanctionRequest { command: command(&id, "2026-04-25") };
    own.0.discipline().appeal_sanction(appeal).await.unwrap();
    let decide = pb::DecideSanctionAppealRequest {
        command: command(&id, "2026-05-10"),
        result: pb::AppealResult::Changed.into(),
        form: "reprimand".into(),
    };
    client.decide_sanction_appeal(decide).await.unwrap();
    client.execute_sanction(execute("2026-05-11")).await.unwrap();
    // From the cell to the proceeding, the report, each entry, and each rule with its act.
    let explain = ["board", "explain", "H57", "sanctions_decided", "--judged-at", "2026-05-31", "--at-least"];
    let explained = server.json(&[&explain[..], &[&head(&server)]].concat());
    let line = &explained["lines"][0];
    assert_eq!((&line["proceeding"], &line["report"]), (&id.as_str().into(), &report.as_str().into()));
    let rules: Vec<_> = line["rules"].as_array().unwrap().iter().map(|rule| rule.as_str().unwrap()).collect();
    for act in ["Decree 172/2025", "Law 52/2019", "36/2018", "02/2011"] {
        assert!(rules.iter().any(|rule| rule.contains(act)), "{act}: {rules:?}");
    }
    assert!(rules.iter().all(|rule| rule.contains(' ')), "each is cited: {rules:?}");
    assert!(line["positions"].as_array().unwrap().len() >= 10, "{line}");
    let exonerate = pb::ExonerateRequest {
        command: command(&id, "2026-06-01"),
        ground: pb::ExonerationGround::CourtRuling.into(),
    };
    let due = client.exonerate(exonerate).await.unwrap().into_inner();
    assert!(due.apologise.is_some() && due.restore.is_some());
    let apology = pb::RecordApologyRequest { command: command(&id, "2026-06-10") };
    client.record_apology(apology).await.unwrap();
    let restoration = pb::RecordRestorationRequest { command: command(&id, "2026-06-11") };
    client.record_restoration(restoration).await.unwrap();
    let shown = own.show(&id).await.unwrap();
    assert_eq!(shown.stage(), pb::ProceedingStage::Exonerated);
    assert!(shown.executed && shown.apologised && shown.restored && !shown.cleared);

    // Each event names its rulebook; none names whoever reported.
    let entries = server.json(&["log", "read", "--limit", "0", "--category", "discipline.proceeding"]);
    for entry in entries.as_array().unwrap() {
        assert!(entry["rules"].as_str().unwrap().starts_with("VN-"), "{entry}");
    }
    assert!(!entries.to_string().contains("Bí Mật"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_the_law_does_not_allow_has_a_reason_each() {
    let server = world().await;
    let report = concluded(&server, &["o-17", "o-18"]);
    let agency = Office::of(&server, &["--role", "agency", "--agency", "H57"]);
    let open = async |change: &dyn Fn(&mut pb::OpenProceedingRequest)| {
        let mut request = opening(&report, 1, "2026-04-01");
        change(&mut request);
        reason(agency.open(request).await)
    };
    assert_eq!(open(&|r| r.origin_stream = "conduct.report/r-none".into()).await, "ORIGIN_UNKNOWN");
    assert_eq!(open(&|r| r.origin_stream = "delivery.case/c".into()).await, "ORIGIN_NOT_SUPPORTED");
    assert_eq!(open(&|r| r.origin_stream = "nonsense".into()).await, "STREAM_NAME_MALFORMED");
    assert_eq!(open(&|r| r.allegation = 3).await, "NO_FINDING", "it is unsubstantiated");
    assert_eq!(open(&|r| r.allegation = 9).await, "NO_FINDING");
    assert_eq!(open(&|r| r.allegation = 0).await, "NO_FINDING", "it is no self-report");
    assert_eq!(open(&|r| r.allegation = -1).await, "FIELD_INVALID");
    assert_eq!(open(&|r| r.violation_date = "2015-01-01".into()).await, "LIMITATION_RUN_OUT");
    assert_eq!(open(&|r| r.violation_date = "2026-03-31".into()).await, "DATES_OUT_OF_ORDER");
    assert_eq!(open(&|r| r.violation_date = String::new()).await, "FIELD_INVALID");
    assert_eq!(open(&|r| r.exemption = "none".into()).await, "EXEMPTION_UNKNOWN");
    assert_eq!(open(&|r| r.command.as_mut().unwrap().proceeding = "p".into()).await, "FIELD_INVALID");
    assert_eq!(open(&|r| r.command.as_mut().unwrap().agency = "H58".into()).await, "NO_STANDING");
    let far = "2199-01-01";
    assert_eq!(open(&|r| r.command.as_mut().unwrap().occurred = when(far)).await, "OCCURRED_IN_FUTURE");
    let not_of_the_party =
        pb::OpenProceedingRequest { track: pb::Track::Party.into(), ..opening(&report, 2, "2026-04-01") };
    assert_eq!(reason(agency.open(not_of_the_party).await), "TRACK_NOT_ALLOWED");

    let id = agency.open(opening(&report, 1, "2026-04-01")).await.unwrap().proceeding;
    assert_eq!(reason(agency.decide(&id, "2026-04-02", form("warning")).await), "COUNCIL_NOT_CONVENED");
    assert_eq!(reason(agency.decide("p-none", "2026-04-02", form("warning")).await), "PROCEEDING_UNKNOWN");
    let none = pb::Decision { result: pb::Result::Pending.into(), ..pb::Decision::default() };
    assert_eq!(reason(agency.decide(&id, "2026-04-02", Some(none)).await), "FIELD_INVALID");
    let exonerate = pb::ExonerateRequest { command: command(&id, "2026-04-02"), ground: 1 };
    assert_eq!(reason(agency.0.discipline().exonerate(exonerate).await), "NOTHING_IMPOSED");
    agency.hear(&id, "2026-04-03").await;
    // After the handling time, which nobody extended.
    assert_eq!(reason(agency.decide(&id, "2026-06-30", form("warning")).await), "HANDLING_TIME_OVER");
    agency.decide(&id, "2026-06-29", form("warning")).await.unwrap();
    let appeal = |on: &str| pb::AppealSanctionRequest { command: command(&id, on) };
    let mut client = agency.0.discipline();
    assert_eq!(reason(client.appeal_sanction(appeal("2026-10-30")).await), "APPEAL_TOO_LATE");

    // Somebody who had left.
    let id = agency.open(opening(&report, 2, "2026-04-01")).await.unwrap().proceeding;
    agency.hear(&id, "2026-04-03").await;
    server.json(&["directory", "leave", "o-18", "--on", "2026-04-05"]);
    assert_eq!(reason(agency.decide(&id, "2026-04-06", form("warning")).await), "PERSON_LEFT");

    // Citizens have no part in it, and services none but through the process.
    let citizen = Office::of(&server, &["--role", "citizen"]);
    assert_eq!(reason(citizen.show(&id).await), "ROLE_NOT_ALLOWED");
    let mut import = citizen.0.discipline();
    assert_eq!(
        reason(import.import_proceeding(pb::ImportProceedingRequest::default()).await),
        "ROLE_NOT_ALLOWED"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_acts_in_a_proceeding_reads_it_unless_its_report_concerns_them() {
    let server = world().await;
    let colleague = server.token(&["--role", "official", "--agency", "H57", "--holder", "o-18"]);
    let acting = Office(Client::new(&server.address, &colleague));
    let trail =
        |id: &str, token: &str| server.liem(&["trail", &format!("proceeding:{id}"), "--token", token]);
    let report = concluded(&server, &["o-17"]);
    let id = acting.open(opening(&report, 1, "2026-04-01")).await.unwrap().proceeding;
    server.json(&["trail", &format!("proceeding:{id}"), "--at-least", &head(&server)]);
    assert!(trail(&id, &colleague).success);
    let other = server.token(&["--role", "official", "--agency", "H57", "--holder", "o-19"]);
    assert!(trail(&id, &other).err.contains("NO_STANDING"));

    // Another one, which says something of the colleague as well.
    let report = concluded(&server, &["o-17", "o-18"]);
    assert_eq!(reason(acting.open(opening(&report, 1, "2026-04-01")).await), "CONCERNS_HANDLER");
    let agency = Office::of(&server, &["--role", "agency", "--agency", "H57"]);
    let id = agency.open(opening(&report, 1, "2026-04-01")).await.unwrap().proceeding;
    let members = vec!["o-18".into(), "o-19".into()];
    let request = pb::ConveneCouncilRequest { command: command(&id, "2026-04-02"), members };
    agency.0.discipline().convene_council(request).await.unwrap();
    server.json(&["trail", &format!("proceeding:{id}"), "--at-least", &head(&server)]);
    assert!(trail(&id, &colleague).err.contains("NO_STANDING"));
    assert!(trail(&id, &other).success);
    assert!(trail(&id, &server.token(&["--role", "agency", "--agency", "H57"])).success);
}

/// The newest position.
fn head(server: &Server) -> String {
    server.json(&["log", "head"])["position"].to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_found_is_told_by_whole_months_to_all_but_inspectors() {
    let server = world().await;
    // Six substantiated allegations, concluded on the last day but one of March.
    concluded(&server, &["o-17"; 6]);
    let citizen = server.token(&["--role", "citizen"]);
    let newest = head(&server);
    let found = |day: &str, more: &[&str]| {
        let board = server.json(&[&["board", "--judged-at", day, "--at-least", &newest], more].concat());
        board.as_array().unwrap().iter().map(|row| row["substantiated"].clone()).collect::<Vec<_>>()
    };
    let token = ["--token", &citizen];
    assert_eq!(found("2026-03-30", &[]), [6]);
    assert_eq!(found("2026-03-30", &token), [0; 0]);
    assert_eq!(found("2026-03-31", &token), [6]);
    assert_eq!(found("2026-04-10", &token), [6]);
    assert_eq!(found("2026-03-31", &[&token[..], &["--period", "2026-03"]].concat()), [6]);
    let explain = |day: &str| {
        server.liem(&["board", "explain", "H57", "substantiated", "--judged-at", day, "--token", &citizen])
    };
    assert!(explain("2026-03-30").err.contains("SUBJECT_UNKNOWN"));
    let explained = explain("2026-03-31");
    assert!(explained.success && explained.out.contains('6'), "{} {}", explained.out, explained.err);
}
