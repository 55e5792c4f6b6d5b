#![allow(clippy::unwrap_used)]

mod cases;
mod properties;

use std::collections::BTreeMap;

use super::*;

/// 2026-11-22.
pub(super) const NOW_MS: i64 = 1_795_305_600_000;

/// A version of a program that an organisation is published for ever.
pub(super) fn published(package: &str, version_code: i64, organisation: i64) -> Entry<u32> {
    let place = Place { organisation: OrganisationId(organisation), ends_at_ms: i64::MAX };
    Entry {
        package: package.into(),
        os: Os::Android,
        version_code,
        reach: Reach::Published { places: vec![place], labels: UiFamily::default() },
        rollouts: Vec::new(),
        details: 0,
    }
}

/// Required of everybody, and of nobody yet.
pub(super) fn assigned(assignment: i64) -> Assigned {
    Assigned {
        assignment: AssignmentId(assignment),
        groups: Vec::new(),
        labels: Vec::new(),
        default_group_of: None,
        relationships: Relationship::ALL.to_vec(),
        models: Vec::new(),
        begins_at_ms: None,
        is_required: true,
    }
}

pub(super) fn application(package: &str, version_code: i64, assigned: Assigned) -> Entry<u32> {
    Entry { reach: Reach::Assigned(assigned), ..published(package, version_code, 0) }
}

pub(super) fn rollout(job: i64, organisations: Option<&[i64]>, is_planned: bool) -> Rollout {
    Rollout {
        job: JobId(job),
        organisations: organisations.map(|ids| ids.iter().copied().map(OrganisationId).collect()),
        is_planned,
        is_paused: false,
        is_forced: false,
    }
}

/// An Android device of organisation /1/2/ that is nobody's.
pub(super) fn asker() -> Asker {
    Asker {
        organisation: OrganisationPath::parse("/1/2/").unwrap(),
        os: Os::Android,
        model: None,
        names: Vec::new(),
        relationship: Relationship::Company,
        user: None,
        commands: BTreeMap::new(),
        now_ms: NOW_MS,
    }
}

/// The same device of a user of /1/3/, who is in no group and bears no label.
pub(super) fn asker_with_user() -> Asker {
    let organisation = OrganisationPath::parse("/1/3/").unwrap();
    let user = AskingUser { organisation, groups: Vec::new(), labels: Vec::new(), assignments: Vec::new() };
    Asker { user: Some(user), ..asker() }
}

/// Package, version, what is there instead, and whether it is installed without asking.
pub(super) type Said = (String, i64, Against, bool);

pub(super) fn ask(entries: &[Entry<u32>], asker: &Asker, installed: &[(&str, i64)]) -> Vec<Said> {
    let installed = installed.iter().map(|(package, code)| ((*package).to_owned(), *code)).collect();
    let catalogue = Catalogue::new(entries.to_vec());
    let said = |found: &Difference<'_, u32>| {
        (found.entry.package.clone(), found.entry.version_code, found.against, found.is_auto_install)
    };
    catalogue.differences(asker, &installed).iter().map(said).collect()
}

/// The versions that a device which has nothing is offered.
pub(super) fn offered(entries: &[Entry<u32>], asker: &Asker) -> Vec<i64> {
    ask(entries, asker, &[]).into_iter().map(|(_, code, ..)| code).collect()
}
