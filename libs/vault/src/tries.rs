//! How many wrong codes are taken, and how long to wait after too many.

use chrono::{DateTime, TimeDelta, Utc};

/// Wrong tries of one locator before it's locked.
const FREE: i64 = 5;

/// The longest that a locator is locked, in minutes.
const LONGEST: i64 = 60;

/// Unknown locators that are taken at once.
const BURST: i32 = 30;

/// Until one more unknown locator is taken.
const REFILL: TimeDelta = TimeDelta::seconds(2);

/// The wrong tries of one locator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tries {
    /// Wrong ones since the last right one.
    pub(crate) wrong: i64,
    /// Until when it's locked, in minutes since 1970.
    pub(crate) locked_until: Option<i64>,
}

impl Tries {
    /// How long to wait before a try, in seconds, where it's locked.
    pub(crate) fn wait(self, now: DateTime<Utc>) -> Option<u64> {
        let wait = self.locked_until? * 60 - now.timestamp();
        u64::try_from(wait).ok().filter(|wait| *wait > 0)
    }

    /// These and one more wrong one.
    pub(crate) fn one_more(self, now: DateTime<Utc>) -> Self {
        let wrong = self.wrong.saturating_add(1);
        let locked_until = (wrong >= FREE).then(|| {
            let minutes = LONGEST.min(1 << (wrong - FREE).min(6));
            // Rounded up to the minute.
            (now.timestamp() + 59).div_euclid(60) + minutes
        });
        Self { wrong, locked_until }
    }
}

/// A bucket of tokens for unknown locators: 30, and one more every two seconds.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    /// When it's full again.
    full_at: DateTime<Utc>,
}

impl Bucket {
    /// Takes a token; where there is none, says how long to wait, in seconds.
    pub(crate) fn take(&mut self, now: DateTime<Utc>) -> Result<(), u64> {
        let whole = REFILL * BURST;
        // Never emptier than empty, should the clock be set back.
        let full_at = self.full_at.clamp(now, now + whole) + REFILL;
        let wait = full_at - (now + whole);
        if wait > TimeDelta::zero() {
            return Err(u64::try_from(wait.num_milliseconds()).unwrap_or(0).div_ceil(1_000));
        }
        self.full_at = full_at;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn the_wait_doubles_up_to_an_hour() {
        let mut tries = Tries::default();
        let mut waits = Vec::new();
        for _ in 0..20 {
            tries = tries.one_more(at(600));
            waits.push(tries.wait(at(600)).unwrap_or(0) / 60);
        }
        assert_eq!(waits[..12], [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(waits[19], 60);
    }

    #[test]
    fn a_lock_ends_on_a_whole_minute_and_lasts_a_minute_at_least() {
        let tries = Tries { wrong: 4, locked_until: None }.one_more(at(601));
        assert_eq!(tries.locked_until, Some(12));
        assert_eq!(tries.wait(at(601)), Some(119));
        assert_eq!(tries.wait(at(719)), Some(1));
        assert_eq!(tries.wait(at(720)), None);
    }

    #[test]
    fn a_bucket_has_thirty_and_refills() {
        let mut bucket = Bucket::default();
        let now = at(1_000_000);
        assert_eq!((0..40).filter(|_| bucket.take(now).is_ok()).count(), 30);
        assert_eq!(bucket.take(now), Err(2));
        assert_eq!(bucket.take(now + TimeDelta::seconds(1)), Err(1));
        assert_eq!(bucket.take(now + TimeDelta::seconds(2)), Ok(()));
        assert_eq!(bucket.take(now + TimeDelta::seconds(2)), Err(2));
        let later = now + TimeDelta::hours(1);
        assert_eq!((0..40).filter(|_| bucket.take(later).is_ok()).count(), 30);
        assert_eq!(bucket.take(at(0)), Err(2), "the clock was set back");
        assert_eq!(bucket.take(at(2)), Err(2));
    }
}
