//! Those of proceedings.

use events::{
    conduct::{Class, Classed},
    discipline::{
        AppealResult, Basis, CloseReason, Decision, DeclineReason, ExonerationGround, Liability, Matter,
        Origin, PersonClass, ProceedingEvent, SanctionResult, Track, Weight,
    },
};

use super::{
    Exemplars, agency_only, by,
    conduct::{limit, some_limit},
    day,
};

types!(PROCEEDING, type_of_proceeding, ProceedingEvent {
    ProceedingEvent::Due { .. } => "discipline.ProceedingDue.v1",
    ProceedingEvent::Lapsed { .. } => "discipline.DutyLapsed.v1",
    ProceedingEvent::NotOpened { .. } => "discipline.ProceedingNotOpened.v1",
    ProceedingEvent::Opened { .. } => "discipline.ProceedingOpened.v1",
    ProceedingEvent::Extended { .. } => "discipline.HandlingExtended.v1",
    ProceedingEvent::Paused { .. } => "discipline.ProceedingPaused.v1",
    ProceedingEvent::Resumed { .. } => "discipline.ProceedingResumed.v1",
    ProceedingEvent::CouncilConvened { .. } => "discipline.CouncilConvened.v1",
    ProceedingEvent::HearingHeld { .. } => "discipline.HearingHeld.v1",
    ProceedingEvent::CircumstanceRecorded { .. } => "discipline.CircumstanceRecorded.v1",
    ProceedingEvent::Recommended { .. } => "discipline.SanctionRecommended.v1",
    ProceedingEvent::Decided { .. } => "discipline.SanctionDecided.v1",
    ProceedingEvent::HeadHeldLiable { .. } => "discipline.HeadHeldLiable.v1",
    ProceedingEvent::Executed { .. } => "discipline.SanctionExecuted.v1",
    ProceedingEvent::Appealed { .. } => "discipline.SanctionAppealed.v1",
    ProceedingEvent::AppealDecided { .. } => "discipline.SanctionAppealDecided.v1",
    ProceedingEvent::Cleared { .. } => "discipline.SanctionCleared.v1",
    ProceedingEvent::Exonerated { .. } => "discipline.OfficialExonerated.v1",
    ProceedingEvent::Apologised { .. } => "discipline.ApologyMade.v1",
    ProceedingEvent::Restored { .. } => "discipline.OfficialRestored.v1",
    ProceedingEvent::Closed { .. } => "discipline.ProceedingClosed.v1",
});

const PROCEEDING_ID: &str = "p-5x2kq8d0v7tmn4h9c1j6bwe3yr";
const OTHER: &str = "p-9c4w0zr6k2e8m5v1tq7hx3d0nb";
const SHOWS_IT: &str = "r-7d0vkx3gqp5se1r8mhz4n2ycbt";

fn origin(is_full: bool) -> Origin {
    Origin {
        stream: "conduct.report/r-2mfc8kqz0v7tqn4h9x1j5bwe3y".into(),
        revision: 17,
        allegation: is_full.then_some(1),
        finding_position: is_full.then_some(4_096),
    }
}

fn matter(is_full: bool) -> Matter {
    Matter {
        person: is_full.then(|| "cb-0522".into()),
        agency: "H57.20".into(),
        unit: is_full.then(|| "H57.20.01".into()),
        classed: Classed {
            class: Class::Corruption, source_class: is_full.then(|| "nhận hối lộ".into())
        },
        jurisdiction: "VN".into(),
    }
}

fn decision(is_full: bool) -> Decision {
    Decision {
        result: if is_full { SanctionResult::Sanctioned } else { SanctionResult::NotSanctioned },
        form: is_full.then(|| "reprimand".into()),
        source_outcome: is_full.then(|| "Guilty".into()),
    }
}

fn basis(rule: &str) -> Basis {
    Basis { rule: rule.into(), citation: "Decree 172/2025/NĐ-CP, art. 8".into() }
}

fn acts(is_full: bool) -> events::delivery::By {
    if is_full { by() } else { agency_only() }
}

/// One of each type with every optional field present, and one with none (`.minimal`).
pub(crate) fn proceeding() -> Exemplars<ProceedingEvent> {
    let mut exemplars = opening();
    exemplars.extend(course());
    exemplars.extend(decided());
    exemplars.extend(afterwards());
    exemplars
}

fn opening() -> Exemplars<ProceedingEvent> {
    use ProceedingEvent as E;
    let due = |is_full| E::Due {
        proceeding: PROCEEDING_ID.into(),
        duty_of: "H57.18".into(),
        origin: origin(is_full),
        matter: matter(is_full),
        open: limit("proceeding.open", is_full),
    };
    let not_opened = |is_full| E::NotOpened {
        by: acts(is_full),
        proceeding: PROCEEDING_ID.into(),
        origin: origin(is_full),
        matter: matter(is_full),
        reason: DeclineReason::PersonUnknown,
    };
    let opened = |is_full: bool| E::Opened {
        by: acts(is_full),
        proceeding: PROCEEDING_ID.into(),
        track: Track::Administrative,
        origin: origin(is_full),
        matter: matter(is_full),
        person_class: PersonClass::CivilServant,
        leads: is_full,
        linked: is_full.then(|| OTHER.into()),
        violation_date: is_full.then(|| day("2026-03-02")),
        discovery_date: is_full.then(|| day("2026-11-20")),
        limitation: some_limit("limitation.civil-servant", is_full),
        exemption: is_full.then(|| "national_interest".into()),
        convene: some_limit("proceeding.convene", is_full),
        decide: some_limit("proceeding.decide", is_full),
        imported: is_full,
        source_outcome: is_full.then(|| "Pending".into()),
    };
    let closed = |is_full| E::Closed { by: acts(is_full), reason: CloseReason::FindingFell };
    vec![
        ("discipline.ProceedingDue.v1", due(true)),
        ("discipline.ProceedingDue.v1.minimal", due(false)),
        ("discipline.DutyLapsed.v1", E::Lapsed { origin_revision: 18 }),
        ("discipline.ProceedingNotOpened.v1", not_opened(true)),
        ("discipline.ProceedingNotOpened.v1.minimal", not_opened(false)),
        ("discipline.ProceedingOpened.v1", opened(true)),
        ("discipline.ProceedingOpened.v1.minimal", opened(false)),
        ("discipline.ProceedingClosed.v1", closed(true)),
        ("discipline.ProceedingClosed.v1.minimal", closed(false)),
    ]
}

fn course() -> Exemplars<ProceedingEvent> {
    use ProceedingEvent as E;
    let extended = |is_full| E::Extended { by: acts(is_full), decide: limit("proceeding.decide", is_full) };
    let paused = |is_full| E::Paused {
        by: acts(is_full),
        ground: "serious_illness".into(),
        rule: "proceeding.decide".into(),
    };
    let resumed = |is_full| E::Resumed {
        by: acts(is_full),
        convene: some_limit("proceeding.convene", is_full),
        decide: some_limit("proceeding.decide", is_full),
    };
    let convened =
        |is_full| E::CouncilConvened { by: acts(is_full), members: vec!["cb-0417".into(), "cb-0611".into()] };
    let heard = |is_full| E::HearingHeld { by: acts(is_full), attended: is_full };
    let circumstance = |is_full: bool| E::CircumstanceRecorded {
        by: acts(is_full),
        circumstance: "retaliation".into(),
        weight: Weight::Aggravating,
        basis: basis("circumstance.retaliation"),
        report: is_full.then(|| SHOWS_IT.into()),
    };
    vec![
        ("discipline.HandlingExtended.v1", extended(true)),
        ("discipline.HandlingExtended.v1.minimal", extended(false)),
        ("discipline.ProceedingPaused.v1", paused(true)),
        ("discipline.ProceedingPaused.v1.minimal", paused(false)),
        ("discipline.ProceedingResumed.v1", resumed(true)),
        ("discipline.ProceedingResumed.v1.minimal", resumed(false)),
        ("discipline.CouncilConvened.v1", convened(true)),
        ("discipline.CouncilConvened.v1.minimal", convened(false)),
        ("discipline.HearingHeld.v1", heard(true)),
        ("discipline.HearingHeld.v1.minimal", heard(false)),
        ("discipline.CircumstanceRecorded.v1", circumstance(true)),
        ("discipline.CircumstanceRecorded.v1.minimal", circumstance(false)),
    ]
}

fn decided() -> Exemplars<ProceedingEvent> {
    use ProceedingEvent as E;
    let recommended = |is_full| E::Recommended { by: acts(is_full), decision: decision(is_full) };
    let decided = |is_full: bool| E::Decided {
        by: acts(is_full),
        decision: decision(is_full),
        basis: is_full.then(|| basis("form.civil-servant")),
        appeal: some_limit("sanction.appeal", is_full),
        execute: some_limit("sanction.execute", is_full),
        date_unknown: is_full,
    };
    let liable = |is_full| E::HeadHeldLiable {
        by: acts(is_full),
        head: "cb-0611".into(),
        liability: if is_full { Liability::Direct } else { Liability::Joint },
        basis: basis("liability.head"),
    };
    let appealed =
        |is_full| E::Appealed { by: acts(is_full), answer: some_limit("sanction.answer", is_full) };
    let appeal_decided = |is_full: bool| E::AppealDecided {
        by: acts(is_full),
        result: if is_full { AppealResult::Changed } else { AppealResult::Annulled },
        form: is_full.then(|| "warning".into()),
        basis: is_full.then(|| basis("form.civil-servant")),
    };
    vec![
        ("discipline.SanctionRecommended.v1", recommended(true)),
        ("discipline.SanctionRecommended.v1.minimal", recommended(false)),
        ("discipline.SanctionDecided.v1", decided(true)),
        ("discipline.SanctionDecided.v1.minimal", decided(false)),
        ("discipline.HeadHeldLiable.v1", liable(true)),
        ("discipline.HeadHeldLiable.v1.minimal", liable(false)),
        ("discipline.SanctionAppealed.v1", appealed(true)),
        ("discipline.SanctionAppealed.v1.minimal", appealed(false)),
        ("discipline.SanctionAppealDecided.v1", appeal_decided(true)),
        ("discipline.SanctionAppealDecided.v1.minimal", appeal_decided(false)),
    ]
}

fn afterwards() -> Exemplars<ProceedingEvent> {
    use ProceedingEvent as E;
    let executed = |is_full| E::Executed { by: acts(is_full), clear: some_limit("sanction.clear", is_full) };
    let exonerated = |is_full: bool| E::Exonerated {
        by: acts(is_full),
        ground: ExonerationGround::WrongPerson,
        basis: is_full.then(|| basis("exoneration")),
        apologise: some_limit("exoneration.apologise", is_full),
        restore: some_limit("exoneration.restore", is_full),
    };
    vec![
        ("discipline.SanctionExecuted.v1", executed(true)),
        ("discipline.SanctionExecuted.v1.minimal", executed(false)),
        ("discipline.SanctionCleared.v1", E::Cleared { by: acts(true) }),
        ("discipline.SanctionCleared.v1.minimal", E::Cleared { by: acts(false) }),
        ("discipline.OfficialExonerated.v1", exonerated(true)),
        ("discipline.OfficialExonerated.v1.minimal", exonerated(false)),
        ("discipline.ApologyMade.v1", E::Apologised { by: acts(true) }),
        ("discipline.ApologyMade.v1.minimal", E::Apologised { by: acts(false) }),
        ("discipline.OfficialRestored.v1", E::Restored { by: acts(true) }),
        ("discipline.OfficialRestored.v1.minimal", E::Restored { by: acts(false) }),
    ]
}
