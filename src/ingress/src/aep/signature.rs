//! The signature of the AEP gateway: HMAC-SHA1 over a canonical text of the call.
//!
//! ```text
//! application:<app key>\n
//! timestamp:<milliseconds>\n
//! <name>:<value>\n          for every parameter of the query and the MasterKey, sorted by name
//! <body>\n                  when there is one
//! ```
//!
//! The text is the vendor SDKs', not the document's, which only names `hmac-sha1`. The SDKs differ in what they do with
//! an empty value, so a call has a few texts that mean the same: here, an empty parameter *is* an absent one.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

/// The name of the MasterKey among the signed parameters.
pub(super) const MASTER_KEY: &str = "MasterKey";

/// Names that are never signed as parameters, wherever they stand. No endpoint may read one of them from the query.
pub(super) const UNSIGNED: [&str; 5] = ["application", "timestamp", "version", "Date", "sdk"];

/// What a signature says, decoded.
pub(super) type MacBytes = [u8; 20];

fn decode(signature: &str) -> Option<MacBytes> {
    STANDARD.decode(signature.trim()).ok()?.try_into().ok()
}

/// A call as its signature sees it.
#[derive(Clone, Copy)]
pub(super) struct Signed<'a> {
    /// The app key, as it stands in the header.
    pub application: &'a str,
    /// The time, as it stands in the header.
    pub timestamp: &'a str,
    /// The decoded parameters of the query, each name once, without the MasterKey.
    pub parameters: &'a [(String, String)],
    /// The MasterKey, if the call has one, be it empty.
    pub master_key: Option<&'a str>,
    /// The parameters that the document declares for this endpoint, without the MasterKey.
    pub declared: &'a [&'a str],
    /// The body, byte by byte as it came.
    pub body: &'a [u8],
}

impl Signed<'_> {
    /// Whether `signature` is that of this call under `secret`, in any of the forms that real clients sign; the decoded
    /// signature when it is.
    pub(super) fn verify(&self, secret: &[u8], signature: &str) -> Option<MacBytes> {
        let signature = decode(signature)?;
        // `verify_slice` compares in constant time; which of the forms fits is no secret.
        let fits = |head: &String| self.mac(secret, head).is_some_and(|mac| mac.verify_slice(&signature).is_ok());
        self.heads().iter().any(fits).then_some(signature)
    }

    /// The signature of the plain form: query and MasterKey as they came.
    #[cfg(test)]
    pub(super) fn sign(&self, secret: &[u8]) -> String {
        let mac = self.mac(secret, &self.head(&self.lines())).unwrap();
        STANDARD.encode(mac.finalize().into_bytes())
    }

    /// The MAC over one form of the text. The body is not copied: it may be megabytes.
    fn mac(&self, secret: &[u8], head: &str) -> Option<Hmac<Sha1>> {
        // HMAC takes keys of every length, so this is always `Some`.
        let mut mac = Hmac::<Sha1>::new_from_slice(secret).ok()?;
        mac.update(head.as_bytes());
        if !self.body.is_empty() {
            mac.update(self.body);
            mac.update(b"\n");
        }
        Some(mac)
    }

    /// The part of the text before the body, in every form that is accepted.
    fn heads(&self) -> Vec<String> {
        let plain = self.lines();
        let mut declared = plain.clone();
        for name in self.declared {
            if !declared.iter().any(|(known, _)| known == name) {
                declared.push((name, ""));
            }
        }
        let mut forms = Vec::with_capacity(5);
        for lines in [plain.clone(), declared] {
            // An absent MasterKey may be signed as an empty one, and an empty one as absent.
            if self.master_key.is_none_or(str::is_empty) {
                let without: Vec<_> = lines.iter().copied().filter(|(name, _)| *name != MASTER_KEY).collect();
                let with: Vec<_> = without.iter().copied().chain([(MASTER_KEY, "")]).collect();
                forms.extend([without, with]);
            } else {
                forms.push(lines);
            }
        }
        forms.push(plain.into_iter().filter(|(_, value)| !value.is_empty()).collect());
        let mut heads: Vec<String> = forms.iter().map(|lines| self.head(lines)).collect();
        heads.sort_unstable();
        heads.dedup();
        heads
    }

    /// The signed parameters as they came.
    fn lines(&self) -> Vec<(&str, &str)> {
        let query = self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let query = query.filter(|(name, _)| !UNSIGNED.contains(name));
        query.chain(self.master_key.map(|key| (MASTER_KEY, key))).collect()
    }

    fn head(&self, lines: &[(&str, &str)]) -> String {
        let mut lines = lines.to_vec();
        lines.sort_unstable();
        let mut head = format!("application:{}\ntimestamp:{}\n", self.application, self.timestamp);
        for (name, value) in lines {
            head.extend([name, ":", value, "\n"]);
        }
        head
    }
}

#[cfg(test)]
mod tests;
