//! Dead messages that somebody took.

use std::sync::Arc;

use drover_messages::Queue;

use super::InProcess;
use crate::DeadMessage;

/// Puts dead messages back when it is dropped, unless they were forgotten.
#[derive(Debug)]
pub(crate) struct DeadHold {
    broker: Arc<InProcess>,
    queue: Queue,
    messages: Vec<DeadMessage>,
}

impl DeadHold {
    pub(super) fn new(broker: Arc<InProcess>, queue: Queue, messages: Vec<DeadMessage>) -> Self {
        Self { broker, queue, messages }
    }

    pub(crate) fn forget(mut self) {
        self.messages.clear();
    }
}

impl Drop for DeadHold {
    fn drop(&mut self) {
        let messages = std::mem::take(&mut self.messages);
        if !messages.is_empty() {
            self.broker.store().give_back_dead(self.queue, messages);
        }
    }
}
