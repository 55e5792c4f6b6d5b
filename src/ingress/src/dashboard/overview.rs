//! How everything does.

use maud::html;

use super::{
    Answer,
    layout::{Frame, Room, as_html, page},
    session::Viewer,
};

/// `GET /ui`.
pub(super) async fn show(viewer: Viewer) -> Answer<axum::response::Html<String>> {
    let title = viewer.language.pick("Overview", "总览");
    let frame = Frame { title, here: Some(Room::Overview), live: None };
    Ok(as_html(&page(&viewer, &frame, &html! { h1 { (title) } })))
}
