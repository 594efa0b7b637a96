//! Erasing: of keys first, then of what they open, then of the traces of both.

use sqlx::{Connection as _, SqliteConnection};

use crate::{Vault, VaultError, files::Files, listed};

impl Vault {
    /// Destroys the keys and texts of all seals of a subject. Gives how many had a key still.
    ///
    /// Repeat it after a failure, and after a backup was restored. The files are written anew, and the vault does
    /// nothing else meanwhile.
    pub async fn erase(&self, subject: &str) -> Result<u64, VaultError> {
        let mut files = self.files().await?;
        let ids: Vec<String> = sqlx::query_scalar("SELECT id FROM seal WHERE subject = ?")
            .bind(subject)
            .fetch_all(&mut files.connection)
            .await?;
        destroy(&mut files, &ids).await
    }

    /// Destroys the keys and texts of these seals. Gives how many had a key still.
    ///
    /// Repeat it after a failure, and after a backup was restored. The files are written anew once, whatever
    /// the number of seals, and the vault does nothing else meanwhile.
    pub async fn erase_seals(&self, ids: &[String]) -> Result<u64, VaultError> {
        destroy(&mut *self.files().await?, ids).await
    }

    /// The position of the log up to which its erasures were repeated here; 0 at first. It lies with the keys: a
    /// backup that brings keys back brings back how far they were erased.
    pub async fn erased_through(&self) -> Result<u64, VaultError> {
        let mut files = self.files().await?;
        let stored: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT value FROM vault WHERE name = 'erased_through'")
                .fetch_optional(&mut files.connection)
                .await?;
        let position = stored.and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes);
        Ok(position.unwrap_or(0))
    }

    /// Says that the erasures of the log up to a position were repeated here.
    pub async fn set_erased_through(&self, position: u64) -> Result<(), VaultError> {
        sqlx::query("INSERT OR REPLACE INTO vault VALUES ('erased_through', ?)")
            .bind(position.to_be_bytes().to_vec())
            .execute(&mut self.files().await?.connection)
            .await?;
        Ok(())
    }
}

async fn destroy(files: &mut Files, ids: &[String]) -> Result<u64, VaultError> {
    let ids = listed(ids)?;
    let mut tx = files.connection.begin_with("BEGIN IMMEDIATE").await?;
    let destroyed = sqlx::query("DELETE FROM data_key WHERE id IN (SELECT value FROM json_each(?))")
        .bind(&ids)
        .execute(&mut *tx)
        .await?
        .rows_affected();
    let has_texts: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM sealed.ciphertext WHERE id IN (SELECT value FROM json_each(?)))",
    )
    .bind(&ids)
    .fetch_one(&mut *tx)
    .await?;
    if destroyed > 0 || has_texts {
        mark_unclean(&mut tx).await?;
    }
    tx.commit().await?;
    if has_texts {
        sqlx::query("DELETE FROM sealed.ciphertext WHERE id IN (SELECT value FROM json_each(?))")
            .bind(&ids)
            .execute(&mut files.connection)
            .await?;
    }
    // Also of an earlier call that didn't come so far.
    if files.is_unclean().await? {
        files.clean().await?;
    }
    Ok(destroyed)
}

/// Remembers, also after a crash, that there may be traces of what was erased.
pub(crate) async fn mark_unclean(connection: &mut SqliteConnection) -> Result<(), VaultError> {
    sqlx::query("INSERT OR IGNORE INTO vault VALUES ('unclean', x'')").execute(connection).await?;
    Ok(())
}
