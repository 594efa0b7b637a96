//! Boards of agencies of known quality, drawn from a fixed seed: whether limits promise what they hold, and find what they
//! should.
//!
//! Forty agencies have 30 to 2,000 cases of three strata, of which 97 %, 85 % and 60 % are on time whoever has them. Their
//! mixes go from nearly all easy to nearly all hard, and have nothing to do with their sizes.

use super::*;
use crate::{
    funnel::Band,
    rank_interval::{SplitMix, rank_intervals},
    strata::Tally,
};

const AGENCIES: u32 = 40;
const RATES: [f64; 3] = [0.97, 0.85, 0.6];

/// How many cases of a stratum an agency has, and how many of them are on time with which chance: of 0 up to all, summed.
struct Chances {
    judged: u64,
    at_most: Vec<f64>,
}

impl Chances {
    fn of(judged: u64, rate: f64) -> Self {
        let mut chances = vec![1.0];
        // One case after the other: it is late, or one more is on time.
        for _ in 0..judged {
            let mut more = vec![0.0; chances.len() + 1];
            for (on_time, chance) in chances.into_iter().enumerate() {
                more[on_time] += chance * (1.0 - rate);
                more[on_time + 1] += chance * rate;
            }
            chances = more;
        }
        let mut sum = 0.0;
        let at_most = chances.into_iter().map(|chance| {
            sum += chance;
            sum
        });
        Self { judged, at_most: at_most.collect() }
    }

    fn draw(&self, random: &mut SplitMix) -> Tally {
        let at = uniform(random);
        let on_time = self.at_most.partition_point(|sum| *sum < at) as u64;
        Tally { judged: self.judged, on_time: on_time.min(self.judged), ..Tally::default() }
    }
}

/// From 0 to 1.
fn uniform(random: &mut SplitMix) -> f64 {
    float(random.next() >> 11) / float(1 << 53)
}

/// Agencies by how hard their cases are, the easiest first; one of them can be worse, by so much in each stratum.
struct World(Vec<Vec<Chances>>);

impl World {
    fn of(worse: Option<(u32, u64, f64)>) -> Self {
        let agencies = (0..AGENCIES).map(|agency| {
            let (at, last) = (f64::from(agency), f64::from(AGENCIES - 1));
            let (cases, less) = match worse {
                Some((which, cases, less)) if which == agency => (cases, less),
                // Every size once, in an order that has nothing to do with how hard cases are.
                _ => (size(f64::from(agency * 17 % AGENCIES) / last), 0.0),
            };
            let hard = 0.05 + 0.75 * at / last;
            let shares = [0.9 - hard, 0.1, hard];
            shares
                .iter()
                .zip(RATES)
                .map(|(share, rate)| Chances::of(part(cases, *share), rate - less))
                .collect()
        });
        Self(agencies.collect())
    }

    /// A board of it.
    fn draw(&self, random: &mut SplitMix) -> Vec<Strata> {
        let agency = |strata: &Vec<Chances>| (0..).zip(strata.iter().map(|of| of.draw(random))).collect();
        self.0.iter().map(agency).collect()
    }
}

/// From 30 to 2,000, most of them small.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some cases, never negative")]
fn size(at: f64) -> u64 {
    (30.0 * (2_000.0_f64 / 30.0).powf(at)).round() as u64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some cases, never negative")]
fn part(cases: u64, share: f64) -> u64 {
    (float(cases) * share).round() as u64
}

fn compared(rows: &[Strata]) -> Vec<Fair> {
    let rows: Vec<_> = rows.iter().map(|strata| Observed { strata, is_in: true }).collect();
    figures(&Standard::of(rows.iter().copied()), &rows).into_iter().flatten().collect()
}

/// The same board by somebody who doesn't look at strata.
fn without_strata(rows: &[Strata]) -> Vec<Strata> {
    let one = |strata: &Strata| {
        let mut sum = Tally::default();
        for tally in strata.values() {
            sum += *tally;
        }
        Strata::from([(0, sum)])
    };
    rows.iter().map(one).collect()
}

/// How many rows there are, and how many of them are outside the limits of 95 % and of 99.8 %.
#[derive(Default)]
struct Outside {
    rows: u64,
    past_95: u64,
    past_998: u64,
}

impl Outside {
    fn add(&mut self, figures: &[Fair]) {
        for band in figures.iter().map(|fair| fair.funnel.band(fair.row.on_time)) {
            self.rows += 1;
            self.past_95 += u64::from(band != Band::Within);
            self.past_998 += u64::from(matches!(band, Band::Below998 | Band::Above998));
        }
    }

    fn share_95(&self) -> f64 {
        float(self.past_95) / float(self.rows)
    }

    fn share_998(&self) -> f64 {
        float(self.past_998) / float(self.rows)
    }

    /// What a share may be off by: three standard errors of as many rows.
    fn error(&self, share: f64) -> f64 {
        3.0 * (share * (1.0 - share) / float(self.rows)).sqrt()
    }
}

#[test]
fn agencies_of_equal_quality_are_outliers_no_more_often_than_the_limits_promise() {
    const BOARDS: usize = 2_000;
    const HARD: usize = 3 * AGENCIES as usize / 4;
    let (world, mut random) = (World::of(None), SplitMix(20));
    let [mut all, mut hard, mut blind, mut blind_hard] = [(); 4].map(|()| Outside::default());
    for number in 0..BOARDS {
        let rows = world.draw(&mut random);
        let figures = compared(&rows);
        all.add(&figures);
        hard.add(&figures[HARD..]);
        if number % 20 == 0 {
            let figures = compared(&without_strata(&rows));
            blind.add(&figures);
            blind_hard.add(&figures[HARD..]);
        }
    }
    assert_eq!(all.rows, 80_000);
    let (share_95, share_998) = (all.share_95(), all.share_998());
    assert!(share_95 <= 0.05 + all.error(0.05), "{share_95} are outside 95 %");
    assert!(share_998 <= 0.002 + all.error(0.002), "{share_998} are outside 99.8 %");
    // Nor are the limits so wide that nobody is ever outside.
    assert!(share_95 > 0.01 && share_998 > 0.000_1, "{share_95} {share_998}");
    // Those with the hardest cases are no exception; without strata most of them would be outliers.
    assert!(hard.share_95() <= 0.05 + hard.error(0.05), "{} of the hard", hard.share_95());
    assert!(blind.share_95() > 0.3, "{} without strata", blind.share_95());
    assert!(blind_hard.share_998() > 0.5, "{} of the hard without strata", blind_hard.share_998());
}

#[test]
fn an_agency_that_is_ten_points_worse_is_found() {
    const BOARDS: u32 = 400;
    const RANKED: u32 = 100;
    let worse = 20;
    let (world, mut random) = (World::of(Some((worse, 500, 0.1))), SplitMix(998));
    let (mut below, mut in_lower_half) = (0, 0);
    for number in 0..BOARDS {
        let figures = compared(&world.draw(&mut random));
        let fair = figures[worse as usize];
        below += u32::from(fair.funnel.band(fair.row.on_time) == Band::Below998);
        if number < RANKED {
            let beliefs: Vec<_> = figures.iter().map(|fair| fair.belief).collect();
            let (best, worst) = rank_intervals(&beliefs)[worse as usize];
            in_lower_half += u32::from(best > AGENCIES / 2 && worst <= AGENCIES);
        }
    }
    assert!(below * 100 >= BOARDS * 95, "below 99.8 % on {below} of {BOARDS} boards");
    assert!(in_lower_half * 100 >= RANKED * 95, "in the lower half of {in_lower_half} of {RANKED} boards");
}
