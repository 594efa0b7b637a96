//! Events of a report; the stream's key is its random id.
//!
//! Names, contacts and free text are sealed: an event holds [`Sealed`] in their place. What a reporter does
//! is dated to the day.

mod concern;
mod findings;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{Event, Role, Subject, delivery::By, vault::Sealed};

pub use concern::Concern;
pub use findings::{Findings, FoundAllegation};

/// Who filed a report, as far as that says how it is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A person who gave their name.
    Named,
    /// A person whose name only the handlers may know.
    Confidential,
    /// A person who gave no name.
    Anonymous,
    /// An official.
    Official,
    /// The agency itself, about itself: credited as such.
    SelfReport,
}

/// What a report is in law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Khiếu nại.
    Complaint,
    /// Tố cáo.
    Denunciation,
    /// Kiến nghị.
    Petition,
    /// Phản ánh.
    Reflection,
}

/// What kind of misconduct is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Cửa quyền.
    Overbearing,
    /// Tham nhũng.
    Corruption,
    /// Lãng phí.
    Waste,
    /// Gây phiền hà.
    Harassment,
    /// Delay of what people are owed.
    Delay,
    /// How people are treated.
    Attitude,
    /// None of these.
    Other,
}

/// The class of a report or an allegation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classed {
    /// Ours.
    pub class: Class,
    /// The word of the source that it came from, such as a statute's or another register's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_class: Option<String>,
}

impl Classed {
    /// The word it is counted under: the source's, where there is one.
    pub fn word(&self) -> &str {
        self.source_class.as_deref().unwrap_or_else(|| self.class.as_str())
    }
}

/// Whom a report is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AboutWhom {
    /// The agency.
    pub agency: String,
    /// The unit, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Officials, by their pseudonymous ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub officials: Vec<String>,
}

/// A time limit that runs from an event on: a promise, with what it was worked out from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// The day it runs from, which is day 0.
    pub from_date: NaiveDate,
    /// The last day on which acting is in time.
    pub due_date: NaiveDate,
    /// The rule of the rulebook, whose version and hash stand in the envelope.
    pub rule: String,
    /// The rule's act and article.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub citation: Option<String>,
    /// The calendar, `name@hash`, where working days are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
}

/// Why a report is transferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferReason {
    /// Another agency is competent.
    NotCompetent,
    /// It is about the agency itself, or its head.
    ConcernsHandler,
    /// A higher authority asked for it.
    HigherAuthority,
    Other,
}

/// How hard a report is to handle, which decides how often its limit may be extended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Complexity {
    Complex,
    EspeciallyComplex,
}

/// What an inquiry found of an allegation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// It is true.
    Substantiated,
    /// A part of it is true.
    Partly,
    /// It could not be shown to be true.
    Unsubstantiated,
    /// It is false.
    False,
    /// Not known yet.
    Pending,
}

/// How far a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingStage {
    /// By those who inquired.
    Recommended,
    /// By those who decide.
    Final,
}

/// A finding of one allegation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The allegation's number in the report, from 1.
    pub allegation: u32,
    /// What was found.
    pub finding: Finding,
}

/// Who appeals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Appellant {
    /// Whoever reported.
    Reporter,
    /// A person whom the findings concern.
    PersonConcerned,
}

/// Why a concluded report is taken up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReopeningReason {
    NewEvidence,
    ProceduralFault,
    OrderOfAuthority,
}

/// What happens to a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum ReportEvent {
    /// It was filed with an agency.
    #[serde(rename = "conduct.ReportReceived.v1")]
    Received {
        /// Its id.
        report: String,
        /// Who filed it.
        source: Source,
        /// What it is called by those who filed it.
        kind: Kind,
        /// What is reported.
        #[serde(flatten)]
        classed: Classed,
        /// Whom it is about.
        about: AboutWhom,
        /// The agency that received it, and has it now.
        handler: String,
        /// Whose law it is handled under, such as `VN`.
        jurisdiction: String,
        /// Whether it comes from a remote area, where limits are longer.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        remote: bool,
        /// The reporter's name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<Sealed>,
        /// How to reach them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contact: Option<Sealed>,
        /// What they say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<Sealed>,
        /// The report that this one says was answered with retaliation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retaliation_for: Option<String>,
        /// Until when it has to be classified.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        classify: Option<Limit>,
    },
    /// The reporter added to it.
    #[serde(rename = "conduct.ReportAddedTo.v1")]
    AddedTo {
        /// What they say.
        text: Sealed,
    },
    /// The handler asks the reporter something.
    #[serde(rename = "conduct.QuestionAsked.v1")]
    QuestionAsked {
        /// For whom.
        by: By,
        /// Its number in the report, from 1.
        question: u32,
        /// What is asked.
        text: Sealed,
    },
    /// The reporter answered.
    #[serde(rename = "conduct.QuestionAnswered.v1")]
    QuestionAnswered {
        /// The question's number.
        question: u32,
        /// What they say.
        text: Sealed,
    },
    /// The handler said what it is.
    #[serde(rename = "conduct.ReportClassified.v1")]
    Classified {
        /// For whom.
        by: By,
        /// What it is in law.
        kind: Kind,
        /// What is reported.
        #[serde(flatten)]
        classed: Classed,
        /// Whether it is clear and comes with evidence.
        evidence: bool,
        /// Until when it has to be accepted, transferred or declined.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        accept: Option<Limit>,
    },
    /// An anonymous report with clear evidence went to inspection.
    #[serde(rename = "conduct.ReportSentToInspection.v1")]
    SentToInspection {
        /// For whom.
        by: By,
        /// The rule that says so.
        rule: String,
        /// Until when it has to be concluded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        conclude: Option<Limit>,
    },
    /// An anonymous report without clear evidence was filed away.
    #[serde(rename = "conduct.ReportFiledAway.v1")]
    FiledAway {
        /// For whom.
        by: By,
        /// The rule that says so.
        rule: String,
    },
    /// It was accepted for handling: the limit of its kind runs.
    #[serde(rename = "conduct.ReportAccepted.v1")]
    Accepted {
        /// For whom.
        by: By,
        /// The instance, 1 or 2.
        instance: u32,
        /// Until when it has to be concluded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        conclude: Option<Limit>,
    },
    /// It went to another agency, which has it now.
    #[serde(rename = "conduct.ReportTransferred.v1")]
    Transferred {
        /// For whom.
        by: By,
        /// The agency that has it now.
        to_agency: String,
        /// Why.
        reason: TransferReason,
        /// Until when that agency has to classify it, if it's not classified.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        classify: Option<Limit>,
        /// Until when that agency has to accept, transfer or decline it, if it's classified.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        accept: Option<Limit>,
    },
    /// It was declined.
    #[serde(rename = "conduct.ReportDeclined.v1")]
    Declined {
        /// For whom.
        by: By,
        /// The reason's code, as the rule has it.
        reason: String,
        /// The rule that allows it.
        rule: String,
    },
    /// The limit to conclude it was extended.
    #[serde(rename = "conduct.LimitExtended.v1")]
    Extended {
        /// For whom.
        by: By,
        /// What allows it.
        complexity: Complexity,
        /// The new limit.
        conclude: Limit,
    },
    /// The reporter withdrew it, or some of its allegations.
    #[serde(rename = "conduct.ReportWithdrawn.v1")]
    Withdrawn {
        /// The allegations; none for the whole.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        allegations: Vec<u32>,
        /// The rule that allows it.
        rule: String,
    },
    /// An inquiry was opened.
    #[serde(rename = "conduct.InquiryOpened.v1")]
    InquiryOpened {
        /// For whom.
        by: By,
    },
    /// The inquiry concerns a person.
    #[serde(rename = "conduct.PersonConcerned.v1")]
    PersonConcerned {
        /// For whom.
        by: By,
        /// The person, a pseudonymous id.
        person: String,
    },
    /// A step of the inquiry was done.
    #[serde(rename = "conduct.InquiryStepDone.v1")]
    InquiryStepDone {
        /// For whom.
        by: By,
        /// The step, as the directory defines it.
        step: String,
    },
    /// An allegation was taken up.
    #[serde(rename = "conduct.AllegationMade.v1")]
    AllegationMade {
        /// For whom.
        by: By,
        /// Its number in the report, from 1.
        allegation: u32,
        /// Whom it is about, a pseudonymous id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        person: Option<String>,
        /// What is alleged.
        #[serde(flatten)]
        classed: Classed,
    },
    /// Something was found of an allegation.
    #[serde(rename = "conduct.FindingRecorded.v1")]
    FindingRecorded {
        /// For whom.
        by: By,
        /// What was found of which.
        #[serde(flatten)]
        found: Found,
        /// How far the finding is.
        stage: FindingStage,
    },
    /// The handling ended, with the findings as they are.
    #[serde(rename = "conduct.ReportConcluded.v1")]
    Concluded {
        /// For whom.
        by: By,
        /// True where a source says that it ended, and not when: then the event is dated as the report.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        date_unknown: bool,
    },
    /// Somebody appealed against the findings.
    #[serde(rename = "conduct.FindingsAppealed.v1")]
    Appealed {
        /// Who.
        appellant: Appellant,
        /// Until when it has to be decided.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        decide: Option<Limit>,
    },
    /// The appeal was decided.
    #[serde(rename = "conduct.AppealDecided.v1")]
    AppealDecided {
        /// For whom.
        by: By,
        /// The findings that change; none if they are upheld.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        changed: Vec<Found>,
    },
    /// It was taken up again.
    #[serde(rename = "conduct.ReportReopened.v1")]
    Reopened {
        /// For whom.
        by: By,
        /// Why.
        reason: ReopeningReason,
        /// Until when it has to be concluded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        conclude: Option<Limit>,
    },
    /// Another report says that this one was answered with retaliation.
    #[serde(rename = "conduct.RetaliationReported.v1")]
    RetaliationReported {
        /// The other report.
        by_report: String,
    },
}

impl Event for ReportEvent {
    const CATEGORY: &'static str = "conduct.report";

    fn subjects(&self, key: &str) -> Vec<Subject> {
        let mut subjects = vec![Subject::new(Role::Report, key)];
        let mut add = |role, id: &str| {
            let subject = Subject::new(role, id);
            if !subjects.contains(&subject) {
                subjects.push(subject);
            }
        };
        if let Some(By { agency, unit, official }) = self.by() {
            add(Role::Agency, agency);
            if let Some(unit) = unit {
                add(Role::Unit, unit);
            }
            if let Some(official) = official {
                add(Role::Official, official);
            }
        }
        match self {
            Self::Received { about, handler, retaliation_for, .. } => {
                add(Role::Agency, handler);
                add(Role::Agency, &about.agency);
                if let Some(unit) = &about.unit {
                    add(Role::Unit, unit);
                }
                for official in &about.officials {
                    add(Role::Official, official);
                }
                if let Some(report) = retaliation_for {
                    add(Role::Report, report);
                }
            }
            Self::Transferred { to_agency, .. } => add(Role::Agency, to_agency),
            Self::PersonConcerned { person, .. } | Self::AllegationMade { person: Some(person), .. } => {
                add(Role::Official, person);
            }
            Self::InquiryStepDone { step, .. } => add(Role::Step, step),
            Self::RetaliationReported { by_report } => add(Role::Report, by_report),
            _ => {}
        }
        subjects
    }
}

impl ReportEvent {
    /// For whom it was done; none for what a reporter does.
    pub fn by(&self) -> Option<&By> {
        match self {
            Self::QuestionAsked { by, .. }
            | Self::Classified { by, .. }
            | Self::SentToInspection { by, .. }
            | Self::FiledAway { by, .. }
            | Self::Accepted { by, .. }
            | Self::Transferred { by, .. }
            | Self::Declined { by, .. }
            | Self::Extended { by, .. }
            | Self::InquiryOpened { by }
            | Self::PersonConcerned { by, .. }
            | Self::InquiryStepDone { by, .. }
            | Self::AllegationMade { by, .. }
            | Self::FindingRecorded { by, .. }
            | Self::Concluded { by, .. }
            | Self::AppealDecided { by, .. }
            | Self::Reopened { by, .. } => Some(by),
            Self::Received { .. }
            | Self::AddedTo { .. }
            | Self::QuestionAnswered { .. }
            | Self::Withdrawn { .. }
            | Self::Appealed { .. }
            | Self::RetaliationReported { .. } => None,
        }
    }
}

/// A word that is stored, and its value.
macro_rules! words {
    ($($type:ident { $($variant:ident $word:literal)* })*) => {
        $(impl $type {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its word, as stored.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// The value of a word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        })*
    };
}
words! {
    Source {
        Named "named" Confidential "confidential" Anonymous "anonymous" Official "official"
        SelfReport "self_report"
    }
    Kind { Complaint "complaint" Denunciation "denunciation" Petition "petition" Reflection "reflection" }
    Class {
        Overbearing "overbearing" Corruption "corruption" Waste "waste" Harassment "harassment" Delay "delay"
        Attitude "attitude" Other "other"
    }
    Finding {
        Substantiated "substantiated" Partly "partly" Unsubstantiated "unsubstantiated" False "false"
        Pending "pending"
    }
}
