//! From the rows of a case to the case.

use std::collections::HashMap;

use super::flag::Flag;
use super::ids::{request_id, row_id};
use super::stored::StoredRow;
use super::{SourceCase, SourceRow};
use crate::import::mapping::{CaseMapping, Channel, Field, Role, code};
use crate::import::time::When;

/// Gives a unit its name, from the agency and the source's code.
pub(super) type NameUnit<'n> = &'n mut dyn FnMut(&str, &str) -> String;

/// Makes the cases of rows that share a key, in the order of their lines: one case, or, where the file has no
/// cases, one for each row.
pub(super) fn cases(
    rows: Vec<StoredRow<'_>>,
    mapping: &CaseMapping,
    name_unit: NameUnit<'_>,
) -> Vec<SourceCase> {
    if mapping.field(Role::Case).is_some() {
        return vec![case(rows, 0, mapping, name_unit)];
    }
    let mut cases = Vec::new();
    for (repeats, mut row) in (0..).zip(rows) {
        if repeats > 0 {
            // The same row again is another case.
            row.key = format!("{}-{}", row.key, repeats + 1).into();
        }
        cases.push(case(vec![row], repeats, mapping, name_unit));
    }
    cases
}

/// Makes one case; `repeats` rows with the same content are in others.
fn case(
    mut rows: Vec<StoredRow<'_>>,
    repeats: u32,
    mapping: &CaseMapping,
    name_unit: NameUnit<'_>,
) -> SourceCase {
    let zone = mapping.form.zone;
    let said = Attributes::gather(&mut rows);
    let absent = |role| mapping.field(role).and_then(Field::absent);
    let absent_time = |role| absent(role).and_then(|text| mapping.form.when(text).ok());
    let agency = match said.agency.or(absent(Role::Agency)) {
        Some(agency) => agency.to_owned(),
        None => code::agency_of_source(&mapping.form.source),
    };

    rows.sort_by_key(|row| (row.time.instant(zone), row.line));
    let start = said.start.or_else(|| absent_time(Role::Start)).unwrap_or(rows[0].time);
    let closing = || {
        let closes = |row: &&StoredRow<'_>| {
            row.activity.is_some_and(|activity| mapping.closing_activities.contains(activity))
        };
        rows.iter().find(closes).map(|row| row.time)
    };
    let end = said.end.or_else(|| absent_time(Role::End)).or_else(closing);

    // A unit belongs to the agency its own row names; the holder of a case is one of the case's agency.
    let of_row = |row: &StoredRow<'_>| row.agency.unwrap_or(&agency).to_owned();
    let first = || rows.iter().filter(|row| of_row(row) == agency).find_map(|row| row.unit);
    let holder = said.case_unit.or(absent(Role::CaseUnit)).or_else(first);
    let case_unit = holder.map(|unit| name_unit(&agency, unit));

    let key = rows[0].key.clone().into_owned();
    let mut ordinals: HashMap<[u8; 16], u32> = HashMap::new();
    let source_rows = rows
        .iter()
        .map(|row| {
            let mut flags = row.flags;
            if row.time.compare(start, zone).is_lt() {
                flags.set(Flag::BeforeStart);
            }
            if end.is_some_and(|end| row.time.compare(end, zone).is_gt()) {
                flags.set(Flag::AfterEnd);
            }
            let ordinal = ordinals.entry(row.content).or_insert(repeats);
            let id = row_id(row.time.instant(zone), row.content, *ordinal);
            *ordinal += 1;
            SourceRow {
                line: row.line,
                id,
                time: row.time,
                activity: row.activity.map(str::to_owned),
                official: row.official.as_deref().map(str::to_owned),
                unit: row.unit.map(|unit| name_unit(&of_row(row), unit)),
                flags,
            }
        })
        .collect();

    let id = |what, at: When| request_id(at.instant(zone), &[what, &mapping.form.source, &key]);
    SourceCase {
        // Not by its start: where that derives from the rows, a file with other rows of the case means the
        // same receipt, and has to meet it.
        receive_id: request_id(chrono::DateTime::UNIX_EPOCH, &["receive", &mapping.form.source, &key]),
        close_id: end.map(|end| id("close", end)),
        agency,
        case_unit,
        channel: said.channel.or_else(|| absent(Role::Channel).and_then(Channel::parse)),
        procedure: said.procedure.or(absent(Role::Procedure)).map(str::to_owned),
        deadline: said.deadline.or_else(|| absent_time(Role::Deadline)),
        start,
        end,
        rows: source_rows,
        key,
    }
}

/// What rows say about their case.
#[derive(Default)]
struct Attributes<'a> {
    agency: Option<&'a str>,
    case_unit: Option<&'a str>,
    channel: Option<Channel>,
    procedure: Option<&'a str>,
    deadline: Option<When>,
    start: Option<When>,
    end: Option<When>,
}

impl<'a> Attributes<'a> {
    /// The first row to say something holds; one that says something else later is flagged.
    fn gather(rows: &mut [StoredRow<'a>]) -> Self {
        let mut said = Self::default();
        for row in rows {
            let conflicts = [
                differs(&mut said.agency, row.agency),
                differs(&mut said.case_unit, row.case_unit),
                differs(&mut said.channel, row.channel),
                differs(&mut said.procedure, row.procedure),
                differs(&mut said.deadline, row.deadline),
                differs(&mut said.start, row.start),
                differs(&mut said.end, row.end),
            ];
            if conflicts.contains(&true) {
                row.flags.set(Flag::AttributeConflict);
            }
        }
        said
    }
}

/// Keeps the first value; true if a later one is another.
fn differs<T: PartialEq + Copy>(first: &mut Option<T>, later: Option<T>) -> bool {
    match (*first, later) {
        (Some(first), Some(later)) => first != later,
        (None, later) => {
            *first = later;
            false
        }
        (Some(_), None) => false,
    }
}
