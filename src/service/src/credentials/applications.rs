//! Applications that sign their calls.
//!
//! What the database says of an application of the TOP gateway is believed for
//! [`top_credential_cache`](crate::ServiceOptions::top_credential_cache), since checks for updates come by the thousand a
//! second with a few app keys: within that time a change or a revocation acts in every process, and at once in the process
//! that revokes. Invented app keys cost a bounded number of look-ups a second, see [`Memory`]. While there are more of them, an
//! application that this process has not seen for an hour is told to come again, and nobody that its key is wrong.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use drover_store::credentials;

use super::{Caller, CredentialKind, IssuedCredential};
use crate::{
    Secret, Service, ServiceError,
    logins::{Memory, TooManyStrangers},
};

/// The longest app key that is looked up. Ours have 16 characters.
const KEY_MAX_BYTES: usize = 64;
/// The most calls a second that an application may be allowed.
const CALLS_PER_S_MAX: i32 = 1_000_000;

/// What is remembered of the applications of the TOP gateway.
pub(crate) struct TopAuth(Memory<String, TopCredential>);

impl TopAuth {
    pub(crate) fn new(life: Duration) -> Self {
        Self(Memory::new(life))
    }
}

/// An application and the secret it signs with.
#[derive(Debug, Clone)]
pub struct AppCredential {
    /// Who it is.
    pub caller: Caller,
    /// What it signs with.
    pub secret: Secret,
}

/// An application that calls the TOP gateway.
#[derive(Debug, Clone)]
pub struct TopCredential {
    /// Who it is.
    pub caller: Caller,
    /// What it signs with.
    pub secret: Secret,
    /// Whether it may sign with MD5.
    pub allows_md5: bool,
    /// Calls a second that a process answers.
    pub calls_per_s: NonZeroU32,
}

/// What an application of the TOP gateway may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TopTerms {
    /// Whether it may sign with MD5.
    pub allows_md5: bool,
    /// Calls a second that a process answers; `None`: [`top_calls_per_s`](crate::ServiceOptions::top_calls_per_s).
    pub calls_per_s: Option<NonZeroU32>,
}

impl TopTerms {
    /// The calls a second as the database has them.
    pub(super) fn calls_per_s(self) -> Result<Option<i32>, ServiceError> {
        let allowed = |calls: NonZeroU32| i32::try_from(calls.get()).ok().filter(|calls| *calls <= CALLS_PER_S_MAX);
        let refused = || ServiceError::invalid("calls_per_s", format!("is larger than {CALLS_PER_S_MAX}"));
        self.calls_per_s.map(|calls| allowed(calls).ok_or_else(refused)).transpose()
    }
}

impl Service {
    /// Makes an app key for the TOP gateway.
    pub async fn add_top_credential(
        &self,
        tenant_name: &str,
        terms: TopTerms,
    ) -> Result<IssuedCredential, ServiceError> {
        self.insert_credential(tenant_name, CredentialKind::Top, None, terms).await
    }

    /// The application of the AEP API that shows this key, unless it is unknown or was revoked.
    pub async fn app_credential(&self, app_key: &str) -> Result<Option<AppCredential>, ServiceError> {
        let client = self.store().client().await?;
        let kind = CredentialKind::Aep;
        let Some((tenant, sealed)) = credentials::sealed_secret(&client, kind.as_str(), app_key).await? else {
            return Ok(None);
        };
        let secret = self.unseal(kind, app_key, &sealed)?;
        Ok(Some(AppCredential { caller: Caller { tenant, app_key: app_key.to_owned() }, secret }))
    }

    /// The application of the TOP gateway that shows this key, unless it is unknown or was revoked. Answered from memory nearly
    /// always; [`ServiceError::Unavailable`] when too many unknown keys are asked for to look for another.
    pub async fn top_credential(&self, app_key: &str) -> Result<Option<Arc<TopCredential>>, ServiceError> {
        // What cannot be a key is nobody's, and nothing is kept of it.
        if app_key.len() > KEY_MAX_BYTES || !app_key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Ok(None);
        }
        let found = self.inner.top_auth.0.look_up(&app_key.to_owned(), self.read_top_credential(app_key)).await?;
        found.map_err(|TooManyStrangers| ServiceError::Unavailable("too many unknown app keys are asked for".into()))
    }

    async fn read_top_credential(&self, app_key: &str) -> Result<Option<TopCredential>, ServiceError> {
        metrics::counter!("drover_top_key_lookups_total").increment(1);
        let Some(found) = credentials::top_application(&self.store().client().await?, app_key).await? else {
            return Ok(None);
        };
        let own_limit = found.calls_per_s.and_then(|calls| u32::try_from(calls).ok()).and_then(NonZeroU32::new);
        Ok(Some(TopCredential {
            caller: Caller { tenant: found.tenant, app_key: app_key.to_owned() },
            secret: self.unseal(CredentialKind::Top, app_key, &found.sealed_secret)?,
            allows_md5: found.allows_md5,
            calls_per_s: own_limit.unwrap_or(self.options().top_calls_per_s),
        }))
    }

    /// Takes back an app key, a token by its name, or a [device's](Self::revoke_device_credential) by its uuid. Once more is no
    /// error.
    pub async fn revoke_credential(&self, kind: CredentialKind, key_id: &str) -> Result<(), ServiceError> {
        if kind == CredentialKind::Device {
            return self.revoke_device_credential(key_id).await;
        }
        if !credentials::revoke(&self.store().client().await?, kind.as_str(), key_id).await? {
            return Err(ServiceError::not_found("credential", format!("{} {key_id}", kind.as_str())));
        }
        if kind == CredentialKind::Top {
            self.inner.top_auth.0.doubt(&key_id.to_owned()).await;
        }
        tracing::info!(kind = kind.as_str(), key = key_id, "a credential is revoked");
        Ok(())
    }
}
