//! What the events hold: text that doesn't compress well, of the size that is asked for.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of an event's payload, the same as `liem bench append` sends.
pub(crate) const PAYLOAD_BYTES: usize = 250;

/// The type that every event has.
pub(crate) const EVENT_TYPE: &str = "bench.Happened.v1";

const TEXT_BYTES: usize = 1 << 18;

/// How big the peers' events are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// The payload has [`PAYLOAD_BYTES`], as it has for Liêm, which adds its envelope.
    Payload,
    /// The event as a whole, with its type, its tag and its ids, is as big as Liêm's whole entry.
    Entry,
}

/// A stock of text to cut events' contents from, so that making them costs the measured loop next to nothing.
pub(crate) struct Contents {
    text: String,
    next: AtomicUsize,
    entry_bytes: usize,
}

impl Contents {
    /// Contents for entries of that size.
    pub(crate) fn new(entry_bytes: usize) -> Self {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
        let letter = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(LETTERS[usize::from(state.to_le_bytes()[7] & 63)])
        };
        Self {
            text: std::iter::repeat_with(letter).take(TEXT_BYTES).collect(),
            next: AtomicUsize::new(0),
            entry_bytes,
        }
    }

    /// Bytes of Liêm's whole entry.
    pub(crate) fn entry_bytes(&self) -> usize {
        self.entry_bytes
    }

    /// Text of that many bytes, at most a few thousand, another one each time.
    pub(crate) fn text(&self, bytes: usize) -> &str {
        let at = self.next.fetch_add(997, Ordering::Relaxed) % (TEXT_BYTES - bytes);
        &self.text[at..at + bytes]
    }

    /// The payload of an event that has so many bytes beside it.
    pub(crate) fn payload(&self, size: Size, beside: usize) -> &str {
        self.text(match size {
            Size::Payload => PAYLOAD_BYTES,
            Size::Entry => self.entry_bytes.saturating_sub(beside),
        })
    }
}
