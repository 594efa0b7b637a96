//! The cases of the demo's year, each planned from its receipt to its end: what is done, when and by whom.
//!
//! A plan obeys the rules of a case, so that the ledger refuses none of it, and ends where the year does. What
//! only the ledger knows is left to the sender: the case's code, and the date a delay is counted from.

mod close;
mod course;
mod hours;
mod life;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use proto::delivery::{
    Channel, CorrectionReason, DelayReason, IntakeRefusalReason, Outcome, SupplementReason, SuspensionReason,
    correct_case_request::Correction,
};

use super::province::Province;
use hours::Hours;
pub(crate) use hours::zone;
use life::Life;

/// The life of one case.
#[derive(Debug)]
pub(crate) struct CasePlan<'p> {
    /// Its number in the year, from 0.
    pub(crate) number: u64,
    /// How many cases the year has: another number makes other cases.
    pub(crate) count: u64,
    /// What happens to it, by time; first its receipt.
    pub(crate) planned: Vec<Planned<'p>>,
}

/// One thing that happens to a case.
#[derive(Debug, Clone)]
pub(crate) struct Planned<'p> {
    pub(crate) at: DateTime<Utc>,
    /// The agency that acts; empty where the person served does.
    pub(crate) agency: &'p str,
    /// The official in whose name it is done; may be empty.
    pub(crate) official: &'p str,
    pub(crate) action: Action<'p>,
}

/// What happens.
#[derive(Debug, Clone)]
pub(crate) enum Action<'p> {
    Receive {
        unit: &'p str,
        procedure: &'p str,
        channel: Channel,
    },
    Accept,
    Refuse(IntakeRefusalReason),
    RequestSupplement(SupplementReason),
    ReceiveSupplement,
    Assign {
        /// Empty to leave it where it is.
        unit: &'p str,
        assignee: &'p str,
    },
    RecordStep {
        step: &'p str,
        unit: &'p str,
    },
    HandOver {
        to_agency: &'p str,
    },
    TakeUp {
        unit: &'p str,
    },
    Suspend(SuspensionReason),
    Resume,
    Apologise {
        /// How many days after the promised date the new one is; at least 1.
        days_later: u64,
        reason: DelayReason,
    },
    Decide(Outcome),
    ReturnResult,
    Withdraw,
    Rate(i32),
    Correct {
        reason: CorrectionReason,
        correction: Correction,
    },
    /// What comes after it happens to the new case.
    Reopen,
}

/// The cases of the year, in the order they come in. Each is made when it is asked for.
pub(crate) fn cases(province: &Province, count: u64) -> impl Iterator<Item = CasePlan<'_>> {
    let hours = Hours::new(province);
    (0..count).map(move |number| {
        let planned = Life::of(province, &hours, number, count);
        CasePlan { number, count, planned }
    })
}
