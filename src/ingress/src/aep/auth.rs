//! Who calls: the application whose secret signed the call.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use drover_service::AppCredential;
use http::HeaderMap;

use super::{Gateway, errors::AepError, params::Params, replay::Proven, signature, signature::Signed};

/// How far a caller's clock may be off.
const MAX_SKEW: TimeDelta = TimeDelta::minutes(10);
/// The longest header of the scheme, in bytes.
const HEADER_MAX_LEN: usize = 256;

/// What a call says of its sender; nothing of it is proven yet.
pub(super) struct Claim {
    application: String,
    timestamp: String,
    signature: String,
    /// The MasterKey of header or query, be it empty.
    pub(super) master_key: Option<String>,
}

impl fmt::Debug for Claim {
    /// Shows who claims, never with what: signature and MasterKey are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("application", &self.application).finish_non_exhaustive()
    }
}

impl Claim {
    /// Reads the headers, and takes the MasterKey out of the query.
    pub(super) fn read(headers: &HeaderMap, query: &mut Params) -> Result<Self, AepError> {
        let required = |name: &'static str| {
            header(headers, name)?
                .filter(|value| !value.is_empty())
                .ok_or_else(|| AepError::unauthorized(format!("header {name} is missing")))
        };
        let [application, timestamp, signature] = ["application", "timestamp", "signature"].map(required);
        let in_header = header(headers, signature::MASTER_KEY)?;
        let in_query = query.take(signature::MASTER_KEY);
        let master_key = match (in_header, in_query) {
            (Some(one), Some(other)) if !one.is_empty() && !other.is_empty() && one != other => {
                return Err(AepError::unauthorized("the MasterKeys of header and query differ"));
            }
            (Some(one), Some(other)) => Some(if one.is_empty() { other } else { one }),
            (one, other) => one.or(other),
        };
        Ok(Self { application: application?, timestamp: timestamp?, signature: signature?, master_key })
    }

    /// Checks that the call was made about now, and finds the secret that must have signed it.
    pub(super) async fn credential(&self, state: &Gateway) -> Result<AppCredential, AepError> {
        self.check_time(state.now())?;
        let found = state.service.app_credential(&self.application).await?;
        found.ok_or_else(|| AepError::unauthorized("the application is unknown"))
    }

    /// Checks the signature: from here on the caller is known.
    pub(super) fn verify(
        &self,
        secret: &[u8],
        query: &Params,
        declared: &[&str],
        body: &[u8],
    ) -> Result<Proven, AepError> {
        let signed = Signed {
            application: &self.application,
            timestamp: &self.timestamp,
            parameters: query.pairs(),
            master_key: self.master_key.as_deref(),
            declared,
            body,
        };
        let mac = signed.verify(secret, &self.signature);
        let mac = mac.ok_or_else(|| AepError::unauthorized("the signature is wrong"))?;
        Ok(Proven { mac, stale_at: self.sent_at()? + MAX_SKEW })
    }

    fn sent_at(&self) -> Result<DateTime<Utc>, AepError> {
        let sent = self.timestamp.parse().ok().and_then(DateTime::from_timestamp_millis);
        sent.ok_or_else(|| AepError::unauthorized("header timestamp is not a time in milliseconds"))
    }

    fn check_time(&self, now: DateTime<Utc>) -> Result<(), AepError> {
        let sent = self.sent_at()?;
        if sent.signed_duration_since(now).abs() <= MAX_SKEW {
            Ok(())
        } else {
            Err(AepError::unauthorized(
                "header timestamp is more than 10 minutes off; GET /echo tells the server's time",
            ))
        }
    }
}

/// A header's value, given at most once and readable.
fn header(headers: &HeaderMap, name: &'static str) -> Result<Option<String>, AepError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let readable = value.to_str().ok().filter(|value| value.len() <= HEADER_MAX_LEN && values.next().is_none());
    let readable = readable.ok_or_else(|| AepError::unauthorized(format!("header {name} is malformed or repeated")))?;
    Ok(Some(readable.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(headers: &[(&'static str, &'static str)], query: &str) -> Result<Claim, AepError> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Claim::read(&headers, &mut Params::parse(query).unwrap())
    }

    const SIGNED: [(&str, &str); 3] = [("application", "a"), ("timestamp", "1515752817580"), ("signature", "s")];

    #[test]
    fn each_header_of_the_scheme_is_required() {
        assert!(claim(&SIGNED, "").is_ok());
        for left_out in 0..3 {
            let mut headers = SIGNED.to_vec();
            let (name, _) = headers.remove(left_out);
            assert_eq!(claim(&headers, "").unwrap_err().desc(), format!("header {name} is missing"));
        }
        assert!(claim(&[SIGNED.as_slice(), &[("signature", "t")]].concat(), "").is_err(), "repeated");
    }

    #[test]
    fn a_master_key_comes_from_header_or_query() {
        let master_key = |header: Option<&'static str>, query: &str| {
            let key: Vec<_> = header.map(|value| ("masterkey", value)).into_iter().collect();
            claim(&[SIGNED.as_slice(), &key].concat(), query).map(|claim| claim.master_key)
        };
        assert_eq!(master_key(None, "").unwrap(), None);
        assert_eq!(master_key(Some(""), "").unwrap().as_deref(), Some(""));
        assert_eq!(master_key(None, "MasterKey=x").unwrap().as_deref(), Some("x"));
        assert_eq!(master_key(Some("x"), "MasterKey=x").unwrap().as_deref(), Some("x"));
        assert_eq!(master_key(Some("x"), "MasterKey=").unwrap().as_deref(), Some("x"));
        assert!(master_key(Some("x"), "MasterKey=y").is_err());
    }

    #[test]
    fn a_call_is_fresh_for_ten_minutes_either_way() {
        let claim = claim(&SIGNED, "").unwrap();
        let sent = DateTime::from_timestamp_millis(1_515_752_817_580).unwrap();
        for (off, fresh) in [(0, true), (600_000, true), (-600_000, true), (600_001, false), (-600_001, false)] {
            assert_eq!(claim.check_time(sent + TimeDelta::milliseconds(off)).is_ok(), fresh, "{off}");
        }
        for hostile in ["", "x", "9223372036854775807", "-9223372036854775808", "1515752817580.0"] {
            let claim = Claim { timestamp: hostile.into(), ..self::claim(&SIGNED, "").unwrap() };
            assert!(claim.check_time(sent).is_err(), "{hostile}");
        }
    }
}
