//! Where uploaded files live: a folder, or whatever else the object store reaches.

pub(crate) mod downloads;
pub(crate) mod links;
pub(crate) mod stored_files;

mod sweep;

use std::{ops::Range, path::PathBuf, pin::Pin, sync::Arc, time::SystemTime};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use md5::Md5;
use object_store::{
    GetOptions, GetRange, ObjectStore, ObjectStoreExt, buffered::BufWriter, local::LocalFileSystem, path::Path,
};
use sha2::{Digest, Sha256};

use crate::{BoxError, ServiceError, secrets::hex};

pub use sweep::FileSweep;

/// Bytes of a file, in order.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, BoxError>> + Send>>;

/// Bytes that are written at once; also what an upload holds in memory, twice.
const PART_BYTES: usize = 4 * 1024 * 1024;

/// Where uploaded files live.
#[derive(Clone)]
pub struct FileStore {
    store: Arc<dyn ObjectStore>,
    /// Where it is, when it is a folder.
    folder: Option<PathBuf>,
}

/// What was learned of a file while it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) size_bytes: u64,
    pub(crate) sha256: String,
    pub(crate) md5: String,
}

/// A file that the store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) path: String,
    pub(crate) modified: SystemTime,
}

impl FileStore {
    /// Files in a folder, which is made when it is missing. What is written is on the disk before it is answered.
    pub fn folder(folder: &std::path::Path) -> Result<Self, ServiceError> {
        std::fs::create_dir_all(folder).map_err(|error| ServiceError::Unavailable(Box::new(error)))?;
        let store = Arc::new(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true));
        Ok(Self { store, folder: Some(folder.to_owned()) })
    }

    /// Files in any object store.
    pub fn of(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, folder: None }
    }

    /// Whether the store answers.
    pub(crate) async fn ping(&self) -> Result<(), ServiceError> {
        match self.store.head(&Path::from("healthz")).await {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// A file of this process alone, which is gone with it however it ends: it has no name in any folder. It lies where the
    /// files do, when that is a folder, since there is room for them.
    pub(crate) fn scratch(&self) -> std::io::Result<std::fs::File> {
        self.folder.as_deref().map_or_else(tempfile::tempfile, tempfile::tempfile_in)
    }

    /// Writes a stream, hashing it on the way. On any error nothing is left behind.
    pub(crate) async fn write<S>(&self, path: &str, max_bytes: u64, stream: S) -> Result<Written, ServiceError>
    where
        S: Stream<Item = Result<Bytes, BoxError>> + Send + Unpin,
    {
        let mut writer =
            BufWriter::with_capacity(Arc::clone(&self.store), Path::from(path), PART_BYTES).with_max_concurrency(1);
        let written = match copy(&mut writer, max_bytes, stream).await {
            Ok(written) => written,
            Err(error) => {
                if let Err(abort) = writer.abort().await {
                    tracing::warn!(path, error = %abort, "a broken upload left parts behind");
                }
                return Err(error);
            }
        };
        // From here on the writer cleans up by itself when it fails, and panics when it is told to.
        tokio::io::AsyncWriteExt::shutdown(&mut writer)
            .await
            .map_err(|error| ServiceError::Unavailable(Box::new(error)))?;
        Ok(written)
    }

    /// Reads a file, or a part of it.
    pub(crate) async fn read(&self, path: &str, range: Option<Range<u64>>) -> Result<ByteStream, ServiceError> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        let found = self.store.get_opts(&Path::from(path), options).await?;
        Ok(found.into_stream().map_err(|error| -> BoxError { Box::new(error) }).boxed())
    }

    /// All files below a prefix, in no order. They are listed page by page, as they are asked for.
    pub(crate) fn list(&self, prefix: &str) -> impl Stream<Item = Result<Stored, ServiceError>> + Send + use<> {
        self.store.list(Some(&Path::from(prefix))).map(|found| {
            let found = found?;
            Ok(Stored { path: found.location.into(), modified: found.last_modified.into() })
        })
    }

    /// Removes a file that nothing names. It may be gone already: another process may have been faster.
    pub(crate) async fn remove(&self, path: &str) {
        match self.store.delete(&Path::from(path)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => tracing::warn!(path, %error, "a file that nothing names could not be removed"),
        }
    }
}

async fn copy<S>(writer: &mut BufWriter, max_bytes: u64, mut stream: S) -> Result<Written, ServiceError>
where
    S: Stream<Item = Result<Bytes, BoxError>> + Send + Unpin,
{
    let (mut size_bytes, mut sha256, mut md5) = (0_u64, Sha256::new(), Md5::new());
    while let Some(chunk) = stream.try_next().await.map_err(ServiceError::Aborted)? {
        size_bytes += chunk.len() as u64;
        if size_bytes > max_bytes {
            return Err(ServiceError::TooLarge { field: "file", max_bytes });
        }
        sha256.update(&chunk);
        md5.update(&chunk);
        writer.put(chunk).await?;
    }
    Ok(Written { size_bytes, sha256: hex(&sha256.finalize()), md5: hex(&md5.finalize()) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use futures_util::stream;
    use object_store::memory::InMemory;

    fn chunks(texts: &[&'static str]) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + Unpin + use<> {
        stream::iter(texts.iter().map(|text| Ok(Bytes::from_static(text.as_bytes()))).collect::<Vec<_>>())
    }

    #[tokio::test]
    async fn a_file_is_hashed_on_its_way() {
        let files = FileStore::of(Arc::new(InMemory::new()));
        let written = files.write("a", 3, chunks(&["a", "bc"])).await.unwrap();
        assert_eq!(written.size_bytes, 3);
        assert_eq!(written.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(written.md5, "900150983cd24fb0d6963f7d28e17f72");
        let part: Vec<Bytes> = files.read("a", Some(1..3)).await.unwrap().try_collect().await.unwrap();
        assert_eq!(part.concat(), b"bc");
    }

    #[test]
    fn a_scratch_file_has_no_name_that_could_be_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = FileStore::folder(folder.path()).unwrap().scratch().unwrap();
        std::io::Write::write_all(&mut file, b"abc").unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_broken_or_oversized_upload_leaves_nothing() {
        let files = FileStore::of(Arc::new(InMemory::new()));
        let broken = chunks(&["abc"]).chain(stream::iter([Err("cut".into())]));
        assert!(matches!(files.write("b", 9, broken).await, Err(ServiceError::Aborted(_))));
        let oversized = files.write("b", 2, chunks(&["abc"])).await;
        assert!(matches!(oversized, Err(ServiceError::TooLarge { max_bytes: 2, .. })));
        assert!(files.read("b", None).await.is_err());
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_finished_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let files = FileStore::folder(folder.path()).unwrap();
        files.write("in-the-way", 9, chunks(&["abc"])).await.unwrap();
        let failed = files.write("in-the-way/b", 9, chunks(&["abc"])).await;
        assert!(matches!(failed, Err(ServiceError::Unavailable(_))), "{failed:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }
}
