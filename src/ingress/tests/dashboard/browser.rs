//! A browser without script: it keeps cookies, says where forms come from, and sends what forms hold.

use std::sync::Mutex;

use axum::{Router, body::Body};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tower::ServiceExt as _;

use crate::world::{PASSWORD, World};

/// What a browser was answered.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) status: StatusCode,
    pub(crate) location: Option<String>,
    pub(crate) headers: http::HeaderMap,
    pub(crate) html: String,
}

impl Shown {
    /// The value of a hidden field.
    pub(crate) fn hidden(&self, name: &str) -> Option<String> {
        let field = format!("name=\"{name}\" value=\"");
        let rest = self.html.split_once(&field)?.1;
        Some(rest.split('"').next().unwrap().to_owned())
    }
}

pub(crate) struct Browser {
    router: Router,
    session: Mutex<Option<String>>,
    pub(crate) language: &'static str,
}

impl Browser {
    pub(crate) fn new(world: &World) -> Self {
        Self { router: world.router.clone(), session: Mutex::new(None), language: "en" }
    }

    /// A browser in which somebody of tenant acme has signed in.
    pub(crate) async fn of(world: &World, login: &str) -> Self {
        let browser = Self::new(world);
        let form = [("tenant", "acme"), ("login", login), ("password", PASSWORD)];
        let shown = browser.post("/ui/sign-in", &form).await;
        assert_eq!(shown.status, StatusCode::SEE_OTHER, "{}", shown.html);
        browser
    }

    pub(crate) async fn get(&self, address: &str) -> Shown {
        self.send(Request::get(address).body(Body::empty()).unwrap()).await
    }

    /// Opens a stream.
    pub(crate) async fn open(&self, address: &str) -> http::Response<Body> {
        let session = self.session.lock().unwrap().clone().unwrap_or_default();
        let request = Request::get(address).header(header::COOKIE, format!("drover_session={session}"));
        self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    /// Sends a form as one of our pages would.
    pub(crate) async fn post(&self, address: &str, fields: &[(&str, &str)]) -> Shown {
        self.post_from("same-origin", address, fields).await
    }

    /// Sends a form as a page of another site would.
    pub(crate) async fn post_from(&self, site: &str, address: &str, fields: &[(&str, &str)]) -> Shown {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pairs: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let request = Request::post(address)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", site)
            .body(Body::from(pairs.join("&")))
            .unwrap();
        self.send(request).await
    }

    /// Opens a page with a form, such as a confirmation, and sends it with what it holds and `more`.
    pub(crate) async fn confirm(&self, page: &str, action: &str, more: &[(&str, &str)]) -> Shown {
        let shown = self.get(page).await;
        assert_eq!(shown.status, StatusCode::OK, "{page}: {}", shown.html);
        assert!(shown.html.contains(&format!("action=\"{action}\"")), "{page}: {}", shown.html);
        let csrf = shown.hidden("csrf").unwrap();
        let mut fields = vec![("csrf", csrf.as_str())];
        fields.extend(more);
        self.post(action, &fields).await
    }

    async fn send(&self, mut request: Request<Body>) -> Shown {
        request.headers_mut().insert(header::ACCEPT_LANGUAGE, self.language.parse().unwrap());
        let session = self.session.lock().unwrap().clone();
        if let Some(session) = session {
            request.headers_mut().insert(header::COOKIE, format!("drover_session={session}").parse().unwrap());
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let text = cookie.to_str().unwrap();
            if let Some(rest) = text.strip_prefix("drover_session=") {
                assert!(
                    text.contains("HttpOnly") && text.contains("SameSite=Lax") && text.contains("Path=/ui"),
                    "{text}"
                );
                let value = rest.split(';').next().unwrap();
                *self.session.lock().unwrap() = Some(value.to_owned()).filter(|value| !value.is_empty());
            }
        }
        let location = parts.headers.get(header::LOCATION).map(|value| value.to_str().unwrap().to_owned());
        let bytes = body.collect().await.unwrap().to_bytes();
        let html = String::from_utf8(bytes.to_vec()).unwrap();
        Shown { status: parts.status, location, headers: parts.headers, html }
    }
}
