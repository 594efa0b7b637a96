//! How the vault fails. No text here says what is sealed, or about whom.

use std::io;

use uuid::Uuid;

use crate::{MAX_ITEMS, MAX_TEXT_BYTES};

/// Why the vault can't do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// Another process has it open.
    #[error("another process has the vault open ({path}): stop it, or use another folder")]
    Locked {
        /// The lock file.
        path: String,
    },
    /// A file or the folder can't be made, read or written.
    #[error("can't make, read or write {path}")]
    File {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A copy would be written over another file.
    #[error("{path} is there already: name a file that isn't")]
    Exists {
        /// The file.
        path: String,
    },
    /// One of the two databases is there, and the other isn't.
    #[error("{path} is missing, but not what belongs to it: restore it from a backup")]
    Missing {
        /// What is missing.
        path: String,
    },
    /// A schema that this binary doesn't know.
    #[error("{path} has schema version {found}; this binary knows {known}: use a newer one")]
    Schema {
        /// The database.
        path: String,
        /// What it has.
        found: i64,
        /// What this binary knows.
        known: i64,
    },
    /// Not a master key.
    #[error("a master key is 64 hexadecimal digits: restore the key from where it is kept")]
    NotAMasterKey,
    /// Another master key than the one that the vault was sealed with.
    #[error("the master key is not the one of this vault: nothing was changed; give the right one")]
    WrongMasterKey,
    /// The request was used before with other items.
    #[error("the request {request} was used before with other items: use a new id for a new request")]
    RequestReused {
        /// The request.
        request: Uuid,
    },
    /// Too many items in one request.
    #[error("{count} items in one request; {MAX_ITEMS} are allowed: split it")]
    TooManyItems {
        /// How many there are.
        count: usize,
    },
    /// A text is too long.
    #[error("item {place} has a text of {size} bytes; {MAX_TEXT_BYTES} are allowed: shorten it")]
    TooLong {
        /// The item's place in the request, from 0.
        place: usize,
        /// The text's size in bytes.
        size: usize,
    },
    /// What is stored is not what was sealed.
    #[error("{what} is damaged: restore the vault from a backup")]
    Damaged {
        /// The seal, or what else.
        what: String,
    },
    /// Something else reads the files, so that there are traces in them of what was erased.
    #[error(
        "it is erased, but another program reads the files and keeps traces in them: end it, then repeat this"
    )]
    Busy,
    /// The vault was closed.
    #[error("the vault is closed: open it again")]
    Closed,
    /// The database fails.
    #[error("the vault's database fails: look at the disk, then try again")]
    Database(#[from] sqlx::Error),
    /// The system gives no randomness, or no thread.
    #[error("the system gives no randomness or no thread: try again")]
    System {
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl VaultError {
    pub(crate) fn system(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::System { source: source.into() }
    }

    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }
}

/// Why a follow-up code isn't taken.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// It has not the form of a code.
    #[error("a code has 28 letters and digits: look at it again")]
    Malformed,
    /// There is no such code. Whether there is one that begins alike isn't told.
    #[error("there is no such code: look at it again")]
    Unknown,
    /// Too many wrong codes.
    #[error("too many attempts: try again in {wait_seconds} seconds")]
    TooManyAttempts {
        /// How long to wait.
        wait_seconds: u64,
    },
    /// The vault can't say.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl From<sqlx::Error> for CodeError {
    fn from(error: sqlx::Error) -> Self {
        Self::Vault(error.into())
    }
}
