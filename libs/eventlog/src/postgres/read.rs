//! Reading: every call is one statement or a few, each with a fresh snapshot.

use std::collections::HashMap;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder, Row as _, postgres::PgRow};
use tokio::sync::watch;
use uuid::Uuid;

use super::{
    connect::{READERS, is_lost},
    signed, unsigned, writer,
};
use crate::{
    Direction, Entry, Filter, ReadError, StreamName,
    bundle::BUNDLE_ENTRIES,
    judge::Last,
    pages::{Source, Stored},
};

/// Reads again where the connection turned out to be gone: after a restart of the server that can be so of all that
/// the pool has kept.
macro_rules! again {
    ($read:expr) => {{
        let mut left = READERS;
        loop {
            match $read.await {
                Err(error) if left > 0 && is_lost(&error) && !matches!(error, sqlx::Error::PoolTimedOut) => {
                    left -= 1;
                }
                read => break read.map_err(ReadError::unavailable),
            }
        }
    }};
}

/// Where everything is read.
pub(super) struct Reader {
    pub(super) pool: PgPool,
    /// How far bundles reach.
    pub(super) reach: watch::Receiver<u64>,
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
        again!(select(&self.pool, low, high, direction, filter, limit))
    }

    fn reach(&self) -> u64 {
        *self.reach.borrow()
    }

    fn stored(&self, first: u64, last: u64) -> Stored<'_> {
        sqlx::query("SELECT number, entries FROM liem.bundle WHERE number BETWEEN $1 AND $2 ORDER BY number")
            .bind(signed(first))
            .bind(signed(last))
            .fetch(&self.pool)
            .map_ok(|row| (unsigned(row.get(0)), row.get(1)))
            .boxed()
    }
}

fn entry(row: &PgRow) -> Entry {
    Entry { position: unsigned(row.get(0)), bytes: Bytes::copy_from_slice(row.get(1)) }
}

fn entries(rows: &[PgRow]) -> Vec<Entry> {
    rows.iter().map(entry).collect()
}

pub(super) async fn find_append(pool: &PgPool, id: Uuid) -> Result<Vec<Entry>, ReadError> {
    let sql = "SELECT position, bytes FROM liem.entry WHERE append_id = $1 ORDER BY k";
    Ok(entries(&again!(sqlx::query(sql).bind(id).fetch_all(pool))?))
}

pub(super) async fn stream(
    pool: &PgPool,
    stream: &StreamName,
    after_revision: u64,
    limit: usize,
) -> Result<Vec<Entry>, ReadError> {
    let sql = "SELECT position, bytes FROM liem.entry WHERE stream = $1 AND revision > $2 ORDER BY revision LIMIT $3";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let after = signed(after_revision);
    let rows = again!(sqlx::query(sql).bind(stream.as_str()).bind(after).bind(limit).fetch_all(pool))?;
    Ok(entries(&rows))
}

/// Entries past a position, oldest first.
pub(super) async fn past(
    connection: &mut PgConnection,
    past: u64,
    limit: u64,
) -> Result<Vec<Entry>, ReadError> {
    let sql = "SELECT position, bytes FROM liem.entry WHERE position > $1 ORDER BY position LIMIT $2";
    let query = sqlx::query(sql).bind(signed(past)).bind(signed(limit));
    Ok(entries(&query.fetch_all(connection).await.map_err(ReadError::unavailable)?))
}

/// The entries of one bundle, from the rows.
pub(super) async fn stretch(connection: &mut PgConnection, past: u64) -> Result<Vec<Entry>, ReadError> {
    let entries = self::past(connection, past, BUNDLE_ENTRIES).await?;
    if !entries.iter().map(|e| e.position).eq(past + 1..=past + BUNDLE_ENTRIES) {
        return Err(ReadError::unavailable(format!("the {BUNDLE_ENTRIES} entries past {past} have a gap")));
    }
    Ok(entries)
}

pub(super) async fn at(pool: &PgPool, positions: &[u64]) -> Result<Vec<Entry>, ReadError> {
    let asked: Vec<i64> = positions.iter().copied().map(signed).collect();
    let sql = "SELECT position, bytes FROM liem.entry WHERE position = ANY($1)";
    let rows = again!(sqlx::query(sql).bind(&asked).fetch_all(pool))?;
    let found: HashMap<u64, Bytes> = entries(&rows).into_iter().map(|e| (e.position, e.bytes)).collect();
    positions
        .iter()
        .map(|&position| {
            let bytes = found.get(&position).cloned().ok_or(ReadError::NotFound { position })?;
            Ok(Entry { position, bytes })
        })
        .collect()
}

/// The end of the log, asked for anew.
pub(super) async fn last(pool: &PgPool) -> Result<Last, ReadError> {
    again!(load_last(pool))
}

async fn load_last(pool: &PgPool) -> Result<Last, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    writer::load_last(&mut connection).await
}

async fn select(
    pool: &PgPool,
    low: u64,
    high: u64,
    direction: Direction,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<Entry>, sqlx::Error> {
    let mut query = QueryBuilder::<Postgres>::new("SELECT position, bytes FROM liem.entry WHERE position > ");
    query.push_bind(signed(low)).push(" AND position <= ").push_bind(signed(high));
    if !filter.types.is_empty() {
        query.push(" AND type = ANY(").push_bind(&filter.types).push(")");
    }
    if !filter.categories.is_empty() {
        query.push(" AND split_part(stream, '/', 1) = ANY(").push_bind(&filter.categories).push(")");
    }
    query.push(match direction {
        Direction::Forwards => " ORDER BY position LIMIT ",
        Direction::Backwards => " ORDER BY position DESC LIMIT ",
    });
    query.push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
    Ok(entries(&query.build().fetch_all(pool).await?))
}
