//! The event types of every context, a module each.
//!
//! An event is stored as `type` and `data` of its entry. The type carries the version
//! (`delivery.CaseReceived.v1`); a version that was ever stored stays readable, and `fixtures/` keeps one
//! example of each. Fields are ids, codes and dates only: no name of a person, no free text.
//!
//! This crate knows neither how entries are stored nor who decides.

pub mod conduct;
pub mod delivery;
pub mod directory;
pub mod discipline;
pub mod ledger;
mod occurred;
mod parts;
pub mod vault;
pub mod view;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

pub use occurred::{Occurred, OccurredMalformed, end_of_day, parse_offset};

/// A history of every event type, one entry a line, which only ever grows at its end: what the fold of a view
/// is held to.
pub const HISTORY: &str = include_str!("../history.jsonl");

/// What an event is about: one thing in one role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// The role the thing has in the event.
    pub role: Role,
    /// The thing's id, unique within its role.
    pub id: String,
}

impl Subject {
    /// A subject.
    pub fn new(role: Role, id: impl Into<String>) -> Self {
        Self { role, id: id.into() }
    }
}

/// The roles a subject can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A case, by its code.
    Case,
    /// An agency, by its code.
    Agency,
    /// A unit, by its code.
    Unit,
    /// An official, by a pseudonymous id.
    Official,
    /// A procedure, by its code.
    Procedure,
    /// A named step, by its code.
    Step,
    /// A view, by its name.
    View,
    /// A report, by its random id.
    Report,
    /// A post, by its code.
    Post,
    /// A disciplinary proceeding, by its id.
    Proceeding,
}

impl Role {
    /// All of them, in the order they are listed to people.
    pub const ALL: [Self; 10] = [
        Self::Case,
        Self::Agency,
        Self::Unit,
        Self::Official,
        Self::Procedure,
        Self::Step,
        Self::View,
        Self::Report,
        Self::Post,
        Self::Proceeding,
    ];

    /// The role's word, as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Case => "case",
            Self::Agency => "agency",
            Self::Unit => "unit",
            Self::Official => "official",
            Self::Procedure => "procedure",
            Self::Step => "step",
            Self::View => "view",
            Self::Report => "report",
            Self::Post => "post",
            Self::Proceeding => "proceeding",
        }
    }

    /// The role of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.as_str() == word)
    }
}

/// The events of one aggregate type: an enum with serde's `tag = "type", content = "data"`, whose variants
/// are renamed to the stored type.
pub trait Event: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// The category of the streams these events are in, such as `delivery.case`.
    const CATEGORY: &'static str;

    /// What the event is about. `key` is the stream's key.
    fn subjects(&self, key: &str) -> Vec<Subject>;
}

/// An event with the time it happened: what an aggregate folds, since it sees no envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact<E> {
    /// When it happened, as told.
    pub occurred: Occurred,
    /// What happened.
    pub data: E,
}

/// An event in its stored form.
#[derive(Debug, Clone)]
pub struct Encoded {
    /// The type with its version.
    pub event_type: String,
    /// The data: one JSON object.
    pub data: Box<RawValue>,
}

/// An event that can't be read, or not be written.
#[derive(Debug, thiserror::Error)]
#[error("not an event of {category}")]
pub struct NotAnEvent {
    /// The category whose events were expected.
    pub category: &'static str,
    /// What serde found.
    #[source]
    pub source: serde_json::Error,
}

/// The stored form of an event.
pub fn encode<E: Event>(event: &E) -> Result<Encoded, NotAnEvent> {
    #[derive(Deserialize)]
    struct Parts {
        #[serde(rename = "type")]
        event_type: String,
        data: Box<RawValue>,
    }
    let not_an_event = |source| NotAnEvent { category: E::CATEGORY, source };
    let text = serde_json::to_string(event).map_err(not_an_event)?;
    let Parts { event_type, data } = serde_json::from_str(&text).map_err(not_an_event)?;
    Ok(Encoded { event_type, data })
}

/// The event of a type and its data, as an envelope has them.
pub fn decode_parts<E: Event>(event_type: &str, data: &str) -> Result<E, NotAnEvent> {
    let mut data = serde_json::Deserializer::from_str(data);
    let event = E::deserialize(parts::Parts::new(event_type, &mut data));
    let event = event.and_then(|event| data.end().map(|()| event));
    event.map_err(|source| NotAnEvent { category: E::CATEGORY, source })
}

/// The event in an entry's bytes: reads `type` and `data` of the envelope and passes over the rest.
pub fn decode<E: Event>(entry: &[u8]) -> Result<E, NotAnEvent> {
    serde_json::from_slice(entry).map_err(|source| NotAnEvent { category: E::CATEGORY, source })
}
