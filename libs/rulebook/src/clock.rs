//! A time limit in working days that can be paused.
//!
//! - A clock counts the working days after the day it started, which is day 0.
//! - A day does not count while it is paused. A day is paused if `from < day <= until`: the day on which a pause begins
//!   still counts, the day on which it ends does not. So each of the two days is counted once at most, and asking for a
//!   paper and getting it on the same day (`from == until`) costs and gains nothing.
//! - Pauses may overlap and come in any order: a day paused twice is paused once.
//! - A pause which begins on the due date or later changes nothing, since the limit is used up. So the promise made
//!   before it stands, and nobody repairs a late case by pausing it.
//!
//! Whether a pause was allowed is not known here.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::calendar::{Calendar, CalendarError};

/// A span in which a clock stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pause {
    /// The day on which the pause begins; it still counts.
    pub from: NaiveDate,
    /// The day on which the pause ends; it does not count. `None` while the pause is open. A pause that ends before it
    /// begins pauses nothing; refusing it is for the one who records it.
    pub until: Option<NaiveDate>,
}

impl Pause {
    /// A pause that has ended.
    pub fn closed(from: NaiveDate, until: NaiveDate) -> Self {
        Self { from, until: Some(until) }
    }

    /// A pause whose end is not known yet.
    pub fn open(from: NaiveDate) -> Self {
        Self { from, until: None }
    }

    /// Whether the pause keeps `day` from counting.
    pub fn covers(&self, day: NaiveDate) -> bool {
        self.from < day && self.until.is_none_or(|until| day <= until)
    }
}

/// A time limit with its pauses. Holds what was recorded and nothing derived: the calendar is given to each question, so
/// the same clock can be judged under another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// The day of receipt, day 0.
    pub started: NaiveDate,
    /// The limit. 0 asks for the first working day that is not paused, `started` included.
    pub limit_working_days: u32,
    /// In any order, overlapping or not.
    pub pauses: Vec<Pause>,
}

/// Why a due date can't be extended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// The pause holds the due date and has not ended: there is no new date before it does.
    #[error("the pause from {from} has not ended")]
    PauseOpen {
        /// The day on which it began.
        from: NaiveDate,
    },
    /// The new date cannot be counted.
    #[error("the extended due date cannot be counted")]
    Calendar(#[from] CalendarError),
}

impl Clock {
    /// A clock without pauses.
    pub fn new(started: NaiveDate, limit_working_days: u32) -> Self {
        Self { started, limit_working_days, pauses: Vec::new() }
    }

    /// The first day on which [`elapsed`](Self::elapsed) reaches the limit: the last day on which acting is in time.
    /// `None` while an open pause holds the clock; if the limit was reached before that pause began, the date stands.
    pub fn due(&self, calendar: &Calendar) -> Result<Option<NaiveDate>, CalendarError> {
        let (mut counted_through, mut left) = if self.limit_working_days == 0 {
            // The first day that counts, the start included, is day 1 of a clock that started the day before.
            let day_before = self.started.pred_opt();
            (day_before.ok_or(CalendarError::OutOfRange { from: self.started, working_days: 0 })?, 1)
        } else {
            (self.started, self.limit_working_days)
        };
        for pause in merged(&self.pauses) {
            let before_pause = calendar.working_days_between(counted_through, pause.from);
            if before_pause >= left {
                break;
            }
            left -= before_pause;
            let Some(until) = pause.until else { return Ok(None) };
            counted_through = counted_through.max(until);
        }
        calendar.add_working_days(counted_through, left).map(Some)
    }

    /// How many working days have counted at the end of the day `at`; 0 up to the start. Goes on beyond the limit, but
    /// is no measure of lateness, since a pause stops it also then: count lateness from the due date.
    pub fn elapsed(&self, calendar: &Calendar, at: NaiveDate) -> u32 {
        let paused: u32 = merged(&self.pauses)
            .iter()
            .map(|pause| {
                let through = pause.until.map_or(at, |until| until.min(at));
                calendar.working_days_between(pause.from.max(self.started), through)
            })
            .sum();
        calendar.working_days_between(self.started, at) - paused
    }

    /// How many working days are left at the end of the day `at`; 0 from the due date on.
    pub fn remaining(&self, calendar: &Calendar, at: NaiveDate) -> u32 {
        self.limit_working_days.saturating_sub(self.elapsed(calendar, at))
    }
}

/// The new due date of something due on `due`, which may be an explicit date that no clock gave, after `pause`: as many
/// working days later as were paused. `due` itself if the pause began on that day or later, or if no working day was
/// paused.
///
/// It gives what a clock would give, for a pause that began when the clock had started. All working days of the pause
/// count, also those after the old due date, which the pause kept from being reached. Extend by several pauses one after
/// the other, in the order of time; here overlapping ones would count twice, since a date does not remember.
pub fn extend(calendar: &Calendar, due: NaiveDate, pause: Pause) -> Result<NaiveDate, ClockError> {
    if due <= pause.from {
        return Ok(due);
    }
    let until = pause.until.ok_or(ClockError::PauseOpen { from: pause.from })?;
    match calendar.working_days_between(pause.from, until) {
        // Not "0 days later", which would move a due date on a Sunday to the Monday.
        0 => Ok(due),
        paused => Ok(calendar.add_working_days(due, paused)?),
    }
}

/// The same days paused by spans that neither overlap nor touch, in order. An open one is the last.
fn merged(pauses: &[Pause]) -> Vec<Pause> {
    let mut sorted: Vec<Pause> =
        pauses.iter().filter(|pause| pause.until.is_none_or(|until| pause.from < until)).copied().collect();
    sorted.sort_by_key(|pause| pause.from);
    let mut spans: Vec<Pause> = Vec::with_capacity(sorted.len());
    for pause in sorted {
        match spans.last_mut() {
            Some(last) if last.until.is_none_or(|until| pause.from <= until) => {
                last.until = last.until.zip(pause.until).map(|(one, other)| one.max(other));
            }
            _ => spans.push(pause),
        }
    }
    spans
}
