//! The ledger service: owns the log. It takes appends only from services, each for the categories it owns,
//! and serves what was recorded.

mod gate;
mod handlers;

pub use gate::Gate;
pub use handlers::LedgerHandlers;
