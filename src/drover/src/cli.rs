//! The command line.
// Doc comments here are the help text, shown as they stand.
#![allow(clippy::doc_markdown)]

use std::{net::SocketAddr, num::NonZeroU32, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use drover_domain::{CommandId, CommandState, JobId, JobKind, JobState, Protocol, Role};
use drover_service::CredentialKind;
use drover_workers::Roles;

use crate::fleet::MqttUrl;

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
pub(crate) struct Cancel {
    /// The commands, by the ids that the AEP API calls subtasks
    #[arg(required_unless_present = "job", value_name = "COMMAND_ID", value_parser = command_id)]
    pub(crate) commands: Vec<CommandId>,
    /// A whole job instead, for good; asks first
    #[arg(long, value_name = "JOB", conflicts_with_all = ["commands", "force"], value_parser = job_id)]
    pub(crate) job: Option<JobId>,
    /// Do not ask, with --job
    #[arg(long, requires = "job")]
    pub(crate) yes: bool,
    /// End them now; their devices are told, but nobody waits for the answer
    #[arg(long)]
    pub(crate) force: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Retry {
    #[command(flatten)]
    pub(crate) job: JobArgs,
    /// Commands that ended like this, with commas between them: failed, timed_out, cancelled
    #[arg(long, value_name = "STATES", value_delimiter = ',', value_parser = command_state, default_value = "failed,timed_out")]
    pub(crate) state: Vec<CommandState>,
    /// Of these, those whose last attempt ended with this code of the device's
    #[arg(long, value_name = "CODE")]
    pub(crate) code: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// How many entries
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
    /// Those before this one, by its id
    #[arg(long, value_name = "ID")]
    pub(crate) before: Option<i64>,
    /// Print them as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Device {
    /// What the device calls itself
    #[arg(value_name = "UUID")]
    pub(crate) uuid: String,
    /// Say it of this job, not of the command that matters most
    #[arg(long, value_name = "ID")]
    pub(crate) job: Option<i64>,
    /// How many commands to show, those of the newest jobs first
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
    /// Where to go on, as the page before said
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Jobs {
    /// Only those that do this: publish, distribute, push, firmware
    #[arg(long, value_name = "KIND", value_parser = job_kind)]
    pub(crate) kind: Option<JobKind>,
    /// Only those that stand here: draft, scheduled, running, paused, completed, cancelled, aborted
    #[arg(long, value_name = "STATE", value_parser = job_state)]
    pub(crate) state: Option<JobState>,
    /// Only those of this tenant
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    /// Only those whose name contains this, and the one whose number it is
    #[arg(long, value_name = "TEXT")]
    pub(crate) text: Option<String>,
    /// How many at most
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
    /// Those before the last one of the page before
    #[arg(long, value_name = "JOB")]
    pub(crate) after: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct JobArgs {
    /// The job's number
    #[arg(value_name = "JOB", value_parser = job_id)]
    pub(crate) job: JobId,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Queues {
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Option<QueueCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum QueueCommand {
    /// Have workers take nothing more from a queue; what they have in hand ends
    Pause {
        /// The queue, such as dispatch.firmware
        name: String,
    },
    /// Have workers take from it again
    Resume {
        /// The queue
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DeadLetters {
    /// Those of one queue
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) queue: Option<String>,
    /// Those whose reason has this somewhere in it
    #[arg(long, global = true, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
    /// Those before this one, as the line behind a list says
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<String>,
    /// How many are listed
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Option<DeadLetterCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetterCommand {
    /// Show one with its body
    Show {
        /// The letter
        id: i64,
    },
    /// Send them again, as if they came for the first time
    Replay(WhichLetters),
    /// Throw them away
    Discard(WhichLetters),
}

/// Which dead letters.
#[derive(Debug, Args)]
pub(crate) struct WhichLetters {
    /// These
    #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    pub(crate) ids: Vec<i64>,
    /// All of the queue that match; takes --queue
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Workers {
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Option<WorkerCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WorkerCommand {
    /// Have a process take no more work; what it has in hand ends, and it goes on to answer HTTP
    Drain {
        /// The process
        id: uuid::Uuid,
    },
    /// Have it take work again
    Resume {
        /// The process
        id: uuid::Uuid,
    },
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
pub(crate) enum Operator {
    /// Add an operator; prints a password, once, unless one is given
    Add {
        #[command(flatten)]
        login: OperatorLogin,
        /// The display name
        #[arg(long, value_name = "NAME")]
        name: String,
        /// What may be done: tenant_admin, org_admin or read_only
        #[arg(long, value_parser = role)]
        role: Role,
        /// Where, by its code: there and below; the whole tenant when absent
        #[arg(long, value_name = "CODE")]
        organisation: Option<String>,
        /// Let it see every tenant, the queues and the workers on the dashboard
        #[arg(long)]
        runs_installation: bool,
        /// Read the password from standard input, its first line
        #[arg(long)]
        password_stdin: bool,
    },
    /// Give an operator another password, and end its tokens; prints the password, once, unless one is given
    Password {
        #[command(flatten)]
        login: OperatorLogin,
        /// Read the password from standard input, its first line
        #[arg(long)]
        password_stdin: bool,
    },
    /// Keep an operator from logging in, and end its tokens
    Disable {
        #[command(flatten)]
        login: OperatorLogin,
    },
}

/// Which operator.
#[derive(Debug, Args)]
pub(crate) struct OperatorLogin {
    /// The operator's tenant
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: String,
    /// The name to log in with
    #[arg(long, value_name = "LOGIN")]
    pub(crate) login: String,
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
        #[command(flatten)]
        top: TopOptions,
    },
    /// Give every device of a product that has no token one; prints uuid,token lines, once
    Devices(DeviceTokens),
    /// Take back a device's token and end its connections, `add` then gives it a new one; or take back a key
    Revoke(Revoked),
}

/// What an application of the TOP gateway may do.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct TopOptions {
    /// It may sign with MD5, with --kind top
    #[arg(long)]
    pub(crate) allow_md5: bool,
    /// Its calls a second that a process answers, with --kind top; top.calls_per_s when absent
    #[arg(long, value_name = "N")]
    pub(crate) calls_per_s: Option<NonZeroU32>,
}

/// Which credential is taken back.
#[derive(Debug, Args)]
pub(crate) struct Revoked {
    /// The device
    #[arg(long, value_name = "UUID", required_unless_present = "key", conflicts_with = "key")]
    pub(crate) device: Option<String>,
    /// What the key is for
    #[arg(long, requires = "key")]
    pub(crate) kind: Option<Kind>,
    /// The key, as `add` printed it
    #[arg(long, value_name = "KEY", requires = "kind")]
    pub(crate) key: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DeviceTokens {
    /// The devices' owner
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: String,
    /// Their product
    #[arg(long, value_name = "NAME")]
    pub(crate) product: String,
    /// Only those whose uuids begin so
    #[arg(long, value_name = "PREFIX", default_value = "")]
    pub(crate) prefix: String,
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
    /// Add or change organisations: code, name, parent; all of the file or nothing
    Organisations(Rows),
    /// Add or change users: account, name, mail, phone, organisation; all of the file or nothing
    Users(Rows),
    /// Add groups of users and their members: name, description, organisation, member; all of the file or nothing
    Groups(Rows),
    /// Add labels and the users that have them: name, description, organisation, member; all of the file or nothing
    Labels(Rows),
    /// Add or change the devices of organisations: uuid, name, organisation, user, product, os, deviceType, relationship,
    /// deviceNumber, imei, sn, channel; all of the file or nothing
    ManagedDevices(Rows),
}

#[derive(Debug, Args)]
pub(crate) struct Rows {
    /// The file; its first line names the columns, of which only the first must be there
    pub(crate) file: PathBuf,
    /// Their owner
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: String,
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

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "is not a number".to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("must be from 0 to 1".to_owned()) }
}

fn command_state(text: &str) -> Result<CommandState, String> {
    CommandState::parse(text).ok_or_else(|| "is not failed, timed_out or cancelled".to_owned())
}

fn command_id(text: &str) -> Result<CommandId, String> {
    text.parse().ok().and_then(CommandId::from_i64).ok_or_else(|| "is not the id of a command".to_owned())
}

fn job_id(text: &str) -> Result<JobId, String> {
    text.parse().ok().filter(|id| *id > 0).map(JobId).ok_or_else(|| "is not the number of a job".to_owned())
}

fn job_kind(name: &str) -> Result<JobKind, String> {
    let known = JobKind::ALL.map(JobKind::as_str).join(", ");
    JobKind::parse(name).ok_or_else(|| format!("is none of {known}"))
}

fn job_state(name: &str) -> Result<JobState, String> {
    let known = JobState::ALL.map(JobState::as_str).join(", ");
    JobState::parse(name).ok_or_else(|| format!("is none of {known}"))
}

fn role(name: &str) -> Result<Role, String> {
    Role::parse(name).ok_or_else(|| "is tenant_admin, org_admin or read_only".to_owned())
}

fn protocol(name: &str) -> Result<Protocol, String> {
    Protocol::parse(name).ok_or_else(|| "is tlink, mqtt or lwm2m".to_owned())
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
