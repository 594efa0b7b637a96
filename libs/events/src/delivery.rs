//! Events of a case; the stream's key is its code.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::{Event, Occurred, Role, Subject, directory::Terms};

/// For whom something was done: what puts an event into the trails of an agency, a unit and an official.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// The agency that acts.
    pub agency: String,
    /// The unit that holds the case, or that did the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The official in whose name, a pseudonymous id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub official: Option<String>,
}

/// Due times, and what they were worked out from, so that a what-if can work them out again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// The end of the statutory time limit.
    pub statutory_due: DateTime<Utc>,
    /// The end of the limit the agency committed itself to.
    pub committed_due: DateTime<Utc>,
    /// What they were worked out from.
    pub basis: Basis,
}

/// What a promise was worked out from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Basis {
    /// A due time that was given with the case; after a pause it is later by the working days paused.
    Explicit {
        /// The due time as given.
        due: DateTime<Utc>,
    },
    /// The terms of the procedure, counted from the day of receipt.
    Terms {
        /// The terms in force on that day.
        terms: Terms,
        /// The calendar, `name@hash`.
        calendar: String,
        /// The position to which the directory had been read.
        directory_position: u64,
    },
}

/// How a case came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// At a counter.
    Counter,
    /// Online.
    Online,
    /// By post.
    Post,
}

/// Why a case is refused at intake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntakeRefusalReason {
    NotCompetent,
    FileIncomplete,
    NotEligible,
    Duplicate,
    Other,
}

/// Why a supplement is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SupplementReason {
    DocumentMissing,
    DocumentInvalid,
    DataInconsistent,
    FeeUnpaid,
    Other,
}

/// Why a case is suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuspensionReason {
    AwaitingOtherAgency,
    FinancialDuty,
    CourtOrInspection,
    ApplicantRequest,
    ForceMajeure,
    Other,
}

/// Why a case is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DelayReason {
    Workload,
    Coordination,
    ComplexCase,
    SystemFailure,
    OfficialAbsent,
    Other,
}

/// How a case was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// What was asked for is granted.
    Granted,
    /// It is refused.
    Refused,
}

/// Why a record is corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CorrectionReason {
    EntryMistake,
    SystemFault,
    LateEvidence,
}

/// What was wrong, with its right value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "field", rename_all = "snake_case")]
pub enum Correction {
    /// How the case came in.
    Channel {
        /// The right one.
        channel: Channel,
    },
    /// Its procedure.
    Procedure {
        /// The right one.
        procedure: String,
    },
    /// When it was received.
    Received {
        /// The right time.
        occurred: Occurred,
    },
    /// When it was closed.
    Closed {
        /// The right time.
        occurred: Occurred,
    },
    /// When it is due.
    Due {
        /// The right time.
        due: DateTime<Utc>,
    },
}

/// The case that a new one reopens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reopens {
    /// Its code.
    pub case: String,
    /// The revision its stream had.
    pub revision: u64,
}

/// What happens to a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum CaseEvent {
    /// It was received.
    #[serde(rename = "delivery.CaseReceived.v1")]
    Received {
        /// Its code.
        case: String,
        /// The agency and unit that hold it from now on.
        by: By,
        /// The procedure.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        procedure: Option<String>,
        /// How it came in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<Channel>,
        /// What it is promised.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        promise: Option<Promise>,
        /// The case it reopens.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reopens: Option<Reopens>,
    },
    /// It was accepted for handling.
    #[serde(rename = "delivery.CaseAccepted.v1")]
    Accepted {
        /// For whom.
        by: By,
    },
    /// It was refused at intake, which closes it.
    #[serde(rename = "delivery.CaseRefusedAtIntake.v1")]
    RefusedAtIntake {
        /// For whom.
        by: By,
        /// Its procedure.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        procedure: Option<String>,
        /// Why.
        reason: IntakeRefusalReason,
        /// Working days from receipt, pauses left out.
        working_days: u32,
    },
    /// A supplement was asked for: the clocks pause.
    #[serde(rename = "delivery.SupplementRequested.v1")]
    SupplementRequested {
        /// For whom.
        by: By,
        /// What is wrong.
        reason: SupplementReason,
    },
    /// The supplement came: the clocks go on.
    #[serde(rename = "delivery.SupplementReceived.v1")]
    SupplementReceived {
        /// For whom.
        by: By,
        /// The new promise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        promise: Option<Promise>,
    },
    /// It was assigned to a unit of the agency, which holds it from now on.
    #[serde(rename = "delivery.CaseAssigned.v1")]
    Assigned {
        /// The agency, the unit that holds it now, and in whose name it was assigned.
        by: By,
        /// The official it was assigned to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        assignee: Option<String>,
    },
    /// A named step was done.
    #[serde(rename = "delivery.StepDone.v1")]
    StepDone {
        /// The agency and unit that did it, and the official.
        by: By,
        /// The step.
        step: String,
        /// It happened before the case was received.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        before_receipt: bool,
        /// It happened after the case was closed.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        after_close: bool,
    },
    /// It was handed over to another agency.
    #[serde(rename = "delivery.CaseHandedOver.v1")]
    HandedOver {
        /// The agency that hands it over.
        by: By,
        /// The agency that has to take it up.
        to_agency: String,
    },
    /// The other agency took it up and holds it from now on.
    #[serde(rename = "delivery.CaseTakenUp.v1")]
    TakenUp {
        /// The agency and unit that hold it now.
        by: By,
    },
    /// It was suspended: the clocks pause.
    #[serde(rename = "delivery.CaseSuspended.v1")]
    Suspended {
        /// For whom.
        by: By,
        /// Why.
        reason: SuspensionReason,
    },
    /// It was resumed: the clocks go on.
    #[serde(rename = "delivery.CaseResumed.v1")]
    Resumed {
        /// For whom.
        by: By,
        /// The new promise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        promise: Option<Promise>,
    },
    /// The agency apologised for a delay. The promise stays what the case is judged by.
    #[serde(rename = "delivery.DelayApologised.v1")]
    DelayApologised {
        /// For whom.
        by: By,
        /// The new date.
        new_date: NaiveDate,
        /// Why.
        reason: DelayReason,
    },
    /// It was decided, which closes it.
    #[serde(rename = "delivery.CaseDecided.v1")]
    Decided {
        /// For whom.
        by: By,
        /// Its procedure.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        procedure: Option<String>,
        /// How; none where an import's source doesn't say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<Outcome>,
        /// Working days from receipt, pauses left out.
        working_days: u32,
    },
    /// The result was returned.
    #[serde(rename = "delivery.ResultReturned.v1")]
    ResultReturned {
        /// For whom.
        by: By,
    },
    /// The applicant withdrew it, which closes it.
    #[serde(rename = "delivery.CaseWithdrawn.v1")]
    Withdrawn {
        /// For whom.
        by: By,
        /// Its procedure.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        procedure: Option<String>,
        /// Working days from receipt, pauses left out.
        working_days: u32,
    },
    /// The person served rated it.
    #[serde(rename = "delivery.CaseRated.v1")]
    Rated {
        /// The agency and unit that are rated.
        by: By,
        /// 1 to 5.
        rating: u8,
    },
    /// Something was recorded wrongly, and this is the right value.
    #[serde(rename = "delivery.CaseCorrected.v1")]
    Corrected {
        /// For whom.
        by: By,
        /// Why.
        reason: CorrectionReason,
        /// What.
        correction: Correction,
        /// The promise from now on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        promise: Option<Promise>,
        /// Working days from receipt to close, pauses left out, where the case is closed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        working_days: Option<u32>,
    },
}

impl CaseEvent {
    /// For whom it was done.
    pub fn by(&self) -> &By {
        match self {
            Self::Received { by, .. }
            | Self::Accepted { by }
            | Self::RefusedAtIntake { by, .. }
            | Self::SupplementRequested { by, .. }
            | Self::SupplementReceived { by, .. }
            | Self::Assigned { by, .. }
            | Self::StepDone { by, .. }
            | Self::HandedOver { by, .. }
            | Self::TakenUp { by }
            | Self::Suspended { by, .. }
            | Self::Resumed { by, .. }
            | Self::DelayApologised { by, .. }
            | Self::Decided { by, .. }
            | Self::ResultReturned { by }
            | Self::Withdrawn { by, .. }
            | Self::Rated { by, .. }
            | Self::Corrected { by, .. } => by,
        }
    }
}

impl Event for CaseEvent {
    const CATEGORY: &'static str = "delivery.case";

    fn subjects(&self, key: &str) -> Vec<Subject> {
        let By { agency, unit, official } = self.by();
        let mut subjects = vec![Subject::new(Role::Case, key), Subject::new(Role::Agency, agency)];
        subjects.extend(unit.iter().map(|unit| Subject::new(Role::Unit, unit)));
        subjects.extend(official.iter().map(|official| Subject::new(Role::Official, official)));
        let mut also = |role, id: &Option<String>| {
            subjects.extend(id.iter().map(|id| Subject::new(role, id)));
        };
        match self {
            Self::Received { procedure, reopens, .. } => {
                also(Role::Procedure, procedure);
                also(Role::Case, &reopens.as_ref().map(|r| r.case.clone()));
            }
            Self::RefusedAtIntake { procedure, .. }
            | Self::Decided { procedure, .. }
            | Self::Withdrawn { procedure, .. } => also(Role::Procedure, procedure),
            Self::Assigned { assignee, .. } => also(Role::Official, assignee),
            Self::StepDone { step, .. } => also(Role::Step, &Some(step.clone())),
            Self::HandedOver { to_agency, .. } => also(Role::Agency, &Some(to_agency.clone())),
            Self::Corrected { correction: Correction::Procedure { procedure }, .. } => {
                also(Role::Procedure, &Some(procedure.clone()));
            }
            Self::Accepted { .. }
            | Self::SupplementRequested { .. }
            | Self::SupplementReceived { .. }
            | Self::TakenUp { .. }
            | Self::Suspended { .. }
            | Self::Resumed { .. }
            | Self::DelayApologised { .. }
            | Self::ResultReturned { .. }
            | Self::Rated { .. }
            | Self::Corrected { .. } => {}
        }
        let mut seen = std::collections::HashSet::new();
        subjects.retain(|subject| seen.insert(subject.clone()));
        subjects
    }
}
