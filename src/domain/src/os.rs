//! Operating systems of managed devices.

/// An operating system, by the number that the MDM document gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Os {
    /// 51201.
    Android,
    /// 51202.
    Ios,
    /// 51203.
    Windows,
    /// 51205.
    Harmony,
}

impl Os {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Android, Self::Ios, Self::Windows, Self::Harmony];

    /// Its number.
    pub const fn code(self) -> i32 {
        match self {
            Self::Android => 51201,
            Self::Ios => 51202,
            Self::Windows => 51203,
            Self::Harmony => 51205,
        }
    }

    /// The one of that number.
    pub fn from_code(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|os| os.code() == code)
    }
}
