//! Who there is: tenants, operators, products, credentials, and rows from files.

use std::{num::NonZeroU32, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use drover_domain::{Protocol, Role};
use drover_service::CredentialKind;

use super::values::{protocol, role};

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
    /// Let an operator see every tenant, the queues and the workers, or no longer
    Installation {
        #[command(flatten)]
        login: OperatorLogin,
        /// No longer
        #[arg(long)]
        withdraw: bool,
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
