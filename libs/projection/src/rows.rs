//! The rows of a view in memory: what a fold reads and changes.

use std::hash::BuildHasher as _;

use hashbrown::HashTable;

use crate::{Key, PositionSet, key::Part};

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
    Positions(PositionSet),
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

/// A row without its key: as many values as the table has other columns.
pub type Row = Vec<Value>;

/// What a row was when it was summed up last.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Summed {
    /// It is so still, or nothing sums it up.
    #[default]
    Same,
    /// It was this; none if there was no row.
    Was(Option<Row>),
}

/// A row in memory.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) key: Key,
    pub(crate) row: Option<Row>,
    pub(crate) is_changed: bool,
    /// The stretch between two snapshots in which the row in the file was written; none if the file has none.
    pub(crate) since: Option<u64>,
    /// The row as it was summed up last.
    pub(crate) summed: Summed,
    /// The batch that looked at it last.
    used: u64,
}

/// The rows of one table in memory. A slot's place stays until rows are let go of.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    pub(crate) all: Vec<Slot>,
    /// The places, by key.
    places: HashTable<usize>,
    hasher: foldhash::fast::RandomState,
    /// The places of rows to look for in the file.
    pub(crate) wanted: Vec<usize>,
}

impl Slots {
    pub(crate) fn place(&self, key: &Key) -> Option<usize> {
        self.places.find(self.hasher.hash_one(key), |place| self.all[*place].key == *key).copied()
    }

    /// The place of a key, which is wanted from now on if it's new.
    fn name(&mut self, key: Key, batch: u64, is_in_file: impl FnOnce(&Key) -> bool) -> usize {
        let Self { all: slots, places, hasher, wanted } = self;
        let hash = hasher.hash_one(&key);
        if let Some(place) = places.find(hash, |place| slots[*place].key == key) {
            slots[*place].used = batch;
            return *place;
        }
        let place = slots.len();
        if is_in_file(&key) {
            wanted.push(place);
        }
        slots.push(Slot {
            key,
            row: None,
            is_changed: false,
            since: None,
            summed: Summed::Same,
            used: batch,
        });
        places.insert_unique(hash, place, |place| hasher.hash_one(&slots[*place].key));
        place
    }

    fn retain(&mut self, keep: impl Fn(&Slot) -> bool) {
        self.all.retain(|slot| keep(slot));
        self.places.clear();
        let Self { all: slots, places, hasher, .. } = self;
        for (place, slot) in slots.iter().enumerate() {
            places.insert_unique(hasher.hash_one(&slot.key), place, |place| {
                hasher.hash_one(&slots[*place].key)
            });
        }
    }

    fn clear(&mut self) {
        self.all.clear();
        self.places.clear();
        self.wanted.clear();
    }
}

/// The rows in memory.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) tables: Vec<Slots>,
    of: &'static [Table],
    /// The table whose rows are summed up in others.
    summed: Option<usize>,
    /// How far the file has come.
    pub(crate) reached: u64,
    batch: u64,
}

/// The place of a row in memory: table and slot.
type Place = (usize, usize);

/// The rows that an entry touches: each is known to the fold by its number, in the order they were named.
#[derive(Debug)]
pub struct Keys<'a> {
    rows: &'a mut Rows,
    named: &'a mut Vec<Place>,
}

impl Keys<'_> {
    /// Names a row. `table` is its place in [`crate::View::TABLES`].
    pub fn add(&mut self, table: usize, key: Key) {
        let Rows { tables, of, reached, batch, .. } = &mut *self.rows;
        let is_in_file = |key: &Key| match of[table].spans {
            Some(spans) => match key.parts().nth(spans.column) {
                Some(Part::Int(span)) => {
                    u64::try_from(span).is_ok_and(|span| span.saturating_mul(spans.positions) < *reached)
                }
                _ => true,
            },
            None => true,
        };
        let place = tables[table].name(key, *batch, is_in_file);
        self.named.push((table, place));
    }
}

/// The rows that a fold may look at and change: those that its entry named, by their number in that order.
#[derive(Debug)]
pub struct Named<'a> {
    rows: &'a mut Rows,
    named: &'a [Place],
}

impl Named<'_> {
    /// A row, if there is one.
    pub fn get(&self, number: usize) -> Option<&Row> {
        let (table, place) = self.named[number];
        self.rows.tables[table].all[place].row.as_ref()
    }

    /// A row to change: set it to make it, take it to delete it.
    pub fn change(&mut self, number: usize) -> &mut Option<Row> {
        let (table, place) = self.named[number];
        let slot = &mut self.rows.tables[table].all[place];
        slot.is_changed = true;
        if self.rows.summed == Some(table) && slot.summed == Summed::Same {
            slot.summed = Summed::Was(slot.row.clone());
        }
        &mut slot.row
    }

    /// How many rows there are.
    pub fn count(&self) -> usize {
        self.named.len()
    }
}

impl Rows {
    pub(crate) fn new(of: &'static [Table], summed: Option<usize>) -> Self {
        let tables = of.iter().map(|_| Slots::default()).collect();
        Self { tables, of, summed, reached: 0, batch: 0 }
    }

    pub(crate) fn keys<'a>(&'a mut self, named: &'a mut Vec<Place>) -> Keys<'a> {
        Keys { rows: self, named }
    }

    pub(crate) fn named<'a>(&'a mut self, named: &'a [Place]) -> Named<'a> {
        Named { rows: self, named }
    }

    fn len(&self) -> usize {
        self.tables.iter().map(|table| table.all.len()).sum()
    }

    pub(crate) fn clear(&mut self) {
        self.tables.iter_mut().for_each(Slots::clear);
    }

    /// Lets go of what the batch that ends did not look at, if there is more than `limit`.
    pub(crate) fn end_batch(&mut self, limit: usize) {
        if self.len() > limit {
            let batch = self.batch;
            self.tables.iter_mut().for_each(|slots| slots.retain(|slot| slot.used == batch));
        }
        if self.len() > 2 * limit {
            self.clear();
        }
        self.batch += 1;
    }
}
