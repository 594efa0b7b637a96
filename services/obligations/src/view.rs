//! The fold: the stretches of the clock of each case and report, and of those of each proceeding.

use chrono::FixedOffset;
use eventlog::{Entry, Filter};
use events::{
    Event as _, Occurred,
    conduct::{Concern, Limit, ReportEvent},
    delivery::{By, CaseEvent, Correction, Promise},
    discipline::{ProceedingEvent, Standing},
    end_of_day,
};
use projection::{FoldError, History, Key, Keys, Kind, Named, Row, Table, Value, View};

use crate::{
    proceedings,
    stretch::{Duty, Stretch, Stretches},
};

const CLOCKS: usize = 0;

/// The obligations view of a ledger whose civil dates are meant in `zone`.
pub struct ObligationsView {
    pub(crate) zone: FixedOffset,
}

/// What the fold takes from an entry.
pub struct ClockEntry {
    pub(crate) position: u64,
    key: String,
    pub(crate) occurred: Occurred,
    event: ClockEvent,
}

enum ClockEvent {
    Case(Box<CaseEvent>),
    Report(Box<ReportEvent>),
    Proceeding(Box<ProceedingEvent>),
}

impl ObligationsView {
    /// The view of a ledger in a time zone.
    pub fn new(zone: FixedOffset) -> Self {
        Self { zone }
    }

    pub(crate) fn due(&self, limit: &Limit) -> i64 {
        end_of_day(limit.due_date, self.zone).timestamp_micros()
    }

    pub(crate) fn start(&self, limit: &Limit) -> i64 {
        Occurred::On(limit.from_date).earliest_micros(self.zone)
    }

    fn fold_case(&self, clock: &mut Clock, entry: &ClockEntry, event: &CaseEvent) {
        let at = entry.occurred.earliest_micros(self.zone);
        let due = |promise: &Promise| promise.committed_due.timestamp_micros();
        let stretches = &mut clock.stretches;
        let position = entry.position;
        match event {
            CaseEvent::Received { by, promise: Some(promise), .. } => {
                stretches.begin(case_clock(by, at, due(promise), position));
            }
            CaseEvent::SupplementRequested { .. } | CaseEvent::Suspended { .. } => {
                stretches.change(at, position, |stretch| stretch.paused = true);
            }
            CaseEvent::SupplementReceived { promise, .. } | CaseEvent::Resumed { promise, .. } => {
                stretches.change(at, position, |stretch| {
                    stretch.paused = false;
                    stretch.due = promise.as_ref().map_or(stretch.due, due);
                });
            }
            CaseEvent::Assigned { by, .. } => {
                stretches.change(at, position, |s| s.unit = by.unit.clone().unwrap_or_default());
            }
            CaseEvent::TakenUp { by } => stretches.change(at, position, |stretch| {
                stretch.agency.clone_from(&by.agency);
                stretch.unit = by.unit.clone().unwrap_or_default();
            }),
            CaseEvent::RefusedAtIntake { .. } | CaseEvent::Decided { .. } | CaseEvent::Withdrawn { .. } => {
                stretches.end(at);
            }
            CaseEvent::Corrected { by, correction, promise, .. } => {
                // What was recorded wrongly was never so: the clock is set right as a whole.
                match (promise, stretches.0.last_mut()) {
                    (Some(promise), Some(last)) => (last.due, last.position) = (due(promise), position),
                    // A due time where there was none: known from here on.
                    (Some(promise), None) => stretches.begin(case_clock(by, at, due(promise), position)),
                    (None, _) => {}
                }
                match correction {
                    Correction::Received { occurred } => {
                        let received = occurred.earliest_micros(self.zone);
                        if let Some(first) = stretches.0.first_mut() {
                            first.since = first.until.map_or(received, |until| received.min(until));
                        }
                        stretches.0.iter_mut().for_each(|stretch| stretch.clock_since = received);
                    }
                    Correction::Closed { occurred } => {
                        let closed = occurred.earliest_micros(self.zone);
                        if let Some(last) = stretches.0.last_mut() {
                            last.until = Some(closed.max(last.since));
                        }
                    }
                    Correction::Channel { .. } | Correction::Procedure { .. } | Correction::Due { .. } => {}
                }
            }
            _ => {}
        }
    }

    fn fold_report(&self, clock: &mut Clock, entry: &ClockEntry, event: &ReportEvent) {
        let at = entry.occurred.earliest_micros(self.zone);
        clock.concern.get_or_insert_default().apply(event, entry.occurred.date(self.zone));
        let position = entry.position;
        let next = match event {
            ReportEvent::Received { classify, .. } => Some((Duty::Classify, classify.as_ref())),
            ReportEvent::Transferred { to_agency, classify, accept, .. } => {
                match (classify, accept) {
                    (Some(limit), _) => Some((Duty::Classify, Some(limit))),
                    (None, Some(limit)) => Some((Duty::Accept, Some(limit))),
                    // The limit to conclude goes on with another agency.
                    (None, None) => {
                        clock.stretches.change(at, position, |s| s.agency.clone_from(to_agency));
                        None
                    }
                }
            }
            ReportEvent::Classified { accept, .. } => Some((Duty::Accept, accept.as_ref())),
            ReportEvent::SentToInspection { conclude, .. }
            | ReportEvent::Accepted { conclude, .. }
            | ReportEvent::Reopened { conclude, .. } => Some((Duty::Conclude, conclude.as_ref())),
            ReportEvent::Extended { conclude, .. } => {
                let due = self.due(conclude);
                clock.stretches.change(at, position, |stretch| stretch.due = due);
                None
            }
            ReportEvent::Appealed { decide, .. } => Some((Duty::DecideAppeal, decide.as_ref())),
            ReportEvent::Withdrawn { allegations, .. } if !allegations.is_empty() => None,
            ReportEvent::FiledAway { .. }
            | ReportEvent::Declined { .. }
            | ReportEvent::Withdrawn { .. }
            | ReportEvent::Concluded { .. }
            | ReportEvent::AppealDecided { .. } => {
                clock.stretches.end(at);
                None
            }
            _ => None,
        };
        let Some((duty, limit)) = next else { return };
        clock.stretches.end(at);
        if let Some(limit) = limit {
            clock.stretches.begin(Stretch {
                duty,
                agency: clock.concern.as_ref().map(|concern| concern.handler.clone()).unwrap_or_default(),
                unit: String::new(),
                clock_since: self.start(limit),
                since: at,
                until: None,
                due: self.due(limit),
                paused: false,
                rule: limit.rule.clone(),
                position,
            });
        }
    }
}

/// The clock of a case from a time on.
fn case_clock(by: &By, since: i64, due: i64, position: u64) -> Stretch {
    Stretch {
        duty: Duty::DecideCase,
        agency: by.agency.clone(),
        unit: by.unit.clone().unwrap_or_default(),
        clock_since: since,
        since,
        until: None,
        due,
        paused: false,
        rule: String::new(),
        position,
    }
}

/// A row: whom a report concerns, or whose a proceeding is, and the stretches.
#[derive(Default)]
pub(crate) struct Clock {
    concern: Option<Concern>,
    pub(crate) standing: Option<Standing>,
    pub(crate) stretches: Stretches,
}

impl Clock {
    fn from_row(row: &Row) -> Result<Self, FoldError> {
        let [concern, standing, Value::Int(_), Value::Int(_), Value::Bytes(bytes)] = row.as_slice() else {
            return Err(FoldError::new("a clock has other columns"));
        };
        let concern = concern.text().map(serde_json::from_str).transpose().map_err(FoldError::new)?;
        let standing = standing.text().map(serde_json::from_str).transpose().map_err(FoldError::new)?;
        Ok(Self { concern, standing, stretches: Stretches::from_bytes(bytes)? })
    }

    fn into_row(self) -> Result<Row, FoldError> {
        let (began, ended) = (self.stretches.began(), self.stretches.ended());
        let bytes = self.stretches.to_bytes()?;
        let concern = self.concern.map(|concern| serde_json::to_string(&concern)).transpose();
        let concern = concern.map_err(FoldError::new)?;
        let standing = self.standing.map(|standing| serde_json::to_string(&standing)).transpose();
        let standing = standing.map_err(FoldError::new)?;
        Ok(vec![concern.into(), standing.into(), Value::Int(began), Value::Int(ended), Value::Bytes(bytes)])
    }
}

/// The types of case events that change a clock.
const CASE_TYPES: [&str; 11] = [
    "delivery.CaseReceived.v1",
    "delivery.CaseRefusedAtIntake.v1",
    "delivery.SupplementRequested.v1",
    "delivery.SupplementReceived.v1",
    "delivery.CaseAssigned.v1",
    "delivery.CaseTakenUp.v1",
    "delivery.CaseSuspended.v1",
    "delivery.CaseResumed.v1",
    "delivery.CaseDecided.v1",
    "delivery.CaseWithdrawn.v1",
    "delivery.CaseCorrected.v1",
];

/// The types of report events that do, or that say whom it concerns.
const REPORT_TYPES: [&str; 15] = [
    "conduct.ReportReceived.v1",
    "conduct.ReportClassified.v1",
    "conduct.ReportSentToInspection.v1",
    "conduct.ReportFiledAway.v1",
    "conduct.ReportAccepted.v1",
    "conduct.ReportTransferred.v1",
    "conduct.ReportDeclined.v1",
    "conduct.LimitExtended.v1",
    "conduct.ReportWithdrawn.v1",
    "conduct.ReportConcluded.v1",
    "conduct.FindingsAppealed.v1",
    "conduct.AppealDecided.v1",
    "conduct.ReportReopened.v1",
    "conduct.PersonConcerned.v1",
    "conduct.AllegationMade.v1",
];

impl View for ObligationsView {
    const NAME: &'static str = "obligations";
    const VERSION: u32 = 2;
    const TABLES: &'static [Table] = &[Table {
        name: "clocks",
        key: &[("role", Kind::Text), ("subject", Kind::Text)],
        columns: &[
            // Whom a report concerns, and whose a proceeding is, as JSON; nothing for a case.
            ("concern", Kind::Text),
            ("standing", Kind::Text),
            ("began", Kind::Int),
            ("ended", Kind::Int),
            ("stretches", Kind::Bytes),
        ],
        indexes: &["ended, began"],
        history: History::Versions,
        spans: None,
    }];
    type Event = ClockEntry;

    fn filter(&self) -> Filter {
        let types = CASE_TYPES.iter().chain(&REPORT_TYPES).chain(&proceedings::TYPES);
        let categories = [CaseEvent::CATEGORY, ReportEvent::CATEGORY, ProceedingEvent::CATEGORY];
        Filter {
            types: types.map(|name| (*name).to_owned()).collect(),
            categories: categories.map(str::to_owned).to_vec(),
        }
    }

    fn read(&self, entry: &Entry) -> Result<Option<ClockEntry>, FoldError> {
        let happened = entry.happened().map_err(FoldError::new)?;
        let event = match happened.category() {
            CaseEvent::CATEGORY => ClockEvent::Case(Box::new(happened.event().map_err(FoldError::new)?)),
            ProceedingEvent::CATEGORY => {
                ClockEvent::Proceeding(Box::new(happened.event().map_err(FoldError::new)?))
            }
            _ => ClockEvent::Report(Box::new(happened.event().map_err(FoldError::new)?)),
        };
        let key = happened.key().to_owned();
        Ok(Some(ClockEntry { position: entry.position, key, occurred: happened.occurred, event }))
    }

    fn keys(&self, entry: &mut ClockEntry, keys: &mut Keys<'_>) {
        let role = match entry.event {
            ClockEvent::Case(_) => "case",
            ClockEvent::Report(_) => "report",
            ClockEvent::Proceeding(_) => "proceeding",
        };
        keys.add(CLOCKS, Key::of([role.into(), entry.key.as_str().into()]));
    }

    fn fold(&self, entry: ClockEntry, rows: &mut Named<'_>) -> Result<(), FoldError> {
        let slot = rows.change(0);
        let mut clock = slot.as_ref().map(Clock::from_row).transpose()?.unwrap_or_default();
        match &entry.event {
            ClockEvent::Case(event) => self.fold_case(&mut clock, &entry, event),
            ClockEvent::Report(event) => self.fold_report(&mut clock, &entry, event),
            ClockEvent::Proceeding(event) => proceedings::fold(self, &mut clock, &entry, event),
        }
        // A case without a due time has no clock.
        let is_case = clock.concern.is_none() && clock.standing.is_none();
        let has_none = is_case && clock.stretches.0.is_empty();
        *slot = if has_none { None } else { Some(clock.into_row()?) };
        Ok(())
    }
}
