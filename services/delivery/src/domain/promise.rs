//! Due times: worked out when a case is received, and anew when its clocks go on after a pause.

use chrono::{DateTime, NaiveDate, TimeZone as _, Utc};
use events::{
    Occurred,
    delivery::{Basis, Promise},
    directory::Terms,
    end_of_day,
};
use rulebook::{Clock, Pause};

use super::{CaseState, Due, Refusal, Rules};

impl Rules {
    /// The promise to a case received on a day.
    pub(super) fn promise(&self, received: Occurred, due: &Due) -> Result<Option<Promise>, Refusal> {
        match due {
            Due::None => Ok(None),
            Due::Explicit(due) => {
                if due.timestamp_micros() < received.earliest_micros(self.zone) {
                    return Err(Refusal::DueBeforeReceipt);
                }
                Ok(Some(explicit(*due, *due)))
            }
            Due::Terms(terms) => self.by_terms(*terms, received.date(self.zone), &[]).map(Some),
        }
    }

    /// The promise once the clocks of a case go on.
    pub(super) fn promise_after_pause(
        &self,
        state: &CaseState,
        resumed: Occurred,
    ) -> Result<Option<Promise>, Refusal> {
        let (Some(promise), Some(received)) = (&state.promise, state.received) else { return Ok(None) };
        let pauses = self.pauses(state, Some(resumed));
        match promise.basis {
            Basis::Terms { terms, .. } => self.by_terms(terms, received.date(self.zone), &pauses).map(Some),
            Basis::Explicit { due: given } => {
                let Some(pause) = pauses.last() else { return Ok(Some(promise.clone())) };
                let local = promise.committed_due.with_timezone(&self.zone);
                let day = rulebook::clock::extend(&self.calendar, local.date_naive(), *pause)
                    .map_err(|_out_of_range| Refusal::DateOutOfRange)?;
                let moved = self.zone.from_local_datetime(&day.and_time(local.time())).single();
                let due = moved.ok_or(Refusal::DateOutOfRange)?.with_timezone(&Utc);
                Ok(Some(explicit(given, due)))
            }
        }
    }

    /// The promise by a procedure's terms, for a case received on `day` and paused since.
    pub(super) fn by_terms(
        &self,
        terms: Terms,
        day: NaiveDate,
        pauses: &[Pause],
    ) -> Result<Promise, Refusal> {
        let due = |limit_working_days| {
            let clock = Clock { started: day, limit_working_days, pauses: pauses.to_vec() };
            let due = clock.due(&self.calendar).map_err(|_out_of_range| Refusal::DateOutOfRange)?;
            Ok(end_of_day(due.ok_or(Refusal::Paused)?, self.zone))
        };
        Ok(Promise {
            statutory_due: due(terms.statutory_working_days)?,
            committed_due: due(terms.committed_working_days)?,
            basis: Basis::Terms {
                terms,
                calendar: self.calendar_version.clone(),
                directory_position: self.directory_position,
            },
        })
    }

    /// Working days from receipt to an end, pauses left out.
    pub(super) fn working_days(&self, state: &CaseState, received: Occurred, end: Occurred) -> u32 {
        let pauses = self.pauses(state, None);
        let clock = Clock { started: received.date(self.zone), limit_working_days: u32::MAX, pauses };
        clock.elapsed(&self.calendar, end.date(self.zone))
    }

    /// The pauses of a case; one that is open ends with `resumed`.
    pub(super) fn pauses(&self, state: &CaseState, resumed: Option<Occurred>) -> Vec<Pause> {
        let pauses = state.pauses.iter().map(|paused| Pause {
            from: paused.from.date(self.zone),
            until: paused.until.or(resumed).map(|until| until.date(self.zone)),
        });
        pauses.collect()
    }
}

/// A promise by a due time that came with the case.
pub(super) fn explicit(given: DateTime<Utc>, due: DateTime<Utc>) -> Promise {
    Promise { statutory_due: due, committed_due: due, basis: Basis::Explicit { due: given } }
}
