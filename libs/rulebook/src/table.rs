//! Tables of days off and worked days: the shipped one, and the reading of others in the same form.
//!
//! A table is text: the header `date,kind,name`, then a row for each date, `2026-01-02,off,Ngày nghỉ`. Names hold
//! whatever is left of the line; nothing is quoted.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::calendar::DayKind;

/// The years the shipped table covers, both included. What is counted outside them knows only weekends, so a deadline
/// there deserves a warning.
pub const VIETNAM_YEARS: RangeInclusive<i32> = 2010..=2027;

const HEADER: &str = "date,kind,name";
const VIETNAM: &str = include_str!("../data/vietnam.csv");

/// One row of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDay {
    /// The civil date.
    pub date: NaiveDate,
    /// Off or worked.
    pub kind: DayKind,
    /// Why, for people; in Vietnamese in the shipped table.
    pub name: String,
}

/// Why a table was refused. Lines are counted from 1, the header being the first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// The first line is not the header.
    #[error("the header is not `{HEADER}`")]
    Header,
    /// Fewer than three columns, or an empty name.
    #[error("line {line} does not have a date, a kind and a name")]
    Columns {
        /// The line.
        line: usize,
    },
    /// The date is not a date of the form `YYYY-MM-DD`.
    #[error("line {line} has no date")]
    Date {
        /// The line.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: chrono::ParseError,
    },
    /// The kind is neither `off` nor `worked`.
    #[error("line {line} has the unknown kind `{kind}`")]
    Kind {
        /// The line.
        line: usize,
        /// The kind found.
        kind: String,
    },
    /// The date stands on an earlier line. Two rows for a date are a mistake in a table, even if they agree.
    #[error("line {line} repeats {date}")]
    Repeated {
        /// The line.
        line: usize,
        /// The date.
        date: NaiveDate,
    },
}

/// The shipped table of Vietnam, in the order of its dates.
pub fn vietnam() -> Vec<TableDay> {
    parse(VIETNAM).expect("the shipped table is read by a test")
}

/// Reads a table; all of it or nothing.
pub fn parse(text: &str) -> Result<Vec<TableDay>, TableError> {
    let mut lines = (1..).zip(text.lines());
    if lines.next().is_none_or(|(_, header)| header != HEADER) {
        return Err(TableError::Header);
    }
    let mut seen = BTreeSet::new();
    lines
        .map(|(line, row)| {
            let day = parse_row(line, row)?;
            if seen.insert(day.date) { Ok(day) } else { Err(TableError::Repeated { line, date: day.date }) }
        })
        .collect()
}

fn parse_row(line: usize, row: &str) -> Result<TableDay, TableError> {
    let mut columns = row.splitn(3, ',');
    let (Some(date), Some(kind), Some(name)) = (columns.next(), columns.next(), columns.next()) else {
        return Err(TableError::Columns { line });
    };
    if name.trim().is_empty() {
        return Err(TableError::Columns { line });
    }
    let date =
        NaiveDate::parse_from_str(date, "%Y-%m-%d").map_err(|source| TableError::Date { line, source })?;
    let kind = match kind {
        "off" => DayKind::Off,
        "worked" => DayKind::Worked,
        other => return Err(TableError::Kind { line, kind: other.to_owned() }),
    };
    Ok(TableDay { date, kind, name: name.to_owned() })
}
