//! A package becomes an application, or a release of one that is there.

use drover_domain::{ApplicationId, ApplicationType, PackageId, Platform, version_number};
use drover_messages::TraceContext;
use drover_store::{
    StoreError, Tx,
    applications::{
        self as rows, Application, ApplicationChange, NewApplication, NewRelease,
        uploads::{self, ApplicationValues, Facts, PendingUpload},
    },
};
use uuid::Uuid;

use super::{
    ApplicationRefusal as R, DECISION_LIMIT,
    changing::{categorise, changeable},
    judging::{check_kind, judge},
    values,
};
use crate::{Operator, Service, ServiceError};

/// What the names of uploads begin with. They look like the document's, and lead nowhere.
const PATHS: &str = "/data/app/mdm/";

/// What becomes of an uploaded package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is the next release of this application, or of the only one that there is.
    Replace(Option<ApplicationId>),
    /// It is an application beside the others.
    Add,
}

/// What a decision came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saved {
    /// The application.
    pub id: ApplicationId,
    /// What it runs on.
    pub platform: Platform,
    /// Whether it was there and has another release now.
    pub is_replaced: bool,
}

/// What an upload is called until it is decided on.
pub(super) fn path(id: Uuid, platform: Platform) -> String {
    let extension = match platform {
        Platform::Android => "apk",
        Platform::Ios => "ipa",
    };
    format!("{PATHS}{id}.{extension}")
}

/// The upload of that name.
fn id_of(path: &str) -> Option<Uuid> {
    let (name, extension) = path.strip_prefix(PATHS)?.rsplit_once('.')?;
    Uuid::parse_str(name).ok().filter(|_| ["apk", "ipa"].contains(&extension))
}

impl Service {
    /// Decides on an operator's upload, once. What is said here goes before what was said with the package. What replaces an
    /// application is pushed to all that it was pushed to.
    pub async fn save_application(
        &self,
        operator: &Operator,
        path: &str,
        decision: Decision,
        kind: Option<ApplicationType>,
        said: ApplicationValues,
        trace: TraceContext,
    ) -> Result<Saved, ServiceError> {
        operator.require_write()?;
        values::check(&said)?;
        let id = id_of(path).ok_or(R::NoSuchUpload)?;
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let taken = uploads::take(&tx, operator.tenant, operator.id, id, DECISION_LIMIT).await?;
        let mut upload = taken.ok_or(R::NoSuchUpload)?;
        let facts = &mut upload.facts;
        facts.kind = kind.unwrap_or(facts.kind);
        check_kind(facts.platform, facts.kind)?;
        facts.said = over(said, std::mem::take(&mut facts.said));
        let platform = facts.platform;
        let package = rows::lock_package(&tx, operator.tenant, platform, &facts.package_name).await?;
        let others = judge(&tx, operator, facts).await?;
        let saved = match decision {
            Decision::Add => {
                Saved { id: save_new(&tx, operator, package, &upload).await?, platform, is_replaced: false }
            }
            Decision::Replace(named) => {
                let id = named.map_or_else(|| only(&others, &upload.facts.package_name), Ok)?;
                let application = replace(&tx, operator, id, &upload).await?;
                self.renew_assignments(&tx, &application, trace).await?;
                Saved { id, platform, is_replaced: true }
            }
        };
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(by = %operator.id, application = %saved.id, is_replaced = saved.is_replaced, "package saved");
        Ok(saved)
    }
}

/// What is said now, and what was said before where nothing is.
fn over(now: ApplicationValues, before: ApplicationValues) -> ApplicationValues {
    ApplicationValues {
        name: now.name.or(before.name),
        company: now.company.or(before.company),
        description: now.description.or(before.description),
        os_version: now.os_version.or(before.os_version),
        model_types: now.model_types.or(before.model_types),
        categories: now.categories.or(before.categories),
    }
}

/// The one application of a package that is there.
fn only(others: &[(ApplicationId, String)], package: &str) -> Result<ApplicationId, ServiceError> {
    match others {
        [(id, _)] => Ok(*id),
        [] => Err(R::NoSuchApplication(format!("of {package}")).into()),
        _ => {
            Err(ServiceError::invalid("appId", format!("is missing, and there are several applications of {package}")))
        }
    }
}

/// Makes an application of a package whose row is locked.
pub(super) async fn save_new(
    tx: &Tx<'_>,
    operator: &Operator,
    package: PackageId,
    upload: &PendingUpload,
) -> Result<ApplicationId, ServiceError> {
    let Facts { platform, label, min_os_version, domain_type, kind, said, .. } = &upload.facts;
    let least = Some(min_os_version.as_str()).filter(|version| !version.is_empty());
    let os_version = said.os_version.as_deref().or(least).unwrap_or(platform.lowest_os_version());
    let new = NewApplication {
        tenant: operator.tenant,
        organisation: operator.organisation.id,
        package,
        kind: *kind,
        domain_type: *domain_type,
        name: said.name.as_deref().map_or(label.as_str(), str::trim),
        company: said.company.as_deref().unwrap_or_default(),
        description: said.description.as_deref().unwrap_or_default(),
        price: None,
        itunes_store_id: None,
        os_version,
        model_types: &values::model_types(*platform, said.model_types.as_deref()),
        created_by: &operator.login_id,
    };
    let id = rows::insert(tx, &new).await?;
    let release = rows::insert_release(tx, id, &release(operator, upload)).await?;
    rows::set_release(tx, id, release, *domain_type).await?;
    categorise(tx, operator, id, said.categories.as_deref()).await?;
    Ok(id)
}

/// Makes a package the next release of an application.
async fn replace(
    tx: &Tx<'_>,
    operator: &Operator,
    id: ApplicationId,
    upload: &PendingUpload,
) -> Result<Application, ServiceError> {
    let application = changeable(tx, operator, id).await?;
    let Facts { platform, package_name, min_os_version, domain_type, kind, said, .. } = &upload.facts;
    if (application.platform, &application.package_name) != (*platform, package_name) {
        return Err(R::OtherPackage { theirs: application.package_name, ours: package_name.clone() }.into());
    }
    let least = Some(min_os_version.as_str()).filter(|version| !version.is_empty());
    let model_types = said.model_types.as_deref().map(|named| values::model_types(*platform, Some(named)));
    let change = ApplicationChange {
        name: said.name.as_deref().map(str::trim),
        kind: Some(*kind),
        company: said.company.as_deref(),
        description: said.description.as_deref(),
        os_version: said.os_version.as_deref().or(least),
        model_types: model_types.as_deref(),
    };
    let release = rows::insert_release(tx, id, &release(operator, upload)).await?;
    rows::change(tx, id, &change).await?;
    // From here on pushes bring the new release.
    rows::set_release(tx, id, release, *domain_type).await?;
    categorise(tx, operator, id, said.categories.as_deref()).await?;
    Ok(application)
}

fn release<'a>(operator: &'a Operator, upload: &'a PendingUpload) -> NewRelease<'a> {
    let Facts { version_name, version_code, file_name, size_bytes, min_os_version, signature, .. } = &upload.facts;
    NewRelease {
        file: Some(upload.file),
        icon: upload.icon,
        file_name: Some(file_name),
        version_name,
        version_code,
        version_number: version_number(version_code),
        size_bytes: *size_bytes,
        min_os_version,
        signature,
        source_url: None,
        created_by: &operator.login_id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_is_found_by_its_name_alone() {
        let id = Uuid::from_u128(7);
        assert_eq!(id_of(&path(id, Platform::Ios)), Some(id));
        assert_eq!(id_of(&path(id, Platform::Android)), Some(id));
        for other in ["", "/data/app/mdm/7.ipa", "/etc/passwd", &format!("{PATHS}{id}"), &format!("{PATHS}{id}.zip")] {
            assert_eq!(id_of(other), None, "{other}");
        }
    }
}
