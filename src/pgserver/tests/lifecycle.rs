//! A private server through its life, against the PostgreSQL of this machine.
#![allow(clippy::unwrap_used)]

use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use drover_pgserver::{PgServer, PgServerError, PgServerOptions};
use drover_testkit::Watchdog;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// A data directory whose server dies with the test.
struct Data {
    // Dropped first: it finds the server by the files in the directory.
    _watchdog: Watchdog,
    dir: TempDir,
}

impl Data {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o711)).unwrap();
        let script = r#"for pid in $(find "$1" -name postmaster.pid -exec head -n 1 {} +); do kill -QUIT "$pid"; done"#;
        let watchdog = Watchdog::spawn(script, &[dir.path().as_os_str()]).unwrap();
        Self { dir, _watchdog: watchdog }
    }

    fn options(&self) -> PgServerOptions {
        PgServerOptions { fallback_dir: None, ..PgServerOptions::new(self.dir.path().join("data")) }
    }

    fn home(&self) -> std::path::PathBuf {
        self.dir.path().join("data/postgres")
    }

    async fn server(&self) -> PgServer {
        PgServer::ensure(self.options()).await.unwrap()
    }
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn note(server: &PgServer, text: &str) {
    let client = connect(&server.url()).await;
    client.batch_execute("CREATE TABLE IF NOT EXISTS notes (text text)").await.unwrap();
    client.execute("INSERT INTO notes VALUES ($1)", &[&text]).await.unwrap();
}

async fn notes(server: &PgServer) -> Vec<String> {
    let rows = connect(&server.url()).await.query("SELECT text FROM notes", &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

#[tokio::test]
async fn what_was_written_is_there_after_a_stop_and_on_the_same_port() {
    let data = Data::new();
    let mut server = data.server().await;
    let port = server.port();
    note(&server, "kept").await;
    server.stop().await.unwrap();
    assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok(), "a stopped server listens no more");

    let again = data.server().await;
    assert_eq!(notes(&again).await, ["kept"]);
    assert_eq!(again.port(), port);
}

#[tokio::test]
async fn a_running_server_is_adopted_and_can_be_stopped() {
    let data = Data::new();
    let pid = data.server().await.pid();
    let mut adopted = data.server().await;
    assert_eq!(adopted.pid(), pid);
    adopted.stop().await.unwrap();
    adopted.restart().await.unwrap();
    assert_ne!(adopted.pid(), pid);
}

#[tokio::test]
async fn a_committed_row_survives_kill9() {
    let data = Data::new();
    let mut server = data.server().await;
    let connected = connect(&server.url()).await;
    note(&server, "committed").await;
    server.kill9().await.unwrap();
    server.restart().await.unwrap();
    assert_eq!(notes(&server).await, ["committed"]);
    assert!(connected.simple_query("SELECT 1").await.is_err());
}

#[tokio::test]
async fn a_pid_file_that_names_a_stranger_is_no_obstacle() {
    let data = Data::new();
    let mut server = data.server().await;
    server.kill9().await.unwrap();
    let stale = format!("{}\n{}\n1\n1\n\n127.0.0.1\n", std::process::id(), server.cluster_dir().display());
    fs::write(server.cluster_dir().join("postmaster.pid"), stale).unwrap();
    let again = data.server().await;
    assert_ne!(again.pid(), server.pid());
}

#[tokio::test]
async fn a_port_taken_meanwhile_is_replaced_but_one_asked_for_is_an_error() {
    let data = Data::new();
    let mut server = data.server().await;
    let port = server.port();
    server.stop().await.unwrap();
    let _stranger = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();

    let refused = PgServer::ensure(PgServerOptions { port: Some(port), ..data.options() }).await.unwrap_err();
    assert!(matches!(refused, PgServerError::PortTaken { port: taken } if taken == port), "{refused}");
    assert_ne!(data.server().await.port(), port);
}

#[tokio::test]
async fn half_made_clusters_are_replaced_and_nothing_of_others_is_deleted() {
    let data = Data::new();
    for half in ["cluster", "cluster.partial"] {
        fs::create_dir_all(data.home().join(half)).unwrap();
        fs::write(data.home().join(half).join("PG_VERSION"), "15\n").unwrap();
    }
    note(&data.server().await, "fresh").await;
    assert!(data.home().join("cluster.incomplete-1/PG_VERSION").exists());
    assert!(!data.home().join("cluster.partial").exists());
}

#[tokio::test]
async fn a_cluster_of_a_version_that_is_not_installed_is_left_alone() {
    let data = Data::new();
    fs::create_dir_all(data.home().join("cluster")).unwrap();
    fs::write(data.home().join("cluster/PG_VERSION"), "9\n").unwrap();
    let error = PgServer::ensure(data.options()).await.unwrap_err();
    assert!(matches!(error, PgServerError::OtherVersion { wanted: 9, .. }), "{error}");
    assert!(data.home().join("cluster/PG_VERSION").exists());
}

#[tokio::test]
async fn a_bad_setting_is_reported_with_the_servers_own_words() {
    let data = Data::new();
    let settings = vec![("no_such_setting".to_owned(), "1".to_owned())];
    let error = PgServer::ensure(PgServerOptions { settings, ..data.options() }).await.unwrap_err();
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}

#[tokio::test]
async fn two_starters_share_one_server() {
    let data = Data::new();
    let (one, two) = tokio::join!(data.server(), data.server());
    assert_eq!(one.pid(), two.pid());
}

#[tokio::test]
async fn a_parent_that_keeps_the_account_out_is_named_or_got_around() {
    if !is_root() {
        return;
    }
    let data = Data::new();
    let closed = data.dir.path().join("data");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
    let error = PgServer::ensure(data.options()).await.unwrap_err();
    assert!(matches!(&error, PgServerError::NotTraversable { folder, .. } if ends_with(folder, "data")), "{error}");

    let fallback = data.dir.path().join("elsewhere");
    let options = || PgServerOptions { fallback_dir: Some(fallback.clone()), ..data.options() };
    let mut server = PgServer::ensure(options()).await.unwrap();
    note(&server, "reached").await;
    server.stop().await.unwrap();
    assert!(server.cluster_dir().starts_with(fallback.canonicalize().unwrap()));
    assert_eq!(notes(&PgServer::ensure(options()).await.unwrap()).await, ["reached"]);
}

fn ends_with(path: &Path, name: &str) -> bool {
    path.file_name().is_some_and(|found| found == name)
}
