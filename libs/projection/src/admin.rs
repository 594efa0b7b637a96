//! `liem.view.v1.ViewAdmin`: the generations of a server's views, and what is done with them.

use std::{collections::BTreeMap, sync::Arc};

use aggregate::{Outcome, Request as Append, execute};
use chrono::NaiveDate;
use eventlog::{Clock, StreamName};
use events::{
    Event as _, Occurred,
    view::{Departure, OtherCalendar, ViewEvent},
};
use futures::{StreamExt as _, stream::BoxStream};
use identity::Caller;
use proto::{
    Failure, date_from,
    ledger::Recorded,
    page_size_from, uuid_from,
    view::{self as pb, ErrorReason, view_admin_server::ViewAdmin},
};
use rulebook::{Calendar, DayKind};
use tokio::{sync::mpsc, time::Instant};
use tonic::{Request, Response, Status};

use crate::{
    Follower, Snapshot, View,
    compare::{self, Part},
    follower::{Shared, wait_for},
    generation::Generation,
    record::{Act, Command, Record, State},
};

/// Characters of a reason, at most.
const REASON_MAX: usize = 200;

/// Days of the calendar of a what-if, at most.
const DAYS_MAX: usize = 1_000;

/// Entries that a generation may lie behind the live one when it is asked to take over.
const BEHIND_MAX: u64 = 1_000;

/// Parts of a comparison on their way to the caller.
const PARTS: usize = 64;

/// The handlers of `liem.view.v1.ViewAdmin`.
pub struct ViewAdminHandlers {
    views: BTreeMap<&'static str, Arc<dyn Administered>>,
    clock: Clock,
}

impl ViewAdminHandlers {
    /// Handlers that look after no view yet.
    pub fn new(clock: Clock) -> Self {
        Self { views: BTreeMap::new(), clock }
    }

    /// Looks after a view too.
    #[must_use]
    pub fn with<V: View>(mut self, view: &Follower<V>) -> Self {
        self.views.insert(V::NAME, view.shared());
        self
    }

    fn view(&self, name: &str) -> Result<&Arc<dyn Administered>, Failure> {
        self.views.get(name).ok_or_else(|| {
            let names: Vec<_> = self.views.keys().copied().collect();
            let text = format!("this server has no such view: it has {}", names.join(", "));
            Failure::new(ErrorReason::ViewUnknown, text)
        })
    }

    /// Records an act, or finds that it was recorded before.
    async fn act(
        &self,
        caller: &Caller,
        (request_id, view, reason): (&str, &str, &str),
        (method, message): (&str, &impl prost::Message),
        act: Act,
    ) -> Result<(Recorded, ViewEvent), Failure> {
        let administered = self.view(view)?;
        let length = reason.chars().count();
        if length == 0
            || length > REASON_MAX
            || reason.trim() != reason
            || reason.chars().any(char::is_control)
        {
            let problem = "say why in 1 to 200 characters: a ticket or an order, never a person's name";
            return Err(Failure::field("reason", problem));
        }
        let append = Append {
            id: uuid_from("request_id", request_id)?,
            stream: StreamName::new(ViewEvent::CATEGORY, view).map_err(eventlog::AppendError::from)?,
            context: aggregate::context(caller, view, method, message),
        };
        let occurred = Occurred::At(self.clock.now());
        let command = Command { act, reason: reason.to_owned(), occurred };
        let outcome = administered.record(append, command).await?;
        let event = outcome.events.into_iter().next();
        let event = event.ok_or_else(|| Failure::field("request_id", "it recorded nothing"))?;
        let live = match &event {
            ViewEvent::GenerationSwitched { to, .. } | ViewEvent::GenerationRolledBack { to, .. }
                if !outcome.repeated =>
            {
                *to
            }
            _ => 0,
        };
        administered.done(outcome.position, live).await?;
        Ok((Recorded { position: outcome.position, repeated: outcome.repeated }, event))
    }
}

/// A view as its administration sees it.
#[async_trait::async_trait]
trait Administered: Send + Sync {
    fn version(&self) -> u32;
    fn depends_on_a_calendar(&self) -> bool;
    fn describe(&self) -> pb::View;
    /// Refuses a switch to a generation that can't take over at once on this server. What is not on record, or
    /// halted there, is refused where it is decided.
    fn check_ready(&self, generation: u32) -> Result<(), Failure>;
    /// The generation that a roll back goes to.
    fn previous(&self) -> Option<u32>;
    async fn digest(&self, generation: u32, position: u64) -> Result<pb::GetDigestResponse, Failure>;
    async fn compare(
        &self,
        request: pb::CompareGenerationsRequest,
        parts: mpsc::Sender<Part>,
    ) -> Result<(), Failure>;
    async fn record(&self, append: Append, command: Command) -> Result<Outcome<ViewEvent>, Failure>;
    async fn done(&self, position: u64, live: u32) -> Result<(), Failure>;
}

impl<V: View> Shared<V> {
    /// A generation by its number, 0 for the live one.
    fn pick(&self, number: u32) -> Result<Arc<Generation<V>>, Failure> {
        if number == 0 {
            return Ok(self.live_now());
        }
        self.get(number).ok_or_else(|| crate::record::Refusal::Unknown(number).into())
    }

    async fn snapshots(
        &self,
        request: &pb::CompareGenerationsRequest,
    ) -> Result<[(u32, Snapshot); 2], Failure> {
        let here = self.pick(request.generation)?;
        let other = self.pick(request.other_generation)?;
        let position = match request.at_position {
            0 => here.status().position.min(other.status().position),
            position => position,
        };
        let deadline = Instant::now() + std::time::Duration::from_secs(5);
        wait_for(&here, position, deadline).await?;
        wait_for(&other, position, deadline).await?;
        Ok([(here.number, here.as_of(position).await?), (other.number, other.as_of(position).await?)])
    }
}

fn state(state: State) -> pb::GenerationState {
    match state {
        State::Building => pb::GenerationState::Building,
        State::Live => pb::GenerationState::Live,
        State::Kept => pb::GenerationState::Kept,
        State::WhatIf => pb::GenerationState::WhatIf,
    }
}

#[async_trait::async_trait]
impl<V: View> Administered for Shared<V> {
    fn version(&self) -> u32 {
        V::VERSION
    }

    fn depends_on_a_calendar(&self) -> bool {
        self.view().under(Calendar::weekends_only()).is_some()
    }

    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "seconds, for people")]
    fn describe(&self) -> pb::View {
        let record = self.record();
        let generations = record.generations.iter().map(|(number, recorded)| {
            let open = self.get(*number);
            let status = open.as_ref().map(|generation| generation.status()).unwrap_or_default();
            let lag = status.head.saturating_sub(status.position);
            let rate = if recorded.is_halted { 0.0 } else { status.rate };
            pb::Generation {
                number: *number,
                state: state(recorded.state).into(),
                halted: recorded.is_halted,
                position: status.position,
                head_position: status.head,
                entries_per_second: rate,
                remaining_seconds: (lag > 0 && rate > 0.0).then(|| (lag as f64 / rate).ceil() as i64),
                stopped_because: status.stopped.unwrap_or_default(),
                calendar: recorded.what_if.as_ref().map(|other| other.calendar.clone()).unwrap_or_default(),
                size_bytes: i64::try_from(open.map_or(0, |open| open.size())).unwrap_or(i64::MAX),
                reason: recorded.reason.clone(),
            }
        });
        pb::View { name: V::NAME.to_owned(), version: V::VERSION, generations: generations.collect() }
    }

    fn check_ready(&self, generation: u32) -> Result<(), Failure> {
        let record = self.record();
        let Some(recorded) = record.generations.get(&generation).filter(|r| !r.is_halted) else {
            return Ok(());
        };
        if recorded.state == State::Live || recorded.state == State::WhatIf {
            return Ok(());
        }
        let (status, live) = (self.pick(generation)?.status(), self.live_now().status());
        if status.stopped.is_some() {
            let text = format!("generation {generation} stopped: `liem replay list` shows why");
            return Err(Failure::new(proto::ledger::ErrorReason::ViewStopped, text));
        }
        if status.position + BEHIND_MAX < live.position {
            let text = format!("generation {generation} has not caught up: wait, and try again");
            return Err(Failure::new(ErrorReason::GenerationBehind, text));
        }
        Ok(())
    }

    fn previous(&self) -> Option<u32> {
        self.record().previous
    }

    async fn digest(&self, generation: u32, position: u64) -> Result<pb::GetDigestResponse, Failure> {
        let generation = self.pick(generation)?;
        let position = if position == 0 { generation.status().position } else { position };
        wait_for(&generation, position, Instant::now() + std::time::Duration::from_secs(5)).await?;
        let digest = generation.digest(position).await?;
        Ok(pb::GetDigestResponse { generation: generation.number, position, digest })
    }

    async fn compare(
        &self,
        request: pb::CompareGenerationsRequest,
        parts: mpsc::Sender<Part>,
    ) -> Result<(), Failure> {
        let [(generation, here), (other_generation, other)] = self.snapshots(&request).await?;
        let limit = page_size_from(request.row_limit)?;
        let summary = compare::compare::<V>((here, other), &parts, limit).await?;
        let summary = pb::ComparisonSummary { generation, other_generation, ..summary };
        let part = pb::compare_generations_response::Part::Summary(summary);
        // The caller may have gone.
        drop(parts.send(Ok(pb::CompareGenerationsResponse { part: Some(part) })).await);
        Ok(())
    }

    async fn record(&self, append: Append, command: Command) -> Result<Outcome<ViewEvent>, Failure> {
        Ok(execute::<Record, _>(self.log(), append, || command.clone()).await?)
    }

    async fn done(&self, position: u64, live: u32) -> Result<(), Failure> {
        Self::done(self, position, live).await
    }
}

/// The calendar of a what-if, as it goes on record; none for a plain rebuild.
fn other_calendar(request: &pb::StartReplayRequest) -> Result<Option<OtherCalendar>, Failure> {
    if request.calendar_name.is_empty() {
        if request.other_days.is_empty() {
            return Ok(None);
        }
        return Err(Failure::field("calendar_name", "give the calendar of the what-if a name"));
    }
    let name = proto::code_from("calendar_name", &request.calendar_name)?;
    if request.other_days.len() > DAYS_MAX {
        return Err(Failure::field("other_days", format!("give {DAYS_MAX} at most")));
    }
    let mut calendar = Calendar::weekends_only();
    for day in &request.other_days {
        let date: NaiveDate = date_from("other_days.date", &day.date)?;
        calendar.declare(date, if day.worked { DayKind::Worked } else { DayKind::Off });
    }
    let departures = calendar.departures().map(|(date, kind)| Departure { date, kind }).collect();
    let calendar = format!("{name}@{}", calendar.version().hash);
    Ok(Some(OtherCalendar { calendar, departures }))
}

#[tonic::async_trait]
impl ViewAdmin for ViewAdminHandlers {
    type CompareGenerationsStream = BoxStream<'static, Result<pb::CompareGenerationsResponse, Status>>;

    async fn list_views(
        &self,
        request: Request<pb::ListViewsRequest>,
    ) -> Result<Response<pb::ListViewsResponse>, Status> {
        let asked = request.into_inner().view;
        let views = if asked.is_empty() {
            self.views.values().map(|view| view.describe()).collect()
        } else {
            vec![self.view(&asked)?.describe()]
        };
        Ok(Response::new(pb::ListViewsResponse { views }))
    }

    async fn get_digest(
        &self,
        request: Request<pb::GetDigestRequest>,
    ) -> Result<Response<pb::GetDigestResponse>, Status> {
        let request = request.into_inner();
        let digest = self.view(&request.view)?.digest(request.generation, request.at_position).await?;
        Ok(Response::new(digest))
    }

    async fn compare_generations(
        &self,
        request: Request<pb::CompareGenerationsRequest>,
    ) -> Result<Response<Self::CompareGenerationsStream>, Status> {
        let request = request.into_inner();
        let view = self.view(&request.view)?.clone();
        let (sender, receiver) = mpsc::channel(PARTS);
        tokio::spawn(async move {
            if let Err(failure) = view.compare(request, sender.clone()).await {
                drop(sender.send(Err(failure.into())).await);
            }
        });
        let parts = futures::stream::unfold(receiver, |mut receiver| async {
            let part = receiver.recv().await?;
            Some((part, receiver))
        });
        Ok(Response::new(parts.boxed()))
    }

    async fn start_replay(
        &self,
        request: Request<pb::StartReplayRequest>,
    ) -> Result<Response<pb::StartReplayResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut message = request.into_inner();
        let request_id = std::mem::take(&mut message.request_id);
        let view = self.view(&message.view)?;
        let what_if = other_calendar(&message)?;
        if what_if.is_some() && !view.depends_on_a_calendar() {
            let text = "nothing in this view depends on a calendar: ask for a what-if of another one";
            return Err(Failure::new(ErrorReason::CalendarUnused, text).into());
        }
        let act = Act::Start { version: view.version(), what_if };
        let asked = (request_id.as_str(), message.view.as_str(), message.reason.as_str());
        let (recorded, event) = self.act(&caller, asked, ("StartReplay", &message), act).await?;
        let generation = match event {
            ViewEvent::ReplayStarted { generation, .. } => generation,
            _ => 0,
        };
        Ok(Response::new(pb::StartReplayResponse { recorded: Some(recorded), generation }))
    }

    async fn stop_replay(
        &self,
        request: Request<pb::StopReplayRequest>,
    ) -> Result<Response<pb::StopReplayResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut message = request.into_inner();
        let request_id = std::mem::take(&mut message.request_id);
        let act = Act::Stop { generation: message.generation };
        let asked = (request_id.as_str(), message.view.as_str(), message.reason.as_str());
        let (recorded, _) = self.act(&caller, asked, ("StopReplay", &message), act).await?;
        Ok(Response::new(pb::StopReplayResponse { recorded: Some(recorded) }))
    }

    async fn resume_replay(
        &self,
        request: Request<pb::ResumeReplayRequest>,
    ) -> Result<Response<pb::ResumeReplayResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut message = request.into_inner();
        let request_id = std::mem::take(&mut message.request_id);
        let act = Act::Resume { generation: message.generation };
        let asked = (request_id.as_str(), message.view.as_str(), message.reason.as_str());
        let (recorded, _) = self.act(&caller, asked, ("ResumeReplay", &message), act).await?;
        Ok(Response::new(pb::ResumeReplayResponse { recorded: Some(recorded) }))
    }

    async fn switch_generation(
        &self,
        request: Request<pb::SwitchGenerationRequest>,
    ) -> Result<Response<pb::SwitchGenerationResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut message = request.into_inner();
        let request_id = std::mem::take(&mut message.request_id);
        self.view(&message.view)?.check_ready(message.generation)?;
        let act = Act::Switch { generation: message.generation };
        let asked = (request_id.as_str(), message.view.as_str(), message.reason.as_str());
        let (recorded, event) = self.act(&caller, asked, ("SwitchGeneration", &message), act).await?;
        let kept_generation = match event {
            ViewEvent::GenerationSwitched { from, .. } => from,
            _ => 0,
        };
        Ok(Response::new(pb::SwitchGenerationResponse { recorded: Some(recorded), kept_generation }))
    }

    async fn roll_back_generation(
        &self,
        request: Request<pb::RollBackGenerationRequest>,
    ) -> Result<Response<pb::RollBackGenerationResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut message = request.into_inner();
        let request_id = std::mem::take(&mut message.request_id);
        let view = self.view(&message.view)?;
        if let Some(previous) = view.previous() {
            view.check_ready(previous)?;
        }
        let asked = (request_id.as_str(), message.view.as_str(), message.reason.as_str());
        let said = ("RollBackGeneration", &message);
        let (recorded, event) = self.act(&caller, asked, said, Act::RollBack).await?;
        let live_generation = match event {
            ViewEvent::GenerationRolledBack { to, .. } => to,
            _ => 0,
        };
        Ok(Response::new(pb::RollBackGenerationResponse { recorded: Some(recorded), live_generation }))
    }

    async fn drop_generation(
        &self,
        request: Request<pb::DropGenerationRequest>,
    ) -> Result<Response<pb::DropGenerationResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut message = request.into_inner();
        let request_id = std::mem::take(&mut message.request_id);
        let act = Act::Drop { generation: message.generation };
        let asked = (request_id.as_str(), message.view.as_str(), message.reason.as_str());
        let (recorded, _) = self.act(&caller, asked, ("DropGeneration", &message), act).await?;
        Ok(Response::new(pb::DropGenerationResponse { recorded: Some(recorded) }))
    }
}
