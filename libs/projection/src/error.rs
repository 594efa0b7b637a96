//! What can go wrong with a view.

use proto::{Failure, ledger::ErrorReason};

/// A view that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The database failed.
    #[error("the view's file failed")]
    Database(#[from] sqlx::Error),
    /// A stored set of positions can't be read.
    #[error("the view's file holds a damaged set of positions: delete it, it comes back")]
    Positions(#[source] std::io::Error),
    /// The file belongs to another log.
    #[error("the view's file is of the log {found}, not of {expected}: delete it, it comes back")]
    OtherLog {
        /// What it says.
        found: String,
        /// The log it should be of.
        expected: String,
    },
    /// The fold does something else than when the file was made.
    #[error(
        "the fold of the view {name} has changed, but its version is still {version}: raise `View::VERSION`, so \
         that the view is built anew"
    )]
    FoldChanged {
        /// The view.
        name: &'static str,
        /// Its version.
        version: u32,
    },
    /// The log can't be read.
    #[error("the log can't be read: {0}")]
    Log(String),
    /// An entry can't be folded.
    #[error("at position {position}: {source}")]
    Fold {
        /// Which.
        position: u64,
        /// Why.
        source: FoldError,
    },
    /// The checkpoint is not where this follower left it.
    #[error("another process writes the view's file: stop it, or use another data folder")]
    OtherWriter,
    /// A file of a dropped or outdated generation is still there.
    #[error("the file {path} can't be deleted")]
    NotDeleted {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
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

/// An error with its causes, for a log line.
pub(crate) fn with_source(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        // Some name their cause themselves.
        let cause = error.to_string();
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        source = error.source();
    }
    text
}

impl From<ViewError> for Failure {
    fn from(error: ViewError) -> Self {
        tracing::error!(error = with_source(&error), "a view's file failed");
        Self::new(ErrorReason::Internal, "the view's file failed; the server's log tells more")
    }
}
