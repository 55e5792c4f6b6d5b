//! `drover serve`: some roles of a shared installation.

use std::process::ExitCode;

use anyhow::bail;
use drover_workers::{Role, Roles};

use crate::{
    config::Config,
    installation::{Installation, key_file},
    listeners::Listeners,
    process::Process,
    telemetry,
};

pub(crate) async fn run(config: Config, roles: Roles) -> anyhow::Result<ExitCode> {
    if roles.need_broker() && config.amqp.url.is_none() {
        bail!("these roles share a broker: set AMQP_URL, or use `drover up`, which brings its own");
    }
    if roles.has(Role::Dispatch) && !roles.has(Role::Ingress) && config.http.public_url.is_none() {
        bail!("devices download from the ingress, which is elsewhere: set http.public_url (DROVER_HTTP__PUBLIC_URL)");
    }
    if roles.has(Role::Dispatch) && config.http.listen.ip().is_unspecified() && config.http.public_url.is_none() {
        bail!("devices cannot download from {}: set http.public_url (DROVER_HTTP__PUBLIC_URL)", config.http.listen);
    }
    if config.secret_key.is_none() && !key_file(&config).exists() {
        bail!(
            "every process of an installation needs the same secret key: set DROVER_SECRET_KEY (`openssl rand -base64 32` makes one)"
        );
    }
    let metrics = telemetry::start_metrics()?;
    let installation = Installation::shared(config)?;
    let listeners = Listeners::bind(&installation.config.http, &roles).await?;
    let broker = installation.broker()?;
    let process = Process::start(&installation, listeners, broker, roles, metrics)?;
    tracing::info!(address = %process.address, "answering HTTP");
    process.run_to_end().await?;
    Ok(ExitCode::SUCCESS)
}
