//! What a file holds, before any of it is sent: what has to be registered first, and how much there is.

use std::collections::{BTreeMap, BTreeSet};

use chrono::FixedOffset;

use super::flag::Flag;
use super::{SourceCase, SourceError, ids};
use crate::import::mapping::code::CODE_CHARS_MAX;
use crate::import::time::When;

/// Different units, or activities, or procedures, or agencies that a file has at most. They are held in
/// memory, and more of them mean that the mapping names the wrong column.
pub(in crate::import) const DISTINCT_MAX: usize = 100_000;

/// What a file holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Survey {
    /// Rows of the file, without its header; rejected ones count.
    pub(crate) rows: u64,
    /// Rows that can't be used.
    pub(crate) rejected: u64,
    /// Cases.
    pub(crate) cases: u64,
    /// Rows with a flag or more.
    pub(crate) flagged: u64,
    /// Rows by flag.
    pub(crate) flags: BTreeMap<Flag, u64>,
    /// The agencies.
    pub(crate) agencies: BTreeSet<String>,
    /// The units, as the cases and rows name them, and the agency of each.
    pub(crate) units: BTreeMap<String, String>,
    /// The procedures.
    pub(crate) procedures: BTreeSet<String>,
    /// The activities.
    pub(crate) activities: BTreeSet<String>,
    /// The earliest start of a case or time of a row.
    pub(crate) earliest: Option<When>,
}

/// Makes a survey from cases whose units are not yet named for good.
pub(super) struct Surveyor {
    survey: Survey,
    zone: FixedOffset,
    /// The agencies of each unit.
    units: BTreeMap<String, BTreeSet<String>>,
}

impl Surveyor {
    pub(super) fn new(rows: u64, rejected: u64, zone: FixedOffset) -> Self {
        let survey = Survey { rows, rejected, ..Survey::default() };
        Self { survey, zone, units: BTreeMap::new() }
    }

    pub(super) fn unit(&mut self, agency: &str, unit: &str) {
        match self.units.get_mut(unit) {
            Some(agencies) if agencies.contains(agency) => {}
            Some(agencies) => {
                agencies.insert(agency.to_owned());
            }
            None => {
                self.units.insert(unit.to_owned(), BTreeSet::from([agency.to_owned()]));
            }
        }
    }

    pub(super) fn case(&mut self, case: &SourceCase) -> Result<(), SourceError> {
        let survey = &mut self.survey;
        survey.cases += 1;
        add(&mut survey.agencies, Some(&case.agency));
        add(&mut survey.procedures, case.procedure.as_deref());
        for row in &case.rows {
            add(&mut survey.activities, row.activity.as_deref());
            survey.flagged += u64::from(!row.flags.is_empty());
            for flag in row.flags.iter() {
                *survey.flags.entry(flag).or_default() += 1;
            }
        }
        let times = case.rows.iter().map(|row| row.time).chain([case.start]);
        let earliest = survey.earliest.into_iter().chain(times).min_by_key(|when| when.instant(self.zone));
        survey.earliest = earliest;
        for (what, count) in [
            ("agencies", survey.agencies.len()),
            ("units", self.units.len()),
            ("procedures", survey.procedures.len()),
            ("activities", survey.activities.len()),
        ] {
            if count > DISTINCT_MAX {
                return Err(SourceError::TooManyDistinct { what });
            }
        }
        Ok(())
    }

    /// The survey, and whether units are named with their agency.
    pub(super) fn finish(self) -> (Survey, bool) {
        let Self { mut survey, units, .. } = self;
        let qualified = units.values().any(|agencies| agencies.len() > 1);
        for (unit, agencies) in units {
            for agency in agencies {
                survey.units.insert(unit_name(&agency, &unit, qualified), agency.clone());
                survey.agencies.insert(agency);
            }
        }
        (survey, qualified)
    }
}

fn add(set: &mut BTreeSet<String>, value: Option<&str>) {
    if let Some(value) = value
        && !set.contains(value)
    {
        set.insert(value.to_owned());
    }
}

/// The name of a unit in the ledger, where a unit's code belongs to one agency only. Agencies have no `/`: so
/// no two units get one name. What would be longer than a code may be is cut and ends in a hash of the whole.
pub(in crate::import) fn unit_name(agency: &str, unit: &str, qualified: bool) -> String {
    if !qualified {
        return unit.to_owned();
    }
    let name = format!("{agency}/{unit}");
    if name.chars().count() <= CODE_CHARS_MAX {
        return name;
    }
    let hash = ids::hex(&ids::digest("liem import unit v1", [name.as_bytes()]), 8);
    let kept: String = name.chars().take(CODE_CHARS_MAX - 1 - hash.len()).collect();
    format!("{kept}~{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::mapping::code;

    #[test]
    fn a_qualified_unit_is_still_a_code() {
        assert_eq!(unit_name("A.1", "U", false), "U");
        assert_eq!(unit_name("A.1", "U", true), "A.1/U");
        let long = |end| unit_name(&"A".repeat(32), &format!("{}{end}", "ê".repeat(99)), true);
        assert_eq!(code::check(&long('x')), Ok(()));
        assert_eq!(long('x').chars().count(), CODE_CHARS_MAX);
        assert_ne!(long('x'), long('y'));
    }
}
