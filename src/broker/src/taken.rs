//! Dead messages on their way to whoever keeps them.

use crate::{BrokerError, DeadMessage, in_process, rabbit};

/// Dead messages that were taken, and that the broker holds until they are [forgotten](Self::forget). Dropped before that,
/// they go back to where they were.
#[derive(Debug)]
pub struct TakenDead {
    messages: Vec<DeadMessage>,
    hold: Hold,
}

/// What keeps them from being taken by others.
#[derive(Debug)]
pub(crate) enum Hold {
    Rabbit(rabbit::DeadHold),
    InProcess(in_process::DeadHold),
}

impl TakenDead {
    pub(crate) fn new(messages: Vec<DeadMessage>, hold: Hold) -> Self {
        Self { messages, hold }
    }

    /// The messages, oldest first.
    pub fn messages(&self) -> &[DeadMessage] {
        &self.messages
    }

    /// Lets the broker forget them: they are kept elsewhere now. After an error they may come again.
    pub async fn forget(self) -> Result<(), BrokerError> {
        match self.hold {
            Hold::Rabbit(hold) => hold.forget().await,
            Hold::InProcess(hold) => {
                hold.forget();
                Ok(())
            }
        }
    }
}
