//! Whom a report concerns: an agency never handles a report about itself or its head.

use chrono::NaiveDate;
use events::{conduct::Source, directory::Directory};

use super::ReportState;

/// What has to be known to say whether a report concerns an agency.
pub(crate) struct Concern<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) report: &'a ReportState,
    /// The day on which something is done, beside the day of receipt: whoever heads the agency on either.
    pub(crate) on: NaiveDate,
}

impl Concern<'_> {
    /// Whether the report is about the agency itself, or about its head. An agency that went into another is
    /// that one.
    pub(crate) fn of(&self, agency: &str) -> bool {
        let Self { directory, report, on } = self;
        let about = &report.about;
        let is_same = directory.successor(&about.agency) == directory.successor(agency);
        let names_nobody = about.unit.is_none() && about.officials.is_empty();
        if is_same && (names_nobody || report.source == Some(Source::SelfReport)) {
            return true;
        }
        let days = [report.received.unwrap_or(*on), *on];
        let mut concerned = report.persons().chain(about.officials.iter().map(String::as_str));
        concerned.any(|person| days.iter().any(|day| directory.heads(agency, *day).contains(&person)))
    }
}
