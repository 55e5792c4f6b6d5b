//! The search for devices.

use axum::{extract::State, response::Html};
use drover_service::{SearchAfter, SearchBy};
use maud::{Markup, html};

use super::texts::Texts;
use crate::{
    dashboard::{
        Answer,
        errors::PageError,
        layout::{Frame, Room, as_html, page},
        query,
        session::Viewer,
        words,
    },
    web::{WebApi, params::Params},
};

/// Devices a page.
const PAGE: u32 = 50;

/// `GET /ui/devices`.
pub(in crate::dashboard) async fn list(
    State(api): State<WebApi>,
    viewer: Viewer,
    params: Params,
) -> Answer<Html<String>> {
    let texts = Texts::of(viewer.language);
    let by = match params.optional("by") {
        None => SearchBy::Uuid,
        Some(name) => SearchBy::parse(name).ok_or_else(|| PageError::bad("by", "is uuid, sn, imei or name"))?,
    };
    let wanted = params.optional("q").unwrap_or_default();
    let after = SearchAfter { id: params.number("after")?.unwrap_or_default() };
    let found = api.service.search_devices(&viewer.actor, (by, wanted), &after, PAGE).await?;
    let next = found.next.as_ref().map(|next| {
        query::address("/ui/devices", &[("by", by.as_str()), ("q", wanted), ("after", &next.id.to_string())])
    });
    let names = |by: SearchBy| match by {
        SearchBy::Uuid => texts.uuid,
        SearchBy::Sn => texts.sn,
        SearchBy::Imei => texts.imei,
        SearchBy::Name => texts.name,
    };
    let body = html! {
        h1 { (texts.devices) }
        form.filters method="get" action="/ui/devices" role="search" {
            div {
                label for="by" { (texts.search_by) }
                select #by name="by" { @for known in SearchBy::ALL {
                    option value=(known.as_str()) selected[known == by] { (names(known)) }
                } }
            }
            div { label for="q" { (texts.begins_with) } input #q name="q" value=(wanted) maxlength="128" autocomplete="off"; }
            button.primary type="submit" { (texts.search) }
        }
        section.sheet {
            @if found.devices.is_empty() {
                p.empty { (match (&next, wanted.is_empty() && after.id == 0) {
                    (Some(_), _) => texts.none_here,
                    (None, true) => texts.none,
                    (None, false) => texts.none_found,
                }) }
            } @else {
                div.scroll { table.cards {
                    thead { tr {
                        th scope="col" { (texts.uuid) } th scope="col" { (texts.name) } th scope="col" { (texts.sn) }
                        th scope="col" { (texts.organisation) } th scope="col" { (texts.firmware) } th scope="col" { (texts.last_contact) }
                    } }
                    tbody { @for device in &found.devices { tr {
                        td data-label=(texts.uuid) { a.mono href={ "/ui/devices/" (device.uuid) } { (device.uuid) } }
                        td data-label=(texts.name) { (device.name) }
                        td data-label=(texts.sn) { (device.sn) }
                        td data-label=(texts.organisation) { (device.organisation.as_deref().unwrap_or_default()) }
                        td data-label=(texts.firmware) { (device.firmware_version) }
                        td data-label=(texts.last_contact) { (contact(device.standing.heard_at, &viewer, texts)) }
                    } } }
                } }
            }
            @if let Some(next) = next { p.pages { a.button rel="next" href=(next) { (texts.further) } } }
        }
    };
    let frame = Frame { title: texts.devices, here: Some(Room::Devices), live: None };
    Ok(as_html(&page(&viewer, &frame, &body)))
}

/// When a device was heard of last.
pub(super) fn contact(at: Option<chrono::DateTime<chrono::Utc>>, viewer: &Viewer, texts: &Texts) -> Markup {
    at.map_or_else(|| html! { (texts.never) }, |at| words::time(at, viewer))
}
