//! The province of a history: 30 agencies with 10 units each, some 2,000 officials, 100 procedures, and the events by
//! which the directory knows them.

use std::{collections::HashSet, ops::Range};

use chrono::NaiveDate;
use events::directory::{self, DayKind, Days, Directory, Terms};
use rulebook::Calendar;

use super::append::Recorder;
use crate::demo::rng::Rng;

const AGENCIES: usize = 30;
const UNITS_OF_AGENCY: usize = 10;
const PROCEDURES: usize = 100;
/// Every so many procedures one got other terms on the way.
const CHANGED_EVERY: usize = 10;

const LONG_AGO: NaiveDate = NaiveDate::from_ymd_opt(2023, 1, 1).expect("a date");
const CHANGE: NaiveDate = NaiveDate::from_ymd_opt(2025, 7, 1).expect("a date");

/// Statutory limits in working days, and how common each is in a hundred.
const LIMITS: &[(u32, u64)] =
    &[(1, 8), (2, 2), (3, 14), (5, 7), (7, 2), (10, 24), (15, 5), (20, 18), (30, 14), (45, 2), (60, 4)];

const FIELDS: &[&str] =
    &["land", "construction", "civil-status", "business", "transport", "education", "health"];

pub(super) const STEPS: &[&str] = &[
    "check file",
    "enter data",
    "check for earlier files",
    "verify on site",
    "measure and map",
    "ask another agency",
    "post publicly",
    "appraise",
    "set fees and duties",
    "draft decision",
    "check legality",
    "submit for signature",
];

/// Days on which the province didn't work though the calendar says it should have: storms.
const STORMS: [NaiveDate; 2] = [
    NaiveDate::from_ymd_opt(2025, 9, 24).expect("a date"),
    NaiveDate::from_ymd_opt(2026, 8, 19).expect("a date"),
];

// The paths of random sequences, so that a change to one thing leaves the others as they are.
const OF_AGENCIES: u64 = 1;
const OF_PROCEDURES: u64 = 2;

pub(super) struct Province {
    pub(super) agencies: Vec<Agency>,
    pub(super) units: Vec<Unit>,
    pub(super) procedures: Vec<Procedure>,
    pub(super) calendar: Calendar,
    /// `name@hash`.
    pub(super) calendar_version: String,
}

pub(super) struct Agency {
    pub(super) code: String,
    /// The places of its units in the province's; the first receives cases and returns results.
    pub(super) units: Range<usize>,
    /// Of a thousand cases, how many miss the committed time.
    pub(super) late_per_mille: u64,
    /// Of a thousand cases, how many are applied for online.
    pub(super) online_per_mille: u64,
    /// The usual rating, in tenths.
    pub(super) rating_tenths: u64,
}

pub(super) struct Unit {
    pub(super) code: String,
    /// Pseudonymous ids; the first is the head.
    pub(super) officials: Vec<String>,
}

pub(super) struct Procedure {
    pub(super) code: String,
    /// By effective date, oldest first: one or two sets.
    terms: Vec<Terms>,
}

impl Procedure {
    /// The terms in force on a day; the first ones hold since long before the history.
    pub(super) fn terms_on(&self, day: NaiveDate) -> Terms {
        let in_force = self.terms.iter().rev().find(|terms| terms.effective_date <= day);
        *in_force.unwrap_or(&self.terms[0])
    }
}

impl Province {
    pub(super) fn new(seed: u64) -> Self {
        let mut calendar = Directory::default().calendar;
        for day in STORMS {
            calendar.declare_off(day);
        }
        let version = calendar.version();
        let (agencies, units) = agencies(seed);
        Self {
            agencies,
            units,
            procedures: procedures(seed),
            calendar,
            calendar_version: format!("{}@{}", version.name, version.hash),
        }
    }

    /// Has everything registered. Units come last, as in a ledger whose cases find all else in place.
    pub(super) fn register(&self, recorder: &mut Recorder) -> anyhow::Result<()> {
        for date in STORMS {
            let year = date.format("%Y").to_string();
            recorder.directory(&year, 0, &[Days::Declared { date, kind: DayKind::Off }])?;
        }
        for step in STEPS {
            recorder.directory(step, 0, &[directory::Step::Defined { step: (*step).to_owned() }])?;
        }
        for (number, Procedure { code, terms }) in self.procedures.iter().enumerate() {
            let defined = directory::Procedure::Defined {
                procedure: code.clone(),
                name_vi: format!("Thủ tục {}", number + 1),
                name_en: format!("Procedure {}", number + 1),
                fields: vec![FIELDS[number % FIELDS.len()].to_owned()],
            };
            let changed =
                |terms: &Terms| directory::Procedure::TermsChanged { procedure: code.clone(), terms: *terms };
            recorder.directory(code, 0, &[defined, changed(&terms[0])])?;
            if let Some(later) = terms.get(1) {
                recorder.directory(code, 2, &[changed(later)])?;
            }
        }
        for (number, Agency { code, .. }) in self.agencies.iter().enumerate() {
            let opened = directory::Agency::Opened {
                agency: code.clone(),
                name_vi: format!("Cơ quan {}", number + 1),
                name_en: format!("Agency {}", number + 1),
            };
            recorder.directory(code, 0, &[opened])?;
        }
        for agency in &self.agencies {
            for (number, unit) in agency.units.clone().enumerate() {
                let code = &self.units[unit].code;
                let opened = directory::Unit::Opened {
                    unit: code.clone(),
                    agency: agency.code.clone(),
                    name_vi: if number == 0 {
                        "Bộ phận Một cửa".into()
                    } else {
                        format!("Phòng {number}")
                    },
                    name_en: if number == 0 { "One-stop shop".into() } else { format!("Division {number}") },
                };
                recorder.directory(code, 0, &[opened])?;
            }
        }
        Ok(())
    }
}

fn agencies(seed: u64) -> (Vec<Agency>, Vec<Unit>) {
    let mut rng = Rng::new(seed, &[OF_AGENCIES]);
    let mut taken = HashSet::new();
    let (mut agencies, mut units) = (Vec::new(), Vec::new());
    for number in 1..=AGENCIES {
        let code = format!("H99.{number}");
        let first = units.len();
        for unit in 0..UNITS_OF_AGENCY {
            let count = rng.between(5, 9);
            units.push(Unit {
                code: if unit == 0 { format!("{code}/one-stop") } else { format!("{code}/division-{unit}") },
                officials: (0..count).map(|_| official(&mut rng, &mut taken)).collect(),
            });
        }
        // Most agencies keep their time fairly well; a few do not.
        let draw = rng.below(1_000);
        let late_per_mille = 20 + draw * draw / 4_000;
        agencies.push(Agency {
            code,
            units: first..units.len(),
            late_per_mille,
            online_per_mille: rng.between(200, 800),
            rating_tenths: 44 - late_per_mille / 22 + rng.below(4),
        });
    }
    (agencies, units)
}

/// A pseudonymous id that no other official has.
fn official(rng: &mut Rng, taken: &mut HashSet<u64>) -> String {
    loop {
        let id = rng.below(0x100_0000);
        if taken.insert(id) {
            return format!("o-{id:06x}");
        }
    }
}

fn procedures(seed: u64) -> Vec<Procedure> {
    let mut rng = Rng::new(seed, &[OF_PROCEDURES]);
    let terms = |effective_date, statutory_working_days: u32| Terms {
        effective_date,
        statutory_working_days,
        committed_working_days: (statutory_working_days * 7 / 10).max(1),
    };
    let procedures = (1..=PROCEDURES).map(|number| {
        let (limit, _) = LIMITS[rng.weighted(LIMITS.iter().map(|(_, share)| *share))];
        let is_changed = number % CHANGED_EVERY == 0;
        let terms = if is_changed {
            vec![terms(LONG_AGO, limit + 10), terms(CHANGE, limit)]
        } else {
            vec![terms(LONG_AGO, limit)]
        };
        Procedure { code: format!("1.{number:06}"), terms }
    });
    procedures.collect()
}

#[cfg(test)]
impl Province {
    pub(super) fn officials(&self) -> usize {
        self.units.iter().map(|unit| unit.officials.len()).sum()
    }
}
