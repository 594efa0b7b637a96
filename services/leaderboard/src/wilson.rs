//! The Wilson interval of a share: what the true share may well be, seen how few cases it was counted on.
//!
//! Guarantees the same digits on every machine: it uses only the operations which IEEE 754 defines to the last bit
//! (the square root is one), and rounds what is left of them to six decimals. It refuses to know what is counted.

/// The quantile of the normal distribution for 95 %. The contract states this value, not the more exact 1.959964.
const Z: f64 = 1.96;

/// What the bounds are rounded to: millionths. Finer digits say nothing about a share, and would let two rows of the
/// same standing differ.
const UNITS_PER_ONE: f64 = 1_000_000.0;

/// The bounds of a share, from 0 to 1, of six decimals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Interval {
    /// The share is hardly smaller than this.
    pub(crate) lower: f64,
    /// The share is hardly greater than this.
    pub(crate) upper: f64,
}

/// The interval of the share `successes` ÷ `trials`; `None` without a trial, where every share is as likely.
///
/// Panics if there are more successes than trials, which no counting of cases gives.
pub(crate) fn wilson(successes: u64, trials: u64) -> Option<Interval> {
    assert!(successes <= trials, "successes are among the trials: {successes} of {trials}");
    if trials == 0 {
        return None;
    }
    let trials_f = float(trials);
    let share = float(successes) / trials_f;
    let scale = 1.0 + Z * Z / trials_f;
    let centre = (share + Z * Z / (2.0 * trials_f)) / scale;
    let variance = share * (1.0 - share) / trials_f + Z * Z / (4.0 * trials_f * trials_f);
    let half_width = Z * variance.sqrt() / scale;
    Some(Interval { lower: rounded(centre - half_width), upper: rounded(centre + half_width) })
}

/// A count as a float. Exact up to 2^53, beyond which nobody has cases.
#[expect(clippy::cast_precision_loss, reason = "counts of cases are far below 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}

/// A bound within 0 to 1, of six decimals. Adding zero makes a negative zero positive, so that nobody reads `-0`.
fn rounded(bound: f64) -> f64 {
    (bound * UNITS_PER_ONE).round().clamp(0.0, UNITS_PER_ONE) / UNITS_PER_ONE + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(successes: u64, trials: u64, lower: f64, upper: f64) {
        // Equal, not near: the digits are part of the answer.
        assert_eq!(wilson(successes, trials), Some(Interval { lower, upper }));
    }

    /// Worked out with forty decimals in Python's `decimal`.
    #[test]
    fn known_values() {
        check(8, 10, 0.490_157, 0.943_319);
        check(80, 100, 0.711_169, 0.866_634);
        check(15, 30, 0.331_539, 0.668_461);
        check(29, 30, 0.833_292, 0.994_092);
        check(952, 1_368, 0.671_008, 0.719_708);
        check(900_000, 1_000_000, 0.899_410, 0.900_586);
    }

    #[test]
    fn none_or_all_reach_the_ends() {
        check(0, 1, 0.0, 0.793_457);
        check(1, 1, 0.206_543, 1.0);
        check(0, 5, 0.0, 0.434_491);
        check(5, 5, 0.565_509, 1.0);
        assert!(wilson(0, 5).unwrap().lower.is_sign_positive());
    }

    #[test]
    fn nothing_tried_has_no_interval() {
        assert_eq!(wilson(0, 0), None);
    }

    #[test]
    #[should_panic(expected = "successes are among the trials")]
    fn more_successes_than_trials_is_a_bug() {
        wilson(2, 1);
    }

    proptest! {
        #[test]
        fn the_share_lies_between_the_bounds(trials in 1u64..5_000_000, part in 0.0f64..=1.0) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of the trials")]
            let successes = (float(trials) * part) as u64;
            let Interval { lower, upper } = wilson(successes, trials).unwrap();
            let share = float(successes) / float(trials);
            prop_assert!(0.0 <= lower && upper <= 1.0);
            prop_assert!(lower <= share + 1e-6 && share <= upper + 1e-6);
        }

        #[test]
        fn failures_mirror_successes(trials in 1u64..5_000, missing in 0u64..5_000) {
            let successes = trials.saturating_sub(missing);
            let one = wilson(successes, trials).unwrap();
            let other = wilson(trials - successes, trials).unwrap();
            prop_assert!((one.lower - (1.0 - other.upper)).abs() < 2e-6);
            prop_assert!((one.upper - (1.0 - other.lower)).abs() < 2e-6);
        }

        /// What makes the order fair to small ones and still rewards the proof: a better share, or the same share on
        /// more cases, never lowers the bound.
        #[test]
        fn more_proof_never_lowers_the_bound(trials in 1u64..2_000, missing in 0u64..2_000) {
            let successes = trials.saturating_sub(missing);
            let lower = wilson(successes, trials).unwrap().lower;
            prop_assert!(lower <= wilson(successes + 1, trials + 1).unwrap().lower);
            prop_assert!(lower <= wilson(2 * successes, 2 * trials).unwrap().lower);
        }
    }
}
