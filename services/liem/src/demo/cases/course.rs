//! When the things happen that an agency does with a case, up to the decision: numbers on the line of office
//! hours.

use std::collections::BTreeSet;

use super::{super::rng::Rng, hours::DAY};

// How often things happen, of a thousand cases.
const SUPPLEMENTED: u64 = 82;
const SUSPENDED: u64 = 31;

/// Something the agency does with a case that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    Accept,
    Assign,
    /// A step, by its place in the province's.
    Step(usize),
    HandOver,
    TakeUp,
    Decide,
}

/// A span in which the clocks stand still.
#[derive(Debug)]
pub(super) struct Pause {
    pub(super) is_supplement: bool,
    /// The place in the work after which it comes.
    after: usize,
    pub(super) working_days: u64,
}

/// The time a case has.
pub(super) struct Limit {
    /// The first second of work after the receipt.
    pub(super) start: u64,
    /// The number of the day from which the limit counts.
    pub(super) day_zero: u64,
    pub(super) committed_working_days: u64,
    /// Of a thousand cases, how many miss it.
    pub(super) late_per_mille: u64,
}

/// The course of a case.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) work: Vec<Work>,
    /// When each piece of work is done, pauses left out.
    times: Vec<u64>,
    pauses: Vec<Pause>,
    /// The number of the day it is due, as far as the pauses move it.
    pub(super) due: u64,
    /// When it is decided, pauses included.
    pub(super) decide: u64,
    pub(super) is_late: bool,
}

impl Course {
    /// A course for work that ends with the decision.
    pub(super) fn new(rng: &mut Rng, limit: &Limit, work: Vec<Work>) -> Self {
        let decide = decide_at(rng, limit);
        let times = times(rng, limit.start, decide, work.len() - 1);
        let due = limit.day_zero + limit.committed_working_days;
        let is_late = decide / DAY > due;
        let mut course = Self { work, times, pauses: Vec::new(), due, decide, is_late };
        course.pause(rng);
        course
    }

    /// When a piece of work is done, with the pauses before it.
    pub(super) fn time(&self, place: usize) -> u64 {
        let before = self.pauses.iter().filter(|pause| pause.after < place);
        self.times[place] + before.map(|pause| pause.working_days * DAY).sum::<u64>()
    }

    /// The pauses that come after a piece of work, with the second each begins.
    pub(super) fn pauses_after(&self, place: usize) -> impl Iterator<Item = (u64, &Pause)> {
        let mut from = self.time(place) + self.until_pause(place);
        self.pauses.iter().filter(move |pause| pause.after == place).map(move |pause| {
            let begins = from;
            from += pause.working_days * DAY;
            (begins, pause)
        })
    }

    /// How long after a piece of work a pause begins.
    fn until_pause(&self, place: usize) -> u64 {
        let gap = self.times.get(place + 1).map_or(2, |next| next - self.times[place]);
        (gap / 2).min(DAY / 3)
    }

    /// Puts pauses in that begin before the day the case is due, where one moves that day.
    fn pause(&mut self, rng: &mut Rng) {
        let begins = |place: usize| self.times[place] + self.until_pause(place);
        let fits = |place: &usize| self.work[*place] != Work::HandOver && begins(*place) / DAY < self.due;
        let places: Vec<_> = (0..self.work.len() - 1).filter(fits).collect();
        for (is_supplement, often, least, most) in [(true, SUPPLEMENTED, 1, 12), (false, SUSPENDED, 4, 30)] {
            if rng.chance(often) && !places.is_empty() {
                let after = places[rng.front(places.len())];
                let working_days = rng.between(least, most);
                self.pauses.push(Pause { is_supplement, after, working_days });
                self.due += working_days;
                self.decide += working_days * DAY;
            }
        }
    }
}

/// When the case is decided, pauses left out.
fn decide_at(rng: &mut Rng, limit: &Limit) -> u64 {
    let committed = limit.committed_working_days;
    let days = if rng.chance(limit.late_per_mille) {
        let mut days = committed + 1;
        while rng.chance(680) && days < committed + 40 {
            days += 1;
        }
        days
    } else {
        // Most use up what they have.
        rng.below(committed + 1).max(rng.below(committed + 1))
    };
    // What is left of the first day may be too short.
    let within = |day: u64| ((day * DAY).max(limit.start + DAY / 15), (day + 1) * DAY - 60);
    let (from, until) = within(limit.day_zero + days);
    let (from, until) = if from < until { (from, until) } else { within(limit.day_zero + days + 1) };
    rng.between(from, until)
}

/// Times of so many things before the decision, and of the decision; the first soon after the start.
fn times(rng: &mut Rng, start: u64, decide: u64, count: usize) -> Vec<u64> {
    let mut times = BTreeSet::new();
    while times.len() < count {
        times.insert(rng.between(start + 1, decide - 1));
    }
    let mut times: Vec<_> = times.into_iter().chain([decide]).collect();
    times[0] = times[0].min(start + rng.between(60, 5_400));
    times
}
