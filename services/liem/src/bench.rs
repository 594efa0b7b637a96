//! `liem bench`: measures the code on a history that follows from a seed, and a ledger over gRPC.

mod append;
mod follow;
mod history;
mod measured;
mod queries;
mod read;
mod replay;
mod requests;
mod wire;

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;
use serve::Shutdown;

pub(crate) use append::append;
pub(crate) use follow::follow;
pub(crate) use read::read;
pub(crate) use replay::replay;

/// Runs what measures, and shows what came of it. A signal ends it so that what it started is ended, and what is
/// temporary removed.
async fn unless_stopped<R>(
    run: impl Future<Output = anyhow::Result<R>>,
    show: impl FnOnce(R) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let shutdown = Shutdown::default();
    shutdown.on_signals()?;
    tokio::select! {
        report = run => show(report?),
        () = shutdown.wait() => Err(anyhow::anyhow!("stopped before all was measured")),
    }
}

/// The fields of a report, as they are shown.
fn fields(report: &impl Serialize) -> anyhow::Result<serde_json::Map<String, serde_json::Value>> {
    match serde_json::to_value(report)? {
        serde_json::Value::Object(fields) => Ok(fields),
        other => anyhow::bail!("a report has fields, and is not {other}"),
    }
}

fn per_second(count: u64, time: Duration) -> u64 {
    let rate = u128::from(count) * 1_000_000 / time.as_micros().max(1);
    u64::try_from(rate).unwrap_or(u64::MAX)
}

/// For microseconds, up to a minute, to a thousandth of each.
fn histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_max(60_000_000, 3)?)
}

/// Microseconds as milliseconds.
#[expect(clippy::cast_precision_loss, reason = "a time is far less than 2⁵² microseconds")]
fn ms(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

/// The most memory that a process has held, or `self` since it was last reset; none where the system doesn't tell.
fn peak_mib(process: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024)
}
