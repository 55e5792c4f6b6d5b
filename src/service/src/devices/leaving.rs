//! Devices that were deregistered while they have applications that are to be removed from them: they may log in for some days
//! more, to be told so.

use std::time::Duration;

use drover_domain::DeviceId;
use drover_store::{StoreError, Tx, credentials, devices::leaving};

use crate::{Service, ServiceError};

/// How long a device may take to come and be told.
const LEAVING_LIMIT: Duration = Duration::from_hours(7 * 24);
/// Devices looked at in one transaction.
const BATCH: i64 = 200;

impl Service {
    /// Takes a deregistered device's token back, now or when it has removed what it must; `was_enrolled` before.
    pub(super) async fn let_go(
        &self,
        tx: &Tx<'_>,
        device: DeviceId,
        uuid: &str,
        was_enrolled: bool,
    ) -> Result<(), StoreError> {
        let is_leaving = if was_enrolled {
            leaving::begin(tx, device, LEAVING_LIMIT).await?
        } else {
            leaving::is_leaving(tx, device).await?
        };
        if !is_leaving {
            credentials::revoke_device_token(tx, uuid).await?;
        }
        Ok(())
    }

    /// Ends the leaving of devices that have removed what they must, or whose time is over: their tokens are taken back and their
    /// connections end. Looks at a batch behind `after`, and returns where to go on; `None` when all were looked at.
    pub async fn end_leaving(&self, after: i64) -> Result<Option<i64>, ServiceError> {
        Ok(self.store().retrying("end_leaving", || self.end_leaving_once(after)).await?)
    }

    async fn end_leaving_once(&self, after: i64) -> Result<Option<i64>, StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        let leaving = leaving::end(&tx, after, BATCH).await?;
        for uuid in &leaving.left {
            credentials::revoke_device_token(&tx, uuid).await?;
        }
        tx.commit().await?;
        for device in &leaving.left {
            tracing::info!(device, "a deregistered device has left");
        }
        Ok(leaving.next)
    }
}
