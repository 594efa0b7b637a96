//! Proceedings as the board keeps them: one row each, which says what stands and what it came from, and nobody's name.

mod counted;
mod hidden;
mod staff;

use chrono::FixedOffset;
use events::{
    Occurred,
    conduct::Limit,
    discipline::{
        AppealResult, Basis, Decision, Liability, Matter, Origin, ProceedingEvent, SanctionResult, Track,
    },
    end_of_day,
};
use projection::{FoldError, History, Key, Kind, Row, Table, Value};
use serde::{Deserialize, Serialize};

pub(crate) use counted::{Sanctions, count, explain, totals};
pub(crate) use hidden::{SanctionsHidden, hide};
pub(crate) use staff::TABLE as STAFF_TABLE;
pub(crate) use staff::{StaffEntry, officials};

/// The table of proceedings.
pub(crate) const TABLE: Table = Table {
    name: "proceedings",
    key: &[("proceeding", Kind::Text)],
    columns: &[
        ("agency", Kind::Text),
        ("unit", Kind::Text),
        ("class", Kind::Text),
        ("track", Kind::Text),
        // `due`, `declined`, `lapsed`, `open` or `closed`.
        ("stage", Kind::Text),
        // The words of what was recommended, of what was decided, and of what became of it.
        ("recommended", Kind::Text),
        ("decided_as", Kind::Text),
        ("outcome", Kind::Text),
        // 1 while a sanction stands.
        ("stands", Kind::Int),
        ("decided", Kind::Int),
        // How many heads are held liable.
        ("heads", Kind::Int),
        ("detail", Kind::Bytes),
    ],
    indexes: &["stands, decided"],
    history: History::Versions,
    spans: None,
};

/// What the fold takes from an entry of a proceeding.
pub(crate) struct ProceedingEntry {
    pub(crate) position: u64,
    pub(crate) proceeding: String,
    pub(crate) occurred: Occurred,
    pub(crate) event: ProceedingEvent,
}

pub(crate) fn key(proceeding: &str) -> Key {
    Key::of([proceeding.into()])
}

/// A head held liable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    #[serde(rename = "a")]
    at: i64,
    #[serde(rename = "l")]
    liability: Liability,
}

/// What explains a count, and when it counts: instants are in microseconds since 1970 UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Detail {
    /// The report that it comes from; none where it comes from something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    report: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allegation: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    finding: Option<u64>,
    /// The positions of all its entries, in order: also of those that change no count, as a reader asks what happened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    entries: Vec<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decided: Option<i64>,
    /// The end of the last day on which it can be appealed; none without such a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    appeal_due: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    appealed: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    appeal_decided: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exonerated: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    heads: Vec<Head>,
    /// The rules that it rests on, in order: with act and article where the event has them, else by their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rules: Vec<String>,
}

impl Detail {
    fn rests_on(&mut self, rule: String) {
        if !self.rules.contains(&rule) {
            self.rules.push(rule);
        }
    }

    fn on_basis(&mut self, basis: Option<&Basis>) {
        if let Some(Basis { rule, citation }) = basis {
            self.rests_on(format!("{rule}: {citation}"));
        }
    }

    fn on_limits<'l>(&mut self, limits: impl IntoIterator<Item = Option<&'l Limit>>) {
        for limit in limits.into_iter().flatten() {
            let rule = &limit.rule;
            // By its id alone where an event does not cite it.
            self.rests_on(
                limit.citation.as_ref().map_or_else(|| rule.clone(), |cited| format!("{rule}: {cited}")),
            );
        }
    }

    fn came_from(&mut self, origin: &Origin) {
        self.report = origin.report().map(str::to_owned);
        self.allegation = origin.allegation;
        self.finding = origin.finding_position;
    }

    /// Whether nobody can change the decision any more at an instant: the time to appeal is over and nobody did, or an
    /// appeal is decided.
    fn is_final(&self, at: i64) -> bool {
        match (self.appealed, self.appeal_decided) {
            (_, Some(decided)) => decided <= at,
            (Some(_), None) => false,
            (None, None) => self.appeal_due.is_none_or(|due| due < at),
        }
    }

    /// The entry that it comes from, and its own.
    fn positions(&self) -> Vec<u64> {
        self.finding.into_iter().chain(self.entries.iter().copied()).collect()
    }
}

/// A row of the table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Proceeding {
    agency: String,
    unit: Option<String>,
    class: String,
    track: Option<Track>,
    stage: &'static str,
    recommended: Option<String>,
    decided_as: Option<String>,
    outcome: Option<String>,
    /// Whether a sanction stands.
    stands: bool,
    detail: Detail,
}

/// The stages of a row.
const STAGES: [&str; 5] = ["due", "declined", "lapsed", "open", "closed"];

fn track_word(track: Track) -> &'static str {
    match track {
        Track::Administrative => "administrative",
        Track::Party => "party",
    }
}

fn micros(limit: &Limit, zone: FixedOffset) -> i64 {
    end_of_day(limit.due_date, zone).timestamp_micros()
}

impl Proceeding {
    fn from_row(row: &Row) -> Result<Self, FoldError> {
        let [agency, unit, class, track, stage, recommended, decided_as, outcome, stands, _, _, detail] =
            row.as_slice()
        else {
            return Err(FoldError::new("a proceeding has other columns"));
        };
        let text = |value: &Value| value.text().map(str::to_owned);
        let Value::Bytes(detail) = detail else {
            return Err(FoldError::new("a proceeding has no detail"));
        };
        let stage = STAGES.into_iter().find(|word| stage.text() == Some(word));
        Ok(Self {
            agency: text(agency).unwrap_or_default(),
            unit: text(unit),
            class: text(class).unwrap_or_default(),
            track: match track.text() {
                Some("party") => Some(Track::Party),
                Some(_) => Some(Track::Administrative),
                None => None,
            },
            stage: stage.ok_or_else(|| FoldError::new("a proceeding has an unknown stage"))?,
            recommended: text(recommended),
            decided_as: text(decided_as),
            outcome: text(outcome),
            stands: stands.int() == Some(1),
            detail: serde_json::from_slice(detail).map_err(FoldError::new)?,
        })
    }

    fn into_row(self) -> Result<Row, FoldError> {
        let heads = i64::try_from(self.detail.heads.len()).unwrap_or(i64::MAX);
        Ok(vec![
            Value::Text(self.agency),
            self.unit.into(),
            Value::Text(self.class),
            self.track.map(|track| track_word(track).to_owned()).into(),
            Value::Text(self.stage.to_owned()),
            self.recommended.into(),
            self.decided_as.into(),
            self.outcome.into(),
            Value::Int(i64::from(self.stands)),
            self.detail.decided.into(),
            Value::Int(heads),
            Value::Bytes(serde_json::to_vec(&self.detail).map_err(FoldError::new)?),
        ])
    }

    /// What it is about, as the event says that names it.
    fn is_about(&mut self, origin: &Origin, matter: Matter) {
        self.detail.came_from(origin);
        matter.classed.word().clone_into(&mut self.class);
        (self.agency, self.unit) = (matter.agency, matter.unit);
    }

    /// What is decided takes the place of what was before.
    fn stands_as(&mut self, decision: &Decision) {
        self.stands = decision.result == SanctionResult::Sanctioned;
        self.outcome = Some(decision.word().to_owned());
    }

    /// No sanction stands any more.
    fn falls(&mut self, word: &str) {
        self.stands = false;
        self.outcome = Some(word.to_owned());
    }

    fn apply(&mut self, event: ProceedingEvent, at: i64, zone: FixedOffset) {
        use ProceedingEvent as E;
        let detail = &mut self.detail;
        match event {
            E::Due { origin, matter, open, .. } => {
                detail.on_limits([Some(&open)]);
                self.stage = "due";
                self.is_about(&origin, matter);
            }
            E::Lapsed { .. } if self.stage == "due" => self.stage = "lapsed",
            E::Lapsed { .. } => {}
            E::NotOpened { origin, matter, .. } => {
                self.stage = "declined";
                self.is_about(&origin, matter);
            }
            E::Opened { track, origin, matter, limitation, convene, decide, source_outcome, .. } => {
                // A register's own word for what is still to come.
                self.outcome = source_outcome;
                detail.on_limits([&limitation, &convene, &decide].map(Option::as_ref));
                (self.stage, self.track) = ("open", Some(track));
                self.is_about(&origin, matter);
            }
            E::Extended { decide, .. } => detail.on_limits([Some(&decide)]),
            E::CircumstanceRecorded { basis, .. } => detail.on_basis(Some(&basis)),
            E::Recommended { decision, .. } => self.recommended = Some(decision.word().to_owned()),
            E::Decided { decision, basis, appeal, execute, .. } => {
                detail.decided = Some(at);
                detail.appeal_due = appeal.as_ref().map(|limit| micros(limit, zone));
                detail.on_basis(basis.as_ref());
                detail.on_limits([appeal.as_ref(), execute.as_ref()]);
                self.decided_as = Some(decision.word().to_owned());
                self.stands_as(&decision);
            }
            E::HeadHeldLiable { liability, basis, .. } => {
                detail.heads.push(Head { at, liability });
                detail.on_basis(Some(&basis));
            }
            E::Executed { clear, .. } => detail.on_limits([clear.as_ref()]),
            E::Appealed { answer, .. } => {
                (detail.appealed, detail.appeal_decided) = (Some(at), None);
                detail.on_limits([answer.as_ref()]);
            }
            E::AppealDecided { result, form, basis, .. } => {
                detail.appeal_decided = Some(at);
                detail.on_basis(basis.as_ref());
                let is_cleared = detail.exonerated.is_some();
                match result {
                    // Who was exonerated meanwhile stays so.
                    _ if is_cleared => {}
                    AppealResult::Annulled => self.falls("annulled"),
                    AppealResult::Changed => self.stands_as(&Decision {
                        result: SanctionResult::Sanctioned,
                        form,
                        source_outcome: None,
                    }),
                    AppealResult::Upheld => {}
                }
            }
            E::Exonerated { basis, .. } => {
                detail.exonerated = Some(at);
                detail.on_basis(basis.as_ref());
                self.falls("exonerated");
            }
            E::Closed { .. } => self.stage = "closed",
            E::Paused { .. }
            | E::Resumed { .. }
            | E::CouncilConvened { .. }
            | E::HearingHeld { .. }
            | E::Cleared { .. }
            | E::Apologised { .. }
            | E::Restored { .. } => {}
        }
    }
}

/// Brings an event into the row of its proceeding.
pub(crate) fn fold(
    slot: &mut Option<Row>,
    entry: ProceedingEntry,
    zone: FixedOffset,
) -> Result<(), FoldError> {
    let begins = matches!(
        entry.event,
        ProceedingEvent::Due { .. } | ProceedingEvent::NotOpened { .. } | ProceedingEvent::Opened { .. }
    );
    let mut proceeding = match slot {
        Some(row) => Proceeding::from_row(row)?,
        None if begins => Proceeding::default(),
        None => {
            let text = format!("the proceeding {} was neither due nor opened", entry.proceeding);
            return Err(FoldError::new(text));
        }
    };
    proceeding.detail.entries.push(entry.position);
    proceeding.apply(entry.event, entry.occurred.earliest_micros(zone), zone);
    *slot = Some(proceeding.into_row()?);
    Ok(())
}

#[cfg(test)]
mod tests;
