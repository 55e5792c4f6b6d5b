//! A tenant whose devices check for updates: its organisations, its devices, and what is published for them.

use std::{fmt::Write as _, io::Cursor, num::NonZeroU32};

use anyhow::{Context, bail};
use bytes::Bytes;
use drover_domain::{OrganisationId, Os, Role, TerminalClass, UiFamily};
use drover_messages::TraceContext;
use drover_service::{
    ImportKind, Imported, NewClientGroup, NewClientVersion, NewFile, NewOperator, Operator, Page, PublishRequest,
    Service, Sort, Target, TopTerms, VersionKey,
};
use futures_util::stream;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use uuid::Uuid;

use super::{
    CheckOptions,
    answer::Expected,
    call::{Application, Device, Installed},
};

/// In whose name everything is made.
const OPERATOR: &str = "drover";
/// Organisations below the root, which share the devices.
const ORGANISATIONS: usize = 10;
/// The version that is published of each package.
const PUBLISHED: i32 = 2;
/// More calls a second than anything here can make.
const UNLIMITED: Option<NonZeroU32> = NonZeroU32::new(1_000_000);
const FILE_MAX_BYTES: u64 = 1 << 20;
const SEED: u64 = 1;

/// Devices that are ready to check, in no order.
pub(super) struct Scene {
    devices: Vec<Device>,
}

impl Scene {
    /// The devices of each of so many connections, or fewer if there are not as many devices.
    pub(super) fn shares(self, connections: usize) -> Vec<Vec<Device>> {
        let connections = connections.min(self.devices.len());
        let mut shares: Vec<Vec<Device>> = Vec::new();
        shares.resize_with(connections, Vec::new);
        for (number, device) in self.devices.into_iter().enumerate() {
            shares[number % connections].push(device);
        }
        shares
    }
}

/// Makes a tenant by the service.
pub(super) async fn prepare(service: &Service, options: CheckOptions) -> anyhow::Result<Scene> {
    let name = format!("checks-{:08x}", rand::random::<u32>());
    let tenant = service.add_tenant(&name).await?;
    let administrator = NewOperator {
        login_id: OPERATOR.into(),
        name: OPERATOR.into(),
        role: Role::TenantAdmin,
        organisation: None,
        password: service.random_password(),
    };
    let owner = service.owner_of(&name).await?;
    let operator: Operator = service.add_operator(&owner, administrator).await?.into();
    let mut organisations = Vec::with_capacity(ORGANISATIONS);
    for number in 1..=ORGANISATIONS {
        let code = format!("branch{number}");
        service.add_organisation(&operator, None::<OrganisationId>, &code, &code).await?;
        organisations.push(code);
    }
    let icon = store_file(service, &operator, "icon.png", Bytes::from_static(b"icon")).await?;
    for number in 0..options.packages {
        publish(service, &operator, number, icon).await.with_context(|| format!("publishing package {number}"))?;
    }
    enrol(service, &operator, &name, &organisations, options.devices).await?;

    let credential = service.add_top_credential(&name, TopTerms { allows_md5: false, calls_per_s: UNLIMITED }).await?;
    let application =
        Application { app_key: credential.key_id, secret: credential.secret.expose().to_owned(), tenant: tenant.0 };
    let current = Installed::new(installed(options.named, None));
    let older: Vec<Installed> =
        (0..options.named).map(|package| Installed::new(installed(options.named, Some(package)))).collect();
    let new = options.packages - options.named;
    let mut random = StdRng::seed_from_u64(SEED);
    let mut numbers: Vec<usize> = (0..options.devices).collect();
    numbers.shuffle(&mut random);
    numbers.truncate(options.asking);
    let mut devices = Vec::with_capacity(numbers.len());
    for number in numbers {
        let is_outdated = !older.is_empty() && random.random_bool(options.outdated);
        let (installed, expected) = if is_outdated {
            let package = number % older.len();
            (&older[package], Expected { entries: new + 1, package: Some(package_name(package)) })
        } else {
            (&current, Expected { entries: new, package: None })
        };
        let place = (&*uuid(&name, number), &*organisations[number % ORGANISATIONS]);
        devices.push(Device::new(&application, place, installed, expected)?);
    }
    Ok(Scene { devices })
}

fn uuid(tenant: &str, number: usize) -> String {
    format!("{tenant}-{number:06}")
}

fn package_name(number: usize) -> String {
    format!("com.example.terminal.app{number:03}")
}

/// What a device says that it has: the first `named` packages, of which `older` is not the published version.
fn installed(named: usize, older: Option<usize>) -> String {
    let entry = |number| {
        let version = if older == Some(number) { PUBLISHED - 1 } else { PUBLISHED };
        format!(r#"{{"packageName":"{}","versionCode":{version}}}"#, package_name(number))
    };
    format!("[{}]", (0..named).map(entry).collect::<Vec<_>>().join(","))
}

/// Enrols the devices in one go.
async fn enrol(
    service: &Service,
    operator: &Operator,
    tenant: &str,
    organisations: &[String],
    devices: usize,
) -> anyhow::Result<()> {
    let mut file = String::from("uuid,organisation,os,deviceType,channel\n");
    for number in 0..devices {
        let organisation = &organisations[number % organisations.len()];
        writeln!(file, "{},{organisation},{},10,poll", uuid(tenant, number), Os::Android.code())?;
    }
    match service.import(operator, ImportKind::Devices, Cursor::new(file)).await? {
        Imported::All { .. } => Ok(()),
        Imported::Refused(faults) => bail!("the devices were refused: {faults:?}"),
    }
}

/// Publishes one version of a client program to everybody.
async fn publish(service: &Service, operator: &Operator, number: usize, icon: Uuid) -> anyhow::Result<()> {
    let package_name = package_name(number);
    let file_name = format!("{package_name}.apk");
    let file = store_file(service, operator, &file_name, package_name.clone().into()).await?;
    let group = NewClientGroup {
        name: format!("App {number}"),
        group_code: package_name.clone(),
        terminal_class: TerminalClass::Direct,
        ui_family: UiFamily::default(),
        os: Os::Android,
    };
    let version = NewClientVersion {
        file,
        icon: Some(icon),
        package_name,
        app_name: Some(file_name),
        version_code: PUBLISHED,
        version_name: format!("{PUBLISHED}.0.0"),
        size_bytes: None,
        update_info: "Faster, and some faults less".into(),
        remark: String::new(),
    };
    let group = service.create_client_group(operator, &group, &[version]).await?;
    let newest = Sort { key: VersionKey::Id, descending: true };
    let versions = service.client_versions(operator, group, newest, Page::new(1, 1)?).await?;
    let version = versions.items.first().context("a version that was just made is not there")?.id;
    service.set_client_qr(operator, group, version).await?;
    let everybody = Target {
        organisation_code: operator.organisation.code.clone(),
        expires_at: None,
        start_at: None,
        retry_limit: None,
        proof_required: false,
        os: None,
    };
    let request = PublishRequest { force: false, distribute: false, targets: vec![everybody] };
    service.publish_version(operator, version, request, TraceContext::root(rand::random(), rand::random())).await?;
    Ok(())
}

async fn store_file(service: &Service, operator: &Operator, name: &str, bytes: Bytes) -> anyhow::Result<Uuid> {
    let new = NewFile {
        tenant: operator.tenant,
        file_name: name.into(),
        created_by: OPERATOR.into(),
        expected_sha256: None,
        max_bytes: FILE_MAX_BYTES,
    };
    Ok(service.store_file(new, stream::iter([Ok(bytes)])).await?.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_package_may_be_older() {
        assert_eq!(
            installed(2, Some(1)),
            r#"[{"packageName":"com.example.terminal.app000","versionCode":2},{"packageName":"com.example.terminal.app001","versionCode":1}]"#
        );
        assert_eq!(installed(0, None), "[]");
    }

    #[test]
    fn connections_share_the_devices() {
        let application = Application { app_key: "a".into(), secret: "s".into(), tenant: 1 };
        let sizes = |devices: usize, connections: usize| -> Vec<usize> {
            let device = |_| {
                let expected = Expected { entries: 0, package: None };
                Device::new(&application, ("d", "o"), &Installed::new("[]".into()), expected).unwrap()
            };
            let scene = Scene { devices: (0..devices).map(device).collect() };
            scene.shares(connections).iter().map(Vec::len).collect()
        };
        assert_eq!(sizes(5, 2), [3, 2]);
        assert_eq!(sizes(2, 64), [1, 1]);
    }
}
