//! Black and white lists as devices are told of them.

use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
use crate::schema::parts;
use crate::{
    InvalidMessage,
    checks::{AMOUNTS, IDS, at_most, within},
    decode::objects,
};

/// A list of applications to keep to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RestrictionList {
    /// The list.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::id"))]
    pub restriction_id: i64,
    /// Its name, as people read it.
    pub name: String,
    /// What it is for.
    pub list: ListKind,
    /// Grows with each change of the list: a device keeps to the highest that it was given.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::amount"))]
    pub revision: i64,
    /// The applications, at most 500.
    #[cfg_attr(feature = "schema", schemars(length(max = RestrictionList::MAX_APPLICATIONS)))]
    #[serde(deserialize_with = "objects")]
    pub applications: Vec<ListedApplication>,
}

/// What a list is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ListKind {
    /// Only what it names is allowed.
    White,
    /// What it names is forbidden.
    Black,
}

/// An application on a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ListedApplication {
    /// What the operating system knows it by.
    pub package_name: String,
    /// Its name, as people read it; may be empty.
    pub name: String,
}

impl RestrictionList {
    /// The most applications on one list.
    pub const MAX_APPLICATIONS: usize = 500;

    pub(super) fn check(&self) -> Result<(), InvalidMessage> {
        within("restriction.restriction_id", self.restriction_id, IDS)?;
        within("restriction.revision", self.revision, AMOUNTS)?;
        at_most("restriction.applications", self.applications.len(), Self::MAX_APPLICATIONS)
    }
}
