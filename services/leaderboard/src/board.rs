//! Counting a board from the view's rows.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, FixedOffset};
use projection::{Snapshot, ViewError};
use sqlx::{AssertSqlSafe, Row as _};

use crate::{
    figures::{self, CLOSED, Clock, ONLINE, OPEN, RECEIVED},
    period::Period,
    suppression::Cells,
};

/// Whose rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Agency,
    Unit,
}

impl By {
    /// The column of the subject.
    pub(crate) fn column(self) -> &'static str {
        match self {
            Self::Agency => "agency",
            Self::Unit => "unit",
        }
    }
}

/// Which board.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) by: By,
    /// The period, in microseconds: [from, until).
    pub(crate) from: i64,
    pub(crate) until: i64,
    /// The instant at which open cases are judged, in microseconds.
    pub(crate) judged_at: i64,
    pub(crate) clock: Clock,
    pub(crate) zone: FixedOffset,
    /// Only units of this agency; empty for all.
    pub(crate) agency: String,
}

impl Query {
    /// The days of the period, as counted from the year 1, first and last.
    pub(crate) fn days(&self) -> (i64, i64) {
        let day = |micros: i64| {
            let time = DateTime::from_timestamp_micros(micros)?;
            Some(i64::from(time.with_timezone(&self.zone).date_naive().num_days_from_ce()))
        };
        let last = self.until.saturating_sub(1).min(self.judged_at);
        (day(self.from).unwrap_or(i64::MIN), day(last).unwrap_or(i64::MAX))
    }

    /// The bounds of a period, and the instant to judge at: as asked, else the end of the period, or now
    /// where that is earlier; never after the period.
    pub(crate) fn times(period: Period, asked: Option<i64>, now: i64, zone: FixedOffset) -> (i64, i64, i64) {
        let (from, until) = period.bounds(zone);
        let judged_at = asked.unwrap_or(now).min(until.saturating_sub(1));
        (from, until, judged_at)
    }
}

/// The counts of one row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    pub(crate) subject: String,
    pub(crate) agency: String,
    pub(crate) received: u64,
    pub(crate) channel_known: u64,
    pub(crate) online: u64,
    pub(crate) closed: u64,
    pub(crate) on_time_statutory: u64,
    pub(crate) late_statutory: u64,
    pub(crate) on_time_committed: u64,
    pub(crate) late_committed: u64,
    pub(crate) open: u64,
    pub(crate) open_late: u64,
    pub(crate) rated: u64,
    pub(crate) rating_sum: u64,
    pub(crate) steps: u64,
    /// Closed cases by their working days.
    pub(crate) working_days: BTreeMap<i64, u64>,
}

impl Counts {
    pub(crate) fn on_time(&self, clock: Clock) -> u64 {
        match clock {
            Clock::Committed => self.on_time_committed,
            Clock::Statutory => self.on_time_statutory,
        }
    }

    pub(crate) fn late(&self, clock: Clock) -> u64 {
        match clock {
            Clock::Committed => self.late_committed,
            Clock::Statutory => self.late_statutory,
        }
    }

    /// What the on-time rate is a share of.
    pub(crate) fn judged(&self, clock: Clock) -> u64 {
        self.on_time(clock) + self.late(clock) + self.open_late
    }

    /// The median of working days: of an even number the mean of the two in the middle.
    #[expect(clippy::cast_precision_loss, reason = "working days are few")]
    pub(crate) fn median_working_days(&self) -> Option<f64> {
        let total: u64 = self.working_days.values().sum();
        let at = |rank: u64| {
            let mut seen = 0;
            self.working_days.iter().find_map(|(days, count)| {
                seen += count;
                (seen > rank).then_some(*days as f64)
            })
        };
        Some(f64::midpoint(at(total.checked_sub(1)? / 2)?, at(total / 2)?))
    }

    fn is_empty(&self) -> bool {
        self.received == 0 && self.closed == 0 && self.open == 0 && self.steps == 0
    }

    /// The counts as suppression looks at them.
    pub(crate) fn cells(&self, by: By) -> Cells {
        Cells {
            subject: self.subject.clone(),
            group: match by {
                By::Agency => String::new(),
                By::Unit => self.agency.clone(),
            },
            received: self.received,
            received_channel_known: self.channel_known,
            received_online: self.online,
            closed: self.closed,
            closed_on_time_statutory: self.on_time_statutory,
            closed_late_statutory: self.late_statutory,
            closed_on_time_committed: self.on_time_committed,
            closed_late_committed: self.late_committed,
            open: self.open,
            open_late: self.open_late,
            rated: self.rated,
            steps: self.steps,
        }
    }
}

/// Counts every row of a board that has anything to count, by subject.
pub(crate) async fn count(snapshot: &mut Snapshot, query: &Query) -> Result<Vec<Counts>, ViewError> {
    let mut rows = BTreeMap::new();
    count_cases(snapshot, query, &mut rows).await?;
    count_working_days(snapshot, query, &mut rows).await?;
    count_steps(snapshot, query, &mut rows).await?;
    Ok(rows.into_values().filter(|row: &Counts| !row.is_empty()).collect())
}

fn row<'a>(rows: &'a mut BTreeMap<String, Counts>, subject: &str, agency: &str) -> &'a mut Counts {
    rows.entry(subject.to_owned()).or_insert_with(|| Counts {
        subject: subject.to_owned(),
        agency: agency.to_owned(),
        ..Counts::default()
    })
}

/// The condition that picks the rows' agency: everything for an empty one.
const OF_AGENCY: &str = "(?4 = '' OR agency = ?4)";

async fn count_cases(
    snapshot: &mut Snapshot,
    query: &Query,
    rows: &mut BTreeMap<String, Counts>,
) -> Result<(), ViewError> {
    let subject = query.by.column();
    let figures = [
        RECEIVED.to_owned(),
        format!("({RECEIVED} AND channel IS NOT NULL)"),
        format!("({RECEIVED} AND {ONLINE})"),
        CLOSED.to_owned(),
        figures::on_time(Clock::Statutory),
        figures::late(Clock::Statutory),
        figures::on_time(Clock::Committed),
        figures::late(Clock::Committed),
        OPEN.to_owned(),
        figures::open_late(query.clock),
        format!("({CLOSED} AND rating IS NOT NULL)"),
    ];
    let counts: Vec<_> = figures.iter().map(|f| format!("coalesce(sum({f}), 0)")).collect();
    let sql = format!(
        "SELECT {subject}, max(agency), {}, coalesce(sum(CASE WHEN {CLOSED} THEN rating END), 0) \
         FROM cases WHERE {subject} IS NOT NULL AND {OF_AGENCY} GROUP BY {subject}",
        counts.join(", ")
    );
    // Only constant pieces are joined; every value is bound.
    let found = sqlx::query(AssertSqlSafe(sql))
        .bind(query.from)
        .bind(query.until)
        .bind(query.judged_at)
        .bind(&query.agency)
        .fetch_all(&mut *snapshot.tx)
        .await?;
    for found in found {
        let counts = row(rows, found.try_get(0)?, found.try_get(1)?);
        let figures = [
            &mut counts.received,
            &mut counts.channel_known,
            &mut counts.online,
            &mut counts.closed,
            &mut counts.on_time_statutory,
            &mut counts.late_statutory,
            &mut counts.on_time_committed,
            &mut counts.late_committed,
            &mut counts.open,
            &mut counts.open_late,
            &mut counts.rated,
            &mut counts.rating_sum,
        ];
        for (i, figure) in figures.into_iter().enumerate() {
            *figure = unsigned(found.try_get(i + 2)?);
        }
    }
    Ok(())
}

async fn count_working_days(
    snapshot: &mut Snapshot,
    query: &Query,
    rows: &mut BTreeMap<String, Counts>,
) -> Result<(), ViewError> {
    let subject = query.by.column();
    let sql = format!(
        "SELECT {subject}, max(agency), working_days, count(*) FROM cases \
         WHERE {subject} IS NOT NULL AND {CLOSED} AND {OF_AGENCY} GROUP BY {subject}, working_days"
    );
    let found = sqlx::query(AssertSqlSafe(sql))
        .bind(query.from)
        .bind(query.until)
        .bind(query.judged_at)
        .bind(&query.agency)
        .fetch_all(&mut *snapshot.tx)
        .await?;
    for found in found {
        let counts = row(rows, found.try_get(0)?, found.try_get(1)?);
        counts.working_days.insert(found.try_get(2)?, unsigned(found.try_get(3)?));
    }
    Ok(())
}

async fn count_steps(
    snapshot: &mut Snapshot,
    query: &Query,
    rows: &mut BTreeMap<String, Counts>,
) -> Result<(), ViewError> {
    let subject = query.by.column();
    let (first, last) = query.days();
    let sql = format!(
        "SELECT {subject}, max(agency), sum(count) FROM steps \
         WHERE {subject} <> '' AND day BETWEEN ? AND ? AND (? = '' OR agency = ?) GROUP BY {subject}"
    );
    let found = sqlx::query(AssertSqlSafe(sql))
        .bind(first)
        .bind(last)
        .bind(&query.agency)
        .bind(&query.agency)
        .fetch_all(&mut *snapshot.tx)
        .await?;
    for found in found {
        row(rows, found.try_get(0)?, found.try_get(1)?).steps = unsigned(found.try_get(2)?);
    }
    Ok(())
}

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        let median = |days: &[(i64, u64)]| {
            Counts { working_days: days.iter().copied().collect(), ..Counts::default() }.median_working_days()
        };
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[(3, 1)]), Some(3.0));
        assert_eq!(median(&[(3, 1), (4, 1)]), Some(3.5));
        assert_eq!(median(&[(1, 2), (9, 3)]), Some(9.0));
    }

    #[test]
    fn open_cases_are_judged_within_the_period() {
        let zone = events::parse_offset("+07:00").unwrap();
        let year: Period = "2011".parse().unwrap();
        let (_, until, judged_at) = Query::times(year, None, i64::MAX, zone);
        assert_eq!(judged_at, until - 1);
        assert_eq!(Query::times(year, Some(5), i64::MAX, zone).2, 5);
        assert_eq!(Query::times(Period::ALL, None, 42, zone).2, 42);
    }
}
