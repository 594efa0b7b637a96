//! Why a report refuses a command: each refusal names the rule.

use chrono::NaiveDate;
use command::DateOutOfRange;
use proto::{Failure, conduct::ErrorReason};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("there is no report {0}: check its id")]
    ReportUnknown(String),
    #[error("the report {0} was imported before with other content: it stays as it is")]
    ReportExists(String),
    #[error("{agency} does not have the report; {handler} has it")]
    HandlerMismatch { agency: String, handler: String },
    #[error("the report is about {handler} or its head, and {handler} does not handle it: transfer it")]
    ConcernsHandler { handler: String },
    #[error("the report is about the official in whose name this is done: another one does it")]
    ConcernsOfficial,
    #[error("the report has ended: only a concluded one can be reopened")]
    Ended,
    #[error("a report is classified once, before anything else")]
    Classified,
    #[error("classify the report first")]
    NotClassified,
    #[error("the report is accepted, or in inspection, already")]
    Accepted,
    #[error("accept the report first")]
    NotAccepted,
    #[error("an agency does not transfer a report to itself: choose another")]
    TransferredToItself,
    #[error("the report is about {to} or its head: transfer it to another agency")]
    TargetConcerned { to: String },
    #[error("the rulebook has no rule for this on that day: `liem rules show` lists what it has")]
    NoRule,
    #[error("{rule} knows no reason of this name to decline: give one of {known}")]
    DeclineReasonUnknown { rule: String, known: String },
    #[error("{rule} allows no such extension, or no further one, or the limit of {due} is over")]
    ExtensionNotAllowed { rule: String, due: NaiveDate },
    #[error("the inquiry is open already")]
    InquiryOpen,
    #[error("open the inquiry first")]
    InquiryNotOpen,
    #[error("the inquiry names this person already")]
    PersonKnown,
    #[error("the report has no allegation {0}: check its number")]
    AllegationUnknown(u32),
    #[error("the record says so already")]
    FindingUnchanged,
    #[error("a finding is recommended before it is final: record the recommendation first")]
    NotRecommended,
    #[error("allegation {0} has no final finding yet: record it first")]
    FindingsMissing(u32),
    #[error("this is for concluded reports only")]
    NotConcluded,
    #[error("an appeal is pending: decide it first")]
    AppealPending,
    #[error("no appeal is pending")]
    AppealNotPending,
    #[error("the report has no question {0}: check its number")]
    QuestionUnknown(u32),
    #[error("the question is answered: add to the report instead")]
    QuestionAnswered,
    #[error("a date is outside the years 1900 to 2200")]
    DateOutOfRange,
    #[error("it can't have happened before {follows}, which it follows: correct the time")]
    OutOfOrder { follows: NaiveDate },
}

impl From<DateOutOfRange> for Refusal {
    fn from(_: DateOutOfRange) -> Self {
        Self::DateOutOfRange
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let reason = match &refusal {
            Refusal::ReportUnknown(_) => ErrorReason::ReportUnknown,
            Refusal::ReportExists(_) => ErrorReason::ReportExists,
            Refusal::HandlerMismatch { .. } => ErrorReason::HandlerMismatch,
            Refusal::ConcernsHandler { .. } => ErrorReason::ConcernsHandler,
            Refusal::ConcernsOfficial => ErrorReason::ConcernsHandler,
            Refusal::Ended => ErrorReason::ReportEnded,
            Refusal::Classified => ErrorReason::ReportClassified,
            Refusal::NotClassified => ErrorReason::ReportNotClassified,
            Refusal::Accepted => ErrorReason::ReportAccepted,
            Refusal::NotAccepted => ErrorReason::ReportNotAccepted,
            Refusal::TransferredToItself => ErrorReason::TransferredToItself,
            Refusal::TargetConcerned { .. } => ErrorReason::TargetConcerned,
            Refusal::NoRule => ErrorReason::NoRule,
            Refusal::DeclineReasonUnknown { .. } => ErrorReason::DeclineReasonUnknown,
            Refusal::ExtensionNotAllowed { .. } => ErrorReason::ExtensionNotAllowed,
            Refusal::InquiryOpen => ErrorReason::InquiryOpen,
            Refusal::InquiryNotOpen => ErrorReason::InquiryNotOpen,
            Refusal::PersonKnown => ErrorReason::PersonKnown,
            Refusal::AllegationUnknown(_) => ErrorReason::AllegationUnknown,
            Refusal::FindingUnchanged => ErrorReason::FindingUnchanged,
            Refusal::NotRecommended => ErrorReason::FindingNotRecommended,
            Refusal::FindingsMissing(_) => ErrorReason::FindingsMissing,
            Refusal::NotConcluded => ErrorReason::ReportNotConcluded,
            Refusal::AppealPending => ErrorReason::AppealPending,
            Refusal::AppealNotPending => ErrorReason::AppealNotPending,
            Refusal::QuestionUnknown(_) => ErrorReason::QuestionUnknown,
            Refusal::QuestionAnswered => ErrorReason::QuestionAnswered,
            Refusal::DateOutOfRange => ErrorReason::DateOutOfRange,
            Refusal::OutOfOrder { .. } => ErrorReason::OccurredOutOfOrder,
        };
        Failure::new(reason, refusal.to_string())
    }
}
