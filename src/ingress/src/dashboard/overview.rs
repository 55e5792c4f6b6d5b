//! How everything does: what goes on, what must be looked at, and what to do first where there is nothing yet.

mod alarms;
mod figures;
mod jobs;
mod queues;
mod texts;

use axum::{extract::State, response::Html};
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

/// `GET /ui`.
pub(super) async fn show(State(api): State<WebApi>, viewer: Viewer) -> Answer<Html<String>> {
    let snapshot = api.service.live().look().await;
    let texts = Texts::of(viewer.language);
    let address = LivePage::Overview.address();
    let frame = Frame { title: texts.title, here: Some(Room::Overview), live: Some(&address) };
    let parts = fragments(&snapshot, &viewer);
    let part = |id: &str| parts.iter().find(|part| part.id == id).map(|part| &part.html);
    let sheet = |id: &'static str| html! { @if let Some(part) = part(id) { section.sheet id=(id) { (part) } } };
    let body = html! {
        h1 { (texts.title) }
        div #alarms aria-live="polite" { @if let Some(alarms) = part("alarms") { (alarms) } }
        (sheet("figures"))
        (sheet("pace"))
        div.grid { (sheet("open")) (sheet("outcomes")) }
        (sheet("jobs"))
        (sheet("queues"))
    };
    Ok(as_html(&page(&viewer, &frame, &body)))
}

/// What of the page a reading says.
pub(super) fn fragments(snapshot: &Snapshot, viewer: &Viewer) -> Vec<Fragment> {
    let (texts, figures) = (Texts::of(viewer.language), snapshot.figures(&viewer.actor.reach));
    let part = |id, html: Markup| Fragment { id, html };
    let mut parts = vec![
        part("alarms", alarms::list(snapshot, viewer, texts)),
        part("figures", figures::figures(snapshot, &figures, viewer, texts)),
        part("pace", figures::pace(snapshot, viewer, texts)),
        part("open", figures::open(&figures, viewer, texts)),
        part("outcomes", figures::outcomes(&figures, viewer, texts)),
        part("jobs", jobs::list(snapshot, viewer, texts)),
    ];
    if viewer.actor.runs_installation() {
        parts.push(part("queues", queues::list(snapshot, viewer, texts)));
    }
    parts
}
