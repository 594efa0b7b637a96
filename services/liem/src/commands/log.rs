//! `liem log`.

use std::process::ExitCode;

use anyhow::Context as _;
use comfy_table::Cell;
use eventlog::{Copied, LogPlace, PgConnectOptions};
use identity::Role;
use indicatif::{ProgressBar, ProgressStyle};
use proto::ledger as pb;
use serde_json::{Value, json};

use crate::{
    cli::{LogArgs, LogCommand},
    client::Connection,
    config::Settings,
    output,
};

pub(super) async fn log(settings: &Settings, command: LogCommand) -> anyhow::Result<ExitCode> {
    match command {
        LogCommand::Head => head(settings).await?,
        LogCommand::Read { oldest_first, past, types, categories, limit } => {
            let order = if oldest_first { pb::ListOrder::OldestFirst } else { pb::ListOrder::NewestFirst };
            let filter = Some(pb::EntryFilter { types, categories });
            let request =
                pb::ListEntriesRequest { past_position: past, order: order.into(), filter, page_size: 0 };
            read(settings, request, limit).await?;
        }
        LogCommand::Check { log } => return check(settings, &log).await,
        LogCommand::Migrate { log } => migrate(settings, &log).await?,
        LogCommand::Copy { from, to } => copy(settings, &from, &to).await?,
        LogCommand::Rebundle { log } => rebundle(settings, &log).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn head(settings: &Settings) -> anyhow::Result<()> {
    let connection = Connection::open(settings, Role::Inspector)?;
    let head = connection.ledger().get_head(pb::GetHeadRequest {}).await?.into_inner();
    let fields = json!({
        "position": head.position,
        "recorded": output::instant(head.record_time.as_ref()),
        "origin": head.origin,
        "jurisdiction": head.jurisdiction,
        "time_zone": head.time_zone,
    });
    if settings.json {
        return output::print_json(&fields);
    }
    for (name, value) in fields.as_object().into_iter().flatten() {
        let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        output::print(&format!("{name:<14} {shown}"))?;
    }
    Ok(())
}

async fn read(settings: &Settings, mut request: pb::ListEntriesRequest, limit: usize) -> anyhow::Result<()> {
    let connection = Connection::open(settings, Role::Inspector)?;
    let mut ledger = connection.ledger();
    let limit = if limit == 0 { usize::MAX } else { limit };
    let mut array = output::JsonArray::default();
    let mut table = output::table(
        &["position", "recorded", "type", "stream", "revision", "actor"],
        &["position", "revision"],
    );
    let mut shown = 0;
    loop {
        request.page_size = i32::try_from((limit - shown).min(1_000)).unwrap_or(1_000);
        let page = ledger.list_entries(request.clone()).await?.into_inner();
        for entry in page.entries.iter().take(limit - shown) {
            shown += 1;
            let envelope: Value = serde_json::from_slice(&entry.bytes).context("the entry is not JSON")?;
            if settings.json {
                array.add(&envelope)?;
                continue;
            }
            let text = |value: &Value| Cell::new(value.as_str().unwrap_or_default());
            table.add_row([
                Cell::new(entry.position),
                text(&envelope["recorded_at"]),
                text(&envelope["type"]),
                text(&envelope["stream"]),
                Cell::new(&envelope["revision"]),
                text(&envelope["actor"]["id"]),
            ]);
        }
        if shown >= limit || page.ended {
            break;
        }
        request.past_position = page.through_position;
    }
    if settings.json { array.end() } else { output::print(&table.to_string()) }
}

/// Checks the place that is named; else through the running ledger, and where none runs, the file in the data folder.
async fn check(settings: &Settings, log: &LogArgs) -> anyhow::Result<ExitCode> {
    let bar = bar()?;
    let place = settings.log(log)?;
    let is_there = !matches!(&place, LogPlace::File(file) if !file.exists());
    let is_named = settings.address.is_some();
    let running = if log.log.is_none() && (is_named || settings.data.address("ledger").is_some()) {
        match check_running(settings, &bar).await {
            // A ledger that was killed leaves its address behind, and its log to be checked.
            Err(error) if !is_named && is_there && does_not_answer(&error) => None,
            checked => Some(checked?),
        }
    } else {
        None
    };
    let (checked, faults) = if let Some(checked) = running {
        checked
    } else if is_there {
        let checked = place
            .check(|progress| {
                bar.set_length(progress.total);
                bar.set_position(progress.checked);
            })
            .await?;
        (checked.checked, checked.faults.into_iter().map(|f| (f.position, f.description)).collect())
    } else {
        anyhow::bail!(
            "no log: there is no {place}, and no server is running; name the folder with --data, or the log with --log"
        );
    };
    bar.finish_and_clear();
    if settings.json {
        let faults: Vec<_> = faults
            .iter()
            .map(|(position, description)| json!({ "position": position, "description": description }))
            .collect();
        output::print_json(&json!({ "ok": faults.is_empty(), "checked": checked, "faults": faults }))?;
    } else if faults.is_empty() {
        output::print(&format!(
            "{checked} entries: positions gapless, revisions dense, every column equal to its bytes"
        ))?;
    } else {
        for (position, description) in &faults {
            output::print(&format!("position {position}: {description}"))?;
        }
        output::print(&format!("{checked} entries read, {} faults: the log is damaged", faults.len()))?;
    }
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Nobody listens at the address.
fn does_not_answer(error: &anyhow::Error) -> bool {
    let status = error.downcast_ref::<tonic::Status>();
    status.is_some_and(|s| s.code() == tonic::Code::Unavailable && proto::reason_of(s).is_none())
}

async fn check_running(settings: &Settings, bar: &ProgressBar) -> anyhow::Result<(u64, Vec<(u64, String)>)> {
    let connection = Connection::open(settings, Role::Inspector)?;
    let mut messages = connection.ledger().check_log(pb::CheckLogRequest {}).await?.into_inner();
    while let Some(message) = messages.message().await? {
        bar.set_length(message.total_count);
        bar.set_position(message.checked_count);
        if message.complete {
            let faults = message.faults.into_iter().map(|f| (f.position, f.description));
            return Ok((message.checked_count, faults.collect()));
        }
    }
    anyhow::bail!("the ledger stopped before the check was complete: run it again")
}

fn bar() -> anyhow::Result<ProgressBar> {
    let style = "{bar:40} {human_pos}/{human_len} entries, {per_sec}, {eta} left";
    Ok(ProgressBar::new(0).with_style(ProgressStyle::with_template(style)?))
}

/// The database that is named; only there is it the owner's matter.
fn database(settings: &Settings, log: &LogArgs) -> anyhow::Result<PgConnectOptions> {
    match settings.log(log)? {
        LogPlace::Postgres(options) => Ok(*options),
        LogPlace::File(_) => anyhow::bail!("name a database: --log postgres://ROLE@HOST/DATABASE"),
    }
}

async fn migrate(settings: &Settings, log: &LogArgs) -> anyhow::Result<()> {
    let (had, has) = eventlog::migrate_postgres(&database(settings, log)?).await?;
    if settings.json {
        return output::print_json(&json!({ "had_version": had, "has_version": has }));
    }
    output::print(&if had == has {
        format!("the schema is of version {has} already")
    } else {
        format!("the schema was brought from version {had} to {has}")
    })
}

async fn copy(settings: &Settings, from: &str, to: &str) -> anyhow::Result<()> {
    let (from, to): (LogPlace, LogPlace) = (from.parse()?, to.parse()?);
    let bar = bar()?;
    let copied = eventlog::copy(&from, &to, |there, total| {
        bar.set_length(total);
        bar.set_position(there);
    })
    .await?;
    bar.finish_and_clear();
    if settings.json {
        return output::print_json(&json!({ "entries": copied.entries, "found": copied.found }));
    }
    let Copied { entries, found } = copied;
    output::print(&format!(
        "{entries} entries are in {to}, {found} of them from before; {from} is closed and takes no appends any more"
    ))
}

async fn rebundle(settings: &Settings, log: &LogArgs) -> anyhow::Result<()> {
    let bundles = eventlog::rebundle_postgres(&database(settings, log)?).await?;
    if settings.json {
        return output::print_json(&json!({ "bundles": bundles }));
    }
    output::print(&format!("{bundles} bundles were made anew"))
}
