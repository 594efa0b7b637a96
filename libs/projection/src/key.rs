//! The key of a row: its parts one after the other, written so that keys compare as SQLite orders the rows.

use std::fmt;

/// A part of a row's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPart<'a> {
    /// A whole number.
    Int(i64),
    /// Text.
    Text(&'a str),
}

impl From<i64> for KeyPart<'_> {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl<'a> From<&'a str> for KeyPart<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

/// A row's key: as many parts as the table's key has columns. In one piece, since a fold makes many.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Vec<u8>);

/// What stands before a number, and before a text.
const INT: u8 = 1;
const TEXT: u8 = 2;
/// What ends a text. In a text a zero is followed by `ESCAPED`, so that no text ends early.
const END: u8 = 0;
const ESCAPED: u8 = 0xff;

impl Key {
    /// A key of parts.
    pub fn of<const N: usize>(parts: [KeyPart<'_>; N]) -> Self {
        let length = |part: &KeyPart<'_>| match part {
            KeyPart::Int(_) => 9,
            KeyPart::Text(text) => text.len() + 2,
        };
        let mut bytes = Vec::with_capacity(parts.iter().map(length).sum());
        for part in parts {
            push(&mut bytes, part);
        }
        Self(bytes)
    }

    /// A key of parts that come one by one.
    pub(crate) fn collect<'a>(parts: impl Iterator<Item = KeyPart<'a>>) -> Self {
        let mut bytes = Vec::with_capacity(32);
        parts.for_each(|part| push(&mut bytes, part));
        Self(bytes)
    }

    /// Its parts, in order.
    pub(crate) fn parts(&self) -> Parts<'_> {
        Parts(&self.0)
    }
}

fn push(bytes: &mut Vec<u8>, part: KeyPart<'_>) {
    match part {
        KeyPart::Int(n) => {
            bytes.push(INT);
            // With the sign turned, negative numbers come first.
            bytes.extend_from_slice(&(n ^ i64::MIN).to_be_bytes());
        }
        KeyPart::Text(text) => {
            bytes.push(TEXT);
            for (i, piece) in text.as_bytes().split(|byte| *byte == END).enumerate() {
                if i > 0 {
                    bytes.extend_from_slice(&[END, ESCAPED]);
                }
                bytes.extend_from_slice(piece);
            }
            bytes.push(END);
        }
    }
}

/// The parts of a key.
pub(crate) struct Parts<'a>(&'a [u8]);

/// A part as it is read: text that holds a zero is not in one piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    Int(i64),
    Text(std::borrow::Cow<'a, str>),
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let (kind, rest) = self.0.split_first()?;
        if *kind == INT {
            let (n, rest) = rest.split_first_chunk::<8>()?;
            self.0 = rest;
            return Some(Part::Int(i64::from_be_bytes(*n) ^ i64::MIN));
        }
        let mut text: std::borrow::Cow<'a, str> = "".into();
        let mut left = rest;
        loop {
            let end = left.iter().position(|byte| *byte == END)?;
            let (piece, after) = left.split_at(end);
            let piece = std::str::from_utf8(piece).ok()?;
            if text.is_empty() {
                text = piece.into();
            } else {
                text.to_mut().push_str(piece);
            }
            left = after.get(1..)?;
            if left.first() != Some(&ESCAPED) {
                break;
            }
            text.to_mut().push('\0');
            left = &left[1..];
        }
        self.0 = left;
        Some(Part::Text(text))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.parts()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_come_back_and_keys_are_in_the_order_of_their_parts(
            a in any::<(i64, String, i64)>(), b in any::<(i64, String, i64)>(),
        ) {
            let key = |(n, text, m): &(i64, String, i64)| Key::of([(*n).into(), text.as_str().into(), (*m).into()]);
            let parts: Vec<_> = key(&a).parts().collect::<Vec<_>>().into_iter().map(|part| format!("{part:?}")).collect();
            let expected =
                [Part::Int(a.0), Part::Text(a.1.as_str().into()), Part::Int(a.2)].map(|part| format!("{part:?}"));
            prop_assert_eq!(parts, expected);
            prop_assert_eq!(key(&a).cmp(&key(&b)), a.cmp(&b));
            let same_number = (b.0, a.1.clone(), a.2);
            let other = (b.0, b.1.clone(), b.2);
            prop_assert_eq!(key(&same_number).cmp(&key(&other)), same_number.cmp(&other));
        }

        #[test]
        fn texts_are_ordered_by_their_bytes(a in "[\\x00\\x01a]{0,4}", b in "[\\x00\\x01a]{0,4}") {
            let key = |text: &String| Key::of([text.as_str().into(), 1.into()]);
            prop_assert_eq!(key(&a).cmp(&key(&b)), a.cmp(&b));
        }
    }
}
