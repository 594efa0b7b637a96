//! What a case counts for in a figure of a board: the lines of its explanation.

use proto::leaderboard as pb;

use crate::{
    board::Query,
    case::Case,
    marks::{Clock, Mark, bit},
};

/// What counts as judged and as on time by a clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bits {
    pub(crate) on_time: u16,
    pub(crate) late: u16,
    pub(crate) overdue: u16,
    pub(crate) overdue_ends: u16,
}

impl Clock {
    pub(crate) fn bits(self) -> Bits {
        match self {
            Self::Committed => Bits {
                on_time: bit::ON_TIME_COMMITTED,
                late: bit::LATE_COMMITTED,
                overdue: bit::OVERDUE_COMMITTED,
                overdue_ends: bit::OVERDUE_COMMITTED_ENDS,
            },
            Self::Statutory => Bits {
                on_time: bit::ON_TIME_STATUTORY,
                late: bit::LATE_STATUTORY,
                overdue: bit::OVERDUE_STATUTORY,
                overdue_ends: bit::OVERDUE_STATUTORY_ENDS,
            },
        }
    }
}

/// What a case counts for in a figure; none if it doesn't count at all.
pub(crate) fn value(case: &Case, figure: pb::Figure, query: &Query) -> Option<i64> {
    let marks = case.marks();
    let seen: Vec<&Mark> = marks.iter().filter(|mark| mark.at <= query.judged_at).collect();
    let in_period = |bit| {
        seen.iter().find(|mark| mark.has(bit) && mark.at >= query.from && mark.at < query.until).copied()
    };
    let is_in = |from, until| seen.iter().any(|m| m.has(from)) && !seen.iter().any(|m| m.has(until));
    let one = |is: bool| is.then_some(1);
    let closed = |bit| one(in_period(bit).is_some());
    let clock = query.clock.bits();
    let is_overdue = is_in(clock.overdue, clock.overdue_ends);
    match figure {
        pb::Figure::Received => one(in_period(bit::RECEIVED).is_some()),
        pb::Figure::Closed => closed(bit::CLOSED),
        pb::Figure::ClosedOnTime => closed(clock.on_time),
        pb::Figure::ClosedLate => closed(clock.late),
        pb::Figure::ClosedOnTimeStatutory => closed(bit::ON_TIME_STATUTORY),
        pb::Figure::ClosedOnTimeCommitted => closed(bit::ON_TIME_COMMITTED),
        pb::Figure::Open => one(is_in(bit::OPENS, bit::ENDS)),
        pb::Figure::OpenLate => one(is_overdue),
        pb::Figure::OnTimeRate | pb::Figure::ObservedToExpected => {
            let is_on_time = in_period(clock.on_time).is_some();
            (is_on_time || in_period(clock.late).is_some() || is_overdue).then_some(i64::from(is_on_time))
        }
        pb::Figure::MedianWorkingDays => in_period(bit::CLOSED).map(|mark| mark.working_days.into()),
        pb::Figure::OnlineShare => in_period(bit::CHANNEL_KNOWN).map(|mark| mark.has(bit::ONLINE).into()),
        pb::Figure::Rating => in_period(bit::RATED).map(|mark| mark.rating.into()),
        pb::Figure::Unspecified
        | pb::Figure::Steps
        | pb::Figure::Substantiated
        | pb::Figure::SelfReports
        | pb::Figure::SanctionsDecided
        | pb::Figure::SanctionsFinal
        | pb::Figure::PartySanctions
        | pb::Figure::HeadsLiable => None,
    }
}

/// The positions of the entries that say what a case counts for.
pub(crate) fn positions(case: &Case, figure: pb::Figure) -> Vec<u64> {
    let (received, due) = (Some(case.received_position), Some(case.due_position));
    let mut positions: Vec<u64> = match figure {
        pb::Figure::Received | pb::Figure::Open | pb::Figure::OnlineShare => vec![received],
        pb::Figure::OpenLate => vec![received, due],
        pb::Figure::Closed | pb::Figure::MedianWorkingDays => vec![received, case.closed_position],
        pb::Figure::ClosedOnTime
        | pb::Figure::ClosedLate
        | pb::Figure::ClosedOnTimeStatutory
        | pb::Figure::ClosedOnTimeCommitted
        | pb::Figure::OnTimeRate
        | pb::Figure::ObservedToExpected => vec![received, due, case.closed_position],
        pb::Figure::Rating => vec![case.closed_position, case.rating_position],
        pb::Figure::Unspecified
        | pb::Figure::Steps
        | pb::Figure::Substantiated
        | pb::Figure::SelfReports
        | pb::Figure::SanctionsDecided
        | pb::Figure::SanctionsFinal
        | pb::Figure::PartySanctions
        | pb::Figure::HeadsLiable => Vec::new(),
    }
    .into_iter()
    .flatten()
    .collect();
    positions.sort_unstable();
    positions.dedup();
    positions
}
