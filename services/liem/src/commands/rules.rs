//! `liem rules`, and the folder of further rulebooks.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use chrono::NaiveDate;
use comfy_table::{Cell, ColumnConstraint, Width};
use rulebook::law::{Kind, Lawbook, Lawbooks, Moment, PersonClass, Rule, Start, Track};
use serde_json::{Value, json};

use crate::{
    cli::{RulesArgs, RulesCommand},
    config::Settings,
    output,
};

pub(super) fn rules(settings: &Settings, command: RulesCommand) -> anyhow::Result<()> {
    let RulesCommand::Show { at, jurisdiction, rules } = command;
    let at = at.as_deref().map(date).transpose()?;
    let books = rules.lawbooks()?;
    let jurisdiction = settings.jurisdiction(jurisdiction);
    let book = books.get(&jurisdiction).with_context(|| {
        let known = books.iter().map(|book| book.jurisdiction.as_str()).collect::<Vec<_>>().join(", ");
        format!(
            "there is no rulebook of `{jurisdiction}`: name one of {known}, or a folder that has it with --rules"
        )
    })?;
    let rules: Vec<_> = book.rules().iter().filter(|rule| at.is_none_or(|at| rule.is_in_force(at))).collect();
    if settings.json {
        let mut array = output::JsonArray::default();
        rules.iter().try_for_each(|rule| array.add(&rule_json(book, rule)))?;
        return array.end();
    }
    let mut table = output::table(&["rule", "value", "from", "until", "source", "read"], &[]);
    if let Some(values) = table.column_mut(1) {
        values.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(66)));
    }
    for rule in &rules {
        table.add_row([
            Cell::new(&rule.id),
            Cell::new(rule.words()),
            Cell::new(rule.from),
            output::cell(rule.until),
            Cell::new(rule.place()),
            Cell::new(if rule.verified { "verified" } else { "unverified" }),
        ]);
    }
    let when = at.map_or_else(String::new, |at| format!(" in force on {at}"));
    output::print(&format!("{}\n{}\n{table}", book.version_and_hash(), book.name))?;
    output::print(&format!("{} rules{when}; the notes are in --json", rules.len()))
}

impl RulesArgs {
    /// The shipped rulebooks, with those of the folder in place of their jurisdictions'.
    pub(crate) fn lawbooks(&self) -> anyhow::Result<Lawbooks> {
        let shipped = Lawbooks::shipped();
        let Some(folder) = &self.folder else { return Ok(shipped) };
        let mut found: BTreeMap<String, PathBuf> = BTreeMap::new();
        let mut books = shipped;
        for path in files(folder)? {
            let text = fs::read_to_string(&path).with_context(|| {
                format!("can't read the rulebook {}: let it be read, or take it out", path.display())
            })?;
            let book =
                Lawbook::parse(&text).with_context(|| format!("in the rulebook {}", path.display()))?;
            if let Some(other) = found.insert(book.jurisdiction.clone(), path.clone()) {
                anyhow::bail!(
                    "{} and {} are both rulebooks of {}: take one out",
                    other.display(),
                    path.display(),
                    book.jurisdiction,
                );
            }
            books = books.with(book);
        }
        Ok(books)
    }
}

/// The rulebooks of a folder, by name.
fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let about = || {
        format!(
            "can't read the folder of rulebooks {}: name another with --rules, or leave it out",
            folder.display()
        )
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(about)? {
        let path = entry.with_context(about)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    anyhow::ensure!(
        !files.is_empty(),
        "no rulebook in {}: put files named *.toml there, or leave --rules out",
        folder.display()
    );
    files.sort();
    Ok(files)
}

fn date(text: &str) -> anyhow::Result<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .with_context(|| format!("--at `{text}`: give a date such as 2026-07-01"))
}

fn rule_json(book: &Lawbook, rule: &Rule) -> Value {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let extensions: Vec<_> = rule
        .extensions
        .iter()
        .map(|extension| {
            json!({
                "when": extension.when.as_str(), "times": extension.times,
                "days": extension.days, "working_days": extension.working,
            })
        })
        .collect();
    json!({
        "id": rule.id,
        "kind": rule.kind.map(Kind::as_str),
        "duty": rule.duty.as_str(),
        "instance": rule.instance,
        "remote": rule.remote,
        "track": rule.track.map(Track::as_str),
        "person": rule.person.map(PersonClass::as_str),
        "leads": rule.leads,
        "form": rule.form,
        "from": rule.from,
        "until": rule.until,
        "days": rule.limit.map(|limit| limit.days),
        "working_days": rule.limit.map(|limit| limit.working),
        "counts_from": rule.counts_from.map(Start::as_str),
        "extensions": extensions,
        "pauses": rule.pauses,
        "months": rule.months,
        "exempt": rule.exempt,
        "reasons": rule.reasons,
        "outcome_with_evidence": rule.with_evidence,
        "outcome_without_evidence": rule.without_evidence,
        "permits": rule.permits,
        "forbids": rule.forbids,
        "forms": rule.forms,
        "requires": rule.requires,
        "mitigates": rule.mitigates,
        "aggravates": rule.aggravates,
        "waits_for": rule.waits_for.map(Track::as_str),
        "selected_by": rule.selected_by.map(Moment::as_str),
        "selected_by_source": text(&rule.selected_by_source),
        "source": rule.source,
        "article": text(&rule.article),
        "verified": rule.verified,
        "note": text(&rule.note),
        "rulebook": book.version_and_hash(),
        "jurisdiction": book.jurisdiction,
    })
}
