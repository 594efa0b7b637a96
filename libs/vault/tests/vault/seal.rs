//! Sealing and unsealing, and the same request again.

use secrecy::ExposeSecret as _;
use uuid::Uuid;
use vault::{MAX_ITEMS, MAX_TEXT_BYTES, State, VaultError};

use crate::store::{MARK, blobs, files_with, ids, item, new_vault, seal, tamper, texts};

#[tokio::test]
async fn what_was_sealed_is_unsealed_in_the_order_asked_for() {
    let (_folder, vault) = new_vault().await;
    let long = "dài ".repeat(500);
    let items = vec![item("s-1", "name", MARK), item("s-1", "phone", ""), item("s-2", "text", &long)];
    let mut seals = vault.seal(Uuid::now_v7(), items).await.unwrap();
    assert_eq!(texts(&vault, &seals).await, [MARK, "", &long]);
    seals.reverse();
    seals[1].id = "s-nobody\"'".into();
    seals.push(seals[0].clone());
    assert_eq!(texts(&vault, &seals).await, [&long, "?", MARK, &long]);
    let states = vault.state(&ids(&seals)).await.unwrap();
    assert_eq!(states, [State::Sealed, State::Unknown, State::Sealed, State::Sealed]);
    assert!(vault.unseal(&[]).await.unwrap().is_empty());
    assert!(vault.seal(Uuid::now_v7(), Vec::new()).await.unwrap().is_empty());
}

#[tokio::test]
async fn two_seals_of_one_text_have_nothing_in_common() {
    let (folder, vault) = new_vault().await;
    let [one, two] = [seal(&vault, "s-1", MARK).await, seal(&vault, "s-1", MARK).await];
    assert_ne!(one.id, two.id);
    assert_ne!(one.commitment, two.commitment);
    for (name, sql) in [
        ("keys.db", "SELECT wrapped FROM data_key"),
        ("keys.db", "SELECT salt FROM data_key"),
        ("sealed.db", "SELECT bytes FROM ciphertext"),
    ] {
        let blobs = blobs(folder.path(), name, sql).await;
        assert!(blobs.len() == 2 && blobs[0] != blobs[1], "{sql}");
        assert!(blobs[0].iter().zip(&blobs[1]).filter(|(a, b)| a == b).count() < blobs[0].len() / 4, "{sql}");
    }
}

#[tokio::test]
async fn the_size_of_a_ciphertext_tells_little() {
    let (folder, vault) = new_vault().await;
    for text in ["", "x", &"x".repeat(255)] {
        seal(&vault, "s-1", text).await;
    }
    let sizes = blobs(folder.path(), "sealed.db", "SELECT bytes FROM ciphertext").await;
    assert!(sizes.iter().all(|bytes| bytes.len() == 24 + 256 + 16));
}

#[tokio::test]
async fn a_marked_text_is_in_no_file() {
    let (folder, vault) = new_vault().await;
    let request = Uuid::now_v7();
    vault.seal(request, vec![item("s-1", "name", MARK)]).await.unwrap();
    for bytes in [MARK.as_bytes(), &MARK.as_bytes()[..16], request.as_bytes(), request.to_string().as_bytes()]
    {
        assert_eq!(files_with(folder.path(), bytes), [""; 0]);
    }
    assert_ne!(files_with(folder.path(), b"s-1"), [""; 0], "the search finds what is there");
    vault.close().await.unwrap();
    assert_eq!(files_with(folder.path(), MARK.as_bytes()), [""; 0]);
}

#[tokio::test]
async fn the_same_request_gives_the_same_seals() {
    let (_folder, vault) = new_vault().await;
    let request = Uuid::now_v7();
    let items = || vec![item("s-1", "name", MARK), item("s-2", "phone", "1")];
    let seals = vault.seal(request, items()).await.unwrap();
    assert_eq!(vault.seal(request, items()).await.unwrap(), seals);
    vault.confirm(request).await.unwrap();
    assert_eq!(vault.seal(request, items()).await.unwrap(), seals);

    let mut swapped = items();
    swapped.reverse();
    for others in [
        vec![],
        vec![item("s-1", "name", MARK)],
        swapped,
        vec![item("s-1", "name", MARK), item("s-2", "phone", "2")],
        vec![item("s-1", "name", MARK), item("s-2", "mail", "1")],
        vec![item("s-1", "name", MARK), item("s-3", "phone", "1")],
        vec![item("s-1", "name", MARK), item("s-2", "phone", "1"), item("s-2", "phone", "1")],
    ] {
        let refused = vault.seal(request, others).await.unwrap_err();
        assert!(matches!(refused, VaultError::RequestReused { request: of } if of == request), "{refused}");
    }
    assert_eq!(texts(&vault, &seals).await, [MARK, "1"]);
}

#[tokio::test]
async fn a_request_of_which_a_seal_was_erased_gives_its_seals_uncompared() {
    let (_folder, vault) = new_vault().await;
    let request = Uuid::now_v7();
    let items = vec![item("s-1", "name", MARK), item("s-2", "phone", "1")];
    let seals = vault.seal(request, items).await.unwrap();
    vault.erase("s-1").await.unwrap();
    let others = vec![item("s-9", "name", "another")];
    assert_eq!(vault.seal(request, others).await.unwrap(), seals);
    assert_eq!(texts(&vault, &seals).await, ["-", "1"]);
}

#[tokio::test]
async fn a_request_that_a_crash_cut_off_is_finished_when_repeated() {
    let (folder, vault) = new_vault().await;
    let request = Uuid::now_v7();
    let items = || vec![item("s-1", "name", MARK), item("s-2", "phone", "1")];
    let seals = vault.seal(request, items()).await.unwrap();
    // Keys are written first: as after a crash in between.
    tamper(folder.path(), "sealed.db", "DELETE FROM ciphertext").await;
    assert!(matches!(vault.unseal(&ids(&seals)).await, Err(VaultError::Damaged { .. })));
    assert_eq!(vault.seal(request, items()).await.unwrap(), seals);
    assert_eq!(texts(&vault, &seals).await, [MARK, "1"]);
}

#[tokio::test]
async fn what_is_too_much_is_refused() {
    let (_folder, vault) = new_vault().await;
    let many = (0..=MAX_ITEMS).map(|_| item("s-1", "name", "")).collect();
    let refused = vault.seal(Uuid::now_v7(), many).await;
    assert!(matches!(refused, Err(VaultError::TooManyItems { count }) if count == MAX_ITEMS + 1));
    let long = "x".repeat(MAX_TEXT_BYTES + 1);
    let refused = vault.seal(Uuid::now_v7(), vec![item("s-1", "a", ""), item("s-1", "b", &long)]).await;
    assert!(matches!(refused, Err(VaultError::TooLong { place: 1, .. })));
    let longest = seal(&vault, "s-1", &long[1..]).await;
    assert_eq!(texts(&vault, &[longest]).await, [&long[1..]]);
}

#[tokio::test]
async fn nothing_shows_what_is_sealed() {
    let (_folder, vault) = new_vault().await;
    let item = item("citizen-7", "name", MARK);
    assert_eq!(item.text.expose_secret(), MARK);
    assert_eq!(format!("{item:?}"), "ToSeal(..)");
    let seals = vault.seal(Uuid::now_v7(), vec![item]).await.unwrap();
    let opened = vault.unseal(&ids(&seals)).await.unwrap();
    assert!(!format!("{opened:?}").contains("Nguy"), "{opened:?}");
    assert_eq!(format!("{vault:?}"), "Vault(..)");
    assert_eq!(format!("{:?}", vault.issue_code("report-7").await.unwrap()), "FollowUpCode(..)");
}
