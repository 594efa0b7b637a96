//! A database as one end of a move, by its owner.

use async_trait::async_trait;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};

use super::{read, schema, shown, writer};
use crate::{
    Entry, OpenError, ReadError,
    copy::{Closed, End, Failed},
    judge::Row,
};

pub(crate) struct PostgresEnd(PgConnection);

impl PostgresEnd {
    pub(crate) async fn open(place: &PgConnectOptions) -> Result<Self, OpenError> {
        let path = shown(place);
        let connected = place.clone().application_name("liem copy").connect().await;
        let mut connection =
            connected.map_err(|source| OpenError::Database { path: path.clone(), source })?;
        schema::require(&mut connection, &path).await?;
        Ok(Self(connection))
    }
}

#[async_trait]
impl End for PostgresEnd {
    async fn head(&mut self) -> Result<u64, Failed> {
        Ok(writer::load_last(&mut self.0).await?.position)
    }

    async fn closed(&mut self) -> Result<Option<Closed>, Failed> {
        let sql = "SELECT incomplete, reason FROM liem.closed LIMIT 1";
        let found: Option<(bool, String)> = sqlx::query_as(sql).fetch_optional(&mut self.0).await?;
        Ok(found.map(|(incomplete, reason)| Closed { incomplete, reason }))
    }

    async fn close_for_good(&mut self, reason: &str) -> Result<u64, Failed> {
        // Behind the lock: what ledgers are appending now comes before, and nothing after.
        let mut tx = self.0.begin().await?;
        sqlx::query("SELECT liem.lock()").execute(&mut *tx).await?;
        sqlx::query("INSERT INTO liem.closed SELECT false, $1 WHERE NOT EXISTS (SELECT FROM liem.closed)")
            .bind(reason)
            .execute(&mut *tx)
            .await?;
        let last = writer::load_last(&mut tx).await?;
        tx.commit().await?;
        Ok(last.position)
    }

    async fn begin(&mut self, reason: &str) -> Result<(), Failed> {
        // Behind the lock: a ledger that opens a log of its own here comes before it, or not at all.
        let mut tx = self.0.begin().await?;
        sqlx::query("SELECT liem.lock()").execute(&mut *tx).await?;
        sqlx::query("INSERT INTO liem.closed SELECT true, $1 WHERE NOT EXISTS (SELECT FROM liem.closed)")
            .bind(reason)
            .execute(&mut *tx)
            .await?;
        if writer::load_last(&mut tx).await?.position > 0 {
            return Err("a ledger has opened a log there meanwhile".into());
        }
        tx.commit().await?;
        Ok(())
    }

    async fn page(&mut self, past: u64, limit: u64) -> Result<Vec<Entry>, ReadError> {
        read::past(&mut self.0, past, limit).await
    }

    async fn write(&mut self, rows: &[Row]) -> Result<(), Failed> {
        Ok(writer::copy(&mut self.0, rows).await?)
    }

    async fn finish(&mut self) -> Result<(), Failed> {
        sqlx::query("DELETE FROM liem.closed WHERE incomplete").execute(&mut self.0).await?;
        Ok(())
    }
}
