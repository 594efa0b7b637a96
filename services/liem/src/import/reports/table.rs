//! The columns of the mapping's tables in the header of a file.

use std::collections::BTreeMap;

use csv::ByteRecord;

use super::row::Reject;
use crate::import::mapping::{Key, Table};
use crate::import::source::SourceError;

/// A table of the mapping in a file: where its columns are.
pub(super) struct Columns<'m, K> {
    pub(super) table: &'m Table<K>,
    places: BTreeMap<K, usize>,
}

/// Whether a file has a table.
pub(super) enum Fit<'m, K> {
    /// It has all columns.
    Whole(Columns<'m, K>),
    /// These columns are not there.
    Missing(Vec<String>),
}

impl<'m, K: Key> Columns<'m, K> {
    /// Finds the table's columns among the names of a header.
    pub(super) fn find(table: &'m Table<K>, names: &[String]) -> Result<Fit<'m, K>, SourceError> {
        let mut places = BTreeMap::new();
        let mut missing = Vec::new();
        let mut twice = None;
        for (key, field) in table.fields() {
            let Some(column) = field.column() else { continue };
            let mut found = (0..names.len()).filter(|place| names[*place] == column.trim());
            match found.next() {
                Some(place) => {
                    places.insert(key, place);
                    twice = twice.or(found.next().map(|_| column.to_owned()));
                }
                None => missing.push(format!("`{column}` ({key})")),
            }
        }
        match twice {
            _ if !missing.is_empty() => Ok(Fit::Missing(missing)),
            Some(column) => Err(SourceError::ColumnTwice { column }),
            None => Ok(Fit::Whole(Self { table, places })),
        }
    }

    /// The places of all its columns.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        self.places.values().copied()
    }

    /// A cell, trimmed; empty where no column is mapped.
    pub(super) fn text<'r>(&self, record: &'r ByteRecord, key: K) -> Result<&'r str, Reject> {
        let Some(place) = self.places.get(&key) else { return Ok("") };
        match std::str::from_utf8(&record[*place]) {
            Ok(text) => Ok(text.trim()),
            Err(_) => Err(Reject::NotUtf8 { key: key.to_string() }),
        }
    }

    /// Our value for a cell; none for an empty one.
    pub(super) fn value<'r>(&'r self, record: &'r ByteRecord, key: K) -> Result<Option<&'r str>, Reject> {
        let cell = self.text(record, key)?;
        Ok(self.table.field(key).and_then(|field| field.value(cell)))
    }
}

/// Puts the cells of each file into the columns of all of them, for the one file of rejected rows.
pub(super) struct Layout {
    header: ByteRecord,
    /// For each file, where its cells go.
    places: Vec<Vec<usize>>,
    names: Vec<String>,
}

impl Layout {
    /// The files with their names and headers. Columns of the same name are one.
    pub(super) fn new(files: &[(String, Vec<String>)]) -> Self {
        let mut columns = vec!["file".to_owned()];
        let mut all_places = Vec::new();
        for (_, header) in files {
            let mut places: Vec<usize> = Vec::new();
            for name in header {
                // A name that a file has twice is two columns.
                let mut same = (1..columns.len()).filter(|at| columns[*at] == *name);
                let place = same.find(|at| !places.contains(at)).unwrap_or_else(|| {
                    columns.push(name.clone());
                    columns.len() - 1
                });
                places.push(place);
            }
            all_places.push(places);
        }
        let names = files.iter().map(|(name, _)| name.clone()).collect();
        Self { header: ByteRecord::from(columns), places: all_places, names }
    }

    /// All columns.
    pub(super) fn header(&self) -> &ByteRecord {
        &self.header
    }

    /// The cells of one file's record; cells beyond its header come last.
    pub(super) fn record(&self, file: u16, cells: &ByteRecord) -> ByteRecord {
        let file = usize::from(file);
        let mut row = vec![b"".as_slice(); self.header.len()];
        row[0] = self.names[file].as_bytes();
        for (place, cell) in self.places[file].iter().zip(cells) {
            row[*place] = cell;
        }
        row.extend(cells.iter().skip(self.places[file].len()));
        ByteRecord::from(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_of_all_files_are_side_by_side() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let files =
            [("a.csv".to_owned(), names(&["id", "x", "x"])), ("b.csv".to_owned(), names(&["y", "id"]))];
        let layout = Layout::new(&files);
        assert_eq!(layout.header(), &ByteRecord::from(vec!["file", "id", "x", "x", "y"]));
        let row = |file, cells: &[&str]| layout.record(file, &ByteRecord::from(cells.to_vec()));
        assert_eq!(row(0, &["1", "2", "3"]), vec!["a.csv", "1", "2", "3", ""]);
        assert_eq!(row(1, &["4", "5", "more"]), vec!["b.csv", "5", "", "", "4", "more"]);
        assert_eq!(row(1, &["4"]), vec!["b.csv", "", "", "", "4"]);
    }
}
