//! `liem view`.

use anyhow::Context as _;
use identity::Role;
use proto::view::{GenerationState, GetDigestRequest, ListViewsRequest};
use serde_json::json;

use crate::{
    cli::{ViewCommand, ViewName},
    client::Connection,
    config::Settings,
    output,
};

pub(super) async fn view(settings: &Settings, command: ViewCommand) -> anyhow::Result<()> {
    let connection = Connection::open(settings, Role::Inspector)?;
    match command {
        ViewCommand::Audit => status(settings, &connection, ViewName::Audit).await,
        ViewCommand::Leaderboard => status(settings, &connection, ViewName::Leaderboard).await,
        ViewCommand::Obligations => status(settings, &connection, ViewName::Obligations).await,
        ViewCommand::Digest { view, at, generation } => {
            let request = GetDigestRequest {
                view: view.name().to_owned(),
                generation: generation.unwrap_or(0),
                at_position: at.unwrap_or(0),
            };
            let answer = connection.views(view.name()).get_digest(request).await?.into_inner();
            if settings.json {
                return output::print_json(&json!({
                    "view": view.name(), "generation": answer.generation,
                    "position": answer.position, "digest": answer.digest,
                }));
            }
            let (name, position, digest) = (view.name(), answer.position, answer.digest);
            output::print(&format!("{name} at position {position}\ndigest {digest}"))
        }
    }
}

async fn status(settings: &Settings, connection: &Connection, view: ViewName) -> anyhow::Result<()> {
    let mut views = connection.views(view.name());
    let name = view.name().to_owned();
    let digest = GetDigestRequest { view: name.clone(), ..GetDigestRequest::default() };
    let found = views.list_views(ListViewsRequest { view: name.clone() }).await?.into_inner().views;
    let generations = found.into_iter().next().context("the server has no such view")?.generations;
    let live = generations.into_iter().find(|g| g.state() == GenerationState::Live);
    let live = live.context("no generation of the view is live")?;
    // A view that has stopped still says what it holds.
    let digest = match views.get_digest(digest).await {
        Ok(answer) => Some(answer.into_inner().digest),
        Err(_) if !live.stopped_because.is_empty() => None,
        Err(status) => return Err(status.into()),
    };
    let stopped = (!live.stopped_because.is_empty()).then_some(&live.stopped_because);
    if settings.json {
        return output::print_json(&json!({
            "view": name, "generation": live.number, "position": live.position, "head": live.head_position,
            "stopped": stopped, "digest": digest,
        }));
    }
    let health = stopped.map_or_else(|| "follows the log".to_owned(), |why| format!("stopped: {why}"));
    let (position, head) = (live.position, live.head_position);
    let digest = digest.map_or_else(String::new, |digest| format!("\ndigest {digest}"));
    output::print(&format!("{name} is at position {position} of {head} and {health}{digest}"))
}
