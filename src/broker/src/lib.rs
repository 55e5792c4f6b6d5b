//! Everything RabbitMQ: topology, confirmed publishing, consuming as apalis workers, and an in-process twin.
//!
//! A [`Broker`] has two drivers. [`Broker::rabbit`] talks to RabbitMQ 3.10 and later; [`Broker::in_process`] keeps
//! everything in memory, for the embedded mode and for tests. Both pass the same conformance suite, so a worker cannot
//! tell them apart except by what survives a crash.
//!
//! What a caller may rely on:
//! - a publish that returned `Ok` is on disk in a queue: it was confirmed and it was not returned;
//! - every publish ends by its deadline, whatever the broker does;
//! - a delivery is settled only by what its [`Handler`] said, after it said so: at least once, never at most once;
//! - a delivery that cannot be read goes to the dead-letter queue with the reason, its neighbours are handled;
//! - a worker ends on its token or on an error that no reconnecting can heal, never on a transient one.

mod activity;
mod broker;
mod config;
mod delivery;
mod disposition;
mod error;
mod feed;
mod health;
mod in_process;
mod metrics;
mod names;
mod outgoing;
mod rabbit;
mod size;
mod state;
mod taken;
mod topic;
mod url;
mod worker;

pub use activity::Activity;
pub use broker::Broker;
pub use config::BrokerConfig;
pub use delivery::{Batch, DeadMessage, Delivery};
pub use disposition::{Disposition, Handler};
pub use error::{BrokerError, PublishError, WorkerError};
pub use health::BrokerHealth;
pub use metrics::METRICS;
pub use outgoing::{MAX_BODY_BYTES, Outgoing, Target};
pub use rabbit::{InvalidManagementUrl, Management, ManagementError};
pub use size::MAX_REPORT_BYTES;
pub use state::QueueState;
pub use taken::TakenDead;
pub use topic::{TopicMessage, TopicStream};
pub use url::{AmqpUrl, InvalidAmqpUrl};
pub use worker::{WorkerOptions, run_worker};
