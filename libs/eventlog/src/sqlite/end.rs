//! A file as one end of a move.

use std::{fs::File, path::Path};

use async_trait::async_trait;
use sqlx::{ConnectOptions as _, SqliteConnection};

use super::{connect, lock, read, schema, writer};
use crate::{
    Entry, OpenError, ReadError,
    copy::{Closed, End, Failed},
    judge::Row,
};

pub(crate) struct SqliteEnd {
    connection: SqliteConnection,
    /// Nobody else has the log open.
    _lock: File,
}

impl SqliteEnd {
    pub(crate) async fn open(path: &Path, is_target: bool) -> Result<Self, OpenError> {
        let lock = lock(path)?;
        let database = |source| OpenError::Database { path: path.display().to_string(), source };
        let mut connection = connect(path).create_if_missing(is_target).connect().await.map_err(database)?;
        schema::migrate(&mut connection, path).await?;
        Ok(Self { connection, _lock: lock })
    }
}

#[async_trait]
impl End for SqliteEnd {
    async fn head(&mut self) -> Result<u64, Failed> {
        Ok(writer::load_last(&mut self.connection).await?.position)
    }

    async fn closed(&mut self) -> Result<Option<Closed>, Failed> {
        let sql = "SELECT incomplete, reason FROM closed LIMIT 1";
        let found: Option<(bool, String)> = sqlx::query_as(sql).fetch_optional(&mut self.connection).await?;
        Ok(found.map(|(incomplete, reason)| Closed { incomplete, reason }))
    }

    async fn close_for_good(&mut self, reason: &str) -> Result<u64, Failed> {
        sqlx::query("INSERT INTO closed SELECT 0, ? WHERE NOT EXISTS (SELECT 1 FROM closed)")
            .bind(reason)
            .execute(&mut self.connection)
            .await?;
        self.head().await
    }

    async fn begin(&mut self, reason: &str) -> Result<(), Failed> {
        sqlx::query("INSERT INTO closed SELECT 1, ? WHERE NOT EXISTS (SELECT 1 FROM closed)")
            .bind(reason)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    async fn page(&mut self, past: u64, limit: u64) -> Result<Vec<Entry>, ReadError> {
        read::past(&mut self.connection, past, limit).await
    }

    async fn write(&mut self, rows: &[Row]) -> Result<(), Failed> {
        Ok(writer::write(&mut self.connection, rows).await?)
    }

    async fn finish(&mut self) -> Result<(), Failed> {
        sqlx::query("DELETE FROM closed WHERE incomplete").execute(&mut self.connection).await?;
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut self.connection).await?;
        Ok(())
    }
}
