//! Trails as intersections of posting lists.

use std::collections::BTreeMap;

use projection::{Positions, Snapshot, ViewError};

use crate::view::{segment, stretch};

/// One page of positions.
pub(crate) struct PositionPage {
    pub(crate) positions: Vec<u64>,
    /// True if more lie past the last.
    pub(crate) has_more: bool,
}

/// What is looked for: all of these hold, each a list of alternatives.
pub(crate) type Terms = [Vec<String>];

/// The codes whose history is a code's own: itself first, then all that were merged into it on any way, by the
/// snapshot's position.
pub(crate) async fn answered_for(
    snapshot: &mut Snapshot,
    role: &str,
    code: &str,
) -> Result<Vec<String>, ViewError> {
    let mut found = vec![code.to_owned()];
    let mut next = 0;
    while let Some(code) = found.get(next).cloned() {
        next += 1;
        let merged: Vec<(String, Vec<u8>)> =
            sqlx::query_as("SELECT code, positions FROM mergers WHERE role = ? AND successor = ?")
                .bind(role)
                .bind(code)
                .fetch_all(&mut *snapshot.tx)
                .await?;
        for (merged, positions) in merged {
            let is_known = Snapshot::positions(&positions)?.min().is_some_and(|at| at <= snapshot.position);
            // A circle of mergers ends where it began.
            if is_known && !found.contains(&merged) {
                found.push(merged);
            }
        }
    }
    Ok(found)
}

/// The proceedings against an official, or from a report, by the snapshot's position.
pub(crate) async fn proceedings(
    snapshot: &mut Snapshot,
    role: &str,
    id: &str,
) -> Result<Vec<String>, ViewError> {
    let found: Vec<(String, Vec<u8>)> =
        sqlx::query_as("SELECT proceeding, positions FROM proceedings WHERE role = ? AND id = ?")
            .bind(role)
            .bind(id)
            .fetch_all(&mut *snapshot.tx)
            .await?;
    let mut known = Vec::new();
    for (proceeding, positions) in found {
        if Snapshot::positions(&positions)?.min().is_some_and(|at| at <= snapshot.position) {
            known.push(proceeding);
        }
    }
    Ok(known)
}

/// The positions of the entries that have all terms, past a position, newest or oldest first, up to and
/// including that of the snapshot.
pub(crate) async fn positions(
    snapshot: &mut Snapshot,
    terms: &Terms,
    past: u64,
    is_newest_first: bool,
    limit: usize,
) -> Result<PositionPage, ViewError> {
    let mut found = Vec::with_capacity(limit + 1);
    let as_of = snapshot.position;
    let (low, high) = match (is_newest_first, past) {
        (true, 0) => (0, as_of),
        (true, past) => (0, as_of.min(past - 1)),
        (false, past) => (past, as_of),
    };
    // Where one posting list is read from its end, its last segments are mostly all there is to read.
    if let [alternatives] = terms
        && let [term] = alternatives.as_slice()
        && is_newest_first
        && low < high
    {
        let found = newest(snapshot, term, high, limit + 1).await?;
        if found.len() > limit {
            return Ok(PositionPage { positions: found[..limit].to_vec(), has_more: true });
        }
    }
    if low < high {
        let mut stretches = stretches(snapshot, terms, low + 1, high).await?;
        if is_newest_first {
            stretches.reverse();
        }
        for number in stretches {
            let mut matching = matching(snapshot, terms, number).await?;
            matching.remove_range(..=low);
            matching.remove_range(high + 1..);
            let rest = limit + 1 - found.len();
            if is_newest_first {
                found.extend(matching.iter().rev().take(rest));
            } else {
                found.extend(matching.iter().take(rest));
            }
            if found.len() > limit {
                found.truncate(limit);
                return Ok(PositionPage { positions: found, has_more: true });
            }
        }
    }
    Ok(PositionPage { positions: found, has_more: false })
}

/// The newest positions of a term up to one, at most so many, as far as they lie in the last two segments.
async fn newest(snapshot: &mut Snapshot, term: &str, high: u64, limit: usize) -> Result<Vec<u64>, ViewError> {
    let last = segment(high);
    let rows: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT positions FROM posting WHERE stretch = ? AND term = ? AND segment BETWEEN ? AND ? \
         ORDER BY segment DESC",
    )
    .bind(stretch(high))
    .bind(term)
    .bind(last - 1)
    .bind(last)
    .fetch_all(&mut *snapshot.tx)
    .await?;
    let mut found = Vec::with_capacity(limit);
    for bytes in rows {
        let mut positions = Snapshot::positions(&bytes)?;
        positions.remove_range(high + 1..);
        found.extend(positions.iter().rev().take(limit - found.len()));
    }
    Ok(found)
}

/// How many entries have all terms.
pub(crate) async fn count(snapshot: &mut Snapshot, terms: &Terms) -> Result<u64, ViewError> {
    let as_of = snapshot.position;
    // One posting list says its numbers itself, but for the segment that goes on past the snapshot's position.
    if let [alternatives] = terms
        && let [term] = alternatives.as_slice()
    {
        let (before, last): (i64, Option<Vec<u8>>) = sqlx::query_as(
            "WITH RECURSIVE asked(n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM asked WHERE n < ?1) \
             SELECT (SELECT coalesce(sum(number), 0) FROM asked CROSS JOIN posting \
             ON stretch = n AND term = ?2 AND segment < ?3), \
             (SELECT positions FROM posting WHERE stretch = ?1 AND term = ?2 AND segment = ?3)",
        )
        .bind(stretch(as_of))
        .bind(term)
        .bind(segment(as_of))
        .fetch_one(&mut *snapshot.tx)
        .await?;
        let last = last.map(|bytes| Snapshot::positions(&bytes)).transpose()?;
        return Ok(u64::try_from(before).unwrap_or(0) + last.map_or(0, |positions| positions.rank(as_of)));
    }
    let mut total = 0;
    for number in stretches(snapshot, terms, 1, as_of).await? {
        total += matching(snapshot, terms, number).await?.rank(as_of);
    }
    Ok(total)
}

/// The position of the `place`-th entry that has all terms, from 1, oldest first; none past the last.
pub(crate) async fn position_at(
    snapshot: &mut Snapshot,
    terms: &Terms,
    place: u64,
) -> Result<Option<u64>, ViewError> {
    let as_of = snapshot.position;
    let Some(mut rest) = place.checked_sub(1) else { return Ok(None) };
    for number in stretches(snapshot, terms, 1, as_of).await? {
        let matching = matching(snapshot, terms, number).await?;
        if let Some(position) = matching.select(rest) {
            return Ok(Some(position).filter(|position| *position <= as_of));
        }
        rest -= matching.len();
    }
    Ok(None)
}

/// The stretches between two positions in which one of the first terms occurs, in order.
async fn stretches(
    snapshot: &mut Snapshot,
    terms: &Terms,
    low: u64,
    high: u64,
) -> Result<Vec<i64>, ViewError> {
    let mut stretches = Vec::new();
    for term in terms.first().into_iter().flatten() {
        let found: Vec<i64> = sqlx::query_scalar(
            "WITH RECURSIVE asked(n) AS (VALUES (?1) UNION ALL SELECT n + 1 FROM asked WHERE n < ?2) \
             SELECT n FROM asked WHERE EXISTS (SELECT 1 FROM posting WHERE stretch = n AND term = ?3)",
        )
        .bind(stretch(low))
        .bind(stretch(high))
        .bind(term)
        .fetch_all(&mut *snapshot.tx)
        .await?;
        stretches.extend(found);
    }
    stretches.sort_unstable();
    stretches.dedup();
    Ok(stretches)
}

/// The positions in a stretch at which all terms occur.
async fn matching(snapshot: &mut Snapshot, terms: &Terms, stretch: i64) -> Result<Positions, ViewError> {
    let mut matching: Option<Positions> = None;
    for alternatives in terms {
        let mut union: BTreeMap<i64, Positions> = BTreeMap::new();
        for term in alternatives {
            let found: Vec<(i64, Vec<u8>)> =
                sqlx::query_as("SELECT segment, positions FROM posting WHERE stretch = ? AND term = ?")
                    .bind(stretch)
                    .bind(term)
                    .fetch_all(&mut *snapshot.tx)
                    .await?;
            for (segment, bytes) in found {
                *union.entry(segment).or_default() |= Snapshot::positions(&bytes)?;
            }
        }
        let mut positions = Positions::new();
        for segment in union.into_values() {
            positions |= segment;
        }
        matching = Some(match matching {
            None => positions,
            Some(matching) => matching & positions,
        });
    }
    Ok(matching.unwrap_or_default())
}
