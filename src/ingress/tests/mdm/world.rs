//! Two tenants, one with a tree of organisations and operators of every role, and a client that calls for them.
//!
//! ```text
//! acme            admin (tenant administrator), reader (read-only)
//! ├── north       north (organisation administrator)
//! │   └── north-1
//! └── south       south (organisation administrator)
//! other           stranger (tenant administrator of tenant other)
//! ```
#![allow(dead_code)] // not every test file needs everything

#[path = "../support/ingress.rs"]
mod ingress;

use axum::{Router, body::Body};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use drover_domain::{OrganisationId, Role};
use drover_ingress::{AppState, Limits};
use drover_service::{NewOperator, Operator, OperatorLogin, Secret, Service, ServiceOptions};
use drover_testkit::{TestDatabase, TestPostgres};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const CLIENT_UPGRADE: &str = "/mdm/v1/clientupgrade";

/// An operator with a token.
pub(crate) struct Person {
    pub(crate) operator: Operator,
    pub(crate) token: String,
}

pub(crate) struct World {
    pub(crate) state: AppState,
    pub(crate) router: Router,
    pub(crate) service: Service,
    /// The database's time when the test began, and for ever.
    pub(crate) now: DateTime<Utc>,
    pub(crate) admin: Person,
    pub(crate) reader: Person,
    pub(crate) north: Person,
    pub(crate) south: Person,
    pub(crate) stranger: Person,
    database: TestDatabase,
    folder: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(ServiceOptions::default()).await
    }

    pub(crate) async fn with(options: ServiceOptions) -> Self {
        let database = TestPostgres::database().await;
        let now = database.client().await.query_one("SELECT now()", &[]).await.unwrap().get(0);
        let folder = tempfile::tempdir().unwrap();
        let (state, store) = ingress::state(&database.url, folder.path(), now, &options, Limits::default());
        drover_store::migrate::run(&store).await.unwrap();
        let service = state.service.clone();
        for tenant in ["acme", "other"] {
            service.add_tenant(tenant).await.unwrap();
        }
        let owner = service.owner_of("acme").await.unwrap();
        let add = async |parent: Option<OrganisationId>, code: &str| {
            service.add_organisation(&owner, parent, code, &format!("部门 {code}")).await.unwrap().id
        };
        let north = add(None, "north").await;
        add(Some(north), "north-1").await;
        let south = add(None, "south").await;
        let person = async |tenant: &str, login_id: &str, role, organisation| {
            let owner = service.owner_of(tenant).await.unwrap();
            let (login_id, password) = (login_id.to_owned(), Secret::new(PASSWORD));
            let name = format!("操作员 {login_id}");
            let new = NewOperator { login_id: login_id.clone(), name, role, organisation, password };
            service.add_operator(&owner, new).await.unwrap();
            log_in(&service, tenant, &login_id).await
        };
        let admin = person("acme", "admin", Role::TenantAdmin, None).await;
        let reader = person("acme", "reader", Role::ReadOnly, None).await;
        let north = person("acme", "north", Role::OrgAdmin, Some(north)).await;
        let south = person("acme", "south", Role::OrgAdmin, Some(south)).await;
        let stranger = person("other", "stranger", Role::TenantAdmin, None).await;
        let router = drover_ingress::router(state.clone());
        Self { state, router, service, now, admin, reader, north, south, stranger, database, folder }
    }

    /// A connection to look, or to prepare, behind the scenes.
    pub(crate) async fn client(&self) -> tokio_postgres::Client {
        self.database.client().await
    }

    /// A version of a client program for Android that belongs to an organisation of acme.
    pub(crate) async fn version(&self, organisation: &str, code: i32) -> i64 {
        const SQL: &str = "WITH o AS (SELECT id, tenant_id FROM organisations WHERE code = $1 AND tenant_id = $4),
            f AS (INSERT INTO files (id, tenant_id, sha256, md5, size_bytes, file_name, object_path)
                SELECT gen_random_uuid(), tenant_id, md5(random()::text) || md5(random()::text), md5(random()::text), 84,
                    'client.apk', gen_random_uuid()::text FROM o RETURNING id),
            g AS (INSERT INTO client_groups (tenant_id, organisation_id, name, group_code, terminal_class, os, download_key)
                SELECT tenant_id, id, 'client', gen_random_uuid()::text, '1', 51201, gen_random_uuid()::text FROM o
                RETURNING id)
            INSERT INTO client_versions (tenant_id, group_id, file_id, package_name, app_name, version_code, version_name)
                SELECT o.tenant_id, g.id, f.id, 'com.example.client', 'client.apk', $2, $3 FROM o, f, g RETURNING id";
        let tenant = self.admin.operator.tenant.0;
        let client = self.client().await;
        client.query_one(SQL, &[&organisation, &code, &format!("{code}.0"), &tenant]).await.unwrap().get(0)
    }

    /// An Android device of an organisation of acme, with a user.
    pub(crate) async fn device(&self, uuid: &str, organisation: &str) -> i64 {
        const SQL: &str = "WITH o AS (SELECT id, tenant_id FROM organisations WHERE code = $1 AND tenant_id = $3),
            u AS (INSERT INTO users (tenant_id, organisation_id, account, name)
                SELECT tenant_id, id, $2 || '@example.com', '用户 ' || $2 FROM o RETURNING id)
            INSERT INTO devices (tenant_id, organisation_id, user_id, uuid, name, os, channel)
                SELECT o.tenant_id, o.id, u.id, $2, '设备 ' || $2, 51201, 'poll' FROM o, u RETURNING id";
        let tenant = self.admin.operator.tenant.0;
        self.client().await.query_one(SQL, &[&organisation, &uuid, &tenant]).await.unwrap().get(0)
    }

    /// Where uploaded files lie.
    pub(crate) fn files(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A call with parameters in the query.
    pub(crate) async fn call(
        &self,
        person: &Person,
        method: &str,
        path: &str,
        query: &[(&str, &str)],
    ) -> (StatusCode, Value) {
        let target = format!("{path}?{}", encoded(query));
        self.send(request(method, &target).token(&person.token).empty()).await
    }

    /// A call with parameters in a form.
    pub(crate) async fn form(
        &self,
        person: &Person,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> (StatusCode, Value) {
        self.send(request(method, path).token(&person.token).form(fields)).await
    }

    /// A call with a JSON body.
    pub(crate) async fn json(&self, person: &Person, method: &str, path: &str, body: &Value) -> (StatusCode, Value) {
        self.send(request(method, path).token(&person.token).json(body)).await
    }

    /// The answer to a call without a body that must succeed.
    pub(crate) async fn ok(&self, person: &Person, method: &str, path: &str, query: &[(&str, &str)]) -> Value {
        success(self.call(person, method, path, query).await)
    }

    /// The answer to a call with a JSON body that must succeed.
    pub(crate) async fn ok_json(&self, person: &Person, method: &str, path: &str, body: &Value) -> Value {
        success(self.json(person, method, path, body).await)
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> (StatusCode, Value) {
        let (status, _, body) = self.raw(request).await;
        (status, serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{status} {error}: {body:?}")))
    }

    /// Sends any request.
    pub(crate) async fn raw(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Bytes) {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        (parts.status, parts.headers, body.collect().await.unwrap().to_bytes())
    }
}

/// Logs in somebody whose password is [`PASSWORD`].
pub(crate) async fn log_in(service: &Service, tenant: &str, login_id: &str) -> Person {
    match service.log_in(tenant, login_id, &Secret::new(PASSWORD)).await.unwrap() {
        OperatorLogin::Accepted(issued) => {
            Person { token: issued.token.expose().to_owned(), operator: issued.operator }
        }
        other => panic!("{other:?}"),
    }
}

/// A request to be sent.
pub(crate) struct Call(http::request::Builder);

pub(crate) fn request(method: &str, target: &str) -> Call {
    Call(Request::builder().method(method).uri(target))
}

impl Call {
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn empty(self) -> Request<Body> {
        self.0.body(Body::empty()).unwrap()
    }

    pub(crate) fn form(self, fields: &[(&str, &str)]) -> Request<Body> {
        let labelled = self.header("content-type", "application/x-www-form-urlencoded;charset=UTF-8");
        labelled.0.body(Body::from(encoded(fields))).unwrap()
    }

    pub(crate) fn json(self, body: &Value) -> Request<Body> {
        self.header("content-type", "application/json").0.body(Body::from(body.to_string())).unwrap()
    }

    pub(crate) fn body(self, body: impl Into<Body>) -> Request<Body> {
        self.0.body(body.into()).unwrap()
    }
}

/// The answer of a call that must have succeeded.
#[track_caller]
pub(crate) fn success((status, answer): (StatusCode, Value)) -> Value {
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

/// The message of a call that must have failed with this status, in the family's error body.
#[track_caller]
pub(crate) fn failure(code: u16, (status, answer): (StatusCode, Value)) -> String {
    assert_eq!((status.as_u16(), &answer["errorCode"]), (code, &json!(code)), "{answer}");
    assert_eq!(answer.as_object().unwrap().len(), 2, "{answer}");
    answer["message"].as_str().unwrap().to_owned()
}

pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    let encode =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}
