//! Times as other systems write them: ISO 8601 in mixed precision, with and without offsets.
//!
//! A civil date stays a date: it is never turned into a moment that nobody recorded. Only sorting needs a
//! moment, and takes the start of the day for it. Times without an offset are read in the zone the mapping
//! names; there are no zones with summer time here. Other forms of dates are read where a mapping says which.

use std::cmp::Ordering;
use std::fmt::Write as _;

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, Utc};

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
    /// Neither the form that the mapping names, nor ISO 8601.
    #[error("fits neither the mapping's date_format nor ISO 8601")]
    NotFormat,
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
    Ok(instant(date, time, offset))
}

/// The form of another system's dates, such as `%m/%d/%Y`.
#[derive(Clone, Debug)]
pub(crate) struct DateFormat(String);

impl DateFormat {
    /// None if the format doesn't say a whole date.
    pub(crate) fn new(format: &str) -> Option<Self> {
        let sample = NaiveDate::from_ymd_opt(2013, 11, 25)?.and_hms_opt(13, 45, 7)?.and_utc().fixed_offset();
        let items: Vec<_> = StrftimeItems::new(format).collect();
        if items.contains(&Item::Error) {
            return None;
        }
        let mut text = String::new();
        write!(text, "{}", sample.format_with_items(items.iter())).ok()?;
        let read = Self(format.trim().to_owned());
        let back = read.fitting(text.trim(), Utc.fix())?;
        (back.ok()?.date(Utc.fix()) == sample.date_naive()).then_some(read)
    }

    /// Reads a date, or a time. After a format without one there may be a time of day: `1:45 PM`,
    /// `13:45:00`. ISO 8601 is read, too.
    pub(crate) fn parse(&self, text: &str, zone: FixedOffset) -> Result<When, TimeError> {
        if let Some(read) = self.fitting(text.trim(), zone) {
            return read;
        }
        match parse(text, zone) {
            Err(TimeError::NotIso8601) => Err(TimeError::NotFormat),
            read => read,
        }
    }

    fn fitting(&self, text: &str, zone: FixedOffset) -> Option<Result<When, TimeError>> {
        if let Ok(time) = DateTime::parse_from_str(text, &self.0) {
            return Some(in_range(time.date_naive()).map(|_| When::Instant(time.to_utc())));
        }
        if let Ok(time) = NaiveDateTime::parse_from_str(text, &self.0) {
            return Some(in_range(time.date()).map(|date| instant(date, time.time(), zone)));
        }
        let (date, rest) = NaiveDate::parse_and_remainder(text, &self.0).ok()?;
        let spaces = |c: char| c.is_whitespace() || c == ',';
        let after = rest.trim_start_matches(spaces);
        if after.is_empty() {
            return Some(in_range(date).map(When::Date));
        }
        if after.len() == rest.len() {
            return None;
        }
        let time = Rest(after.as_bytes()).twelve_or_twenty_four_hours().ok()?;
        Some(in_range(date).map(|date| instant(date, time, zone)))
    }
}

fn in_range(date: NaiveDate) -> Result<NaiveDate, TimeError> {
    if (1900..=2200).contains(&date.year()) { Ok(date) } else { Err(TimeError::YearOutOfRange) }
}

fn instant(date: NaiveDate, time: NaiveTime, zone: FixedOffset) -> When {
    When::Instant(date.and_time(time).and_utc() - TimeDelta::seconds(zone.local_minus_utc().into()))
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
        in_range(date)
    }

    fn time_of_day(&mut self) -> Result<NaiveTime, TimeError> {
        let hour = self.digits(2)?;
        let (minute, second, micros) = self.past_the_hour()?;
        NaiveTime::from_hms_micro_opt(hour, minute, second, micros).ok_or(TimeError::NoSuchTime)
    }

    /// Minutes, and seconds where there are some.
    fn past_the_hour(&mut self) -> Result<(u32, u32, u32), TimeError> {
        self.expect(b':')?;
        let minute = self.digits(2)?;
        let (mut second, mut micros) = (0, 0);
        if self.take(b':') {
            second = self.digits(2)?;
            if self.take(b'.') || self.take(b',') {
                micros = self.fraction()?;
            }
        }
        Ok((minute, second, micros))
    }

    /// All that is left is a time of day, perhaps with `AM` or `PM`.
    fn twelve_or_twenty_four_hours(&mut self) -> Result<NaiveTime, TimeError> {
        let is_two = self.0.get(1).is_some_and(u8::is_ascii_digit);
        let hour = self.digits(if is_two { 2 } else { 1 })?;
        let (minute, second, micros) = self.past_the_hour()?;
        let half = self.0.trim_ascii().to_ascii_lowercase();
        let hour = match (half.as_slice(), hour) {
            (b"", hour) => hour,
            (b"am" | b"a.m.", 12) => 0,
            (b"pm" | b"p.m.", 12) => 12,
            (b"am" | b"a.m.", hour @ 1..12) => hour,
            (b"pm" | b"p.m.", hour @ 1..12) => hour + 12,
            _ => return Err(TimeError::NoSuchTime),
        };
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

    #[test]
    fn other_forms_are_read_where_the_mapping_names_them() {
        let us = DateFormat::new("%m/%d/%Y").unwrap();
        let read = |text: &str| match us.parse(text, zone()) {
            Ok(When::Date(date)) => date.to_string(),
            Ok(When::Instant(instant)) => instant.to_string(),
            Err(error) => format!("{error:?}"),
        };
        for (text, expected) in [
            ("1/31/2019", "2019-01-31"),
            (" 01/31/2019 ", "2019-01-31"),
            ("01/31/2019 12:00:00 AM", "2019-01-30 17:00:00 UTC"),
            ("01/31/2019 12:30 pm", "2019-01-31 05:30:00 UTC"),
            ("01/31/2019, 1:05 PM", "2019-01-31 06:05:00 UTC"),
            ("1/31/2019 13:05:07.5", "2019-01-31 06:05:07.500 UTC"),
            ("2019-01-31", "2019-01-31"),
            ("2019-01-31 13:05:00+07:00", "2019-01-31 06:05:00 UTC"),
            ("31/1/2019", "NotFormat"),
            ("2/30/2019", "NotFormat"),
            ("1/31/19", "YearOutOfRange"),
            ("1/31/2019 25:00", "NotFormat"),
            ("1/31/2019 13:00 PM", "NotFormat"),
            ("1/31/20195", "NotFormat"),
            ("2019-02-30", "NoSuchTime"),
            ("soon", "NotFormat"),
            ("", "NotFormat"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        let whole = DateFormat::new("%d.%m.%y %H:%M").unwrap();
        assert_eq!(whole.parse("31.01.19 13:05", zone()), parse("2019-01-31T13:05", zone()));
        let offset = DateFormat::new("%d %b %Y %H:%M %z").unwrap();
        assert_eq!(offset.parse("31 Jan 2019 13:05 +0000", zone()), parse("2019-01-31T13:05Z", zone()));
        for format in ["", "%Q", "%m/%d", "%H:%M", "date", "%Y"] {
            assert!(DateFormat::new(format).is_none(), "{format}");
        }
    }
}
