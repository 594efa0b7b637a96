//! Liêm, by nothing but its command line.

use std::{path::PathBuf, process::Stdio, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use tokio::{process::Command, time::timeout};

use crate::{
    load::{Measured, Shape, Window},
    postgres::Database,
    target::Log,
};

/// What a command may take beyond what it measures: starting a ledger, filling it, looking at its head.
const SLACK: Duration = Duration::from_mins(5);

/// Letters of an error that a cell of the table shows.
const SHOWN_LETTERS: usize = 160;

/// Where a ledger's log is.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// In a temporary folder that the command makes and removes.
    Temporary,
    /// In SQLite in this folder, which stays.
    Folder(PathBuf),
    /// In this database, which has the schema.
    Database(Database),
}

impl Place {
    fn args(&self) -> Vec<String> {
        match self {
            Self::Temporary => vec![],
            Self::Folder(folder) => vec!["--data".to_owned(), folder.display().to_string()],
            Self::Database(database) => vec!["--log".to_owned(), database.service_url()],
        }
    }
}

/// What `liem bench … --json` says.
#[derive(Debug, Deserialize)]
struct Said {
    events_per_second: f64,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    /// Appends that failed.
    #[serde(default)]
    errors: u64,
    /// The first one's error.
    error: Option<String>,
    entry_bytes: Option<f64>,
    server_peak_mib: Option<f64>,
}

/// The binary.
pub(crate) struct Liem {
    binary: PathBuf,
    /// Where it makes its temporary folders: on the disk that all are measured on.
    temporary: PathBuf,
}

impl Liem {
    pub(crate) fn new(binary: PathBuf, temporary: PathBuf) -> Self {
        Self { binary, temporary }
    }

    /// Makes the schema in an empty database.
    pub(crate) async fn migrate(&self, database: &Database) -> Result<()> {
        let args = ["log", "migrate", "--log", &database.owner_url()];
        self.run(&args.map(str::to_owned), SLACK).await?;
        Ok(())
    }

    /// Bytes of a whole entry, envelope and payload.
    pub(crate) async fn entry_bytes(&self) -> Result<f64> {
        let window = Window { warmup: Duration::ZERO, measured: Duration::from_secs(1) };
        let shape = Shape { callers: 1, events: 1 };
        let said = self.bench(append_args(shape, false, window), &Place::Temporary, window.measured).await?;
        said.entry_bytes.context("it doesn't say entry_bytes")
    }

    /// Measures appends.
    pub(crate) async fn append(
        &self,
        place: &Place,
        shape: Shape,
        stream: bool,
        window: Window,
    ) -> Result<Measured> {
        let args = append_args(shape, stream, window);
        self.bench(args, place, window.warmup + window.measured).await.map(|said| measured(&said))
    }

    /// Puts at least so many events into a log that stays.
    pub(crate) async fn fill(&self, place: &Place, events: f64) -> Result<()> {
        let window = Window { warmup: Duration::ZERO, measured: Duration::from_secs(30) };
        let shape = Shape { callers: 4, events: 500 };
        let mut filled = 0.0;
        while filled < events {
            let said = self.bench(append_args(shape, true, window), place, window.measured).await?;
            filled += said.events_per_second * window.measured.as_secs_f64();
            eprintln!("  filled {filled:.0} of {events:.0}");
        }
        Ok(())
    }

    /// Measures reading all of a log, which is filled up to so many events first.
    pub(crate) async fn read(&self, place: &Place, events: usize) -> Result<Measured> {
        let args = vec!["read".to_owned(), "--events".to_owned(), events.to_string()];
        self.bench(args, place, Duration::ZERO).await.map(|said| measured(&said))
    }

    async fn bench(&self, args: Vec<String>, place: &Place, length: Duration) -> Result<Said> {
        let mut all = vec!["bench".to_owned()];
        all.extend(args);
        all.extend(place.args());
        all.push("--json".to_owned());
        let answer = self.run(&all, length + SLACK).await?;
        let said: Said =
            serde_json::from_str(&answer).with_context(|| format!("not understood: {}", short(&answer)))?;
        ensure!(said.errors == 0, "{} appends failed: {}", said.errors, said.error.unwrap_or_default());
        Ok(said)
    }

    async fn run(&self, args: &[String], longest: Duration) -> Result<String> {
        let running = Command::new(&self.binary)
            .args(args)
            .env("TMPDIR", &self.temporary)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = timeout(longest, running).await.context("it took too long")??;
        if !output.status.success() {
            bail!("{}", short(&String::from_utf8_lossy(&output.stderr)));
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}

fn measured(said: &Said) -> Measured {
    Measured {
        per_second: said.events_per_second,
        p50_ms: said.p50_ms,
        p99_ms: said.p99_ms,
        server_peak_mib: said.server_peak_mib,
    }
}

fn append_args(shape: Shape, stream: bool, window: Window) -> Vec<String> {
    let mut args = vec!["append".to_owned()];
    let mut flag = |name: &str, value: String| args.extend([name.to_owned(), value]);
    flag("--callers", shape.callers.to_string());
    flag("--batch", shape.events.to_string());
    flag("--warmup", window.warmup.as_secs().to_string());
    flag("--seconds", window.measured.as_secs().to_string());
    if stream {
        args.push("--stream".to_owned());
    }
    args
}

/// The command as the table names it.
pub(crate) fn shown(log: Log, stream: bool, kept: bool, shape: Shape) -> String {
    let batch = if shape.events > 1 { format!(" --batch {}", shape.events) } else { String::new() };
    let stream = if stream { " --stream" } else { "" };
    format!("`liem bench append --callers {}{batch}{stream}{}`", shape.callers, shown_place(log, kept))
}

/// The command of reading as the table names it.
pub(crate) fn shown_read(log: Log, events: usize) -> String {
    format!("`liem bench read --events {events}{}`", shown_place(log, true))
}

fn shown_place(log: Log, kept: bool) -> &'static str {
    match (log, kept) {
        (Log::Sqlite, false) => "",
        (Log::Sqlite, true) => " --data …",
        (Log::Postgres, _) => " --log postgres:…",
    }
}

/// The first line that says something, cut.
fn short(text: &str) -> String {
    let line = text.lines().find(|l| !l.trim().is_empty()).unwrap_or("it said nothing");
    line.chars().take(SHOWN_LETTERS).map(|c| if c == '|' { '/' } else { c }).collect()
}
