//! An entry: the exact bytes of one event, and what they say.

use std::borrow::Cow;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use events::{Event, NotAnEvent, Occurred, Subject};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{About, Happened, Outline};

/// Bytes of one entry, at most: the limit of the entry bundles of C2SP tlog-tiles.
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// One event as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the log, gapless from 1.
    pub position: u64,
    /// The JSON envelope: what is hashed, stored, served and verified. A slice of what it was read with, so
    /// that it costs nothing to hand on.
    pub bytes: Bytes,
}

/// Bytes that are not an entry.
#[derive(Debug, thiserror::Error)]
#[error("the bytes at position {position} are not an entry")]
pub struct NotAnEntry {
    /// Where.
    pub position: u64,
    /// What is wrong with them.
    #[source]
    pub source: serde_json::Error,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The token's holder.
    pub id: String,
    /// The token's role.
    pub role: String,
    /// The agency the token was issued for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency: Option<String>,
}

/// The envelope without the event's data: what the log itself says of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Header {
    /// The envelope's own version.
    pub v: u32,
    /// The place in the log.
    pub position: u64,
    /// The stream's name.
    pub stream: String,
    /// The place in the stream, from 1.
    pub revision: u64,
    /// The append it came with.
    pub append_id: Uuid,
    /// Its place in that append, from 0.
    pub k: u32,
    /// The type with its version.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Who did it.
    pub actor: Actor,
    /// In whose name.
    #[serde(default)]
    pub on_behalf_of: Option<String>,
    /// The service that decided.
    pub service: String,
    /// What it is about.
    pub subjects: Vec<Subject>,
    /// When it happened, as told.
    pub occurred: Occurred,
    /// When the log took it.
    #[serde(with = "micros")]
    pub recorded_at: DateTime<Utc>,
    /// What caused it.
    #[serde(default)]
    pub causation: Option<Uuid>,
    /// What it belongs to.
    #[serde(default)]
    pub correlation: Option<String>,
    /// The rulebook it was decided under.
    #[serde(default)]
    pub rules: Option<String>,
    /// BLAKE3 of the command, in hexadecimal.
    pub command_digest: String,
}

impl Header {
    /// The category of the stream.
    pub fn category(&self) -> &str {
        self.stream.split_once('/').map_or("", |(category, _)| category)
    }

    /// The key of the stream.
    pub fn key(&self) -> &str {
        self.stream.split_once('/').map_or("", |(_, key)| key)
    }
}

impl Entry {
    /// What happened, without copying it.
    pub fn happened(&self) -> Result<Happened<'_>, NotAnEntry> {
        Happened::of(&self.bytes).map_err(|source| NotAnEntry { position: self.position, source })
    }

    /// What it is about, without copying it.
    pub fn about(&self) -> Result<About<'_>, NotAnEntry> {
        About::of(&self.bytes).map_err(|source| NotAnEntry { position: self.position, source })
    }

    fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T, NotAnEntry> {
        // Known to be text as a whole, no piece of it need be looked at again.
        let parsed = match std::str::from_utf8(&self.bytes) {
            Ok(text) => serde_json::from_str(text),
            Err(_) => serde_json::from_slice(&self.bytes),
        };
        parsed.map_err(|source| NotAnEntry { position: self.position, source })
    }

    /// What the envelope says.
    pub fn header(&self) -> Result<Header, NotAnEntry> {
        self.parse()
    }

    /// The stream and type, found fast: for those who look at many entries and want few.
    pub fn outline(&self) -> Result<Outline<'_>, NotAnEntry> {
        Outline::of(&self.bytes).map_err(|source| NotAnEntry { position: self.position, source })
    }

    /// The event.
    pub fn event<E: Event>(&self) -> Result<E, NotAnEvent> {
        events::decode(&self.bytes)
    }

    /// The event's data, as stored.
    pub fn data(&self) -> Result<Box<RawValue>, NotAnEntry> {
        #[derive(Deserialize)]
        struct Data {
            data: Box<RawValue>,
        }
        serde_json::from_slice::<Data>(&self.bytes)
            .map(|d| d.data)
            .map_err(|source| NotAnEntry { position: self.position, source })
    }
}

/// The envelope as it is written: the order of the fields is part of the format.
#[derive(Serialize)]
pub(crate) struct Envelope<'a> {
    pub(crate) v: u32,
    pub(crate) position: u64,
    pub(crate) stream: &'a str,
    pub(crate) revision: u64,
    pub(crate) append_id: Uuid,
    pub(crate) k: u32,
    #[serde(rename = "type")]
    pub(crate) event_type: &'a str,
    pub(crate) actor: &'a Actor,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) on_behalf_of: Option<&'a str>,
    pub(crate) service: &'a str,
    pub(crate) subjects: &'a [Subject],
    pub(crate) occurred: Occurred,
    #[serde(with = "micros")]
    pub(crate) recorded_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) causation: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) correlation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rules: Option<&'a str>,
    pub(crate) command_digest: Cow<'a, str>,
    pub(crate) nonce: Cow<'a, str>,
    pub(crate) data: &'a RawValue,
}

/// The version of the envelope that is written.
pub(crate) const ENVELOPE_VERSION: u32 = 1;

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        for n in [byte >> 4, byte & 15] {
            text.push(char::from(DIGITS[usize::from(n)]));
        }
    }
    text
}

/// An instant as ISO 8601 with exactly six decimals, in UTC.
mod micros {
    use chrono::{DateTime, SecondsFormat, Utc};
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Micros, true))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
        /// A slice of the text where nothing in it is escaped.
        #[derive(Deserialize)]
        struct Text<'a>(#[serde(borrow)] std::borrow::Cow<'a, str>);
        let Text(text) = Text::deserialize(deserializer)?;
        DateTime::parse_from_rfc3339(&text).map(|t| t.with_timezone(&Utc)).map_err(de::Error::custom)
    }
}
