//! A failure as a gRPC status with a machine-readable reason.

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::{audit, conduct, delivery, directory, discipline, leaderboard, ledger, obligations, view};

/// A documented reason: an `ErrorReason` of one context. The comment at the enum's value in the `.proto`
/// names the status code and the caller's next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A shared reason, or one of the ledger.
    Ledger(ledger::ErrorReason),
    /// A reason of the directory.
    Directory(directory::ErrorReason),
    /// A reason of delivery.
    Delivery(delivery::ErrorReason),
    /// A reason of conduct.
    Conduct(conduct::ErrorReason),
    /// A reason of discipline.
    Discipline(discipline::ErrorReason),
    /// A reason of the obligations view.
    Obligations(obligations::ErrorReason),
    /// A reason of the audit view.
    Audit(audit::ErrorReason),
    /// A reason of the leaderboard.
    Leaderboard(leaderboard::ErrorReason),
    /// A reason of the views as such.
    View(view::ErrorReason),
}

macro_rules! from_reasons {
    ($($variant:ident, $module:ident;)*) => {
        $(impl From<$module::ErrorReason> for Reason {
            fn from(reason: $module::ErrorReason) -> Self {
                Self::$variant(reason)
            }
        })*
    };
}
from_reasons! {
    Ledger, ledger;
    Directory, directory;
    Delivery, delivery;
    Conduct, conduct;
    Discipline, discipline;
    Obligations, obligations;
    Audit, audit;
    Leaderboard, leaderboard;
    View, view;
}

impl Reason {
    /// The reason's name without the enum's prefix, such as `REVISION_CONFLICT`.
    pub fn name(self) -> &'static str {
        let name = match self {
            Self::Ledger(r) => r.as_str_name(),
            Self::Directory(r) => r.as_str_name(),
            Self::Delivery(r) => r.as_str_name(),
            Self::Conduct(r) => r.as_str_name(),
            Self::Discipline(r) => r.as_str_name(),
            Self::Obligations(r) => r.as_str_name(),
            Self::Audit(r) => r.as_str_name(),
            Self::Leaderboard(r) => r.as_str_name(),
            Self::View(r) => r.as_str_name(),
        };
        name.strip_prefix("ERROR_REASON_").unwrap_or(name)
    }

    /// The domain that `google.rpc.ErrorInfo` gives beside the reason.
    pub fn domain(self) -> &'static str {
        match self {
            Self::Ledger(_) => "ledger.liem",
            Self::Directory(_) => "directory.liem",
            Self::Delivery(_) => "delivery.liem",
            Self::Conduct(_) => "conduct.liem",
            Self::Discipline(_) => "discipline.liem",
            Self::Obligations(_) => "obligations.liem",
            Self::Audit(_) => "audit.liem",
            Self::Leaderboard(_) => "leaderboard.liem",
            Self::View(_) => "view.liem",
        }
    }

    /// The status code that belongs to the reason. A test holds it against the comments in the protos.
    pub fn code(self) -> Code {
        match self {
            Self::Ledger(r) => ledger_code(r),
            Self::Directory(r) => directory_code(r),
            Self::Delivery(r) => delivery_code(r),
            Self::Conduct(r) => conduct_code(r),
            Self::Discipline(r) => discipline_code(r),
            Self::Obligations(r) => match r {
                obligations::ErrorReason::Unspecified => Code::Unknown,
                obligations::ErrorReason::AgencyUnknown => Code::NotFound,
            },
            Self::Audit(r) => match r {
                audit::ErrorReason::Unspecified => Code::Unknown,
                audit::ErrorReason::SubjectUnknown => Code::NotFound,
                audit::ErrorReason::SubjectRoleUnknown => Code::InvalidArgument,
            },
            Self::Leaderboard(r) => match r {
                leaderboard::ErrorReason::Unspecified => Code::Unknown,
                leaderboard::ErrorReason::PeriodMalformed => Code::InvalidArgument,
                leaderboard::ErrorReason::SubjectUnknown => Code::NotFound,
                leaderboard::ErrorReason::CellSuppressed => Code::PermissionDenied,
            },
            Self::View(r) => view_code(r),
        }
    }
}

fn ledger_code(reason: ledger::ErrorReason) -> Code {
    use ledger::ErrorReason as R;
    match reason {
        R::Unspecified => Code::Unknown,
        R::TokenMissing | R::TokenInvalid | R::TokenExpired => Code::Unauthenticated,
        R::RoleNotAllowed | R::NoStanding | R::CategoryNotOwned => Code::PermissionDenied,
        R::FieldInvalid
        | R::EntryTooLarge
        | R::StreamNameMalformed
        | R::AppendEmpty
        | R::PageTokenInvalid => Code::InvalidArgument,
        R::RevisionConflict => Code::Aborted,
        R::RequestIdReused => Code::AlreadyExists,
        R::QueueFull | R::StorageFull => Code::ResourceExhausted,
        R::ClockWentBack
        | R::LogUnavailable
        | R::LogUnreachable
        | R::ViewBehind
        | R::ViewStopped
        | R::VaultUnavailable => Code::Unavailable,
        R::LogClosed => Code::FailedPrecondition,
        R::AppendNotFound | R::PositionNotFound => Code::NotFound,
        R::LogDamaged => Code::DataLoss,
        R::Internal => Code::Internal,
        R::RpcUnknown => Code::Unimplemented,
    }
}

fn directory_code(reason: directory::ErrorReason) -> Code {
    use directory::ErrorReason as R;
    match reason {
        R::Unspecified => Code::Unknown,
        R::AgencyExists
        | R::UnitExists
        | R::ProcedureExists
        | R::StepExists
        | R::PostExists
        | R::OfficialExists => Code::AlreadyExists,
        R::AgencyUnknown
        | R::ProcedureUnknown
        | R::UnitUnknown
        | R::PostUnknown
        | R::OfficialUnknown
        | R::NameUnknown => Code::NotFound,
        R::TermsOutOfOrder
        | R::DayUnchanged
        | R::AgencyClosed
        | R::UnitClosed
        | R::PostClosed
        | R::OfficialLeft
        | R::MergedIntoItself
        | R::UnitOfOtherAgency
        | R::DatesOutOfOrder
        | R::DateInFuture
        | R::NamesUnchanged
        | R::PartyMembershipUnchanged => Code::FailedPrecondition,
    }
}

fn view_code(reason: view::ErrorReason) -> Code {
    use view::ErrorReason as R;
    match reason {
        R::Unspecified => Code::Unknown,
        R::ViewUnknown | R::GenerationUnknown => Code::NotFound,
        R::TooManyGenerations => Code::ResourceExhausted,
        R::GenerationLive
        | R::GenerationBehind
        | R::WhatIfNeverLive
        | R::NothingToRollBack
        | R::ReplayStopped
        | R::ReplayRunning
        | R::CalendarUnused => Code::FailedPrecondition,
    }
}

fn delivery_code(reason: delivery::ErrorReason) -> Code {
    use delivery::ErrorReason as R;
    match reason {
        R::Unspecified => Code::Unknown,
        R::CaseUnknown | R::AgencyUnknown | R::UnitUnknown | R::ProcedureUnknown | R::StepUnknown => {
            Code::NotFound
        }
        R::CaseExists => Code::AlreadyExists,
        R::CaseCodeMalformed
        | R::RatingOutOfRange
        | R::OccurredInFuture
        | R::DueBeforeReceipt
        | R::DateOutOfRange => Code::InvalidArgument,
        R::CaseClosed
        | R::CaseNotClosed
        | R::CaseAlreadyAccepted
        | R::CasePaused
        | R::SupplementNotRequested
        | R::CaseNotSuspended
        | R::HandedToItself
        | R::HandOverPending
        | R::NotHandedOver
        | R::HandedToAnother
        | R::NoPromise
        | R::NewDateNotLater
        | R::CaseNotDecided
        | R::ResultAlreadyReturned
        | R::CaseAlreadyReopened
        | R::CaseAlreadyRated
        | R::CorrectionUnchanged
        | R::UnitOfOtherAgency
        | R::HolderMismatch
        | R::OccurredOutOfOrder
        | R::AgencyClosed
        | R::UnitClosed => Code::FailedPrecondition,
    }
}

fn conduct_code(reason: conduct::ErrorReason) -> Code {
    use conduct::ErrorReason as R;
    match reason {
        R::Unspecified => Code::Unknown,
        R::ReportUnknown
        | R::AllegationUnknown
        | R::QuestionUnknown
        | R::AgencyUnknown
        | R::UnitUnknown
        | R::StepUnknown
        | R::JurisdictionUnknown
        | R::CodeUnknown => Code::NotFound,
        R::ReportExists | R::PersonKnown => Code::AlreadyExists,
        R::DeclineReasonUnknown
        | R::SourceNotAllowed
        | R::NameMissing
        | R::NameGiven
        | R::OccurredInFuture
        | R::DateOutOfRange => Code::InvalidArgument,
        R::TooManyAttempts => Code::ResourceExhausted,
        R::HandlerMismatch
        | R::ConcernsHandler
        | R::ReportEnded
        | R::ReportClassified
        | R::ReportNotClassified
        | R::ReportAccepted
        | R::ReportNotAccepted
        | R::TransferredToItself
        | R::TargetConcerned
        | R::NoRule
        | R::ExtensionNotAllowed
        | R::InquiryOpen
        | R::InquiryNotOpen
        | R::FindingUnchanged
        | R::FindingNotRecommended
        | R::FindingsMissing
        | R::ReportNotConcluded
        | R::AppealPending
        | R::AppealNotPending
        | R::QuestionAnswered
        | R::OccurredOutOfOrder => Code::FailedPrecondition,
    }
}

fn discipline_code(reason: discipline::ErrorReason) -> Code {
    use discipline::ErrorReason as R;
    match reason {
        R::Unspecified => Code::Unknown,
        R::ProceedingUnknown | R::OriginUnknown | R::JurisdictionUnknown => Code::NotFound,
        R::ProceedingExists | R::CircumstanceRecorded | R::HeadLiable => Code::AlreadyExists,
        R::DatesOutOfOrder
        | R::ReasonNotSo
        | R::HandlerMismatch
        | R::ConcernsHandler
        | R::ProceedingClosed
        | R::OriginNotConcluded
        | R::NoFinding
        | R::TrackNotAllowed
        | R::LimitationRunOut
        | R::NoRule
        | R::ExtensionNotAllowed
        | R::ProceedingPaused
        | R::ProceedingNotPaused
        | R::CouncilConvened
        | R::CouncilNotConvened
        | R::MemberConcerned
        | R::HearingNotHeld
        | R::FormNotAllowed
        | R::HandlingTimeOver
        | R::PersonLeft
        | R::OtherTrackFirst
        | R::SanctionDecided
        | R::SanctionNotDecided
        | R::NothingImposed
        | R::NotTheHead
        | R::SanctionExecuted
        | R::AppealTooLate
        | R::AppealPending
        | R::AppealDecided
        | R::AppealNotPending
        | R::TermNotOver
        | R::SanctionCleared
        | R::AlreadyExonerated
        | R::NotExonerated
        | R::ApologyRecorded
        | R::RestorationRecorded
        | R::OccurredOutOfOrder => Code::FailedPrecondition,
        R::OriginNotSupported
        | R::PersonMissing
        | R::PersonClassMissing
        | R::ExemptionUnknown
        | R::PauseGroundUnknown
        | R::CircumstanceUnknown
        | R::LiabilityUnknown
        | R::OccurredInFuture
        | R::DateOutOfRange => Code::InvalidArgument,
    }
}

/// A failure on its way to the caller: a reason and a message for people that says what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Why.
    pub reason: Reason,
    /// For people: what was wrong and what to do. Never holds personal data.
    pub message: String,
}

impl Failure {
    /// A failure for a reason.
    pub fn new(reason: impl Into<Reason>, message: impl Into<String>) -> Self {
        Self { reason: reason.into(), message: message.into() }
    }

    /// A malformed field; `field` is its path in the request.
    pub fn field(field: &str, problem: impl std::fmt::Display) -> Self {
        Self::new(ledger::ErrorReason::FieldInvalid, format!("{field}: {problem}"))
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        let details = ErrorDetails::with_error_info(
            failure.reason.name(),
            failure.reason.domain(),
            std::collections::HashMap::new(),
        );
        Status::with_error_details(failure.reason.code(), failure.message, details)
    }
}

/// The reason in a status, such as `REVISION_CONFLICT`; none if the status did not come from a [`Failure`].
pub fn reason_of(status: &Status) -> Option<String> {
    Some(status.get_details_error_info()?.reason)
}
