//! What makes rows of different cases and different sizes comparable: a standard of strata, and shrinkage.
//!
//! - *Indirect standardisation*: a row is expected to have on time what its cases would have, stratum by stratum, at the
//!   rates of the standard, which is all rows together.
//! - The *adjusted rate* is the share that the row would have on time with the standard's mix of cases. Below what is
//!   expected it is the overall rate times observed ÷ expected; above it, the overall rate of late cases times late ÷
//!   expected late, taken from 1. So it lies between 0 and 1, is the overall rate where a row is as expected, and does not
//!   stop at 1 where cases are easy.
//! - *Shrinkage* (empirical Bayes; Efron and Morris 1975): adjusted rates are taken to come from one beta distribution, which
//!   is worked out from all rows by Kleinman's moments (1973). A row's own is what that says after its cases: the fewer they
//!   are, the nearer to the overall rate.
//!
//! It refuses to know what the rows are, and who sees them: the standard is made of the rows that it is given as such.

use std::collections::BTreeMap;

use statrs::distribution::{Beta, ContinuousCDF as _};

use crate::{funnel::Funnel, strata::Strata};

/// What a row is judged on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Observed<'row> {
    /// Its strata, which hold every case that is judged.
    pub(crate) strata: &'row Strata,
    /// Whether it is part of the standard, and has figures.
    pub(crate) is_in: bool,
}

/// The rates of the standard.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standard {
    strata: BTreeMap<u32, Share>,
    overall: Share,
}

/// Cases on time of cases judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) judged: u64,
    pub(crate) on_time: u64,
}

impl Share {
    fn add(&mut self, other: Self) {
        self.judged += other.judged;
        self.on_time += other.on_time;
    }

    /// The share; 0 of nothing.
    fn rate(self) -> f64 {
        if self.judged == 0 { 0.0 } else { float(self.on_time) / float(self.judged) }
    }
}

fn shares(strata: &Strata) -> impl Iterator<Item = (u32, Share)> + '_ {
    let share = |(stratum, tally): (&u32, &crate::strata::Tally)| {
        (*stratum, Share { judged: tally.judged, on_time: tally.on_time })
    };
    strata.iter().map(share).filter(|(_, share)| share.judged > 0)
}

impl Standard {
    pub(crate) fn of<'row>(rows: impl Iterator<Item = Observed<'row>>) -> Self {
        let mut standard = Self::default();
        for (stratum, share) in rows.filter(|row| row.is_in).flat_map(|row| shares(row.strata)) {
            standard.strata.entry(stratum).or_default().add(share);
            standard.overall.add(share);
        }
        standard
    }

    /// What the standard has of a stratum.
    pub(crate) fn stratum(&self, stratum: u32) -> Share {
        self.strata.get(&stratum).copied().unwrap_or_default()
    }

    /// Of so many cases of a stratum, those expected on time.
    pub(crate) fn expected(&self, stratum: u32, judged: u64) -> f64 {
        float(judged) * self.stratum(stratum).rate()
    }

    fn expected_of(&self, strata: &Strata) -> f64 {
        shares(strata).map(|(stratum, share)| self.expected(stratum, share.judged)).sum()
    }

    /// The adjusted rate of a row with a judged case.
    fn adjusted(&self, row: Share, expected: f64) -> f64 {
        let overall = self.overall.rate();
        let (on_time, judged) = (float(row.on_time), float(row.judged));
        if on_time > expected {
            1.0 - (1.0 - overall) * (judged - on_time) / (judged - expected)
        } else if expected > 0.0 {
            overall * on_time / expected
        } else {
            overall
        }
    }
}

/// The beta distribution of a rate: `on_time` and `late` are its parameters, in cases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Belief {
    pub(crate) on_time: f64,
    pub(crate) late: f64,
}

impl Belief {
    /// What adjusted rates of rows, each of so many cases, say of all of them. It weighs one case at least, and no more
    /// than all cases together.
    fn prior(rates: &[(f64, u64)]) -> Self {
        let cases: f64 = rates.iter().map(|(_, judged)| float(*judged)).sum();
        // Weights by the number of cases; and then, since rows differ by themselves, less so.
        let (mean, first) = moments(rates, |judged| judged);
        let (mean, spread) = if first > 0.0 {
            moments(rates, |judged| judged / (1.0 + first * (judged - 1.0)))
        } else {
            (mean, first)
        };
        let weight = if spread > 0.0 { 1.0 / spread - 1.0 } else { cases };
        let weight = if rates.len() < 2 { 1.0 } else { weight.clamp(1.0, cases.max(1.0)) };
        // A mean of 0 or 1 is not believed to the last: half a case each way.
        let mean = (mean * cases + 0.5) / (cases + 1.0);
        Self { on_time: weight * mean, late: weight * (1.0 - mean) }
    }

    /// What is believed after so many cases at a rate.
    fn after(self, rate: f64, judged: u64) -> Self {
        let on_time = rate * float(judged);
        Self { on_time: self.on_time + on_time, late: self.late + float(judged) - on_time }
    }

    /// The rate it expects.
    pub(crate) fn mean(self) -> f64 {
        self.on_time / (self.on_time + self.late)
    }

    /// Its standard deviation.
    pub(crate) fn deviation(self) -> f64 {
        let cases = self.on_time + self.late;
        (self.on_time * self.late / (cases * cases * (cases + 1.0))).sqrt()
    }

    /// The bounds between which the rate lies with 95 %, with as much on either side.
    fn bounds(self) -> Option<(f64, f64)> {
        let beta = Beta::new(self.on_time, self.late).ok()?;
        Some((beta.inverse_cdf(0.025), beta.inverse_cdf(0.975)))
    }
}

/// The mean of rates, and how alike two cases of one row are beyond that (the intraclass correlation), by weighted moments.
fn moments(rates: &[(f64, u64)], weight: impl Fn(f64) -> f64) -> (f64, f64) {
    let rows: Vec<_> = rates.iter().map(|(rate, n)| (*rate, float(*n), weight(float(*n)))).collect();
    let whole: f64 = rows.iter().map(|(_, _, weight)| weight).sum();
    if whole <= 0.0 {
        return (0.5, 0.0);
    }
    let mean = rows.iter().map(|(rate, _, weight)| weight * rate).sum::<f64>() / whole;
    let (mut squares, mut within, mut between) = (0.0, 0.0, 0.0);
    for (rate, n, weight) in rows {
        let others = 1.0 - weight / whole;
        squares += weight * (rate - mean) * (rate - mean);
        within += weight / n * others;
        between += weight * others;
    }
    let variance = mean * (1.0 - mean);
    let (beyond, range) = (squares - variance * within, variance * (between - within));
    (mean, if range > 0.0 { (beyond / range).min(1.0) } else { 0.0 })
}

/// The figures of one row. Rates and bounds are from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fair {
    pub(crate) row: Share,
    /// Cases expected on time.
    pub(crate) expected: f64,
    pub(crate) adjusted: f64,
    /// What is believed of the adjusted rate.
    pub(crate) belief: Belief,
    pub(crate) funnel: Funnel,
}

impl Fair {
    /// Observed ÷ expected; none where nothing is expected on time.
    pub(crate) fn observed_to_expected(&self) -> Option<f64> {
        (self.expected > 0.0).then(|| float(self.row.on_time) / self.expected)
    }

    /// The bounds of the shrunk rate.
    pub(crate) fn bounds(&self) -> Option<(f64, f64)> {
        self.belief.bounds()
    }
}

/// The figures of each row that is in the standard and has a judged case, by that standard.
pub(crate) fn figures(standard: &Standard, rows: &[Observed<'_>]) -> Vec<Option<Fair>> {
    let measured: Vec<Option<(Share, f64, f64)>> = rows
        .iter()
        .map(|row| {
            let mut of_row = Share::default();
            shares(row.strata).for_each(|(_, share)| of_row.add(share));
            (row.is_in && of_row.judged > 0).then(|| {
                let expected = standard.expected_of(row.strata);
                (of_row, expected, standard.adjusted(of_row, expected).clamp(0.0, 1.0))
            })
        })
        .collect();
    let rates: Vec<_> = measured.iter().flatten().map(|(row, _, rate)| (*rate, row.judged)).collect();
    let prior = Belief::prior(&rates);
    measured
        .into_iter()
        .map(|measured| {
            let (row, expected, adjusted) = measured?;
            let belief = prior.after(adjusted, row.judged);
            Some(Fair { row, expected, adjusted, belief, funnel: Funnel::of(row.judged, expected) })
        })
        .collect()
}

/// A count as a float. Exact up to 2⁵³, beyond which nobody has cases.
#[expect(clippy::cast_precision_loss, reason = "counts of cases are far below 2⁵³")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

/// To six decimals, so that answers are the same everywhere.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6 + 0.0
}

#[cfg(test)]
mod tests;
