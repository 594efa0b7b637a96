//! What is going to happen to a case, and when: seconds on the line of office hours. A plan obeys the rules of a case,
//! so that delivery would have refused none of it.

use super::{
    office::DAY,
    province::{Province, STEPS},
};
use crate::demo::rng::Rng;

// How often things happen, of a thousand cases.
const REFUSED_AT_INTAKE: u64 = 30;
const HANDED_OVER: u64 = 62;
const SUPPLEMENTED: u64 = 82;
const SUSPENDED: u64 = 31;
const WITHDRAWN: u64 = 21;
/// Left lying, and so open at the end of the history.
const STALLED: u64 = 8;
const APOLOGISED_IF_LATE: u64 = 350;
const FETCHED: u64 = 980;
const RATED: u64 = 300;
const CORRECTED: u64 = 10;

/// Something that happens to a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Receive,
    Accept,
    RefuseAtIntake,
    Assign,
    /// A step, by its place among the steps.
    Step(usize),
    RequestSupplement,
    ReceiveSupplement,
    Suspend,
    Resume,
    /// To an agency, by its place in the province's.
    HandOver(usize),
    TakeUp,
    /// The new date is so many days after the later of the due date and the apology.
    Apologise(u64),
    Decide,
    Withdraw,
    ReturnResult,
    Rate,
    Correct,
}

/// The acts of a case, each with its second, all after its receipt and each after the one before.
pub(super) struct Plan {
    acts: Vec<(u64, Act)>,
    pub(super) is_late: bool,
}

/// What a plan is made from.
pub(super) struct Case {
    /// The second of its receipt.
    pub(super) received: u64,
    /// The place of the agency that receives it.
    pub(super) agency: usize,
    pub(super) committed_working_days: u64,
}

impl Plan {
    pub(super) fn new(rng: &mut Rng, province: &Province, case: &Case) -> Self {
        let mut plan = Self { acts: vec![(case.received, Act::Receive)], is_late: false };
        let is_refused = rng.chance(REFUSED_AT_INTAKE);
        if is_refused {
            plan.after(rng.between(900, DAY), Act::RefuseAtIntake);
        } else if !plan.handle(rng, province, case) {
            return plan;
        }
        if plan.ends_with(Act::Decide) && rng.chance(FETCHED) {
            plan.after(rng.between(60, 2 * DAY), Act::ReturnResult);
        }
        if rng.chance(RATED) {
            plan.after(rng.between(DAY / 2, 10 * DAY), Act::Rate);
        }
        if rng.chance(CORRECTED) {
            plan.after(rng.between(DAY, 5 * DAY), Act::Correct);
        }
        plan
    }

    /// The acts from the last to the first, so that the next one is the one to pop.
    pub(super) fn into_stack(self) -> Vec<(u64, Act)> {
        let mut acts = self.acts;
        acts.reverse();
        acts
    }

    fn last(&self) -> u64 {
        self.acts.last().map_or(0, |(second, _)| *second)
    }

    fn ends_with(&self, act: Act) -> bool {
        self.acts.last().is_some_and(|(_, last)| *last == act)
    }

    /// Adds an act so many seconds after the last one, one at least.
    fn after(&mut self, seconds: u64, act: Act) {
        self.acts.push((self.last() + seconds.max(1), act));
    }

    /// Plans the handling up to the close; false if there is none.
    fn handle(&mut self, rng: &mut Rng, province: &Province, case: &Case) -> bool {
        let work = work(rng, province, case.agency);
        let limit = case.committed_working_days;
        let late_per_mille = province.agencies[case.agency].late_per_mille;
        self.is_late = rng.chance(late_per_mille);
        let days = if self.is_late {
            limit + 1 + rng.below(4) + rng.below(limit + 4)
        } else {
            // Most use up what they have, and few the last day.
            rng.below(limit).max(rng.below(limit))
        };
        let close = days * DAY + rng.between(DAY / 15, DAY - DAY / 15);
        let mut times: Vec<_> = work.iter().map(|_| rng.below(close)).collect();
        times.sort_unstable();
        times[0] = times[0].min(rng.between(60, 5_400));
        let pauses = [
            (SUPPLEMENTED, Act::RequestSupplement, Act::ReceiveSupplement, (1, 12)),
            (SUSPENDED, Act::Suspend, Act::Resume, (4, 30)),
        ];
        let pauses = pauses.map(|(often, begin, end, (least, most))| {
            let after = rng.chance(often).then(|| rng.front(work.len()));
            (after, begin, end, rng.between(least, most) * DAY)
        });

        let mut before = 0;
        for (place, (act, time)) in work.iter().zip(&times).enumerate() {
            self.after(time - before, *act);
            before = *time;
            // What is under way to another agency is taken up before anything else happens to it.
            let is_under_way = matches!(act, Act::HandOver(_));
            for (_, begin, end, seconds) in pauses.iter().filter(|(after, ..)| *after == Some(place)) {
                if !is_under_way {
                    self.after(600, *begin);
                    self.after(*seconds, *end);
                }
            }
        }
        if self.is_late && rng.chance(APOLOGISED_IF_LATE) {
            self.after((close - before) / 2, Act::Apologise(rng.between(1, 5)));
        }
        match rng.below(1_000) {
            draw if draw < STALLED => return false,
            draw if draw < STALLED + WITHDRAWN => self.after(close - before, Act::Withdraw),
            _ => self.after(close - before, Act::Decide),
        }
        true
    }
}

/// The acts between the receipt and the close, in order.
fn work(rng: &mut Rng, province: &Province, agency: usize) -> Vec<Act> {
    let mut work = vec![Act::Accept, Act::Assign];
    // Steps come in the order they are listed in.
    let count = rng.between(2, 4);
    let mut from = 0;
    for left in (0..count).rev() {
        let until = STEPS.len() - usize::try_from(left).unwrap_or(0);
        let step = from + rng.front(until - from);
        work.push(Act::Step(step));
        from = step + 1;
    }
    if rng.chance(HANDED_OVER) {
        let place = 2 + rng.index(work.len() - 1);
        let to = (agency + 1 + rng.index(province.agencies.len() - 1)) % province.agencies.len();
        work.splice(place..place, [Act::HandOver(to), Act::TakeUp, Act::Assign]);
    }
    work
}
