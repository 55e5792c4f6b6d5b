//! The command line.
// Doc comments here are the help text, shown as they stand.
#![allow(clippy::doc_markdown)]

mod enrolling;
mod operating;
mod values;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use drover_workers::Roles;

use crate::fleet::MqttUrl;
use values::share;

pub(crate) use enrolling::*;
pub(crate) use operating::*;

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
    /// Run simulated devices, on the broker or each with a connection of its own, until interrupted
    Simulate(Simulate),
    /// Cancel commands, or a whole job: those that no device has end at once, the others are asked to stop
    Cancel(Cancel),
    /// Say why a device is not updated, and show its commands with every attempt and report
    Device(Device),
    /// List jobs, newest first
    Jobs(Jobs),
    /// Show a job: how far it is, where its commands stand, why attempts failed
    Job(JobArgs),
    /// Show the queues, or keep workers from taking from one
    Queues(Queues),
    /// Show the messages that no worker could handle, send them again, or throw them away
    DeadLetters(DeadLetters),
    /// Show the processes at work, or have one take no more work
    Workers(Workers),
    /// Pause a job: nothing more of it goes out until it is resumed
    Pause(JobArgs),
    /// Resume a job that was paused: what waits goes out at once
    Resume(JobArgs),
    /// Try again what failed in a job
    Retry(Retry),
    /// Show who did what, from where, newest first
    Audit(Audit),
    /// Compare every job's rows with each other; fails and names the offenders when something is wrong
    Check(Check),
    /// Manage tenants
    #[command(subcommand)]
    Tenant(Tenant),
    /// Manage operators, who call the MDM and admin APIs
    #[command(subcommand)]
    Operator(Operator),
    /// Manage products
    #[command(subcommand)]
    Product(Product),
    /// Manage credentials
    #[command(subcommand)]
    Credential(Credential),
    /// Bring in many rows from a file
    #[command(subcommand)]
    Import(Import),
    /// Measure a campaign against DATABASE_URL and AMQP_URL, what those who look cost, or checks for updates; the last line is
    /// JSON
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
    /// How they are reached
    #[arg(long, value_enum, default_value_t = Over::Broker)]
    pub(crate) over: Over,
    /// Where they log in, with --over mqtt
    #[arg(long, value_name = "URL", default_value = "mqtt://127.0.0.1:1883")]
    pub(crate) mqtt_url: MqttUrl,
    /// Where they call, with --over poll; http.public_url or else http.listen when absent
    #[arg(long, value_name = "URL")]
    pub(crate) http_url: Option<reqwest::Url>,
    /// What they log in with: lines of uuid,token, as drover credential devices prints them
    #[arg(long, value_name = "FILE", required_if_eq_any([("over", "mqtt"), ("over", "poll")]))]
    pub(crate) tokens: Option<PathBuf>,
    /// Devices whose connection breaks now and then
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = share)]
    pub(crate) drop_rate: f64,
    #[command(flatten)]
    pub(crate) behaviour: Behaviour,
}

/// The way to simulated devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Over {
    /// One subscription on the broker that AMQP_URL names, for all of them
    Broker,
    /// A durable MQTT session for each, under its uuid and token
    Mqtt,
    /// HTTP calls of each, under its uuid and token
    Poll,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Devices of the measured campaign, or those that check
    #[arg(long, value_name = "N", default_value_t = 10_000, default_value_if("checks", "true", "100000"))]
    pub(crate) devices: usize,
    /// Measure the TOP gateway's check for updates instead, against DATABASE_URL alone: how many an ingress answers in a
    /// second, and how many for each call of its /healthz, which is measured by turns over the same connections
    #[arg(long)]
    pub(crate) checks: bool,
    /// Measure what those who look at the dashboard cost instead: the campaign by turns without them and with so many open
    /// dashboards, on the overview and on the job's page
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "200", conflicts_with = "checks")]
    pub(crate) viewers: Option<std::num::NonZeroUsize>,
    /// Campaigns of each kind, with --viewers
    #[arg(long, value_name = "N", default_value_t = 2, requires = "viewers",
        value_parser = clap::value_parser!(u8).range(1..=20))]
    pub(crate) turns: u8,
    #[command(flatten)]
    pub(crate) check: CheckLoad,
}

/// What is measured with --checks.
#[derive(Debug, Args)]
pub(crate) struct CheckLoad {
    /// Packages that are published for every device
    #[arg(long, value_name = "N", default_value_t = 200, requires = "checks")]
    pub(crate) packages: usize,
    /// Devices that check, over and over; the others are enrolled only. Each has checked once before anything is measured,
    /// which writes down what it has
    #[arg(long, value_name = "N", default_value_t = 5000, requires = "checks")]
    pub(crate) asking: usize,
    /// Packages that each device says it has; the others are offered to it; all of them when absent
    #[arg(long, value_name = "N", requires = "checks")]
    pub(crate) named: Option<usize>,
    /// Devices that have one package in an older version
    #[arg(long, value_name = "P", default_value_t = 0.05, value_parser = share, requires = "checks")]
    pub(crate) outdated: f64,
    /// Connections that stay open, with one call at a time
    #[arg(long, value_name = "N", default_value_t = 64, requires = "checks")]
    pub(crate) connections: usize,
    /// Rounds of checks, each after one of /healthz
    #[arg(long, value_name = "N", default_value_t = 5, requires = "checks")]
    pub(crate) rounds: usize,
    /// How long a round is, in seconds
    #[arg(long, value_name = "S", default_value_t = 4, requires = "checks",
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) seconds: u64,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Cli, Command};

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn each_benchmark_has_a_fleet_of_its_own_size() {
        let devices = |args: &[&str]| {
            let cli = Cli::try_parse_from([&["drover", "bench"], args].concat()).map_err(|error| error.kind());
            cli.map(|cli| if let Command::Bench(bench) = cli.command { bench.devices } else { 0 })
        };
        assert_eq!(devices(&[]), Ok(10_000));
        assert_eq!(devices(&["--checks"]), Ok(100_000));
        assert_eq!(devices(&["--devices", "7", "--checks", "--packages", "3"]), Ok(7));
        assert_eq!(devices(&["--packages", "3"]), Err(clap::error::ErrorKind::MissingRequiredArgument));
    }
}
