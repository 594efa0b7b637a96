//! The law as versioned data: a rulebook for each jurisdiction, and what it says on a day.
//!
//! A rulebook is a TOML text (`data/README.md` tells its fields). Its rules have dates, and a matter is judged by the
//! rule in force on the day that is asked for: which day that is, of the act, of receipt or of the decision, is for the
//! caller to say. Only rules of discipline name the moment that selects them themselves ([`Moments`]). Events name the rulebook they were decided under, by version and hash.
//!
//! What was not read in a source is `verified = false`, and [`Rule::cite`] says so wherever a rule is quoted.
//!
//! ```
//! use rulebook::law::{Asked, Duty, Kind, Lawbooks};
//! # use chrono::NaiveDate;
//! # let day = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap();
//!
//! let books = Lawbooks::shipped();
//! let asked = Asked { kind: Kind::Denunciation, duty: Duty::Conclude, instance: 1, remote: false };
//! let rule = |on| books.get("VN").and_then(|book| book.find(asked, on)).unwrap();
//! assert_eq!(rule(day(2018, 12, 31)).limit.unwrap().days, 60);
//! assert_eq!(rule(day(2019, 1, 1)).cite(), "Law on Denunciations 25/2018/QH14, art. 30");
//! ```

mod book;
mod check;
mod discipline;
mod words;

pub use book::{Lawbook, Lawbooks};
pub use check::LawError;
pub use discipline::{AskedDiscipline, Moment, Moments, PersonClass, Start, Track};

use std::fmt;

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Deserializer, Serialize};

use crate::calendar::{Calendar, CalendarError};

/// What somebody brings before an agency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// *Khiếu nại*: against a decision or act that concerns the one who complains.
    Complaint,
    /// *Tố cáo*: of a breach of the law, by anyone.
    Denunciation,
    /// *Kiến nghị*: a proposal.
    Petition,
    /// *Phản ánh*: a report of how things are.
    Reflection,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Complaint, Self::Denunciation, Self::Petition, Self::Reflection];

    /// The word for it, as in rulebooks and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complaint => "complaint",
            Self::Denunciation => "denunciation",
            Self::Petition => "petition",
            Self::Reflection => "reflection",
        }
    }

    /// The kind with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What an agency has to do, or may do, and a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// Say what kind of matter it is, counted from receipt.
    Classify,
    /// Accept or decline it, counted from receipt.
    Accept,
    /// Verify what acceptance depends on: these days come after those of acceptance.
    Verify,
    /// Conclude it, counted from acceptance.
    Conclude,
    /// What becomes of a matter whose sender is not known.
    Anonymous,
    /// For which reasons it may be declined.
    Decline,
    /// What the sender may take back.
    Withdraw,
    /// Who receives citizens, and how.
    Receive,
    /// Decide an appeal against the conclusion, counted from the appeal.
    DecideAppeal,
    /// Open proceedings after a final finding, or say why not.
    Open,
    /// For how long after a violation it may be disciplined.
    Limitation,
    /// Convene a council.
    Convene,
    /// Decide on a sanction.
    Handle,
    /// Which forms of sanction there are, and which steps come before.
    Sanction,
    /// Carry a sanction out.
    Execute,
    /// Until when the person may appeal against a sanction.
    AppealSanction,
    /// Decide that appeal.
    AnswerAppeal,
    /// After which term a sanction is cleared.
    Clear,
    /// Which circumstances mitigate or aggravate.
    Weigh,
    /// How the head answers for what others did.
    HeadLiability,
    /// What is due to somebody who was wrongly disciplined.
    Exonerate,
    /// Apologise after an exoneration.
    Apologise,
    /// Restore what an exonerated person lost.
    Restore,
    /// Whether a track waits for another.
    Parallel,
}

impl Duty {
    /// All duties.
    pub const ALL: [Self; 24] = [
        Self::Classify,
        Self::Accept,
        Self::Verify,
        Self::Conclude,
        Self::Anonymous,
        Self::Decline,
        Self::Withdraw,
        Self::Receive,
        Self::DecideAppeal,
        Self::Open,
        Self::Limitation,
        Self::Convene,
        Self::Handle,
        Self::Sanction,
        Self::Execute,
        Self::AppealSanction,
        Self::AnswerAppeal,
        Self::Clear,
        Self::Weigh,
        Self::HeadLiability,
        Self::Exonerate,
        Self::Apologise,
        Self::Restore,
        Self::Parallel,
    ];

    /// The word for it, as in rulebooks and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Classify => "classify",
            Self::Accept => "accept",
            Self::Verify => "verify",
            Self::Conclude => "conclude",
            Self::Anonymous => "anonymous",
            Self::Decline => "decline",
            Self::Withdraw => "withdraw",
            Self::Receive => "receive",
            Self::DecideAppeal => "decide_appeal",
            Self::Open => "open",
            Self::Limitation => "limitation",
            Self::Convene => "convene",
            Self::Handle => "handle",
            Self::Sanction => "sanction",
            Self::Execute => "execute",
            Self::AppealSanction => "appeal_sanction",
            Self::AnswerAppeal => "answer_appeal",
            Self::Clear => "clear",
            Self::Weigh => "weigh",
            Self::HeadLiability => "head_liability",
            Self::Exonerate => "exonerate",
            Self::Apologise => "apologise",
            Self::Restore => "restore",
            Self::Parallel => "parallel",
        }
    }

    /// The duty with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|duty| duty.as_str() == word)
    }

    /// Whether it is one of discipline: these are asked for with [`AskedDiscipline`], the others with [`Asked`].
    pub fn is_discipline(self) -> bool {
        match self {
            Self::Classify
            | Self::Accept
            | Self::Verify
            | Self::Conclude
            | Self::Anonymous
            | Self::Decline
            | Self::Withdraw
            | Self::Receive
            | Self::DecideAppeal => false,
            Self::Open
            | Self::Limitation
            | Self::Convene
            | Self::Handle
            | Self::Sanction
            | Self::Execute
            | Self::AppealSanction
            | Self::AnswerAppeal
            | Self::Clear
            | Self::Weigh
            | Self::HeadLiability
            | Self::Exonerate
            | Self::Apologise
            | Self::Restore
            | Self::Parallel => true,
        }
    }
}

/// How a matter may exceed the usual, which extends a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Complexity {
    /// Complex.
    Complex,
    /// Especially complex.
    EspeciallyComplex,
}

impl Complexity {
    /// The word for it, as in rulebooks and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complex => "complex",
            Self::EspeciallyComplex => "especially_complex",
        }
    }
}

/// A time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// How many days.
    pub days: u32,
    /// Whether only working days count; else all days do.
    #[serde(default)]
    pub working: bool,
}

impl Limit {
    /// The last day on which acting is in time; `from` is day 0.
    ///
    /// A limit in all days that ends on a day off ends on the next working day. Source: Civil Code 2015, art. 148 (5),
    /// read in secondary sources; that it governs these limits, where no special rule stands, is *unverified*.
    pub fn due(self, calendar: &Calendar, from: NaiveDate) -> Result<NaiveDate, CalendarError> {
        if self.working {
            return calendar.add_working_days(from, self.days);
        }
        let last = from.checked_add_days(Days::new(self.days.into()));
        let last = last.ok_or(CalendarError::OutOfRange { from, working_days: self.days })?;
        calendar.next_working_on_or_after(last)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let working = if self.working { "working " } else { "" };
        let days = if self.days == 1 { "day" } else { "days" };
        write!(f, "{} {working}{days}", self.days)
    }
}

/// By how much a limit may be extended in a matter of one complexity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    /// In which matters. The extensions of one complexity don't come on top of another's.
    pub when: Complexity,
    /// How often at most.
    pub times: u32,
    /// By how many days each time.
    pub days: u32,
    /// Whether only working days count: the same as in the limit.
    #[serde(default)]
    pub working: bool,
}

/// One rule, for as long as it says the same.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name, such as `complaint.accept`; later versions have the same one.
    pub id: String,
    /// Which kind it is about; none: any.
    pub kind: Option<Kind>,
    /// What it is about.
    pub duty: Duty,
    /// Which instance, 1 or 2; none: any.
    pub instance: Option<u32>,
    /// Whether it is for remote places, or for others; none: for any.
    pub remote: Option<bool>,
    /// On which track of discipline; none: on any.
    pub track: Option<Track>,
    /// Against whom; none: anyone.
    pub person: Option<PersonClass>,
    /// Whether it is for those who lead or manage, or for others; none: for all.
    pub leads: Option<bool>,
    /// For which form of sanction, as a code; none: for any.
    pub form: Option<String>,
    /// The first day on which it is in force.
    #[serde(deserialize_with = "date")]
    pub from: NaiveDate,
    /// The last day on which it is in force.
    #[serde(default, deserialize_with = "some_date")]
    pub until: Option<NaiveDate>,
    /// The time limit, if it sets one.
    pub limit: Option<Limit>,
    /// By how much the limit may be extended, once for each complexity.
    #[serde(default)]
    pub extensions: Vec<Extension>,
    /// The reasons for which a matter may be declined, as codes.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// What becomes of an anonymous matter with clear evidence: `inspection` or `file_away`.
    pub with_evidence: Option<String>,
    /// What becomes of one without: the same codes.
    pub without_evidence: Option<String>,
    /// What it permits, as codes.
    #[serde(default)]
    pub permits: Vec<String>,
    /// What it forbids, as codes.
    #[serde(default)]
    pub forbids: Vec<String>,
    /// The forms of sanction there are, as codes, in the order of the law.
    #[serde(default)]
    pub forms: Vec<String>,
    /// A term in months: of limitation from the violation, of clearing from the day that `counts_from` says. A rule
    /// of limitation without one says that there is no limitation.
    pub months: Option<u32>,
    /// The grounds on which there is no limitation, as codes.
    #[serde(default)]
    pub exempt: Vec<String>,
    /// What pauses the limit, as codes.
    #[serde(default)]
    pub pauses: Vec<String>,
    /// The steps that come before a sanction is decided on: `council`, `hearing`.
    #[serde(default)]
    pub requires: Vec<String>,
    /// The circumstances that mitigate, as codes.
    #[serde(default)]
    pub mitigates: Vec<String>,
    /// The circumstances that aggravate, as codes.
    #[serde(default)]
    pub aggravates: Vec<String>,
    /// For which track it waits; none: for none.
    pub waits_for: Option<Track>,
    /// Which moment selects the version; a rule of discipline has it, and no other.
    pub selected_by: Option<Moment>,
    /// The act and article that says so; empty without `selected_by`.
    #[serde(default)]
    pub selected_by_source: String,
    /// From which day the limit of a rule of discipline counts.
    pub counts_from: Option<Start>,
    /// The act it comes from; if not verified, the one it is thought to come from or is measured by.
    pub source: String,
    /// The article; empty where it is not known.
    #[serde(default)]
    pub article: String,
    /// Whether the value was read in a source.
    pub verified: bool,
    /// What a reader has to know, above all what was not read.
    #[serde(default)]
    pub note: String,
}

impl Rule {
    /// Whether it is in force on this day.
    pub fn is_in_force(&self, on: NaiveDate) -> bool {
        self.from <= on && self.until.is_none_or(|until| on <= until)
    }

    /// Whether it is about what is asked; a rule of discipline never is.
    pub fn answers(&self, asked: Asked) -> bool {
        !self.duty.is_discipline()
            && self.duty == asked.duty
            && self.kind.is_none_or(|kind| kind == asked.kind)
            && self.instance.is_none_or(|instance| instance == asked.instance)
            && self.remote.is_none_or(|remote| remote == asked.remote)
    }

    /// The limit with so many extensions of a matter of this complexity, counted from the same day as the limit itself.
    /// `None` if the rule has no limit, or doesn't allow as many.
    pub fn extended(&self, when: Complexity, times: u32) -> Option<Limit> {
        let limit = self.limit?;
        let mut extensions = self.extensions.iter();
        let extension = extensions.find(|extension| extension.when == when && times <= extension.times)?;
        Some(Limit { days: limit.days + times * extension.days, ..limit })
    }

    /// The act and article: `Law on Complaints 02/2011/QH13, art. 28`.
    pub fn place(&self) -> String {
        match self.article.as_str() {
            "" => self.source.clone(),
            article => format!("{}, art. {article}", self.source),
        }
    }

    /// The act and article, and ` (unverified)` if the value was not read in a source.
    pub fn cite(&self) -> String {
        self.place() + if self.verified { "" } else { " (unverified)" }
    }
}

/// What is asked of a rulebook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Asked {
    /// The kind of matter.
    pub kind: Kind,
    /// The duty.
    pub duty: Duty,
    /// Which instance: 1 for a first decision, 2 after that.
    pub instance: u32,
    /// Whether it is in a remote place.
    pub remote: bool,
}

/// A date of TOML, such as `2026-07-01`.
fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
    let found = toml::value::Datetime::deserialize(deserializer)?;
    let date = found.date.filter(|_| found.time.is_none());
    date.and_then(|date| NaiveDate::from_ymd_opt(date.year.into(), date.month.into(), date.day.into()))
        .ok_or_else(|| serde::de::Error::custom(format!("`{found}` is not a date: write it like 2026-07-01")))
}

fn some_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    date(deserializer).map(Some)
}
