//! What is published in a tenant, as the rule of `drover_domain::catalogue` wants it, and what that rule asks of a device.
//!
//! What is published is read as a whole and kept by whoever reads it, for as long as its revision is the tenant's. What is
//! asked of devices is read for a batch of them in one statement.

mod assigned;
mod facts;
mod published;

use std::sync::Arc;

use drover_domain::{TenantId, catalogue::Catalogue};
use tokio_postgres::Row;
use uuid::Uuid;

pub use facts::{Ask, EnrolledDevice, Facts, facts};

use crate::{GenericClient, StoreError, Tx, sql};

/// Rows read in one step.
const PAGE: i64 = 500;

/// What else is known of something that is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// What devices are given.
    pub release: Arc<Release>,
    /// Settings that travel with it: a JSON object as text.
    pub settings: Option<Arc<str>>,
}

/// A version of a client program, or what devices are given of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// What people know it by.
    pub name: String,
    /// The version as people read it.
    pub version_name: String,
    /// What its uploader says of it.
    pub description: String,
    /// The MD5 of its file, in hex.
    pub md5: String,
    /// How many bytes its file has.
    pub size_bytes: i64,
    /// Its file, and what that is called.
    pub file: (Uuid, String),
    /// The file of its icon, and what that is called.
    pub icon: Option<(Uuid, String)>,
    /// The key of the QR code that downloads it, if there is one.
    pub qr_key: Option<String>,
}

/// What is published in a tenant.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The tenant's revision that it shows: as long as that is the newest, it is right.
    pub revision: i64,
    /// What there is.
    pub catalogue: Catalogue<Details>,
}

/// Reads what is published in a tenant. In a transaction that sees one moment the content is the revision's; in any other it may
/// be newer, which its readers find out as it is older than the revision that they ask for.
pub async fn load(tx: &Tx<'_>, tenant: TenantId) -> Result<Loaded, StoreError> {
    let revision = revision(tx, tenant).await?;
    let mut entries = published::entries(tx, tenant).await?;
    entries.extend(assigned::entries(tx, tenant).await?);
    Ok(Loaded { revision, catalogue: Catalogue::new(entries) })
}

/// A number that grows with each change of what is published in a tenant; 0 before the first.
pub async fn revision(client: &impl GenericClient, tenant: TenantId) -> Result<i64, StoreError> {
    const SQL: &str = "/* catalogue::revision */ SELECT revision FROM catalogue_revisions WHERE tenant_id = $1";
    Ok(sql::query_opt(client, SQL, &[&tenant.0]).await?.map_or(0, |row| row.get(0)))
}

/// Reads the columns that versions and applications have in common.
fn release(row: &Row) -> Release {
    let icon: (Option<Uuid>, Option<String>) = (row.get("icon_id"), row.get("icon_name"));
    Release {
        name: row.get("name"),
        version_name: row.get("version_name"),
        description: row.get("description"),
        md5: row.get("md5"),
        size_bytes: row.get("size_bytes"),
        file: (row.get("file_id"), row.get("file_name")),
        icon: icon.0.zip(icon.1),
        qr_key: row.get("qr_key"),
    }
}

/// Whether a page was full, so that another may follow it.
fn is_full(rows: &[Row]) -> bool {
    i64::try_from(rows.len()).is_ok_and(|rows| rows >= PAGE)
}
