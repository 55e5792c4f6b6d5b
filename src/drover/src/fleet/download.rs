//! Devices that really download their file, and look at every byte.

use std::{collections::VecDeque, fmt::Write, time::Duration};

use drover_messages::FirmwareFile;
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use super::{memory::Attempt, options::DownloadLimits};

/// A file to download, and what the device is to say afterwards.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) attempt: Attempt,
    pub(super) file: FirmwareFile,
    pub(super) twice: bool,
}

/// How a download ended.
#[derive(Debug)]
pub(super) struct Downloaded {
    pub(super) wanted: Wanted,
    pub(super) result: Result<(), DownloadProblem>,
}

/// Why a file was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum DownloadProblem {
    #[error("the server answered {0}")]
    Status(u16),
    #[error("the download broke off: {0}")]
    BrokeOff(String),
    #[error("the download took longer than {0:?}")]
    TimedOut(Duration),
    #[error("the file has {found} bytes or more instead of {expected}")]
    Size { expected: i64, found: u64 },
    #[error("the file's SHA-256 is {0}")]
    Hash(String),
    #[error("the download's task panicked")]
    Panicked,
}

impl DownloadProblem {
    /// The result code that the device reports.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Status(_) => "download_status",
            Self::BrokeOff(_) | Self::Panicked => "download_broke_off",
            Self::TimedOut(_) => "download_timed_out",
            Self::Size { .. } => "size_differs",
            Self::Hash(_) => "sha256_differs",
        }
    }
}

/// Downloads, some at a time.
#[derive(Debug)]
pub(super) struct Downloads {
    http: reqwest::Client,
    limits: DownloadLimits,
    waiting: VecDeque<Wanted>,
    running: JoinSet<Downloaded>,
}

impl Downloads {
    pub(super) fn new(http: reqwest::Client, limits: DownloadLimits) -> Self {
        Self { http, limits, waiting: VecDeque::new(), running: JoinSet::new() }
    }

    pub(super) fn add(&mut self, wanted: Wanted) {
        self.waiting.push_back(wanted);
        self.fill();
    }

    /// Downloads that have not ended.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.running.len()
    }

    /// The next download that ends; pending for ever when there is none. `None`: one panicked.
    pub(super) async fn next(&mut self) -> Option<Downloaded> {
        let Some(ended) = self.running.join_next().await else { return std::future::pending().await };
        self.fill();
        ended.inspect_err(|error| tracing::error!(%error, "{}", DownloadProblem::Panicked)).ok()
    }

    fn fill(&mut self) {
        while self.running.len() < self.limits.concurrency.max(1) {
            let Some(wanted) = self.waiting.pop_front() else { return };
            let (http, limit) = (self.http.clone(), self.limits.timeout);
            self.running.spawn(async move {
                let download = tokio::time::timeout(limit, download(&http, &wanted.file));
                let result = download.await.unwrap_or(Err(DownloadProblem::TimedOut(limit)));
                Downloaded { wanted, result }
            });
        }
    }
}

/// Downloads a file as it flows, and compares it with what the command says of it.
async fn download(http: &reqwest::Client, file: &FirmwareFile) -> Result<(), DownloadProblem> {
    let broke_off = |error: reqwest::Error| DownloadProblem::BrokeOff(error.without_url().to_string());
    let mut response = http.get(&file.url).send().await.map_err(broke_off)?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(DownloadProblem::Status(response.status().as_u16()));
    }
    let expected = u64::try_from(file.size_bytes).unwrap_or(0);
    let differs = |found| DownloadProblem::Size { expected: file.size_bytes, found };
    let (mut found, mut hash) = (0_u64, Sha256::new());
    while let Some(chunk) = response.chunk().await.map_err(broke_off)? {
        found += chunk.len() as u64;
        // What goes on and on is not read to its end.
        if found > expected {
            return Err(differs(found));
        }
        hash.update(&chunk);
    }
    if found != expected {
        return Err(differs(found));
    }
    let hash = hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    if hash.eq_ignore_ascii_case(&file.sha256) { Ok(()) } else { Err(DownloadProblem::Hash(hash)) }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    const ABC_SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    /// A server that gives every caller this answer.
    async fn serving(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/file", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        url
    }

    async fn downloaded(answer: &'static str, size_bytes: i64) -> Result<(), DownloadProblem> {
        let (url, version, md5) = (serving(answer).await, String::new(), String::new());
        let file = FirmwareFile { url, version, size_bytes, sha256: ABC_SHA256.into(), md5 };
        download(&crate::client::http_client().build().unwrap(), &file).await
    }

    #[tokio::test]
    async fn only_the_whole_and_unchanged_file_is_taken() {
        const ABC: &str = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc";
        const ABD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabd";
        const CUT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\nabc";
        const GONE: &str = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        assert_eq!(downloaded(ABC, 3).await, Ok(()));
        assert_eq!(downloaded(ABC, 4).await, Err(DownloadProblem::Size { expected: 4, found: 3 }));
        assert_eq!(downloaded(ABC, 2).await, Err(DownloadProblem::Size { expected: 2, found: 3 }));
        assert_eq!(downloaded(GONE, 3).await, Err(DownloadProblem::Status(404)));
        assert_eq!(downloaded(ABD, 3).await.unwrap_err().code(), "sha256_differs");
        assert_eq!(downloaded(CUT, 9).await.unwrap_err().code(), "download_broke_off");
    }
}
