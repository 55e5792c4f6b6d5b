//! The ways to devices.

/// The way to a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChannelKind {
    /// It listens on MQTT.
    Mqtt,
    /// It asks over HTTP.
    Poll,
    /// It is played by `drover simulate`.
    Simulated,
}

impl ChannelKind {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Mqtt, Self::Poll, Self::Simulated];

    /// The way's name in rows and files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mqtt => "mqtt",
            Self::Poll => "poll",
            Self::Simulated => "simulated",
        }
    }

    /// The way of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == name)
    }
}
