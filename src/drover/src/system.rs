//! Time and chance as the machine gives them: the only place that asks.

use chrono::{DateTime, Utc};
use drover_service::{Clock, Entropy};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// The machine's clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // this is the clock
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// The machine's randomness, good enough for keys.
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        rand::fill(bytes);
    }
}

/// What the machine calls itself.
pub(crate) fn host_name() -> String {
    nix::unistd::gethostname().map_or_else(|_| "unknown".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Who has the command line, for the audit.
pub(crate) fn account_name() -> String {
    let user = nix::unistd::geteuid();
    nix::unistd::User::from_uid(user).ok().flatten().map_or_else(|| format!("uid {user}"), |user| user.name)
}

/// Lets this process have as many files and connections open as the machine allows it: the usual first limit of 1,024 is less
/// than the connections that are served at once.
pub(crate) fn raise_open_files() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(soft, hard)| if soft < hard { setrlimit(Resource::RLIMIT_NOFILE, hard, hard) } else { Ok(()) });
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}
