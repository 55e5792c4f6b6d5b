//! Who calls, and how they prove it.

mod applications;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use drover_domain::TenantId;
use drover_store::{credentials, devices, tenants};

use crate::{
    Secret, Service, ServiceError,
    secrets::{fingerprint, hex},
};
pub(crate) use applications::TopAuth;
pub use applications::{AppCredential, TopCredential, TopTerms};

/// What a credential is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// An application that signs calls to the AEP API.
    Aep,
    /// A caller that shows a bearer token.
    Token,
    /// An application that signs calls to the TOP gateway.
    Top,
    /// A device.
    Device,
}

impl CredentialKind {
    /// The kind's name in rows and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aep => "aep",
            Self::Token => "token",
            Self::Top => "top",
            Self::Device => "device",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Aep, Self::Token, Self::Top, Self::Device].into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether the secret signs calls, so that it must be kept, or is shown in them, so that its hash is enough.
    const fn signs(self) -> bool {
        matches!(self, Self::Aep | Self::Top)
    }
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// On whose behalf.
    pub tenant: TenantId,
    /// With which application.
    pub app_key: String,
}

/// A new credential; its secret is shown this once.
#[derive(Debug, Clone)]
pub struct IssuedCredential {
    /// What the caller shows.
    pub key_id: String,
    /// What the caller keeps.
    pub secret: Secret,
}

impl Service {
    /// Makes a credential. `device` names the device it is for, with [`CredentialKind::Device`] only; one whose token was
    /// revoked gets a new one in its place. The old one stays wrong: only its hash was kept, and that is gone.
    pub async fn add_credential(
        &self,
        tenant_name: &str,
        kind: CredentialKind,
        device: Option<&str>,
    ) -> Result<IssuedCredential, ServiceError> {
        self.insert_credential(tenant_name, kind, device, TopTerms::default()).await
    }

    async fn insert_credential(
        &self,
        tenant_name: &str,
        kind: CredentialKind,
        device: Option<&str>,
        terms: TopTerms,
    ) -> Result<IssuedCredential, ServiceError> {
        let calls_per_s = terms.calls_per_s()?;
        let client = self.store().client().await?;
        let tenant = self.tenant(&client, tenant_name).await?;
        let (device_id, key_id) = match (kind, device) {
            (CredentialKind::Device, Some(uuid)) => {
                let id = devices::by_uuid(&client, tenant, uuid).await?;
                (Some(id.ok_or_else(|| ServiceError::not_found("device", uuid))?), uuid.to_owned())
            }
            (CredentialKind::Device, None) => {
                return Err(ServiceError::invalid("device", "a device credential needs the device's uuid"));
            }
            (_, Some(_)) => return Err(ServiceError::invalid("device", "only a device credential is for a device")),
            (_, None) => (None, hex(&self.random::<8>())),
        };
        let secret = self.random_token();
        let sealed = if kind.signs() { Some(self.seal(kind, &key_id, &secret)?) } else { None };
        let hash = (!kind.signs()).then(|| fingerprint(secret.expose()));
        let new = credentials::NewCredential {
            tenant,
            kind: kind.as_str(),
            key_id: &key_id,
            device: device_id,
            sealed_secret: sealed.as_deref(),
            secret_sha256: hash.as_deref(),
            allows_md5: terms.allows_md5,
            calls_per_s,
        };
        match credentials::insert(&client, &new).await {
            Ok(()) => Ok(IssuedCredential { key_id, secret }),
            Err(error) if error.unique_violation().is_some() => {
                if let Some(hash) = hash.filter(|_| kind == CredentialKind::Device)
                    && credentials::renew_device_token(&client, &key_id, &hash).await?
                {
                    return Ok(IssuedCredential { key_id, secret });
                }
                Err(ServiceError::conflict(format!("{} {key_id} has a credential already", kind.as_str())))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn seal(&self, kind: CredentialKind, key_id: &str, secret: &Secret) -> Result<Vec<u8>, ServiceError> {
        self.inner
            .key
            .seal(self.inner.entropy.as_ref(), &context(kind, key_id), secret)
            .map_err(|error| ServiceError::Internal(Box::new(error)))
    }

    fn unseal(&self, kind: CredentialKind, key_id: &str, sealed: &[u8]) -> Result<Secret, ServiceError> {
        let opened = self.inner.key.open(&context(kind, key_id), sealed);
        opened.map_err(|error| ServiceError::Internal(Box::new(error)))
    }

    /// The tenant of that name.
    pub(crate) async fn tenant(&self, client: &drover_store::Client, name: &str) -> Result<TenantId, ServiceError> {
        tenants::tenant_by_name(client, name).await?.ok_or_else(|| ServiceError::not_found("tenant", name))
    }

    /// 256 random bits as text.
    pub(crate) fn random_token(&self) -> Secret {
        Secret::new(BASE64_URL_SAFE_NO_PAD.encode(self.random::<32>()))
    }

    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.inner.entropy.fill(&mut bytes);
        bytes
    }
}

fn context(kind: CredentialKind, key_id: &str) -> String {
    format!("{}:{key_id}", kind.as_str())
}
