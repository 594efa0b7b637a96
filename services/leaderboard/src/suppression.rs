//! What a board keeps from callers other than inspectors, so that no figure tells about a handful of people.
//!
//! Guarantees, for one answer: no count under five is shown; none can be worked out from what is shown in its row,
//! from the totals of its group, or from both together; and the counts hidden in one column of a group don't add up
//! to less than five, so that their sum tells about no handful either. The reader is taken to know
//!
//! - the totals of the group, since they may stand elsewhere: an agency's row totals its units;
//! - the same board by the other clock, which shows the same cases;
//! - how many cases were open when the period began (the board of the period before says so), how many of the closed
//!   have no due time (the procedure decides that), and how many received have no known channel. These are no cells of
//!   a board, and are not protected, also where they are small.
//!
//! It refuses to know who asks, and what other answers a reader has seen. Differences between periods, or between two
//! instants of judgement, are not looked at; nor are those between two boards, except as said above.
//!
//! # Why nothing can be worked out
//!
//! A hidden count stays unknown if it can be exchanged: if some other hidden counts can change with it and leave every
//! known sum as it is. The rules hide counts in such a way that what can change within any row is made up of the same
//! few exchanges:
//!
//! - on time for late among the closed, one for each clock;
//! - late for in time among the open;
//! - online for another channel among the received;
//! - one more open, with one more received, in time and online;
//! - one more closed, with one more received, on time by each clock and online.
//!
//! Every exchange holds one count that no other holds, and the rule for columns hides it in two rows of the group or in
//! none. So whatever changes in one row can change back in another, and the totals stay. (Where the clocks of a row
//! agree, the first two are one exchange, which has a rule of its own.) The tests solve the whole system of sums, to be
//! sure.

use std::collections::{BTreeMap, BTreeSet};

use Clock::{Committed, Statutory};
use Count::{Closed, Late, OnTime, Online, Open, OpenInTime, OpenLate, Otherwise, Rated, Received, Steps};

/// A count below this is not shown, zero included: where nobody was late says as much as where one was.
const SHOWN_MIN: u64 = 5;

/// Which promise a case is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Clock {
    /// What law or decree says.
    Statutory,
    /// What the agency committed itself to.
    Committed,
}

/// The counts of one row of a board, all in cases if not said otherwise.
///
/// Late is given by both clocks, although a board shows one: the other is what is left of the closed, and stands on the
/// board by the other clock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cells {
    /// The code of the agency or unit, unique on the board.
    pub(crate) subject: String,
    /// Rows of the same group add up to a total that is known: for units the code of their agency; for agencies the
    /// same text in all rows.
    pub(crate) group: String,
    /// Received in the period.
    pub(crate) received: u64,
    /// Of the received, those whose channel is known.
    pub(crate) received_channel_known: u64,
    /// Of those, the ones that came in online.
    pub(crate) received_online: u64,
    /// Closed in the period.
    pub(crate) closed: u64,
    /// Of the closed, those on time by the statutory clock.
    pub(crate) closed_on_time_statutory: u64,
    /// Of the closed, those late by the statutory clock. What is left has no due time by it.
    pub(crate) closed_late_statutory: u64,
    /// Of the closed, those on time by the committed clock.
    pub(crate) closed_on_time_committed: u64,
    /// Of the closed, those late by the committed clock. What is left has no due time by it.
    pub(crate) closed_late_committed: u64,
    /// Open at the judged time.
    pub(crate) open: u64,
    /// Of the open, those past their due time by the board's clock.
    pub(crate) open_late: u64,
    /// Ratings of cases closed in the period.
    pub(crate) rated: u64,
    /// Steps done in the period.
    pub(crate) steps: u64,
}

/// A figure of a row that can be hidden. The rank is not among them: it stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Cell {
    /// Cases received.
    Received,
    /// Cases closed.
    Closed,
    /// Closed on time by the board's clock.
    ClosedOnTime,
    /// Closed late by the board's clock.
    ClosedLate,
    /// Closed on time by the statutory clock.
    ClosedOnTimeStatutory,
    /// Closed on time by the committed clock.
    ClosedOnTimeCommitted,
    /// Cases open.
    Open,
    /// Open and late by the board's clock.
    OpenLate,
    /// The on-time rate with both its bounds.
    OnTimeRate,
    /// The median of working days.
    MedianWorkingDays,
    /// The share of cases that came in online.
    OnlineShare,
    /// The mean rating.
    Rating,
    /// The number of ratings.
    Rated,
    /// Steps done.
    Steps,
}

/// The hidden figures of one row, in the order of [`Cell`].
pub(crate) type Hidden = BTreeSet<Cell>;

/// What to hide of a board by `clock`, row by row in the order given.
///
/// The order of the rows makes no difference; nor does the clock, but for the open and late and for which figures are
/// the board's own. Give all rows of a group, also when only some are asked for: what is hidden depends on them all.
pub(crate) fn suppress(rows: &[Cells], clock: Clock) -> Vec<Hidden> {
    let mut table = Table::of(rows);
    table.settle();
    table.hidden.iter().map(|hidden| figures(hidden, clock)).collect()
}

/// A count the rules reason about: one that a board shows, or one that is a difference of two it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Count {
    Closed,
    Open,
    Late(Clock),
    OpenLate,
    Received,
    OnTime(Clock),
    /// Open and not late: the difference of two figures.
    OpenInTime,
    /// Received online: the share times the received, or nearly so.
    Online,
    /// Received by another channel that is known.
    Otherwise,
    Rated,
    Steps,
}

impl Count {
    /// Every count, those first that other counts of their row follow: then a row hidden for the sake of one column
    /// serves the others too.
    const ALL: [Self; 13] = [
        Closed,
        Open,
        Late(Statutory),
        Late(Committed),
        OpenLate,
        Received,
        OnTime(Statutory),
        OnTime(Committed),
        OpenInTime,
        Online,
        Otherwise,
        Rated,
        Steps,
    ];
}

impl Cells {
    /// Differences of a row that contradicts itself are zero, and so hidden.
    fn count(&self, count: Count) -> u64 {
        match count {
            Closed => self.closed,
            Open => self.open,
            Late(Statutory) => self.closed_late_statutory,
            Late(Committed) => self.closed_late_committed,
            OpenLate => self.open_late,
            Received => self.received,
            OnTime(Statutory) => self.closed_on_time_statutory,
            OnTime(Committed) => self.closed_on_time_committed,
            OpenInTime => self.open.saturating_sub(self.open_late),
            Online => self.received_online,
            Otherwise => self.received_channel_known.saturating_sub(self.received_online),
            Rated => self.rated,
            Steps => self.steps,
        }
    }

    /// Whether both clocks say the same of the closed, as they do where an agency promises no more than the law.
    fn clocks_agree(&self) -> bool {
        self.closed_on_time_statutory == self.closed_on_time_committed
            && self.closed_late_statutory == self.closed_late_committed
    }
}

/// The rows of a board, and what is hidden of each so far. Counts are only ever added to that, so it comes to an end.
struct Table<'rows> {
    rows: &'rows [Cells],
    /// The rows of each group.
    groups: Vec<Vec<usize>>,
    hidden: Vec<BTreeSet<Count>>,
}

impl<'rows> Table<'rows> {
    /// Nothing is hidden yet.
    fn of(rows: &'rows [Cells]) -> Self {
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, row) in rows.iter().enumerate() {
            groups.entry(&row.group).or_default().push(index);
        }
        Self { rows, groups: groups.into_values().collect(), hidden: vec![BTreeSet::new(); rows.len()] }
    }

    /// Rule 3: applies the others until none hides anything more. A count hidden for its column gives work to the rule
    /// for rows, and the other way round.
    fn settle(&mut self) {
        for index in 0..self.rows.len() {
            // Rule 1: a count under five tells about people who can be named.
            let small = Count::ALL.into_iter().filter(|&count| self.rows[index].count(count) < SHOWN_MIN);
            self.hidden[index].extend(small);
            self.settle_row(index);
        }
        let groups = std::mem::take(&mut self.groups);
        for group in &groups {
            while Count::ALL.into_iter().any(|column| self.cover(group, column)) || self.part_clocks(group) {}
        }
        self.groups = groups;
    }

    /// Rule 2, for rows: hides what would give a hidden count of the row away, and what that gives away.
    fn settle_row(&mut self, index: usize) {
        let (row, hidden) = (&self.rows[index], &mut self.hidden[index]);
        loop {
            let more: Vec<Count> = hidden.iter().flat_map(|&count| companions(row, hidden, count)).collect();
            let before = hidden.len();
            hidden.extend(more);
            if hidden.len() == before {
                return;
            }
        }
    }

    /// Rule 2, for columns: a total less the visible gives the sum of the hidden. If that is one count, or a sum under
    /// five, the smallest visible count of the column joins them, at the least loss to the reader. False if there was
    /// nothing to do: also where nothing is visible, since then the total is under five itself, and hidden wherever it
    /// stands; and in a group of one row, which is its own total.
    fn cover(&mut self, group: &[usize], column: Count) -> bool {
        let (hidden, visible): (Vec<usize>, Vec<usize>) =
            group.iter().partition(|&&index| self.hidden[index].contains(&column));
        let hidden_sum: u64 = hidden.iter().map(|&index| self.rows[index].count(column)).sum();
        if hidden.is_empty() || (hidden.len() >= 2 && hidden_sum >= SHOWN_MIN) {
            return false;
        }
        let Some(index) = self.smallest(visible, column) else { return false };
        self.hide(index, column);
        true
    }

    /// Rule 2, for the totals of both clocks: rows whose clocks agree add the same to both, so that they cancel out in
    /// the difference, and leave the other rows to themselves. If those hide a figure by one clock only, and only one
    /// of them does so, or to a sum under five, the smallest of them hides it by the other clock too. False if there
    /// was nothing to do.
    fn part_clocks(&mut self, group: &[usize]) -> bool {
        let (agreeing, differing): (Vec<usize>, Vec<usize>) =
            group.iter().partition(|&&index| self.rows[index].clocks_agree());
        let figures: [fn(Clock) -> Count; 2] = [Late, OnTime];
        for (figure, clock) in
            figures.into_iter().flat_map(|figure| [(figure, Statutory), (figure, Committed)])
        {
            let hides = |index: usize, clock| self.hidden[index].contains(&figure(clock));
            let one_sided: Vec<usize> =
                differing.iter().copied().filter(|&index| hides(index, clock)).collect();
            let hidden_sum: u64 = one_sided.iter().map(|&index| self.rows[index].count(figure(clock))).sum();
            // Without an agreeing row among the hidden there is nothing to cancel out: the columns are enough.
            if !agreeing.iter().any(|&index| hides(index, clock))
                || differing.iter().any(|&index| hides(index, other(clock)))
                || (one_sided.len() >= 2 && hidden_sum >= SHOWN_MIN)
            {
                continue;
            }
            if let Some(index) = self.smallest(one_sided, figure(other(clock))) {
                self.hide(index, figure(other(clock)));
                return true;
            }
        }
        false
    }

    /// Of some rows the one with the smallest count; of equal ones the first by code, so that the order of the rows
    /// makes no difference.
    fn smallest(&self, among: Vec<usize>, count: Count) -> Option<usize> {
        among.into_iter().min_by_key(|&index| (self.rows[index].count(count), &self.rows[index].subject))
    }

    fn hide(&mut self, index: usize, count: Count) {
        self.hidden[index].insert(count);
        self.settle_row(index);
    }
}

/// What has to be hidden in a row of which `count` is hidden. The sums a reader can form are
///
/// - opening + received = closed + open, the opening being known;
/// - closed = on time + late + without a due time, by each clock, the last being known;
/// - open = late + in time;
/// - received = online + otherwise + of unknown channel, the last being known.
///
/// One hidden count in a sum can be worked out, so there must be a second. Which one is fixed here, also where another
/// would do: the module's argument rests on it. Where there is a choice it falls on what the reader misses least, and
/// never on the closed, without which there is no rate.
fn companions(row: &Cells, hidden: &BTreeSet<Count>, count: Count) -> Vec<Count> {
    let visible = |count| !hidden.contains(&count);
    match count {
        Closed => vec![Received, OnTime(Statutory), OnTime(Committed)],
        Open => vec![Received, OpenInTime],
        // With received goes the share, and so the channels of the row: known here, they count for their columns.
        Received if visible(Closed) && visible(Open) => vec![Online, Otherwise, Open],
        Received => vec![Online, Otherwise],
        // Two clocks that agree are one figure shown twice.
        Late(clock) if row.clocks_agree() => vec![OnTime(clock), Late(other(clock))],
        Late(clock) => vec![OnTime(clock)],
        OnTime(clock) if visible(Closed) => vec![Late(clock)],
        OnTime(_) => vec![],
        OpenLate => vec![OpenInTime],
        OpenInTime if visible(Open) => vec![OpenLate],
        OpenInTime => vec![],
        Online => vec![Otherwise],
        Otherwise => vec![Online],
        Rated | Steps => vec![],
    }
}

fn other(clock: Clock) -> Clock {
    match clock {
        Statutory => Committed,
        Committed => Statutory,
    }
}

/// The figures of a board by `clock` that go with hidden counts.
fn figures(hidden: &BTreeSet<Count>, clock: Clock) -> Hidden {
    let any = |counts: &[Count]| counts.iter().any(|count| hidden.contains(count));
    let figures = [
        (Cell::Received, any(&[Received])),
        (Cell::Closed, any(&[Closed])),
        (Cell::ClosedOnTime, any(&[OnTime(clock)])),
        (Cell::ClosedLate, any(&[Late(clock)])),
        (Cell::ClosedOnTimeStatutory, any(&[OnTime(Statutory)])),
        (Cell::ClosedOnTimeCommitted, any(&[OnTime(Committed)])),
        (Cell::Open, any(&[Open])),
        (Cell::OpenLate, any(&[OpenLate])),
        // Rule 4: a figure worked out from counts goes with them. A rate and the counts that are left give the missing
        // one; so do its bounds.
        (Cell::OnTimeRate, any(&[OnTime(clock), Late(clock), Closed, OpenLate])),
        // A median of under five cases is nearly one person's case.
        (Cell::MedianWorkingDays, any(&[Closed])),
        // The share times the received gives the online and the rest.
        (Cell::OnlineShare, any(&[Received, Online, Otherwise])),
        // The mean of one rating is that rating.
        (Cell::Rating, any(&[Rated])),
        (Cell::Rated, any(&[Rated])),
        (Cell::Steps, any(&[Steps])),
    ];
    figures.into_iter().filter_map(|(cell, is_hidden)| is_hidden.then_some(cell)).collect()
}

#[cfg(test)]
mod tests;
