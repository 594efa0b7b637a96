//! What a register's words for the outcome of discipline mean.

use std::collections::BTreeMap;
use std::fmt;

use clap::ValueEnum;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::field::{FieldError, check_code};
use super::reports::{word, words};

/// Whether there is a sanction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum SanctionResult {
    Sanctioned,
    NotSanctioned,
    Pending,
    NotApplicable,
}

impl From<SanctionResult> for i32 {
    fn from(result: SanctionResult) -> Self {
        use proto::discipline::Result as R;
        match result {
            SanctionResult::Sanctioned => R::Sanctioned.into(),
            SanctionResult::NotSanctioned => R::NotSanctioned.into(),
            SanctionResult::Pending => R::Pending.into(),
            SanctionResult::NotApplicable => R::NotApplicable.into(),
        }
    }
}

/// The meaning of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) result: SanctionResult,
    /// Of a sanction its form, where the word tells.
    pub(crate) form: Option<String>,
}

/// What a word says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Meaning {
    /// That nothing is told.
    Nothing,
    Outcome(Outcome),
}

impl Meaning {
    fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Nothing => None,
            Self::Outcome(outcome) => Some(outcome.clone()),
        }
    }
}

/// The meanings of a column's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcomes {
    words: BTreeMap<String, Meaning>,
    /// For words that are neither listed nor ours.
    otherwise: Option<Meaning>,
}

impl Outcomes {
    pub(super) fn checked(
        values: BTreeMap<String, RawValue>,
        otherwise: Option<RawValue>,
    ) -> Result<Self, FieldError> {
        let words = values.into_iter().map(|(word, raw)| Ok((word, raw.meaning()?)));
        let words = words.collect::<Result<_, FieldError>>()?;
        Ok(Self { words, otherwise: otherwise.map(RawValue::meaning).transpose()? })
    }

    /// Whether it says nothing of any word.
    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty() && self.otherwise.is_none()
    }

    /// What a cell means: as listed, or one of our own words, or what is said of all others; none if that is nothing.
    /// A cell of which nothing is said is the error.
    pub(crate) fn meaning<'c>(&self, cell: &'c str) -> Result<Option<Outcome>, &'c str> {
        if let Some(meaning) = self.words.get(cell) {
            return Ok(meaning.outcome());
        }
        match (word::<SanctionResult>(cell), &self.otherwise) {
            (Some(result), _) => Ok(Some(Outcome { result, form: None })),
            (None, Some(otherwise)) => Ok(otherwise.outcome()),
            (None, None) => Err(cell),
        }
    }
}

/// What a value of the source is for us: a word, or of an outcome a table.
pub(super) enum RawValue {
    Word(String),
    Outcome(RawOutcome),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOutcome {
    result: String,
    form: Option<String>,
}

impl RawValue {
    fn meaning(self) -> Result<Meaning, FieldError> {
        let RawOutcome { result, form } = match self {
            Self::Word(word) if word.is_empty() => return Ok(Meaning::Nothing),
            Self::Word(result) => RawOutcome { result, form: None },
            Self::Outcome(raw) => raw,
        };
        let Some(known) = word::<SanctionResult>(&result) else {
            return Err(FieldError::Word { value: result, words: words::<SanctionResult>() });
        };
        if let Some(form) = &form {
            check_code(form)?;
            if known != SanctionResult::Sanctioned {
                return Err(FieldError::FormWithoutSanction { form: form.clone(), result });
            }
        }
        Ok(Meaning::Outcome(Outcome { result: known, form }))
    }
}

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrTable;

        impl<'de> Visitor<'de> for WordOrTable {
            type Value = RawValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word of ours, or of an outcome a table of `result`, `form`")
            }

            fn visit_str<E>(self, word: &str) -> Result<RawValue, E> {
                Ok(RawValue::Word(word.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawValue, A::Error> {
                RawOutcome::deserialize(MapAccessDeserializer::new(map)).map(RawValue::Outcome)
            }
        }

        deserializer.deserialize_any(WordOrTable)
    }
}
