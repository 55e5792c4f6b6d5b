//! Files that callers send: kept whole first, since a transaction must not wait for them.

use std::io::{self, Read};

use bytes::{Buf as _, Bytes};
use futures_util::{Stream, StreamExt as _};
use tokio::runtime::Handle;

use super::{ImportKind, Imported};
use crate::{BoxError, ByteStream, Operator, Service, ServiceError, random_uuid};

impl Service {
    /// Imports a file as it comes, of `max_bytes` at most. Once it is whole, the import goes on even when nobody waits for the
    /// answer any more.
    pub async fn import_upload<S>(
        &self,
        caller: &Operator,
        kind: ImportKind,
        max_bytes: u64,
        file: S,
    ) -> Result<Imported, ServiceError>
    where
        S: Stream<Item = Result<Bytes, BoxError>> + Send + Unpin,
    {
        caller.require_write()?;
        let name = random_uuid(self.inner.entropy.as_ref());
        // Below a folder of its owner, as all that the sweeper knows.
        let path = format!("imports/{}/{}", caller.tenant, name.simple());
        self.inner.files.write(&path, max_bytes, file).await?;
        let (service, caller) = (self.clone(), caller.clone());
        let import = tokio::spawn(async move {
            let imported = match service.inner.files.read(&path, None).await {
                Ok(file) => {
                    let source = Spooled { file, chunk: Bytes::new(), runtime: Handle::current() };
                    service.import(&caller, kind, source).await
                }
                Err(error) => Err(error),
            };
            service.inner.files.remove(&path).await;
            imported
        });
        import.await.map_err(|error| ServiceError::Internal(Box::new(error)))?
    }
}

/// A kept file, for a thread that reads it.
struct Spooled {
    file: ByteStream,
    chunk: Bytes,
    runtime: Handle,
}

impl Read for Spooled {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.runtime.block_on(self.file.next()) {
                Some(chunk) => self.chunk = chunk.map_err(io::Error::other)?,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.chunk.len());
        self.chunk.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}
