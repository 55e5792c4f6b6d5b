//! One connection of one device, from CONNECT to DISCONNECT or to its loss. What was under way when it was lost starts
//! anew on the next: a report that nobody acknowledged is sent again, and the broker sends again every command that the
//! fleet did not take.

use std::{convert::Infallible, time::Duration};

use drover_messages::Message;
use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, Incoming, MqttOptions, NetworkOptions, Outgoing,
    Publish, QoS, SubscribeReasonCode,
};
use tokio::sync::mpsc;

use super::{
    super::{Arrival, DeviceToken, switchboard::Tally},
    session::Outbox,
};

/// The time between signs of life. The broker takes a device for gone after one and a half of it.
const KEEP_ALIVE: Duration = Duration::from_mins(1);
/// From the first packet to the subscription. Whoever answers for the broker may have many to look at.
const OPEN_LIMIT: Duration = Duration::from_secs(20);
/// For a name to be resolved and a connection to stand, and for bytes to go out, in seconds.
const NETWORK_LIMIT_S: u64 = 15;
/// The largest message that is taken or sent, in bytes.
const PACKET_MAX: usize = 64 * 1024;
/// Commands that a device holds at a time: more than any broker sends before the first is acknowledged.
const HELD_MAX: usize = 256;
/// Requests on their way to the event loop: an acknowledgement for each command held, a report and a few more.
const REQUESTS_MAX: usize = HELD_MAX + 8;
/// The client's window. One report is under way at a time, in order; the rest is room for what is not counted.
const INFLIGHT: u16 = 4;

/// Where devices connect.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectionProblem {
    /// The broker does not let the device in.
    #[error("the broker refused the login: {0:?}")]
    Login(ConnectReturnCode),
    /// The broker does not let the device listen.
    #[error("the broker refused the subscription")]
    Subscription,
    /// The broker took too long.
    #[error("no subscription after {OPEN_LIMIT:?}")]
    Slow,
    /// The broker sends more than one device can hold.
    #[error("more than {HELD_MAX} commands came before the first was acknowledged")]
    TooMuch,
    /// A report cannot be written.
    #[error("a report cannot be encoded")]
    Report(#[source] serde_json::Error),
    /// Anything else.
    #[error(transparent)]
    Network(Box<ConnectionError>),
}

impl ConnectionProblem {
    /// Whether the broker answered, and said no.
    pub(super) const fn is_refusal(&self) -> bool {
        matches!(self, Self::Login(_) | Self::Subscription)
    }
}

impl From<ConnectionError> for ConnectionProblem {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::ConnectionRefused(code) => Self::Login(code),
            error => Self::Network(Box::new(error)),
        }
    }
}

/// Acknowledges a command on the connection that it came by. When that is no more, nothing happens: the broker sends the
/// command again.
#[derive(Debug)]
pub(in crate::fleet::link) struct Receipt {
    client: AsyncClient,
    publish: Publish,
}

impl Receipt {
    pub(in crate::fleet::link) fn acknowledge(self) {
        let _ = self.client.try_ack(&self.publish);
    }
}

/// An open connection whose subscription stands.
pub(super) struct Connection {
    uuid: String,
    client: AsyncClient,
    events: EventLoop,
    inbox: mpsc::Receiver<Publish>,
    acknowledgements: mpsc::Receiver<()>,
    signals: Signals,
}

/// Where what comes in goes.
struct Signals {
    inbox: mpsc::Sender<Publish>,
    /// The one report under way was acknowledged.
    acknowledged: mpsc::Sender<()>,
}

impl Connection {
    pub(super) async fn open(server: &Server, device: &DeviceToken) -> Result<Self, ConnectionProblem> {
        let (client, mut events) = AsyncClient::new(options(server, device), REQUESTS_MAX);
        let mut network = NetworkOptions::new();
        network.set_connection_timeout(NETWORK_LIMIT_S);
        network.set_tcp_nodelay(true);
        events.set_network_options(network);
        let (held, inbox) = mpsc::channel(HELD_MAX);
        let (acknowledged, acknowledgements) = mpsc::channel(1);
        let signals = Signals { inbox: held, acknowledged };
        let mut connection = Self { uuid: device.uuid.clone(), client, events, inbox, acknowledgements, signals };
        match tokio::time::timeout(OPEN_LIMIT, connection.subscribe()).await {
            Ok(subscribed) => subscribed.map(|()| connection),
            Err(_) => Err(ConnectionProblem::Slow),
        }
    }

    /// A session that is known sends its commands before the subscription is confirmed: they are taken already.
    async fn subscribe(&mut self) -> Result<(), ConnectionProblem> {
        // The queue of requests is new and empty.
        let _ = self.client.try_subscribe(format!("devices/{}/commands", self.uuid), QoS::AtLeastOnce);
        loop {
            match self.events.poll().await? {
                Event::Incoming(Incoming::SubAck(answer)) => {
                    let granted = |code: &SubscribeReasonCode| matches!(code, SubscribeReasonCode::Success(_));
                    return if answer.return_codes.iter().all(granted) {
                        Ok(())
                    } else {
                        Err(ConnectionProblem::Subscription)
                    };
                }
                event => self.signals.note(event)?,
            }
        }
    }

    /// Takes commands and sends reports, until there are none and the device has taken its leave.
    pub(super) async fn run(
        &mut self,
        commands: &mpsc::Sender<Arrival>,
        outbox: &mut Outbox,
        tally: &Tally,
    ) -> Result<(), ConnectionProblem> {
        let Self { uuid, client, events, inbox, acknowledgements, signals } = self;
        // Side by side to the end: the event loop is polled whatever the others wait for, and never stopped half-way.
        tokio::select! {
            ended = drive(events, signals) => ended,
            never = forward(uuid, client, inbox, commands) => match never {},
            problem = report(uuid, client, outbox, acknowledgements, tally) => Err(problem),
        }
    }
}

fn options(Server { host, port }: &Server, DeviceToken { uuid, token }: &DeviceToken) -> MqttOptions {
    let mut options = MqttOptions::new(uuid, host, *port);
    options
        .set_credentials(uuid, token.expose())
        .set_clean_session(false)
        .set_keep_alive(KEEP_ALIVE)
        .set_manual_acks(true)
        .set_inflight(INFLIGHT)
        .set_max_packet_size(PACKET_MAX, PACKET_MAX);
    options
}

impl Signals {
    /// Never waits: the connection's signs of life must go on.
    fn note(&self, event: Event) -> Result<(), ConnectionProblem> {
        match event {
            Event::Incoming(Incoming::Publish(publish)) => {
                self.inbox.try_send(publish).map_err(|_| ConnectionProblem::TooMuch)
            }
            Event::Incoming(Incoming::PubAck(_)) => {
                // One is under way at a time, so there is room.
                let _ = self.acknowledged.try_send(());
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Moves bytes, until the device's leave is out.
async fn drive(events: &mut EventLoop, signals: &Signals) -> Result<(), ConnectionProblem> {
    loop {
        match events.poll().await? {
            Event::Outgoing(Outgoing::Disconnect) => return Ok(()),
            event => signals.note(event)?,
        }
    }
}

/// Hands commands to the fleet. Once the fleet takes no more, they stay with the broker.
async fn forward(
    uuid: &str,
    client: &AsyncClient,
    inbox: &mut mpsc::Receiver<Publish>,
    commands: &mpsc::Sender<Arrival>,
) -> Infallible {
    while let Some(publish) = inbox.recv().await {
        let body = publish.payload.clone();
        let receipt = Some(Receipt { client: client.clone(), publish });
        if commands.send(Arrival { device: uuid.to_owned(), body, receipt }).await.is_err() {
            break;
        }
    }
    std::future::pending().await
}

/// Sends one report after the other, each when the one before was acknowledged, and takes leave after the last. Returns
/// only with a problem.
async fn report(
    uuid: &str,
    client: &AsyncClient,
    outbox: &mut Outbox,
    acknowledgements: &mut mpsc::Receiver<()>,
    tally: &Tally,
) -> ConnectionProblem {
    let topic = format!("devices/{uuid}/reports");
    loop {
        if outbox.unsent.is_none() {
            outbox.unsent = outbox.reports.recv().await;
        }
        let Some(given) = &outbox.unsent else { break };
        let body = match given.report.encode() {
            Ok(body) => body,
            Err(error) => {
                outbox.unsent = None;
                tally.note_failures(1);
                return ConnectionProblem::Report(error);
            }
        };
        // It fails when the event loop has ended, and then so does this.
        let _ = client.publish(&topic, QoS::AtLeastOnce, false, body).await;
        if acknowledgements.recv().await.is_some()
            && let Some(given) = outbox.unsent.take()
        {
            tally.note_sent(&given);
        }
    }
    let _ = client.disconnect().await;
    std::future::pending().await
}
