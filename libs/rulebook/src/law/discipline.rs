//! What the law asks of discipline: on which track, against whom, and by the rule of which day.

use chrono::{Months, NaiveDate};
use serde::{Deserialize, Serialize};

use super::{Duty, Rule};

/// Who disciplines: one violation may go both ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Track {
    /// The administration.
    Administrative,
    /// The Party.
    Party,
}

impl Track {
    /// All tracks.
    pub const ALL: [Self; 2] = [Self::Administrative, Self::Party];

    /// The word for it, as in rulebooks and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Administrative => "administrative",
            Self::Party => "party",
        }
    }

    /// The track with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|track| track.as_str() == word)
    }
}

/// Whom discipline is about, by the law that governs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonClass {
    /// *Cán bộ*: elected or appointed for a term.
    Cadre,
    /// *Công chức*: recruited into a rank.
    CivilServant,
    /// *Viên chức*: employed by a public service unit.
    PublicEmployee,
    /// *Đảng viên*.
    PartyMember,
    /// *Tổ chức đảng*: an organisation, and no person.
    PartyOrganisation,
    /// An officer of the police.
    PoliceOfficer,
}

impl PersonClass {
    /// All classes.
    pub const ALL: [Self; 6] = [
        Self::Cadre,
        Self::CivilServant,
        Self::PublicEmployee,
        Self::PartyMember,
        Self::PartyOrganisation,
        Self::PoliceOfficer,
    ];

    /// The word for it, as in rulebooks and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cadre => "cadre",
            Self::CivilServant => "civil_servant",
            Self::PublicEmployee => "public_employee",
            Self::PartyMember => "party_member",
            Self::PartyOrganisation => "party_organisation",
            Self::PoliceOfficer => "police_officer",
        }
    }

    /// The class with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|person| person.as_str() == word)
    }
}

/// Which day selects the version of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// That of the violation.
    Violation,
    /// That on which it was discovered.
    Discovery,
    /// That of the decision which the rule is about.
    Decision,
}

impl Moment {
    /// All moments, in their usual order.
    pub const ALL: [Self; 3] = [Self::Violation, Self::Discovery, Self::Decision];

    /// The word for it, as in rulebooks and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Violation => "violation",
            Self::Discovery => "discovery",
            Self::Decision => "decision",
        }
    }

    /// The moment with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|moment| moment.as_str() == word)
    }
}

/// The day from which a limit or term of discipline counts: it is day 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// The violation was discovered.
    Discovery,
    /// Proceedings were opened.
    Opening,
    /// A sanction was decided on.
    Decision,
    /// The person appealed.
    Appeal,
    /// The finding became final.
    Finding,
    /// The person was exonerated.
    Exoneration,
}

impl Start {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Discovery, Self::Opening, Self::Decision, Self::Appeal, Self::Finding, Self::Exoneration];

    /// The word for it, as in rulebooks and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Opening => "opening",
            Self::Decision => "decision",
            Self::Appeal => "appeal",
            Self::Finding => "finding",
            Self::Exoneration => "exoneration",
        }
    }

    /// The one with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|start| start.as_str() == word)
    }
}

/// The days that may select the version of a rule. What isn't known is taken from the next later one that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moments {
    /// The day of the violation.
    pub violation: Option<NaiveDate>,
    /// The day on which it was discovered.
    pub discovery: Option<NaiveDate>,
    /// The day of the decision which the rule is about; while there is none, the day that is asked for.
    pub decision: NaiveDate,
}

impl Moments {
    /// The day of this moment, or of the next later one that is known.
    pub fn on(self, moment: Moment) -> NaiveDate {
        let discovered = self.discovery.unwrap_or(self.decision);
        match moment {
            Moment::Violation => self.violation.unwrap_or(discovered),
            Moment::Discovery => discovered,
            Moment::Decision => self.decision,
        }
    }
}

/// What is asked about discipline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AskedDiscipline<'a> {
    /// The duty.
    pub duty: Duty,
    /// The track.
    pub track: Track,
    /// Whom it is about.
    pub person: PersonClass,
    /// Whether they lead or manage.
    pub leads: bool,
    /// The form of sanction, as a code, where one is in question; without it no rule for one form answers.
    pub form: Option<&'a str>,
}

impl Rule {
    /// Whether it is about what is asked of discipline.
    pub fn answers_discipline(&self, asked: AskedDiscipline<'_>) -> bool {
        self.duty.is_discipline()
            && self.duty == asked.duty
            && self.track.is_none_or(|track| track == asked.track)
            && self.person.is_none_or(|person| person == asked.person)
            && self.leads.is_none_or(|leads| leads == asked.leads)
            && self.form.as_deref().is_none_or(|form| Some(form) == asked.form)
    }

    /// Which moment selects its version: the one it names, else the decision.
    pub fn moment(&self) -> Moment {
        self.selected_by.unwrap_or(Moment::Decision)
    }

    /// The last day of its term of months that begins on this day: the same day of the month, or the last one of a
    /// shorter month. `None` if it has no term, or one that ends after all dates.
    pub fn term_ends(&self, from: NaiveDate) -> Option<NaiveDate> {
        from.checked_add_months(Months::new(self.months?))
    }
}
