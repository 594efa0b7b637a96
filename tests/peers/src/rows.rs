//! Rows as Liêm's log has them, for the statements by hand.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use uuid::Uuid;

use crate::contents::Contents;

/// A row of the table `entry`.
pub(crate) struct Row {
    pub(crate) position: i64,
    pub(crate) stream: String,
    pub(crate) revision: i64,
    pub(crate) append_id: Uuid,
    pub(crate) k: i32,
    pub(crate) recorded_at: i64,
    pub(crate) bytes: Vec<u8>,
}

/// Makes the rows of one append after the other. Positions come from memory: there is one writer.
pub(crate) struct Rows {
    contents: Arc<Contents>,
    head: AtomicI64,
}

impl Rows {
    pub(crate) fn new(contents: Arc<Contents>) -> Self {
        Self { contents, head: AtomicI64::new(0) }
    }

    /// The rows of an append of so many events to a new stream.
    pub(crate) fn append(&self, events: i32) -> Vec<Row> {
        let before = self.head.fetch_add(i64::from(events), Ordering::Relaxed);
        let stream = format!("bench.thing/{}", Uuid::now_v7().simple());
        let append_id = Uuid::now_v7();
        let row = |k: i32| {
            let position = before + 1 + i64::from(k);
            Row {
                position,
                stream: stream.clone(),
                revision: i64::from(k) + 1,
                append_id,
                k,
                // Microseconds of some day; only their size matters.
                recorded_at: 1_780_000_000_000_000 + position,
                bytes: self.contents.text(self.contents.entry_bytes()).as_bytes().to_vec(),
            }
        };
        (0..events).map(row).collect()
    }
}
