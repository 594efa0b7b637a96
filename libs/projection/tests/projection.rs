//! Views over a real log: whatever happens on the way, the same prefix folds to the same content.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "projection/as_of.rs"]
mod as_of;
#[path = "projection/directory.rs"]
mod directory;
#[path = "projection/generations.rs"]
mod generations;
#[path = "projection/identical.rs"]
mod identical;
#[path = "projection/interrupted.rs"]
mod interrupted;
#[path = "projection/paced.rs"]
mod paced;
#[path = "projection/poison.rs"]
mod poison;
#[path = "projection/snapshots.rs"]
mod snapshots;
#[path = "projection/store.rs"]
mod store;
#[path = "projection/tally.rs"]
mod tally;
