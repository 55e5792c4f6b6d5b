//! One channel's worth of consuming. Whatever fails here ends the session; its unsettled deliveries are then the
//! broker's again, and settlements that still come for them are ignored.

use std::{pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use drover_messages::Queue;
use futures_util::{FutureExt, StreamExt, future::try_join_all, stream::FuturesUnordered};
use lapin::{
    Acker, Channel, Consumer,
    message::Delivery,
    options::{BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions},
    types::FieldTable,
};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout, timeout_at},
};

use crate::{
    BrokerError, PublishError,
    feed::{Action, FeedControl, FeedEnd, FeedOptions, RawDelivery, Receipt, Settle},
    rabbit::{
        PAUSE_BEFORE_CLOSE, Rabbit,
        backoff::Backoff,
        connection::{RPC_LIMIT, operate, setup},
        outstanding::Outstanding,
        properties::Letter,
        publisher::Parcel,
    },
    size,
};

/// How long a settled delivery behind an open one waits for it, to be acknowledged with it.
const SINGLE_ACK_TICK: Duration = Duration::from_millis(20);
/// Settlements that are carried out before deliveries are looked at again.
const SETTLE_BURST: usize = 1_024;
/// Deliveries that are passed on before settlements are looked at again.
const DELIVERY_BURST: usize = 256;

/// A message on its way to another queue.
type Move = Pin<Box<dyn Future<Output = Receipt> + Send>>;

pub(super) struct Session {
    rabbit: Arc<Rabbit>,
    queue: Queue,
    channel: Channel,
    consumer: Consumer,
    outstanding: Outstanding,
    moves: FuturesUnordered<Move>,
}

impl Session {
    /// Declares what the worker needs and starts consuming.
    pub(super) async fn open(
        rabbit: &Arc<Rabbit>,
        queue: Queue,
        options: &FeedOptions,
        control: &FeedControl,
    ) -> Result<Self, BrokerError> {
        let channel = rabbit.consuming.channel().await?;
        rabbit.topology.declare(&channel, queue).await?;
        let per_consumer = BasicQosOptions { global: false };
        setup("setting the prefetch", channel.basic_qos(options.prefetch, per_consumer)).await?;
        let name = rabbit.names.work(queue);
        // The tag shows in the broker's list of consumers, and must be unique within the channel only.
        let tag: String = options.name.chars().take(200).collect();
        let consuming = channel.basic_consume(
            name.as_str().into(),
            lapin::types::ShortString::try_new(tag).unwrap_or_default(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let consumer = setup(format!("consuming {name}"), consuming).await?;
        Ok(Self {
            rabbit: Arc::clone(rabbit),
            queue,
            channel,
            consumer,
            outstanding: Outstanding::new(control.begin_session()),
            moves: FuturesUnordered::new(),
        })
    }

    /// Consumes until it fails, or is told to stop and has given back what is left.
    pub(super) async fn run(mut self, end: &mut FeedEnd) -> Result<(), BrokerError> {
        let FeedEnd { deliveries, settles, control } = end;
        let mut settled = Vec::with_capacity(SETTLE_BURST);
        let mut tick = interval(SINGLE_ACK_TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = control.stop.cancelled() => break,
                count = settles.recv_many(&mut settled, SETTLE_BURST) => {
                    if count == 0 {
                        break;
                    }
                    self.carry_out(&mut settled);
                    self.acknowledge_front().await?;
                }
                Some(receipt) = self.moves.next(), if !self.moves.is_empty() => {
                    self.outstanding.done(receipt);
                    self.acknowledge_front().await?;
                }
                _ = tick.tick() => self.acknowledge_behind().await?,
                delivery = self.consumer.next() => {
                    self.deliver(delivery, deliveries)?;
                    for _ in 0..DELIVERY_BURST {
                        let Some(delivery) = self.consumer.next().now_or_never() else { break };
                        self.deliver(delivery, deliveries)?;
                    }
                }
            }
        }
        self.stop(settles, control).await
    }

    fn deliver(
        &mut self,
        delivery: Option<lapin::Result<Delivery>>,
        deliveries: &mpsc::UnboundedSender<RawDelivery>,
    ) -> Result<(), BrokerError> {
        let delivery = match delivery {
            Some(Ok(delivery)) => delivery,
            Some(Err(error)) => return Err(BrokerError::in_operation("consuming", error)),
            None => return Err(BrokerError::Ended { what: format!("consuming {}", self.queue) }),
        };
        let Delivery { delivery_tag, exchange, routing_key, redelivered, properties, data, acker } = delivery;
        let letter = Letter::read(exchange.as_str(), routing_key.as_str(), &properties);
        let (body, too_large) = size::keep(self.queue, Bytes::from(data));
        let (key, trace, message_id) = (letter.routing_key.clone(), letter.trace, letter.message_id);
        let receipt = self
            .outstanding
            .add(delivery_tag, acker, letter, body.clone())
            .ok_or_else(|| BrokerError::Ended { what: "the order of deliveries".into() })?;
        // A worker that is gone has cancelled the token too.
        let _ =
            deliveries.send(RawDelivery { receipt, body, too_large, routing_key: key, trace, redelivered, message_id });
        Ok(())
    }

    fn carry_out(&mut self, settled: &mut Vec<Settle>) {
        for Settle { receipt, action } in settled.drain(..) {
            match action {
                Action::Done => self.outstanding.done(receipt),
                Action::Retry { after, reason } => {
                    self.put_off(receipt, after, |letter| letter.attempt += 1, Some(&reason));
                }
                Action::Later { after } => self.put_off(receipt, after, |_| {}, None),
                Action::Newer { after } => self.put_off(receipt, after, |letter| letter.waits += 1, None),
                Action::Dead { reason } => {
                    self.move_to(receipt, self.rabbit.dead_letters(self.queue), |_| {}, Some(&reason));
                }
            }
        }
    }

    fn put_off(&mut self, receipt: Receipt, after: Duration, count: fn(&mut Letter), reason: Option<&str>) {
        let delay = self.rabbit.config.fitting_delay(after);
        self.move_to(receipt, self.rabbit.names.retry(self.queue, delay), count, reason);
    }

    /// Publishes the message to another queue. Only when that is confirmed is the delivery done.
    fn move_to(&mut self, receipt: Receipt, queue: String, count: fn(&mut Letter), reason: Option<&str>) {
        let Some((mut letter, body)) = self.outstanding.take_parcel(receipt) else { return };
        count(&mut letter);
        let properties = letter.forwarded(reason);
        let rabbit = Arc::clone(&self.rabbit);
        self.moves.push(Box::pin(async move {
            let mut backoff = Backoff::default();
            loop {
                let parcel = Parcel::to_queue(queue.clone(), body.clone(), properties.clone());
                match rabbit.publisher.publish(vec![parcel]).await.pop() {
                    Some(Ok(())) | None => return receipt,
                    // Unsettled, the delivery is safe: at worst the session ends and the broker delivers it again.
                    Some(Err(error)) => {
                        // There may be hundreds of them, and of an outage the process has spoken.
                        if matches!(error, PublishError::Connection(_)) {
                            tracing::debug!(queue, %error, "a message cannot be put aside yet");
                        } else {
                            tracing::warn!(queue, %error, "a message cannot be put aside yet");
                        }
                        sleep(backoff.next()).await;
                    }
                }
            }
        }));
    }

    /// Acknowledges the settled deliveries at the front, all at once. The client may reorder acknowledgements that
    /// overlap, and the broker closes the channel on a tag that it has just forgotten: so never two at a time.
    async fn acknowledge_front(&mut self) -> Result<(), BrokerError> {
        match self.outstanding.take_settled_front() {
            Some(acker) => acknowledge(&acker, true).await,
            None => Ok(()),
        }
    }

    async fn acknowledge_behind(&mut self) -> Result<(), BrokerError> {
        let ackers = self.outstanding.take_settled_behind();
        try_join_all(ackers.iter().map(|acker| acknowledge(acker, false))).await?;
        Ok(())
    }

    /// The orderly end: no more deliveries, the settlements of handlers in flight, the rest back to the queue.
    async fn stop(
        mut self,
        settles: &mut mpsc::UnboundedReceiver<Settle>,
        control: &FeedControl,
    ) -> Result<(), BrokerError> {
        let cancel = self.channel.basic_cancel(self.consumer.tag(), BasicCancelOptions::default());
        operate("cancelling the consumer", cancel).await?;
        let mut settled = Vec::with_capacity(SETTLE_BURST);
        while !control.drained.is_cancelled() {
            tokio::select! {
                () = control.drained.cancelled() => {}
                count = settles.recv_many(&mut settled, SETTLE_BURST) => {
                    if count == 0 {
                        break;
                    }
                    self.carry_out(&mut settled);
                    self.acknowledge_front().await?;
                }
                Some(receipt) = self.moves.next(), if !self.moves.is_empty() => self.outstanding.done(receipt),
            }
        }
        while let Ok(settle) = settles.try_recv() {
            settled.push(settle);
        }
        self.carry_out(&mut settled);
        let deadline = Instant::now() + self.rabbit.config.publish_deadline;
        while !self.moves.is_empty() {
            // What could not be put aside by then goes back to the queue.
            let Ok(Some(receipt)) = timeout_at(deadline, self.moves.next()).await else { break };
            self.outstanding.done(receipt);
        }
        self.acknowledge_front().await?;
        self.acknowledge_behind().await?;
        self.give_back_and_close().await
    }

    /// Takes from the client what it had buffered, so that one `nack` covers every delivery.
    async fn give_back_and_close(mut self) -> Result<(), BrokerError> {
        let mut last = self.outstanding.into_last_open();
        // The stream ends behind the last delivery before the cancellation.
        while let Ok(Some(Ok(delivery))) = timeout(RPC_LIMIT, self.consumer.next()).await {
            last = Some(delivery.acker);
        }
        if let Some(acker) = last {
            let all = BasicNackOptions { multiple: true, requeue: true };
            operate("giving deliveries back", acker.nack(all)).await?;
        }
        sleep(PAUSE_BEFORE_CLOSE).await;
        operate("closing the channel", self.channel.close(200, "stopped".into())).await
    }
}

async fn acknowledge(acker: &Acker, multiple: bool) -> Result<(), BrokerError> {
    if operate("acknowledging", acker.ack(BasicAckOptions { multiple })).await? {
        Ok(())
    } else {
        // The channel has ended, and with it the delivery.
        Err(BrokerError::Ended { what: "the channel".into() })
    }
}
