//! A stretch of a clock: one duty of one agency, with one due time or paused.

use projection::FoldError;
use serde::{Deserialize, Serialize};

/// What has to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Duty {
    #[serde(rename = "k")]
    Classify,
    #[serde(rename = "a")]
    Accept,
    #[serde(rename = "c")]
    Conclude,
    #[serde(rename = "p")]
    DecideAppeal,
    #[serde(rename = "d")]
    DecideCase,
}

impl Duty {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Classify => "classify",
            Self::Accept => "accept",
            Self::Conclude => "conclude",
            Self::DecideAppeal => "decide_appeal",
            Self::DecideCase => "decide_case",
        }
    }
}

/// A stretch of a clock. Times are in microseconds since 1970 UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stretch {
    #[serde(rename = "w")]
    pub(crate) duty: Duty,
    #[serde(rename = "a")]
    pub(crate) agency: String,
    /// Empty for none.
    #[serde(rename = "u", default, skip_serializing_if = "String::is_empty")]
    pub(crate) unit: String,
    /// Since when the clock of the duty runs, whoever had it first.
    #[serde(rename = "c")]
    pub(crate) clock_since: i64,
    /// Since when it is as here.
    #[serde(rename = "s")]
    pub(crate) since: i64,
    /// Until when it was so; none while it is.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<i64>,
    #[serde(rename = "d")]
    pub(crate) due: i64,
    #[serde(rename = "p", default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) paused: bool,
    /// The rule of a report's limit; empty for a case.
    #[serde(rename = "r", default, skip_serializing_if = "String::is_empty")]
    pub(crate) rule: String,
    /// The event that made it so.
    #[serde(rename = "n")]
    pub(crate) position: u64,
}

/// The stretches of one case or report, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Stretches(pub(crate) Vec<Stretch>);

impl Stretches {
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, FoldError> {
        serde_json::from_slice(bytes).map_err(FoldError::new)
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, FoldError> {
        serde_json::to_vec(self).map_err(FoldError::new)
    }

    /// The one that runs, or is paused.
    pub(crate) fn open(&self) -> Option<&Stretch> {
        self.0.last().filter(|stretch| stretch.until.is_none())
    }

    /// Ends the one that runs.
    pub(crate) fn end(&mut self, at: i64) {
        if let Some(stretch) = self.0.last_mut().filter(|stretch| stretch.until.is_none()) {
            // What is dated before it began took no time.
            stretch.until = Some(at.max(stretch.since));
        }
    }

    /// Ends the one that runs, and lets another begin.
    pub(crate) fn begin(&mut self, stretch: Stretch) {
        self.end(stretch.since);
        self.0.push(stretch);
    }

    /// The duty goes on, changed.
    pub(crate) fn change(&mut self, at: i64, position: u64, change: impl FnOnce(&mut Stretch)) {
        if let Some(open) = self.open().cloned() {
            let mut changed = Stretch { since: at.max(open.since), position, ..open };
            change(&mut changed);
            self.begin(changed);
        }
    }

    /// The one at a moment.
    pub(crate) fn at(&self, moment: i64) -> Option<&Stretch> {
        self.0.iter().find(|s| s.since <= moment && s.until.is_none_or(|until| moment < until))
    }

    /// When the first one began.
    pub(crate) fn began(&self) -> i64 {
        self.0.iter().map(|stretch| stretch.since).min().unwrap_or(i64::MAX)
    }

    /// When the last one ended; the end of time while one runs.
    pub(crate) fn ended(&self) -> i64 {
        if self.open().is_some() {
            return i64::MAX;
        }
        self.0.iter().filter_map(|stretch| stretch.until).max().unwrap_or(0)
    }
}
