//! Ids that derive from what a row says, so that a second run meets the first one's answers.
//!
//! An id is a UUID of version 8: 48 bits of milliseconds since 1970, as in version 7, then bits of a BLAKE3
//! hash. The time stands first because the log keeps ids in an index, where random ones are slow. Nothing in
//! an id is secret.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use uuid::{Builder, Uuid};

use crate::import::mapping::code;

/// The id of a request about something of the time `at`, from parts that name it. The same time and parts
/// give the same id, anywhere and for ever.
pub(crate) fn request_id(at: DateTime<Utc>, parts: &[&str]) -> Uuid {
    let digest = digest("liem import request id v1", parts.iter().map(|part| part.as_bytes()));
    timed(at, digest)
}

/// The id of a row: its content, and its number among the rows of the case with the same content.
pub(super) fn row_id(at: DateTime<Utc>, content: [u8; 16], ordinal: u32) -> Uuid {
    timed(at, digest("liem import row id v1", [content.as_slice(), &ordinal.to_le_bytes()]))
}

/// A hash of parts that no other parts give, not even the same text cut elsewhere.
pub(in crate::import) fn digest<'p>(context: &str, parts: impl IntoIterator<Item = &'p [u8]>) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    for part in parts {
        hasher.update(&u64::try_from(part.len()).expect("a length fits 64 bits").to_le_bytes());
        hasher.update(part);
    }
    let mut digest = [0; 16];
    hasher.finalize_xof().fill(&mut digest);
    digest
}

/// The first `count` bytes of a digest as lower-case hexadecimal digits.
pub(in crate::import) fn hex(digest: &[u8; 16], count: usize) -> String {
    let mut digits = format!("{:032x}", u128::from_be_bytes(*digest));
    digits.truncate(2 * count);
    digits
}

/// A pseudonymous id for what the source calls an official: the same, or where that may be a name one that
/// stands for it. Different sources give different ones for the same name.
pub(in crate::import) fn official<'n>(source: &str, name: &'n str) -> Cow<'n, str> {
    if code::is_pseudonym(name) {
        return Cow::Borrowed(name);
    }
    let digest = digest("liem import official v1", [source.as_bytes(), name.as_bytes()]);
    Cow::Owned(format!("o-{}", hex(&digest, 8)))
}

fn timed(at: DateTime<Utc>, mut bytes: [u8; 16]) -> Uuid {
    // Before 1970 there are no UUID timestamps: such ids share the first one.
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(millis).unwrap()
    }

    #[test]
    fn an_id_is_a_version_8_uuid_and_stays_as_it_is() {
        let id = request_id(at(1_318_333_540_276), &["receive", "source", "case-1"]);
        assert_eq!((id.get_version_num(), id.get_variant()), (8, uuid::Variant::RFC4122));
        // Changing this breaks every import that is run a second time.
        assert_eq!(id.to_string(), "0132f2cd-67b4-86cb-84bd-8cfbd995c09b");
    }

    #[test]
    fn ids_follow_time_and_differ_by_parts() {
        let id = |millis, parts: &[&str]| request_id(at(millis), parts);
        assert!(id(1_000, &["z"]) < id(1_001, &["a"]));
        assert_ne!(id(1_000, &["a", "b"]), id(1_000, &["b", "a"]));
        assert_ne!(id(1_000, &["ab", "c"]), id(1_000, &["a", "bc"]));
        assert_ne!(id(1_000, &["a"]), id(1_000, &["a", ""]));
        assert_eq!(id(-1, &["a"]), id(0, &["a"]));
        assert_ne!(row_id(at(0), [7; 16], 0), row_id(at(0), [7; 16], 1));
    }
}
