//! Whether an uploaded package may stand beside what is kept of it.

use crate::DomainType;

/// What tells two releases of one package apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseMark {
    /// Whether it was wrapped for the container, among others.
    pub domain_type: DomainType,
    /// The version as people read it.
    pub version_name: String,
    /// The version as the package compares it.
    pub version_code: String,
}

/// What may become of an uploaded package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Nothing is kept of it: it is saved.
    First,
    /// Other versions are kept: somebody says whether it replaces one of them or is added.
    BesideOthers,
    /// It was wrapped and what is kept was not, or the other way round; they exclude each other.
    WrappedBesideUnwrapped,
    /// The same version is kept.
    SameVersion,
}

/// What may become of `new`, where `kept` is what is kept of its package.
pub fn admission<'a>(new: &ReleaseMark, kept: impl IntoIterator<Item = &'a ReleaseMark>) -> Admission {
    let is_wrapped = |mark: &ReleaseMark| mark.domain_type == DomainType::Container;
    let version = |mark: &'a ReleaseMark| (mark.version_name.as_str(), mark.version_code.as_str());
    let mut admitted = Admission::First;
    for kept in kept {
        if is_wrapped(kept) != is_wrapped(new) {
            return Admission::WrappedBesideUnwrapped;
        }
        if version(kept) == (new.version_name.as_str(), new.version_code.as_str()) {
            admitted = Admission::SameVersion;
        } else if admitted == Admission::First {
            admitted = Admission::BesideOthers;
        }
    }
    admitted
}

/// A version as a number that grows; 0 when it is none.
pub fn version_number(code: &str) -> i64 {
    code.parse().ok().filter(|number| *number > 0).unwrap_or(0)
}

/// Whether a text is a version of an operating system: one to four numbers with dots between them.
pub fn is_os_version(text: &str) -> bool {
    let is_part = |part: &str| (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split('.').all(is_part) && text.split('.').count() <= 4
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(domain_type: DomainType, version: &str) -> ReleaseMark {
        ReleaseMark { domain_type, version_name: version.into(), version_code: "7".into() }
    }

    #[test]
    fn what_is_kept_decides_what_becomes_of_a_package() {
        use DomainType::{BuiltIn, Container, Normal};
        let new = mark(Normal, "1.2");
        for (kept, expected) in [
            (vec![], Admission::First),
            (vec![mark(Normal, "1.1")], Admission::BesideOthers),
            (vec![mark(BuiltIn, "1.1"), mark(Normal, "1.2")], Admission::SameVersion),
            (vec![mark(Normal, "1.2"), mark(Normal, "1.1")], Admission::SameVersion),
            (vec![mark(Normal, "1.2"), mark(Container, "1.1")], Admission::WrappedBesideUnwrapped),
        ] {
            assert_eq!(admission(&new, &kept), expected, "{kept:?}");
        }
        let other_code = ReleaseMark { version_code: "8".into(), ..new.clone() };
        assert_eq!(admission(&new, [&other_code]), Admission::BesideOthers, "name and number make the version");
        assert_eq!(admission(&mark(Container, "1.2"), [&mark(Container, "1.2")]), Admission::SameVersion);
    }

    #[test]
    fn a_version_is_a_number_or_none() {
        assert_eq!(["17", "1.2", "", "-3", "99999999999999999999"].map(version_number), [17, 0, 0, 0, 0]);
    }

    #[test]
    fn an_operating_systems_version_is_numbers_between_dots() {
        for good in ["9", "2.3", "13.0", "8.1.0", "10.0.1.2"] {
            assert!(is_os_version(good), "{good}");
        }
        for bad in ["", ".", "5.", "a", "5.x", "1.2.3.4.5", "-1", "12345", " 5"] {
            assert!(!is_os_version(bad), "{bad}");
        }
    }
}
