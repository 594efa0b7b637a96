//! What was changed in the files is found.

use uuid::Uuid;
use vault::{Seal, Vault, VaultError};

use crate::store::{ids, item, new_vault, tamper, texts};

async fn two_seals(vault: &Vault) -> Vec<Seal> {
    vault.seal(Uuid::now_v7(), vec![item("s-1", "a", "one"), item("s-1", "a", "two")]).await.unwrap()
}

async fn is_found(name: &str, sql: &'static str) {
    let (folder, vault) = new_vault().await;
    let seals = two_seals(&vault).await;
    assert_eq!(texts(&vault, &seals).await, ["one", "two"]);
    tamper(folder.path(), name, sql).await;
    for id in ids(&seals) {
        let found = vault.unseal(std::slice::from_ref(&id)).await;
        assert!(matches!(&found, Err(VaultError::Damaged { what }) if *what == id), "{sql}: {found:?}");
    }
}

#[tokio::test]
async fn changed_bytes_are_found() {
    is_found("sealed.db", "UPDATE ciphertext SET bytes = CAST(substr(bytes, 1, 295) || x'00' AS BLOB)").await;
    is_found("sealed.db", "UPDATE ciphertext SET bytes = x''").await;
    is_found("sealed.db", "UPDATE ciphertext SET field = 'b'").await;
    is_found("sealed.db", "DELETE FROM ciphertext").await;
    is_found("keys.db", "UPDATE data_key SET wrapped = zeroblob(72)").await;
    is_found("keys.db", "UPDATE data_key SET salt = zeroblob(32)").await;
    is_found("keys.db", "UPDATE seal SET subject = 's-2'").await;
    is_found("keys.db", "UPDATE seal SET commitment = zeroblob(32)").await;
}

#[tokio::test]
async fn swapped_rows_are_found() {
    is_found(
        "sealed.db",
        "UPDATE ciphertext SET bytes = o.bytes FROM ciphertext AS o WHERE o.id <> ciphertext.id",
    )
    .await;
    is_found(
        "keys.db",
        "UPDATE data_key SET wrapped = o.wrapped FROM data_key AS o WHERE o.id <> data_key.id",
    )
    .await;
    is_found("keys.db", "UPDATE data_key SET salt = o.salt FROM data_key AS o WHERE o.id <> data_key.id")
        .await;
    is_found(
        "keys.db",
        "UPDATE data_key SET wrapped = o.wrapped, salt = o.salt FROM data_key AS o WHERE o.id <> data_key.id",
    )
    .await;
}
