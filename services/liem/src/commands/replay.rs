//! `liem replay`: the generations of views.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use comfy_table::Cell;
use identity::Role;
use indicatif::{ProgressBar, ProgressStyle};
use proto::view::{self as pb, compare_generations_response::Part};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    cli::{OnRecord, ReplayCommand, ViewName},
    client::Connection,
    config::Settings,
    output,
};

pub(super) async fn replay(settings: &Settings, command: ReplayCommand) -> anyhow::Result<()> {
    match command {
        ReplayCommand::List { view } => list(settings, view).await,
        ReplayCommand::Compare { view, generation, with, at, limit } => {
            let connection = Connection::open(settings, Role::Inspector)?;
            let generation = newest(&connection, view, generation).await?;
            let request = pb::CompareGenerationsRequest {
                view: view.name().to_owned(),
                generation,
                other_generation: with.unwrap_or(0),
                at_position: at.unwrap_or(0),
                row_limit: limit.unwrap_or(if settings.json { 1_000 } else { 20 }),
            };
            compare(settings, &connection, request).await
        }
        other => act(settings, other).await,
    }
}

/// A view with its generations.
async fn describe(connection: &Connection, view: ViewName) -> anyhow::Result<pb::View> {
    let request = pb::ListViewsRequest { view: view.name().to_owned() };
    let found = connection.views(view.name()).list_views(request).await?.into_inner();
    found.views.into_iter().next().context("the server has no such view")
}

/// The generation asked for, or the newest.
async fn newest(connection: &Connection, view: ViewName, asked: Option<u32>) -> anyhow::Result<u32> {
    if let Some(asked) = asked {
        return Ok(asked);
    }
    let generations = describe(connection, view).await?.generations;
    Ok(generations.last().context("the view has no generation")?.number)
}

async fn list(settings: &Settings, view: Option<ViewName>) -> anyhow::Result<()> {
    let connection = Connection::open(settings, Role::Inspector)?;
    let mut views = Vec::new();
    for name in view.map_or(vec![ViewName::Audit, ViewName::Leaderboard], |view| vec![view]) {
        views.push(describe(&connection, name).await?);
    }
    if settings.json {
        let views: Vec<_> = views.iter().flat_map(|v| v.generations.iter().map(|g| json_of(v, g))).collect();
        return output::print_json(&Value::Array(views));
    }
    let headings =
        ["view", "generation", "state", "position", "lag", "events/s", "ready in", "size", "why", "health"];
    let mut table = output::table(&headings, &headings[3..8]);
    for view in &views {
        for generation in &view.generations {
            let lag = generation.head_position.saturating_sub(generation.position);
            let rate = (generation.entries_per_second > 0.0)
                .then(|| format!("{:.0}", generation.entries_per_second));
            let health = match (generation.stopped_because.as_str(), generation.halted) {
                ("", false) => "well".to_owned(),
                ("", true) => "halted".to_owned(),
                (why, _) => format!("stopped: {why}"),
            };
            table.add_row([
                Cell::new(&view.name),
                Cell::new(format!("{} (v{})", generation.number, view.version)),
                Cell::new(state(generation)),
                Cell::new(generation.position),
                Cell::new(lag),
                output::cell(rate),
                output::cell(generation.remaining_seconds.map(|seconds| format!("{seconds} s"))),
                Cell::new(format!("{:.1} MB", megabytes(generation.size_bytes))),
                output::cell((!generation.reason.is_empty()).then_some(&generation.reason)),
                Cell::new(health),
            ]);
        }
    }
    output::print(&table.to_string())
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn megabytes(bytes: i64) -> f64 {
    bytes as f64 / 1e6
}

fn state(generation: &pb::Generation) -> String {
    output::word(generation.state().as_str_name(), "GENERATION_STATE_").unwrap_or_default().replace('_', "-")
}

fn json_of(view: &pb::View, generation: &pb::Generation) -> Value {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    json!({
        "view": view.name,
        "version": view.version,
        "generation": generation.number,
        "state": state(generation),
        "halted": generation.halted,
        "position": generation.position,
        "head": generation.head_position,
        "lag": generation.head_position.saturating_sub(generation.position),
        "events_per_second": generation.entries_per_second,
        "remaining_seconds": generation.remaining_seconds,
        "stopped": text(&generation.stopped_because),
        "calendar": text(&generation.calendar),
        "size_bytes": generation.size_bytes,
        "reason": text(&generation.reason),
    })
}

/// An act that goes on record.
async fn act(settings: &Settings, command: ReplayCommand) -> anyhow::Result<()> {
    let connection = Connection::open(settings, Role::Administrator)?;
    let request_id = Uuid::now_v7().to_string();
    let record =
        |on: &OnRecord| (connection.views(on.view.name()), on.view.name().to_owned(), on.reason.clone());
    let (on, generation, said) = match command {
        ReplayCommand::Start { on, wait } => {
            return start(settings, &connection, &on, (Vec::new(), String::new()), wait).await;
        }
        ReplayCommand::WhatIf { on, holidays, wait } => {
            let days = read_days(&holidays).with_context(|| format!("in {}", holidays.display()))?;
            let name =
                holidays.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
            return start(settings, &connection, &on, (days, name), wait).await;
        }
        ReplayCommand::Stop { on, generation } => {
            let generation = newest(&connection, on.view, generation).await?;
            let (mut views, view, reason) = record(&on);
            views.stop_replay(pb::StopReplayRequest { request_id, view, generation, reason }).await?;
            (on, generation, "is halted")
        }
        ReplayCommand::Resume { on, generation } => {
            let generation = newest(&connection, on.view, generation).await?;
            let (mut views, view, reason) = record(&on);
            views.resume_replay(pb::ResumeReplayRequest { request_id, view, generation, reason }).await?;
            (on, generation, "goes on")
        }
        ReplayCommand::Switch { on, generation } => {
            let generation = newest(&connection, on.view, generation).await?;
            let (mut views, view, reason) = record(&on);
            let request = pb::SwitchGenerationRequest { request_id, view, generation, reason };
            views.switch_generation(request).await?;
            (on, generation, "is live")
        }
        ReplayCommand::Rollback { on } => {
            let (mut views, view, reason) = record(&on);
            let request = pb::RollBackGenerationRequest { request_id, view, reason };
            let answer = views.roll_back_generation(request).await?.into_inner();
            (on, answer.live_generation, "is live again")
        }
        ReplayCommand::Drop { on, generation } => {
            let (mut views, view, reason) = record(&on);
            views.drop_generation(pb::DropGenerationRequest { request_id, view, generation, reason }).await?;
            (on, generation, "is dropped")
        }
        ReplayCommand::List { .. } | ReplayCommand::Compare { .. } => return Ok(()),
    };
    let view = on.view.name();
    if settings.json {
        return output::print_json(&json!({ "view": view, "generation": generation }));
    }
    output::print(&format!("generation {generation} of {view} {said}"))
}

/// The days of a holidays file: its columns `date` and, if it has one, `kind`.
fn read_days(path: &Path) -> anyhow::Result<Vec<pb::OtherDay>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path)?;
    let headers = reader.headers()?.clone();
    let column = |name: &str| headers.iter().position(|header| header.eq_ignore_ascii_case(name));
    let date = column("date").context("the header names no column `date`")?;
    let kind = column("kind");
    let mut days = Vec::new();
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        let text = record.get(date).unwrap_or_default();
        proto::date_from("date", text).map_err(|failure| anyhow::anyhow!("line {line}: {failure}"))?;
        let worked = match kind.and_then(|kind| record.get(kind)).unwrap_or_default() {
            "" | "off" => false,
            "worked" => true,
            other => anyhow::bail!("line {line}: the kind is `off` or `worked`, not `{other}`"),
        };
        days.push(pb::OtherDay { date: text.to_owned(), worked });
    }
    Ok(days)
}

async fn start(
    settings: &Settings,
    connection: &Connection,
    on: &OnRecord,
    (other_days, calendar_name): (Vec<pb::OtherDay>, String),
    wait: bool,
) -> anyhow::Result<()> {
    let view = on.view.name();
    let request = pb::StartReplayRequest {
        request_id: Uuid::now_v7().to_string(),
        view: view.to_owned(),
        reason: on.reason.clone(),
        other_days,
        calendar_name,
    };
    let number = connection.views(view).start_replay(request).await?.into_inner().generation;
    if wait {
        follow(connection, on.view, number).await?;
    }
    if settings.json {
        return output::print_json(&json!({ "view": view, "generation": number }));
    }
    let said = if wait { "has caught up" } else { "is being built: `liem replay list` shows how far it is" };
    output::print(&format!("generation {number} of {view} {said}"))
}

/// Shows the progress until a generation has caught up.
async fn follow(connection: &Connection, view: ViewName, number: u32) -> anyhow::Result<()> {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} events, {msg}")?;
    let bar = ProgressBar::new(0).with_style(style);
    loop {
        let generations = describe(connection, view).await?.generations;
        let generation = generations.into_iter().find(|g| g.number == number);
        let generation = generation.context("the generation was dropped")?;
        anyhow::ensure!(!generation.halted, "the generation was halted at {}", generation.position);
        let why = &generation.stopped_because;
        anyhow::ensure!(why.is_empty(), "the generation stopped: {why}");
        bar.set_length(generation.head_position);
        bar.set_position(generation.position);
        let remaining =
            generation.remaining_seconds.map_or_else(String::new, |s| format!(", ready in {s} s"));
        bar.set_message(format!("{:.0} events/s{remaining}", generation.entries_per_second));
        if generation.head_position > 0 && generation.position >= generation.head_position {
            bar.finish_and_clear();
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn compare(
    settings: &Settings,
    connection: &Connection,
    request: pb::CompareGenerationsRequest,
) -> anyhow::Result<()> {
    let view = request.view.clone();
    let mut parts = connection.views(&view).compare_generations(request).await?.into_inner();
    let mut differences = Vec::new();
    let mut summary = None;
    while let Some(part) = parts.message().await? {
        match part.part {
            Some(Part::Difference(difference)) => differences.push(difference),
            Some(Part::Summary(last)) => summary = Some(last),
            None => {}
        }
    }
    let summary = summary.context("the server ended the comparison before its summary: try again")?;
    if settings.json {
        return output::print_json(&comparison_json(&view, &summary, &differences));
    }
    let (one, other) = (summary.generation, summary.other_generation);
    let headings = ["table", "equal", "changed", &format!("only in {one}"), &format!("only in {other}")];
    let mut table = output::table(&headings, &headings[1..]);
    let mut differing = 0;
    for count in &summary.tables {
        differing += count.changed_count + count.only_here_count + count.only_other_count;
        table.add_row([
            Cell::new(&count.table),
            Cell::new(count.equal_count),
            Cell::new(count.changed_count),
            Cell::new(count.only_here_count),
            Cell::new(count.only_other_count),
        ]);
    }
    output::print(&table.to_string())?;
    if !differences.is_empty() {
        let mut rows = output::table(&["table", "key", &format!("in {one}"), &format!("in {other}")], &[]);
        for row in &differences {
            let text = |text: &str| output::cell((!text.is_empty()).then(|| text.to_owned()));
            rows.add_row([Cell::new(&row.table), Cell::new(&row.key), text(&row.row), text(&row.other_row)]);
        }
        output::print(&rows.to_string())?;
    }
    let equal = if summary.digest == summary.other_digest { "equal" } else { "not equal" };
    let (position, shown) = (summary.position, differences.len());
    output::print(&format!(
        "{view} at position {position}: {differing} rows differ, {shown} shown; the digests are {equal}\n\
         generation {one}: {}\ngeneration {other}: {}",
        summary.digest, summary.other_digest
    ))
}

fn comparison_json(view: &str, summary: &pb::ComparisonSummary, rows: &[pb::RowDifference]) -> Value {
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
    let tables: Vec<_> = summary
        .tables
        .iter()
        .map(|t| {
            json!({
                "table": t.table, "equal": t.equal_count, "changed": t.changed_count,
                "only_here": t.only_here_count, "only_other": t.only_other_count,
            })
        })
        .collect();
    let rows: Vec<_> = rows
        .iter()
        .map(|r| json!({ "table": r.table, "key": parse(&r.key), "row": parse(&r.row), "other_row": parse(&r.other_row) }))
        .collect();
    json!({
        "view": view,
        "position": summary.position,
        "generation": summary.generation,
        "other_generation": summary.other_generation,
        "digest": summary.digest,
        "other_digest": summary.other_digest,
        "equal": summary.digest == summary.other_digest,
        "tables": tables,
        "rows": rows,
    })
}
