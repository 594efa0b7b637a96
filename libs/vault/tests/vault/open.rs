//! Opening: the right key, one user, whole files.

use std::{collections::BTreeMap, fs, path::Path};

use vault::{Vault, VaultError};

use crate::store::{MARK, ids, master, new_vault, other_master, seal, tamper, texts};

fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.file_name().unwrap().display().to_string(), fs::read(path).unwrap())).collect()
}

#[tokio::test]
async fn a_wrong_master_key_is_refused_and_changes_nothing() {
    let (folder, vault) = new_vault().await;
    let sealed = seal(&vault, "s-1", MARK).await;
    vault.close().await.unwrap();
    let before = contents(folder.path());
    assert_eq!(before.keys().collect::<Vec<_>>(), ["keys.db", "sealed.db", "vault.lock"]);
    assert!(matches!(Vault::open(folder.path(), &other_master()).await, Err(VaultError::WrongMasterKey)));
    assert!(contents(folder.path()) == before, "files were changed");
    let vault = Vault::open(folder.path(), &master()).await.unwrap();
    assert_eq!(texts(&vault, &[sealed]).await, [MARK]);
}

#[tokio::test]
async fn a_vault_has_one_user() {
    let (folder, vault) = new_vault().await;
    assert!(matches!(Vault::open(folder.path(), &master()).await, Err(VaultError::Locked { .. })));
    let refused = vault::change_master_key(folder.path(), &master(), &other_master()).await;
    assert!(matches!(refused, Err(VaultError::Locked { .. })));
    let clone = vault.clone();
    vault.close().await.unwrap();
    assert!(matches!(clone.unseal(&[]).await, Err(VaultError::Closed)));
    assert!(matches!(clone.erase("s-1").await, Err(VaultError::Closed)));
    clone.close().await.unwrap();
    Vault::open(folder.path(), &master()).await.unwrap();
}

#[tokio::test]
async fn half_a_vault_is_not_made_whole() {
    for missing in ["keys.db", "sealed.db"] {
        let (folder, vault) = new_vault().await;
        seal(&vault, "s-1", MARK).await;
        vault.close().await.unwrap();
        fs::remove_file(folder.path().join(missing)).unwrap();
        let refused = Vault::open(folder.path(), &master()).await;
        assert!(
            matches!(&refused, Err(VaultError::Missing { path }) if path.ends_with(missing)),
            "{refused:?}"
        );
        assert!(!folder.path().join(missing).exists());
    }
}

#[tokio::test]
async fn an_unknown_schema_is_refused() {
    for name in ["keys.db", "sealed.db"] {
        let (folder, vault) = new_vault().await;
        vault.close().await.unwrap();
        tamper_version(folder.path(), name).await;
        let refused = Vault::open(folder.path(), &master()).await;
        assert!(matches!(refused, Err(VaultError::Schema { found: 2, known: 1, .. })), "{refused:?}");
    }
}

async fn tamper_version(folder: &Path, name: &str) {
    let mut database = crate::store::database(folder, name).await;
    sqlx::query("PRAGMA user_version = 2").execute(&mut database).await.unwrap();
    sqlx::Connection::close(database).await.unwrap();
}

#[tokio::test]
async fn a_vault_that_was_not_closed_opens() {
    let (folder, vault) = new_vault().await;
    let sealed = seal(&vault, "s-1", MARK).await;
    // As a crash leaves it: nothing is folded back.
    let copy = tempfile::tempdir().unwrap();
    for (name, bytes) in contents(folder.path()) {
        fs::write(copy.path().join(name), bytes).unwrap();
    }
    let copied = Vault::open(copy.path(), &master()).await.unwrap();
    assert_eq!(texts(&copied, &[sealed]).await, [MARK]);
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("a").join("vault");
    let vault = Vault::open(&folder, &master()).await.unwrap();
    seal(&vault, "s-1", MARK).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for name in contents(&folder).keys() {
        assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn no_table_tells_in_which_order_rows_came() {
    let (folder, vault) = new_vault().await;
    seal(&vault, "s-1", MARK).await;
    vault.close().await.unwrap();
    for name in ["keys.db", "sealed.db"] {
        let mut database = crate::store::database(folder.path(), name).await;
        let with_row_numbers: Vec<String> = sqlx::query_scalar(
            "SELECT name FROM pragma_table_list WHERE type = 'table' AND wr = 0 AND name NOT LIKE 'sqlite_%'",
        )
        .fetch_all(&mut database)
        .await
        .unwrap();
        assert_eq!(with_row_numbers, [""; 0]);
    }
}

#[tokio::test]
async fn errors_tell_nothing_of_what_is_sealed() {
    let (folder, vault) = new_vault().await;
    let sealed = seal(&vault, "citizen-7", MARK).await;
    tamper(folder.path(), "keys.db", "UPDATE data_key SET salt = zeroblob(32)").await;
    let error = vault.unseal(&ids(&[sealed])).await.unwrap_err();
    for shown in [error.to_string(), format!("{error:?}")] {
        assert!(!shown.contains("citizen-7") && !shown.contains("Nguy"), "{shown}");
    }
}
