//! Where the values of one role come from.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::code::{self, CodeError};
use super::form::Form;
use super::outcome::{Outcomes, RawValue};
use crate::import::time::TimeError;

/// A key of one of the mapping's tables: what its column says.
pub(crate) trait Key: Copy + Ord + fmt::Display {
    /// Checks a value that the mapping itself writes.
    fn check(self, value: &str, form: &Form) -> Result<(), FieldError>;

    /// Whether it is the id of what the table is of.
    fn is_id(self) -> bool;

    /// Whether something can stand before its values.
    fn takes_prefix(self) -> bool {
        false
    }

    /// Whether one value can stand for every row.
    fn takes_constant(self) -> bool {
        true
    }

    /// Whether its words are for outcomes of discipline, which are more than one of our words.
    fn is_outcome(self) -> bool {
        false
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
    /// A column of the source's words for outcomes.
    Outcomes {
        /// Its name in the header.
        column: String,
        /// What its words mean.
        outcomes: Outcomes,
    },
}

impl Field {
    /// The column it is read from.
    pub(crate) fn column(&self) -> Option<&str> {
        match self {
            Self::Constant(_) => None,
            Self::Column { column, .. } | Self::Outcomes { column, .. } => Some(column),
        }
    }

    /// What stands before every value.
    pub(crate) fn prefix(&self) -> &str {
        match self {
            Self::Constant(_) | Self::Outcomes { .. } => "",
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
            Self::Outcomes { .. } => None,
        }
    }

    /// What a table's entry says, if it can be used.
    pub(super) fn checked<K: Key>(key: K, RawField(raw): RawField, form: &Form) -> Result<Self, FieldError> {
        if key.is_outcome() {
            return raw.outcomes();
        }
        if raw.otherwise.is_some() {
            return Err(FieldError::OtherwiseOnlyForOutcomes);
        }
        let mut values = BTreeMap::new();
        for (value, ours) in raw.values {
            let RawValue::Word(ours) = ours else { return Err(FieldError::WordNeeded { value }) };
            values.insert(value, ours);
        }
        let outputs = raw.constant.iter().chain(&raw.default);
        for output in outputs.chain(values.values().filter(|value| !value.is_empty())) {
            key.check(output, form)?;
        }
        match (raw.column, raw.constant) {
            (None, Some(_)) if !key.takes_constant() => Err(FieldError::ColumnNeeded),
            (None, Some(constant)) => {
                if raw.prefix.is_some() || raw.default.is_some() || !values.is_empty() {
                    return Err(FieldError::ConstantNotAlone);
                }
                Ok(Self::Constant(constant))
            }
            (Some(column), None) => {
                if key.is_id() && raw.default.is_some() {
                    return Err(FieldError::IdWithoutDefault { key: key.to_string() });
                }
                if !key.takes_prefix() && raw.prefix.is_some() {
                    return Err(FieldError::PrefixOnlyForCase);
                }
                let prefix = raw.prefix.unwrap_or_default();
                Ok(Self::Column { column, prefix, values, default: raw.default })
            }
            (Some(_), Some(_)) | (None, None) => Err(FieldError::ColumnOrConstant),
        }
    }

    /// Our word for a cell, where ours are what `word` knows; none for an empty cell. A cell that is neither
    /// listed nor one of our words, with no default for it, is the error.
    pub(crate) fn word<'v, W>(
        &self,
        cell: &'v str,
        word: impl Fn(&str) -> Option<W>,
    ) -> Result<Option<W>, &'v str> {
        let Self::Column { values, default, .. } = self else { return Ok(None) };
        let cell = cell.trim();
        if cell.is_empty() {
            return Ok(None);
        }
        match values.get(cell) {
            Some(value) => Ok(word(value)),
            None => match word(cell).or_else(|| default.as_deref().and_then(word)) {
                Some(word) => Ok(Some(word)),
                None => Err(cell),
            },
        }
    }
}

pub(super) fn check_code(value: &str) -> Result<(), FieldError> {
    code::check(value).map_err(|source| FieldError::Code { value: value.to_owned(), source })
}

pub(super) fn check_agency(value: &str) -> Result<(), FieldError> {
    code::check_agency(value).map_err(|source| FieldError::Code { value: value.to_owned(), source })
}

/// The name of a column, or a table that says more.
pub(super) struct RawField(RawTable);

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTable {
    column: Option<String>,
    constant: Option<String>,
    prefix: Option<String>,
    #[serde(default)]
    values: BTreeMap<String, RawValue>,
    default: Option<String>,
    otherwise: Option<RawValue>,
}

impl RawTable {
    fn outcomes(self) -> Result<Field, FieldError> {
        let Some(column) = self.column.filter(|_| self.constant.is_none()) else {
            return Err(FieldError::ColumnNeeded);
        };
        if self.prefix.is_some() {
            return Err(FieldError::PrefixOnlyForCase);
        }
        if self.default.is_some() {
            return Err(FieldError::OtherwiseNotDefault);
        }
        let outcomes = Outcomes::checked(self.values, self.otherwise)?;
        Ok(Field::Outcomes { column, outcomes })
    }
}

impl<'de> Deserialize<'de> for RawField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StringOrTable;

        impl<'de> Visitor<'de> for StringOrTable {
            type Value = RawField;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "the name of a column, or a table of `column`, `constant`, `prefix`, `values`, `default`, \
                     `otherwise`",
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

/// Why an entry of a table can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FieldError {
    #[error("it needs either `column` or `constant`")]
    ColumnOrConstant,
    #[error("a `constant` stands alone, without `prefix`, `values` and `default`")]
    ConstantNotAlone,
    #[error("only `case` takes a `prefix`")]
    PrefixOnlyForCase,
    #[error("`{key}` takes no `default`: rows without one are rejected")]
    IdWithoutDefault { key: String },
    #[error("it takes no `constant`: name its column")]
    ColumnNeeded,
    #[error("only outcomes take an `otherwise`: give a `default`")]
    OtherwiseOnlyForOutcomes,
    #[error("an outcome takes no `default`, since an empty cell says nothing: give an `otherwise`")]
    OtherwiseNotDefault,
    #[error("`{value}` is one of our words, or a text: only an outcome has a `result` and a `form`")]
    WordNeeded { value: String },
    #[error("`{result}` has the form `{form}`: only what is `sanctioned` has one")]
    FormWithoutSanction { form: String, result: String },
    #[error("`{value}` is none of {words}")]
    Word { value: String, words: String },
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
