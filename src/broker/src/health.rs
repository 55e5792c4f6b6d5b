//! Whether the broker can be used, as far as is known without asking it.

/// For a readiness probe: a look at memory, no network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BrokerHealth {
    /// Every connection that is in use stands.
    pub connected: bool,
    /// Why the last attempt failed, while one does.
    pub last_error: Option<String>,
    /// The broker takes no messages for now: it is short of memory or disk.
    pub blocked: bool,
}
