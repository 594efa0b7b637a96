//! Why a case refuses a command: each refusal names the rule.

use chrono::NaiveDate;
use events::Occurred;
use proto::{Failure, delivery::ErrorReason};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("there is no case {0}: check the code on the slip")]
    CaseUnknown(String),
    #[error("the code {0} is taken by another case: leave the code empty to get the next one")]
    CaseExists(String),
    #[error("the case is closed: reopen it to go on")]
    CaseClosed,
    #[error("the case is not closed: this is for closed cases only")]
    CaseNotClosed,
    #[error("a case is accepted, or refused at intake, once, before anything else is done with it")]
    AlreadyAccepted,
    #[error("the clocks are paused: record the supplement, or resume the case, first")]
    Paused,
    #[error("no supplement is awaited")]
    SupplementNotRequested,
    #[error("the case is not suspended")]
    NotSuspended,
    #[error("an agency does not hand a case over to itself: assign it to a unit instead")]
    HandedToItself,
    #[error("the case was handed over to {to}, which takes it up first")]
    HandOverPending { to: String },
    #[error("nobody handed the case over")]
    NotHandedOver,
    #[error("the case was handed over to {to}, not to {agency}")]
    HandedToAnother { to: String, agency: String },
    #[error("the case has no due date that could be missed")]
    NoPromise,
    #[error("the new date of an apology lies after the date it replaces, {replaced}")]
    NewDateNotLater { replaced: NaiveDate },
    #[error("a result is returned after the decision")]
    NotDecided,
    #[error("a result is returned once")]
    AlreadyReturned,
    #[error("a case is rated once")]
    AlreadyRated,
    #[error("the record says so already")]
    CorrectionUnchanged,
    #[error("a due time can't lie before the receipt")]
    DueBeforeReceipt,
    #[error("a date is outside the years 1900 to 2200")]
    DateOutOfRange,
    #[error("{agency} does not hold the case; {holder} does")]
    HolderMismatch { agency: String, holder: String },
    #[error("it can't have happened before {follows}, which it follows: correct the time")]
    OutOfOrder { follows: Occurred },
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let reason = match &refusal {
            Refusal::CaseUnknown(_) => ErrorReason::CaseUnknown,
            Refusal::CaseExists(_) => ErrorReason::CaseExists,
            Refusal::CaseClosed => ErrorReason::CaseClosed,
            Refusal::CaseNotClosed => ErrorReason::CaseNotClosed,
            Refusal::AlreadyAccepted => ErrorReason::CaseAlreadyAccepted,
            Refusal::Paused => ErrorReason::CasePaused,
            Refusal::SupplementNotRequested => ErrorReason::SupplementNotRequested,
            Refusal::NotSuspended => ErrorReason::CaseNotSuspended,
            Refusal::HandedToItself => ErrorReason::HandedToItself,
            Refusal::HandOverPending { .. } => ErrorReason::HandOverPending,
            Refusal::NotHandedOver => ErrorReason::NotHandedOver,
            Refusal::HandedToAnother { .. } => ErrorReason::HandedToAnother,
            Refusal::NoPromise => ErrorReason::NoPromise,
            Refusal::NewDateNotLater { .. } => ErrorReason::NewDateNotLater,
            Refusal::NotDecided => ErrorReason::CaseNotDecided,
            Refusal::AlreadyReturned => ErrorReason::ResultAlreadyReturned,
            Refusal::AlreadyRated => ErrorReason::CaseAlreadyRated,
            Refusal::CorrectionUnchanged => ErrorReason::CorrectionUnchanged,
            Refusal::DueBeforeReceipt => ErrorReason::DueBeforeReceipt,
            Refusal::DateOutOfRange => ErrorReason::DateOutOfRange,
            Refusal::HolderMismatch { .. } => ErrorReason::HolderMismatch,
            Refusal::OutOfOrder { .. } => ErrorReason::OccurredOutOfOrder,
        };
        Failure::new(reason, refusal.to_string())
    }
}
