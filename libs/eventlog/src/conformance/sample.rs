//! Appends to try a log with. Streams are of categories that a service owns, so that a log behind the
//! ledger's gate takes them.

use chrono::{DateTime, NaiveDate, Utc};
use events::{
    Event, Occurred,
    delivery::{By, CaseEvent},
};
use uuid::Uuid;

use crate::{Actor, Append, Context, Expected, NewEvent, StreamName};

/// A day on which things happened.
pub fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 24).expect("a date")
}

/// An instant at which things happened, to the microsecond.
pub fn instant() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_795_478_400_123_456).expect("an instant")
}

fn by() -> By {
    By { agency: "H57.18".into(), unit: Some("H57.18.02".into()), official: None }
}

/// An event as it would be appended to its stream.
pub fn event(data: &impl Event, key: &str) -> NewEvent {
    NewEvent {
        encoded: events::encode(data).expect("an event has a stored form"),
        subjects: data.subjects(key),
        occurred: Occurred::On(day()),
    }
}

/// A step was done: the usual event.
pub fn step(step: &str) -> NewEvent {
    let (step, before_receipt, after_close) = (step.to_owned(), false, false);
    event(&CaseEvent::StepDone { by: by(), step, before_receipt, after_close }, "H57.18-261124-0001")
}

/// An event of another type.
pub fn accepted() -> NewEvent {
    event(&CaseEvent::Accepted { by: by() }, "H57.18-261124-0001")
}

/// Some steps.
pub fn steps(count: usize) -> Vec<NewEvent> {
    (0..count).map(|n| step(&format!("T{n:02} check"))).collect()
}

/// The stream of a case.
pub fn case(key: &str) -> StreamName {
    StreamName::new("delivery.case", key).expect("a stream's name")
}

/// Who appends as a service.
pub fn context(service: &str) -> Context {
    Context {
        actor: Actor { id: "agency-1".into(), role: "agency".into(), agency: Some("H57.18".into()) },
        on_behalf_of: None,
        service: service.to_owned(),
        command_digest: [7; 32],
        causation: None,
        correlation: None,
        rules: None,
        day_start: None,
    }
}

/// An append to a case, with an id of its own.
pub fn append(stream: &StreamName, expected: Expected, events: Vec<NewEvent>) -> Append {
    append_as("delivery", stream, expected, events)
}

/// An append to a stream of a service.
pub fn append_as(service: &str, stream: &StreamName, expected: Expected, events: Vec<NewEvent>) -> Append {
    Append { id: Uuid::now_v7(), stream: stream.clone(), expected, events, context: context(service) }
}
