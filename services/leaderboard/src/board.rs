//! Counting a board from the view's rows.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, FixedOffset, NaiveDate, NaiveTime};
use projection::{Snapshot, ViewError};
use sqlx::{AssertSqlSafe, Row as _};

use crate::{
    marks::{self, Clock, bit},
    period::Period,
    proceedings::{self, Sanctions},
    reports::{self, Conduct},
    succession::Succession,
    suppression::Cells,
    view::{self, SUMS},
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
    /// Reports and proceedings are counted up to here, this instant left out.
    pub(crate) people_until: i64,
    pub(crate) clock: Clock,
    pub(crate) zone: FixedOffset,
    /// Only units of this agency, and of those it answers for; empty for all.
    pub(crate) agency: String,
}

impl Query {
    /// The days of the period up to the judged instant, as counted from the year 1, first and last.
    pub(crate) fn days(&self) -> (i64, i64) {
        let first = if self.from == i64::MIN { i64::MIN } else { marks::day(self.from, self.zone) };
        (first, marks::day(self.until.saturating_sub(1).min(self.judged_at), self.zone))
    }

    /// The first month of the period, and the month of the judged instant.
    pub(crate) fn months(&self) -> (i64, i64) {
        let first = if self.from == i64::MIN { i64::MIN } else { marks::month(self.from, self.zone) };
        (first, marks::month(self.judged_at, self.zone))
    }

    /// The bounds of a period, and the instant to judge at: as asked, else the end of the period, or now
    /// where that is earlier; never after the period.
    pub(crate) fn times(period: Period, asked: Option<i64>, now: i64, zone: FixedOffset) -> (i64, i64, i64) {
        let (from, until) = period.bounds(zone);
        let judged_at = asked.unwrap_or(now).min(until.saturating_sub(1));
        (from, until, judged_at)
    }

    /// Up to where reports and proceedings are counted for those who see no single one: the end of the last whole month
    /// by the judged instant. Of two days' boards one would else tell what was found in between.
    pub(crate) fn last_month_end(judged_at: i64, zone: FixedOffset) -> i64 {
        let next = DateTime::from_timestamp_micros(judged_at.saturating_add(1));
        let day = next.and_then(|next| next.with_timezone(&zone).date_naive().with_day(1));
        let midnight = |first: NaiveDate| (first.and_time(NaiveTime::MIN) - zone).and_utc();
        day.map_or(i64::MIN, |first| midnight(first).timestamp_micros())
    }
}

/// Which rows of reports and proceedings are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Among {
    /// Those of the board's subjects.
    Subjects,
    /// Those about agencies of which no unit is told.
    WithoutUnit,
}

impl Among {
    /// Whose rows it makes, and the condition in SQL.
    pub(crate) fn of(self, by: By) -> (By, &'static str) {
        match (self, by) {
            (Self::WithoutUnit, _) => (By::Agency, "unit IS NULL"),
            (Self::Subjects, By::Agency) => (By::Agency, "agency IS NOT NULL"),
            (Self::Subjects, By::Unit) => (By::Unit, "unit IS NOT NULL"),
        }
    }
}

/// What is counted of reports and proceedings without a unit, by agency.
pub(crate) type Unitless = BTreeMap<String, (Conduct, Sanctions)>;

/// Counts what a board of units leaves out of its agencies' rows; nothing for a board of agencies.
pub(crate) async fn without_unit(
    snapshot: &mut Snapshot,
    query: &Query,
    succession: &Succession,
) -> Result<Unitless, ViewError> {
    let mut unitless = Unitless::new();
    if query.by == By::Agency {
        return Ok(unitless);
    }
    for (agency, (_, conduct)) in reports::count(snapshot, query, succession, Among::WithoutUnit).await? {
        unitless.entry(agency).or_default().0 = conduct;
    }
    for (agency, (_, sanctions)) in
        proceedings::count(snapshot, query, succession, Among::WithoutUnit).await?
    {
        unitless.entry(agency).or_default().1 = sanctions;
    }
    Ok(unitless)
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
    /// What is counted of reports. It ranks nobody.
    pub(crate) conduct: Conduct,
    /// What is counted of proceedings. It ranks nobody either.
    pub(crate) sanctions: Sanctions,
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
        let has_no_cases = self.received == 0 && self.closed == 0 && self.open == 0 && self.steps == 0;
        has_no_cases && self.conduct == Conduct::default() && self.sanctions.is_empty()
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

/// Counts every row of a board that has anything to count, by subject: whole months from their sums, and the
/// month of the judged instant from the marks of its days.
pub(crate) async fn count(
    snapshot: &mut Snapshot,
    query: &Query,
    succession: &Succession,
) -> Result<Vec<Counts>, ViewError> {
    // Where nothing was merged, rows of other agencies needn't be read.
    let agency = if succession.is_empty() { query.agency.as_str() } else { "" };
    let mut rows = Rows { by: query.by, succession, counting: BTreeMap::new() };
    count_months(snapshot, query, agency, &mut rows).await?;
    count_durations(snapshot, query, agency, &mut rows).await?;
    count_days(snapshot, query, agency, &mut rows).await?;
    let mut conduct = reports::count(snapshot, query, succession, Among::Subjects).await?;
    let mut sanctions = proceedings::count(snapshot, query, succession, Among::Subjects).await?;
    let officials = proceedings::officials(snapshot, query, succession).await?;
    let of_conduct = conduct.iter().map(|(subject, (agency, _))| (subject, agency));
    let of_sanctions = sanctions.iter().map(|(subject, (agency, _))| (subject, agency));
    for (subject, agency) in of_conduct.chain(of_sanctions) {
        // Also of whom nothing but reports and proceedings is known.
        rows.of(subject, agency);
    }
    let rows = rows.counting.into_iter();
    let rows = rows.filter(|(_, row)| query.agency.is_empty() || row.agency == query.agency);
    let counts = rows.map(|(subject, row)| {
        let conduct = conduct.remove(&subject).map(|(_, conduct)| conduct).unwrap_or_default();
        let sanctions = sanctions.remove(&subject).map(|(_, sanctions)| sanctions).unwrap_or_default();
        let sanctions = Sanctions { officials: officials.get(&subject).copied(), ..sanctions };
        Counts { conduct, sanctions, ..row.counts(subject, query.clock) }
    });
    Ok(counts.filter(|row| !row.is_empty()).collect())
}

/// A row that is being counted.
#[derive(Default)]
struct Counting {
    agency: String,
    sums: [i64; SUMS.len()],
    working_days: BTreeMap<i64, u64>,
}

impl Counting {
    fn counts(self, subject: String, clock: Clock) -> Counts {
        let [
            received,
            channel_known,
            online,
            closed,
            on_time_statutory,
            late_statutory,
            on_time_committed,
            late_committed,
            rated,
            rating_sum,
            open,
            overdue_statutory,
            overdue_committed,
            steps,
        ] = self.sums.map(unsigned);
        Counts {
            subject,
            agency: self.agency,
            received,
            channel_known,
            online,
            closed,
            on_time_statutory,
            late_statutory,
            on_time_committed,
            late_committed,
            open,
            open_late: match clock {
                Clock::Committed => overdue_committed,
                Clock::Statutory => overdue_statutory,
            },
            rated,
            rating_sum,
            steps,
            working_days: self.working_days,
            conduct: Conduct::default(),
            sanctions: Sanctions::default(),
        }
    }
}

/// The rows that are being counted, by subject.
struct Rows<'s> {
    by: By,
    succession: &'s Succession,
    counting: BTreeMap<String, Counting>,
}

impl Rows<'_> {
    /// The row that counts what was recorded of a subject.
    fn of(&mut self, subject: &str, agency: &str) -> &mut Counting {
        let (subject, agency) = self.succession.row(self.by, subject, agency);
        let counting = self.counting.entry(subject.to_owned()).or_default();
        if counting.agency.as_str() < agency {
            agency.clone_into(&mut counting.agency);
        }
        counting
    }
}

/// The sums that are counted up to the judged instant, whatever the period.
fn is_standing(sum: &str) -> bool {
    matches!(sum, "open" | "overdue_statutory" | "overdue_committed")
}

async fn count_months(
    snapshot: &mut Snapshot,
    query: &Query,
    agency: &str,
    rows: &mut Rows<'_>,
) -> Result<(), ViewError> {
    let subject = query.by.column();
    let sums = SUMS.map(|sum| {
        if is_standing(sum) {
            format!("sum({sum})")
        } else {
            format!("coalesce(sum(CASE WHEN month >= ?1 THEN {sum} END), 0)")
        }
    });
    let sql = format!(
        "SELECT {subject}, max(agency), {} FROM months \
         WHERE month < ?2 AND {subject} <> '' AND (?3 = '' OR agency = ?3) GROUP BY {subject}",
        sums.join(", ")
    );
    let (first, judged) = query.months();
    // Only constant pieces are joined; every value is bound.
    let found = sqlx::query(AssertSqlSafe(sql))
        .bind(first)
        .bind(judged)
        .bind(agency)
        .fetch_all(&mut *snapshot.tx)
        .await?;
    for found in found {
        let counting = rows.of(found.try_get(0)?, found.try_get(1)?);
        for (i, sum) in counting.sums.iter_mut().enumerate() {
            *sum += found.try_get::<i64, _>(i + 2)?;
        }
    }
    Ok(())
}

async fn count_durations(
    snapshot: &mut Snapshot,
    query: &Query,
    agency: &str,
    rows: &mut Rows<'_>,
) -> Result<(), ViewError> {
    let subject = query.by.column();
    let sql = format!(
        "SELECT {subject}, max(agency), working_days, sum(cases) FROM durations \
         WHERE month >= ? AND month < ? AND {subject} <> '' AND (? = '' OR agency = ?) \
         GROUP BY {subject}, working_days"
    );
    let (first, judged) = query.months();
    let found = sqlx::query(AssertSqlSafe(sql))
        .bind(first)
        .bind(judged)
        .bind(agency)
        .bind(agency)
        .fetch_all(&mut *snapshot.tx)
        .await?;
    for found in found {
        let counting = rows.of(found.try_get(0)?, found.try_get(1)?);
        *counting.working_days.entry(found.try_get(2)?).or_default() += unsigned(found.try_get(3)?);
    }
    Ok(())
}

async fn count_days(
    snapshot: &mut Snapshot,
    query: &Query,
    agency: &str,
    rows: &mut Rows<'_>,
) -> Result<(), ViewError> {
    let (first, judged) = query.months();
    let is_in_period = judged >= first;
    let subject = query.by.column();
    let sql = format!(
        "SELECT {subject}, agency, marks, steps FROM days \
         WHERE day BETWEEN ? AND ? AND {subject} <> '' AND (? = '' OR agency = ?)"
    );
    let found = sqlx::query(AssertSqlSafe(sql))
        .bind(marks::first_day(judged))
        .bind(marks::day(query.judged_at, query.zone))
        .bind(agency)
        .bind(agency)
        .fetch_all(&mut *snapshot.tx)
        .await?;
    for found in found {
        let counting = rows.of(found.try_get(0)?, found.try_get(1)?);
        for mark in marks::stored(found.try_get(2)?).filter(|mark| mark.at <= query.judged_at) {
            for ((sum, n), name) in counting.sums.iter_mut().zip(view::sums(&mark)).zip(SUMS) {
                if is_in_period || is_standing(name) {
                    *sum += n;
                }
            }
            if is_in_period && mark.has(bit::CLOSED) {
                *counting.working_days.entry(mark.working_days.into()).or_default() += 1;
            }
        }
        if is_in_period {
            counting.sums[view::STEPS_SUM] += found.try_get::<i64, _>(3)?;
        }
    }
    Ok(())
}

pub(crate) fn unsigned(n: i64) -> u64 {
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
    fn whole_months_end_with_their_last_microsecond() {
        let zone = events::parse_offset("+07:00").unwrap();
        let micros = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros();
        let october = micros("2026-10-01T00:00:00+07:00");
        for (judged_at, end) in [
            // Already October there, though not in Greenwich.
            (micros("2026-10-01T00:30:00+07:00"), october),
            (micros("2026-10-30T23:59:59.999999+07:00"), october),
            (micros("2026-10-31T23:59:59.999998+07:00"), october),
            // The end of the month: it is whole.
            (micros("2026-10-31T23:59:59.999999+07:00"), micros("2026-11-01T00:00:00+07:00")),
            (i64::MAX, i64::MIN),
        ] {
            assert_eq!(Query::last_month_end(judged_at, zone), end, "{judged_at}");
        }
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
