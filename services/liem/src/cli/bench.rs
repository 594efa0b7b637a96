//! `liem bench`.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// How fast a history is read and folded, in this process and without a server
    Replay(ReplayArgs),
    /// How many appends a ledger takes over gRPC, and how long each waits for its answer
    Append(BenchAppendArgs),
    /// How fast a ledger's whole log is read over gRPC
    Read(BenchReadArgs),
    /// How soon what a ledger acknowledged is seen by one who follows it
    Follow(BenchFollowArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// Entries of the history. It is generated in the folder of --data, or used again if it is there already;
    /// without --data in a temporary one
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub(crate) events: u64,
    /// What the history is made from: the same seed gives the same one
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Measure only these, by their names in the answer
    #[arg(long = "only", value_name = "NAME")]
    pub(crate) only: Vec<String>,
}

/// Which ledger is measured: that of --address, or one of the bench's own in another process, in the folder of --data
/// or a temporary one. It must have been opened for this: --origin liem.bench.
#[derive(Debug, Args)]
pub(crate) struct MeasuredArgs {
    /// Where the ledger that is started keeps its log, handed on to `liem serve ledger`
    #[arg(long, value_name = "URL", conflicts_with = "address")]
    pub(crate) log: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct BenchAppendArgs {
    /// Appends under way at any time
    #[arg(long, default_value_t = 64, value_parser = at_least_one)]
    pub(crate) callers: usize,
    /// How long is measured, in seconds
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seconds: u64,
    /// How long is appended before it's measured, in seconds
    #[arg(long, default_value_t = 1)]
    pub(crate) warmup: u64,
    /// Many appends a call (`AppendStream`) instead of a call for each
    #[arg(long)]
    pub(crate) stream: bool,
    /// Events in one append
    #[arg(long, default_value_t = 1, value_parser = batch)]
    pub(crate) batch: usize,
    /// Connections that the callers share
    #[arg(long, default_value_t = 1, value_parser = at_least_one)]
    pub(crate) connections: usize,
    #[command(flatten)]
    pub(crate) ledger: MeasuredArgs,
}

#[derive(Debug, Args)]
pub(crate) struct BenchReadArgs {
    /// Entries that the log has at least: what is missing is recorded first
    #[arg(long, default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub(crate) events: u64,
    /// How often it's read
    #[arg(long, default_value_t = 5, value_parser = at_least_one)]
    pub(crate) rounds: usize,
    /// Read as followers do (`FollowEntries`) instead of all at once (`ReadAll`)
    #[arg(long)]
    pub(crate) pages: bool,
    #[command(flatten)]
    pub(crate) ledger: MeasuredArgs,
}

#[derive(Debug, Args)]
pub(crate) struct BenchFollowArgs {
    /// Appends a second [default: half of what 64 callers reach in a burst of two seconds]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) rate: Option<u64>,
    /// How long is measured, in seconds
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seconds: u64,
    #[command(flatten)]
    pub(crate) ledger: MeasuredArgs,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..) => Ok(number),
        _ => Err("give a number from 1 up".to_owned()),
    }
}

fn batch(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=eventlog::MAX_EVENTS) => Ok(number),
        _ => Err(format!("an append has 1 to {} events", eventlog::MAX_EVENTS)),
    }
}
