//! Devices that ask for their commands. The rows are their inbox, so there is nothing to hand over: those that wait are told
//! to look.

use drover_service::Service;
use futures_util::{FutureExt, future::BoxFuture};

use super::{Addressed, Channel, ChannelError, Handed, Handover, range_of};

/// Calls devices that wait for an answer of the ingress.
pub(crate) struct PollChannel {
    service: Service,
}

impl PollChannel {
    pub(crate) fn new(service: Service) -> Self {
        Self { service }
    }
}

impl Channel for PollChannel {
    fn send<'a>(
        &'a self,
        commands: &'a [Addressed],
        _handover: Handover,
    ) -> BoxFuture<'a, Vec<Result<Handed, ChannelError>>> {
        async move {
            if let Some(range) = range_of(commands)
                && let Err(error) = self.service.call_waiting_devices(range).await
            {
                // They look by themselves when their wait is over.
                tracing::debug!(%error, "devices that wait were not called");
            }
            commands.iter().map(|_| Ok(Handed::Absent)).collect()
        }
        .boxed()
    }
}
