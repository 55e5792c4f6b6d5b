//! A real Chromium without a screen, driven as a person would: by what is seen, clicked and typed.
//!
//! The browser is started here and its driver is told where it is, so that both end with the test, whichever way it ends.

mod axe;
mod driver;
mod look;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use drover_testkit::{SupervisedChild, free_port, wait_for, wait_until};
use serde_json::{Map, Value, json};

use crate::support::{PATIENCE, http};

pub(super) use driver::Key;
use driver::{Driver, Element, Refused};
pub(super) use look::{DESKTOP, PHONE};

/// How an element is named: by a CSS selector, or by an `XPath`.
const CSS: &str = "css selector";
const XPATH: &str = "xpath";
/// How soon a page must show what happened.
const SOON: Duration = Duration::from_secs(20);

/// A browser with one window. What goes wrong in a page, as its console tells, fails the test when the browser ends.
pub(super) struct Browser {
    driver: Driver,
    // The order in which they end: the driver, then the browser with its files.
    _driver_process: SupervisedChild,
    _chromium: SupervisedChild,
    base_url: String,
}

impl Browser {
    /// Starts one for the pages of one installation.
    pub(super) async fn start(base_url: &str) -> Self {
        let home = tempfile::Builder::new().prefix("drover-chromium-").tempdir().unwrap().keep();
        let chromium = start_chromium(&home);
        let debugger = debugger_of(&home).await;
        let port = free_port();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}")).stdin(Stdio::null());
        let driver_process = SupervisedChild::spawn(silent(command)).expect("chromedriver is installed");
        let url = format!("http://127.0.0.1:{port}");
        wait_until(PATIENCE, "chromedriver to answer", async || {
            http().get(format!("{url}/status")).send().await.is_ok()
        })
        .await;
        let driver = Driver::attach(&url, &debugger).await.unwrap();
        let browser =
            Self { driver, _driver_process: driver_process, _chromium: chromium, base_url: base_url.to_owned() };
        browser.look(DESKTOP).await;
        browser
    }

    /// Opens a page by its path.
    pub(super) async fn open(&self, path: &str) {
        self.driver.goto(&format!("{}{path}", self.base_url)).await.unwrap();
    }

    /// The path and query of the page that is shown.
    pub(super) async fn path(&self) -> String {
        let url = self.driver.current_url().await.unwrap();
        url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
    }

    /// Waits until another page is shown.
    pub(super) async fn wait_path(&self, what: &str, is_right: impl Fn(&str) -> bool) {
        wait_until(SOON, what, async || is_right(&self.path().await)).await;
    }

    /// The element that a CSS selector names, as soon as it is there.
    pub(super) async fn find(&self, css: &str) -> Element {
        wait_for(SOON, css, async || self.driver.find(CSS, css).await.ok()).await
    }

    /// The same on a page that does not keep itself up to date: it is loaded until the element is there.
    pub(super) async fn find_in_time(&self, css: &str) -> Element {
        wait_for(SOON, css, async || {
            self.driver.refresh().await.ok()?;
            self.driver.find(CSS, css).await.ok()
        })
        .await
    }

    /// The text of the first element that a CSS selector names, as it is seen, or nothing while it is not there.
    pub(super) async fn text(&self, css: &str) -> String {
        let look = async || -> Result<String, Refused> { self.driver.find(CSS, css).await?.text().await };
        look().await.unwrap_or_default()
    }

    /// Waits until an element's text is right, and returns it.
    pub(super) async fn wait_text(&self, css: &str, what: &str, is_right: impl Fn(&str) -> bool) -> String {
        wait_for(SOON, what, async || Some(self.text(css).await).filter(|text| is_right(text))).await
    }

    /// Waits until a script finds a value.
    pub(super) async fn wait_value(&self, script: &str, expected: &Value, what: &str) {
        wait_until(SOON, what, async || self.evaluate(script).await == *expected).await;
    }

    /// Clicks the button or link with these words, as soon as it is there.
    pub(super) async fn press(&self, words: &str) {
        let xpath = format!("//*[(self::a or self::button) and normalize-space()='{words}']");
        // A live page may put another in its place between the look and the click.
        let click = async || -> Result<(), Refused> { self.driver.find(XPATH, &xpath).await?.click().await };
        wait_until(SOON, words, async || click().await.is_ok()).await;
    }

    /// Whether there is a button or link with these words.
    pub(super) async fn offers(&self, words: &str) -> bool {
        let xpath = format!("//*[(self::a or self::button) and normalize-space()='{words}']");
        self.driver.count(XPATH, &xpath).await.unwrap() > 0
    }

    /// Types into a field, in place of what is there.
    pub(super) async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Presses a key where the focus is.
    pub(super) async fn key(&self, key: Key) {
        self.driver.press_key(key).await.unwrap();
    }

    /// Types where the focus is.
    pub(super) async fn type_here(&self, text: &str) {
        self.driver.type_keys(text).await.unwrap();
    }

    /// The words of the element that has the focus.
    pub(super) async fn focused(&self) -> String {
        let focused = self.driver.active_element().await.unwrap();
        focused.text().await.unwrap_or_default()
    }

    /// Presses Tab until the focus is on the link or button with these words.
    pub(super) async fn tab_to(&self, words: &str) {
        self.tab_until(words, async || self.focused().await.trim() == words).await;
    }

    /// Presses Tab until the focus is on an element that a CSS selector names.
    pub(super) async fn tab_into(&self, css: &str) {
        let script = format!("return document.activeElement.matches({css:?})");
        self.tab_until(css, async || self.evaluate(&script).await == json!(true)).await;
    }

    async fn tab_until(&self, what: &str, mut is_there: impl AsyncFnMut() -> bool) {
        for _ in 0..80 {
            self.key(Key::Tab).await;
            if is_there().await {
                return;
            }
        }
        panic!("the keyboard does not come to {what:?}");
    }

    /// Runs a script in the page.
    pub(super) async fn evaluate(&self, script: &str) -> Value {
        self.driver.execute(script).await.unwrap()
    }

    /// Lets pages run script, or not, from the next page on.
    pub(super) async fn allow_script(&self, is_allowed: bool) {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({"value": !is_allowed})).await;
    }

    /// Forgets who has signed in.
    pub(super) async fn forget(&self) {
        self.driver.delete_all_cookies().await.unwrap();
    }

    async fn devtools(&self, method: &str, parameters: Value) -> Value {
        self.driver.devtools(method, parameters).await.unwrap()
    }

    /// Signs in.
    pub(super) async fn sign_in(&self, tenant: &str, login: &str, password: &str) {
        self.open("/ui").await;
        self.fill("input[name=tenant]", tenant).await;
        self.fill("input[name=login]", login).await;
        self.fill("input[name=password]", password).await;
        self.find(".sign-in button[type=submit]").await.click().await.unwrap();
        self.wait_path("the first page", |path| path == "/ui").await;
    }

    /// What the console complains of, since it was asked last: faults of scripts, what the page's policy forbids, what cannot
    /// be loaded.
    pub(super) async fn complaints(&self) -> Vec<String> {
        let entries = self.driver.browser_log().await.unwrap();
        let text = |entry: &Map<String, Value>, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        entries.iter().filter(|entry| text(entry, "level") == "SEVERE").map(|entry| text(entry, "message")).collect()
    }

    /// Fails when the console complains.
    pub(super) async fn assert_no_complaints(&self) {
        assert_eq!(self.complaints().await, Vec::<String>::new());
    }
}

/// A browser that begins with an empty profile, which vanishes with it.
fn start_chromium(home: &Path) -> SupervisedChild {
    let mut command = Command::new("chromium");
    command
        // No screen; as root, as tests run in containers, there is no sandbox; containers' /dev/shm is small.
        .args(["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars"])
        // It asks nobody for anything on its own.
        .args(["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--disable-default-apps", "--no-default-browser-check", "--force-color-profile=srgb", "--lang=en-US"])
        .args(["--remote-debugging-port=0", "--remote-debugging-address=127.0.0.1"])
        .arg(format!("--user-data-dir={}", home.join("profile").display()))
        .arg("about:blank")
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .stdin(Stdio::null());
    // A process that is just dying may still write.
    let clean_up = "for round in 1 2 3 4 5; do rm -rf -- \"$1\" && [ \"$round\" -gt 1 ] && exit 0; sleep 0.1; done";
    SupervisedChild::spawn_then(silent(command), clean_up, &[home.as_os_str()]).expect("chromium is installed")
}

/// Where the browser lets itself be driven, which it writes down once it does.
async fn debugger_of(home: &Path) -> String {
    let file = home.join("profile/DevToolsActivePort");
    let port = wait_for(PATIENCE, "Chromium to start", async || {
        fs::read_to_string(&file).ok()?.lines().next().filter(|port| !port.is_empty()).map(str::to_owned)
    });
    format!("127.0.0.1:{}", port.await)
}

fn silent(mut command: Command) -> Command {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}
