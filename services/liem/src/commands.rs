//! The commands, a module each.

pub(crate) mod board;
mod case;
mod directory;
pub(crate) mod due;
mod log;
mod proceeding;
mod replay;
mod report;
mod rules;
mod run;
mod token;
pub(crate) mod trail;
mod vault;
mod view;

use std::process::ExitCode;

use crate::{
    bench,
    cli::{BenchCommand, CaseCommand, Cli, Command, ImportCommand, TokenCommand},
    config::Settings,
    demo, import,
};

/// Runs a command.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(cli.common)?;
    match cli.command {
        Command::Up(args) => run::up(&settings, args).await?,
        Command::Serve(args) => run::alone(&settings, args).await?,
        Command::Token(TokenCommand::Issue(args)) => token::issue(&settings, args)?,
        Command::Import(ImportCommand::Csv(args)) => import::csv(&settings, args).await?,
        Command::Directory(command) => directory::directory(&settings, command).await?,
        Command::Case(CaseCommand::Show { code }) => case::show(&settings, code).await?,
        Command::Report(command) => report::report(&settings, command).await?,
        Command::Proceeding(command) => proceeding::proceeding(&settings, command).await?,
        Command::Due(args) => due::due(&settings, args).await?,
        Command::Trail(args) => trail::trail(&settings, args).await?,
        Command::Board(args) => board::board(&settings, args).await?,
        Command::Log(command) => return log::log(&settings, command).await,
        Command::View(command) => view::view(&settings, command).await?,
        Command::Replay(command) => replay::replay(&settings, command).await?,
        Command::Rules(command) => rules::rules(&settings, command)?,
        Command::Vault(command) => vault::vault(&settings, command).await?,
        Command::Demo(args) => demo::demo(&settings, args).await?,
        Command::Bench(BenchCommand::Append(args)) => bench::append(&settings, args).await?,
        Command::Bench(BenchCommand::Read(args)) => bench::read(&settings, args).await?,
        Command::Bench(BenchCommand::Follow(args)) => bench::follow(&settings, args).await?,
        Command::Bench(BenchCommand::Replay(args)) => bench::replay(&settings, args).await?,
    }
    Ok(ExitCode::SUCCESS)
}
