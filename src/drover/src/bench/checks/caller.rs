//! Who calls: a connection that stays, and the devices that share it.

use std::{net::SocketAddr, pin::Pin, time::Duration};

use anyhow::{Context, bail};
use drover_service::Clock;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use hyper::{
    body::Bytes,
    client::conn::http1::{self, Connection, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::Instant};

use super::{
    answer::fault_of_health,
    call::{Body, Device, health},
};
use crate::system::SystemClock;

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// `/healthz`.
    Health,
    /// The check of the device whose turn it is.
    Check,
}

/// How long is called.
#[derive(Debug, Clone, Copy)]
pub(super) enum Until {
    /// No call begins after so long.
    After(Duration),
    /// Until each device has had its turn.
    EachOnce,
}

/// What was seen of some calls.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// How long each took, in microseconds.
    pub(super) took_us: Vec<u32>,
    /// Answers that were wrong.
    pub(super) wrong: usize,
    /// The first of them.
    pub(super) example: Option<String>,
}

/// A connection and its devices.
pub(super) struct Caller {
    sender: SendRequest<Body>,
    /// Carries what is sent; it moves only while somebody waits for an answer, in the same task, which no other one has to
    /// wake up.
    connection: Pin<Box<Connection<TokioIo<TcpStream>, Body>>>,
    turns: Turns,
}

/// The devices of a connection, by turns.
struct Turns {
    devices: Vec<Device>,
    next: usize,
    /// The time of the last check.
    last_ms: i64,
    /// The time that no check of this lap may be earlier than: nobody checks twice at one time.
    floor_ms: i64,
}

impl Turns {
    /// The device whose turn it is, and the time of its check.
    fn take(&mut self, now_ms: i64) -> Option<(&Device, i64)> {
        if self.next >= self.devices.len() {
            (self.next, self.floor_ms) = (0, self.last_ms + 1);
        }
        self.last_ms = now_ms.max(self.floor_ms).max(self.last_ms);
        self.next += 1;
        self.devices.get(self.next - 1).map(|device| (device, self.last_ms))
    }
}

impl Caller {
    /// Connects.
    pub(super) async fn connect(address: SocketAddr, devices: Vec<Device>) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let turns = Turns { devices, next: 0, last_ms: 0, floor_ms: 0 };
        Ok(Self { sender, connection: Box::pin(connection), turns })
    }

    /// Calls, one call after the other.
    pub(super) async fn run(&mut self, asked: Asked, until: Until) -> anyhow::Result<Tally> {
        let Self { sender, connection, turns } = self;
        tokio::select! {
            // First what is to be sent, then the sending.
            biased;
            tally = calls(sender, turns, asked, until) => tally,
            ended = connection => match ended {
                Ok(()) => bail!("the server closed a connection"),
                Err(error) => Err(error).context("a connection broke"),
            },
        }
    }
}

async fn calls(sender: &mut SendRequest<Body>, turns: &mut Turns, asked: Asked, until: Until) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    let mut left = turns.devices.len();
    let mut started = Instant::now();
    let end = match until {
        Until::After(time) => Some(started + time),
        Until::EachOnce => None,
    };
    while end.map_or(left > 0, |end| started < end) {
        let fault = match asked {
            Asked::Health => {
                let (status, body) = answered(sender, health()?).await?;
                fault_of_health(status, &body)
            }
            Asked::Check => {
                let taken = turns.take(SystemClock.now().timestamp_millis());
                let (device, now_ms) = taken.context("a connection without devices")?;
                let (status, body) = answered(sender, device.check(now_ms)?).await?;
                device.expected.fault_of(status, &body)
            }
        };
        let ended = Instant::now();
        tally.took_us.push(u32::try_from((ended - started).as_micros()).unwrap_or(u32::MAX));
        if let Some(fault) = fault {
            tally.wrong += 1;
            tally.example.get_or_insert(fault);
        }
        started = ended;
        left = left.saturating_sub(1);
    }
    Ok(tally)
}

async fn answered(sender: &mut SendRequest<Body>, request: Request<Body>) -> hyper::Result<(StatusCode, Bytes)> {
    sender.ready().await?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::checks::{
        answer::Expected,
        call::{Application, Installed},
    };

    #[test]
    fn nobody_checks_twice_at_one_time() {
        let application = Application { app_key: "a".into(), secret: "s".into(), tenant: 1 };
        let device = |uuid: &str| {
            let expected = Expected { entries: 0, package: Some(uuid.to_owned()) };
            Device::new(&application, (uuid, "o"), &Installed::new("[]".into()), expected).unwrap()
        };
        let mut turns = Turns { devices: vec![device("a"), device("b")], next: 0, last_ms: 0, floor_ms: 0 };
        let taken = [100, 100, 100, 100, 100, 103, 99, 104].map(|now_ms| {
            let (device, at_ms) = turns.take(now_ms).unwrap();
            (device.expected.package.clone().unwrap(), at_ms)
        });
        let times = |uuid: &str| -> Vec<i64> {
            taken.iter().filter(|(device, _)| device == uuid).map(|(_, at_ms)| *at_ms).collect()
        };
        assert_eq!(times("a"), [100, 101, 102, 104]);
        assert_eq!(times("b"), [100, 101, 103, 104]);
    }
}
