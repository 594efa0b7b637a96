//! The log on SQLite and on PostgreSQL: the suite that every form passes, and what only one of them can get wrong.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "eventlog/away.rs"]
mod away;
#[path = "eventlog/bundles.rs"]
mod bundles;
#[path = "eventlog/check.rs"]
mod check;
#[path = "eventlog/check_postgres.rs"]
mod check_postgres;
#[path = "eventlog/clock.rs"]
mod clock;
#[path = "eventlog/close.rs"]
mod close;
#[path = "eventlog/conformance.rs"]
mod conformance;
#[path = "eventlog/copy.rs"]
mod copy;
#[path = "eventlog/durability.rs"]
mod durability;
#[path = "eventlog/envelope.rs"]
mod envelope;
#[path = "eventlog/full_disk.rs"]
mod full_disk;
#[path = "eventlog/listen.rs"]
mod listen;
#[path = "eventlog/migrate.rs"]
mod migrate;
#[path = "eventlog/open.rs"]
mod open;
#[path = "eventlog/postgres.rs"]
mod postgres;
#[path = "eventlog/queue.rs"]
mod queue;
#[path = "eventlog/roles.rs"]
mod roles;
#[path = "eventlog/standby.rs"]
mod standby;
#[path = "eventlog/store.rs"]
mod store;
#[path = "eventlog/told.rs"]
mod told;
#[path = "eventlog/wire.rs"]
mod wire;
