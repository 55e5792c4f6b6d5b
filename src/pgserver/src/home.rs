//! The folders of a private server.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::account::Account;
use crate::{PgServerError, PgServerOptions};

/// Others may pass through our folders, the server's account among them, but not list them.
const PASSABLE: u32 = 0o711;
/// How often a lock that another process holds is tried again.
const LOCK_POLL: Duration = Duration::from_millis(50);

/// `<data_dir>/postgres`, and the account that the cluster in it belongs to.
#[derive(Debug)]
pub(crate) struct Home {
    root: PathBuf,
    /// Where the cluster is: `root`, unless the server's account cannot get there.
    base: PathBuf,
    account: Account,
}

impl Home {
    /// Creates what is missing and settles where the cluster is and whose it is.
    pub(crate) fn open(options: &PgServerOptions) -> Result<Self, PgServerError> {
        let root = options.data_dir.join("postgres");
        create_dir(&root)?;
        let root = root.canonicalize().map_err(PgServerError::io("resolve", &root))?;
        let link = root.join("elsewhere");
        // A link to nowhere means that somebody has removed the cluster; a new one may find its parents passable.
        let base = link.canonicalize().unwrap_or_else(|_| root.clone());
        let account = Account::choose(&base.join("cluster"))?;
        let home = Self { root, base, account };
        match (home.account.check_reaches(&home.cluster()), &options.fallback_dir) {
            (Err(PgServerError::NotTraversable { folder, user }), Some(fallback)) => {
                let base = new_base(fallback)?;
                tracing::warn!(?folder, user, ?base, "the server's account cannot reach the data directory");
                link_to(&base, &link)?;
                let home = Self { base, ..home };
                home.account.check_reaches(&home.cluster())?;
                Ok(home)
            }
            (Err(error), _) => Err(error),
            (Ok(()), _) => Ok(home),
        }
    }

    /// The account that owns the cluster and runs the server.
    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    /// The cluster: PostgreSQL's data directory.
    pub(crate) fn cluster(&self) -> PathBuf {
        self.base.join("cluster")
    }

    /// Where a cluster is made before it is moved to its place.
    pub(crate) fn partial(&self) -> PathBuf {
        self.base.join("cluster.partial")
    }

    /// Where PostgreSQL may have been unpacked by hand or by `make up`.
    pub(crate) fn dist(&self) -> PathBuf {
        self.root.join("dist")
    }

    /// What the server prints.
    pub(crate) fn log(&self) -> PathBuf {
        self.root.join("server.log")
    }

    /// The port of the last start.
    pub(crate) fn port_file(&self) -> PathBuf {
        self.root.join("port")
    }

    /// Keeps other processes from starting the same server until the returned file is dropped.
    pub(crate) async fn lock(&self, patience: Duration) -> Result<File, PgServerError> {
        let path = self.root.join("lock");
        let file = File::create(&path).map_err(PgServerError::io("create", &path))?;
        let deadline = Instant::now() + patience;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(source)) => return Err(PgServerError::Io { what: "lock", path, source }),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                    return Err(PgServerError::Busy { home: self.root.clone(), waited: patience });
                }
                Err(TryLockError::WouldBlock) => sleep(LOCK_POLL).await,
            }
        }
    }
}

fn create_dir(path: &Path) -> Result<(), PgServerError> {
    DirBuilder::new().recursive(true).mode(PASSABLE).create(path).map_err(PgServerError::io("create", path))
}

/// A folder of its own for one data directory's cluster.
fn new_base(fallback: &Path) -> Result<PathBuf, PgServerError> {
    create_dir(fallback)?;
    let fallback = fallback.canonicalize().map_err(PgServerError::io("resolve", fallback))?;
    let mut number = 1_u32;
    loop {
        let base = fallback.join(format!("postgres-{number}"));
        match DirBuilder::new().mode(PASSABLE).create(&base) {
            Ok(()) => return Ok(base),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(source) => return Err(PgServerError::Io { what: "create", path: base, source }),
        }
    }
}

fn link_to(base: &Path, link: &Path) -> Result<(), PgServerError> {
    if let Err(error) = fs::remove_file(link)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(PgServerError::Io { what: "remove", path: link.to_owned(), source: error });
    }
    symlink(base, link).map_err(PgServerError::io("create", link))
}
