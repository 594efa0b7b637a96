//! How long questions take to answer, over gRPC, of a server that runs on the history.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use identity::Role;
use proto::{
    audit::ListTrailRequest,
    leaderboard::{BoardQuery, ExplainFigureRequest, Figure, GetBoardRequest},
    ledger::Subject,
};
use serde::Serialize;
use serve::Shutdown;
use tokio::time::Instant;

use crate::{cli::UpArgs, client::Connection, config::Settings, server};

/// How often a question is asked whose answer is of now.
const TIMES: usize = 200;

/// How many moments answers are asked as of: each once, so that none finds anything made for it before.
const MOMENTS: u64 = 9;

/// How long the answers to one question took.
#[derive(Debug, Serialize)]
pub(super) struct Answers {
    pub(super) what: &'static str,
    pub(super) count: usize,
    pub(super) median_ms: f64,
    pub(super) max_ms: f64,
}

/// Runs a server on the history, lets its views catch up, and asks.
pub(super) async fn measure(
    settings: &Settings,
    folder: &Path,
    entries: u64,
    caught_up: impl Fn(),
) -> anyhow::Result<Vec<Answers>> {
    let settings = settings.in_folder(folder);
    let shutdown = Shutdown::default();
    let listen = ([127, 0, 0, 1], 0).into();
    let running = server::up(&settings, listen, &UpArgs::usual("liem.bench"), shutdown.clone()).await?;
    let answers = async {
        let connection = Connection::open(&settings, Role::Inspector)?;
        let agency = await_views(&connection, entries).await?;
        caught_up();
        ask_all(&connection, entries, &agency).await
    };
    let answers = answers.await;
    shutdown.start();
    running.wait().await?;
    answers
}

/// Waits for the views; the code of the agency that closed most.
async fn await_views(connection: &Connection, entries: u64) -> anyhow::Result<String> {
    let query = BoardQuery { at_least_position: entries, ..BoardQuery::default() };
    let request = GetBoardRequest { query: Some(query) };
    loop {
        match connection.leaderboard().get_board(request.clone()).await {
            Ok(board) => {
                let rows = board.into_inner().rows;
                let busiest =
                    rows.into_iter().max_by_key(|row| row.closed).context("no agency closed a case")?;
                connection.await_views(entries, &busiest.subject).await?;
                return Ok(busiest.subject);
            }
            Err(status) if proto::reason_of(&status).as_deref() == Some("VIEW_BEHIND") => {}
            Err(status) => return Err(status.into()),
        }
    }
}

fn trail(agency: &str, as_of: u64) -> ListTrailRequest {
    ListTrailRequest {
        subject: Some(Subject { role: "agency".into(), id: agency.to_owned() }),
        page_size: 100,
        as_of_position: as_of,
        ..ListTrailRequest::default()
    }
}

fn board(as_of: u64) -> BoardQuery {
    BoardQuery { as_of_position: as_of, ..BoardQuery::default() }
}

async fn ask_all(connection: &Connection, entries: u64, agency: &str) -> anyhow::Result<Vec<Answers>> {
    let (mut audit, mut leaderboard) = (connection.audit(), connection.leaderboard());
    let mut answers = Vec::new();
    let mut times = Times::default();
    for _ in 0..TIMES {
        let asked = Instant::now();
        let page = audit.list_trail(trail(agency, 0)).await?.into_inner();
        times.add(asked);
        anyhow::ensure!(page.lines.len() == 100, "the trail has {} lines", page.lines.len());
    }
    answers.push(times.of("trail"));
    for _ in 0..TIMES {
        let asked = Instant::now();
        audit.list_trail(ListTrailRequest { page_size: 1, ..trail(agency, 0) }).await?;
        times.add(asked);
    }
    answers.push(times.of("trail_one_line"));
    for _ in 0..TIMES / 10 {
        let asked = Instant::now();
        let answer = leaderboard.get_board(GetBoardRequest { query: Some(board(0)) }).await?.into_inner();
        times.add(asked);
        anyhow::ensure!(!answer.rows.is_empty(), "the board is empty");
    }
    answers.push(times.of("board"));
    let explain = |as_of| ExplainFigureRequest {
        query: Some(board(as_of)),
        subject: agency.to_owned(),
        figure: Figure::ClosedLate.into(),
        ..ExplainFigureRequest::default()
    };
    for _ in 0..TIMES / 10 {
        let asked = Instant::now();
        leaderboard.explain_figure(explain(0)).await?;
        times.add(asked);
    }
    answers.push(times.of("explain"));
    // Spread over the history, and as far from a snapshot as may be, or near it.
    let moments = (1..=MOMENTS).map(|n| (entries * n / (MOMENTS + 1) + n * 29_127).min(entries - 1));
    for position in moments.clone() {
        let asked = Instant::now();
        audit.list_trail(trail(agency, position)).await?;
        times.add(asked);
    }
    answers.push(times.of("trail_as_of"));
    for position in moments.clone() {
        let asked = Instant::now();
        leaderboard.get_board(GetBoardRequest { query: Some(board(position)) }).await?;
        times.add(asked);
    }
    answers.push(times.of("board_as_of"));
    for position in moments {
        let asked = Instant::now();
        leaderboard.explain_figure(explain(position + 1)).await?;
        times.add(asked);
    }
    answers.push(times.of("explain_as_of"));
    Ok(answers)
}

#[derive(Default)]
struct Times(Vec<Duration>);

impl Times {
    fn add(&mut self, since: Instant) {
        self.0.push(since.elapsed());
    }

    /// What was collected since the last time.
    fn of(&mut self, what: &'static str) -> Answers {
        let mut times = std::mem::take(&mut self.0);
        times.sort_unstable();
        let at = |place: usize| times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e3);
        Answers {
            what,
            count: times.len(),
            median_ms: at(times.len() / 2),
            max_ms: at(times.len().saturating_sub(1)),
        }
    }
}
