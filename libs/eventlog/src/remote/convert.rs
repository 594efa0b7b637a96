//! Appends in the contract's form and back.

use events::{Occurred, Role, Subject};
use proto::{Failure, date_from, ledger as pb, timestamp_from, timestamp_to};

use crate::{Actor, Append, AppendError, Expected};

/// An actor in the contract's form.
pub fn actor_to_proto(actor: &Actor) -> pb::Actor {
    pb::Actor {
        id: actor.id.clone(),
        role: actor.role.clone(),
        agency: actor.agency.clone().unwrap_or_default(),
    }
}

/// An actor from the contract's form.
pub fn actor_from_proto(actor: pb::Actor) -> Actor {
    Actor { id: actor.id, role: actor.role, agency: some(actor.agency) }
}

/// A time in the contract's form.
pub fn occurred_to_proto(occurred: Occurred) -> pb::Occurred {
    let when = match occurred {
        Occurred::At(time) => pb::occurred::When::At(timestamp_to(time)),
        Occurred::On(_) => pb::occurred::When::On(occurred.to_string()),
    };
    pb::Occurred { when: Some(when) }
}

/// A time from the contract's form. `field` names it in the failure.
pub fn occurred_from_proto(field: &str, occurred: Option<&pb::Occurred>) -> Result<Occurred, Failure> {
    match occurred.and_then(|o| o.when.as_ref()) {
        Some(pb::occurred::When::At(time)) => Ok(Occurred::At(timestamp_from(field, time)?)),
        Some(pb::occurred::When::On(date)) => Ok(Occurred::On(date_from(field, date)?)),
        None => Err(Failure::field(field, "say when it happened: an instant (`at`) or a date (`on`)")),
    }
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// An append in the contract's form.
pub fn append_to_proto(append: &Append) -> pb::AppendEventsRequest {
    use pb::expected::Revision;
    let revision = match append.expected {
        Expected::NoStream => Revision::NoStream(true),
        Expected::Exact(revision) => Revision::Exact(revision),
        Expected::Any => Revision::Any(true),
    };
    let events = append.events.iter().map(|event| pb::NewEvent {
        r#type: event.encoded.event_type.clone(),
        subjects: event.subjects.iter().map(subject_to_proto).collect(),
        occurred: Some(occurred_to_proto(event.occurred)),
        data: event.encoded.data.get().to_owned().into(),
    });
    let context = append.context.clone();
    pb::AppendEventsRequest {
        request_id: append.id.to_string(),
        stream: append.stream.to_string(),
        expected: Some(pb::Expected { revision: Some(revision) }),
        events: events.collect(),
        actor: Some(actor_to_proto(&context.actor)),
        on_behalf_of: context.on_behalf_of.unwrap_or_default(),
        command_digest: context.command_digest.to_vec().into(),
        causation: context.causation.map(|id| id.to_string()).unwrap_or_default(),
        correlation: context.correlation.unwrap_or_default(),
        rules: context.rules.unwrap_or_default(),
        day_start_time: context.day_start.map(proto::timestamp_to),
    }
}

/// A subject in the contract's form.
fn subject_to_proto(subject: &Subject) -> pb::Subject {
    pb::Subject { role: subject.role.as_str().to_owned(), id: subject.id.clone() }
}

/// An append from the contract's form; `service` is the caller.
pub fn append_from_proto(request: pb::AppendEventsRequest, service: &str) -> Result<Append, Failure> {
    use pb::expected::Revision;
    let expected = match request.expected.and_then(|e| e.revision) {
        Some(Revision::NoStream(_)) => Expected::NoStream,
        Some(Revision::Exact(revision)) => Expected::Exact(revision),
        Some(Revision::Any(_)) => Expected::Any,
        None => return Err(Failure::field("expected", "say `no_stream`, `exact` or `any`")),
    };
    let events = request.events.into_iter().map(event_from_proto).collect::<Result<_, _>>()?;
    let digest = request.command_digest.as_ref().try_into();
    Ok(Append {
        id: proto::uuid_from("request_id", &request.request_id)?,
        stream: request.stream.parse().map_err(AppendError::from)?,
        expected,
        events,
        context: crate::Context {
            actor: actor_from_proto(request.actor.ok_or_else(|| Failure::field("actor", "say who did it"))?),
            on_behalf_of: some(request.on_behalf_of),
            service: service.to_owned(),
            command_digest: digest.map_err(|_length| Failure::field("command_digest", "give 32 bytes"))?,
            causation: match some(request.causation) {
                Some(id) => Some(proto::uuid_from("causation", &id)?),
                None => None,
            },
            correlation: some(request.correlation),
            rules: some(request.rules),
            day_start: match &request.day_start_time {
                Some(time) => Some(proto::timestamp_from("day_start_time", time)?),
                None => None,
            },
        },
    })
}

fn event_from_proto(event: pb::NewEvent) -> Result<crate::NewEvent, Failure> {
    let data = String::from_utf8(event.data.into()).map_err(|e| Failure::field("events.data", e)).and_then(
        |text| serde_json::value::RawValue::from_string(text).map_err(|e| Failure::field("events.data", e)),
    )?;
    let subjects = event.subjects.into_iter().map(subject_from_proto).collect::<Result<_, _>>()?;
    Ok(crate::NewEvent {
        encoded: events::Encoded { event_type: event.r#type, data },
        subjects,
        occurred: occurred_from_proto("events.occurred", event.occurred.as_ref())?,
    })
}

fn subject_from_proto(subject: pb::Subject) -> Result<Subject, Failure> {
    let role =
        Role::parse(&subject.role).ok_or_else(|| Failure::field("events.subjects.role", "no such role"))?;
    Ok(Subject { role, id: subject.id })
}
