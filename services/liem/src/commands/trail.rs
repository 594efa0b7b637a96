//! `liem trail`.

use anyhow::Context as _;
use chrono::{DateTime, FixedOffset, NaiveDate};
use comfy_table::{Cell, Table};
use events::Role as SubjectRole;
use identity::Role;
use proto::{
    Timestamp,
    audit::{ListTrailRequest, ListTrailResponse, TrailLine},
    ledger::{ListOrder, Subject},
    timestamp_to,
};
use serde_json::{Value, json};

use crate::{cli::TrailArgs, client::Connection, config::Settings, output};

pub(super) async fn trail(settings: &Settings, args: TrailArgs) -> anyhow::Result<()> {
    let connection = Connection::open(settings, Role::Inspector)?;
    let zone = connection.zone().await;
    let usual = if settings.json { 0 } else { 50 };
    let limit = match args.limit.unwrap_or(usual) {
        0 => usize::MAX,
        limit => limit,
    };
    let (as_of_position, as_of_time) = as_of(args.as_of.as_deref(), zone)?;
    let request = ListTrailRequest {
        subject: Some(subject(&args.subject)),
        order: if args.oldest_first { ListOrder::OldestFirst } else { ListOrder::NewestFirst }.into(),
        types: args.types,
        actor: args.actor.unwrap_or_default(),
        occurred_from: args.from.as_deref().map(|t| time(t, false, zone)).transpose()?,
        occurred_until: args.until.as_deref().map(|t| time(t, true, zone)).transpose()?,
        at_least_position: args.at_least.unwrap_or(0),
        as_of_position,
        as_of_time,
        page_size: i32::try_from(limit.min(1_000)).unwrap_or(1_000),
        page_token: String::new(),
    };
    if args.count {
        let request = ListTrailRequest { page_size: 1, ..request };
        let answer = connection.audit().list_trail(request).await?.into_inner();
        if settings.json {
            return output::print_json(&json!({ "total": answer.total_count, "position": answer.position }));
        }
        return output::print(&answer.total_count.to_string());
    }
    if settings.json {
        let mut array = output::JsonArray::default();
        pages(&connection, request, limit, |line| array.add(&line_json(&line))).await?;
        return array.end();
    }
    let mut lines = Vec::new();
    let last = pages(&connection, request, limit, |line| {
        lines.push(line);
        Ok(())
    })
    .await?;
    output::print(&line_table(&lines, zone).to_string())?;
    let (shown, total, position) = (lines.len(), last.total_count, last.position);
    output::print(&format!("{shown} lines shown of {total} events; as of position {position}"))
}

/// Asks for page after page and hands over each line, `limit` at most. Gives the last answer.
pub(crate) async fn pages(
    connection: &Connection,
    mut request: ListTrailRequest,
    limit: usize,
    mut each: impl FnMut(TrailLine) -> anyhow::Result<()>,
) -> anyhow::Result<ListTrailResponse> {
    let mut audit = connection.audit();
    let mut shown = 0;
    loop {
        let mut answer = audit.list_trail(request.clone()).await?.into_inner();
        for line in std::mem::take(&mut answer.lines).into_iter().take(limit - shown) {
            shown += 1;
            each(line)?;
        }
        if shown >= limit || answer.next_page_token.is_empty() {
            return Ok(answer);
        }
        request.page_token.clone_from(&answer.next_page_token);
    }
}

/// `ROLE:ID` or `ROLE/ID`; anything else is a case's code.
fn subject(text: &str) -> Subject {
    let parts = text.split_once(':').or_else(|| text.split_once('/'));
    match parts.filter(|(role, _)| SubjectRole::parse(role).is_some()) {
        Some((role, id)) => Subject { role: role.to_owned(), id: id.to_owned() },
        None => match text.split_once(':') {
            // The server says which roles there are.
            Some((role, id)) if !role.is_empty() && role.bytes().all(|b| b.is_ascii_lowercase()) => {
                Subject { role: role.to_owned(), id: id.to_owned() }
            }
            _ => Subject { role: "case".to_owned(), id: text.to_owned() },
        },
    }
}

/// A moment of the log as people give it: a position, or a time of recording.
pub(super) fn as_of(text: Option<&str>, zone: FixedOffset) -> anyhow::Result<(u64, Option<Timestamp>)> {
    let Some(text) = text else { return Ok((0, None)) };
    if let Ok(position) = text.parse::<u64>() {
        anyhow::ensure!(position > 0, "positions are counted from 1");
        return Ok((position, None));
    }
    let time = time(text, true, zone).with_context(|| format!("`{text}` is not a position either"))?;
    Ok((0, Some(time)))
}

/// A time as people give it: a date means its start, or with `is_end` its end, in the log's zone.
pub(super) fn time(text: &str, is_end: bool, zone: FixedOffset) -> anyhow::Result<Timestamp> {
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        let end = events::end_of_day(date, zone);
        let day = chrono::TimeDelta::days(1);
        let tick = chrono::TimeDelta::microseconds(1);
        return Ok(timestamp_to(if is_end { end } else { end - day + tick }));
    }
    let time = DateTime::parse_from_rfc3339(text).with_context(|| {
        format!("`{text}` is neither a date like 2012-01-23 nor a time like 2012-01-23T08:00:00Z")
    })?;
    Ok(timestamp_to(time.to_utc()))
}

/// A line of a trail in JSON.
pub(super) fn line_json(line: &TrailLine) -> Value {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let subjects: Vec<_> = line.subjects.iter().map(|s| json!({ "role": s.role, "id": s.id })).collect();
    json!({
        "position": (line.position > 0).then_some(line.position),
        "type": line.r#type,
        "occurred": output::occurred(line.occurred.as_ref()),
        "recorded": output::instant(line.record_time.as_ref()).unwrap_or_else(|| line.record_date.clone()),
        "actor": text(&line.actor),
        "actor_role": line.actor_role,
        "agency": text(&line.agency),
        "on_behalf_of": text(&line.on_behalf_of),
        "subjects": subjects,
        "erased_by_law": line.erased_by_law,
        "data": serde_json::from_str::<Value>(&line.data).unwrap_or(Value::Null),
    })
}

/// Lines of a trail for people.
pub(crate) fn line_table(lines: &[TrailLine], zone: FixedOffset) -> Table {
    let mut table = output::table(
        &["position", "occurred", "recorded", "what", "about", "for whom", "who"],
        &["position"],
    );
    for line in lines {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let who = text(&line.on_behalf_of).or_else(|| text(&line.actor));
        let recorded = output::short(line.record_time.as_ref(), zone).unwrap_or(line.record_date.clone());
        let about =
            line.subjects.iter().find(|s| ["case", "proceeding", "report"].contains(&s.role.as_str()));
        let about = about.map(|s| s.id.clone());
        let unit = line.subjects.iter().find(|s| s.role == "unit").map(|s| s.id.clone());
        let for_whom = match (text(&line.agency), unit) {
            (Some(agency), Some(unit)) if !unit.starts_with(&agency) => Some(format!("{agency} {unit}")),
            (agency, unit) => unit.or(agency),
        };
        table.add_row([
            output::cell((line.position > 0).then_some(line.position)),
            output::cell(output::occurred_short(line.occurred.as_ref(), zone)),
            Cell::new(recorded),
            Cell::new(what(line)),
            output::cell(about),
            output::cell(for_whom),
            output::cell(who.or_else(|| text(&line.actor_role))),
        ]);
    }
    table
}

/// What happened, in short: the type without context and version, and a step's name.
fn what(line: &TrailLine) -> String {
    let name = line.r#type.split('.').nth(1).unwrap_or(&line.r#type).to_owned();
    let name = match line.subjects.iter().find(|s| s.role == "step") {
        Some(step) => format!("{name}: {}", step.id),
        None => name,
    };
    if line.erased_by_law { format!("{name} (erased by law)") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_roles_with_ids_or_cases() {
        let read = |text| {
            let Subject { role, id } = subject(text);
            (role, id)
        };
        let pair = |role: &str, id: &str| (role.to_owned(), id.to_owned());
        assert_eq!(read("official:Resource01"), pair("official", "Resource01"));
        assert_eq!(read("unit/H99.1/one-stop"), pair("unit", "H99.1/one-stop"));
        assert_eq!(read("proceeding:p-1"), pair("proceeding", "p-1"));
        assert_eq!(read("case-10011"), pair("case", "case-10011"));
        assert_eq!(read("A/123"), pair("case", "A/123"));
        assert_eq!(read("step:T02 Check: twice"), pair("step", "T02 Check: twice"));
        assert_eq!(read("person:x"), pair("person", "x"));
    }
}
