//! Publications end when their time is over.

use drover_domain::JobEvent;
use drover_store::{StoreError, clients::publications, jobs};

use crate::{Service, ServiceError};

/// Publications ended in one transaction.
const BATCH: i64 = 100;

impl Service {
    /// Ends the publications whose time is over. Returns how many.
    pub async fn end_publications(&self) -> Result<usize, ServiceError> {
        Ok(self.store().retrying("end_publications", || self.end_publications_once()).await?)
    }

    async fn end_publications_once(&self) -> Result<usize, StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        let expired = publications::expired(&tx, BATCH).await?;
        for id in &expired {
            jobs::apply(&tx, *id, JobEvent::LastCommandEnded, None).await?;
        }
        tx.commit().await?;
        for id in &expired {
            tracing::info!(job = %id, "publication ended");
        }
        Ok(expired.len())
    }
}
