//! What a case counts for, and from when: the one definition behind a board, its sums and its explanation.
//!
//! A case sets marks in time: at its receipt, at its close, and when it falls due without its clock having
//! stopped. A board counts marks: those of the period, and for what is open all up to the judged instant.

use chrono::{DateTime, Datelike as _, FixedOffset};

use crate::{case::Case, strata};

/// The clock a board judges by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    Committed,
    Statutory,
}

/// What a mark counts for, a bit each.
pub(crate) mod bit {
    pub(crate) const RECEIVED: u16 = 1;
    /// Received, and the channel is known.
    pub(crate) const CHANNEL_KNOWN: u16 = 1 << 1;
    pub(crate) const ONLINE: u16 = 1 << 2;
    pub(crate) const CLOSED: u16 = 1 << 3;
    pub(crate) const ON_TIME_STATUTORY: u16 = 1 << 4;
    pub(crate) const LATE_STATUTORY: u16 = 1 << 5;
    pub(crate) const ON_TIME_COMMITTED: u16 = 1 << 6;
    pub(crate) const LATE_COMMITTED: u16 = 1 << 7;
    pub(crate) const RATED: u16 = 1 << 8;
    /// Open from here on.
    pub(crate) const OPENS: u16 = 1 << 9;
    /// Open up to here.
    pub(crate) const ENDS: u16 = 1 << 10;
    /// Open and past its statutory due time from here on.
    pub(crate) const OVERDUE_STATUTORY: u16 = 1 << 11;
    pub(crate) const OVERDUE_STATUTORY_ENDS: u16 = 1 << 12;
    pub(crate) const OVERDUE_COMMITTED: u16 = 1 << 13;
    pub(crate) const OVERDUE_COMMITTED_ENDS: u16 = 1 << 14;
    /// Closed without a decision: refused at intake, or withdrawn.
    pub(crate) const TURNED_AWAY: u16 = 1 << 15;
    /// What is counted by stratum too.
    pub(crate) const MIXED: u16 =
        CLOSED | OVERDUE_STATUTORY | OVERDUE_STATUTORY_ENDS | OVERDUE_COMMITTED | OVERDUE_COMMITTED_ENDS;
}

/// Something that a case counts for from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    /// The instant, in microseconds since 1970 UTC.
    pub(crate) at: i64,
    /// What it counts for.
    pub(crate) bits: u16,
    /// The rating, where it counts as rated.
    pub(crate) rating: u8,
    /// Working days from receipt to close, where it counts as closed.
    pub(crate) working_days: u32,
    /// The stratum of its case, where it's counted by stratum too.
    pub(crate) stratum: u32,
}

/// Bytes of a stored mark.
const BYTES: usize = 19;

impl Mark {
    pub(crate) fn has(&self, bit: u16) -> bool {
        self.bits & bit != 0
    }

    /// The day it falls on, counted from the year 1.
    pub(crate) fn day(&self, zone: FixedOffset) -> i64 {
        day(self.at, zone)
    }

    /// The month it falls in, counted from the year 0.
    pub(crate) fn month(&self, zone: FixedOffset) -> i64 {
        month(self.at, zone)
    }

    fn to_bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&self.at.to_le_bytes());
        bytes[8..10].copy_from_slice(&self.bits.to_le_bytes());
        bytes[10] = self.rating;
        bytes[11..15].copy_from_slice(&self.working_days.to_le_bytes());
        bytes[15..].copy_from_slice(&self.stratum.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: [u8; BYTES]) -> Self {
        let part = |from: usize| std::array::from_fn(|i| bytes[from + i]);
        let four = |from: usize| u32::from_le_bytes(std::array::from_fn(|i| bytes[from + i]));
        Self {
            at: i64::from_le_bytes(part(0)),
            bits: u16::from_le_bytes([bytes[8], bytes[9]]),
            rating: bytes[10],
            working_days: four(11),
            stratum: four(15),
        }
    }
}

/// The day of an instant in a time zone, counted from the year 1.
pub(crate) fn day(micros: i64, zone: FixedOffset) -> i64 {
    date(micros, zone).map_or(0, |date| i64::from(date.num_days_from_ce()))
}

/// The month of an instant in a time zone, counted from the year 0.
pub(crate) fn month(micros: i64, zone: FixedOffset) -> i64 {
    date(micros, zone).map_or(0, |date| i64::from(date.year()) * 12 + i64::from(date.month0()))
}

/// The first day of a month, both as above.
pub(crate) fn first_day(month: i64) -> i64 {
    let year = i32::try_from(month.div_euclid(12)).unwrap_or(i32::MIN);
    let month = u32::try_from(month.rem_euclid(12)).unwrap_or(0) + 1;
    chrono::NaiveDate::from_ymd_opt(year, month, 1).map_or(i64::MIN, |date| date.num_days_from_ce().into())
}

fn date(micros: i64, zone: FixedOffset) -> Option<chrono::NaiveDate> {
    Some(DateTime::from_timestamp_micros(micros)?.with_timezone(&zone).date_naive())
}

/// The marks in stored bytes.
pub(crate) fn stored(bytes: &[u8]) -> impl Iterator<Item = Mark> + '_ {
    bytes.as_chunks::<BYTES>().0.iter().map(|bytes| Mark::from_bytes(*bytes))
}

/// Puts a mark in its place among stored ones, or takes it from there; false if it isn't there to take.
pub(crate) fn change(bytes: &mut Vec<u8>, mark: Mark, sign: i64) -> bool {
    let (marks, _) = bytes.as_chunks::<BYTES>();
    let place = marks.partition_point(|stored| Mark::from_bytes(*stored) < mark);
    let at = place * BYTES;
    if sign > 0 {
        bytes.splice(at..at, mark.to_bytes());
        return true;
    }
    let is_there = marks.get(place) == Some(&mark.to_bytes());
    if is_there {
        bytes.drain(at..at + BYTES);
    }
    is_there
}

impl Case {
    fn due(&self, clock: Clock) -> Option<i64> {
        match clock {
            Clock::Committed => self.committed_due,
            Clock::Statutory => self.statutory_due,
        }
    }

    /// Since when the case is open and past its due time, if it ever is: while it's open, after the due time,
    /// unless its clock had stopped by then.
    fn overdue_from(&self, clock: Clock) -> Option<i64> {
        let due = self.due(clock).filter(|due| self.stopped.is_none_or(|stopped| stopped > *due))?;
        let from = due.saturating_add(1).max(self.received);
        self.closed.is_none_or(|closed| from < closed).then_some(from)
    }

    /// The marks that the case sets.
    pub(crate) fn marks(&self) -> Vec<Mark> {
        let mark = |at, bits, stratum| Mark { at, bits, rating: 0, working_days: 0, stratum };
        let stratum = strata::stratum(self.procedure.as_deref(), self.channel);
        let mut marks = Vec::with_capacity(4);
        let is_ever_open = self.closed.is_none_or(|closed| closed > self.received);
        let mut bits = bit::RECEIVED;
        match self.channel {
            None => {}
            Some(Case::ONLINE) => bits |= bit::CHANNEL_KNOWN | bit::ONLINE,
            Some(_) => bits |= bit::CHANNEL_KNOWN,
        }
        if is_ever_open {
            bits |= bit::OPENS;
        }
        marks.push(mark(self.received, bits, 0));
        let overdue = [
            (Clock::Statutory, bit::OVERDUE_STATUTORY, bit::OVERDUE_STATUTORY_ENDS),
            (Clock::Committed, bit::OVERDUE_COMMITTED, bit::OVERDUE_COMMITTED_ENDS),
        ];
        let mut ends = 0;
        for (clock, from, until) in overdue {
            if let Some(at) = self.overdue_from(clock) {
                marks.push(mark(at, from, stratum));
                ends |= until;
            }
        }
        if let Some(closed) = self.closed {
            let mut bits = bit::CLOSED | ends;
            if is_ever_open {
                bits |= bit::ENDS;
            }
            let judged = [
                (Clock::Statutory, bit::ON_TIME_STATUTORY, bit::LATE_STATUTORY),
                (Clock::Committed, bit::ON_TIME_COMMITTED, bit::LATE_COMMITTED),
            ];
            for (clock, on_time, late) in judged {
                if let Some((stopped, due)) = self.stopped.zip(self.due(clock)) {
                    bits |= if stopped <= due { on_time } else { late };
                }
            }
            let rating = self.rating.unwrap_or(0);
            if self.rating.is_some() {
                bits |= bit::RATED;
            }
            if self.is_turned_away {
                bits |= bit::TURNED_AWAY;
            }
            let working_days = self.working_days.unwrap_or(0);
            marks.push(Mark { at: closed, bits, rating, working_days, stratum });
        }
        marks
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn times() -> impl Strategy<Value = i64> {
        -3_i64..40
    }

    fn cases() -> impl Strategy<Value = Case> {
        let times = || proptest::option::of(times());
        (super::tests::times(), times(), times(), times(), times(), proptest::option::of(1_u8..6), 0_i64..4)
            .prop_map(|(received, statutory_due, committed_due, paused, closed, rating, channel)| Case {
                received,
                statutory_due,
                committed_due,
                // The clock of a closed case has stopped.
                stopped: paused.or(closed),
                closed,
                rating: rating.filter(|_| closed.is_some()),
                working_days: closed.map(|_| 7),
                channel: (channel > 0).then_some(channel),
                ..Case::default()
            })
    }

    proptest! {
        /// What the marks say is what the words say: a case is open from its receipt until its close, and late
        /// when its clock, or the judged instant if that is earlier, is past its due time.
        #[test]
        fn marks_count_what_the_words_say(case in cases(), judged_at in times()) {
            let marks = case.marks();
            let count = |from: u16, until: u16| {
                let seen = marks.iter().filter(|mark| mark.at <= judged_at);
                seen.map(|mark| i64::from(mark.has(from)) - i64::from(mark.has(until))).sum::<i64>()
            };
            let is_open = case.received <= judged_at && case.closed.is_none_or(|closed| closed > judged_at);
            prop_assert_eq!(count(bit::OPENS, bit::ENDS), i64::from(is_open));
            for (clock, from, until, on_time, late) in [
                (Clock::Committed, bit::OVERDUE_COMMITTED, bit::OVERDUE_COMMITTED_ENDS, bit::ON_TIME_COMMITTED, bit::LATE_COMMITTED),
                (Clock::Statutory, bit::OVERDUE_STATUTORY, bit::OVERDUE_STATUTORY_ENDS, bit::ON_TIME_STATUTORY, bit::LATE_STATUTORY),
            ] {
                let due = case.due(clock);
                let stood = case.stopped.unwrap_or(judged_at).min(judged_at);
                let is_late = is_open && due.is_some_and(|due| stood > due);
                prop_assert_eq!(count(from, until), i64::from(is_late), "{:?}", clock);
                let is_closed = case.closed.is_some_and(|closed| closed <= judged_at);
                let was_on_time = is_closed && due.is_some_and(|due| case.stopped.is_some_and(|at| at <= due));
                let was_late = is_closed && due.is_some_and(|due| case.stopped.is_some_and(|at| at > due));
                prop_assert_eq!(count(on_time, 0), i64::from(was_on_time));
                prop_assert_eq!(count(late, 0), i64::from(was_late));
            }
        }

        /// Marks come back as they were stored, in order, and one that is taken away leaves the others.
        #[test]
        fn marks_are_stored_in_order(cases in proptest::collection::vec(cases(), 0..8)) {
            let mut all: Vec<Mark> = cases.iter().flat_map(Case::marks).collect();
            let mut bytes = Vec::new();
            for mark in &all {
                prop_assert!(change(&mut bytes, *mark, 1));
            }
            while let Some(mark) = all.pop() {
                prop_assert!(change(&mut bytes, mark, -1));
                let mut expected = all.clone();
                expected.sort_unstable();
                prop_assert_eq!(stored(&bytes).collect::<Vec<_>>(), expected);
            }
            let none = Mark { at: 0, bits: 1, rating: 0, working_days: 0, stratum: 0 };
            prop_assert!(!change(&mut bytes, none, -1));
        }
    }
}
