//! The mapping of a register of misconduct: `[reports]` and `[allegations]`.

use std::collections::BTreeMap;
use std::fmt;

use clap::ValueEnum;
use serde::Deserialize;

use super::MappingError;
use super::code;
use super::field::{self, Field, FieldError, Key, RawField};
use super::form::Form;
use super::outcome::Outcomes;
use crate::cli::proceeding::PersonClass;
use crate::cli::report::{Class, Finding, Kind, Source};

/// A table of the mapping: where the values of its keys come from.
#[derive(Clone, Debug)]
pub(crate) struct Table<K> {
    fields: BTreeMap<K, Field>,
}

impl<K: Key> Table<K> {
    pub(super) fn checked(
        table: &'static str,
        raw: BTreeMap<K, RawField>,
        form: &Form,
    ) -> Result<Self, MappingError> {
        let mut fields = BTreeMap::new();
        for (key, raw) in raw {
            let field = Field::checked(key, raw, form).map_err(|source| MappingError::Field {
                table,
                key: key.to_string(),
                source,
            })?;
            fields.insert(key, field);
        }
        Ok(Self { fields })
    }

    /// Gives a key a constant, unless it has something.
    pub(super) fn or_constant(&mut self, key: K, constant: String) {
        self.fields.entry(key).or_insert(Field::Constant(constant));
    }

    fn has(&self, table: &'static str, key: K) -> Result<(), MappingError> {
        if self.fields.contains_key(&key) {
            Ok(())
        } else {
            Err(MappingError::KeyMissing { table, key: key.to_string() })
        }
    }

    /// Where a key's value comes from; none where the mapping doesn't say.
    pub(crate) fn field(&self, key: K) -> Option<&Field> {
        self.fields.get(&key)
    }

    /// The value of a key where no cell gives one.
    pub(crate) fn absent(&self, key: K) -> Option<&str> {
        self.field(key).and_then(Field::absent)
    }

    /// All keys it maps.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (K, &Field)> {
        self.fields.iter().map(|(key, field)| (*key, field))
    }
}

impl Table<AllegationRole> {
    /// What the words of a column of outcomes mean.
    pub(crate) fn outcomes(&self, key: AllegationRole) -> Option<&Outcomes> {
        match self.field(key) {
            Some(Field::Outcomes { outcomes, .. }) => Some(outcomes),
            _ => None,
        }
    }

    /// Discipline needs an outcome, and what the person is by law. What is recommended is said in the words of the outcome,
    /// unless it has its own.
    fn check_discipline(&mut self) -> Result<(), MappingError> {
        use AllegationRole as A;
        let Some(outcomes) = self.outcomes(A::Outcome).cloned() else {
            let key = [A::RecommendedOutcome, A::Decided, A::PersonClass].into_iter();
            let key = key.filter(|key| self.fields.contains_key(key)).map(|key| key.to_string()).next();
            return key.map_or(Ok(()), |key| Err(MappingError::OutcomeMissing { key }));
        };
        if !self.fields.contains_key(&A::PersonClass) {
            return Err(MappingError::PersonClassMissing);
        }
        if let Some(Field::Outcomes { outcomes: own, .. }) = self.fields.get_mut(&A::RecommendedOutcome)
            && own.is_empty()
        {
            *own = outcomes;
        }
        Ok(())
    }
}

/// The keys of a table.
macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident $key:literal)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
            #[serde(rename_all = "snake_case")]
            pub(crate) enum $name {
                $($variant),*
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(match self {
                        $(Self::$variant => $key),*
                    })
                }
            }
        )*
    };
}
keys! {
    /// What a column says about a report: a key of `[reports]`.
    ReportRole {
        Report "report"
        Received "received"
        Agency "agency"
        Handler "handler"
        Unit "unit"
        Kind "kind"
        Class "class"
        Source "source"
        Jurisdiction "jurisdiction"
        Opened "opened"
        Closed "closed"
        Official "official"
    }
    /// What a column says about an allegation: a key of `[allegations]`.
    AllegationRole {
        Report "report"
        Person "person"
        Class "class"
        Recommended "recommended"
        Final "final"
        Outcome "outcome"
        RecommendedOutcome "recommended_outcome"
        Decided "decided"
        PersonClass "person_class"
    }
}

impl Key for ReportRole {
    fn check(self, value: &str, form: &Form) -> Result<(), FieldError> {
        match self {
            Self::Report | Self::Unit | Self::Jurisdiction => field::check_code(value),
            Self::Agency | Self::Handler => field::check_agency(value),
            Self::Kind => check_word::<Kind>(value),
            Self::Class => check_word::<Class>(value),
            Self::Source => check_word::<Source>(value),
            Self::Received | Self::Opened | Self::Closed => form.check_time(value),
            Self::Official => Ok(()),
        }
    }

    fn is_id(self) -> bool {
        self == Self::Report
    }

    fn takes_constant(self) -> bool {
        !self.is_id()
    }
}

impl Key for AllegationRole {
    fn check(self, value: &str, form: &Form) -> Result<(), FieldError> {
        match self {
            Self::Report => field::check_code(value),
            Self::Class => check_word::<Class>(value),
            Self::Recommended | Self::Final => check_word::<Finding>(value),
            Self::PersonClass => check_word::<PersonClass>(value),
            Self::Decided => form.check_time(value),
            Self::Person | Self::Outcome | Self::RecommendedOutcome => Ok(()),
        }
    }

    fn is_outcome(self) -> bool {
        matches!(self, Self::Outcome | Self::RecommendedOutcome)
    }

    fn is_id(self) -> bool {
        self == Self::Report
    }

    fn takes_constant(self) -> bool {
        !self.is_id()
    }
}

/// The value of one of our words.
pub(crate) fn word<W: ValueEnum>(text: &str) -> Option<W> {
    W::from_str(text, false).ok()
}

/// Our words, for those who have to choose one.
pub(crate) fn words<W: ValueEnum>() -> String {
    let words = W::value_variants().iter().filter_map(W::to_possible_value);
    words.map(|word| format!("`{}`", word.get_name())).collect::<Vec<_>>().join(", ")
}

fn check_word<W: ValueEnum>(value: &str) -> Result<(), FieldError> {
    match word::<W>(value) {
        Some(_) => Ok(()),
        None => Err(FieldError::Word { value: value.to_owned(), words: words::<W>() }),
    }
}

/// What the files of a register of misconduct mean.
#[derive(Clone, Debug)]
pub(crate) struct ReportMapping {
    /// How the files are written.
    pub(crate) form: Form,
    /// The reports.
    pub(crate) reports: Table<ReportRole>,
    /// Their allegations, where the register has them.
    pub(crate) allegations: Option<Table<AllegationRole>>,
}

impl ReportMapping {
    pub(super) fn checked(
        form: Form,
        reports: BTreeMap<ReportRole, RawField>,
        allegations: Option<BTreeMap<AllegationRole, RawField>>,
    ) -> Result<Self, MappingError> {
        let mut reports = Table::checked("reports", reports, &form)?;
        reports.has("reports", ReportRole::Report)?;
        reports.has("reports", ReportRole::Received)?;
        reports.or_constant(ReportRole::Agency, code::agency_of_source(&form.source));
        let mut allegations = allegations.map(|raw| Table::checked("allegations", raw, &form)).transpose()?;
        if let Some(allegations) = &mut allegations {
            allegations.has("allegations", AllegationRole::Report)?;
            allegations.check_discipline()?;
        }
        Ok(Self { form, reports, allegations })
    }
}
