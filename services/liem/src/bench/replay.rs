//! `liem bench replay`: how fast a history is read and folded.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use audit::AuditView;
use comfy_table::Cell;
use eventlog::{Entry, EventLog as _, Filter};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture};
use indicatif::{ProgressBar, ProgressStyle};
use leaderboard::LeaderboardView;
use projection::{Follower, View};
use serde::Serialize;
use serve::Shutdown;
use tokio::time::Instant;
use tonic_health::server::health_reporter;

use super::{
    history::History,
    peak_mib, per_second,
    queries::{self, Answers},
    unless_stopped,
};
use crate::{cli::ReplayArgs, config::Settings, output};

/// Goes through a history once, and says how many entries it had.
type Measure = for<'h> fn(&'h History) -> BoxFuture<'h, anyhow::Result<u64>>;

/// What is measured, in this order: each by its name in the answer. A view's fold gets its line here.
const MEASURES: &[(&str, Measure)] = &[
    ("read", |history| read(history).boxed()),
    ("parse", |history| parse(history).boxed()),
    ("audit", |history| fold(history, AuditView).boxed()),
    ("leaderboard", |history| fold(history, leaderboard()).boxed()),
    ("together", |history| together(history).boxed()),
];

/// What is measured after these: how long a server takes to answer.
const ANSWERS: &str = "answers";

/// The answer; docs/cli.md lists its fields.
#[derive(Debug, Serialize)]
struct Report {
    events: u64,
    seed: u64,
    bytes: u64,
    /// None if it was there already and is used again.
    generated_seconds: Option<f64>,
    rows: Vec<Row>,
    answers: Vec<Answers>,
}

#[derive(Debug, Serialize)]
struct Row {
    what: &'static str,
    events_per_second: u64,
    seconds: f64,
    peak_mib: Option<u64>,
}

pub(crate) async fn replay(settings: &Settings, args: ReplayArgs) -> anyhow::Result<()> {
    let temporary;
    let folder = if settings.is_data_named {
        settings.data.folder()
    } else {
        temporary = tempfile::tempdir()?;
        temporary.path()
    };
    unless_stopped(run(settings, folder, &args), |report| show(&report, settings.json)).await
}

async fn run(settings: &Settings, folder: &Path, args: &ReplayArgs) -> anyhow::Result<Report> {
    let style = "{bar:40} {human_pos}/{human_len} entries, {per_sec}, {eta} left";
    let bar = ProgressBar::new(args.events).with_style(ProgressStyle::with_template(style)?);
    let history = History::in_folder(folder, args.seed, args.events, |done| bar.set_position(done)).await?;
    bar.finish_and_clear();

    let mut rows = Vec::new();
    let names: Vec<_> = MEASURES.iter().map(|(what, _)| *what).chain([ANSWERS]).collect();
    if let Some(unknown) = args.only.iter().find(|only| !names.contains(&only.as_str())) {
        anyhow::bail!("nothing here is called {unknown}: there are {}", names.join(", "));
    }
    let wanted = |what: &str| args.only.is_empty() || args.only.iter().any(|only| only == what);
    for (what, measure) in MEASURES.iter().filter(|(what, _)| wanted(what)) {
        let spinner = ProgressBar::new_spinner().with_message(*what);
        spinner.enable_steady_tick(Duration::from_millis(200));
        let is_peak_known = reset_peak();
        let since = Instant::now();
        let entries = measure(&history).await.with_context(|| format!("can't measure `{what}`"))?;
        let time = since.elapsed();
        spinner.finish_and_clear();
        if entries != history.entries {
            anyhow::bail!("`{what}` went through {entries} entries of {}", history.entries);
        }
        rows.push(Row {
            what,
            events_per_second: per_second(entries, time),
            seconds: time.as_secs_f64(),
            peak_mib: is_peak_known.then(|| peak_mib("self")).flatten(),
        });
    }
    let History { log, entries, bytes, generated_in } = history;
    log.close().await;
    let mut answers = Vec::new();
    if wanted(ANSWERS) {
        let spinner = ProgressBar::new_spinner().with_message("a server's views catch up");
        spinner.enable_steady_tick(Duration::from_millis(200));
        answers = queries::measure(settings, folder, entries, || spinner.set_message(ANSWERS)).await?;
        spinner.finish_and_clear();
    }
    let generated_seconds = generated_in.as_ref().map(Duration::as_secs_f64);
    Ok(Report { events: entries, seed: args.seed, bytes, generated_seconds, rows, answers })
}

fn show(report: &Report, is_json: bool) -> anyhow::Result<()> {
    if is_json {
        return output::print_json(&serde_json::to_value(report)?);
    }
    let generated = match report.generated_seconds {
        Some(seconds) => format!("generated in {seconds:.1} s"),
        None => "used again".to_owned(),
    };
    output::print(&format!(
        "a history of {} entries from the seed {}, {} bytes each on disk: {generated}",
        report.events,
        report.seed,
        report.bytes / report.events
    ))?;
    let headings = ["what", "events/s", "seconds", "peak MiB"];
    let mut table = output::table(&headings, &headings[1..]);
    for row in &report.rows {
        table.add_row([
            Cell::new(row.what),
            Cell::new(row.events_per_second),
            Cell::new(format!("{:.2}", row.seconds)),
            output::cell(row.peak_mib),
        ]);
    }
    if !report.rows.is_empty() {
        output::print(&table.to_string())?;
    }
    if report.answers.is_empty() {
        return Ok(());
    }
    let headings = ["answer", "asked", "median ms", "max ms"];
    let mut table = output::table(&headings, &headings[1..]);
    for answers in &report.answers {
        table.add_row([
            Cell::new(answers.what),
            Cell::new(answers.count),
            Cell::new(format!("{:.2}", answers.median_ms)),
            Cell::new(format!("{:.2}", answers.max_ms)),
        ]);
    }
    output::print(&table.to_string())
}

/// Reads every entry's bytes.
async fn read(history: &History) -> anyhow::Result<u64> {
    follow(history, |_entry| Ok(())).await
}

/// Reads every entry and what its envelope says, as every view has to.
async fn parse(history: &History) -> anyhow::Result<u64> {
    let mut last = 0;
    follow(history, |entry| {
        // Something is done with it, so that no compiler leaves it out.
        anyhow::ensure!(entry.header()?.position > last, "entries are out of order");
        last = entry.position;
        Ok(())
    })
    .await
}

/// Follows the log from its start to its head.
async fn follow(
    history: &History,
    mut take: impl FnMut(&Entry) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    let mut pages = history.log.follow(0, Filter::default());
    let mut entries = 0;
    while let Some(page) = pages.next().await {
        let page = page?;
        page.entries.iter().try_for_each(&mut take)?;
        entries += page.entries.len() as u64;
        if page.ended {
            break;
        }
    }
    Ok(entries)
}

fn leaderboard() -> LeaderboardView {
    LeaderboardView::new(output::usual_zone())
}

/// Builds a view from nothing, in a file like any other.
async fn fold<V: View>(history: &History, view: V) -> anyhow::Result<u64> {
    // Beside the log, so that both are on one disk.
    let folder = tempfile::tempdir_in(history.log.path().parent().unwrap_or(Path::new(".")))?;
    let shutdown = Shutdown::default();
    let options = projection::Options {
        log: history.log.clone(),
        folder: folder.path(),
        snapshot_every: projection::SNAPSHOT_EVERY,
        shutdown: shutdown.clone(),
        health: health_reporter().0,
        service: V::NAME,
    };
    let view = Follower::start(view, options).await?;
    view.reached(history.entries).await?;
    shutdown.start();
    view.close().await;
    Ok(history.entries)
}

/// Builds all views at once, as a server does that starts without their files.
async fn together(history: &History) -> anyhow::Result<u64> {
    let (audit, leaderboard) = tokio::join!(fold(history, AuditView), fold(history, leaderboard()));
    leaderboard?;
    audit
}

/// Has Linux forget the peak of this process's memory; false where that can't be.
fn reset_peak() -> bool {
    std::fs::write("/proc/self/clear_refs", "5").is_ok()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn settings() -> Settings {
        let common = crate::cli::Cli::try_parse_from(["liem", "log", "head"]).unwrap().common;
        Settings::load(common).unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_history_is_measured_and_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings();
        let args = |events| ReplayArgs { events, seed: 1, only: Vec::new() };
        for is_second in [false, true] {
            let report = run(&settings, folder.path(), &args(2_000)).await.unwrap();
            let answer = serde_json::to_value(&report).unwrap();
            assert_eq!(
                (&answer["events"], answer["generated_seconds"].is_null()),
                (&2_000.into(), is_second)
            );
            assert!(report.bytes > 2_000 * 200);
            let names: Vec<_> = report.rows.iter().map(|row| row.what).collect();
            assert_eq!(names, ["read", "parse", "audit", "leaderboard", "together"]);
            assert_eq!(report.answers.len(), 7);
            assert!(report.rows.iter().all(|row| row.events_per_second > 0 && row.seconds > 0.0));
            #[cfg(target_os = "linux")]
            assert!(report.rows.iter().all(|row| row.peak_mib.is_none_or(|peak| peak > 0)));
        }
        let refused = run(&settings, folder.path(), &args(2_001)).await.unwrap_err().to_string();
        assert!(refused.contains("holds another history (2000 entries"), "{refused}");
    }

    #[tokio::test]
    async fn a_folder_with_something_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("notes.txt"), "mine").unwrap();
        let refused = run(&settings(), folder.path(), &ReplayArgs { events: 10, seed: 1, only: Vec::new() })
            .await
            .unwrap_err()
            .to_string();
        assert!(refused.contains("is not empty"), "{refused}");
        assert!(!folder.path().join("log.db").exists());
    }
}
