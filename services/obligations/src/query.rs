//! The duties that run at a moment: one pass over what ran then, of which the most urgent are kept.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use events::{conduct::Concern, directory::Directory};
use futures::TryStreamExt as _;
use projection::{Snapshot, ViewError};
use sqlx::Row as _;

use crate::stretch::{Stretch, Stretches};

/// Which duties are asked for.
pub(crate) struct Query {
    /// The moment, in microseconds since 1970 UTC.
    pub(crate) moment: i64,
    /// Only those whose agency this one answers for.
    pub(crate) agency: Option<String>,
    pub(crate) unit: Option<String>,
    /// Only those of agencies and units that this official heads.
    pub(crate) head: Option<String>,
    /// Only what is due up to here.
    pub(crate) due_until: Option<i64>,
    pub(crate) is_overdue: bool,
    /// Whose eyes it is for; none for those who see everything.
    pub(crate) viewer: Option<Viewer>,
    /// Past this place.
    pub(crate) past: Option<Place>,
    pub(crate) limit: usize,
}

/// Who sees only what doesn't concern them.
pub(crate) struct Viewer {
    /// The official, or the holder of an agency's token.
    pub(crate) id: String,
    /// Their agency.
    pub(crate) agency: String,
    /// An agency has to know that it has a report about itself, to transfer it.
    pub(crate) is_agency: bool,
}

impl Viewer {
    /// Whether they may know of a report's duty.
    fn sees(&self, concern: &Concern, directory: &Directory, today: NaiveDate) -> bool {
        !concern.is_person(&self.id) && (self.is_agency || !concern.is_agency(&self.agency, directory, today))
    }
}

/// The place of a duty in the order of urgency: by due time, what is paused last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) is_paused: bool,
    pub(crate) due: i64,
    pub(crate) role: String,
    pub(crate) subject: String,
}

/// What was found.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) duties: BTreeMap<Place, (Stretch, Option<String>)>,
    pub(crate) total: u64,
    pub(crate) overdue: u64,
    pub(crate) has_more: bool,
}

/// The heads of a duty's unit, and then of its agency, on the day of the moment.
fn heads_of<'d>(directory: &'d Directory, stretch: &Stretch, day: NaiveDate) -> Vec<&'d str> {
    let mut heads = directory.unit_heads(&stretch.unit, day);
    heads.extend(directory.heads(&stretch.agency, day));
    heads
}

pub(crate) async fn duties(
    snapshot: &mut Snapshot,
    directory: &Directory,
    query: &Query,
    (day, today): (NaiveDate, NaiveDate),
) -> Result<Found, ViewError> {
    let mut found = Found::default();
    let mut rows =
        sqlx::query("SELECT role, subject, stretches, concern FROM clocks WHERE ended > ?1 AND began <= ?1")
            .bind(query.moment)
            .fetch(&mut *snapshot.tx);
    while let Some(row) = rows.try_next().await? {
        let bytes: &[u8] = row.try_get(2)?;
        let stretches = Stretches::from_bytes(bytes).map_err(|error| ViewError::Log(error.to_string()))?;
        let Some(stretch) = stretches.at(query.moment) else { continue };
        let is_overdue = !stretch.paused && stretch.due < query.moment;
        let is_of = |asked: &Option<String>, is: &dyn Fn(&str) -> bool| asked.as_deref().is_none_or(is);
        let is_asked = is_of(&query.agency, &|agency| {
            directory.successor(&stretch.agency) == directory.successor(agency)
        }) && is_of(&query.unit, &|unit| {
            !stretch.unit.is_empty()
                && directory.unit_successor(&stretch.unit) == directory.unit_successor(unit)
        }) && query.due_until.is_none_or(|until| !stretch.paused && stretch.due <= until)
            && (is_overdue || !query.is_overdue);
        if !is_asked {
            continue;
        }
        let concern: Option<&str> = row.try_get(3)?;
        if let (Some(viewer), Some(concern)) = (&query.viewer, concern) {
            let concern: Concern =
                serde_json::from_str(concern).map_err(|error| ViewError::Log(error.to_string()))?;
            if !viewer.sees(&concern, directory, today) {
                continue;
            }
        }
        let heads = heads_of(directory, stretch, day);
        if query.head.as_deref().is_some_and(|head| !heads.contains(&head)) {
            continue;
        }
        let head = heads.first().map(|head| (*head).to_owned());
        found.total += 1;
        found.overdue += u64::from(is_overdue);
        let place = Place {
            is_paused: stretch.paused,
            due: stretch.due,
            role: row.try_get(0)?,
            subject: row.try_get(1)?,
        };
        if query.past.as_ref().is_some_and(|past| place <= *past) {
            continue;
        }
        found.duties.insert(place, (stretch.clone(), head));
        if found.duties.len() > query.limit {
            found.duties.pop_last();
            found.has_more = true;
        }
    }
    Ok(found)
}
