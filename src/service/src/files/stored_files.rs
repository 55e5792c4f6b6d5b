//! Uploaded files: kept once for each tenant, whoever uploads the same bytes how often.

use bytes::Bytes;
use drover_domain::TenantId;
use drover_store::files;
use futures_util::Stream;
use uuid::Uuid;

use crate::{
    BoxError, Service, ServiceError, StoredFile,
    files::Written,
    firmware::{check_file_name, check_written},
    random_uuid,
};

const SHA256_HEX_LEN: usize = 64;

/// A file that is being uploaded.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// Whose it will be.
    pub tenant: TenantId,
    /// Its name.
    pub file_name: String,
    /// Who uploads it.
    pub created_by: String,
    /// What its SHA-256 must be, in hexadecimal.
    pub expected_sha256: Option<String>,
    /// What its length must not exceed.
    pub max_bytes: u64,
}

impl Service {
    /// Stores a file: first the bytes, whole and checked, then the row that names them. A tenant that has the same bytes
    /// already gets the file that has them, under the name that it had.
    pub async fn store_file<S>(&self, new: NewFile, file: S) -> Result<StoredFile, ServiceError>
    where
        S: Stream<Item = Result<Bytes, BoxError>> + Send + Unpin,
    {
        check_file_name("file", &new.file_name)?;
        let is_sha256 = |text: &String| text.len() == SHA256_HEX_LEN && text.bytes().all(|b| b.is_ascii_hexdigit());
        if !new.expected_sha256.as_ref().is_none_or(is_sha256) {
            return Err(ServiceError::invalid("sha256", format!("must be {SHA256_HEX_LEN} hexadecimal digits")));
        }
        let id = random_uuid(self.inner.entropy.as_ref());
        // Another number than the file's id: who knows that does not know where the bytes are.
        let name = random_uuid(self.inner.entropy.as_ref());
        let path = format!("files/{}/{}", new.tenant, name.simple());
        let written = self.inner.files.write(&path, new.max_bytes, file).await?;
        let stored = self.name_file(id, &new, &path, &written).await;
        match &stored {
            Ok(stored) if stored.object_path == path => {}
            // Perhaps there is a row: bytes that nothing names do less harm than a row whose bytes are gone, and the
            // sweeper finds them.
            Err(error) if error.is_lost_answer() => tracing::warn!(path, %error, "a file may have no row"),
            // The tenant has these bytes already, or the row was refused.
            _ => self.inner.files.remove(&path).await,
        }
        stored
    }

    async fn name_file(
        &self,
        id: Uuid,
        new: &NewFile,
        object_path: &str,
        written: &Written,
    ) -> Result<StoredFile, ServiceError> {
        let row = files::NewFile {
            id,
            tenant: new.tenant,
            sha256: &written.sha256,
            md5: &written.md5,
            size_bytes: check_written(written, "sha256", new.expected_sha256.as_deref())?,
            file_name: &new.file_name,
            object_path,
            created_by: &new.created_by,
        };
        Ok(files::insert_or_find(&self.store().client().await?, &row).await?)
    }

    /// A tenant's file.
    pub async fn stored_file(&self, tenant: TenantId, id: Uuid) -> Result<StoredFile, ServiceError> {
        let found = files::get(&self.store().client().await?, tenant, id).await?;
        found.ok_or_else(|| ServiceError::not_found("file", id))
    }
}
