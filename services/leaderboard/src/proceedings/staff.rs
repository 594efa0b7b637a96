//! Who works where: how many officials a rate is of.

use std::collections::BTreeMap;

use chrono::{Datelike as _, NaiveDate};
use events::directory::Official;
use projection::{History, Key, Kind, Row, Snapshot, Table, Value, ViewError};
use sqlx::Row as _;

use crate::{
    board::{By, Query},
    marks,
    succession::Succession,
};

/// The table of where officials work: a row for each day from which on it is so. Nobody works where no agency stands.
pub(crate) const TABLE: Table = Table {
    name: "staff",
    key: &[("official", Kind::Text), ("from_day", Kind::Int)],
    columns: &[("agency", Kind::Text), ("unit", Kind::Text)],
    indexes: &[],
    history: History::Versions,
    spans: None,
};

/// The day of a registration, which doesn't say since when it's so: before all others.
const ALWAYS: i64 = 0;

/// What the fold takes from an entry of an official: where they work from a day on.
pub(crate) struct StaffEntry {
    official: String,
    from_day: i64,
    agency: Option<String>,
    unit: Option<String>,
}

fn day(date: NaiveDate) -> i64 {
    i64::from(date.num_days_from_ce())
}

impl StaffEntry {
    /// Where an event says that an official works, if it does.
    pub(crate) fn of(event: Official) -> Option<Self> {
        Some(match event {
            Official::Registered { official, agency, .. } => {
                Self { official, from_day: ALWAYS, agency: Some(agency), unit: None }
            }
            Official::Moved { official, agency, unit, from_date } => {
                Self { official, from_day: day(from_date), agency: Some(agency), unit }
            }
            Official::Left { official, effective_date } => {
                Self { official, from_day: day(effective_date), agency: None, unit: None }
            }
            Official::Appointed { .. } | Official::PartyMembershipChanged { .. } => return None,
        })
    }

    pub(crate) fn key(&self) -> Key {
        Key::of([self.official.as_str().into(), self.from_day.into()])
    }

    pub(crate) fn fold(self, row: &mut Option<Row>) {
        *row = Some(vec![Value::from(self.agency), Value::from(self.unit)]);
    }
}

/// How many officials are in service at the judged instant, by subject; none where the directory knows none.
pub(crate) async fn officials(
    snapshot: &mut Snapshot,
    query: &Query,
    succession: &Succession,
) -> Result<BTreeMap<String, u64>, ViewError> {
    let found = sqlx::query(
        "SELECT agency, unit, count(*) FROM staff AS stay WHERE from_day <= ?1 AND agency IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM staff AS later WHERE later.official = stay.official \
         AND later.from_day > stay.from_day AND later.from_day <= ?1) GROUP BY agency, unit",
    )
    .bind(marks::day(query.judged_at, query.zone))
    .fetch_all(&mut *snapshot.tx)
    .await?;
    let mut counts = BTreeMap::new();
    for row in found {
        let (agency, unit): (&str, Option<&str>) = (row.try_get(0)?, row.try_get(1)?);
        let subject = match query.by {
            By::Agency => agency,
            By::Unit => match unit {
                Some(unit) => unit,
                None => continue,
            },
        };
        let (subject, _) = succession.row(query.by, subject, agency);
        let officials: i64 = row.try_get(2)?;
        *counts.entry(subject.to_owned()).or_default() += u64::try_from(officials).unwrap_or(0);
    }
    Ok(counts)
}
