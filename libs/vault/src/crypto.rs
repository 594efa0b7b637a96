//! XChaCha20-Poly1305, padding, commitments and random ids.

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use zeroize::{Zeroize as _, Zeroizing};

use crate::VaultError;

/// A key, wiped from memory when it goes.
pub(crate) type Key = Zeroizing<[u8; 32]>;

const NONCE: usize = 24;

pub(crate) fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(VaultError::system)?;
    Ok(bytes)
}

pub(crate) fn random_key() -> Result<Key, VaultError> {
    let mut key = Key::default();
    getrandom::fill(&mut *key).map_err(VaultError::system)?;
    Ok(key)
}

/// A seal's id: `s-` and 128 random bits in 26 characters.
pub(crate) fn random_id() -> Result<String, VaultError> {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let bits = u128::from_be_bytes(random()?);
    let letter = |n: u128| char::from(LETTERS[(n & 31) as usize]);
    let whole = (1..=25).map(|n| letter(bits >> (128 - 5 * n)));
    // Three bits are left for the last one.
    Ok("s-".chars().chain(whole).chain([letter(bits << 2)]).collect())
}

/// Parts, each behind its length, so that no two lists of them are the same bytes.
fn framed(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| 8 + part.len()).sum());
    for part in parts {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

/// A nonce and the ciphertext, which opens only together with what it is `about`.
pub(crate) fn encrypt(key: &[u8; 32], plain: &[u8], about: &[&[u8]]) -> Result<Vec<u8>, VaultError> {
    let nonce: [u8; NONCE] = random()?;
    let payload = Payload { msg: plain, aad: &framed(about) };
    let cipher = XChaCha20Poly1305::new(key.into());
    let ciphertext = cipher
        .encrypt(XNonce::from_slice(&nonce), payload)
        .map_err(|error| VaultError::system(error.to_string()))?;
    Ok([nonce.as_slice(), &ciphertext].concat())
}

/// What was encrypted; none if it was with another key, about something else, or isn't what it was.
pub(crate) fn decrypt(key: &[u8; 32], sealed: &[u8], about: &[&[u8]]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, ciphertext) = sealed.split_at_checked(NONCE)?;
    let payload = Payload { msg: ciphertext, aad: &framed(about) };
    XChaCha20Poly1305::new(key.into()).decrypt(XNonce::from_slice(nonce), payload).ok().map(Zeroizing::new)
}

/// A key that was encrypted.
pub(crate) fn decrypt_key(key: &[u8; 32], sealed: &[u8], about: &[&[u8]]) -> Option<Key> {
    let plain = decrypt(key, sealed, about)?;
    let mut key = Key::default();
    if plain.len() != key.len() {
        return None;
    }
    key.copy_from_slice(&plain);
    Some(key)
}

/// A text, a mark and zeros up to a multiple of `block`, so that the size tells little.
pub(crate) fn pad(text: &str, block: usize) -> Zeroizing<Vec<u8>> {
    // Of its full size from the start: growing would leave a copy behind.
    let size = (text.len() / block + 1) * block;
    let mut padded = Zeroizing::new(Vec::with_capacity(size));
    padded.extend_from_slice(text.as_bytes());
    padded.push(0x80);
    padded.resize(size, 0);
    padded
}

/// The text that was padded.
pub(crate) fn unpad(padded: &[u8]) -> Option<&str> {
    let end = padded.iter().rposition(|byte| *byte != 0)?;
    (padded[end] == 0x80).then(|| str::from_utf8(&padded[..end]).ok()).flatten()
}

/// What is published of a text: without the salt it tells nothing, and no other text has it.
pub(crate) fn commitment(salt: &[u8; 32], subject: &str, field: &str, text: &str) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_keyed(salt);
    for part in [subject, field, text] {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    let hash = hasher.finalize();
    hasher.zeroize();
    hash
}

/// A name for a request that tells nothing to those who don't hold the key.
pub(crate) fn tag(key: &[u8; 32], request: uuid::Uuid) -> [u8; 32] {
    *blake3::keyed_hash(key, &framed(&[b"request", request.as_bytes()])).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_28_characters_and_all_their_bits() {
        let ids: Vec<_> = (0..200).map(|_| random_id().unwrap()).collect();
        for id in &ids {
            assert!(id.len() == 28 && id.starts_with("s-"), "{id}");
        }
        for place in 2..28 {
            let letters: std::collections::BTreeSet<_> = ids.iter().map(|id| id.as_bytes()[place]).collect();
            let at_least = if place == 27 { 8 } else { 24 };
            assert!(letters.len() >= at_least, "place {place}: {letters:?}");
        }
    }

    #[test]
    fn sizes_are_multiples_and_texts_come_back() {
        for size in [0, 1, 255, 256, 257, 511, 512] {
            let text = "x".repeat(size);
            let padded = pad(&text, 256);
            assert!(
                padded.len() > size && padded.len() <= size + 256 && padded.len().is_multiple_of(256),
                "{size}"
            );
            assert_eq!(unpad(&padded), Some(text.as_str()));
        }
        assert_eq!(unpad(&pad("ends in \u{80}\0", 8)), Some("ends in \u{80}\0"));
        assert_eq!(unpad(&[]), None);
        assert_eq!(unpad(&[0, 0]), None);
        assert_eq!(unpad(&[b'x', 0]), None);
    }

    #[test]
    fn what_is_encrypted_opens_with_its_key_and_about_its_thing_only() {
        let (key, other) = (random_key().unwrap(), random_key().unwrap());
        let sealed = encrypt(&key, b"text", &[b"a", b"bc"]).unwrap();
        assert_eq!(decrypt(&key, &sealed, &[b"a", b"bc"]).unwrap().as_slice(), b"text");
        assert!(decrypt(&other, &sealed, &[b"a", b"bc"]).is_none());
        assert!(decrypt(&key, &sealed, &[b"ab", b"c"]).is_none());
        assert!(decrypt(&key, &sealed[..10], &[b"a", b"bc"]).is_none());
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(decrypt(&key, &changed, &[b"a", b"bc"]).is_none(), "byte {place}");
        }
    }

    #[test]
    fn commitments_tell_parts_apart() {
        let salt = [7; 32];
        assert_eq!(commitment(&salt, "a", "b", "c"), commitment(&salt, "a", "b", "c"));
        assert_ne!(commitment(&salt, "a", "b", "c"), commitment(&salt, "ab", "", "c"));
        assert_ne!(commitment(&salt, "a", "b", "c"), commitment(&[8; 32], "a", "b", "c"));
    }
}
