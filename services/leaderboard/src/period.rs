//! The period a board is of: everything, a year, a quarter or a month.
//!
//! Guarantees that a period is one that exists and that its bounds are whole days of the ledger's time zone. It
//! refuses to know which time zone that is, and what the time is now.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use chrono::{FixedOffset, Months, NaiveDate, NaiveTime};

/// The years a period may lie in. Outside, a number of four digits is a slip of the pen rather than a year.
const YEARS: RangeInclusive<u32> = 1900..=2200;

/// A calendar period in the ledger's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Period(Span);

/// The forms of a period, their numbers checked by the parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Span {
    All,
    Year { year: u32 },
    Quarter { year: u32, quarter: u32 },
    Month { year: u32, month: u32 },
}

/// The text names no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a period: `all`, or a year, a quarter or a month from 1900 to 2200, as in `2011`, `2011-Q3`, \
     `2011-09`"
)]
pub(crate) struct PeriodMalformed {
    /// What was given.
    pub(crate) text: String,
}

impl Period {
    /// All of time.
    #[cfg(test)]
    pub(crate) const ALL: Self = Self(Span::All);

    /// The instants of the period, in microseconds since 1970 in UTC: `from` is the first, `until` the first after it.
    /// The days are those of `offset`. [`Period::ALL`] goes from `i64::MIN` to `i64::MAX`.
    pub(crate) fn bounds(&self, offset: FixedOffset) -> (i64, i64) {
        let (year, month, months) = match self.0 {
            Span::All => return (i64::MIN, i64::MAX),
            Span::Year { year } => (year, 1, 12),
            Span::Quarter { year, quarter } => (year, 3 * quarter - 2, 3),
            Span::Month { year, month } => (year, month, 1),
        };
        let first_day = i32::try_from(year)
            .ok()
            .and_then(|year| NaiveDate::from_ymd_opt(year, month, 1))
            .expect("a parsed period has a year and a month that exist");
        let midnight = |day: NaiveDate| (day.and_time(NaiveTime::MIN) - offset).and_utc().timestamp_micros();
        (midnight(first_day), midnight(first_day + Months::new(months)))
    }
}

impl FromStr for Period {
    type Err = PeriodMalformed;

    /// Reads what [`Display`](fmt::Display) writes. An empty text, which is what a request without a period holds, is
    /// [`Period::ALL`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let span = match (text, text.split_once('-')) {
            ("" | "all", _) => Some(Span::All),
            (year, None) => number(year, 4, YEARS).map(|year| Span::Year { year }),
            (_, Some((year, part))) => number(year, 4, YEARS).and_then(|year| match part.strip_prefix('Q') {
                Some(quarter) => number(quarter, 1, 1..=4).map(|quarter| Span::Quarter { year, quarter }),
                None => number(part, 2, 1..=12).map(|month| Span::Month { year, month }),
            }),
        };
        span.map(Self).ok_or_else(|| PeriodMalformed { text: text.to_owned() })
    }
}

impl fmt::Display for Period {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Span::All => write!(out, "all"),
            Span::Year { year } => write!(out, "{year}"),
            Span::Quarter { year, quarter } => write!(out, "{year}-Q{quarter}"),
            Span::Month { year, month } => write!(out, "{year}-{month:02}"),
        }
    }
}

/// The number of exactly so many digits, if it lies in the range. Stricter than `u32::from_str`, which takes a plus.
fn number(text: &str, digits: usize, range: RangeInclusive<u32>) -> Option<u32> {
    let well_formed = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| well_formed && range.contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Datelike};
    use proptest::prelude::*;

    fn period(text: &str) -> Period {
        text.parse().unwrap()
    }

    /// The bounds in the time zone of Vietnam, as people write them.
    #[track_caller]
    fn check_bounds(text: &str, from: &str, until: &str) {
        let micros = |text| DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros();
        let vietnam = FixedOffset::east_opt(7 * 3600).unwrap();
        assert_eq!(period(text).bounds(vietnam), (micros(from), micros(until)));
    }

    #[test]
    fn bounds_are_midnights_of_the_ledgers_zone() {
        check_bounds("2011", "2011-01-01T00:00:00+07:00", "2012-01-01T00:00:00+07:00");
        check_bounds("2011-Q1", "2011-01-01T00:00:00+07:00", "2011-04-01T00:00:00+07:00");
        check_bounds("2011-Q3", "2011-07-01T00:00:00+07:00", "2011-10-01T00:00:00+07:00");
        check_bounds("2011-Q4", "2011-10-01T00:00:00+07:00", "2012-01-01T00:00:00+07:00");
        check_bounds("2011-09", "2011-09-01T00:00:00+07:00", "2011-10-01T00:00:00+07:00");
        check_bounds("2011-12", "2011-12-01T00:00:00+07:00", "2012-01-01T00:00:00+07:00");
        check_bounds("2012-02", "2012-02-01T00:00:00+07:00", "2012-03-01T00:00:00+07:00");
        check_bounds("1900", "1900-01-01T00:00:00+07:00", "1901-01-01T00:00:00+07:00");
        check_bounds("2200-12", "2200-12-01T00:00:00+07:00", "2201-01-01T00:00:00+07:00");
    }

    #[test]
    fn zones_west_of_utc_begin_later() {
        let five_west = FixedOffset::west_opt(5 * 3600).unwrap();
        let from = DateTime::parse_from_rfc3339("2011-09-01T05:00:00Z").unwrap().timestamp_micros();
        assert_eq!(period("2011-09").bounds(five_west).0, from);
    }

    #[test]
    fn all_has_no_bounds_and_may_be_left_out() {
        assert_eq!(period("all"), Period::ALL);
        assert_eq!(period(""), Period::ALL);
        assert_eq!(Period::ALL.bounds(FixedOffset::east_opt(0).unwrap()), (i64::MIN, i64::MAX));
    }

    #[test]
    fn what_is_no_period_is_refused() {
        for text in [
            "ALL",
            " 2011",
            "2011 ",
            "11",
            "02011",
            "+201",
            "1899",
            "2201",
            "2011-",
            "-2011",
            "2011-Q0",
            "2011-Q5",
            "2011-q3",
            "2011-Q03",
            "2011-Q",
            "2011-00",
            "2011-13",
            "2011-9",
            "2011-009",
            "2011-+9",
            "2011-09-01",
            "2011/09",
            "Q3",
            "२०११",
            "2011-Q३",
        ] {
            assert_eq!(text.parse::<Period>(), Err(PeriodMalformed { text: text.to_owned() }));
        }
    }

    #[test]
    fn the_refusal_says_the_forms() {
        let message = "2011-9".parse::<Period>().unwrap_err().to_string();
        for part in ["`2011-9`", "`all`", "`2011`", "`2011-Q3`", "`2011-09`"] {
            assert!(message.contains(part), "{message}");
        }
    }

    proptest! {
        #[test]
        fn what_parses_is_what_is_displayed(text in "[0-9]{4}(-Q?[0-9]{1,2})?|.{0,12}") {
            if let Ok(period) = text.parse::<Period>() {
                let shown = if text.is_empty() { "all" } else { &text };
                prop_assert_eq!(period.to_string(), shown);
            }
        }

        #[test]
        fn display_reads_back(year in 1900u32..=2200, month in 1u32..=12, quarter in 1u32..=4) {
            for text in [format!("{year}"), format!("{year}-Q{quarter}"), format!("{year}-{month:02}")] {
                prop_assert_eq!(period(&text).to_string(), text);
            }
        }

        #[test]
        fn months_and_quarters_tile_the_year(year in 1900u32..=2200, hours in -12i32..=14) {
            let offset = FixedOffset::east_opt(hours * 3600).unwrap();
            let whole = period(&year.to_string()).bounds(offset);
            let months: Vec<String> = (1..=12).map(|month| format!("{year}-{month:02}")).collect();
            let quarters: Vec<String> = (1..=4).map(|quarter| format!("{year}-Q{quarter}")).collect();
            for parts in [months, quarters] {
                let mut next = whole.0;
                for part in &parts {
                    let (from, until) = period(part).bounds(offset);
                    prop_assert_eq!(from, next);
                    next = until;
                }
                prop_assert_eq!(next, whole.1);
            }
            let last = DateTime::from_timestamp_micros(whole.1 - 1).unwrap().with_timezone(&offset);
            prop_assert_eq!(last.year().to_string(), year.to_string());
        }
    }
}
