//! The state of a report: a fold of its events.

use chrono::{FixedOffset, NaiveDate};
use events::{
    Fact,
    conduct::{Classed, Concern, Finding, FindingStage, Found, Kind, Limit, ReportEvent, Source},
    vault::Sealed,
};

/// Where a report stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    #[default]
    Received,
    Classified,
    Accepted,
    InInspection,
    UnderInquiry,
    Concluded,
    UnderAppeal,
    Declined,
    FiledAway,
    Withdrawn,
}

/// An allegation with its findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allegation {
    pub(crate) person: Option<String>,
    pub(crate) classed: Classed,
    pub(crate) recommended: Option<Finding>,
    pub(crate) last: Option<Finding>,
    pub(crate) is_withdrawn: bool,
}

/// A question to the reporter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) text: Sealed,
    pub(crate) is_answered: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ReportState {
    /// Empty as long as there is no report.
    pub(crate) id: String,
    pub(crate) source: Option<Source>,
    pub(crate) kind: Option<Kind>,
    pub(crate) classed: Option<Classed>,
    /// Whom it concerns, and who has it.
    pub(crate) concern: Concern,
    pub(crate) jurisdiction: String,
    pub(crate) remote: bool,
    pub(crate) stage: Stage,
    /// The newest day of what a handler did.
    pub(crate) latest: Option<NaiveDate>,
    /// From when the handler has it.
    pub(crate) handled_since: Option<NaiveDate>,
    pub(crate) instance: u32,
    /// The limit that runs.
    pub(crate) limit: Option<Limit>,
    pub(crate) extensions: u32,
    pub(crate) decline_reason: Option<String>,
    pub(crate) persons: Vec<String>,
    /// By number, from 1.
    pub(crate) allegations: Vec<Allegation>,
    /// By number, from 1.
    pub(crate) questions: Vec<Question>,
    /// Seals with the name of their field.
    pub(crate) sealed: Vec<(Sealed, &'static str)>,
    pub(crate) retaliation_for: Option<String>,
    pub(crate) retaliation_reports: Vec<String>,
}

/// The day of an event: all of a report's are dated to the day, so that the zone doesn't matter.
fn day(fact: &Fact<ReportEvent>) -> NaiveDate {
    fact.occurred.date(FixedOffset::east_opt(0).expect("UTC is an offset"))
}

impl ReportState {
    pub(crate) fn exists(&self) -> bool {
        !self.id.is_empty()
    }

    /// What the law asks for: the kind, the instance, and whether limits are the longer ones.
    pub(crate) fn in_law(&self) -> (Kind, u32, bool) {
        (self.kind.unwrap_or(Kind::Reflection), self.instance.max(1), self.remote)
    }

    pub(crate) fn allegation(&self, number: u32) -> Option<&Allegation> {
        self.allegations.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    fn change(&mut self, number: u32, change: impl FnOnce(&mut Allegation)) {
        let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        if let Some(allegation) = place.and_then(|place| self.allegations.get_mut(place)) {
            change(allegation);
        }
    }

    pub(crate) fn apply(mut self, fact: Fact<ReportEvent>) -> Self {
        let on = day(&fact);
        self.concern.apply(&fact.data, on);
        if fact.data.by().is_some() {
            self.latest = Some(self.latest.map_or(on, |latest| latest.max(on)));
        }
        match fact.data {
            ReportEvent::Received {
                report,
                source,
                kind,
                classed,
                jurisdiction,
                remote,
                name,
                contact,
                text,
                retaliation_for,
                classify,
                ..
            } => {
                self.id = report;
                self.source = Some(source);
                self.kind = Some(kind);
                self.classed = Some(classed);
                self.jurisdiction = jurisdiction;
                self.remote = remote;
                self.handled_since = Some(on);
                self.limit = classify;
                self.retaliation_for = retaliation_for;
                let fields = [(name, "name"), (contact, "contact"), (text, "text")];
                self.sealed = fields.into_iter().filter_map(|(seal, field)| Some((seal?, field))).collect();
            }
            ReportEvent::AddedTo { text } => self.sealed.push((text, "addition")),
            ReportEvent::QuestionAsked { text, .. } => {
                self.sealed.push((text.clone(), "question"));
                self.questions.push(Question { text, is_answered: false });
            }
            ReportEvent::QuestionAnswered { question, text } => {
                self.sealed.push((text, "answer"));
                let place = usize::try_from(question).ok().and_then(|n| n.checked_sub(1));
                if let Some(question) = place.and_then(|place| self.questions.get_mut(place)) {
                    question.is_answered = true;
                }
            }
            ReportEvent::Classified { kind, classed, accept, .. } => {
                self.kind = Some(kind);
                self.classed = Some(classed);
                self.stage = Stage::Classified;
                self.limit = accept;
            }
            ReportEvent::SentToInspection { conclude, .. } => {
                self.stage = Stage::InInspection;
                self.limit = conclude;
            }
            ReportEvent::FiledAway { .. } => self.end(Stage::FiledAway),
            ReportEvent::Accepted { instance, conclude, .. } => {
                self.stage = Stage::Accepted;
                self.instance = instance;
                self.limit = conclude;
                self.extensions = 0;
            }
            ReportEvent::Transferred { classify, accept, .. } => {
                self.handled_since = Some(on);
                match self.stage {
                    Stage::Received => self.limit = classify,
                    Stage::Classified => self.limit = accept,
                    // The limit to conclude goes on: nobody gains time by passing a report on.
                    _ => {}
                }
            }
            ReportEvent::Declined { reason, .. } => {
                self.decline_reason = Some(reason);
                self.end(Stage::Declined);
            }
            ReportEvent::Extended { conclude, .. } => {
                self.limit = Some(conclude);
                self.extensions += 1;
            }
            ReportEvent::Withdrawn { allegations, .. } => {
                if allegations.is_empty() {
                    self.end(Stage::Withdrawn);
                }
                for number in allegations {
                    self.change(number, |allegation| allegation.is_withdrawn = true);
                }
            }
            ReportEvent::InquiryOpened { .. } => self.stage = Stage::UnderInquiry,
            ReportEvent::PersonConcerned { person, .. } => self.persons.push(person),
            ReportEvent::InquiryStepDone { .. } => {}
            ReportEvent::AllegationMade { person, classed, .. } => {
                let (recommended, last) = (None, None);
                self.allegations.push(Allegation { person, classed, recommended, last, is_withdrawn: false });
            }
            ReportEvent::FindingRecorded { found: Found { allegation, finding }, stage, .. } => {
                self.change(allegation, |allegation| match stage {
                    FindingStage::Recommended => allegation.recommended = Some(finding),
                    FindingStage::Final => allegation.last = Some(finding),
                });
            }
            ReportEvent::Concluded { .. } => self.end(Stage::Concluded),
            ReportEvent::Appealed { decide, .. } => {
                self.stage = Stage::UnderAppeal;
                self.limit = decide;
            }
            ReportEvent::AppealDecided { changed, .. } => {
                for Found { allegation, finding } in changed {
                    self.change(allegation, |allegation| allegation.last = Some(finding));
                }
                self.end(Stage::Concluded);
            }
            ReportEvent::Reopened { conclude, .. } => {
                self.stage = Stage::UnderInquiry;
                self.limit = conclude;
                self.extensions = 0;
            }
            ReportEvent::RetaliationReported { by_report } => self.retaliation_reports.push(by_report),
        }
        self
    }

    fn end(&mut self, stage: Stage) {
        self.stage = stage;
        self.limit = None;
    }
}
