//! The signature of a call: over all its parameters but `sign` itself, sorted by name, `name` and `value` one after the other
//! without anything between them.
//!
//! Without separators two different calls can sign alike, which is why a call may have no parameter that its method does not
//! declare, and why each signature is good for one call (`replay.rs`).

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::params;

/// How a call is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignMethod {
    /// MD5 over the text between two copies of the secret.
    Md5,
    /// HMAC-MD5.
    Hmac,
    /// HMAC-SHA256.
    HmacSha256,
}

impl SignMethod {
    /// The method of that name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "md5" => Some(Self::Md5),
            "hmac" => Some(Self::Hmac),
            "hmac-sha256" => Some(Self::HmacSha256),
            _ => None,
        }
    }

    /// Whether `signature` is that of `text`. Compared in constant time.
    fn fits(self, secret: &[u8], text: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Md5 => {
                let digest = Md5::new().chain_update(secret).chain_update(text).chain_update(secret).finalize();
                digest.as_slice().ct_eq(signature).into()
            }
            // HMAC takes keys of every length, so there is no error to lose.
            Self::Hmac => Hmac::<Md5>::new_from_slice(secret)
                .is_ok_and(|mac| mac.chain_update(text).verify_slice(signature).is_ok()),
            Self::HmacSha256 => Hmac::<Sha256>::new_from_slice(secret)
                .is_ok_and(|mac| mac.chain_update(text).verify_slice(signature).is_ok()),
        }
    }
}

/// Whether `sign` is the signature of these parameters; its bytes when it is. Hexadecimal digits of either case.
///
/// Empty parameters are no part of the text. Some clients sign their names all the same, which is accepted too.
pub(super) fn verify(
    method: SignMethod,
    secret: &[u8],
    parameters: &BTreeMap<String, String>,
    sign: &str,
) -> Option<Vec<u8>> {
    let signature = decode(sign)?;
    let fits = |keeps_empty: bool| method.fits(secret, text(parameters, keeps_empty).as_bytes(), &signature);
    // Which of the two forms fits is no secret.
    let has_empty = parameters.values().any(String::is_empty);
    (fits(false) || has_empty && fits(true)).then_some(signature)
}

/// The signed text.
fn text(parameters: &BTreeMap<String, String>, keeps_empty: bool) -> String {
    let mut text = String::new();
    for (name, value) in parameters {
        if name != params::SIGN && (keeps_empty || !value.is_empty()) {
            text.extend([name.as_str(), value]);
        }
    }
    text
}

/// The bytes that hexadecimal digits stand for.
fn decode(digits: &str) -> Option<Vec<u8>> {
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?)).collect()
}

#[cfg(test)]
mod tests;
