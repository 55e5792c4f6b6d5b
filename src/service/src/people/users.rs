//! The people who hold devices.

use drover_domain::UserId;
use drover_store::{StoreError, people::users};

use super::{List, ListFrom, Operator, listing::place, reach::named_organisation};
use crate::{Service, ServiceError, User, UserValues, enrolment::check_text};

/// A user to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// What is kept of it.
    pub values: UserValues,
    /// The code of its organisation; that of whoever makes it when absent.
    pub organisation: Option<String>,
}

/// What of a user is to be different.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// What callers name it by.
    pub account: Option<String>,
    /// Its display name.
    pub name: Option<String>,
    /// Its mail address.
    pub mail: Option<String>,
    /// Its telephone number.
    pub phone: Option<String>,
    /// The code of its organisation.
    pub organisation: Option<String>,
}

/// Which users to list.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// Those of the organisation of this code and below it.
    pub organisation: Option<String>,
    /// The one of this account.
    pub account: Option<String>,
}

impl Service {
    /// Adds a user.
    pub async fn add_user(&self, caller: &Operator, new: &NewUser) -> Result<User, ServiceError> {
        caller.require_write()?;
        check_user(&new.values)?;
        let client = self.store().client().await?;
        let organisation = caller.named_or_own(&client, new.organisation.as_deref()).await?;
        let added = users::insert(&client, &caller.scope(), organisation, &new.values).await;
        let id = added.map_err(|error| taken(error, &new.values.account))?;
        tracing::info!(user = %id, by = %caller.id, "user added");
        users::get(&client, &caller.scope(), id).await?.ok_or_else(|| ServiceError::not_found("user", id))
    }

    /// A user within the caller's reach.
    pub async fn user(&self, caller: &Operator, id: UserId) -> Result<User, ServiceError> {
        let found = users::get(&self.store().client().await?, &caller.scope(), id).await?;
        found.ok_or_else(|| ServiceError::not_found("user", id))
    }

    /// The next users within the caller's reach, in the order of the tree.
    pub async fn users(
        &self,
        caller: &Operator,
        filter: &UserFilter,
        from: &ListFrom,
    ) -> Result<List<User>, ServiceError> {
        let limit = from.limit()?;
        let client = self.store().client().await?;
        let scope = caller.narrowed(&client, filter.organisation.as_deref()).await?;
        let after = from.after_place(&client, &scope).await?;
        let account = filter.account.as_deref();
        if account.is_some_and(|account| account.contains('\0')) {
            return Ok(List { items: Vec::new(), next: None });
        }
        let items = users::page(&client, &scope, account, after.as_ref(), limit).await?;
        // There is one user of an account at most, whatever the limit.
        let full = if account.is_some() { i64::MAX } else { limit };
        Ok(List::of(items, full, |last| place(last.organisation, last.id.0)))
    }

    /// Changes a user.
    pub async fn change_user(&self, caller: &Operator, id: UserId, change: UserChange) -> Result<User, ServiceError> {
        caller.require_write()?;
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let unknown = || ServiceError::not_found("user", id);
        let known = users::lock(&tx, &caller.scope(), id).await?.ok_or_else(unknown)?;
        let values = UserValues {
            account: change.account.unwrap_or(known.account),
            name: change.name.unwrap_or(known.name),
            mail: change.mail.unwrap_or(known.mail),
            phone: change.phone.unwrap_or(known.phone),
        };
        check_user(&values)?;
        let organisation = match &change.organisation {
            Some(code) => named_organisation(&tx, &caller.scope(), code).await?.id,
            None => known.organisation,
        };
        let changed = users::update(&tx, id, organisation, &values).await;
        changed.map_err(|error| taken(error, &values.account))?;
        let changed = users::get(&tx, &caller.scope(), id).await?.ok_or_else(unknown)?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(changed)
    }

    /// Removes a user who holds no device.
    pub async fn delete_user(&self, caller: &Operator, id: UserId) -> Result<(), ServiceError> {
        caller.require_write()?;
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        users::lock(&tx, &caller.scope(), id).await?.ok_or_else(|| ServiceError::not_found("user", id))?;
        if users::holds_devices(&tx, id).await? {
            return Err(ServiceError::conflict("the user holds devices: give them to somebody else first"));
        }
        users::delete(&tx, id).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(user = %id, by = %caller.id, "user deleted");
        Ok(())
    }
}

/// Checks what is kept of a user.
pub(crate) fn check_user(values: &UserValues) -> Result<(), ServiceError> {
    if values.account.trim().is_empty() {
        return Err(ServiceError::invalid("account", "must not be empty"));
    }
    let UserValues { account, name, mail, phone } = values;
    for (field, text) in [("account", account), ("name", name), ("mail", mail), ("phone", phone)] {
        check_text(field, text)?;
    }
    Ok(())
}

fn taken(error: StoreError, account: &str) -> ServiceError {
    if error.unique_violation().is_some() {
        ServiceError::conflict(format!("account: {account} is taken"))
    } else {
        ServiceError::of_naming(error)
    }
}
