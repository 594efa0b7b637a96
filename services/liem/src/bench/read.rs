//! `liem bench read`: how fast a whole log is read.

use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use prost::Message as _;
use proto::ledger as pb;
use serde::Serialize;
use tokio::time::Instant;
use tonic::Status;

use super::{
    measured::Measured,
    requests::Requests,
    wire::{Connection, broken, framed},
};
use crate::{cli::BenchReadArgs, config::Settings, output};

/// Events in one append of those that fill the log.
const FILL_BATCH: usize = 500;

/// Such appends under way at any time.
const FILL_UNDER_WAY: usize = 4;

/// What is made behind the head, as bundles are, is made once reading gets no faster for so long.
const SETTLED: Duration = Duration::from_secs(3);

/// The answer; docs/cli.md lists its fields.
#[derive(Debug, Serialize)]
struct Report {
    mode: &'static str,
    events: u64,
    /// None where the log had so many already.
    filled_seconds: Option<f64>,
    rounds: usize,
    events_per_second: u64,
    slowest_events_per_second: u64,
    mib_per_second: u64,
    entry_bytes: u64,
    server_peak_mib: Option<u64>,
}

pub(crate) async fn read(settings: &Settings, args: BenchReadArgs) -> anyhow::Result<()> {
    super::unless_stopped(run(settings, &args), |report| {
        output::print_fields(&super::fields(&report)?, settings.json)
    })
    .await
}

async fn run(settings: &Settings, args: &BenchReadArgs) -> anyhow::Result<Report> {
    let measured = Measured::start(settings, &args.ledger).await?;
    let connection = measured.connect().await?;
    let missing = args.events.saturating_sub(connection.head().await?.position);
    let mut filled_in = None;
    if missing > 0 {
        let since = Instant::now();
        fill(&connection, missing.div_ceil(FILL_BATCH as u64)).await?;
        filled_in = Some(since.elapsed());
    }
    let events = connection.head().await?.position;

    let (mut best, mut settled) = (Duration::MAX, Instant::now());
    while settled.elapsed() < SETTLED {
        let (time, _) = round(&connection, args.pages, events).await?;
        if time < best.mul_f64(0.9) {
            (best, settled) = (time, Instant::now());
        }
    }
    let mut times = Vec::new();
    let mut bytes = 0;
    for _ in 0..args.rounds {
        let (time, read) = round(&connection, args.pages, events).await?;
        times.push(time);
        bytes = read;
    }
    times.sort_unstable();
    let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
    Ok(Report {
        mode: if args.pages { "pages" } else { "all" },
        events,
        filled_seconds: filled_in.as_ref().map(Duration::as_secs_f64),
        rounds: args.rounds,
        events_per_second: super::per_second(events, median),
        slowest_events_per_second: super::per_second(events, slowest),
        mib_per_second: super::per_second(bytes, median) >> 20,
        entry_bytes: bytes / events,
        server_peak_mib: measured.peak_mib(),
    })
}

/// Records so many appends of [`FILL_BATCH`] events.
async fn fill(connection: &Connection, appends: u64) -> anyhow::Result<()> {
    let (mut sender, mut answers) = connection.rpc("AppendStream")?.call().await?;
    let mut requests = Requests::streamed(FILL_BATCH);
    let mut buffer = BytesMut::new();
    let (mut sent, mut answered) = (0, 0);
    while answered < appends {
        while sent < appends && sent - answered < FILL_UNDER_WAY as u64 {
            requests.next(&mut buffer);
            sent += 1;
            sender.send_data(buffer.split().freeze(), sent == appends).map_err(broken)?;
        }
        let answer = answers.next().await?.ok_or_else(|| Status::internal("an append has no answer"))?;
        super::append::recorded(answer)?;
        answered += 1;
    }
    anyhow::ensure!(answers.next().await?.is_none(), "more answers came than appends were sent");
    Ok(())
}

/// Reads everything once: how long it took, and how many bytes the entries have.
async fn round(connection: &Connection, pages: bool, events: u64) -> anyhow::Result<(Duration, u64)> {
    let since = Instant::now();
    let (count, bytes) = if pages { by_pages(connection, events).await? } else { all(connection).await? };
    anyhow::ensure!(count == events, "{count} entries were read of {events}");
    Ok((since.elapsed(), bytes))
}

async fn all(connection: &Connection) -> anyhow::Result<(u64, u64)> {
    let (mut sender, mut answers) = connection.rpc("ReadAll")?.call().await?;
    sender.send_data(framed(&pb::ReadAllRequest::default()), true).map_err(broken)?;
    let (mut count, mut bytes) = (0, 0);
    while let Some(message) = answers.next().await? {
        let message = pb::ReadAllResponse::decode(message)?;
        anyhow::ensure!(message.first_position == count + 1, "entries are out of order");
        let mut rest = message.entries;
        while let Ok(length) = rest.try_get_u16() {
            let entry = rest.split_to(usize::from(length).min(rest.len()));
            bytes += entry.len() as u64;
            count += 1;
        }
        anyhow::ensure!(
            count == message.first_position + u64::from(message.count) - 1,
            "an entry is cut off"
        );
    }
    Ok((count, bytes))
}

async fn by_pages(connection: &Connection, events: u64) -> anyhow::Result<(u64, u64)> {
    let (mut sender, mut answers) = connection.rpc("FollowEntries")?.call().await?;
    sender.send_data(framed(&pb::FollowEntriesRequest::default()), true).map_err(broken)?;
    let (mut count, mut bytes) = (0, 0);
    while count < events {
        let message = answers.next().await?.ok_or_else(|| Status::unavailable("following ended"))?;
        for entry in pb::FollowEntriesResponse::decode(message)?.entries {
            anyhow::ensure!(entry.position == count + 1, "entries are out of order");
            count += 1;
            bytes += entry.bytes.len() as u64;
        }
    }
    Ok((count, bytes))
}
