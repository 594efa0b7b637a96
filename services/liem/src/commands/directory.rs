//! `liem directory`.

use anyhow::Context as _;
use comfy_table::Cell;
use identity::Role;
use proto::{directory as pb, ledger::Recorded, reason_of};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    cli::{
        DirectoryCommand, FromArgs, Leadership, NameArgs, OfficialCategory, OnArgs,
        directory::{OfficialNameArgs, OpeningReason},
    },
    client::{Connection, Directory},
    config::Settings,
    output,
};

pub(super) async fn directory(settings: &Settings, command: DirectoryCommand) -> anyhow::Result<()> {
    if let DirectoryCommand::Show { agency } = command {
        let connection = Connection::open(settings, Role::Inspector)?;
        return show(settings, connection.directory(), agency).await;
    }
    if let DirectoryCommand::OpenName { official, reader, reason } = command {
        let connection = Connection::open(settings, Role::Inspector)?;
        return open_name(settings, connection.directory(), official, reader, reason).await;
    }
    let connection = Connection::open(settings, Role::Administrator)?;
    let recorded = record(connection.directory(), command).await?.unwrap_or_default();
    if settings.json {
        return output::print_json(&json!({ "position": recorded.position }));
    }
    output::print(&format!("recorded at position {}", recorded.position))
}

/// Records a change of the directory.
async fn record(mut client: Directory, command: DirectoryCommand) -> anyhow::Result<Option<Recorded>> {
    use DirectoryCommand as C;
    let request_id = Uuid::now_v7().to_string();
    Ok(match command {
        C::Show { .. } | C::OpenName { .. } => None,
        C::OpenAgency { agency: code, names: NameArgs { name_vi, name_en } } => {
            let agency = Some(pb::Agency { code, name_vi, name_en, ..pb::Agency::default() });
            client.open_agency(pb::OpenAgencyRequest { request_id, agency }).await?.into_inner().recorded
        }
        C::RenameAgency { agency, names: NameArgs { name_vi, name_en } } => {
            let request = pb::RenameAgencyRequest { request_id, agency, name_vi, name_en };
            client.rename_agency(request).await?.into_inner().recorded
        }
        C::MergeAgency { agency, into, on: OnArgs { on: effective_date } } => {
            let request = pb::MergeAgencyRequest { request_id, agency, into, effective_date };
            client.merge_agency(request).await?.into_inner().recorded
        }
        C::CloseAgency { agency, on: OnArgs { on: effective_date } } => {
            let request = pb::CloseAgencyRequest { request_id, agency, effective_date };
            client.close_agency(request).await?.into_inner().recorded
        }
        C::OpenUnit { unit: code, agency, names: NameArgs { name_vi, name_en } } => {
            let unit = Some(pb::Unit { code, agency, name_vi, name_en, ..pb::Unit::default() });
            client.open_unit(pb::OpenUnitRequest { request_id, unit }).await?.into_inner().recorded
        }
        C::RenameUnit { unit, names: NameArgs { name_vi, name_en } } => {
            let request = pb::RenameUnitRequest { request_id, unit, name_vi, name_en };
            client.rename_unit(request).await?.into_inner().recorded
        }
        C::MergeUnit { unit, into, on: OnArgs { on: effective_date } } => {
            let request = pb::MergeUnitRequest { request_id, unit, into, effective_date };
            client.merge_unit(request).await?.into_inner().recorded
        }
        C::CloseUnit { unit, on: OnArgs { on: effective_date } } => {
            let request = pb::CloseUnitRequest { request_id, unit, effective_date };
            client.close_unit(request).await?.into_inner().recorded
        }
        C::DefinePost { post: code, agency, unit, leadership } => {
            let leadership = match leadership {
                Leadership::None => pb::Leadership::None,
                Leadership::Deputy => pb::Leadership::Deputy,
                Leadership::Head => pb::Leadership::Head,
            };
            let (unit, leadership) = (unit.unwrap_or_default(), leadership.into());
            let post = Some(pb::Post { code, agency, unit, leadership, ..pb::Post::default() });
            client.define_post(pb::DefinePostRequest { request_id, post }).await?.into_inner().recorded
        }
        C::ClosePost { post, on: OnArgs { on: effective_date } } => {
            let request = pb::ClosePostRequest { request_id, post, effective_date };
            client.close_post(request).await?.into_inner().recorded
        }
        C::RegisterOfficial { official: id, agency, category, party_member, name } => {
            let category = match category {
                OfficialCategory::Cadre => pb::OfficialCategory::Cadre,
                OfficialCategory::CivilServant => pb::OfficialCategory::CivilServant,
                OfficialCategory::PublicEmployee => pb::OfficialCategory::PublicEmployee,
            };
            let category = category.into();
            let official =
                Some(pb::Official { id, agency, category, party_member, ..pb::Official::default() });
            let name = name_of(name)?;
            let request = pb::RegisterOfficialRequest { request_id, official, name };
            client.register_official(request).await?.into_inner().recorded
        }
        C::EraseName { official, ground } => {
            let request = pb::EraseOfficialNameRequest { request_id, official, ground: ground.into() };
            client.erase_official_name(request).await?.into_inner().recorded
        }
        C::Appoint { official, post, from: FromArgs { from: from_date } } => {
            let request = pb::AppointOfficialRequest { request_id, official, post, from_date };
            client.appoint_official(request).await?.into_inner().recorded
        }
        C::Move { official, agency, unit, from: FromArgs { from: from_date } } => {
            let unit = unit.unwrap_or_default();
            let request = pb::MoveOfficialRequest { request_id, official, agency, unit, from_date };
            client.move_official(request).await?.into_inner().recorded
        }
        C::Leave { official, on: OnArgs { on: effective_date } } => {
            let request = pb::RecordDepartureRequest { request_id, official, effective_date };
            client.record_departure(request).await?.into_inner().recorded
        }
        C::PartyMember { official, no, from: FromArgs { from: effective_date } } => {
            let party_member = !no;
            let request =
                pb::ChangePartyMembershipRequest { request_id, official, party_member, effective_date };
            client.change_party_membership(request).await?.into_inner().recorded
        }
    })
}

/// The name that was given, or lies in a file; empty for none.
fn name_of(args: OfficialNameArgs) -> anyhow::Result<String> {
    let name = match (args.name, args.name_file) {
        (Some(name), _) => name,
        (None, Some(file)) if file == "-" => {
            std::io::read_to_string(std::io::stdin()).context("can't read standard input")?
        }
        (None, Some(file)) => std::fs::read_to_string(&file).with_context(|| format!("can't read {file}"))?,
        (None, None) => return Ok(String::new()),
    };
    anyhow::ensure!(!name.trim().is_empty(), "there is no name in what was given: leave it out, or give one");
    Ok(name)
}

/// Opens the name of an official.
async fn open_name(
    settings: &Settings,
    mut client: Directory,
    official: String,
    reader: String,
    reason: OpeningReason,
) -> anyhow::Result<()> {
    let request_id = Uuid::now_v7().to_string();
    let request =
        pb::OpenOfficialNameRequest { request_id, official: official.clone(), reader, reason: reason.into() };
    let answer = client.open_official_name(request).await?.into_inner();
    if !settings.json {
        return output::print(if answer.erased { "erased by law" } else { &answer.name });
    }
    output::print_json(&json!({
        "official": official,
        "state": if answer.erased { "erased by law" } else { "opened" },
        "name": text(&answer.name),
        "position": answer.recorded.unwrap_or_default().position,
    }))
}

/// What is known of an agency.
async fn show(settings: &Settings, mut client: Directory, code: String) -> anyhow::Result<()> {
    let found = client.get_agency(pb::GetAgencyRequest { code: code.clone() }).await?.into_inner();
    let agency = found.agency.unwrap_or_default();
    let heads = heads(&mut client, code.clone(), String::new()).await?;
    let (mut units, mut posts) = (Vec::new(), Vec::new());
    let mut page_token = String::new();
    loop {
        let request = pb::ListUnitsRequest { agency: code.clone(), page_size: 1_000, page_token };
        let page = client.list_units(request).await?.into_inner();
        for unit in page.units {
            let heads = self::heads(&mut client, String::new(), unit.code.clone()).await?;
            units.push((unit, heads));
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    loop {
        let request = pb::ListPostsRequest { agency: code.clone(), page_size: 1_000, page_token };
        let page = client.list_posts(request).await?.into_inner();
        posts.extend(page.posts);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if settings.json {
        let units: Vec<_> = units
            .iter()
            .map(|(unit, heads)| {
                json!({
                    "unit": unit.code,
                    "agency": unit.agency,
                    "name_vi": unit.name_vi,
                    "name_en": text(&unit.name_en),
                    "status": output::word(unit.status().as_str_name(), "BODY_STATUS_"),
                    "merged_into": text(&unit.merged_into),
                    "effective_date": text(&unit.effective_date),
                    "heads": heads.as_deref().map(periods_json),
                })
            })
            .collect();
        let posts: Vec<_> = posts
            .iter()
            .map(|post| {
                json!({
                    "post": post.code,
                    "agency": post.agency,
                    "unit": text(&post.unit),
                    "leadership": output::word(post.leadership().as_str_name(), "LEADERSHIP_"),
                    "closed_date": text(&post.closed_date),
                })
            })
            .collect();
        return output::print_json(&json!({
            "agency": agency.code,
            "name_vi": agency.name_vi,
            "name_en": text(&agency.name_en),
            "status": output::word(agency.status().as_str_name(), "BODY_STATUS_"),
            "merged_into": text(&agency.merged_into),
            "effective_date": text(&agency.effective_date),
            "heads": heads.as_deref().map(periods_json),
            "units": units,
            "posts": posts,
        }));
    }
    let status = status_text(agency.status(), &agency.merged_into, &agency.effective_date);
    output::print(&format!("{}  {}\n{status}", agency.code, agency.name_vi))?;
    let mut table = output::table(&["of", "head", "post", "from", "until"], &[]);
    let of_units = units.iter().map(|(unit, heads)| (unit.code.as_str(), heads));
    for (of, heads) in [(agency.code.as_str(), &heads)].into_iter().chain(of_units) {
        for period in heads.iter().flatten() {
            table.add_row([
                Cell::new(of),
                Cell::new(&period.official),
                Cell::new(&period.post),
                Cell::new(&period.from_date),
                output::cell(text(&period.until_date)),
            ]);
        }
    }
    let has_heads = table.row_count() > 0;
    let mut listed = output::table(&["unit", "name", "status"], &[]);
    for (unit, _) in &units {
        let status = status_text(unit.status(), &unit.merged_into, &unit.effective_date);
        listed.add_row([Cell::new(&unit.code), Cell::new(&unit.name_vi), Cell::new(status)]);
    }
    output::print(&listed.to_string())?;
    if has_heads {
        output::print(&table.to_string())?;
    }
    Ok(())
}

/// Who headed an agency or a unit; none for callers who may not know.
async fn heads(
    client: &mut Directory,
    agency: String,
    unit: String,
) -> anyhow::Result<Option<Vec<pb::HeadPeriod>>> {
    match client.list_heads(pb::ListHeadsRequest { agency, unit }).await {
        Ok(answer) => Ok(Some(answer.into_inner().periods)),
        Err(status) if reason_of(&status).as_deref() == Some("ROLE_NOT_ALLOWED") => Ok(None),
        Err(status) => Err(status.into()),
    }
}

fn periods_json(periods: &[pb::HeadPeriod]) -> Vec<Value> {
    let period = |period: &pb::HeadPeriod| {
        json!({
            "official": period.official,
            "post": period.post,
            "from_date": period.from_date,
            "until_date": text(&period.until_date),
        })
    };
    periods.iter().map(period).collect()
}

fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Whether it is still there, in words.
fn status_text(status: pb::BodyStatus, into: &str, date: &str) -> String {
    match status {
        pb::BodyStatus::Merged => format!("merged into {into} on {date}"),
        pb::BodyStatus::Closed => format!("closed on {date}"),
        pb::BodyStatus::Open | pb::BodyStatus::Unspecified => "open".to_owned(),
    }
}
