//! The load: callers that each send their next append once the last one is acknowledged.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;

/// Something that takes appends.
pub(crate) trait Append: Send + Sync + 'static {
    /// Appends so many events of a new stream; they are on disk once this returns.
    fn append(&self, events: usize) -> impl Future<Output = Result<()>> + Send;
}

/// Who calls, and how much at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Callers, each with one append under way.
    pub(crate) callers: usize,
    /// Events in an append.
    pub(crate) events: usize,
}

/// How long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// Before anything counts.
    pub(crate) warmup: Duration,
    /// What counts.
    pub(crate) measured: Duration,
}

/// What one turn measured.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Measured {
    /// Events (or calls) acknowledged or read, per second.
    pub(crate) per_second: f64,
    /// The median time of one call.
    pub(crate) p50_ms: Option<f64>,
    /// What one call in a hundred exceeds.
    pub(crate) p99_ms: Option<f64>,
    /// The most memory the server had.
    pub(crate) server_peak_mib: Option<f64>,
}

/// Drives a target and measures it.
pub(crate) async fn drive<A: Append>(target: A, shape: Shape, window: Window) -> Result<Measured> {
    let target = Arc::new(target);
    run(&target, shape, window.warmup).await?;
    let started = Instant::now();
    let mut millis = run(&target, shape, window.measured).await?;
    let took = started.elapsed();
    millis.sort_by(f64::total_cmp);
    Ok(Measured {
        per_second: per_second(millis.len() * shape.events, took),
        p50_ms: quantile(&millis, 50),
        p99_ms: quantile(&millis, 99),
        server_peak_mib: None,
    })
}

/// Runs all callers for so long; returns the milliseconds of every call.
async fn run<A: Append>(target: &Arc<A>, shape: Shape, length: Duration) -> Result<Vec<f64>> {
    let until = Instant::now() + length;
    let callers: Vec<_> = (0..shape.callers)
        .map(|_| {
            let target = Arc::clone(target);
            tokio::spawn(async move {
                let mut millis = Vec::new();
                while Instant::now() < until {
                    let called = Instant::now();
                    target.append(shape.events).await?;
                    millis.push(called.elapsed().as_secs_f64() * 1_000.0);
                }
                anyhow::Ok(millis)
            })
        })
        .collect();
    let mut all = Vec::new();
    for caller in callers {
        all.extend(caller.await??);
    }
    Ok(all)
}

/// A rate.
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2⁵² events are measured")]
pub(crate) fn per_second(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// The value that so many of a hundred don't exceed.
pub(crate) fn quantile(sorted: &[f64], percent: usize) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get((last * percent + 50) / 100).copied()
}
