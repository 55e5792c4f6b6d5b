//! The language of a page: chosen by its reader, or else what the browser asks for.

use axum::{
    extract::Request,
    response::{IntoResponse as _, Redirect, Response},
};
use http::{HeaderMap, header};

use super::{errors::PageError, session::local_path};
use crate::web::params::Params;

/// The cookie that keeps a choice.
const COOKIE: &str = "drover_language";
/// How long it is kept.
const YEAR_S: u32 = 31_536_000;

/// A language that pages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Language {
    /// English.
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// Every language, with its own name.
    pub(super) const ALL: [(Self, &str); 2] = [(Self::English, "English"), (Self::Chinese, "中文")];

    /// The language's tag.
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// One of two texts.
    pub(super) const fn pick<T: Copy>(self, english: T, chinese: T) -> T {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }

    /// The language in which a call is to be answered.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let chosen =
            cookie(headers, COOKIE).and_then(|tag| Self::ALL.into_iter().find(|(known, _)| known.tag() == tag));
        chosen.map_or_else(|| Self::accepted(headers), |(language, _)| language)
    }

    /// The first language of the browser's list that is one of ours. Weights are not looked at: browsers send them in order.
    fn accepted(headers: &HeaderMap) -> Self {
        let list = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let known = list.split(',').find_map(|part| {
            let tag = part.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            match tag.split('-').next() {
                Some("zh") => Some(Self::Chinese),
                Some("en") => Some(Self::English),
                _ => None,
            }
        });
        known.unwrap_or(Self::English)
    }
}

/// A cookie's value.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().split_once('=').filter(|(n, _)| *n == name))
        .map(|(_, value)| value)
}

/// `POST /ui/language`: keeps a choice and goes back to the page.
pub(super) async fn choose(params: Params, _request: Request) -> Result<Response, PageError> {
    let wanted = params.required("to")?;
    let Some((language, _)) = Language::ALL.into_iter().find(|(known, _)| known.tag() == wanted) else {
        return Err(PageError::bad("to", "is no language of ours"));
    };
    let cookie = format!("{COOKIE}={}; Path=/ui; Max-Age={YEAR_S}; SameSite=Lax; HttpOnly", language.tag());
    let back = local_path(params.optional("back"));
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(back)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(http::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_choice_wins_over_the_browser() {
        let accept = |list: &str| Language::of(&headers(&[(header::ACCEPT_LANGUAGE, list)]));
        assert_eq!(accept("zh-Hans-CN,zh;q=0.9,en;q=0.8"), Language::Chinese);
        assert_eq!(accept("de-DE, en-GB;q=0.7, zh"), Language::English);
        assert_eq!(accept("fr"), Language::English);
        let both = [(header::ACCEPT_LANGUAGE, "zh"), (header::COOKIE, "a=b; drover_language=en")];
        assert_eq!(Language::of(&headers(&both)), Language::English);
    }
}
