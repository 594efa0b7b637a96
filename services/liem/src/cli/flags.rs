//! `liem board flags`.

use clap::{Args, ValueEnum};

use super::By;

#[derive(Debug, Args)]
pub(crate) struct FlagsArgs {
    /// What the rows are
    #[arg(long, value_enum, default_value_t = By::Agency)]
    pub(crate) by: By,
    /// The period: all, 2011, 2011-Q3 or 2011-09
    #[arg(long, default_value = "all")]
    pub(crate) period: String,
    /// Only this agency, or its units
    #[arg(long)]
    pub(crate) agency: Option<String>,
    /// Only this row: an agency's or unit's code
    #[arg(long)]
    pub(crate) subject: Option<String>,
    /// Only this kind
    #[arg(long, value_enum)]
    pub(crate) kind: Option<FlagKind>,
    /// What was known then: as of a position of the log, or of a time (or date, for its end) of recording
    #[arg(long, value_name = "POSITION|TIME")]
    pub(crate) as_of: Option<String>,
    /// At least as new as a position of the log
    #[arg(long, value_name = "POSITION")]
    pub(crate) at_least: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum FlagKind {
    LastDayPause,
    LateRecording,
    OffHoursClosing,
    Refusals,
    ReopenedSoon,
    ReportReopenedSoon,
}
