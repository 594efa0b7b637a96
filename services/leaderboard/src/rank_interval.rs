//! Rank intervals: between which ranks a row may well stand, seen how few its cases are (Goldstein and Spiegelhalter 1996).
//!
//! The rates of all rows are drawn from what is believed of them, a thousand times, and ranked each time. The draws are a
//! Latin square: each row's are the middles of a thousand stretches of equal probability, in an order that a seed fixes. So
//! the same rows have the same intervals, and a thousand draws do for what would take many more.

use crate::fair::Belief;

/// How often the rates are drawn.
const DRAWS: u32 = 1_000;

/// Stretches in which a belief's density is looked at, and how many standard deviations they reach from the mean.
const CELLS: u32 = 512;
const REACH: f64 = 10.0;

/// What the order of draws is made from.
const SEED: u64 = 0x4c69_c3aa_6d00_0001;

/// The best and the worst rank of each row, from 1 for the highest rate: 95 % of the draws lie between them.
pub(crate) fn rank_intervals(beliefs: &[Belief]) -> Vec<(u32, u32)> {
    let mut random = SplitMix(SEED);
    let draws: Vec<Vec<f64>> = beliefs
        .iter()
        .map(|belief| {
            let mut draws = quantiles(*belief);
            random.shuffle(&mut draws);
            draws
        })
        .collect();
    let mut ranks: Vec<Vec<u32>> = vec![Vec::new(); beliefs.len()];
    let mut order: Vec<(f64, usize)> = Vec::with_capacity(beliefs.len());
    for draw in 0..DRAWS as usize {
        order.clear();
        order.extend(draws.iter().enumerate().map(|(row, draws)| (draws[draw], row)));
        order.sort_unstable_by(|one, other| other.0.total_cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
        for (rank, (_, row)) in (1..).zip(&order) {
            ranks[*row].push(rank);
        }
    }
    let outside = DRAWS as usize / 40;
    let bounds = ranks.into_iter().map(|mut ranks| {
        ranks.sort_unstable();
        (ranks[outside], ranks[ranks.len() - 1 - outside])
    });
    bounds.collect()
}

/// The middles of [`DRAWS`] stretches of equal probability, in order.
fn quantiles(belief: Belief) -> Vec<f64> {
    let (mean, reach) = (belief.mean(), REACH * belief.deviation());
    // By the angle whose squared sine is the rate: there the density is finite at both ends.
    let angle = |rate: f64| rate.sqrt().asin();
    let (from, until) = (angle((mean - reach).max(0.0)), angle((mean + reach).min(1.0)));
    let width = (until - from) / f64::from(CELLS);
    let middle = |cell: u32| from + (f64::from(cell) + 0.5) * width;
    let (sines, cosines) = (2.0 * belief.on_time - 1.0, 2.0 * belief.late - 1.0);
    let logs: Vec<f64> =
        (0..CELLS).map(|cell| sines * middle(cell).sin().ln() + cosines * middle(cell).cos().ln()).collect();
    let greatest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let densities: Vec<f64> = logs.into_iter().map(|log| (log - greatest).exp()).collect();
    let total: f64 = densities.iter().sum();
    let (mut quantiles, mut below, mut cells) =
        (Vec::with_capacity(DRAWS as usize), 0.0, (0..).zip(densities));
    let mut cell = cells.next();
    for draw in 0..DRAWS {
        let sought = (f64::from(draw) + 0.5) / f64::from(DRAWS) * total;
        while let Some((_, density)) = cell
            && below + density < sought
        {
            below += density;
            cell = cells.next();
        }
        // Past the last cell is only what rounding leaves over.
        let at = cell.map_or(until, |(cell, density): (u32, f64)| {
            from + (f64::from(cell) + (sought - below) / density) * width
        });
        quantiles.push(at.sin() * at.sin());
    }
    quantiles
}

/// Steele, Lea and Flood's `SplitMix64`: the same numbers everywhere.
pub(crate) struct SplitMix(pub(crate) u64);

impl SplitMix {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Fisher and Yates: every order is as likely, but for what 2⁶⁴ leaves over.
    fn shuffle(&mut self, items: &mut [f64]) {
        for last in (1..items.len()).rev() {
            let other = self.next() % (last as u64 + 1);
            items.swap(last, usize::try_from(other).unwrap_or(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{Beta, ContinuousCDF as _};

    use super::*;

    #[test]
    fn draws_are_those_of_the_belief() {
        for (on_time, late) in [(0.7, 0.4), (3.0, 1.5), (40.0, 2.0), (1_800.0, 200.0), (1e6, 1e4)] {
            let beta = Beta::new(on_time, late).unwrap();
            let draws = quantiles(Belief { on_time, late });
            assert!(draws.is_sorted() && draws.len() == DRAWS as usize);
            for (place, draw) in (0..DRAWS).zip(draws) {
                let expected = (f64::from(place) + 0.5) / f64::from(DRAWS);
                assert!((beta.cdf(draw) - expected).abs() < 0.02, "{on_time} {late} {expected} {draw}");
            }
        }
    }

    #[test]
    fn what_is_certain_has_one_rank_and_what_is_not_has_many() {
        let known = |rate: f64| Belief { on_time: 1e6 * rate, late: 1e6 * (1.0 - rate) };
        assert_eq!(rank_intervals(&[known(0.7), known(0.9), known(0.8)]), [(3, 3), (1, 1), (2, 2)]);
        let little = Belief { on_time: 8.0, late: 2.0 };
        assert_eq!(rank_intervals(&[known(0.7), known(0.9), little]), [(2, 3), (1, 2), (1, 3)]);
        assert_eq!(rank_intervals(&[]), []);
    }

    #[test]
    fn the_same_rows_have_the_same_intervals() {
        let beliefs: Vec<_> = (1..=40).map(|n| Belief { on_time: f64::from(n) + 60.0, late: 20.0 }).collect();
        let intervals = rank_intervals(&beliefs);
        assert_eq!(intervals, rank_intervals(&beliefs));
        assert!(intervals.iter().all(|(best, worst)| (1..=40).contains(best) && best < worst));
        // Equal rows may stand anywhere: 95 % of forty ranks are thirty-eight.
        let equal = rank_intervals(&vec![beliefs[0]; 40]);
        assert!(equal.iter().all(|(best, worst)| *best <= 3 && *worst >= 38), "{equal:?}");
    }
}
