//! The style sheet, the script and the icon. Their addresses hold their hash, so that browsers may keep them for ever.

use std::{fmt::Write as _, sync::LazyLock};

use axum::{
    extract::Path,
    response::{IntoResponse as _, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use maud::PreEscaped;
use sha2::{Digest as _, Sha256};

/// The logo within a page.
pub(super) const LOGO: PreEscaped<&str> = PreEscaped(include_str!("assets/icon.svg"));

struct Asset {
    name: String,
    address: String,
    media_type: &'static str,
    body: &'static str,
}

static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("style", "css", "text/css; charset=utf-8", include_str!("assets/style.css")));
static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("live", "js", "text/javascript; charset=utf-8", include_str!("assets/live.js")));
static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("assets/icon.svg")));

impl Asset {
    fn new(stem: &str, extension: &str, media_type: &'static str, body: &'static str) -> Self {
        let mut name = format!("{stem}-");
        for byte in &Sha256::digest(body)[..8] {
            // Writing to a text cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        name.push('.');
        name.push_str(extension);
        Self { address: format!("/ui/assets/{name}"), name, media_type, body }
    }
}

/// The style sheet's address.
pub(super) fn style() -> &'static str {
    &STYLE.address
}

/// The script's address.
pub(super) fn script() -> &'static str {
    &SCRIPT.address
}

/// The icon's address.
pub(super) fn icon() -> &'static str {
    &ICON.address
}

/// `GET /ui/assets/{name}`.
pub(super) async fn serve(Path(name): Path<String>) -> Response {
    let Some(asset) = [&STYLE, &SCRIPT, &ICON].into_iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers: [(HeaderName, HeaderValue); 3] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, asset.body).into_response()
}
