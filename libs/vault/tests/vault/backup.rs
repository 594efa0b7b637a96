//! Copies of both databases.

use std::fs;

use vault::{Vault, VaultError};

use crate::store::{MARK, master, new_vault, seal, texts};

#[tokio::test]
async fn a_backup_opens_with_its_keys() {
    let (_folder, vault) = new_vault().await;
    let seals = [seal(&vault, "s-1", MARK).await, seal(&vault, "s-2", "two").await];
    vault.erase("s-2").await.unwrap();
    let copies = tempfile::tempdir().unwrap();
    let (sealed, keys) = (copies.path().join("sealed.db"), copies.path().join("keys.db"));
    vault.backup(&sealed, &keys).await.unwrap();
    #[cfg(unix)]
    for path in [&sealed, &keys] {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let later = seal(&vault, "s-1", "later").await;

    let restored = Vault::open(copies.path(), &master()).await.unwrap();
    assert_eq!(texts(&restored, &seals).await, [MARK, "-"]);
    assert_eq!(texts(&restored, &[later]).await, ["?"]);
    assert_eq!(vault.seals_of("s-1").await.unwrap().len(), 2, "the vault goes on");
}

#[tokio::test]
async fn a_backup_is_not_written_over_a_file() {
    let (_folder, vault) = new_vault().await;
    let copies = tempfile::tempdir().unwrap();
    let (taken, free) = (copies.path().join("taken"), copies.path().join("free"));
    fs::write(&taken, "").unwrap();
    for (sealed, keys) in [(&taken, &free), (&free, &taken), (&free, &free)] {
        let refused = vault.backup(sealed, keys).await;
        assert!(matches!(refused, Err(VaultError::Exists { .. })), "{refused:?}");
        assert!(!free.exists(), "nothing half is left");
    }
    assert_eq!(fs::read(&taken).unwrap(), b"");
}
