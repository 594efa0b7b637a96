//! Bundles: stretches of 256 entries in one piece, beside the log, so that history is read fast.
//!
//! A bundle has the form of the entry bundles of C2SP tlog-tiles: each entry as its length in two bytes, big
//! end first, and its bytes. They're an index and not the record: whatever is wrong with one, the rows
//! are read instead, and all of them can be deleted at any time.

use bytes::Bytes;

use crate::{Entry, MAX_ENTRY_BYTES};

/// Entries in a bundle: bundle n has the positions 256n+1 to 256n+256.
pub(crate) const BUNDLE_ENTRIES: u64 = 256;

/// Bytes of a bundle, at most.
const BUNDLE_BYTES: usize = 256 * (2 + MAX_ENTRY_BYTES);

/// Entries as a bundle; none if one is too long for it.
pub(crate) fn encode<'a>(entries: impl Iterator<Item = &'a [u8]> + Clone) -> Option<Vec<u8>> {
    let mut bundle = Vec::with_capacity(entries.clone().map(|bytes| 2 + bytes.len()).sum());
    for bytes in entries {
        bundle.extend(u16::try_from(bytes.len()).ok()?.to_be_bytes());
        bundle.extend_from_slice(bytes);
    }
    Some(bundle)
}

/// Entries that were read, as a bundle.
pub(crate) fn of(entries: &[Entry]) -> Option<Vec<u8>> {
    encode(entries.iter().map(|entry| &*entry.bytes))
}

/// The entries of a bundle, each a slice of it; none if it isn't one.
pub(crate) fn decode(bundle: &Bytes) -> Option<Vec<Bytes>> {
    let mut entries = Vec::with_capacity(256);
    let mut at = 0;
    while at < bundle.len() {
        let length: [u8; 2] = bundle.get(at..at + 2)?.try_into().ok()?;
        let end = at + 2 + usize::from(u16::from_be_bytes(length));
        if end > bundle.len() {
            return None;
        }
        entries.push(bundle.slice(at + 2..end));
        at = end;
    }
    (entries.len() as u64 == BUNDLE_ENTRIES).then_some(entries)
}

/// A bundle as it is stored: compressed as one LZ4 block behind its length.
pub(crate) fn compress(bundle: &[u8]) -> Vec<u8> {
    lz4_flex::block::compress_prepend_size(bundle)
}

/// A bundle as it was before it was compressed; none if it's damaged.
pub(crate) fn decompress(stored: &[u8]) -> Option<Bytes> {
    let (size, block) = lz4_flex::block::uncompressed_size(stored).ok()?;
    if size > BUNDLE_BYTES {
        return None;
    }
    lz4_flex::block::decompress(block, size).ok().filter(|bundle| bundle.len() == size).map(Bytes::from)
}
