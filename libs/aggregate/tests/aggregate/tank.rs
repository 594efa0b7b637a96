//! A tiny aggregate: a tank of ten litres that must not overflow. Its stream is of a category that a service
//! owns, as every stream's is.

use std::sync::Arc;

use aggregate::{ExecuteError, Outcome, Request, execute};
use chrono::{FixedOffset, NaiveDate};
use esrs::Aggregate;
use eventlog::{Actor, Clock, Context, EventLog, Genesis, Options, SqliteLog, StreamName};
use events::{Event, Fact, Occurred, Role, Subject};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const CAPACITY: u32 = 10;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub(crate) enum TankEvent {
    /// Filled up; the level is what the decision came to, and so tells what it was decided on.
    #[serde(rename = "delivery.TankFilled.v1")]
    Filled { litres: u32, level: u32 },
    #[serde(rename = "delivery.TankEmptied.v1")]
    Emptied {},
}

impl Event for TankEvent {
    const CATEGORY: &'static str = "delivery.case";

    fn subjects(&self, key: &str) -> Vec<Subject> {
        vec![Subject::new(Role::Case, key)]
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Command {
    Fill(u32),
    Empty,
    /// Empties it and fills it anew: two events.
    Exchange(u32),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("it holds {CAPACITY} litres at most")]
    Overflow,
    #[error("it is empty")]
    Empty,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Level(pub(crate) u32);

pub(crate) struct Tank;

impl Aggregate for Tank {
    const NAME: &'static str = "tank";
    type State = Level;
    type Command = Command;
    type Event = Fact<TankEvent>;
    type Error = Refusal;

    fn handle_command(Level(level): &Level, command: Command) -> Result<Vec<Fact<TankEvent>>, Refusal> {
        let fill = |level: u32, litres| match level + litres {
            level @ ..=CAPACITY => Ok(TankEvent::Filled { litres, level }),
            _ => Err(Refusal::Overflow),
        };
        let events = match command {
            Command::Fill(litres) => vec![fill(*level, litres)?],
            Command::Empty | Command::Exchange(_) if *level == 0 => return Err(Refusal::Empty),
            Command::Empty => vec![TankEvent::Emptied {}],
            Command::Exchange(litres) => vec![TankEvent::Emptied {}, fill(0, litres)?],
        };
        Ok(events.into_iter().map(|data| Fact { occurred: Occurred::On(day()), data }).collect())
    }

    fn apply_event(Level(level): Level, fact: Fact<TankEvent>) -> Level {
        match fact.data {
            TankEvent::Filled { litres, .. } => Level(level + litres),
            TankEvent::Emptied {} => Level(0),
        }
    }
}

pub(crate) fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 24).unwrap()
}

/// A log, and the folder it's in.
pub(crate) struct Store {
    pub(crate) log: Arc<SqliteLog>,
    _folder: TempDir,
}

impl Store {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let genesis = Genesis {
            origin: "liem.test/aggregate".into(),
            jurisdiction: "VN".into(),
            time_zone: FixedOffset::east_opt(7 * 3600).unwrap(),
        };
        let options = Options::new(genesis, Clock::system());
        let log = SqliteLog::open(&folder.path().join("log.db"), options).await.unwrap();
        Self { log, _folder: folder }
    }

    pub(crate) async fn head(&self) -> u64 {
        self.log.head().await.unwrap().position
    }

    pub(crate) async fn run(&self, request: &Request, command: Command) -> Result<Outcome<TankEvent>, Error> {
        execute::<Tank, _>(&*self.log, request.clone(), || command.clone()).await
    }
}

pub(crate) type Error = ExecuteError<Refusal>;

/// A request of its own for a tank; `digest` stands for what is asked.
pub(crate) fn request(key: &str, digest: u8) -> Request {
    Request {
        id: Uuid::now_v7(),
        stream: StreamName::new(TankEvent::CATEGORY, key).unwrap(),
        context: Context {
            actor: Actor { id: "agency-1".into(), role: "agency".into(), agency: Some("H57.18".into()) },
            on_behalf_of: Some("cb-0417".into()),
            service: "delivery".into(),
            command_digest: [digest; 32],
            causation: None,
            correlation: None,
            rules: Some("vietnam@3f9a".into()),
            day_start: None,
        },
    }
}
