//! Those of reports, and of what is on record of sealed data.

use events::{
    conduct::{
        AboutWhom, Appellant, Class, Classed, Complexity, Finding, FindingStage, Found, Kind, Limit,
        ReopeningReason, ReportEvent, Source, TransferReason,
    },
    vault::{ErasureGround, OpeningReason, RecordEvent, Sealed},
};

use super::{Exemplars, agency_only, by, day};

types!(REPORT, type_of_report, ReportEvent {
    ReportEvent::Received { .. } => "conduct.ReportReceived.v1",
    ReportEvent::AddedTo { .. } => "conduct.ReportAddedTo.v1",
    ReportEvent::QuestionAsked { .. } => "conduct.QuestionAsked.v1",
    ReportEvent::QuestionAnswered { .. } => "conduct.QuestionAnswered.v1",
    ReportEvent::Classified { .. } => "conduct.ReportClassified.v1",
    ReportEvent::SentToInspection { .. } => "conduct.ReportSentToInspection.v1",
    ReportEvent::FiledAway { .. } => "conduct.ReportFiledAway.v1",
    ReportEvent::Accepted { .. } => "conduct.ReportAccepted.v1",
    ReportEvent::Transferred { .. } => "conduct.ReportTransferred.v1",
    ReportEvent::Declined { .. } => "conduct.ReportDeclined.v1",
    ReportEvent::Extended { .. } => "conduct.LimitExtended.v1",
    ReportEvent::Withdrawn { .. } => "conduct.ReportWithdrawn.v1",
    ReportEvent::InquiryOpened { .. } => "conduct.InquiryOpened.v1",
    ReportEvent::PersonConcerned { .. } => "conduct.PersonConcerned.v1",
    ReportEvent::InquiryStepDone { .. } => "conduct.InquiryStepDone.v1",
    ReportEvent::AllegationMade { .. } => "conduct.AllegationMade.v1",
    ReportEvent::FindingRecorded { .. } => "conduct.FindingRecorded.v1",
    ReportEvent::Concluded { .. } => "conduct.ReportConcluded.v1",
    ReportEvent::Appealed { .. } => "conduct.FindingsAppealed.v1",
    ReportEvent::AppealDecided { .. } => "conduct.AppealDecided.v1",
    ReportEvent::Reopened { .. } => "conduct.ReportReopened.v1",
    ReportEvent::RetaliationReported { .. } => "conduct.RetaliationReported.v1",
});
types!(RECORD, type_of_record, RecordEvent {
    RecordEvent::Opened { .. } => "vault.DataOpened.v1",
    RecordEvent::Erased { .. } => "vault.DataErased.v1",
});

const REPORTED: &str = "r-2mfc8kqz0v7tqn4h9x1j5bwe3y";
const OTHER: &str = "r-7d0vkx3gqp5se1r8mhz4n2ycbt";

fn sealed(letter: char) -> Sealed {
    let seal = format!("s-{}", String::from(letter).repeat(26));
    Sealed { seal, commitment: "4b227777d4dd1fc61c6f884f48641d02b4d121d3fd328cb08b5531fcacdabf8a".into() }
}

fn classed(is_full: bool) -> Classed {
    Classed { class: Class::Corruption, source_class: is_full.then(|| "nhận hối lộ".into()) }
}

/// A limit in working days, which names its calendar; in all days it names none.
pub(super) fn limit(rule: &str, is_full: bool) -> Limit {
    Limit {
        from_date: day("2026-11-23"),
        due_date: day("2026-12-02"),
        rule: rule.into(),
        citation: is_full.then(|| "Law on Denunciations 25/2018/QH14, art. 30".into()),
        calendar: is_full.then(|| "vietnam@3f9a".into()),
    }
}

pub(super) fn some_limit(rule: &str, is_full: bool) -> Option<Limit> {
    is_full.then(|| limit(rule, true))
}

/// One of each type with every optional field present, and one with none (`.minimal`).
pub(crate) fn report() -> Exemplars<ReportEvent> {
    let mut exemplars = reporter();
    exemplars.extend(acceptance());
    exemplars.extend(inquiry());
    exemplars.extend(conclusion());
    exemplars
}

fn reporter() -> Exemplars<ReportEvent> {
    use ReportEvent as E;
    let received = |is_full: bool| E::Received {
        report: REPORTED.into(),
        source: if is_full { Source::Confidential } else { Source::Anonymous },
        kind: Kind::Denunciation,
        classed: classed(is_full),
        about: AboutWhom {
            agency: "H57.20".into(),
            unit: is_full.then(|| "H57.20.01".into()),
            officials: if is_full { vec!["cb-0417".into(), "cb-0522".into()] } else { Vec::new() },
        },
        handler: "H57.18".into(),
        jurisdiction: "VN".into(),
        remote: is_full,
        name: is_full.then(|| sealed('a')),
        contact: is_full.then(|| sealed('b')),
        text: is_full.then(|| sealed('c')),
        retaliation_for: is_full.then(|| OTHER.into()),
        classify: some_limit("denunciation.classify", is_full),
    };
    let withdrawn =
        |allegations: &[u32], rule: &str| E::Withdrawn { allegations: allegations.into(), rule: rule.into() };
    vec![
        ("conduct.ReportReceived.v1", received(true)),
        ("conduct.ReportReceived.v1.minimal", received(false)),
        ("conduct.ReportAddedTo.v1", E::AddedTo { text: sealed('d') }),
        ("conduct.QuestionAnswered.v1", E::QuestionAnswered { question: 1, text: sealed('f') }),
        ("conduct.ReportWithdrawn.v1", withdrawn(&[1, 3], "withdrawal.partial")),
        ("conduct.ReportWithdrawn.v1.minimal", withdrawn(&[], "withdrawal.whole")),
        ("conduct.RetaliationReported.v1", E::RetaliationReported { by_report: OTHER.into() }),
    ]
}

fn acceptance() -> Exemplars<ReportEvent> {
    use ReportEvent as E;
    let by = |is_full| if is_full { by() } else { agency_only() };
    let asked = |is_full| E::QuestionAsked { by: by(is_full), question: 1, text: sealed('e') };
    let classified = |is_full| E::Classified {
        by: by(is_full),
        kind: Kind::Denunciation,
        classed: classed(is_full),
        evidence: is_full,
        accept: some_limit("denunciation.accept", is_full),
    };
    let sent = |is_full| E::SentToInspection {
        by: by(is_full),
        rule: "denunciation.anonymous".into(),
        conclude: some_limit("denunciation.conclude", is_full),
    };
    let filed_away = |is_full| E::FiledAway { by: by(is_full), rule: "denunciation.anonymous".into() };
    let accepted = |is_full| E::Accepted {
        by: by(is_full),
        instance: 2,
        conclude: some_limit("complaint.conclude.second", is_full),
    };
    let transferred = |is_full| E::Transferred {
        by: by(is_full),
        to_agency: "H57.21".into(),
        reason: TransferReason::ConcernsHandler,
        classify: some_limit("denunciation.classify", is_full),
        accept: some_limit("denunciation.accept", is_full),
    };
    let declined = |is_full| E::Declined {
        by: by(is_full),
        reason: "no_grounds".into(),
        rule: "denunciation.decline".into(),
    };
    vec![
        ("conduct.QuestionAsked.v1", asked(true)),
        ("conduct.QuestionAsked.v1.minimal", asked(false)),
        ("conduct.ReportClassified.v1", classified(true)),
        ("conduct.ReportClassified.v1.minimal", classified(false)),
        ("conduct.ReportSentToInspection.v1", sent(true)),
        ("conduct.ReportSentToInspection.v1.minimal", sent(false)),
        ("conduct.ReportFiledAway.v1", filed_away(true)),
        ("conduct.ReportFiledAway.v1.minimal", filed_away(false)),
        ("conduct.ReportAccepted.v1", accepted(true)),
        ("conduct.ReportAccepted.v1.minimal", accepted(false)),
        ("conduct.ReportTransferred.v1", transferred(true)),
        ("conduct.ReportTransferred.v1.minimal", transferred(false)),
        ("conduct.ReportDeclined.v1", declined(true)),
        ("conduct.ReportDeclined.v1.minimal", declined(false)),
    ]
}

fn inquiry() -> Exemplars<ReportEvent> {
    use ReportEvent as E;
    let by = |is_full| if is_full { by() } else { agency_only() };
    let extended = |is_full| E::Extended {
        by: by(is_full),
        complexity: Complexity::EspeciallyComplex,
        conclude: limit("denunciation.conclude", is_full),
    };
    let opened = |is_full| E::InquiryOpened { by: by(is_full) };
    let concerned = |is_full| E::PersonConcerned { by: by(is_full), person: "cb-0522".into() };
    let step_done = |is_full| E::InquiryStepDone { by: by(is_full), step: "hear-person".into() };
    let made = |is_full: bool| E::AllegationMade {
        by: by(is_full),
        allegation: 1,
        person: is_full.then(|| "cb-0522".into()),
        classed: classed(is_full),
    };
    let found = |is_full| E::FindingRecorded {
        by: by(is_full),
        found: Found { allegation: 1, finding: Finding::Substantiated },
        stage: FindingStage::Final,
    };
    vec![
        ("conduct.LimitExtended.v1", extended(true)),
        ("conduct.LimitExtended.v1.minimal", extended(false)),
        ("conduct.InquiryOpened.v1", opened(true)),
        ("conduct.InquiryOpened.v1.minimal", opened(false)),
        ("conduct.PersonConcerned.v1", concerned(true)),
        ("conduct.PersonConcerned.v1.minimal", concerned(false)),
        ("conduct.InquiryStepDone.v1", step_done(true)),
        ("conduct.InquiryStepDone.v1.minimal", step_done(false)),
        ("conduct.AllegationMade.v1", made(true)),
        ("conduct.AllegationMade.v1.minimal", made(false)),
        ("conduct.FindingRecorded.v1", found(true)),
        ("conduct.FindingRecorded.v1.minimal", found(false)),
    ]
}

fn conclusion() -> Exemplars<ReportEvent> {
    use ReportEvent as E;
    let by = |is_full| if is_full { by() } else { agency_only() };
    let concluded = |is_full| E::Concluded { by: by(is_full), date_unknown: is_full };
    let appealed = |is_full| E::Appealed {
        appellant: Appellant::PersonConcerned,
        decide: some_limit("appeal.decide", is_full),
    };
    let decided = |is_full| {
        let changed = Found { allegation: 1, finding: Finding::Partly };
        E::AppealDecided { by: by(is_full), changed: if is_full { vec![changed] } else { Vec::new() } }
    };
    let reopened = |is_full| E::Reopened {
        by: by(is_full),
        reason: ReopeningReason::NewEvidence,
        conclude: some_limit("denunciation.conclude", is_full),
    };
    vec![
        ("conduct.ReportConcluded.v1", concluded(true)),
        ("conduct.ReportConcluded.v1.minimal", concluded(false)),
        ("conduct.FindingsAppealed.v1", appealed(true)),
        ("conduct.FindingsAppealed.v1.minimal", appealed(false)),
        ("conduct.AppealDecided.v1", decided(true)),
        ("conduct.AppealDecided.v1.minimal", decided(false)),
        ("conduct.ReportReopened.v1", reopened(true)),
        ("conduct.ReportReopened.v1.minimal", reopened(false)),
    ]
}

pub(crate) fn record() -> Exemplars<RecordEvent> {
    let seals = || vec![sealed('a').seal, sealed('b').seal];
    let (reader, reason) = ("cb-0417".into(), OpeningReason::Handling);
    vec![
        ("vault.DataOpened.v1", RecordEvent::Opened { seals: seals(), reader, reason }),
        ("vault.DataErased.v1", RecordEvent::Erased { seals: seals(), ground: ErasureGround::RetentionOver }),
    ]
}
