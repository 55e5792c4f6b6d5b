//! Which roles a process plays.

use std::{collections::BTreeSet, fmt, str::FromStr};

/// What a process may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Answers HTTP.
    Ingress,
    /// Turns jobs into commands.
    Plan,
    /// Hands commands to channels.
    Dispatch,
    /// Records reports.
    Ingest,
    /// Keeps deadlines, retries and schedules.
    Timekeep,
    /// Carries the outbox to the broker.
    Relay,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] = [Self::Ingress, Self::Plan, Self::Dispatch, Self::Ingest, Self::Timekeep, Self::Relay];

    /// The role's name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Plan => "plan",
            Self::Dispatch => "dispatch",
            Self::Ingest => "ingest",
            Self::Timekeep => "timekeep",
            Self::Relay => "relay",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == name).ok_or_else(|| UnknownRole(name.to_owned()))
    }
}

/// Not a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no role; there are ingress, plan, dispatch, ingest, timekeep and relay")]
pub struct UnknownRole(String);

/// The roles of one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles(BTreeSet<Role>);

impl Roles {
    /// All of them.
    pub fn all() -> Self {
        Self(Role::ALL.into())
    }

    /// Whether `role` is one of them.
    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// Whether any of them uses the broker.
    pub fn need_broker(&self) -> bool {
        self.0.iter().any(|role| matches!(role, Role::Plan | Role::Dispatch | Role::Ingest | Role::Relay))
    }
}

impl FromStr for Roles {
    type Err = UnknownRole;

    /// Reads names with commas between them.
    fn from_str(names: &str) -> Result<Self, UnknownRole> {
        names.split(',').map(|name| name.trim().parse()).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|role| role.as_str()).collect();
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_others_are_refused() {
        assert_eq!(Roles::all().to_string().parse::<Roles>().unwrap(), Roles::all());
        assert!("plan, relay".parse::<Roles>().unwrap().has(Role::Relay));
        assert!("plan,planner".parse::<Roles>().is_err());
        assert!("".parse::<Roles>().is_err());
    }
}
