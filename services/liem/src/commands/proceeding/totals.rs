//! `liem proceeding totals`.

use identity::Role;
use proto::leaderboard::GetProceedingTotalsRequest;
use serde_json::json;

use crate::{cli::proceeding::TotalsArgs, client::Connection, config::Settings, output};

pub(super) async fn totals(settings: &Settings, args: TotalsArgs) -> anyhow::Result<()> {
    let connection = Connection::open(settings, Role::Inspector)?;
    let request = GetProceedingTotalsRequest {
        by: args.by.into(),
        agency: args.agency.unwrap_or_default(),
        at_least_position: args.at_least.unwrap_or(0),
        party: args.party,
    };
    let answer = connection.leaderboard().get_proceeding_totals(request).await?.into_inner();
    if settings.json {
        let totals = answer.totals.iter().map(|total| json!({ "key": total.key, "count": total.count }));
        return output::print_json(&totals.collect::<Vec<_>>().into());
    }
    let mut table = output::table(&["key", "count"], &["count"]);
    for total in &answer.totals {
        table.add_row([comfy_table::Cell::new(&total.key), output::cell(total.count)]);
    }
    output::print(&table.to_string())
}
