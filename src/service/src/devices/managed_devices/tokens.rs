//! The tokens that managed devices log in with.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use drover_store::{
    credentials,
    devices::tokens::{self, NewToken},
};

use crate::{IssuedCredential, Operator, Secret, Service, ServiceError, secrets::fingerprint};

impl Service {
    /// Gives a device its token; one whose token was taken back gets a new one. It is shown this once.
    pub async fn issue_device_token(&self, caller: &Operator, uuid: &str) -> Result<IssuedCredential, ServiceError> {
        caller.require_write()?;
        let device = self.managed_device(caller, uuid).await?;
        if device.status == "deregistered" {
            return Err(ServiceError::conflict("the device is deregistered"));
        }
        let secret = Secret::new(BASE64_URL_SAFE_NO_PAD.encode(self.random::<32>()));
        let token_sha256 = fingerprint(secret.expose());
        let client = self.store().client().await?;
        let new = NewToken { device: device.id, uuid: uuid.to_owned(), token_sha256: token_sha256.clone() };
        let is_first = !tokens::insert(&client, caller.tenant, &[new]).await?.is_empty();
        if !is_first && !credentials::renew_device_token(&client, uuid, &token_sha256).await? {
            return Err(ServiceError::conflict("the device has a token: take it back before you issue another"));
        }
        tracing::info!(device = uuid, by = %caller.id, "device token issued");
        Ok(IssuedCredential { key_id: uuid.to_owned(), secret })
    }

    /// Takes a device's token back and ends its connections. Doing it once more does no harm.
    pub async fn revoke_device_token(&self, caller: &Operator, uuid: &str) -> Result<(), ServiceError> {
        caller.require_write()?;
        self.managed_device(caller, uuid).await?;
        self.revoke_device_credential(uuid).await
    }
}
