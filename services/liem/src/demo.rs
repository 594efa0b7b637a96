//! `liem demo`.
use crate::{cli::DemoArgs, config::Settings};
pub(crate) async fn demo(_: &Settings, _: DemoArgs) -> anyhow::Result<()> {
    anyhow::bail!("later")
}
