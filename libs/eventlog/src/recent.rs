//! What was recorded lately, kept for the task that makes bundles of it, so that it need not be read again.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::mpsc;

use crate::{
    bundle::{self, BUNDLE_ENTRIES},
    judge::Row,
};

/// Bytes that are kept, at most: what doesn't fit is read from the log.
const KEPT_BYTES: usize = 8 << 20;

/// Where what was recorded is handed over.
pub(crate) struct Recorder {
    sender: mpsc::UnboundedSender<Arc<Vec<Row>>>,
    kept: Arc<AtomicUsize>,
}

/// Groups of rows, in the order of their positions; between two there may be others.
pub(crate) struct Recent {
    receiver: mpsc::UnboundedReceiver<Arc<Vec<Row>>>,
    groups: VecDeque<Arc<Vec<Row>>>,
    kept: Arc<AtomicUsize>,
}

impl Recent {
    pub(crate) fn new() -> (Recorder, Self) {
        // Bounded by the bytes that are kept.
        let (sender, receiver) = mpsc::unbounded_channel();
        let kept = Arc::new(AtomicUsize::new(0));
        (Recorder { sender, kept: Arc::clone(&kept) }, Self { receiver, groups: VecDeque::new(), kept })
    }

    /// The bundle of the entries past a position, if all of them are kept. What comes before them is dropped.
    pub(crate) fn bundle(&mut self, past: u64) -> Option<Vec<u8>> {
        while let Ok(rows) = self.receiver.try_recv() {
            self.groups.push_back(rows);
        }
        while let Some(rows) = self.groups.front()
            && rows.last().is_none_or(|last| last.position <= past)
        {
            self.kept.fetch_sub(bytes(rows), Ordering::Relaxed);
            self.groups.pop_front();
        }
        let rows = self.groups.iter().flat_map(|rows| rows.iter()).skip_while(|row| row.position <= past);
        let rows = rows.zip(past + 1..=past + BUNDLE_ENTRIES);
        let is_next = rows.clone().all(|(row, position)| row.position == position);
        let is_whole = rows.clone().count() as u64 == BUNDLE_ENTRIES;
        (is_next && is_whole).then(|| bundle::encode(rows.map(|(row, _)| row.bytes.as_slice())))?
    }
}

impl Recorder {
    /// Keeps rows that are on disk, if there is room.
    pub(crate) fn keep(&self, rows: &Arc<Vec<Row>>) {
        let more = bytes(rows);
        if self.kept.load(Ordering::Relaxed) + more <= KEPT_BYTES {
            self.kept.fetch_add(more, Ordering::Relaxed);
            // Nobody makes bundles any more if this fails.
            drop(self.sender.send(Arc::clone(rows)));
        }
    }
}

fn bytes(rows: &[Row]) -> usize {
    rows.iter().map(|row| row.bytes.len()).sum()
}
