//! What units are called in the ledger, where a unit's code belongs to one agency only.

use std::collections::{BTreeSet, HashMap};

use crate::import::source::survey::unit_name;

/// The names of units, by agency and code. `taken` has the agency of each unit that the directory knows; a code
/// that another agency has is named `AGENCY/UNIT`.
pub(super) fn names<'r>(
    wanted: &BTreeSet<(&'r str, &'r str)>,
    mut taken: HashMap<String, String>,
) -> HashMap<(&'r str, &'r str), String> {
    let mut names = HashMap::new();
    for (agency, code) in wanted {
        let qualified = taken.get(*code).is_some_and(|holder| holder != agency);
        let name = unit_name(agency, code, qualified);
        taken.entry(name.clone()).or_insert_with(|| (*agency).to_owned());
        names.insert((*agency, *code), name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_another_agency_has_is_qualified_and_stays_so() {
        let wanted = BTreeSet::from([("A", "1"), ("B", "1"), ("B", "2"), ("B", "3")]);
        let directory = |units: &[(&str, &str)]| {
            units.iter().map(|(unit, agency)| ((*unit).to_owned(), (*agency).to_owned())).collect()
        };
        let first = names(&wanted, directory(&[("2", "C")]));
        let sorted: BTreeSet<_> = first.values().map(String::as_str).collect();
        assert_eq!(sorted, BTreeSet::from(["1", "B/1", "B/2", "3"]));
        assert_eq!(first[&("A", "1")], "1");
        let again = directory(&[("2", "C"), ("1", "A"), ("B/1", "B"), ("B/2", "B"), ("3", "B")]);
        assert_eq!(names(&wanted, again), first);
    }
}
