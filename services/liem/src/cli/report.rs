//! The command line of reports and duties.

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// File a report; prints its follow-up code, once
    File(Box<FileArgs>),
    /// What the holder of a follow-up code sees, and does
    FollowUp(FollowUpArgs),
    /// Say what a report is: starts the clock to accept it
    Classify {
        #[command(flatten)]
        by: ByArgs,
        /// What it is in law [default: what it was called]
        #[arg(long, value_enum)]
        kind: Option<Kind>,
        /// What is reported [default: what was said]
        #[arg(long, value_enum)]
        class: Option<Class>,
        /// It is clear and comes with evidence
        #[arg(long)]
        evidence: bool,
    },
    /// Accept a report: the limit of its kind runs
    Accept {
        #[command(flatten)]
        by: ByArgs,
        /// The instance
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=2))]
        instance: i32,
    },
    /// Transfer a report to another agency
    Transfer {
        #[command(flatten)]
        by: ByArgs,
        /// The agency that has it from now on
        #[arg(long)]
        to: String,
        /// Why
        #[arg(long, value_enum, default_value_t = TransferReason::NotCompetent)]
        reason: TransferReason,
    },
    /// Decline a report
    Decline {
        #[command(flatten)]
        by: ByArgs,
        /// The reason's code, as the rule has it (liem rules show)
        #[arg(long)]
        reason: String,
    },
    /// Extend the limit to conclude a report
    Extend {
        #[command(flatten)]
        by: ByArgs,
        /// What allows it
        #[arg(long, value_enum, default_value_t = Complexity::Complex)]
        because: Complexity,
    },
    /// Ask the reporter something
    Ask {
        #[command(flatten)]
        by: ByArgs,
        #[command(flatten)]
        text: TextArgs,
    },
    /// Open the inquiry
    Inquire {
        #[command(flatten)]
        by: ByArgs,
    },
    /// The inquiry concerns a person
    Person {
        #[command(flatten)]
        by: ByArgs,
        /// The person, a pseudonymous id
        #[arg(long)]
        person: String,
    },
    /// A step of the inquiry was done
    Step {
        #[command(flatten)]
        by: ByArgs,
        /// The step, as the directory defines it
        #[arg(long)]
        step: String,
    },
    /// Take up an allegation; prints its number
    Allege {
        #[command(flatten)]
        by: ByArgs,
        /// What is alleged
        #[arg(long, value_enum)]
        class: Class,
        /// Whom it is about, a pseudonymous id
        #[arg(long)]
        person: Option<String>,
    },
    /// Record what was found of an allegation: recommended first, then final
    Finding {
        #[command(flatten)]
        by: ByArgs,
        /// The allegation's number
        #[arg(long)]
        allegation: i32,
        /// What was found
        #[arg(long, value_enum)]
        finding: Finding,
        /// It is final [default: it is recommended]
        #[arg(long = "final")]
        is_final: bool,
    },
    /// Conclude a report: every allegation has a final finding
    Conclude {
        #[command(flatten)]
        by: ByArgs,
    },
    /// Somebody appealed against the findings
    Appeal {
        #[command(flatten)]
        by: ByArgs,
        /// Who
        #[arg(long, value_enum, default_value_t = Appellant::Reporter)]
        who: Appellant,
    },
    /// Decide an appeal: the findings are upheld, or changed
    DecideAppeal {
        #[command(flatten)]
        by: ByArgs,
        /// A finding that changes: NUMBER=FINDING, such as 2=unsubstantiated
        #[arg(long = "change", value_name = "NUMBER=FINDING")]
        changes: Vec<String>,
    },
    /// Take a concluded report up again
    Reopen {
        #[command(flatten)]
        by: ByArgs,
        /// Why
        #[arg(long, value_enum, default_value_t = ReopeningReason::NewEvidence)]
        reason: ReopeningReason,
    },
    /// A report as it stands, with its trail
    Show {
        /// The report's id
        report: String,
    },
    /// Open what is sealed in a report: on record before it is shown
    Open {
        /// The report's id
        report: String,
        /// Who reads: a pseudonymous id
        #[arg(long)]
        reader: String,
        /// Why
        #[arg(long, value_enum)]
        reason: OpeningReason,
    },
    /// Erase the personal data of a report by law, for ever
    Erase {
        /// The report's id
        report: String,
        /// On what ground
        #[arg(long, value_enum)]
        ground: ErasureGround,
    },
    /// How many reports there are, or what was found of their allegations
    Totals {
        /// What is counted by
        #[arg(long, value_enum)]
        by: TotalsBy,
        /// Only reports about this agency
        #[arg(long)]
        agency: Option<String>,
        /// At least as new as a position of the log
        #[arg(long, value_name = "POSITION")]
        at_least: Option<u64>,
    },
}

/// What every command of a handler takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct ByArgs {
    /// The report's id
    pub(crate) report: String,
    /// The day it happened [default: today]
    #[arg(long, value_name = "DATE")]
    pub(crate) on: Option<String>,
    /// The agency acted for [default: the token's, or the one that has the report]
    #[arg(long)]
    pub(crate) agency: Option<String>,
    /// The official in whose name, a pseudonymous id
    #[arg(long)]
    pub(crate) official: Option<String>,
}

/// A text that is sealed. On a shared machine others see what stands on a command line: use a file.
#[derive(Debug, Clone, Args)]
pub(crate) struct TextArgs {
    /// The text
    #[arg(long)]
    pub(crate) text: Option<String>,
    /// File with the text; - for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    pub(crate) text_file: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct FileArgs {
    /// The agency it is filed with
    #[arg(long)]
    pub(crate) agency: String,
    /// What it is called
    #[arg(long, value_enum, default_value_t = Kind::Denunciation)]
    pub(crate) kind: Kind,
    /// What is reported
    #[arg(long, value_enum, default_value_t = Class::Other)]
    pub(crate) class: Class,
    /// Who files it [default: by the token, and whether a name is given]
    #[arg(long, value_enum)]
    pub(crate) source: Option<Source>,
    /// The agency it is about [default: the one it is filed with]
    #[arg(long, value_name = "AGENCY")]
    pub(crate) about: Option<String>,
    /// The unit it is about
    #[arg(long)]
    pub(crate) unit: Option<String>,
    /// An official it is about, a pseudonymous id
    #[arg(long = "official", value_name = "OFFICIAL")]
    pub(crate) officials: Vec<String>,
    /// Whose law it is handled under [default: the ledger's]
    #[arg(long)]
    pub(crate) jurisdiction: Option<String>,
    /// It comes from a remote area, where limits are longer
    #[arg(long)]
    pub(crate) remote: bool,
    /// The reporter's name; sealed
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// How to reach them; sealed
    #[arg(long)]
    pub(crate) contact: Option<String>,
    #[command(flatten)]
    pub(crate) text: TextArgs,
    /// The earlier report that was answered with retaliation: its id, or its follow-up code
    #[arg(long, value_name = "REPORT")]
    pub(crate) retaliation_for: Option<String>,
    /// The day it came in on paper [default: today]
    #[arg(long, value_name = "DATE")]
    pub(crate) received: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct FollowUpArgs {
    /// The follow-up code; - to read it from standard input
    pub(crate) code: String,
    /// Add to the report
    #[arg(long, group = "act")]
    pub(crate) add: bool,
    /// Answer the question of this number
    #[arg(long, value_name = "NUMBER", group = "act")]
    pub(crate) answer: Option<i32>,
    /// Withdraw the report, or with --allegation some of it
    #[arg(long, group = "act")]
    pub(crate) withdraw: bool,
    /// An allegation to withdraw, by its number
    #[arg(long = "allegation", value_name = "NUMBER", requires = "withdraw")]
    pub(crate) allegations: Vec<i32>,
    /// Ask for a proof of filing: carrying it can expose its holder
    #[arg(long, group = "act")]
    pub(crate) proof: bool,
    #[command(flatten)]
    pub(crate) text: TextArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DueArgs {
    /// Only duties of this agency
    #[arg(long)]
    pub(crate) agency: Option<String>,
    /// Only duties of this unit
    #[arg(long)]
    pub(crate) unit: Option<String>,
    /// Only duties of what this official heads
    #[arg(long, value_name = "OFFICIAL")]
    pub(crate) head: Option<String>,
    /// Only what is due within this time: a number with s, m, h or d
    #[arg(long, value_name = "TIME")]
    pub(crate) within: Option<String>,
    /// Only what is overdue
    #[arg(long)]
    pub(crate) overdue: bool,
    /// The moment that is judged: a time, or a date for its end [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) judged_at: Option<String>,
    /// At least as new as a position of the log
    #[arg(long, value_name = "POSITION")]
    pub(crate) at_least: Option<u64>,
    /// At most so many lines; 0 for all [default: 50, and all with --json]
    #[arg(long)]
    pub(crate) limit: Option<usize>,
}

words! {
    Source conduct { Named Confidential Anonymous Official SelfReport }
    Kind conduct { Complaint Denunciation Petition Reflection }
    Class conduct { Overbearing Corruption Waste Harassment Delay Attitude Other }
    Finding conduct { Substantiated Partly Unsubstantiated False Pending }
    TransferReason conduct { NotCompetent ConcernsHandler HigherAuthority Other }
    Complexity conduct { Complex EspeciallyComplex }
    Appellant conduct { Reporter PersonConcerned }
    ReopeningReason conduct { NewEvidence ProceduralFault OrderOfAuthority }
    OpeningReason conduct { Handling Protection Inspection LegalOrder SubjectRequest }
    ErasureGround conduct { SubjectRequest RetentionOver LegalOrder RecordedWrongly }
    TotalsBy leaderboard { Finding Class Unit Kind }
}
