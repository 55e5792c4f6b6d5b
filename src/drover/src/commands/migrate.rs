//! `drover migrate`.

use std::process::ExitCode;

use crate::{config::Config, installation::Installation, startup};

pub(crate) async fn run(config: Config) -> anyhow::Result<ExitCode> {
    let mut installation = Installation::embedded(config).await?;
    let applied = startup::migrate(&installation.store, installation.entropy.as_ref()).await;
    installation.close().await?;
    let applied = applied?;
    for migration in &applied {
        println!("applied {migration}");
    }
    println!("the schema is up to date");
    Ok(ExitCode::SUCCESS)
}
