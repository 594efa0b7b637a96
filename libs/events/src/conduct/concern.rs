//! Whom a report concerns: who neither handles nor reads it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{AboutWhom, ReportEvent, Source};
use crate::directory::{Body, Directory};

/// What of a report says whom it concerns: a fold of its events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concern {
    /// Whom it is about.
    pub about: AboutWhom,
    /// Whether the agency filed it about itself.
    pub is_self_report: bool,
    /// Those whom the inquiry and its allegations name.
    pub persons: Vec<String>,
    /// The day of receipt.
    pub received: Option<NaiveDate>,
    /// The agency that has it.
    pub handler: String,
}

impl Concern {
    /// Brings an event of a day into it.
    pub fn apply(&mut self, event: &ReportEvent, on: NaiveDate) {
        match event {
            ReportEvent::Received { source, about, handler, .. } => {
                self.about.clone_from(about);
                self.is_self_report = *source == Source::SelfReport;
                self.handler.clone_from(handler);
                self.received = Some(on);
            }
            ReportEvent::Transferred { to_agency, .. } => self.handler.clone_from(to_agency),
            ReportEvent::PersonConcerned { person, .. }
            | ReportEvent::AllegationMade { person: Some(person), .. }
                if !self.persons.contains(person) =>
            {
                self.persons.push(person.clone());
            }
            _ => {}
        }
    }

    /// Whether an official is one whom the report or the inquiry is about.
    pub fn is_person(&self, official: &str) -> bool {
        self.about.officials.iter().chain(&self.persons).any(|person| person == official)
    }

    /// Whether the report is about an agency itself, or about whoever headed it at any time from the day of receipt
    /// up to a day. Agencies that went into one another are one.
    pub fn is_agency(&self, agency: &str, directory: &Directory, until: NaiveDate) -> bool {
        let is_same = |code: &str| directory.successor(code) == directory.successor(agency);
        let names_nobody = self.about.unit.is_none() && self.about.officials.is_empty();
        if is_same(&self.about.agency) && (names_nobody || self.is_self_report) {
            return true;
        }
        if self.about.officials.is_empty() && self.persons.is_empty() {
            return false;
        }
        let since = self.received.unwrap_or(until).min(until);
        let others = directory.agencies.keys().map(String::as_str);
        let codes = others.filter(|code| *code != agency && is_same(code));
        codes.chain([agency]).flat_map(|code| directory.heads_by_period(Body::Agency(code))).any(|period| {
            let overlaps = period.from <= until && period.until.is_none_or(|last| last >= since);
            overlaps && self.is_person(period.official)
        })
    }
}
