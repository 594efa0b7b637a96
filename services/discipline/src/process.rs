//! What follows from reports: a substantiated finding makes it a duty to open a proceeding, or to say why not.
//!
//! The process follows the log and keeps nothing of its own. What it records has ids made of what caused it: after a restart it
//! goes over a stretch again, and what is on record stays as it is.

use std::{sync::Arc, time::Duration};

use eventlog::{Direction, Entry, Filter, ReadError};
use events::{
    Event as _,
    conduct::{Findings, ReportEvent},
    discipline::{ProceedingEvent, Track},
};
use futures::StreamExt as _;
use identity::{Caller, Role};
use proto::Failure;
use rulebook::law::Duty;
use serve::Shutdown;
use uuid::Uuid;

use crate::{
    domain::{self, Command, Refusal, proceeding_id},
    handlers::{Asked, DisciplineHandlers, SERVICE, findings, first_jurisdiction, report_stream},
};

/// The types of events that end the handling of a report, or take it up again.
const TYPES: [&str; 4] = [
    "conduct.ReportConcluded.v1",
    "conduct.AppealDecided.v1",
    "conduct.FindingsAppealed.v1",
    "conduct.ReportReopened.v1",
];

/// How long it waits after a failure before it goes on.
const PAUSE: Duration = Duration::from_millis(500);

/// The process manager of discipline.
pub struct Process {
    handlers: Arc<DisciplineHandlers>,
}

impl Process {
    /// Follows reports until the shutdown.
    pub fn start(handlers: Arc<DisciplineHandlers>, shutdown: Shutdown) {
        let process = Self { handlers };
        tokio::spawn(async move {
            let mut past = None;
            loop {
                tokio::select! {
                    () = process.follow(&mut past) => {}
                    () = shutdown.wait() => return,
                }
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = shutdown.wait() => return,
                }
            }
        });
    }

    /// Follows from where it was, until something fails.
    async fn follow(&self, past: &mut Option<u64>) {
        let after = match *past {
            Some(past) => past,
            None => match self.last().await {
                Ok(position) => *past.insert(position),
                Err(error) => return tracing::warn!(%error, "what was followed can't be read; trying again"),
            },
        };
        let filter = Filter {
            types: TYPES.map(str::to_owned).to_vec(),
            categories: vec![ReportEvent::CATEGORY.to_owned()],
        };
        let mut pages = self.handlers.log.follow(after, filter);
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(error) => return tracing::warn!(%error, "reports can't be followed; trying again"),
            };
            for entry in &page.entries {
                if let Err(error) = self.take(entry).await {
                    let position = entry.position;
                    return tracing::warn!(%error, position, "what follows from a report is not recorded; trying again");
                }
                *past = Some(entry.position);
            }
            *past = Some(page.through);
        }
    }

    /// Where the last duty came from: everything before was dealt with.
    async fn last(&self) -> Result<u64, Failure> {
        let filter = Filter {
            types: vec!["discipline.ProceedingDue.v1".to_owned()],
            categories: vec![ProceedingEvent::CATEGORY.to_owned()],
        };
        let mut past = 0;
        loop {
            let page = self.handlers.log.read_all(past, Direction::Backwards, &filter, 1).await?;
            if let Some(entry) = page.entries.first() {
                let event = entry.event::<ProceedingEvent>();
                let found = match &event {
                    Ok(ProceedingEvent::Due { origin, .. }) => origin.finding_position,
                    _ => None,
                };
                return Ok(found.unwrap_or(0).saturating_sub(1));
            }
            if page.ended || page.through == 0 {
                return Ok(0);
            }
            past = page.through;
        }
    }

    /// Records what follows from one event of a report.
    async fn take(&self, entry: &Entry) -> Result<(), Failure> {
        let happened = entry.happened().map_err(ReadError::from)?;
        let stream = report_stream(&happened.stream)?;
        let jurisdiction = first_jurisdiction(&*self.handlers.log, &stream).await?;
        if !self.has_duty(&jurisdiction.unwrap_or_default()).await? {
            return Ok(());
        }
        let (findings, revision) = findings(&*self.handlers.log, &stream, self.handlers.zone).await?;
        let numbers = (1..=findings.allegations.len()).filter_map(|number| u32::try_from(number).ok());
        for allegation in numbers {
            for track in [Track::Administrative, Track::Party] {
                self.follow_finding(entry.position, (&findings, revision), (&stream, allegation, track))
                    .await?;
            }
        }
        Ok(())
    }

    async fn follow_finding(
        &self,
        cause: u64,
        (findings, revision): (&Findings, u64),
        (stream, allegation, track): (&eventlog::StreamName, u32, Track),
    ) -> Result<(), Failure> {
        let (directory, _) = self.handlers.directory.caught_up().await?;
        let named = findings.allegation(allegation).and_then(|allegation| allegation.person.as_deref());
        let official = named.and_then(|person| directory.officials.get(person));
        if track == Track::Party && !official.is_some_and(|official| official.party_member) {
            return Ok(());
        }
        let id = proceeding_id(stream.key(), Some(allegation), None, track, None);
        let command = match domain::found(findings, stream.as_str(), revision, Some(allegation), None) {
            Ok(found) => Command::BecomeDue { found, track },
            Err(Refusal::NoFinding | Refusal::OriginNotConcluded) => {
                Command::Lapse { origin_revision: revision }
            }
            Err(_) => return Ok(()),
        };
        let on = match &command {
            Command::BecomeDue { found, .. } => found.on,
            _ => self.handlers.today(),
        };
        let caller = Caller { id: SERVICE.to_owned(), role: Role::Service, agency: None };
        let mut context = aggregate::context(&caller, SERVICE, "Process", &());
        let id_of_append = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{id}@{cause}").as_bytes());
        context.correlation = Some(stream.to_string());
        let (agency, official) = (None, None);
        let proceeding = id.clone();
        let (is_own, is_inspector) = (false, false);
        let asked =
            Asked { id: id_of_append, context, proceeding: id, on, agency, official, is_own, is_inspector };
        match self.handlers.execute(asked, &findings.jurisdiction, command).await {
            Ok(_) => Ok(()),
            Err(failure) if may_pass(&failure) => Err(failure),
            // A proceeding is on record, or there was none that could lapse. What can't be recorded at all holds nothing up.
            Err(failure) => {
                tracing::debug!(%failure, proceeding, "nothing follows");
                Ok(())
            }
        }
    }

    /// Whether the law of a jurisdiction makes it a duty to open proceedings.
    async fn has_duty(&self, jurisdiction: &str) -> Result<bool, Failure> {
        let (directory, _) = self.handlers.directory.caught_up().await?;
        let law = self.handlers.law(jurisdiction, &directory).ok();
        Ok(law.is_some_and(|law| law.book.rules().iter().any(|rule| rule.duty == Duty::Open)))
    }
}

/// Whether the same may be recorded a little later.
fn may_pass(failure: &Failure) -> bool {
    use tonic::Code;
    !matches!(
        failure.reason.code(),
        Code::InvalidArgument | Code::FailedPrecondition | Code::NotFound | Code::AlreadyExists
    )
}
