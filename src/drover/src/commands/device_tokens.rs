//! `drover credential devices`: a token for each device of a product that has none, printed once.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Context;
use drover_service::Service;

use crate::{cli::DeviceTokens, config::Config, startup::ready};

pub(crate) async fn run(config: Config, args: &DeviceTokens) -> anyhow::Result<ExitCode> {
    let mut installation = ready(config).await?;
    let issued = issue(&installation.service, args, &mut io::stdout()).await;
    installation.close().await?;
    let issued = issued?;
    tracing::info!(issued, "devices have a token now");
    Ok(ExitCode::SUCCESS)
}

/// Prints each page before the next one is made: an interruption loses the tokens of one page at the most.
async fn issue(service: &Service, args: &DeviceTokens, out: &mut impl Write) -> anyhow::Result<usize> {
    let product = service.product_by_name(&args.tenant, &args.product).await?;
    let (mut issued, mut after) = (0, None);
    loop {
        let page = service.issue_device_tokens(&product, &args.prefix, after).await?;
        for token in &page.tokens {
            // A uuid needs no quotes, nor does base64.
            writeln!(out, "{},{}", token.key_id, token.secret.expose()).context("tokens were made that nobody saw")?;
        }
        out.flush().context("tokens were made that nobody saw")?;
        issued += page.tokens.len();
        let Some(next) = page.next else { return Ok(issued) };
        after = Some(next);
    }
}
