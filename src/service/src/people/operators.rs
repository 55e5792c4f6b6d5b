//! Operators come, change and go.
//!
//! A tenant administrator manages everybody. An organisation administrator manages those of its own subtree who are no tenant
//! administrators, and makes none. The last tenant administrator who can log in stays one.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use drover_domain::{OperatorId, OrganisationId, Role};
use drover_store::{
    StoreError, Tx,
    people::{operators, organisations, tokens},
};

use super::{Operator, OperatorChange, OperatorRecord, Organisation, passwords};
use crate::{Action, Actor, Secret, Service, ServiceError, Via, audit::Subject, enrolment::check_text};

/// Operators in one page.
const PAGE_MAX: u32 = 1000;

/// An operator to be made.
#[derive(Debug, Clone)]
pub struct NewOperator {
    /// The name to log in with.
    pub login_id: String,
    /// The display name.
    pub name: String,
    /// What may be done.
    pub role: Role,
    /// Where; the organisation of whoever makes it when absent. A tenant administrator's is the root.
    pub organisation: Option<OrganisationId>,
    /// What to log in with.
    pub password: Secret,
}

impl Operator {
    /// Refuses to give a role that reaches further than the own, and to touch who has one.
    fn require_rank(&self, role: Role) -> Result<(), ServiceError> {
        if role == Role::TenantAdmin { self.require_tenant_admin() } else { Ok(()) }
    }
}

impl Service {
    /// Whoever owns the database, as one who may do everything in a tenant: for the command line.
    pub async fn owner_of(&self, tenant_name: &str) -> Result<Operator, ServiceError> {
        let client = self.store().client().await?;
        let tenant = self.tenant(&client, tenant_name).await?;
        let organisation = self.root_of(&client, tenant).await?;
        Ok(Operator {
            id: OperatorId(0),
            tenant,
            tenant_name: tenant_name.to_owned(),
            utc_offset_minutes: 0,
            login_id: String::new(),
            name: "command line".into(),
            role: Role::TenantAdmin,
            organisation,
            runs_installation: true,
        })
    }

    /// A password that nobody can guess.
    pub fn random_password(&self) -> Secret {
        Secret::new(BASE64_URL_SAFE_NO_PAD.encode(self.random::<15>()))
    }

    /// An operator within the caller's reach.
    pub async fn operator(&self, caller: &Operator, id: OperatorId) -> Result<OperatorRecord, ServiceError> {
        let client = self.store().client().await?;
        let found = operators::get(&client, caller.tenant, &caller.organisation.path, id).await?;
        found.ok_or_else(|| ServiceError::not_found("operator", id))
    }

    /// The operator of that login, for the command line.
    pub async fn operator_by_login(&self, tenant_name: &str, login_id: &str) -> Result<OperatorRecord, ServiceError> {
        let found = operators::by_login(&self.store().client().await?, tenant_name, login_id).await?;
        Ok(found.ok_or_else(|| ServiceError::not_found("operator", login_id))?.0)
    }

    /// Operators within the caller's reach after `after`, `limit` at most.
    pub async fn operators(
        &self,
        caller: &Operator,
        after: Option<OperatorId>,
        limit: u32,
    ) -> Result<Vec<OperatorRecord>, ServiceError> {
        let client = self.store().client().await?;
        let (after, limit) = (after.unwrap_or(OperatorId(0)), i64::from(limit.min(PAGE_MAX)));
        Ok(operators::list(&client, caller.tenant, &caller.organisation.path, after, limit).await?)
    }

    /// Adds an operator.
    pub async fn add_operator(&self, caller: &Operator, new: NewOperator) -> Result<OperatorRecord, ServiceError> {
        caller.require_write()?;
        caller.require_rank(new.role)?;
        check_filled("loginId", &new.login_id)?;
        check_filled("name", &new.name)?;
        passwords::check_new(&new.password)?;
        let password_hash = self.inner.operator_auth.hashing.hash(&new.password, self.random()).await?;
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let organisation = self.workplace(&tx, caller, new.role, new.organisation).await?;
        let row = operators::NewOperator {
            tenant: caller.tenant,
            organisation: organisation.id,
            login_id: &new.login_id,
            name: &new.name,
            role: new.role,
            password_hash: &password_hash,
        };
        let id = match operators::insert(&tx, &row).await {
            Err(error) if error.unique_violation().is_some() => {
                return Err(ServiceError::conflict(format!("loginId: {} is taken", new.login_id)));
            }
            added => added.map_err(ServiceError::of_naming)?,
        };
        let added = operators::get(&tx, caller.tenant, &organisation.path, id).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(operator = %id, role = new.role.as_str(), by = %caller.id, "operator added");
        added.ok_or_else(|| ServiceError::not_found("operator", id))
    }

    /// Changes an operator's name, role or organisation. Its tokens are good for what it is now.
    pub async fn change_operator(
        &self,
        caller: &Operator,
        id: OperatorId,
        change: OperatorChange,
    ) -> Result<OperatorRecord, ServiceError> {
        if let Some(name) = &change.name {
            check_filled("name", name)?;
        }
        self.with_operator(caller, id, async |tx, target| {
            let role = change.role.unwrap_or(target.role);
            caller.require_rank(role)?;
            if target.role == Role::TenantAdmin && role != Role::TenantAdmin {
                keep_an_admin(tx, target).await?;
            }
            // Who becomes a tenant administrator goes to the root.
            let organisation = if change.organisation.is_some() || role == Role::TenantAdmin {
                Some(self.workplace(tx, caller, role, change.organisation).await?.id)
            } else {
                None
            };
            let change = OperatorChange { organisation, ..change.clone() };
            operators::update(tx, id, &change).await?;
            Ok(())
        })
        .await
    }

    /// Gives an operator another password. Its tokens end.
    pub async fn set_operator_password(
        &self,
        caller: &Operator,
        id: OperatorId,
        password: &Secret,
    ) -> Result<(), ServiceError> {
        passwords::check_new(password)?;
        let hash = self.inner.operator_auth.hashing.hash(password, self.random()).await?;
        let changed = self.with_operator(caller, id, async |tx, _| {
            operators::set_password(tx, id, &hash).await?;
            Ok(tokens::revoke_all(tx, id).await?)
        });
        changed.await.map(drop)
    }

    /// Keeps an operator from logging in, and ends its tokens; or lets it log in again.
    pub async fn set_operator_disabled(
        &self,
        caller: &Operator,
        id: OperatorId,
        is_disabled: bool,
    ) -> Result<(), ServiceError> {
        let changed = self.with_operator(caller, id, async |tx, target| {
            if is_disabled && target.role == Role::TenantAdmin {
                keep_an_admin(tx, target).await?;
            }
            operators::set_disabled(tx, id, is_disabled).await?;
            if is_disabled {
                tokens::revoke_all(tx, id).await?;
            }
            Ok(())
        });
        changed.await.map(drop)
    }

    /// Lets an operator run the installation, which is to see every tenant, its queues and its workers; or no longer. For the
    /// command line alone: no operator may say so of another.
    pub async fn set_runs_installation(
        &self,
        actor: &Actor,
        id: OperatorId,
        runs_installation: bool,
    ) -> Result<(), ServiceError> {
        if actor.via != Via::CommandLine {
            return Err(ServiceError::Forbidden {
                reason: "only the command line says who runs the installation".into(),
            });
        }
        let action = if runs_installation { Action::InstallationGranted } else { Action::InstallationWithdrawn };
        let subject = Subject { kind: "operator", id: id.to_string(), owner: None };
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        operators::set_runs_installation(&tx, id, runs_installation).await?;
        self.note(&tx, actor, action, &subject, (None, "")).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(operator = %id, runs_installation, "operator changed");
        Ok(())
    }

    /// Changes an operator whom the caller may change. No two such changes of one tenant happen at once, so that the last
    /// administrators do not end each other; nor does the tree change meanwhile.
    async fn with_operator(
        &self,
        caller: &Operator,
        id: OperatorId,
        change: impl AsyncFnOnce(&Tx<'_>, &OperatorRecord) -> Result<(), ServiceError>,
    ) -> Result<OperatorRecord, ServiceError> {
        caller.require_write()?;
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        organisations::lock_tree(&tx, caller.tenant).await?;
        let unknown = || ServiceError::not_found("operator", id);
        let target = operators::get(&tx, caller.tenant, &caller.organisation.path, id).await?.ok_or_else(unknown)?;
        caller.require_rank(target.role)?;
        // Whoever could set its password could become it.
        if target.runs_installation && !caller.runs_installation {
            let reason = "this operator runs the installation: only another one who does may change it".into();
            return Err(ServiceError::Forbidden { reason });
        }
        change(&tx, &target).await?;
        let root = self.root_of(&tx, caller.tenant).await?;
        let changed = operators::get(&tx, caller.tenant, &root.path, id).await?.ok_or_else(unknown)?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(operator = %id, by = %caller.id, "operator changed");
        Ok(changed)
    }

    /// Where an operator of that role is to stand.
    async fn workplace(
        &self,
        tx: &Tx<'_>,
        caller: &Operator,
        role: Role,
        wanted: Option<OrganisationId>,
    ) -> Result<Organisation, ServiceError> {
        let found = match wanted {
            Some(id) => organisations::get(tx, caller.tenant, &caller.organisation.path, id)
                .await?
                .ok_or_else(|| ServiceError::not_found("organisation", id))?,
            None if role == Role::TenantAdmin => self.root_of(tx, caller.tenant).await?,
            None => caller.organisation.clone(),
        };
        if role == Role::TenantAdmin && found.parent.is_some() {
            return Err(ServiceError::invalid("organisation", "of a tenant administrator is the root"));
        }
        Ok(found)
    }
}

async fn keep_an_admin(tx: &Tx<'_>, besides: &OperatorRecord) -> Result<(), ServiceError> {
    if operators::has_other_admin(tx, besides.tenant, besides.id).await? {
        Ok(())
    } else {
        Err(ServiceError::conflict("the tenant needs an administrator who can log in, and this is the last one"))
    }
}

fn check_filled(field: &'static str, text: &str) -> Result<(), ServiceError> {
    if text.trim().is_empty() {
        return Err(ServiceError::invalid(field, "must not be empty"));
    }
    if text.contains(char::is_control) {
        return Err(ServiceError::invalid(field, "holds a control character"));
    }
    check_text(field, text)
}
