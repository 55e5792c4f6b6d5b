//! What the tests of files need: uploads, groups whose codes download them, and devices.

use axum::body::Body;
use bytes::Bytes;
use drover_domain::Protocol;
use drover_service::{CredentialKind, NewDevice, NewFile, StoredFile};
use futures_util::stream;
use http::{HeaderMap, Request, StatusCode};

use crate::world::{Person, World, request};

pub(crate) const PUBLIC_URL: &str = "http://drover.test";
pub(crate) const FILES: &str = "/mdm/v1/files";

impl World {
    /// A file of the tenant acme.
    pub(crate) async fn file(&self, name: &str, bytes: &'static [u8]) -> StoredFile {
        let new = NewFile {
            tenant: self.admin.operator.tenant,
            file_name: name.into(),
            created_by: "admin".into(),
            expected_sha256: None,
            max_bytes: 1000,
        };
        self.service.store_file(new, stream::iter([Ok(Bytes::from_static(bytes))])).await.unwrap()
    }

    /// A group whose code downloads a version of this file. Returns its key.
    pub(crate) async fn group(&self, os: i32, file: &StoredFile, app_name: &str, icon: Option<&StoredFile>) -> String {
        let key = self.service.client_download_key();
        let insert = "WITH g AS (INSERT INTO client_groups
                (tenant_id, organisation_id, name, group_code, terminal_class, os, download_key)
                VALUES ($1, $2, 'Fish & Chips <1>', $3, '0', $4, $3) RETURNING id)
            INSERT INTO client_versions
                (tenant_id, group_id, file_id, icon_id, package_name, app_name, version_code, version_name)
                SELECT $1, g.id, $5, $6, 'com.example.fish', $7, 7, '1.2 \"beta\"' FROM g RETURNING id, group_id";
        let (client, icon) = (self.client().await, icon.map(|icon| icon.id));
        let operator = &self.admin.operator;
        let (tenant, organisation) = (operator.tenant.0, operator.organisation.id.0);
        let version =
            client.query_one(insert, &[&tenant, &organisation, &key, &os, &file.id, &icon, &app_name]).await.unwrap();
        let (version, group): (i64, i64) = (version.get(0), version.get(1));
        let choose = "UPDATE client_groups SET qr_version_id = $1 WHERE id = $2";
        assert_eq!(client.execute(choose, &[&version, &group]).await.unwrap(), 1);
        key
    }

    /// A device of a tenant, with its token.
    pub(crate) async fn device_token(&self, tenant: &str, uuid: &str) -> String {
        if self.service.product_by_name(tenant, "boxes").await.is_err() {
            self.service.add_product(tenant, "boxes", Protocol::TLink).await.unwrap();
        }
        let product = self.service.product_by_name(tenant, "boxes").await.unwrap();
        let device = NewDevice {
            uuid: uuid.into(),
            name: String::new(),
            sn: String::new(),
            imei: String::new(),
            group_uuid: String::new(),
            firmware_version: String::new(),
            channel: "poll".into(),
        };
        self.service.enrol(&product, &[device]).await.unwrap();
        let issued = self.service.add_credential(tenant, CredentialKind::Device, Some(uuid)).await.unwrap();
        issued.secret.expose().to_owned()
    }

    /// Gets an absolute address of this installation, or a path, without saying who calls.
    pub(crate) async fn get(&self, url: &str) -> (StatusCode, HeaderMap, Bytes) {
        self.raw(request("GET", path(url)).empty()).await
    }

    /// The files that the store holds, whole or in parts.
    pub(crate) fn stored_files(&self) -> usize {
        fn count(folder: &std::path::Path) -> usize {
            let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            entries.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
        }
        count(self.files())
    }
}

/// The path of an absolute address of this installation.
pub(crate) fn path(url: &str) -> &str {
    url.strip_prefix(PUBLIC_URL).unwrap_or(url)
}

/// The form of an upload.
pub(crate) fn form(fields: &[(&str, &str)], file_name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut form = Vec::new();
    for (name, value) in fields {
        form.extend(format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    form.extend(
        format!("--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\n\r\n").bytes(),
    );
    form.extend(bytes);
    form.extend(b"\r\n--B--\r\n");
    form
}

pub(crate) fn upload(person: &Person, form: impl Into<Body>) -> Request<Body> {
    let call = request("POST", FILES).token(&person.token);
    call.header("content-type", "multipart/form-data; boundary=B").body(form)
}
