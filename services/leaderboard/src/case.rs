//! A case as the view keeps it.

use projection::{FoldError, Key, Kind, Row, Table, Value, ViewError};
use sqlx::{Row as _, sqlite::SqliteRow};

/// What a board needs to know of a case. Times are microseconds since 1970 UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) agency: String,
    pub(crate) unit: Option<String>,
    pub(crate) procedure: Option<String>,
    /// How it came in, as [`crate::view::code_of`] gives it.
    pub(crate) channel: Option<i64>,
    pub(crate) received: i64,
    pub(crate) statutory_due: Option<i64>,
    pub(crate) committed_due: Option<i64>,
    /// When the clock stopped: since when the case is paused, or else when it was closed.
    pub(crate) stopped: Option<i64>,
    pub(crate) closed: Option<i64>,
    /// Closed without a decision: refused at intake, or withdrawn.
    pub(crate) is_turned_away: bool,
    pub(crate) working_days: Option<u32>,
    pub(crate) rating: Option<u8>,
    /// The positions of the entries that say so.
    pub(crate) received_position: u64,
    pub(crate) due_position: u64,
    pub(crate) closed_position: Option<u64>,
    pub(crate) rating_position: Option<u64>,
    /// The pauses, where the view is a what-if, which works out due times anew.
    pub(crate) pauses: Option<Vec<u8>>,
}

/// The table of cases.
pub(crate) const TABLE: Table = Table {
    name: "cases",
    key: &[("code", Kind::Text)],
    columns: &[
        ("agency", Kind::Text),
        ("unit", Kind::Text),
        ("channel", Kind::Int),
        ("received", Kind::Int),
        ("statutory_due", Kind::Int),
        ("committed_due", Kind::Int),
        ("stopped", Kind::Int),
        ("closed", Kind::Int),
        ("working_days", Kind::Int),
        ("rating", Kind::Int),
        ("received_position", Kind::Int),
        ("due_position", Kind::Int),
        ("closed_position", Kind::Int),
        ("rating_position", Kind::Int),
        ("pauses", Kind::Bytes),
        ("procedure", Kind::Text),
        ("turned_away", Kind::Int),
    ],
    indexes: &["agency", "unit"],
    history: projection::History::Versions,
    spans: None,
};

/// The columns, as a query selects them for [`Case::from_found`].
pub(crate) const COLUMNS: &str = "agency, unit, channel, received, statutory_due, committed_due, stopped, closed, \
     working_days, rating, received_position, due_position, closed_position, rating_position, pauses, \
     procedure, turned_away";

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

impl Case {
    /// The channel that counts as online.
    pub(crate) const ONLINE: i64 = 2;

    /// The key of its row.
    pub(crate) fn key(code: &str) -> Key {
        Key::of([code.into()])
    }

    /// The case in a row of the fold.
    pub(crate) fn from_row(row: &Row) -> Result<Self, FoldError> {
        let [
            agency,
            unit,
            channel,
            received,
            statutory_due,
            committed_due,
            stopped,
            closed,
            working_days,
            rating,
            received_position,
            due_position,
            closed_position,
            rating_position,
            pauses,
            procedure,
            turned_away,
        ] = row.as_slice()
        else {
            return Err(FoldError::new("a row of a case has other columns"));
        };
        let text = |value: &Value| value.text().map(str::to_owned);
        Ok(Self {
            agency: text(agency).unwrap_or_default(),
            unit: text(unit),
            channel: channel.int(),
            received: received.int().unwrap_or_default(),
            statutory_due: statutory_due.int(),
            committed_due: committed_due.int(),
            stopped: stopped.int(),
            closed: closed.int(),
            working_days: working_days.int().and_then(|n| n.try_into().ok()),
            rating: rating.int().and_then(|n| n.try_into().ok()),
            received_position: unsigned(received_position.int().unwrap_or_default()),
            due_position: unsigned(due_position.int().unwrap_or_default()),
            closed_position: closed_position.int().map(unsigned),
            rating_position: rating_position.int().map(unsigned),
            pauses: match pauses {
                Value::Bytes(bytes) => Some(bytes.clone()),
                _ => None,
            },
            procedure: text(procedure),
            is_turned_away: turned_away.int() == Some(1),
        })
    }

    /// The row of the fold.
    pub(crate) fn into_row(self) -> Row {
        vec![
            self.agency.into(),
            self.unit.into(),
            self.channel.into(),
            self.received.into(),
            self.statutory_due.into(),
            self.committed_due.into(),
            self.stopped.into(),
            self.closed.into(),
            self.working_days.map(i64::from).into(),
            self.rating.map(i64::from).into(),
            signed(self.received_position).into(),
            signed(self.due_position).into(),
            self.closed_position.map(signed).into(),
            self.rating_position.map(signed).into(),
            self.pauses.into(),
            self.procedure.into(),
            i64::from(self.is_turned_away).into(),
        ]
    }

    /// The case in a found row of [`COLUMNS`], which begin at a place.
    pub(crate) fn from_found(found: &SqliteRow, at: usize) -> Result<Self, ViewError> {
        let int = |i: usize| found.try_get::<Option<i64>, _>(at + i);
        Ok(Self {
            agency: found.try_get(at)?,
            unit: found.try_get(at + 1)?,
            channel: int(2)?,
            received: int(3)?.unwrap_or_default(),
            statutory_due: int(4)?,
            committed_due: int(5)?,
            stopped: int(6)?,
            closed: int(7)?,
            working_days: int(8)?.and_then(|n| n.try_into().ok()),
            rating: int(9)?.and_then(|n| n.try_into().ok()),
            received_position: int(10)?.map_or(0, unsigned),
            due_position: int(11)?.map_or(0, unsigned),
            closed_position: int(12)?.map(unsigned),
            rating_position: int(13)?.map(unsigned),
            pauses: found.try_get(at + 14)?,
            procedure: found.try_get(at + 15)?,
            is_turned_away: int(16)? == Some(1),
        })
    }
}
