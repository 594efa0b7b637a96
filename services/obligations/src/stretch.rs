//! A stretch of a clock: one duty of one agency, with one due time or paused.

use projection::FoldError;
use serde::{Deserialize, Serialize};

/// What has to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    #[serde(rename = "o")]
    OpenProceeding,
    #[serde(rename = "v")]
    ConveneCouncil,
    #[serde(rename = "s")]
    DecideSanction,
    #[serde(rename = "n")]
    AnswerAppeal,
    #[serde(rename = "x")]
    ExecuteSanction,
    #[serde(rename = "g")]
    Apologise,
    #[serde(rename = "r")]
    Restore,
}

impl Duty {
    pub(crate) const ALL: [Self; 12] = [
        Self::Classify,
        Self::Accept,
        Self::Conclude,
        Self::DecideAppeal,
        Self::DecideCase,
        Self::OpenProceeding,
        Self::ConveneCouncil,
        Self::DecideSanction,
        Self::AnswerAppeal,
        Self::ExecuteSanction,
        Self::Apologise,
        Self::Restore,
    ];

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|duty| duty.as_str() == word)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Classify => "classify",
            Self::Accept => "accept",
            Self::Conclude => "conclude",
            Self::DecideAppeal => "decide_appeal",
            Self::DecideCase => "decide_case",
            Self::OpenProceeding => "open_proceeding",
            Self::ConveneCouncil => "convene_council",
            Self::DecideSanction => "decide_sanction",
            Self::AnswerAppeal => "answer_appeal",
            Self::ExecuteSanction => "execute_sanction",
            Self::Apologise => "apologise",
            Self::Restore => "restore",
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
    /// The rule of the limit of a report or proceeding; empty for a case.
    #[serde(rename = "r", default, skip_serializing_if = "String::is_empty")]
    pub(crate) rule: String,
    /// The event that made it so.
    #[serde(rename = "n")]
    pub(crate) position: u64,
}

/// The stretches of one case, report or proceeding, oldest first. A case or report has one duty at a time, a proceeding
/// several, of which each has one stretch at a time.
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

    /// The one of a duty that runs, or is paused.
    fn open_of(&mut self, duty: Duty) -> Option<&mut Stretch> {
        self.0.iter_mut().rev().find(|stretch| stretch.duty == duty && stretch.until.is_none())
    }

    /// Ends that of a duty, and leaves others running.
    pub(crate) fn end_of(&mut self, duty: Duty, at: i64) {
        if let Some(stretch) = self.open_of(duty) {
            stretch.until = Some(at.max(stretch.since));
        }
    }

    /// Ends that of the same duty, and lets another begin beside those of others.
    pub(crate) fn begin_beside(&mut self, stretch: Stretch) {
        self.end_of(stretch.duty, stretch.since);
        self.0.push(stretch);
    }

    /// A duty goes on, changed.
    pub(crate) fn change_of(
        &mut self,
        duty: Duty,
        at: i64,
        position: u64,
        change: impl FnOnce(&mut Stretch),
    ) {
        if let Some(open) = self.open_of(duty).cloned() {
            let mut changed = Stretch { since: at.max(open.since), position, ..open };
            change(&mut changed);
            self.begin_beside(changed);
        }
    }

    /// Those at a moment: one of each duty at most.
    pub(crate) fn at(&self, moment: i64) -> Vec<&Stretch> {
        let mut found: Vec<&Stretch> = Vec::new();
        for stretch in &self.0 {
            let runs = stretch.since <= moment && stretch.until.is_none_or(|until| moment < until);
            if runs && !found.iter().any(|other| other.duty == stretch.duty) {
                found.push(stretch);
            }
        }
        found
    }

    /// When the first one began.
    pub(crate) fn began(&self) -> i64 {
        self.0.iter().map(|stretch| stretch.since).min().unwrap_or(i64::MAX)
    }

    /// When the last one ended; the end of time while one runs.
    pub(crate) fn ended(&self) -> i64 {
        if self.0.iter().any(|stretch| stretch.until.is_none()) {
            return i64::MAX;
        }
        self.0.iter().filter_map(|stretch| stretch.until).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(duty: Duty, since: i64, due: i64) -> Stretch {
        let agency = "H57".to_owned();
        let (unit, rule) = (String::new(), String::new());
        Stretch {
            duty,
            agency,
            unit,
            clock_since: since,
            since,
            until: None,
            due,
            paused: false,
            rule,
            position: 1,
        }
    }

    fn at(stretches: &Stretches, moment: i64) -> String {
        let words = stretches.at(moment).into_iter().map(|s| format!("{}:{}", s.duty.as_str(), s.due));
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn duties_run_side_by_side() {
        let mut stretches = Stretches::default();
        stretches.begin_beside(stretch(Duty::ConveneCouncil, 10, 100));
        stretches.begin_beside(stretch(Duty::DecideSanction, 10, 200));
        stretches.change_of(Duty::DecideSanction, 20, 2, |s| s.due = 300);
        stretches.end_of(Duty::ConveneCouncil, 30);
        // What doesn't run can't be ended, and does not end others.
        stretches.end_of(Duty::ConveneCouncil, 40);
        stretches.end_of(Duty::Restore, 40);
        assert_eq!(at(&stretches, 9), "");
        assert_eq!(at(&stretches, 10), "convene_council:100 decide_sanction:200");
        assert_eq!(at(&stretches, 29), "convene_council:100 decide_sanction:300");
        assert_eq!(at(&stretches, 30), "decide_sanction:300");
        assert_eq!((stretches.began(), stretches.ended()), (10, i64::MAX));
        stretches.end_of(Duty::DecideSanction, 50);
        assert_eq!((at(&stretches, 50), stretches.ended()), (String::new(), 50));
    }

    #[test]
    fn words_lead_back_to_duties() {
        for duty in Duty::ALL {
            assert_eq!(Duty::parse(duty.as_str()), Some(duty));
        }
        assert_eq!(Duty::parse("rest"), None);
    }
}
