//! The file of the rows that can't be used, each with its line and the reason.
//!
//! The file is made when the first row comes, so that a clean import leaves none. It has the columns of the
//! source after its own three and its delimiter: once the rows are put right, it can be imported as it is.

use std::fs::File;
use std::path::{Path, PathBuf};

use csv::ByteRecord;

/// Takes the rows that can't be used.
#[derive(Debug)]
pub(crate) struct Rejects {
    path: PathBuf,
    header: ByteRecord,
    delimiter: u8,
    writer: Option<csv::Writer<File>>,
    count: u64,
}

/// The file of rejected rows can't be written.
#[derive(Debug, thiserror::Error)]
#[error("can't write rejected rows to {}", .path.display())]
pub(crate) struct RejectsError {
    path: PathBuf,
    #[source]
    source: csv::Error,
}

impl Rejects {
    /// Rows will go to `path`, which is replaced when the first one comes.
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), header: ByteRecord::new(), delimiter: b',', writer: None, count: 0 }
    }

    /// Where the rows go.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How many rows there are so far.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Adds a row: its line in the source, a reason in `snake_case`, what is wrong in words, and its cells as
    /// they are (none where they are no longer known).
    pub(crate) fn add(
        &mut self,
        line: u64,
        reason: &str,
        detail: &str,
        cells: &ByteRecord,
    ) -> Result<(), RejectsError> {
        self.count += 1;
        self.write(line, reason, detail, cells)
            .map_err(|source| RejectsError { path: self.path.clone(), source })
    }

    /// Brings all rows to the file.
    pub(crate) fn flush(&mut self) -> Result<(), RejectsError> {
        match self.writer.as_mut().map(csv::Writer::flush) {
            Some(Err(error)) => Err(RejectsError { path: self.path.clone(), source: error.into() }),
            Some(Ok(())) | None => Ok(()),
        }
    }

    pub(in crate::import) fn set_header(&mut self, header: &ByteRecord, delimiter: u8) {
        self.header = header.clone();
        self.delimiter = delimiter;
    }

    fn write(&mut self, line: u64, reason: &str, detail: &str, cells: &ByteRecord) -> Result<(), csv::Error> {
        let writer = if let Some(writer) = &mut self.writer {
            writer
        } else {
            let mut writer =
                csv::WriterBuilder::new().flexible(true).delimiter(self.delimiter).from_path(&self.path)?;
            let ours: [&[u8]; 3] = [b"line", b"reason", b"detail"];
            writer.write_record(ours.into_iter().chain(&self.header))?;
            self.writer.insert(writer)
        };
        let line = line.to_string();
        let ours = [line.as_bytes(), reason.as_bytes(), detail.as_bytes()];
        writer.write_record(ours.into_iter().chain(cells))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_made_with_the_first_row_and_keeps_every_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rejects.csv");
        let mut rejects = Rejects::new(&path);
        rejects.set_header(&ByteRecord::from(vec!["a", "b"]), b';');
        rejects.flush().unwrap();
        assert!(!path.exists());

        let cells = ByteRecord::from(vec![b"x;\n".as_slice(), b"\xff", b"more"]);
        rejects.add(7, "not_utf8", "why", &cells).unwrap();
        rejects.add(9, "CASE_EXISTS", "why", &ByteRecord::new()).unwrap();
        rejects.flush().unwrap();
        assert_eq!(rejects.count(), 2);
        let expected = b"line;reason;detail;a;b\n7;not_utf8;why;\"x;\n\";\xff;more\n9;CASE_EXISTS;why\n";
        assert_eq!(std::fs::read(&path).unwrap(), expected);
    }

    #[test]
    fn a_file_that_cannot_be_made_is_an_error_with_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let mut rejects = Rejects::new(&folder.path().join("absent/rejects.csv"));
        let error = rejects.add(1, "r", "d", &ByteRecord::new()).unwrap_err();
        assert!(error.to_string().contains("absent/rejects.csv"), "{error}");
    }
}
