//! What streams share: places, of which there are so many, and what was rendered of the newest reading.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use drover_service::{Reach, Snapshot};
use maud::PreEscaped;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Fragment, LivePage};
use crate::dashboard::{language::Language, session::Viewer};

/// Viewers of a process.
const PLACES: usize = 1000;

/// Events by the element that each is about, ready to be written.
type Rendered = Arc<[(&'static str, Arc<str>)]>;

/// What streams share; clones are the same one.
#[derive(Clone)]
pub(crate) struct Streams {
    places: Arc<Semaphore>,
    rendered: Arc<Mutex<HashMap<Key, (u64, Rendered)>>>,
}

/// Those for whom this is the same see the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    page: LivePage,
    /// The tenant and the organisation's path; `None`: the installation.
    reach: Option<(i64, String)>,
    language: Language,
    utc_offset_minutes: i16,
    may_write: bool,
}

impl Key {
    fn of(page: &LivePage, viewer: &Viewer) -> Self {
        let reach = match &viewer.actor.reach {
            Reach::Installation => None,
            Reach::Part(scope) => Some((scope.tenant.0, scope.path.as_str().to_owned())),
        };
        Self {
            page: page.clone(),
            reach,
            language: viewer.language,
            utc_offset_minutes: viewer.operator.utc_offset_minutes,
            may_write: viewer.actor.may_write,
        }
    }
}

impl Streams {
    pub(crate) fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(PLACES)), rendered: Arc::default() }
    }

    /// A place for a viewer; `None` when all are taken.
    pub(super) fn take_place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// A page as of a reading: rendered by the first who asks, for all who see the same.
    pub(super) fn rendered(&self, page: &LivePage, snapshot: &Snapshot, viewer: &Viewer) -> Rendered {
        let key = Key::of(page, viewer);
        let mut all = self.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((number, rendered)) = all.get(&key)
            && *number == snapshot.number
        {
            return Arc::clone(rendered);
        }
        // Nobody asks for what is older than the newest but those who are late, and they are few.
        all.retain(|_, (number, _)| *number + 1 >= snapshot.number);
        let rendered: Rendered = page.fragments(snapshot, viewer).into_iter().map(event).collect();
        all.insert(key, (snapshot.number, Arc::clone(&rendered)));
        rendered
    }
}

fn event(Fragment { id, html: PreEscaped(html) }: Fragment) -> (&'static str, Arc<str>) {
    // JSON has no line breaks but escaped ones, so it is one line of the event.
    let data = serde_json::json!({"id": id, "html": html});
    (id, format!("event: fragment\ndata: {data}\n\n").into())
}
