//! An installation with operators who look at it.

use drover_testkit::{RabbitNode, TestDatabase, TestPostgres};

use super::browser::Browser;
use crate::support::{Drover, Setup};

/// What every operator signs in with.
pub(super) const PASSWORD: &str = "correct horse battery";
/// The operators' tenant, which is also that of jobs made by [`crate::support::Office`].
pub(super) const TENANT: &str = "acme";
/// Operators, with what else they are given.
const OPERATORS: [(&str, &[&str]); 3] = [
    ("chief", &["--role", "tenant_admin", "--runs-installation"]),
    ("admin", &["--role", "tenant_admin"]),
    ("reader", &["--role", "read_only"]),
];

/// A process with every role, its database, and a browser for it.
pub(super) struct World {
    pub(super) browser: Browser,
    pub(super) drover: Drover,
    pub(super) setup: Setup,
    pub(super) database: TestDatabase,
}

impl World {
    /// One whose broker is inside of its process.
    pub(super) async fn embedded() -> Self {
        let database = TestPostgres::database().await;
        let setup = Setup::new(&database.url, None);
        Self::start(database, setup, &["up"]).await
    }

    /// One on a broker of its own.
    pub(super) async fn on(node: &RabbitNode) -> Self {
        let database = TestPostgres::database().await;
        let setup = Setup::new(&database.url, Some(&node.url()));
        Self::start(database, setup, &["serve"]).await
    }

    async fn start(database: TestDatabase, setup: Setup, args: &[&str]) -> Self {
        let setup = setup.with("DROVER_WORKERS__RETRY_BACKOFF_BASE_S", 0);
        setup.ok(&["migrate"]);
        let drover = setup.start(args).await;
        let browser = Browser::start(&drover.base_url).await;
        Self { browser, drover, setup, database }
    }

    /// Makes the operators of [`TENANT`], which is there.
    pub(super) fn add_operators(&self) {
        for (login, more) in OPERATORS {
            let who = ["operator", "add", "--tenant", TENANT, "--login", login, "--name", login, "--password-stdin"];
            let output = self.setup.run_with_input(&[&who[..], more].concat(), PASSWORD);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }

    /// Somebody else has the browser now.
    pub(super) async fn enter(&self, login: &str) {
        self.browser.forget().await;
        self.browser.sign_in(TENANT, login, PASSWORD).await;
    }
}
