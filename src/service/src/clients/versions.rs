//! Versions of client programs: uploaded and listed.

use drover_domain::{ClientGroupId, ClientVersionId};
use drover_store::{
    StoreError, Tx,
    clients::versions::{self, VersionFile},
};
use uuid::Uuid;

use super::{ClientVersion, Sort, VersionKey, check_long, check_name, groups};
use crate::{Operator, Page, Paged, Service, ServiceError};

/// A version to be added to a group.
#[derive(Debug, Clone)]
pub struct NewClientVersion {
    /// Its file, which was uploaded before.
    pub file: Uuid,
    /// The file of its icon.
    pub icon: Option<Uuid>,
    /// Its package.
    pub package_name: String,
    /// The name of its file; `None`: the one it was uploaded under.
    pub app_name: Option<String>,
    /// Its number: a higher one is newer.
    pub version_code: i32,
    /// Its number as people write it.
    pub version_name: String,
    /// Length of its file in bytes, if the uploader says.
    pub size_bytes: Option<i64>,
    /// What is new in it.
    pub update_info: String,
    /// Free text.
    pub remark: String,
}

impl Service {
    /// Adds a version to a group.
    pub async fn add_client_version(
        &self,
        operator: &Operator,
        group: ClientGroupId,
        new: &NewClientVersion,
    ) -> Result<(), ServiceError> {
        operator.require_write()?;
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        groups::lock(&tx, operator, group).await?;
        add(&tx, operator, group, std::slice::from_ref(new)).await?;
        Ok(tx.commit().await.map_err(StoreError::from)?)
    }

    /// A version of a group that the operator sees, void or not.
    pub async fn client_version(
        &self,
        operator: &Operator,
        id: ClientVersionId,
    ) -> Result<ClientVersion, ServiceError> {
        let found = versions::get(&self.store().client().await?, operator.tenant, id).await?;
        let found = found.filter(|version| operator.sees(&version.organisation_path));
        found.ok_or_else(|| ServiceError::not_found("version", id))
    }

    /// One page of the versions of a group that the operator sees, void ones too.
    pub async fn client_versions(
        &self,
        operator: &Operator,
        group: ClientGroupId,
        sort: Sort<VersionKey>,
        page: Page,
    ) -> Result<Paged<ClientVersion>, ServiceError> {
        self.client_group(operator, group).await?;
        Ok(versions::page(&self.store().client().await?, group, sort, page).await?)
    }
}

/// Adds versions to a group that the caller has locked, or has just made.
pub(super) async fn add(
    tx: &Tx<'_>,
    operator: &Operator,
    group: ClientGroupId,
    new: &[NewClientVersion],
) -> Result<(), ServiceError> {
    let named: Vec<Uuid> = new.iter().flat_map(|version| [Some(version.file), version.icon]).flatten().collect();
    let files = versions::lock_files(tx, operator.tenant, &named).await?;
    let mut package = versions::package(tx, group).await?;
    for version in new {
        check(version)?;
        let file = file(&files, "appFileUuid", version.file)?;
        version.icon.map(|icon| self::file(&files, "appIconUuid", icon)).transpose()?;
        if version.size_bytes.is_some_and(|size| size != file.size_bytes) {
            return Err(ServiceError::invalid("appSize", format!("the file has {} bytes", file.size_bytes)));
        }
        let package = package.get_or_insert_with(|| version.package_name.clone());
        if *package != version.package_name {
            return Err(ServiceError::invalid("packageName", format!("the versions of this group are of {package}")));
        }
        let row = versions::NewVersion {
            tenant: operator.tenant,
            group,
            file: version.file,
            icon: version.icon,
            package_name: &version.package_name,
            app_name: version.app_name.as_deref().unwrap_or(&file.file_name),
            version_code: version.version_code,
            version_name: &version.version_name,
            update_info: &version.update_info,
            remark: &version.remark,
            created_by: &operator.login_id,
        };
        versions::insert(tx, &row).await.map_err(|error| match error.unique_violation() {
            Some(versions::CODE_TAKEN) => {
                ServiceError::conflict(format!("appVersionCode: the group has a version {}", version.version_code))
            }
            _ => error.into(),
        })?;
    }
    Ok(())
}

fn file<'a>(files: &'a [VersionFile], field: &'static str, id: Uuid) -> Result<&'a VersionFile, ServiceError> {
    let found = files.iter().find(|file| file.id == id);
    found.ok_or_else(|| ServiceError::invalid(field, format!("there is no file {id}")))
}

fn check(new: &NewClientVersion) -> Result<(), ServiceError> {
    check_name("packageName", &new.package_name)?;
    if let Some(name) = new.app_name.as_deref() {
        check_name("appName", name)?;
        if [".", ".."].contains(&name) {
            return Err(ServiceError::invalid("appName", "is no name for a file"));
        }
    }
    check_name("appVersionName", &new.version_name)?;
    if new.version_code <= 0 {
        return Err(ServiceError::invalid("appVersionCode", "must be above 0"));
    }
    check_long("updateInfo", &new.update_info)?;
    check_long("remark", &new.remark)
}
