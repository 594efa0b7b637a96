//! The RPCs of the leaderboard view.

mod list_flags;

use std::sync::Arc;

use chrono::{DateTime, FixedOffset};
use eventlog::Clock as Time;
use events::discipline::Track;
use identity::{Caller, Role};
use projection::{AsOf, Follower, Snapshot};
use proto::{
    Failure,
    leaderboard::{self as pb, ErrorReason, leaderboard_service_server::LeaderboardService},
    ledger::ErrorReason as Shared,
    page_size_from, timestamp_from, timestamp_to,
};
use tonic::{Request, Response, Status};

use crate::{
    LeaderboardView,
    board::{self, By, Counts, Query},
    comparison::Comparison,
    explain::{self, Explained},
    fair::{Fair, Standard, rounded},
    funnel::Band,
    marks::Clock,
    period::Period,
    proceedings,
    rank_interval::rank_intervals,
    ranking::{Placed, Standing, ranked},
    reports::{self, ConductHidden},
    strata,
    succession::Succession,
    suppression::{self, Cell, Hidden},
    view,
};

/// The handlers of `liem.leaderboard.v1.LeaderboardService`.
pub struct LeaderboardHandlers {
    view: Arc<Follower<LeaderboardView>>,
    clock: Time,
}

impl LeaderboardHandlers {
    /// Handlers over the view; the clock says when open cases are judged where a query doesn't.
    pub fn new(view: Arc<Follower<LeaderboardView>>, clock: Time) -> Self {
        Self { view, clock }
    }

    fn zone(&self) -> FixedOffset {
        self.view.view().zone
    }

    /// The view as it is, or as it was when the query asks for that.
    async fn snapshot(&self, caller: &Caller, query: &pb::BoardQuery) -> Result<Snapshot, Failure> {
        let asked = AsOf { position: query.as_of_position, time: query.as_of_time.as_ref() };
        match asked.position(caller, self.view.log(), self.zone()).await? {
            Some(position) => self.view.as_of(position).await,
            None => self.view.at_least(query.at_least_position).await,
        }
    }

    /// The view for totals of what concerns people: as it is for inspectors, for others as it was a day ago. None on
    /// the first day of a log.
    async fn of_yesterday(
        &self,
        caller: &Caller,
        agency: &str,
        at_least: u64,
    ) -> Result<Option<Snapshot>, Failure> {
        if caller.is_inspector() {
            return Ok(Some(self.view.at_least(at_least).await?));
        }
        // Who asks again and again would see the moment a report comes in; and who asks of one agency after
        // another, what is hidden.
        if !agency.is_empty() {
            let text = "only inspectors ask for the totals of one agency: leave `agency` empty";
            return Err(Failure::new(Shared::NoStanding, text));
        }
        let yesterday = timestamp_to(self.clock.now() - chrono::TimeDelta::days(1));
        let asked = AsOf { position: 0, time: Some(&yesterday) };
        match asked.position(caller, self.view.log(), self.zone()).await {
            Ok(Some(position)) => Ok(Some(self.view.as_of(position).await?)),
            Ok(None) => Ok(Some(self.view.at_least(at_least).await?)),
            // On its first day a log had nothing yesterday.
            Err(failure) if failure.reason == Shared::FieldInvalid.into() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    fn decode(&self, caller: &Caller, query: &pb::BoardQuery) -> Result<Query, Failure> {
        let zone = self.zone();
        let period: Period = query.period.parse().map_err(|e: crate::period::PeriodMalformed| {
            Failure::new(ErrorReason::PeriodMalformed, e.to_string())
        })?;
        let asked = query.judge_time.as_ref().map(|time| timestamp_from("judge_time", time)).transpose()?;
        let now = self.clock.now().timestamp_micros();
        let asked = asked.map(|time| {
            if caller.is_inspector() {
                return time.timestamp_micros();
            }
            // Whole days: by asking for one instant after another anyone could find a case's exact times.
            let day = events::end_of_day(time.with_timezone(&zone).date_naive(), zone);
            day.timestamp_micros().min(now)
        });
        let (from, until, judged_at) = Query::times(period, asked, now, zone);
        let by = match query.by() {
            pb::BoardSubject::Unspecified | pb::BoardSubject::Agency => By::Agency,
            pb::BoardSubject::Unit => By::Unit,
        };
        Ok(Query {
            by,
            from,
            until,
            judged_at,
            people_until: if caller.is_inspector() {
                until.min(judged_at.saturating_add(1))
            } else {
                until.min(Query::last_month_end(judged_at, zone))
            },
            clock: match query.clock() {
                pb::Clock::Unspecified | pb::Clock::Committed => Clock::Committed,
                pb::Clock::Statutory => Clock::Statutory,
            },
            zone,
            // What is hidden of one agency depends on all: they are counted together, and picked afterwards.
            agency: if by == By::Unit { query.agency.clone() } else { String::new() },
        })
    }
}

/// What is hidden in each row, from a caller who is no inspector.
fn hidden(caller: &Caller, rows: &[Counts], query: &Query) -> Vec<Hidden> {
    if caller.is_inspector() {
        return vec![Hidden::new(); rows.len()];
    }
    let cells: Vec<_> = rows.iter().map(|row| row.cells(query.by)).collect();
    let clock = match query.clock {
        Clock::Committed => suppression::Clock::Committed,
        Clock::Statutory => suppression::Clock::Statutory,
    };
    suppression::suppress(&cells, clock)
}

/// A share, to six decimals, so that answers are the same everywhere.
#[expect(clippy::cast_precision_loss, reason = "counts of cases are far under 2⁵²")]
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| (part as f64 / whole as f64 * 1e6).round() / 1e6)
}

fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A row on its way to the answer.
struct Row {
    counts: Counts,
    hidden: Hidden,
    conduct_hidden: ConductHidden,
    /// As the caller sees it; none where its on-time counts are hidden.
    fair: Option<Fair>,
    /// By the board as a whole, whoever sees it: what ranks go by.
    whole: Option<Fair>,
}

/// A row's figures of standardisation, shrinkage and funnel.
fn set_fair(row: &mut pb::BoardRow, fair: &Fair, ranks: Option<(u32, u32)>) {
    let rate = |count: u64| share(count, fair.row.judged);
    let (lower, upper) = fair.bounds().unzip();
    let rank = |rank: Option<u32>| rank.and_then(|rank| i32::try_from(rank).ok());
    row.expected_on_time = Some(rounded(fair.expected));
    row.observed_to_expected = fair.observed_to_expected().map(rounded);
    row.adjusted_rate = Some(rounded(fair.adjusted));
    row.shrunk_rate = Some(rounded(fair.belief.mean()));
    row.shrunk_lower = lower.map(rounded);
    row.shrunk_upper = upper.map(rounded);
    row.rank_low = rank(ranks.map(|(best, _)| best));
    row.rank_high = rank(ranks.map(|(_, worst)| worst));
    row.funnel_band = match fair.funnel.band(fair.row.on_time) {
        Band::Within => pb::FunnelBand::Within,
        Band::Above95 => pb::FunnelBand::Above95,
        Band::Below95 => pb::FunnelBand::Below95,
        Band::Above998 => pb::FunnelBand::Above998,
        Band::Below998 => pb::FunnelBand::Below998,
    }
    .into();
    row.funnel_lower998 = rate(fair.funnel.lower_998);
    row.funnel_lower95 = rate(fair.funnel.lower_95);
    row.funnel_upper95 = rate(fair.funnel.upper_95);
    row.funnel_upper998 = rate(fair.funnel.upper_998);
}

/// A stratum of a row beside the standard's.
fn explain_stratum((stratum, explained): (u32, Explained), standard: &Standard) -> pb::ExplainStratum {
    let (row, overall) = (explained.share, standard.stratum(stratum));
    pb::ExplainStratum {
        procedure: explained.procedure,
        channel: view::channel_of(explained.channel).to_owned(),
        judged: count(row.judged),
        judged_on_time: count(row.on_time),
        overall_judged: count(overall.judged),
        overall_on_time: count(overall.on_time),
        expected: rounded(standard.expected(stratum, row.judged)),
    }
}

fn board_row(placed: Placed<Row>, ranks: Option<(u32, u32)>, clock: Clock) -> pb::BoardRow {
    let Placed { row: Row { counts, hidden, conduct_hidden, fair, .. }, rank, interval } = placed;
    let sanctions = counts.sanctions;
    let closed = (!hidden.contains(&Cell::Closed)).then_some(counts.closed);
    let conduct = counts.conduct;
    let substantiated = (!conduct_hidden.substantiated).then_some(conduct.substantiated);
    // A rate over a count that is hidden would tell it.
    let is_rate_shown = substantiated.is_some() && !hidden.contains(&Cell::Closed);
    let rate_per_thousand = reports::per_thousand(conduct.substantiated, counts.closed);
    let [per_thousand, per_thousand_lower, per_thousand_upper] =
        rate_per_thousand.filter(|_| is_rate_shown).map_or([None; 3], |rate| rate.map(Some));
    let shown = |cell: Cell, n: u64| (!hidden.contains(&cell)).then(|| count(n));
    let rate = |value: Option<f64>| value.filter(|_| !hidden.contains(&Cell::OnTimeRate));
    let figure = |cell: Cell, value: Option<f64>| value.filter(|_| !hidden.contains(&cell));
    let mut row = pb::BoardRow {
        rank: rank.and_then(|rank| i32::try_from(rank).ok()),
        received: shown(Cell::Received, counts.received),
        closed: shown(Cell::Closed, counts.closed),
        closed_on_time: shown(Cell::ClosedOnTime, counts.on_time(clock)),
        closed_late: shown(Cell::ClosedLate, counts.late(clock)),
        closed_on_time_statutory: shown(Cell::ClosedOnTimeStatutory, counts.on_time_statutory),
        closed_on_time_committed: shown(Cell::ClosedOnTimeCommitted, counts.on_time_committed),
        open: shown(Cell::Open, counts.open),
        open_late: shown(Cell::OpenLate, counts.open_late),
        on_time_rate: rate(share(counts.on_time(clock), counts.judged(clock))),
        lower: rate(interval.map(|i| i.lower)),
        upper: rate(interval.map(|i| i.upper)),
        median_working_days: figure(Cell::MedianWorkingDays, counts.median_working_days()),
        online_share: figure(Cell::OnlineShare, share(counts.online, counts.channel_known)),
        rating: figure(Cell::Rating, share(counts.rating_sum, counts.rated)),
        rated: shown(Cell::Rated, counts.rated),
        steps: shown(Cell::Steps, counts.steps),
        suppressed: !hidden.is_empty() || conduct_hidden != ConductHidden::default(),
        substantiated: substantiated.map(count),
        substantiated_per_thousand: per_thousand,
        substantiated_lower: per_thousand_lower,
        substantiated_upper: per_thousand_upper,
        self_reports: (!conduct_hidden.self_reports).then_some(count(conduct.self_reports)),
        subject: counts.subject,
        agency: counts.agency,
        ..Default::default()
    };
    if let Some(fair) = fair {
        set_fair(&mut row, &fair, ranks);
    }
    sanctions.show(&mut row, closed);
    row
}

/// Hides what of reports and proceedings a caller who is no inspector doesn't see: of proceedings in the rows, and of
/// reports as it returns it for each.
async fn hide_people(
    caller: &Caller,
    snapshot: &mut Snapshot,
    (query, succession): (&Query, &Succession),
    rows: &mut [Counts],
) -> Result<Vec<ConductHidden>, Failure> {
    if caller.is_inspector() {
        return Ok(vec![ConductHidden::default(); rows.len()]);
    }
    let unitless = board::without_unit(snapshot, query, succession).await?;
    proceedings::hide(rows, query.by, &unitless);
    Ok(reports::hidden_in(rows, query.by, &unitless))
}

/// The cell that a figure of cases shows, for suppression.
fn cell(figure: pb::Figure) -> Option<Cell> {
    Some(match figure {
        pb::Figure::Unspecified | pb::Figure::Substantiated | pb::Figure::SelfReports => return None,
        pb::Figure::SanctionsDecided
        | pb::Figure::SanctionsFinal
        | pb::Figure::PartySanctions
        | pb::Figure::HeadsLiable => return None,
        pb::Figure::Received => Cell::Received,
        pb::Figure::Closed => Cell::Closed,
        pb::Figure::ClosedOnTime => Cell::ClosedOnTime,
        pb::Figure::ClosedLate => Cell::ClosedLate,
        pb::Figure::ClosedOnTimeStatutory => Cell::ClosedOnTimeStatutory,
        pb::Figure::ClosedOnTimeCommitted => Cell::ClosedOnTimeCommitted,
        pb::Figure::Open => Cell::Open,
        pb::Figure::OpenLate => Cell::OpenLate,
        pb::Figure::OnTimeRate | pb::Figure::ObservedToExpected => Cell::OnTimeRate,
        pb::Figure::MedianWorkingDays => Cell::MedianWorkingDays,
        pb::Figure::OnlineShare => Cell::OnlineShare,
        pb::Figure::Rating => Cell::Rating,
        pb::Figure::Steps => Cell::Steps,
    })
}

/// A figure of a row, as the board has it; 0 where there is nothing to work it out from.
#[expect(clippy::cast_precision_loss, reason = "counts of cases are far under 2⁵²")]
fn figure_of(counts: &Counts, figure: pb::Figure, clock: Clock) -> f64 {
    match figure {
        pb::Figure::Unspecified => 0.0,
        pb::Figure::Received => counts.received as f64,
        pb::Figure::Closed => counts.closed as f64,
        pb::Figure::ClosedOnTime => counts.on_time(clock) as f64,
        pb::Figure::ClosedLate => counts.late(clock) as f64,
        pb::Figure::ClosedOnTimeStatutory => counts.on_time_statutory as f64,
        pb::Figure::ClosedOnTimeCommitted => counts.on_time_committed as f64,
        pb::Figure::Open => counts.open as f64,
        pb::Figure::OpenLate => counts.open_late as f64,
        pb::Figure::OnTimeRate => share(counts.on_time(clock), counts.judged(clock)).unwrap_or(0.0),
        pb::Figure::MedianWorkingDays => counts.median_working_days().unwrap_or(0.0),
        pb::Figure::OnlineShare => share(counts.online, counts.channel_known).unwrap_or(0.0),
        pb::Figure::Rating => share(counts.rating_sum, counts.rated).unwrap_or(0.0),
        pb::Figure::Steps => counts.steps as f64,
        pb::Figure::Substantiated => counts.conduct.substantiated as f64,
        pb::Figure::SelfReports => counts.conduct.self_reports as f64,
        pb::Figure::SanctionsDecided
        | pb::Figure::SanctionsFinal
        | pb::Figure::PartySanctions
        | pb::Figure::HeadsLiable => counts.sanctions.figure(figure).unwrap_or(0) as f64,
        // Not of the row's counts alone: worked out beside the other rows.
        pb::Figure::ObservedToExpected => 0.0,
    }
}

#[tonic::async_trait]
impl LeaderboardService for LeaderboardHandlers {
    async fn get_board(
        &self,
        request: Request<pb::GetBoardRequest>,
    ) -> Result<Response<pb::GetBoardResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner().query.unwrap_or_default();
        let mut query = self.decode(&caller, &asked)?;
        let mut snapshot = self.snapshot(&caller, &asked).await?;
        let succession = Succession::of(&mut snapshot).await.map_err(Failure::from)?;
        // Also of the units of one agency: what is expected of them comes from all.
        query.agency.clear();
        let mut counts = board::count(&mut snapshot, &query, &succession).await.map_err(Failure::from)?;
        let strata = strata::count(&mut snapshot, &query, &succession).await.map_err(Failure::from)?;
        let hidden = hidden(&caller, &counts, &query);
        let people = (&query, &succession);
        let conduct_hidden = hide_people(&caller, &mut snapshot, people, &mut counts).await?;
        let seen = Comparison::of(&counts, &strata, |row| !hidden[row].contains(&Cell::OnTimeRate));
        let whole = Comparison::of(&counts, &strata, |_| true);
        let fair = seen.figures.into_iter().zip(whole.figures);
        let rows = counts.into_iter().zip(hidden).zip(conduct_hidden).zip(fair);
        let rows = rows.map(|(((counts, hidden), conduct_hidden), (fair, whole))| Row {
            counts,
            hidden,
            conduct_hidden,
            fair,
            whole,
        });
        let agency = succession.agency(&asked.agency);
        let is_asked = |row: &Row| agency.is_empty() || row.counts.agency == agency;
        let rows = rows.filter(|row| query.by == By::Agency || is_asked(row)).collect();
        let placed = ranked(rows, |row: &Row| Standing {
            subject: &row.counts.subject,
            judged: row.counts.judged(query.clock),
            on_time: row.counts.on_time(query.clock),
        });
        let beliefs: Vec<_> = placed
            .iter()
            .filter(|placed| placed.rank.is_some())
            .filter_map(|placed| placed.row.whole.as_ref().map(|fair| fair.belief))
            .collect();
        // Rows with a rank come first, and have judged cases.
        let mut ranks = rank_intervals(&beliefs).into_iter();
        let rows = placed.into_iter().map(|row| (ranks.next(), row));
        let rows = rows.map(|(ranks, row)| board_row(row, ranks, query.clock));
        Ok(Response::new(pb::GetBoardResponse {
            rows: rows.filter(|row| agency.is_empty() || row.agency == agency).collect(),
            position: snapshot.position,
            judge_time: DateTime::from_timestamp_micros(query.judged_at).map(timestamp_to),
        }))
    }

    async fn explain_figure(
        &self,
        request: Request<pb::ExplainFigureRequest>,
    ) -> Result<Response<pb::ExplainFigureResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let figure = request.figure();
        if figure == pb::Figure::Unspecified {
            return Err(Failure::field("figure", "say which figure").into());
        }
        let is_of_proceedings = proceedings::Sanctions::default().figure(figure).is_some();
        let is_of_reports = matches!(figure, pb::Figure::Substantiated | pb::Figure::SelfReports);
        let asked = request.query.unwrap_or_default();
        let mut query = self.decode(&caller, &asked)?;
        let limit = page_size_from(request.page_size)?;
        let mut snapshot = self.snapshot(&caller, &asked).await?;

        // The row as the board has it, with all others, since theirs decide what is hidden in this one.
        let succession = Succession::of(&mut snapshot).await.map_err(Failure::from)?;
        let is_compared = figure == pb::Figure::ObservedToExpected;
        query.agency = if is_compared { String::new() } else { succession.agency(&query.agency).to_owned() };
        let subject = succession.subject(query.by, &request.subject);
        let subjects = succession.answered_for(query.by, subject);
        let mut counts = board::count(&mut snapshot, &query, &succession).await.map_err(Failure::from)?;
        let hidden = hidden(&caller, &counts, &query);
        let people = (&query, &succession);
        let conduct_hidden = hide_people(&caller, &mut snapshot, people, &mut counts).await?;
        let place = counts.iter().position(|counts| counts.subject == subject);
        let Some(place) = place else {
            let text = "the board has no row for this subject: check its code and the period";
            return Err(Failure::new(ErrorReason::SubjectUnknown, text).into());
        };
        let comparison = if is_compared {
            let strata = strata::count(&mut snapshot, &query, &succession).await.map_err(Failure::from)?;
            Some(Comparison::of(&counts, &strata, |row| !hidden[row].contains(&Cell::OnTimeRate)))
        } else {
            None
        };
        let conduct_hidden = conduct_hidden[place];
        let (counts, hidden) = (&counts[place], &hidden[place]);
        let is_hidden = match figure {
            pb::Figure::Substantiated => conduct_hidden.substantiated,
            pb::Figure::SelfReports => conduct_hidden.self_reports,
            figure if is_of_proceedings => counts.sanctions.hides(figure),
            figure => cell(figure).is_some_and(|cell| hidden.contains(&cell)),
        };
        if is_hidden {
            let text = "the figure, or one it would give away, is under five: ask an inspector";
            return Err(Failure::new(ErrorReason::CellSuppressed, text).into());
        }
        let token = request.page_token;
        let explanation = if figure == pb::Figure::Steps {
            let past = if token.is_empty() { Ok(0) } else { token.parse::<u64>() };
            let past = past.map_err(|_not_a_number| {
                Failure::new(Shared::PageTokenInvalid, "the page token is not one that this list gave")
            })?;
            explain::steps(&mut snapshot, &query, &subjects, past, limit).await
        } else if is_of_reports {
            reports::explain(&mut snapshot, (&query, &succession), subject, figure, &token, limit).await
        } else if is_of_proceedings {
            proceedings::explain(&mut snapshot, (&query, &succession), subject, figure, &token, limit).await
        } else {
            explain::cases(&mut snapshot, &query, &subjects, figure, &token, limit).await
        };
        let mut explanation = explanation.map_err(Failure::from)?;
        if !caller.is_inspector() {
            explanation.lines.iter_mut().for_each(|line| line.positions.clear());
            // A step without its position says nothing, and the token would tell it. A case's code is what a
            // citizen looks their own case up by: others' are not handed to them.
            // Which reports and proceedings there are is for nobody without standing.
            let is_of_people = is_of_reports || is_of_proceedings;
            if figure == pb::Figure::Steps || is_of_people || caller.role == Role::Citizen {
                explanation.next = None;
                explanation.lines.clear();
            }
            // Strata are as small as cases come.
            explanation.strata.clear();
        }
        let shown = match &comparison {
            Some(comparison) => {
                comparison.figures[place].and_then(|fair| fair.observed_to_expected()).map_or(0.0, rounded)
            }
            None => figure_of(counts, figure, query.clock),
        };
        let standard = comparison.map(|comparison| comparison.standard).unwrap_or_default();
        let strata = explanation.strata.into_iter().map(|stratum| explain_stratum(stratum, &standard));
        Ok(Response::new(pb::ExplainFigureResponse {
            lines: explanation.lines,
            next_page_token: explanation.next.unwrap_or_default(),
            total_count: count(explanation.total),
            figure: shown,
            strata: strata.collect(),
            position: snapshot.position,
        }))
    }

    async fn list_flags(
        &self,
        request: Request<pb::ListFlagsRequest>,
    ) -> Result<Response<pb::ListFlagsResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.flags(&caller, request.into_inner()).await?))
    }

    async fn get_report_totals(
        &self,
        request: Request<pb::GetReportTotalsRequest>,
    ) -> Result<Response<pb::GetReportTotalsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        if request.by() == pb::TotalsBy::Unspecified {
            return Err(Failure::field("by", "say what reports are counted by").into());
        }
        let snapshot = self.of_yesterday(&caller, &request.agency, request.at_least_position).await?;
        let Some(mut snapshot) = snapshot else {
            return Ok(Response::new(pb::GetReportTotalsResponse::default()));
        };
        let succession = Succession::of(&mut snapshot).await.map_err(Failure::from)?;
        let agencies = succession.answered_for(board::By::Agency, succession.agency(&request.agency));
        let totals = reports::totals(&mut snapshot, request.by(), &agencies).await;
        let totals = totals.map_err(Failure::from)?;
        let counts: Vec<u64> = totals.values().copied().collect();
        let hidden = if caller.is_inspector() { vec![false; counts.len()] } else { reports::hidden(&counts) };
        let totals = totals
            .into_iter()
            .zip(hidden)
            .map(|((key, n), hidden)| pb::ReportTotal { key, count: (!hidden).then_some(count(n)) });
        Ok(Response::new(pb::GetReportTotalsResponse {
            totals: totals.collect(),
            position: snapshot.position,
        }))
    }

    async fn get_proceeding_totals(
        &self,
        request: Request<pb::GetProceedingTotalsRequest>,
    ) -> Result<Response<pb::GetProceedingTotalsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        if request.by() == pb::ProceedingTotalsBy::Unspecified {
            return Err(Failure::field("by", "say what proceedings are counted by").into());
        }
        let snapshot = self.of_yesterday(&caller, &request.agency, request.at_least_position).await?;
        let Some(mut snapshot) = snapshot else {
            return Ok(Response::new(pb::GetProceedingTotalsResponse::default()));
        };
        let succession = Succession::of(&mut snapshot).await.map_err(Failure::from)?;
        let agencies = succession.answered_for(board::By::Agency, succession.agency(&request.agency));
        let track = if request.party { Track::Party } else { Track::Administrative };
        let totals = proceedings::totals(&mut snapshot, request.by(), track, &agencies).await;
        let totals = totals.map_err(Failure::from)?;
        let counts: Vec<u64> = totals.values().copied().collect();
        let hidden = if caller.is_inspector() { vec![false; counts.len()] } else { reports::hidden(&counts) };
        let totals = totals
            .into_iter()
            .zip(hidden)
            .map(|((key, n), hidden)| pb::ProceedingTotal { key, count: (!hidden).then_some(count(n)) });
        Ok(Response::new(pb::GetProceedingTotalsResponse {
            totals: totals.collect(),
            position: snapshot.position,
        }))
    }
}
