//! `liem case show`.

use identity::Role;
use proto::{
    audit::{ListTrailRequest, TrailLine},
    delivery::{CaseStage, Channel, GetCaseRequest, Outcome},
    ledger::{ListOrder, Subject},
};
use serde_json::json;

use super::trail::{line_json, line_table, pages};
use crate::{client::Connection, config::Settings, output};

pub(super) async fn show(settings: &Settings, code: String) -> anyhow::Result<()> {
    let connection = Connection::open(settings, Role::Inspector)?;
    let answer = connection.delivery().get_case(GetCaseRequest { code: code.clone() }).await?.into_inner();
    let case = answer.case.unwrap_or_default();
    let request = ListTrailRequest {
        subject: Some(Subject { role: "case".into(), id: code }),
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

    let stage = output::word(case.stage().as_str_name(), "CASE_STAGE_");
    let channel = output::word(case.channel().as_str_name(), "CHANNEL_");
    let outcome = output::word(case.outcome().as_str_name(), "OUTCOME_");
    debug_assert!(CaseStage::try_from(case.stage).is_ok() && Channel::try_from(case.channel).is_ok());
    debug_assert!(Outcome::try_from(case.outcome).is_ok());
    let promise = case.promise.unwrap_or_default();
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let fields = json!({
        "case": case.code,
        "agency": case.agency,
        "unit": text(&case.unit),
        "procedure": text(&case.procedure),
        "channel": channel,
        "stage": stage,
        "received": output::occurred(case.receive_occurred.as_ref()),
        "closed": output::occurred(case.close_occurred.as_ref()),
        "statutory_due": output::instant(promise.statutory_due_time.as_ref()),
        "committed_due": output::instant(promise.committed_due_time.as_ref()),
        "new_date": text(&case.new_date),
        "outcome": outcome,
        "result_returned": case.result_returned,
        "rating": (case.rating > 0).then_some(case.rating),
        "assignee": text(&case.assignee),
        "handed_to": text(&case.handed_to),
        "steps": case.step_count,
        "reopens": text(&case.reopens),
        "revision": case.revision,
        "trail": lines.iter().map(line_json).collect::<Vec<_>>(),
    });
    if settings.json {
        return output::print_json(&fields);
    }
    for (name, value) in fields.as_object().into_iter().flatten() {
        let shown = match value {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Null | serde_json::Value::Array(_) => continue,
            other => other.to_string(),
        };
        output::print(&format!("{name:<16} {shown}"))?;
    }
    output::print(&format!("\n{}", line_table(&lines, connection.zone().await)))
}
