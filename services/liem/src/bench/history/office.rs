//! Office hours as one line of seconds: from 07:30 to 11:30 and from 13:30 to 17:00 on each working day of the
//! history. All that happens, happens then.

use chrono::{DateTime, Days, FixedOffset, NaiveDate, NaiveTime, TimeDelta, Utc};
use rulebook::Calendar;

/// The first and the last day on which cases come in by plan. Fixed, so that a seed gives the same history on any day.
pub(super) const START: NaiveDate = NaiveDate::from_ymd_opt(2024, 11, 1).expect("a date");
pub(super) const END: NaiveDate = NaiveDate::from_ymd_opt(2026, 10, 31).expect("a date");

/// Seconds that a working day has.
pub(super) const DAY: u64 = MORNING + 12_600;
const MORNING: u64 = 14_400;

/// Days after the end that are known too: cases go on, and more come in where the history is not long enough yet.
const DAYS_AFTER: u64 = 1_000;

pub(super) struct Office {
    zone: FixedOffset,
    days: Vec<NaiveDate>,
    total: u64,
}

impl Office {
    pub(super) fn new(calendar: &Calendar, zone: FixedOffset) -> Self {
        let last = END + Days::new(DAYS_AFTER);
        let all = START.iter_days().take_while(|day| *day <= last);
        let days: Vec<_> = all.filter(|day| calendar.is_working(*day)).collect();
        let total = days.partition_point(|day| *day <= END) as u64 * DAY;
        Self { zone, days, total }
    }

    /// The seconds up to the end of the last day by plan.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// The day of a second. After the last day that is known, every day is a working day.
    pub(super) fn date(&self, second: u64) -> NaiveDate {
        let number = second / DAY;
        let known = usize::try_from(number).ok().and_then(|number| self.days.get(number));
        known.copied().unwrap_or_else(|| {
            let last = self.days.last().copied().unwrap_or(START);
            last + Days::new(number + 1 - self.days.len() as u64)
        })
    }

    /// The instant of a second.
    pub(super) fn instant(&self, second: u64) -> DateTime<Utc> {
        let within = second % DAY;
        let since_midnight = if within < MORNING { 27_000 + within } else { 48_600 + within - MORNING };
        midnight(self.date(second), self.zone)
            + TimeDelta::seconds(i64::try_from(since_midnight).expect("seconds of a day fit"))
    }

    /// The first instant of the history: midnight of its first day, when the directory is set up.
    pub(super) fn opening(&self) -> DateTime<Utc> {
        midnight(START, self.zone)
    }
}

fn midnight(day: NaiveDate, zone: FixedOffset) -> DateTime<Utc> {
    (day.and_time(NaiveTime::MIN) - zone).and_utc()
}
