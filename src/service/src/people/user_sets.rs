//! Groups and labels: sets of users that are targeted together.

use drover_store::{
    StoreError,
    people::{set_imports, user_sets},
};

use super::{List, ListFrom, Operator, reach::named_organisation};
use crate::{Service, ServiceError, User, UserSet, UserSetKind, enrolment::check_text};

/// The most members that one call adds and removes.
const MEMBERS_MAX: usize = 10_000;
/// Offenders named in an error.
const NAMED: usize = 5;

/// A set to be made.
#[derive(Debug, Clone)]
pub struct NewUserSet {
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// The code of its organisation; that of whoever makes it when absent.
    pub organisation: Option<String>,
}

/// What of a set is to be different.
#[derive(Debug, Clone, Default)]
pub struct UserSetChange {
    /// Its name.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// The code of its organisation.
    pub organisation: Option<String>,
}

/// Who comes and who goes.
#[derive(Debug, Clone, Default)]
pub struct MemberChange {
    /// The users to add.
    pub add: Vec<i64>,
    /// The users to take away.
    pub remove: Vec<i64>,
}

/// What a change of members came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MembersChanged {
    /// How many were not in the set.
    pub added: u64,
    /// How many were.
    pub removed: u64,
}

impl Service {
    /// Adds a set.
    pub async fn add_user_set(
        &self,
        caller: &Operator,
        kind: UserSetKind,
        new: &NewUserSet,
    ) -> Result<UserSet, ServiceError> {
        caller.require_write()?;
        check_set(Some(&new.name), Some(&new.description))?;
        let client = self.store().client().await?;
        let organisation = caller.named_or_own(&client, new.organisation.as_deref()).await?;
        let texts = (new.name.as_str(), new.description.as_str());
        let added = user_sets::insert(&client, kind, &caller.scope(), organisation, texts).await;
        let id = added.map_err(|error| taken(error, &new.name))?;
        tracing::info!(kind = kind.word(), id, by = %caller.id, "set of users added");
        self.user_set(caller, kind, id).await
    }

    /// A set within the caller's reach.
    pub async fn user_set(&self, caller: &Operator, kind: UserSetKind, id: i64) -> Result<UserSet, ServiceError> {
        let found = user_sets::get(&self.store().client().await?, kind, &caller.scope(), id).await?;
        found.ok_or_else(|| ServiceError::not_found(kind.word(), id))
    }

    /// The next sets within the caller's reach, by id; those of an organisation and below it when one is named.
    pub async fn user_sets(
        &self,
        caller: &Operator,
        kind: UserSetKind,
        organisation: Option<&str>,
        from: &ListFrom,
    ) -> Result<List<UserSet>, ServiceError> {
        let (after, limit) = (from.after_id()?, from.limit()?);
        let client = self.store().client().await?;
        let scope = caller.narrowed(&client, organisation).await?;
        let items = user_sets::page(&client, kind, &scope, after, limit).await?;
        Ok(List::of(items, limit, |last| last.id.to_string()))
    }

    /// Changes a set.
    pub async fn change_user_set(
        &self,
        caller: &Operator,
        kind: UserSetKind,
        id: i64,
        change: &UserSetChange,
    ) -> Result<UserSet, ServiceError> {
        caller.require_write()?;
        let UserSetChange { name, description, organisation } = change;
        check_set(name.as_deref(), description.as_deref())?;
        self.user_set(caller, kind, id).await?;
        let client = self.store().client().await?;
        let organisation = match organisation {
            Some(code) => Some(named_organisation(&client, &caller.scope(), code).await?.id),
            None => None,
        };
        let changed =
            user_sets::update(&client, kind, id, organisation, (name.as_deref(), description.as_deref())).await;
        changed.map_err(|error| taken(error, name.as_deref().unwrap_or_default()))?;
        self.user_set(caller, kind, id).await
    }

    /// Removes a set; its members stay.
    pub async fn delete_user_set(&self, caller: &Operator, kind: UserSetKind, id: i64) -> Result<(), ServiceError> {
        caller.require_write()?;
        self.user_set(caller, kind, id).await?;
        user_sets::delete(&self.store().client().await?, kind, id).await?;
        tracing::info!(kind = kind.word(), id, by = %caller.id, "set of users deleted");
        Ok(())
    }

    /// The next members of a set within the caller's reach, by id.
    pub async fn user_set_members(
        &self,
        caller: &Operator,
        kind: UserSetKind,
        id: i64,
        from: &ListFrom,
    ) -> Result<List<User>, ServiceError> {
        let (after, limit) = (from.after_id()?, from.limit()?);
        self.user_set(caller, kind, id).await?;
        let client = self.store().client().await?;
        let items = user_sets::members(&client, kind, &caller.scope(), id, after, limit).await?;
        Ok(List::of(items, limit, |last| last.id.to_string()))
    }

    /// Adds users to a set and takes others away: all of it, or nothing when one of them is not there. Who is added and
    /// taken away is not in it afterwards.
    pub async fn change_members(
        &self,
        caller: &Operator,
        kind: UserSetKind,
        id: i64,
        change: &MemberChange,
    ) -> Result<MembersChanged, ServiceError> {
        caller.require_write()?;
        for (field, users) in [("add", &change.add), ("remove", &change.remove)] {
            if users.len() > MEMBERS_MAX {
                return Err(ServiceError::invalid(field, format!("names more than {MEMBERS_MAX} users")));
            }
        }
        // Of two changes whose users meet crosswise, one has to begin again: each has the users' devices reviewed.
        self.store().retrying("change_members", || self.change_members_once(caller, kind, id, change)).await
    }

    async fn change_members_once(
        &self,
        caller: &Operator,
        kind: UserSetKind,
        id: i64,
        change: &MemberChange,
    ) -> Result<MembersChanged, ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        // Found first, so that nobody makes others wait for what they do not reach.
        let found = user_sets::get(&tx, kind, &caller.scope(), id).await?;
        if found.is_none() || !set_imports::lock_one(&tx, kind, id).await? {
            return Err(ServiceError::not_found(kind.word(), id));
        }
        for (field, users) in [("add", &change.add), ("remove", &change.remove)] {
            let mut reached = user_sets::reached(&tx, &caller.scope(), users).await?;
            reached.sort_unstable();
            let is_unknown = |user: &&i64| reached.binary_search(user).is_err();
            let unknown: Vec<String> = users.iter().filter(is_unknown).take(NAMED).map(i64::to_string).collect();
            if !unknown.is_empty() {
                return Err(ServiceError::invalid(field, format!("no such user: {}", unknown.join(", "))));
            }
        }
        let added = user_sets::add_members(&tx, kind, id, &change.add).await.map_err(ServiceError::of_naming)?;
        let removed = user_sets::remove_members(&tx, kind, id, &change.remove).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(MembersChanged { added, removed })
    }
}

/// Checks what is said of a set.
pub(crate) fn check_set(name: Option<&str>, description: Option<&str>) -> Result<(), ServiceError> {
    if let Some(name) = name {
        if name.trim().is_empty() {
            return Err(ServiceError::invalid("name", "must not be empty"));
        }
        check_text("name", name)?;
    }
    description.map_or(Ok(()), |description| check_text("description", description))
}

fn taken(error: StoreError, name: &str) -> ServiceError {
    if error.unique_violation().is_some() {
        ServiceError::conflict(format!("name: {name} is taken"))
    } else {
        ServiceError::of_naming(error)
    }
}
