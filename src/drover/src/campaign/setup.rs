//! What a campaign needs before it can start: a customer of its own, so that none gets in another's way.

use drover_domain::{JobId, Protocol};
use drover_service::{CredentialKind, NewDevice, Service};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::client::{AepClient, Credentials, NewFirmware, NewTask};

/// In whose name campaigns are run.
pub(crate) const OPERATOR: &str = "drover";

/// What the devices speak: LwM2M has retries, which are worth seeing.
const PROTOCOL: Protocol = Protocol::Lwm2m;
/// Automatic tries after the first.
const RETRY_TIMES: u8 = 2;
/// Length of the firmware file.
const FIRMWARE_BYTES: usize = 1 << 20;
/// Devices enrolled at a time.
const ENROL_BATCH: usize = 1000;
const FILE_SEED: u64 = 1;

/// A campaign that can start as soon as somebody joined.
pub(crate) struct Prepared {
    /// The start of the devices' uuids.
    pub(crate) prefix: String,
    /// The API, as the product's vendor.
    pub(crate) client: AepClient,
    /// The task; nobody has joined it.
    pub(crate) job: JobId,
}

/// Makes a tenant, a product, a credential and devices by the service; uploads a firmware and creates a task by the API.
pub(crate) async fn prepare(service: &Service, base_url: &str, kind: &str, devices: usize) -> anyhow::Result<Prepared> {
    let id = format!("{:08x}", rand::random::<u32>());
    let (name, prefix) = (format!("{kind}-{id}"), format!("sim-{id}-"));
    service.add_tenant(&name).await?;
    let product = service.add_product(&name, &name, PROTOCOL).await?;
    let credential = service.add_credential(&name, CredentialKind::Aep, None).await?;
    enrol(service, &name, &prefix, devices).await?;

    let credentials =
        Credentials { app_key: credential.key_id, secret: credential.secret, master_key: product.master_key };
    let client = AepClient::connect(base_url, credentials, product.id.0, PROTOCOL).await?;
    let firmware_id = client
        .create_firmware(NewFirmware {
            name: "Meter firmware".into(),
            version: "2.0.0".into(),
            description: "Pseudo-random bytes".into(),
            created_by: OPERATOR.into(),
            file_name: "meter-2.0.0.bin".into(),
            file: file().into(),
        })
        .await?;
    let task = NewTask {
        firmware_id,
        name,
        description: "Made by drover".into(),
        created_by: OPERATOR.into(),
        retry_times: RETRY_TIMES,
        out_time_h: 1,
    };
    let job = JobId(client.create_task(&task).await?);
    Ok(Prepared { prefix, client, job })
}

async fn enrol(service: &Service, name: &str, prefix: &str, devices: usize) -> anyhow::Result<()> {
    let product = service.product_by_name(name, name).await?;
    for first in (1..=devices).step_by(ENROL_BATCH) {
        let last = devices.min(first + ENROL_BATCH - 1);
        let batch: Vec<NewDevice> = (first..=last).map(|number| device(prefix, number)).collect();
        service.enrol(&product, &batch).await?;
    }
    Ok(())
}

fn device(prefix: &str, number: usize) -> NewDevice {
    NewDevice {
        uuid: format!("{prefix}{number:06}"),
        name: format!("Simulated meter {number}"),
        sn: format!("SN{number:010}"),
        imei: format!("{number:015}"),
        group_uuid: String::new(),
        firmware_version: "1.0.0".into(),
        channel: "simulated".into(),
    }
}

/// Bytes that do not compress, the same each time.
fn file() -> Vec<u8> {
    let mut bytes = vec![0; FIRMWARE_BYTES];
    StdRng::seed_from_u64(FILE_SEED).fill(&mut bytes[..]);
    bytes
}
