//! What an agency does with a report it has.

use anyhow::Context as _;
use clap::ValueEnum as _;
use proto::conduct as pb;
use serde_json::{Map, Value, json};

use super::{command, limit, recorded, text};
use crate::{
    cli::report::{Finding, ReportCommand},
    client::Connection,
    output,
};

/// Does it, and gives what is to be shown.
pub(super) async fn handle(
    connection: &Connection,
    asked: ReportCommand,
) -> anyhow::Result<Map<String, Value>> {
    let mut conduct = connection.conduct();
    /// Sends a command whose answer says nothing but what was recorded.
    macro_rules! send {
        ($by:ident, $rpc:ident, $request:ident { $($field:ident: $value:expr),* }) => {{
            let report = $by.report.clone();
            let command = Some(command(connection, $by).await?);
            let request = pb::$request { command, $($field: $value),* };
            recorded(&report, conduct.$rpc(request).await?.into_inner().recorded, json!({}))
        }};
    }
    Ok(match asked {
        ReportCommand::Classify { by, kind, class, evidence } => {
            let report = by.report.clone();
            let request = pb::ClassifyReportRequest {
                command: Some(command(connection, by).await?),
                kind: kind.map_or(0, Into::into),
                class: class.map_or(0, Into::into),
                evidence,
            };
            let answer = conduct.classify_report(request).await?.into_inner();
            let stage = output::word(answer.stage().as_str_name(), "REPORT_STAGE_");
            let mut more = limit(answer.accept);
            more["stage"] = stage.into();
            recorded(&report, answer.recorded, more)
        }
        ReportCommand::Accept { by, instance } => {
            let report = by.report.clone();
            let request = pb::AcceptReportRequest { command: Some(command(connection, by).await?), instance };
            let answer = conduct.accept_report(request).await?.into_inner();
            recorded(&report, answer.recorded, limit(answer.conclude))
        }
        ReportCommand::Transfer { by, to, reason } => {
            send!(by, transfer_report, TransferReportRequest { to_agency: to, reason: reason.into() })
        }
        ReportCommand::Decline { by, reason } => {
            let report = by.report.clone();
            let request = pb::DeclineReportRequest { command: Some(command(connection, by).await?), reason };
            let answer = conduct.decline_report(request).await?.into_inner();
            recorded(&report, answer.recorded, json!({ "rule": answer.rule }))
        }
        ReportCommand::Extend { by, because } => {
            let report = by.report.clone();
            let command = Some(command(connection, by).await?);
            let request = pb::ExtendLimitRequest { command, complexity: because.into() };
            let answer = conduct.extend_limit(request).await?.into_inner();
            recorded(&report, answer.recorded, limit(answer.conclude))
        }
        ReportCommand::Ask { by, text: given } => {
            let report = by.report.clone();
            let text = text(given)?.context("what is asked? give --text or --text-file")?;
            let request = pb::AskReporterRequest { command: Some(command(connection, by).await?), text };
            let answer = conduct.ask_reporter(request).await?.into_inner();
            recorded(&report, answer.recorded, json!({ "question": answer.question }))
        }
        ReportCommand::Inquire { by } => send!(by, open_inquiry, OpenInquiryRequest {}),
        ReportCommand::Person { by, person } => {
            send!(by, add_person_concerned, AddPersonConcernedRequest { person: person })
        }
        ReportCommand::Step { by, step } => {
            send!(by, record_inquiry_step, RecordInquiryStepRequest { step: step })
        }
        ReportCommand::Allege { by, class, person } => {
            let report = by.report.clone();
            let request = pb::AddAllegationRequest {
                command: Some(command(connection, by).await?),
                person: person.unwrap_or_default(),
                class: class.into(),
                source_class: String::new(),
            };
            let answer = conduct.add_allegation(request).await?.into_inner();
            recorded(&report, answer.recorded, json!({ "allegation": answer.allegation }))
        }
        ReportCommand::Finding { by, allegation, finding, is_final } => {
            let stage = if is_final { pb::FindingStage::Final } else { pb::FindingStage::Recommended };
            send!(
                by,
                record_finding,
                RecordFindingRequest { allegation: allegation, finding: finding.into(), stage: stage.into() }
            )
        }
        ReportCommand::Conclude { by } => send!(by, conclude_report, ConcludeReportRequest {}),
        ReportCommand::Appeal { by, who } => {
            let report = by.report.clone();
            let command = Some(command(connection, by).await?);
            let request = pb::AppealFindingsRequest { command, appellant: who.into() };
            let answer = conduct.appeal_findings(request).await?.into_inner();
            recorded(&report, answer.recorded, limit(answer.decide))
        }
        ReportCommand::DecideAppeal { by, changes } => {
            let changed = changes.iter().map(|change| changed(change)).collect::<anyhow::Result<_>>()?;
            send!(by, decide_appeal, DecideAppealRequest { changed: changed })
        }
        ReportCommand::Reopen { by, reason } => {
            let report = by.report.clone();
            let command = Some(command(connection, by).await?);
            let request = pb::ReopenReportRequest { command, reason: reason.into() };
            let answer = conduct.reopen_report(request).await?.into_inner();
            recorded(&report, answer.recorded, limit(answer.conclude))
        }
        ReportCommand::File(_)
        | ReportCommand::FollowUp(_)
        | ReportCommand::Show { .. }
        | ReportCommand::Open { .. }
        | ReportCommand::Erase { .. }
        | ReportCommand::Totals { .. } => unreachable!("done elsewhere"),
    })
}

/// A changed finding: `2=unsubstantiated`.
fn changed(text: &str) -> anyhow::Result<pb::ChangedFinding> {
    let parsed = text.split_once('=').and_then(|(number, finding)| {
        Some((number.trim().parse().ok()?, Finding::from_str(finding.trim(), true).ok()?))
    });
    let (allegation, finding) =
        parsed.with_context(|| format!("`{text}` is not NUMBER=FINDING, such as 2=unsubstantiated"))?;
    Ok(pb::ChangedFinding { allegation, finding: finding.into() })
}
