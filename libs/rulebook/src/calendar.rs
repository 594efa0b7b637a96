//! Which days are working days, and counting them.
//!
//! A calendar is the weekly rule (Saturday and Sunday off) and the dates which depart from it. It keeps a declaration
//! only where it departs, so two calendars that agree on every date hold the same dates and have the same hash, whatever
//! was declared on the way, and in whatever order.

use std::collections::BTreeMap;
use std::iter::successors;
use std::ops::Bound::{Excluded, Included};

use chrono::{Datelike, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

use crate::table;

/// What a declaration makes of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayKind {
    /// Nobody works: a public holiday, its observed day, or the free day of a swap.
    Off,
    /// Worked although the week says otherwise: the Saturday that pays for a swap.
    Worked,
}

/// Which calendar a deadline was decided under; goes into the event beside the deadline.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CalendarVersion {
    /// The table the calendar started from, for people. Declarations don't change it.
    pub name: String,
    /// The first 32 hex digits of the BLAKE3 hash of the calendar's canonical content; the name is not part of it.
    pub hash: String,
}

/// A count that has no date as its answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// The answer lies after the last (or before the first) date that can be written down, some 262,000 years away. In
    /// practice the number of days was nonsense.
    #[error("{working_days} working days from {from} leave the range of dates")]
    OutOfRange {
        /// The date counted from.
        from: NaiveDate,
        /// How many working days were asked for; 0 where the next working day was.
        working_days: u32,
    },
}

/// The working days of one jurisdiction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    name: String,
    /// Only dates that depart from the weekly rule: `Off` from Monday to Friday, `Worked` on Saturday and Sunday.
    departures: BTreeMap<NaiveDate, DayKind>,
}

impl Calendar {
    /// The shipped table of Vietnam, named `vietnam`. Outside [`table::VIETNAM_YEARS`] only weekends are off.
    pub fn vietnam() -> Self {
        let mut calendar = Self { name: "vietnam".to_owned(), departures: BTreeMap::new() };
        for day in table::vietnam() {
            calendar.declare(day.date, day.kind);
        }
        calendar
    }

    /// The weekly rule alone, named `weekends-only`: for jurisdictions that declare every holiday themselves.
    pub fn weekends_only() -> Self {
        Self { name: "weekends-only".to_owned(), departures: BTreeMap::new() }
    }

    /// Makes `date` a day off or a worked day. The last declaration for a date wins.
    pub fn declare(&mut self, date: NaiveDate, kind: DayKind) {
        if kind == weekly_rule(date) {
            self.departures.remove(&date);
        } else {
            self.departures.insert(date, kind);
        }
    }

    /// Makes `date` a day off.
    pub fn declare_off(&mut self, date: NaiveDate) {
        self.declare(date, DayKind::Off);
    }

    /// Makes `date` a worked day.
    pub fn declare_worked(&mut self, date: NaiveDate) {
        self.declare(date, DayKind::Worked);
    }

    /// Takes back what was declared for `date`: the weekly rule holds again.
    pub fn clear(&mut self, date: NaiveDate) {
        self.departures.remove(&date);
    }

    /// Declares `off` a day off, paid for by working on `worked`. For one date twice, worked wins.
    pub fn swap(&mut self, off: NaiveDate, worked: NaiveDate) {
        self.declare_off(off);
        self.declare_worked(worked);
    }

    /// The dates on which this calendar departs from the weekly rule, in order.
    pub fn departures(&self) -> impl Iterator<Item = (NaiveDate, DayKind)> + '_ {
        self.departures.iter().map(|(date, kind)| (*date, *kind))
    }

    /// Whether people work on `date`.
    pub fn is_working(&self, date: NaiveDate) -> bool {
        let kind = self.departures.get(&date).copied().unwrap_or_else(|| weekly_rule(date));
        kind == DayKind::Worked
    }

    /// `date` itself if it is a working day, else the first one after it.
    pub fn next_working_on_or_after(&self, date: NaiveDate) -> Result<NaiveDate, CalendarError> {
        successors(Some(date), NaiveDate::succ_opt)
            .find(|day| self.is_working(*day))
            .ok_or(CalendarError::OutOfRange { from: date, working_days: 0 })
    }

    /// The `n`-th working day after `from`, which is itself day 0 whether worked or not. For `n` = 0, the next working
    /// day on or after `from`. Takes time in proportion to `n`.
    pub fn add_working_days(&self, from: NaiveDate, n: u32) -> Result<NaiveDate, CalendarError> {
        if n == 0 {
            return self.next_working_on_or_after(from);
        }
        let mut day = from;
        let mut left = n;
        while left > 0 {
            day = day.succ_opt().ok_or(CalendarError::OutOfRange { from, working_days: n })?;
            left -= u32::from(self.is_working(day));
        }
        Ok(day)
    }

    /// How many working days lie after `after`, up to and including `through`; 0 if `through` is not after `after`.
    /// Takes time in proportion to the declared dates between the two, not to the days.
    pub fn working_days_between(&self, after: NaiveDate, through: NaiveDate) -> u32 {
        if through <= after {
            return 0; // also keeps the range below from being one that BTreeMap panics on
        }
        let by_week = weekdays_through(through) - weekdays_through(after);
        let days =
            self.departures.range((Excluded(after), Included(through))).fold(by_week, |days, (_, kind)| {
                match kind {
                    DayKind::Off => days - 1,
                    DayKind::Worked => days + 1,
                }
            });
        u32::try_from(days)
            .expect("a departure off is a weekday, so no more are taken away than were counted")
    }

    /// Name and hash of this calendar as it stands.
    ///
    /// The canonical content is the line `liem.calendar.v1 off=sat,sun`, then a line `YYYY-MM-DD off` or
    /// `YYYY-MM-DD worked` for each departure, in order, each line ended by a line feed. It must not change: events
    /// carry the hash.
    pub fn version(&self) -> CalendarVersion {
        let mut content = blake3::Hasher::new();
        content.update(b"liem.calendar.v1 off=sat,sun\n");
        for (date, kind) in &self.departures {
            let kind = match kind {
                DayKind::Off => "off",
                DayKind::Worked => "worked",
            };
            content.update(format!("{date} {kind}\n").as_bytes());
        }
        let hash = content.finalize().to_hex();
        CalendarVersion { name: self.name.clone(), hash: hash[..32].to_owned() }
    }
}

fn weekly_rule(date: NaiveDate) -> DayKind {
    match date.weekday() {
        Weekday::Sat | Weekday::Sun => DayKind::Off,
        Weekday::Mon | Weekday::Tue | Weekday::Wed | Weekday::Thu | Weekday::Fri => DayKind::Worked,
    }
}

/// The number of days from Monday to Friday up to and including `date`, counted from a fixed Sunday long ago and
/// negative before it: only differences mean something. Day 1 of the Common Era was a Monday.
fn weekdays_through(date: NaiveDate) -> i32 {
    let days = date.num_days_from_ce();
    days.div_euclid(7) * 5 + days.rem_euclid(7).min(5)
}
