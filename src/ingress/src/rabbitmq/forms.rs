//! The forms that RabbitMQ sends. Fields that decide nothing are left out; unknown ones are ignored, as newer versions add
//! some.

use serde::Deserialize;

/// `user`. Holds the token, so it is never shown.
#[derive(Deserialize)]
pub(super) struct UserForm {
    pub(super) username: String,
    /// Absent when a client certificate takes its place, which proves nothing here.
    #[serde(default)]
    pub(super) password: String,
    /// MQTT only.
    pub(super) client_id: Option<String>,
    /// MQTT only: AMQP says it later.
    pub(super) vhost: Option<String>,
}

/// `vhost`.
#[derive(Deserialize)]
pub(super) struct VhostForm {
    pub(super) username: String,
    pub(super) vhost: String,
}

/// `resource`.
#[derive(Deserialize)]
pub(super) struct ResourceForm {
    pub(super) username: String,
    pub(super) vhost: String,
    /// `queue` or `exchange`.
    pub(super) resource: String,
    pub(super) name: String,
    /// `configure`, `read` or `write`.
    pub(super) permission: String,
}

/// `topic`.
#[derive(Deserialize)]
pub(super) struct TopicForm {
    pub(super) username: String,
    pub(super) vhost: String,
    /// `topic`.
    pub(super) resource: String,
    /// The exchange.
    pub(super) name: String,
    /// `read` or `write`.
    pub(super) permission: String,
    /// As AMQP writes it: `.` between words, `*` and `#` as wildcards.
    pub(super) routing_key: String,
}
