//! What the handlers of this API share.

use std::{ops::Deref, sync::Arc};

use axum::extract::FromRef;

use super::replay::Replays;
use crate::{AppState, body::Budget};

/// What each handler of this API is given: the state of the process, and what the API keeps between calls.
#[derive(Clone)]
pub(crate) struct Gateway {
    app: AppState,
    /// The room for bodies.
    pub(super) bodies: Budget,
    /// The calls of the last minutes.
    pub(super) replays: Arc<Replays>,
}

impl Gateway {
    /// A gateway that has seen no call yet.
    pub(crate) fn new(app: AppState) -> Self {
        let limits = app.limits;
        // The largest body must fit. A call that waits for room needs the rest of its time to be read and answered.
        let room = limits.body_budget_bytes.max(limits.max_body_bytes);
        let bodies = Budget::new(room, limits.request_timeout / 2);
        Self { app, bodies, replays: Arc::default() }
    }
}

impl Deref for Gateway {
    type Target = AppState;

    fn deref(&self) -> &AppState {
        &self.app
    }
}

impl FromRef<Gateway> for AppState {
    fn from_ref(gateway: &Gateway) -> Self {
        gateway.app.clone()
    }
}
