//! Between the contract and the directory.

use std::{collections::BTreeMap, ops::Bound};

use chrono::{Datelike as _, NaiveDate};
use events::directory::{
    self as events_of, Body, Directory, Leadership, OfficialCategory, OfficialRecord, PostRecord,
    ProcedureRecord, Status,
};
use identity::{Caller, Role};
use proto::{
    Failure, date_from,
    directory::{self as pb},
    ledger::ErrorReason as Shared,
    page_size_from,
};

/// A limit in working days, at most: about forty years.
const WORKING_DAYS_MAX: u32 = 10_000;

/// A name: up to 200 characters, no control characters.
pub(super) fn name(field: &str, text: &str) -> Result<String, Failure> {
    if text.chars().count() > 200 || text.chars().any(char::is_control) {
        return Err(Failure::field(field, "give at most 200 characters, without control characters"));
    }
    Ok(text.to_owned())
}

pub(super) fn terms(terms: &pb::Terms) -> Result<events_of::Terms, Failure> {
    let (statutory, committed) = (terms.statutory_working_days, terms.committed_working_days);
    if statutory == 0 || statutory > WORKING_DAYS_MAX {
        return Err(Failure::field("terms.statutory_working_days", "give 1 to 10,000 working days"));
    }
    if committed == 0 || committed > statutory {
        let problem = "give at least 1 and at most the statutory working days";
        return Err(Failure::field("terms.committed_working_days", problem));
    }
    Ok(events_of::Terms {
        effective_date: date_from("terms.effective_date", &terms.effective_date)?,
        statutory_working_days: statutory,
        committed_working_days: committed,
    })
}

/// A date of the years a calendar can be declared for.
pub(super) fn calendar_date(field: &str, text: &str) -> Result<NaiveDate, Failure> {
    let date = date_from(field, text)?;
    if (1900..=2200).contains(&date.year()) {
        Ok(date)
    } else {
        Err(Failure::field(field, "give a date of the years 1900 to 2200"))
    }
}

pub(super) fn leadership(leadership: pb::Leadership) -> Leadership {
    match leadership {
        pb::Leadership::Unspecified | pb::Leadership::None => Leadership::None,
        pb::Leadership::Deputy => Leadership::Deputy,
        pb::Leadership::Head => Leadership::Head,
    }
}

pub(super) fn category(category: pb::OfficialCategory) -> Result<OfficialCategory, Failure> {
    Ok(match category {
        pb::OfficialCategory::Unspecified => {
            return Err(Failure::field("official.category", "say what the official is by law"));
        }
        pb::OfficialCategory::Cadre => OfficialCategory::Cadre,
        pb::OfficialCategory::CivilServant => OfficialCategory::CivilServant,
        pb::OfficialCategory::PublicEmployee => OfficialCategory::PublicEmployee,
    })
}

disclosure::conversions!(proto::directory);

/// How a caller sees the directory on a day.
pub(super) struct Shown<'a> {
    pub(super) directory: &'a Directory,
    pub(super) caller: &'a Caller,
    pub(super) today: NaiveDate,
}

impl Shown<'_> {
    /// Those who head a body today, for callers who work for the state.
    fn heads(&self, body: Body<'_>) -> Vec<String> {
        if !matches!(self.caller.role, Role::Agency | Role::Official | Role::Inspector | Role::Administrator)
        {
            return Vec::new();
        }
        let mut periods = self.directory.heads_by_period(body);
        periods.retain(|p| p.from <= self.today && p.until.is_none_or(|until| self.today <= until));
        periods.into_iter().map(|period| period.official.to_owned()).collect()
    }

    pub(super) fn agency(&self, code: &str, record: &events_of::AgencyRecord) -> pb::Agency {
        pb::Agency {
            code: code.to_owned(),
            name_vi: record.names.vi.clone(),
            name_en: record.names.en.clone(),
            status: status(&record.status).into(),
            merged_into: record.status.merged_into().unwrap_or_default().to_owned(),
            effective_date: date(record.status.ended()),
            heads: self.heads(Body::Agency(code)),
        }
    }

    pub(super) fn unit(&self, code: &str, record: &events_of::UnitRecord) -> pb::Unit {
        pb::Unit {
            code: code.to_owned(),
            agency: record.agency.clone(),
            name_vi: record.names.vi.clone(),
            name_en: record.names.en.clone(),
            status: status(&record.status).into(),
            merged_into: record.status.merged_into().unwrap_or_default().to_owned(),
            effective_date: date(record.status.ended()),
            heads: self.heads(Body::Unit(code)),
        }
    }
}

fn status(status: &Status) -> pb::BodyStatus {
    match status {
        Status::Open => pb::BodyStatus::Open,
        Status::MergedInto { .. } => pb::BodyStatus::Merged,
        Status::Closed { .. } => pb::BodyStatus::Closed,
    }
}

/// A date, empty for none.
fn date(date: Option<NaiveDate>) -> String {
    date.map_or_else(String::new, |date| date.to_string())
}

pub(super) fn post(code: &str, post: &PostRecord) -> pb::Post {
    let leadership = match post.leadership {
        Leadership::None => pb::Leadership::None,
        Leadership::Deputy => pb::Leadership::Deputy,
        Leadership::Head => pb::Leadership::Head,
    };
    pb::Post {
        code: code.to_owned(),
        agency: post.agency.clone(),
        unit: post.unit.clone().unwrap_or_default(),
        leadership: leadership.into(),
        closed_date: date(post.closed),
    }
}

pub(super) fn official(id: &str, official: &OfficialRecord, name: pb::NameState) -> pb::Official {
    let category = match official.category {
        OfficialCategory::Cadre => pb::OfficialCategory::Cadre,
        OfficialCategory::CivilServant => pb::OfficialCategory::CivilServant,
        OfficialCategory::PublicEmployee => pb::OfficialCategory::PublicEmployee,
    };
    let appointments = official.appointments.iter().map(|held| pb::Appointment {
        post: held.post.clone(),
        from_date: held.from.to_string(),
        until_date: date(held.until),
    });
    pb::Official {
        id: id.to_owned(),
        agency: official.agency.clone(),
        unit: official.unit.clone().unwrap_or_default(),
        category: category.into(),
        party_member: official.party_member,
        appointments: appointments.collect(),
        left_date: date(official.left),
        name_state: name.into(),
    }
}

/// Who headed a body, by period.
pub(super) fn head_periods(directory: &Directory, body: Body<'_>) -> Vec<pb::HeadPeriod> {
    let periods = directory.heads_by_period(body).into_iter().map(|period| pb::HeadPeriod {
        official: period.official.to_owned(),
        post: period.post.to_owned(),
        from_date: period.from.to_string(),
        until_date: date(period.until),
    });
    periods.collect()
}

pub(super) fn procedure(code: &str, procedure: &ProcedureRecord) -> pb::Procedure {
    let terms = procedure.terms.iter().map(|t| pb::Terms {
        effective_date: t.effective_date.to_string(),
        statutory_working_days: t.statutory_working_days,
        committed_working_days: t.committed_working_days,
    });
    pb::Procedure {
        code: code.to_owned(),
        name_vi: procedure.names.vi.clone(),
        name_en: procedure.names.en.clone(),
        fields: procedure.fields.clone(),
        terms: terms.collect(),
    }
}

/// Rows of a page, by code, and the token of the next one.
pub(super) type Page<'a, T> = (Vec<(&'a String, &'a T)>, String);

/// A page of a sorted map past the code in `token`, and the token of the next page.
pub(super) fn page<'a, T>(
    map: &'a BTreeMap<String, T>,
    size: i32,
    token: &str,
    keep: impl Fn(&T) -> bool,
) -> Result<Page<'a, T>, Failure> {
    let limit = page_size_from(size)?;
    let start = if token.is_empty() { Bound::Unbounded } else { Bound::Excluded(token.to_owned()) };
    if !token.is_empty() && !map.contains_key(token) {
        return Err(Failure::new(Shared::PageTokenInvalid, "the page token is not one that this list gave"));
    }
    let mut rest = map.range((start, Bound::Unbounded)).filter(|(_, value)| keep(value));
    let rows: Vec<_> = rest.by_ref().take(limit).collect();
    let next = rest.next().and(rows.last()).map_or_else(String::new, |(code, _)| (*code).clone());
    Ok((rows, next))
}
