//! What a product's devices speak.

/// What a product's devices speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// China Telecom's T-Link, over TCP.
    TLink,
    /// MQTT.
    Mqtt,
    /// OMA lightweight M2M.
    Lwm2m,
}

impl Protocol {
    /// Every protocol.
    pub const ALL: [Self; 3] = [Self::TLink, Self::Mqtt, Self::Lwm2m];

    /// The protocol's name in rows and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TLink => "tlink",
            Self::Mqtt => "mqtt",
            Self::Lwm2m => "lwm2m",
        }
    }

    /// The protocol of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.as_str() == name)
    }
}
