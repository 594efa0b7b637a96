//! Proving that what is stored is a whole log: the same for every form, which hands its rows over.

use std::collections::HashMap;

use bytes::Bytes;
use chrono::DateTime;
use uuid::Uuid;

use crate::{
    bundle::{self, BUNDLE_ENTRIES},
    entry::Header,
};

/// Rows that a form hands over at a time.
pub(crate) const PAGE: i64 = 1_000;

/// What a form says of rows that are before the first one.
pub(crate) const ROWS_BEFORE: &str = "rows stand before position 1";

/// Faults told, at most; more are only worth knowing of.
const FAULTS_MAX: usize = 100;

/// One thing that is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where; 0 for the database as a whole.
    pub position: u64,
    /// What, in words.
    pub description: String,
}

/// How far a check has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckProgress {
    /// Entries read.
    pub checked: u64,
    /// Entries there are.
    pub total: u64,
    /// What is wrong, at most 100.
    pub faults: Vec<Fault>,
}

/// A row as it is stored.
pub(crate) struct StoredRow<'a> {
    pub(crate) position: u64,
    pub(crate) stream: &'a str,
    pub(crate) revision: i64,
    pub(crate) append_id: Uuid,
    pub(crate) k: i64,
    pub(crate) event_type: &'a str,
    pub(crate) recorded_at: i64,
    pub(crate) bytes: &'a [u8],
}

/// A check under way: positions gapless, revisions dense, times never going back, every column equal to its bytes,
/// and each bundle what the rows have. That bundles are missing is no fault.
///
/// Keeps the last revision of each stream in memory: about 100 bytes a stream.
pub(crate) struct Check {
    pub(crate) progress: CheckProgress,
    revisions: HashMap<String, i64>,
    next: u64,
    recorded_at: i64,
    append: Option<(Uuid, i64)>,
    /// How far bundles reached before the log was read; a running log makes more.
    reach: u64,
    /// The bundle in hand, with its number; none where it's missing or was told of.
    bundle: Option<(u64, Vec<Bytes>)>,
    /// What to do about bundles, as an ending of a fault.
    remedy: &'static str,
}

impl Check {
    /// A check of a log that ends at `total`, with bundles up to `reach`.
    pub(crate) fn new(total: u64, reach: u64, remedy: &'static str) -> Self {
        Self {
            progress: CheckProgress { checked: 0, total, faults: Vec::new() },
            revisions: HashMap::new(),
            next: 1,
            recorded_at: i64::MIN,
            append: None,
            reach,
            bundle: None,
            remedy,
        }
    }

    pub(crate) fn fault(&mut self, position: u64, description: impl Into<String>) {
        if self.progress.faults.len() < FAULTS_MAX {
            self.progress.faults.push(Fault { position, description: description.into() });
        }
    }

    /// Something about the bundles as a whole.
    pub(crate) fn bundles_fault(&mut self, description: &str) {
        self.fault(0, format!("{description}: {}", self.remedy));
    }

    /// The bundle that has to be given before the row of this position.
    pub(crate) fn wants_bundle(&self, position: u64) -> Option<u64> {
        let is_first = (position - 1).is_multiple_of(BUNDLE_ENTRIES);
        (is_first && position <= self.reach).then_some((position - 1) / BUNDLE_ENTRIES)
    }

    /// Takes a bundle as it's stored.
    pub(crate) fn take_bundle(&mut self, number: u64, stored: Result<Option<Vec<u8>>, sqlx::Error>) {
        self.bundle = None;
        let wrong = match stored {
            Ok(None) => return,
            Ok(Some(stored)) => {
                let entries = bundle::decompress(&stored).as_ref().and_then(bundle::decode);
                self.bundle = entries.map(|entries| (number, entries));
                if self.bundle.is_some() {
                    return;
                }
                format!("bundle {number} is not a bundle")
            }
            Err(error) => format!("bundle {number} can't be read ({error})"),
        };
        self.fault(number * BUNDLE_ENTRIES + 1, format!("{wrong}: {}", self.remedy));
    }

    /// The end: nothing may lie past it.
    pub(crate) fn end(mut self) -> CheckProgress {
        if self.reach > self.progress.total {
            let text =
                format!("bundles reach to position {}, past the log's end: {}", self.reach, self.remedy);
            self.fault(self.progress.total + 1, text);
        }
        self.progress
    }

    /// A row of which not even the columns are what the schema has.
    pub(crate) fn unreadable(&mut self, position: u64, error: &sqlx::Error) {
        self.follow(position);
        self.fault(position, format!("the row can't be read ({error})"));
    }

    /// Positions have no gap.
    fn follow(&mut self, position: u64) {
        if position != self.next {
            self.fault(self.next, format!("gap: position {} is followed by {position}", self.next - 1));
        }
        self.next = position + 1;
        self.progress.checked += 1;
    }

    pub(crate) fn row(&mut self, row: &StoredRow<'_>) {
        let position = row.position;
        self.follow(position);

        let last = self.revisions.insert(row.stream.to_owned(), row.revision).unwrap_or(0);
        if row.revision != last.saturating_add(1) {
            let text = format!("stream `{}`: revision {last} is followed by {}", row.stream, row.revision);
            self.fault(position, text);
        }

        if row.recorded_at < self.recorded_at {
            let time = DateTime::from_timestamp_micros(row.recorded_at).unwrap_or_default();
            self.fault(position, format!("recorded at {time}, before the entry it follows"));
        }
        self.recorded_at = row.recorded_at;

        let follows = match self.append {
            Some((id, last)) if id == row.append_id => row.k == last.saturating_add(1),
            _ => row.k == 0,
        };
        if !follows {
            let text = format!("event {} of append {} does not follow the one before", row.k, row.append_id);
            self.fault(position, text);
        }
        self.append = Some((row.append_id, row.k));
        self.compare(row);
        self.compare_bundle(row);
    }

    /// Every column is equal to what the bytes say.
    fn compare(&mut self, row: &StoredRow<'_>) {
        let position = row.position;
        let header: Header = match serde_json::from_slice(row.bytes) {
            Ok(header) => header,
            Err(e) => return self.fault(position, format!("the bytes are not an entry: {e}")),
        };
        let columns = [
            ("position", header.position == position),
            ("stream", header.stream == row.stream),
            ("revision", i64::try_from(header.revision) == Ok(row.revision)),
            ("append_id", header.append_id == row.append_id),
            ("k", i64::from(header.k) == row.k),
            ("type", header.event_type == row.event_type),
            ("recorded_at", header.recorded_at.timestamp_micros() == row.recorded_at),
        ];
        for (column, equal) in columns {
            if !equal {
                self.fault(position, format!("column `{column}` is not what the bytes say"));
            }
        }
    }

    /// What is wrong with the bundle of a row, told at the first position where it is.
    fn compare_bundle(&mut self, row: &StoredRow<'_>) {
        let (number, place) = ((row.position - 1) / BUNDLE_ENTRIES, (row.position - 1) % BUNDLE_ENTRIES);
        let in_hand = self.bundle.as_ref().filter(|(in_hand, _)| *in_hand == number);
        let entry = usize::try_from(place).ok().and_then(|place| in_hand?.1.get(place));
        if entry.is_none_or(|entry| entry == row.bytes) {
            return;
        }
        self.bundle = None;
        let text = format!("bundle {number} has another entry than the log: {}", self.remedy);
        self.fault(row.position, text);
    }
}
