//! The guarantees that hold for a log as a whole, whatever was done to it.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use uuid::Uuid;

use crate::{Direction, Entry, EventLog, Filter, Header, MAX_ENTRY_BYTES};

/// Reads everything and holds it to the log's guarantees: positions gapless, revisions dense, times never
/// going back, each append whole, in one place and once, and no nonce used twice.
pub async fn everything(log: &dyn EventLog) -> Vec<Entry> {
    let entries = read_everything(log).await;
    let mut revisions: HashMap<String, u64> = HashMap::new();
    let mut appends: HashSet<Uuid> = HashSet::new();
    let mut nonces: HashSet<String> = HashSet::new();
    let mut before: Option<Header> = None;
    for (entry, position) in entries.iter().zip(1..) {
        let header = header(entry);
        assert_eq!((entry.position, header.position), (position, position), "positions are gapless from 1");
        assert_eq!(header.v, 1, "the envelope's version");
        let revision = revisions.entry(header.stream.clone()).or_default();
        *revision += 1;
        assert_eq!(header.revision, *revision, "revisions of {} are dense from 1", header.stream);
        match &before {
            Some(last) if last.append_id == header.append_id => {
                assert_eq!(header.k, last.k + 1, "the events of an append follow one another");
                assert_eq!(header.stream, last.stream, "an append is to one stream");
                assert_eq!(header.command_digest, last.command_digest, "an append is of one command");
            }
            _ => {
                assert_eq!(header.k, 0, "an append is whole");
                assert!(appends.insert(header.append_id), "append {} is recorded once", header.append_id);
            }
        }
        assert!(
            before.as_ref().is_none_or(|last| last.recorded_at <= header.recorded_at),
            "recorded_at never goes back"
        );
        assert!(entry.bytes.len() <= MAX_ENTRY_BYTES, "an entry fits an entry bundle");
        assert!(nonces.insert(nonce(entry)), "a nonce is used once");
        before = Some(header);
    }
    let head = log.head().await.expect("the head");
    assert_eq!(head.position, entries.len() as u64, "the head is where the log ends");
    entries
}

async fn read_everything(log: &dyn EventLog) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut past = 0;
    loop {
        let page = log.read_all(past, Direction::Forwards, &Filter::default(), 1_000).await.expect("a page");
        entries.extend(page.entries);
        past = page.through;
        if page.ended {
            return entries;
        }
    }
}

/// What an entry says of itself.
pub fn header(entry: &Entry) -> Header {
    entry.header().expect("an entry has a header")
}

/// The entry's nonce: 128 bits in lower-case hexadecimal.
fn nonce(entry: &Entry) -> String {
    #[derive(Deserialize)]
    struct Envelope {
        nonce: String,
    }
    let Envelope { nonce } = serde_json::from_slice(&entry.bytes).expect("an entry has a nonce");
    let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    assert!(nonce.len() == 32 && nonce.bytes().all(is_hex), "`{nonce}` is not a nonce");
    nonce
}
