//! `liem view`.

use identity::Role;
use serde_json::json;

use crate::{
    cli::{ViewArgs, ViewName},
    client::Connection,
    config::Settings,
    output,
};

pub(super) async fn status(settings: &Settings, args: ViewArgs) -> anyhow::Result<()> {
    let connection = Connection::open(settings, Role::Inspector)?;
    let (view, position, head, stopped, digest) = match args.view {
        ViewName::Audit => {
            let request = proto::audit::GetViewStatusRequest {};
            let status = connection.audit().get_view_status(request).await?.into_inner();
            ("audit", status.position, status.head_position, status.stopped_because, status.digest)
        }
        ViewName::Leaderboard => {
            let request = proto::leaderboard::GetViewStatusRequest {};
            let status = connection.leaderboard().get_view_status(request).await?.into_inner();
            ("leaderboard", status.position, status.head_position, status.stopped_because, status.digest)
        }
    };
    let stopped = (!stopped.is_empty()).then_some(stopped);
    if settings.json {
        return output::print_json(&json!({
            "view": view, "position": position, "head": head, "stopped": stopped, "digest": digest,
        }));
    }
    let health = stopped.map_or_else(|| "follows the log".to_owned(), |why| format!("stopped: {why}"));
    output::print(&format!("{view} is at position {position} of {head} and {health}\ndigest {digest}"))
}
