//! The rows of a view in memory: what a fold reads and changes.

use std::collections::{HashMap, HashSet};

use crate::Positions;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Int,
    /// Text.
    Text,
    /// A set of positions.
    Positions,
}

/// A column: its name and what it holds. Columns outside the key can be null.
pub type Column = (&'static str, Kind);

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

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
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

/// The keys that an entry touches, by table.
#[derive(Debug, Default)]
pub struct Keys {
    pub(crate) named: HashSet<(usize, Key)>,
}

impl Keys {
    /// Names a row. `table` is its place in [`crate::View::TABLES`].
    pub fn add<const N: usize>(&mut self, table: usize, key: [KeyPart; N]) {
        self.named.insert((table, key.into()));
    }
}

#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) row: Option<Row>,
    pub(crate) is_changed: bool,
}

/// The rows in memory.
#[derive(Debug)]
pub struct Rows {
    pub(crate) tables: Vec<HashMap<Key, Slot>>,
}

impl Rows {
    pub(crate) fn new(tables: usize) -> Self {
        Self { tables: (0..tables).map(|_| HashMap::new()).collect() }
    }

    /// A row, if there is one. The entry must have named it.
    pub fn get(&self, table: usize, key: &Key) -> Option<&Row> {
        let slot = self.tables[table].get(key);
        slot.expect("a fold looks only at rows that its entry named").row.as_ref()
    }

    /// A row to change; set it to make it. The entry must have named it.
    pub fn change(&mut self, table: usize, key: &Key) -> &mut Option<Row> {
        let slot = self.tables[table].get_mut(key);
        let slot = slot.expect("a fold changes only rows that its entry named");
        slot.is_changed = true;
        &mut slot.row
    }

    pub(crate) fn len(&self) -> usize {
        self.tables.iter().map(HashMap::len).sum()
    }

    pub(crate) fn clear(&mut self) {
        self.tables.iter_mut().for_each(HashMap::clear);
    }
}
