//! Small file work that both the cluster's home and its creation need.

use std::fs;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::Path;

use crate::PgServerError;
use crate::account::Account;

/// Gives `path` and all below it to the server's account. Does nothing when that is ours or owns it already.
pub(crate) fn give(path: &Path, account: &Account) -> Result<(), PgServerError> {
    let Some((uid, gid)) = account.owner() else { return Ok(()) };
    let found = path.symlink_metadata().map_err(PgServerError::io("look at", path))?;
    if found.uid() != uid {
        lchown(path, Some(uid), Some(gid)).map_err(PgServerError::io("change the owner of", path))?;
    } else if found.is_dir() {
        // The top belongs to the account, and only the account has written below it.
        return Ok(());
    }
    if found.is_dir() {
        for entry in fs::read_dir(path).map_err(PgServerError::io("list", path))? {
            give(&entry.map_err(PgServerError::io("list", path))?.path(), account)?;
        }
    }
    Ok(())
}

/// Removes a directory with all that is in it; one that is not there is fine.
pub(crate) fn remove_dir(path: &Path) -> Result<(), PgServerError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(PgServerError::Io { what: "remove", path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

/// The last `lines` lines of a text file, or nothing when it cannot be read.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
