//! Trails as intersections of posting lists.

use projection::{Positions, Snapshot, ViewError};

use crate::view::segment;

/// One page of positions.
pub(crate) struct PositionPage {
    pub(crate) positions: Vec<u64>,
    /// True if more lie past the last.
    pub(crate) has_more: bool,
}

/// The positions of the entries that have all terms, past a position, newest or oldest first, up to and
/// including `as_of`.
pub(crate) async fn positions(
    snapshot: &mut Snapshot,
    terms: &[Vec<String>],
    past: u64,
    is_newest_first: bool,
    as_of: u64,
    limit: usize,
) -> Result<PositionPage, ViewError> {
    let mut found = Vec::with_capacity(limit);
    let (low, high) = match (is_newest_first, past) {
        (true, 0) => (0, as_of),
        (true, past) => (0, as_of.min(past - 1)),
        (false, past) => (past, as_of),
    };
    if low >= high {
        return Ok(PositionPage { positions: found, has_more: false });
    }
    let Some((first, others)) = terms.split_first() else {
        return Ok(PositionPage { positions: found, has_more: false });
    };
    let segments = segments(snapshot, first, segment(low), segment(high), is_newest_first).await?;
    for number in segments {
        let mut matching = union(snapshot, first, number).await?;
        for alternatives in others {
            matching &= union(snapshot, alternatives, number).await?;
        }
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
    Ok(PositionPage { positions: found, has_more: false })
}

/// How many entries up to `as_of` have all terms.
pub(crate) async fn count(
    snapshot: &mut Snapshot,
    terms: &[Vec<String>],
    as_of: u64,
) -> Result<u64, ViewError> {
    let Some((first, others)) = terms.split_first() else { return Ok(0) };
    let mut total = 0;
    for number in segments(snapshot, first, 0, segment(as_of), false).await? {
        let mut matching = union(snapshot, first, number).await?;
        for alternatives in others {
            matching &= union(snapshot, alternatives, number).await?;
        }
        total += matching.rank(as_of);
    }
    Ok(total)
}

/// The position of the `place`-th entry that has all terms, from 1, oldest first; none past the last.
pub(crate) async fn position_at(
    snapshot: &mut Snapshot,
    terms: &[Vec<String>],
    place: u64,
    as_of: u64,
) -> Result<Option<u64>, ViewError> {
    let Some((first, others)) = terms.split_first() else { return Ok(None) };
    let Some(mut rest) = place.checked_sub(1) else { return Ok(None) };
    for number in segments(snapshot, first, 0, segment(as_of), false).await? {
        let mut matching = union(snapshot, first, number).await?;
        for alternatives in others {
            matching &= union(snapshot, alternatives, number).await?;
        }
        if let Some(position) = matching.select(rest) {
            return Ok(Some(position).filter(|position| *position <= as_of));
        }
        rest -= matching.len();
    }
    Ok(None)
}

/// The segments in which one of the terms occurs, in order.
async fn segments(
    snapshot: &mut Snapshot,
    terms: &[String],
    low: i64,
    high: i64,
    is_newest_first: bool,
) -> Result<Vec<i64>, ViewError> {
    let mut segments = Vec::new();
    for term in terms {
        let found: Vec<i64> =
            sqlx::query_scalar("SELECT segment FROM posting WHERE term = ? AND segment BETWEEN ? AND ?")
                .bind(term)
                .bind(low)
                .bind(high)
                .fetch_all(&mut *snapshot.tx)
                .await?;
        segments.extend(found);
    }
    segments.sort_unstable();
    segments.dedup();
    if is_newest_first {
        segments.reverse();
    }
    Ok(segments)
}

/// The positions in a segment at which one of the terms occurs.
async fn union(snapshot: &mut Snapshot, terms: &[String], segment: i64) -> Result<Positions, ViewError> {
    let mut positions = Positions::new();
    for term in terms {
        let bytes: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT positions FROM posting WHERE term = ? AND segment = ?")
                .bind(term)
                .bind(segment)
                .fetch_optional(&mut *snapshot.tx)
                .await?;
        if let Some(bytes) = bytes {
            positions |= Snapshot::positions(&bytes)?;
        }
    }
    Ok(positions)
}
