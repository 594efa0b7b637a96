//! The fold: one row a case, and their marks summed up by day and month of each agency's units; and which agencies
//! and units were merged into which.

use chrono::{Datelike as _, FixedOffset};
use eventlog::{Entry, Filter};
use events::{
    Event as _, Occurred,
    conduct::ReportEvent,
    delivery::{CaseEvent, Channel, Correction, Promise},
    directory::{Agency, Official, Unit},
    discipline::ProceedingEvent,
};
use projection::{FoldError, History, Key, Keys, Kind, Named, PositionSet, Row, Table, Value, View};
use rulebook::Calendar;

use crate::{
    case::{self, Case},
    marks::{self, Mark, bit},
    proceedings::{self, ProceedingEntry, StaffEntry},
    reports::{self, ReportEntry},
    signs::{self, Act},
    strata,
    succession::{self, BodyEntry},
    what_if::WhatIf,
};

const CASES: usize = 0;
const DAYS: usize = 1;
const MONTHS: usize = 2;
const DURATIONS: usize = 3;
const STEPS: usize = 4;
const BODIES: usize = 5;
const REPORTS: usize = 6;
const MIX: usize = 7;
const PROCEEDINGS: usize = 11;
const STAFF: usize = 12;

/// The sums of a month, in order. What is open or overdue is the change in the month: the sum over all
/// months up to one is how many there are at its end.
pub(crate) const SUMS: [&str; 14] = [
    "received",
    "channel_known",
    "online",
    "closed",
    "on_time_statutory",
    "late_statutory",
    "on_time_committed",
    "late_committed",
    "rated",
    "rating_sum",
    "open",
    "overdue_statutory",
    "overdue_committed",
    "steps",
];
/// The place of the steps among them.
pub(crate) const STEPS_SUM: usize = 13;

/// The leaderboard view of a ledger whose civil dates are meant in `zone`.
pub struct LeaderboardView {
    /// The ledger's time zone.
    pub(crate) zone: FixedOffset,
    /// The other calendar of a what-if.
    what_if: Option<WhatIf>,
}

/// What the fold takes from an entry.
pub struct Taken(Of);

#[expect(clippy::large_enum_variant, reason = "nearly all are cases, and they are many")]
enum Of {
    Case(CaseEntry),
    Report(Box<ReportEntry>),
    Proceeding(Box<ProceedingEntry>),
    Staff(StaffEntry),
    Body(BodyEntry),
}

/// What happened to a case.
struct CaseEntry {
    position: u64,
    case: String,
    occurred: Occurred,
    event: CaseEvent,
    act: Option<Act>,
}

/// A channel as stored.
pub(crate) fn code_of(channel: Channel) -> i64 {
    match channel {
        Channel::Counter => 1,
        Channel::Online => Case::ONLINE,
        Channel::Post => 3,
    }
}

/// A stored channel as the API names it; empty where it isn't known.
pub(crate) fn channel_of(code: Option<i64>) -> &'static str {
    match code {
        Some(1) => "counter",
        Some(Case::ONLINE) => "online",
        Some(3) => "post",
        _ => "",
    }
}

/// What a mark adds to each of the sums.
pub(crate) fn sums(mark: &Mark) -> [i64; SUMS.len()] {
    let is = |bit| i64::from(mark.has(bit));
    [
        is(bit::RECEIVED),
        is(bit::CHANNEL_KNOWN),
        is(bit::ONLINE),
        is(bit::CLOSED),
        is(bit::ON_TIME_STATUTORY),
        is(bit::LATE_STATUTORY),
        is(bit::ON_TIME_COMMITTED),
        is(bit::LATE_COMMITTED),
        is(bit::RATED),
        i64::from(mark.rating),
        is(bit::OPENS) - is(bit::ENDS),
        is(bit::OVERDUE_STATUTORY) - is(bit::OVERDUE_STATUTORY_ENDS),
        is(bit::OVERDUE_COMMITTED) - is(bit::OVERDUE_COMMITTED_ENDS),
        0,
    ]
}

/// The key of a day or month of a unit, empty for none.
fn span_key(span: i64, agency: &str, unit: Option<&str>) -> Key {
    Key::of([span.into(), agency.into(), unit.unwrap_or_default().into()])
}

/// Adds to a row of numbers, makes it where there is none, and takes it away where all are nothing.
pub(crate) fn add<const N: usize>(
    slot: &mut Option<Row>,
    numbers: [i64; N],
    sign: i64,
) -> Result<(), FoldError> {
    let row = slot.get_or_insert_with(|| vec![Value::Int(0); N]);
    let mut is_nothing = true;
    for (value, n) in row.iter_mut().zip(numbers) {
        let Value::Int(sum) = value else { return Err(FoldError::new("a sum is no number")) };
        *sum += sign * n;
        is_nothing &= *sum == 0;
    }
    if is_nothing {
        *slot = None;
    }
    Ok(())
}

impl LeaderboardView {
    /// The view of a ledger in a time zone.
    pub fn new(zone: FixedOffset) -> Self {
        Self { zone, what_if: None }
    }

    fn micros(&self, occurred: Occurred) -> i64 {
        occurred.earliest_micros(self.zone)
    }

    /// Day and month of a step.
    fn spans(&self, occurred: Occurred) -> (i64, i64) {
        let date = occurred.date(self.zone);
        let month = i64::from(date.year()) * 12 + i64::from(date.month0());
        (i64::from(date.num_days_from_ce()), month)
    }

    fn fold_step(entry: &CaseEntry, rows: &mut Named<'_>) -> Result<(), FoldError> {
        let row = rows.change(0).get_or_insert_with(|| vec![Value::Positions(PositionSet::default())]);
        let [Value::Positions(positions)] = row.as_mut_slice() else {
            return Err(FoldError::new("a row of steps has no positions"));
        };
        positions.insert(entry.position);
        let row = rows.change(1).get_or_insert_with(empty_day);
        let [_, Value::Int(steps)] = row.as_mut_slice() else {
            return Err(FoldError::new("a day has no count of steps"));
        };
        *steps += 1;
        let mut numbers = [0; SUMS.len()];
        numbers[STEPS_SUM] = 1;
        add(rows.change(2), numbers, 1)
    }

    fn received(&self, entry: &CaseEntry) -> Result<Case, FoldError> {
        let CaseEvent::Received { by, procedure, channel, promise, .. } = &entry.event else {
            return Err(FoldError::new(format!("the case {} was never received", entry.case)));
        };
        let mut case = Case {
            agency: by.agency.clone(),
            unit: by.unit.clone(),
            procedure: procedure.clone(),
            channel: channel.map(code_of),
            received: self.micros(entry.occurred),
            received_position: entry.position,
            pauses: self.what_if.as_ref().map(|_| Vec::new()),
            ..Case::default()
        };
        self.set_due(&mut case, promise.as_ref(), entry.position, false)?;
        Ok(case)
    }

    /// Takes the promise as it was made; a what-if works it out anew.
    fn set_due(
        &self,
        case: &mut Case,
        promise: Option<&Promise>,
        position: u64,
        is_after_pause: bool,
    ) -> Result<(), FoldError> {
        let due = match (&self.what_if, promise) {
            (Some(what_if), Some(promise)) => {
                let (statutory, committed) = what_if.due(case, promise, is_after_pause, self.zone)?;
                (Some(statutory), Some(committed))
            }
            (None, Some(promise)) => (
                Some(promise.statutory_due.timestamp_micros()),
                Some(promise.committed_due.timestamp_micros()),
            ),
            (_, None) => (None, None),
        };
        (case.statutory_due, case.committed_due) = due;
        case.due_position = position;
        Ok(())
    }

    fn close(&self, case: &mut Case, entry: &CaseEntry, working_days: u32) {
        let at = self.micros(entry.occurred);
        case.stopped.get_or_insert(at);
        case.closed = Some(at);
        case.closed_position = Some(entry.position);
        case.is_turned_away = !matches!(entry.event, CaseEvent::Decided { .. });
        case.working_days = Some(self.working_days(case, working_days));
    }

    /// The working days as counted when it was closed; a what-if counts them anew.
    fn working_days(&self, case: &Case, counted: u32) -> u32 {
        self.what_if.as_ref().map_or(counted, |what_if| what_if.working_days(case, self.zone))
    }

    fn fold_case(&self, case: &mut Case, entry: &CaseEntry) -> Result<(), FoldError> {
        let at = self.micros(entry.occurred);
        let day = entry.occurred.date(self.zone);
        match &entry.event {
            CaseEvent::Received { .. } => {
                return Err(FoldError::new(format!("the case {} was received twice", entry.case)));
            }
            // The clock stands still from here on. A case that is closed while it's paused stopped when the
            // pause began.
            CaseEvent::SupplementRequested { .. } | CaseEvent::Suspended { .. } => {
                case.stopped.get_or_insert(at);
                if self.what_if.is_some() {
                    WhatIf::pause(case, day);
                }
            }
            CaseEvent::SupplementReceived { promise, .. } | CaseEvent::Resumed { promise, .. } => {
                case.stopped = None;
                if self.what_if.is_some() {
                    WhatIf::resume(case, day);
                }
                self.set_due(case, promise.as_ref(), entry.position, true)?;
            }
            CaseEvent::Assigned { by, .. } => case.unit.clone_from(&by.unit),
            CaseEvent::TakenUp { by } => {
                case.agency.clone_from(&by.agency);
                case.unit.clone_from(&by.unit);
            }
            CaseEvent::RefusedAtIntake { working_days, .. }
            | CaseEvent::Decided { working_days, .. }
            | CaseEvent::Withdrawn { working_days, .. } => self.close(case, entry, *working_days),
            CaseEvent::Rated { rating, .. } => {
                case.rating = Some(*rating);
                case.rating_position = Some(entry.position);
            }
            CaseEvent::Corrected { correction, promise, working_days, .. } => {
                match correction {
                    Correction::Channel { channel } => case.channel = Some(code_of(*channel)),
                    Correction::Procedure { procedure } => case.procedure = Some(procedure.clone()),
                    Correction::Received { occurred } => {
                        case.received = self.micros(*occurred);
                        case.received_position = entry.position;
                    }
                    Correction::Closed { occurred } => {
                        let closed = Some(self.micros(*occurred));
                        if case.stopped == case.closed {
                            case.stopped = closed;
                        }
                        case.closed = closed;
                        case.closed_position = Some(entry.position);
                    }
                    Correction::Due { .. } => {}
                }
                self.set_due(case, promise.as_ref(), entry.position, false)?;
                if let Some(days) = working_days {
                    case.working_days = Some(self.working_days(case, *days));
                }
            }
            CaseEvent::Accepted { .. }
            | CaseEvent::StepDone { .. }
            | CaseEvent::HandedOver { .. }
            | CaseEvent::DelayApologised { .. }
            | CaseEvent::ResultReturned { .. } => {}
        }
        Ok(())
    }
}

/// A mark that a case sets no more, or sets now.
struct Change {
    /// The agency and unit it counts for.
    place: (String, Option<String>),
    mark: Mark,
    sign: i64,
}

impl LeaderboardView {
    /// How the marks of a case differ from what they were.
    fn changes(before: Option<&Row>, after: Option<&Row>) -> Result<Vec<Change>, FoldError> {
        let of = |row: Option<&Row>| {
            let case = row.map(Case::from_row).transpose()?;
            Ok(case.map_or_else(Default::default, |case| (case.marks(), (case.agency, case.unit))))
        };
        let ((mut old, old_place), (mut new, new_place)) = (of(before)?, of(after)?);
        if old_place == new_place {
            let both: Vec<Mark> = old.iter().filter(|mark| new.contains(mark)).copied().collect();
            old.retain(|mark| !both.contains(mark));
            new.retain(|mark| !both.contains(mark));
        }
        let change =
            |place: &(String, Option<String>), mark, sign| Change { place: place.clone(), mark, sign };
        let gone = old.into_iter().map(|mark| change(&old_place, mark, -1));
        Ok(gone.chain(new.into_iter().map(|mark| change(&new_place, mark, 1))).collect())
    }
}

/// An event that can't be read, with what serde found.
fn not_read(error: &events::NotAnEvent) -> FoldError {
    FoldError::new(format!("{error}: {}", error.source))
}

/// A day without marks and steps.
fn empty_day() -> Row {
    vec![Value::Bytes(Vec::new()), Value::Int(0)]
}

impl View for LeaderboardView {
    const NAME: &'static str = "leaderboard";
    const VERSION: u32 = 6;
    const TABLES: &'static [Table] = &[
        case::TABLE,
        Table {
            name: "days",
            key: &[("day", Kind::Int), ("agency", Kind::Text), ("unit", Kind::Text)],
            columns: &[("marks", Kind::Bytes), ("steps", Kind::Int)],
            indexes: &[],
            history: History::Versions,
            spans: None,
        },
        Table {
            name: "months",
            key: &[("month", Kind::Int), ("agency", Kind::Text), ("unit", Kind::Text)],
            columns: &[
                (SUMS[0], Kind::Int),
                (SUMS[1], Kind::Int),
                (SUMS[2], Kind::Int),
                (SUMS[3], Kind::Int),
                (SUMS[4], Kind::Int),
                (SUMS[5], Kind::Int),
                (SUMS[6], Kind::Int),
                (SUMS[7], Kind::Int),
                (SUMS[8], Kind::Int),
                (SUMS[9], Kind::Int),
                (SUMS[10], Kind::Int),
                (SUMS[11], Kind::Int),
                (SUMS[12], Kind::Int),
                (SUMS[13], Kind::Int),
            ],
            indexes: &[],
            history: History::Versions,
            spans: None,
        },
        // How many cases closed in a month after so many working days.
        Table {
            name: "durations",
            key: &[
                ("month", Kind::Int),
                ("agency", Kind::Text),
                ("unit", Kind::Text),
                ("working_days", Kind::Int),
            ],
            columns: &[("cases", Kind::Int)],
            indexes: &[],
            history: History::Versions,
            spans: None,
        },
        Table {
            name: "steps",
            key: &[("day", Kind::Int), ("agency", Kind::Text), ("unit", Kind::Text)],
            columns: &[("positions", Kind::Positions)],
            indexes: &[],
            history: History::Positions,
            spans: None,
        },
        succession::TABLE,
        reports::TABLE,
        strata::TABLE,
        signs::ACTS_TABLE,
        signs::SIGNS_TABLE,
        signs::OFF_HOURS_TABLE,
        proceedings::TABLE,
        proceedings::STAFF_TABLE,
    ];
    const SUMMED: Option<usize> = Some(CASES);
    // Most cases come and go within so many positions, and are written once or twice.
    const BATCH: u64 = 262_144;
    type Event = Taken;

    fn filter(&self) -> Filter {
        let categories = [
            CaseEvent::CATEGORY,
            ReportEvent::CATEGORY,
            ProceedingEvent::CATEGORY,
            Agency::CATEGORY,
            Unit::CATEGORY,
            Official::CATEGORY,
        ];
        Filter { types: Vec::new(), categories: categories.map(str::to_owned).to_vec() }
    }

    fn read(&self, entry: &Entry) -> Result<Option<Taken>, FoldError> {
        let happened = entry.happened().map_err(FoldError::new)?;
        let body = match happened.category() {
            Agency::CATEGORY => BodyEntry::of_agency(happened.event().map_err(|e| not_read(&e))?),
            Unit::CATEGORY => BodyEntry::of_unit(happened.event().map_err(|e| not_read(&e))?),
            ReportEvent::CATEGORY => {
                let event = happened.event().map_err(|e| not_read(&e))?;
                let (position, occurred) = (entry.position, happened.occurred);
                let report = happened.key().to_owned();
                let is_counted = reports::counts(&event);
                let act = Act::of_report(&event, occurred, self.zone);
                let entry = ReportEntry { position, report, occurred, event, act };
                return Ok(is_counted.then(|| Taken(Of::Report(Box::new(entry)))));
            }
            ProceedingEvent::CATEGORY => {
                let event = happened.event().map_err(|e| not_read(&e))?;
                let (position, occurred) = (entry.position, happened.occurred);
                let proceeding = happened.key().to_owned();
                let entry = ProceedingEntry { position, proceeding, occurred, event };
                return Ok(Some(Taken(Of::Proceeding(Box::new(entry)))));
            }
            Official::CATEGORY => {
                let event = happened.event().map_err(|e| not_read(&e))?;
                return Ok(StaffEntry::of(event).map(|entry| Taken(Of::Staff(entry))));
            }
            _ => {
                let event = happened.event().map_err(|e| not_read(&e))?;
                // Nothing on a board depends on these.
                if let CaseEvent::Accepted { .. }
                | CaseEvent::HandedOver { .. }
                | CaseEvent::DelayApologised { .. }
                | CaseEvent::ResultReturned { .. } = event
                {
                    return Ok(None);
                }
                let (position, occurred) = (entry.position, happened.occurred);
                let times = (occurred, happened.recorded_at());
                let act = Act::of_case(&event, times, &happened.actor_role, self.zone);
                let case = CaseEntry { position, case: happened.key().to_owned(), occurred, event, act };
                return Ok(Some(Taken(Of::Case(case))));
            }
        };
        Ok(body.map(|body| Taken(Of::Body(body))))
    }

    fn keys(&self, taken: &mut Taken, keys: &mut Keys<'_>) {
        match &taken.0 {
            Of::Case(CaseEntry { event: CaseEvent::StepDone { by, .. }, occurred, .. }) => {
                let (day, month) = self.spans(*occurred);
                for (table, span) in [(STEPS, day), (DAYS, day), (MONTHS, month)] {
                    keys.add(table, span_key(span, &by.agency, by.unit.as_deref()));
                }
            }
            Of::Case(entry) => {
                keys.add(CASES, Case::key(&entry.case));
                entry.act.iter().for_each(|act| act.keys(CASES, keys));
            }
            Of::Report(entry) => {
                keys.add(REPORTS, reports::key(&entry.report));
                entry.act.iter().for_each(|act| act.keys(CASES, keys));
            }
            Of::Proceeding(entry) => keys.add(PROCEEDINGS, proceedings::key(&entry.proceeding)),
            Of::Staff(entry) => keys.add(STAFF, entry.key()),
            Of::Body(entry) => keys.add(BODIES, entry.key()),
        }
    }

    fn fold(&self, taken: Taken, rows: &mut Named<'_>) -> Result<(), FoldError> {
        let entry = match taken.0 {
            Of::Case(entry) => entry,
            Of::Report(entry) => return reports::fold(rows, *entry, self.zone),
            Of::Proceeding(entry) => return proceedings::fold(rows.change(0), *entry, self.zone),
            Of::Staff(entry) => {
                entry.fold(rows.change(0));
                return Ok(());
            }
            Of::Body(entry) => return entry.fold(rows.change(0)),
        };
        if let CaseEvent::StepDone { .. } = entry.event {
            return Self::fold_step(&entry, rows);
        }
        let slot = rows.change(0);
        let case = match slot {
            None => self.received(&entry)?,
            Some(row) => {
                let mut case = Case::from_row(row)?;
                self.fold_case(&mut case, &entry)?;
                case
            }
        };
        let due = case.committed_due;
        *slot = Some(case.into_row());
        entry.act.map_or(Ok(()), |act| act.fold((entry.position, due), 1, self.zone, rows))
    }

    fn sum_keys(&self, before: Option<&Row>, after: Option<&Row>, keys: &mut Keys<'_>) {
        let Ok(changes) = Self::changes(before, after) else { return };
        for Change { place: (agency, unit), mark, .. } in &changes {
            let (month, unit) = (mark.month(self.zone), unit.as_deref());
            keys.add(DAYS, span_key(mark.day(self.zone), agency, unit));
            keys.add(MONTHS, span_key(month, agency, unit));
            if mark.has(bit::CLOSED) {
                let days = i64::from(mark.working_days).into();
                let unit = unit.unwrap_or_default();
                keys.add(DURATIONS, Key::of([month.into(), agency.as_str().into(), unit.into(), days]));
            }
            if mark.has(bit::MIXED) {
                keys.add(MIX, span_key(month, agency, unit));
            }
        }
    }

    fn sum(&self, before: Option<&Row>, after: Option<&Row>, rows: &mut Named<'_>) -> Result<(), FoldError> {
        let mut number = 0;
        for Change { mark, sign, .. } in Self::changes(before, after)? {
            let slot = rows.change(number);
            let row = slot.get_or_insert_with(empty_day);
            let [Value::Bytes(bytes), Value::Int(steps)] = row.as_mut_slice() else {
                return Err(FoldError::new("a day has no marks"));
            };
            if !marks::change(bytes, mark, sign) {
                return Err(FoldError::new("a day lacks a mark that one of its cases set"));
            }
            if bytes.is_empty() && *steps == 0 {
                *slot = None;
            }
            add(rows.change(number + 1), sums(&mark), sign)?;
            number += 2;
            if mark.has(bit::CLOSED) {
                add(rows.change(number), [1], sign)?;
                number += 1;
            }
            if mark.has(bit::MIXED) {
                strata::change(rows.change(number), &mark, sign)?;
                number += 1;
            }
        }
        Ok(())
    }

    fn under(&self, calendar: Calendar) -> Option<Self> {
        Some(Self { zone: self.zone, what_if: Some(WhatIf { calendar }) })
    }
}
