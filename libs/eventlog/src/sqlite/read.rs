//! Reading: every call is one statement or a few, each with a fresh snapshot.

use std::collections::HashMap;

use async_trait::async_trait;
use bytes::Bytes;
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection, SqlitePool, sqlite::SqliteRow};
use uuid::Uuid;

use super::{bundles::Bundles, signed};
use crate::{
    Direction, Entry, Filter, ReadError, StreamName,
    bundle::BUNDLE_ENTRIES,
    pages::{Source, Stored},
};

/// Where everything is read.
#[derive(Clone)]
pub(super) struct Reader {
    pub(super) rows: SqlitePool,
    pub(super) bundles: Bundles,
}

#[async_trait]
impl Source for Reader {
    async fn rows(
        &self,
        low: u64,
        high: u64,
        direction: Direction,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Entry>, ReadError> {
        select(&self.rows, low, high, direction == Direction::Backwards, filter, limit).await
    }

    fn reach(&self) -> u64 {
        self.bundles.reach()
    }

    fn stored(&self, first: u64, last: u64) -> Stored<'_> {
        self.bundles.stored(first, last)
    }
}

fn failed(source: sqlx::Error) -> ReadError {
    ReadError::unavailable(source)
}

/// A statement whose one row has all entries: to hand over one row costs more than to read it. `inner`
/// selects positions and bytes, with a limit, which is what keeps its order.
fn joined(inner: &str) -> AssertSqlSafe<String> {
    // Only constant pieces are joined; every value is bound.
    AssertSqlSafe(format!(
        "SELECT group_concat(position || ' ' || length(bytes)), group_concat(bytes, '') FROM ({inner})"
    ))
}

/// The entries in the one row of [`joined`], all slices of one buffer.
fn entries(row: &SqliteRow) -> Result<Vec<Entry>, ReadError> {
    let (Some(places), Some(bytes)) = (row.get::<Option<&str>, _>(0), row.get::<Option<&[u8]>, _>(1)) else {
        return Ok(Vec::new());
    };
    let mut rest = Bytes::copy_from_slice(bytes);
    let parsed = places.split(',').map(|place| {
        let (position, length) = place.split_once(' ')?;
        let length = length.parse().ok()?;
        let bytes = (length <= rest.len()).then(|| rest.split_to(length))?;
        Some(Entry { position: position.parse().ok()?, bytes })
    });
    let parsed = parsed.collect::<Option<_>>();
    parsed.ok_or_else(|| ReadError::unavailable("the rows are not what was asked for"))
}

pub(super) async fn find_append(pool: &SqlitePool, id: Uuid) -> Result<Vec<Entry>, ReadError> {
    let sql = joined("SELECT position, bytes FROM entry WHERE append_id = ? ORDER BY k LIMIT -1");
    let row = sqlx::query(sql).bind(id.as_bytes().as_slice()).fetch_one(pool).await.map_err(failed)?;
    entries(&row)
}

pub(super) async fn stream(
    pool: &SqlitePool,
    stream: &StreamName,
    after_revision: u64,
    limit: usize,
) -> Result<Vec<Entry>, ReadError> {
    let sql = "SELECT position, bytes FROM entry WHERE stream = ? AND revision > ? ORDER BY revision LIMIT ?";
    let row = sqlx::query(joined(sql))
        .bind(stream.as_str())
        .bind(signed(after_revision))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_one(pool)
        .await
        .map_err(failed)?;
    entries(&row)
}

/// Entries past a position, oldest first.
pub(super) async fn past(
    connection: &mut SqliteConnection,
    past: u64,
    limit: u64,
) -> Result<Vec<Entry>, ReadError> {
    let sql = "SELECT position, bytes FROM entry WHERE position > ? ORDER BY position LIMIT ?";
    let query = sqlx::query(joined(sql)).bind(signed(past)).bind(signed(limit));
    entries(&query.fetch_one(connection).await.map_err(failed)?)
}

/// The entries of one bundle, from the rows.
pub(super) async fn stretch(connection: &mut SqliteConnection, past: u64) -> Result<Vec<Entry>, ReadError> {
    let entries = self::past(connection, past, BUNDLE_ENTRIES).await?;
    let positions = past + 1..=past + BUNDLE_ENTRIES;
    if !entries.iter().map(|e| e.position).eq(positions) {
        return Err(ReadError::unavailable(format!("the {BUNDLE_ENTRIES} entries past {past} have a gap")));
    }
    Ok(entries)
}

pub(super) async fn at(pool: &SqlitePool, positions: &[u64]) -> Result<Vec<Entry>, ReadError> {
    let mut found: HashMap<u64, Bytes> = HashMap::with_capacity(positions.len());
    for chunk in positions.chunks(500) {
        // One list as JSON keeps the statement's text, and so its plan, the same for every length.
        let list = serde_json::to_string(chunk).map_err(ReadError::unavailable)?;
        let sql =
            "SELECT position, bytes FROM json_each(?) AS asked JOIN entry ON entry.position = asked.value";
        let row = sqlx::query(joined(sql)).bind(list).fetch_one(pool).await.map_err(failed)?;
        found.extend(entries(&row)?.into_iter().map(|e| (e.position, e.bytes)));
    }
    positions
        .iter()
        .map(|&position| {
            let bytes = found.get(&position).cloned().ok_or(ReadError::NotFound { position })?;
            Ok(Entry { position, bytes })
        })
        .collect()
}

async fn select(
    pool: &SqlitePool,
    low: u64,
    high: u64,
    backwards: bool,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<Entry>, ReadError> {
    let mut sql = String::from("SELECT position, bytes FROM entry WHERE position > ? AND position <= ?");
    if !filter.types.is_empty() {
        sql.push_str(" AND type IN (SELECT value FROM json_each(?))");
    }
    if !filter.categories.is_empty() {
        sql.push_str(" AND substr(stream, 1, instr(stream, '/') - 1) IN (SELECT value FROM json_each(?))");
    }
    sql.push_str(if backwards { " ORDER BY position DESC LIMIT ?" } else { " ORDER BY position LIMIT ?" });
    let mut query = sqlx::query(joined(&sql)).bind(signed(low)).bind(signed(high));
    for list in [&filter.types, &filter.categories] {
        if !list.is_empty() {
            query = query.bind(serde_json::to_string(list).map_err(ReadError::unavailable)?);
        }
    }
    let row = query.bind(i64::try_from(limit).unwrap_or(i64::MAX)).fetch_one(pool).await.map_err(failed)?;
    entries(&row)
}
