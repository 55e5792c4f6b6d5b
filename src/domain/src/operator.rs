//! Who may do what: roles, and the part of the tree of organisations that they reach.

use std::fmt;

/// What an operator may do within reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Everything in the whole tenant.
    TenantAdmin,
    /// Everything in one organisation and below it.
    OrgAdmin,
    /// Looks at one organisation and below it, and changes nothing.
    ReadOnly,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::TenantAdmin, Self::OrgAdmin, Self::ReadOnly];

    /// Whether the role may change anything.
    pub const fn may_write(self) -> bool {
        !matches!(self, Self::ReadOnly)
    }

    /// The role's name in rows and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TenantAdmin => "tenant_admin",
            Self::OrgAdmin => "org_admin",
            Self::ReadOnly => "read_only",
        }
    }

    /// The role of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// Where an organisation stands in its tenant's tree: the ids from the root to itself, as `/101/107/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrganisationPath(String);

impl OrganisationPath {
    /// Reads a path.
    pub fn parse(text: &str) -> Option<Self> {
        let ids = text.strip_prefix('/')?.strip_suffix('/')?;
        let is_id = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        ids.split('/').all(is_id).then(|| Self(text.to_owned()))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `other` is this organisation or lies below it.
    pub fn contains(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    /// The ids from the root to itself.
    pub fn ids(&self) -> impl Iterator<Item = i64> {
        self.0.split('/').filter_map(|id| id.parse().ok())
    }
}

impl fmt::Display for OrganisationPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(ids: &[u32]) -> OrganisationPath {
        OrganisationPath::parse(&ids.iter().fold("/".to_owned(), |path, id| format!("{path}{id}/"))).unwrap()
    }

    proptest! {
        #[test]
        fn a_subtree_is_what_begins_with_its_path(
            tree in prop::collection::vec(1_u32..30, 1..6),
            other in prop::collection::vec(1_u32..30, 1..6),
        ) {
            prop_assert_eq!(path(&tree).contains(&path(&other)), other.starts_with(&tree));
            prop_assert_eq!(path(&tree).ids().collect::<Vec<_>>(), tree.iter().map(|id| i64::from(*id)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_path_is_ids_between_slashes() {
        for text in ["", "/", "//", "1/2/", "/1/2", "/1//2/", "/a/", "/-1/"] {
            assert_eq!(OrganisationPath::parse(text), None, "{text}");
        }
    }

    #[test]
    fn only_a_reader_may_not_write() {
        let writers: Vec<Role> = Role::ALL.into_iter().filter(|role| role.may_write()).collect();
        assert_eq!(writers, [Role::TenantAdmin, Role::OrgAdmin]);
        assert!(Role::ALL.into_iter().all(|role| Role::parse(role.as_str()) == Some(role)));
    }
}
