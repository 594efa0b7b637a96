//! A vault in a folder of its own, and a look into its files.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::Path,
};

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use uuid::Uuid;
use vault::{MasterKey, Opened, Seal, ToSeal, Vault};

/// A text that is found in a file where it is in plain.
pub(crate) const MARK: &str = "Nguyễn Văn Đánh Dấu, số 7 phố Hàng Bạc";

pub(crate) fn master() -> MasterKey {
    MasterKey::from_hex(&"5a".repeat(32)).unwrap()
}

pub(crate) fn other_master() -> MasterKey {
    MasterKey::from_hex(&"a5".repeat(32)).unwrap()
}

pub(crate) async fn new_vault() -> (TempDir, Vault) {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::open(folder.path(), &master()).await.unwrap();
    (folder, vault)
}

pub(crate) fn item(subject: &str, field: &str, text: &str) -> ToSeal {
    ToSeal { subject: subject.into(), field: field.into(), text: SecretString::from(text) }
}

pub(crate) async fn seal(vault: &Vault, subject: &str, text: &str) -> Seal {
    vault.seal(Uuid::now_v7(), vec![item(subject, "name", text)]).await.unwrap().remove(0)
}

pub(crate) fn ids(seals: &[Seal]) -> Vec<String> {
    seals.iter().map(|seal| seal.id.clone()).collect()
}

/// What is unsealed, as texts: `-` for what was erased, `?` for what is unknown.
pub(crate) async fn texts(vault: &Vault, seals: &[Seal]) -> Vec<String> {
    let text = |opened| match opened {
        Opened::Text(text) => text.expose_secret().to_owned(),
        Opened::Erased => "-".into(),
        Opened::Unknown => "?".into(),
    };
    vault.unseal(&ids(seals)).await.unwrap().into_iter().map(text).collect()
}

/// One of the databases, beside the vault.
pub(crate) async fn database(folder: &Path, name: &str) -> SqliteConnection {
    SqliteConnectOptions::new().filename(folder.join(name)).connect().await.unwrap()
}

/// Blobs of one of the databases.
pub(crate) async fn blobs(folder: &Path, name: &str, sql: &'static str) -> Vec<Vec<u8>> {
    let mut database = database(folder, name).await;
    let blobs = sqlx::query_scalar(sql).fetch_all(&mut database).await.unwrap();
    database.close().await.unwrap();
    blobs
}

/// Runs a statement in one of the databases.
pub(crate) async fn tamper(folder: &Path, name: &str, sql: &'static str) {
    let mut database = database(folder, name).await;
    assert!(sqlx::query(sql).execute(&mut database).await.unwrap().rows_affected() > 0);
    database.close().await.unwrap();
}

/// The names of the files that contain some bytes.
pub(crate) fn files_with(folder: &Path, bytes: &[u8]) -> Vec<String> {
    let has = |path: &Path| fs::read(path).unwrap().windows(bytes.len()).any(|window| window == bytes);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| has(path)).map(|path| path.file_name().unwrap().display().to_string()).collect()
}

/// How many of these random bytes are in the files, wholly or by any piece of 16 bytes from 64 to 64.
pub(crate) fn count_in_files(folder: &Path, blobs: &[Vec<u8>]) -> usize {
    let pieces =
        |n: usize| blobs[n].chunks(64).filter_map(move |piece| piece.get(..16).map(|piece| (piece, n)));
    let pieces: HashMap<&[u8], usize> = (0..blobs.len()).flat_map(pieces).collect();
    // Most places are ruled out by two bytes.
    let pair = |bytes: &[u8]| usize::from(bytes[0]) << 8 | usize::from(bytes[1]);
    let mut starts = vec![false; 1 << 16];
    for piece in pieces.keys() {
        starts[pair(piece)] = true;
    }
    let mut found = HashSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        found.extend(
            bytes
                .windows(16)
                .filter(|window| starts[pair(window)])
                .filter_map(|window| pieces.get(window).copied()),
        );
    }
    found.len()
}
