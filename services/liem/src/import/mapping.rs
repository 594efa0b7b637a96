//! The mapping: which column of somebody's CSV file is what.
//!
//! A mapping that was read is right in itself: its constants and values are valid codes, times and channels.
//! Whether the file has its columns is the reader's to say. The format is documented in `docs/import.md`.

pub(crate) mod code;
mod field;
mod form;
mod outcome;
mod reports;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::time::TimeError;
pub(crate) use field::{Field, FieldError, Key};
pub(crate) use form::Form;
pub(crate) use outcome::SanctionResult;
pub(crate) use reports::{AllegationRole, ReportMapping, ReportRole, Table, word, words};

use field::RawField;
use form::RawForm;

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

impl Key for Role {
    /// Officials are made pseudonymous row by row.
    fn check(self, value: &str, form: &Form) -> Result<(), FieldError> {
        match self {
            Self::Case | Self::Activity | Self::Unit | Self::CaseUnit | Self::Procedure => {
                field::check_code(value)
            }
            Self::Agency => field::check_agency(value),
            Self::Channel if Channel::parse(value).is_some() => Ok(()),
            Self::Channel => {
                let words = "`counter`, `online`, `post`".to_owned();
                Err(FieldError::Word { value: value.to_owned(), words })
            }
            Self::Time | Self::Deadline | Self::Start | Self::End => form.check_time(value),
            Self::Official => Ok(()),
        }
    }

    fn is_id(self) -> bool {
        self == Self::Case
    }

    fn takes_prefix(self) -> bool {
        self == Self::Case
    }
}

/// What somebody's files are of.
#[derive(Clone, Debug)]
pub(crate) enum Mapping {
    /// A log of cases.
    Cases(CaseMapping),
    /// A register of reports of misconduct.
    Reports(ReportMapping),
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
                // TOML takes every key below a table's line for one of its keys.
                return Err(match misplaced(text) {
                    Some((key, table)) => MappingError::Misplaced { key, table },
                    None => MappingError::Malformed { source },
                });
            }
        };
        let Raw { source, time_zone, delimiter, date_format, closing_activities, .. } = raw;
        let form = Form::checked(RawForm { source, time_zone, delimiter, date_format })?;
        match (raw.columns, raw.reports, raw.allegations) {
            (Some(_), Some(_), _) => Err(MappingError::CasesAndReports),
            (_, None, Some(_)) => Err(MappingError::AllegationsAlone),
            (None, Some(_), _) if !closing_activities.is_empty() => Err(MappingError::ClosingOfReports),
            (None, Some(reports), allegations) => {
                ReportMapping::checked(form, reports, allegations).map(Self::Reports)
            }
            (columns, None, None) => {
                CaseMapping::checked(form, closing_activities, columns.unwrap_or_default()).map(Self::Cases)
            }
        }
    }
}

/// What a CSV file of cases means.
#[derive(Clone, Debug)]
pub(crate) struct CaseMapping {
    /// How the file is written.
    pub(crate) form: Form,
    /// Activities that close a case, for files without an `end`.
    pub(crate) closing_activities: BTreeSet<String>,
    columns: Table<Role>,
}

impl CaseMapping {
    fn checked(
        form: Form,
        closing_activities: BTreeSet<String>,
        columns: BTreeMap<Role, RawField>,
    ) -> Result<Self, MappingError> {
        let mut columns = Table::checked("columns", columns, &form)?;
        columns.or_constant(Role::Agency, code::agency_of_source(&form.source));
        if !closing_activities.is_empty() {
            if columns.field(Role::End).is_some() {
                return Err(MappingError::EndTwice);
            }
            if columns.field(Role::Activity).is_none() {
                return Err(MappingError::ClosingWithoutActivity);
            }
        }
        Ok(Self { form, closing_activities, columns })
    }

    /// Where a role's value comes from; none where the mapping doesn't say.
    pub(crate) fn field(&self, role: Role) -> Option<&Field> {
        self.columns.field(role)
    }

    /// All roles it maps.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (Role, &Field)> {
        self.columns.fields()
    }
}

#[cfg(test)]
impl CaseMapping {
    /// Reads the text of a mapping of cases.
    pub(crate) fn parse(text: &str) -> Result<Self, MappingError> {
        match Mapping::parse(text)? {
            Mapping::Cases(mapping) => Ok(mapping),
            Mapping::Reports(_) => panic!("a mapping of reports"),
        }
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
    #[error("`{key}` is no key of [{table}]: put it above the line [{table}]")]
    Misplaced { key: &'static str, table: &'static str },
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
    #[error("date_format `{format}` says no year, month and day as %m/%d/%Y or %d.%m.%Y does")]
    DateFormat { format: String },
    #[error("{table}.{key} can't be used")]
    Field {
        table: &'static str,
        key: String,
        #[source]
        source: FieldError,
    },
    #[error("closing_activities are for files without an end: leave them out, or columns.end")]
    EndTwice,
    #[error("closing_activities need columns.activity")]
    ClosingWithoutActivity,
    #[error(
        "closing_activities are for cases: leave them out beside [reports], whose `closed` names a column"
    )]
    ClosingOfReports,
    #[error("a mapping has [columns], for cases, or [reports]: take one of them out")]
    CasesAndReports,
    #[error("[allegations] stand beside [reports]: add that table")]
    AllegationsAlone,
    #[error("[{table}] needs `{key}`: name its column")]
    KeyMissing { table: &'static str, key: String },
    #[error("[allegations] has `{key}` and no `outcome`: name the column of outcomes, too")]
    OutcomeMissing { key: String },
    #[error(
        "[allegations] has `outcome` and no `person_class`, by which forms are allowed: give it, \
         such as {{ constant = 'police_officer' }}"
    )]
    PersonClassMissing,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    source: String,
    #[serde(default = "vietnam")]
    time_zone: String,
    #[serde(default = "comma")]
    delimiter: String,
    date_format: Option<String>,
    #[serde(default)]
    closing_activities: BTreeSet<String>,
    columns: Option<BTreeMap<Role, RawField>>,
    reports: Option<BTreeMap<ReportRole, RawField>>,
    allegations: Option<BTreeMap<AllegationRole, RawField>>,
}

fn vietnam() -> String {
    "+07:00".to_owned()
}

fn comma() -> String {
    ",".to_owned()
}

/// A key that stands below the line of a table, and belongs above.
fn misplaced(text: &str) -> Option<(&'static str, &'static str)> {
    let whole: toml::Table = text.parse().ok()?;
    ["columns", "reports", "allegations"].into_iter().find_map(|table| {
        let keys = whole.get(table)?.as_table()?;
        // `source` is a key of [reports], too.
        let is_theirs = |key: &str| table == "reports" && key == "source";
        ["source", "time_zone", "delimiter", "date_format", "closing_activities"]
            .into_iter()
            .find(|key| keys.contains_key(*key) && !is_theirs(key))
            .map(|key| (key, table))
    })
}

#[cfg(test)]
mod tests;
