//! What is held of a register: small, since all of it is in memory.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use chrono::NaiveDate;

use crate::cli::proceeding::PersonClass;
use crate::cli::report::{Class, Finding, Kind, Source};
use crate::import::mapping::SanctionResult;
use crate::import::source::SourceError;
use crate::import::source::survey::DISTINCT_MAX;

/// A text that many rows share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Symbol(NonZeroU32);

/// The texts that rows share: codes, and the source's words for classes.
#[derive(Debug, Default)]
pub(super) struct Names {
    symbols: HashMap<Arc<str>, Symbol>,
    texts: Vec<Arc<str>>,
}

impl Names {
    /// The symbol of a text, a new one for a new text.
    pub(super) fn symbol(&mut self, text: &str) -> Result<Symbol, SourceError> {
        if let Some(symbol) = self.symbols.get(text) {
            return Ok(*symbol);
        }
        let number = u32::try_from(self.texts.len()).ok().and_then(|n| NonZeroU32::new(n + 1));
        let Some(number) = number.filter(|_| self.texts.len() < DISTINCT_MAX) else {
            return Err(SourceError::TooManyDistinct { what: "codes and classes" });
        };
        let text: Arc<str> = text.into();
        self.symbols.insert(text.clone(), Symbol(number));
        self.texts.push(text);
        Ok(Symbol(number))
    }

    /// The text of a symbol.
    pub(super) fn text(&self, symbol: Symbol) -> &str {
        usize::try_from(symbol.0.get() - 1)
            .ok()
            .and_then(|place| self.texts.get(place))
            .map_or("", |text| text)
    }
}

/// Where a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Which of the files.
    pub(super) file: u16,
    /// The line it starts on.
    pub(super) line: u32,
}

/// A class, with the source's word where that is another.
pub(super) type Classed = (Class, Option<Symbol>);

/// What rows say about a report; none where they don't.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) received: Option<NaiveDate>,
    pub(super) opened: Option<NaiveDate>,
    pub(super) closed: Option<NaiveDate>,
    pub(super) agency: Option<Symbol>,
    pub(super) handler: Option<Symbol>,
    pub(super) unit: Option<Symbol>,
    pub(super) jurisdiction: Option<Symbol>,
    pub(super) classed: Option<Classed>,
    pub(super) kind: Option<Kind>,
    pub(super) source: Option<Source>,
    pub(super) official: Option<Box<str>>,
}

impl Said {
    /// What another row says otherwise, by the keys of the mapping.
    pub(super) fn differing(&self, other: &Self) -> Vec<&'static str> {
        fn differ<T: PartialEq>(left: Option<&T>, right: Option<&T>) -> bool {
            matches!((left, right), (Some(left), Some(right)) if left != right)
        }
        let differing = [
            ("received", differ(self.received.as_ref(), other.received.as_ref())),
            ("opened", differ(self.opened.as_ref(), other.opened.as_ref())),
            ("closed", differ(self.closed.as_ref(), other.closed.as_ref())),
            ("agency", differ(self.agency.as_ref(), other.agency.as_ref())),
            ("handler", differ(self.handler.as_ref(), other.handler.as_ref())),
            ("unit", differ(self.unit.as_ref(), other.unit.as_ref())),
            ("jurisdiction", differ(self.jurisdiction.as_ref(), other.jurisdiction.as_ref())),
            ("class", differ(self.classed.as_ref(), other.classed.as_ref())),
            ("kind", differ(self.kind.as_ref(), other.kind.as_ref())),
            ("source", differ(self.source.as_ref(), other.source.as_ref())),
            ("official", differ(self.official.as_ref(), other.official.as_ref())),
        ];
        differing.into_iter().filter_map(|(key, is_other)| is_other.then_some(key)).collect()
    }

    /// Takes from another what this one doesn't say.
    pub(super) fn fill(&mut self, other: &Self) {
        self.received = self.received.or(other.received);
        self.opened = self.opened.or(other.opened);
        self.closed = self.closed.or(other.closed);
        self.agency = self.agency.or(other.agency);
        self.handler = self.handler.or(other.handler);
        self.unit = self.unit.or(other.unit);
        self.jurisdiction = self.jurisdiction.or(other.jurisdiction);
        self.classed = self.classed.or(other.classed);
        self.kind = self.kind.or(other.kind);
        self.source = self.source.or(other.source);
        if self.official.is_none() {
            self.official.clone_from(&other.official);
        }
    }
}

/// A report.
#[derive(Debug)]
pub(super) struct Report {
    /// The source's id.
    pub(super) id: Arc<str>,
    /// The first row that tells of it.
    pub(super) place: Place,
    /// A later row says something else.
    pub(super) differs: bool,
    pub(super) said: Said,
}

/// An allegation.
#[derive(Debug)]
pub(super) struct Allegation {
    /// The place of its report among the reports.
    pub(super) report: u32,
    pub(super) place: Place,
    /// A hash of the whole row, to tell rows that are alike.
    pub(super) row: u64,
    /// Whom it is about, as the source has it.
    pub(super) person: Option<Box<str>>,
    pub(super) classed: Classed,
    pub(super) recommended: Option<Finding>,
    pub(super) last: Option<Finding>,
    /// What came of it, where it is substantiated and the row tells.
    pub(super) discipline: Option<Box<Discipline>>,
    /// What it says of discipline can't be used, and the row was rejected for it.
    pub(super) is_rejected: bool,
}

/// What a row says of discipline.
#[derive(Debug)]
pub(super) struct Discipline {
    /// The source's words for the outcome, and for what was recommended: part of an allegation's place among those that
    /// are alike, whether the mapping knows them or not.
    pub(super) word: Symbol,
    pub(super) recommended_word: Option<Symbol>,
    /// What it comes to; none where that can't be used.
    pub(super) told: Option<Told>,
}

/// A proceeding as the source has it.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) class: PersonClass,
    pub(super) outcome: Outcome,
    pub(super) recommended: Option<Outcome>,
    pub(super) decided: Option<NaiveDate>,
}

/// An outcome, with the source's word where that is another.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) result: SanctionResult,
    pub(super) form: Option<Symbol>,
    pub(super) word: Option<Symbol>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_small() {
        assert!(size_of::<Allegation>() <= 56, "{}", size_of::<Allegation>());
        assert!(size_of::<Report>() <= 96, "{}", size_of::<Report>());
    }

    #[test]
    fn a_later_row_fills_what_an_earlier_one_left_open() {
        let mut names = Names::default();
        let (a, b) = (names.symbol("A").unwrap(), names.symbol("B").unwrap());
        assert_eq!(names.symbol("A").unwrap(), a);
        assert_eq!((names.text(a), names.text(b)), ("A", "B"));
        let mut first = Said { unit: Some(a), ..Said::default() };
        let later = Said { unit: Some(a), kind: Some(Kind::Petition), ..Said::default() };
        assert!(first.differing(&later).is_empty());
        first.fill(&later);
        assert_eq!(first, later);
        let other = Said { unit: Some(b), kind: Some(Kind::Complaint), ..Said::default() };
        assert_eq!(first.differing(&other), ["unit", "kind"]);
    }
}
