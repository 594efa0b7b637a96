//! `liem replay`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ViewName;

#[derive(Debug, Subcommand)]
pub(crate) enum ReplayCommand {
    /// Build the next generation of a view from the beginning of the log, beside the live one
    Start {
        #[command(flatten)]
        on: OnRecord,
        /// Show the progress until it has caught up
        #[arg(long)]
        wait: bool,
    },
    /// The generations of all views, or of one, and how far they are
    List {
        /// The view [default: all]
        #[arg(value_enum)]
        view: Option<ViewName>,
    },
    /// What differs between two generations at one position: counts, then rows, and both digests
    Compare {
        /// The view
        #[arg(value_enum)]
        view: ViewName,
        /// The generation [default: the newest]
        #[arg(long)]
        generation: Option<u32>,
        /// The one it is compared with [default: the live one]
        #[arg(long)]
        with: Option<u32>,
        /// At a position of the log [default: the newest that both have reached]
        #[arg(long, value_name = "POSITION")]
        at: Option<u64>,
        /// At most so many rows [default: 20, and 1,000 with --json]
        #[arg(long, value_parser = clap::value_parser!(i32).range(1..=1000))]
        limit: Option<i32>,
    },
    /// Make a generation the live one; the one that was live is kept
    Switch {
        #[command(flatten)]
        on: OnRecord,
        /// The generation [default: the newest]
        #[arg(long)]
        generation: Option<u32>,
    },
    /// Go back to the generation that was live before
    Rollback {
        #[command(flatten)]
        on: OnRecord,
    },
    /// Halt a generation that is not live where it is
    Stop {
        #[command(flatten)]
        on: OnRecord,
        /// The generation [default: the newest]
        #[arg(long)]
        generation: Option<u32>,
    },
    /// Let a halted generation go on
    Resume {
        #[command(flatten)]
        on: OnRecord,
        /// The generation [default: the newest]
        #[arg(long)]
        generation: Option<u32>,
    },
    /// Drop a generation that is not live, and delete its file
    Drop {
        #[command(flatten)]
        on: OnRecord,
        /// The generation
        #[arg(long)]
        generation: u32,
    },
    /// Fold the same history under another calendar, in a generation to compare and never to switch to
    WhatIf {
        #[command(flatten)]
        on: OnRecord,
        /// CSV with a header and a column `date`: the days off besides Saturdays and Sundays. A column `kind`
        /// can say `worked` of a day that is worked although it's one of those. It replaces the calendar
        #[arg(long, value_name = "FILE")]
        holidays: PathBuf,
        /// Show the progress until it has caught up
        #[arg(long)]
        wait: bool,
    },
}

/// What goes on record of an act on a view.
#[derive(Debug, Clone, Args)]
pub(crate) struct OnRecord {
    /// The view
    #[arg(value_enum)]
    pub(crate) view: ViewName,
    /// Why, in 1 to 200 characters, for those who read the record: a ticket or an order, never a person
    #[arg(long)]
    pub(crate) reason: String,
}
