//! What was ever stored stays readable: a fixture of each event type and version, kept for ever.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "events/directory.rs"]
mod directory;
#[path = "events/exemplars.rs"]
mod exemplars;
#[path = "events/fixtures.rs"]
mod fixtures;
#[path = "events/subjects.rs"]
mod subjects;
#[path = "events/words.rs"]
mod words;
