//! Conversions of the types that every context shares.

use chrono::{DateTime, NaiveDate, Utc};
use prost_types::Timestamp;
use uuid::Uuid;

use crate::Failure;

/// A timestamp, to the microsecond.
pub fn timestamp_to(time: DateTime<Utc>) -> Timestamp {
    let nanos = i32::try_from(time.timestamp_subsec_micros() * 1_000).unwrap_or(999_999_000);
    Timestamp { seconds: time.timestamp(), nanos }
}

/// The instant of a timestamp, cut to the microsecond. `field` names it in the failure.
pub fn timestamp_from(field: &str, timestamp: &Timestamp) -> Result<DateTime<Utc>, Failure> {
    // The years 1 to 9999, as google.protobuf.Timestamp says: no arithmetic on them overflows.
    let seconds = (-62_135_596_800..=253_402_300_799).contains(&timestamp.seconds);
    let nanos = u32::try_from(timestamp.nanos).ok().filter(|n| *n < 1_000_000_000 && seconds);
    nanos
        .and_then(|n| DateTime::from_timestamp(timestamp.seconds, n / 1_000 * 1_000))
        .ok_or_else(|| Failure::field(field, "not a timestamp: seconds or nanos are out of range"))
}

/// A civil date, ISO 8601. `field` names it in the failure.
pub fn date_from(field: &str, text: &str) -> Result<NaiveDate, Failure> {
    // Ten characters: a year of four digits, so that no arithmetic on it overflows.
    let date = (text.len() == 10).then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten();
    date.ok_or_else(|| {
        let text: String = text.chars().take(40).flat_map(char::escape_debug).collect();
        Failure::field(field, format!("`{text}` is not a date like 2026-11-24"))
    })
}

/// A UUID. `field` names it in the failure.
pub fn uuid_from(field: &str, text: &str) -> Result<Uuid, Failure> {
    Uuid::parse_str(text).map_err(|e| Failure::field(field, format!("not a UUID ({e})")))
}

/// A code of a unit, a procedure, a step, or a source's own of a case: 1 to 100 characters, no control
/// characters, no white space at its ends.
pub fn code_from(field: &str, text: &str) -> Result<String, Failure> {
    let length = text.chars().count();
    if length == 0 || length > 100 || text.trim() != text || text.chars().any(char::is_control) {
        return Err(Failure::field(
            field,
            "give 1 to 100 characters, without control characters or white space at the ends",
        ));
    }
    Ok(text.to_owned())
}

/// A code of an agency: 1 to 32 ASCII letters, digits and dots, such as `H57.18`.
pub fn agency_from(field: &str, text: &str) -> Result<String, Failure> {
    let fits = (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
    if fits {
        Ok(text.to_owned())
    } else {
        Err(Failure::field(field, "give an agency's code: 1 to 32 letters, digits and dots, such as H57.18"))
    }
}

/// A pseudonymous id of an official: 1 to 64 ASCII letters, digits and `._-`. A name does not fit, on
/// purpose.
pub fn official_from(field: &str, text: &str) -> Result<String, Failure> {
    let fits = (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if fits {
        Ok(text.to_owned())
    } else {
        Err(Failure::field(
            field,
            "give a pseudonymous id: 1 to 64 ASCII letters, digits and ._- (never a name)",
        ))
    }
}

/// A size of a page as asked for: 0 means 100, and 1,000 is the most.
pub fn page_size_from(asked: i32) -> Result<usize, Failure> {
    match usize::try_from(asked) {
        Ok(0) => Ok(100),
        Ok(size) => Ok(size.min(1_000)),
        Err(_negative) => Err(Failure::field("page_size", "it can't be negative")),
    }
}

/// The text, unless it's empty.
pub fn non_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_out_of_range_are_refused() {
        let at = |seconds, nanos| timestamp_from("t", &Timestamp { seconds, nanos });
        assert!(at(0, 0).is_ok());
        assert_eq!(at(1, 1_999).unwrap().timestamp_subsec_nanos(), 1_000);
        for (seconds, nanos) in
            [(253_402_300_800, 0), (i64::MIN, 0), (i64::MAX, 0), (0, -1), (0, 1_000_000_000)]
        {
            assert!(at(seconds, nanos).is_err(), "{seconds} {nanos}");
        }
        for bad in ["", "2026-2-1", "2026-02-30", "12026-01-01", "+2026-01-0", "2026-01-01T00:00:00Z"] {
            assert!(date_from("d", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_is_no_id_of_an_official() {
        assert!(official_from("o", "o-4f21").is_ok());
        for bad in ["", "Nguyễn Văn A", "Jan Jansen", "a\nb", &"x".repeat(65)] {
            assert!(official_from("o", bad).is_err(), "{bad}");
        }
    }
}
