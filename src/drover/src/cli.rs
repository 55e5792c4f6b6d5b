//! The command line.
// Doc comments here are the help text, shown as they stand.
#![allow(clippy::doc_markdown)]

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use drover_domain::Protocol;
use drover_service::CredentialKind;
use drover_workers::Roles;

/// Drover pushes software to fleets of devices: one call, one command per device, one recorded outcome each.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes. Everything else is configuration: see docs/configuration.md.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Configuration file; ./drover.toml is read when it is there
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder for files, the secret key and, without DATABASE_URL, a private database
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// What to log, such as warn or drover_workers=debug,info
    #[arg(long, global = true, value_name = "FILTER")]
    pub(crate) log: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run every role in one process; without DATABASE_URL and AMQP_URL it brings its own database and broker
    Up(Up),
    /// Run some roles of an installation that shares DATABASE_URL and AMQP_URL
    Serve(Serve),
    /// Bring the database's schema up to date
    Migrate,
    /// Run a visible campaign with simulated devices in one process, then end; fails when the oracle finds a fault
    Demo(Demo),
    /// Run simulated devices that listen on the broker, until interrupted
    Simulate(Simulate),
    /// Compare every job's rows with each other; fails and names the offenders when something is wrong
    Check(Check),
    /// Manage tenants
    #[command(subcommand)]
    Tenant(Tenant),
    /// Manage products
    #[command(subcommand)]
    Product(Product),
    /// Manage credentials
    #[command(subcommand)]
    Credential(Credential),
    /// Bring in many rows from a file
    #[command(subcommand)]
    Import(Import),
    /// Measure a campaign against DATABASE_URL and AMQP_URL; the last line is JSON
    Bench(Bench),
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Address to answer HTTP on
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// Run a visible campaign first, then stay up
    #[arg(long)]
    pub(crate) demo: bool,
    /// Devices of that campaign
    #[arg(long, value_name = "N", default_value_t = 1000, requires = "demo")]
    pub(crate) devices: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Roles with commas between them: ingress, plan, dispatch, ingest, timekeep, relay
    #[arg(long, value_name = "ROLES", default_value_t = Roles::all())]
    pub(crate) roles: Roles,
    /// Address to answer HTTP on; health and metrics are answered whatever the roles
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
}

/// How simulated devices behave; each rate is a share of all devices, from 0 to 1.
#[derive(Debug, Clone, Args)]
pub(crate) struct Behaviour {
    /// Devices that fail
    #[arg(long, value_name = "P", default_value_t = 0.05, value_parser = share)]
    pub(crate) failure_rate: f64,
    /// Devices that never answer
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = share)]
    pub(crate) silence_rate: f64,
    /// Devices that answer twice
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = share)]
    pub(crate) duplicate_rate: f64,
    /// Devices that answer after their attempt is over
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = share)]
    pub(crate) late_rate: f64,
    /// Devices that refuse
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = share)]
    pub(crate) refusal_rate: f64,
    /// Shortest time a device takes, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 50)]
    pub(crate) latency_min_ms: u64,
    /// Longest time a device takes, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1500)]
    pub(crate) latency_max_ms: u64,
    /// Devices that really download the file
    #[arg(long, value_name = "P", default_value_t = 0.02, value_parser = share)]
    pub(crate) download_sample: f64,
    /// Seed of who behaves how
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Simulated devices
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(crate) devices: usize,
    /// How long a device may take for one attempt, in seconds
    #[arg(long, value_name = "S", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) attempt_timeout_s: u64,
    #[command(flatten)]
    pub(crate) behaviour: Behaviour,
}

#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// Devices, named PREFIX000001 and so on
    #[arg(long, value_name = "N")]
    pub(crate) devices: usize,
    /// Start of their names
    #[arg(long, value_name = "PREFIX", default_value = "sim-")]
    pub(crate) prefix: String,
    #[command(flatten)]
    pub(crate) behaviour: Behaviour,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Tenant {
    /// Add a tenant
    Add {
        /// Its name
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Product {
    /// Add a product; prints its id and, once, its MasterKey
    Add {
        /// Its name
        name: String,
        /// Its owner
        #[arg(long, value_name = "NAME")]
        tenant: String,
        /// What its devices speak: tlink, mqtt or lwm2m
        #[arg(long, value_parser = protocol)]
        protocol: Protocol,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Credential {
    /// Add a credential; prints its key and, once, its secret
    Add {
        /// What it is for
        #[arg(long)]
        kind: Kind,
        /// Its owner
        #[arg(long, value_name = "NAME")]
        tenant: String,
        /// The device that it is for, with --kind device
        #[arg(long, value_name = "UUID")]
        device: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Kind {
    /// An application that signs calls to the AEP API
    Aep,
    /// A caller that shows a bearer token
    Token,
    /// An application that signs calls to the TOP gateway
    Top,
    /// A device
    Device,
}

impl From<Kind> for CredentialKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Aep => Self::Aep,
            Kind::Token => Self::Token,
            Kind::Top => Self::Top,
            Kind::Device => Self::Device,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Import {
    /// Enrol devices from a CSV file with the columns uuid, name, sn, imei, group, firmware_version, channel
    Devices {
        /// The file; its first line names the columns, of which only uuid must be there
        file: PathBuf,
        /// Their owner
        #[arg(long, value_name = "NAME")]
        tenant: String,
        /// Their product
        #[arg(long, value_name = "NAME")]
        product: String,
        /// Import all of the file or nothing
        #[arg(long)]
        strict: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Devices of the measured campaign
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) devices: usize,
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "is not a number".to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("must be from 0 to 1".to_owned()) }
}

fn protocol(name: &str) -> Result<Protocol, String> {
    Protocol::parse(name).ok_or_else(|| "is tlink, mqtt or lwm2m".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
