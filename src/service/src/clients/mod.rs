//! Client programs: their groups and versions are kept, published, distributed and withdrawn.

mod check_update;
mod distribute;
mod downloads;
mod expiry;
mod groups;
mod logs;
mod publish;
mod subject;
mod versions;
mod withdraw;

use drover_domain::OrganisationPath;
pub use drover_store::clients::{
    ClientGroup, ClientVersion, Sort,
    groups::{GroupFilter, GroupKey},
    offers::Offer,
    versions::VersionKey,
};

use crate::{Operator, Service, ServiceError, enrolment::check_text};

pub use check_update::{GroupUpdates, PackageUpdate};
pub use downloads::DownloadPage;
pub use groups::NewClientGroup;
pub use publish::{PublishRequest, Target};
pub use versions::NewClientVersion;

/// The longest text about a version or a group but for its name.
const TEXT_MAX_CHARS: usize = 4000;

impl Operator {
    /// Whether what an organisation administers may be looked at: the catalogue flows down the tree, and who administers a
    /// part of it sees all of that part.
    pub(crate) fn sees(&self, owner: &OrganisationPath) -> bool {
        self.reaches(owner) || owner.contains(&self.organisation.path)
    }

    /// Refuses those who see it but do not administer it.
    pub(crate) fn require_reach(&self, owner: &OrganisationPath) -> Result<(), ServiceError> {
        if self.reaches(owner) {
            Ok(())
        } else {
            Err(ServiceError::Forbidden { reason: "it belongs to an organisation above this operator's".into() })
        }
    }
}

impl Service {
    /// The image of a group's QR code; `None` while it downloads nothing.
    pub fn client_qr_url(&self, group: &ClientGroup) -> Option<String> {
        group.qr_version.map(|_| self.qr_code_url(&group.download_key))
    }
}

/// A name that must be there.
pub(crate) fn check_name(field: &'static str, text: &str) -> Result<(), ServiceError> {
    if text.is_empty() { Err(ServiceError::invalid(field, "must not be empty")) } else { check_text(field, text) }
}

/// A text that may be long and may be absent.
pub(crate) fn check_long(field: &'static str, text: &str) -> Result<(), ServiceError> {
    if text.chars().nth(TEXT_MAX_CHARS).is_some() {
        Err(ServiceError::invalid(field, format!("is longer than {TEXT_MAX_CHARS} characters")))
    } else if text.contains('\0') {
        Err(ServiceError::invalid(field, "holds a NUL character"))
    } else {
        Ok(())
    }
}
