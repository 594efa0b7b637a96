//! `liem board`, `liem board explain` and `liem board flags`.

pub(crate) mod flags;

use chrono::FixedOffset;
use comfy_table::Cell;
use identity::Role;
use proto::leaderboard::{self as pb, BoardRow};
use serde_json::{Value, json};

use super::trail::{as_of, time};
use crate::{
    cli::{BoardArgs, BoardCommand, BoardQueryArgs, By, Clock, Figure},
    client::Connection,
    config::Settings,
    output,
};

pub(super) async fn board(settings: &Settings, args: BoardArgs) -> anyhow::Result<()> {
    let connection = Connection::open(settings, Role::Inspector)?;
    match args.command {
        None => show(settings, &connection, &args.query, args.fair).await,
        Some(BoardCommand::Explain { subject, figure, query, limit }) => {
            explain(settings, &connection, subject, figure, &query, limit).await
        }
        Some(BoardCommand::Flags(args)) => flags::flags(settings, &connection, &args).await,
    }
}

fn query(args: &BoardQueryArgs, zone: FixedOffset) -> anyhow::Result<pb::BoardQuery> {
    let by = match args.by {
        By::Agency => pb::BoardSubject::Agency,
        By::Unit => pb::BoardSubject::Unit,
    };
    let clock = match args.clock {
        Clock::Committed => pb::Clock::Committed,
        Clock::Statutory => pb::Clock::Statutory,
    };
    let (as_of_position, as_of_time) = as_of(args.as_of.as_deref(), zone)?;
    Ok(pb::BoardQuery {
        by: by.into(),
        period: args.period.clone(),
        judge_time: args.judged_at.as_deref().map(|t| time(t, true, zone)).transpose()?,
        clock: clock.into(),
        agency: args.agency.clone().unwrap_or_default(),
        at_least_position: args.at_least.unwrap_or(0),
        as_of_position,
        as_of_time,
    })
}

async fn show(
    settings: &Settings,
    connection: &Connection,
    args: &BoardQueryArgs,
    is_fair: bool,
) -> anyhow::Result<()> {
    let zone = connection.zone().await;
    let request = pb::GetBoardRequest { query: Some(query(args, zone)?) };
    let board = connection.leaderboard().get_board(request).await?.into_inner();
    let judged_at = output::instant(board.judge_time.as_ref());
    if settings.json {
        let rows: Vec<_> = board.rows.iter().map(|row| row_json(row, judged_at.as_deref())).collect();
        return output::print_json(&Value::Array(rows));
    }
    if is_fair { print_fair(&board, &args.period, zone) } else { print_board(&board, &args.period, zone) }
}

/// A share from 0 to 1 as a percentage.
fn percent(share: Option<f64>) -> Option<String> {
    share.map(|share| format!("{:.1} %", share * 100.0))
}

/// Two shares from 0 to 1 as an interval of percentages.
fn interval(lower: Option<f64>, upper: Option<f64>) -> Option<String> {
    let bounds = lower.zip(upper);
    bounds.map(|(lower, upper)| format!("{:.1}–{:.1}", lower * 100.0, upper * 100.0))
}

/// How rows compare with the same cases, for people.
fn print_fair(board: &pb::GetBoardResponse, period: &str, zone: FixedOffset) -> anyhow::Result<()> {
    let headings = [
        "rank",
        "subject",
        "rate",
        "expected",
        "obs ÷ exp",
        "adjusted",
        "shrunk",
        "95 % interval",
        "ranks",
        "95 % funnel",
        "99.8 % funnel",
        "band",
    ];
    let mut table = output::table(&headings, &[&headings[..1], &headings[2..11]].concat());
    for row in &board.rows {
        let ranks = row.rank_low.zip(row.rank_high);
        let ratio = row.observed_to_expected.map(|ratio| format!("{ratio:.3}"));
        table.add_row([
            output::cell(row.rank),
            Cell::new(&row.subject),
            output::cell(percent(row.on_time_rate)),
            output::cell(row.expected_on_time.map(|expected| format!("{expected:.1}"))),
            output::cell(ratio),
            output::cell(percent(row.adjusted_rate)),
            output::cell(percent(row.shrunk_rate)),
            output::cell(interval(row.shrunk_lower, row.shrunk_upper)),
            output::cell(ranks.map(|(best, worst)| format!("{best}–{worst}"))),
            output::cell(interval(row.funnel_lower95, row.funnel_upper95)),
            output::cell(interval(row.funnel_lower998, row.funnel_upper998)),
            output::cell(band(row)),
        ]);
    }
    output::print(&table.to_string())?;
    let judged = output::short(board.judge_time.as_ref(), zone).unwrap_or_default();
    let position = board.position;
    output::print(&format!(
        "period {period}, judged at {judged}, as of position {position}; – where a figure is suppressed, or has nothing to be worked out from\n\
         expected: cases on time at the rates of the whole board, by procedure and channel; adjusted: the rate with its mix of cases;\n\
         shrunk: drawn to the overall rate, the more the fewer the cases; ranks: by adjusted rate, with 95 %; funnel: what chance explains"
    ))
}

/// The band of a row's rate in its funnel, as a word.
fn band(row: &BoardRow) -> Option<String> {
    output::word(row.funnel_band().as_str_name(), "FUNNEL_BAND_")
}

/// A board for people.
pub(crate) fn print_board(
    board: &pb::GetBoardResponse,
    period: &str,
    zone: FixedOffset,
) -> anyhow::Result<()> {
    let mut headings = vec![
        "rank",
        "subject",
        "received",
        "closed",
        "on time",
        "late",
        "open",
        "open late",
        "rate",
        "95 % interval",
        "days",
        "online",
        "rating",
        "steps",
        "found",
        "self",
    ];
    // Only where there is any: the table is wide as it is.
    let any = |count: fn(&BoardRow) -> Option<i64>| board.rows.iter().any(|row| count(row) > Some(0));
    let (has_sanctions, has_heads) = (any(|row| row.sanctions_decided), any(|row| row.heads_liable));
    headings.extend(has_sanctions.then_some("sanctions"));
    headings.extend(has_heads.then_some("heads"));
    let mut table = output::table(&headings, &[&headings[..1], &headings[2..]].concat());
    for row in &board.rows {
        let mut cells = vec![
            output::cell(row.rank),
            Cell::new(&row.subject),
            output::cell(row.received),
            output::cell(row.closed),
            output::cell(row.closed_on_time),
            output::cell(row.closed_late),
            output::cell(row.open),
            output::cell(row.open_late),
            output::cell(percent(row.on_time_rate)),
            output::cell(interval(row.lower, row.upper)),
            output::cell(row.median_working_days),
            output::cell(percent(row.online_share)),
            output::cell(row.rating.map(|rating| format!("{rating:.2}"))),
            output::cell(row.steps),
            output::cell(found(row)),
            output::cell(row.self_reports),
        ];
        cells.extend(has_sanctions.then(|| output::cell(sanctions(row))));
        cells.extend(has_heads.then(|| output::cell(row.heads_liable)));
        table.add_row(cells);
    }
    output::print(&table.to_string())?;
    let judged = output::short(board.judge_time.as_ref(), zone).unwrap_or_default();
    let hidden = if board.rows.iter().any(|row| row.suppressed) {
        "; – where a figure is under five, or would give one away"
    } else {
        ""
    };
    let position = board.position;
    output::print(&format!(
        "period {period}, judged at {judged}, as of position {position}; ranked by the lower bound, from 30 judged cases on{hidden}\n\
         found: allegations substantiated, and per thousand closed cases; self: reports about itself; neither ranks anybody"
    ))?;
    if has_sanctions || has_heads {
        return output::print(
            "sanctions: decided, of these final, and per thousand closed cases; heads: held liable; they rank nobody either",
        );
    }
    Ok(())
}

/// Allegations substantiated, and how many that is per thousand closed cases.
fn found(row: &BoardRow) -> Option<String> {
    let found = row.substantiated.filter(|found| *found > 0)?;
    let rate = row.substantiated_per_thousand.map(|rate| format!(" ({rate:.1} ‰)"));
    Some(format!("{found}{}", rate.unwrap_or_default()))
}

/// Sanctions decided, how many of them are final, and how many that is per thousand closed cases.
fn sanctions(row: &BoardRow) -> Option<String> {
    let decided = row.sanctions_decided.filter(|decided| *decided > 0)?;
    let is_final = row.sanctions_final.map(|is_final| format!(", {is_final} final"));
    let rate = row.sanctions_per_thousand.map(|rate| format!(" ({rate:.1} ‰)"));
    Some(format!("{decided}{}{}", is_final.unwrap_or_default(), rate.unwrap_or_default()))
}

fn row_json(row: &BoardRow, judged_at: Option<&str>) -> Value {
    let mut fields = json!({
        "subject": row.subject,
        "agency": row.agency,
        "rank": row.rank,
        "received": row.received,
        "closed": row.closed,
        "closed_on_time": row.closed_on_time,
        "closed_late": row.closed_late,
        "closed_on_time_statutory": row.closed_on_time_statutory,
        "closed_on_time_committed": row.closed_on_time_committed,
        "open": row.open,
        "open_late": row.open_late,
        "on_time_rate": row.on_time_rate,
        "lower": row.lower,
        "upper": row.upper,
        "median_working_days": row.median_working_days,
        "online_share": row.online_share,
        "rating": row.rating,
        "rated": row.rated,
        "steps": row.steps,
        "substantiated": row.substantiated,
        "substantiated_per_thousand": row.substantiated_per_thousand,
        "substantiated_lower": row.substantiated_lower,
        "substantiated_upper": row.substantiated_upper,
        "self_reports": row.self_reports,
        "suppressed": row.suppressed,
        "judged_at": judged_at,
    });
    if let (Value::Object(fields), Value::Object(more)) = (&mut fields, compared_json(row)) {
        fields.extend(more);
    }
    fields
}

/// What a row is compared with, and the sanctions about it.
fn compared_json(row: &BoardRow) -> Value {
    json!({
        "expected_on_time": row.expected_on_time,
        "observed_to_expected": row.observed_to_expected,
        "adjusted_rate": row.adjusted_rate,
        "shrunk_rate": row.shrunk_rate,
        "shrunk_lower": row.shrunk_lower,
        "shrunk_upper": row.shrunk_upper,
        "rank_low": row.rank_low,
        "rank_high": row.rank_high,
        "funnel_band": band(row),
        "funnel_lower_998": row.funnel_lower998,
        "funnel_lower_95": row.funnel_lower95,
        "funnel_upper_95": row.funnel_upper95,
        "funnel_upper_998": row.funnel_upper998,
        "sanctions_decided": row.sanctions_decided,
        "sanctions_final": row.sanctions_final,
        "sanctions_per_thousand": row.sanctions_per_thousand,
        "sanctions_lower": row.sanctions_lower,
        "sanctions_upper": row.sanctions_upper,
        "sanctions_per_hundred_officials": row.sanctions_per_hundred_officials,
        "officials": row.officials,
        "heads_liable": row.heads_liable,
        "party_sanctions": row.party_sanctions,
    })
}

/// A text, if there is one.
fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn stratum_json(stratum: &pb::ExplainStratum) -> Value {
    json!({
        "procedure": some(&stratum.procedure),
        "channel": some(&stratum.channel),
        "judged": stratum.judged,
        "on_time": stratum.judged_on_time,
        "overall_judged": stratum.overall_judged,
        "overall_on_time": stratum.overall_on_time,
        "expected": stratum.expected,
    })
}

async fn explain(
    settings: &Settings,
    connection: &Connection,
    subject: String,
    figure: Figure,
    args: &BoardQueryArgs,
    limit: Option<usize>,
) -> anyhow::Result<()> {
    let limit = match limit.unwrap_or(if settings.json { 0 } else { 50 }) {
        0 => usize::MAX,
        limit => limit,
    };
    let figure_of = match figure {
        Figure::Received => pb::Figure::Received,
        Figure::Closed => pb::Figure::Closed,
        Figure::ClosedOnTime => pb::Figure::ClosedOnTime,
        Figure::ClosedLate => pb::Figure::ClosedLate,
        Figure::ClosedOnTimeStatutory => pb::Figure::ClosedOnTimeStatutory,
        Figure::ClosedOnTimeCommitted => pb::Figure::ClosedOnTimeCommitted,
        Figure::Open => pb::Figure::Open,
        Figure::OpenLate => pb::Figure::OpenLate,
        Figure::OnTimeRate => pb::Figure::OnTimeRate,
        Figure::MedianWorkingDays => pb::Figure::MedianWorkingDays,
        Figure::OnlineShare => pb::Figure::OnlineShare,
        Figure::Rating => pb::Figure::Rating,
        Figure::Steps => pb::Figure::Steps,
        Figure::Substantiated => pb::Figure::Substantiated,
        Figure::SelfReports => pb::Figure::SelfReports,
        Figure::SanctionsDecided => pb::Figure::SanctionsDecided,
        Figure::SanctionsFinal => pb::Figure::SanctionsFinal,
        Figure::HeadsLiable => pb::Figure::HeadsLiable,
        Figure::PartySanctions => pb::Figure::PartySanctions,
        Figure::ObservedToExpected => pb::Figure::ObservedToExpected,
    };
    let mut request = pb::ExplainFigureRequest {
        query: Some(query(args, connection.zone().await)?),
        subject,
        figure: figure_of.into(),
        page_size: i32::try_from(limit.min(1_000)).unwrap_or(1_000),
        page_token: String::new(),
    };
    let mut leaderboard = connection.leaderboard();
    let mut lines: Vec<pb::ExplainLine> = Vec::new();
    let last = loop {
        let answer = leaderboard.explain_figure(request.clone()).await?.into_inner();
        lines.extend(answer.lines.iter().take(limit - lines.len()).cloned());
        if lines.len() >= limit || answer.next_page_token.is_empty() {
            break answer;
        }
        request.page_token.clone_from(&answer.next_page_token);
    };
    let strata = last.strata.iter();
    let name = output::word(figure_of.as_str_name(), "FIGURE_").unwrap_or_default();
    if settings.json {
        let lines: Vec<_> = lines
            .iter()
            .map(|l| {
                json!({
                    "case": some(&l.case),
                    "report": some(&l.report),
                    "proceeding": some(&l.proceeding),
                    "value": l.value,
                    "positions": l.positions,
                    "rules": l.rules,
                })
            })
            .collect();
        return output::print_json(&json!({
            "subject": request.subject,
            "figure": name,
            "value": last.figure,
            "total": last.total_count,
            "position": last.position,
            "lines": lines,
            "strata": strata.map(stratum_json).collect::<Vec<_>>(),
        }));
    }
    let mut headings = vec!["what", "counts for", "positions"];
    let is_of_proceedings = lines.iter().any(|line| !line.proceeding.is_empty());
    if is_of_proceedings {
        headings.extend(["from", "rules"]);
    }
    let mut table = output::table(&headings, &["counts for"]);
    for line in &lines {
        let positions: Vec<_> = line.positions.iter().map(ToString::to_string).collect();
        let ids = [&line.case, &line.proceeding, &line.report];
        let what = ids.into_iter().find(|id| !id.is_empty());
        let mut row = vec![output::cell(what), Cell::new(line.value), Cell::new(positions.join(" "))];
        if is_of_proceedings {
            row.extend([Cell::new(&line.report), Cell::new(line.rules.join("\n"))]);
        }
        table.add_row(row);
    }
    output::print(&table.to_string())?;
    if !last.strata.is_empty() {
        let headings =
            ["procedure", "channel", "judged", "on time", "judged overall", "on time overall", "expected"];
        let mut table = output::table(&headings, &headings[2..]);
        for stratum in strata {
            table.add_row([
                output::cell(some(&stratum.procedure)),
                output::cell(some(&stratum.channel)),
                Cell::new(stratum.judged),
                Cell::new(stratum.judged_on_time),
                Cell::new(stratum.overall_judged),
                Cell::new(stratum.overall_on_time),
                Cell::new(format!("{:.2}", stratum.expected)),
            ]);
        }
        output::print(&table.to_string())?;
    }
    let (shown, total) = (lines.len(), last.total_count);
    let (subject, value, position) = (request.subject, last.figure, last.position);
    output::print(&format!(
        "{name} of {subject}: {value}; {shown} lines shown of {total}; as of position {position}"
    ))
}
