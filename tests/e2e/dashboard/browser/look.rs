//! How a page is looked at, light or dark, on a desk or a phone, and pictures of it.

use std::{fs, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::Browser;

/// Whether the reader's system is light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Theme {
    Light,
    Dark,
}

/// A reader's window.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Look {
    pub(in super::super) name: &'static str,
    width: u32,
    height: u32,
    is_phone: bool,
    pub(in super::super) theme: Theme,
}

/// A window on a desk.
pub(in super::super) const DESKTOP: Look =
    Look { name: "light", width: 1280, height: 800, is_phone: false, theme: Theme::Light };
/// A phone held upright.
pub(in super::super) const PHONE: Look =
    Look { name: "phone", width: 390, height: 844, is_phone: true, theme: Theme::Light };

/// The height of a picture at most.
const HEIGHT_MAX: f64 = 1800.0;

impl Look {
    /// The same in the dark.
    pub(in super::super) const fn dark(self) -> Self {
        Self { name: if self.is_phone { "phone-dark" } else { "dark" }, theme: Theme::Dark, ..self }
    }
}

impl Browser {
    /// Looks at pages so from now on.
    pub(in super::super) async fn look(&self, look: Look) {
        let metrics = json!({
            "width": look.width, "height": look.height, "mobile": look.is_phone,
            "deviceScaleFactor": if look.is_phone { 2 } else { 1 },
        });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        let scheme = if look.theme == Theme::Dark { "dark" } else { "light" };
        let features = json!({"features": [
            {"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"},
        ]});
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// Fails when a page is wider than its window, so that reading it means pushing it from side to side.
    pub(in super::super) async fn assert_fits(&self, what: &str) {
        let script = "const width = document.documentElement.clientWidth; \
            return [...document.querySelectorAll('body *')] \
            .filter((part) => !part.closest('.visually-hidden, .skip, thead, .scroll, svg') && part.getBoundingClientRect().right > width + 1) \
            .map((part) => part.outerHTML.slice(0, 120))";
        let wide = self.evaluate(script).await;
        assert_eq!(wide, json!([]), "{what} is wider than its window");
    }

    /// Takes a picture of the page, of so much of it as can be looked at, and keeps it in `target/screens`.
    pub(in super::super) async fn picture(&self, name: &str) {
        let sizes = self.devtools("Page.getLayoutMetrics", json!({})).await;
        let size = &sizes["cssContentSize"];
        let height = size["height"].as_f64().unwrap().min(HEIGHT_MAX);
        let clip = json!({"x": 0, "y": 0, "width": size["width"], "height": height, "scale": 1});
        let options = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let taken: Value = self.devtools("Page.captureScreenshot", options).await;
        let bytes = STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/screens");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }
}
