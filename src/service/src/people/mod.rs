//! Who works with the fleet and how it is divided.

mod listing;
mod operators;
pub(crate) mod organisations;
mod passwords;
pub(crate) mod reach;
mod tokens;
pub(crate) mod user_sets;
pub(crate) mod users;

use drover_domain::{OperatorId, OrganisationPath, Role, TenantId};
pub use drover_store::people::{
    operators::{OperatorChange, OperatorRecord},
    organisations::Organisation,
};

use crate::ServiceError;

pub(crate) use listing::place;
pub use listing::{List, ListFrom};
pub use operators::NewOperator;
pub(crate) use tokens::OperatorAuth;
pub use tokens::{IssuedToken, OperatorLogin, TokenCheck};
pub use user_sets::{MemberChange, MembersChanged, NewUserSet, UserSetChange};
pub use users::{NewUser, UserChange, UserFilter};

/// Somebody who was let in: who calls a use case, and how far it may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Who.
    pub id: OperatorId,
    /// Whose data.
    pub tenant: TenantId,
    /// The tenant's name.
    pub tenant_name: String,
    /// The tenant's time, in minutes east of UTC: what texts without a zone are in.
    pub utc_offset_minutes: i16,
    /// The name to log in with.
    pub login_id: String,
    /// The display name.
    pub name: String,
    /// What may be done.
    pub role: Role,
    /// Where: in this organisation and below it. A tenant administrator's is the root.
    pub organisation: Organisation,
    /// Whether it runs the installation: sees every tenant, and its queues and workers.
    pub runs_installation: bool,
}

impl Operator {
    /// Whether what belongs to an organisation is within reach.
    pub fn reaches(&self, path: &OrganisationPath) -> bool {
        self.organisation.path.contains(path)
    }

    /// Refuses those who only look.
    pub fn require_write(&self) -> Result<(), ServiceError> {
        if self.role.may_write() {
            Ok(())
        } else {
            Err(ServiceError::Forbidden { reason: "this operator may look and change nothing".into() })
        }
    }

    /// Refuses those who do not administer the whole tenant.
    pub fn require_tenant_admin(&self) -> Result<(), ServiceError> {
        if self.role == Role::TenantAdmin {
            Ok(())
        } else {
            Err(ServiceError::Forbidden { reason: "this is for administrators of the whole tenant".into() })
        }
    }
}

impl From<OperatorRecord> for Operator {
    fn from(record: OperatorRecord) -> Self {
        let OperatorRecord { id, tenant, tenant_name, utc_offset_minutes, login_id, name, role, organisation, .. } =
            record;
        let runs_installation = record.runs_installation;
        Self { id, tenant, tenant_name, utc_offset_minutes, login_id, name, role, organisation, runs_installation }
    }
}
