//! A row as it waits for the other rows of its case: only what the mapping takes, in a compact form that
//! never leaves this process.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate};

use super::flag::Flags;
use crate::import::mapping::Channel;
use crate::import::time::When;

/// What one row says about itself and its case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StoredRow<'a> {
    pub(super) line: u64,
    pub(super) key: Cow<'a, str>,
    pub(super) time: When,
    /// A hash of what makes the row the row it is.
    pub(super) content: [u8; 16],
    pub(super) flags: Flags,
    pub(super) activity: Option<&'a str>,
    pub(super) official: Option<Cow<'a, str>>,
    pub(super) unit: Option<&'a str>,
    pub(super) case_unit: Option<&'a str>,
    pub(super) agency: Option<&'a str>,
    pub(super) channel: Option<Channel>,
    pub(super) procedure: Option<&'a str>,
    pub(super) deadline: Option<When>,
    pub(super) start: Option<When>,
    pub(super) end: Option<When>,
}

impl<'a> StoredRow<'a> {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_number(out, self.line);
        put_text(out, Some(&self.key));
        put_when(out, Some(self.time));
        out.extend_from_slice(&self.content);
        out.push(self.flags.bits());
        put_text(out, self.activity);
        put_text(out, self.official.as_deref());
        put_text(out, self.unit);
        put_text(out, self.case_unit);
        put_text(out, self.agency);
        out.push(match self.channel {
            None => 0,
            Some(Channel::Counter) => 1,
            Some(Channel::Online) => 2,
            Some(Channel::Post) => 3,
        });
        put_text(out, self.procedure);
        put_when(out, self.deadline);
        put_when(out, self.start);
        put_when(out, self.end);
    }

    /// Takes one row off the front; none where the bytes are not what `encode` wrote.
    pub(super) fn decode(bytes: &mut &'a [u8]) -> Option<Self> {
        Some(Self {
            line: take_number(bytes)?,
            key: Cow::Borrowed(take_text(bytes)??),
            time: take_when(bytes)??,
            content: take_array(bytes)?,
            flags: Flags::from_bits(u8::from_le_bytes(take_array(bytes)?)),
            activity: take_text(bytes)?,
            official: take_text(bytes)?.map(Cow::Borrowed),
            unit: take_text(bytes)?,
            case_unit: take_text(bytes)?,
            agency: take_text(bytes)?,
            channel: match take_array(bytes)? {
                [0] => None,
                [1] => Some(Channel::Counter),
                [2] => Some(Channel::Online),
                [3] => Some(Channel::Post),
                [_] => return None,
            },
            procedure: take_text(bytes)?,
            deadline: take_when(bytes)?,
            start: take_when(bytes)?,
            end: take_when(bytes)?,
        })
    }
}

/// Seven bits a byte, the lowest first; the high bit says that more follow.
fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let [byte] = take_array(bytes)?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// No value of a row is empty: so the empty text stands for none.
fn put_text(out: &mut Vec<u8>, text: Option<&str>) {
    let text = text.unwrap_or_default();
    put_number(out, u64::try_from(text.len()).expect("a length fits 64 bits"));
    out.extend_from_slice(text.as_bytes());
}

#[expect(clippy::option_option, reason = "the outer one is about the bytes, the inner one about the row")]
fn take_text<'a>(bytes: &mut &'a [u8]) -> Option<Option<&'a str>> {
    let length = usize::try_from(take_number(bytes)?).ok()?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    let text = std::str::from_utf8(text).ok()?;
    Some((!text.is_empty()).then_some(text))
}

fn put_when(out: &mut Vec<u8>, when: Option<When>) {
    match when {
        None => out.push(0),
        Some(When::Instant(instant)) => {
            out.push(1);
            out.extend_from_slice(&instant.timestamp_micros().to_le_bytes());
        }
        Some(When::Date(date)) => {
            out.push(2);
            out.extend_from_slice(&date.to_epoch_days().to_le_bytes());
        }
    }
}

#[expect(clippy::option_option, reason = "the outer one is about the bytes, the inner one about the row")]
fn take_when(bytes: &mut &[u8]) -> Option<Option<When>> {
    match take_array(bytes)? {
        [0] => Some(None),
        [1] => {
            let instant = DateTime::from_timestamp_micros(i64::from_le_bytes(take_array(bytes)?))?;
            Some(Some(When::Instant(instant)))
        }
        [2] => {
            let date = NaiveDate::from_epoch_days(i32::from_le_bytes(take_array(bytes)?))?;
            Some(Some(When::Date(date)))
        }
        [_] => None,
    }
}

fn take_array<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (array, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*array)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::source::flag::Flag;
    use crate::import::time;

    fn when(text: &str) -> When {
        time::parse(text, time::parse_offset("+07:00").unwrap()).unwrap()
    }

    fn row() -> StoredRow<'static> {
        let mut flags = Flags::default();
        flags.set(Flag::OfficialRenamed);
        StoredRow {
            line: 1 << 40,
            key: "hồ sơ 1".into(),
            time: when("1900-01-01T00:00:00.000001Z"),
            content: [0xa5; 16],
            flags,
            activity: Some("T02"),
            official: Some("o-1".into()),
            unit: None,
            case_unit: Some("U"),
            agency: Some("H57"),
            channel: Some(Channel::Post),
            procedure: None,
            deadline: Some(when("2200-12-31")),
            start: None,
            end: Some(when("2011-09-05T13:45")),
        }
    }

    #[test]
    fn rows_come_back_as_they_were() {
        let full = row();
        let bare = StoredRow { line: 0, activity: None, official: None, channel: None, end: None, ..row() };
        let mut bytes = Vec::new();
        full.encode(&mut bytes);
        bare.encode(&mut bytes);
        let mut rest = bytes.as_slice();
        assert_eq!(StoredRow::decode(&mut rest), Some(full));
        assert_eq!(StoredRow::decode(&mut rest), Some(bare));
        assert!(rest.is_empty());
    }

    #[test]
    fn cut_bytes_are_no_row() {
        let mut bytes = Vec::new();
        row().encode(&mut bytes);
        for length in 0..bytes.len() {
            assert_eq!(StoredRow::decode(&mut &bytes[..length]), None, "{length}");
        }
    }
}
