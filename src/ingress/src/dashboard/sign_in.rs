//! Signing in and out.

use axum::{
    extract::{Request, State},
    response::{IntoResponse as _, Redirect, Response},
};
use drover_service::{Action, Actor, OperatorLogin, Secret, Via};
use http::{StatusCode, header};
use maud::{Markup, html};

use super::{
    BASE,
    errors::PageError,
    language::Language,
    layout::{self, as_html},
    session::{Viewer, cookie_of, local_path, no_cookie, token_of},
};
use crate::{
    family::chain,
    serve::Peer,
    web::{WebApi, params::Params},
};

/// `GET /ui/sign-in`.
pub(super) async fn show(params: Params, request: Request) -> Response {
    let language = Language::of(request.headers());
    as_html(&form(language, local_path(params.optional("next")), params.optional("tenant"), None)).into_response()
}

/// `POST /ui/sign-in`.
pub(super) async fn sign_in(State(api): State<WebApi>, params: Params, request: Request) -> Response {
    let language = Language::of(request.headers());
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
    match try_sign_in(&api, &params, peer).await {
        Ok(Some(response)) => {
            // The browser forgets the session that it had: nobody would end it.
            if let Some(before) = token_of(request.headers())
                && let Err(error) = api.service.revoke_token(before).await
            {
                tracing::warn!(error = %chain(&error), "a session that was replaced goes on until it is over");
            }
            response
        }
        Ok(None) => {
            let wrong = language.pick("Tenant, name or password is wrong.", "租户、登录名或密码不正确。");
            let page = form(language, local_path(params.optional("next")), params.optional("tenant"), Some(wrong));
            (StatusCode::UNAUTHORIZED, as_html(&page)).into_response()
        }
        Err(error) => error.render(language, None),
    }
}

async fn try_sign_in(
    api: &WebApi,
    params: &Params,
    peer: Option<std::net::IpAddr>,
) -> Result<Option<Response>, PageError> {
    let field = |name| params.optional(name).unwrap_or_default();
    let password = Secret::new(field("password"));
    let issued = match api.service.log_in(field("tenant"), field("login"), &password).await? {
        OperatorLogin::Accepted(issued) => issued,
        OperatorLogin::Refused => return Ok(None),
        OperatorLogin::TooMany { retry_after } => return Err(PageError::TooMany { retry_after }),
    };
    let actor = Actor::operator(&issued.operator, Via::Dashboard, peer);
    api.service.note_session(&actor, Action::SignedIn).await?;
    let cookie = cookie_of(issued.token.expose(), issued.lives_for, api.service.public_url().starts_with("https:"));
    let next = local_path(params.optional("next"));
    Ok(Some(([(header::SET_COOKIE, cookie)], Redirect::to(next)).into_response()))
}

/// `POST /ui/sign-out`.
pub(super) async fn sign_out(State(api): State<WebApi>, viewer: Viewer, params: Params) -> Result<Response, PageError> {
    viewer.require_form(&params)?;
    api.service.revoke_token(viewer.token()).await?;
    api.service.note_session(&viewer.actor, Action::SignedOut).await?;
    Ok(([(header::SET_COOKIE, no_cookie())], Redirect::to(&format!("{BASE}/sign-in"))).into_response())
}

fn form(language: Language, next: &str, tenant: Option<&str>, fault: Option<&str>) -> Markup {
    let title = language.pick("Sign in", "登录");
    let fault_id = fault.map(|_| "fault");
    let body = html! {
        section.sign-in {
            h1 { (title) }
            @if let Some(fault) = fault { p #fault.fault role="alert" { (fault) } }
            form method="post" action="/ui/sign-in" {
                input type="hidden" name="next" value=(next);
                label for="tenant" { (language.pick("Tenant", "租户")) }
                input #tenant name="tenant" required autocomplete="organization" maxlength="128" value=[tenant];
                label for="login" { (language.pick("Login name", "登录名")) }
                input #login name="login" required autocomplete="username" maxlength="128" aria-describedby=[fault_id];
                label for="password" { (language.pick("Password", "密码")) }
                input #password name="password" type="password" required autocomplete="current-password" maxlength="256";
                button.primary type="submit" { (title) }
            }
            p.hint {
                (language.pick("An operator is made by ", "运营人员由以下命令创建：")) code { "drover operator add" } (language.pick(".", "。"))
            }
        }
    };
    layout::bare(language, title, &body)
}
