//! Times as other systems write them: ISO 8601 in mixed precision, with and without offsets.
//!
//! A civil date stays a date: it is never turned into a moment that nobody recorded. Only sorting needs a
//! moment, and takes the start of the day for it. Times without an offset are read in the zone the mapping
//! names; there are no zones with summer time here.

use std::cmp::Ordering;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveTime, Offset, TimeDelta, Utc};

/// When something happened, as exactly as it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// A moment, to the microsecond.
    Instant(DateTime<Utc>),
    /// A civil date.
    Date(NaiveDate),
}

impl When {
    /// Moments compare exactly. If either side is a date, the dates in `zone` compare. So this is no total
    /// order: two moments of one day both equal its date. To sort, use [`When::instant`].
    pub(crate) fn compare(self, other: Self, zone: FixedOffset) -> Ordering {
        match (self, other) {
            (Self::Instant(left), Self::Instant(right)) => left.cmp(&right),
            (left, right) => left.date(zone).cmp(&right.date(zone)),
        }
    }

    /// The moment, or the start of the date in `zone`.
    pub(crate) fn instant(self, zone: FixedOffset) -> DateTime<Utc> {
        match self {
            Self::Instant(instant) => instant,
            Self::Date(date) => {
                let midnight = date.and_time(NaiveTime::MIN).and_utc();
                midnight - TimeDelta::seconds(zone.local_minus_utc().into())
            }
        }
    }

    /// The date in `zone`.
    pub(crate) fn date(self, zone: FixedOffset) -> NaiveDate {
        match self {
            Self::Instant(instant) => instant.with_timezone(&zone).date_naive(),
            Self::Date(date) => date,
        }
    }
}

/// Why a time can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TimeError {
    /// Not the form.
    #[error(
        "expected ISO 8601, such as 2011-09-05, 2011-09-05T13:45 or 2011-09-05 13:45:40.276+02:00 \
         (year-month-day, 24 hours)"
    )]
    NotIso8601,
    /// The form, but 30 February or a 25th hour.
    #[error("no such date or time of day")]
    NoSuchTime,
    /// Not a time that a record of a case can have.
    #[error("outside the years 1900 to 2200")]
    YearOutOfRange,
    /// An offset of more than 15 hours.
    #[error("expected an offset such as Z, +07:00, +0700 or +07, of at most 15 hours")]
    Offset,
}

/// Reads a date (`2011-09-05`) or a time (`2011-09-05T13:45`, `2011-09-05 13:45:40.276+02:00`). Digits below
/// microseconds are cut off. A time without an offset is in `zone`.
pub(crate) fn parse(text: &str, zone: FixedOffset) -> Result<When, TimeError> {
    let mut rest = Rest(text.trim().as_bytes());
    let date = rest.date()?;
    if rest.0.is_empty() {
        return Ok(When::Date(date));
    }
    if !(rest.take(b'T') || rest.take(b't') || rest.take(b' ')) {
        return Err(TimeError::NotIso8601);
    }
    let time = rest.time_of_day()?;
    rest.take(b' ');
    let offset = if rest.0.is_empty() { zone } else { rest.offset()? };
    let instant = date.and_time(time).and_utc() - TimeDelta::seconds(offset.local_minus_utc().into());
    Ok(When::Instant(instant))
}

/// Reads an offset: `Z`, `+07:00`, `+0700` or `+07`.
pub(crate) fn parse_offset(text: &str) -> Result<FixedOffset, TimeError> {
    Rest(text.trim().as_bytes()).offset()
}

/// What is left to read.
struct Rest<'t>(&'t [u8]);

impl Rest<'_> {
    fn take(&mut self, byte: u8) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if *first == byte => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), TimeError> {
        if self.take(byte) { Ok(()) } else { Err(TimeError::NotIso8601) }
    }

    /// Exactly so many digits.
    fn digits(&mut self, count: usize) -> Result<u32, TimeError> {
        let (digits, rest) = self.0.split_at_checked(count).ok_or(TimeError::NotIso8601)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(TimeError::NotIso8601);
        }
        self.0 = rest;
        Ok(digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
    }

    fn date(&mut self) -> Result<NaiveDate, TimeError> {
        let year = self.digits(4)?;
        self.expect(b'-')?;
        let month = self.digits(2)?;
        self.expect(b'-')?;
        let day = self.digits(2)?;
        let year = i32::try_from(year).expect("four digits fit");
        let date = NaiveDate::from_ymd_opt(year, month, day).ok_or(TimeError::NoSuchTime)?;
        if (1900..=2200).contains(&date.year()) { Ok(date) } else { Err(TimeError::YearOutOfRange) }
    }

    fn time_of_day(&mut self) -> Result<NaiveTime, TimeError> {
        let hour = self.digits(2)?;
        self.expect(b':')?;
        let minute = self.digits(2)?;
        let mut second = 0;
        let mut micros = 0;
        if self.take(b':') {
            second = self.digits(2)?;
            if self.take(b'.') || self.take(b',') {
                micros = self.fraction()?;
            }
        }
        NaiveTime::from_hms_micro_opt(hour, minute, second, micros).ok_or(TimeError::NoSuchTime)
    }

    /// One digit or more of a second, in microseconds.
    fn fraction(&mut self) -> Result<u32, TimeError> {
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return Err(TimeError::NotIso8601);
        }
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        let padded = digits.iter().copied().chain(std::iter::repeat(b'0')).take(6);
        Ok(padded.fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
    }

    /// All that is left is an offset.
    fn offset(&mut self) -> Result<FixedOffset, TimeError> {
        if self.take(b'Z') || self.take(b'z') {
            return if self.0.is_empty() { Ok(Utc.fix()) } else { Err(TimeError::NotIso8601) };
        }
        let sign = if self.take(b'+') {
            1
        } else if self.take(b'-') {
            -1
        } else {
            return Err(TimeError::NotIso8601);
        };
        let hours = self.digits(2)?;
        let colon = self.take(b':');
        let minutes = if self.0.is_empty() && !colon { 0 } else { self.digits(2)? };
        if !self.0.is_empty() {
            return Err(TimeError::NotIso8601);
        }
        if minutes > 59 || hours * 60 + minutes > 15 * 60 {
            return Err(TimeError::Offset);
        }
        let seconds = i32::try_from((hours * 60 + minutes) * 60).expect("at most 15 hours");
        FixedOffset::east_opt(sign * seconds).ok_or(TimeError::Offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> FixedOffset {
        parse_offset("+07:00").unwrap()
    }

    fn instant(text: &str) -> String {
        match parse(text, zone()).unwrap() {
            When::Instant(instant) => instant.to_string(),
            When::Date(date) => panic!("{date} is a date"),
        }
    }

    #[test]
    fn every_precision_is_read() {
        assert_eq!(parse("2011-09-05", zone()), Ok(When::Date(NaiveDate::from_ymd_opt(2011, 9, 5).unwrap())));
        assert_eq!(instant("2011-09-05T13:45"), "2011-09-05 06:45:00 UTC");
        assert_eq!(instant("2011-09-05 13:45:40"), "2011-09-05 06:45:40 UTC");
        assert_eq!(instant("2011-09-05 13:45:40.5"), "2011-09-05 06:45:40.500 UTC");
        assert_eq!(instant("2011-09-05 13:45:40,25Z"), "2011-09-05 13:45:40.250 UTC");
        assert_eq!(instant(" 2011-09-05t13:45:40.1234567891+02:00 "), "2011-09-05 11:45:40.123456 UTC");
    }

    #[test]
    fn every_offset_is_read() {
        for text in ["+01:00", "+0100", "+01", " +01:00", " +0100"] {
            assert_eq!(instant(&format!("2011-09-05T00:30:00{text}")), "2011-09-04 23:30:00 UTC", "{text}");
        }
        assert_eq!(instant("2011-09-05T00:30-09:30"), "2011-09-05 10:00:00 UTC");
        assert_eq!(instant("2011-09-05T00:30z"), "2011-09-05 00:30:00 UTC");
        assert_eq!(parse("2011-09-05T00:30+16:00", zone()), Err(TimeError::Offset));
        assert_eq!(parse("2011-09-05T00:30+01:60", zone()), Err(TimeError::Offset));
        assert_eq!(parse("2011-09-05T00:30+01:", zone()), Err(TimeError::NotIso8601));
        assert_eq!(parse("2011-09-05T00:30Zz", zone()), Err(TimeError::NotIso8601));
    }

    #[test]
    fn other_forms_are_refused_with_what_is_expected() {
        for text in [
            "",
            "2011/09/05",
            "05-09-2011",
            "5.9.2011",
            "2011-9-5",
            "2011-09",
            "20110905",
            "1315201540",
            "2011-09-05T",
            "2011-09-05T13",
            "2011-09-05T1:45",
            "2011-09-05T13:45:40.",
            "2011-09-05  13:45",
            "2011-09-05T13:45 PM",
            "2011-09-05Z",
            "+011-09-05",
            "２０１１-09-05",
        ] {
            assert_eq!(parse(text, zone()), Err(TimeError::NotIso8601), "{text}");
        }
        assert!(TimeError::NotIso8601.to_string().contains("2011-09-05T13:45"));
    }

    #[test]
    fn impossible_times_are_refused() {
        for text in [
            "2011-02-29",
            "2011-13-01",
            "2011-00-10",
            "2011-09-05T24:00",
            "2011-09-05T13:60",
            "2011-09-05T13:45:60",
        ] {
            assert_eq!(parse(text, zone()), Err(TimeError::NoSuchTime), "{text}");
        }
        assert_eq!(parse("1899-12-31", zone()), Err(TimeError::YearOutOfRange));
        assert_eq!(parse("9999-12-31", zone()), Err(TimeError::YearOutOfRange));
    }

    #[test]
    fn a_date_equals_every_moment_of_its_day_in_the_zone() {
        let parse = |text| parse(text, zone()).unwrap();
        let compare = |left, right| parse(left).compare(parse(right), zone());
        assert_eq!(compare("2011-09-05", "2011-09-05T23:59"), Ordering::Equal);
        assert_eq!(compare("2011-09-05T00:00", "2011-09-05"), Ordering::Equal);
        // 18:00 UTC on the fifth is the sixth at +07:00.
        assert_eq!(compare("2011-09-05T18:00Z", "2011-09-05"), Ordering::Greater);
        assert_eq!(compare("2011-09-05T10:00", "2011-09-05T10:00:00.000001"), Ordering::Less);
        assert_eq!(parse("2011-09-05").instant(zone()), parse("2011-09-05T00:00").instant(zone()));
    }
}
