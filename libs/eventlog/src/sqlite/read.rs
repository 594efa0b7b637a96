//! Reading: every call is one statement or a few, each with a fresh snapshot.

use std::collections::HashMap;

use bytes::Bytes;
use sqlx::{AssertSqlSafe, Row as _, SqlitePool, sqlite::SqliteRow};
use uuid::Uuid;

use super::{signed, unsigned};
use crate::{Direction, Entry, Filter, Page, ReadError, StreamName};

/// Positions that one page with a filter looks through, at most, so that no statement runs long.
const WINDOW: u64 = 65_536;

fn failed(source: sqlx::Error) -> ReadError {
    ReadError::unavailable(source)
}

fn entry(row: &SqliteRow) -> Entry {
    Entry { position: unsigned(row.get(0)), bytes: row.get::<Vec<u8>, _>(1).into() }
}

pub(super) async fn find_append(pool: &SqlitePool, id: Uuid) -> Result<Vec<Entry>, ReadError> {
    let rows = sqlx::query("SELECT position, bytes FROM entry WHERE append_id = ? ORDER BY k")
        .bind(id.as_bytes().as_slice())
        .fetch_all(pool)
        .await
        .map_err(failed)?;
    Ok(rows.iter().map(entry).collect())
}

pub(super) async fn stream(
    pool: &SqlitePool,
    stream: &StreamName,
    after_revision: u64,
    limit: usize,
) -> Result<Vec<Entry>, ReadError> {
    let rows = sqlx::query(
        "SELECT position, bytes FROM entry WHERE stream = ? AND revision > ? ORDER BY revision LIMIT ?",
    )
    .bind(stream.as_str())
    .bind(signed(after_revision))
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    Ok(rows.iter().map(entry).collect())
}

pub(super) async fn at(pool: &SqlitePool, positions: &[u64]) -> Result<Vec<Entry>, ReadError> {
    let mut found: HashMap<u64, Bytes> = HashMap::with_capacity(positions.len());
    for chunk in positions.chunks(500) {
        // One list as JSON keeps the statement's text, and so its plan, the same for every length.
        let list = serde_json::to_string(chunk).map_err(ReadError::unavailable)?;
        let rows = sqlx::query(
            "SELECT position, bytes FROM json_each(?) AS asked JOIN entry ON entry.position = asked.value",
        )
        .bind(list)
        .fetch_all(pool)
        .await
        .map_err(failed)?;
        found.extend(rows.iter().map(|r| (unsigned(r.get(0)), r.get::<Vec<u8>, _>(1).into())));
    }
    positions
        .iter()
        .map(|&position| {
            let bytes = found.get(&position).cloned().ok_or(ReadError::NotFound { position })?;
            Ok(Entry { position, bytes })
        })
        .collect()
}

pub(super) async fn all(
    pool: &SqlitePool,
    head: u64,
    past: u64,
    direction: Direction,
    filter: &Filter,
    limit: usize,
) -> Result<Page, ReadError> {
    let backwards = direction == Direction::Backwards;
    // The stretch is (low, high]; entries past the head are not acknowledged yet and stay unseen.
    let (low, high) = if backwards {
        let high = if past == 0 { head } else { head.min(past - 1) };
        (high.saturating_sub(WINDOW), high)
    } else {
        (past, head.min(past.saturating_add(WINDOW)))
    };
    let rows = select(pool, low, high, backwards, filter, limit).await?;
    let entries: Vec<Entry> = rows.iter().map(entry).collect();
    let full = entries.len() == limit;
    let last = entries.last().map_or(past, |e| e.position);
    let through = match (full, backwards) {
        (true, _) => last,
        (false, false) => high.max(past),
        (false, true) => low + 1,
    };
    let ended = if backwards { through <= 1 } else { through >= head };
    Ok(Page { entries, through, head, ended })
}

async fn select(
    pool: &SqlitePool,
    low: u64,
    high: u64,
    backwards: bool,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<SqliteRow>, ReadError> {
    let mut sql = String::from("SELECT position, bytes FROM entry WHERE position > ? AND position <= ?");
    if !filter.types.is_empty() {
        sql.push_str(" AND type IN (SELECT value FROM json_each(?))");
    }
    if !filter.categories.is_empty() {
        sql.push_str(" AND substr(stream, 1, instr(stream, '/') - 1) IN (SELECT value FROM json_each(?))");
    }
    sql.push_str(if backwards { " ORDER BY position DESC LIMIT ?" } else { " ORDER BY position LIMIT ?" });
    // Only constant pieces are joined; every value is bound.
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(signed(low)).bind(signed(high));
    for list in [&filter.types, &filter.categories] {
        if !list.is_empty() {
            query = query.bind(serde_json::to_string(list).map_err(ReadError::unavailable)?);
        }
    }
    query.bind(i64::try_from(limit).unwrap_or(i64::MAX)).fetch_all(pool).await.map_err(failed)
}
