//! Entry 1: what it says, and how a new log gets it.

use chrono::{DateTime, Utc};
use events::{Event as _, Occurred, ledger::LedgerEvent, parse_offset};
use uuid::Uuid;

use crate::{
    Actor, Append, AppendError, Context, Entry, EventLog, Expected, Genesis, NewEvent, OpenError, StreamName,
};

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Records entry 1. Where another process does so at the same time, its entry is the one.
pub(crate) async fn record(
    log: &dyn EventLog,
    genesis: &Genesis,
    now: DateTime<Utc>,
) -> Result<Genesis, OpenError> {
    let append = append_of(genesis, now).map_err(|source| OpenError::Genesis { source })?;
    match log.append(append).await {
        Ok(_) => Ok(genesis.clone()),
        Err(AppendError::Conflict { .. }) => read(log).await,
        Err(error) => Err(OpenError::Genesis { source: error.into() }),
    }
}

/// What entry 1 of a log says.
pub(crate) async fn read(log: &dyn EventLog) -> Result<Genesis, OpenError> {
    let failed = |source| OpenError::Genesis { source };
    let entries = log.read_at(&[1]).await.map_err(|e| failed(e.into()))?;
    let entry = entries.first().ok_or_else(|| failed("entry 1 is missing".into()))?;
    of(entry).map_err(failed)
}

fn append_of(genesis: &Genesis, now: DateTime<Utc>) -> Result<Append, Failed> {
    let Genesis { origin, jurisdiction, time_zone } = genesis.clone();
    let opened = LedgerEvent::LedgerOpened { origin, jurisdiction, time_zone: time_zone.to_string() };
    Ok(Append {
        id: Uuid::now_v7(),
        stream: StreamName::new(LedgerEvent::CATEGORY, "log")?,
        expected: Expected::NoStream,
        events: vec![NewEvent {
            encoded: events::encode(&opened)?,
            subjects: opened.subjects("log"),
            occurred: Occurred::At(now),
        }],
        context: Context {
            actor: Actor { id: "ledger".into(), role: "service".into(), agency: None },
            on_behalf_of: None,
            service: "ledger".into(),
            command_digest: [0; 32],
            causation: None,
            correlation: None,
            rules: None,
            day_start: None,
        },
    })
}

fn of(entry: &Entry) -> Result<Genesis, Failed> {
    let LedgerEvent::LedgerOpened { origin, jurisdiction, time_zone } = entry.event()?;
    let time_zone = parse_offset(&time_zone).ok_or("its time zone is not an offset like +07:00")?;
    Ok(Genesis { origin, jurisdiction, time_zone })
}
