//! A case that is under way: turns the acts of its plan into the events that delivery would have recorded.

use chrono::{DateTime, Days, FixedOffset, NaiveDate, TimeDelta, Utc};
use eventlog::StreamName;
use events::{
    Event as _, Occurred,
    delivery::{
        Basis, By, CaseEvent, Channel, Correction, CorrectionReason, DelayReason, IntakeRefusalReason,
        Outcome, Promise, SupplementReason, SuspensionReason,
    },
    directory::Terms,
    end_of_day,
};
use rulebook::{Clock, Pause};

use super::{
    append::{Recorder, Timed},
    office::Office,
    plan::{Act, Case, Plan},
    province::{Agency, Province, STEPS},
};
use crate::demo::rng::Rng;

// How often things happen, of a thousand cases.
const GRANTED: u64 = 940;
const BY_POST: u64 = 40;
/// A step is done by another official of the unit than the assignee.
const BY_ANOTHER: u64 = 200;

/// What all cases have in common.
pub(super) struct World {
    pub(super) province: Province,
    pub(super) office: Office,
    pub(super) zone: FixedOffset,
    /// The last position of the directory's entries.
    pub(super) directory_position: u64,
}

/// A case that is under way.
pub(super) struct Life {
    rng: Rng,
    stream: StreamName,
    /// How many events it has.
    revision: u64,
    /// What is to come, the next one last.
    acts: Vec<(u64, Act)>,
    is_late: bool,
    // Places in the province's lists.
    agency: usize,
    unit: usize,
    handed_to: Option<usize>,
    procedure: usize,
    /// The place among the unit's officials.
    assignee: usize,
    channel: Channel,
    received: DateTime<Utc>,
    closed: Option<NaiveDate>,
    pauses: Vec<Pause>,
    promise: Promise,
}

impl Life {
    /// The case of an agency that is received at a second, as its day's case of a number.
    pub(super) fn new(
        mut rng: Rng,
        world: &World,
        second: u64,
        agency: usize,
        number: u32,
    ) -> anyhow::Result<Self> {
        let World { province, office, .. } = world;
        let received = office.instant(second);
        let day = office.date(second);
        let procedure = rng.front(province.procedures.len());
        let terms = province.procedures[procedure].terms_on(day);
        let committed_working_days = terms.committed_working_days.into();
        let plan = Plan::new(&mut rng, province, &Case { received: second, agency, committed_working_days });
        let Agency { code, online_per_mille, .. } = &province.agencies[agency];
        let channel = match rng.below(1_000) {
            draw if draw < BY_POST => Channel::Post,
            draw if draw < BY_POST + online_per_mille => Channel::Online,
            _ => Channel::Counter,
        };
        let case = format!("{code}-{}-{number:04}", day.format("%y%m%d"));
        Ok(Self {
            stream: StreamName::new(CaseEvent::CATEGORY, &case)?,
            revision: 0,
            is_late: plan.is_late,
            acts: plan.into_stack(),
            agency,
            unit: province.agencies[agency].units.start,
            handed_to: None,
            procedure,
            assignee: 0,
            channel,
            received,
            closed: None,
            pauses: Vec::new(),
            promise: world.promise(terms, day, &[])?,
            rng,
        })
    }

    /// The second of what happens next; none where the case is over, or left lying.
    pub(super) fn next(&self) -> Option<u64> {
        self.acts.last().map(|(second, _)| *second)
    }

    /// Does what is next.
    pub(super) fn advance(
        &mut self,
        world: &World,
        recorder: &mut Recorder,
    ) -> anyhow::Result<Option<Timed>> {
        let Some((second, act)) = self.acts.pop() else { return Ok(None) };
        let event = self.event(world, act, world.office.date(second))?;
        let at = world.office.instant(second);
        let made = recorder.case(at, &self.stream, self.revision, event)?;
        self.revision += 1;
        Ok(Some(made))
    }

    fn event(&mut self, world: &World, act: Act, day: NaiveDate) -> anyhow::Result<CaseEvent> {
        let province = &world.province;
        Ok(match act {
            Act::Receive => CaseEvent::Received {
                case: self.stream.key().to_owned(),
                by: self.by_anyone(province),
                procedure: Some(province.procedures[self.procedure].code.clone()),
                channel: Some(self.channel),
                promise: Some(self.promise.clone()),
                reopens: None,
            },
            Act::Accept => CaseEvent::Accepted { by: self.by_anyone(province) },
            Act::RefuseAtIntake => {
                let reasons = [
                    IntakeRefusalReason::NotCompetent,
                    IntakeRefusalReason::FileIncomplete,
                    IntakeRefusalReason::NotEligible,
                    IntakeRefusalReason::Duplicate,
                ];
                let reason = *self.rng.pick(&reasons);
                let (procedure, working_days) = self.close(world, day);
                CaseEvent::RefusedAtIntake { by: self.by_anyone(province), procedure, reason, working_days }
            }
            Act::Assign => {
                let units = province.agencies[self.agency].units.clone();
                self.unit = units.start + 1 + self.rng.index(units.len() - 1);
                self.assignee = self.rng.index(province.units[self.unit].officials.len());
                let assignee = province.units[self.unit].officials[self.assignee].clone();
                CaseEvent::Assigned { by: self.by(province, 0), assignee: Some(assignee) }
            }
            Act::Step(step) => {
                let is_another = self.rng.chance(BY_ANOTHER);
                let by = if is_another { self.by_anyone(province) } else { self.by_assignee(province) };
                let step = STEPS[step].to_owned();
                CaseEvent::StepDone { by, step, before_receipt: false, after_close: false }
            }
            Act::RequestSupplement => {
                let reasons = [
                    SupplementReason::DocumentMissing,
                    SupplementReason::DocumentInvalid,
                    SupplementReason::DataInconsistent,
                    SupplementReason::FeeUnpaid,
                ];
                self.pauses.push(Pause::open(day));
                let reason = *self.rng.pick(&reasons);
                CaseEvent::SupplementRequested { by: self.by_assignee(province), reason }
            }
            Act::ReceiveSupplement => {
                self.go_on(world, day)?;
                let promise = Some(self.promise.clone());
                CaseEvent::SupplementReceived { by: self.by_assignee(province), promise }
            }
            Act::Suspend => {
                let reasons = [
                    SuspensionReason::AwaitingOtherAgency,
                    SuspensionReason::FinancialDuty,
                    SuspensionReason::CourtOrInspection,
                    SuspensionReason::ApplicantRequest,
                ];
                self.pauses.push(Pause::open(day));
                let reason = *self.rng.pick(&reasons);
                CaseEvent::Suspended { by: self.by_assignee(province), reason }
            }
            Act::Resume => {
                self.go_on(world, day)?;
                CaseEvent::Resumed { by: self.by_assignee(province), promise: Some(self.promise.clone()) }
            }
            Act::HandOver(to) => {
                self.handed_to = Some(to);
                let to_agency = province.agencies[to].code.clone();
                CaseEvent::HandedOver { by: self.by(province, 0), to_agency }
            }
            Act::TakeUp => {
                self.agency = self.handed_to.take().unwrap_or(self.agency);
                self.unit = province.agencies[self.agency].units.start;
                self.assignee = 0;
                CaseEvent::TakenUp { by: self.by_anyone(province) }
            }
            Act::Apologise(days) => {
                let reasons = [DelayReason::Workload, DelayReason::Coordination, DelayReason::ComplexCase];
                let due = self.promise.committed_due.with_timezone(&world.zone).date_naive();
                let new_date = due.max(day) + Days::new(days);
                let reason = *self.rng.pick(&reasons);
                CaseEvent::DelayApologised { by: self.by(province, 0), new_date, reason }
            }
            Act::Decide => {
                let is_granted = self.rng.chance(GRANTED);
                let outcome = Some(if is_granted { Outcome::Granted } else { Outcome::Refused });
                let (procedure, working_days) = self.close(world, day);
                CaseEvent::Decided { by: self.by(province, 0), procedure, outcome, working_days }
            }
            Act::Withdraw => {
                let (procedure, working_days) = self.close(world, day);
                CaseEvent::Withdrawn { by: self.by_anyone(province), procedure, working_days }
            }
            Act::ReturnResult => CaseEvent::ResultReturned { by: self.by_anyone(province) },
            Act::Rate => {
                let by = By { official: None, ..self.by(province, 0) };
                CaseEvent::Rated { by, rating: self.rating(province) }
            }
            Act::Correct => self.correction(world)?,
        })
    }

    /// For the holding agency and unit, in the name of the unit's official of a place; the first is the head.
    fn by(&self, province: &Province, official: usize) -> By {
        let unit = &province.units[self.unit];
        By {
            agency: province.agencies[self.agency].code.clone(),
            unit: Some(unit.code.clone()),
            official: Some(unit.officials[official].clone()),
        }
    }

    fn by_anyone(&mut self, province: &Province) -> By {
        let official = self.rng.index(province.units[self.unit].officials.len());
        self.by(province, official)
    }

    fn by_assignee(&self, province: &Province) -> By {
        self.by(province, self.assignee)
    }

    /// Ends the pause, and promises anew.
    fn go_on(&mut self, world: &World, day: NaiveDate) -> anyhow::Result<()> {
        if let Some(pause) = self.pauses.last_mut() {
            pause.until = Some(day);
        }
        self.promise_anew(world)
    }

    fn promise_anew(&mut self, world: &World) -> anyhow::Result<()> {
        if let Basis::Terms { terms, .. } = self.promise.basis {
            let day = self.received.with_timezone(&world.zone).date_naive();
            self.promise = world.promise(terms, day, &self.pauses)?;
        }
        Ok(())
    }

    /// Closes the case; its procedure, and its working days.
    fn close(&mut self, world: &World, day: NaiveDate) -> (Option<String>, u32) {
        self.closed = Some(day);
        (Some(world.province.procedures[self.procedure].code.clone()), self.working_days(world, day))
    }

    fn working_days(&self, world: &World, end: NaiveDate) -> u32 {
        let started = self.received.with_timezone(&world.zone).date_naive();
        let clock = Clock { started, limit_working_days: u32::MAX, pauses: self.pauses.clone() };
        clock.elapsed(&world.province.calendar, end)
    }

    /// From 1 to 5: by the agency, and worse after a delay.
    fn rating(&mut self, province: &Province) -> u8 {
        let delay = if self.is_late { 10 } else { 0 };
        let tenths = province.agencies[self.agency].rating_tenths + self.rng.around(0, 30);
        let tenths = tenths.saturating_sub(15 + delay);
        u8::try_from((tenths + 5) / 10).unwrap_or(5).clamp(1, 5)
    }

    /// The channel was another, or the case was received a little earlier.
    fn correction(&mut self, world: &World) -> anyhow::Result<CaseEvent> {
        let correction = if self.rng.chance(500) {
            self.received -= TimeDelta::minutes(20);
            self.promise_anew(world)?;
            Correction::Received { occurred: Occurred::At(self.received) }
        } else {
            self.channel = if self.channel == Channel::Counter { Channel::Post } else { Channel::Counter };
            Correction::Channel { channel: self.channel }
        };
        Ok(CaseEvent::Corrected {
            by: self.by_anyone(&world.province),
            reason: *self.rng.pick(&[CorrectionReason::EntryMistake, CorrectionReason::SystemFault]),
            correction,
            promise: Some(self.promise.clone()),
            working_days: self.closed.map(|closed| self.working_days(world, closed)),
        })
    }
}

impl World {
    /// The promise by a procedure's terms, for a case received on `day` and paused since: as delivery makes it.
    fn promise(&self, terms: Terms, day: NaiveDate, pauses: &[Pause]) -> anyhow::Result<Promise> {
        let due = |limit_working_days| {
            let clock = Clock { started: day, limit_working_days, pauses: pauses.to_vec() };
            let due = clock.due(&self.province.calendar)?;
            anyhow::Ok(end_of_day(due.unwrap_or(day), self.zone))
        };
        Ok(Promise {
            statutory_due: due(terms.statutory_working_days)?,
            committed_due: due(terms.committed_working_days)?,
            basis: Basis::Terms {
                terms,
                calendar: self.province.calendar_version.clone(),
                directory_position: self.directory_position,
            },
        })
    }
}
