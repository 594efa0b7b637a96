//! `liem import`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// Import a log of cases, or reports of misconduct, from CSV files
    Csv(ImportCsvArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ImportCsvArgs {
    /// The CSV files, each with a header: one of cases, or those of a register of reports
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// What the columns mean (docs/import.md)
    #[arg(long, value_name = "FILE")]
    pub(crate) mapping: PathBuf,
    /// Where rows go that can't be used [default: the first FILE with .rejects.csv, in the working folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,
    /// Cases or reports sent at a time; the commands of each go in order
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) in_flight: u16,
}
