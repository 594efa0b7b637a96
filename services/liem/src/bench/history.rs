//! The history that is measured: follows from its seed and its length, and is appended straight to a log in a folder,
//! without gRPC and without deciders. The same again is the same log, but for the nonces.

mod append;
mod appends;
mod life;
mod office;
mod plan;
mod province;
#[cfg(test)]
mod tests;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use eventlog::{Append, Clock, EventLog as _, Genesis, Options, SqliteLog};
use futures::future::try_join_all;
use tokio::{sync::mpsc, time::Instant};

use crate::{data::Data, output};
use appends::Appends;

/// The version of what a seed gives: a change to the generator takes a new one, so that no folder is taken for what it
/// isn't.
const VERSION: u32 = 1;

/// Appends in flight, at most: as many as the log takes in one commit.
const IN_FLIGHT: usize = 1_000;

/// A history in a log that nothing is appended to any more.
pub(crate) struct History {
    pub(crate) log: Arc<SqliteLog>,
    /// How many entries it has.
    pub(crate) entries: u64,
    /// The size of the log's file.
    pub(crate) bytes: u64,
    /// How long it took to append; none if it was there already.
    pub(crate) generated_in: Option<Duration>,
}

impl History {
    /// The history of a seed and a length in a folder: the one that is there, or else a new one in an empty folder.
    pub(crate) async fn in_folder(
        folder: &Path,
        seed: u64,
        entries: u64,
        progress: impl Fn(u64),
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("can't make the folder {}", folder.display()))?;
        let path = Data::new(folder.to_owned()).log();
        let generated_in = if path.exists() {
            None
        } else {
            refuse_filled(folder)?;
            let since = Instant::now();
            generate(&path, seed, entries, progress).await?;
            Some(since.elapsed())
        };
        let log = SqliteLog::open(&path, Options::new(genesis(seed, entries), Clock::system())).await?;
        let head = log.head().await?;
        if head.genesis != genesis(seed, entries) || head.position != entries {
            log.close().await;
            anyhow::bail!(
                "{} holds another history ({} entries of the log {}): name an empty folder, or the one of this length \
                 and seed, with --data",
                folder.display(),
                head.position,
                head.genesis.origin
            );
        }
        let bytes = std::fs::metadata(&path)?.len();
        Ok(Self { log, entries, bytes, generated_in })
    }
}

/// What entry 1 says: the name of the log tells one history from all others.
fn genesis(seed: u64, entries: u64) -> Genesis {
    let origin = format!("bench.v{VERSION}.seed-{seed}.entries-{entries}");
    Genesis { origin, jurisdiction: "VN".into(), time_zone: output::usual_zone() }
}

fn refuse_filled(folder: &Path) -> anyhow::Result<()> {
    let shown = folder.display();
    let mut files = std::fs::read_dir(folder).with_context(|| format!("can't read the folder {shown}"))?;
    if files.next().is_some() {
        anyhow::bail!("{shown} is not empty, and holds no log: name an empty folder with --data");
    }
    Ok(())
}

/// Appends that are in flight together.
struct Group {
    appends: Vec<Append>,
    /// How many events they have.
    events: u64,
    /// The time of the last one.
    until: DateTime<Utc>,
}

/// Makes a new log and appends the history to it.
async fn generate(path: &Path, seed: u64, entries: u64, progress: impl Fn(u64)) -> anyhow::Result<()> {
    let genesis = genesis(seed, entries);
    let appends = Appends::new(seed, entries, genesis.time_zone)?;
    let now = Arc::new(AtomicI64::new(appends.opening().timestamp_micros()));
    let clock = Clock::from_fn({
        let now = now.clone();
        move || DateTime::from_timestamp_micros(now.load(Ordering::SeqCst)).unwrap_or_default()
    });
    let log = SqliteLog::open(path, Options::new(genesis, clock)).await?;

    // The next groups are made while one is written.
    let (sender, mut groups) = mpsc::channel(2);
    let making = tokio::task::spawn_blocking(move || make_groups(appends, entries - 1, &sender));
    let mut position = 1;
    while let Some(group) = groups.recv().await {
        // All entries of a group are recorded when its last one happens: none before it happened, and at the same times
        // again in another run, however the log puts them into commits.
        now.store(group.until.timestamp_micros(), Ordering::SeqCst);
        let events = group.events;
        append(&log, group, position).await.context("the history can't be appended")?;
        position += events;
        progress(position);
    }
    making.await??;
    log.close().await;
    Ok(())
}

/// Appends a group past a position.
async fn append(log: &Arc<SqliteLog>, group: Group, mut position: u64) -> anyhow::Result<()> {
    let lengths: Vec<_> = group.appends.iter().map(|append| append.events.len() as u64).collect();
    let appends = group.appends.into_iter().map(|append| log.append(append));
    // They reach the log in their order if none of them has to let others go first.
    let answers = tokio::task::unconstrained(try_join_all(appends)).await?;
    for (length, appended) in lengths.into_iter().zip(answers) {
        if appended.first_position != position + 1 {
            anyhow::bail!("an append came to position {} out of turn", appended.first_position);
        }
        position += length;
    }
    Ok(())
}

/// Makes groups up to so many events, until nobody takes them any more. A group ends with its day, so that what is
/// recorded is recorded on the day it happened.
fn make_groups(appends: Appends, mut events: u64, groups: &mpsc::Sender<Group>) -> anyhow::Result<()> {
    let mut appends = appends.peekable();
    while events > 0 {
        let mut group =
            Group { appends: Vec::with_capacity(IN_FLIGHT), events: 0, until: DateTime::UNIX_EPOCH };
        while events > 0 && group.appends.len() < IN_FLIGHT {
            let day = |at: DateTime<Utc>| at.with_timezone(&output::usual_zone()).date_naive();
            let is_of_day = |at| group.appends.is_empty() || day(at) == day(group.until);
            let next = appends.next_if(|next| next.as_ref().map_or(true, |next| is_of_day(next.at)));
            let Some(next) = next.transpose()? else { break };
            let mut append = next.append;
            append.events.truncate(usize::try_from(events).unwrap_or(usize::MAX));
            let length = append.events.len() as u64;
            events -= length;
            group.events += length;
            group.until = next.at;
            group.appends.push(append);
        }
        if groups.blocking_send(group).is_err() {
            break;
        }
    }
    Ok(())
}
