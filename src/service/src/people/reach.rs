//! What callers name must be within their reach; what is not might as well not be.

use drover_domain::{OrganisationId, UserId};
use drover_store::{
    GenericClient,
    people::{organisations, scope, scope::Scope},
};

use super::{Operator, Organisation};
use crate::ServiceError;

impl Operator {
    /// What this operator reaches.
    pub(crate) fn scope(&self) -> Scope {
        Scope { tenant: self.tenant, path: self.organisation.path.clone() }
    }

    /// The scope of a list: all that the operator reaches, or the named part of it.
    pub(crate) async fn narrowed(
        &self,
        client: &impl GenericClient,
        organisation: Option<&str>,
    ) -> Result<Scope, ServiceError> {
        let scope = self.scope();
        let Some(code) = organisation else { return Ok(scope) };
        let path = named_organisation(client, &scope, code).await?.path;
        Ok(Scope { path, ..scope })
    }

    /// The named organisation, or else the operator's own.
    pub(crate) async fn named_or_own(
        &self,
        client: &impl GenericClient,
        organisation: Option<&str>,
    ) -> Result<OrganisationId, ServiceError> {
        match organisation {
            Some(code) => Ok(named_organisation(client, &self.scope(), code).await?.id),
            None => Ok(self.organisation.id),
        }
    }
}

/// The organisation of that code, which a caller put into the field `organisation`.
pub(crate) async fn named_organisation(
    client: &impl GenericClient,
    scope: &Scope,
    code: &str,
) -> Result<Organisation, ServiceError> {
    let found = if code.contains('\0') {
        None
    } else {
        organisations::by_code(client, scope.tenant, &scope.path, code).await?
    };
    found.ok_or_else(|| ServiceError::invalid("organisation", "there is no organisation of this code"))
}

/// The user of that account, which a caller put into the field `user`.
pub(crate) async fn named_user(
    client: &impl GenericClient,
    scope: &Scope,
    account: &str,
) -> Result<UserId, ServiceError> {
    let found = if account.contains('\0') { None } else { scope::users(client, scope, &[account]).await?.pop() };
    found.map(|(_, id)| id).ok_or_else(|| ServiceError::invalid("user", "there is no user of this account"))
}
