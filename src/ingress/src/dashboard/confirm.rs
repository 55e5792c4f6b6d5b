//! The question before something is changed.

use maud::{Markup, html};

use super::{
    layout::{self, Frame, Room, csrf},
    session::Viewer,
    words,
};

/// A question.
pub(crate) struct Question<'a> {
    /// What is to be done, as a heading.
    pub(super) title: &'a str,
    /// What happens then, and what does not.
    pub(super) consequence: &'a str,
    /// How many devices it affects, where that is known.
    pub(super) devices: Option<i64>,
    /// Where the form is sent.
    pub(super) action: &'a str,
    /// What the form says besides.
    pub(super) fields: &'a [(&'a str, &'a str)],
    /// The button's words.
    pub(super) button: &'a str,
    /// Whether it cannot be taken back.
    pub(super) is_final: bool,
    /// Where to go instead.
    pub(super) back: &'a str,
    /// The page of the navigation.
    pub(super) room: Room,
}

/// The page that asks.
pub(super) fn page(viewer: &Viewer, question: &Question<'_>) -> Markup {
    let language = viewer.language;
    let body = html! {
        section.confirm {
            h1 { (question.title) }
            p { (question.consequence) }
            @if let Some(devices) = question.devices {
                p.affected { strong #affected { (words::number(devices)) } " " (language.pick("devices are affected", "台设备受影响")) }
            }
            form method="post" action=(question.action) {
                (csrf(viewer))
                @for (name, value) in question.fields { input type="hidden" name=(name) value=(value); }
                button type="submit" class=(if question.is_final { "danger" } else { "primary" }) { (question.button) }
                " "
                a.button href=(question.back) { (language.pick("Leave it", "返回")) }
            }
        }
    };
    layout::page(viewer, &Frame { title: question.title, here: Some(question.room), live: None }, &body)
}
