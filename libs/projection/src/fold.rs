//! Folding: bring the rows that entries name into memory, let the view change them, sum up, and write what
//! changed at the ends of batches and at every snapshot.

use std::sync::Arc;

use eventlog::{EventLog, Page};
use futures::StreamExt as _;
use sqlx::{AssertSqlSafe, SqliteConnection};
use tokio::sync::mpsc;

use crate::{
    History, Table, View, ViewError,
    error::with_source,
    file::File,
    rows::{Rows, Slots, Summed},
    sql::{self, in_chunks},
};

/// Rows kept in memory from one batch to the next, about. A row takes some 300 bytes.
const KEPT_ROWS: usize = 150_000;

/// Whose rows a fold starts from: as they are, or as they were at a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    Now,
    Snapshot(u64),
}

/// A view's rows for its tables.
pub(crate) fn rows_of<V: View>() -> Rows {
    Rows::new(V::TABLES, V::SUMMED)
}

/// A fold that is kept in a file.
pub(crate) struct Fold {
    pub(crate) file: File,
    rows: Rows,
    /// The position that has been folded, and may not be written yet.
    position: u64,
    unsaved: usize,
}

impl Fold {
    /// Goes on where the file ends.
    pub(crate) async fn resume<V: View>(mut file: File) -> Result<Self, ViewError> {
        let position = file.checkpoint().await?;
        Ok(Self { file, rows: rows_of::<V>(), position, unsaved: 0 })
    }

    /// Forgets what was not written, and goes on where the file ends.
    pub(crate) async fn reset(&mut self) -> Result<u64, ViewError> {
        self.rows.clear();
        self.unsaved = 0;
        self.position = self.file.checkpoint().await?;
        Ok(self.position)
    }

    /// Folds a page. What it brought is written at the end of a batch, at a snapshot, and when the page is
    /// the log's last: then the view says what its file says.
    pub(crate) async fn page<V: View>(&mut self, view: &V, page: Taken<V::Event>) -> Result<(), ViewError> {
        let every = self.file.every();
        let mut rest = page.events;
        while self.position < page.through {
            // Up to the next snapshot, and not past the next batch, whose ends are the same positions however
            // the pages came: a batch then holds whole spans of positions.
            let batch = V::BATCH;
            let snapshot = (self.position / every + 1).saturating_mul(every);
            let end = page.through.min(snapshot).min((self.position / batch + 1) * batch);
            let tail = rest.split_off(rest.partition_point(|(position, _)| *position <= end));
            let part = std::mem::replace(&mut rest, tail);
            self.rows.reached = self.file.saved();
            self.unsaved += part.len();
            events(view, self.file.connection(), Base::Now, part, &mut self.rows).await?;
            self.position = end;
            let is_last = end == page.through && (page.ended || self.unsaved == 0);
            if is_last || end % every == 0 || end % batch == 0 {
                self.save(view).await?;
            }
        }
        Ok(())
    }

    async fn save<V: View>(&mut self, view: &V) -> Result<(), ViewError> {
        sum_up(view, self.file.connection(), Base::Now, &mut self.rows).await?;
        self.file.save(&mut self.rows, self.position).await?;
        self.rows.end_batch(KEPT_ROWS);
        self.unsaved = 0;
        Ok(())
    }
}

/// What a view takes from a page.
pub(crate) struct Taken<E> {
    /// The events, each with its position.
    events: Vec<(u64, E)>,
    pub(crate) through: u64,
    pub(crate) head: u64,
    ended: bool,
}

/// Reads what a view needs from a page's entries.
pub(crate) fn take<V: View>(view: &V, page: &Page) -> Result<Taken<V::Event>, ViewError> {
    let mut events = Vec::with_capacity(page.entries.len());
    for entry in &page.entries {
        let position = entry.position;
        let event = view.read(entry).map_err(|source| ViewError::Fold { position, source })?;
        events.extend(event.map(|event| (position, event)));
    }
    Ok(Taken { events, through: page.through, head: page.head, ended: page.ended })
}

/// Follows the log, reads what the view needs, and hands it on until nobody takes it any more. An error of the
/// log is [`ViewError::Log`].
pub(crate) async fn read_ahead<V: View>(
    view: Arc<V>,
    log: Arc<dyn EventLog>,
    after: u64,
    sender: mpsc::Sender<Result<Taken<V::Event>, ViewError>>,
) {
    let mut pages = log.follow(after, view.filter());
    while let Some(page) = pages.next().await {
        let taken = match page {
            Ok(page) => take(&*view, &page),
            Err(error) => Err(ViewError::Log(with_source(&error))),
        };
        if sender.send(taken).await.is_err() {
            return;
        }
    }
}

impl<E> Taken<E> {
    /// The events up to a position.
    pub(crate) fn up_to(mut self, position: u64) -> Vec<(u64, E)> {
        self.events.truncate(self.events.partition_point(|(at, _)| *at <= position));
        self.events
    }
}

/// Folds events into rows. `base` says where rows that aren't in memory come from.
pub(crate) async fn events<V: View>(
    view: &V,
    connection: &mut SqliteConnection,
    base: Base,
    mut events: Vec<(u64, V::Event)>,
    rows: &mut Rows,
) -> Result<(), ViewError> {
    // The rows of all events, one after the other.
    let mut named = Vec::with_capacity(events.len());
    let mut ends = Vec::with_capacity(events.len());
    for (_, event) in &mut events {
        view.keys(event, &mut rows.keys(&mut named));
        ends.push(named.len());
    }
    load(connection, V::TABLES, base, rows).await?;
    let mut start = 0;
    for ((position, event), end) in events.into_iter().zip(ends) {
        let mut named = rows.named(&named[start..end]);
        start = end;
        view.fold(event, &mut named).map_err(|source| ViewError::Fold { position, source })?;
    }
    Ok(())
}

/// Brings what changed since the last time into the rows that sum it up.
pub(crate) async fn sum_up<V: View>(
    view: &V,
    connection: &mut SqliteConnection,
    base: Base,
    rows: &mut Rows,
) -> Result<(), ViewError> {
    let Some(table) = V::SUMMED else { return Ok(()) };
    let mut changes = Vec::new();
    for slot in &mut rows.tables[table].all {
        if let Summed::Was(before) = std::mem::take(&mut slot.summed)
            && before != slot.row
        {
            changes.push((before, slot.row.clone()));
        }
    }
    let mut named = Vec::with_capacity(changes.len());
    let mut ends = Vec::with_capacity(changes.len());
    for (before, after) in &changes {
        view.sum_keys(before.as_ref(), after.as_ref(), &mut rows.keys(&mut named));
        ends.push(named.len());
    }
    load(connection, V::TABLES, base, rows).await?;
    let mut start = 0;
    for ((before, after), end) in changes.iter().zip(ends) {
        let mut named = rows.named(&named[start..end]);
        start = end;
        let summed = view.sum(before.as_ref(), after.as_ref(), &mut named);
        summed.map_err(|source| ViewError::Fold { position: 0, source })?;
    }
    Ok(())
}

/// Brings the wanted rows into memory.
async fn load(
    connection: &mut SqliteConnection,
    tables: &[Table],
    base: Base,
    rows: &mut Rows,
) -> Result<(), ViewError> {
    for (table, slots) in tables.iter().zip(&mut rows.tables) {
        let mut wanted = std::mem::take(&mut slots.wanted);
        wanted.sort_unstable_by(|a, b| slots.all[*a].key.cmp(&slots.all[*b].key));
        for chunk in in_chunks(&wanted) {
            match base {
                Base::Now => {
                    look_up(connection, table, sql::select(table, chunk.len()), chunk, slots).await?;
                }
                // Sets of positions need no earlier rows: queries leave out what came later.
                Base::Snapshot(_) if table.history == History::Positions => {}
                Base::Snapshot(at) => {
                    for sql in sql::select_at(table, chunk.len(), at) {
                        look_up(connection, table, sql, chunk, slots).await?;
                    }
                }
            }
        }
    }
    Ok(())
}

async fn look_up(
    connection: &mut SqliteConnection,
    table: &Table,
    sql: String,
    wanted: &[usize],
    slots: &mut Slots,
) -> Result<(), ViewError> {
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for place in wanted {
        query = sql::bind_key(query, &slots.all[*place].key);
    }
    for found in query.fetch_all(connection).await? {
        let (key, row) = sql::row(table, &found)?;
        if let Some(place) = slots.place(&key) {
            let slot = &mut slots.all[place];
            slot.row = Some(row);
            slot.since = Some(sql::since(table, &found)?);
        }
    }
    Ok(())
}
