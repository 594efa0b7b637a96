//! Views: folds of the log that answer questions.
//!
//! A view says its name and version, its tables, which entries it wants, which rows an entry touches, and
//! how it changes them ([`View`]). The runtime follows the log, brings the rows into memory, folds, and
//! writes what changed together with the checkpoint in one transaction. A view's file can be deleted at any
//! time: it comes back identical, which its [`Follower::digest`] shows.
//!
//! A fold sees the entry and the rows it named, and nothing else: no clock, no network, no log. An entry it
//! can't fold stops the view, which then shows as unhealthy and says which entry it was.

mod digest;
mod directory;
mod file;
mod follower;
mod rows;

pub use directory::DirectoryFollower;
pub use file::ViewError;
pub use follower::{Follower, Snapshot, Status};
pub use roaring::RoaringTreemap as Positions;
pub use rows::{Column, Key, KeyPart, Keys, Kind, Row, Rows, Table, Value};

use eventlog::{Entry, Filter};

/// A fold of the log.
pub trait View: Send + Sync + 'static {
    /// The view's name, which its file carries.
    const NAME: &'static str;
    /// The version of its fold and tables: a changed fold takes a new one, and so a new file.
    const VERSION: u32;
    /// Its tables.
    const TABLES: &'static [Table];
    /// What it takes from an entry.
    type Event: Send;

    /// Which entries it wants.
    fn filter(&self) -> Filter;

    /// Reads what it needs from an entry; none if the entry changes nothing.
    fn read(&self, entry: &Entry) -> Result<Option<Self::Event>, FoldError>;

    /// Names every row that [`View::fold`] may look at or change.
    fn keys(&self, event: &Self::Event, keys: &mut Keys);

    /// Changes the rows.
    fn fold(&self, event: Self::Event, rows: &mut Rows) -> Result<(), FoldError>;
}

/// An entry that a view can't fold.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub struct FoldError {
    /// What is wrong with it.
    pub problem: String,
}

impl FoldError {
    /// A problem.
    pub fn new(problem: impl std::fmt::Display) -> Self {
        Self { problem: problem.to_string() }
    }
}
