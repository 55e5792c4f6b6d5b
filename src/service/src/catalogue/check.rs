//! A device asks what there is for it.

use std::collections::BTreeMap;

use drover_domain::{
    CommandState, DeviceUuid, OrganisationPath, Os, Relationship,
    catalogue::{Against, Asker, Difference},
};
use drover_store::catalogue::{Ask, Details, EnrolledDevice, Facts};
use sha2::{Digest as _, Sha256};

use super::{Software, SoftwareCheck, evidence::Said};
use crate::{Caller, Service, ServiceError};

const CHECKS: &str = "drover_software_checks_total";

/// The settings of what has none.
const NO_SETTINGS: &str = "{}";
/// The kinds of devices that there are: 10 phone, 11 pad, 20 iPhone, 21 iPad, 22 iPad mini, 23 iTouch.
const MODELS: [i16; 6] = [10, 11, 20, 21, 22, 23];

impl Service {
    /// What a device should run and does not, by package. What it says that it runs is evidence: of its commands, and of what is
    /// on it. An organisation that does not exist is [`ServiceError::Invalid`] with the field `org_infos`.
    ///
    /// What a device says is written down before it is answered. When that cannot be done because something is away, the check
    /// fails: the device asks again, and nothing that it said is lost. Any other failure is ours, and keeps no device from its
    /// updates.
    pub async fn check_software(&self, caller: &Caller, check: &SoftwareCheck) -> Result<Vec<Software>, ServiceError> {
        let checked = self.check_software_once(caller, check).await;
        let result = match &checked {
            Ok(_) => "ok",
            Err(ServiceError::Invalid { .. }) => "invalid",
            Err(error) if error.is_unavailable() => "unavailable",
            Err(_) => "error",
        };
        metrics::counter!(CHECKS, "result" => result).increment(1);
        checked
    }

    async fn check_software_once(&self, caller: &Caller, check: &SoftwareCheck) -> Result<Vec<Software>, ServiceError> {
        let digest = digest(&check.installed);
        let facts = self.inner.facts.read(ask(caller, check, digest)?).await?;
        let Facts { revision, now_ms, organisation, device } = facts;
        let organisation =
            organisation.ok_or_else(|| ServiceError::invalid("org_infos", "names no organisation of the tenant"))?;
        if device.as_ref().is_some_and(|device| device.is_deregistered) {
            return Ok(Vec::new());
        }
        if let Some(device) = &device {
            self.note_evidence(device, check, &digest).await?;
        }
        let published = self.inner.catalogues.of(caller.tenant, revision).await?;
        let asker = asker(check, organisation, device, now_ms);
        let differences = published.catalogue.differences(&asker, &check.installed);
        Ok(differences.iter().map(|difference| self.software(difference)).collect())
    }

    /// Writes down what an enrolled device said, unless that is known and nothing waits for it.
    async fn note_evidence(
        &self,
        device: &EnrolledDevice,
        check: &SoftwareCheck,
        digest: &[u8; 32],
    ) -> Result<(), ServiceError> {
        let waits_for_proof = || device.commands.values().any(|state| *state == CommandState::Verifying);
        if check.installed.is_empty() || device.is_noted && !waits_for_proof() {
            return Ok(());
        }
        let said = Said { device: device.id, installed: &check.installed, digest, said_at: check.said_at };
        match self.note_check(said).await {
            Err(error) if !error.is_unavailable() => {
                tracing::error!(device = %device.id, error = &error as &dyn std::error::Error, "what a device said in a check was not noted");
                Ok(())
            }
            noted => noted,
        }
    }

    fn software(&self, difference: &Difference<'_, Details>) -> Software {
        let Difference { entry, against, is_auto_install } = difference;
        let release = &entry.details.release;
        let (file, file_name) = &release.file;
        Software {
            package: entry.package.clone(),
            name: release.name.clone(),
            os: entry.os,
            version_name: release.version_name.clone(),
            version_code: entry.version_code,
            description: release.description.clone(),
            size_bytes: release.size_bytes,
            md5: release.md5.clone(),
            file_url: self.file_link(*file, file_name),
            icon_url: release.icon.as_ref().map(|(icon, name)| self.file_link(*icon, name)),
            qr_url: release.qr_key.as_ref().map(|key| self.qr_code_url(key)),
            settings: entry.details.settings.as_deref().unwrap_or(NO_SETTINGS).to_owned(),
            is_auto_install: *is_auto_install,
            is_rollback: *against == Against::Newer,
        }
    }
}

/// What is to be read of who asks. One ask must not spoil the batch that it is in: what the database would not take as text is
/// nobody's name.
fn ask(caller: &Caller, check: &SoftwareCheck, digest: [u8; 32]) -> Result<Ask, ServiceError> {
    if check.organisation.as_ref().is_some_and(|code| code.contains('\0')) {
        return Err(ServiceError::invalid("org_infos", "names no organisation of the tenant"));
    }
    let is_name = DeviceUuid::parse(&check.device).is_ok();
    let device = if is_name { check.device.clone() } else { String::new() };
    Ok(Ask { tenant: caller.tenant, device, organisation: check.organisation.clone(), digest })
}

/// A fingerprint of what a device says that it runs; names are told apart by their lengths.
fn digest(installed: &BTreeMap<String, i64>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for (package, code) in installed {
        hash.update(u64::try_from(package.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(package);
        hash.update(code.to_le_bytes());
    }
    hash.finalize().into()
}

/// Of an enrolled device what is known counts before what it says.
fn asker(check: &SoftwareCheck, organisation: OrganisationPath, device: Option<EnrolledDevice>, now_ms: i64) -> Asker {
    let said_model = check.device_type.as_deref().and_then(|text| text.parse().ok());
    let said_model = said_model.filter(|model| MODELS.contains(model));
    let said_os = check.os.unwrap_or(Os::Android);
    let names = check.device_type.iter().chain(&check.labels).cloned().collect();
    let unknown = Asker {
        organisation,
        os: said_os,
        model: said_model,
        names,
        relationship: Relationship::Other,
        user: None,
        commands: BTreeMap::new(),
        now_ms,
    };
    match device {
        None => unknown,
        Some(device) => Asker {
            os: device.os.unwrap_or(said_os),
            model: device.model.or(said_model),
            relationship: device.relationship.unwrap_or(Relationship::Other),
            user: device.user,
            commands: device.commands,
            ..unknown
        },
    }
}
