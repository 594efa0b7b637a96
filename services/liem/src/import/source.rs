//! Reads a CSV file of cases through a mapping: whole cases, with all that has to be known before they are
//! sent.
//!
//! The file is read once, and its rows may stand in any order. Every row goes either into a case or to the
//! rejects. Memory is bounded by [`Limits`], the largest case, and the number of different units, activities
//! and so on, all of which have a maximum. Nothing here knows the ledger.

mod assemble;
pub(crate) mod flag;
pub(super) mod ids;
pub(super) mod input;
mod rejects;
pub(super) mod row;
mod store;
mod stored;
pub(super) mod survey;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use csv::ByteRecord;
use uuid::Uuid;

use super::mapping::{CaseMapping, Channel};
use super::time::When;
pub(crate) use ids::request_id;
pub(crate) use rejects::{Rejects, RejectsError};
pub(crate) use store::Limits;
pub(crate) use survey::Survey;

use flag::Flags;
use input::Input;
use row::Parser;
use store::{Groups, Store, StoreWriter};
use survey::{Surveyor, unit_name};

/// A case with all its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceCase {
    /// Its id in the source, with the mapping's prefix.
    pub(crate) key: String,
    /// The request id of its receipt.
    pub(crate) receive_id: Uuid,
    /// The request id of its close; there where `end` is.
    pub(crate) close_id: Option<Uuid>,
    /// Its agency.
    pub(crate) agency: String,
    /// The unit that holds it.
    pub(crate) case_unit: Option<String>,
    /// How it came in.
    pub(crate) channel: Option<Channel>,
    /// Its procedure.
    pub(crate) procedure: Option<String>,
    /// When it is due.
    pub(crate) deadline: Option<When>,
    /// When it was received.
    pub(crate) start: When,
    /// When it was closed; none while it is open.
    pub(crate) end: Option<When>,
    /// Its rows, at least one, by time and then by line. A date counts as the start of its day.
    pub(crate) rows: Vec<SourceRow>,
}

/// A row: one step of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceRow {
    /// The line of the file it starts on, from 1.
    pub(crate) line: u64,
    /// The request id of the step.
    pub(crate) id: Uuid,
    /// When the step was done.
    pub(crate) time: When,
    /// What was done.
    pub(crate) activity: Option<String>,
    /// Who did it: a pseudonymous id.
    pub(crate) official: Option<String>,
    /// The unit that did it.
    pub(crate) unit: Option<String>,
    /// What is odd about it.
    pub(crate) flags: Flags,
}

/// Why a file can't be read. No row was sent when this comes from [`Source::read`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    #[error("can't read {}", .path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{} is empty: the first line names the columns", .path.display())]
    NoHeader { path: PathBuf },
    #[error("{} is UTF-16: save it as UTF-8", .path.display())]
    Utf16 { path: PathBuf },
    #[error("the file has no column {missing}; it has {found}: correct the mapping, or its delimiter")]
    ColumnsMissing { missing: String, found: String },
    #[error("the file has column `{column}` twice: rename one")]
    ColumnTwice { column: String },
    #[error(
        "the record at line {line} is longer than {} bytes: is a quote left open?",
        input::RECORD_BYTES_MAX
    )]
    RecordTooLong { line: u64 },
    #[error(
        "the file has more than {} different {what}: does the mapping name the right column?",
        survey::DISTINCT_MAX
    )]
    TooManyDistinct { what: &'static str },
    #[error(
        "case `{case}` has {rows} rows, more than {}: does the mapping name the right column?",
        store::CASE_ROWS_MAX
    )]
    CaseTooLarge { case: String, rows: usize },
    #[error("can't keep rows in a temporary file in {} (TMPDIR names another folder)", .folder.display())]
    Spill {
        folder: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("a temporary file does not hold what was written to it")]
    SpillDamaged,
    #[error("rejected rows can't go to {}, which is being read", .path.display())]
    RejectsIsInput { path: PathBuf },
    #[error(transparent)]
    Rejects(#[from] RejectsError),
}

/// A file that has been read.
pub(crate) struct Source {
    mapping: CaseMapping,
    store: Store,
    survey: Survey,
    units_qualified: bool,
}

impl Source {
    /// Reads the file, and puts what can't be used into `rejects`. `progress` is told now and then how many
    /// bytes have been read.
    pub(crate) fn read(
        path: &Path,
        mapping: &CaseMapping,
        limits: &Limits,
        rejects: &mut Rejects,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Self, SourceError> {
        let (mut input, header) = Input::open(path, mapping.form.delimiter)?;
        let parser = Parser::new(mapping, &header)?;
        if let (Ok(read), Ok(written)) = (path.canonicalize(), rejects.path().canonicalize())
            && read == written
        {
            return Err(SourceError::RejectsIsInput { path: path.to_owned() });
        }
        rejects.set_header(&header, mapping.form.delimiter);
        let mut store = StoreWriter::new(size(path)?, limits)?;
        let mut record = ByteRecord::new();
        let mut rows = 0;
        let mut rejected = 0;
        while let Some(line) = input.read(&mut record)? {
            rows += 1;
            match parser.row(&record, line) {
                Ok(row) => store.push(&row)?,
                Err(reject) => {
                    rejected += 1;
                    rejects.add(line, reject.reason(), &reject.to_string(), &record)?;
                }
            }
            if rows % 1_000 == 0 {
                progress(input.bytes());
            }
        }
        progress(input.bytes());
        rejects.flush()?;

        let store = store.finish()?;
        let mut surveyor = Surveyor::new(rows, rejected, mapping.form.zone);
        let mut groups = store.groups(mapping);
        while groups.advance()? {
            let mut name_unit = |agency: &str, unit: &str| {
                surveyor.unit(agency, unit);
                unit.to_owned()
            };
            for case in assemble::cases(groups.rows()?, mapping, &mut name_unit) {
                surveyor.case(&case)?;
            }
        }
        let (survey, units_qualified) = surveyor.finish();
        Ok(Self { mapping: mapping.clone(), store, survey, units_qualified })
    }

    /// What the file holds.
    pub(crate) fn survey(&self) -> &Survey {
        &self.survey
    }

    /// The time zone of times without an offset, and of civil dates.
    pub(crate) fn zone(&self) -> chrono::FixedOffset {
        self.mapping.form.zone
    }

    /// Its cases. In a file that fits in memory they come by earliest time, in a larger one that holds for
    /// each part of it.
    pub(crate) fn cases(&self) -> Cases<'_> {
        Cases { source: self, groups: Some(self.store.groups(&self.mapping)), ready: VecDeque::new() }
    }
}

/// A pipe has no size: it may be large.
fn size(path: &Path) -> Result<u64, SourceError> {
    match path.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(metadata.len()),
        Ok(_) => Ok(u64::MAX),
        Err(source) => Err(SourceError::Read { path: path.to_owned(), source }),
    }
}

/// Goes through the cases of a source. It ends after an error.
pub(crate) struct Cases<'s> {
    source: &'s Source,
    groups: Option<Groups<'s>>,
    ready: VecDeque<SourceCase>,
}

impl Cases<'_> {
    fn fill(&mut self) -> Result<(), SourceError> {
        let Some(groups) = &mut self.groups else { return Ok(()) };
        if groups.advance()? {
            let qualified = self.source.units_qualified;
            let mut name_unit = |agency: &str, unit: &str| unit_name(agency, unit, qualified);
            self.ready.extend(assemble::cases(groups.rows()?, &self.source.mapping, &mut name_unit));
        } else {
            self.groups = None;
        }
        Ok(())
    }
}

impl Iterator for Cases<'_> {
    type Item = Result<SourceCase, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.is_empty()
            && let Err(error) = self.fill()
        {
            self.groups = None;
            return Some(Err(error));
        }
        self.ready.pop_front().map(Ok)
    }
}

#[cfg(test)]
mod tests;
