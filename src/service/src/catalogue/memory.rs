//! What is published, kept in memory for as long as it is right.

use std::{sync::Arc, time::Duration};

use drover_domain::TenantId;
use drover_store::{
    IsolationLevel, Store, StoreError,
    catalogue::{self, Loaded},
};
use moka::{future::Cache, policy::EvictionPolicy};

use super::facts::shared;
use crate::ServiceError;

/// Entries of all tenants together: of those above, the ones that were not asked for longest go.
const ENTRIES_MAX: u64 = 400_000;
/// What one tenant counts at most, however much it publishes: it must fit in beside others.
const ENTRIES_OF_ONE: usize = 100_000;
/// How long a tenant of which nobody asks is kept.
const KEPT_FOR: Duration = Duration::from_hours(1);

const LOADS: &str = "drover_catalogue_loads_total";

/// The catalogues of tenants whose devices ask.
#[derive(Clone)]
pub(crate) struct Catalogues {
    store: Store,
    known: Cache<TenantId, Result<Arc<Loaded>, Arc<ServiceError>>>,
}

impl Catalogues {
    pub(crate) fn new(store: Store) -> Self {
        let weight = |_: &TenantId, loaded: &Result<Arc<Loaded>, _>| {
            let entries = loaded.as_ref().map_or(0, |loaded| loaded.catalogue.len());
            u32::try_from(entries.clamp(1, ENTRIES_OF_ONE)).unwrap_or(u32::MAX)
        };
        let known = Cache::builder()
            .max_capacity(ENTRIES_MAX)
            .weigher(weight)
            // The newest is always taken in: it is asked for again at once.
            .eviction_policy(EvictionPolicy::lru())
            .time_to_idle(KEPT_FOR)
            .build();
        Self { store, known }
    }

    /// What is published in a tenant, no older than `revision`. Callers who find it old at once share one reading of it.
    pub(super) async fn of(&self, tenant: TenantId, revision: i64) -> Result<Arc<Loaded>, ServiceError> {
        if let Some(Ok(loaded)) = self.known.get(&tenant).await
            && loaded.revision >= revision
        {
            return Ok(loaded);
        }
        loop {
            // On its own: a reading that takes longer than its first caller waits would else begin anew with each of them, and
            // never be done.
            let reading = self.clone();
            let read = tokio::spawn(async move { reading.read(tenant, revision).await });
            match read.await.map_err(|error| ServiceError::Internal(Box::new(error)))? {
                Ok(loaded) if loaded.revision >= revision => return Ok(loaded),
                // Somebody else's reading began before what this caller has seen.
                Ok(_) => {}
                Err(error) => return Err(shared(&error)),
            }
        }
    }

    /// Reads what is published, or waits for another reading that is under way.
    async fn read(&self, tenant: TenantId, revision: i64) -> Result<Arc<Loaded>, Arc<ServiceError>> {
        let is_old = |known: &Result<Arc<Loaded>, _>| !matches!(known, Ok(loaded) if loaded.revision >= revision);
        let load = async { self.load(tenant).await.map(Arc::new).map_err(|error| Arc::new(ServiceError::from(error))) };
        self.known.entry(tenant).or_insert_with_if(load, is_old).await.into_value()
    }

    async fn load(&self, tenant: TenantId) -> Result<Loaded, StoreError> {
        let loaded = self.load_once(tenant).await;
        let result = if loaded.is_ok() { "ok" } else { "error" };
        metrics::counter!(LOADS, "result" => result).increment(1);
        loaded
    }

    async fn load_once(&self, tenant: TenantId) -> Result<Loaded, StoreError> {
        let mut client = self.store.client().await?;
        // One moment: what changes while this reads is of the next revision as a whole.
        let tx =
            client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start().await?;
        let loaded = catalogue::load(&tx, tenant).await?;
        tx.commit().await?;
        tracing::debug!(%tenant, revision = loaded.revision, entries = loaded.catalogue.len(), "catalogue loaded");
        Ok(loaded)
    }
}
