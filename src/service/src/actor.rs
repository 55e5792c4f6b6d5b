//! Who looks at the fleet or steps in, and how far that reaches: an operator of a tenant, one who runs the installation, or
//! whoever owns the database, at the command line.

use std::net::IpAddr;

use drover_domain::{OperatorId, OrganisationId, TenantId};
use drover_store::people::reach::Reach;

use crate::{Operator, ServiceError};

/// The way by which somebody came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// The pages at `/ui`.
    Dashboard,
    /// The admin API.
    Api,
    /// The `drover` command.
    CommandLine,
}

impl Via {
    /// The way's name in rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dashboard => "dashboard",
            Self::Api => "api",
            Self::CommandLine => "command_line",
        }
    }
}

/// Who looks or steps in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The operator; `None` at the command line.
    pub operator: Option<OperatorId>,
    /// The name that the audit keeps.
    pub name: String,
    /// What may be seen and touched.
    pub reach: Reach,
    /// Whether anything may be changed.
    pub may_write: bool,
    /// Whose tenant and organisation it is; `None` at the command line.
    pub home: Option<(TenantId, OrganisationId)>,
    /// The way.
    pub via: Via,
    /// From where; `None` at the command line.
    pub address: Option<IpAddr>,
}

impl Actor {
    /// An operator who was let in.
    pub fn operator(operator: &Operator, via: Via, address: Option<IpAddr>) -> Self {
        Self {
            operator: Some(operator.id),
            name: operator.login_id.clone(),
            reach: if operator.runs_installation { Reach::Installation } else { Reach::Part(operator.scope()) },
            may_write: operator.role.may_write(),
            home: Some((operator.tenant, operator.organisation.id)),
            via,
            address,
        }
    }

    /// Whoever owns the database, under the name of an account.
    pub fn command_line(account: impl Into<String>) -> Self {
        Self {
            operator: None,
            name: account.into(),
            reach: Reach::Installation,
            may_write: true,
            home: None,
            via: Via::CommandLine,
            address: None,
        }
    }

    /// Whether the whole installation is within reach.
    pub fn runs_installation(&self) -> bool {
        self.reach == Reach::Installation
    }

    /// Refuses those who only look.
    pub fn require_write(&self) -> Result<(), ServiceError> {
        if self.may_write {
            Ok(())
        } else {
            Err(ServiceError::Forbidden { reason: "this operator may look and change nothing".into() })
        }
    }

    /// Refuses those who do not run the installation: its queues and workers are every tenant's.
    pub fn require_installation(&self) -> Result<(), ServiceError> {
        if self.runs_installation() {
            Ok(())
        } else {
            Err(ServiceError::Forbidden { reason: "this is for operators who run the installation".into() })
        }
    }
}
