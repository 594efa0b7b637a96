//! Seals whose event was never recorded.

use uuid::Uuid;
use vault::{State, Vault};

use crate::store::{MARK, blobs, count_in_files, ids, item, master, new_vault, texts};

const NONE: [Uuid; 0] = [];

#[tokio::test]
async fn requests_are_named_at_the_second_sweep_until_they_are_confirmed() {
    let (folder, vault) = new_vault().await;
    let requests = [Uuid::now_v7(), Uuid::now_v7()];
    for request in requests {
        vault.seal(request, vec![item("s-1", "name", MARK)]).await.unwrap();
    }
    vault.confirm(requests[0]).await.unwrap();
    vault.confirm(Uuid::now_v7()).await.unwrap();
    assert_eq!(vault.unconfirmed().await.unwrap(), NONE);
    vault.close().await.unwrap();
    let vault = Vault::open(folder.path(), &master()).await.unwrap();
    assert_eq!(vault.unconfirmed().await.unwrap(), [requests[1]]);
    assert_eq!(vault.unconfirmed().await.unwrap(), [requests[1]]);
    vault.confirm(requests[1]).await.unwrap();
    assert_eq!(vault.unconfirmed().await.unwrap(), NONE);
}

#[tokio::test]
async fn orphans_are_discarded_without_a_trace() {
    let (folder, vault) = new_vault().await;
    let folder = folder.path();
    let (kept, orphan) = (Uuid::now_v7(), Uuid::now_v7());
    let items = || vec![item("s-1", "name", MARK), item("s-2", "name", MARK)];
    let seals = vault.seal(orphan, items()).await.unwrap();
    let mut secrets = blobs(folder, "keys.db", "SELECT wrapped FROM data_key").await;
    secrets.extend(blobs(folder, "keys.db", "SELECT salt FROM data_key").await);
    secrets.extend(blobs(folder, "sealed.db", "SELECT bytes FROM ciphertext").await);
    let others = vault.seal(kept, items()).await.unwrap();
    vault.confirm(kept).await.unwrap();

    assert!(!vault.discard(orphan).await.unwrap(), "it was never named");
    vault.unconfirmed().await.unwrap();
    assert_eq!(vault.unconfirmed().await.unwrap(), [orphan]);
    assert_eq!(count_in_files(folder, &secrets), 6);
    assert!(vault.discard(orphan).await.unwrap());
    assert_eq!(count_in_files(folder, &secrets), 0);
    assert_eq!(vault.state(&ids(&seals)).await.unwrap(), [State::Unknown; 2]);
    assert_eq!(texts(&vault, &others).await, [MARK, MARK]);
    assert!(!vault.discard(orphan).await.unwrap());
    assert!(!vault.discard(kept).await.unwrap(), "it was confirmed");
    assert_eq!(vault.unconfirmed().await.unwrap(), NONE);

    // The request may come once more: it's a new one.
    let anew = vault.seal(orphan, items()).await.unwrap();
    assert_ne!(anew, seals);
    assert_eq!(texts(&vault, &anew).await, [MARK, MARK]);
}

#[tokio::test]
async fn a_request_that_is_sealed_again_is_on_its_way_again() {
    let (_folder, vault) = new_vault().await;
    let request = Uuid::now_v7();
    let items = || vec![item("s-1", "name", MARK)];
    let seals = vault.seal(request, items()).await.unwrap();
    vault.unconfirmed().await.unwrap();
    assert_eq!(vault.unconfirmed().await.unwrap(), [request]);
    // The log is asked meanwhile, and doesn't have it yet.
    assert_eq!(vault.seal(request, items()).await.unwrap(), seals);
    assert!(!vault.discard(request).await.unwrap());
    assert_eq!(texts(&vault, &seals).await, [MARK]);
    assert_eq!(vault.unconfirmed().await.unwrap(), NONE);
    assert_eq!(vault.unconfirmed().await.unwrap(), [request]);
}
