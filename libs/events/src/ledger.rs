//! Events of the ledger itself.

use serde::{Deserialize, Serialize};

use crate::{Event, Subject};

/// What the ledger records of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum LedgerEvent {
    /// The log was opened: entry 1 of every log.
    #[serde(rename = "ledger.LedgerOpened.v1")]
    LedgerOpened {
        /// The log's name, unique among all logs.
        origin: String,
        /// The jurisdiction whose rules hold.
        jurisdiction: String,
        /// The offset from UTC in which civil dates are meant, such as `+07:00`.
        time_zone: String,
    },
}

impl Event for LedgerEvent {
    const CATEGORY: &'static str = "ledger.log";

    fn subjects(&self, _key: &str) -> Vec<Subject> {
        Vec::new()
    }
}
