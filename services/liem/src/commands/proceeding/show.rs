//! Looking at proceedings.

use anyhow::Context as _;
use identity::Role;
use proto::discipline as pb;
use serde_json::{Value, json};

use super::{limit, print, text};
use crate::{client::Connection, config::Settings, output};

pub(super) async fn show(settings: &Settings, proceeding: String) -> anyhow::Result<()> {
    let connection = Connection::open(settings, Role::Inspector)?;
    let request = pb::GetProceedingRequest { proceeding };
    let answer = connection.discipline().get_proceeding(request).await?.into_inner();
    let found = answer.proceeding.unwrap_or_default();
    let fields = fields(&found);
    print(fields.as_object().context("an object")?, settings.json)?;
    if settings.json {
        return Ok(());
    }
    for circumstance in &found.circumstances {
        let weight = if circumstance.aggravating { "aggravates" } else { "mitigates" };
        output::print(&format!("circumstance     {} ({weight})", circumstance.circumstance))?;
    }
    for (name, decision) in [("recommended", &found.recommended), ("decision", &found.decision)] {
        if let Some(decision) = decision {
            let parts = [result(decision), text(&decision.form), text(&decision.source_outcome)];
            let parts = parts.into_iter().flatten().collect::<Vec<_>>();
            output::print(&format!("{name:<16} {}", parts.join(", ")))?;
        }
    }
    for head in &found.liable_heads {
        let how = output::word(head.liability().as_str_name(), "LIABILITY_").unwrap_or_default();
        output::print(&format!("liable head      {} ({how})", head.head))?;
    }
    Ok(())
}

fn result(decision: &pb::Decision) -> Option<String> {
    output::word(decision.result().as_str_name(), "RESULT_")
}

/// All that is told of a proceeding.
fn fields(found: &pb::Proceeding) -> Value {
    let origin = found.origin.clone().unwrap_or_default();
    let decision = |decision: &Option<pb::Decision>| {
        decision.as_ref().map(|decision| {
            json!({
                "result": result(decision),
                "form": text(&decision.form),
                "source_outcome": text(&decision.source_outcome),
            })
        })
    };
    let circumstances = found.circumstances.iter().map(|circumstance| {
        json!({ "circumstance": circumstance.circumstance, "aggravating": circumstance.aggravating })
    });
    let heads = found.liable_heads.iter().map(|head| {
        let liability = output::word(head.liability().as_str_name(), "LIABILITY_");
        json!({ "head": head.head, "liability": liability })
    });
    json!({
        "proceeding": found.proceeding,
        "revision": found.revision,
        "stage": output::word(found.stage().as_str_name(), "PROCEEDING_STAGE_"),
        "origin": text(&origin.stream),
        "origin_revision": origin.revision,
        "allegation": (origin.allegation > 0).then_some(origin.allegation),
        "track": output::word(found.track().as_str_name(), "TRACK_"),
        "linked": text(&found.linked),
        "person": text(&found.person),
        "person_class": output::word(found.person_class().as_str_name(), "PERSON_CLASS_"),
        "leads": found.leads,
        "agency": found.agency,
        "unit": text(&found.unit),
        "handler": found.handler,
        "jurisdiction": found.jurisdiction,
        "violation_date": text(&found.violation_date),
        "discovery_date": text(&found.discovery_date),
        "decision_date": text(&found.decision_date),
        "limitation_date": text(&found.limitation_date),
        "open": limit(found.open.clone()),
        "convene": limit(found.convene.clone()),
        "decide": limit(found.decide.clone()),
        "execute": limit(found.execute.clone()),
        "appeal": limit(found.appeal.clone()),
        "answer": limit(found.answer.clone()),
        "circumstances": circumstances.collect::<Vec<_>>(),
        "recommended": decision(&found.recommended),
        "decision": decision(&found.decision),
        "citation": text(&found.citation),
        "appeal_result": output::word(found.appeal_result().as_str_name(), "APPEAL_RESULT_"),
        "liable_heads": heads.collect::<Vec<_>>(),
        "executed": found.executed,
        "cleared": found.cleared,
        "exonerated": found.exonerated,
        "apologised": found.apologised,
        "restored": found.restored,
    })
}
