//! Signed checks, prepared as far as they can be: the caller shares the machine with whom it measures.

use std::fmt::Write as _;

use bytes::{Buf, Bytes, buf::Chain};
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, header};
use http_body_util::Full;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;

use super::answer::Expected;

/// The body of a call: what is the device's own, and what many have in common.
pub(super) type Body = Full<Chain<Bytes, Bytes>>;

const METHOD: &str = "wdk.rex.software.list.check";
const SIGN_METHOD: &str = "hmac-sha256";
const FORM: &str = "application/x-www-form-urlencoded;charset=utf-8";
const HOST: &str = "localhost";
/// What clients escape in forms.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// In whose name the devices call.
#[derive(Debug, Clone)]
pub(super) struct Application {
    /// What it shows.
    pub(super) app_key: String,
    /// What it signs with.
    pub(super) secret: String,
    /// On whose behalf.
    pub(super) tenant: i64,
}

/// What a device says of what it has, as many devices say it.
#[derive(Debug, Clone)]
pub(super) struct Installed {
    json: String,
    form: Bytes,
}

impl Installed {
    /// Of JSON.
    pub(super) fn new(json: String) -> Self {
        let form = format!("&old_versions={}", utf8_percent_encode(&json, ESCAPED));
        Self { json, form: form.into() }
    }
}

/// A device that checks again and again, each time with a new timestamp.
pub(super) struct Device {
    own: Bytes,
    installed: Bytes,
    /// The signature over everything that stands before the timestamp, by the order of names.
    begun: Hmac<Sha256>,
    /// The part of the URL before the timestamp.
    url: String,
    /// What it must be answered.
    pub(super) expected: Expected,
}

impl Device {
    /// A device in an organisation, which is named by its code.
    pub(super) fn new(
        application: &Application,
        (uuid, organisation): (&str, &str),
        installed: &Installed,
        expected: Expected,
    ) -> anyhow::Result<Self> {
        let Application { app_key, secret, tenant } = application;
        let place = format!(r#"{{"l2Code":"{organisation}"}}"#);
        let mut begun = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
        for text in [
            format!("app_key{app_key}device_id{uuid}device_type10formatjsonmethod{METHOD}old_versions").as_str(),
            &installed.json,
            &format!("org_infos{place}sign_method{SIGN_METHOD}tenant_id{tenant}timestamp"),
        ] {
            begun.update(text.as_bytes());
        }
        let (uuid, place) = (utf8_percent_encode(uuid, ESCAPED), utf8_percent_encode(&place, ESCAPED));
        Ok(Self {
            own: format!("device_id={uuid}&device_type=10&org_infos={place}&tenant_id={tenant}").into(),
            installed: installed.form.clone(),
            begun,
            url: format!(
                "/router/rest?method={METHOD}&app_key={app_key}&format=json&v=2.0&sign_method={SIGN_METHOD}&timestamp="
            ),
            expected,
        })
    }

    /// A check at a time in milliseconds since 1970. No two checks of a device may have the same time: the second would be
    /// refused as a replay.
    pub(super) fn check(&self, now_ms: i64) -> Result<Request<Body>, http::Error> {
        let mut url = String::with_capacity(self.url.len() + 96);
        url.push_str(&self.url);
        let start = url.len();
        // Writing to a string cannot fail.
        let _ = write!(url, "{now_ms}");
        let mut mac = self.begun.clone();
        mac.update(&url.as_bytes()[start..]);
        mac.update(b"v2.0");
        url.push_str("&sign=");
        push_hex(&mut url, &mac.finalize().into_bytes());
        Request::post(url)
            .header(header::HOST, HOST)
            .header(header::CONTENT_TYPE, FORM)
            .body(Full::new(self.own.clone().chain(self.installed.clone())))
    }
}

/// A call of `/healthz`.
pub(super) fn health() -> Result<Request<Body>, http::Error> {
    Request::get("/healthz").header(header::HOST, HOST).body(Full::new(Bytes::new().chain(Bytes::new())))
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in bytes {
        text.extend([byte >> 4, byte & 15].map(|digit| char::from(DIGITS[usize::from(digit)])));
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_check_is_signed_as_a_whole() {
        let application = Application { app_key: "12345678".into(), secret: "helloworld".into(), tenant: 7 };
        let installed = Installed::new(r#"[{"packageName":"a.b","versionCode":2}]"#.into());
        let expected = Expected { entries: 0, package: None };
        let device = Device::new(&application, ("d-1", "south"), &installed, expected).unwrap();
        let request = device.check(1_700_000_000_123).unwrap();
        let text = concat!(
            "app_key12345678device_idd-1device_type10formatjsonmethodwdk.rex.software.list.check",
            r#"old_versions[{"packageName":"a.b","versionCode":2}]org_infos{"l2Code":"south"}"#,
            "sign_methodhmac-sha256tenant_id7timestamp1700000000123v2.0"
        );
        let mut mac = Hmac::<Sha256>::new_from_slice(b"helloworld").unwrap();
        mac.update(text.as_bytes());
        let mut sign = String::new();
        push_hex(&mut sign, &mac.finalize().into_bytes());
        assert_eq!(
            request.uri().to_string(),
            format!(
                "/router/rest?method=wdk.rex.software.list.check&app_key=12345678&format=json&v=2.0&sign_method=hmac-sha256&timestamp=1700000000123&sign={sign}"
            )
        );
        let body = request.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(
            body,
            "device_id=d-1&device_type=10&org_infos=%7B%22l2Code%22%3A%22south%22%7D&tenant_id=7\
             &old_versions=%5B%7B%22packageName%22%3A%22a.b%22%2C%22versionCode%22%3A2%7D%5D"
        );
    }

    #[test]
    fn bytes_as_hexadecimal() {
        let mut text = "x".to_owned();
        push_hex(&mut text, &[0, 0x9f, 0xff]);
        assert_eq!(text, "x009FFF");
    }
}
