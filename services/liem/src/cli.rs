//! The command line.

#[macro_use]
mod words;
mod bench;
pub(crate) mod directory;
mod flags;
mod import;
pub(crate) mod proceeding;
mod replay;
pub(crate) mod report;
mod vault;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use bench::{
    BenchAppendArgs, BenchCommand, BenchFollowArgs, BenchReadArgs, MeasuredArgs, ReplayArgs,
};
pub(crate) use directory::{DirectoryCommand, FromArgs, Leadership, NameArgs, OfficialCategory, OnArgs};
pub(crate) use flags::{FlagKind, FlagsArgs};
pub(crate) use import::{ImportCommand, ImportCsvArgs};
pub(crate) use replay::{OnRecord, ReplayCommand};
pub(crate) use vault::{VaultArgs, VaultCommand};

/// Liêm: an accountability ledger for the civil service.
#[derive(Debug, Parser)]
#[command(name = "liem", version, about, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes. A flag counts over `LIEM_*` in the environment, and that over the TOML file.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Folder of the log, the views, the keys and the tokens [default: liem-data]
    #[arg(long, global = true, env = "LIEM_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Server to call: ADDRESS for all services, or SERVICE=ADDRESS,… [default: what the data folder says]
    #[arg(long, global = true, env = "LIEM_ADDRESS")]
    pub(crate) address: Option<String>,
    /// Token to call with [default: one of the data folder's]
    #[arg(long, global = true, env = "LIEM_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Settings file in TOML [default: liem.toml in the data folder, if there is one]
    #[arg(long, global = true, env = "LIEM_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Format of the logs on standard error
    #[arg(long, global = true, env = "LIEM_LOG_FORMAT", value_enum)]
    pub(crate) log_format: Option<LogFormat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run all services in one process, on one port
    Up(UpArgs),
    /// Run one service alone
    Serve(ServeArgs),
    /// Issue tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Bring in an existing log of cases, or of reports
    #[command(subcommand)]
    Import(ImportCommand),
    /// Look at an agency, and keep the directory: agencies, units, posts, officials
    #[command(subcommand)]
    Directory(DirectoryCommand),
    /// Look at a case
    #[command(subcommand)]
    Case(CaseCommand),
    /// Reports of misconduct: file, follow up, handle, look at
    #[command(subcommand)]
    Report(report::ReportCommand),
    /// Discipline: from a finding to a sanction, its appeal, and exoneration
    #[command(subcommand)]
    Proceeding(proceeding::ProceedingCommand),
    /// Every duty whose clock runs: what, whose, until when
    Due(report::DueArgs),
    /// Everything that happened to a subject, newest first
    Trail(TrailArgs),
    /// Which agency or unit serves best
    Board(BoardArgs),
    /// Look at the log itself
    #[command(subcommand)]
    Log(LogCommand),
    /// How far a view is, and the digest of what it holds
    #[command(subcommand)]
    View(ViewCommand),
    /// Rebuild a view beside the live one, compare, switch over, go back: all on record
    #[command(subcommand)]
    Replay(ReplayCommand),
    /// Look at the law as the ledger knows it
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Change the key of the sealed personal data, or copy it
    #[command(subcommand)]
    Vault(VaultCommand),
    /// Run a synthetic province end to end: cases in, a board and a trail out
    Demo(DemoArgs),
    /// Measure the code on a synthetic history, and a ledger under load
    #[command(subcommand)]
    Bench(BenchCommand),
}

/// Where the log is kept.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct LogArgs {
    /// The log: a file, or a database of `PostgreSQL` as `postgres://ROLE@HOST/DATABASE` [default: log.db in the data
    /// folder]. A password is better given by `LIEM_LOG` than here, where other users of the machine see it
    #[arg(long, env = "LIEM_LOG", value_name = "PLACE", hide_env_values = true)]
    pub(crate) log: Option<String>,
}

/// What a new log is called; an existing one keeps what its first entry says.
#[derive(Debug, Clone, Args)]
pub(crate) struct GenesisArgs {
    /// Name of a new log, unique among all logs [default: liem.local]
    #[arg(long, env = "LIEM_ORIGIN")]
    pub(crate) origin: Option<String>,
    /// Jurisdiction of a new log [default: VN]
    #[arg(long, env = "LIEM_JURISDICTION")]
    pub(crate) jurisdiction: Option<String>,
    /// Time zone of a new log's civil dates, as an offset from UTC [default: +07:00]
    #[arg(long, env = "LIEM_TIME_ZONE")]
    pub(crate) time_zone: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    /// Address to listen on; port 0 takes a free one [default: 127.0.0.1:7420]
    #[arg(long, env = "LIEM_LISTEN")]
    pub(crate) listen: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) log: LogArgs,
    #[command(flatten)]
    pub(crate) snapshots: SnapshotArgs,
    #[command(flatten)]
    pub(crate) sealed: VaultArgs,
    #[command(flatten)]
    pub(crate) rules: RulesArgs,
    #[command(flatten)]
    pub(crate) genesis: GenesisArgs,
}

impl UpArgs {
    /// All as usual, for a new log of a name.
    pub(crate) fn usual(origin: &str) -> Self {
        Self {
            listen: None,
            log: LogArgs::default(),
            snapshots: SnapshotArgs { snapshot_every: None },
            sealed: VaultArgs { vault_key: None },
            rules: RulesArgs { folder: None },
            genesis: GenesisArgs { origin: Some(origin.to_owned()), jurisdiction: None, time_zone: None },
        }
    }
}

/// How views keep what they were.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct SnapshotArgs {
    /// Positions between two snapshots of a view, for files that are made new: fewer make answers as of a
    /// moment faster, and files larger [default: 262144]
    #[arg(long, env = "LIEM_SNAPSHOT_EVERY", value_name = "POSITIONS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) snapshot_every: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The service
    #[arg(value_enum)]
    pub(crate) service: Service,
    /// Address to listen on; port 0 takes a free one [default: 127.0.0.1:7420 and up, by service]
    #[arg(long, env = "LIEM_LISTEN")]
    pub(crate) listen: Option<SocketAddr>,
    /// Address of the ledger, for all services but the ledger [default: what the data folder says]
    #[arg(long, env = "LIEM_LEDGER")]
    pub(crate) ledger: Option<String>,
    #[command(flatten)]
    pub(crate) log: LogArgs,
    /// Public key that tokens are checked with [default: keys/public.pem in the data folder]
    #[arg(long, env = "LIEM_PUBLIC_KEY", value_name = "FILE")]
    pub(crate) public_key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) snapshots: SnapshotArgs,
    #[command(flatten)]
    pub(crate) sealed: VaultArgs,
    #[command(flatten)]
    pub(crate) rules: RulesArgs,
    #[command(flatten)]
    pub(crate) genesis: GenesisArgs,
}

/// The services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Service {
    Ledger,
    Directory,
    Delivery,
    Audit,
    Leaderboard,
    Conduct,
    Obligations,
    Discipline,
}

impl Service {
    /// The last ones came last: each has the port that follows the one before.
    pub(crate) const ALL: [Self; 8] = [
        Self::Ledger,
        Self::Directory,
        Self::Delivery,
        Self::Audit,
        Self::Leaderboard,
        Self::Conduct,
        Self::Obligations,
        Self::Discipline,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::Directory => "directory",
            Self::Delivery => "delivery",
            Self::Audit => "audit",
            Self::Leaderboard => "leaderboard",
            Self::Conduct => "conduct",
            Self::Obligations => "obligations",
            Self::Discipline => "discipline",
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Sign a token with the data folder's key and print it
    Issue(IssueArgs),
}

#[derive(Debug, Args)]
pub(crate) struct IssueArgs {
    /// What the holder is
    #[arg(long, value_enum)]
    pub(crate) role: Role,
    /// Agency the token is for; needed for the roles agency and official
    #[arg(long)]
    pub(crate) agency: Option<String>,
    /// Who holds it: a pseudonymous id, which becomes the actor of events [default: the role, with the agency]
    #[arg(long)]
    pub(crate) holder: Option<String>,
    /// Which service, for the role service
    #[arg(long, value_enum)]
    pub(crate) service: Option<Service>,
    /// How long it is good: a number with s, m, h or d
    #[arg(long, default_value = "30d")]
    pub(crate) valid_for: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    Agency,
    Official,
    Inspector,
    Administrator,
    Citizen,
    Service,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CaseCommand {
    /// Where a case stands, and what happened to it
    Show {
        /// The case's code
        code: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct TrailArgs {
    /// ROLE:ID, such as official:o-17 or agency:H57.18; a code alone is a case. Roles: case, agency, unit,
    /// official, procedure, step, post, view, report, proceeding
    pub(crate) subject: String,
    /// Oldest first
    #[arg(long)]
    pub(crate) oldest_first: bool,
    /// Only these event types, such as delivery.StepDone.v1
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) types: Vec<String>,
    /// Only what this actor did
    #[arg(long)]
    pub(crate) actor: Option<String>,
    /// Only what happened at or after this date or time
    #[arg(long)]
    pub(crate) from: Option<String>,
    /// Only what happened before this time; for a date, up to its end
    #[arg(long)]
    pub(crate) until: Option<String>,
    /// What was known then: as of a position of the log, or of a time (or date, for its end) of recording
    #[arg(long, value_name = "POSITION|TIME")]
    pub(crate) as_of: Option<String>,
    /// At least as new as a position of the log
    #[arg(long, value_name = "POSITION")]
    pub(crate) at_least: Option<u64>,
    /// At most so many lines; 0 for all [default: 50, and all with --json]
    #[arg(long)]
    pub(crate) limit: Option<usize>,
    /// Only how many events there are
    #[arg(long)]
    pub(crate) count: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct BoardArgs {
    #[command(flatten)]
    pub(crate) query: BoardQueryArgs,
    /// How rows compare with the same cases, and how sure that is, instead of the counts
    #[arg(long)]
    pub(crate) fair: bool,
    #[command(subcommand)]
    pub(crate) command: Option<BoardCommand>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct BoardQueryArgs {
    /// What the rows are
    #[arg(long, value_enum, default_value_t = By::Agency)]
    pub(crate) by: By,
    /// The period: all, 2011, 2011-Q3 or 2011-09
    #[arg(long, default_value = "all")]
    pub(crate) period: String,
    /// When open cases are judged: a time, or a date for its end [default: the period's end, or now]
    #[arg(long)]
    pub(crate) judged_at: Option<String>,
    /// Which promise cases are judged by
    #[arg(long, value_enum, default_value_t = Clock::Committed)]
    pub(crate) clock: Clock,
    /// Only units of this agency; of a board of agencies only its row
    #[arg(long)]
    pub(crate) agency: Option<String>,
    /// What was known then: as of a position of the log, or of a time (or date, for its end) of recording;
    /// independent of the period, which is about when things happened
    #[arg(long, value_name = "POSITION|TIME")]
    pub(crate) as_of: Option<String>,
    /// At least as new as a position of the log
    #[arg(long, value_name = "POSITION")]
    pub(crate) at_least: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    Agency,
    Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Clock {
    Committed,
    Statutory,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BoardCommand {
    /// The cases, steps, reports or proceedings behind one figure of one row
    Explain {
        /// The row: an agency's or unit's code
        subject: String,
        /// The figure, by its name in the board's JSON
        #[arg(value_enum)]
        figure: Figure,
        #[command(flatten)]
        query: BoardQueryArgs,
        /// At most so many lines; 0 for all [default: 50, and all with --json]
        #[arg(long)]
        limit: Option<usize>,
    },
    /// Signs of gaming: what a row has more of than chance explains, and the entries behind it
    Flags(FlagsArgs),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Figure {
    Received,
    Closed,
    ClosedOnTime,
    ClosedLate,
    ClosedOnTimeStatutory,
    ClosedOnTimeCommitted,
    Open,
    OpenLate,
    OnTimeRate,
    MedianWorkingDays,
    OnlineShare,
    Rating,
    Steps,
    Substantiated,
    SelfReports,
    SanctionsDecided,
    SanctionsFinal,
    HeadsLiable,
    PartySanctions,
    ObservedToExpected,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Where the log ends, and what it is
    Head,
    /// The entries, newest first
    Read {
        /// Oldest first
        #[arg(long)]
        oldest_first: bool,
        /// Start past this position
        #[arg(long, default_value_t = 0, value_name = "POSITION")]
        past: u64,
        /// Only these event types
        #[arg(long = "type", value_name = "TYPE")]
        types: Vec<String>,
        /// Only streams of these categories, such as delivery.case
        #[arg(long = "category", value_name = "CATEGORY")]
        categories: Vec<String>,
        /// At most so many entries; 0 for all
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Prove that positions are gapless, revisions dense, every column equal to its bytes, and bundles to the rows
    Check {
        #[command(flatten)]
        log: LogArgs,
    },
    /// Make the log's tables in a PostgreSQL database, or bring them to this version, as their owner
    Migrate {
        #[command(flatten)]
        log: LogArgs,
    },
    /// Move a log elsewhere, every entry unchanged: the old place is closed for good
    Copy {
        /// Where it is: a file, or a database as `postgres://OWNER@HOST/DATABASE`
        #[arg(long, value_name = "PLACE")]
        from: String,
        /// Where it goes: a new file, or a database where `liem log migrate` was run
        #[arg(long, value_name = "PLACE")]
        to: String,
    },
    /// Make the bundles of a PostgreSQL log anew, as the maintenance role
    Rebundle {
        #[command(flatten)]
        log: LogArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ViewCommand {
    /// How far the audit view is
    Audit,
    /// How far the leaderboard is
    Leaderboard,
    /// How far the obligations view is
    Obligations,
    /// The digest of what a view holds: anyone with the same log gets the same
    Digest {
        /// The view
        #[arg(value_enum)]
        view: ViewName,
        /// At a position of the log [default: the newest]
        #[arg(long, value_name = "POSITION")]
        at: Option<u64>,
        /// Of this generation [default: the live one]
        #[arg(long)]
        generation: Option<u32>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ViewName {
    Audit,
    Leaderboard,
    Obligations,
}

impl ViewName {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Leaderboard => "leaderboard",
            Self::Obligations => "obligations",
        }
    }
}

/// Which rulebooks count.
#[derive(Debug, Clone, Args)]
pub(crate) struct RulesArgs {
    /// Folder of further rulebooks, *.toml, each instead of the shipped one of its jurisdiction
    #[arg(long = "rules", env = "LIEM_RULES", value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// The rules of a jurisdiction, with their dates and sources; needs no server
    Show {
        /// Only what is in force on this date [default: all rules]
        #[arg(long, value_name = "DATE")]
        at: Option<String>,
        /// Whose rules [default: VN]
        #[arg(long, env = "LIEM_JURISDICTION")]
        jurisdiction: Option<String>,
        #[command(flatten)]
        rules: RulesArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Cases of the year
    #[arg(long, default_value_t = 6_000)]
    pub(crate) cases: u64,
    /// What the province is made from: the same seed gives the same one
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Keep the ledger running afterwards, to look at
    #[arg(long)]
    pub(crate) keep: bool,
}
