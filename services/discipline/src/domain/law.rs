//! What the rulebook says of a proceeding.

use chrono::NaiveDate;
use command::Law;
use events::{
    conduct::Limit,
    discipline::{Basis, PersonClass, Track},
};
use rulebook::law::{self, AskedDiscipline, Duty, Moments, Rule, Start};

use super::Refusal;

/// A track as the rulebook has it.
pub(crate) fn law_track(track: Track) -> law::Track {
    match track {
        Track::Administrative => law::Track::Administrative,
        Track::Party => law::Track::Party,
    }
}

/// A class of persons as the rulebook has it.
pub(crate) fn law_class(class: PersonClass) -> law::PersonClass {
    match class {
        PersonClass::Cadre => law::PersonClass::Cadre,
        PersonClass::CivilServant => law::PersonClass::CivilServant,
        PersonClass::PublicEmployee => law::PersonClass::PublicEmployee,
        PersonClass::PartyMember => law::PersonClass::PartyMember,
        PersonClass::PartyOrganisation => law::PersonClass::PartyOrganisation,
        PersonClass::PoliceOfficer => law::PersonClass::PoliceOfficer,
    }
}

/// What decides which rule holds for a proceeding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InLaw {
    pub(crate) track: Track,
    pub(crate) class: PersonClass,
    pub(crate) leads: bool,
    pub(crate) violation: Option<NaiveDate>,
    pub(crate) discovery: Option<NaiveDate>,
}

/// The days from which limits can count; each is there by the time it's asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Starts {
    pub(crate) opened: Option<NaiveDate>,
    pub(crate) decided: Option<NaiveDate>,
    pub(crate) found: Option<NaiveDate>,
}

impl InLaw {
    /// The rule of a duty, for somebody who decides on a day.
    pub(crate) fn rule<'l>(
        &self,
        law: &'l Law,
        duty: Duty,
        form: Option<&str>,
        on: NaiveDate,
    ) -> Option<&'l Rule> {
        let (track, person) = (law_track(self.track), law_class(self.class));
        let asked = AskedDiscipline { duty, track, person, leads: self.leads, form };
        let moments = Moments { violation: self.violation, discovery: self.discovery, decision: on };
        law.book.find_discipline(asked, moments)
    }

    /// The limit of a duty that begins on a day; none where no rule sets one.
    pub(crate) fn limit(
        &self,
        law: &Law,
        duty: Duty,
        starts: Starts,
        on: NaiveDate,
    ) -> Result<Option<Limit>, Refusal> {
        let Some(rule) = self.rule(law, duty, None, on) else { return Ok(None) };
        let from = match rule.counts_from {
            Some(Start::Discovery) => self.discovery,
            Some(Start::Opening) => starts.opened,
            Some(Start::Decision) => starts.decided,
            Some(Start::Finding) => starts.found,
            Some(Start::Appeal | Start::Exoneration) | None => None,
        };
        Ok(law.limit(rule, from.unwrap_or(on))?)
    }

    /// The limitation of a form, or of the gravest; none without limitation. It runs from the violation.
    pub(crate) fn limitation(
        &self,
        law: &Law,
        form: Option<&str>,
        on: NaiveDate,
    ) -> Result<Option<(Limit, String)>, Refusal> {
        let Some(violation) = self.violation else { return Ok(None) };
        let rule = self.rule(law, Duty::Limitation, form, on);
        // What was done before the oldest rule that is known is measured by that one.
        let rule = rule.or_else(|| {
            let (track, person) = (law_track(self.track), law_class(self.class));
            let asked =
                AskedDiscipline { duty: Duty::Limitation, track, person, leads: self.leads, form: None };
            let rules = law.book.rules().iter().filter(|rule| rule.answers_discipline(asked));
            rules.filter(|rule| rule.from > violation).min_by_key(|rule| rule.from)
        });
        let Some(rule) = rule.filter(|rule| rule.months.is_some()) else { return Ok(None) };
        let due_date = rule.term_ends(violation).ok_or(Refusal::DateOutOfRange)?;
        let limit = Limit {
            from_date: violation,
            due_date,
            rule: rule.id.clone(),
            citation: Some(rule.cite()),
            calendar: None,
        };
        Ok(Some((limit, rule.cite())))
    }

    /// The limitation of the gravest form: the latest that any form has; none where one has no limitation.
    pub(crate) fn last_limitation(
        &self,
        law: &Law,
        on: NaiveDate,
    ) -> Result<Option<(Limit, String)>, Refusal> {
        let mut last = self.limitation(law, None, on)?;
        let forms = self.rule(law, Duty::Sanction, None, on).map_or(&[][..], |rule| &rule.forms);
        for form in forms {
            match (self.limitation(law, Some(form), on)?, &last) {
                (None, _) | (_, None) => return Ok(None),
                (Some(of_form), Some((limit, _))) if of_form.0.due_date > limit.due_date => {
                    last = Some(of_form);
                }
                _ => {}
            }
        }
        Ok(last)
    }

    /// The rule that allows a form, or the refusal that names what is allowed.
    pub(crate) fn allowing(&self, law: &Law, form: &str, on: NaiveDate) -> Result<Basis, Refusal> {
        let rule = self.rule(law, Duty::Sanction, None, on).ok_or(Refusal::NoRule)?;
        if rule.forms.iter().any(|allowed| allowed == form) {
            return Ok(basis(rule));
        }
        Err(Refusal::FormNotAllowed {
            form: form.to_owned(),
            rule: rule.cite(),
            person: law_class(self.class).as_str().replace('_', " "),
            leads: self.leads,
            allowed: rule.forms.join(", "),
        })
    }
}

/// A rule as events name it.
pub(crate) fn basis(rule: &Rule) -> Basis {
    Basis { rule: rule.id.clone(), citation: rule.cite() }
}
