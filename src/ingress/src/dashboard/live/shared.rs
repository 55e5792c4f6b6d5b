//! What streams share: places, of which there are so many, and what was rendered of the newest reading.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use drover_domain::OperatorId;
use drover_service::{Reach, Snapshot};
use maud::PreEscaped;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Fragment, LivePage};
use crate::dashboard::{language::Language, session::Viewer};

/// Viewers of a process.
const PLACES: usize = 1000;
/// Of these, those of one operator, whatever it shows on its walls: none keeps the others out.
const PLACES_OF_ONE: usize = 300;

/// Events by the element that each is about, ready to be written.
type Rendered = Arc<[(&'static str, Arc<str>)]>;

/// What streams share; clones are the same one.
#[derive(Clone)]
pub(crate) struct Streams {
    places: Arc<Semaphore>,
    /// By operator, how many places are taken.
    taken: Arc<Mutex<HashMap<OperatorId, usize>>>,
    rendered: Arc<Mutex<HashMap<Key, (u64, Rendered)>>>,
}

/// A viewer's place, until it is dropped.
pub(super) struct Place {
    operator: OperatorId,
    taken: Arc<Mutex<HashMap<OperatorId, usize>>>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = taken.get_mut(&self.operator) {
            *places -= 1;
            if *places == 0 {
                taken.remove(&self.operator);
            }
        }
    }
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
        Self { places: Arc::new(Semaphore::new(PLACES)), taken: Arc::default(), rendered: Arc::default() }
    }

    /// A place for an operator; `None` when all are taken, or it has too many.
    pub(super) fn take_place(&self, operator: OperatorId) -> Option<Place> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let places = taken.entry(operator).or_default();
        if *places >= PLACES_OF_ONE {
            return None;
        }
        *places += 1;
        drop(taken);
        Some(Place { operator, taken: Arc::clone(&self.taken), _permit: permit })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_for_one_and_for_all_and_come_back() {
        let streams = Streams::new();
        let take = |operator: i64| streams.take_place(OperatorId(operator));
        let mut first: Vec<Place> = (0..PLACES_OF_ONE).filter_map(|_| take(1)).collect();
        assert!(first.len() == PLACES_OF_ONE && take(1).is_none());
        let others: Vec<Place> =
            (PLACES_OF_ONE..PLACES).filter_map(|number| take(i64::try_from(number).unwrap())).collect();
        assert_eq!(first.len() + others.len(), PLACES);
        assert!(take(2).is_none(), "nothing is left");
        first.pop();
        assert!(take(1).is_some());
        assert!(take(2).is_some(), "one after the other");
        drop((first, others));
        assert!(streams.taken.lock().unwrap().is_empty());
    }
}
