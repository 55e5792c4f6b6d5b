//! Devices that log in, whichever way they come: the uuid says who, the token proves it.
//!
//! What the database says of a token is believed for a short time, so that a device that asks often, or a broker that asks
//! five times for one login, costs one look-up. The memory holds the token's hash, never the token.
//!
//! Strangers may guess as they like. They cost at most one look-up for each known uuid and life of the memory, and for
//! uuids that nobody has a fixed number of look-ups a second; never more than a few connections of the pool. Devices that
//! were revoked and come again and again have a budget of their own: they take nothing from those who come for the first
//! time, and a new token of theirs is taken as soon as the memory's life is over, unless there are so many of them.
//! And they keep nobody out who was here lately: the right token is accepted whatever others do under its name. While a
//! flood of invented uuids lasts, a device that this process has not seen for an hour has to try more than once.

use std::{sync::Arc, time::Duration};

use drover_domain::{DeviceId, DeviceUuid, TenantId};
use drover_store::{credentials, credentials::DeviceToken};
use subtle::ConstantTimeEq;

use crate::{
    Service, ServiceError,
    logins::{Failures, Memory, TooManyStrangers},
    secrets::fingerprint,
};

/// How soon whoever was turned away for the strangers' sake may come again.
const STRANGERS_PAUSE: Duration = Duration::from_secs(1);

/// What is remembered of devices that logged in, and of those that failed to. The failures limit answers, not look-ups:
/// those are bounded by the memory of what was found.
pub(crate) struct DeviceAuth {
    memory: Memory<DeviceUuid, DeviceToken>,
    failures: Failures<DeviceUuid>,
}

impl DeviceAuth {
    pub(crate) fn new(life: Duration) -> Self {
        Self { memory: Memory::new(life), failures: Failures::new() }
    }
}

/// A device that has proved who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceIdentity {
    /// Its owner.
    pub tenant: TenantId,
    /// The device.
    pub device: DeviceId,
    /// What it calls itself.
    pub uuid: DeviceUuid,
}

/// What becomes of a device's login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceLogin {
    /// It is who it says.
    Accepted(DeviceIdentity),
    /// Unknown, revoked, deregistered or a wrong token: which of them is nobody's business.
    Refused,
    /// Refused, and not looked into any further: there were too many such logins.
    TooMany {
        /// How long to wait before the next try.
        retry_after: Duration,
    },
}

impl DeviceLogin {
    /// The result as a metric's label.
    const fn label(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::Refused => "refused",
            Self::TooMany { .. } => "too_many",
        }
    }
}

impl Service {
    /// Checks who a device is by its uuid and token. Wrong tokens are counted for each uuid and soon answered with
    /// [`DeviceLogin::TooMany`]; the right one is accepted all the same.
    pub async fn authenticate_device(&self, uuid: &str, token: &str) -> Result<DeviceLogin, ServiceError> {
        let login = self.log_in_device(uuid, token).await;
        let result = login.as_ref().map_or("unavailable", DeviceLogin::label);
        metrics::counter!("drover_device_logins_total", "result" => result).increment(1);
        login
    }

    async fn log_in_device(&self, uuid: &str, token: &str) -> Result<DeviceLogin, ServiceError> {
        // What is no uuid is nobody's, and nothing is kept of it.
        let Ok(uuid) = DeviceUuid::parse(uuid) else { return Ok(DeviceLogin::Refused) };
        let auth = &self.inner.device_auth;
        let found = match auth.memory.look_up(&uuid, self.read_token(&uuid)).await? {
            Ok(found) => found,
            Err(TooManyStrangers) => return Ok(DeviceLogin::TooMany { retry_after: STRANGERS_PAUSE }),
        };
        let shown = fingerprint(token);
        match found.filter(|known| bool::from(known.token_sha256.ct_eq(&shown))) {
            Some(known) => {
                Ok(DeviceLogin::Accepted(DeviceIdentity { tenant: known.tenant, device: known.device, uuid }))
            }
            None => Ok(match auth.failures.count(&uuid).await {
                Some(retry_after) => DeviceLogin::TooMany { retry_after },
                None => DeviceLogin::Refused,
            }),
        }
    }

    /// The device that calls itself `uuid`, if it may still log in: for one that has logged in before and is asked about
    /// again. Answered from memory nearly always.
    pub async fn admitted_device(&self, uuid: &str) -> Result<Option<DeviceIdentity>, ServiceError> {
        let Ok(uuid) = DeviceUuid::parse(uuid) else { return Ok(None) };
        let found = self.inner.device_auth.memory.look_up(&uuid, self.read_token(&uuid)).await?;
        let identity = |known: Arc<DeviceToken>| DeviceIdentity { tenant: known.tenant, device: known.device, uuid };
        Ok(found.unwrap_or(None).map(identity))
    }

    async fn read_token(&self, uuid: &DeviceUuid) -> Result<Option<DeviceToken>, ServiceError> {
        metrics::counter!("drover_device_lookups_total").increment(1);
        Ok(credentials::device_token(&self.store().client().await?, uuid.as_str()).await?)
    }
}
