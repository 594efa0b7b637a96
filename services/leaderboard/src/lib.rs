//! The leaderboard view: which agency or unit serves best, fairly to small ones, and the cases behind every
//! figure.
//!
//! The view keeps one row a case and the steps of each unit's day. A board is counted from these rows at the
//! time of the query, since lateness depends on when it is judged; `figures` says what counts as what, once,
//! for the board and for its explanation.

mod board;
mod explain;
mod figures;
mod handlers;
mod period;
mod ranking;
mod suppression;
mod view;
mod wilson;

pub use handlers::LeaderboardHandlers;
pub use view::LeaderboardView;
