//! When something happened, as told.

use std::fmt;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, TimeZone, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// When something happened, as told: an instant, or a civil date in the ledger's time zone.
///
/// Stored as ISO 8601 text: `2026-11-24` or `2026-11-24T08:00:00.000000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Occurred {
    /// An instant, to the microsecond.
    At(DateTime<Utc>),
    /// A civil date.
    On(NaiveDate),
}

/// A text that is neither an instant nor a date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is neither a date like 2026-11-24 nor a time like 2026-11-24T08:00:00Z")]
pub struct OccurredMalformed {
    /// The text, shortened.
    pub text: String,
}

impl Occurred {
    /// Reads the stored form.
    pub fn parse(text: &str) -> Result<Self, OccurredMalformed> {
        let at = || DateTime::parse_from_rfc3339(text).ok().map(|t| Self::At(t.with_timezone(&Utc)));
        let on = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(Self::On);
        let parsed = if text.len() == 10 { on() } else { at() };
        parsed.ok_or_else(|| OccurredMalformed { text: text.chars().take(40).collect() })
    }

    /// The civil date in a time zone.
    pub fn date(self, zone: FixedOffset) -> NaiveDate {
        match self {
            Self::At(time) => time.with_timezone(&zone).date_naive(),
            Self::On(date) => date,
        }
    }

    /// The first instant it can mean, in microseconds since 1970 UTC: what folds compare by. A date counts
    /// from its first moment, so that it's never later than a due time on the same day.
    pub fn earliest_micros(self, zone: FixedOffset) -> i64 {
        match self {
            Self::At(time) => time.timestamp_micros(),
            Self::On(date) => start_of_day(date, zone).timestamp_micros(),
        }
    }
}

/// The first instant of a civil date.
fn start_of_day(date: NaiveDate, zone: FixedOffset) -> DateTime<Utc> {
    let local = date.and_time(NaiveTime::MIN);
    // A fixed offset maps every local time to exactly one instant.
    zone.from_local_datetime(&local).single().map_or_else(|| local.and_utc(), |t| t.with_timezone(&Utc))
}

/// The last microsecond of a civil date: when something due on that date falls due.
pub fn end_of_day(date: NaiveDate, zone: FixedOffset) -> DateTime<Utc> {
    let next = date.succ_opt().unwrap_or(date);
    start_of_day(next, zone) - TimeDelta::microseconds(1)
}

/// An offset from UTC such as `+07:00`.
pub fn parse_offset(text: &str) -> Option<FixedOffset> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    if minutes > 59 {
        return None;
    }
    FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60))
}

impl fmt::Display for Occurred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::Micros, true)),
            Self::On(date) => write!(f, "{}", date.format("%Y-%m-%d")),
        }
    }
}

impl Serialize for Occurred {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Occurred {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// A slice of the text where nothing in it is escaped.
        #[derive(Deserialize)]
        struct Text<'a>(#[serde(borrow)] std::borrow::Cow<'a, str>);
        let Text(text) = Text::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_never_late_on_its_due_day() {
        let zone = parse_offset("+07:00").unwrap();
        let day = NaiveDate::from_ymd_opt(2026, 11, 24).unwrap();
        let due = end_of_day(day, zone).timestamp_micros();
        assert!(Occurred::On(day).earliest_micros(zone) <= due);
        assert!(Occurred::On(day.succ_opt().unwrap()).earliest_micros(zone) > due);
        assert_eq!(Occurred::parse("2026-11-24T16:59:59.999999Z").unwrap().earliest_micros(zone), due);
    }

    #[test]
    fn stored_form_comes_back() {
        for text in ["2026-11-24", "2026-11-24T08:00:00.000001Z"] {
            assert_eq!(Occurred::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "2026-11-4", "24-11-2026", "2026-11-24 08:00", "2026-13-01", "2026-11-24T08:00:00"] {
            assert!(Occurred::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn offsets() {
        assert_eq!(parse_offset("+07:00").unwrap().local_minus_utc(), 7 * 3600);
        assert_eq!(parse_offset("-03:30").unwrap().local_minus_utc(), -(3 * 3600 + 1800));
        for bad in ["", "07:00", "+7:00", "+07", "+07:60", "+25:00", "Asia/Ho_Chi_Minh", "é"] {
            assert!(parse_offset(bad).is_none(), "{bad}");
        }
    }
}
