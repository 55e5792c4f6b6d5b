//! The little of the `WebDriver` protocol (W3C, and Chromium's own `goog/cdp`) that the tests speak: JSON over HTTP. Of the two
//! libraries for it one is not under a permissive licence, and the other changes the order of JSON's keys in every program that
//! is built beside it.

use serde_json::{Map, Value, json};

use crate::support::http;

/// What a browser answered other than with a value.
#[derive(Debug)]
pub(in super::super) struct Refused(#[allow(dead_code)] String); // for whoever reads the failed test

/// The name under which elements travel.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Keys without letters, as the protocol writes them.
#[derive(Debug, Clone, Copy)]
pub(in super::super) enum Key {
    Tab,
    Enter,
}

impl Key {
    const fn code(self) -> &'static str {
        match self {
            Self::Tab => "\u{e004}",
            Self::Enter => "\u{e007}",
        }
    }
}

/// A window that is driven.
pub(super) struct Driver {
    session: String,
}

/// A part of a page.
pub(in super::super) struct Element {
    address: String,
}

async fn call(request: reqwest::RequestBuilder) -> Result<Value, Refused> {
    let answer = request.send().await.map_err(|error| Refused(error.to_string()))?;
    let is_good = answer.status().is_success();
    let mut body: Value = answer.json().await.map_err(|error| Refused(error.to_string()))?;
    let value = body["value"].take();
    if is_good { Ok(value) } else { Err(Refused(value.to_string())) }
}

async fn post(address: &str, body: Value) -> Result<Value, Refused> {
    call(http().post(address).json(&body)).await
}

impl Driver {
    /// Begins to drive the Chromium whose debugger listens at `debugger`.
    pub(super) async fn attach(driver_url: &str, debugger: &str) -> Result<Self, Refused> {
        let options =
            json!({"goog:chromeOptions": {"debuggerAddress": debugger}, "goog:loggingPrefs": {"browser": "ALL"}});
        let begun = post(&format!("{driver_url}/session"), json!({"capabilities": {"alwaysMatch": options}})).await?;
        let id = begun["sessionId"].as_str().ok_or_else(|| Refused(begun.to_string()))?;
        Ok(Self { session: format!("{driver_url}/session/{id}") })
    }

    pub(super) async fn goto(&self, url: &str) -> Result<(), Refused> {
        post(&format!("{}/url", self.session), json!({"url": url})).await.map(drop)
    }

    pub(super) async fn refresh(&self) -> Result<(), Refused> {
        post(&format!("{}/refresh", self.session), json!({})).await.map(drop)
    }

    pub(super) async fn current_url(&self) -> Result<reqwest::Url, Refused> {
        let url = call(http().get(format!("{}/url", self.session))).await?;
        url.as_str().and_then(|url| url.parse().ok()).ok_or_else(|| Refused(url.to_string()))
    }

    /// The first element of a CSS selector, or of an `XPath`.
    pub(super) async fn find(&self, using: &str, selector: &str) -> Result<Element, Refused> {
        let found = post(&format!("{}/element", self.session), json!({"using": using, "value": selector})).await?;
        self.element(&found)
    }

    pub(super) async fn count(&self, using: &str, selector: &str) -> Result<usize, Refused> {
        let found = post(&format!("{}/elements", self.session), json!({"using": using, "value": selector})).await?;
        found.as_array().map(Vec::len).ok_or_else(|| Refused(found.to_string()))
    }

    pub(super) async fn active_element(&self) -> Result<Element, Refused> {
        let found = call(http().get(format!("{}/element/active", self.session))).await?;
        self.element(&found)
    }

    fn element(&self, found: &Value) -> Result<Element, Refused> {
        let id = found[ELEMENT].as_str().ok_or_else(|| Refused(found.to_string()))?;
        Ok(Element { address: format!("{}/element/{id}", self.session) })
    }

    /// Presses and lets go one key after the other, where the focus is.
    pub(super) async fn type_keys(&self, keys: &str) -> Result<(), Refused> {
        let strokes: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|stroke| json!({"type": stroke, "value": key.to_string()})))
            .collect();
        let actions = json!({"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]});
        post(&format!("{}/actions", self.session), actions).await.map(drop)
    }

    pub(super) async fn press_key(&self, key: Key) -> Result<(), Refused> {
        self.type_keys(key.code()).await
    }

    pub(super) async fn execute(&self, script: &str) -> Result<Value, Refused> {
        post(&format!("{}/execute/sync", self.session), json!({"script": script, "args": []})).await
    }

    /// Runs a script that hands its result to the function in `arguments[0]`.
    pub(super) async fn execute_async(&self, script: &str) -> Result<Value, Refused> {
        post(&format!("{}/execute/async", self.session), json!({"script": script, "args": []})).await
    }

    /// Sends a command of Chromium's own protocol.
    pub(super) async fn devtools(&self, method: &str, parameters: Value) -> Result<Value, Refused> {
        post(&format!("{}/goog/cdp/execute", self.session), json!({"cmd": method, "params": parameters})).await
    }

    pub(super) async fn delete_all_cookies(&self) -> Result<(), Refused> {
        call(http().delete(format!("{}/cookie", self.session))).await.map(drop)
    }

    /// What the console said since it was asked last.
    pub(super) async fn browser_log(&self) -> Result<Vec<Map<String, Value>>, Refused> {
        let log = post(&format!("{}/se/log", self.session), json!({"type": "browser"})).await?;
        let entries = log.as_array().cloned().ok_or_else(|| Refused(log.to_string()))?;
        Ok(entries.into_iter().filter_map(|entry| entry.as_object().cloned()).collect())
    }
}

impl Element {
    pub(in super::super) async fn click(&self) -> Result<(), Refused> {
        post(&format!("{}/click", self.address), json!({})).await.map(drop)
    }

    pub(super) async fn clear(&self) -> Result<(), Refused> {
        post(&format!("{}/clear", self.address), json!({})).await.map(drop)
    }

    pub(super) async fn send_keys(&self, text: &str) -> Result<(), Refused> {
        post(&format!("{}/value", self.address), json!({"text": text})).await.map(drop)
    }

    pub(in super::super) async fn text(&self) -> Result<String, Refused> {
        let text = call(http().get(format!("{}/text", self.address))).await?;
        text.as_str().map(str::to_owned).ok_or_else(|| Refused(text.to_string()))
    }
}
