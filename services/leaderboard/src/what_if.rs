//! Due times and working days under another calendar.

use chrono::{DateTime, Datelike as _, FixedOffset, NaiveDate, TimeZone as _};
use events::{
    delivery::{Basis, Promise},
    end_of_day,
};
use projection::FoldError;
use rulebook::{Calendar, Clock, Pause, clock};

use crate::case::Case;

/// Works out anew what the events hold as it was worked out then.
pub(crate) struct WhatIf {
    pub(crate) calendar: Calendar,
}

/// Bytes of a stored pause: its first and last day, counted from the year 1; 0 while it's open.
const BYTES: usize = 8;

fn out_of_range(_: impl std::error::Error) -> FoldError {
    FoldError::new("a due date under the other calendar can't be counted")
}

fn date(micros: i64, zone: FixedOffset) -> NaiveDate {
    DateTime::from_timestamp_micros(micros).unwrap_or_default().with_timezone(&zone).date_naive()
}

fn pauses(case: &Case) -> Vec<Pause> {
    let bytes = case.pauses.as_deref().unwrap_or_default();
    let pauses = bytes.as_chunks::<BYTES>().0.iter().filter_map(|bytes| {
        let day = |from: usize| i32::from_le_bytes(std::array::from_fn(|i| bytes[from + i]));
        let until = day(4);
        Some(Pause {
            from: NaiveDate::from_num_days_from_ce_opt(day(0))?,
            until: (until != 0).then(|| NaiveDate::from_num_days_from_ce_opt(until)).flatten(),
        })
    });
    pauses.collect()
}

impl WhatIf {
    /// The case is paused from a day on.
    pub(crate) fn pause(case: &mut Case, day: NaiveDate) {
        let bytes = case.pauses.get_or_insert_default();
        bytes.extend_from_slice(&day.num_days_from_ce().to_le_bytes());
        bytes.extend_from_slice(&0_i32.to_le_bytes());
    }

    /// The case goes on.
    pub(crate) fn resume(case: &mut Case, day: NaiveDate) {
        let bytes = case.pauses.get_or_insert_default();
        if let Some(until) = bytes.last_chunk_mut::<4>() {
            *until = day.num_days_from_ce().to_le_bytes();
        }
    }

    /// The statutory and the committed due time of a promise, in microseconds.
    pub(crate) fn due(
        &self,
        case: &Case,
        promise: &Promise,
        is_after_pause: bool,
        zone: FixedOffset,
    ) -> Result<(i64, i64), FoldError> {
        match &promise.basis {
            Basis::Terms { terms, .. } => {
                let due = |limit_working_days| {
                    let started = date(case.received, zone);
                    // A correction can come while the case is paused: that pause moves the due time when it ends.
                    let ended = pauses(case).into_iter().filter(|pause| pause.until.is_some());
                    let clock = Clock { started, limit_working_days, pauses: ended.collect() };
                    let due = clock.due(&self.calendar).map_err(out_of_range)?;
                    let due =
                        due.ok_or_else(|| FoldError::new("a promise was made while the case is paused"))?;
                    Ok(end_of_day(due, zone).timestamp_micros())
                };
                Ok((due(terms.statutory_working_days)?, due(terms.committed_working_days)?))
            }
            Basis::Explicit { due: given } => {
                let due = match case.committed_due {
                    Some(due) if is_after_pause => self.extend(due, pauses(case).last().copied(), zone)?,
                    // A correction of something else repeats the promise as it was extended.
                    Some(due) if promise.committed_due != *given => due,
                    _ => given.timestamp_micros(),
                };
                Ok((due, due))
            }
        }
    }

    /// A due time that was given, later by the working days paused.
    fn extend(&self, due: i64, pause: Option<Pause>, zone: FixedOffset) -> Result<i64, FoldError> {
        let Some(pause) = pause else { return Ok(due) };
        let local = DateTime::from_timestamp_micros(due).unwrap_or_default().with_timezone(&zone);
        let day = clock::extend(&self.calendar, local.date_naive(), pause).map_err(out_of_range)?;
        let moved = zone.from_local_datetime(&day.and_time(local.time())).single();
        Ok(moved.map_or(due, |moved| moved.timestamp_micros()))
    }

    /// Working days from receipt to close, pauses left out.
    pub(crate) fn working_days(&self, case: &Case, zone: FixedOffset) -> u32 {
        let started = date(case.received, zone);
        let clock = Clock { started, limit_working_days: u32::MAX, pauses: pauses(case) };
        case.closed.map_or(0, |closed| clock.elapsed(&self.calendar, date(closed, zone)))
    }
}
