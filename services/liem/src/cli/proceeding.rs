//! The command line of proceedings.

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum ProceedingCommand {
    /// How many proceedings were opened, by what became of them
    Totals(TotalsArgs),
    /// A proceeding as it stands: every limit with its rule
    Show {
        /// The proceeding's id
        proceeding: String,
    },
    /// Open a proceeding on a substantiated finding, or on a self-report; prints its id
    Open(Box<OpenArgs>),
    /// Say why no proceeding is opened on a finding
    Decline {
        #[command(flatten)]
        origin: OriginArgs,
        /// Why
        #[arg(long, value_enum)]
        reason: DeclineReason,
        #[command(flatten)]
        acting: ActingArgs,
    },
    /// Extend the time in which to decide, as far as the rule allows
    Extend {
        #[command(flatten)]
        by: ByArgs,
    },
    /// Stop the clock on a ground that the rule knows
    Pause {
        #[command(flatten)]
        by: ByArgs,
        /// The ground's code, as the rule has it (liem rules show)
        #[arg(long)]
        ground: String,
    },
    /// The clock goes on, with the days of the pause added
    Resume {
        #[command(flatten)]
        by: ByArgs,
    },
    /// A council was convened
    Council {
        #[command(flatten)]
        by: ByArgs,
        /// Its members, by their pseudonymous ids
        #[arg(required = true, value_name = "MEMBER")]
        members: Vec<String>,
    },
    /// The official was heard
    Hearing {
        #[command(flatten)]
        by: ByArgs,
        /// They were called, and did not come
        #[arg(long)]
        absent: bool,
    },
    /// A circumstance mitigates or aggravates
    Circumstance {
        #[command(flatten)]
        by: ByArgs,
        /// Its code, as the rule has it (liem rules show)
        #[arg(value_name = "CODE")]
        circumstance: String,
        /// The concluded report that shows it
        #[arg(long)]
        report: Option<String>,
    },
    /// Record what the council recommends
    Recommend {
        #[command(flatten)]
        by: ByArgs,
        #[command(flatten)]
        decision: DecisionArgs,
    },
    /// Decide: a sanction in a form that the law allows, or none
    Decide {
        #[command(flatten)]
        by: ByArgs,
        #[command(flatten)]
        decision: DecisionArgs,
    },
    /// Hold the head of the agency or unit liable
    Head {
        #[command(flatten)]
        by: ByArgs,
        /// The head, a pseudonymous id
        #[arg(value_name = "HEAD")]
        head: String,
        /// How
        #[arg(long, value_enum)]
        liability: Liability,
    },
    /// The sanction was executed
    Execute {
        #[command(flatten)]
        by: ByArgs,
    },
    /// The official appealed
    Appeal {
        #[command(flatten)]
        by: ByArgs,
    },
    /// Decide the appeal
    DecideAppeal {
        #[command(flatten)]
        by: ByArgs,
        /// What became of it
        #[arg(value_enum)]
        result: AppealResult,
        /// The other form, if it is changed
        #[arg(long)]
        form: Option<String>,
    },
    /// The sanction is cleared after its term
    Clear {
        #[command(flatten)]
        by: ByArgs,
    },
    /// The official was wrongly disciplined: counts everywhere at once
    Exonerate {
        #[command(flatten)]
        by: ByArgs,
        /// Why
        #[arg(long, value_enum)]
        ground: ExonerationGround,
    },
    /// The apology that is due after an exoneration was made
    Apology {
        #[command(flatten)]
        by: ByArgs,
    },
    /// Rights and post were restored after an exoneration
    Restoration {
        #[command(flatten)]
        by: ByArgs,
    },
    /// Close a proceeding that ends without a decision
    Close {
        #[command(flatten)]
        by: ByArgs,
        /// Why
        #[arg(long, value_enum)]
        reason: CloseReason,
    },
}

/// What every command takes.
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

#[derive(Debug, Clone, Args)]
pub(crate) struct ActingArgs {
    /// The day it happened [default: today]
    #[arg(long, value_name = "DATE")]
    pub(crate) on: Option<String>,
    /// The agency acted for [default: the token's, or the one that has the proceeding]
    #[arg(long)]
    pub(crate) agency: Option<String>,
    /// The official in whose name, a pseudonymous id
    #[arg(long)]
    pub(crate) official: Option<String>,
    /// The request's id: what was recorded under it is not recorded twice [default: a new one]
    #[arg(long, value_name = "UUID")]
    pub(crate) request_id: Option<String>,
}

/// What every command on a proceeding takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct ByArgs {
    /// The proceeding's id
    pub(crate) proceeding: String,
    #[command(flatten)]
    pub(crate) acting: ActingArgs,
}

/// The finding that a proceeding is about.
#[derive(Debug, Clone, Args)]
pub(crate) struct OriginArgs {
    /// The report it comes from
    #[arg(long, value_name = "REPORT")]
    pub(crate) origin: String,
    /// The allegation whose finding it is, by number [default: none, of a self-report as a whole]
    #[arg(long, value_name = "NUMBER", default_value_t = 0, hide_default_value = true)]
    pub(crate) allegation: i32,
    /// Whose discipline it is
    #[arg(long, value_enum, default_value_t = Track::Administrative)]
    pub(crate) track: Track,
    /// Whom it is against, a pseudonymous id [default: the one whom the allegation names]
    #[arg(long)]
    pub(crate) person: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    #[command(flatten)]
    pub(crate) origin: OriginArgs,
    /// What the person is by law [default: what the directory says]
    #[arg(long, value_enum)]
    pub(crate) class: Option<PersonClass>,
    /// They lead; only for those whom the directory doesn't know
    #[arg(long)]
    pub(crate) leads: bool,
    /// The day of the violation, or its last one
    #[arg(long, value_name = "DATE")]
    pub(crate) violation: String,
    /// The day it was discovered [default: the day of the final finding]
    #[arg(long, value_name = "DATE")]
    pub(crate) discovery: Option<String>,
    /// A ground on which there is no limitation, as the rule has it (liem rules show)
    #[arg(long, value_name = "GROUND")]
    pub(crate) exemption: Option<String>,
    #[command(flatten)]
    pub(crate) acting: ActingArgs,
}

/// A sanction, or none.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct DecisionArgs {
    /// A sanction of this form, as the rule has it (liem rules show)
    #[arg(long)]
    pub(crate) form: Option<String>,
    /// No sanction
    #[arg(long)]
    pub(crate) none: bool,
}

words! {
    ProceedingTotalsBy leaderboard { Outcome Class Unit Recommended Change }
    Track discipline { Administrative Party }
    PersonClass discipline { Cadre CivilServant PublicEmployee PartyMember PartyOrganisation PoliceOfficer }
    DeclineReason discipline { LimitationRunOut PersonLeft PersonUnknown Minor OtherProcedure }
    CloseReason discipline { HandlingTimeOver PersonLeft PersonDied FindingFell OtherProcedure }
    Liability discipline { Direct Joint }
    AppealResult discipline { Upheld Changed Annulled }
    ExonerationGround discipline { NoViolation WrongPerson UnlawfulDecision CourtRuling }
}
