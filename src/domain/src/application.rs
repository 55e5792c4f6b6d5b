//! Words about applications, with the numbers that the application document gives them.

use crate::Os;

/// An enumeration that travels as a number.
macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $code:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its number.
            pub const fn code(self) -> i16 {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// The one of that number.
            pub fn from_code(code: i16) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.code() == code)
            }
        }
    };
}

numbered!(
    /// What an application runs on.
    Platform {
        /// Android.
        Android = 1,
        /// iOS.
        Ios = 2,
    }
);

numbered!(
    /// Whose an application is.
    ApplicationType {
        /// Made for the enterprise.
        Enterprise = 1,
        /// Anybody's.
        Public = 2,
    }
);

numbered!(
    /// How an application stands to the device's managed part.
    DomainType {
        /// It stands beside it.
        Normal = 0,
        /// It was wrapped to run in the container.
        Container = 2,
        /// It is a part of it, and needs a policy.
        BuiltIn = 3,
    }
);

numbered!(
    /// Whose a device is.
    Relationship {
        /// The company's.
        Company = 1,
        /// Its user's.
        Employee = 2,
        /// Somebody else's.
        Other = 3,
    }
);

numbered!(
    /// What a list of applications is for.
    RestrictionType {
        /// Only what it names is allowed.
        White = 1,
        /// What it names is forbidden.
        Black = 2,
    }
);

numbered!(
    /// The kinds of iOS devices that an application can be for.
    ModelType {
        /// iPhone.
        IPhone = 20,
        /// iPad.
        IPad = 21,
        /// iPad mini.
        IPadMini = 22,
        /// iPod touch.
        ITouch = 23,
    }
);

impl Platform {
    /// The lowest version of the operating system that the document knows: what an application needs when nobody says.
    pub const fn lowest_os_version(self) -> &'static str {
        match self {
            Self::Android => "2.3",
            Self::Ios => "5.1",
        }
    }

    /// The operating system of the devices that are given its applications.
    pub const fn os(self) -> Os {
        match self {
            Self::Android => Os::Android,
            Self::Ios => Os::Ios,
        }
    }
}

/// What a push does on its devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PushAction {
    /// Brings a release of an application.
    Install,
    /// Removes an application.
    Uninstall,
    /// Brings a black or white list.
    Apply,
    /// Takes a black or white list away.
    Remove,
}

impl PushAction {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Install, Self::Uninstall, Self::Apply, Self::Remove];

    /// Its name in rows and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Uninstall => "uninstall",
            Self::Apply => "apply",
            Self::Remove => "remove",
        }
    }

    /// The one of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }

    /// Whether it brings something, rather than taking it away.
    pub const fn brings(self) -> bool {
        matches!(self, Self::Install | Self::Apply)
    }
}
