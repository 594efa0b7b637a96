//! Events of a proceeding; the stream's key is its id.
//!
//! A finding has one proceeding at most on each track: the id is made of the report's and the allegation's, so
//! that a second one would be in the same stream.

mod standing;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{
    Event, Role, Subject,
    conduct::{Classed, Limit, ReportEvent},
    delivery::By,
};

pub use standing::Standing;

/// Whose discipline it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Track {
    /// The state's.
    Administrative,
    /// The Party's.
    Party,
}

/// What somebody is by law, which decides the forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonClass {
    /// Elected or approved for a term (cán bộ).
    Cadre,
    /// Recruited to a rank or post (công chức).
    CivilServant,
    /// Employed by a public service unit (viên chức).
    PublicEmployee,
    /// A member of the Party.
    PartyMember,
    /// An organisation of the Party: that of the agency.
    PartyOrganisation,
    /// A police officer, where a rulebook has such.
    PoliceOfficer,
}

/// What a proceeding comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The stream, such as `conduct.report/r-…`.
    pub stream: String,
    /// Its revision when it was looked at.
    pub revision: u64,
    /// The allegation's number; none for a self-report as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allegation: Option<u32>,
    /// The position of the entry that has the finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding_position: Option<u64>,
}

impl Origin {
    /// The report that it is, if it is one.
    pub fn report(&self) -> Option<&str> {
        self.stream.strip_prefix(ReportEvent::CATEGORY)?.strip_prefix('/')
    }
}

/// What a proceeding is about: as the report has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matter {
    /// Whom it is against, a pseudonymous id; none for an organisation, or where it isn't told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// The agency whose matter it is.
    pub agency: String,
    /// The unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What was found to be so.
    #[serde(flatten)]
    pub classed: Classed,
    /// Whose law it is under.
    pub jurisdiction: String,
}

/// Whether there is a sanction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SanctionResult {
    /// There is.
    Sanctioned,
    /// There is none.
    NotSanctioned,
    /// Nothing is decided yet: as another register has it.
    Pending,
    /// The question doesn't arise: as another register has it.
    NotApplicable,
}

/// What is decided, or recommended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Whether there is a sanction.
    pub result: SanctionResult,
    /// The form's code, as the rule has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// The word of the register that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_outcome: Option<String>,
}

impl Decision {
    /// The word it is counted under: the source's, where there is one, else the form, else the result.
    pub fn word(&self) -> &str {
        self.source_outcome.as_deref().or(self.form.as_deref()).unwrap_or_else(|| self.result.as_str())
    }
}

/// The rule that something rests on: what a reader of the event needs without the rulebook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// The rule's id in the rulebook, whose version and hash stand in the envelope.
    pub rule: String,
    /// Its act and article.
    pub citation: String,
}

/// Why no proceeding is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclineReason {
    /// The limitation period is over.
    LimitationRunOut,
    /// The person has left the service.
    PersonLeft,
    /// Who did it could not be told.
    PersonUnknown,
    /// It is too slight to be disciplined.
    Minor,
    /// It is dealt with elsewhere, such as in court.
    OtherProcedure,
}

/// Why a proceeding ends without a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// The time to decide is over.
    HandlingTimeOver,
    /// The person has left the service.
    PersonLeft,
    /// The person has died.
    PersonDied,
    /// The finding does not stand any more.
    FindingFell,
    /// It is dealt with elsewhere, such as in court.
    OtherProcedure,
}

/// How a head is liable. Source: Anti-Corruption Law 36/2018/QH14, arts. 70–73.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Liability {
    /// For what they themselves were in charge of.
    Direct,
    /// For what their deputies or units were.
    Joint,
}

/// What became of an appeal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppealResult {
    /// The decision stands.
    Upheld,
    /// Another form takes its place.
    Changed,
    /// The decision falls.
    Annulled,
}

/// Why somebody is exonerated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExonerationGround {
    /// There was no violation.
    NoViolation,
    /// It was somebody else.
    WrongPerson,
    /// The decision was against the law.
    UnlawfulDecision,
    /// A court said so.
    CourtRuling,
}

/// Whether a circumstance weighs for the official or against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// For.
    Mitigating,
    /// Against.
    Aggravating,
}

/// What happens in a proceeding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
#[expect(clippy::large_enum_variant, reason = "proceedings are few, and a box would stand in every fold")]
pub enum ProceedingEvent {
    /// A substantiated finding obliges to open it, or to say why not.
    #[serde(rename = "discipline.ProceedingDue.v1")]
    Due {
        /// Its id.
        proceeding: String,
        /// The agency whose duty it is.
        duty_of: String,
        /// What it comes from.
        origin: Origin,
        /// What it is about.
        #[serde(flatten)]
        matter: Matter,
        /// Until when it has to be opened.
        open: Limit,
    },
    /// The finding that made it due does not stand: the report is under appeal, or open again.
    #[serde(rename = "discipline.DutyLapsed.v1")]
    Lapsed {
        /// The report's revision at which that is so.
        origin_revision: u64,
    },
    /// None is opened.
    #[serde(rename = "discipline.ProceedingNotOpened.v1")]
    NotOpened {
        /// For whom.
        by: By,
        /// Its id.
        proceeding: String,
        /// What it comes from.
        origin: Origin,
        /// What it is about.
        #[serde(flatten)]
        matter: Matter,
        /// Why.
        reason: DeclineReason,
    },
    /// It was opened.
    #[serde(rename = "discipline.ProceedingOpened.v1")]
    Opened {
        /// For whom: this agency has it.
        by: By,
        /// Its id.
        proceeding: String,
        /// The track.
        track: Track,
        /// What it comes from.
        origin: Origin,
        /// What it is about.
        #[serde(flatten)]
        matter: Matter,
        /// What the person is by law.
        person_class: PersonClass,
        /// Whether they lead.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        leads: bool,
        /// The proceeding on the other track, if it is there by then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        linked: Option<String>,
        /// The day of the violation; none where a register doesn't tell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        violation_date: Option<NaiveDate>,
        /// The day it was discovered; likewise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        discovery_date: Option<NaiveDate>,
        /// The last day on which it could be opened, and the rule that says so; none without limitation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limitation: Option<Limit>,
        /// The ground on which there is no limitation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exemption: Option<String>,
        /// Until when a council has to be convened.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        convene: Option<Limit>,
        /// Until when it has to be decided.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        decide: Option<Limit>,
        /// True where it is as another register has it: then its day is the report's, unless the register tells.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        imported: bool,
        /// The register's word for a decision that is still to come.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source_outcome: Option<String>,
    },
    /// The time to decide was extended.
    #[serde(rename = "discipline.HandlingExtended.v1")]
    Extended {
        /// For whom.
        by: By,
        /// The new limit.
        decide: Limit,
    },
    /// Its clock stands still.
    #[serde(rename = "discipline.ProceedingPaused.v1")]
    Paused {
        /// For whom.
        by: By,
        /// The ground's code.
        ground: String,
        /// The rule that knows it.
        rule: String,
    },
    /// The clock goes on.
    #[serde(rename = "discipline.ProceedingResumed.v1")]
    Resumed {
        /// For whom.
        by: By,
        /// The new limits, with the days of the pause added.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        convene: Option<Limit>,
        /// Likewise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        decide: Option<Limit>,
    },
    /// A council was convened.
    #[serde(rename = "discipline.CouncilConvened.v1")]
    CouncilConvened {
        /// For whom.
        by: By,
        /// Its members.
        members: Vec<String>,
    },
    /// The official was heard, or did not come.
    #[serde(rename = "discipline.HearingHeld.v1")]
    HearingHeld {
        /// For whom.
        by: By,
        /// Whether they came.
        attended: bool,
    },
    /// A circumstance mitigates or aggravates.
    #[serde(rename = "discipline.CircumstanceRecorded.v1")]
    CircumstanceRecorded {
        /// For whom.
        by: By,
        /// Its code.
        circumstance: String,
        /// How it weighs.
        weight: Weight,
        /// The rule that says so.
        #[serde(flatten)]
        basis: Basis,
        /// The report that shows it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        report: Option<String>,
    },
    /// A decision was recommended.
    #[serde(rename = "discipline.SanctionRecommended.v1")]
    Recommended {
        /// For whom.
        by: By,
        /// Which.
        #[serde(flatten)]
        decision: Decision,
    },
    /// It was decided.
    #[serde(rename = "discipline.SanctionDecided.v1")]
    Decided {
        /// For whom.
        by: By,
        /// What.
        #[serde(flatten)]
        decision: Decision,
        /// The rule that allows the form.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        basis: Option<Basis>,
        /// Until when it can be appealed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        appeal: Option<Limit>,
        /// Until when it has to be executed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        execute: Option<Limit>,
        /// True where a register says what was decided, and not when: then the event is dated as the opening.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        date_unknown: bool,
    },
    /// The head of the agency or unit is liable.
    #[serde(rename = "discipline.HeadHeldLiable.v1")]
    HeadHeldLiable {
        /// For whom.
        by: By,
        /// The head.
        head: String,
        /// How.
        liability: Liability,
        /// The rule that says so.
        #[serde(flatten)]
        basis: Basis,
    },
    /// The sanction was executed.
    #[serde(rename = "discipline.SanctionExecuted.v1")]
    Executed {
        /// For whom.
        by: By,
        /// From when it can be cleared, and the rule that says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clear: Option<Limit>,
    },
    /// The official appealed.
    #[serde(rename = "discipline.SanctionAppealed.v1")]
    Appealed {
        /// The agency that took the appeal.
        by: By,
        /// Until when it has to be decided.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<Limit>,
    },
    /// The appeal was decided.
    #[serde(rename = "discipline.SanctionAppealDecided.v1")]
    AppealDecided {
        /// For whom.
        by: By,
        /// How.
        result: AppealResult,
        /// The form that takes the place of the first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        form: Option<String>,
        /// The rule that allows it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        basis: Option<Basis>,
    },
    /// The sanction was cleared after its term.
    #[serde(rename = "discipline.SanctionCleared.v1")]
    Cleared {
        /// For whom.
        by: By,
    },
    /// The official was wrongly disciplined.
    #[serde(rename = "discipline.OfficialExonerated.v1")]
    Exonerated {
        /// For whom.
        by: By,
        /// Why.
        ground: ExonerationGround,
        /// The rule that says what follows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        basis: Option<Basis>,
        /// Until when an apology is due.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        apologise: Option<Limit>,
        /// Until when restoration is due.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        restore: Option<Limit>,
    },
    /// The apology was made.
    #[serde(rename = "discipline.ApologyMade.v1")]
    Apologised {
        /// For whom.
        by: By,
    },
    /// Rights and post were restored.
    #[serde(rename = "discipline.OfficialRestored.v1")]
    Restored {
        /// For whom.
        by: By,
    },
    /// It was closed without a decision.
    #[serde(rename = "discipline.ProceedingClosed.v1")]
    Closed {
        /// For whom.
        by: By,
        /// Why.
        reason: CloseReason,
    },
}

impl Event for ProceedingEvent {
    const CATEGORY: &'static str = "discipline.proceeding";

    fn subjects(&self, key: &str) -> Vec<Subject> {
        let mut subjects = vec![Subject::new(Role::Proceeding, key)];
        let mut add = |role, id: &str| {
            let subject = Subject::new(role, id);
            if !subjects.contains(&subject) {
                subjects.push(subject);
            }
        };
        if let Some(By { agency, unit, official }) = self.by() {
            add(Role::Agency, agency);
            if let Some(unit) = unit {
                add(Role::Unit, unit);
            }
            if let Some(official) = official {
                add(Role::Official, official);
            }
        }
        match self {
            Self::Due { origin, matter, .. }
            | Self::NotOpened { origin, matter, .. }
            | Self::Opened { origin, matter, .. } => {
                if let Self::Due { duty_of, .. } = self {
                    add(Role::Agency, duty_of);
                }
                add(Role::Agency, &matter.agency);
                if let Some(unit) = &matter.unit {
                    add(Role::Unit, unit);
                }
                if let Some(person) = &matter.person {
                    add(Role::Official, person);
                }
                if let Some(report) = origin.report() {
                    add(Role::Report, report);
                }
                if let Self::Opened { linked: Some(linked), .. } = self {
                    add(Role::Proceeding, linked);
                }
            }
            Self::CouncilConvened { members, .. } => {
                for member in members {
                    add(Role::Official, member);
                }
            }
            Self::CircumstanceRecorded { report: Some(report), .. } => add(Role::Report, report),
            Self::HeadHeldLiable { head, .. } => add(Role::Official, head),
            _ => {}
        }
        subjects
    }
}

impl ProceedingEvent {
    /// For whom it was done; none for what follows from a report.
    pub fn by(&self) -> Option<&By> {
        match self {
            Self::Due { .. } | Self::Lapsed { .. } => None,
            Self::NotOpened { by, .. }
            | Self::Opened { by, .. }
            | Self::Extended { by, .. }
            | Self::Paused { by, .. }
            | Self::Resumed { by, .. }
            | Self::CouncilConvened { by, .. }
            | Self::HearingHeld { by, .. }
            | Self::CircumstanceRecorded { by, .. }
            | Self::Recommended { by, .. }
            | Self::Decided { by, .. }
            | Self::HeadHeldLiable { by, .. }
            | Self::Executed { by, .. }
            | Self::Appealed { by, .. }
            | Self::AppealDecided { by, .. }
            | Self::Cleared { by }
            | Self::Exonerated { by, .. }
            | Self::Apologised { by }
            | Self::Restored { by }
            | Self::Closed { by, .. } => Some(by),
        }
    }
}

impl SanctionResult {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::Sanctioned, Self::NotSanctioned, Self::Pending, Self::NotApplicable];

    /// Its word, as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sanctioned => "sanctioned",
            Self::NotSanctioned => "not_sanctioned",
            Self::Pending => "pending",
            Self::NotApplicable => "not_applicable",
        }
    }

    /// The value of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.as_str() == word)
    }
}
