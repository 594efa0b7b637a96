//! What makes a text a rulebook.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::{Duty, Moment, Rule};

/// The longest limit, and extension, in days.
const MAX_DAYS: u32 = 3_650;
/// The longest term, in months.
const MAX_MONTHS: u32 = 600;
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
         one narrower than the other by kind, instance or remote, or in discipline by track, person, leads or form"
    )]
    Overlap {
        /// The one that comes first in the text.
        one: String,
        /// The other.
        other: String,
        /// The first such day.
        on: NaiveDate,
    },
    /// Two versions of a rule are selected by different moments, so that both, or none, could be the one in force.
    #[error(
        "one version of the rule `{id}` is selected by the {}, another by the {}: name the same moment in all",
        .one.as_str(), .other.as_str()
    )]
    VersionMoments {
        /// The rule.
        id: String,
        /// The moment of the version that comes first in the text.
        one: Moment,
        /// That of the other.
        other: Moment,
    },
    /// Two rules answer the same question by different moments, which may lie on any days, and neither is narrower.
    #[error(
        "the rules `{one}` and `{other}` answer the same question, selected by different moments, so that dates \
         can't part them: name the same moment, or make one narrower than the other by track, person, leads or form"
    )]
    OverlapMoments {
        /// The one that comes first in the text.
        one: String,
        /// The other.
        other: String,
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
    named(rule).into_iter().filter(|is_named| *is_named).count()
}

/// Which conditions a rule has.
fn named(rule: &Rule) -> [bool; 7] {
    [
        rule.kind.is_some(),
        rule.instance.is_some(),
        rule.remote.is_some(),
        rule.track.is_some(),
        rule.person.is_some(),
        rule.leads.is_some(),
        rule.form.is_some(),
    ]
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
    discipline(rule).or_else(|(field, advice)| refuse(field, advice))?;
    for (field, codes) in [
        ("reasons", &rule.reasons),
        ("permits", &rule.permits),
        ("forbids", &rule.forbids),
        ("forms", &rule.forms),
        ("exempt", &rule.exempt),
        ("pauses", &rule.pauses),
        ("requires", &rule.requires),
        ("mitigates", &rule.mitigates),
        ("aggravates", &rule.aggravates),
    ] {
        let distinct: BTreeSet<_> = codes.iter().collect();
        if distinct.len() < codes.len() || !codes.iter().all(|code| is_name(code, "_")) {
            return refuse(field, "write each code once, in lower-case letters, digits and `_`");
        }
    }
    Ok(())
}

/// What is wrong with the fields of discipline: the field, and what to do.
fn discipline(rule: &Rule) -> Result<(), (&'static str, &'static str)> {
    let is_discipline = rule.duty.is_discipline();
    let elsewhere = [
        ("kind", rule.kind.is_some()),
        ("instance", rule.instance.is_some()),
        ("remote", rule.remote.is_some()),
    ];
    let only_here = [
        ("track", rule.track.is_some()),
        ("person", rule.person.is_some()),
        ("leads", rule.leads.is_some()),
        ("form", rule.form.is_some()),
        ("forms", !rule.forms.is_empty()),
        ("months", rule.months.is_some()),
        ("exempt", !rule.exempt.is_empty()),
        ("pauses", !rule.pauses.is_empty()),
        ("requires", !rule.requires.is_empty()),
        ("mitigates", !rule.mitigates.is_empty()),
        ("aggravates", !rule.aggravates.is_empty()),
        ("waits_for", rule.waits_for.is_some()),
        ("selected_by", rule.selected_by.is_some()),
        ("selected_by_source", !rule.selected_by_source.is_empty()),
        ("counts_from", rule.counts_from.is_some()),
    ];
    let is_set =
        |fields: &[(&'static str, bool)]| fields.iter().find(|(_, is_set)| *is_set).map(|(name, _)| *name);
    if !is_discipline {
        let found = is_set(&only_here);
        return found.map_or(Ok(()), |field| Err((field, "only a rule with a duty of discipline has it")));
    }
    if let Some(field) = is_set(&elsewhere) {
        return Err((field, "a rule of discipline is for a track, person, leads or form"));
    }
    if rule.selected_by.is_none() {
        return Err(("selected_by", "write which moment selects it: `violation`, `discovery` or `decision`"));
    }
    if rule.selected_by_source.trim().is_empty() {
        return Err(("selected_by_source", "name the act that says which moment selects it"));
    }
    if rule.form.as_deref().is_some_and(|form| !is_name(form, "_")) {
        return Err(("form", "write one code, in lower-case letters, digits and `_`"));
    }
    if rule.forms.is_empty() == (rule.duty == Duty::Sanction) {
        return Err(("forms", "a rule with the duty `sanction` has them, and no other"));
    }
    if rule.months.is_some_and(|months| !(1..=MAX_MONTHS).contains(&months)) {
        return Err(("months", "write 1 to 600 months"));
    }
    if rule.months.is_some() && !matches!(rule.duty, Duty::Limitation | Duty::Clear) {
        return Err(("months", "only a rule with the duty `limitation` or `clear` has them"));
    }
    if !rule.exempt.is_empty() && rule.duty != Duty::Limitation {
        return Err(("exempt", "only a rule with the duty `limitation` has it"));
    }
    if !rule.pauses.is_empty() && rule.limit.is_none() {
        return Err(("pauses", "only a rule with a limit has them"));
    }
    if !rule.requires.iter().all(|step| ["council", "hearing"].contains(&step.as_str())) {
        return Err(("requires", "write `council` or `hearing`"));
    }
    if !rule.requires.is_empty() && !matches!(rule.duty, Duty::Sanction | Duty::Handle) {
        return Err(("requires", "only a rule with the duty `sanction` or `handle` has it"));
    }
    for (field, codes) in [("mitigates", &rule.mitigates), ("aggravates", &rule.aggravates)] {
        if !codes.is_empty() && rule.duty != Duty::Weigh {
            return Err((field, "only a rule with the duty `weigh` has it"));
        }
    }
    if rule.waits_for.is_some() && (rule.duty != Duty::Parallel || rule.waits_for == rule.track) {
        return Err(("waits_for", "only a rule with the duty `parallel` has it, and it names another track"));
    }
    // A limitation runs from the violation, which is no start of a limit.
    let is_counted = rule.limit.is_some() || (rule.months.is_some() && rule.duty == Duty::Clear);
    if rule.counts_from.is_some() != is_counted {
        return Err(("counts_from", "a rule with a limit, or a term of clearing, has it, and no other"));
    }
    Ok(())
}

fn pair(one: &Rule, other: &Rule) -> Result<(), LawError> {
    let on = one.from.max(other.from);
    let is_at_once = one.is_in_force(on) && other.is_in_force(on);
    let is_same_moment = one.moment() == other.moment();
    if one.id == other.id {
        if !is_same_moment {
            let id = one.id.clone();
            return Err(LawError::VersionMoments { id, one: one.moment(), other: other.moment() });
        }
        return if is_at_once { Err(LawError::Repeated { id: one.id.clone(), on }) } else { Ok(()) };
    }
    let is_same_question = one.duty == other.duty
        && agree(one.kind, other.kind)
        && agree(one.instance, other.instance)
        && agree(one.remote, other.remote)
        && agree(one.track, other.track)
        && agree(one.person, other.person)
        && agree(one.leads, other.leads)
        && agree(one.form.as_deref(), other.form.as_deref());
    if !is_same_question || is_narrower(one, other) || is_narrower(other, one) {
        return Ok(());
    }
    let (one, other) = (one.id.clone(), other.id.clone());
    // Dates part two rules only if both are asked for on the same day.
    match (is_same_moment, is_at_once) {
        (false, _) => Err(LawError::OverlapMoments { one, other }),
        (true, true) => Err(LawError::Overlap { one, other, on }),
        (true, false) => Ok(()),
    }
}

/// Whether something can meet both conditions.
fn agree<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
    one.zip(other).is_none_or(|(one, other)| one == other)
}

/// Of two rules that answer the same question: whether the first has all conditions of the second, and more.
fn is_narrower(one: &Rule, other: &Rule) -> bool {
    conditions(one) > conditions(other)
        && named(one).into_iter().zip(named(other)).all(|(one, other)| one || !other)
}

fn is_name(text: &str, marks: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || marks.contains(c);
    (1..=64).contains(&text.len()) && text.chars().all(is_allowed)
}
