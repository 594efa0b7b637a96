//! Standardisation and shrinkage, on rows of known figures.

use proptest::prelude::*;

use super::*;
use crate::strata::Tally;

/// The strata of a row: of each its number, cases judged and cases on time.
fn strata(of: &[(u32, u64, u64)]) -> Strata {
    let tally = |judged, on_time| Tally { judged, on_time, ..Tally::default() };
    of.iter().map(|&(stratum, judged, on_time)| (stratum, tally(judged, on_time))).collect()
}

/// The figures of rows, all of them in the standard.
fn compared(rows: &[Strata]) -> Vec<Option<Fair>> {
    let rows: Vec<_> = rows.iter().map(|strata| Observed { strata, is_in: true }).collect();
    figures(&Standard::of(rows.iter().copied()), &rows)
}

#[track_caller]
fn near(value: f64, expected: f64) {
    assert!((value - expected).abs() < 1e-9, "{value} is not {expected}");
}

#[test]
fn a_row_is_expected_to_do_what_all_do_with_its_cases() {
    // Of the easy 180 of 200 are on time, of the hard 60 of 100.
    let rows = [strata(&[(1, 150, 140), (2, 20, 10)]), strata(&[(1, 50, 40), (2, 80, 50)]), strata(&[])];
    let figures = compared(&rows);
    let [Some(easy), Some(hard), None] = figures[..] else { panic!("{figures:?}") };
    near(easy.expected, 150.0 * 0.9 + 20.0 * 0.6);
    near(hard.expected, 50.0 * 0.9 + 80.0 * 0.6);
    near(easy.observed_to_expected().unwrap(), 150.0 / 147.0);
    near(hard.observed_to_expected().unwrap(), 90.0 / 93.0);
    // 240 of 300 overall: below what is expected so much of it; above it, so many of the late.
    near(hard.adjusted, 0.8 * 90.0 / 93.0);
    near(easy.adjusted, 1.0 - 0.2 * 20.0 / 23.0);
}

#[test]
fn what_is_not_in_the_standard_changes_nothing() {
    let (one, other) = (strata(&[(1, 50, 40)]), strata(&[(1, 50, 30)]));
    let of = |late: u64| {
        let hides = strata(&[(1, 90, 90 - late), (3, 5, 5)]);
        let rows = [(&one, true), (&hides, false), (&other, true)];
        let rows = rows.map(|(strata, is_in)| Observed { strata, is_in });
        figures(&Standard::of(rows.into_iter()), &rows)
    };
    assert_eq!(of(0), of(4));
    assert_eq!(of(0)[1], None);
}

#[test]
fn few_cases_are_drawn_to_the_overall_rate_and_many_are_not() {
    // Eleven rows of 900 cases, from 70 % to 90 %, and one of 10 of which all are on time.
    let mut rows: Vec<_> = (0..11).map(|n| strata(&[(1, 900, 630 + 18 * n)])).collect();
    rows.push(strata(&[(1, 10, 10)]));
    let figures = compared(&rows);
    let (first, small) = (figures[0].unwrap(), figures[11].unwrap());
    assert!((first.belief.mean() - 0.7).abs() < 0.01, "{first:?}");
    assert!(small.adjusted > 0.999 && (0.8..0.9).contains(&small.belief.mean()), "{small:?}");
    let (lower, upper) = small.bounds().unwrap();
    assert!(lower < 0.75 && upper > 0.88, "{lower} {upper}");
    let (lower, upper) = first.bounds().unwrap();
    assert!(lower > 0.67 && upper < 0.74, "{lower} {upper}");
}

#[test]
fn rows_that_differ_by_chance_alone_are_all_drawn_to_the_overall_rate() {
    let rows: Vec<_> = (0..20).map(|n| strata(&[(1, 100, 85 + n % 3)])).collect();
    for fair in compared(&rows).into_iter().flatten() {
        assert!((fair.belief.mean() - 0.86).abs() < 0.002, "{fair:?}");
    }
}

#[test]
fn alone_or_without_a_late_case_there_are_figures_all_the_same() {
    for rows in [vec![strata(&[(1, 1, 1)])], vec![strata(&[(1, 40, 0)]), strata(&[(1, 2, 0)])]] {
        for fair in compared(&rows).into_iter().flatten() {
            let (lower, upper) = fair.bounds().unwrap();
            assert!(lower >= 0.0 && upper <= 1.0 && lower < upper, "{fair:?} {lower} {upper}");
        }
    }
    let all_late = compared(&[strata(&[(1, 40, 0)])]);
    assert_eq!(all_late[0].unwrap().observed_to_expected(), None);
}

/// The prior of rates that were made from a known one is near to it.
#[test]
fn the_prior_is_the_one_that_rates_come_from() {
    // The middles of two hundred stretches of a beta distribution, without the chance of cases.
    let beta = Beta::new(40.0, 10.0).unwrap();
    let rows: Vec<_> = (0..200)
        .map(|n| Measured {
            row: Share::default(),
            expected: 0.0,
            adjusted: beta.inverse_cdf((f64::from(n) + 0.5) / 200.0),
            variance: 0.0,
            cases: 100_000.0,
        })
        .collect();
    let prior = Belief::prior(&rows);
    assert!(
        (prior.mean() - 0.8).abs() < 0.002 && (prior.on_time + prior.late - 50.0).abs() < 3.0,
        "{prior:?}"
    );
}

fn rows() -> impl Strategy<Value = Vec<Strata>> {
    let share = (0_u64..400).prop_flat_map(|judged| (Just(judged), 0..=judged));
    prop::collection::vec(prop::collection::vec(share, 3), 1..9).prop_map(|rows| {
        let row = |row: Vec<(u64, u64)>| {
            let shares = (1..).zip(row).map(|(stratum, (judged, on_time))| (stratum, judged, on_time));
            strata(&shares.collect::<Vec<_>>())
        };
        rows.into_iter().map(row).collect()
    })
}

proptest! {
    /// What is expected of all is what all did; every rate is one, between its bounds and on the same side as the row.
    #[test]
    fn figures_are_of_one_piece(rows in rows()) {
        let figures: Vec<Fair> = compared(&rows).into_iter().flatten().collect();
        let observed: u64 = figures.iter().map(|fair| fair.row.on_time).sum();
        let judged: u64 = figures.iter().map(|fair| fair.row.judged).sum();
        let expected: f64 = figures.iter().map(|fair| fair.expected).sum();
        prop_assert!((expected - float(observed)).abs() < 1e-6);
        for fair in figures {
            let overall = float(observed) / float(judged);
            let better = float(fair.row.on_time) - fair.expected;
            prop_assert!((0.0..=1.0).contains(&fair.adjusted));
            prop_assert!(better.abs() < 1e-9 || (fair.adjusted - overall) * better >= -1e-12, "{:?}", fair);
            let (lower, upper) = fair.bounds().unwrap();
            let mean = fair.belief.mean();
            prop_assert!((0.0..=upper).contains(&lower) && upper <= 1.0, "{:?} {} {}", fair, lower, upper);
            prop_assert!(fair.belief.deviation() < 0.05 || (lower..=upper).contains(&mean), "{:?}", fair);
            let Funnel { lower_998, lower_95, upper_95, upper_998 } = fair.funnel;
            prop_assert!(lower_998 <= lower_95 && lower_95 <= upper_95 && upper_95 <= upper_998);
            prop_assert!(upper_998 <= fair.row.judged);
        }
    }
}
