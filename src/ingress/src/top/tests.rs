//! A second method, which is one file and one line, behind the same gateway.

pub(super) mod session_show;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU8, Ordering},
    },
    time::Duration,
};

use axum::body::Body;
use chrono::{DateTime, Utc};
use drover_domain::Role;
use drover_service::{
    Clock, CredentialKind, Entropy, FileStore, IssuedCredential, NewOperator, OperatorLogin, Secret, SecretKey,
    Service, ServiceOptions,
};
use drover_store::{Store, StoreOptions, TlsMode};
use drover_testkit::TestPostgres;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::Request;
use http_body_util::BodyExt as _;
use md5::Md5;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{BASE, Gateway, router};
use crate::{AppState, Limits, Lobby};

const NOW_MS: i64 = 1_767_225_600_000;

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(NOW_MS).unwrap()
    }
}

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        bytes.fill(NEXT.fetch_add(1, Ordering::Relaxed));
    }
}

/// A gateway, and an application that calls it.
struct Scene {
    router: axum::Router,
    app: IssuedCredential,
    /// An operator's.
    token: String,
    ticks: AtomicI64,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        let database = TestPostgres::database().await;
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions {
            url: database.url.clone(),
            pool_size: 4,
            wait_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(10),
            tls: TlsMode::Disable,
        };
        let store = Store::new(&options).unwrap();
        drover_store::migrate::run(&store).await.unwrap();
        let key = SecretKey::parse(&SecretKey::generate(&Fixed)).unwrap();
        let files = FileStore::folder(folder.path()).unwrap();
        let service = Service::new(store, files, key, Arc::new(Fixed), Arc::new(Fixed), ServiceOptions::default());
        service.add_tenant("acme").await.unwrap();
        let app = service.add_credential("acme", CredentialKind::Top, None).await.unwrap();
        let token = log_in(&service).await;
        let state = AppState {
            service,
            now: Arc::new(|| Fixed.now()),
            random: Arc::new(|| 7),
            broker: Arc::new(|| None),
            lobby: Lobby::new(10).0,
            devices_vhost: "/".into(),
            metrics: None,
            limits: Limits::default(),
        };
        Self { router: router(Gateway::new(state)), app, token, ticks: AtomicI64::new(0), _folder: folder }
    }

    /// What a signed call of the second method is answered.
    async fn call(&self, parameters: &[(&str, &str)]) -> Value {
        let time = (NOW_MS + self.ticks.fetch_add(1, Ordering::Relaxed)).to_string();
        let common = [
            ("method", session_show::METHOD.name),
            ("app_key", self.app.key_id.as_str()),
            ("timestamp", &time),
            ("v", "2.0"),
            ("sign_method", "hmac"),
            ("format", "json"),
        ];
        let all: BTreeMap<&str, &str> = common.into_iter().chain(parameters.iter().copied()).collect();
        let text: String = all.iter().flat_map(|(name, value)| [*name, value]).collect();
        let mac = Hmac::<Md5>::new_from_slice(self.app.secret.expose().as_bytes()).unwrap().chain_update(text);
        let digits: Vec<String> = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let pairs: Vec<String> = all.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let body = Body::from(format!("{}&sign={}", pairs.join("&"), digits.concat()));
        let answer = self.router.clone().oneshot(Request::post(BASE).body(body).unwrap()).await.unwrap();
        serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
    }

    /// Code and `sub_code` of a call that must fail.
    async fn refused(&self, parameters: &[(&str, &str)]) -> Value {
        let answer = self.call(parameters).await;
        json!([answer["error_response"]["code"], answer["error_response"]["sub_code"]])
    }
}

async fn log_in(service: &Service) -> String {
    let owner = service.owner_of("acme").await.unwrap();
    let password = || Secret::new("correct horse battery");
    let (login_id, name) = ("admin".to_owned(), "管理员".to_owned());
    let new = NewOperator { login_id, name, role: Role::ReadOnly, organisation: None, password: password() };
    service.add_operator(&owner, new).await.unwrap();
    match service.log_in("acme", "admin", &password()).await.unwrap() {
        OperatorLogin::Accepted(issued) => issued.token.expose().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_second_method_is_answered() {
    let scene = Scene::new().await;
    let answer = scene.call(&[("session", &scene.token), ("greeting", "hello")]).await;
    let expected = json!({"text": "hello, admin", "request_id": "0000000000000007"});
    assert_eq!(answer, json!({ "drover_session_show_response": expected }));
}

#[tokio::test]
async fn a_method_that_needs_a_session_is_refused_without_one_before_all_that_comes_later() {
    let scene = Scene::new().await;
    let later = [("tenant_id", "1"), ("nonsense", "1")];
    let with = |session: &'static str| [&later[..], &[("session", session)]].concat();
    assert_eq!(scene.refused(&later).await, json!([26, "isv.missing-session"]));
    assert_eq!(scene.refused(&with("")).await, json!([26, "isv.missing-session"]));
    assert_eq!(scene.refused(&with("x")).await, json!([27, "isv.invalid-session"]));
    let session = ("session", scene.token.as_str());
    assert_eq!(scene.refused(&[&later[..], &[session]].concat()).await, json!([11, "isv.insufficient-permissions"]));
    let missing = scene.refused(&[session, ("nonsense", "1")]).await;
    assert_eq!(missing, json!([40, "isv.missing-parameter:greeting"]));
    let unknown = scene.refused(&[session, ("greeting", "x"), ("device_id", "x")]).await;
    assert_eq!(unknown, json!([41, "isv.invalid-parameter:device_id"]), "another method's");
}

#[tokio::test]
async fn calls_are_counted_by_method_and_code_and_invented_methods_share_a_label() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let _here = metrics::set_default_local_recorder(&recorder);
    let scene = Scene::new().await;
    scene.call(&[("session", &scene.token), ("greeting", "hello")]).await;
    for method in ["invented", "too"] {
        assert_eq!(scene.refused(&[("method", method)]).await, json!([22, "isv.invalid-method"]));
    }
    let counted = recorder.handle().render();
    for line in [
        r#"drover_top_calls_total{method="drover.session.show",code="0"} 1"#,
        r#"drover_top_calls_total{method="other",code="22"} 2"#,
    ] {
        assert!(counted.contains(line), "{counted}");
    }
}
