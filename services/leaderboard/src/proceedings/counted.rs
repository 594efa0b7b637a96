//! What is counted of proceedings, by subject, and what explains it.

use std::collections::BTreeMap;

use events::discipline::Track;
use projection::{Snapshot, ViewError};
use proto::leaderboard as pb;
use sqlx::{AssertSqlSafe, Row as _};

use super::{Detail, SanctionsHidden, track_word};
use crate::{
    board::{Among, Query},
    explain::Explanation,
    reports::per_thousand,
    succession::Succession,
};

/// What is counted of the proceedings about one subject in a period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sanctions {
    /// Administrative sanctions decided in the period that stand.
    pub(crate) decided: u64,
    /// Of these, those that can't be appealed any more.
    pub(crate) is_final: u64,
    /// Sanctions of the Party decided in the period that stand.
    pub(crate) party: u64,
    /// Heads held liable in the period, in administrative proceedings whose sanction stands.
    pub(crate) heads: u64,
    /// Officials in service at the judged instant; none where the directory knows none.
    pub(crate) officials: Option<u64>,
    /// What of it the caller doesn't see.
    pub(crate) hidden: SanctionsHidden,
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

impl Sanctions {
    /// Whether there is nothing to count. Officials alone make no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.decided == 0 && self.party == 0 && self.heads == 0
    }

    /// The count that a figure shows; none for figures of something else.
    pub(crate) fn figure(&self, figure: pb::Figure) -> Option<u64> {
        match figure {
            pb::Figure::SanctionsDecided => Some(self.decided),
            pb::Figure::SanctionsFinal => Some(self.is_final),
            pb::Figure::PartySanctions => Some(self.party),
            pb::Figure::HeadsLiable => Some(self.heads),
            _ => None,
        }
    }

    /// Whether the caller doesn't see a figure.
    pub(crate) fn hides(&self, figure: pb::Figure) -> bool {
        match figure {
            pb::Figure::SanctionsDecided => self.hidden.decided,
            pb::Figure::SanctionsFinal => self.hidden.is_final,
            pb::Figure::PartySanctions => self.hidden.party,
            pb::Figure::HeadsLiable => self.hidden.heads,
            _ => false,
        }
    }

    /// Puts it into a row of the board. `closed` are the cases closed, where the caller sees them.
    pub(crate) fn show(&self, row: &mut pb::BoardRow, closed: Option<u64>) {
        let shown = |figure| self.figure(figure).filter(|_| !self.hides(figure)).map(signed);
        row.sanctions_decided = shown(pb::Figure::SanctionsDecided);
        row.sanctions_final = shown(pb::Figure::SanctionsFinal);
        row.party_sanctions = shown(pb::Figure::PartySanctions);
        row.heads_liable = shown(pb::Figure::HeadsLiable);
        row.officials = self.officials.map(signed);
        // A rate of a count that is hidden would tell it.
        if !self.hidden.decided {
            let rate = closed.and_then(|closed| per_thousand(self.decided, closed));
            [row.sanctions_per_thousand, row.sanctions_lower, row.sanctions_upper] =
                rate.map_or([None; 3], |rate| rate.map(Some));
            row.sanctions_per_hundred_officials =
                self.officials.and_then(|officials| per_hundred(self.decided, officials));
        }
        row.suppressed |= self.hidden != SanctionsHidden::default();
    }
}

/// A rate per hundred, to six decimals; none of nobody.
#[expect(clippy::cast_precision_loss, reason = "officials are far under 2⁵²")]
fn per_hundred(count: u64, officials: u64) -> Option<f64> {
    (officials > 0).then(|| (count as f64 / officials as f64 * 1e8).round() / 1e6)
}

/// A row whose sanction stands, as it counts.
struct Counted {
    subject: String,
    agency: String,
    proceeding: String,
    sanctions: Sanctions,
    detail: Detail,
}

async fn counted(
    snapshot: &mut Snapshot,
    query: &Query,
    succession: &Succession,
    among: Among,
) -> Result<Vec<Counted>, ViewError> {
    let (by, condition) = among.of(query.by);
    let column = by.column();
    let sql = format!(
        "SELECT {column}, agency, proceeding, track, detail FROM proceedings WHERE stands = 1 \
         AND decided < ?2 AND (decided >= ?1 OR heads > 0) AND {condition} ORDER BY proceeding"
    );
    let until = query.people_until;
    // Only constant pieces are joined; every value is bound.
    let found =
        sqlx::query(AssertSqlSafe(sql)).bind(query.from).bind(until).fetch_all(&mut *snapshot.tx).await?;
    // Whether it is final is told as of then too: an appeal that is decided changes it.
    let last = query.judged_at.min(until.saturating_sub(1));
    let mut all = Vec::new();
    for row in found {
        let is_party = row.try_get::<Option<&str>, _>(3)? == Some(track_word(Track::Party));
        let detail: &[u8] = row.try_get(4)?;
        let detail: Detail =
            serde_json::from_slice(detail).map_err(|error| ViewError::Log(error.to_string()))?;
        let is_in = |at: i64| at >= query.from && at < until;
        let is_decided = detail.decided.is_some_and(is_in);
        let heads = detail.heads.iter().filter(|head| is_in(head.at)).count() as u64;
        let sanctions = Sanctions {
            decided: u64::from(is_decided && !is_party),
            is_final: u64::from(is_decided && !is_party && detail.is_final(last)),
            party: u64::from(is_decided && is_party),
            heads: if is_party { 0 } else { heads },
            ..Sanctions::default()
        };
        let (subject, agency) = succession.row(by, row.try_get(0)?, row.try_get(1)?);
        all.push(Counted {
            subject: subject.to_owned(),
            agency: agency.to_owned(),
            proceeding: row.try_get(2)?,
            sanctions,
            detail,
        });
    }
    Ok(all)
}

/// What is counted of proceedings, by subject, with its agency.
pub(crate) async fn count(
    snapshot: &mut Snapshot,
    query: &Query,
    succession: &Succession,
    among: Among,
) -> Result<BTreeMap<String, (String, Sanctions)>, ViewError> {
    let mut rows: BTreeMap<String, (String, Sanctions)> = BTreeMap::new();
    for Counted { subject, agency, sanctions, .. } in counted(snapshot, query, succession, among).await? {
        if sanctions.is_empty() {
            continue;
        }
        let (_, sum) = rows.entry(subject).or_insert_with(|| (agency, Sanctions::default()));
        sum.decided += sanctions.decided;
        sum.is_final += sanctions.is_final;
        sum.party += sanctions.party;
        sum.heads += sanctions.heads;
    }
    Ok(rows)
}

/// When a report was received and concluded, by its entries.
async fn report_positions(snapshot: &mut Snapshot, report: &str) -> Result<Vec<u64>, ViewError> {
    let found: Option<(i64, Option<i64>)> =
        sqlx::query_as("SELECT received_position, concluded_position FROM reports WHERE report = ?")
            .bind(report)
            .fetch_optional(&mut *snapshot.tx)
            .await?;
    let positions = found.into_iter().flat_map(|(received, concluded)| [Some(received), concluded]);
    Ok(positions.flatten().filter_map(|position| u64::try_from(position).ok()).collect())
}

/// The proceedings behind a figure of a subject, past the one in `past`.
pub(crate) async fn explain(
    snapshot: &mut Snapshot,
    (query, succession): (&Query, &Succession),
    subject: &str,
    figure: pb::Figure,
    past: &str,
    limit: usize,
) -> Result<Explanation, ViewError> {
    let (mut lines, mut total, mut has_more) = (Vec::new(), 0, false);
    let all = counted(snapshot, query, succession, Among::Subjects).await?;
    for counted in all.into_iter().filter(|counted| counted.subject == subject) {
        let value = counted.sanctions.figure(figure).unwrap_or(0);
        if value == 0 {
            continue;
        }
        total += 1;
        if counted.proceeding.as_str() <= past {
            continue;
        }
        if lines.len() == limit {
            has_more = true;
            continue;
        }
        let report = counted.detail.report.clone().unwrap_or_default();
        let mut positions = counted.detail.positions();
        positions.extend(report_positions(snapshot, &report).await?);
        positions.sort_unstable();
        positions.dedup();
        lines.push(pb::ExplainLine {
            value: signed(value),
            positions,
            report,
            proceeding: counted.proceeding,
            rules: counted.detail.rules,
            ..Default::default()
        });
    }
    let next = lines.last().filter(|_| has_more).map(|line| line.proceeding.clone());
    Ok(Explanation { lines, next, total, strata: BTreeMap::new() })
}

/// The proceedings on a track about agencies, given as a JSON array; an empty code stands for all. What was never opened
/// is none.
const OF: &str = "FROM proceedings WHERE stage IN ('open', 'closed') AND track = ?2 \
                  AND (?1 = '[\"\"]' OR agency IN (SELECT value FROM json_each(?1)))";

/// Totals of proceedings by key, about agencies; an empty code stands for all.
pub(crate) async fn totals(
    snapshot: &mut Snapshot,
    by: pb::ProceedingTotalsBy,
    track: Track,
    agencies: &[&str],
) -> Result<BTreeMap<String, u64>, ViewError> {
    use pb::ProceedingTotalsBy as TotalsBy;
    let agencies = serde_json::to_string(agencies).map_err(|error| ViewError::Log(error.to_string()))?;
    let (column, only) = match by {
        TotalsBy::Outcome | TotalsBy::Unspecified => {
            ("coalesce(outcome, CASE stage WHEN 'closed' THEN 'closed' ELSE 'pending' END)", "")
        }
        TotalsBy::Class => ("class", ""),
        TotalsBy::Unit => ("coalesce(unit, 'none')", ""),
        TotalsBy::Recommended => ("coalesce(recommended, 'none')", ""),
        TotalsBy::Change => ("recommended || ' → ' || decided_as", "AND recommended <> decided_as"),
    };
    let sql = format!("SELECT {column}, count(*) {OF} {only} GROUP BY 1");
    let found = sqlx::query(AssertSqlSafe(sql))
        .bind(&agencies)
        .bind(track_word(track))
        .fetch_all(&mut *snapshot.tx)
        .await?;
    let mut totals = BTreeMap::new();
    for row in found {
        totals.insert(row.try_get(0)?, u64::try_from(row.try_get::<i64, _>(1)?).unwrap_or(0));
    }
    Ok(totals)
}
