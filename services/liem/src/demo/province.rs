//! The synthetic province: agencies with units and officials, 872 procedures, and the days it works. All of it
//! follows from the seed and the last day of the demo's year; nothing here reads a clock.

mod names;

use std::collections::HashSet;

use chrono::{Days, Months, NaiveDate};
use events::directory::{Directory, Terms};

use super::rng::Rng;
use names::{AgencyName, Field, Name};

/// How many procedures the province has committed itself to.
pub(crate) const PROCEDURE_COUNT: usize = 872;

/// Procedures that got other terms in the course of the year.
const CHANGED_COUNT: usize = 60;

/// Statutory limits in working days, and how common each is in a hundred.
const LIMITS: &[(u32, u64)] =
    &[(1, 8), (2, 2), (3, 14), (5, 7), (7, 2), (10, 24), (15, 5), (20, 18), (30, 14), (45, 2), (60, 4)];

/// Of a thousand cases, how many are refused at intake.
const REFUSED_PER_MILLE: u64 = 30;

/// The place of the agency that refuses more, and how many: a ward, since others of its level handle the same procedures.
pub(crate) const REFUSER: usize = 24;
const REFUSER_PER_MILLE: u64 = 150;

// The paths of random sequences, so that a change to one thing leaves the others as they are.
const OF_AGENCIES: u64 = 1;
const OF_PROCEDURES: u64 = 2;
const OF_CHANGES: u64 = 3;

/// A province of the demo.
#[derive(Debug)]
pub(crate) struct Province {
    pub(crate) seed: u64,
    /// The first day of the demo's year.
    pub(crate) start: NaiveDate,
    /// The last day of the demo's year.
    pub(crate) end: NaiveDate,
    pub(crate) agencies: Vec<Agency>,
    pub(crate) units: Vec<Unit>,
    pub(crate) steps: &'static [&'static str],
    pub(crate) procedures: Vec<Procedure>,
    /// A day on which the province did not work though the calendar says it should have: a storm.
    pub(crate) day_off: NaiveDate,
}

/// An agency, with what its people can expect of it.
#[derive(Debug)]
pub(crate) struct Agency {
    pub(crate) code: String,
    pub(crate) name_vi: String,
    pub(crate) name_en: String,
    pub(crate) is_commune: bool,
    /// The places of its units in the province's; the first receives cases and returns results.
    pub(crate) units: Vec<usize>,
    /// The places of its procedures in the province's, a list for each of its fields, the commonest first.
    pub(crate) procedures: Vec<Vec<usize>>,
    /// How many cases it gets, beside the others.
    pub(crate) weight: u64,
    /// Of a thousand cases, how many are applied for online.
    pub(crate) online_per_mille: u64,
    /// Of a thousand cases, how many miss the committed time.
    pub(crate) late_per_mille: u64,
    /// Of a thousand cases, how many are refused at intake.
    pub(crate) refused_per_mille: u64,
    /// The usual rating, in tenths.
    pub(crate) rating_tenths: u64,
}

/// A unit of an agency.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) code: String,
    /// The place of its agency in the province's.
    pub(crate) agency: usize,
    pub(crate) name_vi: String,
    pub(crate) name_en: String,
    /// Pseudonymous ids; the first is the head.
    pub(crate) officials: Vec<String>,
}

/// A procedure.
#[derive(Debug)]
pub(crate) struct Procedure {
    pub(crate) code: String,
    pub(crate) name_vi: String,
    pub(crate) name_en: String,
    /// The tags of its fields; the first is the one it is handled under.
    pub(crate) fields: Vec<&'static str>,
    is_commune_level: bool,
    /// Its terms, by effective date: one or two sets.
    pub(crate) terms: Vec<Terms>,
}

impl Unit {
    pub(crate) fn head(&self) -> &str {
        &self.officials[0]
    }

    /// One of its officials.
    pub(crate) fn anyone(&self, rng: &mut Rng) -> &str {
        &self.officials[rng.index(self.officials.len())]
    }
}

impl Procedure {
    /// The terms in force on a day; the first ones hold since long before the demo's year.
    pub(crate) fn terms_on(&self, day: NaiveDate) -> Terms {
        let in_force = self.terms.iter().rev().find(|terms| terms.effective_date <= day);
        *in_force.unwrap_or(&self.terms[0])
    }
}

impl Province {
    /// The province of a seed, for the year that ends with `end`.
    pub(crate) fn new(seed: u64, end: NaiveDate) -> Self {
        let start = end - Days::new(365);
        let procedures = procedures(seed, start, end);
        let (agencies, units) = agencies(seed, &procedures);
        let calendar = Directory::default().calendar;
        let storm = end - Days::new(140);
        let day_off = storm.iter_days().find(|day| calendar.is_working(*day)).unwrap_or(storm);
        Self { seed, start, end, agencies, units, steps: names::STEPS, procedures, day_off }
    }
}

/// Time limits of which the committed one is 30 % under the statutory one.
fn terms(effective_date: NaiveDate, statutory_working_days: u32) -> Terms {
    let committed_working_days = (statutory_working_days * 7 / 10).max(1);
    Terms { effective_date, statutory_working_days, committed_working_days }
}

/// The names of one thing's procedures: an action each.
fn actions(field: &Field) -> impl Iterator<Item = (Name, Name)> {
    let documents = field.documents.iter().map(|thing| (thing, &names::DOCUMENT_ACTIONS));
    let dossiers = field.dossiers.iter().map(|thing| (thing, &names::DOSSIER_ACTIONS));
    documents.chain(dossiers).flat_map(|(thing, actions)| actions.iter().map(|action| (*action, *thing)))
}

fn procedures(seed: u64, start: NaiveDate, end: NaiveDate) -> Vec<Procedure> {
    let mut rng = Rng::new(seed, &[OF_PROCEDURES]);
    let long_ago = start - Months::new(18);
    let levels = [(1, names::PROVINCE_LEVEL), (2, names::COMMUNE_LEVEL)];
    let named = levels.into_iter().flat_map(|(level, (level_vi, level_en))| {
        let all = names::FIELDS.iter().flat_map(|field| actions(field).map(|name| (field.tag, name)));
        all.enumerate().map(move |(number, (tag, (action, thing)))| Procedure {
            code: format!("{level}.{:06}", number + 1),
            name_vi: format!("{} {} ({level_vi})", action.0, thing.0),
            name_en: format!("{} {} ({level_en} level)", action.1, thing.1),
            fields: if tag == "resettlement" { vec![tag, "land"] } else { vec![tag] },
            is_commune_level: level == 2,
            terms: Vec::new(),
        })
    });
    let mut procedures: Vec<_> = named.take(PROCEDURE_COUNT).collect();
    for procedure in &mut procedures {
        let (limit, _) = LIMITS[rng.weighted(LIMITS.iter().map(|(_, share)| *share))];
        procedure.terms.push(terms(long_ago, limit));
    }
    // Where the law shortened a limit, the commitment followed: the terms before were longer.
    let mut rng = Rng::new(seed, &[OF_CHANGES]);
    let change = end - Days::new(122);
    let mut changed = 0;
    while changed < CHANGED_COUNT {
        let procedure = rng.index(procedures.len());
        if let [now] = procedures[procedure].terms[..] {
            let before = terms(long_ago, now.statutory_working_days + 10);
            procedures[procedure].terms = vec![before, Terms { effective_date: change, ..now }];
            changed += 1;
        }
    }
    procedures
}

fn agencies(seed: u64, procedures: &[Procedure]) -> (Vec<Agency>, Vec<Unit>) {
    let departments = names::DEPARTMENTS.iter().map(|AgencyName { code, name: (vi, en), fields, weight }| {
        (((*code).to_owned(), (*vi).to_owned(), (*en).to_owned()), *fields, *weight, false)
    });
    let communes = names::COMMUNES.iter().zip(21..).map(|((name, weight), number)| {
        let plain = name.replace("xã", "Commune").replace("phường", "Ward");
        let vi = format!("Ủy ban nhân dân {name}");
        let en = format!("People's Committee of {plain}");
        ((format!("H99.{number}"), vi, en), names::COMMUNE_FIELDS, *weight, true)
    });
    let (mut agencies, mut units) = (Vec::new(), Vec::new());
    let mut officials = HashSet::new();
    for ((code, name_vi, name_en), fields, weight, is_commune) in departments.chain(communes) {
        let agency = agencies.len();
        let mut rng = Rng::new(seed, &[OF_AGENCIES, agency as u64]);
        let first_unit = units.len();
        let kinds = if is_commune { names::COMMUNE_UNITS } else { names::DEPARTMENT_UNITS };
        let others = 1 + rng.index(kinds.len());
        for (unit, (vi, en)) in [names::ONE_STOP].iter().chain(&kinds[..others]) {
            let count = rng.between(2, 5);
            units.push(Unit {
                code: format!("{code}/{unit}"),
                agency,
                name_vi: (*vi).to_owned(),
                name_en: (*en).to_owned(),
                officials: (0..count).map(|_| official(&mut rng, &mut officials)).collect(),
            });
        }
        // Most agencies keep their time fairly well; a few do not.
        let draw = rng.below(1_000);
        let late_per_mille = 20 + draw * draw / 4_000;
        let online = if is_commune { rng.between(150, 600) } else { rng.between(300, 850) };
        agencies.push(Agency {
            code,
            name_vi,
            name_en,
            is_commune,
            units: (first_unit..units.len()).collect(),
            procedures: fields.iter().map(|field| of_field(procedures, field, is_commune)).collect(),
            weight,
            online_per_mille: online,
            late_per_mille,
            refused_per_mille: if agency == REFUSER { REFUSER_PER_MILLE } else { REFUSED_PER_MILLE },
            rating_tenths: 44 - late_per_mille / 22 + rng.below(4),
        });
    }
    (agencies, units)
}

/// The procedures of a field on one level. Those of other fields that touch on it are not among them.
fn of_field(procedures: &[Procedure], field: &str, is_commune: bool) -> Vec<usize> {
    let fits = |p: &Procedure| p.fields[0] == field && p.is_commune_level == is_commune;
    (0..procedures.len()).filter(|place| fits(&procedures[*place])).collect()
}

/// A pseudonymous id that no other official has.
fn official(rng: &mut Rng, taken: &mut HashSet<String>) -> String {
    loop {
        let id = format!("o-{:04x}", rng.below(0x1_0000));
        if taken.insert(id.clone()) {
            return id;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn province(seed: u64) -> Province {
        Province::new(seed, "2026-10-31".parse().unwrap())
    }

    #[test]
    fn the_seed_makes_the_province() {
        let text = |seed| format!("{:?}", province(seed));
        assert_eq!(text(1), text(1));
        assert_ne!(text(1), text(2));
    }

    #[test]
    fn committed_times_are_thirty_percent_under_the_statutory_ones() {
        for seed in 0..20 {
            let province = province(seed);
            assert_eq!(province.procedures.len(), 872);
            for day in [province.start, province.end] {
                let terms: Vec<_> = province.procedures.iter().map(|p| p.terms_on(day)).collect();
                assert!(terms.iter().all(|t| t.committed_working_days >= 1));
                assert!(terms.iter().all(|t| (1..=70).contains(&t.statutory_working_days)));
                let statutory: u32 = terms.iter().map(|t| t.statutory_working_days).sum();
                let committed: u32 = terms.iter().map(|t| t.committed_working_days).sum();
                let under_per_mille = (statutory - committed) * 1_000 / statutory;
                assert!((290..=310).contains(&under_per_mille), "seed {seed}: {under_per_mille}");
            }
        }
    }

    #[test]
    fn codes_and_names_are_unique_and_what_the_directory_takes() {
        let province = province(1);
        assert_eq!(province.agencies.len(), 30);
        let unique = |texts: Vec<&str>| {
            let count = texts.len();
            assert_eq!(texts.into_iter().collect::<HashSet<_>>().len(), count);
        };
        unique(province.procedures.iter().map(|p| p.name_vi.as_str()).collect());
        unique(province.procedures.iter().map(|p| p.name_en.as_str()).collect());
        unique(province.procedures.iter().map(|p| p.code.as_str()).collect());
        unique(province.agencies.iter().map(|a| a.code.as_str()).collect());
        unique(province.units.iter().map(|u| u.code.as_str()).collect());
        unique(province.units.iter().flat_map(|u| &u.officials).map(String::as_str).collect());
        for agency in &province.agencies {
            assert!((2..=5).contains(&agency.units.len()), "{}", agency.code);
            assert!(agency.procedures.iter().all(|field| !field.is_empty()), "{}", agency.code);
            proto::agency_from("code", &agency.code).unwrap();
        }
        for (place, unit) in province.units.iter().enumerate() {
            proto::code_from("code", &unit.code).unwrap();
            assert!(province.agencies[unit.agency].units.contains(&place));
            assert!(unit.officials.iter().all(|o| proto::official_from("official", o).is_ok()));
        }
        let changed = province.procedures.iter().filter(|p| p.terms.len() == 2);
        assert_eq!(changed.count(), CHANGED_COUNT);
        assert!(province.procedures.iter().all(|p| p.terms.is_sorted_by_key(|t| t.effective_date)));
        assert!(Directory::default().calendar.is_working(province.day_off));
    }
}
