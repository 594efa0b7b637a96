//! How a source writes: what a mapping says above its tables.

use chrono::FixedOffset;

use super::code;
use super::{FieldError, MappingError};
use crate::import::time::{self, DateFormat, TimeError, When};

/// How the files of a source are written.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    /// Names the source; part of every id that is derived from it.
    pub(crate) source: String,
    /// The zone of times without an offset, and of dates.
    pub(crate) zone: FixedOffset,
    /// What stands between two cells.
    pub(crate) delimiter: u8,
    dates: Option<DateFormat>,
}

/// The same, as the mapping has it.
pub(super) struct RawForm {
    pub(super) source: String,
    pub(super) time_zone: String,
    pub(super) delimiter: String,
    pub(super) date_format: Option<String>,
}

impl Form {
    pub(super) fn checked(raw: RawForm) -> Result<Self, MappingError> {
        let RawForm { source, time_zone, delimiter, date_format } = raw;
        if !code::is_pseudonym(&source) {
            return Err(MappingError::Source { name: source });
        }
        let zone = time::parse_offset(&time_zone)
            .map_err(|source| MappingError::TimeZone { zone: time_zone, source })?;
        let delimiter = match delimiter.as_bytes() {
            [byte] if byte.is_ascii() && !b"\"\r\n".contains(byte) => *byte,
            _ => return Err(MappingError::Delimiter),
        };
        let dates = match date_format {
            Some(format) => match DateFormat::new(&format) {
                Some(dates) => Some(dates),
                None => return Err(MappingError::DateFormat { format }),
            },
            None => None,
        };
        Ok(Self { source, zone, delimiter, dates })
    }

    /// Reads a date or a time.
    pub(crate) fn when(&self, text: &str) -> Result<When, TimeError> {
        match &self.dates {
            Some(dates) => dates.parse(text, self.zone),
            None => time::parse(text, self.zone),
        }
    }

    pub(super) fn check_time(&self, value: &str) -> Result<(), FieldError> {
        match self.when(value) {
            Ok(_) => Ok(()),
            Err(source) => Err(FieldError::Time { value: value.to_owned(), source }),
        }
    }
}
