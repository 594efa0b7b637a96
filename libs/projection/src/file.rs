//! A view's file: an SQLite database of its own, with the view's tables, their earlier rows, and one row
//! that says what it is and how far it has come.

use std::{path::Path, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use crate::{
    History, Key, Row, Table, View, ViewError,
    fixture::Fixture,
    rows::{Rows, Slot},
    sql::{self, in_chunks},
};

/// What a view's file says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) name: &'static str,
    pub(crate) version: u32,
    /// The log it is of.
    pub(crate) origin: String,
    /// The calendar of a what-if; empty for others.
    pub(crate) calendar: String,
}

pub(crate) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A view can lose its last commits to a power cut: it folds them again.
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_secs(10))
        .pragma("cache_size", "-65536")
        // Pages that one batch after another writes are folded back once.
        .pragma("wal_autocheckpoint", "16384")
}

/// A view's file, open for the one task that writes it.
pub(crate) struct File {
    connection: SqliteConnection,
    tables: &'static [Table],
    /// The checkpoint as last read or written.
    saved: u64,
    /// Positions between two snapshots.
    every: u64,
}

impl File {
    /// Opens the file; makes it where there is none, or one of another version or log. `every` is how many
    /// positions lie between two snapshots, where the file is new.
    pub(crate) async fn open<V: View>(
        path: &Path,
        view: &V,
        identity: &Identity,
        fixture: &Fixture,
        every: u64,
    ) -> Result<Self, ViewError> {
        if path.exists() && !is_of(path, view, identity).await? {
            delete(path)?;
        }
        let mut file = Self::open_with(options(path), V::TABLES).await?;
        sqlx::query("INSERT OR IGNORE INTO view VALUES (1, ?, ?, ?, ?, ?, ?, ?, 0)")
            .bind(identity.name)
            .bind(identity.version)
            .bind(&identity.origin)
            .bind(&identity.calendar)
            .bind(fixture.entries)
            .bind(&fixture.digest)
            .bind(sql::stored(every))
            .execute(&mut file.connection)
            .await?;
        let every: i64 =
            sqlx::query_scalar("SELECT snapshot_every FROM view").fetch_one(&mut file.connection).await?;
        file.every = sql::read(every);
        Ok(file)
    }

    /// A file in memory, for folds that nobody keeps.
    pub(crate) async fn in_memory(tables: &'static [Table]) -> Result<Self, ViewError> {
        let mut file = Self::open_with(SqliteConnectOptions::new().in_memory(true), tables).await?;
        sqlx::query("INSERT INTO view VALUES (1, '', 0, '', '', 0, '', ?, 0)")
            .bind(i64::MAX)
            .execute(&mut file.connection)
            .await?;
        Ok(file)
    }

    async fn open_with(options: SqliteConnectOptions, tables: &'static [Table]) -> Result<Self, ViewError> {
        let mut connection = options.connect().await?;
        let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
        for statement in tables.iter().flat_map(sql::create) {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut *tx).await?;
        }
        sqlx::query(
            "CREATE TABLE IF NOT EXISTS view (id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL, \
             version INTEGER NOT NULL, origin TEXT NOT NULL, calendar TEXT NOT NULL, \
             fixture_entries INTEGER NOT NULL, fixture_digest TEXT NOT NULL, snapshot_every INTEGER NOT NULL, \
             position INTEGER NOT NULL) STRICT",
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Self { connection, tables, saved: 0, every: u64::MAX })
    }

    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// Positions between two snapshots.
    pub(crate) fn every(&self) -> u64 {
        self.every
    }

    pub(crate) async fn checkpoint(&mut self) -> Result<u64, ViewError> {
        let position: i64 =
            sqlx::query_scalar("SELECT position FROM view").fetch_one(&mut self.connection).await?;
        self.saved = sql::read(position);
        Ok(self.saved)
    }

    /// The position that the file holds, as last read or written.
    pub(crate) fn saved(&self) -> u64 {
        self.saved
    }

    /// Writes what changed and the checkpoint in one transaction. All changes lie in the stretch that ends
    /// at the next snapshot.
    pub(crate) async fn save(&mut self, rows: &mut Rows, position: u64) -> Result<(), ViewError> {
        let stretch = position.saturating_sub(1) / self.every;
        let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await?;
        for (table, slots) in self.tables.iter().zip(&mut rows.tables) {
            // In key order: neighbours share pages.
            let mut changed: Vec<&mut Slot> = slots.all.iter_mut().filter(|slot| slot.is_changed).collect();
            changed.sort_unstable_by(|a, b| a.key.cmp(&b.key));
            if table.history == History::Versions {
                let old = changed.iter().filter(|slot| slot.since.is_some_and(|since| since < stretch));
                let old: Vec<&Key> = old.map(|slot| &slot.key).collect();
                run(&mut tx, &old, |rows| sql::archive(table, rows, stretch)).await?;
            }
            let gone = changed.iter().filter(|slot| slot.row.is_none() && slot.since.is_some());
            let gone: Vec<&Key> = gone.map(|slot| &slot.key).collect();
            run(&mut tx, &gone, |rows| sql::delete(table, rows)).await?;
            let kept: Vec<(&Key, &Row)> =
                changed.iter().filter_map(|slot| Some((&slot.key, slot.row.as_ref()?))).collect();
            for chunk in in_chunks(&kept) {
                let mut query = sqlx::query(AssertSqlSafe(sql::upsert(table, chunk.len())));
                for (key, row) in chunk {
                    query = sql::bind_key(query, key);
                    for value in *row {
                        query = sql::bind_value(query, value)?;
                    }
                    if table.history == History::Versions {
                        query = query.bind(sql::stored(stretch));
                    }
                }
                query.execute(&mut *tx).await?;
            }
            for slot in changed {
                slot.is_changed = false;
                slot.since = slot.row.is_some().then_some(stretch);
            }
        }
        // Two writers, each with its own rows in memory, would mix them: only who saved last goes on.
        let moved = sqlx::query("UPDATE view SET position = ? WHERE position = ?")
            .bind(sql::stored(position))
            .bind(sql::stored(self.saved))
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

/// Runs a statement for each chunk of keys.
async fn run(
    connection: &mut SqliteConnection,
    keys: &[&Key],
    statement: impl Fn(usize) -> String,
) -> Result<(), ViewError> {
    for chunk in in_chunks(keys) {
        let mut query = sqlx::query(AssertSqlSafe(statement(chunk.len())));
        for key in chunk {
            query = sql::bind_key(query, key);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Name, version, origin, calendar, and entries and digest of the fixture.
type Found = (String, u32, String, String, u32, String);

/// Whether a file is what it is opened as. A fold that changed without a new version is an error: the file
/// may hold what nobody could recompute.
async fn is_of<V: View>(path: &Path, view: &V, identity: &Identity) -> Result<bool, ViewError> {
    let mut connection = options(path).create_if_missing(false).connect().await?;
    let found: Result<Option<Found>, sqlx::Error> =
        sqlx::query_as("SELECT name, version, origin, calendar, fixture_entries, fixture_digest FROM view")
            .fetch_optional(&mut connection)
            .await;
    connection.close().await?;
    let (name, version, origin, calendar, entries, digest) = match found {
        Ok(Some(found)) => found,
        // Killed before it said what it is, or made by a version that said it elsewhere.
        Ok(None) => return Ok(false),
        Err(sqlx::Error::Database(_)) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    if (name.as_str(), version) != (identity.name, identity.version) || calendar != identity.calendar {
        tracing::warn!(view = identity.name, version, "the file is of another version: it's made again");
        return Ok(false);
    }
    if origin != identity.origin {
        return Err(ViewError::OtherLog { found: origin, expected: identity.origin.clone() });
    }
    if Fixture::of(view, Some(entries)).await?.is_none_or(|fixture| fixture.digest != digest) {
        return Err(ViewError::FoldChanged { name: identity.name, version });
    }
    Ok(true)
}

/// Deletes a view's file, with what SQLite keeps beside it.
pub(crate) fn delete(path: &Path) -> Result<(), ViewError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(&name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(ViewError::NotDeleted { path: path.display().to_string(), source: error });
            }
            _ => {}
        }
    }
    Ok(())
}
