//! What makes a text a rulebook.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::{Duty, Rule};

/// The longest limit, and extension, in days.
const MAX_DAYS: u32 = 3_650;
/// How often a limit may be extended at most.
const MAX_TIMES: u32 = 10;

/// Why a text is no rulebook.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LawError {
    /// The text is not TOML, or its fields are not those of a rulebook.
    #[error("the text is not a rulebook in TOML: correct the line named here")]
    Toml(#[from] toml::de::Error),
    /// The jurisdiction or version is not a word.
    #[error("the {field} `{value}` is not a word of 1 to 64 letters, digits, `-` and `.`: correct it")]
    Heading {
        /// Which of the two.
        field: &'static str,
        /// What stands there.
        value: String,
    },
    /// A field has a value that makes no sense.
    #[error("in the rule `{id}` of {from} the field `{field}` makes no sense: {advice}")]
    Field {
        /// The rule.
        id: String,
        /// Its first day.
        from: NaiveDate,
        /// The field.
        field: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// A rule ends before it begins.
    #[error("the rule `{id}` ends on {until}, before it begins on {from}: correct one of the dates")]
    Dates {
        /// The rule.
        id: String,
        /// Its first day.
        from: NaiveDate,
        /// Its last day.
        until: NaiveDate,
    },
    /// Two versions of a rule are in force at once.
    #[error("two versions of the rule `{id}` are in force on {on}: end the earlier one before, with `until`")]
    Repeated {
        /// The rule.
        id: String,
        /// The first such day.
        on: NaiveDate,
    },
    /// Two rules answer the same question at once, and neither is narrower.
    #[error(
        "the rules `{one}` and `{other}` answer the same question on {on}: end one before, with `until`, or make \
         one narrower than the other by kind, instance or remote"
    )]
    Overlap {
        /// The one that comes first in the text.
        one: String,
        /// The other.
        other: String,
        /// The first such day.
        on: NaiveDate,
    },
}

/// Whether the jurisdiction or version is a word.
pub(super) fn heading(field: &'static str, value: &str) -> Result<(), LawError> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    if (1..=64).contains(&value.len()) && value.chars().all(is_word) {
        return Ok(());
    }
    Err(LawError::Heading { field, value: value.to_owned() })
}

/// Whether every rule makes sense, and no question has two answers.
pub(super) fn rules(rules: &[Rule]) -> Result<(), LawError> {
    for (index, rule) in rules.iter().enumerate() {
        fields(rule)?;
        for earlier in &rules[..index] {
            pair(earlier, rule)?;
        }
    }
    Ok(())
}

/// How much a rule says about what it is for.
pub(super) fn conditions(rule: &Rule) -> usize {
    usize::from(rule.kind.is_some())
        + usize::from(rule.instance.is_some())
        + usize::from(rule.remote.is_some())
}

fn fields(rule: &Rule) -> Result<(), LawError> {
    let refuse = |field, advice| Err(LawError::Field { id: rule.id.clone(), from: rule.from, field, advice });
    if !is_name(&rule.id, "_.") {
        return refuse("id", "write lower-case letters, digits, `_` and `.`, such as `complaint.accept`");
    }
    if let Some(until) = rule.until.filter(|until| *until < rule.from) {
        return Err(LawError::Dates { id: rule.id.clone(), from: rule.from, until });
    }
    if rule.source.trim().is_empty() {
        return refuse("source", "name the act it comes from");
    }
    if rule.instance.is_some_and(|instance| !(1..=2).contains(&instance)) {
        return refuse("instance", "write 1 or 2, or leave it out");
    }
    if rule.limit.is_some_and(|limit| !(1..=MAX_DAYS).contains(&limit.days)) {
        return refuse("limit", "write 1 to 3650 days");
    }
    let mut seen = BTreeSet::new();
    for extension in &rule.extensions {
        if !(1..=MAX_DAYS).contains(&extension.days) || !(1..=MAX_TIMES).contains(&extension.times) {
            return refuse("extensions", "write 1 to 3650 days, 1 to 10 times");
        }
        if rule.limit.is_none_or(|limit| limit.working != extension.working) {
            return refuse("extensions", "extend a limit, in working days if it is in working days");
        }
        if !seen.insert(extension.when) {
            return refuse("extensions", "write one for each complexity");
        }
    }
    if rule.duty != Duty::Decline && !rule.reasons.is_empty() {
        return refuse("reasons", "only a rule with the duty `decline` has reasons");
    }
    for (field, outcome) in
        [("with_evidence", &rule.with_evidence), ("without_evidence", &rule.without_evidence)]
    {
        if outcome.as_deref().is_some_and(|code| !["inspection", "file_away"].contains(&code)) {
            return refuse(field, "write `inspection` or `file_away`");
        }
        if outcome.is_some() && rule.duty != Duty::Anonymous {
            return refuse(field, "only a rule with the duty `anonymous` has it");
        }
    }
    for (field, codes) in [("reasons", &rule.reasons), ("permits", &rule.permits), ("forbids", &rule.forbids)]
    {
        let distinct: BTreeSet<_> = codes.iter().collect();
        if distinct.len() < codes.len() || !codes.iter().all(|code| is_name(code, "_")) {
            return refuse(field, "write each code once, in lower-case letters, digits and `_`");
        }
    }
    Ok(())
}

fn pair(one: &Rule, other: &Rule) -> Result<(), LawError> {
    let on = one.from.max(other.from);
    if !(one.is_in_force(on) && other.is_in_force(on)) {
        return Ok(());
    }
    if one.id == other.id {
        return Err(LawError::Repeated { id: one.id.clone(), on });
    }
    let is_same_question = one.duty == other.duty
        && agree(one.kind, other.kind)
        && agree(one.instance, other.instance)
        && agree(one.remote, other.remote);
    if is_same_question && !is_narrower(one, other) && !is_narrower(other, one) {
        return Err(LawError::Overlap { one: one.id.clone(), other: other.id.clone(), on });
    }
    Ok(())
}

/// Whether something can meet both conditions.
fn agree<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
    one.zip(other).is_none_or(|(one, other)| one == other)
}

/// Of two rules that answer the same question: whether the first has all conditions of the second, and more.
fn is_narrower(one: &Rule, other: &Rule) -> bool {
    conditions(one) > conditions(other)
        && (one.kind.is_some() || other.kind.is_none())
        && (one.instance.is_some() || other.instance.is_none())
        && (one.remote.is_some() || other.remote.is_none())
}

fn is_name(text: &str, marks: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || marks.contains(c);
    (1..=64).contains(&text.len()) && text.chars().all(is_allowed)
}
