//! What the queues look like: how much is in them by AMQP, which is exact, and what only the management API knows.

use std::sync::atomic::Ordering;

use drover_messages::Queue;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    Rabbit, inspect,
    management::{Management, ManagementError, QueueFigures},
};
use crate::{BrokerError, QueueState};

/// Calls of the management API at a time.
const AT_ONCE: usize = 4;

pub(super) async fn read(rabbit: &Rabbit) -> Result<Vec<QueueState>, BrokerError> {
    let queues: Vec<Queue> = Queue::all().collect();
    let figures = figures(rabbit, &queues).await;
    let channel = rabbit.consuming.channel().await?;
    let mut states = Vec::with_capacity(queues.len());
    for (index, queue) in queues.into_iter().enumerate() {
        let work = inspect::look(&channel, &rabbit.names.work(queue)).await?;
        let (mut retrying, mut dead) = (0, 0);
        for delay in &rabbit.config.retry_delays {
            retrying += inspect::look(&channel, &rabbit.names.retry(queue, *delay)).await?.messages;
        }
        for name in rabbit.dead_queues(queue) {
            dead += inspect::look(&channel, &name).await?.messages;
        }
        let figures = figures.as_ref().and_then(|figures| figures.get(index));
        states.push(QueueState {
            queue,
            ready: work.messages,
            unacked: figures.map(|figures| figures.unacked),
            consumers: work.consumers,
            published_per_s: figures.map(|figures| figures.published_per_s),
            delivered_per_s: figures.map(|figures| figures.delivered_per_s),
            retrying,
            dead,
        });
    }
    Ok(states)
}

/// What the management API says of the queues, in their order; `None` when there is none or it does not answer, which is
/// said once.
async fn figures(rabbit: &Rabbit, queues: &[Queue]) -> Option<Vec<QueueFigures>> {
    let management = rabbit.config.management.as_ref()?;
    match ask(rabbit, management, queues).await {
        Ok(figures) => {
            rabbit.is_silence_said.store(false, Ordering::Relaxed);
            Some(figures)
        }
        Err(error) => {
            if rabbit.is_silence_said.swap(true, Ordering::Relaxed) {
                tracing::debug!(%error, "the queues' rates are not known");
            } else {
                tracing::warn!(%error, "the queues' rates are not known until the management API answers");
            }
            None
        }
    }
}

async fn ask(rabbit: &Rabbit, management: &Management, queues: &[Queue]) -> Result<Vec<QueueFigures>, ManagementError> {
    let vhost = rabbit.config.url.as_ref().map_or("/", |url| url.vhost());
    let names: Vec<String> = queues.iter().map(|queue| rabbit.names.work(*queue)).collect();
    // One by one: in a list of all queues there is one for each device's session too.
    let each = names.into_iter().map(|name| async move { management.queue(vhost, &name).await });
    stream::iter(each).buffered(AT_ONCE).try_collect().await
}
