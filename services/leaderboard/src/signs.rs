//! Signs of gaming, as the fold keeps them: the positions of entries that can be one, and how many entries there are that
//! could have been. Whether they are more than chance explains is for a query to say.
//!
//! What can be a sign:
//!
//! - a supplement request or a suspension on the day on which the committed due time falls, of all of these;
//! - a receipt, a pause, its end or a close recorded more than 30 days after it occurred, of all of these. Not what an
//!   administrator recorded: that is how other registers are imported, whose history comes all at once;
//! - a case received anew within 30 days after it was closed, of all closes;
//! - a report reopened within 30 days after it was concluded, of all conclusions;
//! - a close off hours, that is from 19:00 to 06:00 or on a Saturday or Sunday, where its time of day is told: by hour.
//!
//! They count for the agency and unit for which the entry was recorded, in the month in which it occurred, and stay what
//! they were when it was recorded, whatever is corrected afterwards.

use chrono::{DateTime, Datelike as _, FixedOffset, NaiveDate, Timelike as _, Utc, Weekday};
use events::{
    Occurred,
    conduct::ReportEvent,
    delivery::{By, CaseEvent},
};
use projection::{FoldError, History, Key, Keys, Kind, Named, PositionSet, Row, Table, Value};

use crate::{case::Case, marks, view};

/// What an entry is a sign of, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sign {
    LastDayPause = 1,
    LateRecording = 2,
    ReopenedSoon = 3,
    ReportReopenedSoon = 4,
}

/// The counts of entries that could be a sign, in order: pauses; entries that agencies recorded of what moves a clock;
/// closes; conclusions of reports.
pub(crate) const ACTS: [&str; 4] = ["pauses", "recorded", "closes", "conclusions"];

/// The table of these counts, by month.
pub(crate) const ACTS_TABLE: Table = Table {
    name: "acts",
    key: &[("month", Kind::Int), ("agency", Kind::Text), ("unit", Kind::Text)],
    columns: &[(ACTS[0], Kind::Int), (ACTS[1], Kind::Int), (ACTS[2], Kind::Int), (ACTS[3], Kind::Int)],
    indexes: &[],
    history: History::Versions,
    spans: None,
};

/// The table of signs.
pub(crate) const SIGNS_TABLE: Table = Table {
    name: "signs",
    key: &[("month", Kind::Int), ("agency", Kind::Text), ("unit", Kind::Text), ("sign", Kind::Int)],
    columns: &[("positions", Kind::Positions)],
    indexes: &[],
    history: History::Positions,
    spans: None,
};

/// The table of closes off hours, by hour since 1970 in the ledger's zone.
pub(crate) const OFF_HOURS_TABLE: Table = Table {
    name: "off_hours",
    key: &[("hour", Kind::Int), ("agency", Kind::Text), ("unit", Kind::Text)],
    columns: &[("positions", Kind::Positions)],
    indexes: &[],
    history: History::Positions,
    spans: None,
};

/// Where these tables stand among the view's.
pub(crate) const ACTS_AT: usize = 8;
const SIGNS_AT: usize = 9;
const OFF_HOURS_AT: usize = 10;

/// What is later than so many days is late, and what is reopened within them was closed too soon.
const DAYS: i64 = 30;

/// The role that imports.
const IMPORTER: &str = "administrator";

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// Of a case that this one reopens, if it does.
    Received(Option<String>),
    Paused,
    Resumed,
    Closed,
    Concluded,
    ReportReopened,
}

/// An entry that can be a sign, or could have been.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    what: What,
    by: By,
    day: NaiveDate,
    /// Whether an agency recorded it, and late; none of what was imported.
    is_late: Option<bool>,
    /// The hour, where it's off hours.
    off_hour: Option<i64>,
}

impl Act {
    /// The act in a case's event, if it is one.
    pub(crate) fn of_case(
        event: &CaseEvent,
        (occurred, recorded): (Occurred, Option<DateTime<Utc>>),
        role: &str,
        zone: FixedOffset,
    ) -> Option<Self> {
        let what = match event {
            CaseEvent::Received { reopens, .. } => {
                What::Received(reopens.as_ref().map(|reopens| reopens.case.clone()))
            }
            CaseEvent::SupplementRequested { .. } | CaseEvent::Suspended { .. } => What::Paused,
            CaseEvent::SupplementReceived { .. } | CaseEvent::Resumed { .. } => What::Resumed,
            CaseEvent::RefusedAtIntake { .. } | CaseEvent::Decided { .. } | CaseEvent::Withdrawn { .. } => {
                What::Closed
            }
            CaseEvent::Accepted { .. }
            | CaseEvent::Assigned { .. }
            | CaseEvent::StepDone { .. }
            | CaseEvent::HandedOver { .. }
            | CaseEvent::TakenUp { .. }
            | CaseEvent::DelayApologised { .. }
            | CaseEvent::ResultReturned { .. }
            | CaseEvent::Rated { .. }
            | CaseEvent::Corrected { .. } => return None,
        };
        let day = occurred.date(zone);
        let is_late = recorded
            .filter(|_| role != IMPORTER)
            .map(|at| (at.with_timezone(&zone).date_naive() - day).num_days() > DAYS);
        let off_hour = if what == What::Closed { off_hour(occurred, zone) } else { None };
        Some(Self { what, by: event.by().clone(), day, is_late, off_hour })
    }

    /// The act in a report's event, if it is one.
    pub(crate) fn of_report(event: &ReportEvent, occurred: Occurred, zone: FixedOffset) -> Option<Self> {
        let (what, by) = match event {
            ReportEvent::Concluded { by, date_unknown: false } => (What::Concluded, by),
            ReportEvent::Reopened { by, .. } => (What::ReportReopened, by),
            _ => return None,
        };
        Some(Self { what, by: by.clone(), day: occurred.date(zone), is_late: None, off_hour: None })
    }

    fn month(&self) -> i64 {
        i64::from(self.day.year()) * 12 + i64::from(self.day.month0())
    }

    /// The signs that it may be.
    fn signs(&self) -> impl Iterator<Item = Sign> {
        let of_what = match &self.what {
            What::Received(Some(_)) => Some(Sign::ReopenedSoon),
            What::Paused => Some(Sign::LastDayPause),
            What::ReportReopened => Some(Sign::ReportReopenedSoon),
            What::Received(None) | What::Resumed | What::Closed | What::Concluded => None,
        };
        of_what.into_iter().chain((self.is_late == Some(true)).then_some(Sign::LateRecording))
    }

    /// Names the rows that it touches, in the order in which [`Act::fold`] expects them; `cases` is the place of the table
    /// of cases.
    pub(crate) fn keys(&self, cases: usize, keys: &mut Keys<'_>) {
        let (month, agency) = (self.month(), self.by.agency.as_str());
        let unit = self.by.unit.as_deref().unwrap_or_default();
        keys.add(ACTS_AT, Key::of([month.into(), agency.into(), unit.into()]));
        for sign in self.signs() {
            keys.add(SIGNS_AT, Key::of([month.into(), agency.into(), unit.into(), (sign as i64).into()]));
        }
        if let Some(hour) = self.off_hour {
            keys.add(OFF_HOURS_AT, Key::of([hour.into(), agency.into(), unit.into()]));
        }
        if let What::Received(Some(original)) = &self.what {
            keys.add(cases, Case::key(original));
        }
    }

    /// Brings it into the rows, of which its own begin at `first`. `until` is what it is judged by: of a pause the
    /// committed due time, of a report reopened its conclusion, in microseconds.
    pub(crate) fn fold(
        &self,
        (position, until): (u64, Option<i64>),
        first: usize,
        zone: FixedOffset,
        rows: &mut Named<'_>,
    ) -> Result<(), FoldError> {
        let counts = [
            self.what == What::Paused,
            self.is_late.is_some(),
            self.what == What::Closed,
            self.what == What::Concluded,
        ];
        if counts.contains(&true) {
            view::add(rows.change(first), counts.map(i64::from), 1)?;
        }
        let original = match &self.what {
            What::Received(Some(_)) => rows.get(rows.count() - 1).map(Case::from_row).transpose()?,
            _ => None,
        };
        let day = i64::from(self.day.num_days_from_ce());
        let mut next = first + 1;
        for sign in self.signs() {
            let since = |at: Option<i64>| at.map(|at| day - marks::day(at, zone));
            let is_one = match sign {
                Sign::LateRecording => true,
                Sign::LastDayPause => since(until) == Some(0),
                Sign::ReportReopenedSoon => since(until).is_some_and(|days| (0..=DAYS).contains(&days)),
                Sign::ReopenedSoon => {
                    let closed = original.as_ref().and_then(|case| case.closed);
                    since(closed).is_some_and(|days| (0..=DAYS).contains(&days))
                }
            };
            if is_one {
                insert(rows.change(next), position)?;
            }
            next += 1;
        }
        if self.off_hour.is_some() {
            insert(rows.change(next), position)?;
        }
        Ok(())
    }
}

/// The hour of an instant, where it is off hours.
fn off_hour(occurred: Occurred, zone: FixedOffset) -> Option<i64> {
    let Occurred::At(at) = occurred else { return None };
    let local = at.with_timezone(&zone);
    let is_night = !(6..19).contains(&local.hour());
    let is_off = is_night || matches!(local.weekday(), Weekday::Sat | Weekday::Sun);
    is_off.then(|| hour(at.timestamp_micros(), zone))
}

/// The hour of an instant, counted from 1970 in a zone.
pub(crate) fn hour(micros: i64, zone: FixedOffset) -> i64 {
    let local = micros.div_euclid(1_000_000).saturating_add(i64::from(zone.local_minus_utc()));
    local.div_euclid(3_600)
}

fn insert(slot: &mut Option<Row>, position: u64) -> Result<(), FoldError> {
    let row = slot.get_or_insert_with(|| vec![Value::Positions(PositionSet::default())]);
    let [Value::Positions(positions)] = row.as_mut_slice() else {
        return Err(FoldError::new("a row of signs has no positions"));
    };
    positions.insert(position);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nights_and_weekends_are_off_hours_and_days_are_not() {
        let zone = events::parse_offset("+07:00").unwrap();
        let off = |text: &str| off_hour(Occurred::parse(text).unwrap(), zone).is_some();
        // Monday, in Vietnam: from 06:00 to 19:00 is in hours.
        assert!(off("2026-11-22T22:59:59Z") && !off("2026-11-22T23:00:00Z"));
        assert!(!off("2026-11-23T11:59:59Z") && off("2026-11-23T12:00:00Z"));
        // Saturday at noon; and what is told to the day has no hour.
        assert!(off("2026-11-21T05:00:00Z") && !off("2026-11-21"));
        let hours = ["2026-11-21T05:00:00Z", "2026-11-21T05:59:59Z", "2026-11-21T06:00:00Z"]
            .map(|text| off_hour(Occurred::parse(text).unwrap(), zone).unwrap());
        assert_eq!((hours[1] - hours[0], hours[2] - hours[0]), (0, 1));
    }
}
