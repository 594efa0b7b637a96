//! What counts as what: one SQL condition a figure, for the board and for its explanation.
//!
//! In every condition `?1` and `?2` are the period's bounds [from, until) and `?3` the instant at which open
//! cases are judged, all in microseconds since 1970 UTC. What closed after that instant counts as open.

use proto::leaderboard as pb;

/// The clock a board judges by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    Committed,
    Statutory,
}

impl Clock {
    pub(crate) fn due(self) -> &'static str {
        match self {
            Self::Committed => "committed_due",
            Self::Statutory => "statutory_due",
        }
    }
}

pub(crate) const RECEIVED: &str = "(received >= ?1 AND received < ?2 AND received <= ?3)";
pub(crate) const CLOSED: &str = "(closed >= ?1 AND closed < ?2 AND closed <= ?3)";
pub(crate) const OPEN: &str = "(received <= ?3 AND (closed IS NULL OR closed > ?3))";

/// Closed in the period, and the clock had stopped by the due time.
pub(crate) fn on_time(clock: Clock) -> String {
    format!("({CLOSED} AND stopped <= {})", clock.due())
}

/// Closed in the period, and the clock had not stopped by the due time.
pub(crate) fn late(clock: Clock) -> String {
    format!("({CLOSED} AND stopped > {})", clock.due())
}

/// Open at the judged instant, and past its due time then, or when its clock stopped before that.
pub(crate) fn open_late(clock: Clock) -> String {
    format!("({OPEN} AND min(coalesce(stopped, ?3), ?3) > {})", clock.due())
}

/// Judged: closed with a due time, or open and late.
pub(crate) fn judged(clock: Clock) -> String {
    format!("({} OR {} OR {})", on_time(clock), late(clock), open_late(clock))
}

pub(crate) const ONLINE: &str = "channel = 2";

/// How a figure is explained: which cases, and what each counts for.
pub(crate) struct Explained {
    /// The condition on the cases.
    pub(crate) cases: String,
    /// What a case counts for, in SQL.
    pub(crate) value: String,
    /// The columns of the positions behind it.
    pub(crate) positions: &'static [&'static str],
}

/// How a figure of cases is explained; none for steps, which are no cases.
pub(crate) fn explained(figure: pb::Figure, clock: Clock) -> Option<Explained> {
    const RECEIPT: &[&str] = &["received_position"];
    const DUE: &[&str] = &["received_position", "due_position"];
    const CLOSE: &[&str] = &["received_position", "closed_position"];
    const JUDGED: &[&str] = &["received_position", "due_position", "closed_position"];
    const RATING: &[&str] = &["closed_position", "rating_position"];
    let one = || "1".to_owned();
    let (cases, value, positions) = match figure {
        pb::Figure::Received => (RECEIVED.to_owned(), one(), RECEIPT),
        pb::Figure::Closed => (CLOSED.to_owned(), one(), CLOSE),
        pb::Figure::ClosedOnTime => (on_time(clock), one(), JUDGED),
        pb::Figure::ClosedLate => (late(clock), one(), JUDGED),
        pb::Figure::ClosedOnTimeStatutory => (on_time(Clock::Statutory), one(), JUDGED),
        pb::Figure::ClosedOnTimeCommitted => (on_time(Clock::Committed), one(), JUDGED),
        pb::Figure::Open => (OPEN.to_owned(), one(), RECEIPT),
        pb::Figure::OpenLate => (open_late(clock), one(), DUE),
        pb::Figure::OnTimeRate => (judged(clock), format!("coalesce({}, 0)", on_time(clock)), JUDGED),
        pb::Figure::MedianWorkingDays => (CLOSED.to_owned(), "working_days".to_owned(), CLOSE),
        pb::Figure::OnlineShare => {
            (format!("({RECEIVED} AND channel IS NOT NULL)"), ONLINE.to_owned(), RECEIPT)
        }
        pb::Figure::Rating => (format!("({CLOSED} AND rating IS NOT NULL)"), "rating".to_owned(), RATING),
        pb::Figure::Unspecified | pb::Figure::Steps => return None,
    };
    Some(Explained { cases, value, positions })
}
