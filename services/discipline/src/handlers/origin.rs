//! What a proceeding comes from: a stream that exists, in a state that allows it.

use chrono::FixedOffset;
use eventlog::{EventLog, ReadError, StreamName};
use events::{
    Event as _,
    conduct::{Findings, ReportEvent},
};
use proto::{Failure, ledger::ErrorReason as Shared};

use crate::domain::Refusal;

/// Entries of a stream that are read at once.
const PAGE: usize = 1_000;

/// The stream of a report, as a request names it.
pub(crate) fn report_stream(name: &str) -> Result<StreamName, Failure> {
    let stream: StreamName = name.parse().map_err(eventlog::AppendError::from)?;
    if stream.category() != ReportEvent::CATEGORY {
        return Err(Refusal::OriginNotSupported(stream.category().to_owned()).into());
    }
    Ok(stream)
}

/// What was found in a report, and its revision.
pub(crate) async fn findings(
    log: &dyn EventLog,
    stream: &StreamName,
    zone: FixedOffset,
) -> Result<(Findings, u64), Failure> {
    let (mut findings, mut revision) = (Findings::default(), 0);
    loop {
        let entries = log.read_stream(stream, revision, PAGE).await?;
        for entry in &entries {
            let happened = entry.happened().map_err(ReadError::from)?;
            let event = happened.event::<ReportEvent>().map_err(|error| {
                Failure::new(Shared::LogDamaged, format!("{error}: stop and run `liem log check`"))
            })?;
            findings.apply(&event, happened.occurred.date(zone), entry.position);
            revision += 1;
        }
        if entries.len() < PAGE {
            break;
        }
    }
    if findings.exists() { Ok((findings, revision)) } else { Err(unknown(stream).into()) }
}

/// Whose law a report is handled under: its first entry says so.
pub(crate) async fn first_jurisdiction(
    log: &dyn EventLog,
    stream: &StreamName,
) -> Result<Option<String>, Failure> {
    let entries = log.read_stream(stream, 0, 1).await?;
    let Some(entry) = entries.first() else { return Ok(None) };
    let event = entry.happened().map_err(ReadError::from)?.event::<ReportEvent>();
    Ok(match event {
        Ok(ReportEvent::Received { jurisdiction, .. }) => Some(jurisdiction),
        _ => None,
    })
}

fn unknown(stream: &StreamName) -> Refusal {
    Refusal::OriginUnknown(stream.as_str().chars().take(60).flat_map(char::escape_debug).collect())
}
