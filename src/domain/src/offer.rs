//! Which versions of client programs a device is offered.
//!
//! The statements of the store's `clients::offers` choose by the same rule, and a test there holds both together.

use crate::{ClientGroupId, ClientVersionId, OrganisationPath, Os, TerminalClass, UiFamily};

/// A part of a publication: an organisation, and until when. A publication that was cancelled or has ended has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// It reaches this organisation and everything below it.
    pub organisation: OrganisationPath,
    /// When it ends, in milliseconds since 1970; `None`: never.
    pub expires_at_ms: Option<i64>,
}

impl Publication {
    fn reaches(&self, asker: &Asker) -> bool {
        let is_over = self.expires_at_ms.is_some_and(|end| end <= asker.now_ms);
        !is_over && asker.organisation.as_ref().is_some_and(|path| self.organisation.contains(path))
    }
}

/// A version that may be offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub version: ClientVersionId,
    /// The client program that it is a version of.
    pub group: ClientGroupId,
    /// What the program runs on.
    pub os: Os,
    /// Which terminals the program is for.
    pub terminal_class: TerminalClass,
    /// The program's labels.
    pub ui_family: UiFamily,
    /// Its package.
    pub package: String,
    /// Its number: a higher one is newer.
    pub version_code: i32,
    /// Whether it was withdrawn.
    pub is_void: bool,
    /// When it was uploaded, in microseconds since 1970.
    pub updated_at_us: i64,
    /// Where it is published.
    pub publications: Vec<Publication>,
}

impl Candidate {
    fn is_visible(&self, asker: &Asker) -> bool {
        !self.is_void && self.publications.iter().any(|publication| publication.reaches(asker))
    }
}

/// A device that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// Where it belongs; a device of no organisation is offered nothing.
    pub organisation: Option<OrganisationPath>,
    /// When it asks, in milliseconds since 1970.
    pub now_ms: i64,
}

/// What a device asks for by the name of its package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackageQuery<'a> {
    /// What it runs on.
    pub os: Os,
    /// Its package.
    pub package: &'a str,
    /// A label that the program must bear, when one is given.
    pub label: Option<&'a str>,
    /// The version that it has.
    pub installed_code: i32,
}

/// The versions of a program that are newer than the installed one, newest first.
pub fn of_group<'a>(
    candidates: &'a [Candidate],
    asker: &Asker,
    group: ClientGroupId,
    installed_code: i32,
) -> Vec<&'a Candidate> {
    let fits = |candidate: &&Candidate| candidate.group == group && candidate.version_code > installed_code;
    newest_first(candidates.iter().filter(fits).filter(|candidate| candidate.is_visible(asker)).collect())
}

/// The newest version of a package that is newer than the installed one, whichever program brings it.
pub fn of_package<'a>(candidates: &'a [Candidate], asker: &Asker, query: &PackageQuery<'_>) -> Option<&'a Candidate> {
    let fits = |candidate: &&Candidate| {
        candidate.os == query.os
            && candidate.package == query.package
            && query.label.is_none_or(|label| candidate.ui_family.bears(label))
            && candidate.version_code > query.installed_code
    };
    newest_first(candidates.iter().filter(fits).filter(|candidate| candidate.is_visible(asker)).collect())
        .first()
        .copied()
}

/// The program for extended terminals that brings something to devices of an operating system; of several, the one whose
/// offered version was uploaded last.
pub fn extended_group(candidates: &[Candidate], asker: &Asker, os: Os) -> Option<ClientGroupId> {
    let fits = |candidate: &&Candidate| candidate.os == os && candidate.terminal_class == TerminalClass::Extended;
    let offered = candidates.iter().filter(fits).filter(|candidate| candidate.is_visible(asker));
    offered.max_by_key(|candidate| (candidate.updated_at_us, candidate.version)).map(|candidate| candidate.group)
}

/// The highest number first; of two programs with the same one, the one that was uploaded last.
fn newest_first(mut versions: Vec<&Candidate>) -> Vec<&Candidate> {
    versions.sort_by_key(|candidate| {
        std::cmp::Reverse((candidate.version_code, candidate.updated_at_us, candidate.version))
    });
    versions
}

#[cfg(test)]
mod tests;
