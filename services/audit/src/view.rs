//! The fold: positions by subject, type and actor; which agencies and units were merged into which; and which
//! proceedings an official or a report has.

use eventlog::{Entry, Filter};
use events::{Event as _, Role, directory::Merger, discipline::ProceedingEvent};
use projection::{FoldError, History, Key, Keys, Kind, Named, PositionSet, Row, Spans, Table, Value, View};

/// Positions in one segment of a posting list. A row of a busy subject is at most 8 KiB and is written once
/// a batch; a trail reads the newest segments first.
pub(crate) const SEGMENT: u64 = 1 << 16;

/// Positions in one stretch, which comes first in the key: so the rows that a batch writes lie together at the
/// end of the table however long the log is, and a term is looked up once a stretch.
pub(crate) const STRETCH: u64 = 1 << 20;

const POSTING: usize = 0;
const MERGERS: usize = 1;
const PROCEEDINGS: usize = 2;

/// The audit view.
pub struct AuditView;

/// What the fold takes from an entry.
pub struct Posting {
    position: u64,
    keys: Vec<Key>,
    /// How many posting lists it stands in.
    lists: usize,
    /// The row of the merger that it is.
    merger: Option<Key>,
    /// The rows of those whose proceeding it is.
    proceedings: Vec<Key>,
}

/// The term of a posting list: what is looked for, with its kind in front.
pub(crate) fn subject_term(role: &str, id: &str) -> String {
    ["s/", role, "/", id].concat()
}

/// The term of a posting list that only inspectors look into: what reports, personal data and proceedings have to do
/// with an agency, a unit, an official or a step.
pub(crate) fn reserved_term(role: &str, id: &str) -> String {
    ["r/", role, "/", id].concat()
}

/// Whether events of a type stand for inspectors only in the trail of a subject of this role. The trails of reports
/// and proceedings have their own standing; and whom a proceeding is against may know of it, as only they and
/// inspectors ask for an official's trail.
fn is_reserved(event_type: &str, role: Role) -> bool {
    if event_type.starts_with("discipline.") {
        return !matches!(role, Role::Proceeding | Role::Official | Role::Report);
    }
    let is_of_people = event_type.starts_with("conduct.") || event_type.starts_with("vault.");
    is_of_people && role != Role::Report
}

/// The rows of whom a proceeding is against, and of the report it comes from, where an event says so.
fn proceedings(entry: &Entry, event_type: &str) -> Result<Vec<Key>, FoldError> {
    if !event_type.starts_with("discipline.") {
        return Ok(Vec::new());
    }
    let happened = entry.happened().map_err(FoldError::new)?;
    if happened.category() != ProceedingEvent::CATEGORY {
        return Ok(Vec::new());
    }
    let key = |role: Role, id: &str| Key::of([role.as_str().into(), id.into(), happened.key().into()]);
    Ok(match happened.event().map_err(FoldError::new)? {
        ProceedingEvent::Due { origin, matter, .. }
        | ProceedingEvent::NotOpened { origin, matter, .. }
        | ProceedingEvent::Opened { origin, matter, .. } => {
            let person = matter.person.as_deref().map(|person| key(Role::Official, person));
            person.into_iter().chain(origin.report().map(|report| key(Role::Report, report))).collect()
        }
        _ => Vec::new(),
    })
}

pub(crate) fn type_term(event_type: &str) -> String {
    ["t/", event_type].concat()
}

pub(crate) fn actor_term(actor: &str) -> String {
    ["a/", actor].concat()
}

/// The segment of a position, as stored.
pub(crate) fn segment(position: u64) -> i64 {
    i64::try_from(position.saturating_sub(1) / SEGMENT).unwrap_or(i64::MAX)
}

/// The stretch of a position, as stored.
pub(crate) fn stretch(position: u64) -> i64 {
    i64::try_from(position.saturating_sub(1) / STRETCH).unwrap_or(i64::MAX)
}

fn key(term: &str, position: u64) -> Key {
    Key::of([stretch(position).into(), term.into(), segment(position).into()])
}

impl View for AuditView {
    const NAME: &'static str = "audit";
    const VERSION: u32 = 4;
    const TABLES: &'static [Table] = &[
        Table {
            name: "posting",
            key: &[("stretch", Kind::Int), ("term", Kind::Text), ("segment", Kind::Int)],
            // The number comes first: it's read without the set.
            columns: &[("number", Kind::Int), ("positions", Kind::Positions)],
            indexes: &[],
            history: History::Positions,
            spans: Some(Spans { column: 2, positions: SEGMENT }),
        },
        // What was merged into a code: looked up from the code that answers for it.
        Table {
            name: "mergers",
            key: &[("role", Kind::Text), ("successor", Kind::Text), ("code", Kind::Text)],
            columns: &[("positions", Kind::Positions)],
            indexes: &[],
            history: History::Positions,
            spans: None,
        },
        // Most events of a proceeding don't name whom it is against: their trail is also that of the proceeding.
        Table {
            name: "proceedings",
            key: &[("role", Kind::Text), ("id", Kind::Text), ("proceeding", Kind::Text)],
            columns: &[("positions", Kind::Positions)],
            indexes: &[],
            history: History::Positions,
            spans: None,
        },
    ];
    type Event = Posting;

    fn filter(&self) -> Filter {
        Filter::default()
    }

    fn read(&self, entry: &Entry) -> Result<Option<Posting>, FoldError> {
        let about = entry.about().map_err(FoldError::new)?;
        let position = entry.position;
        let subjects = about.subjects.iter().map(|subject| {
            let (role, id) = (subject.role.as_str(), &subject.id);
            let is_reserved = is_reserved(&about.event_type, subject.role);
            key(&if is_reserved { reserved_term(role, id) } else { subject_term(role, id) }, position)
        });
        let mut keys: Vec<Key> = subjects.collect();
        keys.push(key(&type_term(&about.event_type), position));
        keys.push(key(&actor_term(&about.actor.id), position));
        let merger = Merger::of(&about.event_type, &entry.bytes).map_err(FoldError::new)?;
        let row =
            |m: Merger| Key::of([m.role.as_str().into(), m.into.as_str().into(), m.code.as_str().into()]);
        let proceedings = proceedings(entry, &about.event_type)?;
        Ok(Some(Posting { position, lists: keys.len(), keys, merger: merger.map(row), proceedings }))
    }

    fn keys(&self, posting: &mut Posting, keys: &mut Keys<'_>) {
        posting.keys.drain(..).for_each(|key| keys.add(POSTING, key));
        posting.merger.take().into_iter().for_each(|key| keys.add(MERGERS, key));
        posting.proceedings.drain(..).for_each(|key| keys.add(PROCEEDINGS, key));
    }

    fn fold(&self, posting: Posting, rows: &mut Named<'_>) -> Result<(), FoldError> {
        for number in 0..posting.lists {
            let empty = || vec![Value::Int(0), Value::Positions(PositionSet::default())];
            let row: &mut Row = rows.change(number).get_or_insert_with(empty);
            let [Value::Int(number), Value::Positions(positions)] = row.as_mut_slice() else {
                return Err(FoldError::new("a posting list holds no positions"));
            };
            *number += i64::from(positions.insert(posting.position));
        }
        for number in posting.lists..rows.count() {
            let row =
                rows.change(number).get_or_insert_with(|| vec![Value::Positions(PositionSet::default())]);
            let [Value::Positions(positions)] = row.as_mut_slice() else {
                return Err(FoldError::new("a merger or a proceeding holds no positions"));
            };
            positions.insert(posting.position);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_inspectors_depends_on_whose_trail_it_is() {
        let reserved = |event_type: &str| {
            let roles = Role::ALL.into_iter().filter(|role| is_reserved(event_type, *role));
            roles.map(Role::as_str).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(reserved("delivery.CaseReceived.v1"), "");
        let all_but_reports = "case agency unit official procedure step view post proceeding";
        assert_eq!(reserved("conduct.ReportReceived.v1"), all_but_reports);
        assert_eq!(reserved("vault.DataOpened.v1"), all_but_reports);
        assert_eq!(reserved("discipline.SanctionDecided.v1"), "case agency unit procedure step view post");
    }
}
