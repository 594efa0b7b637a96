//! `liem report`.

mod handle;
mod reporter;
mod show;

use std::io::Read as _;

use anyhow::Context as _;
use eventlog::Clock;
use identity::Role;
use proto::{
    conduct::{Command, Limit},
    ledger::{Occurred, Recorded, occurred::When},
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    cli::report::{ByArgs, ReportCommand, TextArgs},
    client::Connection,
    config::Settings,
    output,
};

pub(super) async fn report(settings: &Settings, command: ReportCommand) -> anyhow::Result<()> {
    match command {
        ReportCommand::File(args) => reporter::file(settings, *args).await,
        ReportCommand::FollowUp(args) => reporter::follow_up(settings, args).await,
        ReportCommand::Show { report } => show::show(settings, report).await,
        ReportCommand::Open { report, reader, reason } => show::open(settings, report, reader, reason).await,
        ReportCommand::Erase { report, ground } => show::erase(settings, report, ground).await,
        ReportCommand::Totals { by, agency, at_least } => show::totals(settings, by, agency, at_least).await,
        handling => {
            let connection = Connection::open(settings, Role::Administrator)?;
            let fields = handle::handle(&connection, handling).await?;
            output::print_fields(&fields, settings.json)
        }
    }
}

fn request_id() -> String {
    Uuid::now_v7().to_string()
}

/// What every command of a handler says.
async fn command(connection: &Connection, by: ByArgs) -> anyhow::Result<Command> {
    let day = if let Some(day) = by.on {
        day
    } else {
        let zone = connection.zone().await;
        Clock::system().now().with_timezone(&zone).date_naive().to_string()
    };
    Ok(Command {
        request_id: request_id(),
        report: by.report,
        occurred: Some(Occurred { when: Some(When::On(day)) }),
        agency: by.agency.unwrap_or_default(),
        official: by.official.unwrap_or_default(),
    })
}

/// The text that was given, or lies in a file.
fn text(args: TextArgs) -> anyhow::Result<Option<String>> {
    match (args.text, args.text_file) {
        (Some(text), _) => Ok(Some(text)),
        (None, Some(file)) if file == "-" => standard_input().map(Some),
        (None, Some(file)) => {
            std::fs::read_to_string(&file).map(Some).with_context(|| format!("can't read {file}"))
        }
        (None, None) => Ok(None),
    }
}

fn standard_input() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("can't read standard input")?;
    Ok(text)
}

/// What was recorded, and what else is told.
fn recorded(report: &str, recorded: Option<Recorded>, more: Value) -> Map<String, Value> {
    let Recorded { position, repeated } = recorded.unwrap_or_default();
    let mut fields = Map::new();
    fields.insert("report".into(), report.into());
    fields.insert("position".into(), if position == 0 { Value::Null } else { position.into() });
    fields.insert("repeated".into(), repeated.into());
    if let Value::Object(more) = more {
        fields.extend(more);
    }
    fields
}

/// A limit, as two fields.
fn limit(limit: Option<Limit>) -> Value {
    limit.map_or_else(
        || json!({ "due": null, "rule": null }),
        |limit| json!({ "due": limit.due_date, "rule": limit.rule }),
    )
}
