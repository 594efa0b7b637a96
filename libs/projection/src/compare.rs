//! Two generations side by side, row by row, at one position.

use std::cmp::Ordering;

use futures::TryStreamExt as _;
use proto::view as pb;
use serde_json::{Map, json};
use tokio::sync::mpsc;
use tonic::Status;

use crate::{
    Key, Row, Snapshot, Table, Value, View, ViewError,
    digest::{self, Digest},
    key,
};

/// A part of a comparison's answer.
pub(crate) type Part = Result<pb::CompareGenerationsResponse, Status>;

/// What two generations differ in. The first rows that differ, so many at most, are sent as they are found.
pub(crate) async fn compare<V: View>(
    (mut here, mut other): (Snapshot, Snapshot),
    parts: &mpsc::Sender<Part>,
    limit: usize,
) -> Result<pb::ComparisonSummary, ViewError> {
    let position = here.position;
    let (mut digest, mut other_digest) = (Digest::new::<V>(position), Digest::new::<V>(position));
    let mut summary = pb::ComparisonSummary { position, ..Default::default() };
    let mut told = 0;
    for table in V::TABLES {
        let mut count = pb::TableComparison { table: table.name.to_owned(), ..Default::default() };
        digest.table(table);
        other_digest.table(table);
        let mut rows = digest::rows(&mut here.tx, table, position);
        let mut other_rows = digest::rows(&mut other.tx, table, position);
        let (mut left, mut right) = (rows.try_next().await?, other_rows.try_next().await?);
        loop {
            let order = match (&left, &right) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((key, _)), Some((other_key, _))) => key.cmp(other_key),
            };
            let (mut from_here, mut from_other) = (None, None);
            if order.is_le() {
                from_here = std::mem::replace(&mut left, rows.try_next().await?);
            }
            if order.is_ge() {
                from_other = std::mem::replace(&mut right, other_rows.try_next().await?);
            }
            if let Some((key, row)) = &from_here {
                digest.row(key, row);
            }
            if let Some((key, row)) = &from_other {
                other_digest.row(key, row);
            }
            match (&from_here, &from_other) {
                (Some((_, row)), Some((_, other))) if row == other => {
                    count.equal_count += 1;
                    continue;
                }
                (Some(_), Some(_)) => count.changed_count += 1,
                (Some(_), None) => count.only_here_count += 1,
                (None, _) => count.only_other_count += 1,
            }
            if told < limit {
                told += 1;
                let difference = difference(table, from_here.as_ref(), from_other.as_ref());
                let part = pb::compare_generations_response::Part::Difference(difference);
                // The caller may have gone; the rest is counted all the same, which is soon done.
                drop(parts.send(Ok(pb::CompareGenerationsResponse { part: Some(part) })).await);
            }
        }
        summary.tables.push(count);
    }
    summary.digest = digest.finish();
    summary.other_digest = other_digest.finish();
    Ok(summary)
}

fn difference(table: &Table, here: Option<&(Key, Row)>, other: Option<&(Key, Row)>) -> pb::RowDifference {
    let parts = here.or(other).into_iter().flat_map(|(key, _)| key.parts());
    let key: Vec<_> = parts
        .map(|part| match part {
            key::Part::Int(n) => json!(n),
            key::Part::Text(text) => json!(text),
        })
        .collect();
    let text = |row: Option<&(Key, Row)>| row.map_or_else(String::new, |(_, row)| object(table, row));
    pb::RowDifference {
        table: table.name.to_owned(),
        key: json!(key).to_string(),
        row: text(here),
        other_row: text(other),
    }
}

fn object(table: &Table, row: &Row) -> String {
    let fields = table.columns.iter().zip(row).map(|((name, _), value)| {
        let value = match value {
            Value::Null => json!(null),
            Value::Int(n) => json!(n),
            Value::Text(text) => json!(text),
            Value::Bytes(bytes) => json!(blake3::hash(bytes).to_hex()[..16]),
            Value::Positions(positions) => json!({ "count": positions.len(), "last": positions.last() }),
        };
        ((*name).to_owned(), value)
    });
    serde_json::Value::Object(fields.collect::<Map<_, _>>()).to_string()
}
