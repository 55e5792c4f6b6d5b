//! Download links that expire and cannot be forged. They are made without a look-up and checked without one.

use std::time::Duration;

use chrono::{DateTime, Utc};
use drover_domain::FirmwareId;
use subtle::ConstantTimeEq;

use crate::{Firmware, Service, ServiceError, secrets::hex};

const PURPOSE: &str = "download links";
/// For a download that began at the end of an attempt.
const LINK_MARGIN: Duration = Duration::from_hours(1);

impl Service {
    /// A link under which a firmware can be downloaded for the configured time: absolute, signed.
    pub fn firmware_link(&self, firmware: &Firmware) -> String {
        self.link_at(firmware, self.inner.clock.now(), self.options().link_ttl)
    }

    /// A link for devices that are given `timeout` for one attempt: it outlives the attempt.
    pub fn firmware_link_for(&self, firmware: &Firmware, timeout: Duration) -> String {
        self.link_at(firmware, self.inner.clock.now(), self.options().link_ttl.max(timeout + LINK_MARGIN))
    }

    fn link_at(&self, firmware: &Firmware, now: DateTime<Utc>, ttl: Duration) -> String {
        let expires = now.timestamp().saturating_add_unsigned(ttl.as_secs());
        let signature = self.link_signature(firmware.id, expires);
        let (base, id, name) = (&self.options().public_url, firmware.id, url_segment(&firmware.file_name));
        format!("{base}/files/firmware/{id}/{name}?expires={expires}&signature={signature}")
    }

    /// Checks a link's signature and time.
    pub(crate) fn check_link(&self, id: FirmwareId, expires: &str, signature: &str) -> Result<(), ServiceError> {
        let forbidden = |reason: &str| ServiceError::Forbidden { reason: reason.into() };
        let expires_s: i64 = expires.parse().map_err(|_| forbidden("the link is not valid"))?;
        let expected = self.link_signature(id, expires_s);
        if !bool::from(expected.as_bytes().ct_eq(signature.as_bytes())) {
            return Err(forbidden("the link is not valid"));
        }
        if expires_s < self.inner.clock.now().timestamp() {
            return Err(forbidden("the link has expired"));
        }
        Ok(())
    }

    fn link_signature(&self, id: FirmwareId, expires_s: i64) -> String {
        hex(&self.inner.key.mac(PURPOSE, format!("firmware/{id}/{expires_s}").as_bytes()))
    }
}

/// Text as one segment of a URL's path (RFC 3986: everything but the unreserved characters is encoded).
fn url_segment(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::url_segment;

    #[test]
    fn a_file_name_stays_one_segment() {
        assert_eq!(url_segment("工 1/..?x"), "%E5%B7%A5%201%2F..%3Fx");
    }
}
