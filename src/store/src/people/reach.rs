//! Which rows somebody may see of what stands above tenants: everything, or what a part of one tenant's tree has.

use drover_domain::{OrganisationPath, TenantId};

use super::scope::Scope;

/// How far somebody sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// The whole installation.
    Installation,
    /// A part of a tenant.
    Part(Scope),
}

impl Reach {
    /// The tenant, unless it is all of them.
    pub const fn tenant(&self) -> Option<TenantId> {
        match self {
            Self::Installation => None,
            Self::Part(scope) => Some(scope.tenant),
        }
    }

    /// Whether what belongs to no organisation of its tenant, and so to the root, is within it.
    pub fn has_root(&self) -> bool {
        match self {
            Self::Installation => true,
            Self::Part(scope) => scope.path.ids().nth(1).is_none(),
        }
    }

    /// Whether a row of `tenant` is within it, whose organisation stands at `path`; `None`: it has none.
    pub fn has(&self, tenant: TenantId, path: Option<&OrganisationPath>) -> bool {
        match self {
            Self::Installation => true,
            Self::Part(scope) => {
                scope.tenant == tenant && path.map_or_else(|| self.has_root(), |path| scope.path.contains(path))
            }
        }
    }

    /// The parameters of [`within_reach`].
    pub(crate) fn parameters(&self) -> ReachParameters {
        match self {
            Self::Installation => ReachParameters { tenant: None, first: None, end: None },
            Self::Part(scope) => {
                let is_part = !self.has_root();
                ReachParameters {
                    tenant: Some(scope.tenant.0),
                    first: is_part.then(|| scope.first().to_owned()),
                    end: is_part.then(|| scope.end()),
                }
            }
        }
    }
}

/// The parameters of [`within_reach`].
pub(crate) struct ReachParameters {
    /// Absent: any.
    pub(crate) tenant: Option<i64>,
    /// The first path, absent when every row of the tenant is within reach.
    pub(crate) first: Option<String>,
    /// The first path after it.
    pub(crate) end: Option<String>,
}

/// A condition on rows `$row` with a `tenant_id`, joined to their organisation as `o` (LEFT JOIN): within the reach whose
/// [`parameters`](Reach::parameters) are $1 (bigint), $2 and $3 (text).
macro_rules! within_reach {
    ($row:literal) => {
        concat!(
            "($1::bigint IS NULL OR ",
            $row,
            ".tenant_id = $1) AND ($2::text IS NULL OR (o.path >= $2 AND o.path < $3))"
        )
    };
}
pub(crate) use within_reach;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn part(path: &str) -> Reach {
        Reach::Part(Scope { tenant: TenantId(1), path: OrganisationPath::parse(path).unwrap() })
    }

    #[test]
    fn what_has_no_organisation_is_the_roots() {
        let path = |text: &str| OrganisationPath::parse(text).unwrap();
        let (root, below) = (part("/1/"), part("/1/7/"));
        assert!(root.has(TenantId(1), None) && root.has(TenantId(1), Some(&path("/1/7/8/"))));
        assert!(!below.has(TenantId(1), None) && below.has(TenantId(1), Some(&path("/1/7/8/"))));
        assert!(!below.has(TenantId(1), Some(&path("/1/70/"))) && !root.has(TenantId(2), None));
        assert!(Reach::Installation.has(TenantId(2), None));
    }
}
