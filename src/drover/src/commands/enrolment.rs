//! `drover tenant`, `drover product` and `drover credential`. Secrets are printed once and cannot be asked for again.

use std::process::ExitCode;

use super::device_tokens;
use crate::{
    cli::{Credential, Kind, Product, Tenant},
    config::Config,
    startup::ready,
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
    match command {
        Credential::Add { kind, tenant, device } => add_credential(config, kind, &tenant, device.as_deref()).await,
        Credential::Devices(args) => device_tokens::run(config, &args).await,
        Credential::Revoke { device } => revoke(config, &device).await,
    }
}

async fn add_credential(config: Config, kind: Kind, tenant: &str, device: Option<&str>) -> anyhow::Result<ExitCode> {
    let mut installation = ready(config).await?;
    let added = installation.service.add_credential(tenant, kind.into(), device).await;
    installation.close().await?;
    let added = added?;
    println!("key       {}\nsecret    {}", added.key_id, added.secret.expose());
    Ok(ExitCode::SUCCESS)
}

async fn revoke(config: Config, device: &str) -> anyhow::Result<ExitCode> {
    let mut installation = ready(config).await?;
    let revoked = installation.service.revoke_device_credential(device).await;
    installation.close().await?;
    revoked?;
    println!("revoked   {device}");
    Ok(ExitCode::SUCCESS)
}
