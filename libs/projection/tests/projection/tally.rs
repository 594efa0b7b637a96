//! A tiny view: steps by unit, with the positions behind each count, the last step of each case, and how
//! many cases stand at which step. ARCHITECTURE.md points here for how a view is added.

use eventlog::{Entry, Filter};
use events::delivery::{By, CaseEvent};
use projection::{FoldError, History, Key, Keys, Kind, Named, PositionSet, Row, Table, Value, View};

const UNIT: usize = 0;
const CASE: usize = 1;
const STANDING: usize = 2;

/// A step that can't even be read.
pub(crate) const POISON: &str = "poison";
/// A step that is read and can't be folded.
pub(crate) const INDIGESTIBLE: &str = "indigestible";

pub(crate) struct Tally {
    /// Takes what is poison to the others, as a mended version of a view would.
    pub(crate) is_mended: bool,
    /// Never gets past this position: for a process that is to be killed there.
    pub(crate) hangs_at: Option<u64>,
}

impl Tally {
    pub(crate) const NEW: Self = Self { is_mended: false, hangs_at: None };
}

pub(crate) struct Done {
    position: u64,
    case: String,
    by: By,
    step: String,
}

impl View for Tally {
    const NAME: &'static str = "tally";
    const VERSION: u32 = 3;
    const TABLES: &'static [Table] = &[
        Table {
            name: "unit",
            key: &[("agency", Kind::Text), ("unit", Kind::Text)],
            columns: &[("steps", Kind::Int), ("positions", Kind::Positions)],
            indexes: &["steps DESC"],
            history: History::Positions,
            spans: None,
        },
        Table {
            name: "last_step",
            key: &[("case_code", Kind::Text)],
            columns: &[("step", Kind::Text), ("official", Kind::Text), ("position", Kind::Int)],
            indexes: &[],
            history: History::Versions,
            spans: None,
        },
        Table {
            name: "standing",
            key: &[("step", Kind::Text)],
            columns: &[("cases", Kind::Int)],
            indexes: &[],
            history: History::Versions,
            spans: None,
        },
    ];
    const SUMMED: Option<usize> = Some(CASE);
    type Event = Done;

    fn filter(&self) -> Filter {
        Filter { types: vec!["delivery.StepDone.v1".into()], categories: Vec::new() }
    }

    fn read(&self, entry: &Entry) -> Result<Option<Done>, FoldError> {
        let case = entry.header().map_err(FoldError::new)?.key().to_owned();
        match entry.event().map_err(FoldError::new)? {
            CaseEvent::StepDone { step, .. } if step == POISON && !self.is_mended => {
                Err(FoldError::new("this step is poison"))
            }
            CaseEvent::StepDone { by, step, .. } => {
                Ok(Some(Done { position: entry.position, case, by, step }))
            }
            other => Err(FoldError::new(format!("not asked for: {other:?}"))),
        }
    }

    fn keys(&self, event: &mut Done, keys: &mut Keys<'_>) {
        let unit = event.by.unit.as_deref().unwrap_or_default();
        keys.add(UNIT, Key::of([event.by.agency.as_str().into(), unit.into()]));
        keys.add(CASE, Key::of([event.case.as_str().into()]));
    }

    fn fold(&self, event: Done, rows: &mut Named<'_>) -> Result<(), FoldError> {
        if self.hangs_at == Some(event.position) {
            loop {
                std::thread::park();
            }
        }
        if event.step == INDIGESTIBLE && !self.is_mended {
            return Err(FoldError::new("this step is indigestible"));
        }
        let position = i64::try_from(event.position).map_err(FoldError::new)?;
        let row = rows.change(0);
        let row = row.get_or_insert_with(|| vec![Value::Int(0), Value::Positions(PositionSet::default())]);
        let [Value::Int(steps), Value::Positions(positions)] = &mut row[..] else {
            return Err(FoldError::new("a unit's row has two columns"));
        };
        *steps += 1;
        positions.insert(event.position);
        let row = vec![event.step.clone().into(), event.by.official.clone().into(), position.into()];
        *rows.change(1) = Some(row);
        Ok(())
    }

    fn sum_keys(&self, before: Option<&Row>, after: Option<&Row>, keys: &mut Keys<'_>) {
        for row in [before, after].into_iter().flatten() {
            keys.add(STANDING, Key::of([row[0].text().unwrap_or_default().into()]));
        }
    }

    fn sum(&self, before: Option<&Row>, _: Option<&Row>, rows: &mut Named<'_>) -> Result<(), FoldError> {
        for number in 0..rows.count() {
            let sign = if number == 0 && before.is_some() { -1 } else { 1 };
            let slot = rows.change(number);
            let cases = slot.as_ref().and_then(|row| row[0].int()).unwrap_or(0) + sign;
            *slot = (cases != 0).then(|| vec![cases.into()]);
        }
        Ok(())
    }
}
