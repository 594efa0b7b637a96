//! The state of a case: a fold of its events.

use chrono::NaiveDate;
use events::{
    Fact, Occurred,
    delivery::{CaseEvent, Channel, Correction, Outcome, Promise},
};

/// Where a case stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    #[default]
    Received,
    Accepted,
    Decided,
    RefusedAtIntake,
    Withdrawn,
}

/// Why the clocks stand still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PauseCause {
    Supplement,
    Suspension,
}

/// A stretch in which the clocks stood still, as told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paused {
    pub(crate) from: Occurred,
    pub(crate) until: Option<Occurred>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CaseState {
    /// Empty as long as there is no case.
    pub(crate) code: String,
    pub(crate) agency: String,
    pub(crate) unit: Option<String>,
    pub(crate) procedure: Option<String>,
    pub(crate) channel: Option<Channel>,
    pub(crate) stage: Stage,
    pub(crate) received: Option<Occurred>,
    pub(crate) closed: Option<Occurred>,
    pub(crate) pause: Option<PauseCause>,
    pub(crate) pauses: Vec<Paused>,
    pub(crate) promise: Option<Promise>,
    pub(crate) new_date: Option<NaiveDate>,
    pub(crate) handed_to: Option<String>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) result_returned: bool,
    pub(crate) rating: Option<u8>,
    pub(crate) assignee: Option<String>,
    pub(crate) steps: u32,
    pub(crate) reopens: Option<String>,
}

impl CaseState {
    pub(crate) fn exists(&self) -> bool {
        self.received.is_some()
    }

    pub(crate) fn apply(mut self, fact: Fact<CaseEvent>) -> Self {
        let Fact { occurred, data } = fact;
        match data {
            CaseEvent::Received { case, by, procedure, channel, promise, reopens } => {
                self.code = case;
                self.agency = by.agency;
                self.unit = by.unit;
                self.procedure = procedure;
                self.channel = channel;
                self.promise = promise;
                self.received = Some(occurred);
                self.reopens = reopens.map(|r| r.case);
            }
            CaseEvent::Accepted { .. } => self.stage = Stage::Accepted,
            CaseEvent::RefusedAtIntake { .. } => self.close(Stage::RefusedAtIntake, occurred),
            CaseEvent::SupplementRequested { .. } => self.pause(PauseCause::Supplement, occurred),
            CaseEvent::Suspended { .. } => self.pause(PauseCause::Suspension, occurred),
            CaseEvent::SupplementReceived { promise, .. } | CaseEvent::Resumed { promise, .. } => {
                self.end_pause(occurred);
                self.promise = promise;
            }
            CaseEvent::Assigned { by, assignee } => {
                self.unit = by.unit;
                self.assignee = assignee;
            }
            CaseEvent::StepDone { .. } => self.steps += 1,
            CaseEvent::HandedOver { to_agency, .. } => self.handed_to = Some(to_agency),
            CaseEvent::TakenUp { by } => {
                self.agency = by.agency;
                self.unit = by.unit;
                self.assignee = None;
                self.handed_to = None;
            }
            CaseEvent::DelayApologised { new_date, .. } => self.new_date = Some(new_date),
            CaseEvent::Decided { outcome, .. } => {
                self.outcome = outcome;
                self.close(Stage::Decided, occurred);
            }
            CaseEvent::ResultReturned { .. } => self.result_returned = true,
            CaseEvent::Withdrawn { .. } => self.close(Stage::Withdrawn, occurred),
            CaseEvent::Rated { rating, .. } => self.rating = Some(rating),
            CaseEvent::Corrected { correction, promise, .. } => {
                match correction {
                    Correction::Channel { channel } => self.channel = Some(channel),
                    Correction::Procedure { procedure } => self.procedure = Some(procedure),
                    Correction::Received { occurred } => self.received = Some(occurred),
                    Correction::Closed { occurred } => self.closed = Some(occurred),
                    Correction::Due { .. } => {}
                }
                self.promise = promise;
            }
        }
        self
    }

    fn close(&mut self, stage: Stage, occurred: Occurred) {
        self.stage = stage;
        self.closed = Some(occurred);
        self.end_pause(occurred);
    }

    fn pause(&mut self, cause: PauseCause, occurred: Occurred) {
        self.pause = Some(cause);
        self.pauses.push(Paused { from: occurred, until: None });
    }

    fn end_pause(&mut self, occurred: Occurred) {
        if self.pause.take().is_some()
            && let Some(last) = self.pauses.last_mut()
        {
            last.until = Some(occurred);
        }
    }
}
