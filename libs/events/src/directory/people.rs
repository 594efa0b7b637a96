//! Posts, and the officials who hold them.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{Event, Role, Subject, vault::Sealed};

/// Whom a post leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leadership {
    /// Nobody.
    None,
    /// It deputises for the head.
    Deputy,
    /// It heads its unit, or where it has none its agency.
    Head,
}

/// What an official is by law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfficialCategory {
    /// Elected or approved for a term (cán bộ).
    Cadre,
    /// Recruited to a rank or post (công chức).
    CivilServant,
    /// Employed by a public service unit under contract (viên chức).
    PublicEmployee,
}

/// Events of a post; the stream's key is its code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Post {
    /// The post was defined.
    #[serde(rename = "directory.PostDefined.v1")]
    Defined {
        /// Its code.
        post: String,
        /// The agency it belongs to.
        agency: String,
        /// The unit it belongs to; none for a post of the agency itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
        /// Whom it leads.
        leadership: Leadership,
    },
    /// It was closed: nobody holds it any more.
    #[serde(rename = "directory.PostClosed.v1")]
    Closed {
        /// Its code.
        post: String,
        /// The first day on which it is no more.
        effective_date: NaiveDate,
    },
}

impl Event for Post {
    const CATEGORY: &'static str = "directory.post";

    fn subjects(&self, key: &str) -> Vec<Subject> {
        let mut subjects = vec![Subject::new(Role::Post, key)];
        match self {
            Self::Defined { agency, unit, .. } => {
                subjects.push(Subject::new(Role::Agency, agency));
                subjects.extend(unit.iter().map(|unit| Subject::new(Role::Unit, unit)));
            }
            Self::Closed { .. } => {}
        }
        subjects
    }
}

/// Events of an official; the stream's key is the pseudonymous id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Official {
    /// The official was registered.
    #[serde(rename = "directory.OfficialRegistered.v1")]
    Registered {
        /// The pseudonymous id.
        official: String,
        /// The agency they work for.
        agency: String,
        /// What they are by law.
        category: OfficialCategory,
        /// Whether they are a member of the Party.
        party_member: bool,
        /// Their name, sealed in the vault.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<Sealed>,
    },
    /// They were appointed to a post, and hold no other one from then on.
    #[serde(rename = "directory.OfficialAppointed.v1")]
    Appointed {
        /// The pseudonymous id.
        official: String,
        /// The post.
        post: String,
        /// The first day in it.
        from_date: NaiveDate,
    },
    /// They work elsewhere from a day on.
    #[serde(rename = "directory.OfficialMoved.v1")]
    Moved {
        /// The pseudonymous id.
        official: String,
        /// The agency they work for.
        agency: String,
        /// The unit they work in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
        /// The first day there.
        from_date: NaiveDate,
    },
    /// They left the service.
    #[serde(rename = "directory.OfficialLeft.v1")]
    Left {
        /// The pseudonymous id.
        official: String,
        /// The first day on which they are no more in it.
        effective_date: NaiveDate,
    },
    /// They joined the Party, or are no more in it.
    #[serde(rename = "directory.PartyMembershipChanged.v1")]
    PartyMembershipChanged {
        /// The pseudonymous id.
        official: String,
        /// Whether they are a member from then on.
        party_member: bool,
        /// The first day of that.
        effective_date: NaiveDate,
    },
}

impl Event for Official {
    const CATEGORY: &'static str = "directory.official";

    fn subjects(&self, key: &str) -> Vec<Subject> {
        let mut subjects = vec![Subject::new(Role::Official, key)];
        match self {
            Self::Registered { agency, .. } => subjects.push(Subject::new(Role::Agency, agency)),
            Self::Appointed { post, .. } => subjects.push(Subject::new(Role::Post, post)),
            Self::Moved { agency, unit, .. } => {
                subjects.push(Subject::new(Role::Agency, agency));
                subjects.extend(unit.iter().map(|unit| Subject::new(Role::Unit, unit)));
            }
            Self::Left { .. } | Self::PartyMembershipChanged { .. } => {}
        }
        subjects
    }
}

/// A post in the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostRecord {
    /// The agency it belongs to.
    pub agency: String,
    /// The unit it belongs to; none for a post of the agency itself.
    pub unit: Option<String>,
    /// Whom it leads.
    pub leadership: Leadership,
    /// The first day on which it is no more.
    pub closed: Option<NaiveDate>,
    /// Everyone who was ever appointed to it, in the order of their appointments.
    pub holders: Vec<String>,
}

/// A time in a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appointment {
    /// The post.
    pub post: String,
    /// The first day in it.
    pub from: NaiveDate,
    /// The last day in it; none while it lasts.
    pub until: Option<NaiveDate>,
}

impl Appointment {
    /// Whether it held on a day.
    pub fn is_on(&self, day: NaiveDate) -> bool {
        self.from <= day && self.until.is_none_or(|until| day <= until)
    }

    /// It ends the day before another begins, unless it has ended by then.
    pub(super) fn end_before(&mut self, day: NaiveDate) {
        let last = day.pred_opt().unwrap_or(day);
        self.until = Some(self.until.map_or(last, |until| until.min(last)));
    }
}

/// An official in the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfficialRecord {
    /// The agency they work for.
    pub agency: String,
    /// The unit they work in, where it's known.
    pub unit: Option<String>,
    /// What they are by law.
    pub category: OfficialCategory,
    /// Whether they are a member of the Party.
    pub party_member: bool,
    /// Their name, sealed in the vault.
    pub name: Option<Sealed>,
    /// The posts they were appointed to, one after the other.
    pub appointments: Vec<Appointment>,
    /// The first day on which they are no more in the service.
    pub left: Option<NaiveDate>,
}

impl OfficialRecord {
    /// The appointment that held on a day.
    pub fn appointment_on(&self, day: NaiveDate) -> Option<&Appointment> {
        self.appointments.iter().rev().find(|appointment| appointment.is_on(day))
    }
}
