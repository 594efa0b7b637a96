//! Between the contract and the domain.

use events::conduct::{
    Appellant, Class, Complexity, Finding, FindingStage, Kind, Limit, ReopeningReason, Source, TransferReason,
};
use proto::{Failure, conduct as pb};

use crate::domain::{Allegation, ReportState, Stage};

/// Conversions between an enum of the contract and ours. What is unspecified is none.
macro_rules! both_ways {
    ($($from:ident $to:ident $pb:ident $ours:ident { $($variant:ident)* })*) => {
        $(
            pub(super) fn $from(value: pb::$pb) -> Option<$ours> {
                match value {
                    pb::$pb::Unspecified => None,
                    $(pb::$pb::$variant => Some($ours::$variant),)*
                }
            }

            pub(super) fn $to(value: Option<$ours>) -> pb::$pb {
                match value {
                    None => pb::$pb::Unspecified,
                    $(Some($ours::$variant) => pb::$pb::$variant,)*
                }
            }
        )*
    };
}
both_ways! {
    source source_to Source Source { Named Confidential Anonymous Official SelfReport }
    kind kind_to Kind Kind { Complaint Denunciation Petition Reflection }
    class class_to Class Class { Overbearing Corruption Waste Harassment Delay Attitude Other }
    finding finding_to Finding Finding { Substantiated Partly Unsubstantiated False Pending }
}

/// Where a report stands.
pub(super) fn stage(stage: Stage) -> pb::ReportStage {
    match stage {
        Stage::Received => pb::ReportStage::Received,
        Stage::Classified => pb::ReportStage::Classified,
        Stage::Accepted => pb::ReportStage::Accepted,
        Stage::InInspection => pb::ReportStage::InInspection,
        Stage::UnderInquiry => pb::ReportStage::UnderInquiry,
        Stage::Concluded => pb::ReportStage::Concluded,
        Stage::UnderAppeal => pb::ReportStage::UnderAppeal,
        Stage::Declined => pb::ReportStage::Declined,
        Stage::FiledAway => pb::ReportStage::FiledAway,
        Stage::Withdrawn => pb::ReportStage::Withdrawn,
    }
}

/// Values of the contract as ours, where one has to be given.
macro_rules! given {
    ($($from:ident $field:literal $pb:ident $ours:ident { $($variant:ident)* })*) => {
        $(
            pub(super) fn $from(value: pb::$pb) -> Result<$ours, Failure> {
                match value {
                    pb::$pb::Unspecified => Err(Failure::field($field, "give it")),
                    $(pb::$pb::$variant => Ok($ours::$variant),)*
                }
            }
        )*
    };
}
given! {
    finding_stage "stage" FindingStage FindingStage { Recommended Final }
    transfer "reason" TransferReason TransferReason { NotCompetent ConcernsHandler HigherAuthority Other }
    complexity "complexity" Complexity Complexity { Complex EspeciallyComplex }
    appellant "appellant" Appellant Appellant { Reporter PersonConcerned }
    reopening "reason" ReopeningReason ReopeningReason { NewEvidence ProceduralFault OrderOfAuthority }
}
disclosure::conversions!(proto::conduct);

/// A number of something within a report.
pub(super) fn number(field: &str, number: i32) -> Result<u32, Failure> {
    let number = u32::try_from(number).ok().filter(|number| *number > 0);
    number.ok_or_else(|| Failure::field(field, "give its number, from 1"))
}

pub(super) fn limit(limit: Option<&Limit>) -> Option<pb::Limit> {
    limit.map(|limit| pb::Limit {
        from_date: limit.from_date.to_string(),
        due_date: limit.due_date.to_string(),
        rule: limit.rule.clone(),
    })
}

fn count(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

fn allegation(number: usize, allegation: &Allegation) -> pb::Allegation {
    let Allegation { person, classed, recommended, last, is_withdrawn } = allegation;
    pb::Allegation {
        allegation: count(number),
        person: person.clone().unwrap_or_default(),
        class: class_to(Some(classed.class)).into(),
        source_class: classed.source_class.clone().unwrap_or_default(),
        recommended: finding_to(*recommended).into(),
        r#final: finding_to(*last).into(),
        withdrawn: *is_withdrawn,
    }
}

/// The numbers of the questions that are open.
pub(super) fn open_questions(state: &ReportState) -> Vec<i32> {
    let open = state.questions.iter().enumerate().filter(|(_, question)| !question.is_answered);
    open.map(|(place, _)| count(place + 1)).collect()
}

/// How many allegations have which finding.
pub(super) fn finding_counts(state: &ReportState) -> Vec<pb::FindingCount> {
    let of = |finding: &Finding| {
        let found = state.allegations.iter().filter(|a| !a.is_withdrawn && a.last == Some(*finding));
        pb::FindingCount { finding: finding_to(Some(*finding)).into(), count: count(found.count()) }
    };
    Finding::ALL.iter().map(of).filter(|counted| counted.count > 0).collect()
}

/// A report in the contract's form, with which of its sealed fields are erased.
pub(super) fn report(state: &ReportState, revision: u64, erased: &[bool]) -> pb::Report {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let classed = state.classed.as_ref();
    let sealed = state.sealed.iter().zip(erased).map(|((sealed, field), erased)| pb::SealedField {
        seal: sealed.seal.clone(),
        field: (*field).to_owned(),
        erased: *erased,
    });
    pb::Report {
        report: state.id.clone(),
        source: source_to(state.source).into(),
        kind: kind_to(state.kind).into(),
        class: class_to(classed.map(|classed| classed.class)).into(),
        source_class: classed.and_then(|classed| classed.source_class.clone()).unwrap_or_default(),
        about_agency: state.concern.about.agency.clone(),
        about_unit: text(&state.concern.about.unit),
        about_officials: state.concern.about.officials.clone(),
        handler: state.concern.handler.clone(),
        jurisdiction: state.jurisdiction.clone(),
        stage: stage(state.stage).into(),
        receive_date: state.concern.received.map(|day| day.to_string()).unwrap_or_default(),
        limit: limit(state.limit.as_ref()),
        decline_reason: text(&state.decline_reason),
        persons: state.persons.clone(),
        allegations: state.allegations.iter().enumerate().map(|(n, a)| allegation(n + 1, a)).collect(),
        open_questions: open_questions(state),
        sealed: sealed.collect(),
        retaliation_for: text(&state.retaliation_for),
        retaliation_reports: state.retaliation_reports.clone(),
        revision: i64::try_from(revision).unwrap_or(i64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_comes_back() {
        for source_of in Source::ALL {
            assert_eq!(source(source_to(Some(*source_of))), Some(*source_of));
        }
        for kind_of in Kind::ALL {
            assert_eq!(kind(kind_to(Some(*kind_of))), Some(*kind_of));
        }
        for class_of in Class::ALL {
            assert_eq!(class(class_to(Some(*class_of))), Some(*class_of));
        }
        for finding_of in Finding::ALL {
            assert_eq!(finding(finding_to(Some(*finding_of))), Some(*finding_of));
        }
        assert!(number("n", 0).is_err() && number("n", -1).is_err());
        assert_eq!(number("n", 1).unwrap(), 1);
    }
}
