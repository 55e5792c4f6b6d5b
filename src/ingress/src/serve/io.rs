//! A stream that gives up on a reader who takes nothing, and lets one who is still sending hear the answer.

use std::{
    io::{Error, ErrorKind, IoSlice, Result},
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// How long a client that was refused in the middle of its request may go on sending.
const LINGER: Duration = Duration::from_secs(3);

/// A stream with a limit on stalled writes. A client that asks for a file and then reads none of it would
/// otherwise hold its connection for as long as TCP does.
pub(super) struct Guarded<S> {
    stream: S,
    write_timeout: Duration,
    /// Runs while a write waits, and at the end while the client is heard out: one timer for the connection's life.
    timer: Pin<Box<Sleep>>,
    is_stalled: bool,
    closing: Closing,
}

/// How far the end of a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closing {
    NotYet,
    /// Our side is closed.
    Shut,
    /// The client was still sending then: what it sends is read and forgotten. To close now would make its kernel throw
    /// our answer away.
    Lingering,
}

impl<S> Guarded<S> {
    pub(super) fn new(stream: S, write_timeout: Duration) -> Self {
        let timer = Box::pin(sleep_until(Instant::now()));
        Self { stream, write_timeout, timer, is_stalled: false, closing: Closing::NotYet }
    }

    /// Passes on what a write says, unless writes have waited too long.
    fn guard<T>(&mut self, written: Poll<Result<T>>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        if written.is_ready() {
            self.is_stalled = false;
            return written;
        }
        if !self.is_stalled {
            self.is_stalled = true;
            self.timer.as_mut().reset(Instant::now() + self.write_timeout);
        }
        if self.timer.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the client takes nothing of the answer")));
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + Unpin> Guarded<S> {
    /// Hears the client out, if it is still sending.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut scratch = [MaybeUninit::uninit(); 8 << 10];
        loop {
            let mut scratch = ReadBuf::uninit(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(cx, &mut scratch) {
                Poll::Ready(Ok(())) if scratch.filled().is_empty() => return Poll::Ready(()),
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending if self.closing == Closing::Shut => return Poll::Ready(()),
                Poll::Pending => return self.timer.as_mut().poll(cx),
            }
            if self.closing == Closing::Shut {
                self.closing = Closing::Lingering;
                self.timer.as_mut().reset(Instant::now() + LINGER);
            }
            // A client that never stops must not keep this loop either.
            if self.timer.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.guard(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.guard(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.guard(flushed, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.closing == Closing::NotYet {
            let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
            ready!(self.guard(shut, cx))?;
            self.closing = Closing::Shut;
        }
        self.poll_linger(cx).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    const TIMEOUT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_is_waited_for_and_one_that_stopped_is_not() {
        let (mut client, server) = tokio::io::duplex(1);
        let mut server = Guarded::new(server, TIMEOUT);
        let slow = async {
            for _ in 0..5 {
                tokio::time::sleep(TIMEOUT * 9 / 10).await;
                client.read_u8().await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(server.write_all(b"12345"), slow);
        written.unwrap();
        assert_eq!(server.write_all(b"67").await.unwrap_err().kind(), ErrorKind::TimedOut);
    }
}
