//! A private PostgreSQL for the tests of one process, and a fresh database for each test.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU32, Ordering};

use drover_pgserver::{PgServer, PgServerOptions};
use nix::sys::statvfs::statvfs;
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

use crate::supervised::Watchdog;

/// Settings that make a server fast and forgetful: a crash of the machine may lose everything.
const VOLATILE: [(&str, &str); 3] = [("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off")];
/// Keeps all that a killed server leaves among its own files.
const TIDY: (&str, &str) = ("dynamic_shared_memory_type", "mmap");
/// Memory as a file system: there a server starts in 0.7 s, against 2 s on a busy disk.
const MEMORY: &str = "/dev/shm";
/// What must be free there. A container is often given 64 MB, which is less than one cluster.
const MEMORY_WANTED_BYTES: u64 = 2 << 30;

/// Ends the server and removes its files, and the lock in shared memory that a killed server leaves. More than one
/// round: a test killed while it was starting the server may leave a postmaster that has written no pid file yet.
const CLEAN_UP: &str = r#"
for round in 1 2 3 4 5; do
    if [ -e "$1/postgres/cluster/postmaster.pid" ]; then
        { read -r pid && read -r _ && read -r _ && read -r _ && read -r _ && read -r _ && read -r _ segment; } \
            <"$1/postgres/cluster/postmaster.pid"
        kill -QUIT "$pid" || ipcrm -m "$segment"
    fi
    rm -rf -- "$1"
    sleep 0.1
done
"#;

/// A server that ends, and whose files vanish, with the test process, however that ends.
#[derive(Debug)]
pub struct TestPostgres {
    /// The server, for tests that stop, kill or restart it.
    pub server: PgServer,
    databases: AtomicU32,
    _watchdog: Watchdog,
}

impl TestPostgres {
    /// A fresh, empty database on the server that all tests of this process share. The first call starts it, which
    /// takes about a second.
    pub async fn database() -> TestDatabase {
        static SHARED: OnceCell<TestPostgres> = OnceCell::const_new();
        SHARED.get_or_init(async || Self::start(&VOLATILE).await).await.create_database().await
    }

    /// A server of the test's own, durable like one in production, for tests that kill it.
    pub async fn durable() -> Self {
        Self::start(&[]).await
    }

    /// A server of the test's own with the given settings.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        let mut builder = tempfile::Builder::new();
        builder.prefix("drover-postgres-");
        let volatile = settings.contains(&("fsync", "off"));
        let dir = if volatile && has_room(MEMORY) { builder.tempdir_in(MEMORY) } else { builder.tempdir() };
        let dir = dir.expect("a temporary directory").keep();
        let watchdog = Watchdog::spawn(CLEAN_UP, &[dir.as_os_str()]).expect("sh runs");
        // As root the server runs under another account, which has to get to its files.
        fs::set_permissions(&dir, Permissions::from_mode(0o711)).expect("the directory is ours");
        let mut options = PgServerOptions::new(dir);
        options.settings =
            settings.iter().chain([&TIDY]).map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        options.fallback_dir = None;
        let server = PgServer::ensure(options).await.unwrap_or_else(|error| panic!("no test server: {error}"));
        Self { server, databases: AtomicU32::new(0), _watchdog: watchdog }
    }

    /// A fresh, empty database on this server.
    pub async fn create_database(&self) -> TestDatabase {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        let admin = connect(&self.server.url()).await;
        admin.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("the name is new");
        TestDatabase { url: self.server.url_of(&name) }
    }
}

/// A database of one test's own. It goes with its server.
#[derive(Debug, Clone)]
pub struct TestDatabase {
    /// For any PostgreSQL client, TLS off.
    pub url: String,
}

impl TestDatabase {
    /// A connection outside of any pool, for a test to look behind the scenes.
    pub async fn client(&self) -> Client {
        connect(&self.url).await
    }
}

fn has_room(dir: &str) -> bool {
    statvfs(dir).is_ok_and(|found| found.blocks_available() * found.fragment_size() >= MEMORY_WANTED_BYTES)
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the test server answers");
    // Ends with the client.
    tokio::spawn(connection);
    client
}
