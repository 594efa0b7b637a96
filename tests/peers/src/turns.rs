//! Groups of targets that take turns, and the rows they make.

use std::io::{self, Write as _};

use anyhow::Result;

use crate::{
    contents::Size,
    load::{Measured, Shape, quantile},
    target::{Bench, Target},
};

/// What a group does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Work {
    /// Appends.
    Append(Shape),
    /// Reads so many events, all there are.
    Read(usize),
}

/// What became of one target's turns.
#[derive(Default)]
struct Outcome {
    turns: Vec<Measured>,
    /// Why it takes no more turns.
    failed: Option<String>,
}

impl Outcome {
    fn median(&self, of: impl Fn(&Measured) -> Option<f64>) -> Option<f64> {
        let mut values: Vec<f64> = self.turns.iter().filter_map(of).collect();
        values.sort_by(f64::total_cmp);
        quantile(&values, 50)
    }

    fn rate(&self) -> Option<f64> {
        if self.failed.is_some() { None } else { self.median(|m| Some(m.per_second)) }
    }
}

/// The head of the table.
pub(crate) fn head() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "| section | what | callers | a call | bytes | per second | least – most | p50 ms | p99 ms \
         | server MiB | compared | command or call |\n|---|---|---:|---:|---|---:|---:|---:|---:|---:|---|---|"
    )
}

/// Lets all targets take turns, A B A B, and writes a row for each.
pub(crate) async fn group(
    bench: &Bench,
    rounds: usize,
    section: &str,
    work: Work,
    targets: &[Target],
) -> Result<()> {
    let mut outcomes: Vec<Outcome> = targets.iter().map(|_| Outcome::default()).collect();
    for round in 1..=rounds {
        for (target, outcome) in targets.iter().zip(&mut outcomes) {
            if outcome.failed.is_some() {
                continue;
            }
            let turn = match work {
                Work::Append(shape) => bench.append(*target, shape).await,
                Work::Read(events) => bench.read(*target, events).await,
            };
            match turn {
                Ok(measured) => {
                    eprintln!("{section} {round}/{rounds}: {}: {:.0}/s", target.name(), measured.per_second);
                    outcome.turns.push(measured);
                }
                Err(error) => {
                    eprintln!("{section} {round}/{rounds}: {}: {error:#}", target.name());
                    outcome.failed = Some(format!("{error:#}").replace(['|', '\n'], " "));
                }
            }
        }
    }
    for (index, target) in targets.iter().enumerate() {
        row(bench, section, work, *target, &outcomes[index], &compared(index, targets, &outcomes))?;
    }
    Ok(())
}

fn row(
    bench: &Bench,
    section: &str,
    work: Work,
    target: Target,
    outcome: &Outcome,
    compared: &str,
) -> io::Result<()> {
    let number =
        |value: Option<f64>, decimals: usize| value.map_or_else(String::new, |v| format!("{v:.decimals$}"));
    let (callers, a_call, command) = match work {
        Work::Append(shape) => (shape.callers.to_string(), shape.events.to_string(), target.command(shape)),
        Work::Read(events) => ("1".to_owned(), "all".to_owned(), target.read_command(events)),
    };
    let rates = || outcome.turns.iter().map(|m| m.per_second);
    let (rate, range) = match &outcome.failed {
        Some(error) => (format!("failed: {error}"), String::new()),
        None => (
            number(outcome.rate(), 0),
            format!("{:.0} – {:.0}", rates().fold(f64::INFINITY, f64::min), rates().fold(0.0, f64::max)),
        ),
    };
    writeln!(
        io::stdout().lock(),
        "| {section} | {} | {callers} | {a_call} | {} | {rate} | {range} | {} | {} | {} | {compared} | {command} |",
        target.name(),
        target.bytes(bench.contents.entry_bytes()),
        number(outcome.median(|m| m.p50_ms), 2),
        number(outcome.median(|m| m.p99_ms), 2),
        number(outcome.median(|m| m.server_peak_mib), 0),
    )
}

/// A row for what could not even begin.
pub(crate) fn failed(section: &str, what: &str, error: &anyhow::Error) -> io::Result<()> {
    let error = format!("{error:#}").replace(['|', '\n'], " ");
    writeln!(io::stdout().lock(), "| {section} | {what} | | | | failed: {error} | | | | | | |")
}

/// How one target's rate stands to those of its group that it is fair to compare it with.
fn compared(index: usize, targets: &[Target], outcomes: &[Outcome]) -> String {
    let (target, Some(rate)) = (targets[index], outcomes[index].rate()) else {
        return String::new();
    };
    // Of several that count as the same, the fastest.
    let fastest = |wanted: &dyn Fn(Target) -> bool| {
        let others = targets.iter().zip(outcomes).filter(|(other, _)| **other != target && wanted(**other));
        others.filter_map(|(_, outcome)| outcome.rate()).reduce(f64::max)
    };
    let umadb = Target::UmaDb { size: Size::Entry, condition: false, spread: false };
    let mut bases = vec![("UmaDB", fastest(&|other| other == umadb))];
    if let Target::Liem { log, stream, kept } = target {
        bases.push(("by hand", fastest(&|other| other.by_hand_on() == Some(log))));
        let empty = Target::Liem { log, stream, kept: false };
        bases.push(("empty log", if kept { fastest(&|other| other == empty) } else { None }));
    }
    let shown = bases.into_iter().filter_map(|(name, base)| Some(format!("{:.2} × {name}", rate / base?)));
    shown.collect::<Vec<_>>().join(", ")
}
