//! What a caller asks the log to record.

use std::{
    fmt,
    pin::Pin,
    str::FromStr,
    task::{Context as Polled, Poll},
};

use chrono::{DateTime, Utc};
use events::{Encoded, Occurred, Subject};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::{Actor, AppendError};

/// Events in one append, at most.
pub const MAX_EVENTS: usize = 1_000;

/// The name of a stream: `category/key`, at most 200 bytes, without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamName {
    text: String,
    slash: usize,
}

/// A text that names no stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a stream's name: `category/key`, at most 200 bytes, no control characters")]
pub struct StreamNameMalformed {
    /// The text, escaped and shortened.
    pub text: String,
}

impl StreamName {
    /// The stream of a key within a category.
    pub fn new(category: &str, key: &str) -> Result<Self, StreamNameMalformed> {
        format!("{category}/{key}").parse()
    }

    /// The part before the first slash.
    pub fn category(&self) -> &str {
        &self.text[..self.slash]
    }

    /// The part after the first slash.
    pub fn key(&self) -> &str {
        &self.text[self.slash + 1..]
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for StreamName {
    type Err = StreamNameMalformed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let category_ok = |c: &str| {
            !c.is_empty()
                && c.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._".contains(&b))
        };
        match text.split_once('/') {
            Some((category, key))
                if category_ok(category)
                    && !key.is_empty()
                    && text.len() <= 200
                    && !text.chars().any(char::is_control) =>
            {
                Ok(Self { text: text.to_owned(), slash: category.len() })
            }
            _ => Err(StreamNameMalformed {
                text: text.chars().take(60).flat_map(char::escape_debug).collect(),
            }),
        }
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The revision a stream must have for an append to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// No event yet.
    NoStream,
    /// Its last event has this revision.
    Exact(u64),
    /// Whatever it has.
    Any,
}

impl Expected {
    /// Whether a stream at `revision` (0 for none) is as expected.
    pub fn allows(self, revision: u64) -> bool {
        match self {
            Self::NoStream => revision == 0,
            Self::Exact(expected) => revision == expected,
            Self::Any => true,
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStream => f.write_str("no stream"),
            Self::Exact(revision) => write!(f, "revision {revision}"),
            Self::Any => f.write_str("any revision"),
        }
    }
}

/// One event to record.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Type and data.
    pub encoded: Encoded,
    /// What it is about.
    pub subjects: Vec<Subject>,
    /// When it happened, as told.
    pub occurred: Occurred,
}

/// Who appends and why: the same for all events of an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Who did it.
    pub actor: Actor,
    /// The official in whose name, a pseudonymous id.
    pub on_behalf_of: Option<String>,
    /// The service that decided.
    pub service: String,
    /// BLAKE3 of the command: what tells a retry from a reused id.
    pub command_digest: [u8; 32],
    /// The request id of what caused this.
    pub causation: Option<Uuid>,
    /// What ties together things that belong together.
    pub correlation: Option<String>,
    /// Version and hash of the rulebook it was decided under.
    pub rules: Option<String>,
    /// The first instant of the day it came in, for what a person did whom an exact time could unmask: it's
    /// recorded as of then, or of the entry before, whichever is later.
    pub day_start: Option<DateTime<Utc>>,
}

/// One append: events for one stream, recorded all or none.
#[derive(Debug, Clone)]
pub struct Append {
    /// The append id: that of the command.
    pub id: Uuid,
    /// The stream.
    pub stream: StreamName,
    /// The revision it must have.
    pub expected: Expected,
    /// The events, 1 to [`MAX_EVENTS`].
    pub events: Vec<NewEvent>,
    /// Who and why.
    pub context: Context,
}

impl Append {
    /// Refuses what no log may take.
    pub(crate) fn validate(&self) -> Result<(), AppendError> {
        if self.events.is_empty() || self.events.len() > MAX_EVENTS {
            return Err(AppendError::EventCount { count: self.events.len() });
        }
        Ok(())
    }
}

/// Where an append was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The position of its first event.
    pub first_position: u64,
    /// The position of its last event.
    pub last_position: u64,
    /// The revision of its last event.
    pub last_revision: u64,
    /// True if it had been recorded before.
    pub repeated: bool,
}

/// An append that was taken in and waits for its answer. Dropping it takes nothing back.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Result<Appended, AppendError>>);

impl Pending {
    /// What waits for the one who answers. If that goes away without a word, nobody knows whether the append was
    /// recorded.
    pub fn new() -> (oneshot::Sender<Result<Appended, AppendError>>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(receiver))
    }
}

impl Future for Pending {
    type Output = Result<Appended, AppendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Polled<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|answer| answer.map_err(AppendError::unavailable)?)
    }
}
