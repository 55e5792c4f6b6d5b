//! What is in the file store and nobody needs: bytes that no row names, what uploads and imports left that were killed, and
//! files that nobody came to use.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use drover_store::{StoreError, files};
use futures_util::{StreamExt as _, stream::BoxStream};
use uuid::Uuid;

use super::Stored;
use crate::{Service, ServiceError};

/// Where the store keeps what Drover wrote; whatever else lies there is not ours.
const PREFIXES: [&str; 3] = ["files", "firmware", "imports"];
/// What is looked at in one step.
const BATCH: usize = 500;
/// What is younger may belong to an upload whose row is still to come.
const MIN_AGE: Duration = Duration::from_hours(24);

type Parts = Box<dyn Iterator<Item = PathBuf> + Send>;

/// A walk over all that the file store holds, in steps.
pub struct FileSweep {
    service: Service,
    objects: Option<BoxStream<'static, Result<Stored, ServiceError>>>,
    parts: Option<Parts>,
    /// What was written since then stays.
    before: SystemTime,
}

impl FileSweep {
    /// Looks at some more, and removes what nobody needs. Returns whether there may be more to look at. A sweep that failed
    /// is of no further use.
    pub async fn step(&mut self) -> Result<bool, ServiceError> {
        if let Some(objects) = &mut self.objects {
            let (mut old, mut seen) = (Vec::new(), 0);
            while seen < BATCH
                && let Some(stored) = objects.next().await
            {
                seen += 1;
                let Stored { path, modified } = stored?;
                if modified < self.before {
                    old.push(path);
                }
            }
            if seen < BATCH {
                self.objects = None;
            }
            self.service.remove_unnamed(&old).await?;
        } else if let Some(mut parts) = self.parts.take() {
            let before = self.before;
            let walk = move || {
                let seen: Vec<PathBuf> = parts.by_ref().take(BATCH).collect();
                let removed = seen.iter().filter(|part| remove_abandoned(part, before)).count();
                (parts, seen.len(), removed)
            };
            let walked = tokio::task::spawn_blocking(walk).await;
            let (parts, seen, removed) = walked.map_err(|error| ServiceError::Internal(Box::new(error)))?;
            count(removed);
            self.parts = Some(parts).filter(|_| seen == BATCH);
        }
        Ok(self.objects.is_some() || self.parts.is_some())
    }
}

impl Service {
    /// Begins to look for what is in the file store and nobody needs.
    pub fn sweep_files(&self) -> FileSweep {
        let files = &self.inner.files;
        let listed = PREFIXES.map(|prefix| files.list(prefix));
        FileSweep {
            service: self.clone(),
            objects: Some(futures_util::stream::iter(listed).flatten().boxed()),
            parts: files.folder.clone().map(parts),
            before: SystemTime::from(self.inner.clock.now()) - MIN_AGE,
        }
    }

    async fn remove_unnamed(&self, paths: &[String]) -> Result<(), ServiceError> {
        if paths.is_empty() {
            return Ok(());
        }
        let unnamed = files::unnamed(&self.store().client().await?, paths).await?;
        for path in &unnamed {
            tracing::info!(path, "removing a file that no row names");
            self.inner.files.remove(path).await;
        }
        count(unnamed.len());
        Ok(())
    }

    /// Forgets those of a batch of uploaded files that nobody came to use, from the one behind `after` on; the nil id is the
    /// beginning. Returns where to go on, when there may be more.
    pub async fn forget_unused_files(&self, after: Uuid) -> Result<Option<Uuid>, ServiceError> {
        let Some(age) = self.options().unused_file_retention else { return Ok(None) };
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let mut client = self.store().client().await?;
        let (unused, next) = files::unused(&client, age, after, limit).await?;
        if !unused.is_empty() {
            let tx = client.transaction().await.map_err(StoreError::from)?;
            let paths = files::forget(&tx, age, &unused).await?;
            tx.commit().await.map_err(StoreError::from)?;
            // Bytes that stay because this process ends here have no row, and are found as such.
            for path in &paths {
                self.inner.files.remove(path).await;
            }
            count(paths.len());
        }
        Ok(next)
    }
}

fn count(removed: usize) {
    metrics::counter!("drover_files_swept_total").increment(removed as u64);
}

/// The parts of unfinished uploads in a folder: `name#1` beside the file that they were to be. The object store hides them.
fn parts(folder: PathBuf) -> Parts {
    let below = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let owners = PREFIXES.into_iter().flat_map(move |prefix| below(folder.join(prefix)));
    Box::new(owners.flat_map(below).filter(|path| is_part(path)))
}

fn is_part(path: &Path) -> bool {
    let number = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.rsplit_once('#'));
    number.is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Removes a part that was not written to for long. Whether it did.
fn remove_abandoned(part: &Path, before: SystemTime) -> bool {
    let modified = std::fs::metadata(part).and_then(|found| found.modified());
    if !modified.is_ok_and(|modified| modified < before) {
        return false;
    }
    match std::fs::remove_file(part) {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(part = %part.display(), %error, "a part of an upload could not be removed");
            false
        }
    }
}
