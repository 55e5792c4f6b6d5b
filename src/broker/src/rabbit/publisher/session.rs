//! One channel's worth of publishing, from the moment it is in confirm mode until it fails.

use std::{future::ready, pin::Pin, sync::Arc};

use futures_util::{FutureExt, Stream, StreamExt, stream::FuturesUnordered};
use lapin::{
    Channel, Confirmation, Connection, Event,
    message::BasicReturnMessage,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{
    Call, Checked, TICK,
    book::{Book, Landing},
};
use crate::{
    BrokerError,
    rabbit::{
        connection::{Connector, setup},
        returns::{Confirm, Flight},
    },
};

/// A confirm that is missing after so many deadlines will not come: better a new session than a smaller window.
const STALLED_AFTER_DEADLINES: u32 = 3;

type Landed = Result<Landing, BrokerError>;
type InFlight = FuturesUnordered<Pin<Box<dyn Future<Output = Landed> + Send>>>;

pub(super) struct Session {
    connection: Arc<Connection>,
    channel: Arc<Channel>,
    events: Pin<Box<dyn Stream<Item = Event> + Send>>,
    in_flight: InFlight,
}

impl Session {
    pub(super) async fn open(connector: &Connector) -> Result<Self, BrokerError> {
        let connection = connector.get().await?;
        let events = Box::pin(connection.events_listener());
        let channel = setup("opening a channel", connection.create_channel()).await?;
        setup("asking for confirms", channel.confirm_select(ConfirmSelectOptions::default())).await?;
        Ok(Self { connection, channel: Arc::new(channel), events, in_flight: FuturesUnordered::new() })
    }

    /// Publishes until it fails, or until `closed` and all is done.
    pub(super) async fn run(
        &mut self,
        incoming: &mut mpsc::Receiver<Call>,
        book: &mut Book,
        closed: &CancellationToken,
    ) -> Result<(), BrokerError> {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if !self.connection.status().blocked() {
                self.take_off(book);
            }
            if closed.is_cancelled() && book.is_idle() {
                return Ok(());
            }
            tokio::select! {
                biased;
                Some(first) = self.in_flight.next(), if !self.in_flight.is_empty() => self.land(first, book)?,
                call = incoming.recv(), if book.accepts() => match call {
                    Some(call) => book.accept(call),
                    None => return Ok(()),
                },
                event = self.events.next() => match event {
                    Some(Event::ConnectionBlocked(reason)) => {
                        tracing::warn!(reason, "the broker takes no messages for now");
                    }
                    Some(_) => {}
                    None => return Err(BrokerError::Ended { what: "the publishing connection".into() }),
                },
                () = closed.cancelled(), if !closed.is_cancelled() => {}
                _ = tick.tick() => self.look_around(book)?,
            }
        }
    }

    /// Hands messages to the channel as long as the window has room.
    fn take_off(&mut self, book: &mut Book) {
        while let Some((flight, parcel)) = book.take_off() {
            let mut publish = Box::pin(publish(Arc::clone(&self.channel), flight, parcel));
            // The first poll puts the message in the channel's order.
            match publish.as_mut().now_or_never() {
                // In line with the others: what landed before it must be taken in with it.
                Some(landed) => self.in_flight.push(Box::pin(ready(landed))),
                None => self.in_flight.push(publish),
            }
        }
    }

    /// Takes in this landing and all others that have come.
    fn land(&mut self, first: Landed, book: &mut Book) -> Result<(), BrokerError> {
        let mut landings = vec![first?];
        while let Some(Some(landed)) = self.in_flight.next().now_or_never() {
            landings.push(landed?);
        }
        book.land(landings);
        Ok(())
    }

    fn look_around(&self, book: &mut Book) -> Result<(), BrokerError> {
        book.expire();
        let status = self.connection.status();
        if !status.connected() || !self.channel.status().connected() {
            return Err(BrokerError::Ended { what: "the publishing connection".into() });
        }
        if !status.blocked() && book.is_stalled(STALLED_AFTER_DEADLINES) {
            return Err(BrokerError::Ended { what: "confirming, without a word".into() });
        }
        Ok(())
    }
}

async fn publish(channel: Arc<Channel>, flight: Flight, parcel: Checked) -> Landed {
    let Checked { exchange, routing_key, body, properties, message_id } = parcel;
    let options = BasicPublishOptions { mandatory: true, immediate: false };
    let failed = |error| BrokerError::in_operation("publishing", error);
    let confirm =
        channel.basic_publish(exchange.into(), routing_key, options, &body, properties).await.map_err(failed)?;
    Ok(match confirm.await.map_err(failed)? {
        Confirmation::Ack(returned) => {
            Landing::Confirmed(Confirm { flight, message_id, returned: returned.as_ref().map(describe) })
        }
        Confirmation::Nack(returned) => {
            Landing::Rejected(Confirm { flight, message_id, returned: returned.as_ref().map(describe) })
        }
        Confirmation::NotRequested => return Err(BrokerError::Ended { what: "confirm mode".into() }),
    })
}

fn describe(returned: &BasicReturnMessage) -> (String, String) {
    let message_id = returned.properties.message_id().as_ref().map(ToString::to_string).unwrap_or_default();
    (message_id, format!("{} {}", returned.reply_code, returned.reply_text))
}
