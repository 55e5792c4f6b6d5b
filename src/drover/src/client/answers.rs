//! What the API answers, as far as this client looks at it.

use serde::Deserialize;

/// The envelope of an answer that went well.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) code: i64,
    #[serde(default)]
    pub(super) msg: String,
    pub(super) result: T,
}

/// The body of an answer that did not.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Refusal {
    pub(super) code: i64,
    #[serde(default)]
    pub(super) msg: String,
    #[serde(default)]
    pub(super) desc: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UploadedFirmware {
    pub(super) firmware_id: i64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatedTask {
    pub(super) job_id: i64,
}

/// A task.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Task {
    /// Its name.
    pub(crate) job_name: String,
    /// 1 not started, 2 running, 3 finished.
    pub(crate) job_status: u8,
    /// How long it has run, "X时Y分"; empty before its start.
    pub(crate) take_time: String,
    /// The version it brings.
    pub(crate) firmware_version: String,
    /// The product, where the call tells it.
    #[serde(default)]
    pub(crate) product_name: String,
    /// Its devices, where the call tells them.
    #[serde(default)]
    pub(crate) all_num: i64,
}

impl Task {
    /// Whether nothing more will happen.
    pub(crate) const fn is_finished(&self) -> bool {
        self.job_status == 3
    }
}

/// One device's part of a task.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Subtask {
    /// The device.
    pub(crate) device_id: String,
    /// The device's result code, "-1" before and "999" while it is under way.
    pub(crate) result_code: String,
}

/// One page of a list.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Page<T> {
    /// Entries in all.
    pub(crate) total: i64,
    /// Those of this page.
    pub(crate) list: Vec<T>,
}
