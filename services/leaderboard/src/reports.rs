//! Reports of misconduct as the board keeps them: one row each, and what is counted of them.

use std::collections::BTreeMap;

use chrono::FixedOffset;
use events::{
    Occurred,
    conduct::{Finding, FindingStage, Found, ReportEvent, Source},
};
use projection::{FoldError, History, Key, Kind, Named, Row, Snapshot, Table, Value, ViewError};
use proto::leaderboard as pb;
use sqlx::{AssertSqlSafe, Row as _};

use crate::{
    board::{Among, By, Counts, Query, Unitless},
    explain::Explanation,
    signs::Act,
    succession::Succession,
};

/// The table of reports. What was found is one byte an allegation.
pub(crate) const TABLE: Table = Table {
    name: "reports",
    key: &[("report", Kind::Text)],
    columns: &[
        ("agency", Kind::Text),
        ("unit", Kind::Text),
        ("kind", Kind::Text),
        ("class", Kind::Text),
        ("self_report", Kind::Int),
        ("received", Kind::Int),
        ("received_position", Kind::Int),
        ("concluded", Kind::Int),
        ("concluded_position", Kind::Int),
        ("findings", Kind::Bytes),
    ],
    indexes: &["agency", "unit"],
    history: History::Versions,
    spans: None,
};

/// The place of the instant of conclusion among the columns.
const CONCLUDED: usize = 7;

/// What the fold takes from an entry of a report.
pub(crate) struct ReportEntry {
    pub(crate) position: u64,
    pub(crate) report: String,
    pub(crate) occurred: Occurred,
    pub(crate) event: ReportEvent,
    pub(crate) act: Option<Act>,
}

/// The bit of an allegation that was withdrawn.
const WITHDRAWN: u8 = 0x80;

/// A finding as stored; nothing found yet is pending.
fn code_of(finding: Finding) -> u8 {
    match finding {
        Finding::Pending => 0,
        Finding::Substantiated => 1,
        Finding::Partly => 2,
        Finding::Unsubstantiated => 3,
        Finding::False => 4,
    }
}

/// The finding of a stored byte; none for a withdrawn allegation.
fn finding_of(byte: u8) -> Option<Finding> {
    Finding::ALL.iter().copied().find(|finding| code_of(*finding) == byte)
}

/// How many allegations were substantiated, wholly or in part.
fn substantiated(findings: &[u8]) -> u64 {
    let found = findings.iter().filter_map(|byte| finding_of(*byte));
    found.filter(|finding| matches!(finding, Finding::Substantiated | Finding::Partly)).count() as u64
}

pub(crate) fn key(report: &str) -> Key {
    Key::of([report.into()])
}

/// Whether an event changes what is counted.
pub(crate) fn counts(event: &ReportEvent) -> bool {
    matches!(
        event,
        ReportEvent::Received { .. }
            | ReportEvent::Classified { .. }
            | ReportEvent::AllegationMade { .. }
            | ReportEvent::FindingRecorded { stage: FindingStage::Final, .. }
            | ReportEvent::Withdrawn { .. }
            | ReportEvent::Concluded { .. }
            | ReportEvent::Appealed { .. }
            | ReportEvent::AppealDecided { .. }
            | ReportEvent::Reopened { .. }
    )
}

fn position(n: u64) -> Value {
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

/// Brings an event into the row of its report.
pub(crate) fn fold(rows: &mut Named<'_>, entry: ReportEntry, zone: FixedOffset) -> Result<(), FoldError> {
    if let Some(act) = &entry.act {
        let concluded = rows.get(0).and_then(|row| row.get(CONCLUDED)).and_then(Value::int);
        act.fold((entry.position, concluded), 1, zone, rows)?;
    }
    fold_row(rows.change(0), entry, zone)
}

fn fold_row(slot: &mut Option<Row>, entry: ReportEntry, zone: FixedOffset) -> Result<(), FoldError> {
    let at = entry.occurred.earliest_micros(zone);
    if let ReportEvent::Received { source, kind, classed, about, .. } = entry.event {
        *slot = Some(vec![
            Value::Text(about.agency),
            about.unit.into(),
            Value::Text(kind.as_str().to_owned()),
            Value::Text(classed.word().to_owned()),
            Value::Int(i64::from(source == Source::SelfReport)),
            Value::Int(at),
            position(entry.position),
            Value::Null,
            Value::Null,
            Value::Bytes(Vec::new()),
        ]);
        return Ok(());
    }
    let Some(row) = slot else {
        return Err(FoldError::new(format!("the report {} was never received", entry.report)));
    };
    let [_, _, kind, class, _, _, _, concluded, concluded_position, Value::Bytes(findings)] =
        row.as_mut_slice()
    else {
        return Err(FoldError::new("a report has other columns"));
    };
    let mut set = |found: Found| {
        let place = usize::try_from(found.allegation).ok().and_then(|number| number.checked_sub(1));
        if let Some(byte) = place.and_then(|place| findings.get_mut(place)) {
            *byte = (*byte & WITHDRAWN) | code_of(found.finding);
        }
    };
    match entry.event {
        ReportEvent::Classified { kind: is, classed, .. } => {
            *kind = Value::Text(is.as_str().to_owned());
            *class = Value::Text(classed.word().to_owned());
        }
        ReportEvent::AllegationMade { .. } => findings.push(code_of(Finding::Pending)),
        ReportEvent::FindingRecorded { found, .. } => set(found),
        ReportEvent::Withdrawn { allegations, .. } => {
            let is_whole = allegations.is_empty();
            for (number, byte) in (1..).zip(findings.iter_mut()) {
                if is_whole || allegations.contains(&number) {
                    *byte |= WITHDRAWN;
                }
            }
        }
        // Under appeal a finding counts for nobody.
        ReportEvent::Appealed { .. } | ReportEvent::Reopened { .. } => {
            (*concluded, *concluded_position) = (Value::Null, Value::Null);
        }
        ReportEvent::Concluded { .. } => {
            (*concluded, *concluded_position) = (Value::Int(at), position(entry.position));
        }
        ReportEvent::AppealDecided { changed, .. } => {
            changed.into_iter().for_each(set);
            (*concluded, *concluded_position) = (Value::Int(at), position(entry.position));
        }
        _ => {}
    }
    Ok(())
}

/// What is counted of the reports about one subject in a period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Conduct {
    /// Allegations substantiated in reports concluded and not under appeal.
    pub(crate) substantiated: u64,
    pub(crate) self_reports: u64,
}

/// A row that is asked for, as it counts.
struct Counted {
    subject: String,
    agency: String,
    report: String,
    conduct: Conduct,
    positions: Vec<u64>,
}

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
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
        "SELECT {column}, agency, report, self_report, received, received_position, concluded, \
         concluded_position, findings FROM reports \
         WHERE {condition} AND ((received >= ?1 AND received < ?2 AND self_report = 1) \
         OR (concluded >= ?1 AND concluded < ?2)) ORDER BY report"
    );
    let until = query.people_until;
    // Only constant pieces are joined; every value is bound.
    let found =
        sqlx::query(AssertSqlSafe(sql)).bind(query.from).bind(until).fetch_all(&mut *snapshot.tx).await?;
    let mut all = Vec::new();
    for row in found {
        let (received, concluded): (i64, Option<i64>) = (row.try_get(4)?, row.try_get(6)?);
        let is_in = |at: i64| at >= query.from && at < until;
        let findings: &[u8] = row.try_get(8)?;
        let is_self: i64 = row.try_get(3)?;
        let conduct = Conduct {
            substantiated: if concluded.is_some_and(is_in) { substantiated(findings) } else { 0 },
            self_reports: u64::from(is_self == 1 && is_in(received)),
        };
        let positions: [Option<i64>; 2] = [Some(row.try_get(5)?), row.try_get(7)?];
        let (subject, agency) = succession.row(by, row.try_get(0)?, row.try_get(1)?);
        all.push(Counted {
            subject: subject.to_owned(),
            agency: agency.to_owned(),
            report: row.try_get(2)?,
            conduct,
            positions: positions.into_iter().flatten().map(unsigned).collect(),
        });
    }
    Ok(all)
}

/// What is counted of reports, by subject, with its agency.
pub(crate) async fn count(
    snapshot: &mut Snapshot,
    query: &Query,
    succession: &Succession,
    among: Among,
) -> Result<BTreeMap<String, (String, Conduct)>, ViewError> {
    let mut rows: BTreeMap<String, (String, Conduct)> = BTreeMap::new();
    for Counted { subject, agency, conduct, .. } in counted(snapshot, query, succession, among).await? {
        if conduct == Conduct::default() {
            continue;
        }
        let (_, sum) = rows.entry(subject).or_insert_with(|| (agency, Conduct::default()));
        sum.substantiated += conduct.substantiated;
        sum.self_reports += conduct.self_reports;
    }
    Ok(rows)
}

/// The reports behind a figure of a subject, past the one in `past`.
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
        let value = match figure {
            pb::Figure::SelfReports => counted.conduct.self_reports,
            _ => counted.conduct.substantiated,
        };
        if value == 0 {
            continue;
        }
        total += 1;
        if counted.report.as_str() <= past {
            continue;
        }
        if lines.len() == limit {
            has_more = true;
            continue;
        }
        lines.push(pb::ExplainLine {
            value: i64::try_from(value).unwrap_or(i64::MAX),
            positions: counted.positions,
            report: counted.report,
            ..Default::default()
        });
    }
    let next = lines.last().filter(|_| has_more).map(|line| line.report.clone());
    Ok(Explanation { lines, next, total, strata: BTreeMap::new() })
}

/// The reports about agencies, given as a JSON array; an empty code stands for all.
const OF: &str = "FROM reports WHERE ?1 = '[\"\"]' OR agency IN (SELECT value FROM json_each(?1))";

/// Totals of reports, or of allegations by finding, by key, about agencies; an empty code stands for all.
pub(crate) async fn totals(
    snapshot: &mut Snapshot,
    by: pb::TotalsBy,
    agencies: &[&str],
) -> Result<BTreeMap<String, u64>, ViewError> {
    let mut totals = BTreeMap::new();
    let agencies = serde_json::to_string(agencies).map_err(|error| ViewError::Log(error.to_string()))?;
    let column = match by {
        pb::TotalsBy::Class => "class",
        pb::TotalsBy::Unit => "coalesce(unit, 'none')",
        pb::TotalsBy::Kind => "kind",
        pb::TotalsBy::Finding | pb::TotalsBy::Unspecified => {
            let found: Vec<Vec<u8>> = sqlx::query_scalar(AssertSqlSafe(format!("SELECT findings {OF}")))
                .bind(&agencies)
                .fetch_all(&mut *snapshot.tx)
                .await?;
            for finding in found.iter().flatten().filter_map(|byte| finding_of(*byte)) {
                *totals.entry(finding.as_str().to_owned()).or_default() += 1;
            }
            return Ok(totals);
        }
    };
    let sql = format!("SELECT {column}, count(*) {OF} GROUP BY 1");
    let found = sqlx::query(AssertSqlSafe(sql)).bind(&agencies).fetch_all(&mut *snapshot.tx).await?;
    for row in found {
        totals.insert(row.try_get(0)?, unsigned(row.try_get(1)?));
    }
    Ok(totals)
}

/// A count of people's reports below this is not shown to everyone.
const SHOWN_MIN: u64 = 5;

/// Which counts of one group are hidden: those under five, and the smallest others as long as one alone is hidden, or
/// those hidden add up to less than five, since the sum of all may be known.
pub(crate) fn hidden(counts: &[u64]) -> Vec<bool> {
    hidden_beside(counts, 0)
}

/// The same where the group has one more member that has no cell: what is left of the sum. It is one of those hidden, and
/// may be told alone where it is no small number; nothing left is no member.
pub(crate) fn hidden_beside(counts: &[u64], left: u64) -> Vec<bool> {
    let mut hidden: Vec<bool> = counts.iter().map(|count| *count < SHOWN_MIN).collect();
    loop {
        let of_hidden = counts.iter().zip(&hidden).filter(|(_, hidden)| **hidden);
        let none = (usize::from(left > 0), left);
        let (number, sum) = of_hidden.fold(none, |(number, sum), (count, _)| (number + 1, sum + count));
        let is_left_alone = left >= SHOWN_MIN && !hidden.contains(&true);
        if number == 0 || is_left_alone || (number > 1 && sum >= SHOWN_MIN) {
            return hidden;
        }
        let shown = (0..counts.len()).filter(|place| !hidden[*place]);
        match shown.min_by_key(|place| counts[*place]) {
            Some(place) => hidden[place] = true,
            None => return hidden,
        }
    }
}

/// What of the counts of reports is hidden in a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ConductHidden {
    pub(crate) substantiated: bool,
    pub(crate) self_reports: bool,
}

/// What is hidden in each row from callers other than inspectors: of each group, which is an agency's units with what is
/// about no unit of it, or all agencies.
pub(crate) fn hidden_in(rows: &[Counts], by: By, unitless: &Unitless) -> Vec<ConductHidden> {
    let mut hiding = vec![ConductHidden::default(); rows.len()];
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, row) in rows.iter().enumerate() {
        let group = if by == By::Unit { row.agency.as_str() } else { "" };
        groups.entry(group).or_default().push(place);
    }
    for (group, places) in groups {
        // The agency's row less its units' would tell it.
        let left = unitless.get(group).map(|(conduct, _)| *conduct).unwrap_or_default();
        let of = |count: fn(&Conduct) -> u64| {
            let counts: Vec<_> = places.iter().map(|place| count(&rows[*place].conduct)).collect();
            hidden_beside(&counts, count(&left))
        };
        let (substantiated, self_reports) = (of(|c| c.substantiated), of(|c| c.self_reports));
        for (n, place) in places.iter().enumerate() {
            hiding[*place] = ConductHidden { substantiated: substantiated[n], self_reports: self_reports[n] };
        }
    }
    hiding
}

/// A rate per thousand, with the bounds of its 95 % interval by Byar's approximation of the Poisson distribution
/// (Breslow and Day, 1987); none without cases.
#[expect(clippy::cast_precision_loss, reason = "counts of cases are far under 2⁵²")]
pub(crate) fn per_thousand(count: u64, cases: u64) -> Option<[f64; 3]> {
    const Z: f64 = 1.959_963_984_540_054;
    if cases == 0 {
        return None;
    }
    let per = |n: f64| (n / cases as f64 * 1e9).round() / 1e6;
    let k = count as f64;
    let lower = if count == 0 { 0.0 } else { k * (1.0 - 1.0 / (9.0 * k) - Z / (3.0 * k.sqrt())).powi(3) };
    let m = k + 1.0;
    let upper = m * (1.0 - 1.0 / (9.0 * m) + Z / (3.0 * m.sqrt())).powi(3);
    Some([per(k), per(lower.max(0.0)), per(upper)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proceedings::Sanctions;

    #[test]
    fn a_rate_has_the_interval_of_the_tables() {
        // Ten events: 4.80 to 18.39 by the exact Poisson interval.
        let [rate, lower, upper] = per_thousand(10, 1_000).unwrap();
        assert!((rate - 10.0).abs() < 1e-9);
        assert!((lower - 4.80).abs() < 0.02 && (upper - 18.39).abs() < 0.02, "{lower} {upper}");
        // None: up to 3.69.
        let [rate, lower, upper] = per_thousand(0, 1_000).unwrap();
        assert!(rate.abs() < 1e-9 && lower.abs() < 1e-9 && (upper - 3.69).abs() < 0.06, "{upper}");
        assert!(per_thousand(3, 0).is_none());
    }

    #[test]
    fn no_small_count_is_shown_and_none_is_left_over() {
        assert_eq!(hidden(&[10, 20]), [false, false]);
        assert_eq!(hidden(&[10, 3, 20]), [true, true, false]);
        assert_eq!(hidden(&[3, 4, 20]), [true, true, false]);
        assert_eq!(hidden(&[1, 2, 20]), [true, true, true]);
        assert_eq!(hidden(&[0]), [true]);
        assert_eq!(hidden(&[]), [false; 0]);
    }

    #[test]
    fn what_has_no_cell_is_hidden_with_others() {
        assert_eq!(hidden_beside(&[10, 20], 0), [false, false]);
        // The sum less those shown would be two.
        assert_eq!(hidden_beside(&[10, 20], 2), [true, false]);
        // Seven may be told, and hides the three.
        assert_eq!(hidden_beside(&[10, 20], 7), [false, false]);
        assert_eq!(hidden_beside(&[10, 3, 20], 7), [false, true, false]);
        assert_eq!(hidden_beside(&[10, 3, 20], 1), [true, true, false]);
        assert_eq!(hidden_beside(&[10, 3, 20], 0), hidden(&[10, 3, 20]));
        assert_eq!(hidden_beside(&[10], 1), [true]);
        assert_eq!(hidden_beside(&[], 1), [false; 0]);
    }

    #[test]
    fn reports_about_no_unit_are_hidden_with_units_of_their_agency() {
        let row = |agency: &str, substantiated| Counts {
            agency: agency.into(),
            conduct: Conduct { substantiated, self_reports: 0 },
            ..Counts::default()
        };
        let rows = [row("A", 30), row("A", 8), row("B", 30), row("B", 8)];
        let left = (Conduct { substantiated: 2, self_reports: 0 }, Sanctions::default());
        let unitless = Unitless::from([("A".to_owned(), left)]);
        let hidden = |by, unitless: &Unitless| {
            hidden_in(&rows, by, unitless).iter().map(|hidden| hidden.substantiated).collect::<Vec<_>>()
        };
        assert_eq!(hidden(By::Unit, &unitless), [false, true, false, false]);
        assert_eq!(hidden(By::Agency, &Unitless::new()), [false; 4]);
    }

    #[test]
    fn findings_come_back() {
        for finding in Finding::ALL {
            assert_eq!(finding_of(code_of(*finding)), Some(*finding));
        }
        assert_eq!(finding_of(WITHDRAWN | 1), None);
        assert_eq!(substantiated(&[0, 1, 2, 3, 4, WITHDRAWN | 1]), 2);
    }
}
