//! What a page says when it cannot be shown.

use std::{io, sync::Arc, time::Duration};

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use drover_service::ServiceError;
use http::{HeaderValue, StatusCode, header};
use maud::html;

use super::{
    BASE,
    language::Language,
    layout::{self, Frame},
    session::Viewer,
};
use crate::{
    family::{Refusal, chain},
    web::errors::WebError,
};

/// Why a page is not shown, or a form not carried out.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum PageError {
    /// 400: what was sent is not allowed.
    #[error("{0}")]
    Invalid(String),
    /// Nobody has signed in.
    #[error("sign in first")]
    SignedOut,
    /// 403: the operator may not.
    #[error("{0}")]
    Forbidden(String),
    /// 403: the form is none of our pages', or of a session that is over.
    #[error("the form did not come from a page of this session")]
    ForeignForm,
    /// 404: no such thing, or none within reach.
    #[error("{0}")]
    NotFound(String),
    /// 405: the address takes other methods.
    #[error("the method is not allowed here")]
    MethodNotAllowed,
    /// 431: larger headers than any browser sends.
    #[error("the headers are too large")]
    HeadersTooLarge,
    /// 409: not as things stand.
    #[error("{0}")]
    Conflict(String),
    /// 429: too many tries to sign in.
    #[error("too many tries")]
    TooMany {
        /// When to come again.
        retry_after: Duration,
    },
    /// 500: our fault.
    #[error("the server failed")]
    Internal(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// 503: something that we need is missing.
    #[error("a part of the service is unavailable")]
    Unavailable(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

impl PageError {
    /// A field that is wrong.
    pub(super) fn bad(field: &str, reason: &str) -> Self {
        Self::Invalid(format!("{field}: {reason}"))
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::SignedOut => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) | Self::ForeignForm => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What it means and what to do, in the reader's language.
    fn words(&self, language: Language) -> (&'static str, &'static str) {
        match self {
            Self::Invalid(_) | Self::MethodNotAllowed | Self::HeadersTooLarge => language.pick(
                ("That does not work", "Something that was sent is not allowed."),
                ("无法处理", "提交的内容不符合要求。"),
            ),
            Self::SignedOut => language.pick(("Sign in first", "Your session is over."), ("请先登录", "会话已结束。")),
            Self::Forbidden(_) => language.pick(
                ("You may not do this", "Ask an administrator if you need to."),
                ("没有权限", "如有需要，请联系管理员。"),
            ),
            Self::ForeignForm => language.pick(
                ("This form is out of date", "Nothing was changed. Open the page anew and try again."),
                ("表单已过期", "没有任何改动。请重新打开页面后再试。"),
            ),
            Self::NotFound(_) => language.pick(
                ("There is nothing here", "It does not exist, or it is outside of what you may see."),
                ("这里没有内容", "它不存在，或不在您的可见范围内。"),
            ),
            Self::Conflict(_) => language.pick(
                ("Not as things stand", "Nothing was changed. Look at how it stands now."),
                ("当前状态不允许", "没有任何改动。请查看当前状态。"),
            ),
            Self::TooMany { .. } => language
                .pick(("Too many tries", "Wait a minute and try again."), ("尝试次数过多", "请稍等一分钟再试。")),
            Self::Internal(_) => language.pick(
                ("The server failed", "It is our fault and was logged. Try again."),
                ("服务器出错", "这是我们的问题，已记录日志。请重试。"),
            ),
            Self::Unavailable(_) => language.pick(
                (
                    "Not available now",
                    "The database or another part is away. Jobs go on by themselves; try again in a moment.",
                ),
                ("暂时不可用", "数据库或其他组件暂时不可用。任务会自行继续；请稍后再试。"),
            ),
        }
    }

    /// Logs what is ours to mend.
    fn log(&self) {
        match self {
            Self::Internal(error) => tracing::error!(error = %chain(error.as_ref()), "a page failed"),
            Self::Unavailable(error) => tracing::warn!(error = %chain(error.as_ref()), "a page is unavailable"),
            _ => {}
        }
    }

    /// The page that says so.
    pub(super) fn render(&self, language: Language, viewer: Option<&Viewer>) -> Response {
        self.log();
        if matches!(self, Self::SignedOut) {
            return Redirect::to(&format!("{BASE}/sign-in")).into_response();
        }
        let (title, advice) = self.words(language);
        let detail = match self {
            Self::Invalid(text) | Self::Forbidden(text) | Self::NotFound(text) | Self::Conflict(text) => Some(text),
            _ => None,
        };
        let body = html! {
            section.fault role="alert" {
                p.code { (self.status().as_u16()) }
                h1 { (title) }
                p { (advice) }
                @if let Some(detail) = detail { p.detail { code { (detail) } } }
                p { a.button href=(BASE) { (language.pick("To the overview", "返回总览")) } }
            }
        };
        let page = match viewer {
            Some(viewer) => layout::page(viewer, &Frame { title, here: None, live: None }, &body),
            None => layout::bare(language, title, &body),
        };
        let mut response = (self.status(), layout::as_html(&page)).into_response();
        if let Self::TooMany { retry_after } = self {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after.as_secs().max(1)));
        }
        response
    }
}

impl IntoResponse for PageError {
    /// For the session, which renders it.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Renders what went wrong where nobody looks who has signed in.
pub(super) async fn finish(request: Request, next: Next) -> Response {
    let language = Language::of(request.headers());
    let mut response = next.run(request).await;
    match response.extensions_mut().remove::<PageError>() {
        Some(error) => error.render(language, None),
        None => response,
    }
}

/// Whatever no page is at.
pub(super) async fn nothing_here(request: Request) -> Response {
    let what = PageError::NotFound(request.uri().path().to_owned());
    what.render(Language::of(request.headers()), None)
}

impl From<Refusal> for PageError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::NotFound("no page".into()),
            Refusal::MethodNotAllowed => Self::MethodNotAllowed,
            Refusal::HeadersTooLarge => Self::HeadersTooLarge,
            Refusal::TimedOut => Self::Unavailable(Arc::new(io::Error::from(io::ErrorKind::TimedOut))),
            Refusal::Panicked(message) => Self::Internal(Arc::new(io::Error::other(message))),
        }
    }
}

impl From<ServiceError> for PageError {
    fn from(error: ServiceError) -> Self {
        let text = error.to_string();
        match error {
            ServiceError::Invalid { .. } | ServiceError::Application(_) | ServiceError::TooLarge { .. } => {
                Self::Invalid(text)
            }
            ServiceError::Aborted(_) => Self::Invalid(text),
            ServiceError::Conflict { .. } => Self::Conflict(text),
            ServiceError::NotFound { .. } => Self::NotFound(text),
            ServiceError::Forbidden { .. } => Self::Forbidden(text),
            ServiceError::Unavailable(source) => Self::Unavailable(source.into()),
            ServiceError::Internal(source) => Self::Internal(source.into()),
        }
    }
}

impl From<WebError> for PageError {
    /// What the readers of parameters and forms refuse.
    fn from(error: WebError) -> Self {
        match error {
            WebError::NotFound(text) => Self::NotFound(text),
            WebError::Internal(source) => Self::Internal(source.into()),
            WebError::Unavailable(source) => Self::Unavailable(source.into()),
            busy @ (WebError::Crowded | WebError::TimedOut) => {
                Self::Unavailable(Arc::new(io::Error::other(busy.to_string())))
            }
            other => Self::Invalid(other.to_string()),
        }
    }
}
