//! What a package says about itself.

use std::fmt;

use chrono::{DateTime, Utc};

/// An application package's description of itself. All texts are trimmed, bounded in length, and free of control
/// characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// What it runs on.
    pub platform: Platform,
    /// Android's package name, iOS' bundle identifier: letters, digits, `.`, `_` and `-` only.
    pub package_name: String,
    /// The version for people: `versionName`, `CFBundleShortVersionString`. Where a package has none, its
    /// [`version_code`](Self::version_code).
    pub version_name: String,
    /// The version for comparison. Android: `versionCodeMajor` and `versionCode` as one decimal number; iOS:
    /// `CFBundleVersion`.
    pub version_code: String,
    /// The name below the icon, in the package's default language; the package name where there is none.
    pub label: String,
    /// The icon in its best density. None where the package has none that can be shown, for example vectors only.
    pub icon: Option<Icon>,
    /// The least release of the system, such as `8.1` or `13.0`; for Android the release of `minSdkVersion`. Empty where
    /// the package does not say.
    pub min_os_version: String,
    /// Which signatures an APK carries; none of them for an IPA.
    pub signatures: Signatures,
    /// How an IPA may be distributed. None for an APK, and for an IPA without a provisioning profile, as the App Store
    /// delivers them.
    pub provisioning: Option<Provisioning>,
    /// Which devices an IPA is for; empty for an APK.
    pub device_families: Vec<DeviceFamily>,
    /// Names and values a packager may have left: the `<meta-data>` of an APK's application, the scalars at the top of an
    /// IPA's `Info.plist`. In the order of the file; names may come twice.
    pub entries: Vec<(String, String)>,
}

/// The system that a package is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Platform {
    /// An APK.
    Android,
    /// An IPA.
    Ios,
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Android => "Android",
            Self::Ios => "iOS",
        })
    }
}

/// An icon, always as a standard PNG that this crate wrote: pixels and nothing else of the package's file.
#[derive(Clone, PartialEq, Eq)]
pub struct Icon {
    /// The PNG file.
    pub png: Vec<u8>,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

impl fmt::Debug for Icon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Icon({}x{}, {} bytes)", self.width, self.height, self.png.len())
    }
}

/// Which schemes of Android's signatures are present in an APK. Presence only: nothing is verified.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Signatures {
    /// JAR signing: `META-INF/*.SF` with its signature block.
    pub v1: bool,
    /// APK signature scheme 2, since Android 7.
    pub v2: bool,
    /// APK signature scheme 3 or 3.1, since Android 9.
    pub v3: bool,
}

impl Signatures {
    /// Whether there is one at all.
    pub fn any(self) -> bool {
        self.v1 || self.v2 || self.v3
    }
}

/// What an IPA's provisioning profile allows. The profile's own signature is not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provisioning {
    /// To whom the application may go.
    pub distribution: Distribution,
    /// The team's identifier, such as `A1B2C3D4E5`.
    pub team_id: Option<String>,
    /// The team's name.
    pub team_name: Option<String>,
    /// When the profile ends, and the application with it.
    pub expires_at: Option<DateTime<Utc>>,
}

/// To whom a provisioning profile lets an application go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Distribution {
    /// Through the App Store only: neither devices nor all devices are named.
    AppStore,
    /// To the devices that the profile lists.
    AdHoc,
    /// To every device of the enterprise.
    Enterprise,
    /// To listed devices, and a debugger may attach.
    Development,
}

/// A kind of iOS device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceFamily {
    /// iPhone and iPod touch.
    Iphone,
    /// iPad.
    Ipad,
}
