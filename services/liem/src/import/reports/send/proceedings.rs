//! What came of findings: the proceedings of a report, sent once the report is on record.

use std::sync::atomic::Ordering::Relaxed;

use chrono::DateTime;
use proto::{
    discipline as pb,
    ledger::{Occurred, occurred::When},
};

use super::Sender;
use crate::import::call::{Refused, retried};
use crate::import::reports::PROCEEDING_DIFFERS;
use crate::import::reports::held::{Allegation, Outcome, Report, Told};
use crate::import::source::request_id;

impl Sender<'_> {
    /// Sends the proceedings of a report that is on record. One that is refused is its row's reject, and no other's.
    pub(super) async fn proceedings(
        &self,
        report: &Report,
        allegations: &[Allegation],
    ) -> anyhow::Result<()> {
        let mut client = self.connection.discipline();
        for (number, allegation) in (1..).zip(allegations) {
            let told = allegation.discipline.as_ref().and_then(|discipline| discipline.told.as_ref());
            let Some(told) = told else { continue };
            let request = self.import_proceeding(report, number, told);
            let answer = retried(async || {
                client.import_proceeding(request.clone()).await.map(|a| a.into_inner().recorded)
            });
            let (reason, message) = match answer.await {
                Ok(recorded) => {
                    self.position.fetch_max(recorded.position, Relaxed);
                    let counts = &self.proceedings;
                    let counter = if recorded.repeated { &counts.repeated } else { &counts.new };
                    counter.fetch_add(1, Relaxed);
                    continue;
                }
                Err(Refused::Refusal { reason, .. }) if reason == "REQUEST_ID_REUSED" => {
                    self.proceedings.differing.fetch_add(1, Relaxed);
                    let text = "an earlier import recorded this proceeding otherwise: that stays";
                    (PROCEEDING_DIFFERS.to_owned(), text.to_owned())
                }
                Err(Refused::Refusal { reason, message }) => {
                    // It was opened otherwise than by an import.
                    let differs = reason == "PROCEEDING_EXISTS";
                    self.proceedings.differing.fetch_add(differs.into(), Relaxed);
                    (reason, message)
                }
                Err(Refused::Unreachable(status)) => return Err(status.into()),
            };
            self.reject([allegation.place], &reason, &message)?;
        }
        Ok(())
    }

    /// The same finding of the same report gives the same request id, whatever came of it.
    fn import_proceeding(&self, report: &Report, number: i32, told: &Told) -> pb::ImportProceedingRequest {
        let register = self.register;
        let decision = |outcome: &Outcome| pb::Decision {
            result: outcome.result.into(),
            form: register.text(outcome.form).to_owned(),
            source_outcome: register.text(outcome.word).to_owned(),
        };
        let date = |date: Option<chrono::NaiveDate>| date.map(|date| date.to_string()).unwrap_or_default();
        let allegation = number.to_string();
        let parts = ["import proceeding", register.source.as_str(), &report.id, &allegation];
        // A finding in a report that goes on has no day of its own: it isn't put before what is told of the report.
        let said = &report.said;
        let told_on = said.closed.or(said.opened).or(said.received);
        pb::ImportProceedingRequest {
            command: Some(pb::Command {
                request_id: request_id(DateTime::UNIX_EPOCH, &parts).to_string(),
                occurred: Some(Occurred { when: Some(When::On(date(told_on))) }),
                ..pb::Command::default()
            }),
            origin_stream: format!("conduct.report/{}:{}", register.source, report.id),
            allegation: number,
            person_class: told.class.into(),
            recommended: told.recommended.as_ref().map(decision),
            decision: Some(decision(&told.outcome)),
            decision_date: date(told.decided),
            jurisdiction: String::new(),
        }
    }
}
