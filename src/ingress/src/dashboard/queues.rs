//! The queues: how deep they are, whether workers take from them, and what no worker could handle.

mod act;
mod letter;
mod letters;
mod list;
mod texts;

use axum::{Router, extract::State, response::Html, routing::get};
use drover_service::Snapshot;
use maud::{Markup, html};

use super::{
    Answer,
    layout::{Frame, Room, as_html, page},
    live::{Fragment, LivePage},
    session::Viewer,
};
use crate::web::WebApi;
use texts::Texts;

/// The addresses of these pages.
pub(super) fn routes() -> Router<WebApi> {
    Router::new()
        .route("/ui/queues", get(show))
        .route("/ui/queues/{name}", get(letters::show))
        .route("/ui/queues/{name}/pause", get(act::ask_to_pause).post(act::pause))
        .route("/ui/queues/{name}/resume", get(act::ask_to_resume).post(act::resume))
        .route("/ui/queues/{name}/replay", get(letters::ask_to_replay).post(letters::replay))
        .route("/ui/queues/{name}/discard", get(letters::ask_to_discard).post(letters::discard))
        .route("/ui/dead-letters/{id}", get(letter::show))
        .route("/ui/dead-letters/{id}/replay", get(letter::ask_to_replay).post(letter::replay))
        .route("/ui/dead-letters/{id}/discard", get(letter::ask_to_discard).post(letter::discard))
}

/// `GET /ui/queues`.
async fn show(State(api): State<WebApi>, viewer: Viewer) -> Answer<Html<String>> {
    viewer.actor.require_installation()?;
    let snapshot = api.service.live().look().await;
    let texts = Texts::of(viewer.language);
    let address = LivePage::Queues.address();
    let frame = Frame { title: texts.title, here: Some(Room::Queues), live: Some(&address) };
    let body = html! {
        h1 { (texts.title) }
        section.sheet #queues { (list::table(&snapshot, &viewer, texts)) }
    };
    Ok(as_html(&page(&viewer, &frame, &body)))
}

/// What of the page a reading says.
pub(super) fn fragments(snapshot: &Snapshot, viewer: &Viewer) -> Vec<Fragment> {
    if !viewer.actor.runs_installation() {
        return Vec::new();
    }
    let html: Markup = list::table(snapshot, viewer, Texts::of(viewer.language));
    vec![Fragment { id: "queues", html }]
}
