//! The records of a CSV file, each with the line it starts on.
//!
//! A byte order mark is skipped. Lines end with LF or CRLF; quoted cells may hold either. The `csv` crate
//! counts the line where it stopped reading, which with CRLF or blank lines is not the one where the next
//! record starts: so the reader beneath it remembers where the line breaks were. A record has a greatest
//! size, since one open quote would otherwise bring the rest of the file into memory.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, ErrorKind};

use super::SourceError;

/// Bytes a record has at most.
pub(super) const RECORD_BYTES_MAX: u64 = 1 << 20;

/// A CSV file that is being read.
pub(in crate::import) struct Input {
    path: PathBuf,
    reader: csv::Reader<Lines<Box<dyn Read>>>,
}

impl Input {
    pub(in crate::import) fn open(path: &Path, delimiter: u8) -> Result<(Self, ByteRecord), SourceError> {
        let failed = |source| SourceError::Read { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(failed)?;
        let mut start = Vec::new();
        Read::by_ref(&mut file).take(3).read_to_end(&mut start).map_err(failed)?;
        if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
            return Err(SourceError::Utf16 { path: path.to_owned() });
        }
        if start == [0xef, 0xbb, 0xbf] {
            start.clear();
        }
        let bytes: Box<dyn Read> = Box::new(Cursor::new(start).chain(file));
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(Lines::new(bytes));
        let mut input = Self { path: path.to_owned(), reader };
        let mut header = ByteRecord::new();
        match input.read(&mut header)? {
            Some(_) => Ok((input, header)),
            None => Err(SourceError::NoHeader { path: path.to_owned() }),
        }
    }

    /// Reads the next record; gives the line it starts on, or none at the end of the file.
    pub(in crate::import) fn read(&mut self, record: &mut ByteRecord) -> Result<Option<u64>, SourceError> {
        let start = self.reader.position().clone();
        self.reader.get_mut().begin(start.byte());
        let read = self.reader.read_byte_record(record);
        let lines = self.reader.get_ref();
        // Of CRLF the second half is still to come.
        let first = start.line() + u64::from(lines.is_line_break(start.byte()));
        match read {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => return Err(self.failure(error, first)),
        }
        let end = self.reader.position();
        let ended_by_break = lines.is_line_break(end.byte() - 1);
        // Blank lines put the start further down. At an open quote the last break is within the record.
        Ok(Some(first.max(end.line() - line_breaks(record) - u64::from(ended_by_break))))
    }

    /// How many bytes have been read.
    pub(in crate::import) fn bytes(&self) -> u64 {
        self.reader.position().byte()
    }

    fn failure(&self, error: csv::Error, line: u64) -> SourceError {
        let source = match error.into_kind() {
            ErrorKind::Io(source) => source,
            // A flexible reader of bytes has no other failure.
            other => io::Error::other(format!("{other:?}")),
        };
        if matches!(source.get_ref(), Some(inner) if inner.is::<TooLong>()) {
            SourceError::RecordTooLong { line }
        } else {
            SourceError::Read { path: self.path.clone(), source }
        }
    }
}

/// How many line breaks are in the cells of a record.
pub(in crate::import) fn line_breaks(record: &ByteRecord) -> u64 {
    let pieces = record.as_slice().split(|byte| *byte == b'\n').count();
    u64::try_from(pieces - 1).expect("a count fits 64 bits")
}

#[derive(Debug, thiserror::Error)]
#[error("the record is too long")]
struct TooLong;

/// Remembers where the line breaks of the current record are, and stops where it is too long.
struct Lines<R> {
    inner: R,
    /// Where the next byte stands.
    offset: u64,
    /// Where the current record starts.
    record: u64,
    /// Where line breaks are, from the current record on.
    breaks: VecDeque<u64>,
}

impl<R> Lines<R> {
    fn new(inner: R) -> Self {
        Self { inner, offset: 0, record: 0, breaks: VecDeque::new() }
    }

    fn begin(&mut self, record: u64) {
        self.record = record;
        while self.breaks.front().is_some_and(|at| *at < record) {
            self.breaks.pop_front();
        }
    }

    fn is_line_break(&self, at: u64) -> bool {
        self.breaks.binary_search(&at).is_ok()
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.offset - self.record > RECORD_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, TooLong));
        }
        let count = self.inner.read(buffer)?;
        for (at, byte) in (self.offset..).zip(&buffer[..count]) {
            if *byte == b'\n' {
                self.breaks.push_back(at);
            }
        }
        self.offset += u64::try_from(count).expect("a count fits 64 bits");
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::io::Write as _;

    use super::*;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    /// Every record after the header: its line, then its cells.
    fn records(bytes: &[u8]) -> Result<Vec<(u64, Vec<String>)>, SourceError> {
        let file = file(bytes);
        let (mut input, _) = Input::open(file.path(), b',')?;
        let mut record = ByteRecord::new();
        let mut records = Vec::new();
        while let Some(line) = input.read(&mut record)? {
            let cells = record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
            records.push((line, cells));
        }
        Ok(records)
    }

    fn lines(text: &str) -> Vec<u64> {
        records(text.as_bytes()).unwrap().into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn a_record_has_the_line_it_starts_on() {
        assert_eq!(lines("h,i\na,b\nc,d"), [2, 3]);
        assert_eq!(lines("h,i\r\na,b\r\nc,d\r\n"), [2, 3]);
        assert_eq!(lines("h,i\r\n\r\n\r\na,b\r\n\nc,d"), [4, 6]);
        assert_eq!(lines("\n\nh,i\na,b\n\n\n"), [4]);
        assert_eq!(lines("h,i\n\"a\nb\r\nc\",d\r\ne,f\n\"g\n\",h\ni,j"), [2, 5, 6, 8]);
        assert_eq!(lines("h,i\na,b\n\"c,d\ne,f\n"), [2, 3]);
        assert_eq!(lines("h,i\r\na,b\r\n\"c,d\r\ne,f\r\n"), [2, 3]);
        assert_eq!(lines("h,i\nx \"y\" z,\"a \"\"b\"\"\n\"\nc,d\n"), [2, 4]);
    }

    #[test]
    fn lines_hold_across_many_buffers() {
        let mut text = String::from("h,i\r\n");
        for number in 0..20_000 {
            write!(text, "{number},\"a\r\nb\"\r\n").unwrap();
        }
        let expected: Vec<u64> = (0..20_000).map(|number| 2 + 2 * number).collect();
        assert_eq!(lines(&text), expected);
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        let bytes = b"\xef\xbb\xbfh,i\r\na,b\r\n";
        let file = file(bytes);
        let (_, header) = Input::open(file.path(), b',').unwrap();
        assert_eq!(&header[0], b"h");
        assert_eq!(records(bytes).unwrap(), [(2, vec!["a".to_owned(), "b".to_owned()])]);
    }

    #[test]
    fn what_is_no_csv_in_utf8_is_refused() {
        assert!(matches!(records(b""), Err(SourceError::NoHeader { .. })));
        assert!(matches!(records(b"\n\n"), Err(SourceError::NoHeader { .. })));
        assert!(matches!(records(b"\xff\xfeh\0"), Err(SourceError::Utf16 { .. })));
    }

    #[test]
    fn an_open_quote_does_not_bring_the_file_into_memory() {
        let mut text = String::from("h,i\na,b\n\"c,d\n");
        while u64::try_from(text.len()).unwrap() < 2 * RECORD_BYTES_MAX {
            text.push_str("e,f\n");
        }
        let error = records(text.as_bytes()).unwrap_err();
        assert!(matches!(error, SourceError::RecordTooLong { line: 3 }), "{error}");
    }
}
