//! Brings the rows of a case together, wherever in the file they stand, in bounded memory.
//!
//! A small file stays in memory. The rows of a larger one go to temporary files by a hash of their case, so
//! that each holds whole cases and can be read alone. Within one, cases come by their earliest time: ids and
//! log then roughly follow time. The temporary files have no names and vanish with the process.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use chrono::FixedOffset;

use super::stored::StoredRow;
use super::{SourceError, ids};
use crate::import::mapping::{CaseMapping, Role};

/// Rows a case has at most. It is held in memory, and more of them mean that the mapping names the wrong
/// column.
pub(super) const CASE_ROWS_MAX: usize = 100_000;

const BUFFER_BYTES: usize = 32 << 10;

/// How much is held at once, and where the rest waits.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// A file of at most so many bytes stays in memory; of a larger one, about so many at a time.
    pub(crate) partition_bytes: u64,
    /// Temporary files at most. Where more would be needed they become larger instead.
    pub(crate) partitions_max: u64,
    /// Where the temporary files are.
    pub(crate) folder: PathBuf,
}

impl Default for Limits {
    /// 64 MiB and 256 files in `$TMPDIR`, or else in `/var/tmp`: `/tmp` is often memory.
    fn default() -> Self {
        let folder = match std::env::var_os("TMPDIR") {
            Some(folder) => PathBuf::from(folder),
            None if Path::new("/var/tmp").is_dir() => PathBuf::from("/var/tmp"),
            None => std::env::temp_dir(),
        };
        Self { partition_bytes: 64 << 20, partitions_max: 256, folder }
    }
}

enum Part<F> {
    Memory(Vec<u8>),
    Spilled(F),
}

/// Takes rows.
pub(super) struct StoreWriter {
    parts: Vec<Part<BufWriter<File>>>,
    folder: PathBuf,
    row: Vec<u8>,
}

impl StoreWriter {
    /// For the rows of a file of so many bytes.
    pub(super) fn new(bytes: u64, limits: &Limits) -> Result<Self, SourceError> {
        let count = bytes.div_ceil(limits.partition_bytes).clamp(1, limits.partitions_max.max(1));
        let mut parts = Vec::new();
        if bytes <= limits.partition_bytes {
            parts.push(Part::Memory(Vec::new()));
        } else {
            for _ in 0..count {
                let file = tempfile::tempfile_in(&limits.folder)
                    .map_err(|source| SourceError::Spill { folder: limits.folder.clone(), source })?;
                parts.push(Part::Spilled(BufWriter::with_capacity(BUFFER_BYTES, file)));
            }
        }
        Ok(Self { parts, folder: limits.folder.clone(), row: Vec::new() })
    }

    pub(super) fn push(&mut self, row: &StoredRow<'_>) -> Result<(), SourceError> {
        let count = u128::try_from(self.parts.len()).expect("a count fits 128 bits");
        let part = usize::try_from(u128::from_le_bytes(key_hash(&row.key)) % count).expect("below the count");
        match &mut self.parts[part] {
            Part::Memory(bytes) => row.encode(bytes),
            Part::Spilled(file) => {
                self.row.clear();
                row.encode(&mut self.row);
                file.write_all(&self.row)
                    .map_err(|source| SourceError::Spill { folder: self.folder.clone(), source })?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Store, SourceError> {
        let Self { parts, folder, .. } = self;
        let finish = |part: Part<BufWriter<File>>| match part {
            Part::Memory(bytes) => Ok(Part::Memory(bytes)),
            Part::Spilled(file) => file
                .into_inner()
                .map(Part::Spilled)
                .map_err(|error| SourceError::Spill { folder: folder.clone(), source: error.into_error() }),
        };
        let parts = parts.into_iter().map(finish).collect::<Result<_, _>>()?;
        Ok(Store { parts, folder })
    }
}

/// Has all rows, and gives them case by case.
pub(super) struct Store {
    parts: Vec<Part<File>>,
    folder: PathBuf,
}

impl Store {
    /// Stands before the first case.
    pub(super) fn groups(&self, mapping: &CaseMapping) -> Groups<'_> {
        let whole_cases = mapping.field(Role::Case).is_some();
        Groups { store: self, zone: mapping.form.zone, whole_cases, part: 0, loaded: None }
    }

    fn load(&self, part: usize, zone: FixedOffset) -> Result<Loaded<'_>, SourceError> {
        let bytes = match &self.parts[part] {
            Part::Memory(bytes) => Cow::Borrowed(bytes.as_slice()),
            Part::Spilled(file) => Cow::Owned(
                read_all(file)
                    .map_err(|source| SourceError::Spill { folder: self.folder.clone(), source })?,
            ),
        };
        Loaded::new(bytes, zone)
    }
}

fn read_all(mut file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(file.metadata()?.len()).unwrap_or(0));
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Goes from case to case.
pub(super) struct Groups<'s> {
    store: &'s Store,
    zone: FixedOffset,
    /// False where each row is a case.
    whole_cases: bool,
    /// The next part to load.
    part: usize,
    loaded: Option<Loaded<'s>>,
}

impl Groups<'_> {
    /// Goes to the next case; false where there is none.
    pub(super) fn advance(&mut self) -> Result<bool, SourceError> {
        loop {
            if let Some(loaded) = &mut self.loaded {
                loaded.current += 1;
                if loaded.current < loaded.groups.len() {
                    return Ok(true);
                }
            }
            // The memory of one part is given back before the next is loaded.
            self.loaded = None;
            if self.part == self.store.parts.len() {
                return Ok(false);
            }
            let mut loaded = self.store.load(self.part, self.zone)?;
            self.part += 1;
            if !loaded.groups.is_empty() {
                loaded.current = 0;
                self.loaded = Some(loaded);
                return Ok(true);
            }
        }
    }

    /// The rows of the case, in the order of their lines.
    pub(super) fn rows(&self) -> Result<Vec<StoredRow<'_>>, SourceError> {
        let loaded = self.loaded.as_ref().expect("it stands on a case");
        let entries = &loaded.entries[loaded.groups[loaded.current].entries.clone()];
        if self.whole_cases && entries.len() > CASE_ROWS_MAX {
            let case = loaded.row(entries[0].offset)?.key.into_owned();
            return Err(SourceError::CaseTooLarge { case, rows: entries.len() });
        }
        entries.iter().map(|entry| loaded.row(entry.offset)).collect()
    }
}

struct Loaded<'s> {
    bytes: Cow<'s, [u8]>,
    /// By case, then by place.
    entries: Vec<Entry>,
    /// By earliest time.
    groups: Vec<Group>,
    current: usize,
}

struct Entry {
    key: [u8; 16],
    micros: i64,
    offset: usize,
}

struct Group {
    micros: i64,
    offset: usize,
    entries: Range<usize>,
}

impl<'s> Loaded<'s> {
    fn new(bytes: Cow<'s, [u8]>, zone: FixedOffset) -> Result<Self, SourceError> {
        let mut entries = Vec::new();
        let mut rest = bytes.as_ref();
        while !rest.is_empty() {
            let offset = bytes.len() - rest.len();
            let row = StoredRow::decode(&mut rest).ok_or(SourceError::SpillDamaged)?;
            let micros = row.time.instant(zone).timestamp_micros();
            entries.push(Entry { key: key_hash(&row.key), micros, offset });
        }
        entries.sort_unstable_by_key(|entry| (entry.key, entry.offset));
        let mut groups = Vec::new();
        let mut start = 0;
        for same_case in entries.chunk_by(|left, right| left.key == right.key) {
            let micros = same_case.iter().map(|entry| entry.micros).min().expect("a chunk is not empty");
            let end = start + same_case.len();
            groups.push(Group { micros, offset: same_case[0].offset, entries: start..end });
            start = end;
        }
        groups.sort_unstable_by_key(|group| (group.micros, group.offset));
        Ok(Self { bytes, entries, groups, current: 0 })
    }

    fn row(&self, offset: usize) -> Result<StoredRow<'_>, SourceError> {
        StoredRow::decode(&mut &self.bytes[offset..]).ok_or(SourceError::SpillDamaged)
    }
}

fn key_hash(key: &str) -> [u8; 16] {
    ids::digest("liem import case v1", [key.as_bytes()])
}
