//! Policies: settings that travel with applications, and that built-in ones need.

use drover_domain::{DomainType, PolicyId};
use drover_store::{
    StoreError,
    applications::policies::{self, NewPolicy, Policy, PolicyChange},
};
use serde_json::Value;

use super::ApplicationRefusal as R;
use crate::{List, ListFrom, Operator, Service, ServiceError, clients::check_name};

/// The longest settings, as JSON.
const SETTINGS_MAX_BYTES: usize = 64 << 10;

/// A policy to be made.
#[derive(Debug, Clone)]
pub struct NewPolicyValues {
    /// Its name.
    pub name: String,
    /// The code of its organisation; that of whoever makes it when absent.
    pub organisation: Option<String>,
    /// Which applications it is for.
    pub domain_type: DomainType,
    /// Whether it may be pushed.
    pub is_enabled: bool,
    /// What it says, a JSON object.
    pub settings: Value,
}

impl Service {
    /// Adds a policy.
    pub async fn add_application_policy(
        &self,
        caller: &Operator,
        new: &NewPolicyValues,
    ) -> Result<Policy, ServiceError> {
        caller.require_write()?;
        check(Some(&new.name), Some(&new.settings))?;
        let client = self.store().client().await?;
        let organisation = caller.named_or_own(&client, new.organisation.as_deref()).await?;
        let row = NewPolicy {
            organisation,
            name: new.name.trim(),
            domain_type: new.domain_type,
            is_enabled: new.is_enabled,
            settings: &new.settings,
            created_by: &caller.login_id,
        };
        let added = policies::insert(&client, &caller.scope(), &row).await;
        let id = added.map_err(|error| taken(error, &new.name))?;
        drop(client);
        tracing::info!(by = %caller.id, policy = %id, "application policy added");
        self.application_policy(caller, id).await
    }

    /// A policy within the caller's reach.
    pub async fn application_policy(&self, caller: &Operator, id: PolicyId) -> Result<Policy, ServiceError> {
        let found = policies::get(&self.store().client().await?, &caller.scope(), id).await?;
        found.ok_or_else(|| ServiceError::not_found("policy", id))
    }

    /// The next policies within the caller's reach, by id.
    pub async fn application_policies(&self, caller: &Operator, from: &ListFrom) -> Result<List<Policy>, ServiceError> {
        let (after, limit) = (from.after_id()?, from.limit()?);
        let items = policies::page(&self.store().client().await?, &caller.scope(), after, limit).await?;
        Ok(List::of(items, limit, |last| last.id.to_string()))
    }

    /// Changes a policy. Devices that have an application with it are told at its next push.
    pub async fn change_application_policy(
        &self,
        caller: &Operator,
        id: PolicyId,
        change: &PolicyChange,
    ) -> Result<Policy, ServiceError> {
        caller.require_write()?;
        check(change.name.as_deref(), change.settings.as_ref())?;
        self.application_policy(caller, id).await?;
        let name = change.name.as_deref().map(str::trim);
        let change = PolicyChange { name: name.map(str::to_owned), ..change.clone() };
        let changed = policies::update(&self.store().client().await?, id, &change).await;
        changed.map_err(|error| taken(error, name.unwrap_or_default()))?;
        self.application_policy(caller, id).await
    }

    /// Removes a policy that no assignment needs.
    pub async fn delete_application_policy(&self, caller: &Operator, id: PolicyId) -> Result<(), ServiceError> {
        caller.require_write()?;
        self.application_policy(caller, id).await?;
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        if !policies::delete(&tx, id).await? {
            return Err(R::PolicyInUse(id.to_string()).into());
        }
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(by = %caller.id, policy = %id, "application policy removed");
        Ok(())
    }
}

fn check(name: Option<&str>, settings: Option<&Value>) -> Result<(), ServiceError> {
    name.map_or(Ok(()), |name| check_name("name", name.trim()))?;
    match settings {
        Some(settings) if !settings.is_object() => Err(ServiceError::invalid("settings", "must be an object")),
        Some(settings) if settings.to_string().len() > SETTINGS_MAX_BYTES => {
            Err(ServiceError::invalid("settings", format!("is longer than {SETTINGS_MAX_BYTES} bytes")))
        }
        // As JSON writes a NUL, which no row takes.
        Some(settings) if settings.to_string().contains("\\u0000") => {
            Err(ServiceError::invalid("settings", "holds a NUL character"))
        }
        _ => Ok(()),
    }
}

fn taken(error: StoreError, name: &str) -> ServiceError {
    if error.unique_violation().is_some() {
        R::PolicyNameTaken(name.to_owned()).into()
    } else {
        ServiceError::of_naming(error)
    }
}
