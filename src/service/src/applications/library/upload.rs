//! A package is uploaded: saved when nothing else is kept of it, put aside when other versions are.

use bytes::Bytes;
use drover_domain::{ApplicationId, ApplicationType, Platform};
use drover_store::{
    StoreError,
    applications::{
        self as rows,
        uploads::{self, ApplicationValues, Facts, PendingUpload},
    },
};
use futures_util::{StreamExt as _, stream};
use tracing::Instrument as _;
use uuid::Uuid;

use super::{
    judging::{check_kind, judge},
    parsing::{SpooledPackage, domain_type, signature},
    placing::Placed,
    saving, values,
};
use crate::{Operator, Service, ServiceError, firmware::check_file_name, random_uuid};

/// The name that an icon is downloaded under.
pub(super) const ICON_NAME: &str = "icon.png";

/// What is said with a package.
#[derive(Debug, Clone)]
pub struct NewPackage {
    /// The name of its file.
    pub file_name: String,
    /// Enterprise or public.
    pub kind: ApplicationType,
    /// The lowest version of Android, if it is for that.
    pub android_version: Option<String>,
    /// The lowest version of iOS, if it is for that.
    pub ios_version: Option<String>,
    /// What else; its `os_version` is not looked at.
    pub values: ApplicationValues,
}

/// What became of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uploaded {
    /// It is saved as a new application.
    Saved(ApplicationId, Platform),
    /// Other versions are there, so nothing is saved yet.
    Undecided(Undecided),
}

/// A package that was put aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    /// What names it, when somebody says what becomes of it.
    pub path: String,
    /// The name of its file.
    pub file_name: String,
    /// What it runs on.
    pub platform: Platform,
    /// The name that it bears.
    pub label: String,
    /// The applications of other versions that the operator sees, by id, with their versions.
    pub others: Vec<(ApplicationId, String)>,
}

impl Service {
    /// Keeps a package. It goes on even when nobody waits for the answer any more. What is refused leaves nothing.
    pub async fn upload_application(
        &self,
        operator: &Operator,
        package: SpooledPackage,
        new: NewPackage,
    ) -> Result<Uploaded, ServiceError> {
        operator.require_write()?;
        check_file_name("file", &new.file_name)?;
        values::check(&new.values)?;
        values::check_os_version("androidOsVersion", new.android_version.as_deref())?;
        values::check_os_version("iosOsVersion", new.ios_version.as_deref())?;
        let (service, operator) = (self.clone(), operator.clone());
        let keep = async move { service.keep(&operator, &package, new).await };
        let kept = tokio::spawn(keep.in_current_span()).await;
        kept.map_err(|error| ServiceError::Internal(Box::new(error)))?
    }

    async fn keep(
        &self,
        operator: &Operator,
        package: &SpooledPackage,
        new: NewPackage,
    ) -> Result<Uploaded, ServiceError> {
        let parsed = self.parse(package).await?;
        let platform = match parsed.platform {
            drover_packages::Platform::Android => Platform::Android,
            drover_packages::Platform::Ios => Platform::Ios,
        };
        check_kind(platform, new.kind)?;
        let os_version = match platform {
            Platform::Android => new.android_version,
            Platform::Ios => new.ios_version,
        };
        let facts = Facts {
            platform,
            signature: signature(&parsed),
            domain_type: domain_type(&parsed, self.options()),
            package_name: parsed.package_name,
            version_name: parsed.version_name,
            version_code: parsed.version_code,
            label: parsed.label,
            min_os_version: parsed.min_os_version,
            file_name: new.file_name,
            size_bytes: i64::try_from(package.size_bytes()).map_err(|error| ServiceError::Internal(Box::new(error)))?,
            kind: new.kind,
            said: ApplicationValues { os_version, ..new.values },
        };
        self.judge_first(operator, &facts).await?;
        let mut placed =
            vec![self.place(operator, &facts.file_name, package.size_bytes(), package.bytes().await?).await?];
        if let Some(icon) = parsed.icon {
            let length = icon.png.len() as u64;
            let bytes = stream::iter([Ok(Bytes::from(icon.png))]).boxed();
            match self.place(operator, ICON_NAME, length, bytes).await {
                Ok(icon) => placed.push(icon),
                Err(error) => {
                    self.displace(&placed, &[]).await;
                    return Err(error);
                }
            }
        }
        match self.write_down(operator, facts, &placed).await {
            Ok((uploaded, used)) => {
                // The tenant may have had the same bytes.
                self.displace(&placed, &used).await;
                tracing::info!(by = %operator.id, ?uploaded, "package uploaded");
                Ok(uploaded)
            }
            // Perhaps there are rows: bytes that nothing names do less harm than rows whose bytes are gone, and the sweeper
            // finds them.
            Err(error) if error.is_lost_answer() => {
                tracing::warn!(%error, "files of a package may have no rows");
                Err(error)
            }
            Err(error) => {
                self.displace(&placed, &[]).await;
                Err(error)
            }
        }
    }

    /// Refuses what the rules refuse already, before any byte is stored.
    async fn judge_first(&self, operator: &Operator, facts: &Facts) -> Result<(), ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        judge(&tx, operator, facts).await?;
        Ok(tx.rollback().await.map_err(StoreError::from)?)
    }

    /// Writes the rows of a package whose bytes are stored. Returns where the bytes are that the rows name.
    async fn write_down(
        &self,
        operator: &Operator,
        facts: Facts,
        placed: &[Placed],
    ) -> Result<(Uploaded, Vec<String>), ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let package = rows::lock_package(&tx, operator.tenant, facts.platform, &facts.package_name).await?;
        let others = judge(&tx, operator, &facts).await?;
        let mut named = Vec::with_capacity(placed.len());
        for placed in placed {
            named.push(placed.name(&tx, operator).await?);
        }
        let (files, used): (Vec<Uuid>, Vec<String>) = named.into_iter().unzip();
        let [file, ..] = files[..] else { return Err(ServiceError::Internal("a package without a file".into())) };
        let icon = files.get(1).copied();
        let id = random_uuid(self.inner.entropy.as_ref());
        let upload = PendingUpload { id, file, icon, facts };
        let uploaded = if others.is_empty() {
            let id = saving::save_new(&tx, operator, package, &upload).await?;
            Uploaded::Saved(id, upload.facts.platform)
        } else {
            uploads::insert(&tx, (operator.tenant, operator.organisation.id, operator.id), &upload).await?;
            Uploaded::Undecided(Undecided {
                path: saving::path(id, upload.facts.platform),
                file_name: upload.facts.file_name,
                platform: upload.facts.platform,
                label: upload.facts.label,
                others,
            })
        };
        tx.commit().await.map_err(StoreError::from)?;
        Ok((uploaded, used))
    }
}
