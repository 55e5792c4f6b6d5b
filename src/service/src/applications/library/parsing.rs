//! Packages on their way in: kept in a file without a name, and read by a thread of their own.

use std::{
    fs::File,
    io::{Seek as _, SeekFrom},
    sync::Arc,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use drover_domain::DomainType;
use drover_packages::{Distribution, Limits, Package, PackageError, Platform};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use tokio::{
    io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _},
    sync::Semaphore,
    time::timeout,
};

use super::ApplicationRefusal as R;
use crate::{BoxError, ByteStream, Operator, Service, ServiceError, ServiceOptions};

/// Packages that one process reads at once: each may take a second and 100 MB.
const AT_ONCE: usize = 2;
/// How long a package waits for its turn.
const TURN_LIMIT: Duration = Duration::from_mins(1);
/// Bytes that are read at once.
const CHUNK: usize = 256 << 10;

/// The turns of those who read packages.
pub(crate) struct Turns(Arc<Semaphore>);

impl Turns {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

/// A package that came whole. Its file has no name, so it is gone with this value, and with this process.
#[derive(Debug)]
pub struct SpooledPackage {
    file: File,
    size_bytes: u64,
}

impl SpooledPackage {
    /// Length in bytes.
    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Its bytes, from the beginning.
    pub(super) async fn bytes(&self) -> Result<ByteStream, ServiceError> {
        let mut file = tokio::fs::File::from_std(self.file.try_clone().map_err(unavailable)?);
        file.seek(SeekFrom::Start(0)).await.map_err(unavailable)?;
        let chunks = stream::try_unfold(file, |mut file| async move {
            let mut chunk = BytesMut::with_capacity(CHUNK);
            match file.read_buf(&mut chunk).await {
                Ok(0) => Ok(None),
                Ok(_) => Ok(Some((chunk.freeze(), file))),
                Err(error) => Err(BoxError::from(error)),
            }
        });
        Ok(chunks.boxed())
    }
}

impl Service {
    /// Takes in a package as it comes, of `max_bytes` at most.
    pub async fn spool_package<S>(
        &self,
        operator: &Operator,
        max_bytes: u64,
        mut chunks: S,
    ) -> Result<SpooledPackage, ServiceError>
    where
        S: Stream<Item = Result<Bytes, BoxError>> + Send + Unpin,
    {
        operator.require_write()?;
        let files = self.inner.files.clone();
        let made = tokio::task::spawn_blocking(move || files.scratch()).await;
        let made = made.map_err(|error| ServiceError::Internal(Box::new(error)))?.map_err(unavailable)?;
        let (mut file, mut size_bytes) = (tokio::fs::File::from_std(made), 0);
        while let Some(chunk) = chunks.try_next().await.map_err(ServiceError::Aborted)? {
            size_bytes += chunk.len() as u64;
            if size_bytes > max_bytes {
                return Err(ServiceError::TooLarge { field: "file", max_bytes });
            }
            file.write_all(&chunk).await.map_err(unavailable)?;
        }
        file.flush().await.map_err(unavailable)?;
        if size_bytes == 0 {
            return Err(R::EmptyFile.into());
        }
        Ok(SpooledPackage { file: file.into_std().await, size_bytes })
    }

    /// Reads what a package says of itself.
    pub(super) async fn parse(&self, package: &SpooledPackage) -> Result<Package, ServiceError> {
        let mut file = package.file.try_clone().map_err(unavailable)?;
        let turn = timeout(TURN_LIMIT, Arc::clone(&self.inner.parses.0).acquire_owned()).await;
        let turn = turn.map_err(|error| ServiceError::Unavailable(error.into()))?;
        let parsed = tokio::task::spawn_blocking(move || {
            file.seek(SeekFrom::Start(0)).map_err(PackageError::Io)?;
            let parsed = drover_packages::read(file, &Limits::default());
            // Whoever waits no longer does not end the reading, so the turn is the thread's.
            drop(turn);
            parsed
        });
        match parsed.await.map_err(|error| ServiceError::Internal(Box::new(error)))? {
            Ok(package) => Ok(package),
            Err(PackageError::Unsigned { .. }) => Err(R::Unsigned.into()),
            Err(error) if error.is_fault_of_file() => Err(R::Unreadable(error.to_string()).into()),
            Err(error) => Err(unavailable(error)),
        }
    }
}

/// How a package stands to the device's managed part: an entry of its manifest says so. The document calls all of iOS normal.
pub(super) fn domain_type(package: &Package, options: &ServiceOptions) -> DomainType {
    if package.platform == Platform::Ios {
        DomainType::Normal
    } else if options.container_entry.is_among(&package.entries) {
        DomainType::Container
    } else if options.built_in_entry.is_among(&package.entries) {
        DomainType::BuiltIn
    } else {
        DomainType::Normal
    }
}

/// How a package is signed, as rows say it.
pub(super) fn signature(package: &Package) -> String {
    let signatures = package.signatures;
    let schemes = [("v1", signatures.v1), ("v2", signatures.v2), ("v3", signatures.v3)];
    let present: Vec<&str> = schemes.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| name).collect();
    let profile = package.provisioning.as_ref().map(|profile| match profile.distribution {
        Distribution::AppStore => "app-store",
        Distribution::AdHoc => "ad-hoc",
        Distribution::Enterprise => "enterprise",
        Distribution::Development => "development",
    });
    profile.map_or_else(|| present.join(","), str::to_owned)
}

/// A file of ours that fails us: the disk is full or broken, which is not the caller's fault.
fn unavailable(error: impl Into<BoxError>) -> ServiceError {
    ServiceError::Unavailable(error.into())
}
