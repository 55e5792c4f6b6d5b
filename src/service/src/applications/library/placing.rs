//! Files that a transaction is going to name: their bytes are stored before it, and taken away again when it does not come to
//! that.

use drover_store::{Tx, files};
use uuid::Uuid;

use crate::{ByteStream, Operator, Service, ServiceError, files::Written, random_uuid};

/// Bytes that are stored and that no row names yet.
pub(super) struct Placed {
    id: Uuid,
    path: String,
    file_name: String,
    written: Written,
}

impl Service {
    /// Stores bytes for an operator's tenant.
    pub(super) async fn place(
        &self,
        operator: &Operator,
        file_name: &str,
        max_bytes: u64,
        bytes: ByteStream,
    ) -> Result<Placed, ServiceError> {
        let id = random_uuid(self.inner.entropy.as_ref());
        // Another number than the file's id: who knows that does not know where the bytes are.
        let name = random_uuid(self.inner.entropy.as_ref());
        let path = format!("files/{}/{}", operator.tenant, name.simple());
        let written = self.inner.files.write(&path, max_bytes, bytes).await.map_err(ours)?;
        Ok(Placed { id, path, file_name: file_name.to_owned(), written })
    }

    /// Takes away what was placed and is not among `used`, the paths of the files that were named in its place.
    pub(super) async fn displace(&self, placed: &[Placed], used: &[String]) {
        for Placed { path, .. } in placed.iter().filter(|placed| !used.contains(&placed.path)) {
            self.inner.files.remove(path).await;
        }
    }
}

impl Placed {
    /// Names the bytes in a row. Returns the file, and where its bytes are: the tenant may have had the same ones.
    pub(super) async fn name(&self, tx: &Tx<'_>, operator: &Operator) -> Result<(Uuid, String), ServiceError> {
        let new = files::NewFile {
            id: self.id,
            tenant: operator.tenant,
            sha256: &self.written.sha256,
            md5: &self.written.md5,
            size_bytes: i64::try_from(self.written.size_bytes)
                .map_err(|error| ServiceError::Internal(Box::new(error)))?,
            file_name: &self.file_name,
            object_path: &self.path,
            created_by: &operator.login_id,
        };
        let named = files::insert_or_find(tx, &new).await?;
        Ok((named.id, named.object_path))
    }
}

/// What is placed came whole and is read from this process' own file, so its breaking off is no caller's fault.
fn ours(error: ServiceError) -> ServiceError {
    match error {
        ServiceError::Aborted(cause) => ServiceError::Unavailable(cause),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_fails_is_not_the_uploaders_fault() {
        assert!(matches!(ours(ServiceError::Aborted("input/output error".into())), ServiceError::Unavailable(_)));
        let full = ServiceError::TooLarge { field: "file", max_bytes: 1 };
        assert!(matches!(ours(full), ServiceError::TooLarge { .. }));
    }
}
