//! `liem bench append`: how many appends a ledger takes, and how long each waits for its answer.

use std::{collections::VecDeque, time::Duration};

use bytes::{Bytes, BytesMut};
use hdrhistogram::Histogram;
use prost::Message as _;
use proto::ledger::{self as pb, append_stream_response::Outcome};
use serde::Serialize;
use tokio::{task::JoinSet, time::Instant};
use tonic::Status;

use super::{
    measured::Measured,
    ms,
    requests::Requests,
    wire::{Connection, Rpc, broken},
};
use crate::{cli::BenchAppendArgs, config::Settings, output};

/// The answer; docs/cli.md lists its fields.
#[derive(Debug, Serialize)]
struct Report {
    mode: &'static str,
    callers: usize,
    connections: usize,
    batch: usize,
    seconds: f64,
    events_per_second: u64,
    appends_per_second: u64,
    p50_ms: f64,
    p99_ms: f64,
    p999_ms: f64,
    max_ms: f64,
    errors: u64,
    error: Option<String>,
    entry_bytes: u64,
    server_peak_mib: Option<u64>,
    head: u64,
}

/// When is measured.
#[derive(Clone, Copy)]
pub(super) struct Window {
    start: Instant,
    end: Instant,
}

impl Window {
    pub(super) fn after(warmup: Duration, length: Duration) -> Self {
        let start = Instant::now() + warmup;
        Self { start, end: start + length }
    }

    pub(super) fn contains(self, time: Instant) -> bool {
        (self.start..self.end).contains(&time)
    }

    fn is_over(self) -> bool {
        Instant::now() >= self.end
    }
}

/// What came of appends.
pub(super) struct Tally {
    /// From sending to the answer in microseconds, of those answered while it was measured.
    pub(super) times: Histogram<u64>,
    /// Appends that were taken, measured or not.
    pub(super) taken: u64,
    pub(super) errors: u64,
    /// The first of them.
    pub(super) error: Option<Status>,
}

impl Tally {
    fn new() -> anyhow::Result<Self> {
        Ok(Self { times: super::histogram()?, taken: 0, errors: 0, error: None })
    }

    fn took(&mut self, window: Window, sent: Instant, now: Instant) {
        self.taken += 1;
        if window.contains(now) {
            let time = now.saturating_duration_since(sent).as_micros();
            self.times.saturating_record(u64::try_from(time).unwrap_or(u64::MAX));
        }
    }

    fn failed(&mut self, status: Status) {
        self.errors += 1;
        self.error.get_or_insert(status);
    }

    fn add(&mut self, other: Self) -> anyhow::Result<()> {
        self.times.add(other.times)?;
        self.taken += other.taken;
        self.errors += other.errors;
        self.error = self.error.take().or(other.error);
        Ok(())
    }
}

pub(crate) async fn append(settings: &Settings, args: BenchAppendArgs) -> anyhow::Result<()> {
    super::unless_stopped(run(settings, &args), |report| {
        output::print_fields(&super::fields(&report)?, settings.json)
    })
    .await
}

async fn run(settings: &Settings, args: &BenchAppendArgs) -> anyhow::Result<Report> {
    let measured = Measured::start(settings, &args.ledger).await?;
    let control = measured.connect().await?;
    let before = control.head().await?.position;
    let mut connections = Vec::new();
    for _ in 0..args.connections {
        connections.push(measured.connect().await?);
    }
    let length = Duration::from_secs(args.seconds);
    let window = Window::after(Duration::from_secs(args.warmup), length);
    let tally = if args.stream {
        streamed(&connections, args.callers, args.batch, window).await?
    } else {
        unary(&connections, args.callers, args.batch, window).await?
    };

    let head = control.head().await?.position;
    let (recorded, taken) = (head - before, tally.taken * args.batch as u64);
    // What failed may be recorded nevertheless.
    let may_be = taken..=taken + tally.errors * args.batch as u64;
    anyhow::ensure!(
        may_be.contains(&recorded),
        "the log grew by {recorded} entries, but {taken} were acknowledged and {} appends failed",
        tally.errors
    );
    let appends_per_second = super::per_second(tally.times.len(), length);
    Ok(Report {
        mode: if args.stream { "stream" } else { "unary" },
        callers: args.callers,
        connections: args.connections,
        batch: args.batch,
        seconds: length.as_secs_f64(),
        events_per_second: super::per_second(tally.times.len() * args.batch as u64, length),
        appends_per_second,
        p50_ms: ms(tally.times.value_at_quantile(0.5)),
        p99_ms: ms(tally.times.value_at_quantile(0.99)),
        p999_ms: ms(tally.times.value_at_quantile(0.999)),
        max_ms: ms(tally.times.max()),
        errors: tally.errors,
        error: tally.error.as_ref().map(output::status_text),
        entry_bytes: control.entry_bytes().await?,
        server_peak_mib: measured.peak_mib(),
        head,
    })
}

/// Callers of which each waits for its answer before it sends the next, until the window is over.
pub(super) async fn unary(
    connections: &[Connection],
    callers: usize,
    batch: usize,
    window: Window,
) -> anyhow::Result<Tally> {
    let mut calling = JoinSet::new();
    for (caller, connection) in (0..callers).zip(connections.iter().cycle()) {
        let mut rpc = connection.rpc("AppendEvents")?;
        let mut requests = Requests::unary(batch);
        let mut tally = Tally::new()?;
        calling.spawn(async move {
            let mut buffer = BytesMut::new();
            while !window.is_over() {
                requests.next(&mut buffer);
                let sent = Instant::now();
                match rpc.unary(buffer.split().freeze()).await {
                    Ok(_) => tally.took(window, sent, Instant::now()),
                    Err(status) => {
                        tracing::debug!(%status, caller, "a caller ends with its first error");
                        tally.failed(status);
                        break;
                    }
                }
            }
            tally
        });
    }
    join(calling).await
}

/// The same in one call a connection, with as many appends under way as there are callers.
pub(super) async fn streamed(
    connections: &[Connection],
    callers: usize,
    batch: usize,
    window: Window,
) -> anyhow::Result<Tally> {
    let mut calling = JoinSet::new();
    for (number, connection) in connections.iter().enumerate() {
        let callers = (callers + number) / connections.len();
        let mut rpc = connection.rpc("AppendStream")?;
        let requests = Requests::streamed(batch);
        let mut tally = Tally::new()?;
        calling.spawn(async move {
            let mut under_way = VecDeque::with_capacity(callers);
            let ended = stream(&mut rpc, callers, requests, window, &mut under_way, &mut tally).await;
            if let Err(status) = ended {
                tally.failed(status);
                tally.errors += under_way.len() as u64;
            }
            tally
        });
    }
    join(calling).await
}

async fn stream(
    rpc: &mut Rpc,
    callers: usize,
    mut requests: Requests,
    window: Window,
    under_way: &mut VecDeque<Instant>,
    tally: &mut Tally,
) -> Result<(), Status> {
    let (mut sender, mut answers) = rpc.call().await?;
    let mut buffer = BytesMut::new();
    let mut free = callers;
    loop {
        if window.is_over() {
            if under_way.is_empty() {
                sender.send_data(Bytes::new(), true).map_err(broken)?;
                return match answers.next().await? {
                    None => Ok(()),
                    Some(_) => Err(Status::internal("an answer to an append that was not sent")),
                };
            }
        } else {
            let sent = Instant::now();
            for _ in 0..free {
                requests.next(&mut buffer);
                under_way.push_back(sent);
            }
            free = 0;
            if !buffer.is_empty() {
                sender.send_data(buffer.split().freeze(), false).map_err(broken)?;
            }
        }
        let mut answer = answers.next().await?;
        let now = Instant::now();
        while let Some(message) = answer.take() {
            let sent = under_way.pop_front();
            let sent = sent.ok_or_else(|| Status::internal("an answer to an append that was not sent"))?;
            match recorded(message) {
                Ok(_) => tally.took(window, sent, now),
                Err(status) => tally.failed(status),
            }
            free += 1;
            answer = answers.arrived();
        }
    }
}

/// What an answer on a call of many says.
pub(super) fn recorded(message: Bytes) -> Result<pb::AppendEventsResponse, Status> {
    let message = pb::AppendStreamResponse::decode(message);
    match message.map_err(|error| Status::internal(error.to_string()))?.outcome {
        Some(Outcome::Recorded(recorded)) => Ok(recorded),
        Some(Outcome::Refused(refusal)) => Err(Status::new(refusal.code.into(), refusal.message)),
        None => Err(Status::internal("an answer without an outcome")),
    }
}

async fn join(mut calling: JoinSet<Tally>) -> anyhow::Result<Tally> {
    let mut all = Tally::new()?;
    while let Some(tally) = calling.join_next().await {
        all.add(tally?)?;
    }
    Ok(all)
}
