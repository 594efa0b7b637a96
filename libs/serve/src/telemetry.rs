//! Logs and metrics of the process.

use std::{sync::OnceLock, time::Duration};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt};

static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts writing logs to standard error, filtered as `RUST_LOG` says, or from `level` up.
pub fn start_logs(format: LogFormat, level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let builder = fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // A reader of the logs that goes away must not take the server along.
        .log_internal_errors(false);
    let started = match format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    // A second start in one process keeps the first.
    drop(started);
}

/// Starts collecting metrics, to be read at `/metrics` in Prometheus' text format.
pub fn start_metrics() {
    let seconds =
        [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
    let entries = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 4096.0];
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &seconds)
        .and_then(|b| b.set_buckets_for_metric(Matcher::Suffix("_entries".to_owned()), &entries));
    let Ok(handle) = builder.and_then(PrometheusBuilder::install_recorder) else {
        // A second start in one process keeps the first.
        return;
    };
    describe();
    if METRICS.set(handle.clone()).is_ok() {
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(5)).await;
                handle.run_upkeep();
            }
        });
    }
}

pub(crate) fn metrics_handle() -> Option<PrometheusHandle> {
    METRICS.get().cloned()
}

fn describe() {
    metrics::describe_histogram!(
        "liem_log_append_seconds",
        "from an append's arrival in the queue to its answer"
    );
    metrics::describe_histogram!("liem_log_batch_entries", "entries in one commit of the log");
    metrics::describe_counter!("liem_log_batches_total", "commits of the log");
    metrics::describe_counter!("liem_log_entries_total", "entries recorded since the start");
    metrics::describe_counter!("liem_log_failed_batches_total", "commits of the log that failed");
    metrics::describe_gauge!("liem_view_position", "position a view has folded");
    metrics::describe_gauge!("liem_view_lag_entries", "entries between a view and the head of the log");
    metrics::describe_gauge!("liem_view_healthy", "1 while a view follows, 0 once it has stopped");
    metrics::describe_histogram!("liem_rpc_seconds", "from a call's arrival to the head of its answer");
}
