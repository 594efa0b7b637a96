//! Agencies and units are renamed, merged and closed; what was merged is found under the new code, and the agency that
//! answers for it acts in its cases. Posts and officials: who headed what, and who may know.

use proto::{
    audit::{ListTrailRequest, ListTrailResponse},
    delivery::{ReceiveCaseRequest, ReopenCaseRequest},
    directory as dir,
    ledger::{ListOrder, Recorded, Subject},
};
use serde_json::Value;
use tests::{Act, Client, command, reason, request_id, when};
use tonic::Status;

use super::refusals::{BUILDING, LAND, PROCEDURE, World, receive};

const THIRD: &str = "H57.3";

impl World {
    /// Runs `liem directory …`, which must succeed, and gives the position.
    fn directory(&self, arguments: &[&str]) -> u64 {
        self.server.json(&[&["directory"], arguments].concat())["position"].as_u64().unwrap()
    }

    /// The board of a command line, as `subject received closed steps`, by subject.
    fn board(&self, arguments: &[&str]) -> Vec<String> {
        let rows = self.server.json(&[&["board"], arguments].concat());
        let shown = |row: &Value| {
            let [received, closed, steps] =
                ["received", "closed", "steps"].map(|figure| row[figure].to_string());
            format!("{} {received} {closed} {steps}", row["subject"].as_str().unwrap())
        };
        let mut rows: Vec<_> = rows.as_array().unwrap().iter().map(shown).collect();
        rows.sort();
        rows
    }

    /// The cases behind a figure of a row.
    fn explained(&self, arguments: &[&str]) -> Vec<String> {
        let answer = self.server.json(&[&["board", "explain"], arguments].concat());
        let lines = answer["lines"].as_array().unwrap();
        assert_eq!(answer["total"].as_u64(), Some(lines.len() as u64), "{answer}");
        lines.iter().map(|line| line["case"].as_str().unwrap_or("step").to_owned()).collect()
    }
}

/// The trail of a subject, all of it, oldest first, in pages of two.
async fn trail(client: &Client, role: &str, id: &str, as_of: u64) -> Result<Vec<String>, Status> {
    let mut request = ListTrailRequest {
        subject: Some(Subject { role: role.into(), id: id.into() }),
        order: ListOrder::OldestFirst.into(),
        page_size: 2,
        as_of_position: as_of,
        ..ListTrailRequest::default()
    };
    let mut types = Vec::new();
    loop {
        let ListTrailResponse { lines, next_page_token, total_count, .. } =
            client.audit().list_trail(request.clone()).await?.into_inner();
        let name = |event_type: &str| event_type.split('.').nth(1).unwrap().to_owned();
        types.extend(lines.iter().map(|line| format!("{} {}", line.agency, name(&line.r#type))));
        if next_page_token.is_empty() {
            assert_eq!(i64::try_from(types.len()).unwrap(), total_count);
            return Ok(types);
        }
        request.page_token = next_page_token;
    }
}

/// A case of an agency, of the procedure, received on a day.
async fn received(world: &World, agency: &str, unit: &str, day: &str) -> String {
    let request = ReceiveCaseRequest {
        procedure: PROCEDURE.into(),
        unit: unit.into(),
        ..ReceiveCaseRequest::default()
    };
    world.admin.receive(agency, day, request).await
}

#[tokio::test]
async fn what_was_merged_is_found_under_the_new_code() {
    let world = World::new().await;
    let inspector = world.client(&["--role", "inspector"]);
    let open = received(&world, LAND, "land-desk", "2025-04-23").await;
    let decided = received(&world, LAND, "land-desk", "2025-04-23").await;
    for act in [Act::Step("Check", "land-desk"), Act::Decide] {
        world.admin.act(command(&decided, "2025-04-24"), act).await.unwrap();
    }
    let other = received(&world, BUILDING, "building-desk", "2025-04-23").await;
    let before = world.admin.act(command(&other, "2025-04-24"), Act::Step("Check", "building-desk")).await;
    let before = before.unwrap().position;
    let as_of = before.to_string();
    let two = ["H57.1 2 1 1".to_owned(), "H57.2 1 0 1".to_owned()];
    assert_eq!(world.board(&["--at-least", &as_of]), two);
    let land = trail(&inspector, "agency", LAND, before).await.unwrap();
    let building = trail(&inspector, "agency", BUILDING, before).await.unwrap();

    world.directory(&["merge-unit", "land-desk", "--into", "building-desk", "--on", "2025-06-01"]);
    let merged = world.directory(&["merge-agency", LAND, "--into", BUILDING, "--on", "2025-06-01"]);
    let at_least = merged.to_string();

    // The board: one row, which its explanation adds up to; before the merger, the two.
    let one = ["H57.2 3 1 2".to_owned()];
    assert_eq!(world.board(&["--at-least", &at_least]), one);
    assert_eq!(world.board(&["--as-of", &as_of]), two);
    let mut all = vec![open.clone(), decided.clone(), other.clone()];
    all.sort();
    assert_eq!(world.explained(&[BUILDING, "received"]), all);
    assert_eq!(world.explained(&[BUILDING, "steps"]), ["step", "step"]);
    assert_eq!(world.explained(&[BUILDING, "received", "--as-of", &as_of]), [other.as_str()]);
    // An old code leads there, and as of then to itself.
    assert_eq!(world.explained(&[LAND, "closed"]), [decided.as_str()]);
    assert_eq!(world.board(&["--agency", LAND]), one);
    assert_eq!(world.board(&["--agency", LAND, "--as-of", &as_of]), two[..1]);
    // Units: the merged one's row is that of the other, whose agency it has.
    let desk = ["building-desk 3 1 2".to_owned()];
    for agency in [&[][..], &["--agency", LAND], &["--agency", BUILDING]] {
        assert_eq!(world.board(&[&["--by", "unit"], agency].concat()), desk);
    }
    assert_eq!(world.board(&["--by", "unit", "--agency", THIRD]), Vec::<String>::new());
    assert_eq!(world.server.json(&["board", "--by", "unit"])[0]["agency"], BUILDING);
    assert_eq!(world.board(&["--by", "unit", "--as-of", &as_of]), ["building-desk 1 0 1", "land-desk 2 1 1"]);
    assert_eq!(world.explained(&["building-desk", "received", "--by", "unit"]), all);

    // The trail: of the old code up to its merger, of the new one both, in order, each line with whom it was of.
    let merger = "H57.1 AgencyMerged".to_owned();
    assert_eq!(
        trail(&inspector, "agency", LAND, 0).await.unwrap(),
        [&land[..], std::slice::from_ref(&merger)].concat()
    );
    let both = trail(&inspector, "agency", BUILDING, 0).await.unwrap();
    assert_eq!(both.len(), land.len() + building.len() + 1);
    assert!(land.iter().chain(&building).all(|line| both.contains(line)), "{both:?}");
    assert_eq!(both.last(), Some(&merger));
    assert_eq!(trail(&inspector, "agency", BUILDING, before).await.unwrap(), building);
    assert_eq!(trail(&inspector, "unit", "building-desk", 0).await.unwrap().len(), 9);
    let steps = ["trail", "agency:H57.2", "--type", "delivery.StepDone.v1"];
    assert_eq!(world.server.json(&steps).as_array().unwrap().len(), 2);
    assert_eq!(world.server.json(&["trail", "agency:H57.2", "--count"])["total"], both.len());

    // Merged on, it all goes on to the last one.
    let last = world.directory(&["merge-agency", BUILDING, "--into", THIRD, "--on", "2025-09-01"]);
    assert_eq!(world.board(&["--at-least", &last.to_string()]), ["H57.3 3 1 2"]);
    assert_eq!(world.board(&["--agency", LAND]), ["H57.3 3 1 2"]);
    assert_eq!(world.board(&["--as-of", &at_least]), one);
    // It was there itself before, with its unit.
    assert_eq!(trail(&inspector, "agency", THIRD, 0).await.unwrap().len(), both.len() + 3);
    assert_eq!(trail(&inspector, "agency", THIRD, merged).await.unwrap().len(), 2);
    assert_eq!(trail(&inspector, "agency", BUILDING, merged).await.unwrap(), both);

    // A rebuilt view finds the same.
    for view in ["audit", "leaderboard"] {
        world.server.json(&["replay", "start", view, "--reason", "ticket 1", "--wait"]);
        assert_eq!(world.server.json(&["replay", "compare", view])["equal"], true, "{view}");
    }
}

#[tokio::test]
async fn whoever_answers_for_an_agency_acts_in_its_cases_and_sees_its_trail() {
    let world = World::new().await;
    let open = world.case(&[Act::Accept]).await;
    let closed = world.case(&[Act::Decide]).await;
    let kept = world.case(&[]).await;
    let handed = received(&world, BUILDING, "building-desk", "2025-04-23").await;
    world.admin.act(command(&handed, "2025-04-24"), Act::HandOver(LAND)).await.unwrap();
    let land = world.client(&["--role", "agency", "--agency", LAND]);
    let third = world.client(&["--role", "agency", "--agency", THIRD]);
    let official = world.client(&["--role", "official", "--agency", THIRD, "--holder", "o-33"]);
    world.refused("HOLDER_MISMATCH", third.act(command(&open, "2025-06-02"), Act::Decide)).await;
    world.refused("NO_STANDING", trail(&third, "agency", LAND, 0)).await;
    land.act(command(&open, "2025-04-28"), Act::Assign("land-files", "o-17")).await.unwrap();

    world.directory(&["merge-agency", LAND, "--into", THIRD, "--on", "2025-06-01"]);
    // At once, in the name of the agency that holds it; its units and the new ones are as good.
    third.act(command(&open, "2025-06-02"), Act::Assign("third-desk", "o-33")).await.unwrap();
    official.act(command(&open, "2025-06-03"), Act::Step("Check", "third-desk")).await.unwrap();
    official.act(command(&open, "2025-06-03"), Act::Decide).await.unwrap();
    let case = third.case(&open).await;
    assert_eq!((case.agency.as_str(), case.unit.as_str()), (LAND, "third-desk"));
    let lines = trail(&third, "case", &open, 0).await.unwrap();
    assert_eq!(
        lines[2..],
        ["H57.1 CaseAssigned", "H57.1 CaseAssigned", "H57.3 StepDone", "H57.1 CaseDecided"]
    );
    // The merged agency's own systems go on with what they have, and others still may not.
    land.act(command(&kept, "2025-06-02"), Act::Accept).await.unwrap();
    let building = world.client(&["--role", "agency", "--agency", BUILDING]);
    world.refused("HOLDER_MISMATCH", building.act(command(&kept, "2025-06-02"), Act::Decide)).await;
    // What was handed to it is taken up by who answers for it; what is reopened is theirs from the start.
    third.act(command(&handed, "2025-06-02"), Act::TakeUp("third-desk")).await.unwrap();
    assert_eq!(third.case(&handed).await.agency, THIRD);
    let reopen = ReopenCaseRequest { command: Some(command(&closed, "2025-06-02")), due_time: None };
    let reopened = third.delivery().reopen_case(reopen).await.unwrap().into_inner().case;
    assert_eq!(third.case(&reopened).await.agency, THIRD);

    // Both trails are theirs to see, and the officials in them; the other way round nothing changed.
    let old = trail(&third, "agency", LAND, 0).await.unwrap();
    assert!(old.contains(&"H57.1 AgencyMerged".to_owned()), "{old:?}");
    world.refused("NO_STANDING", trail(&land, "agency", THIRD, 0)).await;
    world.refused("NO_STANDING", trail(&building, "agency", LAND, 0)).await;
    let request = ListTrailRequest {
        subject: Some(Subject { role: "agency".into(), id: THIRD.into() }),
        ..ListTrailRequest::default()
    };
    let seen = third.audit().list_trail(request).await.unwrap().into_inner().lines;
    let decided = seen.iter().find(|line| line.r#type == "delivery.CaseDecided.v1").unwrap();
    assert_eq!((decided.agency.as_str(), decided.on_behalf_of.as_str()), (LAND, "o-33"));

    // New cases are for the one that answers for it, from its day on; what came before is recorded late.
    let status = land.delivery().receive_case(receive("", "", "2025-06-01")).await.unwrap_err();
    assert!(status.message().contains(THIRD), "{status:?}");
    world.refused("AGENCY_CLOSED", land.delivery().receive_case(receive("", "", "2025-06-01"))).await;
    land.delivery().receive_case(receive("", "", "2025-05-31")).await.unwrap();
    let elsewhere = received(&world, BUILDING, "building-desk", "2025-06-02").await;
    world
        .refused("AGENCY_CLOSED", world.admin.act(command(&elsewhere, "2025-06-03"), Act::HandOver(LAND)))
        .await;
    received(&world, THIRD, "land-desk", "2025-06-02").await;
    world.directory(&["close-unit", "land-desk", "--on", "2025-07-01"]);
    let late = ReceiveCaseRequest { unit: "land-desk".into(), ..receive(THIRD, "", "2025-07-01") };
    world.refused("UNIT_CLOSED", world.admin.delivery().receive_case(late)).await;
    world.directory(&["close-agency", BUILDING, "--on", "2025-07-01"]);
    world.refused("AGENCY_CLOSED", building.delivery().receive_case(receive("", "", "2025-07-01"))).await;
    building.act(command(&elsewhere, "2025-07-02"), Act::Decide).await.unwrap();
    let reopen = ReopenCaseRequest { command: Some(command(&elsewhere, "2025-07-03")), due_time: None };
    world.refused("AGENCY_CLOSED", building.delivery().reopen_case(reopen)).await;
    assert_eq!(world.server.json(&["log", "check"])["ok"], true);
}

fn merge(agency: &str, into: &str, date: &str) -> dir::MergeAgencyRequest {
    let (agency, into, effective_date) = (agency.into(), into.into(), date.into());
    dir::MergeAgencyRequest { request_id: request_id(), agency, into, effective_date }
}

fn post(code: &str, agency: &str, unit: &str) -> dir::DefinePostRequest {
    let post = dir::Post {
        code: code.into(),
        agency: agency.into(),
        unit: unit.into(),
        leadership: dir::Leadership::Head.into(),
        ..dir::Post::default()
    };
    dir::DefinePostRequest { request_id: request_id(), post: Some(post) }
}

fn official(id: &str, agency: &str) -> dir::RegisterOfficialRequest {
    let official = dir::Official {
        id: id.into(),
        agency: agency.into(),
        category: dir::OfficialCategory::CivilServant.into(),
        ..dir::Official::default()
    };
    dir::RegisterOfficialRequest { request_id: request_id(), official: Some(official), name: String::new() }
}

fn appoint(official: &str, post: &str, from: &str) -> dir::AppointOfficialRequest {
    let (official, post, from_date) = (official.into(), post.into(), from.into());
    dir::AppointOfficialRequest { request_id: request_id(), official, post, from_date }
}

#[tokio::test]
async fn what_the_directory_forbids_is_refused() {
    let world = World::new().await;
    let admin = world.admin.directory();
    let merged = merge(LAND, BUILDING, "2025-06-01");
    let first = admin.clone().merge_agency(merged.clone()).await.unwrap().into_inner().recorded.unwrap();
    for (bad, expected) in [
        (merge(LAND, THIRD, "2025-07-01"), "AGENCY_CLOSED"),
        (merge(BUILDING, LAND, "2025-07-01"), "AGENCY_CLOSED"),
        (merge(BUILDING, BUILDING, "2025-07-01"), "MERGED_INTO_ITSELF"),
        (merge(BUILDING, "H57.9", "2025-07-01"), "AGENCY_UNKNOWN"),
        (merge("H57.9", THIRD, "2025-07-01"), "AGENCY_UNKNOWN"),
        (merge(BUILDING, THIRD, "2025-05-31"), "DATES_OUT_OF_ORDER"),
        (merge(BUILDING, THIRD, "2199-01-01"), "DATE_IN_FUTURE"),
        (merge(BUILDING, THIRD, "1 June 2025"), "FIELD_INVALID"),
        (merge("Sở Xây dựng", THIRD, "2025-07-01"), "FIELD_INVALID"),
    ] {
        world.refused(expected, admin.clone().merge_agency(bad)).await;
    }
    let rename = |agency: &str, name: &str| dir::RenameAgencyRequest {
        request_id: request_id(),
        agency: agency.into(),
        name_vi: name.into(),
        name_en: String::new(),
    };
    world.refused("AGENCY_CLOSED", admin.clone().rename_agency(rename(LAND, "Sở"))).await;
    world.refused("NAMES_UNCHANGED", admin.clone().rename_agency(rename(BUILDING, BUILDING))).await;
    let close = dir::CloseAgencyRequest {
        request_id: request_id(),
        agency: LAND.into(),
        effective_date: "2025-07-01".into(),
    };
    world.refused("AGENCY_CLOSED", admin.clone().close_agency(close)).await;
    let unit = dir::Unit { code: "new".into(), agency: LAND.into(), ..dir::Unit::default() };
    let open = dir::OpenUnitRequest { request_id: request_id(), unit: Some(unit) };
    world.refused("AGENCY_CLOSED", admin.clone().open_unit(open)).await;
    let merge_unit = |unit: &str, into: &str| dir::MergeUnitRequest {
        request_id: request_id(),
        unit: unit.into(),
        into: into.into(),
        effective_date: "2025-06-01".into(),
    };
    admin.clone().merge_unit(merge_unit("land-files", "land-desk")).await.unwrap();
    for (bad, expected) in [
        (merge_unit("land-files", "third-desk"), "UNIT_CLOSED"),
        (merge_unit("land-desk", "land-files"), "UNIT_CLOSED"),
        (merge_unit("land-desk", "land-desk"), "MERGED_INTO_ITSELF"),
        (merge_unit("land-desk", "nobody's desk"), "UNIT_UNKNOWN"),
    ] {
        world.refused(expected, admin.clone().merge_unit(bad)).await;
    }

    admin.clone().define_post(post("head", BUILDING, "")).await.unwrap();
    admin.clone().define_post(post("desk", BUILDING, "land-desk")).await.unwrap();
    for (bad, expected) in [
        (post("head", BUILDING, ""), "POST_EXISTS"),
        (post("other", LAND, ""), "AGENCY_CLOSED"),
        (post("other", "H57.9", ""), "AGENCY_UNKNOWN"),
        (post("other", BUILDING, "nobody's desk"), "UNIT_UNKNOWN"),
        (post("other", BUILDING, "third-desk"), "UNIT_OF_OTHER_AGENCY"),
        (post("other", BUILDING, "land-files"), "UNIT_CLOSED"),
    ] {
        world.refused(expected, admin.clone().define_post(bad)).await;
    }
    admin.clone().register_official(official("o-1", BUILDING)).await.unwrap();
    let nobody =
        dir::RegisterOfficialRequest { request_id: request_id(), official: None, name: String::new() };
    let nameless = {
        let mut request = official("o-2", BUILDING);
        request.official.as_mut().unwrap().category = 0;
        request
    };
    for (bad, expected) in [
        (official("o-1", BUILDING), "OFFICIAL_EXISTS"),
        (official("o-2", LAND), "AGENCY_CLOSED"),
        (official("o-2", "H57.9"), "AGENCY_UNKNOWN"),
        (official("Nguyễn Văn A", BUILDING), "FIELD_INVALID"),
        (nobody, "FIELD_INVALID"),
        (nameless, "FIELD_INVALID"),
    ] {
        world.refused(expected, admin.clone().register_official(bad)).await;
    }
    admin.clone().appoint_official(appoint("o-1", "head", "2025-07-01")).await.unwrap();
    admin.clone().register_official(official("o-2", BUILDING)).await.unwrap();
    for (bad, expected) in [
        (appoint("o-9", "head", "2025-08-01"), "OFFICIAL_UNKNOWN"),
        (appoint("o-2", "nobody", "2025-08-01"), "POST_UNKNOWN"),
        (appoint("o-2", "head", "2025-07-01"), "DATES_OUT_OF_ORDER"),
        (appoint("o-1", "desk", "2025-07-01"), "DATES_OUT_OF_ORDER"),
    ] {
        world.refused(expected, admin.clone().appoint_official(bad)).await;
    }
    let close = |post: &str, date: &str| dir::ClosePostRequest {
        request_id: request_id(),
        post: post.into(),
        effective_date: date.into(),
    };
    world.refused("DATES_OUT_OF_ORDER", admin.clone().close_post(close("head", "2025-07-01"))).await;
    admin.clone().close_post(close("head", "2025-10-01")).await.unwrap();
    world.refused("POST_CLOSED", admin.clone().close_post(close("head", "2025-11-01"))).await;
    world.refused("POST_CLOSED", admin.clone().appoint_official(appoint("o-2", "head", "2025-10-01"))).await;
    let membership = |party_member, date: &str| dir::ChangePartyMembershipRequest {
        request_id: request_id(),
        official: "o-1".into(),
        party_member,
        effective_date: date.into(),
    };
    let mut members = admin.clone();
    let unchanged = members.change_party_membership(membership(false, "2025-08-01"));
    world.refused("PARTY_MEMBERSHIP_UNCHANGED", unchanged).await;
    admin.clone().change_party_membership(membership(true, "2025-08-01")).await.unwrap();
    let departure = dir::RecordDepartureRequest {
        request_id: request_id(),
        official: "o-1".into(),
        effective_date: "2025-12-01".into(),
    };
    admin.clone().record_departure(departure.clone()).await.unwrap();
    let again = dir::RecordDepartureRequest { request_id: request_id(), ..departure };
    world.refused("OFFICIAL_LEFT", admin.clone().record_departure(again)).await;
    let moved = |agency: &str, unit: &str| dir::MoveOfficialRequest {
        request_id: request_id(),
        official: "o-2".into(),
        agency: agency.into(),
        unit: unit.into(),
        from_date: "2025-12-01".into(),
    };
    world.refused("AGENCY_CLOSED", admin.clone().move_official(moved(LAND, ""))).await;
    world.refused("UNIT_OF_OTHER_AGENCY", admin.clone().move_official(moved(THIRD, "land-desk"))).await;

    // A retry gets its first answer, though it would be refused by now; with other content it is no retry.
    let again = admin.clone().merge_agency(merged.clone()).await.unwrap().into_inner().recorded.unwrap();
    assert_eq!(again, Recorded { repeated: true, ..first });
    let other = dir::MergeAgencyRequest { into: THIRD.into(), ..merged };
    world.refused("REQUEST_ID_REUSED", admin.clone().merge_agency(other)).await;
    // All of it is for administrators.
    let land = world.client(&["--role", "agency", "--agency", LAND]);
    let status = land.directory().merge_agency(merge(BUILDING, THIRD, "2025-07-01")).await;
    assert_eq!(reason(status), "ROLE_NOT_ALLOWED");
}

/// Who headed an agency, as `official from..until`.
async fn heads(client: &Client, agency: &str, unit: &str) -> Result<Vec<String>, Status> {
    let request = dir::ListHeadsRequest { agency: agency.into(), unit: unit.into() };
    let periods = client.directory().list_heads(request).await?.into_inner().periods;
    Ok(periods.iter().map(|p| format!("{} {}..{}", p.official, p.from_date, p.until_date)).collect())
}

async fn agency(client: &Client, code: &str) -> dir::Agency {
    let request = dir::GetAgencyRequest { code: code.into() };
    client.directory().get_agency(request).await.unwrap().into_inner().agency.unwrap()
}

#[tokio::test]
async fn heads_are_known_by_period_to_those_who_work_for_the_state() {
    let world = World::new().await;
    for (post, of) in [("land/head", LAND), ("building/head", BUILDING)] {
        world.directory(&["define-post", post, "--agency", of, "--leadership", "head"]);
    }
    let desk = ["define-post", "land-desk/head", "--agency", LAND, "--unit", "land-desk"];
    world.directory(&[&desk[..], &["--leadership", "head"]].concat());
    for (official, of) in [("o-1", LAND), ("o-2", LAND), ("o-3", BUILDING)] {
        let register = ["register-official", official, "--agency", of, "--category", "civil-servant"];
        world.directory(&[&register[..], &["--party-member"]].concat());
    }
    for (official, post, from) in [
        ("o-1", "land/head", "2024-01-01"),
        ("o-2", "land-desk/head", "2024-01-01"),
        ("o-3", "building/head", "2024-07-01"),
        ("o-2", "land/head", "2025-01-01"),
    ] {
        world.directory(&["appoint", official, "--post", post, "--from", from]);
    }
    world.directory(&["rename-agency", LAND, "--name-vi", "Sở Đất đai", "--name-en", "Land"]);
    let land = agency(&world.admin, LAND).await;
    assert_eq!(
        (land.name_en.as_str(), land.status(), land.heads),
        ("Land", dir::BodyStatus::Open, vec!["o-2".into()])
    );
    world.directory(&["merge-agency", LAND, "--into", BUILDING, "--on", "2025-06-01"]);
    world.directory(&[
        "move",
        "o-1",
        "--agency",
        BUILDING,
        "--unit",
        "building-desk",
        "--from",
        "2025-06-01",
    ]);
    world.directory(&["leave", "o-2", "--on", "2025-07-01"]);
    world.directory(&["party-member", "o-3", "--no", "--from", "2025-03-01"]);

    let inspector = world.client(&["--role", "inspector"]);
    let own = world.client(&["--role", "agency", "--agency", THIRD]);
    let colleague = world.client(&["--role", "official", "--agency", THIRD, "--holder", "o-9"]);
    let citizen = world.client(&["--role", "citizen"]);
    for client in [&inspector, &world.admin, &own, &colleague] {
        assert_eq!(
            heads(client, LAND, "").await.unwrap(),
            ["o-1 2024-01-01..2024-12-31", "o-2 2025-01-01..2025-05-31"]
        );
        assert_eq!(heads(client, BUILDING, "").await.unwrap(), ["o-3 2024-07-01.."]);
        assert_eq!(heads(client, "", "land-desk").await.unwrap(), ["o-2 2024-01-01..2024-12-31"]);
        assert_eq!(agency(client, BUILDING).await.heads, ["o-3"]);
    }
    for (agency, unit, expected) in [
        ("H57.9", "", "AGENCY_UNKNOWN"),
        ("", "nobody's desk", "UNIT_UNKNOWN"),
        ("", "", "FIELD_INVALID"),
        (LAND, "land-desk", "FIELD_INVALID"),
    ] {
        world.refused(expected, heads(&inspector, agency, unit)).await;
    }

    // In public an agency is known, with what became of it, and nobody in it.
    world.refused("ROLE_NOT_ALLOWED", heads(&citizen, LAND, "")).await;
    let land = agency(&citizen, LAND).await;
    assert_eq!((land.status(), land.merged_into.as_str()), (dir::BodyStatus::Merged, BUILDING));
    assert_eq!((land.effective_date.as_str(), land.heads.len()), ("2025-06-01", 0));
    assert_eq!(agency(&citizen, BUILDING).await.heads, Vec::<String>::new());
    let posts = dir::ListPostsRequest { agency: BUILDING.into(), ..dir::ListPostsRequest::default() };
    let posts = citizen.directory().list_posts(posts).await.unwrap().into_inner().posts;
    let posts: Vec<_> = posts.iter().map(|post| post.code.as_str()).collect();
    assert_eq!(posts, ["building/head", "land-desk/head", "land/head"]);

    // Officials one by one: for inspectors and administrators.
    for client in [&own, &colleague, &citizen] {
        let list = client.directory().list_officials(dir::ListOfficialsRequest::default()).await;
        assert_eq!(reason(list), "ROLE_NOT_ALLOWED");
        let one = client.directory().get_official(dir::GetOfficialRequest { id: "o-1".into() }).await;
        assert_eq!(reason(one), "ROLE_NOT_ALLOWED");
    }
    let of = dir::ListOfficialsRequest { agency: LAND.into(), ..dir::ListOfficialsRequest::default() };
    let officials = inspector.directory().list_officials(of).await.unwrap().into_inner().officials;
    assert_eq!(officials.iter().map(|official| official.id.as_str()).collect::<Vec<_>>(), ["o-2"]);
    let one = |id: &str| dir::GetOfficialRequest { id: id.into() };
    let moved = inspector.directory().get_official(one("o-1")).await.unwrap().into_inner().official.unwrap();
    assert_eq!((moved.agency.as_str(), moved.unit.as_str()), (BUILDING, "building-desk"));
    assert_eq!((moved.party_member, moved.category()), (true, dir::OfficialCategory::CivilServant));
    let left = world.admin.directory().get_official(one("o-2")).await.unwrap().into_inner().official.unwrap();
    let held: Vec<_> =
        left.appointments.iter().map(|held| (held.post.as_str(), held.until_date.as_str())).collect();
    assert_eq!(held, [("land-desk/head", "2024-12-31"), ("land/head", "2025-06-30")]);
    assert_eq!(left.left_date, "2025-07-01");
    world.refused("OFFICIAL_UNKNOWN", inspector.directory().get_official(one("o-9"))).await;

    // The trail of a post shows its holders to inspectors only.
    let on_post = |client: &Client| {
        let subject = Some(Subject { role: "post".into(), id: "land/head".into() });
        let (client, request) = (client.audit(), ListTrailRequest { subject, ..ListTrailRequest::default() });
        async move { client.clone().list_trail(request).await.unwrap().into_inner().lines }
    };
    assert!(format!("{:?}", on_post(&inspector).await).contains("o-1"));
    let seen = on_post(&own).await;
    assert_eq!(seen.len(), 3);
    assert!(!format!("{seen:?}").contains("o-1"), "{seen:?}");
    assert_eq!(seen[2].occurred, when(&seen[2].record_date));

    let shown = world.server.liem(&["directory", "show", LAND]);
    assert!(shown.success, "{}", shown.err);
    for part in ["Sở Đất đai", "merged into H57.2 on 2025-06-01", "land-desk/head", "o-2"] {
        assert!(shown.out.contains(part), "{part}: {}", shown.out);
    }
    let token = world.server.token(&["--role", "citizen"]);
    let public = world.server.json(&["directory", "show", LAND, "--token", &token]);
    assert_eq!((&public["heads"], &public["status"]), (&Value::Null, &"merged".into()));
}
