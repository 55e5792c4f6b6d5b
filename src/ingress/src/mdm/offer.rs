//! The body of A13 and A14: a version is offered to organisations. Unknown fields are refused everywhere in it, for one that
//! was misspelt would be left out, and a push that was meant for tonight would go out to 100,000 devices at once.

use chrono::{DateTime, Utc};
use drover_domain::Os;
use drover_service::{Operator, PublishRequest, Target};
use serde::{Deserialize, Deserializer, de::Error as _};
use utoipa::ToSchema;

use super::{body::read_json, errors::WebError, time};
use crate::json::{boolean, number, string};

/// The type of target that is an organisation, the only one.
pub(super) const ORGANISATION: i64 = 57_215;
/// The most targets of one call.
const TARGETS_MAX: usize = 1000;
/// The longest code of an organisation.
const CODE_MAX_CHARS: usize = 64;
/// The most automatic tries after the first.
const RETRIES_MAX: i16 = 3;

/// To whom a version is offered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"appId": "1001", "forceUpdate": true, "applyTo": [{"targetId": "root", "targetType": 57215}]}))]
pub(crate) struct Offer {
    /// The version; that of the address when it is there.
    #[serde(default, deserialize_with = "string")]
    #[schema(example = "1001")]
    app_id: Option<String>,
    /// Whether users may not put the upgrade off; false when absent.
    #[serde(default, deserialize_with = "boolean")]
    force_update: Option<bool>,
    /// Whether the version is distributed: when it is published, true pushes it too and false is the default; when it is
    /// distributed, it is true or absent.
    #[serde(default, deserialize_with = "boolean")]
    distribute: Option<bool>,
    /// Each organisation with everything below it, 1 to 1000 of them.
    #[serde(default)]
    #[schema(required = true, min_items = 1, max_items = 1000)]
    apply_to: Option<Vec<ApplyTo>>,
}

/// One organisation, and what holds for it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ApplyTo {
    /// The organisation's code.
    #[serde(default, deserialize_with = "string")]
    #[schema(required = true, example = "root")]
    target_id: Option<String>,
    /// Always 57215, an organisation.
    #[serde(default, deserialize_with = "number")]
    #[schema(required = true, example = 57215)]
    target_type: Option<i64>,
    /// When the offer ends, in milliseconds since 1970; never when absent.
    #[serde(default, deserialize_with = "number")]
    expiration_time: Option<i64>,
    /// Empty, or a JSON object in a string: `startTime` (`yyyy-MM-dd HH:mm:ss` in the tenant's time, when devices are told),
    /// `retryTimes` (0 to 3), `proof` (whether success counts only when the device was seen to run the version).
    #[serde(default, deserialize_with = "settings_text")]
    #[schema(example = "{\"retryTimes\": 2}")]
    distribute_settings: Option<String>,
    /// The version's operating system, as a check; 51201 Android, 51202 iOS, 51203 Windows, 51205 Harmony.
    #[serde(default, deserialize_with = "number")]
    #[schema(example = 51201)]
    os: Option<i64>,
}

/// What `distributeSettings` holds.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    start_time: Option<String>,
    #[serde(default, deserialize_with = "number")]
    retry_times: Option<i64>,
    #[serde(default, deserialize_with = "boolean")]
    proof: Option<bool>,
}

/// Which of the two calls it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// A13.
    Distribute,
    /// A14.
    Publish,
}

impl Offer {
    /// What is wished for the version of the address.
    pub(super) fn read(
        self,
        call: Call,
        version: i64,
        operator: &Operator,
        now: DateTime<Utc>,
    ) -> Result<PublishRequest, WebError> {
        let Self { app_id, force_update, distribute, apply_to } = self;
        if app_id.is_some_and(|id| !id.is_empty() && id.trim() != version.to_string()) {
            return Err(WebError::invalid("appId", format!("is not {version}, the version of the address")));
        }
        if call == Call::Distribute && distribute == Some(false) {
            return Err(WebError::invalid("distribute", "is true or absent where a version is distributed"));
        }
        let apply_to = apply_to.unwrap_or_default();
        if apply_to.is_empty() || apply_to.len() > TARGETS_MAX {
            return Err(WebError::invalid("applyTo", format!("names 1 to {TARGETS_MAX} targets")));
        }
        let named = |(index, target): (usize, ApplyTo)| target.read(&format!("applyTo[{index}]"), operator, now);
        let targets = apply_to.into_iter().enumerate().map(named).collect::<Result<_, _>>()?;
        let distribute = distribute.unwrap_or(call == Call::Distribute);
        Ok(PublishRequest { force: force_update.unwrap_or(false), distribute, targets })
    }
}

impl ApplyTo {
    fn read(self, place: &str, operator: &Operator, now: DateTime<Utc>) -> Result<Target, WebError> {
        let bad = |field: &str, reason: &str| WebError::invalid(&format!("{place}.{field}"), reason);
        if self.target_type != Some(ORGANISATION) {
            return Err(bad("targetType", "is 57215, an organisation"));
        }
        let code = self.target_id.unwrap_or_default();
        if code.is_empty() || code.contains('\0') || code.chars().nth(CODE_MAX_CHARS).is_some() {
            return Err(bad("targetId", "is the code of an organisation"));
        }
        let expires_at = match self.expiration_time {
            None => None,
            Some(millis) => {
                let time = DateTime::from_timestamp_millis(millis).filter(|time| *time > now && is_storable(*time));
                Some(time.ok_or_else(|| bad("expirationTime", "is not a time to come, in milliseconds since 1970"))?)
            }
        };
        let os = match self.os {
            None => None,
            Some(code) => {
                let known = i32::try_from(code).ok().and_then(Os::from_code);
                Some(known.ok_or_else(|| bad("os", "is 51201, 51202, 51203 or 51205"))?)
            }
        };
        let settings = settings(place, self.distribute_settings.as_deref().unwrap_or_default())?;
        let inner = |field: &str, reason: &str| bad(&format!("distributeSettings.{field}"), reason);
        let start_at = match settings.start_time {
            None => None,
            Some(text) => {
                let time = time::parse(&text, operator.utc_offset_minutes);
                let time = time.ok_or_else(|| inner("startTime", "is not a time such as 2027-01-31 18:30:00"))?;
                Some(Some(time).filter(|time| *time > now).ok_or_else(|| inner("startTime", "is over"))?)
            }
        };
        let retry_limit = match settings.retry_times {
            None => None,
            Some(times) => {
                let times = i16::try_from(times).ok().filter(|times| (0..=RETRIES_MAX).contains(times));
                Some(times.ok_or_else(|| inner("retryTimes", "is from 0 to 3"))?)
            }
        };
        let proof_required = settings.proof.unwrap_or(false);
        Ok(Target { organisation_code: code, expires_at, start_at, retry_limit, proof_required, os })
    }
}

/// An object that is not in a string is what callers get wrong first, so it is told apart.
fn settings_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    string(deserializer).map_err(|_| D::Error::custom("is not a JSON object in a string"))
}

fn settings(place: &str, text: &str) -> Result<Settings, WebError> {
    if text.trim().is_empty() {
        return Ok(Settings::default());
    }
    read_json(text.as_bytes()).map_err(|error| {
        let reason = error.to_string();
        // What is wrong with the whole is wrong with the field that holds it.
        let reason = reason.strip_prefix("body: ").map_or_else(|| format!(".{reason}"), |reason| format!(": {reason}"));
        WebError::Invalid(format!("{place}.distributeSettings{reason}"))
    })
}

/// Whether the database can keep a time: its calendar is shorter than ours.
fn is_storable(time: DateTime<Utc>) -> bool {
    time.timestamp() < 253_402_300_800 // the year 10000
}

#[cfg(test)]
mod tests;
