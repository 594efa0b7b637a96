//! Events of the directory, and the directory in memory that every service can fold from them.

mod bodies;
mod fold;
mod mergers;
mod people;

use chrono::NaiveDate;
use rulebook::Calendar;
use serde::{Deserialize, Serialize};

use crate::{Event, Role, Subject};

pub use bodies::{Agency, AgencyRecord, Names, Status, Unit, UnitRecord};
pub use fold::{Body, Directory, HeadPeriod, ProcedureRecord};
pub use mergers::{Merger, Mergers};
pub use people::{Appointment, Leadership, Official, OfficialCategory, OfficialRecord, Post, PostRecord};

/// The categories the directory's events are in.
pub const CATEGORIES: [&str; 7] = [
    Agency::CATEGORY,
    Unit::CATEGORY,
    Post::CATEGORY,
    Official::CATEGORY,
    Procedure::CATEGORY,
    Step::CATEGORY,
    Days::CATEGORY,
];

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
