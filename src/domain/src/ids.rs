//! Identities. A command is named by its job and its device, so its id needs no sequence and no index.

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// Who owns everything else.
    TenantId
);
id!(
    /// A family of devices that run the same firmware and speak the same protocol.
    ProductId
);
id!(
    /// A firmware file of a product.
    FirmwareId
);
id!(
    /// One accepted call that acts on many devices.
    JobId
);
id!(
    /// A device, by the number Drover gave it; below [`DeviceId::LIMIT`].
    DeviceId
);
id!(
    /// A part of a tenant: a node of its tree.
    OrganisationId
);
id!(
    /// Somebody who works with the fleet through an API.
    OperatorId
);
id!(
    /// Somebody who holds devices.
    UserId
);
id!(
    /// Users that are targeted together.
    UserGroupId
);
id!(
    /// A mark that users bear.
    LabelId
);
id!(
    /// A client program for one operating system.
    ClientGroupId
);
id!(
    /// A version of a client program.
    ClientVersionId
);
id!(
    /// What an operating system knows an application by.
    PackageId
);
id!(
    /// An application that is kept and pushed.
    ApplicationId
);
id!(
    /// A release of an application.
    ReleaseId
);
id!(
    /// A category of applications, which the document calls an application label.
    CategoryId
);
id!(
    /// Settings that travel with an application.
    PolicyId
);
id!(
    /// A black or white list.
    RestrictionId
);
id!(
    /// A standing wish that some users' devices have an application or keep to a list.
    AssignmentId
);

impl DeviceId {
    const BITS: u32 = 28;
    /// The first number that is no device id, so that a command id stays exact in JavaScript for 33 million jobs.
    pub const LIMIT: i64 = 1 << Self::BITS;
}

/// One job × one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandId {
    /// The job.
    pub job: JobId,
    /// The device.
    pub device: DeviceId,
}

impl CommandId {
    /// The number by which callers and devices know the command.
    pub const fn to_i64(self) -> i64 {
        (self.job.0 << DeviceId::BITS) | self.device.0
    }

    /// The command of that number, if the number can be one.
    pub fn from_i64(number: i64) -> Option<Self> {
        let (job, device) = (number >> DeviceId::BITS, number & (DeviceId::LIMIT - 1));
        (job > 0 && device > 0).then_some(Self { job: JobId(job), device: DeviceId(device) })
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_i64().fmt(f)
    }
}

/// The name a device gives itself: its MQTT user name and part of its topics, so no character that a topic gives a meaning.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceUuid(String);

impl DeviceUuid {
    /// The longest name in characters.
    pub const MAX_CHARS: usize = 64;

    /// Checks a name: 1 to 64 of letters, digits, `-` and `_`.
    pub fn parse(text: &str) -> Result<Self, InvalidDeviceUuid> {
        let fits = (1..=Self::MAX_CHARS).contains(&text.len());
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if fits && plain { Ok(Self(text.to_owned())) } else { Err(InvalidDeviceUuid) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Not a device's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a device uuid is 1 to 64 letters, digits, '-' or '_'")]
pub struct InvalidDeviceUuid;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_command_id_names_its_job_and_device(job in 1..=(1_i64 << 34), device in 1..DeviceId::LIMIT) {
            let id = CommandId { job: JobId(job), device: DeviceId(device) };
            prop_assert!(id.to_i64() > 0);
            prop_assert_eq!(CommandId::from_i64(id.to_i64()), Some(id));
        }

        #[test]
        fn any_number_is_a_command_or_none(number: i64) {
            if let Some(id) = CommandId::from_i64(number) {
                prop_assert_eq!(id.to_i64(), number);
            }
        }
    }

    #[test]
    fn a_topic_never_changes_its_meaning_through_a_device_name() {
        for hostile in ["", ".*", "#", "+", "*", "a.b", "a/b", "a b", "é", &"x".repeat(65)] {
            assert_eq!(DeviceUuid::parse(hostile), Err(InvalidDeviceUuid), "{hostile}");
        }
        assert!(DeviceUuid::parse("10339a95176c4bfbb029ef319318ee15").is_ok());
    }
}
