//! Where the QR code of a client group leads: the download of the version that the group chose, and the code itself (X5).
//! The addresses are public; the key in them is what makes them known to those only who were shown the code.

mod manifest;
mod qr;

use axum::{
    Router,
    extract::{FromRequestParts, Path, Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
    routing::get,
};
use drover_domain::Os;
use drover_service::{DownloadPage, ServiceError};
use http::{HeaderName, HeaderValue, StatusCode, header, request::Parts};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::{
    AppState,
    family::{chain, problem},
};

/// The links in an answer expire.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// What a code holds never changes, but its group may come to have nothing to download.
const FIVE_MINUTES: HeaderValue = HeaderValue::from_static("public, max-age=300");
/// A page that loads nothing, runs nothing and sits in no other.
const NOTHING: HeaderValue =
    HeaderValue::from_static("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");

/// The routes of downloads by QR code.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/get/{key}", get(open))
        .route("/get/{key}/manifest.plist", get(install_manifest))
        .route("/get/{key}/qr.png", get(qr_png))
        .route("/get/{key}/qr.svg", get(qr_svg))
}

/// The key in the path. One that is no text is one that nobody has.
struct Key(String);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let found = Path::<String>::from_request_parts(parts, state).await;
        found.map(|Path(key)| Self(key)).map_err(|_| nothing())
    }
}

/// What the code opens: the file at once, or, on iOS, a page whose link installs it. Safari installs when a link is tapped; it
/// does not follow a redirect into the installer.
async fn open(State(state): State<AppState>, Key(key): Key) -> Response {
    let found = state.service.download_page(&key).await;
    answer(found.map(|page| {
        match page.os {
            Os::Ios => typed("text/html; charset=utf-8", NO_STORE, install_page(&page)),
            Os::Android | Os::Windows | Os::Harmony => {
                (StatusCode::FOUND, [(header::LOCATION, page.file_url), (header::CACHE_CONTROL, "no-store".into())])
                    .into_response()
            }
        }
    }))
}

/// What iOS installs from.
async fn install_manifest(State(state): State<AppState>, Key(key): Key) -> Response {
    let found = state.service.download_page(&key).await.and_then(|page| {
        if page.os != Os::Ios {
            return Err(ServiceError::NotFound { what: "manifest", id: "of this key".into() });
        }
        manifest::of(&page).map_err(|error| ServiceError::Internal(Box::new(error)))
    });
    answer(found.map(|manifest| typed("text/xml; charset=utf-8", NO_STORE, manifest)))
}

#[derive(Deserialize)]
struct Size {
    size: Option<u32>,
}

async fn qr_png(State(state): State<AppState>, Key(key): Key, size: Result<Query<Size>, QueryRejection>) -> Response {
    let size = size.ok().map(|Query(Size { size })| size.unwrap_or(qr::DEFAULT_SIZE));
    let Some(size) = size.filter(|size| qr::SIZES.contains(size)) else {
        let (least, most) = qr::SIZES.into_inner();
        return problem(StatusCode::BAD_REQUEST, &format!("size: must be a number from {least} to {most}"));
    };
    let found = state.service.download_page(&key).await.and_then(|_| {
        qr::png(&state.service.download_page_url(&key), size).map_err(|error| ServiceError::Internal(Box::new(error)))
    });
    answer(found.map(|image| typed("image/png", FIVE_MINUTES, image)))
}

async fn qr_svg(State(state): State<AppState>, Key(key): Key) -> Response {
    let found = state.service.download_page(&key).await.and_then(|_| {
        qr::svg(&state.service.download_page_url(&key)).map_err(|error| ServiceError::Internal(Box::new(error)))
    });
    answer(found.map(|image| typed("image/svg+xml", FIVE_MINUTES, image)))
}

/// The page whose link installs a program on iOS.
fn install_page(page: &DownloadPage) -> String {
    let (title, version) = (escaped(&page.title), escaped(&page.version_name));
    let manifest_url = utf8_percent_encode(&page.manifest_url, NON_ALPHANUMERIC);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n</head>\n\
         <body>\n<h1>{title}</h1>\n<p>{version}</p>\n\
         <p><a href=\"itms-services://?action=download-manifest&amp;url={manifest_url}\">Install</a></p>\n\
         </body>\n</html>\n"
    )
}

/// Text that is no markup, within elements and in quotes.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, c| {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
        escaped
    })
}

fn typed(content_type: &'static str, caching: HeaderValue, body: impl IntoResponse) -> Response {
    let headers: [(HeaderName, HeaderValue); 5] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CACHE_CONTROL, caching),
        (header::CONTENT_SECURITY_POLICY, NOTHING),
        (header::X_CONTENT_TYPE_OPTIONS, NOSNIFF),
        (header::REFERRER_POLICY, NO_REFERRER),
    ];
    (headers, body).into_response()
}

fn answer(made: Result<Response, ServiceError>) -> Response {
    let error = match made {
        Ok(response) => return response,
        Err(error) => error,
    };
    match &error {
        ServiceError::Unavailable(_) => {
            tracing::warn!(error = %chain(&error), "a download by code failed");
            problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable, try again later")
        }
        ServiceError::Internal(_) => {
            tracing::error!(error = %chain(&error), "a download by code failed");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "the server failed")
        }
        _ => nothing(),
    }
}

fn nothing() -> Response {
    problem(StatusCode::NOT_FOUND, "there is nothing to download here")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_text_and_one_link() {
        let page = DownloadPage {
            title: "<b>A&\"'".into(),
            os: Os::Ios,
            package_name: "p".into(),
            version_name: "</p>1".into(),
            file_url: String::new(),
            icon_url: None,
            manifest_url: "https://a.test/get/k_-/manifest.plist".into(),
        };
        let html = install_page(&page);
        assert!(html.contains("<h1>&lt;b&gt;A&amp;&quot;&#39;</h1>\n<p>&lt;/p&gt;1</p>"), "{html}");
        let link = "href=\"itms-services://?action=download-manifest&amp;\
                    url=https%3A%2F%2Fa%2Etest%2Fget%2Fk%5F%2D%2Fmanifest%2Eplist\"";
        assert!(html.contains(link), "{html}");
    }
}
