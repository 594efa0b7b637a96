//! Seals whose event is not known to be recorded.

use sqlx::Connection as _;
use uuid::Uuid;

use crate::{Vault, VaultError, crypto, erase, seals::about_request};

/// The count from which on a request may be discarded: [`Vault::unconfirmed`] has named it, and it was not
/// sealed again since.
const NAMED: i64 = 2;

impl Vault {
    /// The event that refers to the seals of a request is recorded.
    pub async fn confirm(&self, request: Uuid) -> Result<(), VaultError> {
        sqlx::query("DELETE FROM pending WHERE request = ?")
            .bind(self.tag(request).as_slice())
            .execute(&mut self.files().await?.connection)
            .await?;
        Ok(())
    }

    /// Requests that were unconfirmed at the previous call, and still are.
    ///
    /// Look each up in the log, and [`confirm`](Self::confirm) or [`discard`](Self::discard) it.
    pub async fn unconfirmed(&self) -> Result<Vec<Uuid>, VaultError> {
        let mut files = self.files().await?;
        let mut tx = files.connection.begin_with("BEGIN IMMEDIATE").await?;
        let rows: Vec<(Vec<u8>, Vec<u8>)> =
            sqlx::query_as("SELECT request, wrapped FROM pending WHERE sweeps >= 1")
                .fetch_all(&mut *tx)
                .await?;
        sqlx::query("UPDATE pending SET sweeps = min(sweeps + 1, ?)").bind(NAMED).execute(&mut *tx).await?;
        tx.commit().await?;
        rows.iter()
            .map(|(tag, wrapped)| {
                let request = crypto::decrypt(self.master(), wrapped, &about_request(tag));
                request
                    .and_then(|request| Uuid::from_slice(&request).ok())
                    .ok_or_else(|| VaultError::damaged("the list of unconfirmed requests"))
            })
            .collect()
    }

    /// Destroys the seals of a request whose event is not recorded, without a trace.
    ///
    /// Only of a request that [`unconfirmed`](Self::unconfirmed) named, and that was neither confirmed nor
    /// sealed again since, as its event may be on its way then. True if it was.
    pub async fn discard(&self, request: Uuid) -> Result<bool, VaultError> {
        let tag = self.tag(request);
        let mut files = self.files().await?;
        let sweeps: Option<i64> = sqlx::query_scalar("SELECT sweeps FROM pending WHERE request = ?")
            .bind(tag.as_slice())
            .fetch_optional(&mut files.connection)
            .await?;
        if sweeps != Some(NAMED) {
            return Ok(false);
        }
        // Ciphertexts first: after a crash in between the request is still pending, and named again.
        sqlx::query("DELETE FROM sealed.ciphertext WHERE id IN (SELECT id FROM seal WHERE request = ?)")
            .bind(tag.as_slice())
            .execute(&mut files.connection)
            .await?;
        let mut tx = files.connection.begin_with("BEGIN IMMEDIATE").await?;
        for statement in [
            "DELETE FROM data_key WHERE id IN (SELECT id FROM seal WHERE request = ?)",
            "DELETE FROM seal WHERE request = ?",
            "DELETE FROM pending WHERE request = ?",
        ] {
            sqlx::query(statement).bind(tag.as_slice()).execute(&mut *tx).await?;
        }
        erase::mark_unclean(&mut tx).await?;
        tx.commit().await?;
        files.clean().await?;
        Ok(true)
    }
}
