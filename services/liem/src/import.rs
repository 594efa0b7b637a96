//! `liem import csv`: an existing log of cases, through gRPC like anyone else.

mod mapping;
mod send;
pub(crate) mod source;
mod time;

use std::path::PathBuf;

use anyhow::Context as _;
use identity::Role;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::{cli::ImportCsvArgs, client::Connection, config::Settings, output};
use mapping::Mapping;
use source::{Limits, Rejects, Source};

/// Imports a CSV file and prints what became of its rows.
pub(crate) async fn csv(settings: &Settings, args: ImportCsvArgs) -> anyhow::Result<()> {
    let connection = Connection::open(settings, Role::Administrator)?;
    let mapping = Mapping::load(&args.mapping)?;
    let rejects_path = args.rejects.clone().unwrap_or_else(|| {
        let name = args.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        PathBuf::from(format!("{name}.rejects.csv"))
    });
    let (source, rejects) = read(&args, mapping, rejects_path).await?;
    let survey = source.survey().clone();

    let style = "{bar:40} {human_pos}/{human_len} cases, {per_sec}, {eta} left";
    let bar = ProgressBar::new(survey.cases).with_style(ProgressStyle::with_template(style)?);
    let sent = send::send(&connection, source, rejects, args.in_flight.into(), &bar).await;
    bar.finish_and_clear();
    let sent = sent.context("the import stopped; run it again: it adds only what is missing")?;
    if let Some(agency) = survey.agencies.first() {
        connection.await_views(sent.position, agency).await?;
    }

    let flags: serde_json::Map<_, _> =
        survey.flags.iter().map(|(flag, count)| (flag.as_str().to_owned(), json!(count))).collect();
    let rejected = sent.rejects.count();
    let rejects_file = (rejected > 0).then(|| sent.rejects.path().display().to_string());
    let fields = json!({
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
        "rejects_file": rejects_file,
        "position": sent.position,
    });
    if settings.json {
        return output::print_json(&fields);
    }
    for (name, value) in fields.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        match value.as_object() {
            Some(flags) => {
                for (flag, count) in flags {
                    output::print(&format!("  flagged {flag:<22} {count}"))?;
                }
            }
            None => output::print(&format!(
                "{name:<22} {}",
                value.as_str().map_or_else(|| value.to_string(), str::to_owned)
            ))?,
        }
    }
    Ok(())
}

/// Reads the file, off the threads that serve calls.
async fn read(
    args: &ImportCsvArgs,
    mapping: Mapping,
    rejects_path: PathBuf,
) -> anyhow::Result<(Source, Rejects)> {
    let file = args.file.clone();
    let size = std::fs::metadata(&file).with_context(|| format!("can't read {}", file.display()))?.len();
    let style = "{bar:40} {bytes}/{total_bytes} read, {eta} left";
    let bar = ProgressBar::new(size).with_style(ProgressStyle::with_template(style)?);
    let read = tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
        let mut rejects = Rejects::new(&rejects_path);
        let limits = Limits::default();
        let source =
            Source::read(&file, &mapping, &limits, &mut rejects, &mut |bytes| bar.set_position(bytes))?;
        bar.finish_and_clear();
        Ok((source, rejects))
    });
    read.await.context("reading the file failed")?
}
