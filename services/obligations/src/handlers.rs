//! The RPC of the obligations view.

use std::sync::Arc;

use chrono::{DateTime, TimeZone as _};
use eventlog::Clock;
use identity::{Caller, Role};
use projection::{DirectoryFollower, Follower};
use proto::{
    Failure,
    ledger::ErrorReason as Shared,
    non_empty,
    obligations::{self as pb, ErrorReason, obligations_service_server::ObligationsService},
    page_size_from, timestamp_from, timestamp_to,
};
use tonic::{Request, Response, Status};

use crate::{
    ObligationsView,
    query::{self, Place, Query, Viewer},
    stretch::{Duty, Stretch},
};

/// How far ahead duties are asked for, at most: a thousand years of seconds.
const WITHIN_MAX: i64 = 31_557_600_000;

/// The handlers of `liem.obligations.v1.ObligationsService`.
pub struct ObligationsHandlers {
    view: Arc<Follower<ObligationsView>>,
    directory: DirectoryFollower,
    clock: Clock,
}

impl ObligationsHandlers {
    /// Handlers over the view; the directory says who heads what, the clock when to judge where a query doesn't.
    pub fn new(view: Arc<Follower<ObligationsView>>, directory: DirectoryFollower, clock: Clock) -> Self {
        Self { view, directory, clock }
    }

    fn decode(&self, caller: &Caller, request: &pb::ListObligationsRequest) -> Result<Query, Failure> {
        let own = match caller.role {
            Role::Agency | Role::Official => Some(caller.agency.clone().ok_or_else(|| {
                let text = "the token names no agency: ask for one issued with --agency";
                Failure::new(Shared::NoStanding, text)
            })?),
            _ => None,
        };
        let (directory, _) = self.directory.now();
        let asked = non_empty(request.agency.clone());
        if let (Some(own), Some(asked)) = (&own, &asked)
            && directory.successor(own) != directory.successor(asked)
        {
            let text =
                format!("the token is of agency {own} and sees its own duties only: leave `agency` empty");
            return Err(Failure::new(Shared::NoStanding, text));
        }
        let asked_moment = request.judge_time.as_ref().map(|time| timestamp_from("judge_time", time));
        let moment = asked_moment.transpose()?.unwrap_or_else(|| self.clock.now()).timestamp_micros();
        let within = match request.within_seconds {
            0 => None,
            seconds if (1..=WITHIN_MAX).contains(&seconds) => Some(moment + seconds * 1_000_000),
            _ => return Err(Failure::field("within_seconds", "give a number of seconds from 1 on")),
        };
        Ok(Query {
            moment,
            agency: asked.or(own.clone()),
            unit: non_empty(request.unit.clone()),
            head: non_empty(request.head.clone()),
            due_until: within,
            is_overdue: request.overdue,
            viewer: own.clone().map(|agency| Viewer {
                id: caller.id.clone(),
                agency,
                is_agency: caller.role == Role::Agency,
            }),
            past: place_of(&request.page_token)?,
            limit: page_size_from(request.page_size)?,
        })
    }

    fn obligation(
        &self,
        caller: &Caller,
        moment: i64,
        place: Place,
        stretch: Stretch,
        head: Option<String>,
    ) -> pb::Obligation {
        let zone = self.view.view().zone;
        let since = DateTime::from_timestamp_micros(stretch.clock_since)
            .map(|time| zone.from_utc_datetime(&time.naive_utc()).date_naive().to_string());
        let is_own_only = matches!(caller.role, Role::Agency | Role::Official);
        let late = (moment - stretch.due).max(0) / 1_000_000;
        pb::Obligation {
            duty: stretch.duty.as_str().to_owned(),
            subject_role: place.role,
            subject: place.subject,
            agency: stretch.agency,
            unit: stretch.unit,
            head: head.unwrap_or_default(),
            since_date: since.unwrap_or_default(),
            due_time: DateTime::from_timestamp_micros(stretch.due)
                .filter(|_| !stretch.paused)
                .map(timestamp_to),
            paused: stretch.paused,
            overdue_seconds: if stretch.paused { 0 } else { late },
            // The rule tells what the report is.
            rule: if is_own_only { String::new() } else { stretch.rule },
            position: if caller.is_inspector() { stretch.position } else { 0 },
        }
    }
}

/// Where a page ended: the last duty's place.
fn token_of(place: &Place) -> String {
    let Place { is_paused, due, role, duty, subject } = place;
    format!("{} {due} {role} {} {subject}", u8::from(*is_paused), duty.as_str())
}

fn place_of(token: &str) -> Result<Option<Place>, Failure> {
    if token.is_empty() {
        return Ok(None);
    }
    let mut parts = token.splitn(5, ' ');
    let mut part = || parts.next();
    let place = (|| {
        let is_paused = part()? == "1";
        let due = part()?.parse().ok()?;
        let (role, duty) = (part()?.to_owned(), Duty::parse(part()?)?);
        Some(Place { is_paused, due, role, duty, subject: part()?.to_owned() })
    })();
    let invalid = || Failure::new(Shared::PageTokenInvalid, "the page token is not one that this list gave");
    place.map(Some).ok_or_else(invalid)
}

#[tonic::async_trait]
impl ObligationsService for ObligationsHandlers {
    async fn list_obligations(
        &self,
        request: Request<pb::ListObligationsRequest>,
    ) -> Result<Response<pb::ListObligationsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let query = self.decode(&caller, &request)?;
        let mut snapshot = self.view.at_least(request.at_least_position).await?;
        let (directory, _) = self.directory.caught_up().await?;
        if let Some(agency) = &query.agency
            && !directory.agencies.contains_key(agency)
        {
            let text = format!("the directory has no agency {agency}: check its code");
            return Err(Failure::new(ErrorReason::AgencyUnknown, text).into());
        }
        let zone = self.view.view().zone;
        let moment = DateTime::from_timestamp_micros(query.moment).unwrap_or_default();
        let day = moment.with_timezone(&zone).date_naive();
        let today = self.clock.now().with_timezone(&zone).date_naive();
        let found =
            query::duties(&mut snapshot, &directory, &query, (day, today)).await.map_err(Failure::from)?;
        let next = found.duties.last_key_value().filter(|_| found.has_more).map(|(place, _)| token_of(place));
        let (total, overdue) = (found.total, found.overdue);
        let obligations = found
            .duties
            .into_iter()
            .map(|(place, (stretch, head))| self.obligation(&caller, query.moment, place, stretch, head));
        Ok(Response::new(pb::ListObligationsResponse {
            obligations: obligations.collect(),
            next_page_token: next.unwrap_or_default(),
            total_count: i64::try_from(total).unwrap_or(i64::MAX),
            overdue_count: i64::try_from(overdue).unwrap_or(i64::MAX),
            position: snapshot.position,
            judge_time: Some(timestamp_to(moment)),
        }))
    }
}
