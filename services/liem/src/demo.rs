//! `liem demo`: a synthetic province, end to end. Cases go in through gRPC, a board and a trail come out.

mod cases;
mod matters;
mod misconduct;
mod province;
pub(crate) mod rng;
mod send;

use chrono::NaiveDate;
use identity::Role;
use indicatif::{ProgressBar, ProgressStyle};
use proto::{
    audit::ListTrailRequest,
    leaderboard::{
        self as pb, BoardQuery, ExplainFigureRequest, Figure, GetBoardRequest, GetBoardResponse,
        ListFlagsRequest,
    },
    ledger::{ListOrder, Subject},
    timestamp_to,
};
use serve::Shutdown;
use tokio::time::Instant;

use crate::{
    cli::{DemoArgs, UpArgs},
    client::Connection,
    commands::{
        board::{flags::word, print_board},
        trail,
    },
    config::Settings,
    output, server,
};
use province::Province;

/// The last day of the province's year: fixed, so that the demo shows the same on any day.
const END: NaiveDate = NaiveDate::from_ymd_opt(2026, 10, 31).expect("a date");

/// Cases sent at a time.
const IN_FLIGHT: usize = 64;

/// Runs the demo in a temporary folder.
pub(crate) async fn demo(settings: &Settings, args: DemoArgs) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let settings = settings.in_folder(folder.path());
    let shutdown = Shutdown::default();
    shutdown.on_signals()?;
    let listen = ([127, 0, 0, 1], 0).into();
    let usual = UpArgs::usual("liem.demo");
    let running = server::up(&settings, listen, &usual, shutdown.clone()).await?;
    let address = running.address.to_string();

    let shown = tokio::select! {
        shown = show(&settings, &address, &args) => shown,
        () = shutdown.wait() => Err(anyhow::anyhow!("stopped before the demo was complete")),
    };
    if shown.is_ok() && args.keep {
        let data = folder.path().display();
        output::print(&format!(
            "\nThe ledger runs on {address} until Ctrl-C. Try, in another terminal:\n  \
             liem board --by unit --data {data}\n  liem log check --data {data}"
        ))?;
        shutdown.wait().await;
    }
    shutdown.start();
    running.wait().await?;
    shown
}

async fn show(settings: &Settings, address: &str, args: &DemoArgs) -> anyhow::Result<()> {
    let connection = Connection::open(settings, Role::Administrator)?;
    let province = Province::new(args.seed, END);
    output::print(&format!(
        "a ledger on {address}: {} agencies, {} units, {} procedures, a year of {} cases",
        province.agencies.len(),
        province.units.len(),
        province.procedures.len(),
        args.cases
    ))?;
    let style = "{bar:40} {human_pos}/{human_len} cases, {eta} left";
    let bar = ProgressBar::new(args.cases).with_style(ProgressStyle::with_template(style)?);
    let since = Instant::now();
    let plans = cases::cases(&province, args.cases);
    let sent = send::send(&connection, &province, plans, IN_FLIGHT, |done| bar.set_position(done)).await;
    let mut sent = sent.map_err(|e| anyhow::Error::new(e.status).context(e.what))?;
    let more = send::matters::send(&connection, &province).await;
    sent.add(more.map_err(|e| anyhow::Error::new(e.status).context(e.what))?);
    bar.finish_and_clear();
    let seconds = since.elapsed().as_secs_f64();

    let inspector = Connection::open(settings, Role::Inspector)?;
    let head = inspector.ledger().get_head(proto::ledger::GetHeadRequest {}).await?.into_inner();
    inspector.await_views(head.position, province.agencies[0].code.as_str()).await?;
    output::print(&format!(
        "{} events recorded through gRPC in {seconds:.1} s; the log ends at position {}\n",
        sent.events, head.position
    ))?;

    let judge_time = events::end_of_day(END, output::usual_zone());
    let query = BoardQuery { judge_time: Some(timestamp_to(judge_time)), ..BoardQuery::default() };
    let request = GetBoardRequest { query: Some(query.clone()) };
    let board = inspector.leaderboard().get_board(request).await?.into_inner();
    output::print("Which agency serves best (as an inspector sees it):")?;
    print_board(&board, "all", output::usual_zone())?;
    explain(&inspector, query, &board).await?;
    flags(&inspector, head.position).await?;
    misconduct::show(&inspector, judge_time, head.position).await
}

/// Says where agencies have more of something than chance explains.
async fn flags(inspector: &Connection, position: u64) -> anyhow::Result<()> {
    let query = BoardQuery { at_least_position: position, ..BoardQuery::default() };
    let request = ListFlagsRequest { query: Some(query), ..ListFlagsRequest::default() };
    let flags = inspector.leaderboard().list_flags(request).await?.into_inner().flags;
    let what = if flags.is_empty() { "none" } else { "a flag finds nobody guilty" };
    output::print(&format!("\nWhere to look, as more happened than chance explains: {what}"))?;
    for flag in &flags {
        let kind = word(flag).unwrap_or_default();
        let pb::Flag { subject, count, of, expected, .. } = flag;
        output::print(&format!("{subject} {kind}: {count} of {of}, {expected:.1} expected"))?;
    }
    Ok(())
}

/// Explains a late row, and shows the story of its first late case.
async fn explain(inspector: &Connection, query: BoardQuery, board: &GetBoardResponse) -> anyhow::Result<()> {
    // The last one that is ranked: what is behind its late cases, and the story of the first of them.
    let Some(last) = board.rows.iter().rev().find(|row| row.rank.is_some() && row.closed_late > Some(0))
    else {
        return Ok(());
    };
    let request = ExplainFigureRequest {
        query: Some(query),
        subject: last.subject.clone(),
        figure: Figure::ClosedLate.into(),
        page_size: 5,
        page_token: String::new(),
    };
    let explained = inspector.leaderboard().explain_figure(request).await?.into_inner();
    let late: Vec<_> = explained.lines.iter().map(|line| line.case.as_str()).collect();
    output::print(&format!(
        "\nWhy {} has {} late cases: {}, …",
        last.subject,
        explained.total_count,
        late.join(", ")
    ))?;
    let Some(case) = late.first() else { return Ok(()) };
    let request = ListTrailRequest {
        subject: Some(Subject { role: "case".into(), id: (*case).to_owned() }),
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
    output::print(&format!("\nWho did what to {case}:\n{}", trail::line_table(&lines, output::usual_zone())))
}
