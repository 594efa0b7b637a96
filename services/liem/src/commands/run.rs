//! `liem up` and `liem serve`.

use serve::Shutdown;

use crate::{
    cli::{LogFormat, ServeArgs, UpArgs},
    config::Settings,
    server,
};

fn start_logs(settings: &Settings) {
    let format = match settings.log_format {
        LogFormat::Text => serve::LogFormat::Text,
        LogFormat::Json => serve::LogFormat::Json,
    };
    serve::start_logs(format, "info");
}

pub(super) async fn up(settings: &Settings, args: UpArgs) -> anyhow::Result<()> {
    start_logs(settings);
    let shutdown = Shutdown::default();
    shutdown.on_signals()?;
    let listen = settings.listen(args.listen, 7420);
    let running = server::up(settings, listen, &args, shutdown).await?;
    println!("listening on {}, data in {}", running.address, settings.data.folder().display());
    running.wait().await
}

pub(super) async fn alone(settings: &Settings, args: ServeArgs) -> anyhow::Result<()> {
    start_logs(settings);
    let shutdown = Shutdown::default();
    shutdown.on_signals()?;
    let name = args.service.name();
    let running = server::alone(settings, args, shutdown).await?;
    println!("{name} listening on {}", running.address);
    running.wait().await
}
