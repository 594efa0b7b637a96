//! When the province works: office hours on working days as one line of seconds, on which a case is handled,
//! and the days of the year on which cases come in.

use chrono::{DateTime, Datelike as _, Days, FixedOffset, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};
use events::directory::Directory;

use super::super::province::Province;

/// Seconds that a working day has: from 07:30 to 11:30, and from 13:30 to 17:00.
pub(super) const DAY: u64 = MORNING + 12_600;
const MORNING: u64 = 14_400;

/// Seconds of an evening, from 17:00 to 22:00, and of a day off, from 08:00 to 21:00: then only online.
const EVENING: u64 = 18_000;
const FREE_DAY: u64 = 46_800;

/// Of a thousand cases of a working day, how many come in by day.
const BY_DAY_PER_MILLE: u64 = 920;

/// The weight of an ordinary working day among the days of the year: fine enough for each second.
const WEIGHT: u64 = 1_000_000;

/// The time zone of the province.
pub(crate) fn zone() -> FixedOffset {
    FixedOffset::east_opt(7 * 3_600).expect("seven hours are an offset")
}

/// An instant of a local day, so many seconds after midnight.
fn instant(day: NaiveDate, seconds: u64) -> DateTime<Utc> {
    let seconds = i64::try_from(seconds).expect("seconds of a day fit");
    let local = day.and_time(NaiveTime::MIN) + TimeDelta::seconds(seconds);
    (local - zone()).and_utc()
}

/// The seconds since local midnight, and the local day.
fn local(at: DateTime<Utc>) -> (NaiveDate, u64) {
    let local = at.with_timezone(&zone()).naive_local();
    let seconds = (local - local.date().and_time(NaiveTime::MIN)).num_seconds();
    (local.date(), u64::try_from(seconds).expect("midnight comes first"))
}

/// The year of the demo.
pub(super) struct Hours {
    /// The working days up to the end of the demo, and some before its start.
    days: Vec<NaiveDate>,
    /// All days of the demo's year, with the sum of weights up to and with each.
    year: Vec<(NaiveDate, u64)>,
}

/// When a case came in.
pub(super) struct Arrival {
    pub(super) at: DateTime<Utc>,
    /// Out of hours, which is only possible online.
    pub(super) is_out_of_hours: bool,
}

impl Hours {
    pub(super) fn new(province: &Province) -> Self {
        let mut calendar = Directory::default().calendar;
        calendar.declare_off(province.day_off);
        let early = province.start - Days::new(20);
        let to_end = |from: NaiveDate| from.iter_days().take_while(|day| *day <= province.end);
        let days: Vec<_> = to_end(early).filter(|day| calendar.is_working(*day)).collect();
        let mut sum = 0;
        let year = to_end(province.start).map(|day| {
            sum += match day.weekday() {
                _ if days.binary_search(&day).is_err() => WEIGHT / 40,
                Weekday::Mon => WEIGHT * 5 / 4,
                Weekday::Fri => WEIGHT * 4 / 5,
                _ => WEIGHT,
            };
            (day, sum)
        });
        let year = year.collect();
        Self { days, year }
    }

    /// The sum of the weights of all days.
    pub(super) fn total(&self) -> u64 {
        self.year.last().map_or(0, |(_, sum)| *sum)
    }

    /// The arrival at a place between 0 and the total: the further, the later.
    pub(super) fn arrival(&self, place: u64) -> Arrival {
        let day = self.year.partition_point(|(_, sum)| *sum <= place).min(self.year.len() - 1);
        let before = day.checked_sub(1).map_or(0, |day| self.year[day].1);
        let (date, sum) = self.year[day];
        let (here, weight) = (place - before, sum - before);
        let by_day = weight * BY_DAY_PER_MILLE / 1_000;
        let (seconds, is_out_of_hours) = if self.days.binary_search(&date).is_err() {
            (8 * 3_600 + here * FREE_DAY / weight, true)
        } else if here < by_day {
            (since_midnight(here * DAY / by_day), false)
        } else {
            (17 * 3_600 + (here - by_day) * EVENING / (weight - by_day), true)
        };
        Arrival { at: instant(date, seconds), is_out_of_hours }
    }

    /// The first second of work at or after an instant.
    pub(super) fn work_from(&self, at: DateTime<Utc>) -> u64 {
        let (date, seconds) = local(at);
        let day = self.days.partition_point(|day| *day < date);
        let start = day as u64 * DAY;
        if self.days.get(day) != Some(&date) {
            return start;
        }
        start
            + match seconds {
                0..27_000 => 0,
                27_000..41_400 => seconds - 27_000,
                41_400..48_600 => MORNING,
                48_600..61_200 => seconds - 48_600 + MORNING,
                _ => DAY,
            }
    }

    /// The instant of a second of work; none after the end of the demo.
    pub(super) fn instant(&self, work: u64) -> Option<DateTime<Utc>> {
        let day = self.day(work / DAY)?;
        Some(instant(day, since_midnight(work % DAY)))
    }

    /// A working day by its number; none after the end of the demo.
    pub(super) fn day(&self, number: u64) -> Option<NaiveDate> {
        self.days.get(usize::try_from(number).ok()?).copied()
    }

    /// The number of the day from which limits count: the day itself, or the last working day before it.
    pub(super) fn day_zero(&self, at: DateTime<Utc>) -> u64 {
        let (date, _) = local(at);
        (self.days.partition_point(|day| *day <= date) as u64).saturating_sub(1)
    }
}

/// The seconds since midnight of a second of a working day.
fn since_midnight(second: u64) -> u64 {
    if second < MORNING { 27_000 + second } else { 48_600 + second - MORNING }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours() -> Hours {
        Hours::new(&Province::new(1, "2026-10-31".parse().unwrap()))
    }

    fn at(text: &str) -> DateTime<Utc> {
        format!("{text}+07:00").parse().unwrap()
    }

    #[test]
    fn work_is_a_line_without_nights_and_holidays() {
        let hours = hours();
        for text in
            ["2026-02-13T07:30:00", "2026-02-13T11:29:59", "2026-02-13T13:30:00", "2026-02-13T16:59:59"]
        {
            assert_eq!(hours.instant(hours.work_from(at(text))), Some(at(text)), "{text}");
        }
        let next = |text| hours.instant(hours.work_from(at(text))).unwrap();
        assert_eq!(next("2026-02-13T06:00:00"), at("2026-02-13T07:30:00"));
        assert_eq!(next("2026-02-13T12:00:00"), at("2026-02-13T13:30:00"));
        // The Friday before Tết: work goes on after the week off.
        assert_eq!(next("2026-02-13T17:00:00"), at("2026-02-23T07:30:00"));
        assert_eq!(next("2026-02-15T10:00:00"), at("2026-02-23T07:30:00"));
        assert_eq!(hours.day_zero(at("2026-02-15T10:00:00")), hours.day_zero(at("2026-02-13T18:00:00")));
        assert_eq!(hours.instant(hours.work_from(at("2026-10-30T17:00:00"))), None);
    }

    #[test]
    fn arrivals_go_through_the_year_in_order() {
        let hours = hours();
        let arrivals: Vec<_> = (0..10_000).map(|i| hours.arrival(i * hours.total() / 10_000)).collect();
        assert!(arrivals.is_sorted_by_key(|arrival| arrival.at));
        let (first, last) = (arrivals[0].at, hours.arrival(hours.total() - 1).at);
        assert!(first >= at("2025-10-31T00:00:00") && last < at("2026-11-01T00:00:00"), "{first} {last}");
        let out_of_hours = arrivals.iter().filter(|arrival| arrival.is_out_of_hours).count();
        assert!((700..1_200).contains(&out_of_hours), "{out_of_hours}");
        for arrival in arrivals.iter().filter(|arrival| !arrival.is_out_of_hours) {
            assert_eq!(hours.instant(hours.work_from(arrival.at)), Some(arrival.at));
        }
    }
}
