//! The `drover` command.

mod bench;
mod campaign;
mod cli;
mod client;
mod commands;
mod config;
mod fleet;
mod installation;
mod listeners;
mod process;
mod startup;
mod system;
mod telemetry;

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
#[allow(clippy::print_stderr)]
async fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    // Every TLS connection, to the database and to the broker, uses this one provider.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("drover: another TLS provider is in the way");
        return ExitCode::FAILURE;
    }
    match commands::run(cli).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("drover: {error:#}");
            ExitCode::FAILURE
        }
    }
}
