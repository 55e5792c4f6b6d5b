//! Provisioning profiles: a property list inside of a signed message (CMS). The message is opened, not verified.

use super::PROFILE;
use crate::meter::Meter;
use crate::plist::{self, Value};
use crate::{Distribution, Limits, PackageError, Provisioning, text};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const CONTENT: u8 = 0xa0;
/// 1.2.840.113549.1.7.2
const SIGNED_DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";

/// Reads the profile in `bytes`.
pub(super) fn parse(bytes: &[u8], limits: &Limits, meter: &Meter<'_>) -> Result<Provisioning, PackageError> {
    let content = signed_content(bytes).ok_or_else(|| PackageError::unparsable(PROFILE, "it is no signed message"))?;
    let profile = plist::parse(content, PROFILE, limits, meter)?;
    if profile.pairs().is_empty() {
        return Err(PackageError::unparsable(PROFILE, "it is empty"));
    }
    let yes = |value: Option<&Value>| value == Some(&Value::Boolean(true));
    let debugged = yes(profile.get("Entitlements").and_then(|entitlements| entitlements.get("get-task-allow")));
    let distribution = if yes(profile.get("ProvisionsAllDevices")) {
        Distribution::Enterprise
    } else if profile.get("ProvisionedDevices").is_none() {
        Distribution::AppStore
    } else if debugged {
        Distribution::Development
    } else {
        Distribution::AdHoc
    };
    let label = |value: Option<&Value>| Some(text::label(value?.string()?)).filter(|text| !text.is_empty());
    Ok(Provisioning {
        distribution,
        team_id: label(profile.get("TeamIdentifier").and_then(|teams| teams.values().first())),
        team_name: label(profile.get("TeamName")),
        expires_at: match profile.get("ExpirationDate") {
            Some(Value::Date(date)) => Some(*date),
            _ => None,
        },
    })
}

/// What a `SignedData` message signs. Lengths must be definite, as Apple writes them.
fn signed_content(message: &[u8]) -> Option<&[u8]> {
    let mut message = Der(Der(message).take(SEQUENCE)?);
    if message.take(OBJECT)? != SIGNED_DATA {
        return None;
    }
    let mut signed = Der(Der(message.take(CONTENT)?).take(SEQUENCE)?);
    signed.take(INTEGER)?;
    signed.take(SET)?;
    let mut inner = Der(signed.take(SEQUENCE)?);
    inner.take(OBJECT)?;
    Der(inner.take(CONTENT)?).take(OCTETS)
}

/// Values of DER, one behind the other.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next value, which must be of this tag.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(*first), rest),
            // So many bytes of length; more than four are beyond every limit.
            0x81..=0x84 => {
                let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        (*found == tag).then_some(content)
    }
}
