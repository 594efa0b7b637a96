//! The command line of proceedings.

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum ProceedingCommand {
    /// How many proceedings were opened, by what became of them
    Totals(TotalsArgs),
}

#[derive(Debug, Args)]
pub(crate) struct TotalsArgs {
    /// What is counted by
    #[arg(long, value_enum)]
    pub(crate) by: ProceedingTotalsBy,
    /// Only proceedings about this agency
    #[arg(long)]
    pub(crate) agency: Option<String>,
    /// The Party's proceedings [default: the administrative ones]
    #[arg(long)]
    pub(crate) party: bool,
    /// At least as new as a position of the log
    #[arg(long, value_name = "POSITION")]
    pub(crate) at_least: Option<u64>,
}

words! {
    ProceedingTotalsBy leaderboard { Outcome Class Unit Recommended Change }
}
