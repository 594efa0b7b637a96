//! `liem directory`.

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum DirectoryCommand {
    /// What is known of an agency: its units and posts, and who headed them when
    Show {
        /// The agency's code
        agency: String,
    },
    /// Open an agency
    OpenAgency {
        /// Its code, such as H57.18
        agency: String,
        #[command(flatten)]
        names: NameArgs,
    },
    /// Give an agency other names
    RenameAgency {
        /// Its code
        agency: String,
        #[command(flatten)]
        names: NameArgs,
    },
    /// Merge an agency into another one, which answers for it from then on
    MergeAgency {
        /// Its code
        agency: String,
        /// The agency that answers for it
        #[arg(long, value_name = "AGENCY")]
        into: String,
        #[command(flatten)]
        on: OnArgs,
    },
    /// Close an agency that no other one follows
    CloseAgency {
        /// Its code
        agency: String,
        #[command(flatten)]
        on: OnArgs,
    },
    /// Open a unit of an agency
    OpenUnit {
        /// Its code, unique in the ledger
        unit: String,
        /// The agency it belongs to
        #[arg(long)]
        agency: String,
        #[command(flatten)]
        names: NameArgs,
    },
    /// Give a unit other names
    RenameUnit {
        /// Its code
        unit: String,
        #[command(flatten)]
        names: NameArgs,
    },
    /// Merge a unit into another one, also one of another agency
    MergeUnit {
        /// Its code
        unit: String,
        /// The unit that answers for it
        #[arg(long, value_name = "UNIT")]
        into: String,
        #[command(flatten)]
        on: OnArgs,
    },
    /// Close a unit that no other one follows
    CloseUnit {
        /// Its code
        unit: String,
        #[command(flatten)]
        on: OnArgs,
    },
    /// Define a post of an agency, or of one of its units
    DefinePost {
        /// Its code, such as H57.18/head
        post: String,
        /// The agency it belongs to
        #[arg(long)]
        agency: String,
        /// The unit it belongs to [default: the agency itself]
        #[arg(long)]
        unit: Option<String>,
        /// Whom it leads: a head heads the unit, or without one the agency
        #[arg(long, value_enum, default_value_t = Leadership::None)]
        leadership: Leadership,
    },
    /// Close a post: whoever holds it holds it no more
    ClosePost {
        /// Its code
        post: String,
        #[command(flatten)]
        on: OnArgs,
    },
    /// Register an official under a pseudonymous id
    RegisterOfficial {
        /// The id: ASCII letters, digits and ._-, never a name
        official: String,
        /// The agency they work for
        #[arg(long)]
        agency: String,
        /// What they are by law
        #[arg(long, value_enum)]
        category: OfficialCategory,
        /// They are a member of the Party
        #[arg(long)]
        party_member: bool,
        #[command(flatten)]
        name: OfficialNameArgs,
    },
    /// Open the name of an official: on record before it is shown
    OpenName {
        /// The official's id
        official: String,
        /// Who reads: a pseudonymous id
        #[arg(long)]
        reader: String,
        /// Why
        #[arg(long, value_enum)]
        reason: OpeningReason,
    },
    /// Erase the name of an official by law, for ever
    EraseName {
        /// The official's id
        official: String,
        /// On what ground
        #[arg(long, value_enum)]
        ground: ErasureGround,
    },
    /// Appoint an official to a post; it ends the one they held, and a head's predecessor's time
    Appoint {
        /// The official's id
        official: String,
        /// The post
        #[arg(long)]
        post: String,
        #[command(flatten)]
        from: FromArgs,
    },
    /// Move an official to another agency or unit
    Move {
        /// The official's id
        official: String,
        /// The agency they work for from then on
        #[arg(long)]
        agency: String,
        /// The unit they work in from then on
        #[arg(long)]
        unit: Option<String>,
        #[command(flatten)]
        from: FromArgs,
    },
    /// An official leaves the service
    Leave {
        /// The official's id
        official: String,
        #[command(flatten)]
        on: OnArgs,
    },
    /// An official joins the Party, or is no more in it
    PartyMember {
        /// The official's id
        official: String,
        /// They are no more in it
        #[arg(long)]
        no: bool,
        #[command(flatten)]
        from: FromArgs,
    },
}

/// The names of an agency or a unit.
#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// Its name in Vietnamese
    #[arg(long, value_name = "NAME")]
    pub(crate) name_vi: String,
    /// Its name in English
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(crate) name_en: String,
}

/// A name that is sealed. On a shared machine others see what stands on a command line: use a file.
#[derive(Debug, Args)]
pub(crate) struct OfficialNameArgs {
    /// Their name; sealed
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// File with their name; - for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "name")]
    pub(crate) name_file: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct OnArgs {
    /// The first day on which it is so no more, such as 2026-07-01
    #[arg(long, value_name = "DATE")]
    pub(crate) on: String,
}

#[derive(Debug, Args)]
pub(crate) struct FromArgs {
    /// The first day of it, such as 2026-07-01
    #[arg(long, value_name = "DATE")]
    pub(crate) from: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Leadership {
    None,
    Deputy,
    Head,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OfficialCategory {
    Cadre,
    CivilServant,
    PublicEmployee,
}

words! {
    OpeningReason directory { Handling Protection Inspection LegalOrder SubjectRequest }
    ErasureGround directory { SubjectRequest RetentionOver LegalOrder RecordedWrongly }
}
