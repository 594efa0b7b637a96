//! `liem import csv`: an existing log of cases, or a register of reports, through gRPC like anyone else.

mod call;
mod mapping;
mod reports;
mod send;
pub(crate) mod source;
mod time;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use identity::Role;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::{cli::ImportCsvArgs, client::Connection, config::Settings, output};
use mapping::{CaseMapping, Mapping, ReportMapping};
use reports::Register;
use source::{Limits, Rejects, Source};

/// Imports CSV files and prints what became of their rows.
pub(crate) async fn csv(settings: &Settings, args: ImportCsvArgs) -> anyhow::Result<()> {
    let connection = Connection::open(settings, Role::Administrator)?;
    let mapping = Mapping::load(&args.mapping)?;
    let rejects_path = args.rejects.clone().unwrap_or_else(|| {
        let name = args.files.first().and_then(|file| file.file_stem()).unwrap_or_default();
        PathBuf::from(format!("{}.rejects.csv", name.to_string_lossy()))
    });
    let fields = match mapping {
        Mapping::Cases(mapping) => cases(&connection, &args, mapping, rejects_path).await?,
        Mapping::Reports(mapping) => reports(&connection, &args, mapping, rejects_path).await?,
    };
    print(&fields, settings.json)
}

/// Imports a log of cases; the summary.
async fn cases(
    connection: &Connection,
    args: &ImportCsvArgs,
    mapping: CaseMapping,
    rejects_path: PathBuf,
) -> anyhow::Result<Value> {
    let [file] = args.files.as_slice() else {
        anyhow::bail!("a mapping with [columns] is of one file: import one at a time");
    };
    let file = file.clone();
    let (source, rejects) = read(std::slice::from_ref(&file.clone()), move |progress| {
        let mut rejects = Rejects::new(&rejects_path);
        let source = Source::read(&file, &mapping, &Limits::default(), &mut rejects, progress)?;
        Ok((source, rejects))
    })
    .await?;
    let survey = source.survey().clone();

    let bar = sending_bar(survey.cases, "cases")?;
    let sent = send::send(connection, source, rejects, args.in_flight.into(), &bar).await;
    bar.finish_and_clear();
    let sent = sent.context(STOPPED)?;
    if let Some(agency) = survey.agencies.first() {
        connection.await_views(sent.position, agency).await?;
    }

    let flags: serde_json::Map<_, _> =
        survey.flags.iter().map(|(flag, count)| (flag.as_str().to_owned(), json!(count))).collect();
    let rejected = sent.rejects.count();
    Ok(json!({
        "rows": survey.rows,
        "cases": survey.cases,
        "appended": sent.appended,
        "repeated": sent.repeated,
        "flagged": survey.flagged + sent.flagged,
        "rejected": rejected,
        "refused": rejected - survey.rejected,
        "registered": sent.registered,
        "steps": sent.steps,
        "flags": flags,
        "deadline_before_start": sent.deadline_before_start,
        "close_refused": sent.close_refused,
        "case_differs": sent.case_differs,
        "without_activity": sent.without_activity,
        "rejects_file": rejects_file(&sent.rejects),
        "position": sent.position,
    }))
}

/// Imports a register of reports; the summary.
async fn reports(
    connection: &Connection,
    args: &ImportCsvArgs,
    mapping: ReportMapping,
    rejects_path: PathBuf,
) -> anyhow::Result<Value> {
    let files = args.files.clone();
    let (register, rejects) = read(&args.files, move |progress| {
        let mut rejects = Rejects::new(&rejects_path);
        let register = Register::read(&files, &mapping, &mut rejects, progress)?;
        Ok((register, rejects))
    })
    .await?;

    let bar = sending_bar(register.report_count() as u64, "reports")?;
    let sent = reports::send::send(connection, &register, rejects, args.in_flight.into(), &bar).await;
    bar.finish_and_clear();
    let sent = sent.context(STOPPED)?;
    if let Some(agency) = register.any_agency() {
        connection.await_views(sent.position, agency).await?;
    }

    let rejected = sent.rejects.count();
    Ok(json!({
        "rows": register.rows,
        "reports": register.report_count(),
        "allegations": register.allegation_count(),
        "duplicates": register.duplicates,
        "appended": sent.appended,
        "repeated": sent.repeated,
        "rejected": rejected,
        "refused": rejected - register.rejected,
        "registered": sent.registered,
        "report_differs": sent.report_differs,
        "closed_before_opened": register.closed_before_opened,
        "proceedings": {
            "new": sent.proceedings.new,
            "repeated": sent.proceedings.repeated,
            "differing": sent.proceedings.differing,
        },
        "outcomes_not_taken": register.outcomes_not_taken,
        "rejects_file": rejects_file(&sent.rejects),
        "position": sent.position,
    }))
}

const STOPPED: &str = "the import stopped; run it again: it adds only what is missing";

fn sending_bar(count: u64, what: &str) -> anyhow::Result<ProgressBar> {
    let style = format!("{{bar:40}} {{human_pos}}/{{human_len}} {what}, {{per_sec}}, {{eta}} left");
    Ok(ProgressBar::new(count).with_style(ProgressStyle::with_template(&style)?))
}

fn rejects_file(rejects: &Rejects) -> Option<String> {
    (rejects.count() > 0).then(|| rejects.path().display().to_string())
}

fn print(fields: &Value, is_json: bool) -> anyhow::Result<()> {
    if is_json {
        return output::print_json(fields);
    }
    for (name, value) in fields.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        match value.as_object() {
            Some(flags) if name == "flags" => {
                for (flag, count) in flags {
                    output::print(&format!("  flagged {flag:<22} {count}"))?;
                }
            }
            Some(counts) => {
                let counts = counts.iter().map(|(what, count)| format!("{count} {what}"));
                output::print(&format!("{name:<22} {}", counts.collect::<Vec<_>>().join(", ")))?;
            }
            None => output::print(&format!(
                "{name:<22} {}",
                value.as_str().map_or_else(|| value.to_string(), str::to_owned)
            ))?,
        }
    }
    Ok(())
}

/// Reads files, off the threads that serve calls.
async fn read<T: Send + 'static>(
    files: &[PathBuf],
    reading: impl FnOnce(&mut dyn FnMut(u64)) -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    let size = |file: &Path| {
        let metadata = std::fs::metadata(file).with_context(|| format!("can't read {}", file.display()))?;
        Ok::<u64, anyhow::Error>(metadata.len())
    };
    let mut total = 0;
    for file in files {
        total += size(file)?;
    }
    let style = "{bar:40} {bytes}/{total_bytes} read, {eta} left";
    let bar = ProgressBar::new(total).with_style(ProgressStyle::with_template(style)?);
    let read = tokio::task::spawn_blocking(move || {
        let read = reading(&mut |bytes| bar.set_position(bytes));
        bar.finish_and_clear();
        read
    });
    read.await.context("reading the files failed")?
}
