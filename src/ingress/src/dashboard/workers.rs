//! The processes at work: what they do, and whether they take work.

mod act;
mod list;
mod texts;

use axum::{Router, extract::State, response::Html, routing::get};
use drover_service::Snapshot;
use maud::html;

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
        .route("/ui/workers", get(show))
        .route("/ui/workers/{id}/drain", get(act::ask_to_drain).post(act::drain))
        .route("/ui/workers/{id}/resume", get(act::ask_to_resume).post(act::resume))
}

/// `GET /ui/workers`.
async fn show(State(api): State<WebApi>, viewer: Viewer) -> Answer<Html<String>> {
    viewer.actor.require_installation()?;
    let snapshot = api.service.live().look().await;
    let texts = Texts::of(viewer.language);
    let address = LivePage::Workers.address();
    let frame = Frame { title: texts.title, here: Some(Room::Workers), live: Some(&address) };
    let body = html! {
        h1 { (texts.title) }
        section.sheet #workers { (list::table(&snapshot, &viewer, texts)) }
    };
    Ok(as_html(&page(&viewer, &frame, &body)))
}

/// What of the page a reading says.
pub(super) fn fragments(snapshot: &Snapshot, viewer: &Viewer) -> Vec<Fragment> {
    if !viewer.actor.runs_installation() {
        return Vec::new();
    }
    vec![Fragment { id: "workers", html: list::table(snapshot, viewer, Texts::of(viewer.language)) }]
}
