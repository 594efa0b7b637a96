//! Rulebooks: reading them, and asking them.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Deserialize;

use super::{Asked, AskedDiscipline, LawError, Moments, Rule, check};

const SHIPPED: [&str; 2] =
    [include_str!("../../data/law/VN.toml"), include_str!("../../data/law/US-PHL.toml")];

/// The rules of one jurisdiction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lawbook {
    /// The jurisdiction, such as `VN`.
    pub jurisdiction: String,
    /// What the rulebook is about, for people.
    pub name: String,
    /// Its version, such as `VN-2026.12`.
    pub version: String,
    /// The first 32 hex digits of the BLAKE3 hash of its text, with line ends as line feeds.
    pub hash: String,
    rules: Vec<Rule>,
}

/// The form of the text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    jurisdiction: String,
    name: String,
    version: String,
    rule: Vec<Rule>,
}

impl Lawbook {
    /// Reads a rulebook; all of it or nothing. No question has two answers in it.
    pub fn parse(text: &str) -> Result<Self, LawError> {
        let text = text.replace("\r\n", "\n");
        let File { jurisdiction, name, version, rule: rules } = toml::from_str(&text)?;
        check::heading("jurisdiction", &jurisdiction)?;
        check::heading("version", &version)?;
        check::rules(&rules)?;
        let hash = blake3::hash(text.as_bytes()).to_hex()[..32].to_owned();
        Ok(Self { jurisdiction, name, version, hash, rules })
    }

    /// The version with the hash, as events name it: `VN-2026.12@…`.
    pub fn version_and_hash(&self) -> String {
        format!("{}@{}", self.version, self.hash)
    }

    /// All rules, in the order of the text.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule with this id, as it is on that day.
    pub fn rule(&self, id: &str, on: NaiveDate) -> Option<&Rule> {
        self.in_force(on).find(|rule| rule.id == id)
    }

    /// The rule about what is asked, as it is on that day: of those that answer, the one that says most about which
    /// kind, instance and place it is for. Never a rule of discipline.
    pub fn find(&self, asked: Asked, on: NaiveDate) -> Option<&Rule> {
        self.in_force(on).filter(|rule| rule.answers(asked)).max_by_key(|rule| check::conditions(rule))
    }

    /// The rule of discipline about what is asked: of those that answer and are in force on the moment they name, the
    /// one that says most about whom and what it is for.
    pub fn find_discipline(&self, asked: AskedDiscipline<'_>, moments: Moments) -> Option<&Rule> {
        self.rules
            .iter()
            .filter(|rule| rule.answers_discipline(asked) && rule.is_in_force(moments.on(rule.moment())))
            .max_by_key(|rule| check::conditions(rule))
    }

    /// The rules in force on that day, in the order of the text.
    pub fn in_force(&self, on: NaiveDate) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.is_in_force(on))
    }
}

/// Rulebooks by jurisdiction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lawbooks(BTreeMap<String, Lawbook>);

impl Lawbooks {
    /// The shipped ones.
    pub fn shipped() -> Self {
        let books =
            SHIPPED.map(|text| Lawbook::parse(text).expect("the shipped rulebooks are read by a test"));
        Self(books.into_iter().map(|book| (book.jurisdiction.clone(), book)).collect())
    }

    /// With this one, instead of that of the same jurisdiction.
    #[must_use]
    pub fn with(mut self, book: Lawbook) -> Self {
        self.0.insert(book.jurisdiction.clone(), book);
        self
    }

    /// That of a jurisdiction.
    pub fn get(&self, jurisdiction: &str) -> Option<&Lawbook> {
        self.0.get(jurisdiction)
    }

    /// All of them, by jurisdiction.
    pub fn iter(&self) -> impl Iterator<Item = &Lawbook> {
        self.0.values()
    }
}
