//! A queue is paused or goes on.

use axum::{
    extract::{Path, State},
    response::{Html, Redirect},
};

use super::texts::Texts;
use crate::{
    dashboard::{
        Answer,
        confirm::{self, Question},
        layout::{Room, as_html},
        session::Viewer,
    },
    web::{WebApi, params::Params},
};

pub(super) async fn ask_to_pause(
    State(api): State<WebApi>,
    viewer: Viewer,
    Path(name): Path<String>,
) -> Answer<Html<String>> {
    let texts = Texts::of(viewer.language);
    ask(&api, &viewer, &name, (texts.pause, texts.pause_consequence, "pause")).await
}

pub(super) async fn ask_to_resume(
    State(api): State<WebApi>,
    viewer: Viewer,
    Path(name): Path<String>,
) -> Answer<Html<String>> {
    let texts = Texts::of(viewer.language);
    ask(&api, &viewer, &name, (texts.resume, texts.resume_consequence, "resume")).await
}

async fn ask(
    api: &WebApi,
    viewer: &Viewer,
    name: &str,
    (verb, consequence, act): (&'static str, &'static str, &'static str),
) -> Answer<Html<String>> {
    viewer.actor.require_write()?;
    let devices = api.service.commands_behind(&viewer.actor, name).await?;
    let (title, action) = (format!("{verb}: {name}"), format!("/ui/queues/{name}/{act}"));
    let question = Question {
        title: &title,
        consequence,
        devices,
        action: &action,
        fields: &[],
        button: verb,
        is_final: false,
        back: "/ui/queues",
        room: Room::Queues,
    };
    Ok(as_html(&confirm::page(viewer, &question)))
}

pub(super) async fn pause(
    State(api): State<WebApi>,
    viewer: Viewer,
    Path(name): Path<String>,
    params: Params,
) -> Answer<Redirect> {
    viewer.require_form(&params)?;
    api.service.pause_queue(&viewer.actor, &name).await?;
    Ok(Redirect::to("/ui/queues"))
}

pub(super) async fn resume(
    State(api): State<WebApi>,
    viewer: Viewer,
    Path(name): Path<String>,
    params: Params,
) -> Answer<Redirect> {
    viewer.require_form(&params)?;
    api.service.resume_queue(&viewer.actor, &name).await?;
    Ok(Redirect::to("/ui/queues"))
}
