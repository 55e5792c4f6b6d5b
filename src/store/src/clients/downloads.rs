//! What the QR code of a client group downloads.

use drover_domain::{ClientVersionId, Os, TenantId};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{GenericClient, StoreError, records::UnknownWord, sql};

/// What the QR code of a client group downloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientDownload {
    /// Whose it is.
    pub tenant: TenantId,
    /// The group's name.
    pub group_name: String,
    /// The operating system of the group.
    pub os: Os,
    /// The chosen version.
    pub version: ClientVersionId,
    /// The program's name for itself.
    pub package_name: String,
    /// The version as people read it.
    pub version_name: String,
    /// What its file is called.
    pub app_name: String,
    /// Its file.
    pub file: Uuid,
    /// Its icon, and what that was called.
    pub icon: Option<(Uuid, String)>,
}

/// The download of a key: the version that its group chose, unless that is void.
pub async fn by_key(client: &impl GenericClient, key: &str) -> Result<Option<ClientDownload>, StoreError> {
    // One row of each table, by its key.
    const SQL: &str = "/* downloads::by_key */ SELECT g.tenant_id, g.name AS group_name, g.os, v.id AS version_id,
            v.package_name, v.version_name, v.app_name, v.file_id, v.icon_id, i.file_name AS icon_name
        FROM client_groups g JOIN client_versions v ON v.id = g.qr_version_id LEFT JOIN files i ON i.id = v.icon_id
        WHERE g.download_key = $1 AND v.void_at IS NULL";
    sql::query_opt(client, SQL, &[&key]).await?.as_ref().map(download).transpose()
}

fn download(row: &Row) -> Result<ClientDownload, StoreError> {
    let os: i32 = row.get("os");
    let icon: (Option<Uuid>, Option<String>) = (row.get("icon_id"), row.get("icon_name"));
    Ok(ClientDownload {
        tenant: TenantId(row.get("tenant_id")),
        group_name: row.get("group_name"),
        os: Os::from_code(os).ok_or_else(|| UnknownWord { column: "os", word: os.to_string() })?,
        version: ClientVersionId(row.get("version_id")),
        package_name: row.get("package_name"),
        version_name: row.get("version_name"),
        app_name: row.get("app_name"),
        file: row.get("file_id"),
        icon: icon.0.zip(icon.1),
    })
}
