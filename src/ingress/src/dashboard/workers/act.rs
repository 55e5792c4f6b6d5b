//! A process is drained or goes on.

use axum::{
    extract::{Path, State},
    response::{Html, Redirect},
};
use drover_service::{Condition, WorkerView};
use uuid::Uuid;

use super::texts::Texts;
use crate::{
    dashboard::{
        Answer,
        confirm::{self, Question},
        errors::PageError,
        layout::{Room, as_html},
        session::Viewer,
    },
    web::{WebApi, params::Params},
};

fn worker(text: &str) -> Result<Uuid, PageError> {
    text.parse().map_err(|_| PageError::NotFound(format!("worker {text} does not exist")))
}

pub(super) async fn ask_to_drain(
    State(api): State<WebApi>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Answer<Html<String>> {
    viewer.actor.require_write()?;
    let (view, texts) = (api.service.worker(&viewer.actor, worker(&id)?).await?, Texts::of(viewer.language));
    let mut consequence = texts.drain_consequence.to_owned();
    if view.worker.holds_broker {
        consequence = format!("{consequence} {}", texts.holds_broker);
    } else {
        let alone = alone_in(&view, &api.service.workers(&viewer.actor).await?);
        if !alone.is_empty() {
            consequence = format!("{consequence} {} {}", texts.alone, alone.join(", "));
        }
    }
    Ok(ask(&viewer, &view, (texts.drain, &consequence, "drain")))
}

/// Those of its roles that no other process plays which works.
fn alone_in<'a>(view: &'a WorkerView, all: &[WorkerView]) -> Vec<&'a str> {
    let others = |role: &str| {
        all.iter()
            .filter(|other| other.worker.id != view.worker.id && other.condition == Condition::Working)
            .any(|other| other.worker.roles.split(',').any(|name| name == role))
    };
    // The ingress goes on.
    view.worker.roles.split(',').filter(|role| *role != "ingress" && !others(role)).collect()
}

pub(super) async fn ask_to_resume(
    State(api): State<WebApi>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Answer<Html<String>> {
    viewer.actor.require_write()?;
    let (view, texts) = (api.service.worker(&viewer.actor, worker(&id)?).await?, Texts::of(viewer.language));
    Ok(ask(&viewer, &view, (texts.resume, texts.resume_consequence, "resume")))
}

fn ask(viewer: &Viewer, view: &WorkerView, (verb, consequence, act): (&str, &str, &str)) -> Html<String> {
    let title = format!("{verb}: {} ({})", view.worker.host, view.worker.roles);
    let action = format!("/ui/workers/{}/{act}", view.worker.id);
    let question = Question {
        title: &title,
        consequence,
        devices: None,
        action: &action,
        fields: &[],
        button: verb,
        is_final: false,
        back: "/ui/workers",
        room: Room::Workers,
    };
    as_html(&confirm::page(viewer, &question))
}

pub(super) async fn drain(
    State(api): State<WebApi>,
    viewer: Viewer,
    Path(id): Path<String>,
    params: Params,
) -> Answer<Redirect> {
    viewer.require_form(&params)?;
    api.service.drain_worker(&viewer.actor, worker(&id)?).await?;
    Ok(Redirect::to("/ui/workers"))
}

pub(super) async fn resume(
    State(api): State<WebApi>,
    viewer: Viewer,
    Path(id): Path<String>,
    params: Params,
) -> Answer<Redirect> {
    viewer.require_form(&params)?;
    api.service.resume_worker(&viewer.actor, worker(&id)?).await?;
    Ok(Redirect::to("/ui/workers"))
}
