//! Codes of cases: `agency.code-YYMMDD-NNNN` (Circular 01/2018, art. 19): the receiving agency, the day of
//! receipt, and the sequence of that day.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::NaiveDate;
use eventlog::{EventLog, ReadError};
use lru::LruCache;
use proto::Failure;

use super::case_stream;

/// Days of agencies whose last number is kept in memory, at most.
const KEPT: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");

/// Gives the next code of an agency's day.
pub(super) struct CodeSequence {
    log: Arc<dyn EventLog>,
    last: Mutex<LruCache<(String, NaiveDate), u32>>,
}

/// The code of a number.
fn code(agency: &str, day: NaiveDate, number: u32) -> String {
    format!("{agency}-{}-{number:04}", day.format("%y%m%d"))
}

/// Whether a code is by the rule, for this agency and day.
pub(super) fn fits(text: &str, agency: &str, day: NaiveDate) -> bool {
    let prefix = format!("{agency}-{}-", day.format("%y%m%d"));
    let number = text.strip_prefix(&prefix);
    number.is_some_and(|n| (4..=6).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()) && n != "0000")
}

impl CodeSequence {
    pub(super) fn new(log: Arc<dyn EventLog>) -> Self {
        Self { log, last: Mutex::new(LruCache::new(KEPT)) }
    }

    /// A code that this process has not given before. Another one may have taken it: then ask again.
    pub(super) async fn next(&self, agency: &str, day: NaiveDate) -> Result<String, Failure> {
        let key = (agency.to_owned(), day);
        if let Some(last) = self.lock().get_mut(&key) {
            *last += 1;
            return Ok(code(agency, day, *last));
        }
        let found = self.find_last(agency, day).await?;
        let mut kept = self.lock();
        // Another call may have looked meanwhile, and gone on from there.
        let last = kept.get(&key).copied().unwrap_or(0).max(found) + 1;
        kept.put(key, last);
        Ok(code(agency, day, last))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LruCache<(String, NaiveDate), u32>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last number of the day that is taken. Numbers are taken in sequence, so doubling and halving
    /// finds it with a few look-ups. Where a crash left a number unused the search can stop before the
    /// last; then the next number turns out taken, and the caller asks again.
    async fn find_last(&self, agency: &str, day: NaiveDate) -> Result<u32, Failure> {
        let (mut taken, mut free) = (0, 1);
        while self.is_taken(&code(agency, day, free)).await? {
            taken = free;
            free *= 2;
        }
        while free - taken > 1 {
            let middle = taken + (free - taken) / 2;
            if self.is_taken(&code(agency, day, middle)).await? {
                taken = middle;
            } else {
                free = middle;
            }
        }
        Ok(taken)
    }

    async fn is_taken(&self, code: &str) -> Result<bool, Failure> {
        let entries = self.log.read_stream(&case_stream(code)?, 0, 1).await;
        entries.map(|entries| !entries.is_empty()).map_err(|e: ReadError| e.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_follow_the_rule() {
        let day = NaiveDate::from_ymd_opt(2026, 2, 11).unwrap();
        assert_eq!(code("H57.18", day, 7), "H57.18-260211-0007");
        assert!(fits("H57.18-260211-0007", "H57.18", day));
        for bad in ["H57.18-260211-7", "H57.18-260212-0007", "H57-260211-0007", "H57.18-260211-0000", ""] {
            assert!(!fits(bad, "H57.18", day), "{bad}");
        }
    }
}
