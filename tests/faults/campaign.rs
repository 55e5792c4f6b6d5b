//! Jobs that the harness makes through the API while nothing is broken.

use serde_json::json;

use crate::{vendor::UPGRADE, world::World};

impl World {
    /// A task of these devices that has not started, by its id.
    pub(crate) async fn job(&self, devices: &[String]) -> i64 {
        let number = self.product.number();
        let body = json!({"firmwareId": self.firmware, "productId": number, "jobName": "campaign", "retryTimes": 3});
        let job = self.client.ok("POST", &format!("{UPGRADE}/task"), &[], body).await["jobId"].as_i64().unwrap();
        let body = join_body(job, number, devices);
        self.client.ok("POST", &format!("{UPGRADE}/operational"), &[], body).await;
        job
    }

    /// Lets it go.
    pub(crate) async fn start_job(&self, job: i64) {
        self.client.start(&self.product, &job.to_string()).await;
    }

    /// Gives a job's devices less time for an attempt than the API's whole hours or the installation's own.
    pub(crate) async fn hurry(&self, job: i64, attempt_timeout_s: i32) {
        self.rows.query("UPDATE jobs SET attempt_timeout_s = $2 WHERE id = $1", &[&job, &attempt_timeout_s]).await;
    }
}

/// The body of a call by which devices join a task.
pub(crate) fn join_body(job: i64, product: i64, devices: &[String]) -> serde_json::Value {
    let list: Vec<_> = devices.iter().map(|device| json!({"deviceId": device})).collect();
    json!({"operational": 1, "jobId": job, "productId": product, "createBy": "faults", "deviceInfoList": list})
}

/// Names of devices: `<prefix><first>` and on.
pub(crate) fn devices(prefix: &str, first: usize, count: usize) -> Vec<String> {
    (first..first + count).map(|number| format!("{prefix}{number}")).collect()
}
