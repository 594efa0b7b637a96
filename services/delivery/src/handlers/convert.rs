//! Codes and states between the contract and the domain.

use chrono::FixedOffset;
use eventlog::occurred_to_proto;
use events::Occurred;
use events::delivery::{
    Channel, CorrectionReason, DelayReason, IntakeRefusalReason, Outcome, SupplementReason, SuspensionReason,
};
use identity::{Caller, Role};
use proto::{Failure, delivery as pb};
use serde::de::DeserializeOwned;

use super::promise;
use crate::domain::{CaseState, Stage};

/// A code of the contract as one of the domain, by its name: `SUSPENSION_REASON_FORCE_MAJEURE` is
/// `force_majeure`.
fn by_name<T: DeserializeOwned>(name: &str, prefix: &str) -> Option<T> {
    let code = name.strip_prefix(prefix)?.to_lowercase();
    serde_json::from_value(serde_json::Value::String(code)).ok()
}

/// A reason, which can't be left out.
fn reason<T: DeserializeOwned>(name: &str, prefix: &str) -> Result<T, Failure> {
    by_name(name, prefix).ok_or_else(|| Failure::field("reason", "say why, by one of the codes"))
}

pub(super) fn channel(channel: pb::Channel) -> Option<Channel> {
    by_name(channel.as_str_name(), "CHANNEL_")
}

pub(super) fn outcome(outcome: pb::Outcome) -> Option<Outcome> {
    by_name(outcome.as_str_name(), "OUTCOME_")
}

pub(super) fn intake_refusal(code: pb::IntakeRefusalReason) -> Result<IntakeRefusalReason, Failure> {
    reason(code.as_str_name(), "INTAKE_REFUSAL_REASON_")
}

pub(super) fn supplement(code: pb::SupplementReason) -> Result<SupplementReason, Failure> {
    reason(code.as_str_name(), "SUPPLEMENT_REASON_")
}

pub(super) fn suspension(code: pb::SuspensionReason) -> Result<SuspensionReason, Failure> {
    reason(code.as_str_name(), "SUSPENSION_REASON_")
}

pub(super) fn delay(code: pb::DelayReason) -> Result<DelayReason, Failure> {
    reason(code.as_str_name(), "DELAY_REASON_")
}

pub(super) fn correction(code: pb::CorrectionReason) -> Result<CorrectionReason, Failure> {
    reason(code.as_str_name(), "CORRECTION_REASON_")
}

fn stage(state: &CaseState) -> pb::CaseStage {
    use crate::domain::PauseCause;
    match (state.stage, state.pause, &state.handed_to) {
        (Stage::Decided, ..) => pb::CaseStage::Decided,
        (Stage::RefusedAtIntake, ..) => pb::CaseStage::RefusedAtIntake,
        (Stage::Withdrawn, ..) => pb::CaseStage::Withdrawn,
        (_, Some(PauseCause::Supplement), _) => pb::CaseStage::AwaitingSupplement,
        (_, Some(PauseCause::Suspension), _) => pb::CaseStage::Suspended,
        (_, None, Some(_)) => pb::CaseStage::HandedOver,
        (Stage::Accepted, None, None) => pb::CaseStage::Accepted,
        (Stage::Received, None, None) => pb::CaseStage::Received,
    }
}

/// A case in the contract's form. Officials are shown to those who work for the state, not to citizens.
pub(super) fn case(state: &CaseState, revision: u64, caller: &Caller, zone: FixedOffset) -> pb::Case {
    let is_citizen = caller.role == Role::Citizen;
    // To the day only, as in a trail; the due times are what the person was promised.
    let told = |occurred: Occurred| {
        occurred_to_proto(if is_citizen { Occurred::On(occurred.date(zone)) } else { occurred })
    };
    let channel = match state.channel {
        None => pb::Channel::Unspecified,
        Some(Channel::Counter) => pb::Channel::Counter,
        Some(Channel::Online) => pb::Channel::Online,
        Some(Channel::Post) => pb::Channel::Post,
    };
    let outcome = match state.outcome {
        None => pb::Outcome::Unspecified,
        Some(Outcome::Granted) => pb::Outcome::Granted,
        Some(Outcome::Refused) => pb::Outcome::Refused,
    };
    let assignee = state.assignee.clone().filter(|_| !is_citizen);
    pb::Case {
        code: state.code.clone(),
        agency: state.agency.clone(),
        unit: state.unit.clone().unwrap_or_default(),
        procedure: state.procedure.clone().unwrap_or_default(),
        channel: channel.into(),
        stage: stage(state).into(),
        receive_occurred: state.received.map(told),
        close_occurred: state.closed.map(told),
        promise: promise(state.promise.as_ref().filter(|_| state.pause.is_none())),
        new_date: state.new_date.map(|date| date.to_string()).unwrap_or_default(),
        outcome: outcome.into(),
        result_returned: state.result_returned,
        rating: i32::from(state.rating.unwrap_or(0)),
        assignee: assignee.unwrap_or_default(),
        handed_to: state.handed_to.clone().unwrap_or_default(),
        step_count: i32::try_from(state.steps).unwrap_or(i32::MAX),
        reopens: state.reopens.clone().unwrap_or_default(),
        revision,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code of the contract but the unspecified one is a code of the domain.
    #[test]
    fn all_codes_are_known() {
        fn all<T: TryFrom<i32>>(check: impl Fn(T) -> bool) {
            let values: Vec<T> = (1..100).map_while(|n| T::try_from(n).ok()).collect();
            assert!(values.len() >= 2);
            assert!(values.into_iter().all(check));
        }
        all(|c: pb::Channel| channel(c).is_some());
        all(|c: pb::Outcome| outcome(c).is_some());
        all(|c: pb::IntakeRefusalReason| intake_refusal(c).is_ok());
        all(|c: pb::SupplementReason| supplement(c).is_ok());
        all(|c: pb::SuspensionReason| suspension(c).is_ok());
        all(|c: pb::DelayReason| delay(c).is_ok());
        all(|c: pb::CorrectionReason| correction(c).is_ok());
        assert!(suspension(pb::SuspensionReason::Unspecified).is_err());
    }
}
