//! The rows of a view in memory: what a fold reads and changes.

use std::collections::HashMap;

use crate::Positions;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Int,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// A set of positions.
    Positions,
}

/// A column: its name and what it holds. Columns outside the key can be null.
pub type Column = (&'static str, Kind);

/// How a table answers as of an earlier position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// A row is a set of positions that only grows, and may say their number: a query leaves out the later
    /// ones.
    Positions,
    /// Its rows change: each row that changes is first put aside as it was at the last snapshot.
    Versions,
}

/// A key column that numbers spans of so many positions, such as segments of a posting list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spans {
    /// The place of the column in the key.
    pub column: usize,
    /// Positions in a span: position `p` lies in span `(p - 1) / positions`.
    pub positions: u64,
}

/// A table of a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// The columns of its key, in order.
    pub key: &'static [Column],
    /// Its other columns, in order.
    pub columns: &'static [Column],
    /// Indexes for queries: each a list of columns as in SQL.
    pub indexes: &'static [&'static str],
    /// How it answers as of an earlier position.
    pub history: History,
    /// Where rows belong to a span of positions: what lies in a span that the view has not reached needn't
    /// be looked for in the file.
    pub spans: Option<Spans>,
}

/// A value of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A whole number.
    Int(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A set of positions.
    Positions(Positions),
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Value {
    /// The number, if it is one.
    pub fn int(&self) -> Option<i64> {
        match self {
            Self::Int(n) => Some(*n),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// A part of a row's key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyPart {
    /// A whole number.
    Int(i64),
    /// Text.
    Text(String),
}

impl From<i64> for KeyPart {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl From<&str> for KeyPart {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A row's key: as many parts as the table's key has columns.
pub type Key = Vec<KeyPart>;

/// A row without its key: as many values as the table has other columns.
pub type Row = Vec<Value>;

#[derive(Debug, Default)]
pub(crate) struct Slot {
    pub(crate) row: Option<Row>,
    pub(crate) is_changed: bool,
    /// The snapshot in whose stretch the row in the file was written; none if the file has none.
    pub(crate) since: Option<u64>,
    /// The row as it was summed up last, where it has changed since.
    pub(crate) summed: Option<Option<Row>>,
    /// The batch that looked at it last.
    used: u64,
}

type Slots = HashMap<Key, Slot, foldhash::fast::RandomState>;

/// The rows in memory.
#[derive(Debug)]
pub struct Rows {
    pub(crate) tables: Vec<Slots>,
    /// The rows to look for in the file, by table.
    pub(crate) wanted: Vec<Vec<Key>>,
    /// The table whose rows are summed up in others.
    summed: Option<usize>,
    batch: u64,
}

/// The keys that an entry touches.
#[derive(Debug)]
pub struct Keys<'a>(&'a mut Rows);

impl Keys<'_> {
    /// Names a row. `table` is its place in [`crate::View::TABLES`].
    pub fn add<const N: usize>(&mut self, table: usize, key: [KeyPart; N]) {
        self.add_key(table, key.into());
    }

    /// Names a row by a key that is made already.
    pub fn add_key(&mut self, table: usize, key: Key) {
        let Rows { tables, wanted, batch, .. } = &mut *self.0;
        if let Some(slot) = tables[table].get_mut(&key) {
            slot.used = *batch;
            return;
        }
        wanted[table].push(key.clone());
        tables[table].insert(key, Slot { used: *batch, ..Slot::default() });
    }
}

impl Rows {
    pub(crate) fn new(tables: usize, summed: Option<usize>) -> Self {
        Self {
            tables: (0..tables).map(|_| HashMap::default()).collect(),
            wanted: vec![Vec::new(); tables],
            summed,
            batch: 0,
        }
    }

    pub(crate) fn keys(&mut self) -> Keys<'_> {
        Keys(self)
    }

    /// A row, if there is one. The entry must have named it.
    pub fn get(&self, table: usize, key: &Key) -> Option<&Row> {
        let slot = self.tables[table].get(key);
        slot.expect("a fold looks only at rows that its entry named").row.as_ref()
    }

    /// A row to change: set it to make it, take it to delete it. The entry must have named it.
    pub fn change(&mut self, table: usize, key: &Key) -> &mut Option<Row> {
        let slot = self.tables[table].get_mut(key);
        let slot = slot.expect("a fold changes only rows that its entry named");
        slot.is_changed = true;
        if self.summed == Some(table) && slot.summed.is_none() {
            slot.summed = Some(slot.row.clone());
        }
        &mut slot.row
    }

    pub(crate) fn len(&self) -> usize {
        self.tables.iter().map(HashMap::len).sum()
    }

    pub(crate) fn clear(&mut self) {
        self.tables.iter_mut().for_each(HashMap::clear);
        self.wanted.iter_mut().for_each(Vec::clear);
    }

    /// Lets go of what the batch that ends did not look at, if there is more than `limit`.
    pub(crate) fn end_batch(&mut self, limit: usize) {
        if self.len() > limit {
            let batch = self.batch;
            self.tables.iter_mut().for_each(|slots| slots.retain(|_, slot| slot.used == batch));
        }
        if self.len() > 2 * limit {
            self.tables.iter_mut().for_each(HashMap::clear);
        }
        self.batch += 1;
    }
}
