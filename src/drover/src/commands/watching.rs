//! Somebody to watch a demonstration on the dashboard.

use anyhow::Context as _;
use drover_domain::{OperatorId, Role};
use drover_service::{Actor, NewOperator, Secret, Service, ServiceError};

use crate::system::account_name;

/// Whose data it is looked at from.
const TENANT: &str = "drover";
/// The name to sign in with.
const LOGIN: &str = "demo";

/// Who may watch.
pub(super) struct Watcher {
    password: Secret,
}

impl Watcher {
    /// An operator who sees everything, with a password made for this run.
    pub(super) async fn prepare(service: &Service) -> anyhow::Result<Self> {
        let password = service.random_password();
        let operator = match service.add_tenant(TENANT).await {
            Ok(_) => None,
            Err(ServiceError::Conflict { .. }) => service.operator_by_login(TENANT, LOGIN).await.ok(),
            Err(error) => return Err(error).context("cannot make a tenant to watch from"),
        };
        let id = match operator {
            Some(known) => {
                let owner = service.owner_of(TENANT).await?;
                service.set_operator_password(&owner, known.id, &password).await?;
                known.id
            }
            None => add(service, password.clone()).await?,
        };
        service.set_runs_installation(&Actor::command_line(account_name()), id, true).await?;
        Ok(Self { password })
    }

    /// Where and how to sign in.
    pub(super) fn words(&self, base_url: &str) -> String {
        format!("{base_url}/ui with tenant {TENANT}, login name {LOGIN}, password {}", self.password.expose())
    }
}

async fn add(service: &Service, password: Secret) -> anyhow::Result<OperatorId> {
    let owner = service.owner_of(TENANT).await?;
    let new = NewOperator {
        login_id: LOGIN.into(),
        name: "Demo".into(),
        role: Role::TenantAdmin,
        organisation: None,
        password,
    };
    Ok(service.add_operator(&owner, new).await?.id)
}
