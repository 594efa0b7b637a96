//! What makes rows of different cases and different sizes comparable: a standard of strata, and shrinkage.
//!
//! - *Indirect standardisation*: a row is expected to have on time what its cases would have, stratum by stratum, at the
//!   rates of the standard, which is all rows together.
//! - The *adjusted rate* is the share that the row would have on time with the standard's mix of cases. Below what is
//!   expected it is the overall rate times observed ÷ expected; above it, the overall rate of late cases times late ÷
//!   expected late, taken from 1. So it lies between 0 and 1, is the overall rate where a row is as expected, and does not
//!   stop at 1 where cases are easy.
//! - *Shrinkage* (empirical Bayes; Efron and Morris 1975): adjusted rates are taken to come from one beta distribution, which
//!   is worked out from all rows by weighted moments (Kleinman 1973), with each row's own variance by chance. A row's rate is
//!   what that says after its cases: the fewer they are, the nearer to the overall rate. Where its mix makes the adjusted
//!   rate less certain than as many cases of the overall rate, it has as many cases as say as much.
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

    /// Of the cases of some strata, those expected on time, and the variance of that number by chance.
    pub(crate) fn expected_of(&self, strata: &Strata) -> (f64, f64) {
        let each = shares(strata).map(|(stratum, share)| {
            let expected = self.expected(stratum, share.judged);
            (expected, expected * (1.0 - self.stratum(stratum).rate()))
        });
        each.fold((0.0, 0.0), |(expected, variance), (one, its)| (expected + one, variance + its))
    }

    /// What is measured of a row with a judged case.
    fn measure(&self, row: Share, strata: &Strata) -> Measured {
        let (expected, variance) = self.expected_of(strata);
        let overall = self.overall.rate();
        let (on_time, judged) = (float(row.on_time), float(row.judged));
        // The adjusted rate, and by how much a case more on time changes it.
        let (adjusted, slope) = if on_time > expected {
            let slope = (1.0 - overall) / (judged - expected);
            (1.0 - slope * (judged - on_time), slope)
        } else if expected > 0.0 {
            (overall * on_time / expected, overall / expected)
        } else {
            (overall, 1.0 / judged)
        };
        let variance = slope * slope * variance;
        let as_many = overall * (1.0 - overall) / variance;
        let cases = if as_many < judged { as_many.max(1.0) } else { judged };
        Measured { row, expected, adjusted: adjusted.clamp(0.0, 1.0), variance, cases }
    }
}

/// What is measured of a row.
#[derive(Debug, Clone, Copy)]
struct Measured {
    row: Share,
    expected: f64,
    adjusted: f64,
    /// The variance of the adjusted rate by chance.
    variance: f64,
    /// How many cases of the overall rate say as much as the row's: no more than it has.
    cases: f64,
}

/// The beta distribution of a rate: `on_time` and `late` are its parameters, in cases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Belief {
    pub(crate) on_time: f64,
    pub(crate) late: f64,
}

impl Belief {
    /// What the adjusted rates of rows say of all of them. It weighs one case at least, and no more than all cases together.
    fn prior(rows: &[Measured]) -> Self {
        let cases: f64 = rows.iter().map(|row| row.cases).sum();
        // Weights by the number of cases; and then, since rows differ by themselves, less so.
        let (mut mean, mut spread) = moments(rows, |cases| cases);
        if spread > 0.0 {
            let first = spread;
            (mean, spread) = moments(rows, |cases| cases / (1.0 + first * (cases - 1.0)));
        }
        let weight = if spread > 0.0 { 1.0 / spread - 1.0 } else { cases };
        let weight = if rows.len() < 2 { 1.0 } else { weight.clamp(1.0, cases.max(1.0)) };
        // A mean of 0 or 1 is not believed to the last: half a case each way.
        let mean = (mean * cases + 0.5) / (cases + 1.0);
        Self { on_time: weight * mean, late: weight * (1.0 - mean) }
    }

    /// What is believed after a row's cases.
    fn after(self, row: &Measured) -> Self {
        let on_time = row.adjusted * row.cases;
        Self { on_time: self.on_time + on_time, late: self.late + row.cases - on_time }
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

/// The mean of adjusted rates, and how alike two cases of one row are beyond that (the intraclass correlation), by weighted
/// moments: what rates vary by more than chance does.
fn moments(rows: &[Measured], weight: impl Fn(f64) -> f64) -> (f64, f64) {
    let weights: Vec<f64> = rows.iter().map(|row| weight(row.cases)).collect();
    let whole: f64 = weights.iter().sum();
    if whole <= 0.0 {
        return (0.5, 0.0);
    }
    let weighted = rows.iter().zip(&weights);
    let mean = weighted.clone().map(|(row, weight)| weight * row.adjusted).sum::<f64>() / whole;
    let (mut beyond, mut range) = (0.0, 0.0);
    for (row, weight) in weighted {
        let (off, others) = (row.adjusted - mean, 1.0 - weight / whole);
        beyond += weight * (off * off - row.variance * others);
        range += weight * others * mean * (1.0 - mean);
    }
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
    let measured: Vec<Option<Measured>> = rows
        .iter()
        .map(|row| {
            let mut of_row = Share::default();
            shares(row.strata).for_each(|(_, share)| of_row.add(share));
            (row.is_in && of_row.judged > 0).then(|| standard.measure(of_row, row.strata))
        })
        .collect();
    let prior = Belief::prior(&measured.iter().flatten().copied().collect::<Vec<_>>());
    let figures = measured.into_iter().map(|measured| {
        let measured = measured?;
        let Measured { row, expected, adjusted, .. } = measured;
        let funnel = Funnel::of(row.judged, expected);
        Some(Fair { row, expected, adjusted, belief: prior.after(&measured), funnel })
    });
    figures.collect()
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
mod simulated;
#[cfg(test)]
mod tests;
