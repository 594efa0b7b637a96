//! Erasing leaves no bytes, and what was not erased.

use std::fs;

use sqlx::Connection as _;
use uuid::Uuid;
use vault::{State, Vault, VaultError};

use crate::store::{
    MARK, blobs, count_in_files, database, files_with, ids, item, master, new_vault, other_master, seal,
    tamper, texts,
};

const WRAPPED: &str = "SELECT wrapped FROM data_key WHERE id IN (SELECT id FROM seal WHERE subject = 's-1')";
const SALTS: &str = "SELECT salt FROM data_key WHERE id IN (SELECT id FROM seal WHERE subject = 's-1')";

#[tokio::test]
async fn erasing_leaves_no_bytes() {
    let (folder, vault) = new_vault().await;
    let folder = folder.path();
    let gone = seal(&vault, "s-1", MARK).await;
    let mut secrets = blobs(folder, "keys.db", WRAPPED).await;
    secrets.extend(blobs(folder, "keys.db", SALTS).await);
    secrets.extend(blobs(folder, "sealed.db", "SELECT bytes FROM ciphertext").await);
    assert_eq!(secrets.len(), 3);
    let kept = seal(&vault, "s-2", "kept").await;
    for secret in &secrets {
        assert_ne!(files_with(folder, secret), [""; 0]);
    }

    assert_eq!(vault.erase("s-1").await.unwrap(), 1);
    for secret in &secrets {
        assert_eq!(files_with(folder, secret), [""; 0]);
        assert_eq!(files_with(folder, &secret[..16]), [""; 0]);
    }
    let seals = [gone, kept];
    assert_eq!(texts(&vault, &seals).await, ["-", "kept"]);
    assert_eq!(vault.state(&ids(&seals)).await.unwrap(), [State::Erased, State::Sealed]);
    assert_eq!(vault.seals_of("s-1").await.unwrap(), ids(&seals[..1]), "what was erased is on record");

    assert_eq!(vault.erase("s-1").await.unwrap(), 0);
    assert_eq!(vault.erase("nobody").await.unwrap(), 0);
    assert_eq!(vault.erase_seals(&["s-nobody".into()]).await.unwrap(), 0);
    vault.close().await.unwrap();
    let vault = Vault::open(folder, &master()).await.unwrap();
    assert_eq!(texts(&vault, &seals).await, ["-", "kept"]);
}

/// Where SQLite moves rows of several sizes between pages it leaves copies, whatever `secure_delete` says.
#[tokio::test]
async fn erasing_leaves_no_copies_that_sqlite_made() {
    let (folder, vault) = new_vault().await;
    let folder = folder.path();
    let mut seals = Vec::new();
    for _ in 0..30 {
        let text = |n: usize| MARK.repeat([1, 1, 1, 12, 18, 6, 1, 120][n % 8]);
        let items = (0..40).map(|n| item(if n % 3 == 0 { "s-1" } else { "s-2" }, "text", &text(n))).collect();
        seals.extend(vault.seal(Uuid::now_v7(), items).await.unwrap());
    }
    let mut secrets = blobs(folder, "keys.db", WRAPPED).await;
    secrets.extend(blobs(folder, "keys.db", SALTS).await);
    let mut sealed = database(folder, "sealed.db").await;
    for id in vault.seals_of("s-1").await.unwrap() {
        let bytes = sqlx::query_scalar("SELECT bytes FROM ciphertext WHERE id = ?").bind(id);
        secrets.push(bytes.fetch_one(&mut sealed).await.unwrap());
    }
    sealed.close().await.unwrap();
    assert_eq!(count_in_files(folder, &secrets), 3 * 420);

    assert_eq!(vault.erase("s-1").await.unwrap(), 420);
    assert_eq!(count_in_files(folder, &secrets), 0);
    let opened = texts(&vault, &seals).await;
    assert!(opened.iter().enumerate().all(|(n, text)| (text == "-") == (n % 40 % 3 == 0)));
}

#[tokio::test]
async fn single_seals_are_erased() {
    let (_folder, vault) = new_vault().await;
    let seals = [seal(&vault, "s-1", "one").await, seal(&vault, "s-1", "two").await];
    assert_eq!(vault.erase_seals(&ids(&seals[1..])).await.unwrap(), 1);
    assert_eq!(texts(&vault, &seals).await, ["one", "-"]);
    assert_eq!(vault.erase_seals(&ids(&seals)).await.unwrap(), 1);
    assert_eq!(vault.erase_seals(&ids(&seals)).await.unwrap(), 0);
}

#[tokio::test]
async fn what_a_crash_left_is_erased_at_the_next_start() {
    let (folder, vault) = new_vault().await;
    let folder = folder.path();
    let seals = [seal(&vault, "s-1", MARK).await, seal(&vault, "s-2", "kept").await];
    vault.close().await.unwrap();
    // As after a crash behind the first step of erasing.
    let secret = blobs(folder, "keys.db", WRAPPED).await.remove(0);
    tamper(folder, "keys.db", "INSERT INTO vault VALUES ('unclean', x'')").await;
    tamper(folder, "keys.db", "DELETE FROM data_key WHERE id IN (SELECT id FROM seal WHERE subject = 's-1')")
        .await;
    let vault = Vault::open(folder, &master()).await.unwrap();
    assert_eq!(texts(&vault, &seals).await, ["-", "kept"]);
    assert_eq!(blobs(folder, "sealed.db", "SELECT bytes FROM ciphertext").await.len(), 1);
    assert_eq!(files_with(folder, &secret), [""; 0]);
}

#[tokio::test]
async fn a_reader_that_keeps_traces_is_told_of() {
    let (folder, vault) = new_vault().await;
    let folder = folder.path();
    let gone = seal(&vault, "s-1", MARK).await;
    let secret = blobs(folder, "keys.db", WRAPPED).await.remove(0);
    let mut reader = database(folder, "keys.db").await;
    let mut reading = reader.begin().await.unwrap();
    sqlx::query("SELECT * FROM seal").fetch_all(&mut *reading).await.unwrap();
    assert!(matches!(vault.erase("s-1").await, Err(VaultError::Busy)));
    assert_eq!(vault.state(&ids(&[gone])).await.unwrap(), [State::Erased]);
    assert_ne!(files_with(folder, &secret), [""; 0]);

    reading.rollback().await.unwrap();
    reader.close().await.unwrap();
    assert_eq!(vault.erase("s-1").await.unwrap(), 0);
    assert_eq!(files_with(folder, &secret), [""; 0]);
}

#[tokio::test]
async fn what_a_backup_brings_back_is_erased_again() {
    let (folder, vault) = new_vault().await;
    let folder = folder.path();
    let seals = [seal(&vault, "s-1", MARK).await, seal(&vault, "s-1", "two").await];
    let copies = tempfile::tempdir().unwrap();
    let (sealed, keys) = (copies.path().join("sealed.db"), copies.path().join("keys.db"));
    vault.backup(&sealed, &keys).await.unwrap();
    let later = seal(&vault, "s-1", "later").await;
    assert_eq!(vault.erase("s-1").await.unwrap(), 3);
    vault.close().await.unwrap();

    fs::copy(&sealed, folder.join("sealed.db")).unwrap();
    let vault = Vault::open(folder, &master()).await.unwrap();
    assert_eq!(texts(&vault, &seals).await, ["-", "-"], "texts without keys are nothing");
    assert_eq!(vault.erase("s-1").await.unwrap(), 0);
    assert_eq!(blobs(folder, "sealed.db", "SELECT bytes FROM ciphertext").await.len(), 0);
    vault.close().await.unwrap();

    fs::copy(&sealed, folder.join("sealed.db")).unwrap();
    fs::copy(&keys, folder.join("keys.db")).unwrap();
    let vault = Vault::open(folder, &master()).await.unwrap();
    assert_eq!(texts(&vault, &seals).await, [MARK, "two"]);
    assert_eq!(vault.erase("s-1").await.unwrap(), 2);
    assert_eq!(texts(&vault, &[seals[0].clone(), later]).await, ["-", "?"]);
}

#[tokio::test]
async fn how_far_the_log_s_erasures_were_repeated_comes_and_goes_with_the_keys() {
    let (folder, vault) = new_vault().await;
    let folder = folder.path();
    let sealed = seal(&vault, "s-1", MARK).await;
    assert_eq!(vault.erased_through().await.unwrap(), 0);
    for position in [u64::MAX, 17] {
        vault.set_erased_through(position).await.unwrap();
        assert_eq!(vault.erased_through().await.unwrap(), position);
    }
    vault.close().await.unwrap();
    vault::change_master_key(folder, &master(), &other_master()).await.unwrap();
    let vault = Vault::open(folder, &other_master()).await.unwrap();
    assert_eq!(vault.erased_through().await.unwrap(), 17, "kept over reopening, and with another master key");

    let copies = tempfile::tempdir().unwrap();
    let (texts_copy, keys_copy) = (copies.path().join("sealed.db"), copies.path().join("keys.db"));
    vault.backup(&texts_copy, &keys_copy).await.unwrap();
    assert_eq!(vault.erase("s-1").await.unwrap(), 1);
    vault.set_erased_through(90).await.unwrap();
    vault.close().await.unwrap();

    fs::copy(&texts_copy, folder.join("sealed.db")).unwrap();
    let vault = Vault::open(folder, &other_master()).await.unwrap();
    assert_eq!(vault.erased_through().await.unwrap(), 90, "texts bring back no keys");
    vault.close().await.unwrap();

    fs::copy(&keys_copy, folder.join("keys.db")).unwrap();
    let vault = Vault::open(folder, &other_master()).await.unwrap();
    assert_eq!(vault.erased_through().await.unwrap(), 17, "what was erased since has to be erased again");
    assert_eq!(vault.state(&ids(&[sealed])).await.unwrap(), [State::Sealed]);
}
