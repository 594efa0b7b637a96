//! The mapping: which column of somebody's CSV file is what.
//!
//! A mapping that was read is right in itself: its constants and values are valid codes, times and channels.
//! Whether the file has its columns is the reader's to say. The format is documented in `docs/import.md`.

pub(crate) mod code;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use chrono::FixedOffset;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::time::{self, TimeError};
use code::CodeError;

/// What a column says about a row or its case: a key of `[columns]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    Case,
    Activity,
    Time,
    Official,
    Unit,
    CaseUnit,
    Agency,
    Channel,
    Procedure,
    Deadline,
    Start,
    End,
}

impl Role {
    /// Its key in `[columns]`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Case => "case",
            Self::Activity => "activity",
            Self::Time => "time",
            Self::Official => "official",
            Self::Unit => "unit",
            Self::CaseUnit => "case_unit",
            Self::Agency => "agency",
            Self::Channel => "channel",
            Self::Procedure => "procedure",
            Self::Deadline => "deadline",
            Self::Start => "start",
            Self::End => "end",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a case came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    Counter,
    Online,
    Post,
}

impl Channel {
    /// Reads our word for a channel.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "counter" => Some(Self::Counter),
            "online" => Some(Self::Online),
            "post" => Some(Self::Post),
            _ => None,
        }
    }
}

/// Where the value of a role comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// The same value for every row.
    Constant(String),
    /// A column of the file.
    Column {
        /// Its name in the header.
        column: String,
        /// Stands before every value.
        prefix: String,
        /// Values of the source, and ours for them; an empty one of ours means none.
        values: BTreeMap<String, String>,
        /// For an empty cell, and with `values` for what they don't list.
        default: Option<String>,
    },
}

impl Field {
    /// The column it is read from.
    pub(crate) fn column(&self) -> Option<&str> {
        match self {
            Self::Constant(_) => None,
            Self::Column { column, .. } => Some(column),
        }
    }

    /// What stands before every value.
    pub(crate) fn prefix(&self) -> &str {
        match self {
            Self::Constant(_) => "",
            Self::Column { prefix, .. } => prefix,
        }
    }

    /// Our value for a cell, without the prefix; none for an empty cell.
    pub(crate) fn value<'v>(&'v self, cell: &'v str) -> Option<&'v str> {
        let Self::Column { values, default, .. } = self else { return None };
        let cell = cell.trim();
        if cell.is_empty() {
            return None;
        }
        let value = match values.get(cell) {
            Some(value) => value,
            None if values.is_empty() => cell,
            None => default.as_deref().unwrap_or(cell),
        };
        (!value.is_empty()).then_some(value)
    }

    /// The value where no cell gives one.
    pub(crate) fn absent(&self) -> Option<&str> {
        match self {
            Self::Constant(constant) => Some(constant),
            Self::Column { default, .. } => default.as_deref(),
        }
    }
}

/// What a CSV file of cases means.
#[derive(Clone, Debug)]
pub(crate) struct Mapping {
    /// Names the source; part of every id that is derived from it.
    pub(crate) source: String,
    /// The zone of times without an offset, and of dates.
    pub(crate) zone: FixedOffset,
    /// What stands between two cells.
    pub(crate) delimiter: u8,
    /// Activities that close a case, for files without an `end`.
    pub(crate) closing_activities: BTreeSet<String>,
    fields: BTreeMap<Role, Field>,
}

impl Mapping {
    /// Reads a mapping file.
    pub(crate) fn load(path: &Path) -> Result<Self, MappingError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| MappingError::Read { path: path.to_owned(), source })?;
        Self::parse(&text)
    }

    /// Reads the text of a mapping.
    pub(crate) fn parse(text: &str) -> Result<Self, MappingError> {
        let raw = match toml::from_str::<Raw>(text) {
            Ok(raw) => raw,
            Err(source) => {
                // TOML takes every key below `[columns]` for one of its keys.
                return Err(match misplaced(text) {
                    Some(key) => MappingError::Misplaced { key },
                    None => MappingError::Malformed { source },
                });
            }
        };
        let source = raw.source;
        if !code::is_pseudonym(&source) {
            return Err(MappingError::Source { name: source });
        }
        let zone = time::parse_offset(&raw.time_zone)
            .map_err(|source| MappingError::TimeZone { zone: raw.time_zone, source })?;
        let delimiter = match raw.delimiter.as_bytes() {
            [byte] if byte.is_ascii() && !b"\"\r\n".contains(byte) => *byte,
            _ => return Err(MappingError::Delimiter),
        };
        let mut fields = BTreeMap::new();
        for (role, raw) in raw.columns {
            let field = checked(role, raw, zone).map_err(|source| MappingError::Field { role, source })?;
            fields.insert(role, field);
        }
        fields.entry(Role::Agency).or_insert_with(|| Field::Constant(code::agency_of_source(&source)));
        if !raw.closing_activities.is_empty() {
            if fields.contains_key(&Role::End) {
                return Err(MappingError::EndTwice);
            }
            if !fields.contains_key(&Role::Activity) {
                return Err(MappingError::ClosingWithoutActivity);
            }
        }
        Ok(Self { source, zone, delimiter, closing_activities: raw.closing_activities, fields })
    }

    /// Where a role's value comes from; none where the mapping doesn't say.
    pub(crate) fn field(&self, role: Role) -> Option<&Field> {
        self.fields.get(&role)
    }

    /// All roles it maps.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (Role, &Field)> {
        self.fields.iter().map(|(role, field)| (*role, field))
    }
}

/// Why a mapping can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MappingError {
    #[error("can't read the mapping {}", .path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the mapping is not as docs/import.md describes it")]
    Malformed {
        #[source]
        source: toml::de::Error,
    },
    #[error("`{key}` is no key of [columns]: put it above the line [columns]")]
    Misplaced { key: &'static str },
    #[error("source `{name}` is not 1 to 64 ASCII letters, digits, `.`, `_` and `-`")]
    Source { name: String },
    #[error("time_zone `{zone}` is no offset")]
    TimeZone {
        zone: String,
        #[source]
        source: TimeError,
    },
    #[error("delimiter is not one ASCII character other than a quote or a line break")]
    Delimiter,
    #[error("columns.{role} can't be used")]
    Field {
        role: Role,
        #[source]
        source: FieldError,
    },
    #[error("closing_activities are for files without an end: leave them out, or columns.end")]
    EndTwice,
    #[error("closing_activities need columns.activity")]
    ClosingWithoutActivity,
}

/// Why an entry of `[columns]` can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FieldError {
    #[error("it needs either `column` or `constant`")]
    ColumnOrConstant,
    #[error("a `constant` stands alone, without `prefix`, `values` and `default`")]
    ConstantNotAlone,
    #[error("only `case` takes a `prefix`")]
    PrefixOnlyForCase,
    #[error("`case` takes no `default`: rows without a case are rejected")]
    CaseWithoutDefault,
    #[error("`{value}` is none of `counter`, `online`, `post`")]
    Channel { value: String },
    #[error("`{value}` can't be a time")]
    Time {
        value: String,
        #[source]
        source: TimeError,
    },
    #[error("`{value}` can't be a code")]
    Code {
        value: String,
        #[source]
        source: CodeError,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    source: String,
    #[serde(default = "vietnam")]
    time_zone: String,
    #[serde(default = "comma")]
    delimiter: String,
    #[serde(default)]
    closing_activities: BTreeSet<String>,
    #[serde(default)]
    columns: BTreeMap<Role, RawField>,
}

fn vietnam() -> String {
    "+07:00".to_owned()
}

fn comma() -> String {
    ",".to_owned()
}

/// The name of a column, or a table that says more.
struct RawField(RawTable);

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTable {
    column: Option<String>,
    constant: Option<String>,
    prefix: Option<String>,
    #[serde(default)]
    values: BTreeMap<String, String>,
    default: Option<String>,
}

impl<'de> Deserialize<'de> for RawField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StringOrTable;

        impl<'de> Visitor<'de> for StringOrTable {
            type Value = RawField;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "the name of a column, or a table of `column`, `constant`, `prefix`, `values`, `default`",
                )
            }

            fn visit_str<E>(self, column: &str) -> Result<RawField, E> {
                Ok(RawField(RawTable { column: Some(column.to_owned()), ..RawTable::default() }))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawField, A::Error> {
                RawTable::deserialize(MapAccessDeserializer::new(map)).map(RawField)
            }
        }

        deserializer.deserialize_any(StringOrTable)
    }
}

fn misplaced(text: &str) -> Option<&'static str> {
    let table: toml::Table = text.parse().ok()?;
    let columns = table.get("columns")?.as_table()?;
    ["source", "time_zone", "delimiter", "closing_activities"]
        .into_iter()
        .find(|key| columns.contains_key(*key))
}

fn checked(role: Role, RawField(raw): RawField, zone: FixedOffset) -> Result<Field, FieldError> {
    let outputs =
        raw.constant.iter().chain(&raw.default).chain(raw.values.values().filter(|v| !v.is_empty()));
    for output in outputs {
        check_value(role, output, zone)?;
    }
    match (raw.column, raw.constant) {
        (None, Some(constant)) => {
            if raw.prefix.is_some() || raw.default.is_some() || !raw.values.is_empty() {
                return Err(FieldError::ConstantNotAlone);
            }
            Ok(Field::Constant(constant))
        }
        (Some(column), None) => {
            if role == Role::Case && raw.default.is_some() {
                return Err(FieldError::CaseWithoutDefault);
            }
            if role != Role::Case && raw.prefix.is_some() {
                return Err(FieldError::PrefixOnlyForCase);
            }
            let prefix = raw.prefix.unwrap_or_default();
            Ok(Field::Column { column, prefix, values: raw.values, default: raw.default })
        }
        (Some(_), Some(_)) | (None, None) => Err(FieldError::ColumnOrConstant),
    }
}

/// A value that the mapping itself writes must be right. Officials are made pseudonymous row by row.
fn check_value(role: Role, value: &str, zone: FixedOffset) -> Result<(), FieldError> {
    let named = |source| FieldError::Code { value: value.to_owned(), source };
    match role {
        Role::Case | Role::Activity | Role::Unit | Role::CaseUnit | Role::Procedure => {
            code::check(value).map_err(named)
        }
        Role::Agency => code::check_agency(value).map_err(named),
        Role::Channel if Channel::parse(value).is_some() => Ok(()),
        Role::Channel => Err(FieldError::Channel { value: value.to_owned() }),
        Role::Time | Role::Deadline | Role::Start | Role::End => match time::parse(value, zone) {
            Ok(_) => Ok(()),
            Err(source) => Err(FieldError::Time { value: value.to_owned(), source }),
        },
        Role::Official => Ok(()),
    }
}

#[cfg(test)]
mod tests;
