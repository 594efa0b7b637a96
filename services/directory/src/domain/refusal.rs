//! Why the directory refuses a command: each refusal says what to do.

use chrono::NaiveDate;
use proto::{Failure, directory::ErrorReason};

/// Why the directory refuses a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the code {0} is taken by an agency: use another code")]
    AgencyExists(String),
    #[error("there is no agency {0}: open it first")]
    AgencyUnknown(String),
    #[error("the agency {code} is no more since {date}: {}", instead(into.as_deref()))]
    AgencyClosed { code: String, date: NaiveDate, into: Option<String> },
    #[error("the code {0} is taken by a unit: use another code")]
    UnitExists(String),
    #[error("there is no unit {0}: open it first")]
    UnitUnknown(String),
    #[error("the unit {code} is no more since {date}: {}", instead(into.as_deref()))]
    UnitClosed { code: String, date: NaiveDate, into: Option<String> },
    #[error("the unit {unit} belongs to {agency}: name one of the agency's own, or none")]
    UnitOfOtherAgency { unit: String, agency: String },
    #[error("{0} can't be merged into itself: name the one that answers for it")]
    MergedIntoItself(String),
    #[error("the names are these already")]
    NamesUnchanged,
    #[error("{date} is still to come: record it on that day or later, since views show it at once")]
    DateInFuture { date: NaiveDate },
    #[error("{date} is too early after {follows}, which it follows: correct the date")]
    DatesOutOfOrder { date: NaiveDate, follows: NaiveDate },
    #[error("the code {0} is taken by a post: use another code")]
    PostExists(String),
    #[error("there is no post {0}: define it first")]
    PostUnknown(String),
    #[error("the post {post} is no more since {date}: use another one")]
    PostClosed { post: String, date: NaiveDate },
    #[error("the id {0} is taken by an official: use another id")]
    OfficialExists(String),
    #[error("there is no official {0}: register them first")]
    OfficialUnknown(String),
    #[error("the official {official} left the service on {date}: nothing more is recorded of them")]
    OfficialLeft { official: String, date: NaiveDate },
    #[error("no name of the official {0} was recorded: the personnel files have it")]
    NameUnknown(String),
    #[error("the record of the official's membership says so already")]
    PartyMembershipUnchanged,
    #[error("the code {0} is taken by a procedure: use another code")]
    ProcedureExists(String),
    #[error("the step {0} is defined already")]
    StepExists(String),
    #[error("there is no procedure {0}: define it first")]
    ProcedureUnknown(String),
    #[error("terms from {last} are set already: later ones take effect after that day")]
    TermsOutOfOrder { last: NaiveDate },
    #[error("the calendar says so already")]
    DayUnchanged,
}

/// What to use in place of something that is no more.
fn instead(into: Option<&str>) -> String {
    into.map_or_else(|| "use another one".to_owned(), |into| format!("use {into}, which answers for it"))
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let reason = match &refusal {
            Refusal::AgencyExists(_) => ErrorReason::AgencyExists,
            Refusal::AgencyUnknown(_) => ErrorReason::AgencyUnknown,
            Refusal::AgencyClosed { .. } => ErrorReason::AgencyClosed,
            Refusal::UnitExists(_) => ErrorReason::UnitExists,
            Refusal::UnitUnknown(_) => ErrorReason::UnitUnknown,
            Refusal::UnitClosed { .. } => ErrorReason::UnitClosed,
            Refusal::UnitOfOtherAgency { .. } => ErrorReason::UnitOfOtherAgency,
            Refusal::MergedIntoItself(_) => ErrorReason::MergedIntoItself,
            Refusal::NamesUnchanged => ErrorReason::NamesUnchanged,
            Refusal::DateInFuture { .. } => ErrorReason::DateInFuture,
            Refusal::DatesOutOfOrder { .. } => ErrorReason::DatesOutOfOrder,
            Refusal::PostExists(_) => ErrorReason::PostExists,
            Refusal::PostUnknown(_) => ErrorReason::PostUnknown,
            Refusal::PostClosed { .. } => ErrorReason::PostClosed,
            Refusal::OfficialExists(_) => ErrorReason::OfficialExists,
            Refusal::OfficialUnknown(_) => ErrorReason::OfficialUnknown,
            Refusal::OfficialLeft { .. } => ErrorReason::OfficialLeft,
            Refusal::PartyMembershipUnchanged => ErrorReason::PartyMembershipUnchanged,
            Refusal::NameUnknown(_) => ErrorReason::NameUnknown,
            Refusal::ProcedureExists(_) => ErrorReason::ProcedureExists,
            Refusal::StepExists(_) => ErrorReason::StepExists,
            Refusal::ProcedureUnknown(_) => ErrorReason::ProcedureUnknown,
            Refusal::TermsOutOfOrder { .. } => ErrorReason::TermsOutOfOrder,
            Refusal::DayUnchanged => ErrorReason::DayUnchanged,
        };
        Failure::new(reason, refusal.to_string())
    }
}
