//! `drover tenant`, `drover product` and `drover credential`. Secrets are printed once and cannot be asked for again.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use drover_service::{CredentialKind, TopTerms};

use super::device_tokens;
use crate::{
    cli::{Credential, Kind, Product, Revoked, Tenant, TopOptions},
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
        Credential::Add { kind, tenant, device, top } => {
            add_credential(config, kind, &tenant, device.as_deref(), top).await
        }
        Credential::Devices(args) => device_tokens::run(config, &args).await,
        Credential::Revoke(revoked) => revoke(config, revoked).await,
    }
}

async fn add_credential(
    config: Config,
    kind: Kind,
    tenant: &str,
    device: Option<&str>,
    top: TopOptions,
) -> anyhow::Result<ExitCode> {
    let TopOptions { allow_md5, calls_per_s } = top;
    let is_top = matches!(kind, Kind::Top);
    if !is_top && (allow_md5 || calls_per_s.is_some()) {
        bail!("--allow-md5 and --calls-per-s go with --kind top only");
    }
    let mut installation = ready(config).await?;
    let service = &installation.service;
    let added = match device {
        None if is_top => service.add_top_credential(tenant, TopTerms { allows_md5: allow_md5, calls_per_s }).await,
        _ => service.add_credential(tenant, kind.into(), device).await,
    };
    installation.close().await?;
    let added = added?;
    println!("key       {}\nsecret    {}", added.key_id, added.secret.expose());
    Ok(ExitCode::SUCCESS)
}

async fn revoke(config: Config, revoked: Revoked) -> anyhow::Result<ExitCode> {
    let key = revoked.kind.zip(revoked.key).map(|(kind, key)| (kind.into(), key));
    let device = revoked.device.map(|uuid| (CredentialKind::Device, uuid));
    let (kind, key) = device.or(key).context("name a device, or a key and its kind")?;
    let mut installation = ready(config).await?;
    let revoked = installation.service.revoke_credential(kind, &key).await;
    installation.close().await?;
    revoked?;
    println!("revoked   {key}");
    Ok(ExitCode::SUCCESS)
}
