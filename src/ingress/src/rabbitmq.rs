//! What RabbitMQ asks about devices: its HTTP auth backend calls these addresses and takes `allow` or `deny`.
//!
//! Accounts of RabbitMQ's own never get here (`deploy/rabbitmq/rabbitmq.conf`): whoever is asked about is a device, or
//! nobody. The rules know it by its user name alone, which is its uuid and was proved by its token; whatever else a client
//! says of itself decides nothing but its refusal.
//!
//! These forms arrive, seen on RabbitMQ 3.10.8, for a device that logs in over MQTT, subscribes with QoS 1 and publishes:
//!
//! | path | fields |
//! |---|---|
//! | `user` | `username password vhost client_id` |
//! | `vhost` | `username vhost ip tags client_id` |
//! | `resource` | `username vhost resource=queue name=mqtt-subscription-<client id>qos1 permission tags client_id`, for `configure`, `read` and `write`; then `resource=exchange name=amq.topic permission=read` |
//! | `topic` | `username vhost resource=topic name=amq.topic permission=read tags routing_key variable_map.client_id variable_map.username variable_map.vhost` |
//! | `topic`, `resource`, `topic` | for the first message, and then rarely: the answers are remembered for a connection |
//!
//! A will is asked about like any message, when it is sent. AMQP and the management API ask `user` without a `client_id`.
//! RabbitMQ remembers no answer of `user`; Drover does, for `devices.auth_cache_s`.
//!
//! Nobody logs in to ask. Whoever reaches these addresses learns from `resource` and `topic` which uuids exist, and makes
//! Drover believe that a device listens. So they are not among what the world may call: see [`internal_router`].
//!
//! [`internal_router`]: crate::internal_router

mod forms;
mod rules;

use axum::{
    Form, Router,
    extract::{DefaultBodyLimit, State, rejection::FormRejection},
    routing::post,
};
use drover_domain::DeviceUuid;
use drover_service::{DeviceIdentity, DeviceLogin, ServiceError};

use crate::AppState;
use forms::{ResourceForm, TopicForm, UserForm, VhostForm};

/// More than any of the forms: a client id has 64 KiB at the most, and a longer one than we allow is refused anyway.
const MAX_FORM_BYTES: usize = 16 << 10;

const CHECKS: &str = "drover_broker_auth_checks_total";

/// What RabbitMQ is told. Anything else than 200 and these words would be an error to it.
type Answer = &'static str;
type Given<T> = Result<Form<T>, FormRejection>;

/// The addresses for `auth_http` of RabbitMQ's configuration.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/rabbitmq/auth/user", post(user))
        .route("/rabbitmq/auth/vhost", post(vhost))
        .route("/rabbitmq/auth/resource", post(resource))
        .route("/rabbitmq/auth/topic", post(topic))
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
}

/// Whether somebody may connect.
async fn user(State(state): State<AppState>, form: Given<UserForm>) -> Answer {
    let Ok(Form(form)) = form else { return answer("user", false) };
    let may_connect = DeviceUuid::parse(&form.username)
        .is_ok_and(|uuid| rules::may_connect(&uuid, form.client_id.as_deref()))
        && form.vhost.is_none_or(|vhost| *vhost == *state.devices_vhost);
    if !may_connect {
        return answer("user", false);
    }
    let login = state.service.authenticate_device(&form.username, &form.password).await;
    let is_accepted = match login {
        Ok(DeviceLogin::Accepted(_)) => true,
        Ok(DeviceLogin::Refused | DeviceLogin::TooMany { .. }) => false,
        Err(error) => {
            failed(&error);
            false
        }
    };
    answer("user", is_accepted)
}

/// Whether a device may be in a virtual host.
async fn vhost(State(state): State<AppState>, form: Given<VhostForm>) -> Answer {
    let Ok(Form(form)) = form else { return answer("vhost", false) };
    let is_ours = *form.vhost == *state.devices_vhost;
    answer("vhost", is_ours && admitted(&state, &form.username).await.is_some())
}

/// Whether a device may use a queue or an exchange.
async fn resource(State(state): State<AppState>, form: Given<ResourceForm>) -> Answer {
    let Ok(Form(form)) = form else { return answer("resource", false) };
    let is_allowed = *form.vhost == *state.devices_vhost
        && DeviceUuid::parse(&form.username)
            .is_ok_and(|uuid| rules::may_use(&uuid, &form.resource, &form.name, &form.permission))
        && admitted(&state, &form.username).await.is_some();
    answer("resource", is_allowed)
}

/// Whether a device may subscribe or publish to a topic.
async fn topic(State(state): State<AppState>, form: Given<TopicForm>) -> Answer {
    let Ok(Form(form)) = form else { return answer("topic", false) };
    let is_ours = *form.vhost == *state.devices_vhost && form.resource == "topic" && form.name == rules::EXCHANGE;
    let Ok(uuid) = DeviceUuid::parse(&form.username) else { return answer("topic", false) };
    let access = rules::topic_access(&uuid, &form.permission, &form.routing_key).filter(|_| is_ours);
    let Some(access) = access else { return answer("topic", false) };
    let Some(device) = admitted(&state, &form.username).await else { return answer("topic", false) };
    if access == rules::TopicAccess::Commands {
        arrived(&state, &device);
    }
    answer("topic", true)
}

/// A device is about to listen for its commands, and what waits for it may go out. Nothing here may wait: RabbitMQ does, and
/// binds the device's queue only after the answer.
fn arrived(state: &AppState, device: &DeviceIdentity) {
    state.lobby.listens(device.device);
    metrics::counter!("drover_device_arrivals_total").increment(1);
    tracing::debug!(device = %device.device, "a device subscribes to its commands");
}

async fn admitted(state: &AppState, username: &str) -> Option<DeviceIdentity> {
    state.service.admitted_device(username).await.unwrap_or_else(|error| {
        failed(&error);
        None
    })
}

/// A device that cannot be checked is refused. While the database is away that happens to every one of them, and readiness
/// and metrics say so; a line for each would say no more.
fn failed(error: &ServiceError) {
    if error.is_unavailable() {
        tracing::debug!(%error, "a device cannot be checked and is refused");
    } else {
        tracing::error!(%error, "a device cannot be checked and is refused");
    }
}

fn answer(check: &'static str, is_allowed: bool) -> Answer {
    let answer = if is_allowed { "allow" } else { "deny" };
    metrics::counter!(CHECKS, "check" => check, "answer" => answer).increment(1);
    answer
}
