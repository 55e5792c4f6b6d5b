//! Making a cluster, so that it either is there completely or not at all.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::binaries::Binaries;
use crate::home::Home;
use crate::{PgServerError, files};

/// The superuser of every cluster made here.
pub(crate) const SUPERUSER: &str = "drover";

/// Makes sure that the home holds a cluster that belongs to the server's account.
///
/// initdb works on a directory of another name; the rename at the end is what makes the cluster exist. What a killed
/// initdb has left is thrown away by the next one.
pub(crate) async fn ensure(home: &Home, binaries: &Binaries, volatile: bool) -> Result<(), PgServerError> {
    let cluster = home.cluster();
    if is_complete(&cluster) {
        return files::give(&cluster, home.account());
    }
    set_aside(&cluster)?;
    let partial = home.partial();
    files::remove_dir(&partial)?;
    DirBuilder::new().mode(0o700).create(&partial).map_err(PgServerError::io("create", &partial))?;
    files::give(&partial, home.account())?;
    run(home, binaries, volatile).await?;
    fs::rename(&partial, &cluster).map_err(PgServerError::io("rename", &partial))?;
    sync_parent(&cluster)
}

async fn run(home: &Home, binaries: &Binaries, volatile: bool) -> Result<(), PgServerError> {
    let program = binaries.initdb();
    let mut command = home.account().command(&program);
    command.arg("-D").arg(home.partial());
    command.args(["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]);
    if volatile {
        command.arg("--no-sync");
    }
    command.stdin(Stdio::null());
    let output = tokio::process::Command::from(command)
        .kill_on_drop(true)
        .output()
        .await
        .map_err(PgServerError::io("run", &program))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(PgServerError::Initdb { cluster: home.cluster(), output: String::from_utf8_lossy(&said).trim().to_owned() })
}

/// initdb writes the control file late, and no cluster starts without it.
fn is_complete(cluster: &Path) -> bool {
    cluster.join("PG_VERSION").exists() && cluster.join("global/pg_control").exists()
}

/// Moves away what stands in the cluster's place without being one. It is not ours, so it is not deleted.
fn set_aside(cluster: &Path) -> Result<(), PgServerError> {
    if !cluster.exists() {
        return Ok(());
    }
    let mut number = 1_u32;
    let mut aside: PathBuf;
    loop {
        aside = cluster.with_extension(format!("incomplete-{number}"));
        if !aside.exists() {
            break;
        }
        number += 1;
    }
    tracing::warn!(?cluster, ?aside, "not a complete cluster, moved aside");
    fs::rename(cluster, &aside).map_err(PgServerError::io("move aside", cluster))
}

/// A rename is durable once the folder that holds the name is.
fn sync_parent(path: &Path) -> Result<(), PgServerError> {
    let Some(parent) = path.parent() else { return Ok(()) };
    File::open(parent).and_then(|folder| folder.sync_all()).map_err(PgServerError::io("sync", parent))
}
