//! How answers are shown: tables for people, JSON with the fields that docs/cli.md lists.

use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};
use comfy_table::{Cell, CellAlignment, Table, presets};
use proto::{Timestamp, ledger::Occurred, reason_of};
use serde_json::Value;

/// A table for people. Columns whose heading is in `right` are aligned right.
pub(crate) fn table(headings: &[&str], right: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED).set_header(headings.iter().copied());
    for (column, heading) in table.column_iter_mut().zip(headings) {
        if right.contains(heading) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A cell; nothing is shown as a dash.
pub(crate) fn cell<T: ToString>(value: Option<T>) -> Cell {
    Cell::new(value.map_or_else(|| "–".to_owned(), |v| v.to_string()))
}

/// Prints a JSON value.
pub(crate) fn print_json(value: &Value) -> anyhow::Result<()> {
    print(&serde_json::to_string_pretty(value)?)
}

/// Prints named values: one a line for people, who see neither what is none nor what has parts.
pub(crate) fn print_fields(fields: &serde_json::Map<String, Value>, is_json: bool) -> anyhow::Result<()> {
    if is_json {
        return print_json(&Value::Object(fields.clone()));
    }
    for (name, value) in fields {
        let shown = match value {
            Value::String(text) => text.clone(),
            Value::Null | Value::Array(_) | Value::Object(_) => continue,
            other => other.to_string(),
        };
        print(&format!("{name:<16} {shown}"))?;
    }
    Ok(())
}

/// Prints text; a closed standard output is an error that ends the program quietly.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(())
}

/// Prints JSON objects as one array, as they come.
#[derive(Default)]
pub(crate) struct JsonArray {
    has_items: bool,
}

impl JsonArray {
    pub(crate) fn add(&mut self, item: &Value) -> anyhow::Result<()> {
        let start = if self.has_items { "," } else { "[" };
        self.has_items = true;
        print(&format!("{start}{}", serde_json::to_string(item)?))
    }

    pub(crate) fn end(self) -> anyhow::Result<()> {
        print(if self.has_items { "]" } else { "[]" })
    }
}

/// An instant, ISO 8601 in UTC.
pub(crate) fn instant(time: Option<&Timestamp>) -> Option<String> {
    let time = time_of(time?)?;
    Some(time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// An instant to the second in the reader's zone.
pub(crate) fn short(time: Option<&Timestamp>, zone: FixedOffset) -> Option<String> {
    Some(time_of(time?)?.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S").to_string())
}

pub(crate) fn time_of(time: &Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.seconds, u32::try_from(time.nanos).ok()?)
}

/// When something happened, ISO 8601.
pub(crate) fn occurred(occurred: Option<&Occurred>) -> Option<String> {
    use proto::ledger::occurred::When;
    match occurred?.when.as_ref()? {
        When::At(time) => instant(Some(time)),
        When::On(date) => Some(date.clone()),
    }
}

/// When something happened, for people.
pub(crate) fn occurred_short(occurred: Option<&Occurred>, zone: FixedOffset) -> Option<String> {
    use proto::ledger::occurred::When;
    match occurred?.when.as_ref()? {
        When::At(time) => short(Some(time), zone),
        When::On(date) => Some(date.clone()),
    }
}

/// The zone in which times are shown to people, when no ledger was asked for its own.
pub(crate) fn usual_zone() -> FixedOffset {
    FixedOffset::east_opt(7 * 3600).unwrap_or_else(|| FixedOffset::east_opt(0).expect("UTC is a zone"))
}

/// A name of a proto enum as a word: `CASE_STAGE_RECEIVED` without its prefix, in lower case.
pub(crate) fn word(name: &str, prefix: &str) -> Option<String> {
    let word = name.strip_prefix(prefix)?.to_lowercase();
    (word != "unspecified").then_some(word)
}

/// What a server said, with its reason; where no server answered, what to do.
pub(crate) fn status_text(status: &tonic::Status) -> String {
    match (reason_of(status), status.code()) {
        (Some(reason), _) => format!("{} [{reason}]", status.message()),
        // A connection that is lost on the way to an answer is unknown or cancelled.
        (None, tonic::Code::Unavailable | tonic::Code::Unknown | tonic::Code::Cancelled) => {
            let source = std::error::Error::source(status).map_or_else(String::new, |e| format!(" ({e})"));
            format!(
                "the server does not answer{source}: is it running (`liem up`), and is the address right?"
            )
        }
        (None, code) => format!("{} [{code:?}]", status.message()),
    }
}
