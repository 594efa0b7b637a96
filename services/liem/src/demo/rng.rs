//! Our own random numbers, for the demo and the benchmarks: `SplitMix64`, so that a seed gives the same ones on
//! every machine and with every version of every library. No floating point, and nothing secret.

/// A sequence of random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    /// The sequence of a seed and a path: other paths give unrelated sequences.
    pub(crate) fn new(seed: u64, path: &[u64]) -> Self {
        let mut rng = Self(seed);
        for part in path {
            rng.0 = rng.next() ^ part;
        }
        rng.0 = rng.next();
        rng
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number under `bound`; 0 where that is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let scaled = (u128::from(self.next()) * u128::from(bound)) >> 64;
        u64::try_from(scaled).expect("the upper half of a product fits")
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// A number from `low` to `high`, both included, as likely near the one as near the other, and likeliest
    /// in the middle.
    pub(crate) fn around(&mut self, low: u64, high: u64) -> u64 {
        let spread = high - low;
        low + self.below(spread / 2 + 1) + self.below(spread - spread / 2 + 1)
    }

    /// True in so many of a thousand times.
    pub(crate) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }

    /// The place of one of `count` things, of which there is at least one.
    pub(crate) fn index(&mut self, count: usize) -> usize {
        usize::try_from(self.below(count as u64)).expect("it is under a usize")
    }

    /// The place of one of `count` things, the first the likeliest.
    pub(crate) fn front(&mut self, count: usize) -> usize {
        let most = self.index(count);
        self.index(most + 1)
    }

    /// One of several things, of which there is at least one.
    pub(crate) fn pick<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.index(things.len())]
    }

    /// The place of one of several weights, each as likely as it is heavy.
    pub(crate) fn weighted(&mut self, weights: impl Iterator<Item = u64> + Clone) -> usize {
        let mut left = self.below(weights.clone().sum());
        let heavier = |weight: u64| {
            let is_here = left < weight;
            left = left.saturating_sub(weight);
            is_here
        };
        weights.map(heavier).position(|is_here| is_here).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_as_they_are() {
        // The published first number of SplitMix64 for the state 1234567.
        assert_eq!(Rng(1_234_567).next(), 6_457_827_717_110_365_317);
        let mut rng = Rng::new(1, &[2, 3]);
        let numbers = [(); 4].map(|()| rng.below(1_000));
        assert_eq!(numbers, [71, 863, 357, 504]);
    }

    #[test]
    fn numbers_keep_to_their_bounds() {
        let mut rng = Rng::new(7, &[]);
        for _ in 0..10_000 {
            assert!((3..=5).contains(&rng.between(3, 5)));
            assert!((10..=19).contains(&rng.around(10, 19)));
            assert_ne!(rng.weighted([1, 0, 5].into_iter()), 1);
        }
        assert_eq!(rng.below(0), 0);
        let hits = (0..100_000).filter(|_| rng.chance(300)).count();
        assert!((29_000..31_000).contains(&hits), "{hits}");
    }
}
