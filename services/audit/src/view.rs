//! The fold: positions by subject, type and actor; and which agencies and units were merged into which.

use eventlog::{Entry, Filter};
use events::{Role, directory::Merger};
use projection::{FoldError, History, Key, Keys, Kind, Named, PositionSet, Row, Spans, Table, Value, View};

/// Positions in one segment of a posting list. A row of a busy subject is at most 8 KiB and is written once
/// a batch; a trail reads the newest segments first.
pub(crate) const SEGMENT: u64 = 1 << 16;

/// Positions in one stretch, which comes first in the key: so the rows that a batch writes lie together at the
/// end of the table however long the log is, and a term is looked up once a stretch.
pub(crate) const STRETCH: u64 = 1 << 20;

const POSTING: usize = 0;
const MERGERS: usize = 1;

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
}

/// The term of a posting list: what is looked for, with its kind in front.
pub(crate) fn subject_term(role: &str, id: &str) -> String {
    ["s/", role, "/", id].concat()
}

/// The term of a posting list that only inspectors look into: what reports and personal data have to do with an
/// agency, a unit, an official or a step.
pub(crate) fn reserved_term(role: &str, id: &str) -> String {
    ["r/", role, "/", id].concat()
}

/// Whether a type's events are about reports or personal data.
fn is_reserved(event_type: &str) -> bool {
    event_type.starts_with("conduct.") || event_type.starts_with("vault.")
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
    const VERSION: u32 = 3;
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
    ];
    type Event = Posting;

    fn filter(&self) -> Filter {
        Filter::default()
    }

    fn read(&self, entry: &Entry) -> Result<Option<Posting>, FoldError> {
        let about = entry.about().map_err(FoldError::new)?;
        let position = entry.position;
        let is_reserved = is_reserved(&about.event_type);
        let subjects = about.subjects.iter().map(|subject| {
            let (role, id) = (subject.role.as_str(), &subject.id);
            // A report's own trail has its own standing.
            let is_open = !is_reserved || subject.role == Role::Report;
            key(&if is_open { subject_term(role, id) } else { reserved_term(role, id) }, position)
        });
        let mut keys: Vec<Key> = subjects.collect();
        keys.push(key(&type_term(&about.event_type), position));
        keys.push(key(&actor_term(&about.actor.id), position));
        let merger = Merger::of(&about.event_type, &entry.bytes).map_err(FoldError::new)?;
        let row =
            |m: Merger| Key::of([m.role.as_str().into(), m.into.as_str().into(), m.code.as_str().into()]);
        Ok(Some(Posting { position, lists: keys.len(), keys, merger: merger.map(row) }))
    }

    fn keys(&self, posting: &mut Posting, keys: &mut Keys<'_>) {
        posting.keys.drain(..).for_each(|key| keys.add(POSTING, key));
        posting.merger.take().into_iter().for_each(|key| keys.add(MERGERS, key));
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
                return Err(FoldError::new("a merger holds no positions"));
            };
            positions.insert(posting.position);
        }
        Ok(())
    }
}
