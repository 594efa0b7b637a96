//! What came of the reports: proceedings by outcome, duties that were missed, and one that ended with an exoneration.

use chrono::{DateTime, Utc};
use proto::{
    audit::ListTrailRequest,
    leaderboard::{GetProceedingTotalsRequest, ProceedingTotalsBy},
    ledger::{ListOrder, Subject},
    obligations::ListObligationsRequest,
    timestamp_to,
};

use crate::{
    client::Connection,
    commands::{due::duty_table, trail},
    output,
};

/// Duties that are shown.
const DUTIES: usize = 8;

/// Shows it, as an inspector sees it, judged at a time.
pub(super) async fn show(
    inspector: &Connection,
    judge_time: DateTime<Utc>,
    position: u64,
) -> anyhow::Result<()> {
    let request = GetProceedingTotalsRequest {
        by: ProceedingTotalsBy::Outcome.into(),
        at_least_position: position,
        ..GetProceedingTotalsRequest::default()
    };
    let totals = inspector.leaderboard().get_proceeding_totals(request).await?.into_inner().totals;
    let words = totals.iter().map(|total| format!("{} {}", total.count.unwrap_or_default(), total.key));
    output::print(&format!("\nWhat became of the proceedings: {}", words.collect::<Vec<_>>().join(", ")))?;

    let request = ListObligationsRequest {
        overdue: true,
        judge_time: Some(timestamp_to(judge_time)),
        at_least_position: position,
        page_size: 1_000,
        ..ListObligationsRequest::default()
    };
    let mut duties = inspector.obligations().list_obligations(request).await?.into_inner();
    duties.obligations.retain(|duty| duty.subject_role == "proceeding");
    let late = duties.obligations.len();
    let apology = duties.obligations.iter().find(|duty| duty.duty == "apologise").cloned();
    duties.obligations.truncate(DUTIES);
    let table = duty_table(&duties.obligations, output::usual_zone());
    output::print(&format!("\nDuties in proceedings that are overdue: {late}, the first of them\n{table}"))?;

    let Some(duty) = apology else { return Ok(()) };
    let request = ListTrailRequest {
        subject: Some(Subject { role: "proceeding".into(), id: duty.subject.clone() }),
        order: ListOrder::OldestFirst.into(),
        page_size: 100,
        ..ListTrailRequest::default()
    };
    let mut lines = Vec::new();
    trail::pages(inspector, request, 100, |line| {
        lines.push(line);
        Ok(())
    })
    .await?;
    let table = trail::line_table(&lines, output::usual_zone());
    output::print(&format!("\nSomebody who was wrongly disciplined, and waits for an apology:\n{table}"))
}
