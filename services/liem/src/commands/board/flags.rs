//! `liem board flags`.

use comfy_table::Cell;
use proto::leaderboard as pb;
use serde_json::{Value, json};

use crate::{
    cli::{By, FlagKind, FlagsArgs},
    client::Connection,
    commands::trail::as_of,
    config::Settings,
    output,
};

/// Positions that a table shows, at most.
const SHOWN: usize = 8;

fn kind_of(kind: FlagKind) -> pb::FlagKind {
    match kind {
        FlagKind::LastDayPause => pb::FlagKind::LastDayPause,
        FlagKind::LateRecording => pb::FlagKind::LateRecording,
        FlagKind::OffHoursClosing => pb::FlagKind::OffHoursClosing,
        FlagKind::Refusals => pb::FlagKind::Refusals,
        FlagKind::ReopenedSoon => pb::FlagKind::ReopenedSoon,
        FlagKind::ReportReopenedSoon => pb::FlagKind::ReportReopenedSoon,
    }
}

/// The word of what a flag is a sign of.
pub(crate) fn word(flag: &pb::Flag) -> Option<String> {
    output::word(flag.kind().as_str_name(), "FLAG_KIND_")
}

pub(super) async fn flags(
    settings: &Settings,
    connection: &Connection,
    args: &FlagsArgs,
) -> anyhow::Result<()> {
    let by = match args.by {
        By::Agency => pb::BoardSubject::Agency,
        By::Unit => pb::BoardSubject::Unit,
    };
    let (as_of_position, as_of_time) = as_of(args.as_of.as_deref(), connection.zone().await)?;
    let query = pb::BoardQuery {
        by: by.into(),
        period: args.period.clone(),
        agency: args.agency.clone().unwrap_or_default(),
        at_least_position: args.at_least.unwrap_or(0),
        as_of_position,
        as_of_time,
        ..pb::BoardQuery::default()
    };
    let mut request = pb::ListFlagsRequest {
        query: Some(query),
        subject: args.subject.clone().unwrap_or_default(),
        kind: args.kind.map_or(pb::FlagKind::Unspecified, kind_of).into(),
        ..pb::ListFlagsRequest::default()
    };
    let mut flags = Vec::new();
    let position = loop {
        let mut answer = connection.leaderboard().list_flags(request.clone()).await?.into_inner();
        flags.append(&mut answer.flags);
        if answer.next_page_token.is_empty() {
            break answer.position;
        }
        request.page_token = answer.next_page_token;
    };
    if settings.json {
        let mut all = Vec::with_capacity(flags.len());
        for flag in flags {
            all.push(flag_json(connection, &request, flag, position).await?);
        }
        return output::print_json(&Value::Array(all));
    }
    let headings = ["subject", "sign", "count", "of", "expected", "limit", "positions"];
    let mut table = output::table(&headings, &headings[2..6]);
    for flag in &flags {
        let shown: Vec<_> = flag.positions.iter().take(SHOWN).map(ToString::to_string).collect();
        let more = if flag.positions.len() > SHOWN { " …" } else { "" };
        table.add_row([
            Cell::new(&flag.subject),
            output::cell(word(flag)),
            Cell::new(flag.count),
            Cell::new(flag.of),
            Cell::new(format!("{:.1}", flag.expected)),
            Cell::new(flag.upper_limit),
            Cell::new(format!("{}{more}", shown.join(" "))),
        ]);
    }
    output::print(&table.to_string())?;
    let period = &args.period;
    output::print(&format!(
        "period {period}, as of position {position}; expected: at the share of all rows; limit: the most that chance explains with 99.8 %\n\
         a flag says where to look; it finds nobody guilty and ranks nobody"
    ))
}

/// A flag with all its evidence.
async fn flag_json(
    connection: &Connection,
    request: &pb::ListFlagsRequest,
    mut flag: pb::Flag,
    position: u64,
) -> anyhow::Result<Value> {
    while let Some(past) = flag.positions.last().copied().filter(|_| flag.has_more_positions) {
        let request = pb::ListFlagsRequest {
            subject: flag.subject.clone(),
            kind: flag.kind,
            past_position: past,
            page_token: String::new(),
            ..request.clone()
        };
        let answer = connection.leaderboard().list_flags(request).await?.into_inner();
        let more = answer.flags.into_iter().next();
        flag.has_more_positions = more.as_ref().is_some_and(|flag| flag.has_more_positions);
        flag.positions.extend(more.into_iter().flat_map(|flag| flag.positions));
    }
    Ok(json!({
        "subject": flag.subject,
        "agency": flag.agency,
        "kind": word(&flag),
        "count": flag.count,
        "of": flag.of,
        "expected": flag.expected,
        "upper_limit": flag.upper_limit,
        "positions": flag.positions,
        "position": position,
    }))
}
