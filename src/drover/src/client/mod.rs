//! A client of the AEP API, as a vendor would write it: it signs every call, and learns the server's time from it.

mod answers;
mod error;
mod signature;
mod transport;

use std::{fmt::Write, sync::Arc};

use bytes::Bytes;
use drover_domain::Protocol;
use drover_service::Secret;
use serde_json::json;
use sha2::{Digest, Sha256};

pub(crate) use answers::{Page, Subtask, Task};
pub(crate) use error::ClientError;
pub(crate) use transport::http_client;

use answers::{CreatedTask, UploadedFirmware};
use transport::{Sending, Transport};

/// Stands for every device of a product that can join a task.
pub(crate) const EVERYONE: &str = "*";

const UPGRADE: &str = "/aep_upgrade_management";
const FIRMWARE: &str = "/aep_firmware_management";

/// How the client proves who it is. Nothing of it is shown by `Debug`.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    /// The application's key.
    pub(crate) app_key: String,
    /// What it signs with.
    pub(crate) secret: Secret,
    /// The product's MasterKey.
    pub(crate) master_key: Secret,
}

/// A firmware to upload.
#[derive(Debug, Clone)]
pub(crate) struct NewFirmware {
    /// Its name.
    pub(crate) name: String,
    /// The version it brings.
    pub(crate) version: String,
    /// Free text.
    pub(crate) description: String,
    /// Who uploads it.
    pub(crate) created_by: String,
    /// The file's name.
    pub(crate) file_name: String,
    /// The file.
    pub(crate) file: Bytes,
}

/// A task to create.
#[derive(Debug, Clone)]
pub(crate) struct NewTask {
    /// The firmware it brings.
    pub(crate) firmware_id: i64,
    /// Its name.
    pub(crate) name: String,
    /// Free text.
    pub(crate) description: String,
    /// Who creates it.
    pub(crate) created_by: String,
    /// Automatic tries after the first; LwM2M only.
    pub(crate) retry_times: u8,
    /// Hours for an attempt; T-Link only.
    pub(crate) out_time_h: u8,
}

/// The API, for one product.
#[derive(Clone)]
pub(crate) struct AepClient {
    transport: Arc<Transport>,
    product_id: i64,
    protocol: Protocol,
}

impl AepClient {
    /// Asks the server for its time, so that calls are signed with it, and waits for a server that is just starting.
    pub(crate) async fn connect(
        base_url: &str,
        credentials: Credentials,
        product_id: i64,
        protocol: Protocol,
    ) -> Result<Self, ClientError> {
        let transport = Arc::new(Transport::connect(base_url, credentials).await?);
        Ok(Self { transport, product_id, protocol })
    }

    /// Uploads a firmware. Returns its id.
    pub(crate) async fn create_firmware(&self, new: NewFirmware) -> Result<i64, ClientError> {
        let sha256 = Sha256::digest(&new.file).iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        let query = [("fileSha256", sha256), self.product()];
        let file = reqwest::multipart::Part::stream_with_length(new.file.clone(), new.file.len() as u64);
        // The file comes last: the server reads the form as it flows.
        let form = reqwest::multipart::Form::new()
            .text("name", new.name)
            .text("version", new.version)
            .text("description", new.description)
            .text("upgradePlan", "1")
            .text("createBy", new.created_by)
            .part("file", file.file_name(new.file_name));
        let path = format!("{FIRMWARE}/firmware");
        let uploaded: UploadedFirmware = self.transport.send(&path, &query, Sending::Upload(form)).await?;
        Ok(uploaded.firmware_id)
    }

    /// D8: creates a task. Returns its id.
    pub(crate) async fn create_task(&self, new: &NewTask) -> Result<i64, ClientError> {
        let mut body = json!({
            "firmwareId": new.firmware_id,
            "jobName": new.name,
            "jobDesc": new.description,
            "productId": self.product_id,
            "createBy": new.created_by,
        });
        match self.protocol {
            Protocol::Lwm2m => body["retryTimes"] = new.retry_times.into(),
            // The document's samples send this number as text.
            Protocol::TLink => body["outTime"] = new.out_time_h.to_string().into(),
            Protocol::Mqtt => {}
        }
        let created: CreatedTask =
            self.transport.send(&format!("{UPGRADE}/task"), &[], Sending::Post(body.to_string())).await?;
        Ok(created.job_id)
    }

    /// D9: lets devices join a task, or [`EVERYONE`].
    pub(crate) async fn join(&self, job_id: i64, devices: &[&str], by: &str) -> Result<(), ClientError> {
        let mut body = json!({"operational": 1, "jobId": job_id, "productId": self.product_id, "createBy": by});
        if self.protocol == Protocol::Lwm2m {
            body["deviceInfoList"] = devices.iter().map(|device| json!({"deviceId": device})).collect();
        } else {
            body["deviceIdList"] = devices.join(",").into();
        }
        let path = format!("{UPGRADE}/operational");
        let _: String = self.transport.send(&path, &[], Sending::Post(body.to_string())).await?;
        Ok(())
    }

    /// D3: starts a task.
    pub(crate) async fn start(&self, job_id: i64) -> Result<(), ClientError> {
        let body = json!({"productId": self.product_id, "runStatus": 2});
        let query = [("id", job_id.to_string())];
        let path = format!("{UPGRADE}/control");
        let _: String = self.transport.send(&path, &query, Sending::Put(body.to_string())).await?;
        Ok(())
    }

    /// D1: a task and how many devices it has.
    pub(crate) async fn detail(&self, job_id: i64) -> Result<Task, ClientError> {
        self.get("detail", vec![("id", job_id.to_string()), self.product()]).await
    }

    /// D2: a task with its product.
    pub(crate) async fn task(&self, job_id: i64) -> Result<Task, ClientError> {
        self.get("task", vec![("id", job_id.to_string()), self.product()]).await
    }

    /// D10: the first `size` subtasks of a task that have this status.
    pub(crate) async fn details(&self, job_id: i64, status: u8, size: u32) -> Result<Page<Subtask>, ClientError> {
        let query = vec![
            ("id", job_id.to_string()),
            self.product(),
            ("taskStatus", status.to_string()),
            ("pageNow", "1".to_owned()),
            ("pageSize", size.to_string()),
        ];
        self.get("details", query).await
    }

    async fn get<T: serde::de::DeserializeOwned>(
        &self,
        call: &str,
        query: Vec<(&'static str, String)>,
    ) -> Result<T, ClientError> {
        self.transport.send(&format!("{UPGRADE}/{call}"), &query, Sending::Get).await
    }

    fn product(&self) -> (&'static str, String) {
        ("productId", self.product_id.to_string())
    }
}
