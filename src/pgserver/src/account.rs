//! Under whose account the server runs, and whether that account can reach its files.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::{Uid, User, geteuid};

use crate::PgServerError;

/// Accounts that root may lend to the server, best first.
const BORROWED: [&str; 2] = ["postgres", "nobody"];

/// The account of the server: our own, or one that root steps down to because PostgreSQL refuses to run as root.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    borrowed: Option<User>,
}

impl Account {
    /// The account for the cluster at `cluster`. An existing cluster stays with its owner, so that installing a user
    /// `postgres` later changes nothing for it.
    pub(crate) fn choose(cluster: &Path) -> Result<Self, PgServerError> {
        if !geteuid().is_root() {
            return Ok(Self { borrowed: None });
        }
        let owner = cluster.metadata().ok().map(|found| Uid::from_raw(found.uid())).filter(|uid| !uid.is_root());
        let user = match owner {
            Some(uid) => User::from_uid(uid).ok().flatten(),
            None => BORROWED.iter().find_map(|name| User::from_name(name).ok().flatten()),
        };
        user.map(|user| Self { borrowed: Some(user) }).ok_or(PgServerError::NoAccount)
    }

    /// A command that will run under this account, in a folder that every account may enter.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/");
        if let Some(user) = &self.borrowed {
            // Setting the uid as root also drops root's supplementary groups.
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command
    }

    /// Uid and gid to give files to, when they differ from ours.
    pub(crate) fn owner(&self) -> Option<(u32, u32)> {
        self.borrowed.as_ref().map(|user| (user.uid.as_raw(), user.gid.as_raw()))
    }

    /// Checks that the account may enter every folder above `path`, which must be absolute.
    pub(crate) fn check_reaches(&self, path: &Path) -> Result<(), PgServerError> {
        let Some(user) = &self.borrowed else { return Ok(()) };
        for folder in path.ancestors().skip(1) {
            let found = folder.metadata().map_err(PgServerError::io("look at", folder))?;
            if !may_enter(user, found.uid(), found.gid(), found.mode()) {
                return Err(PgServerError::NotTraversable { folder: folder.to_owned(), user: user.name.clone() });
            }
        }
        Ok(())
    }
}

/// The rule of the kernel for the search permission: the first class that matches decides alone.
fn may_enter(user: &User, uid: u32, gid: u32, mode: u32) -> bool {
    let class = if user.uid.as_raw() == uid {
        0o100
    } else if user.gid.as_raw() == gid {
        0o010
    } else {
        0o001
    };
    mode & class != 0
}
