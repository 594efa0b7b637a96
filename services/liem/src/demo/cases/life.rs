//! One case from its receipt on, until it is left, or the year ends.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use proto::delivery::{
    Channel, DelayReason, IntakeRefusalReason, Outcome, SupplementReason, SuspensionReason,
};

use super::{
    super::{
        province::{Agency, Procedure, Province, Unit},
        rng::Rng,
    },
    Action, Planned,
    close::End,
    course::{Course, Limit, Pause, Work},
    hours::{DAY, Hours, zone},
};

/// The path of the random sequences of cases.
const OF_CASES: u64 = 4;

// How often things happen, of a thousand cases.
const HANDED_OVER: u64 = 62;
const WITHDRAWN: u64 = 21;
/// Left lying, whether overdue or not.
const STALLED: u64 = 8;
const APOLOGISED_IF_LATE: u64 = 350;
const GRANTED: u64 = 940;
const REOPENED: u64 = 10;

/// A case that is being planned.
pub(super) struct Life<'p, 'h> {
    pub(super) province: &'p Province,
    pub(super) hours: &'h Hours,
    pub(super) rng: Rng,
    /// The agency that holds it.
    pub(super) agency: &'p Agency,
    /// The unit that handles it.
    unit: &'p Unit,
    assignee: &'p str,
    procedure: &'p Procedure,
    pub(super) channel: Channel,
    /// The second of work of what happened last.
    pub(super) work: u64,
    pub(super) is_late: bool,
    pub(super) planned: Vec<Planned<'p>>,
}

impl<'p, 'h> Life<'p, 'h> {
    /// What happens to one of `count` cases.
    pub(super) fn of(province: &'p Province, hours: &'h Hours, number: u64, count: u64) -> Vec<Planned<'p>> {
        let mut rng = Rng::new(province.seed, &[OF_CASES, number]);
        // Each case has its own stretch of the year, so that they come in order.
        let arrival = hours.arrival((number * hours.total() + rng.below(hours.total())) / count);
        let agency = &province.agencies[rng.weighted(province.agencies.iter().map(|a| a.weight))];
        let field = &agency.procedures[rng.front(agency.procedures.len())];
        let procedure = &province.procedures[field[rng.front(field.len())]];
        let channel = match rng.below(1_000) {
            _ if arrival.is_out_of_hours => Channel::Online,
            draw if draw < agency.online_per_mille => Channel::Online,
            960.. => Channel::Post,
            _ => Channel::Counter,
        };
        let unit = &province.units[agency.units[0]];
        let mut life = Self {
            province,
            hours,
            rng,
            agency,
            unit,
            assignee: unit.head(),
            procedure,
            channel,
            work: hours.work_from(arrival.at),
            is_late: false,
            planned: Vec::new(),
        };
        let action = Action::Receive { unit: &unit.code, procedure: &procedure.code, channel };
        let official = life.clerk();
        life.planned.push(Planned { at: arrival.at, agency: &agency.code, official, action });
        // `None` says that the plan ends early, which is as good as any other end.
        let _end = life.goes_on(arrival.at);
        life.planned
    }

    fn goes_on(&mut self, arrived: DateTime<Utc>) -> Option<()> {
        let end = if self.rng.chance(self.agency.refused_per_mille) {
            self.refuse()?
        } else {
            let work = self.work_to_do();
            self.handle(arrived, work)?
        };
        self.afterwards(end, arrived)?;
        if end == End::Decided && self.rng.chance(REOPENED) {
            let in_seconds = self.rng.between(2 * DAY, 10 * DAY);
            let official = self.clerk();
            self.push(self.work + in_seconds, official, Action::Reopen)?;
            let reopened = self.planned.last()?.at;
            let step = self.rng.index(self.province.steps.len());
            let again = vec![Work::Accept, Work::Assign, Work::Step(step), Work::Decide];
            if self.handle(reopened, again)? == End::Decided {
                self.return_result()?;
            }
        }
        Some(())
    }

    fn refuse(&mut self) -> Option<End> {
        let reasons = [
            IntakeRefusalReason::NotCompetent,
            IntakeRefusalReason::FileIncomplete,
            IntakeRefusalReason::NotEligible,
            IntakeRefusalReason::Duplicate,
        ];
        let reason = *self.rng.pick(&reasons);
        let in_seconds = self.rng.between(900, DAY);
        let official = self.clerk();
        self.push(self.work + in_seconds, official, Action::Refuse(reason))?;
        Some(End::RefusedAtIntake)
    }

    /// The work of an ordinary case, in order.
    fn work_to_do(&mut self) -> Vec<Work> {
        let count = self.rng.between(2, 6);
        let mut steps = BTreeSet::new();
        while (steps.len() as u64) < count {
            steps.insert(self.rng.index(self.province.steps.len()));
        }
        let mut work = vec![Work::Accept, Work::Assign];
        work.extend(steps.into_iter().map(Work::Step));
        if self.rng.chance(HANDED_OVER) {
            let place = 2 + self.rng.index(work.len() - 2);
            work.splice(place..place, [Work::HandOver, Work::TakeUp, Work::Assign]);
        }
        work.push(Work::Decide);
        work
    }

    /// Works on a case that was received or reopened, until it is closed; none where it is left lying.
    fn handle(&mut self, arrived: DateTime<Utc>, work: Vec<Work>) -> Option<End> {
        let day = arrived.with_timezone(&zone()).date_naive();
        let limit = Limit {
            start: self.work,
            day_zero: self.hours.day_zero(arrived),
            committed_working_days: self.procedure.terms_on(day).committed_working_days.into(),
            late_per_mille: self.agency.late_per_mille,
        };
        let is_handed_over = work.contains(&Work::HandOver);
        let course = Course::new(&mut self.rng, &limit, work);
        self.is_late = course.is_late;
        let mut apology = (course.is_late && self.rng.chance(APOLOGISED_IF_LATE))
            .then(|| course.due * DAY + self.rng.below(2 * DAY))
            .filter(|apology| *apology < course.decide);
        let (draw, last) = (self.rng.below(1_000), 1 + self.rng.index(course.work.len() - 1));

        for (place, work) in course.work.iter().enumerate() {
            let time = course.time(place);
            // A case that awaits being taken up stays as it is until then.
            if *work != Work::TakeUp {
                if let Some(apology) = apology.take_if(|apology| *apology < time) {
                    self.apologise(apology, &course)?;
                }
                if place == last && draw < WITHDRAWN {
                    let official = self.clerk();
                    self.push(time, official, Action::Withdraw)?;
                    return Some(End::Withdrawn);
                }
                if place == last && draw >= 1_000 - STALLED {
                    return None;
                }
            }
            self.perform(*work, time, is_handed_over)?;
            for (from, pause) in course.pauses_after(place) {
                self.pause(pause, from)?;
            }
        }
        Some(End::Decided)
    }

    fn perform(&mut self, work: Work, time: u64, is_handed_over: bool) -> Option<()> {
        let head = self.unit.head();
        match work {
            Work::Accept => {
                let official = self.clerk();
                self.push(time, official, Action::Accept)
            }
            Work::Assign => {
                // What goes on to another agency stays at the desk that received it.
                let is_here = |p: &Planned| matches!(p.action, Action::HandOver { .. });
                let stays = is_handed_over && !self.planned.iter().any(is_here);
                if !stays {
                    self.unit = self.own_unit();
                }
                self.assignee = self.unit.anyone(&mut self.rng);
                let unit = if stays { "" } else { &self.unit.code };
                self.push(time, self.unit.head(), Action::Assign { unit, assignee: self.assignee })
            }
            Work::Step(step) => {
                let is_own = self.rng.chance(800);
                let official = if is_own { self.assignee } else { self.unit.anyone(&mut self.rng) };
                let step = self.province.steps[step];
                self.push(time, official, Action::RecordStep { step, unit: &self.unit.code })
            }
            Work::HandOver => {
                let to = self.other_agency();
                self.push(time, head, Action::HandOver { to_agency: &to.code })?;
                self.agency = to;
                Some(())
            }
            Work::TakeUp => {
                self.unit = self.own_unit();
                self.push(time, self.unit.head(), Action::TakeUp { unit: &self.unit.code })
            }
            Work::Decide => {
                let outcome = if self.rng.chance(GRANTED) { Outcome::Granted } else { Outcome::Refused };
                self.push(time, head, Action::Decide(outcome))
            }
        }
    }

    fn pause(&mut self, pause: &Pause, from: u64) -> Option<()> {
        let until = from + pause.working_days * DAY;
        let assignee = self.assignee;
        if pause.is_supplement {
            let reasons = [
                SupplementReason::DocumentMissing,
                SupplementReason::DocumentInvalid,
                SupplementReason::DataInconsistent,
                SupplementReason::FeeUnpaid,
            ];
            let reason = *self.rng.pick(&reasons);
            self.push(from, assignee, Action::RequestSupplement(reason))?;
            let official = self.clerk();
            self.push(until, official, Action::ReceiveSupplement)
        } else {
            let reasons = [
                SuspensionReason::AwaitingOtherAgency,
                SuspensionReason::FinancialDuty,
                SuspensionReason::CourtOrInspection,
                SuspensionReason::ApplicantRequest,
            ];
            let reason = *self.rng.pick(&reasons);
            self.push(from, assignee, Action::Suspend(reason))?;
            self.push(until, assignee, Action::Resume)
        }
    }

    /// Apologises with a new date that will be kept, where that is known.
    fn apologise(&mut self, apology: u64, course: &Course) -> Option<()> {
        let days = self.hours.day(course.due).zip(self.hours.day(course.decide / DAY));
        let delay = days.and_then(|(due, decided)| u64::try_from((decided - due).num_days()).ok());
        let days_later = match delay {
            Some(delay) => delay.max(1) + self.rng.below(4),
            None => self.rng.between(10, 25),
        };
        let reasons = [
            DelayReason::Workload,
            DelayReason::Coordination,
            DelayReason::ComplexCase,
            DelayReason::SystemFailure,
            DelayReason::OfficialAbsent,
        ];
        let reason = *self.rng.pick(&reasons);
        self.push(apology, self.unit.head(), Action::Apologise { days_later, reason })
    }

    /// An official of the desk that receives cases and returns results.
    pub(super) fn clerk(&mut self) -> &'p str {
        self.province.units[self.agency.units[0]].anyone(&mut self.rng)
    }

    /// A unit of the holding agency that handles cases.
    fn own_unit(&mut self) -> &'p Unit {
        &self.province.units[*self.rng.pick(&self.agency.units[1..])]
    }

    /// Another agency to hand the case over to: a department, of the same field where there is one.
    fn other_agency(&mut self) -> &'p Agency {
        let (province, held_by) = (self.province, self.agency);
        let tag = self.procedure.fields[0];
        let has_field = |agency: &Agency| {
            agency.procedures.iter().any(|field| province.procedures[field[0]].fields[0] == tag)
        };
        let others = province.agencies.iter().filter(|a| !a.is_commune && a.code != held_by.code);
        let (fitting, rest): (Vec<_>, Vec<_>) = others.partition(|agency| has_field(agency));
        let among = if fitting.is_empty() { rest } else { fitting };
        among[self.rng.index(among.len())]
    }

    /// Plans something for a second of work, or for the one after what came last; none after the end.
    pub(super) fn push(&mut self, work: u64, official: &'p str, action: Action<'p>) -> Option<()> {
        self.work = work.max(self.work + 1);
        let at = self.hours.instant(self.work)?;
        self.planned.push(Planned { at, agency: &self.agency.code, official, action });
        Some(())
    }
}
