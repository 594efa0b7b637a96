//! `liem due`.

use chrono::FixedOffset;
use comfy_table::Table;
use identity::Role;
use proto::obligations::{ListObligationsRequest, Obligation};
use serde_json::{Value, json};

use super::trail::time;
use crate::{cli::report::DueArgs, client::Connection, commands::token, config::Settings, output};

pub(super) async fn due(settings: &Settings, args: DueArgs) -> anyhow::Result<()> {
    let connection = Connection::open(settings, Role::Inspector)?;
    let zone = connection.zone().await;
    let usual = if settings.json { 0 } else { 50 };
    let limit = match args.limit.unwrap_or(usual) {
        0 => usize::MAX,
        limit => limit,
    };
    let within = match &args.within {
        Some(text) => i64::try_from(token::seconds_of("--within", text)?)?,
        None => 0,
    };
    let mut request = ListObligationsRequest {
        agency: args.agency.unwrap_or_default(),
        unit: args.unit.unwrap_or_default(),
        head: args.head.unwrap_or_default(),
        within_seconds: within,
        overdue: args.overdue,
        judge_time: args.judged_at.as_deref().map(|text| time(text, true, zone)).transpose()?,
        at_least_position: args.at_least.unwrap_or(0),
        page_size: i32::try_from(limit.min(1_000)).unwrap_or(1_000),
        page_token: String::new(),
    };
    let mut obligations = connection.obligations();
    let mut duties: Vec<Obligation> = Vec::new();
    let last = loop {
        let mut answer = obligations.list_obligations(request.clone()).await?.into_inner();
        duties.append(&mut answer.obligations);
        if duties.len() >= limit || answer.next_page_token.is_empty() {
            duties.truncate(limit);
            break answer;
        }
        request.page_token.clone_from(&answer.next_page_token);
        // Every page is judged at the same moment.
        request.judge_time = answer.judge_time;
    };
    if settings.json {
        return output::print_json(&duties.iter().map(duty_json).collect::<Vec<_>>().into());
    }
    output::print(&duty_table(&duties, zone).to_string())?;
    let judged = output::short(last.judge_time.as_ref(), zone).unwrap_or_default();
    let (shown, total, late) = (duties.len(), last.total_count, last.overdue_count);
    output::print(&format!("{shown} duties shown of {total}, {late} overdue; judged at {judged}"))
}

/// Duties, one a row.
pub(crate) fn duty_table(duties: &[Obligation], zone: FixedOffset) -> Table {
    let headings = ["duty", "subject", "agency", "unit", "head", "since", "due", "overdue"];
    let mut table = output::table(&headings, &["overdue"]);
    for duty in duties {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let due = output::short(duty.due_time.as_ref(), zone);
        let due = if duty.paused { Some("paused".to_owned()) } else { due };
        table.add_row([
            output::cell(Some(&duty.duty)),
            output::cell(Some(format!("{} {}", duty.subject_role, duty.subject))),
            output::cell(Some(&duty.agency)),
            output::cell(text(&duty.unit)),
            output::cell(text(&duty.head)),
            output::cell(Some(&duty.since_date)),
            output::cell(due),
            output::cell((duty.overdue_seconds > 0).then(|| overdue(duty.overdue_seconds))),
        ]);
    }
    table
}

/// How long something is overdue, in its largest unit.
fn overdue(seconds: i64) -> String {
    match seconds {
        86_400.. => format!("{} days", seconds / 86_400),
        3_600.. => format!("{} hours", seconds / 3_600),
        _ => format!("{} minutes", seconds / 60),
    }
}

fn duty_json(duty: &Obligation) -> Value {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    json!({
        "duty": duty.duty,
        "subject_role": duty.subject_role,
        "subject": duty.subject,
        "agency": duty.agency,
        "unit": text(&duty.unit),
        "head": text(&duty.head),
        "since": duty.since_date,
        "due": output::instant(duty.due_time.as_ref()),
        "paused": duty.paused,
        "overdue": duty.overdue_seconds > 0,
        "overdue_days": duty.overdue_seconds / 86_400,
        "rule": text(&duty.rule),
        "position": (duty.position > 0).then_some(duty.position),
    })
}
