//! The installation's key, and what it protects: the secrets of callers that sign, and download links.

use std::fmt::{self, Write};

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};
use sha2::{Digest, Sha256};

use crate::Entropy;

/// Text that must not be seen: neither `Debug` nor `Display` shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The key of this installation, 256 bits. From it come a key to seal secrets and a key to sign links.
#[derive(Clone)]
pub struct SecretKey([u8; 32]);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// Not a key, or not the key that a secret was sealed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecretKey {
    /// Not base64 of 32 bytes.
    #[error("the secret key is base64 of 32 random bytes, as `openssl rand -base64 32` prints them")]
    Malformed,
    /// The stored secret was sealed with another key.
    #[error("a stored secret was sealed with another secret key than this installation's")]
    Mismatch,
}

impl SecretKey {
    /// Reads a key from base64.
    pub fn parse(text: &str) -> Result<Self, InvalidSecretKey> {
        let bytes = BASE64_STANDARD.decode(text.trim()).map_err(|_| InvalidSecretKey::Malformed)?;
        Ok(Self(bytes.try_into().map_err(|_| InvalidSecretKey::Malformed)?))
    }

    /// Makes a new key, in base64.
    pub fn generate(entropy: &dyn Entropy) -> String {
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes);
        BASE64_STANDARD.encode(bytes)
    }

    /// The HMAC-SHA-256 of `message` under the key for `purpose`.
    pub(crate) fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        hmac_sha256(&hmac_sha256(&self.0, purpose.as_bytes()), message)
    }

    /// Seals a secret for the credential `context`; it opens for no other.
    pub(crate) fn seal(
        &self,
        entropy: &dyn Entropy,
        context: &str,
        secret: &Secret,
    ) -> Result<Vec<u8>, InvalidSecretKey> {
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce);
        let mut sealed = secret.expose().as_bytes().to_vec();
        self.sealing_key()?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut sealed)
            .map_err(|_| InvalidSecretKey::Mismatch)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`Self::seal`] sealed.
    pub(crate) fn open(&self, context: &str, sealed: &[u8]) -> Result<Secret, InvalidSecretKey> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(InvalidSecretKey::Mismatch)?;
        let mut sealed = sealed.to_vec();
        let plain = self
            .sealing_key()?
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(context), &mut sealed)
            .map_err(|_| InvalidSecretKey::Mismatch)?;
        String::from_utf8(plain.to_vec()).map(Secret).map_err(|_| InvalidSecretKey::Mismatch)
    }

    fn sealing_key(&self) -> Result<LessSafeKey, InvalidSecretKey> {
        let key = hmac_sha256(&self.0, b"seal credentials");
        UnboundKey::new(&AES_256_GCM, &key).map(LessSafeKey::new).map_err(|_| InvalidSecretKey::Malformed)
    }
}

fn hmac_sha256(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let mut tag = [0; 32];
    tag.copy_from_slice(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref());
    tag
}

/// The hash by which a secret of many random bits is recognised.
pub(crate) fn fingerprint(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    struct Counting;
    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            (1..).zip(bytes).for_each(|(n, byte)| *byte = n);
        }
    }

    #[test]
    fn a_sealed_secret_opens_with_its_key_and_context_only() {
        let key = SecretKey::parse(&SecretKey::generate(&Counting)).unwrap();
        let sealed = key.seal(&Counting, "aep:app", &Secret::new("xQcjrfNLvQ")).unwrap();
        assert_eq!(key.open("aep:app", &sealed).unwrap().expose(), "xQcjrfNLvQ");
        assert_eq!(key.open("aep:other", &sealed), Err(InvalidSecretKey::Mismatch));
        assert_eq!(SecretKey([9; 32]).open("aep:app", &sealed), Err(InvalidSecretKey::Mismatch));
        assert_eq!(key.open("aep:app", &sealed[..5]), Err(InvalidSecretKey::Mismatch));
    }

    #[test]
    fn nothing_secret_is_shown() {
        let key = SecretKey::parse(&SecretKey::generate(&Counting)).unwrap();
        assert_eq!(format!("{:?} {key:?}", Secret::new("hidden")), "Secret(…) SecretKey(…)");
    }

    #[test]
    fn a_key_is_32_bytes() {
        assert!(matches!(SecretKey::parse("c2hvcnQ="), Err(InvalidSecretKey::Malformed)));
        assert!(matches!(SecretKey::parse("not base64"), Err(InvalidSecretKey::Malformed)));
    }
}
