//! The digest of a view: BLAKE3 over its rows in key order, the same wherever the same prefix was folded.

use futures::TryStreamExt as _;
use sqlx::{AssertSqlSafe, SqliteConnection};

use crate::{History, Key, Row, Table, Value, View, ViewError, key::Part, sql};

/// The digest of a view's rows as the connection sees them, at a position.
pub(crate) async fn of<V: View>(
    connection: &mut SqliteConnection,
    position: u64,
) -> Result<String, ViewError> {
    let mut digest = Digest::new::<V>(position);
    for table in V::TABLES {
        digest.table(table);
        let mut rows = rows(connection, table, position);
        while let Some((key, row)) = rows.try_next().await? {
            digest.row(&key, &row);
        }
    }
    Ok(digest.finish())
}

/// The rows of a table in key order, with positions up to and including one.
pub(crate) fn rows<'c>(
    connection: &'c mut SqliteConnection,
    table: &'static Table,
    position: u64,
) -> impl futures::Stream<Item = Result<(Key, Row), ViewError>> + Unpin + Send + 'c {
    let columns = sql::columns(table, "");
    let sql = format!("SELECT {columns} FROM {} ORDER BY {}", table.name, sql::key(table, ""));
    Box::pin(sqlx::query(AssertSqlSafe(sql)).fetch(connection).err_into().try_filter_map(move |found| {
        let row = sql::row(table, &found).map(|(key, row)| Some((key, up_to(table, row, position)?)));
        std::future::ready(row)
    }))
}

/// The row as it was at a position; none where it has only later ones.
fn up_to(table: &Table, mut row: Row, position: u64) -> Option<Row> {
    if table.history == History::Versions {
        return Some(row);
    }
    let (mut left, mut is_cut) = (0, false);
    for value in &mut row {
        if let Value::Positions(positions) = value {
            is_cut |= positions.cut(position);
            left += positions.len();
        }
    }
    for value in row.iter_mut().filter(|_| is_cut) {
        if let Value::Int(number) = value {
            *number = sql::stored(left);
        }
    }
    (left > 0).then_some(row)
}

/// A digest that is being made, table by table and row by row.
pub(crate) struct Digest(blake3::Hasher);

impl Digest {
    pub(crate) fn new<V: View>(position: u64) -> Self {
        let mut digest = Self(blake3::Hasher::new());
        digest.part(V::NAME.as_bytes());
        digest.part(&V::VERSION.to_le_bytes());
        digest.part(&position.to_le_bytes());
        digest
    }

    fn part(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    pub(crate) fn table(&mut self, table: &Table) {
        self.part(table.name.as_bytes());
    }

    pub(crate) fn row(&mut self, key: &Key, row: &Row) {
        for part in key.parts() {
            match part {
                Part::Int(n) => self.int(n),
                Part::Text(text) => self.text(&text),
            }
        }
        // Each value is told apart by its type, so that 1 and "1" don't hash alike.
        for value in row {
            match value {
                Value::Null => self.part(b"n"),
                Value::Int(n) => self.int(*n),
                Value::Text(text) => self.text(text),
                Value::Bytes(bytes) => {
                    self.part(b"b");
                    self.part(bytes);
                }
                // Each position, not the set as stored: that can be written in more ways than one.
                Value::Positions(positions) => {
                    let bytes: Vec<u8> = positions.iter().flat_map(u64::to_le_bytes).collect();
                    self.part(b"p");
                    self.part(&bytes);
                }
            }
        }
    }

    fn int(&mut self, n: i64) {
        self.part(b"i");
        self.part(&n.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.part(b"t");
        self.part(text.as_bytes());
    }

    pub(crate) fn finish(self) -> String {
        self.0.finalize().to_hex().to_string()
    }
}
