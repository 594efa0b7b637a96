//! Changing the master key.

use uuid::Uuid;
use vault::{Vault, VaultError, change_master_key};

use crate::store::{MARK, blobs, count_in_files, item, master, new_vault, other_master, tamper, texts};

#[tokio::test]
async fn the_new_key_opens_everything_and_the_old_one_nothing() {
    let (folder, vault) = new_vault().await;
    let folder = folder.path();
    let request = Uuid::now_v7();
    let items = || (0..200).map(|n| item("s-1", "text", &format!("{MARK} {n}"))).collect();
    let seals = vault.seal(request, items()).await.unwrap();
    vault.unconfirmed().await.unwrap();
    let before = texts(&vault, &seals).await;
    let mut wrapped = blobs(folder, "keys.db", "SELECT wrapped FROM data_key").await;
    wrapped.extend(blobs(folder, "keys.db", "SELECT wrapped FROM pending").await);
    wrapped.extend(blobs(folder, "keys.db", "SELECT value FROM vault WHERE name = 'own-key'").await);
    vault.close().await.unwrap();
    assert_eq!(count_in_files(folder, &wrapped), 202);

    assert_eq!(change_master_key(folder, &master(), &other_master()).await.unwrap(), 200);
    assert_eq!(count_in_files(folder, &wrapped), 0, "what the old key opens is gone");
    assert!(matches!(Vault::open(folder, &master()).await, Err(VaultError::WrongMasterKey)));
    let again = change_master_key(folder, &master(), &other_master()).await;
    assert!(matches!(again, Err(VaultError::WrongMasterKey)));

    let vault = Vault::open(folder, &other_master()).await.unwrap();
    assert_eq!(texts(&vault, &seals).await, before);
    assert_eq!(vault.seal(request, items()).await.unwrap(), seals, "requests are known again");
    vault.unconfirmed().await.unwrap();
    assert_eq!(vault.unconfirmed().await.unwrap(), [request]);
}

#[tokio::test]
async fn what_cant_be_rewrapped_leaves_all_under_the_old_key() {
    let (folder, vault) = new_vault().await;
    let folder = folder.path();
    let seals = vault.seal(Uuid::now_v7(), vec![item("s-1", "a", "1"), item("s-2", "a", "2")]).await.unwrap();
    vault.close().await.unwrap();
    tamper(
        folder,
        "keys.db",
        "UPDATE data_key SET wrapped = zeroblob(72) WHERE id IN (SELECT id FROM seal WHERE subject = 's-2')",
    )
    .await;
    let refused = change_master_key(folder, &master(), &other_master()).await;
    assert!(matches!(&refused, Err(VaultError::Damaged { what }) if *what == seals[1].id), "{refused:?}");
    let vault = Vault::open(folder, &master()).await.unwrap();
    assert_eq!(texts(&vault, &seals[..1]).await, ["1"]);
}
