//! Appends as the services would ask for them. All in them follows from the seed: the ids too, which grow with the time
//! and the number of the append as UUIDs of version 7 do, since the log keeps them in an index.

use chrono::{DateTime, Utc};
use eventlog::{Actor, Append, Context, Expected, NewEvent, StreamName};
use events::{Event, Occurred, delivery::CaseEvent};
use uuid::{Builder, Uuid};

/// An append and the time at which it is asked for, which is also when its events happened.
pub(super) struct Timed {
    pub(super) at: DateTime<Utc>,
    pub(super) append: Append,
}

/// Makes appends.
pub(super) struct Recorder {
    seed: u64,
    /// When the directory is set up.
    opening: DateTime<Utc>,
    /// The calendar that delivery decides under.
    rules: String,
    /// How many appends were made.
    count: u64,
    /// Those of the directory.
    pub(super) directory: Vec<Timed>,
}

impl Recorder {
    pub(super) fn new(seed: u64, opening: DateTime<Utc>, rules: String) -> Self {
        Self { seed, opening, rules, count: 0, directory: Vec::new() }
    }

    /// Adds an append of the directory, by an administrator.
    pub(super) fn directory<E: Event>(
        &mut self,
        key: &str,
        revision: u64,
        events: &[E],
    ) -> anyhow::Result<()> {
        let stream = StreamName::new(E::CATEGORY, key)?;
        let actor = Actor { id: "administrator".into(), role: "administrator".into(), agency: None };
        let context = self.context("directory", actor);
        let made = self.append(self.opening, &stream, revision, events, context)?;
        self.directory.push(made);
        Ok(())
    }

    /// An append of one event of a case that has so many already: by its agency, or for a rating by a citizen.
    pub(super) fn case(
        &mut self,
        at: DateTime<Utc>,
        stream: &StreamName,
        revision: u64,
        event: CaseEvent,
    ) -> anyhow::Result<Timed> {
        let by = event.by();
        let actor = if matches!(event, CaseEvent::Rated { .. }) {
            Actor { id: "citizen".into(), role: "citizen".into(), agency: None }
        } else {
            let id = format!("agency-{}", by.agency);
            Actor { id, role: "agency".into(), agency: Some(by.agency.clone()) }
        };
        let on_behalf_of = by.official.clone();
        let rules = Some(self.rules.clone());
        let context = Context { on_behalf_of, rules, ..self.context("delivery", actor) };
        self.append(at, stream, revision, &[event], context)
    }

    fn context(&self, service: &str, actor: Actor) -> Context {
        let command = [self.seed.to_le_bytes(), self.count.to_le_bytes()].concat();
        Context {
            actor,
            on_behalf_of: None,
            service: service.to_owned(),
            command_digest: *blake3::hash(&command).as_bytes(),
            causation: None,
            correlation: None,
            rules: None,
            day_start: None,
        }
    }

    fn append<E: Event>(
        &mut self,
        at: DateTime<Utc>,
        stream: &StreamName,
        revision: u64,
        events: &[E],
        context: Context,
    ) -> anyhow::Result<Timed> {
        let id = id(at, self.count);
        self.count += 1;
        let new = |event: &E| -> anyhow::Result<NewEvent> {
            Ok(NewEvent {
                encoded: events::encode(event)?,
                subjects: event.subjects(stream.key()),
                occurred: Occurred::At(at),
            })
        };
        let events = events.iter().map(new).collect::<anyhow::Result<_>>()?;
        let expected = if revision == 0 { Expected::NoStream } else { Expected::Exact(revision) };
        Ok(Timed { at, append: Append { id, stream: stream.clone(), expected, events, context } })
    }
}

/// The id of an append: its time, then its number.
fn id(at: DateTime<Utc>, number: u64) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    let mut rest = [0; 10];
    rest[2..].copy_from_slice(&number.to_be_bytes());
    Builder::from_unix_timestamp_millis(millis, &rest).into_uuid()
}
