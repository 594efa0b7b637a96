//! What depends on several things of the directory: judged by the directory as it stands.

use chrono::NaiveDate;
use events::directory::{Body, Directory, Leadership, Status};

use super::{
    Refusal,
    people::{after, not_before},
};

/// The agency is there, and neither merged nor closed.
fn agency_open(directory: &Directory, agency: &str) -> Result<(), Refusal> {
    check_agency(directory, agency, Status::is_open)
}

/// The agency was there on a day.
fn agency_open_on(directory: &Directory, agency: &str, day: NaiveDate) -> Result<(), Refusal> {
    check_agency(directory, agency, |status| status.is_open_on(day))
}

fn check_agency(
    directory: &Directory,
    agency: &str,
    is_open: impl Fn(&Status) -> bool,
) -> Result<(), Refusal> {
    let record = directory.agencies.get(agency).ok_or_else(|| Refusal::AgencyUnknown(agency.to_owned()))?;
    match record.status.ended().filter(|_| !is_open(&record.status)) {
        None => Ok(()),
        Some(date) => {
            let into = Some(directory.successor(agency)).filter(|into| *into != agency).map(str::to_owned);
            Err(Refusal::AgencyClosed { code: agency.to_owned(), date, into })
        }
    }
}

/// The unit is there, and neither merged nor closed; with `agency` one of that agency, or of one that was merged
/// into it.
fn unit_open(directory: &Directory, unit: &str, agency: Option<&str>) -> Result<(), Refusal> {
    check_unit(directory, unit, agency, Status::is_open)
}

/// The unit was there on a day.
fn unit_open_on(
    directory: &Directory,
    unit: &str,
    agency: Option<&str>,
    day: NaiveDate,
) -> Result<(), Refusal> {
    check_unit(directory, unit, agency, |status| status.is_open_on(day))
}

fn check_unit(
    directory: &Directory,
    unit: &str,
    agency: Option<&str>,
    is_open: impl Fn(&Status) -> bool,
) -> Result<(), Refusal> {
    let record = directory.units.get(unit).ok_or_else(|| Refusal::UnitUnknown(unit.to_owned()))?;
    if let Some(date) = record.status.ended().filter(|_| !is_open(&record.status)) {
        let into = Some(directory.unit_successor(unit)).filter(|into| *into != unit).map(str::to_owned);
        return Err(Refusal::UnitClosed { code: unit.to_owned(), date, into });
    }
    if agency.is_some_and(|agency| !directory.agency_mergers.succeeds(agency, &record.agency)) {
        return Err(Refusal::UnitOfOtherAgency { unit: unit.to_owned(), agency: record.agency.clone() });
    }
    Ok(())
}

/// An agency or unit ends on a day that has come, and not before what was merged into it, nor before its head's
/// first day; the one that answers for it, where there is one, is there.
pub(crate) fn ends(
    directory: &Directory,
    body: Body<'_>,
    into: Option<&str>,
    date: NaiveDate,
    today: NaiveDate,
) -> Result<(), Refusal> {
    if date > today {
        return Err(Refusal::DateInFuture { date });
    }
    let merged_before = |statuses: &mut dyn Iterator<Item = &Status>, code: &str| {
        statuses.filter(|status| status.merged_into() == Some(code)).filter_map(Status::ended).max()
    };
    let last = match body {
        Body::Agency(code) => merged_before(&mut directory.agencies.values().map(|a| &a.status), code),
        Body::Unit(code) => merged_before(&mut directory.units.values().map(|u| &u.status), code),
    };
    not_before(date, last)?;
    after(date, directory.heads_by_period(body).last().map(|period| period.from))?;
    match (body, into) {
        // The aggregate says that it can't be merged into itself.
        (Body::Agency(code) | Body::Unit(code), Some(into)) if code == into => Ok(()),
        (Body::Agency(_), Some(into)) => agency_open(directory, into),
        (Body::Unit(_), Some(into)) => unit_open(directory, into, None),
        (_, None) => Ok(()),
    }
}

/// A unit is of an agency that is there; a second one of its code is for the aggregate to refuse.
pub(crate) fn unit_opened(directory: &Directory, unit: &str, agency: &str) -> Result<(), Refusal> {
    if directory.units.contains_key(unit) { Ok(()) } else { agency_open(directory, agency) }
}

/// An official is registered with an agency that is there; a second one of the id is for the aggregate to refuse.
pub(crate) fn registered(directory: &Directory, official: &str, agency: &str) -> Result<(), Refusal> {
    if directory.officials.contains_key(official) { Ok(()) } else { agency_open(directory, agency) }
}

/// A post is of an agency and unit that are there; a second one of its code is for the aggregate to refuse.
pub(crate) fn post_defined(
    directory: &Directory,
    post: &str,
    agency: &str,
    unit: Option<&str>,
) -> Result<(), Refusal> {
    if directory.posts.contains_key(post) {
        return Ok(());
    }
    agency_open(directory, agency)?;
    unit.map_or(Ok(()), |unit| unit_open(directory, unit, Some(agency)))
}

/// A post ends after the first day of whoever holds it.
pub(crate) fn post_closed(directory: &Directory, post: &str, date: NaiveDate) -> Result<(), Refusal> {
    after(date, last_appointed(directory, post, None))
}

/// A post that an official is appointed to was there on their first day; a head's first day is after that of the
/// head before.
pub(crate) fn appointed(
    directory: &Directory,
    official: &str,
    post: &str,
    from: NaiveDate,
) -> Result<(), Refusal> {
    let record = directory.posts.get(post).ok_or_else(|| Refusal::PostUnknown(post.to_owned()))?;
    if let Some(date) = record.closed.filter(|closed| from >= *closed) {
        return Err(Refusal::PostClosed { post: post.to_owned(), date });
    }
    agency_open_on(directory, &record.agency, from)?;
    if let Some(unit) = &record.unit {
        unit_open_on(directory, unit, None, from)?;
    }
    if record.leadership == Leadership::Head {
        after(from, last_appointed(directory, post, Some(official)))?;
    }
    Ok(())
}

/// An official moves to an agency and unit that were there on the first day.
pub(crate) fn moved(
    directory: &Directory,
    agency: &str,
    unit: Option<&str>,
    from: NaiveDate,
) -> Result<(), Refusal> {
    agency_open_on(directory, agency, from)?;
    unit.map_or(Ok(()), |unit| unit_open_on(directory, unit, Some(agency), from))
}

/// The first day of the last appointment to a post, but for one official's.
fn last_appointed(directory: &Directory, post: &str, but: Option<&str>) -> Option<NaiveDate> {
    let holders = directory.posts.get(post).into_iter().flat_map(|record| &record.holders);
    let others = holders.filter(|holder| but != Some(holder.as_str()));
    let held = others.filter_map(|holder| directory.officials.get(holder)).flat_map(|o| &o.appointments);
    held.filter(|held| held.post == post).map(|held| held.from).max()
}
