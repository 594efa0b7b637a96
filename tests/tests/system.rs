//! The whole system, as its users meet it.

#![allow(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

#[path = "system/access.rs"]
mod access;
#[path = "system/alone.rs"]
mod alone;
#[path = "system/away.rs"]
mod away;
#[path = "system/bench.rs"]
mod bench;
#[path = "system/beside.rs"]
mod beside;
#[path = "system/command_line.rs"]
mod command_line;
#[path = "system/conduct.rs"]
mod conduct;
#[path = "system/crash.rs"]
mod crash;
#[path = "system/demo.rs"]
mod demo;
#[path = "system/directory.rs"]
mod directory;
#[path = "system/discipline.rs"]
mod discipline;
#[path = "system/fair_board.rs"]
mod fair_board;
#[path = "system/figures.rs"]
mod figures;
#[path = "system/flags.rs"]
mod flags;
#[path = "system/imports.rs"]
mod imports;
#[path = "system/life.rs"]
mod life;
#[path = "system/operation.rs"]
mod operation;
#[path = "system/proceedings.rs"]
mod proceedings;
#[path = "system/proceedings_cli.rs"]
mod proceedings_cli;
#[path = "system/proceedings_import.rs"]
mod proceedings_import;
#[path = "system/public.rs"]
mod public;
#[path = "system/receipt.rs"]
mod receipt;
#[path = "system/refusals.rs"]
mod refusals;
#[path = "system/replay.rs"]
mod replay;
#[path = "system/report_fields.rs"]
mod report_fields;
#[path = "system/reporters.rs"]
mod reporters;
#[path = "system/reports_import.rs"]
mod reports_import;
#[path = "system/sealed.rs"]
mod sealed;
#[path = "system/tidy.rs"]
mod tidy;
