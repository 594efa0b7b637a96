//! The cases, or steps, behind a figure.

use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use projection::{Positions, Snapshot, ViewError};
use proto::leaderboard as pb;
use sqlx::{AssertSqlSafe, Row as _};

use crate::{
    board::Query,
    case::{self, Case},
    fair::Share,
    figures, strata,
};

/// A page of an explanation.
pub(crate) struct Explanation {
    pub(crate) lines: Vec<pb::ExplainLine>,
    /// Where to go on; none on the last page.
    pub(crate) next: Option<String>,
    /// Lines on all pages.
    pub(crate) total: u64,
    /// The strata of the cases on all pages, where the figure depends on them.
    pub(crate) strata: BTreeMap<u32, Explained>,
}

/// What a row has of a stratum.
#[derive(Default)]
pub(crate) struct Explained {
    pub(crate) procedure: String,
    /// As [`crate::view::code_of`] gives it.
    pub(crate) channel: Option<i64>,
    pub(crate) share: Share,
}

/// So many places for values.
pub(crate) fn places(number: usize) -> String {
    vec!["?"; number].join(", ")
}

/// The cases behind a figure of a row, by code, past the code in `past`. The row is of some subjects.
pub(crate) async fn cases(
    snapshot: &mut Snapshot,
    query: &Query,
    subjects: &[&str],
    figure: pb::Figure,
    past: &str,
    limit: usize,
) -> Result<Explanation, ViewError> {
    let (column, places) = (query.by.column(), places(subjects.len()));
    let sql = format!("SELECT code, {} FROM cases WHERE {column} IN ({places})", case::COLUMNS);
    let asked = subjects.iter().fold(sqlx::query(AssertSqlSafe(sql)), |asked, subject| asked.bind(*subject));
    let mut found = asked.fetch(&mut *snapshot.tx);
    let (mut total, mut strata) = (0, BTreeMap::<u32, Explained>::new());
    // The page, and one line more that tells whether another follows.
    let mut lines: BTreeMap<String, pb::ExplainLine> = BTreeMap::new();
    while let Some(row) = found.try_next().await? {
        let case = Case::from_found(&row, 1)?;
        let Some(value) = figures::value(&case, figure, query) else { continue };
        total += 1;
        if figure == pb::Figure::ObservedToExpected {
            let stratum = strata::stratum(case.procedure.as_deref(), case.channel);
            let explained = strata.entry(stratum).or_insert_with(|| Explained {
                procedure: case.procedure.clone().unwrap_or_default(),
                channel: case.channel,
                share: Share::default(),
            });
            explained.share.judged += 1;
            explained.share.on_time += u64::from(value == 1);
        }
        let code: String = row.try_get(0)?;
        if code.as_str() <= past {
            continue;
        }
        let line = pb::ExplainLine {
            case: code.clone(),
            value,
            positions: figures::positions(&case, figure),
            ..Default::default()
        };
        lines.insert(code, line);
        if lines.len() > limit + 1 {
            lines.pop_last();
        }
    }
    let has_more = lines.len() > limit;
    let lines: Vec<_> = lines.into_values().take(limit).collect();
    let next = lines.last().filter(|_| has_more).map(|line| line.case.clone());
    Ok(Explanation { lines, next, total, strata })
}

/// The steps behind a row's count, by position, past the position in `past`. The row is of some subjects.
pub(crate) async fn steps(
    snapshot: &mut Snapshot,
    query: &Query,
    subjects: &[&str],
    past: u64,
    limit: usize,
) -> Result<Explanation, ViewError> {
    let (first, last) = query.days();
    let (column, places) = (query.by.column(), places(subjects.len()));
    let sql = format!("SELECT positions FROM steps WHERE day BETWEEN ? AND ? AND {column} IN ({places})");
    let asked = sqlx::query_scalar(AssertSqlSafe(sql)).bind(first).bind(last);
    let asked = subjects.iter().fold(asked, |asked, subject| asked.bind(*subject));
    let found: Vec<Vec<u8>> = asked.fetch_all(&mut *snapshot.tx).await?;
    let mut all = Positions::new();
    for bytes in &found {
        all |= Snapshot::positions(bytes)?;
    }
    // Of an earlier position, these are not there yet.
    all.remove_range(snapshot.position + 1..);
    let total = all.len();
    all.remove_range(..=past);
    let lines: Vec<_> = all
        .iter()
        .take(limit)
        .map(|position| pb::ExplainLine { value: 1, positions: vec![position], ..Default::default() })
        .collect();
    let is_last = all.len() <= limit as u64;
    let next = lines.last().filter(|_| !is_last).map(|line| line.positions[0].to_string());
    Ok(Explanation { lines, next, total, strata: BTreeMap::new() })
}
