//! Lists that are read from wherever the page before ended, so that each page costs the same.

use drover_domain::{OperatorId, OrganisationId, OrganisationPath};
use drover_store::{
    GenericClient,
    people::{
        organisations,
        scope::{After, Scope},
    },
};

use super::{Operator, OperatorRecord, Organisation};
use crate::{Service, ServiceError};

/// The most of one page.
const LIMIT_MAX: u32 = 1000;

/// Where a page begins and how long it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListFrom {
    /// What the page before said of its end; `None`: the beginning.
    pub after: Option<String>,
    /// How many, from 1 to 1000.
    pub limit: u32,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next one begins; `None`: this is the last.
    pub next: Option<String>,
}

impl<T> List<T> {
    /// A page of rows of which the last tells where the next page begins, if this one is full.
    pub(crate) fn of(items: Vec<T>, limit: i64, end: impl FnOnce(&T) -> String) -> Self {
        let is_full = i64::try_from(items.len()).is_ok_and(|count| count >= limit);
        let next = items.last().filter(|_| is_full).map(end);
        Self { items, next }
    }
}

impl ListFrom {
    /// How many.
    pub(crate) fn limit(&self) -> Result<i64, ServiceError> {
        if (1..=LIMIT_MAX).contains(&self.limit) {
            Ok(self.limit.into())
        } else {
            Err(ServiceError::invalid("limit", format!("is from 1 to {LIMIT_MAX}")))
        }
    }

    /// The id that the page before ended with.
    pub(crate) fn after_id(&self) -> Result<i64, ServiceError> {
        let read = |text: &String| text.parse().ok().filter(|id| *id >= 0).ok_or_else(not_ours);
        self.after.as_ref().map_or(Ok(0), read)
    }

    /// The organisation and id that the page before ended with.
    pub(crate) async fn after_place(
        &self,
        client: &impl GenericClient,
        scope: &Scope,
    ) -> Result<Option<After>, ServiceError> {
        let Some(text) = &self.after else { return Ok(None) };
        let read = || {
            let (organisation, id) = text.split_once('-')?;
            Some((OrganisationId(organisation.parse().ok()?), id.parse().ok()?))
        };
        let (organisation, id) = read().ok_or_else(not_ours)?;
        let found = organisations::get(client, scope.tenant, &scope.path, organisation).await?;
        Ok(Some(After { organisation, path: found.ok_or_else(not_ours)?.path, id }))
    }
}

/// How a page says where it ended.
pub(crate) fn place(organisation: OrganisationId, id: i64) -> String {
    format!("{organisation}-{id}")
}

fn not_ours() -> ServiceError {
    ServiceError::invalid("after", "is not what a page of this list ended with")
}

impl Service {
    /// Organisations within the caller's reach, each before those below it: an organisation and what is below it, or all.
    /// `after` is the place of the last one of the page before, and `next` that of the last one of this page.
    pub async fn list_organisations(
        &self,
        caller: &Operator,
        top: Option<OrganisationId>,
        after: Option<&OrganisationPath>,
        from: &ListFrom,
    ) -> Result<List<Organisation>, ServiceError> {
        let limit = from.limit()?;
        let items = self.organisations(caller, top, after, from.limit).await?;
        Ok(List::of(items, limit, |last| last.path.to_string()))
    }

    /// The organisations right below one within the caller's reach, by id.
    pub async fn child_organisations(
        &self,
        caller: &Operator,
        parent: OrganisationId,
        from: &ListFrom,
    ) -> Result<List<Organisation>, ServiceError> {
        let (after, limit) = (from.after_id()?, from.limit()?);
        self.organisation(caller, parent).await?;
        let items = organisations::children(&self.store().client().await?, parent, after, limit).await?;
        Ok(List::of(items, limit, |last| last.id.to_string()))
    }

    /// Operators within the caller's reach, by id.
    pub async fn list_operators(
        &self,
        caller: &Operator,
        from: &ListFrom,
    ) -> Result<List<OperatorRecord>, ServiceError> {
        let (after, limit) = (from.after_id()?, from.limit()?);
        let items = self.operators(caller, Some(OperatorId(after)), from.limit).await?;
        Ok(List::of(items, limit, |last| last.id.to_string()))
    }
}
