//! The RPCs of the audit view.

use std::sync::Arc;

use chrono::FixedOffset;
use eventlog::{Clock, Entry, EventLog, Header, actor_to_proto, occurred_to_proto};
use events::{Event as _, Occurred, Role as SubjectRole, discipline::ProceedingEvent};
use identity::{Caller, Role};
use projection::{AsOf, DirectoryFollower, Follower, Snapshot};
use proto::{
    Failure, Timestamp,
    audit::{self as pb, ErrorReason, audit_service_server::AuditService},
    ledger::{ErrorReason as Shared, ListOrder, Subject},
    page_size_from, timestamp_from, timestamp_to,
};
use tonic::{Request, Response, Status};

use crate::{
    AuditView,
    proceeding::{self, Whose},
    query, report, standing, view,
};

/// Entries looked through for one page, at most, where a range of time is asked for: a page can then be
/// shorter than asked, also where more follow.
const LOOKED_THROUGH: usize = 5_000;

/// Event types in one query, at most.
const TYPES_MAX: usize = 50;

/// The handlers of `liem.audit.v1.AuditService`.
pub struct AuditHandlers {
    view: Arc<Follower<AuditView>>,
    log: Arc<dyn EventLog>,
    directory: DirectoryFollower,
    clock: Clock,
    zone: FixedOffset,
}

/// A decoded query.
struct Query {
    /// Whose trail.
    role: SubjectRole,
    id: String,
    /// All of these hold; each is a list of alternatives.
    terms: Vec<Vec<String>>,
    is_newest_first: bool,
    /// The range of time, in microseconds since 1970 UTC: [from, until).
    from: Option<i64>,
    until: Option<i64>,
    limit: usize,
    /// Where to go on, as in the page token.
    place: Option<u64>,
}

impl AuditHandlers {
    /// Handlers over the view, which read the lines' text from the log. The directory says whom a report concerns.
    pub fn new(
        view: Arc<Follower<AuditView>>,
        log: Arc<dyn EventLog>,
        directory: DirectoryFollower,
        clock: Clock,
        zone: FixedOffset,
    ) -> Self {
        Self { view, log, directory, clock, zone }
    }

    fn decode(caller: &Caller, request: &pb::ListTrailRequest) -> Result<Query, Failure> {
        let order = request.order();
        let subject = request.subject.as_ref().ok_or_else(|| Failure::field("subject", "say whose trail"))?;
        let role = SubjectRole::parse(&subject.role).ok_or_else(|| {
            let roles: Vec<_> = SubjectRole::ALL.iter().map(|role| role.as_str()).collect();
            let text = format!("a subject's role is one of: {}", roles.join(", "));
            Failure::new(ErrorReason::SubjectRoleUnknown, text)
        })?;
        if subject.id.is_empty() {
            return Err(Failure::field("subject.id", "say whose trail"));
        }
        if request.types.len() > TYPES_MAX {
            return Err(Failure::field("types", format!("ask for {TYPES_MAX} at most")));
        }
        if !request.actor.is_empty() && !caller.is_inspector() && request.actor != caller.id {
            // Who did something is hidden from others; a filter would tell it.
            let text = "only inspectors ask what another actor did: leave `actor` empty";
            return Err(Failure::new(Shared::NoStanding, text));
        }
        // The subject's own term comes first, once it is known what was merged into it.
        let mut terms = vec![Vec::new()];
        if !request.types.is_empty() {
            terms.push(request.types.iter().map(|t| view::type_term(t)).collect());
        }
        if !request.actor.is_empty() {
            terms.push(vec![view::actor_term(&request.actor)]);
        }
        let time = |field, time: &Option<Timestamp>| {
            let time = time.as_ref().map(|time| timestamp_from(field, time)).transpose()?;
            Ok::<_, Failure>(time.map(|time| time.timestamp_micros()))
        };
        Ok(Query {
            role,
            id: subject.id.clone(),
            terms,
            is_newest_first: order != ListOrder::OldestFirst,
            from: time("occurred_from", &request.occurred_from)?,
            until: time("occurred_until", &request.occurred_until)?,
            limit: page_size_from(request.page_size)?,
            place: place_of(&request.page_token)?,
        })
    }

    /// The codes of agencies that the caller acts for: their own, and those merged into it.
    async fn own(caller: &Caller, snapshot: &mut Snapshot) -> Result<Vec<String>, Failure> {
        match &caller.agency {
            Some(agency) if caller.role != Role::Citizen => {
                Ok(query::answered_for(snapshot, SubjectRole::Agency.as_str(), agency).await?)
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The lines of a page, and the place to go on past.
    async fn lines(
        &self,
        viewer: &Viewer<'_>,
        snapshot: &mut Snapshot,
        query: &Query,
        total: u64,
    ) -> Result<(Vec<pb::TrailLine>, Option<u64>), Failure> {
        let mut lines = Vec::new();
        let mut looked = 0;
        let mut past = match query.place {
            None => 0,
            Some(place) => {
                let position = query::position_at(snapshot, &query.terms, place).await?;
                position.ok_or_else(token_invalid)?
            }
        };
        let is_ranged = query.from.is_some() || query.until.is_some();
        loop {
            let limit = query.limit - lines.len();
            let page = query::positions(snapshot, &query.terms, past, query.is_newest_first, limit).await?;
            let Some(last) = page.positions.last().copied() else { return Ok((lines, None)) };
            looked += page.positions.len();
            past = last;
            for entry in self.log.read_at(&page.positions).await? {
                let header = entry.header().map_err(eventlog::ReadError::from)?;
                if query.covers(header.occurred, self.zone) {
                    lines.push(self.line(viewer, &entry, header)?);
                }
            }
            if !page.has_more {
                return Ok((lines, None));
            }
            if lines.len() == query.limit || !is_ranged || looked >= LOOKED_THROUGH {
                // The place of the last one looked at, counted from the oldest.
                let looked = looked as u64;
                let place = match (query.is_newest_first, query.place) {
                    (true, place) => place.unwrap_or(total + 1) - looked,
                    (false, place) => place.unwrap_or(0) + looked,
                };
                return Ok((lines, Some(place)));
            }
        }
    }

    /// The lines of a page of a report's trail: exact and in order for inspectors, of days only and shuffled within
    /// them for the agency that has it.
    async fn report_lines(
        &self,
        viewer: &Viewer<'_>,
        snapshot: &mut Snapshot,
        query: &Query,
        total: u64,
    ) -> Result<(Vec<pb::TrailLine>, Option<u64>), Failure> {
        let all = query::positions(snapshot, &query.terms[..1], 0, false, report::EVENTS_MAX).await?;
        let entries = self.log.read_at(&all.positions).await?;
        let erased = report::erased(&entries)?;
        if viewer.caller.is_inspector() {
            let (mut lines, next) = self.lines(viewer, snapshot, query, total).await?;
            for line in &mut lines {
                let entry = entries.iter().find(|entry| entry.position == line.position);
                line.erased_by_law = entry.map_or(Ok(false), |entry| report::holds_any(entry, &erased))?;
            }
            return Ok((lines, next));
        }
        // Who has it now counts, whatever was then.
        let newest = if snapshot.position == viewer.newest {
            Vec::new()
        } else {
            let as_of = std::mem::replace(&mut snapshot.position, viewer.newest);
            let newest = query::positions(snapshot, &query.terms[..1], 0, false, report::EVENTS_MAX).await;
            snapshot.position = as_of;
            self.log.read_at(&newest?.positions).await?
        };
        let known = if newest.is_empty() { &entries } else { &newest };
        let (directory, _) = self.directory.caught_up().await?;
        let today = self.clock.now().with_timezone(&self.zone).date_naive();
        let by = (viewer.caller, viewer.own.as_slice());
        report::check(known, &query.id, by, (&directory, today, self.zone))?;
        let wanted = query::positions(snapshot, &query.terms, 0, false, report::EVENTS_MAX).await?;
        let mut placed = Vec::new();
        for entry in entries.iter().filter(|entry| wanted.positions.contains(&entry.position)) {
            let header = entry.header().map_err(eventlog::ReadError::from)?;
            if query.covers(header.occurred, self.zone) {
                let place = report::shuffled(&header, self.zone);
                let erased_by_law = report::holds_any(entry, &erased)?;
                let line = self.line(viewer, entry, header)?;
                placed.push((place, pb::TrailLine { erased_by_law, ..line }));
            }
        }
        placed.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        if query.is_newest_first {
            placed.reverse();
        }
        let past = usize::try_from(query.place.unwrap_or(0)).unwrap_or(usize::MAX);
        let has_more = placed.len() > past.saturating_add(query.limit);
        let lines = placed.into_iter().map(|(_, line)| line).skip(past).take(query.limit);
        let next = has_more.then(|| past.saturating_add(query.limit) as u64);
        Ok((lines.collect(), next))
    }

    /// The entries of a subject by a position, which may be past the snapshot's.
    async fn entries(
        &self,
        snapshot: &mut Snapshot,
        by: u64,
        (role, id, most): (SubjectRole, &str, usize),
    ) -> Result<Vec<Entry>, Failure> {
        let terms = [vec![view::subject_term(role.as_str(), id)]];
        let as_of = std::mem::replace(&mut snapshot.position, by);
        let all = query::positions(snapshot, &terms, 0, false, most).await;
        snapshot.position = as_of;
        Ok(self.log.read_at(&all?.positions).await?)
    }

    /// Whose a proceeding is by a position, which may be past the snapshot's.
    async fn whose(&self, snapshot: &mut Snapshot, by: u64, proceeding: &str) -> Result<Whose, Failure> {
        let of = (SubjectRole::Proceeding, proceeding, proceeding::EVENTS_MAX);
        proceeding::whose(&self.entries(snapshot, by, of).await?, proceeding)
    }

    /// As what the viewer reads a proceeding, by what is known today.
    async fn reader(
        &self,
        viewer: &Viewer<'_>,
        snapshot: &mut Snapshot,
        proceeding: &str,
    ) -> Result<proceeding::Reader, Failure> {
        let caller = viewer.caller;
        let whose = self.whose(snapshot, viewer.newest, proceeding).await?;
        let mut is_concerned = false;
        // The report is read only for those whom it decides about.
        if caller.role == Role::Official && whose.has_acting(&caller.id) {
            for report in &whose.reports {
                let of = (SubjectRole::Report, report.as_str(), report::EVENTS_MAX);
                let entries = self.entries(snapshot, viewer.newest, of).await?;
                is_concerned |= report::concern(&entries, report, self.zone)?.is_person(&caller.id);
            }
        }
        proceeding::reader(&whose, caller, &viewer.own, is_concerned)
    }

    /// The proceedings whose events stand in a trail too: those against an official, and for inspectors those from a
    /// report. Whoever has a report learns what names it: that a proceeding was due, opened or not opened.
    async fn proceedings(
        &self,
        viewer: &Viewer<'_>,
        snapshot: &mut Snapshot,
        query: &Query,
    ) -> Result<Vec<String>, Failure> {
        let is_inspector = viewer.caller.is_inspector();
        let is_of = match query.role {
            SubjectRole::Official => true,
            SubjectRole::Report => is_inspector,
            _ => false,
        };
        if !is_of {
            return Ok(Vec::new());
        }
        let mut found = query::proceedings(snapshot, query.role.as_str(), &query.id).await?;
        if query.role == SubjectRole::Official {
            // It may have become somebody else's since. What a caller stands for today counts.
            let by = if is_inspector { snapshot.position } else { viewer.newest };
            let mut own = Vec::new();
            for proceeding in found {
                if self.whose(snapshot, by, &proceeding).await?.standing.is_person(&query.id) {
                    own.push(proceeding);
                }
            }
            found = own;
        }
        Ok(found)
    }

    fn line(&self, viewer: &Viewer<'_>, entry: &Entry, header: Header) -> Result<pb::TrailLine, Failure> {
        let Viewer { caller, own, .. } = viewer;
        let is_exact = caller.is_inspector();
        let actor = actor_to_proto(&header.actor);
        let agency = agency_of(&header);
        let is_person = [Role::Official, Role::Citizen].iter().any(|role| role.as_str() == actor.role);
        // An official is shown to inspectors, to the agency that acted, and to themselves.
        let is_against = viewer.is_person && header.category() == ProceedingEvent::CATEGORY;
        let is_own = own.contains(&agency) && !is_against;
        let sees = |official: &str| is_exact || is_own || official == caller.id;
        let day = |occurred: Occurred| Occurred::On(occurred.date(self.zone));
        let is_shown = |s: &events::Subject| {
            let hides_report =
                is_against && !is_exact && !proceeding::is_for_person(&header.event_type, s.role);
            (s.role != SubjectRole::Official || sees(&s.id)) && !hides_report
        };
        let subjects = header.subjects.iter().filter(|s| is_shown(s));
        let subjects = subjects.map(|s| Subject { role: s.role.as_str().to_owned(), id: s.id.clone() });
        let subjects = subjects.collect();
        // The data holds instants, officials and positions.
        let data = if is_exact {
            entry.happened().map_err(eventlog::ReadError::from)?.data.to_owned()
        } else {
            String::new()
        };
        Ok(pb::TrailLine {
            actor: if !is_person || sees(&actor.id) { actor.id } else { String::new() },
            actor_role: actor.role,
            agency,
            on_behalf_of: header.on_behalf_of.filter(|official| sees(official)).unwrap_or_default(),
            r#type: header.event_type,
            subjects,
            occurred: Some(occurred_to_proto(if is_exact { header.occurred } else { day(header.occurred) })),
            record_time: is_exact.then(|| timestamp_to(header.recorded_at)),
            record_date: header.recorded_at.with_timezone(&self.zone).date_naive().to_string(),
            position: if is_exact { entry.position } else { 0 },
            data,
            erased_by_law: false,
        })
    }
}

/// Who looks at a trail.
struct Viewer<'a> {
    caller: &'a Caller,
    /// The codes of agencies that they act for.
    own: Vec<String>,
    /// The newest position that the view has.
    newest: u64,
    /// Whether they are whom the proceedings of the trail may be against: then they learn of nobody else there.
    is_person: bool,
}

/// The agency that acted: the first one the event is about, or the token's.
fn agency_of(header: &Header) -> String {
    let subject = header.subjects.iter().find(|s| s.role == SubjectRole::Agency).map(|s| s.id.clone());
    subject.or_else(|| header.actor.agency.clone()).unwrap_or_default()
}

impl Query {
    /// Whole days, for callers who see the day only: by asking for less they could find the exact time.
    fn widen_to_days(&mut self, zone: FixedOffset) {
        const DAY: i64 = 24 * 3_600 * 1_000_000;
        let offset = i64::from(zone.local_minus_utc()) * 1_000_000;
        let start_of_day = |micros: i64| (micros + offset).div_euclid(DAY) * DAY - offset;
        self.from = self.from.map(start_of_day);
        self.until = self.until.map(|until| start_of_day(until - 1) + DAY);
    }

    /// Whether something that happened then is in the asked-for range.
    fn covers(&self, occurred: Occurred, zone: FixedOffset) -> bool {
        let at = occurred.earliest_micros(zone);
        self.from.is_none_or(|from| at >= from) && self.until.is_none_or(|until| at < until)
    }
}

/// The place that a page token says to go on past: how many of the trail's events, counted from the oldest,
/// come up to there. It tells no position, and stays right while newer events come.
fn place_of(token: &str) -> Result<Option<u64>, Failure> {
    if token.is_empty() {
        return Ok(None);
    }
    token.parse().map(Some).map_err(|_not_a_number| token_invalid())
}

fn token_invalid() -> Failure {
    Failure::new(Shared::PageTokenInvalid, "the page token is not one that this list gave")
}

#[tonic::async_trait]
impl AuditService for AuditHandlers {
    async fn list_trail(
        &self,
        request: Request<pb::ListTrailRequest>,
    ) -> Result<Response<pb::ListTrailResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let mut query = Self::decode(&caller, &request)?;
        if !caller.is_inspector() {
            query.widen_to_days(self.zone);
        }
        let asked = AsOf { position: request.as_of_position, time: request.as_of_time.as_ref() };
        let as_of = asked.position(&caller, &*self.log, self.zone).await?;
        let at_least = as_of.unwrap_or(0).max(request.at_least_position);
        let mut snapshot = self.view.at_least(at_least).await?;
        // What the caller stands for today counts, whatever was then.
        let own = Self::own(&caller, &mut snapshot).await?;
        standing::check(&caller, query.role, &query.id, &own)?;
        let is_person = query.role == SubjectRole::Official;
        let mut viewer = Viewer { caller: &caller, own, newest: snapshot.position, is_person };
        // Posting lists only grow: what comes after the position is left out.
        snapshot.position = as_of.unwrap_or(snapshot.position);
        query.terms[0] = match query.role {
            role @ (SubjectRole::Agency | SubjectRole::Unit) => {
                query::answered_for(&mut snapshot, role.as_str(), &query.id).await.map_err(Failure::from)?
            }
            _ => vec![query.id.clone()],
        };
        let role = query.role.as_str();
        let proceedings = self.proceedings(&viewer, &mut snapshot, &query).await?;
        let reserved: Vec<_> = query.terms[0].iter().map(|id| view::reserved_term(role, id)).collect();
        query.terms[0].iter_mut().for_each(|id| *id = view::subject_term(role, id));
        let of_proceeding = |id: &String| view::subject_term(SubjectRole::Proceeding.as_str(), id);
        query.terms[0].extend(proceedings.iter().map(of_proceeding));
        // One list is read faster than two: the other one only where it has anything.
        if caller.is_inspector()
            && query::count(&mut snapshot, std::slice::from_ref(&reserved)).await.map_err(Failure::from)? > 0
        {
            query.terms[0].extend(reserved);
        }
        let total = query::count(&mut snapshot, &query.terms).await.map_err(Failure::from)?;
        if total == 0 {
            let subject = query::count(&mut snapshot, &query.terms[..1]).await.map_err(Failure::from)?;
            if subject == 0 {
                let text = "nothing was recorded about this subject: check its role and id";
                return Err(Failure::new(ErrorReason::SubjectUnknown, text).into());
            }
        }
        if query.role == SubjectRole::Proceeding && !caller.is_inspector() {
            let reader = self.reader(&viewer, &mut snapshot, &query.id).await?;
            viewer.is_person = reader == proceeding::Reader::Person;
        }
        let (lines, next) = if query.role == SubjectRole::Report {
            self.report_lines(&viewer, &mut snapshot, &query, total).await?
        } else {
            self.lines(&viewer, &mut snapshot, &query, total).await?
        };
        Ok(Response::new(pb::ListTrailResponse {
            lines,
            next_page_token: next.map_or_else(String::new, |place| place.to_string()),
            position: snapshot.position,
            total_count: i64::try_from(total).unwrap_or(i64::MAX),
        }))
    }
}
