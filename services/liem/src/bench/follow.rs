//! `liem bench follow`: how soon what a ledger acknowledged is seen by one who follows it.

use std::{collections::HashMap, time::Duration};

use bytes::{Bytes, BytesMut};
use hdrhistogram::Histogram;
use prost::Message as _;
use proto::ledger as pb;
use serde::Serialize;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval},
};
use tonic::Status;

use super::{
    append::{Window, recorded, unary},
    measured::Measured,
    ms,
    requests::Requests,
    wire::{Connection, broken, framed},
};
use crate::{cli::BenchFollowArgs, config::Settings, output};

/// Of the burst that the usual rate is a half of.
const BURST: Duration = Duration::from_secs(2);
const BURST_CALLERS: usize = 64;

/// How often appends are sent.
const TICK: Duration = Duration::from_millis(1);

/// The answer; docs/cli.md lists its fields.
#[derive(Debug, Serialize)]
struct Report {
    /// None where the rate was given.
    burst_per_second: Option<u64>,
    rate: u64,
    seconds: f64,
    events: u64,
    p50_ms: f64,
    p99_ms: f64,
    p999_ms: f64,
    max_ms: f64,
    from_call_p50_ms: f64,
    from_call_p99_ms: f64,
    from_call_max_ms: f64,
    server_peak_mib: Option<u64>,
}

/// An append that was answered.
struct Acknowledged {
    position: u64,
    sent: Instant,
    at: Instant,
}

pub(crate) async fn follow(settings: &Settings, args: BenchFollowArgs) -> anyhow::Result<()> {
    super::unless_stopped(run(settings, &args), |report| {
        output::print_fields(&super::fields(&report)?, settings.json)
    })
    .await
}

async fn run(settings: &Settings, args: &BenchFollowArgs) -> anyhow::Result<Report> {
    let measured = Measured::start(settings, &args.ledger).await?;
    let connection = measured.connect().await?;
    let mut burst_per_second = None;
    let rate = if let Some(rate) = args.rate {
        rate
    } else {
        let window = Window::after(Duration::from_secs(1), BURST);
        let burst = unary(std::slice::from_ref(&connection), BURST_CALLERS, 1, window).await?;
        let burst = super::per_second(burst.times.len(), BURST);
        burst_per_second = Some(burst);
        (burst / 2).max(1)
    };

    let after = connection.head().await?.position;
    let (last_sender, last) = tokio::sync::oneshot::channel();
    let following = tokio::spawn(seen(measured.connect().await?, after, last));
    let warmup = Duration::from_secs(1);
    let length = Duration::from_secs(args.seconds);
    let window = Window::after(warmup, length);
    let acknowledged = paced(&connection, rate, warmup + length).await?;
    let newest = acknowledged.last().map_or(after, |last| last.position);
    if last_sender.send(newest).is_err() {
        tracing::debug!("the follower has ended: why is said below");
    }
    let seen = tokio::time::timeout(Duration::from_secs(30), following);
    let seen = seen.await.map_err(|_elapsed| anyhow::anyhow!("what was acknowledged is not seen"))???;

    let (mut after_answer, mut after_call) = (super::histogram()?, super::histogram()?);
    let record = |times: &mut Histogram<u64>, time: Duration| {
        times.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    };
    for Acknowledged { position, sent, at } in acknowledged {
        let Some(seen) = seen.get(&position) else { anyhow::bail!("position {position} was not seen") };
        if window.contains(at) {
            // A follower can be faster than the answer.
            record(&mut after_answer, seen.saturating_duration_since(at));
            record(&mut after_call, seen.saturating_duration_since(sent));
        }
    }
    Ok(Report {
        burst_per_second,
        rate,
        seconds: length.as_secs_f64(),
        events: after_answer.len(),
        p50_ms: ms(after_answer.value_at_quantile(0.5)),
        p99_ms: ms(after_answer.value_at_quantile(0.99)),
        p999_ms: ms(after_answer.value_at_quantile(0.999)),
        max_ms: ms(after_answer.max()),
        from_call_p50_ms: ms(after_call.value_at_quantile(0.5)),
        from_call_p99_ms: ms(after_call.value_at_quantile(0.99)),
        from_call_max_ms: ms(after_call.max()),
        server_peak_mib: measured.peak_mib(),
    })
}

/// Appends at a rate for a time, whether answers come or not, and gives those that were answered.
async fn paced(connection: &Connection, rate: u64, time: Duration) -> anyhow::Result<Vec<Acknowledged>> {
    let (mut sender, mut answers) = connection.rpc("AppendStream")?.call().await?;
    let (sent_sender, mut sent) = mpsc::unbounded_channel();
    let answering = tokio::spawn(async move {
        let mut acknowledged = Vec::new();
        while let Some(answer) = answers.next().await? {
            let at = Instant::now();
            let position = recorded(answer)?.last_position;
            let sent = sent.recv().await.ok_or_else(|| Status::internal("an answer too many"))?;
            acknowledged.push(Acknowledged { position, sent, at });
        }
        Ok::<_, Status>(acknowledged)
    });
    let mut requests = Requests::streamed(1);
    let mut buffer = BytesMut::new();
    let mut ticks = interval(TICK);
    // Late ticks are made up for at once, so that the rate holds.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let since = Instant::now();
    let mut count = 0;
    while since.elapsed() < time {
        ticks.tick().await;
        let now = Instant::now();
        let due = (now - since).as_micros() * u128::from(rate) / 1_000_000;
        while count < due {
            requests.next(&mut buffer);
            sent_sender.send(now)?;
            count += 1;
        }
        if !buffer.is_empty() {
            sender.send_data(buffer.split().freeze(), false).map_err(broken)?;
        }
    }
    sender.send_data(Bytes::new(), true).map_err(broken)?;
    Ok(answering.await??)
}

/// When each position was seen, from one on until one that is told when it's known.
async fn seen(
    connection: Connection,
    after_position: u64,
    mut last: tokio::sync::oneshot::Receiver<u64>,
) -> anyhow::Result<HashMap<u64, Instant>> {
    let (mut sender, mut answers) = connection.rpc("FollowEntries")?.call().await?;
    let request = pb::FollowEntriesRequest { after_position, filter: None };
    sender.send_data(framed(&request), true).map_err(broken)?;
    let mut seen = HashMap::new();
    let (mut through, mut newest) = (after_position, u64::MAX);
    while through < newest {
        tokio::select! {
            told = &mut last, if newest == u64::MAX => newest = told?,
            message = answers.next() => {
                let now = Instant::now();
                let message = message?.ok_or_else(|| Status::unavailable("following ended"))?;
                let message = pb::FollowEntriesResponse::decode(message)?;
                through = message.through_position;
                seen.extend(message.entries.iter().map(|entry| (entry.position, now)));
            }
        }
    }
    Ok(seen)
}
