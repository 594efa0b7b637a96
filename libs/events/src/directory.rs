//! Events of the directory, and the directory in memory that every service can fold from them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rulebook::Calendar;
use serde::{Deserialize, Serialize};

use crate::{Event, NotAnEvent, Role, Subject, decode};

/// The categories the directory's events are in.
pub const CATEGORIES: [&str; 5] =
    [Agency::CATEGORY, Unit::CATEGORY, Procedure::CATEGORY, Step::CATEGORY, Days::CATEGORY];

/// Events of an agency; the stream's key is its code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Agency {
    /// The agency was opened.
    #[serde(rename = "directory.AgencyOpened.v1")]
    Opened {
        /// Its code.
        agency: String,
        /// Its name in Vietnamese.
        name_vi: String,
        /// Its name in English; may be empty.
        name_en: String,
    },
}

impl Event for Agency {
    const CATEGORY: &'static str = "directory.agency";

    fn subjects(&self, key: &str) -> Vec<Subject> {
        vec![Subject::new(Role::Agency, key)]
    }
}

/// Events of a unit; the stream's key is its code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Unit {
    /// The unit was opened.
    #[serde(rename = "directory.UnitOpened.v1")]
    Opened {
        /// Its code.
        unit: String,
        /// The agency it belongs to.
        agency: String,
        /// Its name in Vietnamese.
        name_vi: String,
        /// Its name in English; may be empty.
        name_en: String,
    },
}

impl Event for Unit {
    const CATEGORY: &'static str = "directory.unit";

    fn subjects(&self, key: &str) -> Vec<Subject> {
        let Self::Opened { agency, .. } = self;
        vec![Subject::new(Role::Unit, key), Subject::new(Role::Agency, agency)]
    }
}

/// The time limits of a procedure from a date on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The first day they hold.
    pub effective_date: NaiveDate,
    /// The limit of law or decree.
    pub statutory_working_days: u32,
    /// The limit the agency has committed itself to.
    pub committed_working_days: u32,
}

/// Events of a procedure; the stream's key is its code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Procedure {
    /// The procedure was defined.
    #[serde(rename = "directory.ProcedureDefined.v1")]
    Defined {
        /// Its code.
        procedure: String,
        /// Its name in Vietnamese.
        name_vi: String,
        /// Its name in English; may be empty.
        name_en: String,
        /// The fields it belongs to, such as `land`.
        fields: Vec<String>,
    },
    /// Its time limits change from a date on.
    #[serde(rename = "directory.TermsChanged.v1")]
    TermsChanged {
        /// Its code.
        procedure: String,
        /// The new terms.
        terms: Terms,
    },
}

impl Event for Procedure {
    const CATEGORY: &'static str = "directory.procedure";

    fn subjects(&self, key: &str) -> Vec<Subject> {
        vec![Subject::new(Role::Procedure, key)]
    }
}

/// Events of a named step; the stream's key is its code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Step {
    /// The step was defined.
    #[serde(rename = "directory.StepDefined.v1")]
    Defined {
        /// Its code.
        step: String,
    },
}

impl Event for Step {
    const CATEGORY: &'static str = "directory.step";

    fn subjects(&self, key: &str) -> Vec<Subject> {
        vec![Subject::new(Role::Step, key)]
    }
}

/// What a day is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayKind {
    /// A day off.
    Off,
    /// A worked day, whatever the weekly rule says.
    Worked,
    /// As the weekly rule says.
    WeeklyRule,
}

/// Events of the working calendar; the stream's key is the year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Days {
    /// A day was declared off, worked, or as the weekly rule says.
    #[serde(rename = "directory.DayDeclared.v1")]
    Declared {
        /// The day.
        date: NaiveDate,
        /// What it is.
        kind: DayKind,
    },
    /// Two days were swapped.
    #[serde(rename = "directory.DaysSwapped.v1")]
    Swapped {
        /// The day that is off.
        off_date: NaiveDate,
        /// The day that is worked instead.
        worked_date: NaiveDate,
    },
}

impl Event for Days {
    const CATEGORY: &'static str = "directory.days";

    fn subjects(&self, _key: &str) -> Vec<Subject> {
        Vec::new()
    }
}

impl Days {
    /// Brings the event into a calendar.
    pub fn apply(&self, calendar: &mut Calendar) {
        match *self {
            Self::Declared { date, kind: DayKind::Off } => calendar.declare_off(date),
            Self::Declared { date, kind: DayKind::Worked } => calendar.declare_worked(date),
            Self::Declared { date, kind: DayKind::WeeklyRule } => calendar.clear(date),
            Self::Swapped { off_date, worked_date } => calendar.swap(off_date, worked_date),
        }
    }
}

/// A named thing of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// In Vietnamese.
    pub vi: String,
    /// In English; may be empty.
    pub en: String,
}

/// A unit in the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitRecord {
    /// The agency it belongs to.
    pub agency: String,
    /// Its names.
    pub names: Names,
}

/// A procedure in the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcedureRecord {
    /// Its names.
    pub names: Names,
    /// The fields it belongs to.
    pub fields: Vec<String>,
    /// Its terms by effective date, oldest first.
    pub terms: Vec<Terms>,
}

impl ProcedureRecord {
    /// The terms in force on a day.
    pub fn terms_on(&self, date: NaiveDate) -> Option<Terms> {
        self.terms.iter().rev().find(|t| t.effective_date <= date).copied()
    }
}

/// The directory as of a position: a fold of its events over the shipped calendar.
#[derive(Debug, Clone)]
pub struct Directory {
    /// Agencies by code.
    pub agencies: BTreeMap<String, Names>,
    /// Units by code.
    pub units: BTreeMap<String, UnitRecord>,
    /// Procedures by code.
    pub procedures: BTreeMap<String, ProcedureRecord>,
    /// Steps by code.
    pub steps: BTreeSet<String>,
    /// Which days are worked.
    pub calendar: Calendar,
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            agencies: BTreeMap::new(),
            units: BTreeMap::new(),
            procedures: BTreeMap::new(),
            steps: BTreeSet::new(),
            calendar: Calendar::vietnam(),
        }
    }
}

impl Directory {
    /// Folds one entry of a directory category; entries of other categories change nothing.
    pub fn fold(&mut self, category: &str, entry: &[u8]) -> Result<(), NotAnEvent> {
        match category {
            Agency::CATEGORY => {
                let Agency::Opened { agency, name_vi, name_en } = decode(entry)?;
                self.agencies.insert(agency, Names { vi: name_vi, en: name_en });
            }
            Unit::CATEGORY => {
                let Unit::Opened { unit, agency, name_vi, name_en } = decode(entry)?;
                self.units.insert(unit, UnitRecord { agency, names: Names { vi: name_vi, en: name_en } });
            }
            Procedure::CATEGORY => match decode(entry)? {
                Procedure::Defined { procedure, name_vi, name_en, fields } => {
                    let names = Names { vi: name_vi, en: name_en };
                    self.procedures.insert(procedure, ProcedureRecord { names, fields, terms: Vec::new() });
                }
                Procedure::TermsChanged { procedure, terms } => {
                    if let Some(record) = self.procedures.get_mut(&procedure) {
                        record.terms.push(terms);
                    }
                }
            },
            Step::CATEGORY => {
                let Step::Defined { step } = decode(entry)?;
                self.steps.insert(step);
            }
            Days::CATEGORY => decode::<Days>(entry)?.apply(&mut self.calendar),
            _ => {}
        }
        Ok(())
    }
}
