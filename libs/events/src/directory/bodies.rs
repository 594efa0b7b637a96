//! Bodies: agencies and their units, from the day they are opened until they are merged or closed.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{Event, Role, Subject};

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
    /// It has other names from now on.
    #[serde(rename = "directory.AgencyRenamed.v1")]
    Renamed {
        /// Its code.
        agency: String,
        /// Its new name in Vietnamese.
        name_vi: String,
        /// Its new name in English; may be empty.
        name_en: String,
    },
    /// It was merged into another agency, which answers for it from then on.
    #[serde(rename = "directory.AgencyMerged.v1")]
    Merged {
        /// Its code.
        agency: String,
        /// The other agency.
        into: String,
        /// The first day on which it is no more.
        effective_date: NaiveDate,
    },
    /// It was closed, and nobody follows it.
    #[serde(rename = "directory.AgencyClosed.v1")]
    Closed {
        /// Its code.
        agency: String,
        /// The first day on which it is no more.
        effective_date: NaiveDate,
    },
}

impl Event for Agency {
    const CATEGORY: &'static str = "directory.agency";

    fn subjects(&self, key: &str) -> Vec<Subject> {
        let mut subjects = vec![Subject::new(Role::Agency, key)];
        match self {
            Self::Merged { into, .. } => subjects.push(Subject::new(Role::Agency, into)),
            Self::Opened { .. } | Self::Renamed { .. } | Self::Closed { .. } => {}
        }
        subjects
    }
}

impl Agency {
    /// The agency's code.
    pub fn code(&self) -> &str {
        match self {
            Self::Opened { agency, .. }
            | Self::Renamed { agency, .. }
            | Self::Merged { agency, .. }
            | Self::Closed { agency, .. } => agency,
        }
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
    /// It has other names from now on.
    #[serde(rename = "directory.UnitRenamed.v1")]
    Renamed {
        /// Its code.
        unit: String,
        /// Its new name in Vietnamese.
        name_vi: String,
        /// Its new name in English; may be empty.
        name_en: String,
    },
    /// It was merged into another unit, also one of another agency.
    #[serde(rename = "directory.UnitMerged.v1")]
    Merged {
        /// Its code.
        unit: String,
        /// The other unit.
        into: String,
        /// The first day on which it is no more.
        effective_date: NaiveDate,
    },
    /// It was closed, and nobody follows it.
    #[serde(rename = "directory.UnitClosed.v1")]
    Closed {
        /// Its code.
        unit: String,
        /// The first day on which it is no more.
        effective_date: NaiveDate,
    },
}

impl Event for Unit {
    const CATEGORY: &'static str = "directory.unit";

    fn subjects(&self, key: &str) -> Vec<Subject> {
        let mut subjects = vec![Subject::new(Role::Unit, key)];
        match self {
            Self::Opened { agency, .. } => subjects.push(Subject::new(Role::Agency, agency)),
            Self::Merged { into, .. } => subjects.push(Subject::new(Role::Unit, into)),
            Self::Renamed { .. } | Self::Closed { .. } => {}
        }
        subjects
    }
}

impl Unit {
    /// The unit's code.
    pub fn code(&self) -> &str {
        match self {
            Self::Opened { unit, .. }
            | Self::Renamed { unit, .. }
            | Self::Merged { unit, .. }
            | Self::Closed { unit, .. } => unit,
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

/// Whether a body is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It is.
    Open,
    /// Another one answers for it.
    MergedInto {
        /// The other one.
        into: String,
        /// The first day on which it is no more.
        date: NaiveDate,
    },
    /// Nobody follows it.
    Closed {
        /// The first day on which it is no more.
        date: NaiveDate,
    },
}

impl Status {
    /// Whether neither a merger nor a closing is on record.
    pub fn is_open(&self) -> bool {
        *self == Self::Open
    }

    /// Whether it was there on a day.
    pub fn is_open_on(&self, day: NaiveDate) -> bool {
        self.ended().is_none_or(|ended| day < ended)
    }

    /// The first day on which it is no more.
    pub fn ended(&self) -> Option<NaiveDate> {
        match self {
            Self::Open => None,
            Self::MergedInto { date, .. } | Self::Closed { date } => Some(*date),
        }
    }

    /// The body it was merged into.
    pub fn merged_into(&self) -> Option<&str> {
        match self {
            Self::MergedInto { into, .. } => Some(into),
            Self::Open | Self::Closed { .. } => None,
        }
    }
}

/// An agency in the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgencyRecord {
    /// Its names.
    pub names: Names,
    /// Whether it is still there.
    pub status: Status,
}

impl AgencyRecord {
    /// The record after an event; none as long as it wasn't opened.
    pub fn after(before: Option<Self>, event: Agency) -> Option<Self> {
        let change = match event {
            Agency::Opened { name_vi, name_en, .. } => {
                let names = Names { vi: name_vi, en: name_en };
                return Some(Self { names, status: Status::Open });
            }
            Agency::Renamed { name_vi, name_en, .. } => Change::Names(Names { vi: name_vi, en: name_en }),
            Agency::Merged { into, effective_date: date, .. } => {
                Change::Status(Status::MergedInto { into, date })
            }
            Agency::Closed { effective_date: date, .. } => Change::Status(Status::Closed { date }),
        };
        let Self { mut names, mut status } = before?;
        change.apply(&mut names, &mut status);
        Some(Self { names, status })
    }
}

/// A unit in the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitRecord {
    /// The agency it belongs to, as it was opened: that agency may have been merged since.
    pub agency: String,
    /// Its names.
    pub names: Names,
    /// Whether it is still there.
    pub status: Status,
}

impl UnitRecord {
    /// The record after an event; none as long as it wasn't opened.
    pub fn after(before: Option<Self>, event: Unit) -> Option<Self> {
        let change = match event {
            Unit::Opened { agency, name_vi, name_en, .. } => {
                let names = Names { vi: name_vi, en: name_en };
                return Some(Self { agency, names, status: Status::Open });
            }
            Unit::Renamed { name_vi, name_en, .. } => Change::Names(Names { vi: name_vi, en: name_en }),
            Unit::Merged { into, effective_date: date, .. } => {
                Change::Status(Status::MergedInto { into, date })
            }
            Unit::Closed { effective_date: date, .. } => Change::Status(Status::Closed { date }),
        };
        let Self { agency, mut names, mut status } = before?;
        change.apply(&mut names, &mut status);
        Some(Self { agency, names, status })
    }
}

/// What an event changes of a body.
enum Change {
    Names(Names),
    Status(Status),
}

impl Change {
    fn apply(self, names: &mut Names, status: &mut Status) {
        match self {
            Self::Names(new) => *names = new,
            Self::Status(new) => *status = new,
        }
    }
}
