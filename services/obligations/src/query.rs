//! The duties that run at a moment: one pass over what ran then, of which the most urgent are kept.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use events::{conduct::Concern, directory::Directory, discipline::Standing};
use futures::TryStreamExt as _;
use projection::{Snapshot, ViewError};
use serde::de::DeserializeOwned;
use sqlx::Row as _;

use crate::stretch::{Duty, Stretch, Stretches};

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
    /// An agency has to know that it has a report about itself, to transfer it. Officials see no duties of proceedings:
    /// their ids and days tell of colleagues.
    pub(crate) is_agency: bool,
}

impl Viewer {
    /// Whether they may know of a report's duty.
    fn sees(&self, concern: &Concern, directory: &Directory, today: NaiveDate) -> bool {
        !concern.is_person(&self.id) && (self.is_agency || !concern.is_agency(&self.agency, directory, today))
    }

    /// Whether they may know of a proceeding's duty.
    fn sees_proceeding(&self, standing: &Standing) -> bool {
        self.is_agency && !standing.is_person(&self.id)
    }
}

/// The place of a duty in the order of urgency: by due time, what is paused last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) is_paused: bool,
    pub(crate) due: i64,
    pub(crate) role: String,
    /// A proceeding has several at a time.
    pub(crate) duty: Duty,
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

impl Query {
    fn is_overdue(&self, stretch: &Stretch) -> bool {
        !stretch.paused && stretch.due < self.moment
    }

    fn asks_for(&self, stretch: &Stretch, directory: &Directory) -> bool {
        let is_of = |asked: &Option<String>, is: &dyn Fn(&str) -> bool| asked.as_deref().is_none_or(is);
        is_of(&self.agency, &|agency| directory.successor(&stretch.agency) == directory.successor(agency))
            && is_of(&self.unit, &|unit| {
                !stretch.unit.is_empty()
                    && directory.unit_successor(&stretch.unit) == directory.unit_successor(unit)
            })
            && self.due_until.is_none_or(|until| !stretch.paused && stretch.due <= until)
            && (self.is_overdue(stretch) || !self.is_overdue)
    }
}

impl Found {
    /// Counts a duty, and keeps it while it's among the most urgent past the place asked for.
    fn add(
        &mut self,
        stretch: &Stretch,
        (role, subject): (&str, &str),
        directory: &Directory,
        query: &Query,
        day: NaiveDate,
    ) {
        let heads = heads_of(directory, stretch, day);
        if query.head.as_deref().is_some_and(|head| !heads.contains(&head)) {
            return;
        }
        let head = heads.first().map(|head| (*head).to_owned());
        self.total += 1;
        self.overdue += u64::from(query.is_overdue(stretch));
        let place = Place {
            is_paused: stretch.paused,
            due: stretch.due,
            role: role.to_owned(),
            duty: stretch.duty,
            subject: subject.to_owned(),
        };
        if query.past.as_ref().is_some_and(|past| place <= *past) {
            return;
        }
        self.duties.insert(place, (stretch.clone(), head));
        if self.duties.len() > query.limit {
            self.duties.pop_last();
            self.has_more = true;
        }
    }
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
    let mut rows = sqlx::query(
        "SELECT role, subject, stretches, concern, standing FROM clocks WHERE ended > ?1 AND began <= ?1",
    )
    .bind(query.moment)
    .fetch(&mut *snapshot.tx);
    while let Some(row) = rows.try_next().await? {
        let bytes: &[u8] = row.try_get(2)?;
        let stretches = Stretches::from_bytes(bytes).map_err(|error| ViewError::Log(error.to_string()))?;
        let stretches = stretches.at(query.moment).into_iter();
        let asked: Vec<_> = stretches.filter(|stretch| query.asks_for(stretch, directory)).collect();
        if asked.is_empty() {
            continue;
        }
        if let Some(viewer) = &query.viewer {
            let concern: Option<Concern> = parsed(row.try_get(3)?)?;
            let standing: Option<Standing> = parsed(row.try_get(4)?)?;
            if concern.is_some_and(|concern| !viewer.sees(&concern, directory, today))
                || standing.is_some_and(|standing| !viewer.sees_proceeding(&standing))
            {
                continue;
            }
        }
        let (role, subject): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        for stretch in asked {
            found.add(stretch, (&role, &subject), directory, query, day);
        }
    }
    Ok(found)
}

fn parsed<T: DeserializeOwned>(text: Option<&str>) -> Result<Option<T>, ViewError> {
    text.map(serde_json::from_str).transpose().map_err(|error| ViewError::Log(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn officials_see_no_duty_of_a_proceeding() {
        let viewer = |is_agency| Viewer { id: "cb-0301".into(), agency: "H57.03".into(), is_agency };
        let of = |person: &str| Standing {
            handler: "H57.03".into(),
            agency: "H57.03".into(),
            person: Some(person.into()),
        };
        assert!(viewer(true).sees_proceeding(&of("cb-0302")));
        assert!(!viewer(true).sees_proceeding(&of("cb-0301")));
        assert!(!viewer(false).sees_proceeding(&of("cb-0302")));
        assert!(!viewer(false).sees_proceeding(&of("cb-0301")));
    }
}
