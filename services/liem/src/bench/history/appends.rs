//! The appends of a history in the order of time: first the directory, then the lives of the cases, interleaved. Made
//! one by one as they are asked for; only the cases under way are in memory.

use std::{collections::BTreeMap, vec};

use chrono::{DateTime, FixedOffset, NaiveDate, Utc};

use super::{
    append::{Recorder, Timed},
    life::{Life, World},
    office::Office,
    province::Province,
};
use crate::demo::rng::Rng;

/// How many events a thousand cases have, as measured: by this a history of so many entries covers two years.
const EVENTS_PER_1000_CASES: u64 = 8_600;

// The paths of random sequences.
const OF_ARRIVALS: u64 = 3;
const OF_CASES: u64 = 4;

/// The appends of a history, without end: whoever has enough stops.
pub(super) struct Appends {
    seed: u64,
    recorder: Recorder,
    directory: vec::IntoIter<Timed>,
    world: World,
    /// How many cases come in within the two years.
    cases: u64,
    /// When the next case comes in, and how many did before.
    arrival: u64,
    arrived: u64,
    /// The cases under way, by the second of what comes next and their number.
    under_way: BTreeMap<(u64, u64), Life>,
    /// The day of the last arrival, and how many cases each agency has received on it.
    day: NaiveDate,
    of_day: Vec<u32>,
}

impl Appends {
    /// Those of a history of so many entries.
    pub(super) fn new(seed: u64, entries: u64, zone: FixedOffset) -> anyhow::Result<Self> {
        let province = Province::new(seed);
        let office = Office::new(&province.calendar, zone);
        let mut recorder = Recorder::new(seed, office.opening(), province.calendar_version.clone());
        province.register(&mut recorder)?;
        let directory = std::mem::take(&mut recorder.directory);
        // Position 1 is the log's own.
        let directory_position =
            1 + directory.iter().map(|made| made.append.events.len() as u64).sum::<u64>();
        let of_cases = entries.saturating_sub(directory_position);
        let of_day = vec![0; province.agencies.len()];
        let mut appends = Self {
            seed,
            recorder,
            directory: directory.into_iter(),
            world: World { province, office, zone, directory_position },
            cases: (of_cases * 1_000 / EVENTS_PER_1000_CASES).max(1),
            arrival: 0,
            arrived: 0,
            under_way: BTreeMap::new(),
            day: NaiveDate::MIN,
            of_day,
        };
        appends.arrival = appends.arrival_of(0);
        Ok(appends)
    }

    /// The first instant of a history.
    pub(super) fn opening(&self) -> DateTime<Utc> {
        self.world.office.opening()
    }

    /// When a case comes in. Each has its own stretch of the two years, so that they come in order.
    fn arrival_of(&self, number: u64) -> u64 {
        let total = self.world.office.total();
        let within = Rng::new(self.seed, &[OF_ARRIVALS, number]).below(total);
        (number * total + within) / self.cases
    }

    /// Takes in the next case; its number, and the case.
    fn receive(&mut self) -> anyhow::Result<(u64, Life)> {
        let mut rng = Rng::new(self.seed, &[OF_CASES, self.arrived]);
        let day = self.world.office.date(self.arrival);
        if day != self.day {
            self.day = day;
            self.of_day.fill(0);
        }
        // Some agencies get far more cases than others.
        let agency = rng.front(self.of_day.len());
        self.of_day[agency] += 1;
        let life = Life::new(rng, &self.world, self.arrival, agency, self.of_day[agency])?;
        let number = self.arrived;
        self.arrived += 1;
        self.arrival = self.arrival_of(self.arrived);
        Ok((number, life))
    }

    fn try_next(&mut self) -> anyhow::Result<Option<Timed>> {
        if let Some(made) = self.directory.next() {
            return Ok(Some(made));
        }
        let next = self.under_way.first_entry().filter(|next| next.key().0 < self.arrival);
        let (number, mut life) = if let Some(next) = next {
            let ((_, number), life) = next.remove_entry();
            (number, life)
        } else {
            self.receive()?
        };
        let made = life.advance(&self.world, &mut self.recorder)?;
        if let Some(second) = life.next() {
            self.under_way.insert((second, number), life);
        }
        Ok(made)
    }

    /// How many cases are under way.
    #[cfg(test)]
    pub(super) fn under_way(&self) -> usize {
        self.under_way.len()
    }
}

impl Iterator for Appends {
    type Item = anyhow::Result<Timed>;

    fn next(&mut self) -> Option<Self::Item> {
        self.try_next().transpose()
    }
}
