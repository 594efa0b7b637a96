//! The law a report is handled under: limits worked out once, and kept in the event.

use std::sync::Arc;

use chrono::NaiveDate;
use events::conduct::{Complexity, Kind, Limit};
use rulebook::{
    Calendar,
    law::{self, Asked, Duty, Lawbook, Rule},
};

use super::Refusal;

/// The rules a command is decided under.
#[derive(Debug, Clone)]
pub(crate) struct Law {
    /// The rulebook of the report's jurisdiction.
    pub(crate) book: Arc<Lawbook>,
    pub(crate) calendar: Arc<Calendar>,
    /// `name@hash`.
    pub(crate) calendar_version: String,
}

/// A kind as the rulebook has it.
fn kind_of(kind: Kind) -> law::Kind {
    match kind {
        Kind::Complaint => law::Kind::Complaint,
        Kind::Denunciation => law::Kind::Denunciation,
        Kind::Petition => law::Kind::Petition,
        Kind::Reflection => law::Kind::Reflection,
    }
}

impl Law {
    /// The rule of a duty in force on a day.
    pub(crate) fn rule(
        &self,
        duty: Duty,
        (kind, instance, remote): (Kind, u32, bool),
        on: NaiveDate,
    ) -> Option<&Rule> {
        self.book.find(Asked { kind: kind_of(kind), duty, instance, remote }, on)
    }

    /// The limit of a duty that runs from a day on; none where no rule has one.
    pub(crate) fn limit(
        &self,
        duty: Duty,
        about: (Kind, u32, bool),
        from: NaiveDate,
    ) -> Result<Option<Limit>, Refusal> {
        let Some(rule) = self.rule(duty, about, from) else { return Ok(None) };
        let Some(limit) = rule.limit else { return Ok(None) };
        let due_date = limit.due(&self.calendar, from).map_err(|_out_of_range| Refusal::DateOutOfRange)?;
        let calendar = limit.working.then(|| self.calendar_version.clone());
        Ok(Some(Limit { from_date: from, due_date, rule: rule.id.clone(), calendar }))
    }

    /// The limit, once more extended: as the rule says that made it.
    pub(crate) fn extended(
        &self,
        limit: &Limit,
        complexity: Complexity,
        earlier: u32,
        on: NaiveDate,
    ) -> Result<Limit, Refusal> {
        let rule = self.book.rule(&limit.rule, limit.from_date).ok_or(Refusal::NoRule)?;
        let when = match complexity {
            Complexity::Complex => law::Complexity::Complex,
            Complexity::EspeciallyComplex => law::Complexity::EspeciallyComplex,
        };
        let extension = rule.extensions.iter().find(|extension| extension.when == when);
        let extension = extension.filter(|extension| earlier < extension.times);
        // A limit that is over can't be extended: what is late stays late.
        let extension = extension
            .filter(|_| on <= limit.due_date)
            .ok_or_else(|| Refusal::ExtensionNotAllowed { rule: rule.cite(), due: limit.due_date })?;
        let more = law::Limit { days: extension.days, working: extension.working };
        let due =
            more.due(&self.calendar, limit.due_date).map_err(|_out_of_range| Refusal::DateOutOfRange)?;
        let calendar = limit.calendar.clone();
        let calendar = calendar.or_else(|| extension.working.then(|| self.calendar_version.clone()));
        Ok(Limit { due_date: due, calendar, ..limit.clone() })
    }

    /// The rule that permits something on a day.
    pub(crate) fn permitting(&self, what: &str, kind: Kind, on: NaiveDate) -> Option<&Rule> {
        let kind = kind_of(kind);
        self.book.in_force(on).find(|rule| {
            rule.permits.iter().any(|permitted| permitted == what) && rule.kind.is_none_or(|k| k == kind)
        })
    }
}
