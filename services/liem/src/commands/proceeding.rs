//! `liem proceeding`.

mod handle;
mod show;
mod totals;

use eventlog::Clock;
use identity::Role;
use proto::{
    discipline::{Command, Limit},
    ledger::{Occurred, Recorded, occurred::When},
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    cli::proceeding::{ActingArgs, ProceedingCommand},
    client::Connection,
    config::Settings,
    output,
};

pub(super) async fn proceeding(settings: &Settings, command: ProceedingCommand) -> anyhow::Result<()> {
    match command {
        ProceedingCommand::Totals(args) => totals::totals(settings, args).await,
        ProceedingCommand::Show { proceeding } => show::show(settings, proceeding).await,
        handling => {
            let connection = Connection::open(settings, Role::Administrator)?;
            let fields = handle::handle(&connection, handling).await?;
            print(&fields, settings.json)
        }
    }
}

/// What every command says; one that opens or declines names no proceeding.
async fn command(connection: &Connection, proceeding: String, acting: ActingArgs) -> anyhow::Result<Command> {
    let day = if let Some(day) = acting.on {
        day
    } else {
        let zone = connection.zone().await;
        Clock::system().now().with_timezone(&zone).date_naive().to_string()
    };
    Ok(Command {
        request_id: acting.request_id.unwrap_or_else(|| Uuid::now_v7().to_string()),
        proceeding,
        occurred: Some(Occurred { when: Some(When::On(day)) }),
        agency: acting.agency.unwrap_or_default(),
        official: acting.official.unwrap_or_default(),
    })
}

/// What was recorded, and what else is told.
fn recorded(proceeding: &str, recorded: Option<Recorded>, more: Value) -> Map<String, Value> {
    let Recorded { position, repeated } = recorded.unwrap_or_default();
    let mut fields = Map::new();
    fields.insert("proceeding".into(), proceeding.into());
    fields.insert("position".into(), if position == 0 { Value::Null } else { position.into() });
    fields.insert("repeated".into(), repeated.into());
    if let Value::Object(more) = more {
        fields.extend(more);
    }
    fields
}

/// A limit, with the rule that sets it.
fn limit(limit: Option<Limit>) -> Value {
    limit.map_or(
        Value::Null,
        |limit| json!({ "from": limit.from_date, "due": limit.due_date, "rule": limit.rule }),
    )
}

/// A text that may be empty.
fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Prints named values, and limits with their rules.
fn print(fields: &Map<String, Value>, is_json: bool) -> anyhow::Result<()> {
    output::print_fields(fields, is_json)?;
    if is_json {
        return Ok(());
    }
    for (name, value) in fields {
        let part = |part: &str| value[part].as_str().unwrap_or_default();
        if value.get("due").is_some() {
            output::print(&format!(
                "{name:<16} by {}, from {} ({})",
                part("due"),
                part("from"),
                part("rule")
            ))?;
        }
    }
    Ok(())
}
