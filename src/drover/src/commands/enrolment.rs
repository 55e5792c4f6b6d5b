//! `drover tenant`, `drover product` and `drover credential`. Secrets are printed once and cannot be asked for again.

use std::process::ExitCode;

use crate::{
    cli::{Credential, Product, Tenant},
    config::Config,
    installation::Installation,
    startup,
};

pub(crate) async fn tenant(config: Config, command: Tenant) -> anyhow::Result<ExitCode> {
    let Tenant::Add { name } = command;
    let mut installation = ready(config).await?;
    let added = installation.service.add_tenant(&name).await;
    installation.close().await?;
    println!("tenant    {}", added?);
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn product(config: Config, command: Product) -> anyhow::Result<ExitCode> {
    let Product::Add { name, tenant, protocol } = command;
    let mut installation = ready(config).await?;
    let added = installation.service.add_product(&tenant, &name, protocol).await;
    installation.close().await?;
    let added = added?;
    println!("product   {}\nMasterKey {}", added.id, added.master_key.expose());
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn credential(config: Config, command: Credential) -> anyhow::Result<ExitCode> {
    let Credential::Add { kind, tenant, device } = command;
    let mut installation = ready(config).await?;
    let added = installation.service.add_credential(&tenant, kind.into(), device.as_deref()).await;
    installation.close().await?;
    let added = added?;
    println!("key       {}\nsecret    {}", added.key_id, added.secret.expose());
    Ok(ExitCode::SUCCESS)
}

/// An installation whose schema is there: the first command on a new one makes it.
pub(crate) async fn ready(config: Config) -> anyhow::Result<Installation> {
    let mut installation = Installation::embedded(config).await?;
    if let Err(error) = startup::migrate(&installation.store, installation.entropy.as_ref()).await {
        installation.close().await?;
        return Err(error);
    }
    Ok(installation)
}
