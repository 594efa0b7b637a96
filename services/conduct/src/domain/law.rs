//! The law a report is handled under: limits worked out once, and kept in the event.

use chrono::NaiveDate;
use command::Law;
use events::conduct::{Complexity, Kind, Limit};
use rulebook::law::{Asked, Duty, Rule};

use super::Refusal;

/// A kind as the rulebook has it.
fn kind_of(kind: Kind) -> rulebook::law::Kind {
    match kind {
        Kind::Complaint => rulebook::law::Kind::Complaint,
        Kind::Denunciation => rulebook::law::Kind::Denunciation,
        Kind::Petition => rulebook::law::Kind::Petition,
        Kind::Reflection => rulebook::law::Kind::Reflection,
    }
}

/// The rule of a duty in force on a day.
pub(crate) fn rule_of(
    law: &Law,
    duty: Duty,
    (kind, instance, remote): (Kind, u32, bool),
    on: NaiveDate,
) -> Option<&Rule> {
    law.book.find(Asked { kind: kind_of(kind), duty, instance, remote }, on)
}

/// The limit of a duty that runs from a day on; none where no rule has one.
pub(crate) fn limit_of(
    law: &Law,
    duty: Duty,
    about: (Kind, u32, bool),
    from: NaiveDate,
) -> Result<Option<Limit>, Refusal> {
    let Some(rule) = rule_of(law, duty, about, from) else { return Ok(None) };
    Ok(law.limit(rule, from)?)
}

/// The limit, once more extended: as the rule says that made it.
pub(crate) fn extended(
    law: &Law,
    limit: &Limit,
    complexity: Complexity,
    earlier: u32,
    on: NaiveDate,
) -> Result<Limit, Refusal> {
    let rule = law.book.rule(&limit.rule, limit.from_date).ok_or(Refusal::NoRule)?;
    let when = match complexity {
        Complexity::Complex => rulebook::law::Complexity::Complex,
        Complexity::EspeciallyComplex => rulebook::law::Complexity::EspeciallyComplex,
    };
    let extension = rule.extensions.iter().find(|extension| extension.when == when);
    let extension = extension.filter(|extension| earlier < extension.times);
    // A limit that is over can't be extended: what is late stays late.
    let extension = extension
        .filter(|_| on <= limit.due_date)
        .ok_or_else(|| Refusal::ExtensionNotAllowed { rule: rule.cite(), due: limit.due_date })?;
    let more = rulebook::law::Limit { days: extension.days, working: extension.working };
    Ok(law.longer(limit, more)?)
}

/// The rule that permits something on a day.
pub(crate) fn permitting<'l>(law: &'l Law, what: &str, kind: Kind, on: NaiveDate) -> Option<&'l Rule> {
    let kind = kind_of(kind);
    law.book.in_force(on).find(|rule| {
        rule.permits.iter().any(|permitted| permitted == what) && rule.kind.is_none_or(|k| k == kind)
    })
}
