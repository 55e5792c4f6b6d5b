//! The HTTP APIs as their OpenAPI documents say: Schemathesis makes calls that fit them and calls that do not, and compares
//! every answer with what the documents allow. It makes the same calls in each run.

mod furniture;

use std::{collections::BTreeMap, fs, path::Path, process::Stdio, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use drover_domain::Role;
use drover_service::{Clock, Entropy, FileStore, NewOperator, Secret, SecretKey, Service, ServiceOptions};
use drover_store::{Store, StoreOptions, TlsMode};
use drover_testkit::{TestDatabase, TestPostgres};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{Drover, PATIENCE, Setup, http};
use furniture::{Furnisher, Furniture};

/// Made by `scripts/install-deps.sh test`.
const SCHEMATHESIS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/schemathesis/bin/st");
/// What is asked of every answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
/// Long enough on a busy machine; shorter than the test runner's own patience.
const TIME_LIMIT: Duration = Duration::from_secs(80);
const PASSWORD: &str = "correct horse battery";

/// The file that the document of the MDM API names.
const EXAMPLE_FILE: &str = "efdc2719-31ee-4170-aaf8-9371907d49a6";
const CONFIGURATION: &str = include_str!("openapi/schemathesis.toml");
const APPS_CONFIGURATION: &str = include_str!("openapi/apps.toml");
const ALL_PHASES: &str = "examples,coverage,fuzzing";
/// Calls that cannot be made up: they want a package, and what became of one. The contract tests make them.
const OF_PACKAGES: [&str; 2] = ["POST /apps/app", "POST /apps/app/package"];
const REVOKE: &str = "/mdm/oauth/revoke";
/// Without what would end the run for itself: its login.
const NOT_ENDING: [&str; 4] = ["--exclude-path", REVOKE, "--exclude-path-regex", "/(disable|password)$"];

/// What one run of Schemathesis calls, and how.
#[derive(Clone, Copy)]
struct Calls<'a> {
    family: &'a str,
    /// The header `Authorization`.
    login: &'a str,
    /// Its arguments that choose operations.
    which: &'a [&'a str],
    /// The file that there is for the one that the document names.
    file: &'a str,
    /// What more is to be called for than the document says.
    configuration: &'a str,
    phases: &'a str,
    examples: u32,
}

impl<'a> Calls<'a> {
    fn new(family: &'a str, login: &'a str, which: &'a [&'a str]) -> Self {
        Self { family, login, which, file: EXAMPLE_FILE, configuration: "", phases: "fuzzing", examples: 2 }
    }
}

/// How many of the calls that fit the document succeeded, and how many there were, by operation.
#[derive(Default)]
struct Successes(BTreeMap<String, (u64, u64)>);

impl Successes {
    /// Those that a report of Schemathesis tells of.
    fn of(report: &Value) -> Self {
        let mut found = Self::default();
        for (operation, phases) in report["valid_rates"].as_object().unwrap() {
            let (accepted, all) = found.0.entry(operation.clone()).or_default();
            for outcome in phases.as_object().unwrap().values().flat_map(|phase| phase.as_object().unwrap()) {
                let count = outcome.1.as_u64().unwrap();
                *all += count;
                *accepted += if outcome.0 == "accepted" { count } else { 0 };
            }
        }
        found
    }

    /// Asserts that every operation of a document but `exempt` succeeded: an answer to what is not there says little.
    fn assert_all(&self, document: &Value, exempt: &[&str]) {
        let operations = document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
            item.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase()))
        });
        let never = operations.filter(|name| self.0.get(name).is_none_or(|(accepted, _)| *accepted == 0));
        let never: Vec<String> = never.filter(|name| !exempt.contains(&name.as_str())).collect();
        assert!(never.is_empty(), "these never succeeded: {never:#?}");
        let asked = self.0.iter().filter(|(name, _)| !exempt.contains(&name.as_str()));
        let (accepted, all) = asked.fold((0, 0), |sum, (_, (accepted, all))| (sum.0 + accepted, sum.1 + all));
        assert!(accepted * 4 > all, "{accepted} of {all} calls succeeded: {:#?}", self.0);
    }
}

struct World {
    drover: Drover,
    setup: Setup,
    _database: TestDatabase,
}

/// Nothing here asks for the time or for chance, but for the salt of a password.
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> chrono::DateTime<chrono::Utc> {
        chrono::DateTime::UNIX_EPOCH
    }
}

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

impl World {
    async fn new() -> Self {
        let database = TestPostgres::database().await;
        let setup = Setup::new(&database.url, None);
        let drover = setup.start(&["up"]).await;
        setup.ok(&["tenant", "add", "acme"]);
        let options = StoreOptions {
            url: database.url.clone(),
            pool_size: 1,
            wait_timeout: PATIENCE,
            statement_timeout: PATIENCE,
            tls: TlsMode::Disable,
        };
        let (key, files) = (SecretKey::parse(&SecretKey::generate(&Fixed)).unwrap(), tempfile::tempdir().unwrap());
        let files = FileStore::folder(files.path()).unwrap();
        let store = Store::new(&options).unwrap();
        let service = Service::new(store, files, key, Arc::new(Fixed), Arc::new(Fixed), ServiceOptions::default());
        let owner = service.owner_of("acme").await.unwrap();
        for (login_id, role) in
            [("admin", Role::TenantAdmin), ("keeper", Role::TenantAdmin), ("reader", Role::ReadOnly)]
        {
            let password = Secret::new(PASSWORD);
            let new =
                NewOperator { login_id: login_id.into(), name: login_id.into(), role, organisation: None, password };
            service.add_operator(&owner, new).await.unwrap();
        }
        Self { drover, setup, _database: database }
    }

    async fn token(&self, login_id: &str) -> String {
        let login = json!({ "tenant": "acme", "loginId": login_id, "password": PASSWORD });
        let answer =
            http().post(format!("{}/mdm/oauth/token", self.drover.base_url)).json(&login).send().await.unwrap();
        answer.json::<Value>().await.unwrap()["access_token"].as_str().unwrap().to_owned()
    }

    fn furnisher<'a>(&'a self, token: &'a str) -> Furnisher<'a> {
        Furnisher { base_url: &self.drover.base_url, token }
    }

    /// The document of a family, with the file that there is for the one that it names.
    async fn document(&self, family: &str, file: &str) -> String {
        let address = format!("{}/openapi/{family}.json", self.drover.base_url);
        http().get(address).send().await.unwrap().text().await.unwrap().replace(EXAMPLE_FILE, file)
    }

    /// Runs Schemathesis against those operations of a document that are called in one way.
    async fn run(&self, calls: &Calls<'_>) -> Successes {
        assert!(Path::new(SCHEMATHESIS).exists(), "no schemathesis: run scripts/install-deps.sh test");
        let data = self.setup.data.path();
        let (document, configuration) = (data.join("document.json"), data.join("schemathesis.toml"));
        fs::write(&document, self.document(calls.family, calls.file).await).unwrap();
        fs::write(&configuration, calls.configuration.replace("FILE", calls.file).replace("PASSWORD", PASSWORD))
            .unwrap();
        let mut command = Command::new(SCHEMATHESIS);
        command.arg("--config-file").arg(configuration).arg("run").arg(document);
        let (base, header) = (&self.drover.base_url, format!("Authorization: {}", calls.login));
        command.args(["--url", base, "-H", &header, "--checks", CHECKS, "--max-redirects", "0"]);
        let examples = calls.examples.to_string();
        command.args(["--phases", calls.phases, "--max-examples", &examples]);
        // One worker: some versions of Python count how deep they parse for all threads together, and two threads that parse at
        // once make them give up now and then ("AST constructor recursion depth mismatch").
        command.args(["--generation-deterministic", "--workers", "1", "--no-color", "--request-timeout", "20"]);
        command.args(calls.which);
        let report = data.join("report.json");
        command.args(["--report", "json", "--report-json-path"]).arg(&report);
        // It keeps what it found where it is called.
        command.current_dir(data);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let run = tokio::time::timeout(TIME_LIMIT, command.spawn().unwrap().wait_with_output()).await;
        let output = run.expect("schemathesis ends in time").unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
        Successes::of(&report)
    }
}

#[tokio::test]
async fn every_answer_of_the_admin_api_is_documented() {
    let world = World::new().await;
    let token = world.token("admin").await;
    world.furnisher(&token).office().await;
    let login = format!("Bearer {token}");
    world.run(&Calls { phases: ALL_PHASES, examples: 5, ..Calls::new("admin", &login, &NOT_ENDING) }).await;
}

#[tokio::test]
async fn every_answer_of_the_mdm_api_is_documented() {
    let world = World::new().await;
    let token = world.token("admin").await;
    let furnisher = world.furnisher(&token);
    furnisher.office().await;
    let Furniture { file, device_token } = furnisher.catalogue().await;
    let device = format!("Basic {}", STANDARD.encode(format!("d1:{device_token}")));
    let as_it_is = Calls {
        file: &file,
        configuration: CONFIGURATION,
        phases: ALL_PHASES,
        examples: 5,
        ..Calls::new("mdm", "", &[])
    };
    let as_device = ["--include-tag", "devices", "--include-operation-id", "files_show"];
    let mut successes = world.run(&Calls { login: &device, which: &as_device, ..as_it_is }).await;
    let operator = format!("Bearer {token}");
    let others = ["--exclude-tag", "devices", "--exclude-operation-id", "files_show", "--exclude-path", REVOKE];
    successes.0.append(&mut world.run(&Calls { login: &operator, which: &others, ..as_it_is }).await.0);
    let ending = ["--include-path", REVOKE];
    successes.0.append(&mut world.run(&Calls { login: &operator, which: &ending, ..as_it_is }).await.0);
    successes.assert_all(&serde_json::from_str(&world.document("mdm", &file).await).unwrap(), &[]);
}

#[tokio::test]
async fn every_answer_of_the_application_api_is_documented() {
    let world = World::new().await;
    let token = world.token("admin").await;
    let furnisher = world.furnisher(&token);
    furnisher.office().await;
    let device = furnisher.library().await;
    let (login, configuration) = (format!("Bearer {token}"), APPS_CONFIGURATION.replace("DEVICE", &device.to_string()));
    let calls =
        Calls { configuration: &configuration, phases: ALL_PHASES, examples: 5, ..Calls::new("apps", &login, &[]) };
    let successes = world.run(&calls).await;
    let document = serde_json::from_str(&world.document("apps", EXAMPLE_FILE).await).unwrap();
    successes.assert_all(&document, &OF_PACKAGES);
}

#[tokio::test]
async fn every_refusal_is_documented() {
    let world = World::new().await;
    let reader = format!("Bearer {}", world.token("reader").await);
    for family in ["admin", "apps", "mdm"] {
        for login in ["Bearer wrong", &reader] {
            world.run(&Calls::new(family, login, &NOT_ENDING)).await;
        }
    }
}
