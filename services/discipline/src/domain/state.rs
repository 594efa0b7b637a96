//! What is known of a proceeding: a fold of its events.

use chrono::{FixedOffset, NaiveDate};
use events::{
    Fact,
    conduct::Limit,
    discipline::{
        AppealResult, Basis, Decision, Liability, Matter, Origin, PersonClass, ProceedingEvent,
        SanctionResult, Standing, Track, Weight,
    },
};

use super::{Refusal, law::InLaw};

/// Where a proceeding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Stage {
    /// Nothing is on record.
    #[default]
    None,
    Due,
    Lapsed,
    NotOpened,
    Open,
    Decided,
    UnderAppeal,
    Closed,
}

#[expect(clippy::struct_excessive_bools, reason = "what happened so far, each by itself")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ProceedingState {
    pub(crate) id: String,
    pub(crate) stage: Stage,
    pub(crate) standing: Standing,
    pub(crate) origin: Option<Origin>,
    pub(crate) matter: Option<Matter>,
    pub(crate) track: Option<Track>,
    pub(crate) class: Option<PersonClass>,
    pub(crate) leads: bool,
    pub(crate) linked: Option<String>,
    pub(crate) violation: Option<NaiveDate>,
    pub(crate) discovery: Option<NaiveDate>,
    pub(crate) opened: Option<NaiveDate>,
    pub(crate) limitation: Option<Limit>,
    pub(crate) exemption: Option<String>,
    pub(crate) open: Option<Limit>,
    pub(crate) convene: Option<Limit>,
    pub(crate) decide: Option<Limit>,
    pub(crate) extensions: u32,
    pub(crate) paused: Option<NaiveDate>,
    /// Of pauses that are over.
    pub(crate) paused_days: u64,
    pub(crate) has_council: bool,
    pub(crate) has_hearing: bool,
    pub(crate) circumstances: Vec<(String, Weight)>,
    pub(crate) recommended: Option<Decision>,
    /// What stands: as decided, or as changed on appeal.
    pub(crate) decision: Option<Decision>,
    pub(crate) basis: Option<Basis>,
    pub(crate) decided: Option<NaiveDate>,
    pub(crate) appeal: Option<Limit>,
    pub(crate) execute: Option<Limit>,
    pub(crate) answer: Option<Limit>,
    pub(crate) appeal_result: Option<AppealResult>,
    pub(crate) heads: Vec<(String, Liability)>,
    pub(crate) is_executed: bool,
    pub(crate) clear: Option<Limit>,
    pub(crate) is_cleared: bool,
    pub(crate) is_exonerated: bool,
    pub(crate) is_apologised: bool,
    pub(crate) is_restored: bool,
    /// Officials who act in it, or sit in its council.
    pub(crate) acting: Vec<String>,
    /// The newest day of anything in it.
    pub(crate) latest: Option<NaiveDate>,
}

/// The day of an event: all of a proceeding's are dated to the day, so that the zone doesn't matter.
fn day(fact: &Fact<ProceedingEvent>) -> NaiveDate {
    fact.occurred.date(FixedOffset::east_opt(0).expect("UTC is an offset"))
}

impl ProceedingState {
    /// Whether there is anything on record of it.
    pub(crate) fn exists(&self) -> bool {
        self.stage != Stage::None
    }

    /// Whether one was opened.
    pub(crate) fn is_opened(&self) -> bool {
        self.track.is_some()
    }

    pub(crate) fn in_law(&self) -> InLaw {
        InLaw {
            track: self.track.unwrap_or(Track::Administrative),
            class: self.class.unwrap_or(PersonClass::CivilServant),
            leads: self.leads,
            violation: self.violation,
            discovery: self.discovery,
        }
    }

    /// Open, whether its clock runs or not.
    pub(crate) fn undecided(&self) -> Result<(), Refusal> {
        match self.stage {
            Stage::Open => Ok(()),
            Stage::Decided | Stage::UnderAppeal => Err(Refusal::Decided),
            _ => Err(Refusal::Closed),
        }
    }

    /// Open, and its clock runs.
    pub(crate) fn running(&self) -> Result<(), Refusal> {
        self.undecided()?;
        if self.paused.is_some() { Err(Refusal::Paused) } else { Ok(()) }
    }

    /// A sanction stands.
    pub(crate) fn imposed(&self) -> Result<&Decision, Refusal> {
        let decision = self.decision.as_ref().filter(|d| d.result == SanctionResult::Sanctioned);
        decision.filter(|_| !self.is_exonerated).ok_or(Refusal::NothingImposed)
    }

    pub(crate) fn apply(mut self, fact: Fact<ProceedingEvent>) -> Self {
        let on = day(&fact);
        self.standing.apply(&fact.data);
        if let Some(official) = fact.data.by().and_then(|by| by.official.clone()) {
            self.acting.push(official);
        }
        self.latest = Some(self.latest.map_or(on, |latest| latest.max(on)));
        match fact.data {
            ProceedingEvent::Due { proceeding, origin, matter, open, .. } => {
                self.name(proceeding, origin, matter);
                self.stage = Stage::Due;
                self.open = Some(open);
                // What follows a report may be recorded later than what it follows is dated.
                self.latest = None;
            }
            ProceedingEvent::Lapsed { .. } => {
                self.stage = Stage::Lapsed;
                self.open = None;
                self.latest = None;
            }
            ProceedingEvent::NotOpened { proceeding, origin, matter, .. } => {
                self.name(proceeding, origin, matter);
                self.stage = Stage::NotOpened;
                self.open = None;
            }
            ProceedingEvent::Opened {
                proceeding,
                track,
                origin,
                matter,
                person_class,
                leads,
                linked,
                violation_date,
                discovery_date,
                limitation,
                exemption,
                convene,
                decide,
                ..
            } => {
                // What was closed before and is opened anew begins anew.
                let Self { standing, acting, latest, .. } = self;
                self = Self { standing, acting, latest, ..Self::default() };
                self.name(proceeding, origin, matter);
                self.stage = Stage::Open;
                self.track = Some(track);
                self.class = Some(person_class);
                self.leads = leads;
                self.linked = linked;
                (self.violation, self.discovery) = (violation_date, discovery_date);
                self.opened = Some(on);
                (self.limitation, self.exemption) = (limitation, exemption);
                (self.open, self.convene, self.decide) = (None, convene, decide);
            }
            ProceedingEvent::Extended { decide, .. } => {
                self.decide = Some(decide);
                self.extensions += 1;
            }
            ProceedingEvent::Paused { .. } => self.paused = Some(on),
            ProceedingEvent::Resumed { convene, decide, .. } => {
                let since = self.paused.take().unwrap_or(on);
                self.paused_days += u64::try_from((on - since).num_days()).unwrap_or(0);
                (self.convene, self.decide) = (convene, decide);
            }
            ProceedingEvent::CouncilConvened { members, .. } => {
                self.acting.extend(members);
                self.has_council = true;
                self.convene = None;
            }
            ProceedingEvent::HearingHeld { .. } => self.has_hearing = true,
            ProceedingEvent::CircumstanceRecorded { circumstance, weight, .. } => {
                self.circumstances.push((circumstance, weight));
            }
            ProceedingEvent::Recommended { decision, .. } => self.recommended = Some(decision),
            ProceedingEvent::Decided { decision, basis, appeal, execute, .. } => {
                self.stage = Stage::Decided;
                self.decided = Some(on);
                (self.decision, self.basis) = (Some(decision), basis);
                (self.appeal, self.execute) = (appeal, execute);
                (self.convene, self.decide) = (None, None);
            }
            ProceedingEvent::HeadHeldLiable { head, liability, .. } => self.heads.push((head, liability)),
            ProceedingEvent::Executed { clear, .. } => {
                self.is_executed = true;
                self.execute = None;
                self.clear = clear;
            }
            ProceedingEvent::Appealed { answer, .. } => {
                self.stage = Stage::UnderAppeal;
                self.answer = answer;
            }
            ProceedingEvent::AppealDecided { result, form, basis, .. } => {
                self.stage = Stage::Decided;
                self.answer = None;
                self.appeal_result = Some(result);
                match (result, &mut self.decision) {
                    (AppealResult::Changed, Some(decision)) => {
                        (decision.form, decision.source_outcome) = (form, None);
                        self.basis = basis;
                        // The other form is to be executed in its turn.
                        (self.is_executed, self.clear) = (false, None);
                    }
                    (AppealResult::Annulled, _) => {
                        (self.decision, self.basis, self.execute) = (None, None, None);
                    }
                    _ => {}
                }
            }
            ProceedingEvent::Cleared { .. } => self.is_cleared = true,
            ProceedingEvent::Exonerated { .. } => {
                self.is_exonerated = true;
                self.execute = None;
            }
            ProceedingEvent::Apologised { .. } => self.is_apologised = true,
            ProceedingEvent::Restored { .. } => self.is_restored = true,
            ProceedingEvent::Closed { .. } => {
                self.stage = Stage::Closed;
                (self.convene, self.decide, self.paused) = (None, None, None);
            }
        }
        self
    }

    fn name(&mut self, id: String, origin: Origin, matter: Matter) {
        self.id = id;
        (self.origin, self.matter) = (Some(origin), Some(matter));
    }
}
