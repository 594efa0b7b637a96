//! Answers as of an earlier position: the rows as they were at the last snapshot before it, and the rest
//! folded on top, in temporary tables that hide the view's own under their names.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset, Utc};
use eventlog::{EventLog, ReadError};
use identity::Caller;
use proto::{Failure, Timestamp, ledger::ErrorReason, timestamp_from};
use sqlx::{AssertSqlSafe, SqliteConnection};
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    History, Table, View, ViewError,
    fold::{self, Base},
    rows::{Rows, Slot},
    sql::{self, in_chunks},
};

/// Pages whose events are read before they are folded, at most.
const PAGES_AHEAD: usize = 16;

/// Events folded at a time.
const EVENTS: usize = 16_384;

/// What a query says of the moment that its answer is to be of.
pub struct AsOf<'a> {
    /// The position; 0 for none.
    pub position: u64,
    /// The instant of recorded time, if any.
    pub time: Option<&'a Timestamp>,
}

impl AsOf<'_> {
    /// The position that the answer is to be of; none for the newest. Callers other than inspectors ask by
    /// days only, of which the end counts: by asking as of one moment after another anyone could find when an
    /// entry was recorded, and in which order.
    pub async fn position(
        self,
        caller: &Caller,
        log: &dyn EventLog,
        zone: FixedOffset,
    ) -> Result<Option<u64>, Failure> {
        if self.position > 0 {
            if self.time.is_some() {
                return Err(Failure::field("as_of_time", "give it, or `as_of_position`: not both"));
            }
            if !caller.is_inspector() {
                let text = "only inspectors ask as of a position: leave `as_of_position` empty";
                return Err(Failure::new(ErrorReason::NoStanding, text));
            }
            return Ok(Some(self.position));
        }
        let Some(time) = self.time else { return Ok(None) };
        let mut time = timestamp_from("as_of_time", time)?;
        if !caller.is_inspector() {
            time = events::end_of_day(time.with_timezone(&zone).date_naive(), zone);
        }
        match position_at(log, time).await? {
            0 => Err(Failure::field("as_of_time", "nothing had been recorded by then: give a later time")),
            position => Ok(Some(position)),
        }
    }
}

/// The position of the last entry that was recorded by an instant; 0 if none was.
pub async fn position_at(log: &dyn EventLog, time: DateTime<Utc>) -> Result<u64, ReadError> {
    let head = log.head().await?;
    if head.recorded_at <= time {
        return Ok(head.position);
    }
    // Recorded times never go back, so they can be searched by halves.
    let (mut known, mut beyond) = (0, head.position);
    while beyond - known > 1 {
        let middle = known + (beyond - known) / 2;
        let entries = log.read_at(&[middle]).await?;
        let entry = entries.first().ok_or(ReadError::NotFound { position: middle })?;
        if entry.header()?.recorded_at <= time {
            known = middle;
        } else {
            beyond = middle;
        }
    }
    Ok(known)
}

/// Makes the connection see the view as it was at a position. `every` is how many positions lie between two
/// snapshots of its file. The connection must be closed afterwards.
pub(crate) async fn show<V: View>(
    view: &Arc<V>,
    log: &Arc<dyn EventLog>,
    connection: &mut SqliteConnection,
    every: u64,
    position: u64,
) -> Result<(), ViewError> {
    if V::TABLES.iter().all(|table| table.history == History::Positions) {
        return Ok(());
    }
    let snapshot = position / every;
    let base = Base::Snapshot(snapshot);
    let mut reached = snapshot * every;
    let mut rows = fold::rows_of::<V>();
    rows.reached = reached;
    let (sender, mut pages) = mpsc::channel(PAGES_AHEAD);
    let mut reading = JoinSet::new();
    reading.spawn(fold::read_ahead(view.clone(), log.clone(), reached, sender));
    let mut events = Vec::new();
    while reached < position {
        let page = pages.recv().await.ok_or_else(|| ViewError::Log("it ended".to_owned()))??;
        reached = page.through;
        events.extend(page.up_to(position));
        // Many at a time: their rows are looked up in the order they lie in the file.
        if events.len() >= EVENTS || reached >= position {
            fold::events(&**view, connection, base, std::mem::take(&mut events), &mut rows).await?;
        }
    }
    fold::sum_up(&**view, connection, base, &mut rows).await?;
    for (place, table) in V::TABLES.iter().enumerate() {
        if table.history == History::Versions {
            overlay(connection, table, &rows, place, snapshot).await?;
        }
    }
    Ok(())
}

/// Hides a table behind a view of the same name: the rows that changed since the snapshot, and those of the
/// snapshot that did not.
async fn overlay(
    connection: &mut SqliteConnection,
    table: &Table,
    rows: &Rows,
    place: usize,
    snapshot: u64,
) -> Result<(), ViewError> {
    let (name, columns, key) = (table.name, sql::columns(table, ""), sql::key(table, ""));
    let new = format!("{name}_new");
    // With the types of the table: a column without one is converted before it's compared, and its index is
    // of no use then.
    let typed = sql::typed_columns(table).join(", ");
    let made =
        format!("CREATE TEMP TABLE {new} ({typed}, is_gone INTEGER, PRIMARY KEY ({key})) WITHOUT ROWID");
    sqlx::query(AssertSqlSafe(made)).execute(&mut *connection).await?;
    let mut changed: Vec<&Slot> = rows.tables[place].all.iter().filter(|slot| slot.is_changed).collect();
    changed.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    for chunk in in_chunks(&changed) {
        let one = format!("({})", vec!["?"; table.key.len() + table.columns.len() + 1].join(","));
        let insert = format!("INSERT INTO {new} VALUES {}", vec![one; chunk.len()].join(","));
        let mut query = sqlx::query(AssertSqlSafe(insert));
        for slot in chunk {
            query = sql::bind_key(query, &slot.key);
            match &slot.row {
                Some(row) => {
                    for value in row {
                        query = sql::bind_value(query, value)?;
                    }
                }
                None => {
                    for _ in table.columns {
                        query = query.bind(None::<i64>);
                    }
                }
            }
            query = query.bind(i64::from(slot.row.is_none()));
        }
        query.execute(&mut *connection).await?;
    }
    let same = |of: &str| {
        let same = table.key.iter().map(|(column, _)| format!("n.{column} = {of}.{column}"));
        same.collect::<Vec<_>>().join(" AND ")
    };
    let rest = |table: &str, alias: &str, when: &str| {
        let hidden = format!("SELECT 1 FROM {new} AS n WHERE {}", same(alias));
        format!("SELECT {columns} FROM main.{table} AS {alias} WHERE {when} AND NOT EXISTS ({hidden})")
    };
    let shown = format!(
        "CREATE TEMP VIEW {name} AS SELECT {columns} FROM {new} WHERE NOT is_gone UNION ALL {} UNION ALL {}",
        rest(name, "t", &format!("t.since_ < {snapshot}")),
        rest(&format!("{name}_past"), "p", &format!("p.since_ < {snapshot} AND p.until_ >= {snapshot}")),
    );
    sqlx::query(AssertSqlSafe(shown)).execute(connection).await?;
    Ok(())
}
