//! The law that a matter is decided under: the rulebook of its jurisdiction, over the calendar of the directory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{Days, NaiveDate};
use events::{conduct::Limit, directory::Directory};
use rulebook::{
    Calendar,
    law::{self, Lawbook, Lawbooks, Rule},
};

/// A rulebook with the calendar that its working days are counted by.
#[derive(Debug, Clone)]
pub struct Law {
    /// The rulebook.
    pub book: Arc<Lawbook>,
    /// The calendar.
    pub calendar: Arc<Calendar>,
    /// `name@hash` of the calendar.
    pub calendar_version: String,
}

/// A day that no limit can be counted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a date is outside the years 1900 to 2200")]
pub struct DateOutOfRange;

impl Law {
    /// The limit of a rule that runs from a day on; none where it sets none.
    pub fn limit(&self, rule: &Rule, from: NaiveDate) -> Result<Option<Limit>, DateOutOfRange> {
        let Some(limit) = rule.limit else { return Ok(None) };
        let due_date = self.due(limit, from)?;
        let calendar = limit.working.then(|| self.calendar_version.clone());
        Ok(Some(Limit {
            from_date: from,
            due_date,
            rule: rule.id.clone(),
            citation: Some(rule.cite()),
            calendar,
        }))
    }

    /// The limit, longer by so many days from where it ends.
    pub fn longer(&self, limit: &Limit, more: law::Limit) -> Result<Limit, DateOutOfRange> {
        let due_date = self.due(more, limit.due_date)?;
        let calendar = limit.calendar.clone();
        let calendar = calendar.or_else(|| more.working.then(|| self.calendar_version.clone()));
        Ok(Limit { due_date, calendar, ..limit.clone() })
    }

    /// The limit of a rule that runs from a day on, with so many days more: of an extension, and all days of pauses. It is
    /// counted as a whole, since a limit which was moved from a day off before would be moved again.
    pub fn limit_with(
        &self,
        rule: &Rule,
        from: NaiveDate,
        more: u32,
        paused: u64,
    ) -> Result<Option<Limit>, DateOutOfRange> {
        let Some(limit) = rule.limit else { return Ok(None) };
        let limit = law::Limit { days: limit.days.saturating_add(more), ..limit };
        let due_date = if limit.working {
            let due = self.due(limit, from)?;
            let later = due.checked_add_days(Days::new(paused)).ok_or(DateOutOfRange)?;
            self.calendar.next_working_on_or_after(later).map_err(|_out_of_range| DateOutOfRange)?
        } else {
            let paused = u32::try_from(paused).map_err(|_too_long| DateOutOfRange)?;
            self.due(law::Limit { days: limit.days.saturating_add(paused), ..limit }, from)?
        };
        let calendar = limit.working.then(|| self.calendar_version.clone());
        Ok(Some(Limit {
            from_date: from,
            due_date,
            rule: rule.id.clone(),
            citation: Some(rule.cite()),
            calendar,
        }))
    }

    fn due(&self, limit: law::Limit, from: NaiveDate) -> Result<NaiveDate, DateOutOfRange> {
        limit.due(&self.calendar, from).map_err(|_out_of_range| DateOutOfRange)
    }
}

/// The laws of jurisdictions over the directory as it is. Each is made once for a state of the directory: every command needs
/// one, and the calendar's hash costs more than the rest of a decision.
pub struct Laws {
    books: Arc<Lawbooks>,
    /// Holding the directory keeps its address from being used for another state.
    made: Mutex<Made>,
}

type Made = Option<(Arc<Directory>, HashMap<String, Arc<Law>>)>;

impl Laws {
    /// The laws of these rulebooks.
    pub fn new(books: Arc<Lawbooks>) -> Self {
        Self { books, made: Mutex::default() }
    }

    /// The law of a jurisdiction; none without a rulebook of it.
    pub fn of(&self, jurisdiction: &str, directory: &Arc<Directory>) -> Option<Arc<Law>> {
        // `VN-26` has the law of `VN`, unless it has a rulebook of its own.
        let broader = jurisdiction.rsplit_once('-').map_or(jurisdiction, |(broader, _)| broader);
        let book = self.books.get(jurisdiction).or_else(|| self.books.get(broader))?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if !made.as_ref().is_some_and(|(of, _)| Arc::ptr_eq(of, directory)) {
            *made = None;
        }
        let (_, laws) = made.get_or_insert_with(|| (directory.clone(), HashMap::new()));
        if let Some(law) = laws.get(&book.jurisdiction) {
            return Some(law.clone());
        }
        // The directory keeps the days of Vietnam. Of another jurisdiction only weekends are known to be off.
        let is_vietnam = book.jurisdiction.split('-').next() == Some("VN");
        let calendar = if is_vietnam { directory.calendar.clone() } else { Calendar::weekends_only() };
        let version = calendar.version();
        let law = Arc::new(Law {
            book: Arc::new(book.clone()),
            calendar: Arc::new(calendar),
            calendar_version: format!("{}@{}", version.name, version.hash),
        });
        laws.insert(book.jurisdiction.clone(), law.clone());
        Some(law)
    }
}
