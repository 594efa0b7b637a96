//! The order of a board.
//!
//! Guarantees that the order depends on the figures and the codes alone, never on the order in which the rows came.
//! It refuses to know what the rows are, and by which clock they were judged.

use crate::wilson::{Interval, wilson};

/// With fewer judged cases than this a row has no rank: one late case would move it across the board.
pub(crate) const RANKED_MIN: u64 = 30;

/// What a row is ranked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing<'row> {
    /// The code of the agency or unit, unique on the board.
    pub(crate) subject: &'row str,
    /// Cases that are judged: closed with a due time, and open past it.
    pub(crate) judged: u64,
    /// Of the judged, those on time.
    pub(crate) on_time: u64,
}

/// A row in its place on the board.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Placed<Row> {
    /// The row, untouched.
    pub(crate) row: Row,
    /// From 1, ties sharing one and leaving a gap after them: 1, 1, 3. `None` below [`RANKED_MIN`].
    pub(crate) rank: Option<u32>,
    /// Of the on-time rate. Rows without a rank have one too, if a case of theirs was judged.
    pub(crate) interval: Option<Interval>,
}

/// Puts the rows in order: by the lower bound, the best first, within a tie by code; those without a rank last, by
/// code.
///
/// The bound is compared as it is shown, to six decimals: two rows that look the same share a rank.
pub(crate) fn ranked<Row>(
    rows: Vec<Row>,
    standing: impl for<'row> Fn(&'row Row) -> Standing<'row>,
) -> Vec<Placed<Row>> {
    let mut placed: Vec<Placed<Row>> = rows
        .into_iter()
        .map(|row| {
            let Standing { on_time, judged, .. } = standing(&row);
            Placed { interval: wilson(on_time, judged), rank: None, row }
        })
        .collect();
    // The bound which decides, where the row is to have a rank.
    let bound = |row: &Placed<Row>| {
        row.interval.filter(|_| standing(&row.row).judged >= RANKED_MIN).map(|interval| interval.lower)
    };
    placed.sort_by(|one, other| {
        // The other first: the greater bound comes first, and none (the least there is) last.
        let (of_one, of_other) = (bound(one), bound(other));
        of_other
            .is_some()
            .cmp(&of_one.is_some())
            .then_with(|| of_other.unwrap_or_default().total_cmp(&of_one.unwrap_or_default()))
            .then_with(|| standing(&one.row).subject.cmp(standing(&other.row).subject))
    });
    let mut tie: Option<(f64, u32)> = None;
    for (row, position) in placed.iter_mut().zip(1u32..) {
        let Some(lower) = bound(row) else { break };
        // Both bounds were rounded to the same grid, so that equal ones are equal to the bit.
        let rank =
            tie.filter(|(tied, _)| tied.to_bits() == lower.to_bits()).map_or(position, |(_, rank)| rank);
        row.rank = Some(rank);
        tie = Some((lower, rank));
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Row = (&'static str, u64, u64);

    /// Ranks rows of (code, on time, judged).
    fn board(rows: &[Row]) -> Vec<(&'static str, Option<u32>)> {
        let placed =
            ranked(rows.to_vec(), |&(subject, on_time, judged)| Standing { subject, judged, on_time });
        placed.into_iter().map(|place| (place.row.0, place.rank)).collect()
    }

    #[test]
    fn the_better_proven_share_stands_first() {
        // 30 of 30 are worth less than 990 of 1,000: the first may be luck.
        let rows = [("H57", 30, 30), ("G22", 990, 1_000), ("H01", 800, 1_000)];
        assert_eq!(board(&rows), [("G22", Some(1)), ("H57", Some(2)), ("H01", Some(3))]);
    }

    #[test]
    fn ties_share_a_rank_and_leave_a_gap() {
        let rows = [("D", 30, 40), ("C", 35, 40), ("B", 39, 40), ("A", 39, 40), ("E", 30, 40)];
        assert_eq!(
            board(&rows),
            [("A", Some(1)), ("B", Some(1)), ("C", Some(3)), ("D", Some(4)), ("E", Some(4))]
        );
    }

    #[test]
    fn few_cases_have_no_rank_and_stand_last_by_code() {
        let rows = [("C", 29, 29), ("B", 0, 30), ("Z", 0, 0), ("A", 1, 2)];
        assert_eq!(board(&rows), [("B", Some(1)), ("A", None), ("C", None), ("Z", None)]);
    }

    #[test]
    fn rows_without_a_rank_have_an_interval_if_a_case_was_judged() {
        let rows: Vec<Row> = vec![("A", 8, 10), ("B", 0, 0)];
        let placed = ranked(rows, |&(subject, on_time, judged)| Standing { subject, judged, on_time });
        assert_eq!(placed[0].interval, Some(Interval { lower: 0.490_157, upper: 0.943_319 }));
        assert_eq!(placed[1].interval, None);
    }

    #[test]
    fn an_empty_board_is_empty() {
        assert_eq!(board(&[]), []);
    }

    proptest! {
        #[test]
        fn ranks_count_the_better_rows_whatever_the_order(
            counts in prop::collection::vec((0u64..60, 0u64..8), 0..12),
            seed in any::<prop::sample::Index>(),
        ) {
            let rows: Vec<(String, u64, u64)> = counts
                .iter()
                .enumerate()
                .map(|(number, &(judged, late))| (format!("H{number:02}"), judged.saturating_sub(late), judged))
                .collect();
            let mut turned = rows.clone();
            turned.rotate_left(seed.index(rows.len().max(1)));
            turned.reverse();
            let by_figures = |rows| ranked(rows, |(subject, on_time, judged): &(String, u64, u64)| Standing {
                subject, judged: *judged, on_time: *on_time,
            });
            let placed = by_figures(rows);
            prop_assert_eq!(&placed, &by_figures(turned));

            let lower = |place: &Placed<_>| place.interval.map(|interval| interval.lower);
            let ranked_count = placed.iter().take_while(|place| place.rank.is_some()).count();
            let (with_rank, without) = placed.split_at(ranked_count);
            for place in with_rank {
                let better = with_rank.iter().filter(|other| lower(other) > lower(place)).count();
                prop_assert!(place.row.2 >= RANKED_MIN);
                prop_assert_eq!(place.rank.map(u64::from), u64::try_from(better + 1).ok());
            }
            prop_assert!(without.iter().all(|place| place.rank.is_none() && place.row.2 < RANKED_MIN));
            prop_assert!(without.is_sorted_by_key(|place| &place.row.0));
        }
    }
}
