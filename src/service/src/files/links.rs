//! Download links that expire and cannot be forged. They are made without a look-up and checked without one.

use std::time::Duration;

use drover_domain::FirmwareId;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::{Firmware, Service, ServiceError, secrets::hex};

const PURPOSE: &str = "download links";
/// For a download that began at the end of an attempt.
const LINK_MARGIN: Duration = Duration::from_hours(1);

/// What a link leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Firmware(FirmwareId),
    File(Uuid),
}

impl Target {
    /// Its address below that of all files.
    fn address(self) -> String {
        match self {
            Self::Firmware(id) => format!("firmware/{id}"),
            Self::File(id) => id.to_string(),
        }
    }

    /// What is signed: no two targets and times have the same.
    fn message(self, expires_s: i64) -> String {
        match self {
            Self::Firmware(id) => format!("firmware/{id}/{expires_s}"),
            Self::File(id) => format!("file/{id}/{expires_s}"),
        }
    }
}

impl Service {
    /// A link under which a firmware can be downloaded for the configured time: absolute, signed.
    pub fn firmware_link(&self, firmware: &Firmware) -> String {
        self.link(Target::Firmware(firmware.id), &firmware.file_name, Duration::ZERO)
    }

    /// A link for devices that are given `timeout` for one attempt: it outlives the attempt.
    pub fn firmware_link_for(&self, firmware: &Firmware, timeout: Duration) -> String {
        self.link(Target::Firmware(firmware.id), &firmware.file_name, timeout + LINK_MARGIN)
    }

    /// A link under which an uploaded file can be downloaded for the configured time: absolute, signed. It downloads as
    /// `name`, for the same bytes may be there under several.
    pub fn file_link(&self, file: Uuid, name: &str) -> String {
        self.link(Target::File(file), name, Duration::ZERO)
    }

    /// Such a link for devices that are given `timeout` for one attempt: it outlives the attempt.
    pub fn file_link_for(&self, file: Uuid, name: &str, timeout: Duration) -> String {
        self.link(Target::File(file), name, timeout + LINK_MARGIN)
    }

    /// A link that is good for the configured time, and for `least`.
    fn link(&self, target: Target, name: &str, least: Duration) -> String {
        let ttl = self.options().link_ttl.max(least);
        let expires = self.inner.clock.now().timestamp().saturating_add_unsigned(ttl.as_secs());
        let signature = self.link_signature(target, expires);
        let (base, address, name) = (&self.options().public_url, target.address(), url_segment(name));
        format!("{base}/files/{address}/{name}?expires={expires}&signature={signature}")
    }

    /// Checks a link's signature and time.
    pub(crate) fn check_link(&self, target: Target, expires: &str, signature: &str) -> Result<(), ServiceError> {
        let forbidden = |reason: &str| ServiceError::Forbidden { reason: reason.into() };
        let expires_s: i64 = expires.parse().map_err(|_| forbidden("the link is not valid"))?;
        let expected = self.link_signature(target, expires_s);
        if !bool::from(expected.as_bytes().ct_eq(signature.as_bytes())) {
            return Err(forbidden("the link is not valid"));
        }
        if expires_s < self.inner.clock.now().timestamp() {
            return Err(forbidden("the link has expired"));
        }
        Ok(())
    }

    fn link_signature(&self, target: Target, expires_s: i64) -> String {
        hex(&self.inner.key.mac(PURPOSE, target.message(expires_s).as_bytes()))
    }
}

/// Text as one segment of a URL's path (RFC 3986: everything but the unreserved characters is encoded). A name that would be
/// no segment, however it is encoded, gives way to one that is.
fn url_segment(text: &str) -> String {
    let text = if ["", ".", ".."].contains(&text) { "file" } else { text };
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
        assert_eq!(["", ".", "..", "..."].map(url_segment), ["file", "file", "file", "..."]);
    }
}
