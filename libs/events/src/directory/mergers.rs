//! Which codes were merged into which others, and so who answers for whom.

use std::collections::BTreeMap;

use super::{Agency, Unit};
use crate::{NotAnEvent, Role, decode};

/// One merger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merger {
    /// What was merged: agencies or units.
    pub role: Role,
    /// The code that is no more.
    pub code: String,
    /// The code that answers for it.
    pub into: String,
}

impl Merger {
    /// The merger in an entry of a type; none in most.
    pub fn of(event_type: &str, entry: &[u8]) -> Result<Option<Self>, NotAnEvent> {
        let merger = |role, code, into| Some(Self { role, code, into });
        Ok(if event_type.starts_with("directory.Agency") {
            match decode(entry)? {
                Agency::Merged { agency, into, .. } => merger(Role::Agency, agency, into),
                Agency::Opened { .. } | Agency::Renamed { .. } | Agency::Closed { .. } => None,
            }
        } else if event_type.starts_with("directory.Unit") {
            match decode(entry)? {
                Unit::Merged { unit, into, .. } => merger(Role::Unit, unit, into),
                Unit::Opened { .. } | Unit::Renamed { .. } | Unit::Closed { .. } => None,
            }
        } else {
            None
        })
    }
}

/// Mergers of agencies, or of units: each code with the one it was merged into.
///
/// However they are, also where a log holds a circle of them, every question ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mergers(BTreeMap<String, String>);

impl Mergers {
    /// Adds a merger.
    pub fn add(&mut self, code: String, into: String) {
        self.0.insert(code, into);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The code that answers for a code now: the last one of its mergers, or itself.
    pub fn successor<'a>(&'a self, code: &'a str) -> &'a str {
        self.path(code).last().unwrap_or(code)
    }

    /// Whether a code answers for another one: it's the same, or the other was merged into it on any way.
    pub fn succeeds(&self, later: &str, earlier: &str) -> bool {
        self.path(earlier).any(|code| code == later)
    }

    /// The codes that a code answers for: itself first, then all that were merged into it on any way.
    pub fn answered_for<'a>(&'a self, code: &'a str) -> Vec<&'a str> {
        let mut found = vec![code];
        let mut next = 0;
        while let Some(&code) = found.get(next) {
            next += 1;
            for (merged, into) in &self.0 {
                if into == code && !found.contains(&merged.as_str()) {
                    found.push(merged);
                }
            }
        }
        found
    }

    /// A code and those it was merged into, one after the other, each once.
    fn path<'a>(&'a self, code: &'a str) -> impl Iterator<Item = &'a str> {
        let mut seen = Vec::new();
        std::iter::successors(Some(code), move |code| {
            seen.push(*code);
            self.0.get(*code).map(String::as_str).filter(|into| !seen.contains(into))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mergers(pairs: &[(&str, &str)]) -> Mergers {
        let mut mergers = Mergers::default();
        for (code, into) in pairs {
            mergers.add((*code).to_owned(), (*into).to_owned());
        }
        mergers
    }

    #[test]
    fn mergers_are_followed_to_their_end() {
        let mergers = mergers(&[("A", "B"), ("B", "D"), ("C", "D")]);
        for code in ["A", "B", "C", "D"] {
            assert_eq!(mergers.successor(code), "D", "{code}");
        }
        assert_eq!(mergers.successor("E"), "E");
        assert_eq!(mergers.answered_for("D"), ["D", "B", "C", "A"]);
        assert_eq!(mergers.answered_for("B"), ["B", "A"]);
        assert!(mergers.succeeds("B", "A") && mergers.succeeds("D", "A") && mergers.succeeds("A", "A"));
        assert!(!mergers.succeeds("A", "B") && !mergers.succeeds("C", "B"));
    }

    #[test]
    fn a_circle_ends() {
        let mergers = mergers(&[("A", "B"), ("B", "C"), ("C", "A"), ("D", "D")]);
        assert_eq!(mergers.successor("A"), "C");
        assert_eq!(mergers.successor("D"), "D");
        assert_eq!(mergers.answered_for("A"), ["A", "C", "B"]);
        assert!(mergers.succeeds("C", "A") && mergers.succeeds("A", "C"));
    }
}
