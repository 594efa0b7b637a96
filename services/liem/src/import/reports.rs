//! Reads the files of a register of misconduct through a mapping: reports with their allegations.
//!
//! Which table a file holds, the header tells; one with the columns of both holds both. Files with reports are
//! read first, so the order they are given in doesn't matter. Every row goes into a report or to the rejects.
//! All that goes in is held in memory: 5 million rows at most.

mod held;
mod row;
pub(super) mod send;
mod table;
mod unit;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use csv::ByteRecord;

use self::held::{Allegation, Names, Place, Report, Said, Symbol};
use self::row::{ReadAllegation, Reader, Reject, Unread};
use self::table::{Columns, Fit, Layout};
use super::mapping::{AllegationRole, ReportMapping, ReportRole, Table, code};
use super::source::input::{Input, line_breaks};
use super::source::{Rejects, RejectsError, SourceError};
use crate::cli::report::Finding;

/// Rows that all files have at most.
const ROWS_MAX: u64 = 5_000_000;
/// The reason of a row or a report that was told otherwise before.
const REPORT_DIFFERS: &str = "REPORT_DIFFERS";
/// The reason of a row whose proceeding was told otherwise before.
const PROCEEDING_DIFFERS: &str = "PROCEEDING_DIFFERS";

/// Why files can't be read. No row was sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegisterError {
    #[error("can't import {}", .path.display())]
    File {
        path: PathBuf,
        #[source]
        source: SourceError,
    },
    #[error(
        "{} has the columns of no table: {missing}; it has {found}: correct the mapping, or its delimiter",
        .path.display()
    )]
    NoTable { path: PathBuf, missing: String, found: String },
    #[error("no file has the columns of [{table}] ({columns}): give that file, too")]
    TableMissing { table: &'static str, columns: String },
    #[error("{} is given twice: its rows would count twice", .path.display())]
    FileTwice { path: PathBuf },
    #[error(
        "the files have more than {ROWS_MAX} rows: import them in parts, each with all allegations of its reports"
    )]
    TooManyRows,
    #[error(transparent)]
    Rejects(#[from] RejectsError),
}

/// A register that has been read.
pub(crate) struct Register {
    source: String,
    names: Names,
    reports: Vec<Report>,
    /// By report, and then by what they say, so that their numbers don't depend on the order of rows.
    allegations: Vec<Allegation>,
    /// Where the allegations of each report start, and the last ones end.
    starts: Vec<usize>,
    files: Vec<String>,
    /// Rows of all files, without headers; rejected ones count.
    pub(crate) rows: u64,
    /// Rows that can't be used.
    pub(crate) rejected: u64,
    /// Reports that went in without their closing, which lies before their opening.
    pub(crate) closed_before_opened: u64,
    /// Allegations whose row is like another one of the same report in every cell. They count.
    pub(crate) duplicates: u64,
    /// Allegations that aren't substantiated, and of which an outcome is told: that is not taken.
    pub(crate) outcomes_not_taken: u64,
}

impl Register {
    /// Reads the files, and puts what can't be used into `rejects`. `progress` is told now and then how many
    /// bytes have been read.
    pub(crate) fn read(
        paths: &[PathBuf],
        mapping: &ReportMapping,
        rejects: &mut Rejects,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Self, RegisterError> {
        let mut files = open(paths, mapping, rejects)?;
        check_tables(&files, mapping)?;
        let layout: Vec<_> = files.iter().map(|file| (file.name.clone(), file.names.clone())).collect();
        let layout = Layout::new(&layout);
        rejects.set_header(layout.header(), mapping.form.delimiter);

        let mut reading = Reading {
            reader: Reader { form: &mapping.form, names: Names::default() },
            absent: Said::default(),
            places: HashMap::new(),
            reports: Vec::new(),
            allegations: Vec::new(),
            outcomes_not_taken: 0,
        };
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| RegisterError::File { path, source }
        };
        reading.absent = reading.reader.absent(&mapping.reports).map_err(failed(Path::new("the mapping")))?;
        let (mut rows, mut rejected, mut bytes) = (0, 0, 0);
        let mut record = ByteRecord::new();
        // Files with reports first: then it's known which reports there are.
        for has_reports in [true, false] {
            for file in files.iter_mut().filter(|file| file.reports.is_some() == has_reports) {
                while let Some(line) = file.input.read(&mut record).map_err(failed(&file.path))? {
                    rows += 1;
                    if rows > ROWS_MAX {
                        return Err(RegisterError::TooManyRows);
                    }
                    if rows % 1_000 == 0 {
                        progress(bytes + file.input.bytes());
                    }
                    let reject = match reading.row(file, &record, line) {
                        Ok(reject) => reject,
                        Err(Unread::Row(reject)) => Some(reject),
                        Err(Unread::Source(source)) => return Err(failed(&file.path)(source)),
                    };
                    if let Some(reject) = reject {
                        rejected += 1;
                        let cells = layout.record(file.number, &record);
                        rejects.add(line, &reject.reason(), &reject.to_string(), &cells)?;
                    }
                }
                bytes += file.input.bytes();
                progress(bytes);
            }
        }
        rejects.flush()?;
        let files = files.into_iter().map(|file| file.name).collect();
        Ok(reading.finish(mapping.form.source.clone(), files, (rows, rejected)))
    }

    /// How many reports there are.
    pub(crate) fn report_count(&self) -> usize {
        self.reports.len()
    }

    /// How many allegations there are.
    pub(crate) fn allegation_count(&self) -> usize {
        self.allegations.len()
    }

    /// An agency that is registered with the reports.
    pub(crate) fn any_agency(&self) -> Option<&str> {
        self.reports.first().map(|report| self.agency(report))
    }

    /// Its reports by the day they were received, each with its allegations.
    fn reports(&self) -> impl Iterator<Item = (&Report, &[Allegation])> {
        let mut order: Vec<_> = (0..self.reports.len()).collect();
        order.sort_unstable_by_key(|at| (self.reports[*at].said.received, &self.reports[*at].id));
        order
            .into_iter()
            .map(|at| (&self.reports[at], &self.allegations[self.starts[at]..self.starts[at + 1]]))
    }

    fn text(&self, symbol: Option<Symbol>) -> &str {
        symbol.map_or("", |symbol| self.names.text(symbol))
    }

    /// The agency that a report is about.
    fn agency(&self, report: &Report) -> &str {
        self.text(report.said.agency)
    }

    /// The agency that handles a report: where nothing is said the one it is about, since no other is known.
    fn handler(&self, report: &Report) -> &str {
        self.text(report.said.handler.or(report.said.agency))
    }
}

/// A file that is being read.
struct Opened<'m> {
    number: u16,
    path: PathBuf,
    name: String,
    names: Vec<String>,
    input: Input,
    reports: Option<Columns<'m, ReportRole>>,
    allegations: Option<Columns<'m, AllegationRole>>,
    /// In a file of both tables, the columns that only allegations have.
    only_allegations: Vec<usize>,
}

fn open<'m>(
    paths: &[PathBuf],
    mapping: &'m ReportMapping,
    rejects: &Rejects,
) -> Result<Vec<Opened<'m>>, RegisterError> {
    let mut seen = Vec::new();
    let mut files = Vec::new();
    for (number, path) in (0..).zip(paths) {
        let failed = |source| RegisterError::File { path: path.clone(), source };
        if let Ok(canonical) = path.canonicalize() {
            if rejects.path().canonicalize().is_ok_and(|written| written == canonical) {
                return Err(failed(SourceError::RejectsIsInput { path: path.clone() }));
            }
            if seen.contains(&canonical) {
                return Err(RegisterError::FileTwice { path: path.clone() });
            }
            seen.push(canonical);
        }
        let (input, header) = Input::open(path, mapping.form.delimiter).map_err(failed)?;
        let names: Vec<_> =
            header.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
        let mut missing = Vec::new();
        let reports = match Columns::find(&mapping.reports, &names).map_err(failed)? {
            Fit::Whole(columns) => Some(columns),
            Fit::Missing(columns) => {
                missing.push(format!("of [reports] it lacks {}", columns.join(", ")));
                None
            }
        };
        let allegations = match &mapping.allegations {
            None => None,
            Some(table) => match Columns::find(table, &names).map_err(failed)? {
                Fit::Whole(columns) => Some(columns),
                Fit::Missing(columns) => {
                    missing.push(format!("of [allegations] it lacks {}", columns.join(", ")));
                    None
                }
            },
        };
        if reports.is_none() && allegations.is_none() {
            let found = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            return Err(RegisterError::NoTable { path: path.clone(), missing: missing.join("; "), found });
        }
        let only_allegations = match (&reports, &allegations) {
            (Some(reports), Some(allegations)) => {
                allegations.places().filter(|place| !reports.places().any(|other| other == *place)).collect()
            }
            _ => Vec::new(),
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = path.clone();
        files.push(Opened { number, path, name, names, input, reports, allegations, only_allegations });
    }
    Ok(files)
}

/// Each table needs a file: allegations can't be added to reports that went in without them.
fn check_tables(files: &[Opened<'_>], mapping: &ReportMapping) -> Result<(), RegisterError> {
    fn columns<K: super::mapping::Key>(table: &Table<K>) -> String {
        let columns = table.fields().filter_map(|(_, field)| field.column());
        columns.map(|column| format!("`{column}`")).collect::<Vec<_>>().join(", ")
    }
    if files.iter().all(|file| file.reports.is_none()) {
        return Err(RegisterError::TableMissing { table: "reports", columns: columns(&mapping.reports) });
    }
    match &mapping.allegations {
        Some(table) if files.iter().all(|file| file.allegations.is_none()) => {
            Err(RegisterError::TableMissing { table: "allegations", columns: columns(table) })
        }
        _ => Ok(()),
    }
}

/// What has been read so far.
struct Reading<'m> {
    reader: Reader<'m>,
    /// What the mapping says where rows don't.
    absent: Said,
    /// The place of each report, by its id.
    places: HashMap<Arc<str>, u32>,
    reports: Vec<Report>,
    allegations: Vec<Allegation>,
    outcomes_not_taken: u64,
}

impl Reading<'_> {
    /// Takes a row in, all of it or nothing; only what it says of discipline may be left out, and then it's told why.
    fn row(&mut self, file: &Opened<'_>, record: &ByteRecord, line: u64) -> Result<Option<Reject>, Unread> {
        if record.len() != file.names.len() {
            let (found, expected) = (record.len(), file.names.len());
            return Err(Reject::FieldCount { found, expected, lines: 1 + line_breaks(record) }.into());
        }
        let place = Place { file: file.number, line: u32::try_from(line).unwrap_or(u32::MAX) };
        let report = match &file.reports {
            Some(columns) => Some(self.reader.report(columns, record)?),
            None => None,
        };
        // In a file of both tables, a report without allegations has a row that has none.
        let only = &file.only_allegations;
        let has_none = !only.is_empty() && only.iter().all(|place| record[*place].trim_ascii().is_empty());
        let allegation = match &file.allegations {
            Some(columns) if !has_none => Some(self.reader.allegation(columns, record, place)?),
            _ => None,
        };
        if let Some(ReadAllegation { report: id, .. }) = &allegation
            && report.as_ref().is_none_or(|(report, _)| report != id)
            && !self.places.contains_key(*id)
        {
            return Err(Reject::ReportMissing { report: (*id).to_owned() }.into());
        }
        if let Some((id, said)) = report {
            self.report(file, place, id, said)?;
        }
        let Some(ReadAllegation { report: id, allegation, is_not_taken, reject }) = allegation else {
            return Ok(None);
        };
        let report = self.places.get(id).copied().unwrap_or_default();
        self.allegations.push(Allegation { report, ..allegation });
        self.outcomes_not_taken += u64::from(is_not_taken);
        Ok(reject)
    }

    fn report(&mut self, file: &Opened<'_>, place: Place, id: &str, said: Said) -> Result<(), Reject> {
        if let Some(at) = self.places.get(id) {
            let known = &mut self.reports[*at as usize];
            let differing = known.said.differing(&said);
            if differing.is_empty() {
                known.said.fill(&said);
                return Ok(());
            }
            known.differs = true;
            let file = if known.place.file == file.number { "" } else { " of another file" };
            return Err(Reject::ReportDiffers {
                report: id.to_owned(),
                line: known.place.line,
                file: file.to_owned(),
                what: differing.join(", "),
            });
        }
        if said.received.or(self.absent.received).is_none() {
            return Err(Reject::ReceivedMissing);
        }
        let at = u32::try_from(self.reports.len()).expect("rows are bounded");
        let id: Arc<str> = id.into();
        self.places.insert(id.clone(), at);
        self.reports.push(Report { id, place, differs: false, said });
        Ok(())
    }

    fn finish(self, source: String, files: Vec<String>, (rows, rejected): (u64, u64)) -> Register {
        let Self { reader, absent, mut reports, mut allegations, outcomes_not_taken, .. } = self;
        let mut names = reader.names;
        let mut closed_before_opened = 0;
        let own_agency = names.symbol(&code::agency_of_source(&source)).ok();
        for Report { said, .. } in &mut reports {
            said.fill(&absent);
            said.agency = said.agency.or(own_agency);
            if said
                .closed
                .is_some_and(|closed| said.opened.or(said.received).is_some_and(|from| closed < from))
            {
                said.closed = None;
                closed_before_opened += 1;
            }
        }
        let text = |symbol: Option<Symbol>| symbol.map_or("", |symbol| names.text(symbol));
        let word = |classed: held::Classed| text(classed.1);
        let outcome = |allegation: &Allegation| {
            let discipline = allegation.discipline.as_deref();
            let words = discipline.map(|discipline| (Some(discipline.word), discipline.recommended_word));
            let (word, recommended) = words.unwrap_or_default();
            let decided = discipline.and_then(|discipline| discipline.told.as_ref()?.decided);
            (text(word), text(recommended), decided)
        };
        allegations.sort_unstable_by(|a, b| {
            let number = |finding: Option<Finding>| finding.map_or(0, i32::from);
            let key = |a: &Allegation| (i32::from(a.classed.0), number(a.recommended), number(a.last));
            (a.report, &a.person, word(a.classed))
                .cmp(&(b.report, &b.person, word(b.classed)))
                .then_with(|| key(a).cmp(&key(b)))
                // Where the report has them alike, an outcome has to meet the same number on a second run.
                .then_with(|| outcome(a).cmp(&outcome(b)))
                .then_with(|| a.row.cmp(&b.row))
        });
        let is_alike = |pair: &&[Allegation]| pair[0].report == pair[1].report && pair[0].row == pair[1].row;
        let duplicates = allegations.windows(2).filter(is_alike).count() as u64;
        let mut starts = Vec::with_capacity(reports.len() + 1);
        let mut start = 0;
        for report in 0..=reports.len() {
            let theirs = allegations[start..].iter().take_while(|a| (a.report as usize) < report).count();
            start += theirs;
            starts.push(start);
        }
        Register {
            source,
            names,
            reports,
            allegations,
            starts,
            files,
            rows,
            rejected,
            closed_before_opened,
            duplicates,
            outcomes_not_taken,
        }
    }
}

#[cfg(test)]
mod tests;
