//! The leaderboard view: which agency or unit serves best, fairly to small ones, and the cases behind every
//! figure.
//!
//! The view keeps one row a case. `marks` says what a case counts for and from when, once: the marks are
//! summed up by month for boards, kept by day for the month in which a board is judged, and gone through
//! case by case for explanations. They stay under the codes they were recorded under; a row of a board is of all the
//! codes that were merged into its subject, as of the answer's position.

mod board;
mod case;
mod comparison;
mod explain;
mod fair;
mod figures;
mod flags;
mod funnel;
mod handlers;
mod marks;
mod period;
mod proceedings;
mod rank_interval;
mod ranking;
mod reports;
mod signs;
mod strata;
mod succession;
mod suppression;
mod view;
mod what_if;
mod wilson;

pub use handlers::LeaderboardHandlers;
pub use view::LeaderboardView;
