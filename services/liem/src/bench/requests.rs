//! Appends as bytes, made from a template: only what differs is written anew.

use bytes::{Bytes, BytesMut};
use prost::Message;
use proto::ledger::{self as pb, expected::Revision, occurred::When};
use uuid::Uuid;

use super::wire::framed;

/// Stands for the append's id, which is also its stream's key.
const ID: &str = "00000000-0000-0000-0000-000000000000";

/// Bytes of an event's data.
const DATA_BYTES: usize = 250;

/// Makes appends, each to a stream of its own.
#[derive(Clone)]
pub(super) struct Requests {
    template: Bytes,
    ids: Vec<usize>,
    /// Where a text stands that is another in each, so that nothing compresses it.
    texts: Vec<usize>,
    text_length: usize,
    state: u64,
}

impl Requests {
    /// Appends of so many events each, for calls with one append.
    pub(super) fn unary(events: usize) -> Self {
        Self::of(events, &append(events))
    }

    /// The same, for a call with many.
    pub(super) fn streamed(events: usize) -> Self {
        Self::of(events, &pb::AppendStreamRequest { append: Some(append(events)) })
    }

    fn of(events: usize, message: &impl Message) -> Self {
        let template = framed(message);
        let text = text();
        let places = |part: &str| -> Vec<usize> {
            let windows = template.windows(part.len()).enumerate();
            windows.filter(|(_, window)| *window == part.as_bytes()).map(|(place, _)| place).collect()
        };
        let (ids, texts) = (places(ID), places(&text));
        assert_eq!((ids.len(), texts.len()), (2 + events, events), "all that is replaced was found");
        // Another for each who makes appends, so that no two make the same text.
        let state = u64::from_le_bytes(Uuid::now_v7().into_bytes()[8..].try_into().unwrap_or([1; 8])) | 1;
        Self { template, ids, texts, text_length: text.len(), state }
    }

    /// Adds the next append, in its frame.
    pub(super) fn next(&mut self, buffer: &mut BytesMut) {
        let start = buffer.len();
        buffer.extend_from_slice(&self.template);
        let made = &mut buffer[start..];
        let id = Uuid::now_v7();
        for place in &self.ids {
            id.hyphenated().encode_lower(&mut made[*place..place + ID.len()]);
        }
        for place in &self.texts {
            for letters in made[*place..place + self.text_length].chunks_mut(12) {
                // Xorshift: nothing depends on how good the chance is.
                self.state ^= self.state << 13;
                self.state ^= self.state >> 7;
                self.state ^= self.state << 17;
                for (letter, shift) in letters.iter_mut().zip(0..) {
                    *letter = b'A' + (self.state >> (5 * shift)).to_le_bytes()[0] % 26;
                }
            }
        }
    }
}

fn text() -> String {
    let frame = data("").len();
    "~".repeat(DATA_BYTES - frame)
}

fn data(text: &str) -> String {
    format!(r#"{{"by":{{"agency":"H57.18","unit":"H57.18.02"}},"step":"T02 check","note":"{text}"}}"#)
}

fn append(events: usize) -> pb::AppendEventsRequest {
    let event = pb::NewEvent {
        r#type: "delivery.StepDone.v1".into(),
        subjects: vec![pb::Subject { role: "case".into(), id: ID.into() }],
        occurred: Some(pb::Occurred { when: Some(When::On("2026-11-24".into())) }),
        data: data(&text()).into(),
    };
    pb::AppendEventsRequest {
        request_id: ID.into(),
        stream: format!("delivery.case/{ID}"),
        expected: Some(pb::Expected { revision: Some(Revision::NoStream(true)) }),
        events: vec![event; events],
        actor: Some(pb::Actor { id: "agency-H57.18".into(), role: "agency".into(), agency: "H57.18".into() }),
        command_digest: vec![7; 32].into(),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_append_is_one_of_its_own_with_an_event_of_250_bytes() {
        let mut requests = Requests::streamed(3);
        let mut buffer = BytesMut::new();
        let mut seen = Vec::new();
        for _ in 0..100 {
            buffer.clear();
            requests.next(&mut buffer);
            let append = pb::AppendStreamRequest::decode(&buffer[5..]).unwrap().append.unwrap();
            assert_eq!(append.stream, format!("delivery.case/{}", append.request_id));
            for event in &append.events {
                assert_eq!(event.data.len(), 250);
                assert_eq!(event.subjects[0].id, append.request_id);
                serde_json::from_slice::<serde_json::Value>(&event.data).unwrap();
                assert!(!seen.contains(&event.data));
                seen.push(event.data.clone());
            }
            eventlog::append_from_proto(append, "delivery").unwrap();
        }
    }
}
