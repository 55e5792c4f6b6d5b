//! How an application stands with a device, in the application document's codes.
//!
//! Nothing keeps such a code. It is a function of the newest push of the application, as far as its command came, and of what is
//! known to be on the device.

use crate::{CommandState, PushAction};

/// How an application stands with a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InstallStatus {
    /// 0: it is not there, and nothing of it is under way.
    NotInstalled,
    /// 1: it is there, and nobody here brought it.
    Present,
    /// 2: the device was told to install it.
    Told,
    /// 3: the file is on its way.
    Downloading,
    /// 4: the download failed, or was stopped.
    DownloadFailed,
    /// 5: the file is there, and waits to be installed.
    Waiting,
    /// 6: it is being installed.
    Installing,
    /// 7: it was installed, and is there.
    Installed,
    /// 8: the device's user did not want it.
    Refused,
    /// 9: the device's user removed it.
    RemovedByUser,
    /// 10: the device failed to install it.
    Failed,
    /// 11: it is there, in an older release.
    Updatable,
    /// 100: it waits to be handed to the device.
    Queued,
    /// 200: the device was told, and was not heard of again.
    Unknown,
}

use InstallStatus as I;

impl InstallStatus {
    /// Every one.
    pub const ALL: [Self; 14] = [
        I::NotInstalled,
        I::Present,
        I::Told,
        I::Downloading,
        I::DownloadFailed,
        I::Waiting,
        I::Installing,
        I::Installed,
        I::Refused,
        I::RemovedByUser,
        I::Failed,
        I::Updatable,
        I::Queued,
        I::Unknown,
    ];

    /// The document's code.
    pub const fn code(self) -> i16 {
        match self {
            I::NotInstalled => 0,
            I::Present => 1,
            I::Told => 2,
            I::Downloading => 3,
            I::DownloadFailed => 4,
            I::Waiting => 5,
            I::Installing => 6,
            I::Installed => 7,
            I::Refused => 8,
            I::RemovedByUser => 9,
            I::Failed => 10,
            I::Updatable => 11,
            I::Queued => 100,
            I::Unknown => 200,
        }
    }

    /// The statuses that somebody wants to see who filters by this code: 0 is whatever is not there, 7 whatever is there in
    /// its present release, every other code itself. What is no code finds nothing.
    pub fn filtered_by(code: i16) -> Vec<Self> {
        let is_wanted = |status: &Self| match code {
            0 => !matches!(status, I::Present | I::Installed | I::Updatable),
            7 => matches!(status, I::Present | I::Installed),
            other => status.code() == other,
        };
        Self::ALL.into_iter().filter(is_wanted).collect()
    }
}

/// What is known to be on a device of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Holding {
    /// Nothing.
    Nothing,
    /// Its present release, or a newer one.
    Present,
    /// Another release.
    Older,
    /// Nothing any more: it was there, and nobody here had told the device to remove it.
    Removed,
}

impl Holding {
    /// Everything.
    pub const ALL: [Self; 4] = [Self::Nothing, Self::Present, Self::Older, Self::Removed];

    /// Its name in statements.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Present => "present",
            Self::Older => "older",
            Self::Removed => "removed",
        }
    }

    /// The one of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|holding| holding.as_str() == name)
    }

    /// What `installed` is beside `present`, the release that devices are given now.
    pub fn of(installed: Version<'_>, present: Version<'_>) -> Self {
        if installed.is_behind(present) { Self::Older } else { Self::Present }
    }
}

/// The version of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version<'a> {
    /// A number that grows; 0 when there is none.
    pub number: i64,
    /// As people read it.
    pub name: &'a str,
}

impl Version<'_> {
    /// Whether `present` should take its place: numbers decide where both have one. Names have no order, so another name is
    /// another version, and the present one is the one that is wanted.
    pub fn is_behind(self, present: Version<'_>) -> bool {
        if self.number > 0 && present.number > 0 { self.number < present.number } else { self.name != present.name }
    }
}

/// The newest push of an application to a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PushCase {
    /// What it does; only installs and uninstalls are of applications.
    pub action: PushAction,
    /// Whether the application is required, rather than the user's to ask for.
    pub is_required: bool,
    /// Where its command stands; `None`: the device was passed over, and has none.
    pub command: Option<(CommandState, CommandState)>,
}

impl PushCase {
    /// Every combination.
    pub fn all() -> impl Iterator<Item = Self> {
        let commands = CommandState::ALL.into_iter().flat_map(|state| CommandState::ALL.map(|prior| (state, prior)));
        let commands: Vec<_> = commands.map(Some).chain([None]).collect();
        [PushAction::Install, PushAction::Uninstall].into_iter().flat_map(move |action| {
            let commands = commands.clone();
            [false, true].into_iter().flat_map(move |is_required| {
                commands.clone().into_iter().map(move |command| Self { action, is_required, command })
            })
        })
    }
}

/// How an application stands with a device that has `holding` of it. `push` is the newest push of it; `None` when there was
/// none, and the device's own inventory is all that is known.
pub const fn install_status(push: Option<PushCase>, holding: Holding) -> InstallStatus {
    let Some(PushCase { action, is_required, command }) = push else {
        return match holding {
            Holding::Nothing | Holding::Removed => I::NotInstalled,
            Holding::Present | Holding::Older => I::Present,
        };
    };
    match (action, command) {
        (PushAction::Install, Some((state, prior))) => installing(is_required, state, prior, holding),
        (PushAction::Uninstall, Some((CommandState::Succeeded, _))) => removed(holding),
        _ => at_rest(holding),
    }
}

/// While nothing is under way.
const fn at_rest(holding: Holding) -> InstallStatus {
    match holding {
        Holding::Nothing => I::NotInstalled,
        Holding::Present => I::Installed,
        Holding::Older => I::Updatable,
        Holding::Removed => I::RemovedByUser,
    }
}

/// After the device said that it removed it: what is there came back by itself.
const fn removed(holding: Holding) -> InstallStatus {
    match holding {
        Holding::Nothing | Holding::Removed => I::NotInstalled,
        Holding::Present | Holding::Older => I::Present,
    }
}

const fn installing(is_required: bool, state: CommandState, prior: CommandState, holding: Holding) -> InstallStatus {
    use CommandState as S;
    match state {
        S::Queued if is_required => I::Queued,
        S::Sent if is_required => I::Told,
        S::Downloading => I::Downloading,
        S::Downloaded => I::Waiting,
        S::Installing | S::Verifying => I::Installing,
        // A wish to stop changes nothing before the device has answered.
        S::Cancelling if !matches!(prior, S::Cancelling) => installing(is_required, prior, prior, holding),
        // What is there is there, however the push ended.
        S::Failed | S::TimedOut | S::Rejected | S::Cancelled if matches!(holding, Holding::Present) => I::Installed,
        S::Failed | S::Cancelled if matches!(prior, S::Downloading) => I::DownloadFailed,
        S::Failed => I::Failed,
        S::Rejected => I::Refused,
        // A user who is only offered it need not answer.
        S::TimedOut if prior.is_handed_over() && (is_required || !matches!(prior, S::Sent)) => I::Unknown,
        // An offer waits for the user, not for the device.
        S::Planned
        | S::Queued
        | S::Sent
        | S::Cancelling
        | S::Succeeded
        | S::TimedOut
        | S::Cancelled
        | S::Superseded => at_rest(holding),
    }
}

#[cfg(test)]
mod tests;
