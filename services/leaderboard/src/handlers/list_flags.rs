//! `ListFlags`.

use identity::Caller;
use projection::{Positions, Snapshot, ViewError};
use proto::{Failure, leaderboard as pb, ledger::ErrorReason as Shared, page_size_from};
use tonic::Status;

use super::{LeaderboardHandlers, count};
use crate::{
    board::Query,
    fair::rounded,
    flags::{self, Flag, Flagged},
    succession::Succession,
};

/// Positions of evidence in one flag of an answer, at most.
const EVIDENCE: usize = 1_000;

/// Flags in an answer, at most: each with its evidence.
const FLAGS: usize = 100;

fn kind_of(kind: Flagged) -> pb::FlagKind {
    match kind {
        Flagged::LastDayPause => pb::FlagKind::LastDayPause,
        Flagged::LateRecording => pb::FlagKind::LateRecording,
        Flagged::OffHoursClosing => pb::FlagKind::OffHoursClosing,
        Flagged::Refusals => pb::FlagKind::Refusals,
        Flagged::ReopenedSoon => pb::FlagKind::ReopenedSoon,
        Flagged::ReportReopenedSoon => pb::FlagKind::ReportReopenedSoon,
    }
}

/// The kind and subject after which a page goes on.
fn past(token: &str) -> Result<(i32, String), Failure> {
    if token.is_empty() {
        return Ok((0, String::new()));
    }
    let parts =
        token.split_once(':').and_then(|(kind, subject)| Some((kind.parse().ok()?, subject.to_owned())));
    parts.ok_or_else(|| {
        Failure::new(Shared::PageTokenInvalid, "the page token is not one that this list gave")
    })
}

async fn encode(
    snapshot: &mut Snapshot,
    query: &Query,
    succession: &Succession,
    flag: Flag,
    past_position: Option<u64>,
) -> Result<pb::Flag, ViewError> {
    let mut evidence = match (flag.kind, past_position) {
        (_, None) => Positions::new(),
        (Flagged::Refusals, Some(_)) => {
            let subjects = succession.answered_for(query.by, &flag.subject);
            flags::refused(snapshot, query, &subjects).await?
        }
        (_, Some(_)) => flag.evidence,
    };
    evidence.remove_range(..=past_position.unwrap_or(0));
    Ok(pb::Flag {
        subject: flag.subject,
        agency: flag.agency,
        kind: kind_of(flag.kind).into(),
        count: count(flag.count),
        of: count(flag.of),
        expected: rounded(flag.expected),
        upper_limit: count(flag.upper_limit),
        has_more_positions: evidence.len() > EVIDENCE as u64,
        positions: evidence.iter().take(EVIDENCE).collect(),
    })
}

impl LeaderboardHandlers {
    pub(super) async fn flags(
        &self,
        caller: &Caller,
        request: pb::ListFlagsRequest,
    ) -> Result<pb::ListFlagsResponse, Status> {
        let asked_kind = request.kind();
        let asked = request.query.unwrap_or_default();
        if asked.judge_time.is_some() {
            return Err(
                Failure::field("query.judge_time", "leave it empty: flags are of whole months").into()
            );
        }
        let query = self.decode(caller, &asked)?;
        let limit = page_size_from(request.page_size)?.min(FLAGS);
        let past = past(&request.page_token)?;
        let mut snapshot = self.snapshot(caller, &asked).await?;
        let succession = Succession::of(&mut snapshot).await.map_err(Failure::from)?;
        let agency = succession.agency(&asked.agency);
        let subject = succession.subject(query.by, &request.subject);
        // Inspectors see all; who has a token of an agency sees that one's.
        let own =
            (!caller.is_inspector()).then(|| succession.agency(caller.agency.as_deref().unwrap_or_default()));
        let mut flags = flags::flags(&mut snapshot, &query, &succession).await.map_err(Failure::from)?;
        flags.retain(|flag| {
            (agency.is_empty() || flag.agency == agency)
                && own.is_none_or(|own| !own.is_empty() && flag.agency == own)
                && (subject.is_empty() || flag.subject == subject)
                && (asked_kind == pb::FlagKind::Unspecified || kind_of(flag.kind) == asked_kind)
        });
        let total_count = count(flags.len() as u64);
        let at = |flag: &Flag| (i32::from(kind_of(flag.kind)), flag.subject.clone());
        flags.sort_by_key(at);
        flags.retain(|flag| at(flag) > past);
        let has_more = flags.len() > limit;
        flags.truncate(limit);
        let next = flags.last().filter(|_| has_more).map(|flag| {
            let (kind, subject) = at(flag);
            format!("{kind}:{subject}")
        });
        let past_position = caller.is_inspector().then_some(request.past_position);
        let mut encoded = Vec::with_capacity(flags.len());
        for flag in flags {
            let flag = encode(&mut snapshot, &query, &succession, flag, past_position).await;
            encoded.push(flag.map_err(Failure::from)?);
        }
        Ok(pb::ListFlagsResponse {
            flags: encoded,
            next_page_token: next.unwrap_or_default(),
            total_count,
            position: snapshot.position,
        })
    }
}
