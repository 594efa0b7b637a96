//! What comes after a case was closed.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use proto::{
    delivery::{Channel, CorrectionReason, correct_case_request::Correction},
    ledger::{Occurred, occurred::When},
    timestamp_to,
};

use super::{
    Action, Planned,
    hours::{DAY, zone},
    life::Life,
};

// How often things happen, of a thousand cases.
const FETCHED: u64 = 980;
const RATED: u64 = 300;
const CORRECTED: u64 = 5;

/// How the handling of a case came to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    RefusedAtIntake,
    Withdrawn,
    Decided,
}

impl Life<'_, '_> {
    /// What comes after the close, up to a reopening.
    pub(super) fn afterwards(&mut self, end: End, arrived: DateTime<Utc>) -> Option<()> {
        let [.., before, closed] = &self.planned[..] else { return None };
        let (before, closed) = (before.at, closed.at);
        if end == End::Decided {
            self.return_result()?;
        }
        if self.rng.chance(RATED) {
            let rating = self.rating(end);
            self.rate(rating)?;
        }
        if self.rng.chance(CORRECTED) {
            let correction = self.correction(arrived, before, closed);
            let reasons = [
                CorrectionReason::EntryMistake,
                CorrectionReason::SystemFault,
                CorrectionReason::LateEvidence,
            ];
            let reason = *self.rng.pick(&reasons);
            let in_seconds = self.rng.between(DAY, 5 * DAY);
            let official = self.clerk();
            self.push(self.work + in_seconds, official, Action::Correct { reason, correction })?;
        }
        Some(())
    }

    pub(super) fn return_result(&mut self) -> Option<()> {
        if !self.rng.chance(FETCHED) {
            return Some(());
        }
        let most = if self.channel == Channel::Online { 1_800 } else { 2 * DAY };
        let in_seconds = self.rng.between(60, most);
        let official = self.clerk();
        self.push(self.work + in_seconds, official, Action::ReturnResult)
    }

    /// From 1 to 5: by the agency, and worse for a delay or a refusal.
    fn rating(&mut self, end: End) -> i32 {
        let delay = if self.is_late { 10 } else { 0 };
        let refusal = if end == End::RefusedAtIntake { 8 } else { 0 };
        let tenths = self.agency.rating_tenths + self.rng.around(0, 30);
        let tenths = tenths.saturating_sub(15 + delay + refusal);
        i32::try_from((tenths + 5) / 10).unwrap_or(5).clamp(1, 5)
    }

    /// The person served rates the case some days later, whether that is a working day or not.
    fn rate(&mut self, rating: i32) -> Option<()> {
        let days = self.rng.between(1, 10);
        let seconds = self.rng.between(7 * 3_600, 21 * 3_600);
        let closed = self.planned.last()?.at.with_timezone(&zone()).date_naive();
        let day = closed + chrono::Days::new(days);
        if day > self.province.end {
            return None;
        }
        let midnight = (day.and_time(NaiveTime::MIN) - zone()).and_utc();
        let at = midnight + TimeDelta::seconds(i64::try_from(seconds).ok()?);
        self.planned.push(Planned { at, agency: "", official: "", action: Action::Rate(rating) });
        self.work = self.work.max(self.hours.work_from(at));
        Some(())
    }

    fn correction(
        &mut self,
        arrived: DateTime<Utc>,
        before: DateTime<Utc>,
        closed: DateTime<Utc>,
    ) -> Correction {
        let occurred = |time| Occurred { when: Some(When::At(timestamp_to(time))) };
        match self.rng.below(3) {
            0 => Correction::ReceiveOccurred(occurred(
                arrived - (closed - arrived).min(TimeDelta::minutes(20)),
            )),
            1 => Correction::CloseOccurred(occurred(closed - (closed - before) / 2)),
            _ if self.channel == Channel::Counter => Correction::Channel(Channel::Post.into()),
            _ => Correction::Channel(Channel::Counter.into()),
        }
    }
}
