//! Sending what was read: many cases in flight, the commands of each in order.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use anyhow::Context as _;
use chrono::{DateTime, FixedOffset};
use csv::ByteRecord;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use indicatif::ProgressBar;
use proto::{
    delivery as dl, directory as dir,
    ledger::{Occurred, Recorded, occurred::When as Told},
    timestamp_to,
};
use uuid::Uuid;

use super::{
    call::{self, Refused, retried, run},
    mapping::Channel,
    source::{Rejects, Source, SourceCase, SourceRow, Survey, request_id},
    time::When,
};
use crate::client::Connection;

/// What became of what was sent.
pub(super) struct Sent {
    /// Events of cases that were recorded now.
    pub(super) appended: u64,
    /// Commands that had been recorded before.
    pub(super) repeated: u64,
    /// Rows that were recorded as steps, now or before.
    pub(super) steps: u64,
    /// Agencies, units, procedures and steps that were registered now.
    pub(super) registered: u64,
    /// Cases flagged here, beside the rows that were flagged when they were read.
    pub(super) flagged: u64,
    /// Cases whose deadline lies before their start: they go in without.
    pub(super) deadline_before_start: u64,
    /// Cases whose close was refused: they stay open.
    pub(super) close_refused: u64,
    /// Cases that an earlier import recorded with other attributes: those stay.
    pub(super) case_differs: u64,
    /// Rows that name no activity: they tell of their case, and are no steps.
    pub(super) without_activity: u64,
    pub(super) rejects: Rejects,
    /// The newest position that an answer named.
    pub(super) position: u64,
}

#[derive(Default)]
struct Counts {
    appended: AtomicU64,
    repeated: AtomicU64,
    steps: AtomicU64,
    registered: AtomicU64,
    deadline_before_start: AtomicU64,
    close_refused: AtomicU64,
    case_differs: AtomicU64,
    without_activity: AtomicU64,
    position: AtomicU64,
}

struct Sender {
    connection: Connection,
    counts: Counts,
    rejects: Mutex<Rejects>,
    survey: Survey,
    zone: FixedOffset,
}

/// Registers what the cases name, then sends the cases.
pub(super) async fn send(
    connection: &Connection,
    source: Source,
    rejects: Rejects,
    in_flight: usize,
    bar: &ProgressBar,
) -> anyhow::Result<Sent> {
    let sender = Arc::new(Sender {
        connection: connection.clone(),
        counts: Counts::default(),
        rejects: Mutex::new(rejects),
        survey: source.survey().clone(),
        zone: source.zone(),
    });
    sender.register(in_flight).await?;

    // One thread reads cases; the channel is short, so that it reads no further than needed.
    let (cases, mut read) = tokio::sync::mpsc::channel(in_flight);
    let reading = tokio::task::spawn_blocking(move || -> anyhow::Result<()> {
        for case in source.cases() {
            if cases.blocking_send(case?).is_err() {
                break;
            }
        }
        Ok(())
    });
    let lanes = stream::poll_fn(|cx| read.poll_recv(cx)).map(Ok::<SourceCase, anyhow::Error>);
    lanes
        .try_for_each_concurrent(in_flight, |case| {
            let sender = sender.clone();
            async move {
                sender.case(&case).await?;
                bar.inc(1);
                Ok(())
            }
        })
        .await?;
    reading.await.context("reading the cases failed")??;

    let Some(Sender { counts, rejects, .. }) = Arc::into_inner(sender) else {
        anyhow::bail!("a lane is still sending");
    };
    let mut rejects = rejects.into_inner().unwrap_or_else(PoisonError::into_inner);
    rejects.flush()?;
    let deadline_before_start = counts.deadline_before_start.into_inner();
    let close_refused = counts.close_refused.into_inner();
    let case_differs = counts.case_differs.into_inner();
    Ok(Sent {
        appended: counts.appended.into_inner(),
        repeated: counts.repeated.into_inner(),
        steps: counts.steps.into_inner(),
        registered: counts.registered.into_inner(),
        flagged: deadline_before_start + close_refused + case_differs,
        deadline_before_start,
        close_refused,
        case_differs,
        without_activity: counts.without_activity.into_inner(),
        rejects,
        position: counts.position.into_inner(),
    })
}

impl Sender {
    /// Registers the agencies, units, procedures and steps that the file names.
    async fn register(&self, in_flight: usize) -> anyhow::Result<()> {
        let at = self.survey.earliest.map_or(DateTime::UNIX_EPOCH, |when| when.instant(self.zone));
        let id = |kind: &str, code: &str| request_id(at, &["register", kind, code]).to_string();
        // Units name their agency, so agencies come first.
        let agencies = self.survey.agencies.iter().map(|code| {
            let id = id("agency", code);
            async move { self.registered(call::open_agency(&self.connection, id, code).await) }
        });
        run(agencies, in_flight).await?;
        let units = self.survey.units.iter().map(|(code, agency)| {
            let id = id("unit", code);
            async move { self.registered(call::open_unit(&self.connection, id, (code, agency)).await) }
        });
        run(units, in_flight).await?;
        let procedures = self.survey.procedures.iter().map(|code| {
            let procedure =
                dir::Procedure { code: code.clone(), name_vi: code.clone(), ..dir::Procedure::default() };
            let request =
                dir::DefineProcedureRequest { request_id: id("procedure", code), procedure: Some(procedure) };
            async move {
                let mut client = self.connection.directory();
                self.registered(
                    retried(async || {
                        client.define_procedure(request.clone()).await.map(|a| a.into_inner().recorded)
                    })
                    .await,
                )
            }
        });
        run(procedures, in_flight).await?;
        let steps = self.survey.activities.iter().map(|step| {
            let request = dir::DefineStepRequest { request_id: id("step", step), step: step.clone() };
            async move {
                let mut client = self.connection.directory();
                self.registered(
                    retried(async || {
                        client.define_step(request.clone()).await.map(|a| a.into_inner().recorded)
                    })
                    .await,
                )
            }
        });
        run(steps, in_flight).await
    }

    /// Counts a registration; what exists already, from another source or with its own names, is as good.
    fn registered(&self, answer: Result<Recorded, Refused>) -> anyhow::Result<()> {
        if let Some(recorded) = call::registered(answer)? {
            self.counts.position.fetch_max(recorded.position, Relaxed);
            if !recorded.repeated {
                self.counts.registered.fetch_add(1, Relaxed);
            }
        }
        Ok(())
    }

    async fn case(&self, case: &SourceCase) -> anyhow::Result<()> {
        if !self.receive(case).await? {
            return Ok(());
        }
        // The close has its place among the steps: those after it are flagged by the server.
        let is_before_close = |row: &&SourceRow| {
            case.end.is_none_or(|end| row.time.compare(end, self.zone) != std::cmp::Ordering::Greater)
        };
        let before = case.rows.iter().take_while(is_before_close).count();
        for row in &case.rows[..before] {
            self.step(case, row).await?;
        }
        if let (Some(end), Some(id)) = (case.end, case.close_id) {
            self.close(case, end, id).await?;
        }
        for row in &case.rows[before..] {
            self.step(case, row).await?;
        }
        Ok(())
    }

    /// Records the receipt. False if the case can't go in, and its rows went to the rejects.
    async fn receive(&self, case: &SourceCase) -> anyhow::Result<bool> {
        let due = case.deadline.map(|deadline| match deadline {
            When::Instant(due) => due,
            When::Date(date) => events::end_of_day(date, self.zone),
        });
        // Left out here, not after a refusal, so that a second run sends the same.
        let fits = due.is_none_or(|due| due >= case.start.instant(self.zone));
        if !fits {
            self.counts.deadline_before_start.fetch_add(1, Relaxed);
        }
        let channel = case.channel.map_or(dl::Channel::Unspecified, |channel| match channel {
            Channel::Counter => dl::Channel::Counter,
            Channel::Online => dl::Channel::Online,
            Channel::Post => dl::Channel::Post,
        });
        let request = dl::ReceiveCaseRequest {
            command: Some(dl::Command {
                request_id: case.receive_id.to_string(),
                case: String::new(),
                occurred: Some(occurred(case.start)),
                agency: case.agency.clone(),
                official: String::new(),
            }),
            source_code: case.key.clone(),
            unit: case.case_unit.clone().unwrap_or_default(),
            procedure: case.procedure.clone().unwrap_or_default(),
            channel: channel.into(),
            due_time: due.filter(|_| fits).map(timestamp_to),
        };
        let mut client = self.connection.delivery();
        match retried(async || client.receive_case(request.clone()).await.map(|a| a.into_inner().recorded))
            .await
        {
            Ok(recorded) => {
                self.count(&recorded);
                Ok(true)
            }
            Err(Refused::Refusal { reason, .. }) if reason == "REQUEST_ID_REUSED" => {
                self.counts.case_differs.fetch_add(1, Relaxed);
                Ok(true)
            }
            Err(Refused::Refusal { reason, message }) => {
                // The server's advice is for those who choose a code themselves.
                let message = if reason == "CASE_EXISTS" {
                    "another source has a case of this id: give this one a `prefix` in the mapping".to_owned()
                } else {
                    message
                };
                for row in &case.rows {
                    self.reject(row.line, &reason, &message)?;
                }
                Ok(false)
            }
            Err(Refused::Unreachable(status)) => Err(status.into()),
        }
    }

    async fn step(&self, case: &SourceCase, row: &SourceRow) -> anyhow::Result<()> {
        // A row without an activity tells of its case only.
        let Some(step) = &row.activity else {
            self.counts.without_activity.fetch_add(1, Relaxed);
            return Ok(());
        };
        let agency = row.unit.as_ref().and_then(|unit| self.survey.units.get(unit));
        let request = dl::RecordStepRequest {
            command: Some(dl::Command {
                request_id: row.id.to_string(),
                case: case.key.clone(),
                occurred: Some(occurred(row.time)),
                agency: agency.unwrap_or(&case.agency).clone(),
                official: row.official.clone().unwrap_or_default(),
            }),
            step: step.clone(),
            unit: row.unit.clone().unwrap_or_default(),
        };
        let mut client = self.connection.delivery();
        match retried(async || client.record_step(request.clone()).await.map(|a| a.into_inner().recorded))
            .await
        {
            Ok(recorded) => {
                self.count(&recorded);
                self.counts.steps.fetch_add(1, Relaxed);
                Ok(())
            }
            Err(Refused::Refusal { reason, message }) => self.reject(row.line, &reason, &message),
            Err(Refused::Unreachable(status)) => Err(status.into()),
        }
    }

    async fn close(&self, case: &SourceCase, end: When, id: Uuid) -> anyhow::Result<()> {
        let request = dl::DecideCaseRequest {
            command: Some(dl::Command {
                request_id: id.to_string(),
                case: case.key.clone(),
                occurred: Some(occurred(end)),
                agency: case.agency.clone(),
                official: String::new(),
            }),
            // The source doesn't say how it was decided.
            outcome: dl::Outcome::Unspecified.into(),
        };
        let mut client = self.connection.delivery();
        match retried(async || client.decide_case(request.clone()).await.map(|a| a.into_inner().recorded))
            .await
        {
            Ok(recorded) => {
                self.count(&recorded);
                Ok(())
            }
            Err(Refused::Refusal { .. }) => {
                self.counts.close_refused.fetch_add(1, Relaxed);
                Ok(())
            }
            Err(Refused::Unreachable(status)) => Err(status.into()),
        }
    }

    fn count(&self, recorded: &Recorded) {
        self.counts.position.fetch_max(recorded.position, Relaxed);
        let counter = if recorded.repeated { &self.counts.repeated } else { &self.counts.appended };
        counter.fetch_add(1, Relaxed);
    }

    fn reject(&self, line: u64, reason: &str, message: &str) -> anyhow::Result<()> {
        let mut rejects = self.rejects.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(rejects.add(line, reason, message, &ByteRecord::new())?)
    }
}

fn occurred(when: When) -> Occurred {
    let told = match when {
        When::Instant(time) => Told::At(timestamp_to(time)),
        When::Date(date) => Told::On(date.to_string()),
    };
    Occurred { when: Some(told) }
}
