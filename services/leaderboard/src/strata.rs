//! Strata: cases of the same procedure that came in the same way. What a row is expected to have on time is worked out
//! from them.

use std::collections::BTreeMap;

use projection::{FoldError, History, Kind, Row, Snapshot, Table, Value, ViewError};
use sqlx::{AssertSqlSafe, Row as _};

use crate::{
    board::{Query, unsigned},
    marks::{self, Clock, Mark, bit},
    succession::Succession,
};

/// How many sums a stratum has: closed; of these, refused at intake or withdrawn; on time and late by the statutory clock, and
/// by the committed one; and the changes of what is overdue by each, as in `months`.
const SUMS: usize = 8;

/// The place of the first sum that is counted up to the judged instant, whatever the period.
const STANDING: usize = 6;

/// The table of these sums, by month. Those of all strata are in one piece: a unit has many strata of few cases, and rows
/// of their own would be as many as the cases.
pub(crate) const TABLE: Table = Table {
    name: "mix",
    key: &[("month", Kind::Int), ("agency", Kind::Text), ("unit", Kind::Text)],
    columns: &[("strata", Kind::Bytes)],
    indexes: &[],
    history: History::Versions,
    spans: None,
};

/// Bytes of a stratum and its sums, in order of strata.
const BYTES: usize = 4 + 4 * SUMS;

fn stored(bytes: &[u8]) -> impl Iterator<Item = (u32, [i64; SUMS])> + '_ {
    bytes.as_chunks::<BYTES>().0.iter().map(|bytes| {
        let four = |at: usize| std::array::from_fn(|i| bytes[at + i]);
        let sums = std::array::from_fn(|place| i64::from(i32::from_le_bytes(four(4 + 4 * place))));
        (u32::from_be_bytes(four(0)), sums)
    })
}

/// Adds what a mark counts for to the sums of its stratum, or takes it away. A stratum of which nothing is left is none.
pub(crate) fn change(slot: &mut Option<Row>, mark: &Mark, sign: i64) -> Result<(), FoldError> {
    let row = slot.get_or_insert_with(|| vec![Value::Bytes(Vec::new())]);
    let [Value::Bytes(bytes)] = row.as_mut_slice() else {
        return Err(FoldError::new("a month has no strata"));
    };
    let stratum = mark.stratum.to_be_bytes();
    let place = bytes.as_chunks::<BYTES>().0.partition_point(|stored| stored[..4] < stratum[..]);
    let at = place * BYTES;
    if bytes.get(at..at + 4) != Some(&stratum[..]) {
        let mut new = [0; BYTES];
        new[..4].copy_from_slice(&stratum);
        bytes.splice(at..at, new);
    }
    let is_left = {
        let (sums, _) = bytes[at + 4..at + BYTES].as_chunks_mut::<4>();
        for (sum, n) in sums.iter_mut().zip(self::sums(mark)) {
            let changed = i64::from(i32::from_le_bytes(*sum)) + sign * n;
            let changed = i32::try_from(changed).map_err(FoldError::new)?;
            *sum = changed.to_le_bytes();
        }
        sums.iter().any(|sum| *sum != [0; 4])
    };
    if !is_left {
        bytes.drain(at..at + BYTES);
    }
    if bytes.is_empty() {
        *slot = None;
    }
    Ok(())
}

/// The number of a stratum: the first 32 bits of the BLAKE3 hash of procedure and channel. It only tells strata apart, and
/// is short since every mark has one: of a thousand strata two are the same once in some 8,600 ledgers, and are then one.
pub(crate) fn stratum(procedure: Option<&str>, channel: Option<i64>) -> u32 {
    let channel = channel.and_then(|channel| u8::try_from(channel).ok()).unwrap_or(0);
    let mut hasher = blake3::Hasher::new();
    hasher.update(procedure.unwrap_or_default().as_bytes()).update(&[0, channel]);
    let [a, b, c, d, ..] = *hasher.finalize().as_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// What a mark adds to each of the sums.
fn sums(mark: &Mark) -> [i64; SUMS] {
    let is = |bit| i64::from(mark.has(bit));
    [
        is(bit::CLOSED),
        is(bit::TURNED_AWAY),
        is(bit::ON_TIME_STATUTORY),
        is(bit::LATE_STATUTORY),
        is(bit::ON_TIME_COMMITTED),
        is(bit::LATE_COMMITTED),
        is(bit::OVERDUE_STATUTORY) - is(bit::OVERDUE_STATUTORY_ENDS),
        is(bit::OVERDUE_COMMITTED) - is(bit::OVERDUE_COMMITTED_ENDS),
    ]
}

/// The counts of one stratum, in cases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Closed in the period.
    pub(crate) closed: u64,
    /// Of the closed, those refused at intake or withdrawn.
    pub(crate) turned_away: u64,
    /// Judged by the board's clock: closed with a due time, and open past it.
    pub(crate) judged: u64,
    /// Of the judged, those on time.
    pub(crate) on_time: u64,
}

impl Tally {
    fn of(sums: [i64; SUMS], clock: Clock) -> Self {
        let [closed, turned_away, on_time_s, late_s, on_time_c, late_c, overdue_s, overdue_c] =
            sums.map(unsigned);
        let (on_time, late, overdue) = match clock {
            Clock::Committed => (on_time_c, late_c, overdue_c),
            Clock::Statutory => (on_time_s, late_s, overdue_s),
        };
        Self { closed, turned_away, judged: on_time + late + overdue, on_time }
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.closed += other.closed;
        self.turned_away += other.turned_away;
        self.judged += other.judged;
        self.on_time += other.on_time;
    }
}

/// The strata of one row.
pub(crate) type Strata = BTreeMap<u32, Tally>;

/// Adds what is counted of a month: all of one of the period, else what stands.
fn add(sums: &mut [i64; SUMS], added: [i64; SUMS], is_in_period: bool) {
    for (place, (sum, n)) in sums.iter_mut().zip(added).enumerate() {
        if is_in_period || place >= STANDING {
            *sum += n;
        }
    }
}

/// The strata of every subject of a board, whatever agency it asks for: whole months from their sums, and the month of the
/// judged instant from the marks of its days. They add up to the counts of [`crate::board::count`].
pub(crate) async fn count(
    snapshot: &mut Snapshot,
    query: &Query,
    succession: &Succession,
) -> Result<BTreeMap<String, Strata>, ViewError> {
    let mut counting: BTreeMap<String, BTreeMap<u32, [i64; SUMS]>> = BTreeMap::new();
    let subject = query.by.column();
    let sql = format!("SELECT {subject}, month, strata FROM mix WHERE month < ? AND {subject} <> ''");
    let (first, judged) = query.months();
    // Only constant pieces are joined; every value is bound.
    let found = sqlx::query(AssertSqlSafe(sql)).bind(judged).fetch_all(&mut *snapshot.tx).await?;
    for found in found {
        let of: &str = found.try_get(0)?;
        let is_in_period = found.try_get::<i64, _>(1)? >= first;
        let row = counting.entry(succession.subject(query.by, of).to_owned()).or_default();
        for (stratum, added) in stored(found.try_get(2)?) {
            add(row.entry(stratum).or_default(), added, is_in_period);
        }
    }

    let is_in_period = judged >= first;
    let sql = format!("SELECT {subject}, marks FROM days WHERE day BETWEEN ? AND ? AND {subject} <> ''");
    let found = sqlx::query(AssertSqlSafe(sql))
        .bind(marks::first_day(judged))
        .bind(marks::day(query.judged_at, query.zone))
        .fetch_all(&mut *snapshot.tx)
        .await?;
    for found in found {
        let of: &str = found.try_get(0)?;
        let row = counting.entry(succession.subject(query.by, of).to_owned()).or_default();
        let seen = marks::stored(found.try_get(1)?);
        for mark in seen.filter(|mark| mark.at <= query.judged_at && mark.has(bit::MIXED)) {
            add(row.entry(mark.stratum).or_default(), self::sums(&mark), is_in_period);
        }
    }
    let tally = |(stratum, sums)| (stratum, Tally::of(sums, query.clock));
    Ok(counting
        .into_iter()
        .map(|(subject, strata)| (subject, strata.into_iter().map(tally).collect()))
        .collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn marks() -> impl Strategy<Value = Vec<Mark>> {
        let mark = (0_u32..6, 0_u16..=u16::MAX).prop_map(|(stratum, bits)| Mark {
            at: 0,
            bits: bits | bit::CLOSED,
            rating: 0,
            working_days: 0,
            stratum: stratum * 0x1234_5678,
        });
        prop::collection::vec(mark, 0..20)
    }

    proptest! {
        /// The sums of a month are those of its marks, in order of strata, and none are left once all are taken away.
        #[test]
        fn sums_are_those_of_the_marks(marks in marks()) {
            let mut slot = None;
            let mut expected: BTreeMap<u32, [i64; SUMS]> = BTreeMap::new();
            for mark in &marks {
                change(&mut slot, mark, 1).unwrap();
                add(expected.entry(mark.stratum).or_default(), sums(mark), true);
            }
            let bytes = match slot.as_ref().map(|row| &row[0]) {
                Some(Value::Bytes(bytes)) => bytes.clone(),
                _ => Vec::new(),
            };
            prop_assert_eq!(stored(&bytes).collect::<Vec<_>>(), expected.into_iter().collect::<Vec<_>>());
            for mark in marks.iter().rev() {
                change(&mut slot, mark, -1).unwrap();
            }
            prop_assert_eq!(slot, None);
        }
    }

    #[test]
    fn a_stratum_is_of_procedure_and_channel() {
        let same = stratum(Some("1.000001"), Some(2));
        assert_eq!(same, stratum(Some("1.000001"), Some(2)));
        for other in [
            (Some("1.000001"), Some(1)),
            (Some("1.000001"), None),
            (Some("1.00000"), Some(2)),
            (None, Some(2)),
        ] {
            assert_ne!(same, stratum(other.0, other.1), "{other:?}");
        }
        // It stands in files: a change of it is a new version of the view.
        assert_eq!(stratum(None, None), 0x1ad4_8f49);
    }
}
