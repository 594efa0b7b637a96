//! Between the contract and the domain.

use events::{
    conduct::Limit,
    discipline::{
        AppealResult, CloseReason, Decision, DeclineReason, ExonerationGround, Liability, PersonClass,
        SanctionResult, Track, Weight,
    },
};
use proto::{Failure, code_from, discipline as pb, non_empty};

use crate::domain::{ProceedingState, Stage};

/// Values of the contract as ours, where one has to be given.
macro_rules! given {
    ($($from:ident $field:literal $pb:ident $ours:ident { $($variant:ident)* })*) => {
        $(pub(super) fn $from(value: pb::$pb) -> Result<$ours, Failure> {
            match value {
                pb::$pb::Unspecified => Err(Failure::field($field, "say which")),
                $(pb::$pb::$variant => Ok($ours::$variant),)*
            }
        })*
    };
}
given! {
    decline_reason "reason" DeclineReason DeclineReason {
        LimitationRunOut PersonLeft PersonUnknown Minor OtherProcedure
    }
    close_reason "reason" CloseReason CloseReason {
        HandlingTimeOver PersonLeft PersonDied FindingFell OtherProcedure
    }
    liability "liability" Liability Liability { Direct Joint }
    appeal_result "result" AppealResult AppealResult { Upheld Changed Annulled }
    exoneration "ground" ExonerationGround ExonerationGround {
        NoViolation WrongPerson UnlawfulDecision CourtRuling
    }
    result "decision.result" Result SanctionResult { Sanctioned NotSanctioned Pending NotApplicable }
}

/// Our values as the contract's.
macro_rules! told {
    ($($to:ident $pb:ident $ours:ident { $($variant:ident)* })*) => {
        $(fn $to(value: $ours) -> pb::$pb {
            match value {
                $($ours::$variant => pb::$pb::$variant,)*
            }
        })*
    };
}
told! {
    track_to Track Track { Administrative Party }
    class_to PersonClass PersonClass {
        Cadre CivilServant PublicEmployee PartyMember PartyOrganisation PoliceOfficer
    }
    result_to Result SanctionResult { Sanctioned NotSanctioned Pending NotApplicable }
    liability_to Liability Liability { Direct Joint }
    appeal_result_to AppealResult AppealResult { Upheld Changed Annulled }
}

pub(super) fn class_from(class: pb::PersonClass) -> Option<PersonClass> {
    match class {
        pb::PersonClass::Unspecified => None,
        pb::PersonClass::Cadre => Some(PersonClass::Cadre),
        pb::PersonClass::CivilServant => Some(PersonClass::CivilServant),
        pb::PersonClass::PublicEmployee => Some(PersonClass::PublicEmployee),
        pb::PersonClass::PartyMember => Some(PersonClass::PartyMember),
        pb::PersonClass::PartyOrganisation => Some(PersonClass::PartyOrganisation),
        pb::PersonClass::PoliceOfficer => Some(PersonClass::PoliceOfficer),
    }
}

pub(super) fn track_or_administrative(track: i32) -> Result<Track, Failure> {
    match pb::Track::try_from(track) {
        Ok(pb::Track::Unspecified | pb::Track::Administrative) => Ok(Track::Administrative),
        Ok(pb::Track::Party) => Ok(Track::Party),
        Err(_) => Err(Failure::field("track", "give ADMINISTRATIVE or PARTY")),
    }
}

/// A decision; one that another register tells may be pending, and has that one's word.
pub(super) fn decision_from(
    field: &str,
    decision: &pb::Decision,
    is_imported: bool,
) -> Result<Decision, Failure> {
    let result = result(decision.result())?;
    if !is_imported {
        if matches!(result, SanctionResult::Pending | SanctionResult::NotApplicable) {
            return Err(Failure::field(&format!("{field}.result"), "give SANCTIONED or NOT_SANCTIONED"));
        }
        if !decision.source_outcome.is_empty() {
            return Err(Failure::field(
                &format!("{field}.source_outcome"),
                "leave it empty: it's for imports",
            ));
        }
    }
    let code = |name: &str, code: &str| match code {
        "" => Ok(None),
        code => code_from(&format!("{field}.{name}"), code).map(Some),
    };
    let form = code("form", &decision.form)?;
    if form.is_some() && result != SanctionResult::Sanctioned {
        return Err(Failure::field(&format!("{field}.form"), "only a sanction has a form: leave it empty"));
    }
    Ok(Decision { result, form, source_outcome: code("source_outcome", &decision.source_outcome)? })
}

pub(super) fn decision(decision: &Decision) -> pb::Decision {
    pb::Decision {
        result: result_to(decision.result).into(),
        form: decision.form.clone().unwrap_or_default(),
        source_outcome: decision.source_outcome.clone().unwrap_or_default(),
    }
}

pub(super) fn limit(limit: Option<&Limit>) -> Option<pb::Limit> {
    limit.map(|limit| pb::Limit {
        from_date: limit.from_date.to_string(),
        due_date: limit.due_date.to_string(),
        rule: limit.rule.clone(),
    })
}

fn stage(state: &ProceedingState) -> pb::ProceedingStage {
    match state.stage {
        _ if state.is_exonerated => pb::ProceedingStage::Exonerated,
        Stage::None => pb::ProceedingStage::Unspecified,
        Stage::Due => pb::ProceedingStage::Due,
        Stage::Lapsed => pb::ProceedingStage::Lapsed,
        Stage::NotOpened => pb::ProceedingStage::NotOpened,
        Stage::Open if state.paused.is_some() => pb::ProceedingStage::Paused,
        Stage::Open => pb::ProceedingStage::Open,
        Stage::Decided => pb::ProceedingStage::Decided,
        Stage::UnderAppeal => pb::ProceedingStage::UnderAppeal,
        Stage::Closed => pb::ProceedingStage::Closed,
    }
}

/// A proceeding as it is told. `linked` is the one on the other track.
pub(super) fn proceeding(state: &ProceedingState, revision: u64, linked: Option<String>) -> pb::Proceeding {
    let date = |date: Option<chrono::NaiveDate>| date.map(|date| date.to_string()).unwrap_or_default();
    let matter = state.matter.as_ref();
    let origin = state.origin.as_ref().map(|origin| pb::Origin {
        stream: origin.stream.clone(),
        revision: origin.revision,
        allegation: origin.allegation.and_then(|number| number.try_into().ok()).unwrap_or_default(),
    });
    let circumstances = state.circumstances.iter().map(|(circumstance, weight)| pb::Circumstance {
        circumstance: circumstance.clone(),
        aggravating: *weight == Weight::Aggravating,
    });
    let heads = state
        .heads
        .iter()
        .map(|(head, liable)| pb::LiableHead { head: head.clone(), liability: liability_to(*liable).into() });
    pb::Proceeding {
        proceeding: state.id.clone(),
        revision,
        stage: stage(state).into(),
        origin,
        track: state.track.map_or(pb::Track::Unspecified, track_to).into(),
        linked: linked.unwrap_or_default(),
        person: matter.and_then(|matter| matter.person.clone()).unwrap_or_default(),
        person_class: state.class.map_or(pb::PersonClass::Unspecified, class_to).into(),
        leads: state.leads,
        agency: matter.map(|matter| matter.agency.clone()).unwrap_or_default(),
        unit: matter.and_then(|matter| matter.unit.clone()).unwrap_or_default(),
        handler: state.standing.handler.clone(),
        jurisdiction: matter.map(|matter| matter.jurisdiction.clone()).unwrap_or_default(),
        violation_date: date(state.violation),
        discovery_date: date(state.discovery),
        decision_date: date(state.decided),
        limitation_date: date(state.limitation.as_ref().map(|limit| limit.due_date)),
        open: limit(state.open.as_ref()),
        convene: limit(state.convene.as_ref()),
        decide: limit(state.decide.as_ref()),
        execute: limit(state.execute.as_ref()),
        appeal: limit(state.appeal.as_ref()),
        answer: limit(state.answer.as_ref()),
        circumstances: circumstances.collect(),
        recommended: state.recommended.as_ref().map(decision),
        decision: state.decision.as_ref().map(decision),
        citation: state.basis.as_ref().map(|basis| basis.citation.clone()).unwrap_or_default(),
        appeal_result: state.appeal_result.map_or(pb::AppealResult::Unspecified, appeal_result_to).into(),
        liable_heads: heads.collect(),
        executed: state.is_executed,
        cleared: state.is_cleared,
        exonerated: state.is_exonerated,
        apologised: state.is_apologised,
        restored: state.is_restored,
    }
}

/// A text that may be empty.
pub(super) fn some(text: &str) -> Option<String> {
    non_empty(text.to_owned())
}
