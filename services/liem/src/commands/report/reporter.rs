//! What a reporter does.

use anyhow::Context as _;
use identity::Role;
use proto::conduct as pb;
use serde_json::json;

use super::{request_id, standard_input, text};
use crate::{
    cli::report::{FileArgs, FollowUpArgs},
    client::Connection,
    config::Settings,
    output,
};

pub(super) async fn file(settings: &Settings, args: FileArgs) -> anyhow::Result<()> {
    let connection = Connection::open(settings, Role::Administrator)?;
    let report = pb::NewReport {
        agency: args.agency,
        source: args.source.map_or(0, Into::into),
        kind: args.kind.into(),
        class: args.class.into(),
        source_class: String::new(),
        about_agency: args.about.unwrap_or_default(),
        about_unit: args.unit.unwrap_or_default(),
        about_officials: args.officials,
        jurisdiction: args.jurisdiction.unwrap_or_default(),
        remote: args.remote,
        name: args.name.unwrap_or_default(),
        contact: args.contact.unwrap_or_default(),
        text: text(args.text)?.unwrap_or_default(),
        retaliation_for: args.retaliation_for.unwrap_or_default(),
        receive_date: args.received.unwrap_or_default(),
    };
    let request = pb::FileReportRequest { request_id: request_id(), report: Some(report) };
    let answer = connection.conduct().file_report(request).await?.into_inner();
    let text = |text: String| (!text.is_empty()).then_some(text);
    let (report, code) = (text(answer.report), text(answer.follow_up_code));
    if settings.json {
        return output::print_json(&json!({ "report": report, "follow_up_code": code }));
    }
    if let Some(report) = report {
        output::print(&format!("report           {report}"))?;
    }
    if let Some(code) = code {
        output::print(&format!("follow-up code   {code}"))?;
        output::print("Keep the code: it is shown this once, and nobody can find it again.")?;
    }
    Ok(())
}

pub(super) async fn follow_up(settings: &Settings, args: FollowUpArgs) -> anyhow::Result<()> {
    let connection = Connection::open(settings, Role::Administrator)?;
    let mut conduct = connection.conduct();
    let code = if args.code == "-" { standard_input()?.trim().to_owned() } else { args.code };
    let said = text(args.text)?;
    let said = || said.clone().context("what is said? give --text or --text-file");
    if args.proof {
        let request = pb::GetFilingProofRequest { follow_up_code: code };
        let proof = conduct.get_filing_proof(request).await?.into_inner();
        let fields = json!({
            "origin": proof.origin, "received": proof.receive_date, "leaf_hash": proof.leaf_hash,
        });
        return output::print_fields(fields.as_object().context("an object")?, settings.json);
    }
    if args.add {
        let (request_id, text) = (request_id(), said()?);
        conduct
            .add_to_report(pb::AddToReportRequest { request_id, follow_up_code: code.clone(), text })
            .await?;
    } else if let Some(question) = args.answer {
        let (request_id, text) = (request_id(), said()?);
        let follow_up_code = code.clone();
        let request = pb::AnswerQuestionRequest { request_id, follow_up_code, question, text };
        conduct.answer_question(request).await?;
    } else if args.withdraw {
        let (request_id, allegations) = (request_id(), args.allegations);
        let follow_up_code = code.clone();
        conduct
            .withdraw_report(pb::WithdrawReportRequest { request_id, follow_up_code, allegations })
            .await?;
    }
    let answer = conduct.get_follow_up(pb::GetFollowUpRequest { follow_up_code: code }).await?.into_inner();
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let questions: Vec<_> = answer
        .questions
        .iter()
        .map(|asked| json!({ "question": asked.question, "text": asked.text }))
        .collect();
    let findings = answer.findings.iter().map(|found| {
        json!({ "finding": output::word(found.finding().as_str_name(), "FINDING_"), "count": found.count })
    });
    let findings: Vec<_> = findings.collect();
    let fields = json!({
        "stage": output::word(answer.stage().as_str_name(), "REPORT_STAGE_"),
        "handler": answer.handler,
        "due": text(&answer.due_date),
        "decline_reason": text(&answer.decline_reason),
        "questions": questions,
        "findings": findings,
    });
    if settings.json {
        return output::print_json(&fields);
    }
    output::print_fields(fields.as_object().context("an object")?, false)?;
    for asked in &answer.questions {
        output::print(&format!("question {}       {}", asked.question, asked.text))?;
    }
    for found in &answer.findings {
        let word = output::word(found.finding().as_str_name(), "FINDING_").unwrap_or_default();
        output::print(&format!("{word:<16} {}", found.count))?;
    }
    Ok(())
}
