//! The cases, or steps, behind a figure.

use projection::{Positions, Snapshot, ViewError};
use proto::leaderboard as pb;
use sqlx::{AssertSqlSafe, Row as _};

use crate::{board::Query, figures};

/// A page of an explanation.
pub(crate) struct Explanation {
    pub(crate) lines: Vec<pb::ExplainLine>,
    /// Where to go on; none on the last page.
    pub(crate) next: Option<String>,
    /// Lines on all pages.
    pub(crate) total: u64,
}

/// The cases behind a figure of a subject, by code, past the code in `past`.
pub(crate) async fn cases(
    snapshot: &mut Snapshot,
    query: &Query,
    subject: &str,
    figure: &figures::Explained,
    past: &str,
    limit: usize,
) -> Result<Explanation, ViewError> {
    let (column, condition, value) = (query.by.column(), &figure.cases, &figure.value);
    let of_subject = format!("FROM cases WHERE {column} = ?4 AND {condition}");
    // Only constant pieces are joined; every value is bound.
    let total: i64 = sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) {of_subject}")))
        .bind(query.from)
        .bind(query.until)
        .bind(query.judged_at)
        .bind(subject)
        .fetch_one(&mut *snapshot.tx)
        .await?;
    let positions = figure.positions.join(", ");
    let sql = format!("SELECT code, {value}, {positions} {of_subject} AND code > ?5 ORDER BY code LIMIT ?6");
    let found = sqlx::query(AssertSqlSafe(sql))
        .bind(query.from)
        .bind(query.until)
        .bind(query.judged_at)
        .bind(subject)
        .bind(past)
        .bind(i64::try_from(limit + 1).unwrap_or(i64::MAX))
        .fetch_all(&mut *snapshot.tx)
        .await?;
    let mut lines = Vec::with_capacity(limit);
    for row in found.iter().take(limit) {
        let mut positions = Vec::new();
        for i in 0..figure.positions.len() {
            let position: Option<i64> = row.try_get(i + 2)?;
            positions.extend(position.and_then(|p| u64::try_from(p).ok()));
        }
        positions.sort_unstable();
        positions.dedup();
        lines.push(pb::ExplainLine { case: row.try_get(0)?, value: row.try_get(1)?, positions });
    }
    let next = if found.len() > limit { lines.last().map(|line| line.case.clone()) } else { None };
    Ok(Explanation { lines, next, total: u64::try_from(total).unwrap_or(0) })
}

/// The steps behind a subject's count, by position, past the position in `past`.
pub(crate) async fn steps(
    snapshot: &mut Snapshot,
    query: &Query,
    subject: &str,
    past: u64,
    limit: usize,
) -> Result<Explanation, ViewError> {
    let (first, last) = query.days();
    let sql = format!("SELECT positions FROM steps WHERE {} = ? AND day BETWEEN ? AND ?", query.by.column());
    let found: Vec<Vec<u8>> = sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(subject)
        .bind(first)
        .bind(last)
        .fetch_all(&mut *snapshot.tx)
        .await?;
    let mut all = Positions::new();
    for bytes in &found {
        all |= Snapshot::positions(bytes)?;
    }
    let total = all.len();
    all.remove_range(..=past);
    let lines: Vec<_> = all
        .iter()
        .take(limit)
        .map(|position| pb::ExplainLine { case: String::new(), value: 1, positions: vec![position] })
        .collect();
    let is_last = all.len() <= limit as u64;
    let next = lines.last().filter(|_| !is_last).map(|line| line.positions[0].to_string());
    Ok(Explanation { lines, next, total })
}
