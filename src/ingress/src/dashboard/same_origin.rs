//! Forms come from our own pages alone.

use axum::{extract::Request, middleware::Next, response::Response};
use http::{HeaderMap, Method, Uri, header};

use super::{errors::PageError, language::Language};

/// Refuses what another site makes a browser send. Browsers say where a form comes from; what says nothing is no browser, and
/// has no cookie that it did not choose itself.
pub(super) async fn check(request: Request, next: Next) -> Response {
    if [Method::GET, Method::HEAD].contains(request.method()) || is_same(request.headers()) {
        return next.run(request).await;
    }
    PageError::ForeignForm.render(Language::of(request.headers()), None)
}

fn is_same(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text(header::ORIGIN.as_str())) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => {
            let host = origin.parse::<Uri>().ok().and_then(|origin| origin.authority().map(ToString::to_string));
            host.is_some() && host.as_deref() == text(header::HOST.as_str())
        }
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_says_where_a_form_comes_from() {
        let same = |pairs: &[(&'static str, &str)]| {
            let headers =
                pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()));
            is_same(&headers.collect())
        };
        assert!(same(&[]) && same(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(same(&[("origin", "http://drover.test:8080"), ("host", "drover.test:8080")]));
        for foreign in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("origin", "null"), ("host", "drover.test")],
            &[("origin", "http://evil.test"), ("host", "drover.test")],
        ] {
            assert!(!same(foreign), "{foreign:?}");
        }
    }
}
