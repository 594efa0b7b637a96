//! Calls of an import: tried again while the server is busy, and safe to repeat.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use proto::{directory as dir, ledger::Recorded, reason_of};
use tonic::{Code, Status};

use crate::client::Connection;

/// How often a call is tried again while the server is busy or away, with twice the pause each time.
const ATTEMPTS: u32 = 8;

/// Why a command was not recorded.
pub(super) enum Refused {
    /// The server refused it, for a reason.
    Refusal { reason: String, message: String },
    /// The server can't be reached: the import stops.
    Unreachable(Status),
}

/// Runs calls, so many at a time.
pub(super) async fn run<F: Future<Output = anyhow::Result<()>>>(
    calls: impl Iterator<Item = F>,
    in_flight: usize,
) -> anyhow::Result<()> {
    stream::iter(calls).buffer_unordered(in_flight).try_collect().await
}

/// Calls until there is an answer that another try would not change. The request id makes a repeat safe.
pub(super) async fn retried(
    mut call: impl AsyncFnMut() -> Result<Option<Recorded>, Status>,
) -> Result<Recorded, Refused> {
    let mut pause = Duration::from_millis(20);
    for attempt in 1.. {
        let status = match call().await {
            Ok(recorded) => return Ok(recorded.unwrap_or_default()),
            Err(status) => status,
        };
        // Every server says why it fails: without a reason the connection was lost, and with it the answer.
        let is_lost = reason_of(&status).is_none();
        let passes =
            is_lost || matches!(status.code(), Code::Unavailable | Code::Aborted | Code::ResourceExhausted);
        if passes && attempt < ATTEMPTS {
            tokio::time::sleep(pause).await;
            pause *= 2;
            continue;
        }
        let is_refusal = matches!(
            status.code(),
            Code::InvalidArgument | Code::NotFound | Code::AlreadyExists | Code::FailedPrecondition
        );
        return Err(match reason_of(&status).filter(|_| is_refusal) {
            Some(reason) => Refused::Refusal { reason, message: status.message().to_owned() },
            None => Refused::Unreachable(status),
        });
    }
    unreachable!("the loop ends with its last attempt")
}

/// Opens an agency under its code.
pub(super) async fn open_agency(
    connection: &Connection,
    request_id: String,
    code: &str,
) -> Result<Recorded, Refused> {
    let agency = dir::Agency { code: code.to_owned(), name_vi: code.to_owned(), ..dir::Agency::default() };
    let request = dir::OpenAgencyRequest { request_id, agency: Some(agency) };
    let mut client = connection.directory();
    retried(async || client.open_agency(request.clone()).await.map(|a| a.into_inner().recorded)).await
}

/// Opens a unit of an agency under its code.
pub(super) async fn open_unit(
    connection: &Connection,
    request_id: String,
    (code, agency): (&str, &str),
) -> Result<Recorded, Refused> {
    let unit = dir::Unit {
        code: code.to_owned(),
        agency: agency.to_owned(),
        name_vi: code.to_owned(),
        ..dir::Unit::default()
    };
    let request = dir::OpenUnitRequest { request_id, unit: Some(unit) };
    let mut client = connection.directory();
    retried(async || client.open_unit(request.clone()).await.map(|a| a.into_inner().recorded)).await
}

/// What a registration recorded; none of what is there already, from another source or with its own names,
/// which is as good.
pub(super) fn registered(answer: Result<Recorded, Refused>) -> anyhow::Result<Option<Recorded>> {
    match answer {
        Ok(recorded) => Ok(Some(recorded)),
        Err(Refused::Refusal { reason, .. })
            if reason.ends_with("_EXISTS") || reason == "REQUEST_ID_REUSED" =>
        {
            Ok(None)
        }
        Err(Refused::Refusal { reason, message }) => Err(anyhow::anyhow!("{message} [{reason}]")),
        Err(Refused::Unreachable(status)) => Err(status.into()),
    }
}
