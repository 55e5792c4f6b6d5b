//! Firmware files: upload, and what is said of them.

use bytes::Bytes;
use drover_domain::FirmwareId;
use drover_store::{StoreError, firmwares, firmwares::Deletion};
use futures_util::Stream;

use crate::{
    BoxError, Firmware, Page, Paged, Product, Service, ServiceError, enrolment::check_text, files::Written, random_uuid,
};

/// A firmware that is being uploaded.
#[derive(Debug, Clone)]
pub struct NewFirmware {
    /// Its name.
    pub name: String,
    /// The version it brings.
    pub version: String,
    /// The file's name.
    pub file_name: String,
    /// Free text.
    pub description: String,
    /// The vendor's plan number.
    pub upgrade_plan: i16,
    /// Who uploads it.
    pub created_by: String,
    /// What the file's SHA-256 must be, in hexadecimal.
    pub expected_sha256: Option<String>,
    /// What the file's length must not exceed.
    pub max_bytes: u64,
}

/// What of a firmware may be changed.
#[derive(Debug, Clone, Default)]
pub struct FirmwareChange {
    /// Its name.
    pub name: Option<String>,
    /// The version it brings.
    pub version: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Who changes it.
    pub updated_by: Option<String>,
}

impl Service {
    /// Stores a firmware: first the bytes, whole and checked, then the row that names them.
    pub async fn create_firmware<S>(
        &self,
        product: &Product,
        new: NewFirmware,
        file: S,
    ) -> Result<Firmware, ServiceError>
    where
        S: Stream<Item = Result<Bytes, BoxError>> + Send + Unpin,
    {
        check_file_name("file_name", &new.file_name)?;
        for (field, text) in [("name", &new.name), ("version", &new.version)] {
            if text.is_empty() {
                return Err(ServiceError::invalid(field, "must not be empty"));
            }
            check_text(field, text)?;
        }
        check_text("created_by", &new.created_by)?;
        let path = format!("firmware/{}/{}", product.id, random_uuid(self.inner.entropy.as_ref()).simple());
        let written = self.inner.files.write(&path, new.max_bytes, file).await?;
        let stored = self.name_firmware(product, &new, &path, &written).await;
        match &stored {
            Ok(_) => {}
            // Perhaps there is a row: a file that nothing names does less harm than a row whose file is gone.
            Err(error) if error.is_lost_answer() => tracing::warn!(path, %error, "a file may have no row"),
            Err(_) => self.inner.files.remove(&path).await,
        }
        stored
    }

    async fn name_firmware(
        &self,
        product: &Product,
        new: &NewFirmware,
        object_path: &str,
        written: &Written,
    ) -> Result<Firmware, ServiceError> {
        let size_bytes = check_written(written, "fileSha256", new.expected_sha256.as_deref())?;
        let row = firmwares::NewFirmware {
            name: &new.name,
            version: &new.version,
            description: &new.description,
            file_name: &new.file_name,
            object_path,
            size_bytes,
            sha256: &written.sha256,
            md5: &written.md5,
            upgrade_plan: new.upgrade_plan,
            created_by: &new.created_by,
        };
        Ok(firmwares::insert(&self.store().client().await?, product, &row).await?)
    }

    /// One page of a product's firmwares, newest first, whose name or version contains `search`.
    pub async fn firmwares(
        &self,
        product: &Product,
        search: Option<&str>,
        page: Page,
    ) -> Result<Paged<Firmware>, ServiceError> {
        Ok(firmwares::page(&self.store().client().await?, product.id, search, page).await?)
    }

    /// A product's firmware.
    pub async fn firmware(&self, product: &Product, id: FirmwareId) -> Result<Firmware, ServiceError> {
        let found = firmwares::get(&self.store().client().await?, product.id, id).await?;
        found.ok_or_else(|| ServiceError::not_found("firmware", id))
    }

    /// Changes what is said of a firmware; the file itself never changes.
    pub async fn update_firmware(
        &self,
        product: &Product,
        id: FirmwareId,
        change: FirmwareChange,
    ) -> Result<(), ServiceError> {
        for (field, text) in [("name", &change.name), ("version", &change.version), ("updated_by", &change.updated_by)]
        {
            let Some(text) = text else { continue };
            if text.is_empty() && field != "updated_by" {
                return Err(ServiceError::invalid(field, "must not be empty"));
            }
            check_text(field, text)?;
        }
        let FirmwareChange { name, version, description, updated_by } = &change;
        let texts = (name.as_deref(), version.as_deref(), description.as_deref(), updated_by.as_deref());
        let client = self.store().client().await?;
        if firmwares::update(&client, product.id, id, texts).await? {
            Ok(())
        } else {
            Err(ServiceError::not_found("firmware", id))
        }
    }

    /// Hides a firmware that no unfinished job needs. Its bytes stay: jobs that ended still name it.
    pub async fn delete_firmware(&self, product: &Product, id: FirmwareId) -> Result<(), ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        match firmwares::delete(&tx, product.id, id).await? {
            Deletion::NotFound => Err(ServiceError::not_found("firmware", id)),
            Deletion::InUse => {
                Err(ServiceError::conflict(format!("firmware {id} is used by a job that has not ended")))
            }
            Deletion::Deleted => Ok(tx.commit().await.map_err(StoreError::from)?),
        }
    }
}

/// Checks the name of a file that is being uploaded.
pub(crate) fn check_file_name(field: &'static str, name: &str) -> Result<(), ServiceError> {
    if name.is_empty() {
        return Err(ServiceError::invalid(field, "must have a name"));
    }
    if [".", ".."].contains(&name) {
        return Err(ServiceError::invalid(field, "is no name for a file"));
    }
    check_text(field, name)
}

/// Checks what was written against what was announced in `field`. Returns its length as rows have it.
pub(crate) fn check_written(
    written: &Written,
    field: &'static str,
    expected_sha256: Option<&str>,
) -> Result<i64, ServiceError> {
    if written.size_bytes == 0 {
        return Err(ServiceError::invalid("file", "is empty"));
    }
    if expected_sha256.is_some_and(|expected| !expected.eq_ignore_ascii_case(&written.sha256)) {
        return Err(ServiceError::invalid(field, format!("the file's SHA-256 is {}", written.sha256)));
    }
    i64::try_from(written.size_bytes).map_err(|error| ServiceError::Internal(Box::new(error)))
}
