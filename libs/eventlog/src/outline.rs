//! The few fields of an envelope that filters look at, found without reading the rest.

use std::borrow::Cow;

use serde::Deserialize;

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
        // Whatever isn't exactly as the log writes it is left to the parser.
        Self::at_the_front(bytes).map_or_else(|| serde_json::from_slice(bytes), Ok)
    }

    /// The order of the fields is part of the format, so the first of them stand where they are looked for.
    fn at_the_front(bytes: &'a [u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(br#"{"v":1,"position":"#)?;
        let (position, rest) = number(rest)?;
        let (stream, rest) = string(rest.strip_prefix(br#","stream":""#)?)?;
        let (_, rest) = number(rest.strip_prefix(br#","revision":"#)?)?;
        let (_, rest) = string(rest.strip_prefix(br#","append_id":""#)?)?;
        let (_, rest) = number(rest.strip_prefix(br#","k":"#)?)?;
        let (event_type, rest) = string(rest.strip_prefix(br#","type":""#)?)?;
        let is_followed = rest.first().is_some_and(|&b| b == b',');
        is_followed.then_some(Self { position, stream: stream.into(), event_type: event_type.into() })
    }
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
    let length = bytes.iter().position(|&b| b == b'"' || b == b'\\' || b < b' ')?;
    let (text, rest) = bytes.split_at(length);
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
        let outline = Outline::at_the_front(text.as_bytes()).expect("as the log writes it");
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
