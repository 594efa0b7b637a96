//! Flags: what a row has more of than chance explains, and the entries behind it.
//!
//! Each kind is counted out of something and compared with the share of all rows together: a row is flagged above the upper
//! limit of the funnel of 99.8 %, from five on. So a ledger in which everything is imported, or recorded at night, flags
//! nobody for it.

use std::collections::BTreeMap;

use projection::{Positions, Snapshot, ViewError};
use sqlx::{AssertSqlSafe, Row as _};

use crate::{
    board::{Query, unsigned},
    explain::places,
    fair::{Observed, Standard},
    funnel::Funnel,
    signs::{self, ACTS, Sign},
    strata::{self, Strata, Tally},
    succession::Succession,
};

/// A flag has so many entries behind it at least.
const COUNT_MIN: u64 = 5;

/// So many closes in one hour are bulk.
const BULK_MIN: u64 = 10;

/// What is flagged, in the order of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Flagged {
    LastDayPause,
    LateRecording,
    OffHoursClosing,
    Refusals,
    ReopenedSoon,
    ReportReopenedSoon,
}

impl Flagged {
    pub(crate) const ALL: [Self; 6] = [
        Self::LastDayPause,
        Self::LateRecording,
        Self::OffHoursClosing,
        Self::Refusals,
        Self::ReopenedSoon,
        Self::ReportReopenedSoon,
    ];

    /// The sign that the fold kept, and the place among [`ACTS`] of what it is counted out of; none for what comes from
    /// elsewhere.
    fn sign(self) -> Option<(Sign, usize)> {
        Some(match self {
            Self::LastDayPause => (Sign::LastDayPause, 0),
            Self::LateRecording => (Sign::LateRecording, 1),
            Self::ReopenedSoon => (Sign::ReopenedSoon, 2),
            Self::ReportReopenedSoon => (Sign::ReportReopenedSoon, 3),
            Self::OffHoursClosing | Self::Refusals => return None,
        })
    }
}

/// The place of closes among [`ACTS`].
const CLOSES: usize = 2;

/// A flag.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Flag {
    pub(crate) kind: Flagged,
    pub(crate) subject: String,
    pub(crate) agency: String,
    pub(crate) count: u64,
    pub(crate) of: u64,
    pub(crate) expected: f64,
    pub(crate) upper_limit: u64,
    /// The entries; of refusals they are looked for by [`refused`].
    pub(crate) evidence: Positions,
}

/// What a row has of one kind.
#[derive(Default)]
struct Row {
    strata: Strata,
    evidence: Positions,
}

/// The rows of one kind, by subject.
type Rows = BTreeMap<String, Row>;

/// Counts out of something as a stratum: flags are compared as rates are.
fn tally(of: u64, count: u64) -> Tally {
    Tally { judged: of, on_time: count, ..Tally::default() }
}

/// Those rows of a kind that have more than chance explains, without their agencies.
fn flagged(kind: Flagged, rows: Rows) -> Vec<Flag> {
    let observed = |row| Observed { strata: row, is_in: true };
    let standard = Standard::of(rows.values().map(|row| observed(&row.strata)));
    let flags = rows.into_iter().filter_map(|(subject, Row { strata, evidence })| {
        let mut sum = Tally::default();
        for tally in strata.values() {
            sum += *tally;
        }
        let Tally { judged: of, on_time: count, .. } = sum;
        let (expected, _) = standard.expected_of(&strata);
        let upper_limit = Funnel::of(of, expected).upper_998;
        let is_flagged = count >= COUNT_MIN && count > upper_limit;
        is_flagged.then(|| Flag {
            kind,
            subject,
            agency: String::new(),
            count,
            of,
            expected,
            upper_limit,
            evidence,
        })
    });
    flags.collect()
}

/// The flags of a board's subjects, whatever agency it asks for, by kind and subject.
pub(crate) async fn flags(
    snapshot: &mut Snapshot,
    query: &Query,
    succession: &Succession,
) -> Result<Vec<Flag>, ViewError> {
    let mut agencies: BTreeMap<String, String> = BTreeMap::new();
    let acts = acts(snapshot, query, succession, &mut agencies).await?;
    let mut signs = signs(snapshot, query, succession).await?;
    let mut all = Vec::new();
    for kind in Flagged::ALL {
        let rows = if kind == Flagged::Refusals {
            let of = |strata: Strata| -> Strata {
                strata.into_iter().map(|(stratum, t)| (stratum, tally(t.closed, t.turned_away))).collect()
            };
            let counts = strata::count(snapshot, query, succession).await?.into_iter();
            counts.map(|(subject, strata)| (subject, Row { strata: of(strata), ..Row::default() })).collect()
        } else {
            let (mut evidence, of) = match kind.sign() {
                Some((sign, of)) => (signs.remove(&sign).unwrap_or_default(), of),
                None => (bulk(snapshot, query, succession).await?, CLOSES),
            };
            let row = |(subject, acts): (&String, &[u64; ACTS.len()])| {
                let evidence = evidence.remove(subject).unwrap_or_default();
                // What is reopened can have been closed in a month before.
                let tally = tally(acts[of].max(evidence.len()), evidence.len());
                (subject.clone(), Row { strata: Strata::from([(0, tally)]), evidence })
            };
            acts.iter().map(row).collect()
        };
        all.extend(flagged(kind, rows));
    }
    for flag in &mut all {
        flag.agency = agencies.get(&flag.subject).cloned().unwrap_or_default();
    }
    Ok(all)
}

/// What could have been a sign, by subject; and whose agency each is of.
async fn acts(
    snapshot: &mut Snapshot,
    query: &Query,
    succession: &Succession,
    agencies: &mut BTreeMap<String, String>,
) -> Result<BTreeMap<String, [u64; ACTS.len()]>, ViewError> {
    let column = query.by.column();
    // Of all months, since what is told of a month can have been corrected into it.
    let sums = ACTS.map(|act| format!("coalesce(sum(CASE WHEN month BETWEEN ?1 AND ?2 THEN {act} END), 0)"));
    let sql = format!(
        "SELECT {column}, max(agency), {} FROM acts WHERE {column} <> '' GROUP BY {column}",
        sums.join(", ")
    );
    let (first, last) = query.months();
    // Only constant pieces are joined; every value is bound.
    let found = sqlx::query(AssertSqlSafe(sql)).bind(first).bind(last).fetch_all(&mut *snapshot.tx).await?;
    let mut acts: BTreeMap<String, [u64; ACTS.len()]> = BTreeMap::new();
    for found in found {
        let (subject, agency) = succession.row(query.by, found.try_get(0)?, found.try_get(1)?);
        agencies.insert(subject.to_owned(), agency.to_owned());
        for (place, sum) in acts.entry(subject.to_owned()).or_default().iter_mut().enumerate() {
            *sum += unsigned(found.try_get(place + 2)?);
        }
    }
    Ok(acts)
}

/// The signs of each kind, by subject.
async fn signs(
    snapshot: &mut Snapshot,
    query: &Query,
    succession: &Succession,
) -> Result<BTreeMap<Sign, BTreeMap<String, Positions>>, ViewError> {
    let column = query.by.column();
    let sql =
        format!("SELECT {column}, sign, positions FROM signs WHERE month BETWEEN ? AND ? AND {column} <> ''");
    let (first, last) = query.months();
    let found = sqlx::query(AssertSqlSafe(sql)).bind(first).bind(last).fetch_all(&mut *snapshot.tx).await?;
    let mut signs: BTreeMap<Sign, BTreeMap<String, Positions>> = BTreeMap::new();
    for found in found {
        let code: i64 = found.try_get(1)?;
        let signed = |kind: Flagged| kind.sign().map(|(sign, _)| sign).filter(|sign| *sign as i64 == code);
        let Some(sign) = Flagged::ALL.into_iter().find_map(signed) else { continue };
        let subject = succession.subject(query.by, found.try_get(0)?).to_owned();
        *signs.entry(sign).or_default().entry(subject).or_default() |= seen(snapshot, found.try_get(2)?)?;
    }
    Ok(signs)
}

/// The closes in bulk off hours, by subject: those of one code in one hour, whoever answers for it now.
async fn bulk(
    snapshot: &mut Snapshot,
    query: &Query,
    succession: &Succession,
) -> Result<BTreeMap<String, Positions>, ViewError> {
    let column = query.by.column();
    let sql = format!(
        "SELECT {column}, hour, positions FROM off_hours WHERE hour BETWEEN ? AND ? AND {column} <> ''"
    );
    let found = sqlx::query(AssertSqlSafe(sql))
        .bind(signs::hour(query.from, query.zone))
        .bind(signs::hour(query.judged_at, query.zone))
        .fetch_all(&mut *snapshot.tx)
        .await?;
    let mut hours: BTreeMap<(String, i64), Positions> = BTreeMap::new();
    for found in found {
        *hours.entry((found.try_get(0)?, found.try_get(1)?)).or_default() |=
            seen(snapshot, found.try_get(2)?)?;
    }
    let mut bulk: BTreeMap<String, Positions> = BTreeMap::new();
    for ((subject, _), positions) in hours {
        if positions.len() >= BULK_MIN {
            *bulk.entry(succession.subject(query.by, &subject).to_owned()).or_default() |= positions;
        }
    }
    Ok(bulk)
}

/// The positions in stored bytes that the snapshot has.
fn seen(snapshot: &Snapshot, bytes: &[u8]) -> Result<Positions, ViewError> {
    let mut positions = Snapshot::positions(bytes)?;
    positions.remove_range(snapshot.position + 1..);
    Ok(positions)
}

/// The entries behind a flag of refusals: the closes of cases refused at intake or withdrawn. The row is of some subjects.
pub(crate) async fn refused(
    snapshot: &mut Snapshot,
    query: &Query,
    subjects: &[&str],
) -> Result<Positions, ViewError> {
    let (column, places) = (query.by.column(), places(subjects.len()));
    let sql = format!(
        "SELECT closed_position FROM cases \
         WHERE turned_away = 1 AND closed >= ? AND closed < ? AND closed <= ? AND {column} IN ({places})"
    );
    let asked =
        sqlx::query_scalar(AssertSqlSafe(sql)).bind(query.from).bind(query.until).bind(query.judged_at);
    let asked = subjects.iter().fold(asked, |asked, subject| asked.bind(*subject));
    let found: Vec<i64> = asked.fetch_all(&mut *snapshot.tx).await?;
    Ok(found.into_iter().map(unsigned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of (count, out of).
    fn rows(of: &[(u64, u64)]) -> Rows {
        let row = |(number, &(count, of)): (usize, &(u64, u64))| {
            let strata = Strata::from([(0, tally(of, count))]);
            (format!("H{number}"), Row { strata, ..Row::default() })
        };
        of.iter().enumerate().map(row).collect()
    }

    fn flagged_of(of: &[(u64, u64)]) -> Vec<String> {
        flagged(Flagged::LastDayPause, rows(of)).into_iter().map(|flag| flag.subject).collect()
    }

    #[test]
    fn more_than_chance_explains_is_flagged_from_five_on() {
        assert_eq!(flagged_of(&[(20, 40), (2, 400), (1, 400)]), ["H0"]);
        assert_eq!(flagged_of(&[(4, 4), (0, 4_000)]), [""; 0]);
        assert_eq!(flagged_of(&[(5, 5), (0, 4_000)]), ["H0"]);
    }

    #[test]
    fn what_all_do_is_no_flag() {
        assert_eq!(flagged_of(&[(40, 40), (400, 400), (10, 10)]), [""; 0]);
        assert_eq!(flagged_of(&[(22, 40), (200, 400), (6, 10)]), [""; 0]);
        assert_eq!(flagged_of(&[]), [""; 0]);
    }

    #[test]
    fn a_flag_says_what_it_is_out_of_and_what_was_expected() {
        let flag = flagged(Flagged::Refusals, rows(&[(30, 100), (10, 300)])).remove(0);
        assert_eq!((flag.count, flag.of, flag.subject.as_str()), (30, 100, "H0"));
        assert!((flag.expected - 10.0).abs() < 1e-9 && (17..=21).contains(&flag.upper_limit), "{flag:?}");
    }
}
