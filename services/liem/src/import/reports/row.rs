//! From a record to what it says, or why it can't be used.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use chrono::NaiveDate;
use clap::ValueEnum;
use csv::ByteRecord;

use super::held::{Allegation, Classed, Discipline, Names, Outcome, Place, Said, Symbol, Told};
use super::table::Columns;
use crate::cli::proceeding::PersonClass;
use crate::cli::report::{Class, Finding};
use crate::import::mapping::code::{self, CodeError};
use crate::import::mapping::{AllegationRole, Form, Key, ReportRole, SanctionResult, word, words};
use crate::import::source::SourceError;
use crate::import::source::row::spanning;
use crate::import::time::TimeError;

/// Characters of a cell that a message repeats.
const SHOWN_CHARS_MAX: usize = 60;

/// Why a row can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Reject {
    #[error("{found} cells where the header has {expected}{}", spanning(*.lines))]
    FieldCount { found: usize, expected: usize, lines: u64 },
    #[error("{key} has bytes that are not UTF-8")]
    NotUtf8 { key: String },
    #[error("no id of a report")]
    IdMissing,
    #[error("no date of receipt")]
    ReceivedMissing,
    #[error("{key} {error}")]
    Code { key: String, error: CodeError },
    #[error("{key} `{value}`: {error}")]
    Date { key: String, value: String, error: TimeError },
    #[error("{key} `{value}` is none of {words}: map it with `values`, or give a `default`")]
    Word { key: String, value: String, words: String },
    #[error(
        "{key} `{value}` is neither listed nor one of {words}: map it with `values`, or give an `otherwise`; \
         the allegation goes in without it"
    )]
    Outcome { key: String, value: String, words: String },
    #[error("nothing says what the person is by law: the allegation goes in without its outcome")]
    PersonClassMissing,
    #[error("no row of a report that can be used has the id `{report}`")]
    ReportMissing { report: String },
    #[error("line {line}{file} has the report `{report}` with another {what}: that stays")]
    ReportDiffers { report: String, line: u32, file: String, what: String },
}

impl Reject {
    /// Its name in the file of rejected rows.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::FieldCount { .. } => "field_count".to_owned(),
            Self::NotUtf8 { .. } => "not_utf8".to_owned(),
            Self::IdMissing => "id_missing".to_owned(),
            Self::ReceivedMissing => "received_missing".to_owned(),
            Self::Code { key, .. } => format!("{key}_invalid"),
            Self::Date { key, .. } => format!("{key}_unreadable"),
            Self::Word { key, .. } | Self::Outcome { key, .. } => format!("{key}_unknown"),
            Self::PersonClassMissing => "person_class_missing".to_owned(),
            Self::ReportMissing { .. } => "REPORT_MISSING".to_owned(),
            Self::ReportDiffers { .. } => super::REPORT_DIFFERS.to_owned(),
        }
    }
}

/// Why a row was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    /// It goes to the rejected rows.
    #[error(transparent)]
    Row(#[from] Reject),
    /// The import ends.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// An allegation of a row.
pub(super) struct ReadAllegation<'r> {
    /// The id of its report.
    pub(super) report: &'r str,
    pub(super) allegation: Allegation,
    /// The row tells an outcome of what isn't substantiated: that is not taken.
    pub(super) is_not_taken: bool,
    /// Why what it says of discipline can't be used. The rest of the row is.
    pub(super) reject: Option<Reject>,
}

/// What rows are read with.
pub(super) struct Reader<'m> {
    pub(super) form: &'m Form,
    pub(super) names: Names,
}

impl Reader<'_> {
    /// What a row says about a report: its id, and the rest.
    pub(super) fn report<'r>(
        &mut self,
        columns: &'r Columns<'_, ReportRole>,
        record: &'r ByteRecord,
    ) -> Result<(&'r str, Said), Unread> {
        use ReportRole as R;
        let id = columns.id(record, R::Report)?;
        let said = Said {
            received: self.date(columns, record, R::Received)?,
            opened: self.date(columns, record, R::Opened)?,
            closed: self.date(columns, record, R::Closed)?,
            agency: self.code(columns, record, R::Agency, code::check_agency)?,
            handler: self.code(columns, record, R::Handler, code::check_agency)?,
            unit: self.code(columns, record, R::Unit, code::check)?,
            jurisdiction: self.code(columns, record, R::Jurisdiction, code::check)?,
            classed: self.class(columns, record, R::Class)?,
            kind: columns.word(record, R::Kind)?,
            source: columns.word(record, R::Source)?,
            official: columns.value(record, R::Official)?.map(Box::from),
        };
        Ok((id, said))
    }

    /// An allegation, but for its report: that one's id is told.
    pub(super) fn allegation<'r>(
        &mut self,
        columns: &'r Columns<'_, AllegationRole>,
        record: &'r ByteRecord,
        place: Place,
    ) -> Result<ReadAllegation<'r>, Unread> {
        use AllegationRole as A;
        let report = columns.id(record, A::Report)?;
        let absent = |key| columns.table.absent(key);
        let finding = |key| -> Result<Option<Finding>, Reject> {
            Ok(columns.word(record, key)?.or_else(|| absent(key).and_then(word)))
        };
        let absent_class = absent(A::Class).and_then(word).unwrap_or(Class::Other);
        let allegation = Allegation {
            report: 0,
            place,
            row: hash(record),
            person: columns.value(record, A::Person)?.or(absent(A::Person)).map(Box::from),
            classed: self.class(columns, record, A::Class)?.unwrap_or((absent_class, None)),
            recommended: finding(A::Recommended)?,
            last: finding(A::Final)?,
            discipline: None,
            is_rejected: false,
        };
        let is_substantiated = matches!(allegation.last, Some(Finding::Substantiated | Finding::Partly));
        let mut read = ReadAllegation { report, allegation, is_not_taken: false, reject: None };
        if !is_substantiated {
            // What its word means doesn't matter, so the mapping need not know it.
            read.is_not_taken = columns.text(record, A::Outcome).is_ok_and(|word| !word.is_empty());
            return Ok(read);
        }
        match self.discipline(columns, record, &mut read.allegation) {
            Ok(()) => {}
            Err(Unread::Row(reject)) => {
                read.allegation.is_rejected = true;
                read.reject = Some(reject);
            }
            Err(source) => return Err(source),
        }
        Ok(read)
    }

    /// What a row says of discipline. Its words are kept also where they can't be used.
    fn discipline(
        &mut self,
        columns: &Columns<'_, AllegationRole>,
        record: &ByteRecord,
        allegation: &mut Allegation,
    ) -> Result<(), Unread> {
        let Some((word, recommended_word)) = self.words(columns, record)? else { return Ok(()) };
        let told = self.told(columns, record, (word, recommended_word));
        if matches!(told, Ok(None)) {
            return Ok(());
        }
        let (told, failed) = match told {
            Ok(told) => (told, Ok(())),
            Err(error) => (None, Err(error)),
        };
        allegation.discipline = Some(Box::new(Discipline { word, recommended_word, told }));
        failed
    }

    /// The source's words for the outcome and for what was recommended; none without an outcome.
    fn words(
        &mut self,
        columns: &Columns<'_, AllegationRole>,
        record: &ByteRecord,
    ) -> Result<Option<(Symbol, Option<Symbol>)>, Unread> {
        let mut word = |key: AllegationRole| -> Result<Option<Symbol>, Unread> {
            let cell = columns.text(record, key)?;
            if cell.is_empty() {
                return Ok(None);
            }
            code::check(cell).map_err(|error| Reject::Code { key: key.to_string(), error })?;
            Ok(Some(self.names.symbol(cell)?))
        };
        let outcome = word(AllegationRole::Outcome)?;
        let recommended = word(AllegationRole::RecommendedOutcome)?;
        Ok(outcome.map(|outcome| (outcome, recommended)))
    }

    /// What a row says came of an allegation; none where its word means nothing.
    fn told(
        &mut self,
        columns: &Columns<'_, AllegationRole>,
        record: &ByteRecord,
        (word, recommended_word): (Symbol, Option<Symbol>),
    ) -> Result<Option<Told>, Unread> {
        use AllegationRole as A;
        let Some(outcome) = self.outcome(columns, A::Outcome, word)? else { return Ok(None) };
        let recommended = match recommended_word {
            Some(word) => self.outcome(columns, A::RecommendedOutcome, word)?,
            None => None,
        };
        let absent = columns.table.absent(A::Decided).and_then(|text| self.form.when(text).ok());
        let decided = self.date(columns, record, A::Decided)?;
        let class: Option<PersonClass> = columns.word(record, A::PersonClass)?;
        let class = class.or_else(|| columns.table.absent(A::PersonClass).and_then(self::word));
        Ok(Some(Told {
            class: class.ok_or(Reject::PersonClassMissing)?,
            outcome,
            recommended,
            decided: decided.or(absent.map(|when| when.date(self.form.zone))),
        }))
    }

    /// What a word for an outcome means. It is kept beside ours, unless it is the one that ours would be counted under.
    fn outcome(
        &mut self,
        columns: &Columns<'_, AllegationRole>,
        key: AllegationRole,
        cell: Symbol,
    ) -> Result<Option<Outcome>, Unread> {
        let Some(outcomes) = columns.table.outcomes(key) else { return Ok(None) };
        let text = self.names.text(cell);
        let meaning = outcomes.meaning(text).map_err(|text| Reject::Outcome {
            key: key.to_string(),
            value: shown(text),
            words: words::<SanctionResult>(),
        })?;
        let Some(meaning) = meaning else { return Ok(None) };
        let is_ours = match &meaning.form {
            Some(form) => form == text,
            None => word(text) == Some(meaning.result),
        };
        let form = meaning.form.map(|form| self.names.symbol(&form)).transpose()?;
        Ok(Some(Outcome { result: meaning.result, form, word: (!is_ours).then_some(cell) }))
    }

    /// What the mapping says of a report where rows don't.
    pub(super) fn absent(
        &mut self,
        columns: &crate::import::mapping::Table<ReportRole>,
    ) -> Result<Said, SourceError> {
        use ReportRole as R;
        let date = |key| columns.absent(key).and_then(|text| self.form.when(text).ok());
        let date = |key| date(key).map(|when| when.date(self.form.zone));
        let (received, opened, closed) = (date(R::Received), date(R::Opened), date(R::Closed));
        let mut symbol = |key| columns.absent(key).map(|text| self.names.symbol(text)).transpose();
        Ok(Said {
            received,
            opened,
            closed,
            agency: symbol(R::Agency)?,
            handler: symbol(R::Handler)?,
            unit: symbol(R::Unit)?,
            jurisdiction: symbol(R::Jurisdiction)?,
            classed: columns.absent(R::Class).and_then(word).map(|class| (class, None)),
            kind: columns.absent(R::Kind).and_then(word),
            source: columns.absent(R::Source).and_then(word),
            official: columns.absent(R::Official).map(Box::from),
        })
    }

    fn date<K: Key>(
        &self,
        columns: &Columns<'_, K>,
        record: &ByteRecord,
        key: K,
    ) -> Result<Option<NaiveDate>, Reject> {
        let Some(value) = columns.value(record, key)? else { return Ok(None) };
        match self.form.when(value) {
            Ok(when) => Ok(Some(when.date(self.form.zone))),
            Err(error) => Err(Reject::Date { key: key.to_string(), value: shown(value), error }),
        }
    }

    fn code(
        &mut self,
        columns: &Columns<'_, ReportRole>,
        record: &ByteRecord,
        key: ReportRole,
        check: impl Fn(&str) -> Result<(), CodeError>,
    ) -> Result<Option<Symbol>, Unread> {
        let Some(value) = columns.value(record, key)? else { return Ok(None) };
        check(value).map_err(|error| Reject::Code { key: key.to_string(), error })?;
        Ok(Some(self.names.symbol(value)?))
    }

    /// A cell that is no class of ours is one of others, under the source's word.
    fn class<K: Key>(
        &mut self,
        columns: &Columns<'_, K>,
        record: &ByteRecord,
        key: K,
    ) -> Result<Option<Classed>, Unread> {
        let Some(field) = columns.table.field(key) else { return Ok(None) };
        let cell = columns.text(record, key)?;
        let class = match field.word(cell, word::<Class>) {
            Ok(Some(class)) => class,
            Ok(None) => return Ok(None),
            Err(_) => Class::Other,
        };
        if word(cell) == Some(class) {
            return Ok(Some((class, None)));
        }
        code::check(cell).map_err(|error| Reject::Code { key: key.to_string(), error })?;
        Ok(Some((class, Some(self.names.symbol(cell)?))))
    }
}

impl<K: Key> Columns<'_, K> {
    /// The id in a row.
    fn id<'r>(&'r self, record: &'r ByteRecord, key: K) -> Result<&'r str, Reject> {
        let id = self.value(record, key)?.ok_or(Reject::IdMissing)?;
        code::check(id).map_err(|error| Reject::Code { key: key.to_string(), error })?;
        Ok(id)
    }

    /// One of our words.
    fn word<W: ValueEnum>(&self, record: &ByteRecord, key: K) -> Result<Option<W>, Reject> {
        let Some(field) = self.table.field(key) else { return Ok(None) };
        let word = field.word(self.text(record, key)?, word::<W>);
        word.map_err(|cell| Reject::Word { key: key.to_string(), value: shown(cell), words: words::<W>() })
    }
}

fn shown(value: &str) -> String {
    if value.chars().nth(SHOWN_CHARS_MAX).is_none() {
        return value.to_owned();
    }
    let kept: String = value.chars().take(SHOWN_CHARS_MAX).collect();
    format!("{kept}…")
}

fn hash(record: &ByteRecord) -> u64 {
    let mut hasher = DefaultHasher::new();
    for cell in record {
        cell.hash(&mut hasher);
    }
    hasher.finish()
}
