//! The frame around every page.

use axum::{
    extract::Request,
    middleware::Next,
    response::{Html, Response},
};
use http::{HeaderName, HeaderValue, header};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    BASE, assets,
    language::Language,
    session::{CSRF_FIELD, Viewer},
};

/// Only what comes from here, nothing inline, in no frame.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'",
);
/// How often a page is loaded anew where no script runs, in seconds.
const RELOAD_S: &str = "10";

/// What a page tells its frame.
pub(crate) struct Frame<'a> {
    /// The page's name.
    pub(super) title: &'a str,
    /// Which of the navigation's pages it belongs to.
    pub(super) here: Option<Room>,
    /// The address of the stream that keeps it up to date.
    pub(super) live: Option<&'a str>,
}

/// The pages of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// How everything does.
    Overview,
    /// Jobs.
    Jobs,
    /// Devices.
    Devices,
    /// Queues and dead letters.
    Queues,
    /// Processes.
    Workers,
    /// Who did what.
    Audit,
}

impl Room {
    const ALL: [Self; 6] = [Self::Overview, Self::Jobs, Self::Devices, Self::Queues, Self::Workers, Self::Audit];

    const fn path(self) -> &'static str {
        match self {
            Self::Overview => "/ui",
            Self::Jobs => "/ui/jobs",
            Self::Devices => "/ui/devices",
            Self::Queues => "/ui/queues",
            Self::Workers => "/ui/workers",
            Self::Audit => "/ui/audit",
        }
    }

    const fn name(self, language: Language) -> &'static str {
        match self {
            Self::Overview => language.pick("Overview", "总览"),
            Self::Jobs => language.pick("Jobs", "任务"),
            Self::Devices => language.pick("Devices", "设备"),
            Self::Queues => language.pick("Queues", "队列"),
            Self::Workers => language.pick("Workers", "工作进程"),
            Self::Audit => language.pick("Audit", "审计"),
        }
    }

    /// Whether it is for those alone who run the installation.
    const fn is_of_the_installation(self) -> bool {
        matches!(self, Self::Queues | Self::Workers)
    }
}

/// A whole page for somebody who has signed in.
pub(super) fn page(viewer: &Viewer, frame: &Frame<'_>, body: &Markup) -> Markup {
    let language = viewer.language;
    let rooms = Room::ALL.into_iter().filter(|room| viewer.actor.runs_installation() || !room.is_of_the_installation());
    document(
        language,
        frame.title,
        frame.live,
        &html! {
            header.top {
                a.brand href=(BASE) { (assets::LOGO) span { "Drover" } }
                nav aria-label=(language.pick("Pages", "页面")) {
                    ul {
                        @for room in rooms {
                            li { a href=(room.path()) aria-current=[(frame.here == Some(room)).then_some("page")] { (room.name(language)) } }
                        }
                    }
                }
                div.who {
                    span { (viewer.operator.name) " · " (viewer.operator.tenant_name) }
                    @if !viewer.actor.may_write { span.badge { (language.pick("read only", "只读")) } }
                    form method="post" action="/ui/sign-out" { (csrf(viewer)) button.quiet type="submit" { (language.pick("Sign out", "退出")) } }
                }
            }
            main #main { (body) }
            (footer(language, &viewer.address, frame.live.is_some()))
        },
    )
}

/// A whole page for whoever comes.
pub(super) fn bare(language: Language, title: &str, body: &Markup) -> Markup {
    document(
        language,
        title,
        None,
        &html! {
            header.top { a.brand href=(BASE) { (assets::LOGO) span { "Drover" } } }
            main #main { (body) }
            (footer(language, BASE, false))
        },
    )
}

fn document(language: Language, title: &str, live: Option<&str>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Drover" }
                link rel="icon" href=(assets::icon()) type="image/svg+xml";
                link rel="stylesheet" href=(assets::style());
                @if live.is_some() {
                    noscript { meta http-equiv="refresh" content=(RELOAD_S); }
                    script type="module" src=(assets::script()) {}
                }
            }
            body data-live=[live] {
                a.skip href="#main" { (language.pick("To the content", "跳到内容")) }
                (body)
            }
        }
    }
}

fn footer(language: Language, back: &str, is_live: bool) -> Markup {
    html! {
        footer.bottom {
            @if is_live {
                p #live-state role="status" data-on=(language.pick("live", "实时")) data-off=(language.pick("connection lost, trying again", "连接已断开，正在重试")) {
                    noscript { (language.pick("loads anew every 10 seconds", "每 10 秒重新加载")) }
                }
            }
            form method="post" action="/ui/language" {
                input type="hidden" name="back" value=(back);
                @for (other, name) in Language::ALL {
                    button.quiet type="submit" name="to" value=(other.tag()) lang=(other.tag()) aria-pressed=(if other == language { "true" } else { "false" }) { (name) }
                }
            }
        }
    }
}

/// The hidden field of every form that changes something.
pub(super) fn csrf(viewer: &Viewer) -> Markup {
    html! { input type="hidden" name=(CSRF_FIELD) value=(viewer.csrf()); }
}

/// A page as an answer.
pub(super) fn as_html(page: &Markup) -> Html<String> {
    let PreEscaped(text) = page;
    Html(text.clone())
}

/// Adds what every answer says to browsers.
pub(super) async fn add_headers(request: Request, next: Next) -> Response {
    headed(next.run(request).await)
}

/// An answer with what every one says to browsers.
pub(super) fn headed(mut response: Response) -> Response {
    let headers: [(HeaderName, HeaderValue); 5] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    for (name, value) in headers {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}
