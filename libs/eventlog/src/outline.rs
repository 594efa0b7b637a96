//! The few fields of an envelope that filters and folds look at, found without reading the rest.
//!
//! The order of the fields is part of the format, and no name of a field can occur in quotes within a text,
//! where quotes are escaped: so a field is where its name is first found after the one before. Whatever isn't
//! exactly as the log writes it is left to the parser.

use std::{borrow::Cow, sync::LazyLock};

use chrono::{DateTime, Utc};
use events::{Event, NotAnEvent, Occurred, Role};
use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What filters look at. Found in the envelope's first fields: the rest may be anything.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Outline<'a> {
    /// The place in the log.
    pub position: u64,
    /// The stream's name.
    #[serde(borrow)]
    pub stream: Cow<'a, str>,
    /// The type with its version.
    #[serde(borrow, rename = "type")]
    pub event_type: Cow<'a, str>,
}

impl<'a> Outline<'a> {
    /// The category of the stream.
    pub fn category(&self) -> &str {
        self.stream.split_once('/').map_or("", |(category, _)| category)
    }

    pub(crate) fn of(bytes: &'a [u8]) -> Result<Self, serde_json::Error> {
        Self::at_the_front(bytes).map_or_else(|| serde_json::from_slice(bytes), |(outline, _)| Ok(outline))
    }

    /// The first fields, and what follows them.
    fn at_the_front(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let rest = bytes.strip_prefix(br#"{"v":1,"position":"#)?;
        let (position, rest) = number(rest)?;
        let (stream, rest) = string(rest.strip_prefix(br#","stream":""#)?)?;
        let (_, rest) = number(rest.strip_prefix(br#","revision":"#)?)?;
        let (_, rest) = string(rest.strip_prefix(br#","append_id":""#)?)?;
        let (_, rest) = number(rest.strip_prefix(br#","k":"#)?)?;
        let (event_type, rest) = string(rest.strip_prefix(br#","type":""#)?)?;
        let is_followed = rest.first().is_some_and(|&b| b == b',');
        let outline = Self { position, stream: stream.into(), event_type: event_type.into() };
        is_followed.then_some((outline, rest))
    }
}

/// What happened: what folds look at most, as slices of the entry's bytes, so that nothing is copied.
#[derive(Debug, PartialEq, Eq)]
pub struct Happened<'a> {
    /// The stream's name.
    pub stream: Cow<'a, str>,
    /// The type with its version.
    pub event_type: Cow<'a, str>,
    /// The role of the token that recorded it.
    pub actor_role: Cow<'a, str>,
    /// When it happened, as told.
    pub occurred: Occurred,
    /// When the log took it, as stored.
    recorded_at: Cow<'a, str>,
    /// The event's data: one JSON object, which is only looked at when it's asked for as an event.
    pub data: &'a str,
}

impl<'a> Happened<'a> {
    /// The category of the stream.
    pub fn category(&self) -> &str {
        self.stream.split_once('/').map_or("", |(category, _)| category)
    }

    /// The key of the stream.
    pub fn key(&self) -> &str {
        self.stream.split_once('/').map_or("", |(_, key)| key)
    }

    /// When the log took it; none if that isn't told as the log does.
    pub fn recorded_at(&self) -> Option<DateTime<Utc>> {
        Some(DateTime::parse_from_rfc3339(&self.recorded_at).ok()?.with_timezone(&Utc))
    }

    /// The event.
    pub fn event<E: Event>(&self) -> Result<E, NotAnEvent> {
        events::decode_parts(&self.event_type, self.data)
    }

    pub(crate) fn of(bytes: &'a [u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Actor<'a> {
            #[serde(borrow)]
            role: Cow<'a, str>,
        }
        #[derive(Deserialize)]
        struct Parsed<'a> {
            #[serde(borrow)]
            stream: Cow<'a, str>,
            #[serde(borrow, rename = "type")]
            event_type: Cow<'a, str>,
            #[serde(borrow)]
            actor: Actor<'a>,
            occurred: Occurred,
            #[serde(borrow)]
            recorded_at: Cow<'a, str>,
            #[serde(borrow)]
            data: &'a RawValue,
        }
        if let Some(found) = Self::in_place(bytes) {
            return Ok(found);
        }
        let Parsed { stream, event_type, actor, occurred, recorded_at, data } =
            serde_json::from_slice(bytes)?;
        Ok(Self { stream, event_type, actor_role: actor.role, occurred, recorded_at, data: data.get() })
    }

    fn in_place(bytes: &'a [u8]) -> Option<Self> {
        let (Outline { stream, event_type, .. }, rest) = Outline::at_the_front(bytes)?;
        let (_, rest) = string(rest.strip_prefix(br#","actor":{"id":""#)?)?;
        let (actor_role, rest) = string(rest.strip_prefix(br#","role":""#)?)?;
        let (occurred, rest) = string(after(rest, &OCCURRED)?)?;
        let (recorded_at, rest) = string(rest.strip_prefix(br#","recorded_at":""#)?)?;
        let (_, rest) = string(after(rest, &NONCE)?)?;
        let data = rest.strip_prefix(br#","data":"#)?.strip_suffix(b"}")?;
        let occurred = Occurred::parse(occurred).ok()?;
        let data = std::str::from_utf8(data).ok()?;
        let (actor_role, recorded_at) = (actor_role.into(), recorded_at.into());
        Some(Self { stream, event_type, actor_role, occurred, recorded_at, data })
    }
}

/// What an entry is about, as slices of its bytes.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct About<'a> {
    /// The type with its version.
    #[serde(borrow, rename = "type")]
    pub event_type: Cow<'a, str>,
    /// Who did it.
    #[serde(borrow)]
    pub actor: AboutActor<'a>,
    /// What it is about.
    #[serde(borrow)]
    pub subjects: Vec<AboutSubject<'a>>,
}

/// Who did something.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct AboutActor<'a> {
    /// The token's holder.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
}

/// A subject of an entry.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct AboutSubject<'a> {
    /// The role the thing has in the event.
    pub role: Role,
    /// The thing's id, unique within its role.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
}

impl<'a> About<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Result<Self, serde_json::Error> {
        Self::in_place(bytes).map_or_else(|| serde_json::from_slice(bytes), Ok)
    }

    fn in_place(bytes: &'a [u8]) -> Option<Self> {
        let (Outline { event_type, .. }, rest) = Outline::at_the_front(bytes)?;
        let (id, rest) = string(rest.strip_prefix(br#","actor":{"id":""#)?)?;
        let mut rest = after(rest, &SUBJECTS)?;
        let mut subjects = Vec::with_capacity(6);
        while let Some(subject) = rest.strip_prefix(br#"{"role":""#) {
            let (role, subject) = string(subject)?;
            let (id, subject) = string(subject.strip_prefix(br#","id":""#)?)?;
            subjects.push(AboutSubject { role: Role::parse(role)?, id: id.into() });
            rest = subject.strip_prefix(b"}")?;
            rest = rest.strip_prefix(b",").unwrap_or(rest);
        }
        rest.strip_prefix(br#"],"occurred":"#)?;
        Some(Self { event_type, actor: AboutActor { id: id.into() }, subjects })
    }
}

/// What is looked for in each entry: made ready once.
static OCCURRED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#","occurred":""#));
static NONCE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#","nonce":""#));
static SUBJECTS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#","subjects":["#));

/// What follows the first place where something is found.
fn after<'a>(bytes: &'a [u8], wanted: &Finder<'_>) -> Option<&'a [u8]> {
    let at = wanted.find(bytes)?;
    bytes.get(at + wanted.needle().len()..)
}

/// A number in its only form, and what follows it.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let length = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, rest) = bytes.split_at(length);
    if digits.len() > 1 && digits[0] == b'0' {
        return None;
    }
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, rest))
}

/// The text up to its closing quote, and what follows; none where anything in it is escaped, or should be.
fn string(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let length = memchr::memchr2(b'"', b'\\', bytes)?;
    let (text, rest) = bytes.split_at(length);
    if text.iter().any(|&b| b < b' ') {
        return None;
    }
    Some((std::str::from_utf8(text).ok()?, rest.strip_prefix(b"\"")?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn by_serde(bytes: &[u8]) -> Option<Outline<'_>> {
        serde_json::from_slice(bytes).ok()
    }

    fn same(bytes: &[u8]) {
        assert_eq!(Outline::of(bytes).ok(), by_serde(bytes), "{}", String::from_utf8_lossy(bytes));
    }

    fn envelope(position: u64, stream: &str, revision: u64, event_type: &str) -> String {
        let text = |text: &str| Value::from(text).to_string();
        format!(
            r#"{{"v":1,"position":{position},"stream":{},"revision":{revision},"append_id":"id","k":0,"type":{},"service":"x","data":{{"type":"other"}}}}"#,
            text(stream),
            text(event_type)
        )
    }

    #[test]
    fn the_usual_is_found_at_the_front() {
        let text = envelope(7, "delivery.case/Hồ sơ", 3, "delivery.StepDone.v1");
        let (outline, _) = Outline::at_the_front(text.as_bytes()).expect("as the log writes it");
        assert_eq!(Some(&outline), by_serde(text.as_bytes()).as_ref());
        assert_eq!((outline.position, outline.category()), (7, "delivery.case"));
    }

    #[test]
    fn the_unusual_is_left_to_the_parser() {
        for (stream, event_type) in [("a\"b/c", "t"), ("a\\/c", "t"), ("a/\n", "t"), ("a/b", "t\u{1}\"")] {
            let text = envelope(7, stream, 3, event_type);
            assert_eq!(Outline::at_the_front(text.as_bytes()), None, "{text}");
            let outline = Outline::of(text.as_bytes()).expect("an envelope");
            assert_eq!((&*outline.stream, &*outline.event_type), (stream, event_type));
        }
        let reordered = json!({ "type": "t", "stream": "a/b", "position": 4, "v": 1 }).to_string();
        assert_eq!(Outline::of(reordered.as_bytes()).expect("fields in any order").event_type, "t");
        for text in [
            "",
            "{}",
            r#"{"v":1,"position":,"stream":"a/b"}"#,
            r#"{"v":1,"position":01,"stream":"a/b","revision":1,"append_id":"","k":0,"type":"t","x":1}"#,
            r#"{"v":1,"position":1,"stream":"a/b","revision":1,"append_id":"","k":0,"type":"t}"#,
            r#"{"v":2,"position":1,"stream":"a/b","revision":1,"append_id":"","k":0,"type":"t","x":1}"#,
            r#"{"v":1,"position":99999999999999999999,"stream":"a","revision":1,"append_id":"","k":0,"type":"t","x":1}"#,
        ] {
            same(text.as_bytes());
        }
        let mut broken = envelope(7, "a/b", 3, "t").into_bytes();
        broken[28] = 0xff;
        same(&broken);
    }

    /// Every entry of the history is found in place, and as the parser finds it.
    #[test]
    fn parts_are_found_where_the_log_writes_them() {
        #[derive(Deserialize)]
        struct Actor {
            role: String,
        }
        #[derive(Deserialize)]
        struct Parsed {
            stream: String,
            #[serde(rename = "type")]
            event_type: String,
            actor: Actor,
            occurred: Occurred,
            recorded_at: DateTime<Utc>,
            data: Box<RawValue>,
        }
        for line in events::HISTORY.lines() {
            let parsed: Parsed = serde_json::from_str(line).expect("an envelope");
            let happened = Happened::in_place(line.as_bytes()).expect("as the log writes it");
            assert_eq!(happened.recorded_at(), Some(parsed.recorded_at));
            let expected = Happened {
                stream: parsed.stream.into(),
                event_type: parsed.event_type.into(),
                actor_role: parsed.actor.role.into(),
                occurred: parsed.occurred,
                recorded_at: happened.recorded_at.clone(),
                data: parsed.data.get(),
            };
            assert_eq!(happened, expected);
            let about: About<'_> = serde_json::from_str(line).expect("an envelope");
            assert_eq!(About::in_place(line.as_bytes()).expect("as the log writes it"), about);
            // Otherwise ordered, or with what is escaped, it's left to the parser, which finds the same.
            let value: Value = serde_json::from_str(line).expect("an envelope");
            let reordered = serde_json::to_string_pretty(&value).expect("JSON");
            assert_eq!(Happened::in_place(reordered.as_bytes()), None);
            let again = Happened::of(reordered.as_bytes()).expect("an envelope");
            assert_eq!(
                (again.recorded_at(), &again.actor_role),
                (happened.recorded_at(), &happened.actor_role)
            );
            assert_eq!((again.stream, again.occurred), (happened.stream, happened.occurred));
            assert_eq!(About::of(reordered.as_bytes()).expect("an envelope"), about);
        }
        // A field's name within a text is no field.
        let line = events::HISTORY.lines().next().expect("a line");
        let tricky = line.replacen(
            r#""actor":{"id":"ledger""#,
            r#""actor":{"id":"x\",\"occurred\":\"2000-01-01\",\"nonce\":\"""#,
            1,
        );
        let happened = Happened::of(tricky.as_bytes()).expect("an envelope");
        assert_eq!(happened.occurred, Happened::of(line.as_bytes()).expect("an envelope").occurred);
        assert!(About::of(tricky.as_bytes()).expect("an envelope").actor.id.contains("\"nonce\":"));
    }

    proptest! {
        #[test]
        fn it_is_what_serde_finds(
            position: u64, revision: u64, stream in "\\PC{0,20}", event_type in any::<String>(), spaced: bool,
        ) {
            let mut text = envelope(position, &stream, revision, &event_type);
            if spaced {
                text = text.replacen(':', ": ", 3);
            }
            same(text.as_bytes());
        }
    }
}
