//! Packages that were uploaded beside other versions, until somebody says what becomes of them.

use std::time::Duration;

use drover_domain::{ApplicationType, DomainType, OperatorId, OrganisationId, Platform, TenantId};
use serde::{Deserialize, Serialize};
use tokio_postgres::types::Json;
use uuid::Uuid;

use crate::{GenericClient, StoreError, Tx, sql};

/// Rows that one sweep takes away.
const SWEEP_ROWS: i64 = 500;

/// What was read of a package, and what was said with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// What it runs on.
    #[serde(with = "platform")]
    pub platform: Platform,
    /// What operating systems know it by.
    pub package_name: String,
    /// The version as people read it.
    pub version_name: String,
    /// The version as the package compares it.
    pub version_code: String,
    /// The name that it bears.
    pub label: String,
    /// The lowest version of the operating system that it names; empty when it names none.
    pub min_os_version: String,
    /// How it is signed.
    pub signature: String,
    /// How it stands to the device's managed part.
    #[serde(with = "domain_type")]
    pub domain_type: DomainType,
    /// The name it was uploaded under.
    pub file_name: String,
    /// Length in bytes.
    pub size_bytes: i64,
    /// Enterprise or public.
    #[serde(with = "kind")]
    pub kind: ApplicationType,
    /// What was said with it.
    pub said: ApplicationValues,
}

/// What an operator says of an application; what is absent was not said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationValues {
    /// Its name.
    pub name: Option<String>,
    /// Who makes it.
    pub company: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// The lowest version of the operating system.
    pub os_version: Option<String>,
    /// The kinds of iOS devices it is for.
    pub model_types: Option<Vec<i16>>,
    /// The categories it is to be in.
    pub categories: Option<Vec<i64>>,
}

/// Keeps an enumeration as its number.
macro_rules! coded {
    ($module:ident, $kind:ty) => {
        mod $module {
            use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

            use super::*;

            pub(super) fn serialize<S: Serializer>(value: &$kind, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_i16(value.code())
            }

            pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$kind, D::Error> {
                let code = i16::deserialize(deserializer)?;
                <$kind>::from_code(code).ok_or_else(|| D::Error::custom("is no known number"))
            }
        }
    };
}
coded!(platform, Platform);
coded!(domain_type, DomainType);
coded!(kind, ApplicationType);

/// An uploaded package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingUpload {
    /// Its id.
    pub id: Uuid,
    /// Its file.
    pub file: Uuid,
    /// The file of its icon.
    pub icon: Option<Uuid>,
    /// What is known of it.
    pub facts: Facts,
}

/// Notes an uploaded package of an operator.
pub async fn insert(
    tx: &Tx<'_>,
    (tenant, organisation, operator): (TenantId, OrganisationId, OperatorId),
    new: &PendingUpload,
) -> Result<(), StoreError> {
    const SQL: &str = "/* applications::uploads::insert */ INSERT INTO app_uploads
            (id, tenant_id, organisation_id, operator_id, file_id, icon_id, facts)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let PendingUpload { id, file, icon, facts } = new;
    sql::execute(tx, SQL, &[id, &tenant.0, &organisation.0, &operator.0, file, icon, &Json(facts)]).await?;
    Ok(())
}

/// Takes an operator's upload that is not older than `max_age`, so that nobody else does.
pub async fn take(
    tx: &Tx<'_>,
    tenant: TenantId,
    operator: OperatorId,
    id: Uuid,
    max_age: Duration,
) -> Result<Option<PendingUpload>, StoreError> {
    const SQL: &str = "/* applications::uploads::take */ DELETE FROM app_uploads WHERE id = $1 AND tenant_id = $2
            AND operator_id = $3 AND created_at >= now() - make_interval(secs => $4)
        RETURNING id, file_id, icon_id, facts";
    let row = sql::query_opt(tx, SQL, &[&id, &tenant.0, &operator.0, &max_age.as_secs_f64()]).await?;
    let pending = |row: &tokio_postgres::Row| -> Result<PendingUpload, StoreError> {
        let Json(facts) = row.try_get("facts")?;
        Ok(PendingUpload { id: row.get("id"), file: row.get("file_id"), icon: row.get("icon_id"), facts })
    };
    row.as_ref().map(pending).transpose()
}

/// Forgets some uploads that are older than `age`. Returns whether there may be more.
pub async fn forget_old(client: &impl GenericClient, age: Duration) -> Result<bool, StoreError> {
    const SQL: &str = "/* applications::uploads::forget_old */ DELETE FROM app_uploads WHERE id = ANY(ARRAY(
        SELECT id FROM app_uploads WHERE created_at < now() - make_interval(secs => $1)
        ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED))";
    let gone = sql::execute(client, SQL, &[&age.as_secs_f64(), &SWEEP_ROWS]).await?;
    Ok(i64::try_from(gone) == Ok(SWEEP_ROWS))
}
