//! From a record to what it says, or why it can't be used.

use std::borrow::Cow;

use csv::ByteRecord;

use super::flag::{Flag, Flags};
use super::input::line_breaks;
use super::stored::StoredRow;
use super::{SourceError, ids};
use crate::import::mapping::code::{self, CodeError};
use crate::import::mapping::{CaseMapping, Channel, Field, Role};
use crate::import::time::{self, When};

/// Why a row can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Reject {
    #[error("{found} cells where the header has {expected}{}", spanning(*.lines))]
    FieldCount { found: usize, expected: usize, lines: u64 },
    #[error("{0} has bytes that are not UTF-8")]
    NotUtf8(Role),
    #[error("no case")]
    CaseMissing,
    #[error("neither time nor start")]
    TimeMissing,
    #[error("{role} `{value}`: {error}")]
    TimeUnreadable { role: Role, value: String, error: time::TimeError },
    #[error("{role} {error}")]
    Code { role: Role, error: CodeError },
}

/// What to add about a record that spans lines and has the wrong number of cells.
pub(in crate::import) fn spanning(lines: u64) -> String {
    if lines == 1 { String::new() } else { format!(", over {lines} lines: is a quote left open?") }
}

impl Reject {
    /// Its name in the file of rejected rows.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::FieldCount { .. } => "field_count",
            Self::NotUtf8(_) => "not_utf8",
            Self::CaseMissing => "case_missing",
            Self::TimeMissing => "time_missing",
            Self::TimeUnreadable { .. } => "time_unreadable",
            Self::Code { role, .. } => match role {
                Role::Case => "case_invalid",
                Role::Activity => "activity_invalid",
                Role::Unit => "unit_invalid",
                Role::CaseUnit => "case_unit_invalid",
                Role::Agency => "agency_invalid",
                Role::Procedure => "procedure_invalid",
                Role::Time | Role::Official | Role::Channel | Role::Deadline | Role::Start | Role::End => {
                    unreachable!("{role} is no code")
                }
            },
        }
    }
}

/// Reads the records of one file.
pub(super) struct Parser<'m> {
    mapping: &'m CaseMapping,
    /// How many cells a record has.
    cells: usize,
    /// The columns of the roles, in their order.
    columns: Vec<(Role, usize)>,
}

impl<'m> Parser<'m> {
    /// Finds the mapping's columns in the header.
    pub(super) fn new(mapping: &'m CaseMapping, header: &ByteRecord) -> Result<Self, SourceError> {
        let names: Vec<_> = header.iter().map(String::from_utf8_lossy).collect();
        let mut columns = Vec::new();
        let mut missing = Vec::new();
        for (role, field) in mapping.fields() {
            let Some(column) = field.column() else { continue };
            let mut places = (0..names.len()).filter(|place| names[*place].trim() == column.trim());
            match (places.next(), places.next()) {
                (Some(place), None) => columns.push((role, place)),
                (Some(_), Some(_)) => return Err(SourceError::ColumnTwice { column: column.to_owned() }),
                (None, _) => missing.push(format!("`{column}` ({role})")),
            }
        }
        if !missing.is_empty() {
            let found = names.iter().map(|name| format!("`{}`", name.trim())).collect::<Vec<_>>().join(", ");
            return Err(SourceError::ColumnsMissing { missing: missing.join(", "), found });
        }
        Ok(Self { mapping, cells: names.len(), columns })
    }

    /// Reads one record.
    pub(super) fn row<'a>(&'a self, record: &'a ByteRecord, line: u64) -> Result<StoredRow<'a>, Reject> {
        if record.len() != self.cells {
            let lines = 1 + line_breaks(record);
            return Err(Reject::FieldCount { found: record.len(), expected: self.cells, lines });
        }
        let cells = self.cells(record)?;
        let mut flags = Flags::default();

        let deadline = cells.attribute(Role::Deadline, &mut flags);
        let start = cells.attribute(Role::Start, &mut flags);
        let end = cells.attribute(Role::End, &mut flags);
        let time = cells.time(start)?;

        let unit = cells.code(Role::Unit)?.or(cells.absent(Role::Unit));
        if unit == Some("EMPTY") {
            flags.set(Flag::UnitEmpty);
        }
        let official = cells.value(Role::Official).or(cells.absent(Role::Official)).map(|id| {
            let named = ids::official(&self.mapping.form.source, id);
            if named != id {
                flags.set(Flag::OfficialRenamed);
            }
            named
        });
        let channel = cells.value(Role::Channel).and_then(|value| {
            let channel = Channel::parse(value);
            if channel.is_none() {
                flags.set(Flag::ChannelUnknown);
            }
            channel
        });
        let key = self.key(&cells)?;
        Ok(StoredRow {
            line,
            time,
            content: self.content(&cells, &key),
            key,
            flags,
            activity: cells.code(Role::Activity)?.or(cells.absent(Role::Activity)),
            official,
            unit,
            case_unit: cells.code(Role::CaseUnit)?,
            agency: cells.code(Role::Agency)?,
            channel,
            procedure: cells.code(Role::Procedure)?,
            deadline,
            start,
            end,
        })
    }

    fn cells<'a>(&'a self, record: &'a ByteRecord) -> Result<Cells<'a>, Reject> {
        let mut cells = Cells { mapping: self.mapping, texts: [""; 12] };
        for (role, place) in &self.columns {
            // A column that the mapping doesn't take may hold any bytes.
            let Ok(text) = std::str::from_utf8(&record[*place]) else { return Err(Reject::NotUtf8(*role)) };
            cells.texts[*role as usize] = text.trim();
        }
        Ok(cells)
    }

    /// The case's id. A row of a file without cases is a case, named by all that it says.
    fn key<'a>(&'a self, cells: &Cells<'a>) -> Result<Cow<'a, str>, Reject> {
        let Some(field) = self.mapping.field(Role::Case) else {
            let said = cells.texts.iter().map(|text| text.as_bytes());
            let digest = ids::digest(
                "liem import row case v1",
                [self.mapping.form.source.as_bytes()].into_iter().chain(said),
            );
            return Ok(Cow::Owned(format!("row-{}", ids::hex(&digest, 12))));
        };
        let id = cells.value(Role::Case).or(field.absent()).ok_or(Reject::CaseMissing)?;
        let key = match field.prefix() {
            "" => Cow::Borrowed(id),
            prefix => Cow::Owned(format!("{prefix}{id}")),
        };
        match code::check(&key) {
            Ok(()) => Ok(key),
            Err(error) => Err(Reject::Code { role: Role::Case, error }),
        }
    }

    /// What makes a row the row it is: its cells as they stand, so that a better mapping doesn't make it
    /// another one.
    fn content(&self, cells: &Cells<'_>, key: &str) -> [u8; 16] {
        let time = match cells.text(Role::Time) {
            "" => cells.text(Role::Start),
            time => time,
        };
        let parts = [
            self.mapping.form.source.as_str(),
            key,
            time,
            cells.text(Role::Activity),
            cells.text(Role::Official),
            cells.text(Role::Unit),
        ];
        ids::digest("liem import row v1", parts.map(str::as_bytes))
    }
}

/// The cells of one record that the mapping takes, trimmed.
struct Cells<'a> {
    mapping: &'a CaseMapping,
    texts: [&'a str; 12],
}

impl<'a> Cells<'a> {
    fn text(&self, role: Role) -> &'a str {
        self.texts[role as usize]
    }

    /// Our value for the role's cell; what an empty cell means for a case is known with its last row.
    fn value(&self, role: Role) -> Option<&'a str> {
        self.mapping.field(role)?.value(self.text(role))
    }

    fn absent(&self, role: Role) -> Option<&'a str> {
        self.mapping.field(role).and_then(Field::absent)
    }

    fn code(&self, role: Role) -> Result<Option<&'a str>, Reject> {
        let Some(value) = self.value(role) else { return Ok(None) };
        let checked = if role == Role::Agency { code::check_agency(value) } else { code::check(value) };
        match checked {
            Ok(()) => Ok(Some(value)),
            Err(error) => Err(Reject::Code { role, error }),
        }
    }

    /// A time of the case, which the row can do without.
    fn attribute(&self, role: Role, flags: &mut Flags) -> Option<When> {
        let when = self.mapping.form.when(self.value(role)?);
        if when.is_err() {
            flags.set(Flag::AttributeUnreadable);
        }
        when.ok()
    }

    /// The row's own time, or else when its case was received.
    fn time(&self, start: Option<When>) -> Result<When, Reject> {
        let read = |role, value: &str| {
            self.mapping.form.when(value).map_err(|error| Reject::TimeUnreadable {
                role,
                value: value.to_owned(),
                error,
            })
        };
        if let Some(value) = self.value(Role::Time).or(self.absent(Role::Time)) {
            read(Role::Time, value)
        } else if let Some(start) = start {
            Ok(start)
        } else if let Some(value) = self.value(Role::Start).or(self.absent(Role::Start)) {
            read(Role::Start, value)
        } else {
            Err(Reject::TimeMissing)
        }
    }
}
