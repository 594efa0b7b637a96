//! Which agencies and units were merged into which: a row of a board is of all that its subject answers for.

use std::collections::HashMap;

use events::{
    Role,
    directory::{Agency, Mergers, Unit},
};
use projection::{FoldError, History, Key, Kind, Row, Snapshot, Table, Value, ViewError};

use crate::board::By;

/// The table of what boards need to know of agencies and units.
pub(crate) const TABLE: Table = Table {
    name: "bodies",
    key: &[("role", Kind::Text), ("code", Kind::Text)],
    columns: &[("agency", Kind::Text), ("successor", Kind::Text)],
    indexes: &[],
    history: History::Versions,
    spans: None,
};

/// What the fold takes from an entry about an agency or unit.
pub(crate) struct BodyEntry {
    role: Role,
    code: String,
    change: Change,
}

enum Change {
    /// A unit of this agency was opened.
    Opened(String),
    /// It was merged into this one.
    Merged(String),
}

impl BodyEntry {
    /// What boards need to know of an agency's event, if anything.
    pub(crate) fn of_agency(event: Agency) -> Option<Self> {
        match event {
            Agency::Merged { agency, into, .. } => {
                Some(Self { role: Role::Agency, code: agency, change: Change::Merged(into) })
            }
            Agency::Opened { .. } | Agency::Renamed { .. } | Agency::Closed { .. } => None,
        }
    }

    /// What boards need to know of a unit's event, if anything.
    pub(crate) fn of_unit(event: Unit) -> Option<Self> {
        let entry = |code, change| Some(Self { role: Role::Unit, code, change });
        match event {
            Unit::Opened { unit, agency, .. } => entry(unit, Change::Opened(agency)),
            Unit::Merged { unit, into, .. } => entry(unit, Change::Merged(into)),
            Unit::Renamed { .. } | Unit::Closed { .. } => None,
        }
    }

    /// The key of its row.
    pub(crate) fn key(&self) -> Key {
        Key::of([self.role.as_str().into(), self.code.as_str().into()])
    }

    /// Brings it into its row.
    pub(crate) fn fold(self, row: &mut Option<Row>) -> Result<(), FoldError> {
        let row = row.get_or_insert_with(|| vec![Value::Null, Value::Null]);
        let [agency, successor] = row.as_mut_slice() else {
            return Err(FoldError::new("a row of an agency or unit has other columns"));
        };
        match self.change {
            Change::Opened(of) => *agency = of.into(),
            Change::Merged(into) => *successor = into.into(),
        }
        Ok(())
    }
}

/// Who answers for whom, as of a snapshot.
#[derive(Debug, Default)]
pub(crate) struct Succession {
    agencies: Mergers,
    units: Mergers,
    /// The agency of each unit, where units were merged.
    agency_of: HashMap<String, String>,
}

impl Succession {
    /// Reads it.
    pub(crate) async fn of(snapshot: &mut Snapshot) -> Result<Self, ViewError> {
        let mut succession = Self::default();
        let mergers: Vec<(String, String, String)> =
            sqlx::query_as("SELECT role, code, successor FROM bodies WHERE successor IS NOT NULL")
                .fetch_all(&mut *snapshot.tx)
                .await?;
        for (role, code, into) in mergers {
            match Role::parse(&role) {
                Some(Role::Unit) => succession.units.add(code, into),
                _ => succession.agencies.add(code, into),
            }
        }
        if !succession.units.is_empty() {
            let units: Vec<(String, String)> =
                sqlx::query_as("SELECT code, agency FROM bodies WHERE role = 'unit' AND agency IS NOT NULL")
                    .fetch_all(&mut *snapshot.tx)
                    .await?;
            succession.agency_of = units.into_iter().collect();
        }
        Ok(succession)
    }

    /// Whether nothing was merged.
    pub(crate) fn is_empty(&self) -> bool {
        self.agencies.is_empty() && self.units.is_empty()
    }

    /// The agency that answers for an agency.
    pub(crate) fn agency<'a>(&'a self, agency: &'a str) -> &'a str {
        self.agencies.successor(agency)
    }

    fn mergers(&self, by: By) -> &Mergers {
        match by {
            By::Agency => &self.agencies,
            By::Unit => &self.units,
        }
    }

    /// The subject that answers for a subject of a board.
    pub(crate) fn subject<'a>(&'a self, by: By, subject: &'a str) -> &'a str {
        self.mergers(by).successor(subject)
    }

    /// The subject whose row counts what was recorded of a subject of an agency, and that one's agency.
    pub(crate) fn row<'a>(&'a self, by: By, subject: &'a str, agency: &'a str) -> (&'a str, &'a str) {
        let answering = self.subject(by, subject);
        let agency = match self.agency_of.get(answering) {
            Some(agency) if by == By::Unit && answering != subject => agency,
            _ => agency,
        };
        (answering, self.agency(agency))
    }

    /// The subjects that a subject answers for, itself among them.
    pub(crate) fn answered_for<'a>(&'a self, by: By, subject: &'a str) -> Vec<&'a str> {
        self.mergers(by).answered_for(subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_of_the_subject_that_answers_for_it() {
        let mut succession = Succession::default();
        assert!(succession.is_empty());
        succession.agencies.add("H1".into(), "H2".into());
        succession.units.add("U1".into(), "U3".into());
        succession.agency_of = [("U1", "H1"), ("U2", "H1"), ("U3", "H3")]
            .map(|(unit, agency)| (unit.to_owned(), agency.to_owned()))
            .into();
        assert_eq!(succession.row(By::Agency, "H1", "H1"), ("H2", "H2"));
        assert_eq!(succession.row(By::Agency, "H3", "H3"), ("H3", "H3"));
        // A unit merged into one of another agency is that one's; another of a merged agency goes with it.
        assert_eq!(succession.row(By::Unit, "U1", "H1"), ("U3", "H3"));
        assert_eq!(succession.row(By::Unit, "U2", "H1"), ("U2", "H2"));
        assert_eq!(succession.answered_for(By::Unit, "U3"), ["U3", "U1"]);
        assert_eq!(succession.answered_for(By::Agency, "H2"), ["H2", "H1"]);
        assert_eq!(succession.subject(By::Unit, "H1"), "H1");
    }
}
