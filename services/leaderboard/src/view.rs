//! The fold: one row a case, and the steps of each unit's day.

use chrono::{Datelike as _, FixedOffset};
use eventlog::{Entry, Filter, Header};
use events::{
    Event as _, Occurred,
    delivery::{CaseEvent, Channel, Correction, Promise},
};
use projection::{FoldError, Key, Keys, Kind, Positions, Row, Rows, Table, Value, View};

const CASES: usize = 0;
const STEPS: usize = 1;

/// Places of the columns of `cases`.
mod column {
    pub(super) const AGENCY: usize = 0;
    pub(super) const UNIT: usize = 1;
    pub(super) const CHANNEL: usize = 2;
    pub(super) const RECEIVED: usize = 3;
    pub(super) const RECEIVED_POSITION: usize = 4;
    pub(super) const STATUTORY_DUE: usize = 5;
    pub(super) const COMMITTED_DUE: usize = 6;
    pub(super) const DUE_POSITION: usize = 7;
    pub(super) const STOPPED: usize = 8;
    pub(super) const CLOSED: usize = 9;
    pub(super) const CLOSED_POSITION: usize = 10;
    pub(super) const WORKING_DAYS: usize = 11;
    pub(super) const RATING: usize = 12;
    pub(super) const RATING_POSITION: usize = 13;
    pub(super) const COUNT: usize = 14;
}

/// The leaderboard view of a ledger whose civil dates are meant in `zone`.
pub struct LeaderboardView {
    /// The ledger's time zone.
    pub zone: FixedOffset,
}

/// What the fold takes from an entry.
pub struct CaseEntry {
    position: u64,
    case: String,
    occurred: Occurred,
    event: CaseEvent,
}

/// A number as stored.
fn stored(position: u64) -> Value {
    Value::Int(i64::try_from(position).unwrap_or(i64::MAX))
}

impl LeaderboardView {
    fn micros(&self, occurred: Occurred) -> Value {
        Value::Int(occurred.earliest_micros(self.zone))
    }

    /// The row of steps: agency, unit (empty for none) and day.
    fn steps_key(&self, entry: &CaseEntry) -> [projection::KeyPart; 3] {
        let by = entry.event.by();
        let day = entry.occurred.date(self.zone).num_days_from_ce();
        [by.agency.as_str().into(), by.unit.as_deref().unwrap_or_default().into(), i64::from(day).into()]
    }

    fn fold_step(&self, entry: &CaseEntry, rows: &mut Rows) -> Result<(), FoldError> {
        let key: Key = self.steps_key(entry).into();
        let empty = || vec![Value::Int(0), Value::Positions(Positions::new())];
        let row = rows.change(STEPS, &key).get_or_insert_with(empty);
        let [Value::Int(count), Value::Positions(positions)] = row.as_mut_slice() else {
            return Err(FoldError::new("a row of steps has no count and positions"));
        };
        positions.insert(entry.position);
        *count += 1;
        Ok(())
    }

    fn received(&self, entry: &CaseEntry) -> Result<Row, FoldError> {
        let CaseEvent::Received { by, channel, promise, .. } = &entry.event else {
            return Err(FoldError::new(format!("the case {} was never received", entry.case)));
        };
        let mut row = vec![Value::Null; column::COUNT];
        row[column::AGENCY] = by.agency.clone().into();
        row[column::UNIT] = by.unit.clone().into();
        row[column::CHANNEL] = channel.map(code_of).into();
        row[column::RECEIVED] = self.micros(entry.occurred);
        row[column::RECEIVED_POSITION] = stored(entry.position);
        set_due(&mut row, promise.as_ref(), entry.position);
        Ok(row)
    }
}

/// A channel as stored.
pub(crate) fn code_of(channel: Channel) -> i64 {
    match channel {
        Channel::Counter => 1,
        Channel::Online => 2,
        Channel::Post => 3,
    }
}

fn set_due(row: &mut Row, promise: Option<&Promise>, position: u64) {
    row[column::STATUTORY_DUE] = promise.map(|p| p.statutory_due.timestamp_micros()).into();
    row[column::COMMITTED_DUE] = promise.map(|p| p.committed_due.timestamp_micros()).into();
    row[column::DUE_POSITION] = stored(position);
}

/// The clock stands still from here on: paused, or closed. A case that is closed while it's paused stopped
/// when the pause began.
fn stop(row: &mut Row, at: Value) {
    if row[column::STOPPED] == Value::Null {
        row[column::STOPPED] = at;
    }
}

impl View for LeaderboardView {
    const NAME: &'static str = "leaderboard";
    const VERSION: u32 = 1;
    const TABLES: &'static [Table] = &[
        Table {
            name: "cases",
            key: &[("code", Kind::Text)],
            // Times are microseconds since 1970 UTC. `stopped` is when the clock stopped: since when the
            // case is paused, or else when it was closed.
            columns: &[
                ("agency", Kind::Text),
                ("unit", Kind::Text),
                ("channel", Kind::Int),
                ("received", Kind::Int),
                ("received_position", Kind::Int),
                ("statutory_due", Kind::Int),
                ("committed_due", Kind::Int),
                ("due_position", Kind::Int),
                ("stopped", Kind::Int),
                ("closed", Kind::Int),
                ("closed_position", Kind::Int),
                ("working_days", Kind::Int),
                ("rating", Kind::Int),
                ("rating_position", Kind::Int),
            ],
            indexes: &[],
        },
        Table {
            name: "steps",
            key: &[("agency", Kind::Text), ("unit", Kind::Text), ("day", Kind::Int)],
            columns: &[("count", Kind::Int), ("positions", Kind::Positions)],
            indexes: &[],
        },
    ];
    type Event = CaseEntry;

    fn filter(&self) -> Filter {
        Filter { types: Vec::new(), categories: vec![CaseEvent::CATEGORY.to_owned()] }
    }

    fn read(&self, entry: &Entry) -> Result<Option<CaseEntry>, FoldError> {
        let header: Header = entry.header().map_err(FoldError::new)?;
        let event = entry.event().map_err(|e| {
            FoldError::new(format!(
                "{e}: {}",
                std::error::Error::source(&e).map_or_else(String::new, ToString::to_string)
            ))
        })?;
        let (position, occurred) = (entry.position, header.occurred);
        Ok(Some(CaseEntry { position, case: header.key().to_owned(), occurred, event }))
    }

    fn keys(&self, entry: &CaseEntry, keys: &mut Keys) {
        match &entry.event {
            CaseEvent::StepDone { .. } => keys.add(STEPS, self.steps_key(entry)),
            _ => keys.add(CASES, [entry.case.as_str().into()]),
        }
    }

    fn fold(&self, entry: CaseEntry, rows: &mut Rows) -> Result<(), FoldError> {
        if let CaseEvent::StepDone { .. } = entry.event {
            return self.fold_step(&entry, rows);
        }
        let slot = rows.change(CASES, &vec![entry.case.as_str().into()]);
        let Some(row) = slot else {
            *slot = Some(self.received(&entry)?);
            return Ok(());
        };
        let at = self.micros(entry.occurred);
        match entry.event {
            CaseEvent::Received { .. } => {
                return Err(FoldError::new(format!("the case {} was received twice", entry.case)));
            }
            CaseEvent::SupplementRequested { .. } | CaseEvent::Suspended { .. } => stop(row, at),
            CaseEvent::SupplementReceived { promise, .. } | CaseEvent::Resumed { promise, .. } => {
                row[column::STOPPED] = Value::Null;
                set_due(row, promise.as_ref(), entry.position);
            }
            CaseEvent::Assigned { by, .. } => row[column::UNIT] = by.unit.into(),
            CaseEvent::TakenUp { by } => {
                row[column::AGENCY] = by.agency.into();
                row[column::UNIT] = by.unit.into();
            }
            CaseEvent::RefusedAtIntake { working_days, .. }
            | CaseEvent::Decided { working_days, .. }
            | CaseEvent::Withdrawn { working_days, .. } => {
                stop(row, at.clone());
                row[column::CLOSED] = at;
                row[column::CLOSED_POSITION] = stored(entry.position);
                row[column::WORKING_DAYS] = i64::from(working_days).into();
            }
            CaseEvent::Rated { rating, .. } => {
                row[column::RATING] = i64::from(rating).into();
                row[column::RATING_POSITION] = stored(entry.position);
            }
            CaseEvent::Corrected { correction, promise, working_days, .. } => {
                match correction {
                    Correction::Channel { channel } => row[column::CHANNEL] = code_of(channel).into(),
                    Correction::Received { occurred } => {
                        row[column::RECEIVED] = self.micros(occurred);
                        row[column::RECEIVED_POSITION] = stored(entry.position);
                    }
                    Correction::Closed { occurred } => {
                        let closed = self.micros(occurred);
                        if row[column::STOPPED] == row[column::CLOSED] {
                            row[column::STOPPED] = closed.clone();
                        }
                        row[column::CLOSED] = closed;
                        row[column::CLOSED_POSITION] = stored(entry.position);
                    }
                    Correction::Procedure { .. } | Correction::Due { .. } => {}
                }
                set_due(row, promise.as_ref(), entry.position);
                if let Some(days) = working_days {
                    row[column::WORKING_DAYS] = i64::from(days).into();
                }
            }
            CaseEvent::Accepted { .. }
            | CaseEvent::StepDone { .. }
            | CaseEvent::HandedOver { .. }
            | CaseEvent::DelayApologised { .. }
            | CaseEvent::ResultReturned { .. } => {}
        }
        Ok(())
    }
}
