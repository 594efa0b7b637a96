//! A view's file: an SQLite database of its own, with the view's tables and its checkpoint.

use std::{path::Path, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, Sqlite, SqliteConnection,
    query::Query,
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous},
};

use crate::{
    Key, KeyPart, Kind, Positions, Row, Rows, Table, Value,
    rows::{Keys, Slot},
};

/// A view's file that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The database failed.
    #[error("the view's file failed")]
    Database(#[from] sqlx::Error),
    /// A stored set of positions can't be read.
    #[error("the view's file holds a damaged set of positions: delete it, it comes back")]
    Positions(#[source] std::io::Error),
    /// The file belongs to another log.
    #[error("the view's file is of the log {found}, not of {expected}: delete it, it comes back")]
    OtherLog {
        /// What it says.
        found: String,
        /// The log it should be of.
        expected: String,
    },
    /// The log can't be read.
    #[error("the log can't be read: {0}")]
    Log(String),
    /// The checkpoint is not where this follower left it.
    #[error("another process writes the view's file: stop it, or use another data folder")]
    OtherWriter,
}

/// Rows per statement; a remainder goes into smaller ones, so that few statements need preparing.
const ROWS: [usize; 3] = [100, 10, 1];

pub(crate) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A view can lose its last commits to a power cut: it folds them again.
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_secs(10))
}

pub(crate) struct File {
    connection: SqliteConnection,
    tables: &'static [Table],
    /// The checkpoint as last read or written.
    saved: u64,
}

impl File {
    pub(crate) async fn open(path: &Path, tables: &'static [Table], origin: &str) -> Result<Self, ViewError> {
        let mut connection = options(path).connect().await?;
        let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
        for table in tables {
            sqlx::query(AssertSqlSafe(create(table))).execute(&mut *tx).await?;
            for (i, index) in table.indexes.iter().enumerate() {
                let name = table.name;
                let sql = format!("CREATE INDEX IF NOT EXISTS {name}_{i} ON {name} ({index})");
                sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await?;
            }
        }
        sqlx::query(
            "CREATE TABLE IF NOT EXISTS checkpoint (id INTEGER PRIMARY KEY CHECK (id = 1), \
             position INTEGER NOT NULL, origin TEXT NOT NULL) STRICT",
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query("INSERT OR IGNORE INTO checkpoint VALUES (1, 0, ?)")
            .bind(origin)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        let found: String =
            sqlx::query_scalar("SELECT origin FROM checkpoint").fetch_one(&mut connection).await?;
        if found != origin {
            return Err(ViewError::OtherLog { found, expected: origin.to_owned() });
        }
        Ok(Self { connection, tables, saved: 0 })
    }

    pub(crate) async fn checkpoint(&mut self) -> Result<u64, ViewError> {
        let position: i64 =
            sqlx::query_scalar("SELECT position FROM checkpoint").fetch_one(&mut self.connection).await?;
        self.saved = u64::try_from(position).unwrap_or(0);
        Ok(self.saved)
    }

    /// Brings the named rows into memory, but for those that are there.
    pub(crate) async fn load(&mut self, keys: Keys, rows: &mut Rows) -> Result<(), ViewError> {
        let mut missing: Vec<Vec<Key>> = vec![Vec::new(); self.tables.len()];
        for (table, key) in keys.named {
            if !rows.tables[table].contains_key(&key) {
                missing[table].push(key);
            }
        }
        for ((table, mut keys), slots) in self.tables.iter().zip(missing).zip(&mut rows.tables) {
            keys.sort_unstable();
            for chunk in in_chunks(&keys) {
                let mut query = sqlx::query(AssertSqlSafe(select(table, chunk.len())));
                for part in chunk.iter().flatten() {
                    query = bind_part(query, part);
                }
                for found in query.fetch_all(&mut self.connection).await? {
                    let (key, row) = read(table, &found)?;
                    slots.insert(key, Slot { row: Some(row), is_changed: false });
                }
            }
            for key in keys {
                slots.entry(key).or_insert(Slot { row: None, is_changed: false });
            }
        }
        Ok(())
    }

    /// Writes what changed and the checkpoint in one transaction.
    pub(crate) async fn save(&mut self, rows: &mut Rows, position: u64) -> Result<(), ViewError> {
        let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await?;
        for (table, slots) in self.tables.iter().zip(&mut rows.tables) {
            // In key order: neighbours share pages.
            let mut changed: Vec<(&Key, &Row)> = slots
                .iter()
                .filter(|(_, slot)| slot.is_changed)
                .filter_map(|(key, slot)| Some((key, slot.row.as_ref()?)))
                .collect();
            changed.sort_unstable_by_key(|(key, _)| *key);
            for chunk in in_chunks(&changed) {
                let mut query = sqlx::query(AssertSqlSafe(upsert(table, chunk.len())));
                for (key, row) in chunk {
                    for part in *key {
                        query = bind_part(query, part);
                    }
                    for value in *row {
                        query = bind_value(query, value)?;
                    }
                }
                query.execute(&mut *tx).await?;
            }
            for slot in slots.values_mut() {
                slot.is_changed = false;
            }
        }
        // Two writers, each with its own rows in memory, would mix them: only who saved last goes on.
        let moved = sqlx::query("UPDATE checkpoint SET position = ? WHERE position = ?")
            .bind(i64::try_from(position).unwrap_or(i64::MAX))
            .bind(i64::try_from(self.saved).unwrap_or(i64::MAX))
            .execute(&mut *tx)
            .await?;
        if moved.rows_affected() != 1 {
            return Err(ViewError::OtherWriter);
        }
        tx.commit().await?;
        self.saved = position;
        Ok(())
    }
}

/// Slices of a few fixed lengths.
fn in_chunks<T>(items: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = items;
    std::iter::from_fn(move || {
        let size = ROWS.into_iter().find(|size| *size <= rest.len())?;
        let (chunk, tail) = rest.split_at(size);
        rest = tail;
        Some(chunk)
    })
}

fn create(table: &Table) -> String {
    let kind = |kind| match kind {
        Kind::Int => "INTEGER",
        Kind::Text => "TEXT",
        Kind::Positions => "BLOB",
    };
    let key = table.key.iter().map(|(name, k)| format!("{name} {} NOT NULL", kind(*k)));
    let columns: Vec<_> =
        key.chain(table.columns.iter().map(|(name, k)| format!("{name} {}", kind(*k)))).collect();
    let key: Vec<_> = table.key.iter().map(|(name, _)| *name).collect();
    format!(
        "CREATE TABLE IF NOT EXISTS {} ({}, PRIMARY KEY ({})) STRICT, WITHOUT ROWID",
        table.name,
        columns.join(", "),
        key.join(", ")
    )
}

fn select(table: &Table, rows: usize) -> String {
    let one = format!("({})", vec!["?"; table.key.len()].join(","));
    let columns: Vec<_> =
        table.key.iter().chain(table.columns).map(|(name, _)| format!("t.{name}")).collect();
    let on: Vec<_> =
        table.key.iter().enumerate().map(|(i, (name, _))| format!("t.{name} = a.column{}", i + 1)).collect();
    // CROSS JOIN keeps the order: one seek in the key per asked row.
    format!(
        "SELECT {} FROM (VALUES {}) AS a CROSS JOIN {} AS t ON {}",
        columns.join(","),
        vec![one; rows].join(","),
        table.name,
        on.join(" AND ")
    )
}

fn upsert(table: &Table, rows: usize) -> String {
    let one = format!("({})", vec!["?"; table.key.len() + table.columns.len()].join(","));
    format!("INSERT OR REPLACE INTO {} VALUES {}", table.name, vec![one; rows].join(","))
}

type Bound<'q> = Query<'q, Sqlite, SqliteArguments>;

fn bind_part<'q>(query: Bound<'q>, part: &'q KeyPart) -> Bound<'q> {
    match part {
        KeyPart::Int(n) => query.bind(*n),
        KeyPart::Text(text) => query.bind(text.as_str()),
    }
}

fn bind_value<'q>(query: Bound<'q>, value: &'q Value) -> Result<Bound<'q>, ViewError> {
    Ok(match value {
        Value::Null => query.bind(None::<i64>),
        Value::Int(n) => query.bind(*n),
        Value::Text(text) => query.bind(text.as_str()),
        Value::Positions(positions) => {
            let mut bytes = Vec::with_capacity(positions.serialized_size());
            positions.serialize_into(&mut bytes).map_err(ViewError::Positions)?;
            query.bind(bytes)
        }
    })
}

/// A set of positions as stored.
pub(crate) fn positions(bytes: &[u8]) -> Result<Positions, ViewError> {
    Positions::deserialize_from(bytes).map_err(ViewError::Positions)
}

fn read(table: &Table, found: &SqliteRow) -> Result<(Key, Row), ViewError> {
    let mut key = Vec::with_capacity(table.key.len());
    for (i, (_, kind)) in table.key.iter().enumerate() {
        key.push(match kind {
            Kind::Int => KeyPart::Int(found.try_get(i)?),
            Kind::Text | Kind::Positions => KeyPart::Text(found.try_get(i)?),
        });
    }
    let mut row = Vec::with_capacity(table.columns.len());
    for (i, (_, kind)) in table.columns.iter().enumerate() {
        let i = i + table.key.len();
        row.push(match kind {
            Kind::Int => found.try_get::<Option<i64>, _>(i)?.into(),
            Kind::Text => found.try_get::<Option<String>, _>(i)?.into(),
            Kind::Positions => match found.try_get::<Option<&[u8]>, _>(i)? {
                Some(bytes) => Value::Positions(positions(bytes)?),
                None => Value::Null,
            },
        });
    }
    Ok((key, row))
}
