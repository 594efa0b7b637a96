//! What was found in a report: what a proceeding is opened from.

use chrono::NaiveDate;

use super::{Classed, Concern, Finding, FindingStage, Found, ReportEvent};

/// An allegation, as far as it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundAllegation {
    /// Whom it is about.
    pub person: Option<String>,
    /// What is alleged.
    pub classed: Classed,
    /// The final finding.
    pub finding: Option<Finding>,
    /// The position of the entry that has it.
    pub position: u64,
    /// Whether it was withdrawn.
    pub is_withdrawn: bool,
}

impl FoundAllegation {
    /// Whether it was found to be true, wholly or in part.
    pub fn is_substantiated(&self) -> bool {
        !self.is_withdrawn && matches!(self.finding, Some(Finding::Substantiated | Finding::Partly))
    }
}

/// The findings of a report: a fold of its events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// Whom it concerns, and who has it.
    pub concern: Concern,
    /// Whose law it is handled under; empty as long as there is no report.
    pub jurisdiction: String,
    /// What is reported.
    pub classed: Option<Classed>,
    /// By number, from 1.
    pub allegations: Vec<FoundAllegation>,
    /// The day it was concluded; none while it isn't, or is under appeal, or open again.
    pub concluded: Option<NaiveDate>,
    /// Whether it ended otherwise: declined, filed away or withdrawn.
    pub is_dropped: bool,
}

impl Findings {
    /// Brings an event of a day, recorded at a position, into it.
    pub fn apply(&mut self, event: &ReportEvent, on: NaiveDate, position: u64) {
        self.concern.apply(event, on);
        match event {
            ReportEvent::Received { classed, jurisdiction, .. } => {
                self.classed = Some(classed.clone());
                self.jurisdiction.clone_from(jurisdiction);
            }
            ReportEvent::Classified { classed, .. } => self.classed = Some(classed.clone()),
            ReportEvent::AllegationMade { person, classed, .. } => self.allegations.push(FoundAllegation {
                person: person.clone(),
                classed: classed.clone(),
                finding: None,
                position,
                is_withdrawn: false,
            }),
            ReportEvent::FindingRecorded { found, stage: FindingStage::Final, .. } => {
                self.set(*found, position);
            }
            ReportEvent::Withdrawn { allegations, .. } => {
                for number in allegations {
                    if let Some(allegation) = self.allegation_mut(*number) {
                        allegation.is_withdrawn = true;
                    }
                }
                self.is_dropped |= allegations.is_empty();
            }
            ReportEvent::FiledAway { .. } | ReportEvent::Declined { .. } => self.is_dropped = true,
            ReportEvent::Concluded { .. } => self.concluded = Some(on),
            ReportEvent::Appealed { .. } | ReportEvent::Reopened { .. } => self.concluded = None,
            ReportEvent::AppealDecided { changed, .. } => {
                for found in changed {
                    self.set(*found, position);
                }
                self.concluded = Some(on);
            }
            _ => {}
        }
    }

    fn set(&mut self, found: Found, position: u64) {
        if let Some(allegation) = self.allegation_mut(found.allegation) {
            (allegation.finding, allegation.position) = (Some(found.finding), position);
        }
    }

    fn allegation_mut(&mut self, number: u32) -> Option<&mut FoundAllegation> {
        self.allegations.get_mut(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// An allegation by its number.
    pub fn allegation(&self, number: u32) -> Option<&FoundAllegation> {
        self.allegations.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// Whether there is such a report.
    pub fn exists(&self) -> bool {
        !self.jurisdiction.is_empty()
    }
}
