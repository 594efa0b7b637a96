//! Events of the views themselves: who rebuilt, switched, took back or dropped which generation, and why.
//! The stream's key is the view's name.

use chrono::NaiveDate;
use rulebook::DayKind;
use serde::{Deserialize, Serialize};

use crate::{Event, Role, Subject};

/// A date on which a calendar departs from the weekly rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departure {
    /// The date.
    pub date: NaiveDate,
    /// What it is made of.
    pub kind: DayKind,
}

/// The other calendar of a what-if: everything that every replica needs to fold the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherCalendar {
    /// Its name and the hash of its content, `name@hash`.
    pub calendar: String,
    /// Its dates, in order.
    pub departures: Vec<Departure>,
}

/// What happens to the generations of a view. Generation 1 is there, and live, from the beginning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum ViewEvent {
    /// A generation is built beside the live one.
    #[serde(rename = "view.ReplayStarted.v1")]
    ReplayStarted {
        /// Its number.
        generation: u32,
        /// The version of the fold that it was started with.
        version: u32,
        /// The calendar of a what-if, which never goes live.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        what_if: Option<OtherCalendar>,
        /// Why.
        reason: String,
    },
    /// Its build was halted.
    #[serde(rename = "view.ReplayStopped.v1")]
    ReplayStopped {
        /// Its number.
        generation: u32,
        /// Why.
        reason: String,
    },
    /// Its build goes on.
    #[serde(rename = "view.ReplayResumed.v1")]
    ReplayResumed {
        /// Its number.
        generation: u32,
        /// Why.
        reason: String,
    },
    /// It took over from the live one, which is kept and follows on.
    #[serde(rename = "view.GenerationSwitched.v1")]
    GenerationSwitched {
        /// The one that was live.
        from: u32,
        /// The one that is.
        to: u32,
        /// Why.
        reason: String,
    },
    /// The one that was live before took over again.
    #[serde(rename = "view.GenerationRolledBack.v1")]
    GenerationRolledBack {
        /// The one that was live.
        from: u32,
        /// The one that is.
        to: u32,
        /// Why.
        reason: String,
    },
    /// It was dropped, and its file deleted.
    #[serde(rename = "view.GenerationDropped.v1")]
    GenerationDropped {
        /// Its number.
        generation: u32,
        /// Why.
        reason: String,
    },
}

impl Event for ViewEvent {
    const CATEGORY: &'static str = "view.generations";

    fn subjects(&self, key: &str) -> Vec<Subject> {
        vec![Subject::new(Role::View, key)]
    }
}
