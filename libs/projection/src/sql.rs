//! The statements over a view's tables.
//!
//! A table whose rows change has two columns more than the view says: `since_`, the stretch between two
//! snapshots in which the row was written. A row that changes in a later stretch is first copied to
//! `<table>_past` with `until_`, that stretch. So the state at snapshot `n`, before stretch `n` began, is
//! every row with `since_ < n` that was not yet replaced (`until_ >= n`).

use sqlx::{
    Row as _, Sqlite,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

use crate::{Column, History, Key, KeyPart, Kind, PositionSet, Row, Table, Value, ViewError, key::Part};

/// Rows per statement; a remainder goes into smaller ones, so that few statements need preparing.
const ROWS: [usize; 3] = [100, 10, 1];

/// Slices of a few fixed lengths.
pub(crate) struct Chunks<'a, T>(&'a [T]);

pub(crate) fn in_chunks<T>(items: &[T]) -> Chunks<'_, T> {
    Chunks(items)
}

impl<'a, T> Iterator for Chunks<'a, T> {
    type Item = &'a [T];

    fn next(&mut self) -> Option<&'a [T]> {
        let size = ROWS.into_iter().find(|size| *size <= self.0.len())?;
        let (chunk, rest) = self.0.split_at(size);
        self.0 = rest;
        Some(chunk)
    }
}

/// A number as SQLite has it: no log grows past 2⁶³ entries.
pub(crate) fn stored(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A stored number.
pub(crate) fn read(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

fn names(columns: &[(&'static str, Kind)], prefix: &str) -> Vec<String> {
    columns.iter().map(|(name, _)| format!("{prefix}{name}")).collect()
}

/// The names of a table's columns, key first.
pub(crate) fn columns(table: &Table, prefix: &str) -> String {
    [names(table.key, prefix), names(table.columns, prefix)].concat().join(", ")
}

/// The names of its key's columns.
pub(crate) fn key(table: &Table, prefix: &str) -> String {
    names(table.key, prefix).join(", ")
}

fn asked(table: &Table, rows: usize) -> String {
    let one = format!("({})", vec!["?"; table.key.len()].join(","));
    format!("(VALUES {}) AS a", vec![one; rows].join(","))
}

fn on(table: &Table) -> String {
    let on = table.key.iter().enumerate().map(|(i, (name, _))| format!("t.{name} = a.column{}", i + 1));
    on.collect::<Vec<_>>().join(" AND ")
}

/// The definitions of a table's columns, key first.
pub(crate) fn typed_columns(table: &Table) -> Vec<String> {
    let kind = |kind| match kind {
        Kind::Int => "INTEGER",
        Kind::Text => "TEXT",
        Kind::Bytes | Kind::Positions => "BLOB",
    };
    let key = table.key.iter().map(|(name, k)| format!("{name} {} NOT NULL", kind(*k)));
    key.chain(table.columns.iter().map(|(name, k)| format!("{name} {}", kind(*k)))).collect()
}

/// The statements that make a table, where it isn't there.
pub(crate) fn create(table: &Table) -> Vec<String> {
    let name = table.name;
    let mut columns = typed_columns(table);
    let made = |name: &str, columns: &[String], key: &str| {
        let columns = columns.join(", ");
        format!("CREATE TABLE IF NOT EXISTS {name} ({columns}, PRIMARY KEY ({key})) STRICT, WITHOUT ROWID")
    };
    let indexed = |name: &str| {
        let name = name.to_owned();
        table
            .indexes
            .iter()
            .enumerate()
            .map(move |(i, index)| format!("CREATE INDEX IF NOT EXISTS {name}_{i} ON {name} ({index})"))
    };
    let mut statements = Vec::new();
    if table.history == History::Versions {
        columns.push("since_ INTEGER NOT NULL".to_owned());
        let mut past = columns.clone();
        past.push("until_ INTEGER NOT NULL".to_owned());
        let past_name = format!("{name}_past");
        statements.push(made(&past_name, &past, &format!("{}, since_", key(table, ""))));
        statements.extend(indexed(&past_name));
    }
    statements.push(made(name, &columns, &key(table, "")));
    statements.extend(indexed(name));
    statements
}

/// Looks up so many keys in a table's rows as they are.
pub(crate) fn select(table: &Table, rows: usize) -> String {
    let since = if table.history == History::Versions { "t.since_" } else { "0" };
    let (columns, asked, on) = (columns(table, "t."), asked(table, rows), on(table));
    // CROSS JOIN keeps the order: one seek in the key per asked row.
    format!("SELECT {columns}, {since} FROM {asked} CROSS JOIN {} AS t ON {on}", table.name)
}

/// Looks up so many keys in a table's rows as they were at a snapshot: two statements, of which one at most
/// finds a key.
pub(crate) fn select_at(table: &Table, rows: usize, at: u64) -> [String; 2] {
    let (name, columns, asked, on) = (table.name, columns(table, "t."), asked(table, rows), on(table));
    let select = format!("SELECT {columns}, t.since_ FROM {asked} CROSS JOIN");
    [
        format!("{select} main.{name} AS t ON {on} AND t.since_ < {at}"),
        format!("{select} main.{name}_past AS t ON {on} AND t.since_ < {at} AND t.until_ >= {at}"),
    ]
}

/// Replaces so many rows.
pub(crate) fn upsert(table: &Table, rows: usize) -> String {
    let since = usize::from(table.history == History::Versions);
    let one = format!("({})", vec!["?"; table.key.len() + table.columns.len() + since].join(","));
    format!("INSERT OR REPLACE INTO {} VALUES {}", table.name, vec![one; rows].join(","))
}

/// Copies so many rows to those that were until a stretch.
pub(crate) fn archive(table: &Table, rows: usize, stretch: u64) -> String {
    let (name, columns, asked, on) = (table.name, columns(table, "t."), asked(table, rows), on(table));
    format!(
        "INSERT INTO {name}_past SELECT {columns}, t.since_, {stretch} FROM {asked} CROSS JOIN {name} AS t ON {on}"
    )
}

/// Deletes so many rows.
pub(crate) fn delete(table: &Table, rows: usize) -> String {
    let one = format!("({})", vec!["?"; table.key.len()].join(","));
    format!("DELETE FROM {} WHERE ({}) IN (VALUES {})", table.name, key(table, ""), vec![one; rows].join(","))
}

pub(crate) type Bound<'q> = Query<'q, Sqlite, SqliteArguments>;

pub(crate) fn bind_key<'q>(mut query: Bound<'q>, key: &'q Key) -> Bound<'q> {
    for part in key.parts() {
        query = match part {
            Part::Int(n) => query.bind(n),
            Part::Text(text) => query.bind(text),
        };
    }
    query
}

pub(crate) fn bind_value<'q>(query: Bound<'q>, value: &'q Value) -> Result<Bound<'q>, ViewError> {
    Ok(match value {
        Value::Null => query.bind(None::<i64>),
        Value::Int(n) => query.bind(*n),
        Value::Text(text) => query.bind(text.as_str()),
        Value::Bytes(bytes) => query.bind(bytes.as_slice()),
        Value::Positions(positions) => query.bind(positions.to_bytes().map_err(ViewError::Positions)?),
    })
}

/// The key and row in a found one.
pub(crate) fn row(table: &Table, found: &SqliteRow) -> Result<(Key, Row), ViewError> {
    let part = |(i, (_, kind)): (usize, &Column)| match kind {
        Kind::Int => found.try_get(i).map(KeyPart::Int),
        Kind::Text | Kind::Bytes | Kind::Positions => found.try_get(i).map(KeyPart::Text),
    };
    let parts = table.key.iter().enumerate().map(part).collect::<Result<Vec<_>, _>>()?;
    let key = Key::collect(parts.into_iter());
    let mut row = Vec::with_capacity(table.columns.len());
    for (i, (_, kind)) in table.columns.iter().enumerate() {
        let i = i + table.key.len();
        row.push(match kind {
            Kind::Int => found.try_get::<Option<i64>, _>(i)?.into(),
            Kind::Text => found.try_get::<Option<String>, _>(i)?.into(),
            Kind::Bytes => found.try_get::<Option<Vec<u8>>, _>(i)?.into(),
            Kind::Positions => match found.try_get::<Option<&[u8]>, _>(i)? {
                Some(bytes) => {
                    Value::Positions(PositionSet::from_bytes(bytes).map_err(ViewError::Positions)?)
                }
                None => Value::Null,
            },
        });
    }
    Ok((key, row))
}

/// The place of `since_` in a found row.
pub(crate) fn since(table: &Table, found: &SqliteRow) -> Result<u64, ViewError> {
    Ok(read(found.try_get(table.key.len() + table.columns.len())?))
}
