//! A test process may end in any way: its servers end too, and their files go.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use drover_testkit::{SupervisedChild, TestPostgres, wait_until};

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn databases_are_separate() {
    let (one, two) = (TestPostgres::database().await, TestPostgres::database().await);
    one.client().await.batch_execute("CREATE TABLE here (id int)").await.unwrap();
    two.client().await.batch_execute("CREATE TABLE here (id int)").await.unwrap();
}

#[tokio::test]
async fn a_killed_test_leaves_no_postgres() {
    let mut victim = Command::new(env!("CARGO_BIN_EXE_postgres_victim")).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let (cluster, pid) =
        lines.map_while(Result::ok).find_map(|line| parse(&line)).expect("the victim says its cluster");
    assert!(cluster.exists() && is_running(&pid));

    victim.kill().unwrap();
    victim.wait().unwrap();

    let home = cluster.ancestors().nth(2).unwrap();
    wait_until(SOON, "the server and its files to vanish", async || !is_running(&pid) && !home.exists()).await;
}

#[tokio::test]
async fn a_dropped_child_takes_its_descendants_along() {
    let dir = tempfile::tempdir().unwrap();
    let note = dir.path().join("pid");
    let mut command = Command::new("sh");
    command.args(["-c", "sleep 1000 & echo $! > \"$1\"; wait", "sh"]).arg(&note);
    let child = SupervisedChild::spawn_then(command, "rm -rf -- \"$1\"", &[dir.path().as_os_str()]).unwrap();
    wait_until(SOON, "the grandchild", async || fs::read_to_string(&note).is_ok_and(|text| text.ends_with('\n'))).await;
    let grandchild = fs::read_to_string(&note).unwrap().trim().to_owned();
    assert!(is_running(&grandchild));

    drop(child);

    wait_until(SOON, "the grandchild to die", async || !is_running(&grandchild)).await;
    assert!(!dir.path().exists(), "the clean-up has run");
}

fn parse(line: &str) -> Option<(PathBuf, String)> {
    let (pid, cluster) = line.strip_prefix("cluster ")?.split_once(' ')?;
    Some((PathBuf::from(cluster), pid.to_owned()))
}

/// A zombie does not run: it has no working directory.
fn is_running(pid: &str) -> bool {
    Path::new("/proc").join(pid).join("cwd").read_link().is_ok()
}
