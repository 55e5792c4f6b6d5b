//! Tokens for all devices of a product that have none: a page at a time, however many there are.

use std::collections::HashSet;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use drover_domain::DeviceId;
use drover_store::devices::tokens::{self, NewToken};

use crate::{IssuedCredential, Product, Secret, Service, ServiceError, secrets::fingerprint};

/// Devices looked at in one page.
const PAGE: i64 = 1000;

/// Where the next page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokensAfter(DeviceId);

/// What one page came to.
#[derive(Debug)]
pub struct IssuedTokens {
    /// The new tokens, by device; shown this once.
    pub tokens: Vec<IssuedCredential>,
    /// Where to go on; `None` after the last page.
    pub next: Option<TokensAfter>,
}

impl Service {
    /// Gives a token to each device of the next page whose uuid begins with `prefix` and that never had one. `after` is the
    /// page before; `None` is the beginning.
    ///
    /// Tokens are stored when this returns, and by their hashes alone: whoever loses them must issue others one by one.
    pub async fn issue_device_tokens(
        &self,
        product: &Product,
        prefix: &str,
        after: Option<TokensAfter>,
    ) -> Result<IssuedTokens, ServiceError> {
        let client = self.store().client().await?;
        let after = after.map_or(DeviceId(0), |TokensAfter(device)| device);
        let page = tokens::candidates(&client, product.id, prefix, after, PAGE).await?;
        let next = page.last().map(|last| TokensAfter(last.device));
        let (mut new, mut tokens) = (Vec::new(), Vec::new());
        for candidate in page.into_iter().filter(|candidate| candidate.is_wanted) {
            let secret = Secret::new(BASE64_URL_SAFE_NO_PAD.encode(self.random::<32>()));
            tokens.push(IssuedCredential { key_id: candidate.uuid.clone(), secret: secret.clone() });
            new.push(NewToken {
                device: candidate.device,
                uuid: candidate.uuid,
                token_sha256: fingerprint(secret.expose()),
            });
        }
        if !new.is_empty() {
            let stored: HashSet<String> = tokens::insert(&client, product.tenant, &new).await?.into_iter().collect();
            tokens.retain(|token| stored.contains(&token.key_id));
        }
        Ok(IssuedTokens { tokens, next })
    }
}
