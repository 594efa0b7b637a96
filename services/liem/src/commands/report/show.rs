//! Looking at reports.

use anyhow::Context as _;
use identity::Role;
use proto::{
    audit::{ListTrailRequest, TrailLine},
    conduct as pb,
    leaderboard::GetReportTotalsRequest,
    ledger::{ListOrder, Subject},
};
use serde_json::json;

use super::request_id;
use crate::{
    cli::report::{ErasureGround, OpeningReason, TotalsBy},
    client::Connection,
    commands::trail::{line_json, line_table, pages},
    config::Settings,
    output,
};

pub(super) async fn show(settings: &Settings, report: String) -> anyhow::Result<()> {
    let connection = Connection::open(settings, Role::Inspector)?;
    let request = pb::GetReportRequest { report: report.clone() };
    let answer = connection.conduct().get_report(request).await?.into_inner();
    let found = answer.report.unwrap_or_default();
    let request = ListTrailRequest {
        subject: Some(Subject { role: "report".into(), id: report }),
        order: ListOrder::OldestFirst.into(),
        page_size: 1_000,
        ..ListTrailRequest::default()
    };
    let mut lines: Vec<TrailLine> = Vec::new();
    pages(&connection, request, usize::MAX, |line| {
        lines.push(line);
        Ok(())
    })
    .await?;

    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let limit = found.limit.clone().unwrap_or_default();
    let finding = |finding: pb::Finding| output::word(finding.as_str_name(), "FINDING_");
    let allegations = found.allegations.iter().map(|allegation| {
        json!({
            "allegation": allegation.allegation,
            "person": text(&allegation.person),
            "class": output::word(allegation.class().as_str_name(), "CLASS_"),
            "source_class": text(&allegation.source_class),
            "recommended": finding(allegation.recommended()),
            "final": finding(allegation.r#final()),
            "withdrawn": allegation.withdrawn,
        })
    });
    let sealed = found.sealed.iter().map(|sealed| {
        let state = if sealed.erased { "erased by law" } else { "sealed" };
        json!({ "seal": sealed.seal, "field": sealed.field, "state": state })
    });
    let fields = json!({
        "report": found.report,
        "source": output::word(found.source().as_str_name(), "SOURCE_"),
        "kind": output::word(found.kind().as_str_name(), "KIND_"),
        "class": output::word(found.class().as_str_name(), "CLASS_"),
        "source_class": text(&found.source_class),
        "about_agency": found.about_agency,
        "about_unit": text(&found.about_unit),
        "about_officials": found.about_officials,
        "handler": found.handler,
        "jurisdiction": found.jurisdiction,
        "stage": output::word(found.stage().as_str_name(), "REPORT_STAGE_"),
        "received": found.receive_date,
        "due": text(&limit.due_date),
        "rule": text(&limit.rule),
        "decline_reason": text(&found.decline_reason),
        "persons": found.persons,
        "allegations": allegations.collect::<Vec<_>>(),
        "open_questions": found.open_questions,
        "sealed": sealed.collect::<Vec<_>>(),
        "retaliation_for": text(&found.retaliation_for),
        "retaliation_reports": found.retaliation_reports,
        "revision": found.revision,
        "trail": lines.iter().map(line_json).collect::<Vec<_>>(),
    });
    if settings.json {
        return output::print_json(&fields);
    }
    output::print_fields(fields.as_object().context("an object")?, false)?;
    for allegation in &found.allegations {
        let class = output::word(allegation.class().as_str_name(), "CLASS_").unwrap_or_default();
        let class = text(&allegation.source_class).unwrap_or(class);
        let said = |found| finding(found).unwrap_or_else(|| "–".to_owned());
        output::print(&format!(
            "allegation {:<5} {class}: recommended {}, final {}",
            allegation.allegation,
            said(allegation.recommended()),
            said(allegation.r#final())
        ))?;
    }
    for sealed in &found.sealed {
        let state = if sealed.erased { "erased by law" } else { "sealed" };
        output::print(&format!("{:<16} {state} ({})", sealed.field, sealed.seal))?;
    }
    output::print(&format!("\n{}", line_table(&lines, connection.zone().await)))
}

pub(super) async fn open(
    settings: &Settings,
    report: String,
    reader: String,
    reason: OpeningReason,
) -> anyhow::Result<()> {
    let connection = Connection::open(settings, Role::Inspector)?;
    let request = pb::OpenSealedDataRequest {
        request_id: request_id(),
        report,
        seals: Vec::new(),
        reader,
        reason: reason.into(),
    };
    let answer = connection.conduct().open_sealed_data(request).await?.into_inner();
    let state = |field: &pb::OpenedField| if field.erased { "erased by law" } else { "opened" };
    if settings.json {
        let fields: Vec<_> = answer
            .fields
            .iter()
            .map(|field| {
                let text = (!field.erased).then_some(&field.text);
                json!({ "seal": field.seal, "field": field.field, "state": state(field), "text": text })
            })
            .collect();
        return output::print_json(&fields.into());
    }
    for field in &answer.fields {
        let text = if field.erased { "erased by law" } else { &field.text };
        output::print(&format!("{:<16} {text}", field.field))?;
    }
    Ok(())
}

pub(super) async fn erase(settings: &Settings, report: String, ground: ErasureGround) -> anyhow::Result<()> {
    let connection = Connection::open(settings, Role::Administrator)?;
    let request = pb::ErasePersonalDataRequest {
        request_id: request_id(),
        report: report.clone(),
        ground: ground.into(),
    };
    let answer = connection.conduct().erase_personal_data(request).await?.into_inner();
    let more = json!({ "erased": answer.erased_count });
    output::print_fields(&super::recorded(&report, answer.recorded, more), settings.json)
}

pub(super) async fn totals(
    settings: &Settings,
    by: TotalsBy,
    agency: Option<String>,
    at_least: Option<u64>,
) -> anyhow::Result<()> {
    let connection = Connection::open(settings, Role::Inspector)?;
    let request = GetReportTotalsRequest {
        by: by.into(),
        agency: agency.unwrap_or_default(),
        at_least_position: at_least.unwrap_or(0),
    };
    let answer = connection.leaderboard().get_report_totals(request).await?.into_inner();
    if settings.json {
        let totals: Vec<_> =
            answer.totals.iter().map(|total| json!({ "key": total.key, "count": total.count })).collect();
        return output::print_json(&totals.into());
    }
    let mut table = output::table(&["key", "count"], &["count"]);
    for total in &answer.totals {
        table.add_row([comfy_table::Cell::new(&total.key), output::cell(total.count)]);
    }
    output::print(&table.to_string())
}
