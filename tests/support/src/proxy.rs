//! A TCP proxy that a test puts between a process and its server, and that can be told to fail.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// The most bytes that travel at once, and so the unit of [`Line::Slow`].
const CHUNK_BYTES: usize = 16 * 1024;

/// How the line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// As if there were no proxy.
    Whole,
    /// Every connection is reset, and so is every new one.
    Cut,
    /// Connections stay and new ones are made, but no byte goes through: a firewall that has forgotten them.
    Frozen,
    /// Each chunk of bytes, either way, waits that long before it goes on.
    Slow(Duration),
}

/// A proxy on a port of its own. It ends when it is dropped, and its connections with it.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    line: watch::Sender<Line>,
    listening: JoinHandle<()>,
}

impl Proxy {
    /// Begins to pass connections on to a port of this machine.
    pub async fn to(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("the machine has a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let line = watch::Sender::new(Line::Whole);
        let listening = tokio::spawn(listen(listener, target, line.clone()));
        Self { port, line, listening }
    }

    /// The port to connect to instead of the server's.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes how the line is, for connections that exist and for new ones.
    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
        self.set(Line::Cut);
    }
}

async fn listen(listener: TcpListener, target: u16, line: watch::Sender<Line>) {
    // An error concerns one connection, or is the lack of files that the next look may no longer find.
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(carry(stream, target, line.subscribe()))),
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    }
}

/// One connection, from its beginning to its end.
async fn carry(mut near: TcpStream, target: u16, line: watch::Receiver<Line>) {
    let mut far = None;
    if *line.borrow() != Line::Cut
        && let Ok(connected) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await
    {
        let far = far.insert(connected);
        // What is small must not wait for more: the delays are ours to make.
        let _ = near.set_nodelay(true).and_then(|()| far.set_nodelay(true));
        let ((from_near, to_near), (from_far, to_far)) = (near.split(), far.split());
        tokio::select! {
            () = pump(from_near, to_far, line.clone()) => {}
            () = pump(from_far, to_near, line.clone()) => {}
            () = until_cut(line.clone()) => {}
        }
    }
    if *line.borrow() == Line::Cut {
        // Dropped like this, a connection is reset.
        let _ = near.set_zero_linger();
        far.map(|far| far.set_zero_linger());
    }
}

/// Carries bytes one way until one end is through.
async fn pump(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut line: watch::Receiver<Line>) {
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        let now = *line.borrow();
        if let Line::Slow(delay) = now {
            sleep(delay).await;
        }
        let is_gone = line.wait_for(|line| *line != Line::Frozen).await.is_err();
        if is_gone || to.write_all(&chunk[..length]).await.is_err() {
            return;
        }
    }
}

async fn until_cut(mut line: watch::Receiver<Line>) {
    // An error: the proxy is gone.
    let _ = line.wait_for(|line| *line == Line::Cut).await;
}
