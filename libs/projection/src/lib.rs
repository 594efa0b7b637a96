//! Views: folds of the log that answer questions.
//!
//! A view says its name and version, its tables, which entries it wants, which rows an entry touches, and
//! how it changes them ([`View`]). The runtime follows the log, brings the rows into memory, folds, and
//! writes what changed together with the checkpoint in one transaction. A view's file can be deleted at any
//! time: it comes back identical, which its digest shows.
//!
//! A fold sees the entry and the rows it named, and nothing else: no clock, no network, no log. An entry it
//! can't fold stops the view, which then shows as unhealthy and says which entry it was.
//!
//! A view is built in generations, each a file. [`Follower`] keeps them as the record says, and answers from
//! the live one, as it is or as of an earlier position; [`ViewAdminHandlers`] start, compare and switch them.

mod admin;
mod as_of;
mod compare;
mod digest;
mod directory;
mod error;
mod file;
mod fixture;
mod fold;
mod follower;
mod generation;
mod key;
mod positions;
mod record;
mod rows;
mod sql;

pub use admin::ViewAdminHandlers;
pub use as_of::{AsOf, position_at};
pub use directory::DirectoryFollower;
pub use error::{FoldError, ViewError};
pub use follower::{Follower, Options, SNAPSHOT_EVERY};
pub use generation::{Snapshot, Status};
pub use key::{Key, KeyPart};
pub use positions::PositionSet;
pub use roaring::RoaringTreemap as Positions;
pub use rows::{Column, History, Keys, Kind, Named, Row, Spans, Table, Value};

use eventlog::{Entry, Filter};
use rulebook::Calendar;

/// A fold of the log.
pub trait View: Send + Sync + 'static {
    /// The view's name, which its file carries.
    const NAME: &'static str;
    /// The version of its fold and tables: a changed fold takes a new one, and so a new file.
    const VERSION: u32;
    /// Its tables.
    const TABLES: &'static [Table];
    /// The table, by its place, whose rows are summed up in others, if there is one.
    const SUMMED: Option<usize> = None;
    /// Positions folded before the changes are written, at most. The more, the fewer rows are written again
    /// and again, and the more are held in memory meanwhile.
    const BATCH: u64 = 65_536;
    /// What it takes from an entry.
    type Event: Send;

    /// Which entries it wants.
    fn filter(&self) -> Filter;

    /// Reads what it needs from an entry; none if the entry changes nothing.
    fn read(&self, entry: &Entry) -> Result<Option<Self::Event>, FoldError>;

    /// Names every row that [`View::fold`] may look at or change, which it then knows by their number. It can
    /// take the keys out of the event.
    fn keys(&self, event: &mut Self::Event, keys: &mut Keys<'_>);

    /// Changes the rows.
    fn fold(&self, event: Self::Event, rows: &mut Named<'_>) -> Result<(), FoldError>;

    /// Names every row that [`View::sum`] changes for a row of the table that is summed up, as it was and as
    /// it is.
    fn sum_keys(&self, _before: Option<&Row>, _after: Option<&Row>, _keys: &mut Keys<'_>) {}

    /// Takes away from the rows that sum it up what a row counted for, and adds what it has come to count for. Called
    /// once a batch for each row that changed.
    fn sum(
        &self,
        _before: Option<&Row>,
        _after: Option<&Row>,
        _rows: &mut Named<'_>,
    ) -> Result<(), FoldError> {
        Ok(())
    }

    /// The same view under another calendar, for a what-if; none if nothing in it depends on one.
    fn under(&self, _calendar: Calendar) -> Option<Self>
    where
        Self: Sized,
    {
        None
    }
}
