//! The one binary of Liêm: `up` runs all services in one process, `serve` one alone, and the other commands
//! speak gRPC to them, like anyone else.

#![expect(clippy::print_stdout, reason = "a command line prints its answers")]

mod bench;
mod cli;
mod client;
mod commands;
mod config;
mod data;
mod demo;
mod import;
mod output;
mod server;

use std::process::ExitCode;

use clap::Parser as _;

/// Folds make and drop many small rows, on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    match runtime.block_on(commands::run(cli)) {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

/// Tells what went wrong, with its causes, and what to do where the server said so.
fn fail(error: &anyhow::Error) -> ExitCode {
    // A reader that stopped reading, such as `head`, is no failure.
    let is_broken_pipe =
        error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe);
    if is_broken_pipe {
        return ExitCode::SUCCESS;
    }
    eprintln!("error: {}", text(error));
    ExitCode::FAILURE
}

/// The failure with its causes, down to what a server said.
fn text(error: &anyhow::Error) -> String {
    let mut parts = Vec::new();
    for cause in error.chain() {
        if let Some(status) = cause.downcast_ref::<tonic::Status>() {
            parts.push(output::status_text(status));
            break;
        }
        parts.push(cause.to_string());
    }
    parts.join(": ")
}
