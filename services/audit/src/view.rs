//! The fold: positions by subject, type and actor.

use eventlog::{Entry, Filter, Header};
use projection::{FoldError, Key, KeyPart, Keys, Kind, Positions, Row, Rows, Table, Value, View};

/// Positions in one segment of a posting list. A row of a busy subject is at most 8 KiB and is written once
/// a batch; a trail reads the newest segments first.
pub(crate) const SEGMENT: u64 = 1 << 16;

const POSTING: usize = 0;

/// The audit view.
pub struct AuditView;

/// What the fold takes from an entry.
pub struct Posting {
    position: u64,
    terms: Vec<String>,
}

/// The term of a posting list: what is looked for, with its kind in front.
pub(crate) fn subject_term(role: &str, id: &str) -> String {
    format!("s/{role}/{id}")
}

pub(crate) fn type_term(event_type: &str) -> String {
    format!("t/{event_type}")
}

pub(crate) fn actor_term(actor: &str) -> String {
    format!("a/{actor}")
}

/// The segment of a position, as stored.
pub(crate) fn segment(position: u64) -> i64 {
    i64::try_from(position / SEGMENT).unwrap_or(i64::MAX)
}

fn key(term: &str, position: u64) -> [KeyPart; 2] {
    [term.into(), segment(position).into()]
}

impl View for AuditView {
    const NAME: &'static str = "audit";
    const VERSION: u32 = 1;
    const TABLES: &'static [Table] = &[Table {
        name: "posting",
        key: &[("term", Kind::Text), ("segment", Kind::Int)],
        columns: &[("positions", Kind::Positions)],
        indexes: &[],
    }];
    type Event = Posting;

    fn filter(&self) -> Filter {
        Filter::default()
    }

    fn read(&self, entry: &Entry) -> Result<Option<Posting>, FoldError> {
        let header: Header = entry.header().map_err(FoldError::new)?;
        let mut terms: Vec<String> =
            header.subjects.iter().map(|s| subject_term(s.role.as_str(), &s.id)).collect();
        terms.push(type_term(&header.event_type));
        terms.push(actor_term(&header.actor.id));
        Ok(Some(Posting { position: entry.position, terms }))
    }

    fn keys(&self, posting: &Posting, keys: &mut Keys) {
        for term in &posting.terms {
            keys.add(POSTING, key(term, posting.position));
        }
    }

    fn fold(&self, posting: Posting, rows: &mut Rows) -> Result<(), FoldError> {
        for term in &posting.terms {
            let key: Key = key(term, posting.position).into();
            let row: &mut Row =
                rows.change(POSTING, &key).get_or_insert_with(|| vec![Value::Positions(Positions::new())]);
            let Some(Value::Positions(positions)) = row.first_mut() else {
                return Err(FoldError::new("a posting list holds no positions"));
            };
            positions.insert(posting.position);
        }
        Ok(())
    }
}
