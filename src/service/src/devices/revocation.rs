//! Devices whose token was taken back: they may not log in again, and what they have open is to be ended.
//!
//! Ending connections is the broker's business, and the timekeeper's to ask for. It is asked at once, and again when nobody
//! can any longer believe the old token: in between, a process that remembers it may let the device in.

use std::time::Duration;

use drover_store::credentials;

use crate::{Service, ServiceError};

pub use drover_store::credentials::CutOff;

/// How long one process has for ending the connections it has taken on.
const LEASE: Duration = Duration::from_secs(10);
/// A login that was checked at the last moment, until its connection is there to be ended.
const LOGIN_LIMIT: Duration = Duration::from_secs(2);
/// More than that are not counted.
const COUNTED: i64 = 1000;

impl Service {
    /// Takes a device's token back. Revoking once more ends its connections once more.
    pub async fn revoke_device_credential(&self, uuid: &str) -> Result<(), ServiceError> {
        let client = self.store().client().await?;
        if credentials::revoke_device_token(&client, uuid).await? {
            tracing::info!(device = uuid, "the device's token is revoked");
            Ok(())
        } else {
            Err(ServiceError::not_found("credential of device", uuid))
        }
    }

    /// Takes up to `limit` devices whose connections are to be ended now. What is not [noted](Self::note_cut_off) soon is
    /// taken again.
    pub async fn claim_cut_offs(&self, limit: i64) -> Result<Vec<CutOff>, ServiceError> {
        Ok(credentials::claim_cut_offs(&self.store().client().await?, limit, LEASE).await?)
    }

    /// Notes that a device's connections were ended.
    pub async fn note_cut_off(&self, cut_off: &CutOff) -> Result<(), ServiceError> {
        let settled_after = self.options().auth_cache + LOGIN_LIMIT;
        Ok(credentials::note_cut_off(&self.store().client().await?, cut_off, settled_after).await?)
    }

    /// How many devices wait for their connections to be ended, up to a thousand.
    pub async fn waiting_cut_offs(&self) -> Result<i64, ServiceError> {
        Ok(credentials::waiting_cut_offs(&self.store().client().await?, COUNTED).await?)
    }
}
