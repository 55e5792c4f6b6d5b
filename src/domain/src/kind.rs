//! What jobs do.

/// What a job does. Each kind has queues of its own, so that one cannot starve another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JobKind {
    /// Makes a version visible.
    Publish,
    /// Sends a version to devices.
    Distribute,
    /// Pushes an application.
    Push,
    /// Upgrades a device's firmware.
    Firmware,
}

impl JobKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Publish, Self::Distribute, Self::Push, Self::Firmware];

    /// Whether jobs of this kind give devices commands. What has none cannot be held, nor tried again.
    pub const fn has_commands(self) -> bool {
        !matches!(self, Self::Publish)
    }

    /// Whether stopping a job of this kind leaves alone what a device has begun: it stops what has not been delivered. Of the
    /// others, devices are asked to stop. Of a push, what a device has begun is ended by the uninstall or removal that follows
    /// and takes its place.
    pub const fn leaves_what_is_under_way(self) -> bool {
        matches!(self, Self::Publish | Self::Distribute | Self::Push)
    }

    /// The kind's name in queue names, rows and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Distribute => "distribute",
            Self::Push => "push",
            Self::Firmware => "firmware",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}
