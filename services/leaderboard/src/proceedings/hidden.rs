//! What of the counts of proceedings is kept from callers other than inspectors.
//!
//! A count under five is hidden, and so are others of its group as long as it could be told from their sum. How many
//! of the decided are not final yet is a count too, though no cell: final ones go with it. What is about no unit of an
//! agency has no cell either, and is told by the agency's row less its units'.

use std::collections::BTreeMap;

use crate::{
    board::{By, Counts, Unitless},
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

/// Marks in each row what is hidden in it. Give all rows of a group: what is hidden depends on them all, and on what is
/// about no unit.
pub(crate) fn hide(rows: &mut [Counts], by: By, unitless: &Unitless) {
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, row) in rows.iter().enumerate() {
        let group = if by == By::Unit { row.agency.clone() } else { String::new() };
        groups.entry(group).or_default().push(place);
    }
    for (group, places) in groups {
        let left = unitless.get(&group).map(|(_, sanctions)| *sanctions).unwrap_or_default();
        let of = |count: fn(&Counts) -> u64| -> Vec<u64> {
            places.iter().map(|place| count(&rows[*place])).collect()
        };
        let party = reports::hidden_beside(&of(|row| row.sanctions.party), left.party);
        let heads = reports::hidden_beside(&of(|row| row.sanctions.heads), left.heads);
        let (decided, is_final) = decided_and_final(
            &of(|row| row.sanctions.decided),
            &of(|row| row.sanctions.is_final),
            (left.decided, left.is_final),
        );
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

/// What is hidden of the decided, and of the final among them, beside those that are left of a sum.
fn decided_and_final(decided: &[u64], is_final: &[u64], left: (u64, u64)) -> (Vec<bool>, Vec<bool>) {
    let rest: Vec<u64> = decided.iter().zip(is_final).map(|(decided, is_final)| decided - is_final).collect();
    let (left_final, left_rest) = (left.1, left.0 - left.1);
    let decided_hidden = reports::hidden_beside(decided, left.0);
    // Whoever knows two of a row's three knows the third: a hidden number of decided takes the other two along.
    let mut hidden: Vec<bool> = (0..decided.len())
        .map(|n| decided_hidden[n] || is_final[n] < SHOWN_MIN || rest[n] < SHOWN_MIN)
        .collect();
    loop {
        let sum = |counts: &[u64], left: u64| -> u64 {
            counts.iter().zip(&hidden).filter(|(_, hidden)| **hidden).map(|(count, _)| count).sum::<u64>()
                + left
        };
        let number = usize::from(left.0 > 0) + hidden.iter().filter(|hidden| **hidden).count();
        let is_enough = sum(is_final, left_final) >= SHOWN_MIN && sum(&rest, left_rest) >= SHOWN_MIN;
        // Where nothing but what is left is hidden, it may be told.
        let is_settled = number == 0 || (is_enough && (number > 1 || !hidden.contains(&true)));
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
        let shown = |decided: &[u64], is_final: &[u64]| decided_and_final(decided, is_final, (0, 0));
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
        hide(&mut rows, By::Unit, &Unitless::new());
        let hidden = rows.each_ref().map(|row| row.sanctions.hidden);
        let all = |decided, heads| SanctionsHidden { decided, is_final: decided, party: true, heads };
        assert_eq!(hidden, [all(true, false), all(true, false), all(false, true), all(false, true)]);
        hide(&mut rows, By::Agency, &Unitless::new());
        assert_eq!(rows.each_ref().map(|row| row.sanctions.hidden.decided), [true, true, false, false]);
    }

    #[test]
    fn what_is_about_no_unit_is_hidden_with_units_of_its_agency() {
        let row = |agency: &str| Counts {
            agency: agency.into(),
            sanctions: Sanctions { decided: 40, is_final: 20, party: 9, heads: 8, ..Sanctions::default() },
            ..Counts::default()
        };
        let hidden = |left: Sanctions| {
            let mut rows = [row("A"), row("A"), row("B"), row("B")];
            let unitless = Unitless::from([("A".to_owned(), (reports::Conduct::default(), left))]);
            hide(&mut rows, By::Unit, &unitless);
            rows.map(|row| row.sanctions.hidden)
        };
        let none = SanctionsHidden::default();
        assert_eq!(hidden(Sanctions::default()), [none; 4]);
        // Three, of which two are final: the agency's row less its units' would say so.
        let few = Sanctions { decided: 3, is_final: 2, party: 1, ..Sanctions::default() };
        let first = SanctionsHidden { decided: true, is_final: true, party: true, heads: false };
        assert_eq!(hidden(few), [first, none, none, none]);
        // Enough of each to be told; and where all are final, none that isn't.
        assert_eq!(hidden(Sanctions { decided: 30, is_final: 20, ..Sanctions::default() }), [none; 4]);
        let is_final = SanctionsHidden { is_final: true, ..none };
        assert_eq!(
            hidden(Sanctions { decided: 20, is_final: 20, ..Sanctions::default() }),
            [is_final, none, none, none]
        );
    }
}
