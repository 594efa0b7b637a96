//! The digest of a view: BLAKE3 over its rows in key order, the same wherever the same prefix was folded.

use futures::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Column as _, Row as _, SqliteConnection, TypeInfo as _, ValueRef as _};

use crate::{Table, ViewError};

/// The digest of the tables as the connection's snapshot has them.
pub(crate) async fn digest(
    connection: &mut SqliteConnection,
    name: &str,
    version: u32,
    position: u64,
    tables: &[Table],
) -> Result<String, ViewError> {
    let mut hasher = blake3::Hasher::new();
    let mut part = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    part(name.as_bytes());
    part(&version.to_le_bytes());
    part(&position.to_le_bytes());
    for table in tables {
        part(table.name.as_bytes());
        let key: Vec<_> = table.key.iter().map(|(name, _)| *name).collect();
        let sql = format!("SELECT * FROM {} ORDER BY {}", table.name, key.join(", "));
        let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            for column in row.columns() {
                let value = row.try_get_raw(column.ordinal())?;
                // Each value is told apart by its type, so that 1 and "1" don't hash alike.
                match (value.is_null(), value.type_info().name()) {
                    (true, _) => part(b"n"),
                    (false, "INTEGER") => {
                        let n: i64 = row.try_get(column.ordinal())?;
                        part(b"i");
                        part(&n.to_le_bytes());
                    }
                    (false, "TEXT") => {
                        part(b"t");
                        part(row.try_get::<&str, _>(column.ordinal())?.as_bytes());
                    }
                    (false, _) => {
                        part(b"b");
                        part(row.try_get::<&[u8], _>(column.ordinal())?);
                    }
                }
            }
        }
    }
    Ok(hasher.finalize().to_hex().to_string())
}
