//! Measures Liêm and its peers by turns and writes one table. `tests/peers/run` starts what this needs.

mod contents;
mod esrs_store;
mod liem;
mod load;
mod postgres;
mod rows;
mod sqlite;
mod target;
mod turns;
mod umadb;

use std::{
    io::{self, Write as _},
    path::PathBuf,
    sync::{Arc, atomic::AtomicU32},
    time::Duration,
};

use anyhow::Result;
use clap::{Parser, ValueEnum};
use tokio::sync::OnceCell;

use crate::{
    contents::{Contents, PAYLOAD_BYTES, Size},
    liem::Liem,
    load::{Shape, Window},
    postgres::{Address, Statement},
    target::{Bench, Log, Target},
    turns::{Work, group},
};

/// Events of the log that counts as long.
const LONG_LOG_EVENTS: f64 = 10_000_000.0;

/// Events in a batch.
const BATCH_EVENTS: usize = 500;

/// Compares Liêm with its peers.
#[derive(Debug, Parser)]
struct Args {
    /// The binary of Liêm.
    #[arg(long)]
    liem: PathBuf,
    /// The binary of UmaDB's server.
    #[arg(long)]
    umadb: PathBuf,
    /// The folder of PostgreSQL's socket.
    #[arg(long)]
    postgres_socket: PathBuf,
    /// The port that names the socket.
    #[arg(long)]
    postgres_port: u16,
    /// An empty folder, on the disk that all are measured on.
    #[arg(long)]
    work: PathBuf,
    /// Reach PostgreSQL by its loopback port instead of its socket.
    #[arg(long)]
    loopback: bool,
    /// Turns of each target.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds that count in a turn.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Seconds before that.
    #[arg(long, default_value_t = 1)]
    warmup: u64,
    /// Callers, each with one call under way.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64,256")]
    callers: Vec<usize>,
    /// Events that are read.
    #[arg(long, default_value_t = 300_000)]
    events: usize,
    /// What to measure.
    #[arg(long, value_delimiter = ',', default_value = "append,batch,read,single")]
    only: Vec<Section>,
    /// Bytes of Liêm's whole entry, where Liêm itself doesn't say.
    #[arg(long, default_value_t = 725)]
    entry_bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Section {
    /// One event a call.
    Append,
    /// Many events a call.
    Batch,
    /// Reading everything.
    Read,
    /// One row a statement, and calls with nothing in them.
    Single,
    /// Appends to a log of ten million events: takes minutes and some 20 GB.
    TenMillion,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let liem = Liem::new(args.liem.clone(), args.work.clone());
    let (entry_bytes, source) = match liem.entry_bytes().await {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an entry has at most 65,535 bytes"
        )]
        Ok(bytes) => (bytes.round() as usize, "measured".to_owned()),
        Err(error) => (args.entry_bytes, format!("assumed, since Liêm doesn't say: {error:#}")),
    };
    writeln!(
        io::stdout().lock(),
        "{} turns of {} s after {} s of warm-up; a payload has {PAYLOAD_BYTES} bytes, Liêm's whole entry \
         {entry_bytes} ({source}); SQLite {} by hand.\n",
        args.rounds,
        args.seconds,
        args.warmup,
        sqlite::version().await?,
    )?;
    let bench = Bench {
        liem,
        umadb: args.umadb.clone(),
        postgres: postgres::Server::new(Address {
            socket_folder: (!args.loopback).then(|| args.postgres_socket.clone()),
            port: args.postgres_port,
        }),
        contents: Arc::new(Contents::new(entry_bytes)),
        work: args.work.clone(),
        window: Window {
            warmup: Duration::from_secs(args.warmup),
            measured: Duration::from_secs(args.seconds),
        },
        kept_database: OnceCell::new(),
        folders: AtomicU32::new(0),
    };
    turns::head()?;
    for section in &args.only {
        match section {
            Section::Append => append(&bench, &args).await?,
            Section::Batch => batch(&bench, &args).await?,
            Section::Read => read(&bench, &args).await?,
            Section::Single => single(&bench, &args).await?,
            Section::TenMillion => ten_million(&bench, &args).await?,
        }
    }
    Ok(())
}

const fn liem(log: Log, stream: bool) -> Target {
    Target::Liem { log, stream, kept: false }
}

const LIEM: [Target; 4] = [
    liem(Log::Sqlite, false),
    liem(Log::Postgres, false),
    liem(Log::Sqlite, true),
    liem(Log::Postgres, true),
];

const fn umadb(size: Size) -> Target {
    Target::UmaDb { size, condition: false, spread: false }
}

async fn append(bench: &Bench, args: &Args) -> Result<()> {
    let mut targets = LIEM.to_vec();
    for size in [Size::Entry, Size::Payload] {
        targets.extend([umadb(size), Target::UmaDb { size, condition: true, spread: false }]);
    }
    targets.extend([Size::Entry, Size::Payload].map(|size| Target::Esrs { size }));
    for &callers in &args.callers {
        let work = Work::Append(Shape { callers, events: 1 });
        group(bench, args.rounds, "append", work, &targets).await?;
    }
    Ok(())
}

async fn batch(bench: &Bench, args: &Args) -> Result<()> {
    let spread = Target::UmaDb { size: Size::Entry, condition: false, spread: true };
    let peers = [umadb(Size::Entry), umadb(Size::Payload), spread];
    let by_hand = [Statement::Unnest, Statement::Copy].map(Target::Postgres);
    let one = [&LIEM[..2], &[Target::Sqlite], &by_hand, &peers].concat();
    let work = Work::Append(Shape { callers: 1, events: BATCH_EVENTS });
    group(bench, args.rounds, "batch", work, &one).await?;
    // With more than one under way the next is on its way while the last one is written.
    let work = Work::Append(Shape { callers: 4, events: BATCH_EVENTS });
    group(bench, args.rounds, "batch", work, &[&LIEM, &peers[..]].concat()).await
}

async fn read(bench: &Bench, args: &Args) -> Result<()> {
    let targets = [&LIEM[..2], &[umadb(Size::Entry), umadb(Size::Payload)]].concat();
    group(bench, args.rounds, "read", Work::Read(args.events), &targets).await
}

async fn single(bench: &Bench, args: &Args) -> Result<()> {
    let work = |callers| Work::Append(Shape { callers, events: 1 });
    let by_hand = [Target::Sqlite, Target::Postgres(Statement::One)];
    group(bench, args.rounds, "single", work(1), &by_hand).await?;
    for &callers in &args.callers {
        group(bench, args.rounds, "single", work(callers), &[Target::EmptyCall]).await?;
    }
    Ok(())
}

async fn ten_million(bench: &Bench, args: &Args) -> Result<()> {
    let section = "10 million";
    for log in [Log::Sqlite, Log::Postgres] {
        if let Err(error) = bench.fill(log, LONG_LOG_EVENTS).await {
            turns::failed(section, &format!("Liêm on {log:?}, filled log"), &error)?;
            continue;
        }
        let pair = |stream| [false, true].map(|kept| Target::Liem { log, stream, kept });
        let targets = [pair(false), pair(true)].concat();
        let work = Work::Append(Shape { callers: 64, events: 1 });
        group(bench, args.rounds, section, work, &targets).await?;
    }
    Ok(())
}
