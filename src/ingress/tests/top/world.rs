//! A tenant with an application that calls the gateway, and a client that signs as the platform says: written apart from the code
//! under test.

#[path = "../support/ingress.rs"]
mod ingress;

use std::{
    collections::BTreeMap,
    io::Read as _,
    num::NonZeroU32,
    sync::atomic::{AtomicI64, Ordering},
};

use axum::{Router, body::Body};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use drover_domain::Role;
use drover_ingress::Limits;
use drover_service::{NewOperator, OperatorLogin, Secret, Service, ServiceOptions, TopTerms};
use drover_testkit::{TestDatabase, TestPostgres};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use md5::{Digest as _, Md5};
use serde_json::Value;
use sha2::Sha256;
use tower::ServiceExt as _;

use crate::xml::Element;

pub(crate) const BASE: &str = "/router/rest";
pub(crate) const METHOD: &str = "wdk.rex.software.list.check";
const FORM: &str = "application/x-www-form-urlencoded;charset=UTF-8";
const PASSWORD: &str = "correct horse battery";

/// What a call says, by name.
pub(crate) type Parameters = BTreeMap<String, String>;

/// An application that signs.
pub(crate) struct App {
    pub(crate) key: String,
    secret: String,
}

pub(crate) struct World {
    pub(crate) service: Service,
    pub(crate) tenant: i64,
    /// May sign with MD5, and call as often as it likes.
    pub(crate) app: App,
    pub(crate) now: DateTime<Utc>,
    router: Router,
    /// What each call adds to the time, so that no two are signed alike.
    ticks: AtomicI64,
    database: TestDatabase,
    _folder: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        let database = TestPostgres::database().await;
        let now = database.client().await.query_one("SELECT now()", &[]).await.unwrap().get(0);
        let folder = tempfile::tempdir().unwrap();
        let (state, store) = ingress::state(&database.url, folder.path(), now, &ServiceOptions::default(), limits);
        drover_store::migrate::run(&store).await.unwrap();
        let service = state.service.clone();
        for tenant in ["acme", "other"] {
            service.add_tenant(tenant).await.unwrap();
        }
        let owner = service.owner_of("acme").await.unwrap();
        service.add_organisation(&owner, None, "8007", "第三级").await.unwrap();
        let app = App::new(&service, true, NonZeroU32::new(1_000_000)).await;
        let router = drover_ingress::router(state);
        let (tenant, ticks) = (owner.tenant.0, AtomicI64::new(0));
        Self { service, tenant, app, now, router, ticks, database, _folder: folder }
    }

    /// A connection to look, or to prepare, behind the scenes.
    pub(crate) async fn client(&self) -> tokio_postgres::Client {
        self.database.client().await
    }

    /// Another application of the tenant.
    pub(crate) async fn another(&self, allows_md5: bool, calls_per_s: Option<NonZeroU32>) -> App {
        App::new(&self.service, allows_md5, calls_per_s).await
    }

    /// An administrator of a tenant, with its token.
    pub(crate) async fn token(&self, tenant: &str) -> String {
        let owner = self.service.owner_of(tenant).await.unwrap();
        let (login_id, password) = ("admin".to_owned(), Secret::new(PASSWORD));
        let new =
            NewOperator { login_id, name: "管理员".into(), role: Role::TenantAdmin, organisation: None, password };
        self.service.add_operator(&owner, new).await.unwrap();
        match self.service.log_in(tenant, "admin", &Secret::new(PASSWORD)).await.unwrap() {
            OperatorLogin::Accepted(issued) => issued.token.expose().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    /// The parameters of a good check, still unsigned.
    pub(crate) fn good(&self, app: &App) -> Parameters {
        let time = self.now.timestamp_millis() + self.ticks.fetch_add(1, Ordering::Relaxed);
        parameters(&[
            ("method", METHOD),
            ("app_key", &app.key),
            ("timestamp", &time.to_string()),
            ("v", "2.0"),
            ("sign_method", "hmac-sha256"),
            ("format", "json"),
            ("device_id", "till-7"),
            ("tenant_id", &self.tenant.to_string()),
        ])
    }

    /// A good check with some parameters changed or added, signed.
    pub(crate) fn check(&self, changed: &[(&str, &str)]) -> Parameters {
        let mut all = self.good(&self.app);
        all.extend(parameters(changed));
        self.app.signed(all)
    }

    /// Sends a form.
    pub(crate) async fn post(&self, all: &Parameters) -> Answer {
        self.send(form("", all)).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

impl App {
    async fn new(service: &Service, allows_md5: bool, calls_per_s: Option<NonZeroU32>) -> Self {
        let issued = service.add_top_credential("acme", TopTerms { allows_md5, calls_per_s }).await.unwrap();
        Self { key: issued.key_id, secret: issued.secret.expose().to_owned() }
    }

    /// The parameters with their signature, in the way that they name.
    pub(crate) fn signed(&self, mut all: Parameters) -> Parameters {
        all.remove("sign");
        let text: String =
            all.iter().filter(|(_, value)| !value.is_empty()).flat_map(|(k, v)| [k.as_str(), v]).collect();
        let sign = self.sign(&text, all.get("sign_method").map_or("md5", String::as_str));
        all.insert("sign".into(), sign);
        all
    }

    /// The signature of a text.
    pub(crate) fn sign(&self, text: &str, sign_method: &str) -> String {
        let secret = self.secret.as_str();
        let bytes = match sign_method {
            "hmac" => Hmac::<Md5>::new_from_slice(secret.as_bytes())
                .unwrap()
                .chain_update(text)
                .finalize()
                .into_bytes()
                .to_vec(),
            "hmac-sha256" => Hmac::<Sha256>::new_from_slice(secret.as_bytes())
                .unwrap()
                .chain_update(text)
                .finalize()
                .into_bytes()
                .to_vec(),
            _ => Md5::digest(format!("{secret}{text}{secret}")).to_vec(),
        };
        let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        digits.concat()
    }
}

pub(crate) fn parameters(pairs: &[(&str, &str)]) -> Parameters {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn encoded(all: &Parameters) -> String {
    let encode =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    all.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}

/// A form, beside a query.
pub(crate) fn form(query: &str, all: &Parameters) -> Request<Body> {
    Request::post(format!("{BASE}?{query}")).header("content-type", FORM).body(Body::from(encoded(all))).unwrap()
}

/// A call that has everything in its query.
pub(crate) fn get(all: &Parameters) -> Request<Body> {
    Request::get(format!("{BASE}?{}", encoded(all))).body(Body::empty()).unwrap()
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body, which may be compressed.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        if self.header("content-encoding") == "gzip" {
            flate2::read::GzDecoder::new(&*self.body).read_to_string(&mut text).unwrap();
        } else {
            text = String::from_utf8(self.body.to_vec()).unwrap();
        }
        text
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/json; charset=utf-8");
        serde_json::from_str(&self.text()).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn xml(&self) -> Element {
        assert_eq!(self.header("content-type"), "text/xml; charset=utf-8");
        Element::parse(&self.text())
    }

    /// What the method answers.
    #[track_caller]
    pub(crate) fn response(&self) -> Value {
        let mut json = self.json();
        assert_eq!(self.status, StatusCode::OK);
        assert!(json["wdk_rex_software_list_check_response"]["succeed"] == true, "{json}");
        json["wdk_rex_software_list_check_response"].take()
    }

    /// Code and `sub_code` of an error, in whichever language it is.
    #[track_caller]
    pub(crate) fn error(&self) -> (i64, String) {
        assert_eq!(self.status, StatusCode::OK);
        if self.header("content-type").starts_with("text/xml") {
            let error = self.xml();
            assert_eq!(error.name, "error_response", "{error:?}");
            (error.get("code").text.parse().unwrap(), error.get("sub_code").text.clone())
        } else {
            let json = self.json();
            let error = &json["error_response"];
            let code = error["code"].as_i64().unwrap_or_else(|| panic!("no error: {json}"));
            (code, error["sub_code"].as_str().unwrap().to_owned())
        }
    }
}
