//! Why a proceeding refuses a command: each refusal names the rule.

use chrono::NaiveDate;
use command::DateOutOfRange;
use proto::{Failure, discipline::ErrorReason};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("there is no proceeding {0}: check its id")]
    ProceedingUnknown(String),
    #[error("the finding has the proceeding {0} on this track: one finding has one")]
    ProceedingExists(String),
    #[error("{agency} does not have the matter: the agency that has it acts")]
    HandlerMismatch { agency: String },
    #[error("the proceeding is about the head of {0}, or its organisation: another agency has to have it")]
    ConcernsHandler(String),
    #[error("the proceeding is about the official in whose name this is done: another one does it")]
    ConcernsOfficial,
    #[error("the proceeding was closed without a decision, or none was opened: it stays so")]
    Closed,
    #[error("there is no stream {0}: check its name")]
    OriginUnknown(String),
    #[error("proceedings are opened from reports, not from {0}: give a stream of `conduct.report`")]
    OriginNotSupported(String),
    #[error("the report isn't concluded, is under appeal, or was dropped: conclude it first")]
    OriginNotConcluded,
    #[error(
        "the report has no substantiated finding of this number: a proceeding needs one, or a self-report"
    )]
    NoFinding,
    #[error("the finding names nobody: give the person")]
    PersonMissing,
    #[error("the finding is about somebody else, and nobody else is proceeded against for it")]
    PersonMismatch,
    #[error("the directory doesn't know the person: give `person_class`, or register them first")]
    PersonClassMissing,
    #[error("{0} is no member of the Party, which has no proceeding against others")]
    TrackNotAllowed(String),
    #[error("the class {0} and the track don't go together: give another one")]
    ClassOfOtherTrack(String),
    #[error("{rule}: the limitation period was over on {due}")]
    LimitationRunOut { rule: String, due: NaiveDate },
    #[error("the violation comes before its discovery, and that before the opening: correct the dates")]
    DatesOutOfOrder,
    #[error("{rule} knows no such ground without limitation: give one of {known}")]
    ExemptionUnknown { rule: String, known: String },
    #[error("the rulebook has no rule for this on that day: `liem rules show` lists what it has")]
    NoRule,
    #[error("{rule} allows no such extension, or no further one, or the limit of {due} is over")]
    ExtensionNotAllowed { rule: String, due: NaiveDate },
    #[error("{rule} knows no such ground to pause: give one of {known}")]
    PauseGroundUnknown { rule: String, known: String },
    #[error("the clock stands still: resume the proceeding first")]
    Paused,
    #[error("the clock runs: pause the proceeding first")]
    NotPaused,
    #[error("a council is convened once")]
    CouncilConvened,
    #[error("{0} asks for a council: convene one first")]
    CouncilNotConvened(String),
    #[error("nobody sits in the council on their own matter: choose another member")]
    MemberConcerned,
    #[error("{0} asks for a hearing: hold one first")]
    HearingNotHeld(String),
    #[error("{rule} knows no such circumstance: give one of {known}")]
    CircumstanceUnknown { rule: String, known: String },
    #[error("the proceeding has this circumstance already")]
    CircumstanceRecorded,
    #[error("{rule} does not allow the form {form} for a {person} who {}: it allows {allowed}", if *.leads { "leads" } else { "doesn't lead" })]
    FormNotAllowed { form: String, rule: String, person: String, leads: bool, allowed: String },
    #[error("a sanction has a form, and nothing else has one: correct the decision")]
    FormMismatch,
    #[error("the time to decide was over on {due} ({rule}), and wasn't extended: close the proceeding")]
    HandlingTimeOver { rule: String, due: NaiveDate },
    #[error("the official left the service on {0}: close the proceeding")]
    PersonLeft(NaiveDate),
    #[error("{rule} makes this track wait for {other}: decide that first")]
    OtherTrackFirst { rule: String, other: String },
    #[error("the proceeding is decided already")]
    Decided,
    #[error("nothing is decided yet that could be appealed")]
    NotDecided,
    #[error("no sanction stands: none was imposed, or it was annulled or cleared of by an exoneration")]
    NothingImposed,
    #[error("the directory has {head} as head of {body} on no day of the violation ({on})")]
    NotTheHead { head: String, body: String, on: NaiveDate },
    #[error("this head is held liable in this proceeding already")]
    HeadLiable,
    #[error("{rule} knows no such liability: give one of {known}")]
    LiabilityUnknown { rule: String, known: String },
    #[error("the sanction is executed already")]
    Executed,
    #[error("{rule}: the time to appeal was over on {due}")]
    AppealTooLate { rule: String, due: NaiveDate },
    #[error("an appeal is pending: decide it first")]
    AppealPending,
    #[error("the appeal is decided, and that is final")]
    AppealDecided,
    #[error("no appeal is pending")]
    AppealNotPending,
    #[error("{rule}: the sanction's term ends on {due}")]
    TermNotOver { rule: String, due: NaiveDate },
    #[error("the sanction is cleared already")]
    Cleared,
    #[error("the official is exonerated already")]
    Exonerated,
    #[error("this follows an exoneration: record that first")]
    NotExonerated,
    #[error("the apology is on record already")]
    Apologised,
    #[error("the restoration is on record already")]
    Restored,
    #[error("a date is outside the years 1900 to 2200")]
    DateOutOfRange,
    #[error("it can't have happened before {follows}, which it follows: correct the time")]
    OutOfOrder { follows: NaiveDate },
    #[error("this reason is not so: {0}")]
    ReasonNotSo(&'static str),
    #[error("nothing changes")]
    Unchanged,
}

impl From<DateOutOfRange> for Refusal {
    fn from(_: DateOutOfRange) -> Self {
        Self::DateOutOfRange
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        use ErrorReason as R;
        let reason = match &refusal {
            Refusal::ProceedingUnknown(_) => R::ProceedingUnknown,
            Refusal::ProceedingExists(_) | Refusal::Unchanged => R::ProceedingExists,
            Refusal::HandlerMismatch { .. } => R::HandlerMismatch,
            Refusal::ConcernsHandler(_) | Refusal::ConcernsOfficial => R::ConcernsHandler,
            Refusal::Closed => R::ProceedingClosed,
            Refusal::OriginUnknown(_) => R::OriginUnknown,
            Refusal::OriginNotSupported(_) => R::OriginNotSupported,
            Refusal::OriginNotConcluded => R::OriginNotConcluded,
            Refusal::NoFinding => R::NoFinding,
            Refusal::PersonMissing => R::PersonMissing,
            Refusal::PersonMismatch => R::NoFinding,
            Refusal::PersonClassMissing => R::PersonClassMissing,
            Refusal::TrackNotAllowed(_) | Refusal::ClassOfOtherTrack(_) => R::TrackNotAllowed,
            Refusal::LimitationRunOut { .. } => R::LimitationRunOut,
            Refusal::DatesOutOfOrder => R::DatesOutOfOrder,
            Refusal::ExemptionUnknown { .. } => R::ExemptionUnknown,
            Refusal::NoRule => R::NoRule,
            Refusal::ExtensionNotAllowed { .. } => R::ExtensionNotAllowed,
            Refusal::PauseGroundUnknown { .. } => R::PauseGroundUnknown,
            Refusal::Paused => R::ProceedingPaused,
            Refusal::NotPaused => R::ProceedingNotPaused,
            Refusal::CouncilConvened => R::CouncilConvened,
            Refusal::CouncilNotConvened(_) => R::CouncilNotConvened,
            Refusal::MemberConcerned => R::MemberConcerned,
            Refusal::HearingNotHeld(_) => R::HearingNotHeld,
            Refusal::CircumstanceUnknown { .. } => R::CircumstanceUnknown,
            Refusal::CircumstanceRecorded => R::CircumstanceRecorded,
            Refusal::FormNotAllowed { .. } | Refusal::FormMismatch => R::FormNotAllowed,
            Refusal::HandlingTimeOver { .. } => R::HandlingTimeOver,
            Refusal::PersonLeft(_) => R::PersonLeft,
            Refusal::OtherTrackFirst { .. } => R::OtherTrackFirst,
            Refusal::Decided => R::SanctionDecided,
            Refusal::NotDecided => R::SanctionNotDecided,
            Refusal::NothingImposed => R::NothingImposed,
            Refusal::NotTheHead { .. } => R::NotTheHead,
            Refusal::HeadLiable => R::HeadLiable,
            Refusal::LiabilityUnknown { .. } => R::LiabilityUnknown,
            Refusal::Executed => R::SanctionExecuted,
            Refusal::AppealTooLate { .. } => R::AppealTooLate,
            Refusal::AppealPending => R::AppealPending,
            Refusal::AppealDecided => R::AppealDecided,
            Refusal::AppealNotPending => R::AppealNotPending,
            Refusal::TermNotOver { .. } => R::TermNotOver,
            Refusal::Cleared => R::SanctionCleared,
            Refusal::Exonerated => R::AlreadyExonerated,
            Refusal::NotExonerated => R::NotExonerated,
            Refusal::Apologised => R::ApologyRecorded,
            Refusal::Restored => R::RestorationRecorded,
            Refusal::ReasonNotSo(_) => R::ReasonNotSo,
            Refusal::DateOutOfRange => R::DateOutOfRange,
            Refusal::OutOfOrder { .. } => R::OccurredOutOfOrder,
        };
        Failure::new(reason, refusal.to_string())
    }
}
