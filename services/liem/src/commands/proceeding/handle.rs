//! What an agency does with a proceeding it has.

use proto::discipline as pb;
use serde_json::{Map, Value, json};

use super::{command, limit, recorded, text};
use crate::{
    cli::proceeding::{DecisionArgs, OpenArgs, OriginArgs, ProceedingCommand},
    client::Connection,
};

/// Does it, and gives what is to be shown.
pub(super) async fn handle(
    connection: &Connection,
    asked: ProceedingCommand,
) -> anyhow::Result<Map<String, Value>> {
    let mut discipline = connection.discipline();
    /// Sends a command to a proceeding, and gives of the answer what was recorded, and more where it says more.
    macro_rules! send {
        ($by:ident, $rpc:ident, $request:ident { $($field:ident: $value:expr),* }) => {
            send!($by, $rpc, $request { $($field: $value),* }, |_answer| json!({}))
        };
        (
            $by:ident, $rpc:ident, $request:ident { $($field:ident: $value:expr),* },
            |$answer:ident| $more:expr
        ) => {{
            let proceeding = $by.proceeding.clone();
            let command = Some(command(connection, $by.proceeding, $by.acting).await?);
            let request = pb::$request { command, $($field: $value),* };
            let $answer = discipline.$rpc(request).await?.into_inner();
            recorded(&proceeding, $answer.recorded, $more)
        }};
    }
    Ok(match asked {
        ProceedingCommand::Open(args) => {
            let OpenArgs { origin, class, leads, violation, discovery, exemption, acting } = *args;
            let request = pb::OpenProceedingRequest {
                command: Some(command(connection, String::new(), acting).await?),
                origin_stream: stream(&origin),
                allegation: origin.allegation,
                track: origin.track.into(),
                person: origin.person.unwrap_or_default(),
                person_class: class.map_or(0, Into::into),
                leads,
                violation_date: violation,
                discovery_date: discovery.unwrap_or_default(),
                exemption: exemption.unwrap_or_default(),
            };
            let answer = discipline.open_proceeding(request).await?.into_inner();
            let more = json!({ "convene": limit(answer.convene), "decide": limit(answer.decide) });
            recorded(&answer.proceeding, answer.recorded, more)
        }
        ProceedingCommand::Decline { origin, reason, acting } => {
            let request = pb::DeclineProceedingRequest {
                command: Some(command(connection, String::new(), acting).await?),
                origin_stream: stream(&origin),
                allegation: origin.allegation,
                track: origin.track.into(),
                person: origin.person.unwrap_or_default(),
                reason: reason.into(),
            };
            let answer = discipline.decline_proceeding(request).await?.into_inner();
            recorded(&answer.proceeding, answer.recorded, json!({}))
        }
        ProceedingCommand::Extend { by } => {
            send!(by, extend_handling, ExtendHandlingRequest {}, |answer| {
                json!({ "decide": limit(answer.decide) })
            })
        }
        ProceedingCommand::Pause { by, ground } => {
            send!(by, pause_proceeding, PauseProceedingRequest { ground: ground })
        }
        ProceedingCommand::Resume { by } => {
            send!(by, resume_proceeding, ResumeProceedingRequest {}, |answer| {
                json!({ "decide": limit(answer.decide) })
            })
        }
        ProceedingCommand::Council { by, members } => {
            send!(by, convene_council, ConveneCouncilRequest { members: members })
        }
        ProceedingCommand::Hearing { by, absent } => {
            send!(by, record_hearing, RecordHearingRequest { attended: !absent })
        }
        ProceedingCommand::Circumstance { by, circumstance, report } => {
            let report = report.unwrap_or_default();
            send!(
                by,
                record_circumstance,
                RecordCircumstanceRequest { circumstance: circumstance, report: report },
                |answer| json!({ "aggravating": answer.aggravating, "rule": text(&answer.rule) })
            )
        }
        ProceedingCommand::Recommend { by, decision: args } => {
            send!(by, recommend_sanction, RecommendSanctionRequest { decision: Some(decision(args)) })
        }
        ProceedingCommand::Decide { by, decision: args } => {
            send!(
                by,
                decide_sanction,
                DecideSanctionRequest { decision: Some(decision(args)) },
                |answer| json!({
                    "rule": text(&answer.rule),
                    "citation": text(&answer.citation),
                    "appeal": limit(answer.appeal),
                    "execute": limit(answer.execute),
                })
            )
        }
        ProceedingCommand::Head { by, head, liability } => {
            send!(
                by,
                hold_head_liable,
                HoldHeadLiableRequest { head: head, liability: liability.into() },
                |answer| json!({ "citation": text(&answer.citation) })
            )
        }
        ProceedingCommand::Execute { by } => {
            send!(by, execute_sanction, ExecuteSanctionRequest {}, |answer| {
                json!({ "clear_date": text(&answer.clear_date) })
            })
        }
        ProceedingCommand::Appeal { by } => {
            send!(by, appeal_sanction, AppealSanctionRequest {}, |answer| {
                json!({ "answer": limit(answer.answer) })
            })
        }
        ProceedingCommand::DecideAppeal { by, result, form } => {
            send!(
                by,
                decide_sanction_appeal,
                DecideSanctionAppealRequest { result: result.into(), form: form.unwrap_or_default() },
                |answer| json!({ "citation": text(&answer.citation) })
            )
        }
        ProceedingCommand::Clear { by } => send!(by, clear_sanction, ClearSanctionRequest {}),
        ProceedingCommand::Exonerate { by, ground } => {
            send!(by, exonerate, ExonerateRequest { ground: ground.into() }, |answer| {
                json!({ "apologise": limit(answer.apologise), "restore": limit(answer.restore) })
            })
        }
        ProceedingCommand::Apology { by } => send!(by, record_apology, RecordApologyRequest {}),
        ProceedingCommand::Restoration { by } => send!(by, record_restoration, RecordRestorationRequest {}),
        ProceedingCommand::Close { by, reason } => {
            send!(by, close_proceeding, CloseProceedingRequest { reason: reason.into() })
        }
        ProceedingCommand::Show { .. } | ProceedingCommand::Totals(_) => unreachable!("done elsewhere"),
    })
}

/// The stream of the report that is named.
fn stream(origin: &OriginArgs) -> String {
    let category = "conduct.report/";
    if origin.origin.starts_with(category) {
        return origin.origin.clone();
    }
    format!("{category}{}", origin.origin)
}

/// A sanction of a form, or none.
fn decision(DecisionArgs { form, .. }: DecisionArgs) -> pb::Decision {
    let result = if form.is_some() { pb::Result::Sanctioned } else { pb::Result::NotSanctioned };
    pb::Decision { result: result.into(), form: form.unwrap_or_default(), source_outcome: String::new() }
}
