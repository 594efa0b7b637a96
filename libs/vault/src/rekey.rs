//! Changing the master key.

use std::path::Path;

use sqlx::{Connection as _, SqliteConnection};

use crate::{
    MasterKey, VaultError,
    codes::about_report,
    crypto, erase,
    files::{Files, OWN_KEY},
    seals::{about_key, about_request},
};

/// Rows in memory at a time.
const CHUNK: i64 = 1_000;

/// Wraps everything that the old master key wraps with the new one. Gives how many data keys there were.
///
/// The vault must be closed. It's one transaction: after a crash either the old key opens the vault or the
/// new one, so keep both until this has returned. Backups of `keys.db` made before need the old one.
pub async fn change_master_key(folder: &Path, old: &MasterKey, new: &MasterKey) -> Result<u64, VaultError> {
    let (mut files, own_key) = Files::open(folder, old).await?;
    let rewrapped = rewrap(&mut files, &own_key, old.bytes(), new.bytes()).await;
    // The new key is the right one by now, whatever comes of the rest; the next start does it again.
    if rewrapped.is_ok()
        && let Err(error) = files.clean().await
    {
        tracing::warn!(%error, "traces of what the old master key opens may be in the vault's files: open it again");
    }
    if let Err(error) = files.close().await {
        tracing::warn!(%error, "the vault did not close cleanly");
    }
    rewrapped
}

async fn rewrap(
    files: &mut Files,
    own_key: &[u8; 32],
    old: &[u8; 32],
    new: &[u8; 32],
) -> Result<u64, VaultError> {
    let mut tx = files.connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query("UPDATE vault SET value = ? WHERE name = 'own-key'")
        .bind(crypto::encrypt(new, own_key, OWN_KEY)?)
        .execute(&mut *tx)
        .await?;
    let count = data_keys(&mut tx, old, new).await?;
    reports(&mut tx, old, new).await?;
    requests(&mut tx, old, new).await?;
    // What the old key opens is taken out of the file.
    erase::mark_unclean(&mut tx).await?;
    tx.commit().await?;
    Ok(count)
}

/// What one key wraps, wrapped with another.
fn again(
    old: &[u8; 32],
    new: &[u8; 32],
    wrapped: &[u8],
    about: &[&[u8]],
    what: &str,
) -> Result<Vec<u8>, VaultError> {
    let plain = crypto::decrypt(old, wrapped, about).ok_or_else(|| VaultError::damaged(what))?;
    crypto::encrypt(new, &plain, about)
}

async fn data_keys(tx: &mut SqliteConnection, old: &[u8; 32], new: &[u8; 32]) -> Result<u64, VaultError> {
    let (mut count, mut past) = (0, String::new());
    loop {
        let rows: Vec<(String, String, Vec<u8>)> = sqlx::query_as(
            "SELECT k.id, s.subject, k.wrapped FROM data_key AS k JOIN seal AS s ON s.id = k.id \
             WHERE k.id > ? ORDER BY k.id LIMIT ?",
        )
        .bind(&past)
        .bind(CHUNK)
        .fetch_all(&mut *tx)
        .await?;
        for (id, subject, wrapped) in &rows {
            sqlx::query("UPDATE data_key SET wrapped = ? WHERE id = ?")
                .bind(again(old, new, wrapped, &about_key(id, subject), id)?)
                .bind(id)
                .execute(&mut *tx)
                .await?;
            count += 1;
        }
        match rows.into_iter().next_back() {
            Some((id, _, _)) => past = id,
            None => return Ok(count),
        }
    }
}

async fn reports(tx: &mut SqliteConnection, old: &[u8; 32], new: &[u8; 32]) -> Result<(), VaultError> {
    let rows: Vec<(String, Vec<u8>)> =
        sqlx::query_as("SELECT locator, report FROM code").fetch_all(&mut *tx).await?;
    for (locator, report) in rows {
        let report = again(old, new, &report, &about_report(&locator), "a follow-up code's report")?;
        sqlx::query("UPDATE code SET report = ? WHERE locator = ?")
            .bind(report)
            .bind(locator)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

async fn requests(tx: &mut SqliteConnection, old: &[u8; 32], new: &[u8; 32]) -> Result<(), VaultError> {
    let rows: Vec<(Vec<u8>, Vec<u8>)> =
        sqlx::query_as("SELECT request, wrapped FROM pending").fetch_all(&mut *tx).await?;
    for (tag, wrapped) in rows {
        let wrapped = again(old, new, &wrapped, &about_request(&tag), "the list of unconfirmed requests")?;
        sqlx::query("UPDATE pending SET wrapped = ? WHERE request = ?")
            .bind(wrapped)
            .bind(tag)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}
