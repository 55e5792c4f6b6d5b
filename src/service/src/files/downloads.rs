//! What a link opens: the facts of a file, and its bytes.

use std::ops::Range;

use chrono::{DateTime, Utc};
use drover_domain::FirmwareId;
use drover_store::{files, firmwares};
use uuid::Uuid;

use crate::{ByteStream, Firmware, Service, ServiceError, StoredFile, files::FileStore, files::links::Target};

/// A file that a link opened.
pub struct Download {
    /// The name it was uploaded under.
    pub file_name: String,
    /// Length in bytes.
    pub size_bytes: u64,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// When it was stored.
    pub stored_at: DateTime<Utc>,
    object_path: String,
    files: FileStore,
}

impl Download {
    /// The file's bytes, or those in `range`.
    pub async fn read(&self, range: Option<Range<u64>>) -> Result<ByteStream, ServiceError> {
        self.files.read(&self.object_path, range).await
    }
}

impl Service {
    /// Opens the firmware of a link that this installation signed and that has not expired.
    pub async fn open_firmware(
        &self,
        id: FirmwareId,
        expires: &str,
        signature: &str,
    ) -> Result<Download, ServiceError> {
        self.check_link(Target::Firmware(id), expires, signature)?;
        let found = firmwares::get_for_download(&self.store().client().await?, id).await?;
        let Firmware { file_name, size_bytes, sha256, created_at, object_path, .. } =
            found.ok_or_else(|| ServiceError::not_found("firmware", id))?;
        self.download(file_name, size_bytes, sha256, created_at, object_path)
    }

    /// Opens the uploaded file of a link that this installation signed and that has not expired.
    pub async fn open_file(&self, id: Uuid, expires: &str, signature: &str) -> Result<Download, ServiceError> {
        self.check_link(Target::File(id), expires, signature)?;
        let found = files::get_for_download(&self.store().client().await?, id).await?;
        let StoredFile { file_name, size_bytes, sha256, created_at, object_path, .. } =
            found.ok_or_else(|| ServiceError::not_found("file", id))?;
        self.download(file_name, size_bytes, sha256, created_at, object_path)
    }

    fn download(
        &self,
        file_name: String,
        size_bytes: i64,
        sha256: String,
        stored_at: DateTime<Utc>,
        object_path: String,
    ) -> Result<Download, ServiceError> {
        let size_bytes = u64::try_from(size_bytes).map_err(|error| ServiceError::Internal(Box::new(error)))?;
        let files = self.inner.files.clone();
        Ok(Download { file_name, size_bytes, sha256, stored_at, object_path, files })
    }
}
