//! The rules of suppression, as properties.

use super::*;
use proptest::prelude::*;

// ---- Rows to start from ----

/// A row of which nothing is small, and whose figures differ from each other.
fn big(subject: &str) -> Cells {
    Cells {
        subject: subject.to_owned(),
        group: "H57".to_owned(),
        received: 200,
        received_channel_known: 190,
        received_online: 90,
        closed: 180,
        closed_on_time_statutory: 130,
        closed_late_statutory: 50,
        closed_on_time_committed: 110,
        closed_late_committed: 60,
        open: 40,
        open_late: 15,
        rated: 70,
        steps: 900,
    }
}

/// Three of these, the first changed.
fn first_of_three(change: impl Fn(&mut Cells)) -> Vec<Cells> {
    let mut rows = vec![big("A"), big("B"), big("C")];
    change(&mut rows[0]);
    rows
}

fn alone(change: impl Fn(&mut Cells)) -> Vec<Cell> {
    let mut row = big("A");
    change(&mut row);
    let hidden = suppress(&[row], Committed).remove(0);
    hidden.into_iter().collect()
}

// ---- Rules, one by one ----

#[test]
fn big_rows_are_shown_whole() {
    assert_eq!(suppress(&first_of_three(|_| ()), Committed), vec![Hidden::new(); 3]);
    assert_eq!(suppress(&[], Committed), Vec::<Hidden>::new());
}

#[test]
fn counts_under_five_are_hidden_and_zero_too() {
    for count in [0, 1, 4] {
        assert_eq!(alone(|row| row.steps = count), [Cell::Steps]);
        assert_eq!(alone(|row| row.rated = count), [Cell::Rating, Cell::Rated]);
    }
    assert_eq!(alone(|row| row.steps = 5), []);
}

#[test]
fn late_hides_on_time_by_the_same_clock_alone() {
    assert_eq!(
        alone(|row| row.closed_late_committed = 2),
        [Cell::ClosedOnTime, Cell::ClosedLate, Cell::ClosedOnTimeCommitted, Cell::OnTimeRate]
    );
    // The board is by the committed clock, and shows no late by the other; the reader would take the difference.
    assert_eq!(alone(|row| row.closed_late_statutory = 2), [Cell::ClosedOnTimeStatutory]);
    assert_eq!(
        alone(|row| row.closed_on_time_committed = 2),
        [Cell::ClosedOnTime, Cell::ClosedLate, Cell::ClosedOnTimeCommitted, Cell::OnTimeRate]
    );
}

#[test]
fn clocks_that_agree_are_hidden_together() {
    // Within the group another row is smallest by one clock only: without the rule, the equal figure by the other
    // clock would give row B away.
    let mut rows = first_of_three(|row| (row.closed_late_statutory, row.closed_late_committed) = (2, 60));
    (rows[1].closed_on_time_committed, rows[1].closed_late_committed) = (130, 50);
    let hidden = suppress(&rows, Statutory);
    assert!(hidden[1].contains(&Cell::ClosedOnTimeStatutory));
    assert!(hidden[1].contains(&Cell::ClosedOnTimeCommitted));
}

#[test]
fn the_only_row_whose_clocks_differ_hides_both() {
    // B and C hide their late by both clocks, A by the statutory one. The difference of the totals is that of A,
    // whose committed late would give the statutory.
    let mut rows = first_of_three(|row| row.closed_late_statutory = 2);
    for (row, late) in rows[1..].iter_mut().zip([3, 4]) {
        (row.closed_on_time_statutory, row.closed_late_statutory) = (130, late);
        (row.closed_on_time_committed, row.closed_late_committed) = (130, late);
    }
    for hidden in suppress(&rows, Committed) {
        assert!(hidden.contains(&Cell::ClosedLate));
    }
}

#[test]
fn rows_whose_clocks_differ_do_not_sum_to_under_five() {
    // A and B hide 0 and 2 late by the statutory clock alone; C and D, by both clocks, cancel out.
    let mut rows = vec![big("A"), big("B"), big("C"), big("D")];
    for (row, late) in rows.iter_mut().zip([0, 2, 9, 20]) {
        row.closed_late_statutory = late;
    }
    for row in &mut rows[2..] {
        row.closed_on_time_committed = row.closed_on_time_statutory;
        row.closed_late_committed = row.closed_late_statutory;
    }
    let hidden = suppress(&rows, Committed);
    let by_committed: Vec<bool> = hidden.iter().map(|hidden| hidden.contains(&Cell::ClosedLate)).collect();
    assert_eq!(by_committed, [true, false, true, true]);
}

#[test]
fn a_small_row_takes_one_other_along_and_no_more() {
    // B is smallest by what rows are hidden for; C by what then goes with it, and is spared.
    let mut rows = first_of_three(|row| {
        (row.received, row.received_channel_known, row.received_online) = (2, 2, 1);
        (row.open, row.open_late) = (4, 2);
    });
    (rows[1].received, rows[1].open, rows[1].open_late) = (150, 30, 12);
    (rows[2].received_online, rows[2].open_late) = (60, 31);
    let hidden = suppress(&rows, Committed);
    let along = [Cell::Received, Cell::Open, Cell::OpenLate, Cell::OnTimeRate, Cell::OnlineShare];
    assert_eq!(hidden, [Hidden::from(along), Hidden::from(along), Hidden::new()]);

    // The same for the channels, and for the open that are in time.
    let mut rows = first_of_three(|row| (row.received_channel_known, row.received_online) = (4, 2));
    (rows[1].received_online, rows[2].received_channel_known) = (50, 100);
    let along = Hidden::from([Cell::OnlineShare]);
    assert_eq!(suppress(&rows, Committed), [along.clone(), along, Hidden::new()]);
    let mut rows = first_of_three(|row| row.open_late = 38);
    (rows[1].open_late, rows[2].open_late) = (12, 31);
    let along = Hidden::from([Cell::OpenLate, Cell::OnTimeRate]);
    assert_eq!(suppress(&rows, Committed), [along.clone(), along, Hidden::new()]);
}

#[test]
fn few_open_in_time_hide_the_open_late() {
    assert_eq!(alone(|row| row.open_late = 38), [Cell::OpenLate, Cell::OnTimeRate]);
    assert_eq!(alone(|row| row.open_late = 2), [Cell::OpenLate, Cell::OnTimeRate]);
}

#[test]
fn few_open_hide_the_received() {
    // Over all of time, received less closed is open.
    assert_eq!(
        alone(|row| (row.open, row.open_late) = (2, 1)),
        [Cell::Received, Cell::Open, Cell::OpenLate, Cell::OnTimeRate, Cell::OnlineShare]
    );
}

#[test]
fn few_closed_hide_all_that_are_among_them() {
    let hidden = alone(|row| {
        row.closed = 4;
        (row.closed_on_time_statutory, row.closed_late_statutory) = (3, 1);
        (row.closed_on_time_committed, row.closed_late_committed) = (3, 1);
    });
    for cell in [Cell::Closed, Cell::ClosedOnTime, Cell::ClosedLate, Cell::MedianWorkingDays, Cell::Received]
    {
        assert!(hidden.contains(&cell), "{cell:?}");
    }
    assert!(!hidden.contains(&Cell::Open));
}

#[test]
fn few_online_or_otherwise_hide_the_share() {
    assert_eq!(alone(|row| row.received_online = 3), [Cell::OnlineShare]);
    assert_eq!(alone(|row| row.received_online = 187), [Cell::OnlineShare]);
}

#[test]
fn one_hidden_count_of_a_column_hides_the_next_smallest() {
    let mut rows = first_of_three(|row| row.steps = 3);
    rows[1].steps = 500;
    let hidden = suppress(&rows, Committed);
    assert_eq!(hidden, [Hidden::from([Cell::Steps]), Hidden::from([Cell::Steps]), Hidden::new()]);
}

#[test]
fn hidden_counts_that_sum_to_under_five_hide_another() {
    // Two zeros: from the total the reader would know that both are.
    let mut rows = first_of_three(|row| row.steps = 0);
    rows[1].steps = 0;
    assert_eq!(suppress(&rows, Committed), vec![Hidden::from([Cell::Steps]); 3]);
}

#[test]
fn other_groups_are_left_alone() {
    let mut rows = first_of_three(|row| row.steps = 3);
    for row in &mut rows[1..] {
        row.group = "G22".to_owned();
    }
    assert_eq!(suppress(&rows, Committed), [Hidden::from([Cell::Steps]), Hidden::new(), Hidden::new()]);
}

#[test]
fn ties_fall_to_the_first_code_whatever_the_order() {
    let mut rows = first_of_three(|row| row.steps = 3);
    rows.reverse();
    let hidden = suppress(&rows, Committed);
    assert_eq!(hidden, [Hidden::new(), Hidden::from([Cell::Steps]), Hidden::from([Cell::Steps])]);
}

#[test]
fn rows_that_contradict_themselves_hide_rather_than_fail() {
    assert!(alone(|row| row.open_late = 50).contains(&Cell::OpenLate));
    assert!(alone(|row| row.received_channel_known = 0).contains(&Cell::OnlineShare));
}

// ---- The reader who solves equations ----

/// What a reader sees of both boards, as sums over unknown counts (row, count) equal to something known.
#[derive(Default)]
struct Reader {
    unknown: BTreeSet<(usize, Count)>,
    sums: Vec<Vec<((usize, Count), i64)>>,
}

impl Reader {
    /// The figures shown, and every sum the module's head lists.
    fn of(rows: &[Cells], shown: impl Fn(usize, Count) -> bool) -> Self {
        let mut reader = Self::default();
        for (index, row) in rows.iter().enumerate() {
            let hidden = Count::ALL.into_iter().filter(|&count| !shown(index, count));
            reader.unknown.extend(hidden.map(|count| (index, count)));
            let mut sums = vec![
                vec![(Received, 1), (Closed, -1), (Open, -1)],
                vec![(Closed, 1), (OnTime(Statutory), -1), (Late(Statutory), -1)],
                vec![(Closed, 1), (OnTime(Committed), -1), (Late(Committed), -1)],
                vec![(Open, 1), (OpenLate, -1), (OpenInTime, -1)],
                vec![(Received, 1), (Online, -1), (Otherwise, -1)],
            ];
            if row.clocks_agree() {
                sums.push(vec![(OnTime(Statutory), 1), (OnTime(Committed), -1)]);
                sums.push(vec![(Late(Statutory), 1), (Late(Committed), -1)]);
            }
            for sum in sums {
                reader.sums.push(sum.into_iter().map(|(count, times)| ((index, count), times)).collect());
            }
        }
        for group in Table::of(rows).groups.iter().filter(|group| group.len() >= 2) {
            for count in Count::ALL {
                reader.sums.push(group.iter().map(|&index| ((index, count), 1)).collect());
            }
        }
        reader
    }

    /// The counts with one solution only: Gauss and Jordan, modulo a prime so large that no chance is mistaken for
    /// a proof.
    fn solved(&self) -> BTreeSet<(usize, Count)> {
        const PRIME: i128 = (1 << 61) - 1;
        let inverse = |of: i128| {
            let (mut power, mut base, mut exponent) = (1, of, PRIME - 2);
            while exponent > 0 {
                if exponent & 1 == 1 {
                    power = power * base % PRIME;
                }
                base = base * base % PRIME;
                exponent >>= 1;
            }
            power
        };
        let unknown: Vec<_> = self.unknown.iter().copied().collect();
        let mut sums: Vec<Vec<i128>> = self
            .sums
            .iter()
            .map(|sum| {
                let mut row = vec![0; unknown.len()];
                for (term, times) in sum {
                    if let Ok(column) = unknown.binary_search(term) {
                        row[column] = i128::from(*times).rem_euclid(PRIME);
                    }
                }
                row
            })
            .collect();
        let mut done = 0;
        for column in 0..unknown.len() {
            let Some(pivot) = (done..sums.len()).find(|&index| sums[index][column] != 0) else {
                continue;
            };
            sums.swap(done, pivot);
            let scale = inverse(sums[done][column]);
            let pivot: Vec<i128> = sums[done].iter().map(|value| value * scale % PRIME).collect();
            for (index, sum) in sums.iter_mut().enumerate() {
                let times = sum[column];
                if index != done && times != 0 {
                    for (value, pivot) in sum.iter_mut().zip(&pivot) {
                        *value = (*value - times * pivot).rem_euclid(PRIME);
                    }
                }
            }
            sums[done] = pivot;
            done += 1;
        }
        let alone = |sum: &Vec<i128>| {
            let mut columns = (0..sum.len()).filter(|&column| sum[column] != 0);
            columns.next().filter(|_| columns.next().is_none())
        };
        sums.iter().filter_map(alone).map(|column| unknown[column]).collect()
    }
}

/// Whether the board by either clock shows the count, or what gives it.
fn shown_on(by_statutory: &Hidden, by_committed: &Hidden, count: Count) -> bool {
    let shown = |cell| !by_statutory.contains(&cell) || !by_committed.contains(&cell);
    match count {
        Received => shown(Cell::Received),
        Closed => shown(Cell::Closed),
        OnTime(Statutory) => {
            shown(Cell::ClosedOnTimeStatutory) || !by_statutory.contains(&Cell::ClosedOnTime)
        }
        OnTime(Committed) => {
            shown(Cell::ClosedOnTimeCommitted) || !by_committed.contains(&Cell::ClosedOnTime)
        }
        Late(Statutory) => !by_statutory.contains(&Cell::ClosedLate),
        Late(Committed) => !by_committed.contains(&Cell::ClosedLate),
        Open => shown(Cell::Open),
        OpenLate => shown(Cell::OpenLate),
        Online | Otherwise => shown(Cell::OnlineShare),
        Rated => shown(Cell::Rated),
        Steps => shown(Cell::Steps),
        OpenInTime => false,
    }
}

/// The reader of what [`suppress`] leaves, given both boards.
fn reader_of(rows: &[Cells]) -> Reader {
    let (by_statutory, by_committed) = (suppress(rows, Statutory), suppress(rows, Committed));
    Reader::of(rows, |index, count| shown_on(&by_statutory[index], &by_committed[index], count))
}

#[test]
fn the_reader_breaks_what_only_hides_the_small() {
    let rows = first_of_three(|row| (row.closed_late_committed, row.open, row.open_late) = (2, 3, 0));
    let reader = Reader::of(&rows, |index, count| rows[index].count(count) >= SHOWN_MIN);
    let small = [(0, Open), (0, Late(Committed)), (0, OpenLate), (0, OpenInTime)];
    assert_eq!(reader.solved(), BTreeSet::from(small));
}

#[test]
fn the_reader_sees_through_two_columns_together() {
    // Two hidden counts in every sum, and yet the counts of row C are known: on time and late of A and B add up to
    // what their closed say, so the totals leave nothing open about C; and then nothing about D.
    let rows = [big("A"), big("B"), big("C"), big("D")];
    let hidden = [
        vec![OnTime(Statutory), Late(Statutory)],
        vec![OnTime(Statutory), Late(Statutory)],
        vec![Closed, Received, OnTime(Statutory), OnTime(Committed)],
        vec![Closed, Received, OnTime(Committed)],
    ];
    let reader = Reader::of(&rows, |index, count| !hidden[index].contains(&count));
    assert!(reader.solved().contains(&(2, Closed)));
}

// ---- Properties ----

/// A part of a whole, often a very small or a very large one.
fn part(of: u64) -> impl Strategy<Value = u64> {
    prop_oneof![0..=of, 0..=of.min(7), of.saturating_sub(7)..=of]
}

fn count() -> impl Strategy<Value = u64> {
    prop_oneof![1 => Just(0), 2 => 0u64..12, 3 => 5u64..300]
}

fn cells() -> impl Strategy<Value = Cells> {
    let closed = count().prop_flat_map(|closed| {
        let by_clock = || {
            part(closed).prop_flat_map(move |without_due| {
                let due = closed - without_due;
                part(due).prop_map(move |late| (due - late, late))
            })
        };
        (Just(closed), by_clock(), by_clock(), any::<bool>())
    });
    let open = count().prop_flat_map(|open| (Just(open), part(open)));
    let received = count().prop_flat_map(|received| {
        let known = part(received).prop_flat_map(|known| (Just(known), part(known)));
        (Just(received), known)
    });
    (closed, open, received, count(), count(), 0..2).prop_map(
        |((closed, statutory, committed, agree), (open, open_late), received, rated, steps, group)| {
            let committed = if agree { statutory } else { committed };
            Cells {
                subject: String::new(),
                group: format!("H{group}"),
                received: received.0,
                received_channel_known: received.1.0,
                received_online: received.1.1,
                closed,
                closed_on_time_statutory: statutory.0,
                closed_late_statutory: statutory.1,
                closed_on_time_committed: committed.0,
                closed_late_committed: committed.1,
                open,
                open_late,
                rated,
                steps,
            }
        },
    )
}

fn board() -> impl Strategy<Value = Vec<Cells>> {
    prop::collection::vec(cells(), 0..7).prop_map(|mut rows| {
        for (number, row) in rows.iter_mut().enumerate() {
            row.subject = format!("{}.{number}", row.group);
        }
        rows
    })
}

/// The counts of one row as a board by `clock` has them.
fn on_board(row: &Cells, clock: Clock) -> Vec<(Cell, u64)> {
    vec![
        (Cell::Received, row.received),
        (Cell::Closed, row.closed),
        (Cell::ClosedOnTime, row.count(OnTime(clock))),
        (Cell::ClosedLate, row.count(Late(clock))),
        (Cell::ClosedOnTimeStatutory, row.closed_on_time_statutory),
        (Cell::ClosedOnTimeCommitted, row.closed_on_time_committed),
        (Cell::Open, row.open),
        (Cell::OpenLate, row.open_late),
        (Cell::Rated, row.rated),
        (Cell::Steps, row.steps),
    ]
}

fn clocks() -> impl Strategy<Value = Clock> {
    prop_oneof![Just(Statutory), Just(Committed)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_under_five_is_shown(rows in board(), clock in clocks()) {
        for (row, hidden) in rows.iter().zip(suppress(&rows, clock)) {
            for (cell, count) in on_board(row, clock) {
                prop_assert!(count >= SHOWN_MIN || hidden.contains(&cell), "{:?} of {:?}", cell, row);
            }
            // Nor what a rate or a share says about a few.
            if !hidden.contains(&Cell::OnlineShare) {
                prop_assert!(row.received_online >= SHOWN_MIN);
                prop_assert!(row.received_channel_known - row.received_online >= SHOWN_MIN);
            }
            if !hidden.contains(&Cell::OnTimeRate) {
                let counts = [OnTime(clock), Late(clock), OpenLate, OpenInTime, Closed];
                prop_assert!(counts.iter().all(|&count| row.count(count) >= SHOWN_MIN));
            }
        }
    }

    #[test]
    fn no_sum_of_a_row_gives_a_hidden_count(rows in board(), clock in clocks()) {
        for (row, hidden) in rows.iter().zip(suppress(&rows, clock)) {
            let missing = |cells: &[Cell]| cells.iter().filter(|&cell| hidden.contains(cell)).count();
            prop_assert_ne!(missing(&[Cell::Closed, Cell::ClosedOnTime, Cell::ClosedLate]), 1);
            prop_assert_ne!(missing(&[Cell::Received, Cell::Closed, Cell::Open]), 1);
            let own = match clock {
                Statutory => Cell::ClosedOnTimeStatutory,
                Committed => Cell::ClosedOnTimeCommitted,
            };
            prop_assert_ne!(missing(&[Cell::ClosedOnTime, own]), 1);
            // The differences that no board shows: late by the other clock, in time among the open.
            for clock in [Statutory, Committed] {
                let on_time = match clock {
                    Statutory => Cell::ClosedOnTimeStatutory,
                    Committed => Cell::ClosedOnTimeCommitted,
                };
                let late = row.count(Late(clock));
                prop_assert!(missing(&[Cell::Closed, on_time]) > 0 || late >= SHOWN_MIN);
            }
            let in_time = row.open - row.open_late;
            prop_assert!(missing(&[Cell::Open, Cell::OpenLate]) > 0 || in_time >= SHOWN_MIN);
        }
    }

    /// The attacker who subtracts: the total of a column less what is shown is the sum of the hidden, which is one
    /// count only if one is hidden, and which must not be small itself unless the whole column is hidden.
    #[test]
    fn no_total_gives_a_hidden_count(rows in board(), clock in clocks()) {
        let hidden = suppress(&rows, clock);
        for group in Table::of(&rows).groups.iter().filter(|group| group.len() >= 2) {
            for (position, (cell, _)) in on_board(&rows[0], clock).into_iter().enumerate() {
                let count = |index: usize| on_board(&rows[index], clock)[position].1;
                let (unseen, seen): (Vec<usize>, Vec<usize>) =
                    group.iter().partition(|&&index| hidden[index].contains(&cell));
                let total: u64 = group.iter().map(|&index| count(index)).sum();
                let rest = total - seen.iter().map(|&index| count(index)).sum::<u64>();
                prop_assert_ne!(unseen.len(), 1, "{:?} {:?}", cell, rows);
                prop_assert!(unseen.is_empty() || seen.is_empty() || rest >= SHOWN_MIN, "{:?}", cell);
            }
        }
    }

    /// The attacker who solves all sums of both boards at once gets no hidden count, small or not.
    #[test]
    fn no_system_of_sums_gives_a_hidden_count(rows in board()) {
        let reader = reader_of(&rows);
        // Shown nowhere and of no harm where it is known; where it is small it must not be.
        let harmless = |&(index, count): &(usize, Count)| {
            matches!(count, OpenInTime | Online | Otherwise) && rows[index].count(count) >= SHOWN_MIN
        };
        let solved: Vec<_> = reader.solved().into_iter().filter(|known| !harmless(known)).collect();
        prop_assert_eq!(solved, vec![], "{:?}", rows);
    }

    /// The attacker who tries every table: with all closed shown and due, the totals by one clock leave each hidden
    /// count at least five values, up or down.
    #[test]
    fn trying_every_table_gives_no_hidden_count(
        parts in prop::collection::vec((5u64..14).prop_flat_map(|due| (part(due), Just(due))), 2..4),
    ) {
        let rows: Vec<Cells> = parts
            .iter()
            .enumerate()
            .map(|(number, &(late, due))| Cells {
                closed: due,
                closed_on_time_statutory: due - late,
                closed_late_statutory: late,
                ..big(&number.to_string())
            })
            .collect();
        let hidden = suppress(&rows, Statutory);
        prop_assert!(hidden.iter().all(|hidden| !hidden.contains(&Cell::Closed)));
        let total_late: u64 = parts.iter().map(|&(late, _)| late).sum();
        let total_due: u64 = parts.iter().map(|&(_, due)| due).sum();
        if !(SHOWN_MIN..=total_due - SHOWN_MIN).contains(&total_late) {
            // Everything is hidden, and so is the total where it stands.
            return Ok(());
        }

        let mut tables: Vec<Vec<u64>> = vec![vec![]];
        for (index, &(late, due)) in parts.iter().enumerate() {
            let choices = if hidden[index].contains(&Cell::ClosedLate) { 0..=due } else { late..=late };
            tables = tables
                .into_iter()
                .flat_map(|table| choices.clone().map(move |choice| [table.as_slice(), &[choice]].concat()))
                .collect();
        }
        tables.retain(|table| table.iter().sum::<u64>() == total_late);
        for index in (0..parts.len()).filter(|&index| hidden[index].contains(&Cell::ClosedLate)) {
            let values: BTreeSet<u64> = tables.iter().map(|table| table[index]).collect();
            prop_assert!(values.len() > 5, "{:?} {:?}", parts, values);
        }
    }

    #[test]
    fn settling_twice_changes_nothing(rows in board()) {
        let mut table = Table::of(&rows);
        table.settle();
        let once = table.hidden.clone();
        table.settle();
        prop_assert_eq!(once, table.hidden);
    }

    #[test]
    fn the_order_of_rows_changes_nothing(rows in board(), clock in clocks()) {
        let mut turned = rows.clone();
        turned.reverse();
        let mut hidden = suppress(&turned, clock);
        hidden.reverse();
        prop_assert_eq!(hidden, suppress(&rows, clock));
    }

    /// Otherwise a reader would ask for both, and see on one board what the other hides.
    #[test]
    fn the_clock_changes_only_what_is_the_boards_own(rows in board()) {
        let own = [Cell::ClosedOnTime, Cell::ClosedLate, Cell::OnTimeRate];
        let shared = |clock| -> Vec<Hidden> {
            let hidden = suppress(&rows, clock);
            hidden.into_iter().map(|row| row.into_iter().filter(|cell| !own.contains(cell)).collect()).collect()
        };
        prop_assert_eq!(shared(Statutory), shared(Committed));
        // Open and late is the board's own too: what is hidden of the rest does not hang on it.
        let mut late_otherwise = rows.clone();
        for row in &mut late_otherwise {
            row.open_late = row.open / 2;
        }
        let others = |rows: &[Cells]| -> Vec<Hidden> {
            let hidden = suppress(rows, Statutory);
            let changed = [Cell::OpenLate, Cell::OnTimeRate];
            hidden.into_iter().map(|row| row.into_iter().filter(|cell| !changed.contains(cell)).collect()).collect()
        };
        prop_assert_eq!(others(&rows), others(&late_otherwise));
    }
}
