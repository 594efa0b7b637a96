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
    let nanos = u32::try_from(timestamp.nanos).ok().filter(|n| *n < 1_000_000_000);
    nanos
        .and_then(|n| DateTime::from_timestamp(timestamp.seconds, n / 1_000 * 1_000))
        .ok_or_else(|| Failure::field(field, "not a timestamp: seconds or nanos are out of range"))
}

/// A civil date, ISO 8601. `field` names it in the failure.
pub fn date_from(field: &str, text: &str) -> Result<NaiveDate, Failure> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|e| {
        Failure::field(field, format!("`{}` is not a date like 2026-11-24 ({e})", text.escape_debug()))
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
