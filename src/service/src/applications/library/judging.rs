//! What may be kept beside what is.

use drover_domain::{Admission, ApplicationId, ApplicationType, Platform, ReleaseMark, admission};
use drover_store::{
    Tx,
    applications::{self as rows, KEPT_MAX, uploads::Facts},
};

use super::{ApplicationRefusal as R, values};
use crate::{Operator, ServiceError};

/// Refuses an IPA that is to be public.
pub(super) fn check_kind(platform: Platform, kind: ApplicationType) -> Result<(), ServiceError> {
    if platform == Platform::Ios && kind == ApplicationType::Public { Err(R::PublicIpa.into()) } else { Ok(()) }
}

/// Refuses what may not be kept beside what is. Returns the applications of other versions that the operator sees: what is kept
/// anywhere in the tenant excludes the same version, but nobody is asked about what is out of sight.
pub(super) async fn judge(
    tx: &Tx<'_>,
    operator: &Operator,
    facts: &Facts,
) -> Result<Vec<(ApplicationId, String)>, ServiceError> {
    let Facts { platform, package_name, version_name, version_code, domain_type, said, .. } = facts;
    let kept = rows::of_package(tx, operator.tenant, *platform, package_name).await?;
    if kept.len() >= KEPT_MAX {
        return Err(ServiceError::conflict(format!("file: {KEPT_MAX} applications of {package_name} are there")));
    }
    let mark = ReleaseMark {
        domain_type: *domain_type,
        version_name: version_name.clone(),
        version_code: version_code.clone(),
    };
    match admission(&mark, kept.iter().map(|kept| &kept.mark)) {
        Admission::WrappedBesideUnwrapped => return Err(R::WrappedBesideUnwrapped(package_name.clone()).into()),
        Admission::SameVersion => {
            return Err(R::SameVersion { package: package_name.clone(), version: version_name.clone() }.into());
        }
        Admission::First | Admission::BesideOthers => {}
    }
    values::known_categories(tx, operator, said.categories.as_deref().unwrap_or_default()).await?;
    let seen = kept.into_iter().filter(|kept| operator.sees(&kept.owner));
    Ok(seen.map(|kept| (kept.id, kept.mark.version_name)).collect())
}
