//! The rows of a board beside each other, as a caller may see them.
//!
//! What is hidden from a caller is no part of what the others are compared with: nothing that is shown depends on a row
//! whose on-time counts are hidden, so nothing shown gives them away.

use std::collections::BTreeMap;

use crate::{
    board::Counts,
    fair::{self, Fair, Observed, Standard},
    strata::Strata,
};

/// The standard, and each row by it.
pub(crate) struct Comparison {
    pub(crate) standard: Standard,
    /// Of each row, in the order given; none for rows that are not seen, or have no judged case.
    pub(crate) figures: Vec<Option<Fair>>,
}

impl Comparison {
    /// Compares those rows that are seen, of all rows of a board.
    pub(crate) fn of(
        rows: &[Counts],
        strata: &BTreeMap<String, Strata>,
        is_seen: impl Fn(usize) -> bool,
    ) -> Self {
        let none = Strata::new();
        let observed: Vec<_> = rows
            .iter()
            .enumerate()
            .map(|(place, row)| Observed {
                strata: strata.get(&row.subject).unwrap_or(&none),
                is_in: is_seen(place),
            })
            .collect();
        let standard = Standard::of(observed.iter().copied());
        let figures = fair::figures(&standard, &observed);
        Self { standard, figures }
    }
}
