//! What devices are told of applications and lists.

use std::time::Duration;

use drover_domain::RestrictionType;
use drover_messages::{
    ApplicationFile, InstallOptions, ListKind, ListedApplication, PackageFile, RestrictionList, StoreApplication,
};
use drover_store::{
    ApplicationArtifact, RestrictionArtifact,
    artifacts::{InstallSettings, PackageOfRelease},
};

use crate::Service;

impl Service {
    /// A release, with a link that outlives an attempt.
    pub(crate) fn application_file(&self, application: &ApplicationArtifact, timeout: Duration) -> ApplicationFile {
        let package = |package: &PackageOfRelease| PackageFile {
            url: self.file_link_for(package.file, &package.file_name, timeout),
            file_name: package.file_name.clone(),
            size_bytes: package.size_bytes,
            sha256: package.sha256.clone(),
            md5: package.md5.clone(),
        };
        ApplicationFile {
            application_id: application.application.0,
            name: application.name.clone(),
            package_name: application.package_name.clone(),
            version_name: application.version_name.clone(),
            version_code: application.version_code.clone(),
            min_os_version: application.min_os_version.clone(),
            file: application.file.as_ref().map(package),
            store: application
                .store
                .as_ref()
                .map(|store| StoreApplication { itunes_store_id: store.itunes_store_id, url: store.url.clone() }),
        }
    }
}

pub(crate) fn install_options(settings: &InstallSettings) -> InstallOptions {
    InstallOptions {
        required: settings.is_required,
        notify: settings.is_notified,
        essential: settings.is_essential,
        remove_on_exit: settings.removes_on_exit,
        wifi_only: settings.wifi_only,
        into_knox: settings.into_knox,
        prevent_backup: settings.prevents_backup,
        policy: settings.policy.clone(),
    }
}

pub(crate) fn restriction_list(restriction: &RestrictionArtifact) -> RestrictionList {
    let listed = restriction
        .applications
        .iter()
        .map(|listed| ListedApplication { package_name: listed.package_name.clone(), name: listed.name.clone() });
    RestrictionList {
        restriction_id: restriction.restriction.0,
        name: restriction.name.clone(),
        list: match restriction.kind {
            RestrictionType::White => ListKind::White,
            RestrictionType::Black => ListKind::Black,
        },
        revision: restriction.revision.into(),
        applications: listed.collect(),
    }
}
