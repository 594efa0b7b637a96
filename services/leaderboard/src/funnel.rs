//! Funnel limits: how far a share may lie from what is expected of it before chance no longer explains it.
//!
//! Guarantees that a row which is no different from the others is called an outlier no more often than the limits say,
//! whatever its strata, and although what is expected of it was worked out from counts it is part of:
//!
//! - Given how many cases of each stratum were on time in all, a row's cases on time in a stratum are drawn from these
//!   without replacement, and their mean is exactly what is expected. A hypergeometric count is a sum of independent
//!   yes-or-no trials of unequal chances (Vatutin and Mikhailov 1982), and so is the sum of several.
//! - The tails of such a sum, a whole case or more from its mean, are no larger than those of the binomial distribution
//!   of the same number of trials and the same mean (Hoeffding 1956).
//!
//! So the limits are those of that binomial distribution, and never nearer to the mean than the next whole number. They
//! are for the chance alone: if agencies differ more than by chance for reasons that no stratum knows, more than 5 % of
//! them are outside. Every operation is one that IEEE 754 defines to the last bit.

/// What lies in each tail outside the limits of 95 %, and of 99.8 %.
const TAIL_95: f64 = 0.025;
const TAIL_998: f64 = 0.001;

/// Where a count lies in its funnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Band {
    Below998,
    Below95,
    Within,
    Above95,
    Above998,
}

/// The least and the greatest count that chance explains, in cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Funnel {
    pub(crate) lower_998: u64,
    pub(crate) lower_95: u64,
    pub(crate) upper_95: u64,
    pub(crate) upper_998: u64,
}

impl Funnel {
    /// The limits of a count of so many trials, of which a mean is expected.
    pub(crate) fn of(trials: u64, expected: f64) -> Self {
        let weights = Weights::of(trials, expected);
        let (low, high) = (floor(expected), ceil(expected).min(trials));
        Self {
            lower_998: weights.lower(TAIL_998).min(low),
            lower_95: weights.lower(TAIL_95).min(low),
            upper_95: weights.upper(TAIL_95).max(high),
            upper_998: weights.upper(TAIL_998).max(high),
        }
    }

    /// Where a count lies.
    pub(crate) fn band(&self, count: u64) -> Band {
        if count < self.lower_998 {
            Band::Below998
        } else if count < self.lower_95 {
            Band::Below95
        } else if count > self.upper_998 {
            Band::Above998
        } else if count > self.upper_95 {
            Band::Above95
        } else {
            Band::Within
        }
    }
}

/// The probabilities of the counts from `first` on, as multiples of that of the likeliest one. Those left out are smaller
/// than the rounding of their sum.
struct Weights {
    first: u64,
    each: Vec<f64>,
    total: f64,
}

/// What is too small to count.
const NEGLIGIBLE: f64 = 1e-18;

impl Weights {
    fn of(trials: u64, expected: f64) -> Self {
        let n = float(trials);
        let share = if trials == 0 { 0.0 } else { (expected / n).clamp(0.0, 1.0) };
        let odds = share / (1.0 - share);
        let mode = floor((n + 1.0) * share).min(trials);
        let mut below = Vec::new();
        let (mut count, mut weight) = (mode, 1.0);
        while count > 0 && odds > 0.0 && odds.is_finite() {
            weight *= float(count) / ((n - float(count) + 1.0) * odds);
            if weight < NEGLIGIBLE {
                break;
            }
            below.push(weight);
            count -= 1;
        }
        let first = mode - below.len() as u64;
        let mut each: Vec<f64> = below.into_iter().rev().collect();
        each.push(1.0);
        (count, weight) = (mode, 1.0);
        while count < trials && odds > 0.0 {
            weight *= (n - float(count)) * odds / (float(count) + 1.0);
            if weight < NEGLIGIBLE {
                break;
            }
            each.push(weight);
            count += 1;
        }
        let total = each.iter().sum();
        Self { first, each, total }
    }

    /// The least count at or below which more than `tail` lies.
    fn lower(&self, tail: f64) -> u64 {
        self.first + places(self.each.iter(), tail * self.total)
    }

    /// The greatest count at or above which more than `tail` lies.
    fn upper(&self, tail: f64) -> u64 {
        let last = self.first + self.each.len() as u64 - 1;
        last - places(self.each.iter().rev(), tail * self.total)
    }
}

/// How many weights add up to no more than a sum.
fn places<'w>(weights: impl Iterator<Item = &'w f64>, sum: f64) -> u64 {
    let mut seen = 0.0;
    let within = weights.take_while(|weight| {
        seen += **weight;
        seen <= sum
    });
    within.count() as u64
}

/// A count as a float. Exact up to 2⁵³, beyond which nobody has cases.
#[expect(clippy::cast_precision_loss, reason = "counts of cases are far below 2⁵³")]
fn float(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of cases, never negative"
)]
fn floor(value: f64) -> u64 {
    value.floor() as u64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of cases, never negative"
)]
fn ceil(value: f64) -> u64 {
    value.ceil() as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use statrs::distribution::{Binomial, DiscreteCDF as _};

    use super::{
        Band::{Above95, Above998, Below95, Below998, Within},
        *,
    };

    #[test]
    fn the_limits_are_those_of_the_tables() {
        // Of 100 with a half: 40 to 60 at 95 %, 35 to 65 at 99.8 %.
        let funnel = Funnel::of(100, 50.0);
        assert_eq!(funnel, Funnel { lower_998: 35, lower_95: 40, upper_95: 60, upper_998: 65 });
        let bands = [34, 35, 39, 40, 60, 61, 65, 66].map(|count| funnel.band(count));
        assert_eq!(bands, [Below998, Below95, Below95, Within, Within, Above95, Above95, Above998]);
    }

    #[test]
    fn what_is_certain_has_no_tails() {
        for (trials, expected, count) in [(30, 0.0, 0), (30, 30.0, 30), (0, 0.0, 0)] {
            let funnel = Funnel::of(trials, expected);
            assert_eq!((funnel.lower_998, funnel.upper_998), (count, count));
        }
        // One late case of thirty, where nearly none was expected, is less than a whole case from the mean.
        assert_eq!(Funnel::of(30, 29.99).band(29), Band::Within);
    }

    #[test]
    fn very_many_cases_are_no_matter() {
        let funnel = Funnel::of(4_000_000, 3_600_000.0);
        // 1.96 and 3.09 times 600 cases.
        assert!(
            funnel.lower_95.abs_diff(3_598_824) < 3 && funnel.upper_998.abs_diff(3_601_854) < 3,
            "{funnel:?}"
        );
    }

    proptest! {
        /// The tails outside are no more than promised, and would be with one case more.
        #[test]
        fn tails_are_those_of_the_binomial_distribution(trials in 1_u64..3_000, share in 0.001_f64..0.999) {
            let expected = float(trials) * share;
            let funnel = Funnel::of(trials, expected);
            let binomial = Binomial::new(share, trials).unwrap();
            let at_most = |count: u64| binomial.cdf(count);
            for (tail, lower, upper) in
                [(TAIL_95, funnel.lower_95, funnel.upper_95), (TAIL_998, funnel.lower_998, funnel.upper_998)]
            {
                prop_assert!(lower == 0 || at_most(lower - 1) <= tail + 1e-9);
                prop_assert!(upper == trials || 1.0 - at_most(upper) <= tail + 1e-9);
                prop_assert!(lower == floor(expected) || at_most(lower) > tail - 1e-9);
                prop_assert!(upper == ceil(expected) || 1.0 - at_most(upper - 1) > tail - 1e-9);
            }
        }
    }
}
