//! The directory in memory: a fold of its events, and the questions it answers.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rulebook::Calendar;

use super::{
    Agency, AgencyRecord, Appointment, Days, Leadership, Mergers, Names, Official, OfficialRecord, Post,
    PostRecord, Procedure, Status, Step, Terms, Unit, UnitRecord,
};
use crate::{Event as _, NotAnEvent, decode};

/// A procedure in the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcedureRecord {
    /// Its names.
    pub names: Names,
    /// The fields it belongs to.
    pub fields: Vec<String>,
    /// Its terms by effective date, oldest first.
    pub terms: Vec<Terms>,
}

impl ProcedureRecord {
    /// The terms in force on a day.
    pub fn terms_on(&self, date: NaiveDate) -> Option<Terms> {
        self.terms.iter().rev().find(|t| t.effective_date <= date).copied()
    }
}

/// An agency or a unit, by its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body<'a> {
    /// An agency.
    Agency(&'a str),
    /// A unit.
    Unit(&'a str),
}

/// Who headed an agency or a unit, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadPeriod<'a> {
    /// The official, by the pseudonymous id.
    pub official: &'a str,
    /// The post of head.
    pub post: &'a str,
    /// The first day.
    pub from: NaiveDate,
    /// The last day; none while it lasts.
    pub until: Option<NaiveDate>,
}

/// The directory as of a position: a fold of its events over the shipped calendar.
#[derive(Debug, Clone)]
pub struct Directory {
    /// Agencies by code, also those that are merged or closed.
    pub agencies: BTreeMap<String, AgencyRecord>,
    /// Units by code, also those that are merged or closed.
    pub units: BTreeMap<String, UnitRecord>,
    /// Which agencies were merged into which.
    pub agency_mergers: Mergers,
    /// Which units were merged into which.
    pub unit_mergers: Mergers,
    /// Posts by code, also those that are closed.
    pub posts: BTreeMap<String, PostRecord>,
    /// Officials by their pseudonymous ids, also those who left.
    pub officials: BTreeMap<String, OfficialRecord>,
    /// Procedures by code.
    pub procedures: BTreeMap<String, ProcedureRecord>,
    /// Steps by code.
    pub steps: BTreeSet<String>,
    /// Which days are worked.
    pub calendar: Calendar,
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            agencies: BTreeMap::new(),
            units: BTreeMap::new(),
            agency_mergers: Mergers::default(),
            unit_mergers: Mergers::default(),
            posts: BTreeMap::new(),
            officials: BTreeMap::new(),
            procedures: BTreeMap::new(),
            steps: BTreeSet::new(),
            calendar: Calendar::vietnam(),
        }
    }
}

impl Directory {
    /// Folds one entry of a directory category; entries of other categories change nothing.
    pub fn fold(&mut self, category: &str, entry: &[u8]) -> Result<(), NotAnEvent> {
        match category {
            Agency::CATEGORY => self.fold_agency(decode(entry)?),
            Unit::CATEGORY => self.fold_unit(decode(entry)?),
            Post::CATEGORY => self.fold_post(decode(entry)?),
            Official::CATEGORY => self.fold_official(decode(entry)?),
            Procedure::CATEGORY => match decode(entry)? {
                Procedure::Defined { procedure, name_vi, name_en, fields } => {
                    let names = Names { vi: name_vi, en: name_en };
                    self.procedures.insert(procedure, ProcedureRecord { names, fields, terms: Vec::new() });
                }
                Procedure::TermsChanged { procedure, terms } => {
                    if let Some(record) = self.procedures.get_mut(&procedure) {
                        record.terms.push(terms);
                    }
                }
            },
            Step::CATEGORY => {
                let Step::Defined { step } = decode(entry)?;
                self.steps.insert(step);
            }
            Days::CATEGORY => decode::<Days>(entry)?.apply(&mut self.calendar),
            _ => {}
        }
        Ok(())
    }

    fn fold_agency(&mut self, event: Agency) {
        let code = event.code().to_owned();
        if let Agency::Merged { into, .. } = &event {
            self.agency_mergers.add(code.clone(), into.clone());
        }
        let before = self.agencies.remove(&code);
        self.agencies.extend(AgencyRecord::after(before, event).map(|record| (code, record)));
    }

    fn fold_unit(&mut self, event: Unit) {
        let code = event.code().to_owned();
        if let Unit::Merged { into, .. } = &event {
            self.unit_mergers.add(code.clone(), into.clone());
        }
        let before = self.units.remove(&code);
        self.units.extend(UnitRecord::after(before, event).map(|record| (code, record)));
    }

    fn fold_post(&mut self, event: Post) {
        match event {
            Post::Defined { post, agency, unit, leadership } => {
                let record = PostRecord { agency, unit, leadership, closed: None, holders: Vec::new() };
                self.posts.insert(post, record);
            }
            Post::Closed { post, effective_date } => {
                let Some(record) = self.posts.get_mut(&post) else { return };
                record.closed = Some(effective_date);
                for holder in &record.holders {
                    end(&mut self.officials, holder, &post, effective_date);
                }
            }
        }
    }

    fn fold_official(&mut self, event: Official) {
        match event {
            Official::Registered { official, agency, category, party_member, name } => {
                let record = OfficialRecord {
                    agency,
                    unit: None,
                    category,
                    party_member,
                    name,
                    appointments: Vec::new(),
                    left: None,
                };
                self.officials.insert(official, record);
            }
            Official::Appointed { official, post: code, from_date } => {
                if let Some(post) = self.posts.get_mut(&code) {
                    if post.leadership == Leadership::Head {
                        for holder in post.holders.iter().filter(|holder| **holder != official) {
                            end(&mut self.officials, holder, &code, from_date);
                        }
                    }
                    post.holders.retain(|holder| *holder != official);
                    post.holders.push(official.clone());
                }
                let Some(record) = self.officials.get_mut(&official) else { return };
                if let Some(last) = record.appointments.last_mut() {
                    last.end_before(from_date);
                }
                if let Some(post) = self.posts.get(&code) {
                    record.agency.clone_from(&post.agency);
                    record.unit.clone_from(&post.unit);
                }
                record.appointments.push(Appointment { post: code, from: from_date, until: None });
            }
            Official::Moved { official, agency, unit, from_date } => {
                let Some(record) = self.officials.get_mut(&official) else { return };
                if let Some(last) = record.appointments.last_mut() {
                    // A post of where they go stays theirs.
                    let stays = self.posts.get(&last.post).is_some_and(|post| {
                        post.agency == agency && (post.unit.is_none() || post.unit == unit)
                    });
                    if !stays {
                        last.end_before(from_date);
                    }
                }
                record.agency = agency;
                record.unit = unit;
            }
            Official::Left { official, effective_date } => {
                let Some(record) = self.officials.get_mut(&official) else { return };
                if let Some(last) = record.appointments.last_mut() {
                    last.end_before(effective_date);
                }
                record.left = Some(effective_date);
            }
            Official::PartyMembershipChanged { official, party_member, .. } => {
                if let Some(record) = self.officials.get_mut(&official) {
                    record.party_member = party_member;
                }
            }
        }
    }

    /// The agency that answers for an agency now: the last one of its mergers, or itself.
    pub fn successor<'a>(&'a self, agency: &'a str) -> &'a str {
        self.agency_mergers.successor(agency)
    }

    /// The unit that answers for a unit now: the last one of its mergers, or itself.
    pub fn unit_successor<'a>(&'a self, unit: &'a str) -> &'a str {
        self.unit_mergers.successor(unit)
    }

    /// Whether there is such an agency, and neither its merger nor its closing is on record.
    pub fn is_open(&self, agency: &str) -> bool {
        self.agencies.get(agency).is_some_and(|record| record.status.is_open())
    }

    /// The officials who head the agency that answers for `agency` on a day: before its merger itself, from
    /// then on the one it was merged into.
    pub fn heads(&self, agency: &str, on: NaiveDate) -> Vec<&str> {
        let next = |code: &str| Some(&self.agencies.get(code)?.status);
        self.heads_of(Body::Agency(answering(agency, on, next)), on)
    }

    /// The officials who head the unit that answers for `unit` on a day, as [`Directory::heads`] does.
    pub fn unit_heads(&self, unit: &str, on: NaiveDate) -> Vec<&str> {
        let next = |code: &str| Some(&self.units.get(code)?.status);
        self.heads_of(Body::Unit(answering(unit, on, next)), on)
    }

    fn heads_of(&self, body: Body<'_>, on: NaiveDate) -> Vec<&str> {
        let periods = self.heads_by_period(body).into_iter();
        periods.filter(|p| p.from <= on && p.until.is_none_or(|u| on <= u)).map(|p| p.official).collect()
    }

    /// Who headed an agency or unit under this very code, and when: by their first day, and nobody after it was
    /// merged or closed.
    pub fn heads_by_period(&self, body: Body<'_>) -> Vec<HeadPeriod<'_>> {
        let status = match body {
            Body::Agency(code) => self.agencies.get(code).map(|record| &record.status),
            Body::Unit(code) => self.units.get(code).map(|record| &record.status),
        };
        let last = status.and_then(Status::ended).and_then(|ended| ended.pred_opt());
        let is_head = |post: &PostRecord| {
            post.leadership == Leadership::Head
                && match body {
                    Body::Agency(code) => post.unit.is_none() && post.agency == code,
                    Body::Unit(code) => post.unit.as_deref() == Some(code),
                }
        };
        let mut periods = Vec::new();
        for (post, record) in self.posts.iter().filter(|(_, record)| is_head(record)) {
            for official in &record.holders {
                let held = self.officials.get(official).into_iter().flat_map(|o| &o.appointments);
                periods.extend(held.filter(|held| held.post == *post).map(|held| HeadPeriod {
                    official,
                    post,
                    from: held.from,
                    until: [held.until, last].into_iter().flatten().min(),
                }));
            }
        }
        periods.retain(|period| period.until.is_none_or(|until| period.from <= until));
        periods.sort_unstable_by_key(|period| (period.from, period.post, period.official));
        periods
    }
}

/// Ends the time of an official in a post the day before another day.
fn end(officials: &mut BTreeMap<String, OfficialRecord>, official: &str, post: &str, day: NaiveDate) {
    let appointments = officials.get_mut(official).map(|record| &mut record.appointments);
    for held in appointments.into_iter().flatten().filter(|held| held.post == post) {
        held.end_before(day);
    }
}

/// The code that answers for a code on a day: the last one whose merger was effective by then.
fn answering<'a>(code: &'a str, on: NaiveDate, status: impl Fn(&str) -> Option<&'a Status>) -> &'a str {
    let mut seen = vec![code];
    let mut code = code;
    while let Some(Status::MergedInto { into, date }) = status(code)
        && *date <= on
        && !seen.contains(&into.as_str())
    {
        seen.push(into);
        code = into;
    }
    code
}
