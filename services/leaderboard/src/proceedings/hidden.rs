//! What of the counts of proceedings is kept from callers other than inspectors.
//!
//! A count under five is hidden, and so are others of its group as long as it could be told from their sum. How many
//! of the decided are not final yet is a count too, though no cell: final ones go with it.

use std::collections::BTreeMap;

use crate::{
    board::{By, Counts},
    reports,
};

/// A count of people below this is not shown to everyone.
const SHOWN_MIN: u64 = 5;

/// What is hidden in a row.
#[expect(clippy::struct_excessive_bools, reason = "one for each count")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SanctionsHidden {
    pub(crate) decided: bool,
    pub(crate) is_final: bool,
    pub(crate) party: bool,
    pub(crate) heads: bool,
}

/// Marks in each row what is hidden in it. Give all rows of a group: what is hidden depends on them all.
pub(crate) fn hide(rows: &mut [Counts], by: By) {
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, row) in rows.iter().enumerate() {
        let group = if by == By::Unit { row.agency.clone() } else { String::new() };
        groups.entry(group).or_default().push(place);
    }
    for places in groups.values() {
        let of = |count: fn(&Counts) -> u64| -> Vec<u64> {
            places.iter().map(|place| count(&rows[*place])).collect()
        };
        let (party, heads) = (of(|row| row.sanctions.party), of(|row| row.sanctions.heads));
        let (party, heads) = (reports::hidden(&party), reports::hidden(&heads));
        let (decided, is_final) =
            decided_and_final(&of(|row| row.sanctions.decided), &of(|row| row.sanctions.is_final));
        for (n, place) in places.iter().enumerate() {
            rows[*place].sanctions.hidden = SanctionsHidden {
                decided: decided[n],
                is_final: is_final[n],
                party: party[n],
                heads: heads[n],
            };
        }
    }
}

/// What is hidden of the decided, and of the final among them.
fn decided_and_final(decided: &[u64], is_final: &[u64]) -> (Vec<bool>, Vec<bool>) {
    let rest: Vec<u64> = decided.iter().zip(is_final).map(|(decided, is_final)| decided - is_final).collect();
    let decided_hidden = reports::hidden(decided);
    // Whoever knows two of a row's three knows the third: a hidden number of decided takes the other two along.
    let mut hidden: Vec<bool> = (0..decided.len())
        .map(|n| decided_hidden[n] || is_final[n] < SHOWN_MIN || rest[n] < SHOWN_MIN)
        .collect();
    loop {
        let sum = |counts: &[u64]| -> u64 {
            counts.iter().zip(&hidden).filter(|(_, hidden)| **hidden).map(|(count, _)| count).sum()
        };
        let number = hidden.iter().filter(|hidden| **hidden).count();
        let is_settled = number == 0 || (number > 1 && sum(is_final) >= SHOWN_MIN && sum(&rest) >= SHOWN_MIN);
        let shown = (0..hidden.len()).filter(|n| !hidden[*n]);
        match shown.min_by_key(|n| is_final[*n]) {
            Some(n) if !is_settled => hidden[n] = true,
            _ => return (decided_hidden, hidden),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proceedings::Sanctions;

    #[test]
    fn few_that_are_not_final_hide_the_final() {
        let shown = |decided: &[u64], is_final: &[u64]| decided_and_final(decided, is_final);
        assert_eq!(shown(&[20, 30], &[10, 20]), (vec![false, false], vec![false, false]));
        // Two are open to appeal: so the final are hidden, and those of another row, which would tell them.
        assert_eq!(shown(&[20, 30], &[18, 20]), (vec![false, false], vec![true, true]));
        // One alone, and nothing else to hide.
        assert_eq!(shown(&[20], &[20]), (vec![false], vec![true]));
        // The hidden add up to enough of each.
        let (decided, is_final) = shown(&[20, 30, 40, 50], &[18, 26, 20, 20]);
        assert_eq!((decided, is_final), (vec![false; 4], vec![true, true, false, false]));
        assert_eq!(shown(&[4, 30, 40], &[4, 20, 20]).0, [true, true, false]);
        assert_eq!(shown(&[4, 30, 40], &[4, 20, 20]).1, [true, true, false]);
    }

    #[test]
    fn units_are_hidden_among_those_of_their_agency() {
        let row = |agency: &str, decided, is_final, heads| Counts {
            agency: agency.into(),
            sanctions: Sanctions { decided, is_final, heads, ..Sanctions::default() },
            ..Counts::default()
        };
        let mut rows = [row("A", 30, 20, 9), row("A", 2, 1, 8), row("B", 30, 20, 7), row("B", 60, 50, 1)];
        hide(&mut rows, By::Unit);
        let hidden = rows.each_ref().map(|row| row.sanctions.hidden);
        let all = |decided, heads| SanctionsHidden { decided, is_final: decided, party: true, heads };
        assert_eq!(hidden, [all(true, false), all(true, false), all(false, true), all(false, true)]);
        hide(&mut rows, By::Agency);
        assert_eq!(rows.each_ref().map(|row| row.sanctions.hidden.decided), [true, true, false, false]);
    }
}
