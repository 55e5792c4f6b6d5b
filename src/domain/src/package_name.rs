//! What operating systems know applications by.

/// Not what an application is known by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPackageName {
    /// It is not there.
    #[error("is missing")]
    Empty,
    /// It is longer than any.
    #[error("is longer than {max} characters", max = PackageName::MAX_CHARS)]
    Length,
    /// It holds what none holds.
    #[error("holds something else than letters, digits, dots, hyphens and underscores")]
    Characters,
}

/// What an operating system knows an application by: a package of Android, a bundle of iOS.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PackageName(String);

impl PackageName {
    /// The longest: Android's limit; iOS has 155.
    pub const MAX_CHARS: usize = 255;

    /// Reads one. Blanks around it are not part of it. It need not have a dot: lists in use hold names without one.
    pub fn parse(text: &str) -> Result<Self, InvalidPackageName> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidPackageName::Empty);
        }
        if text.len() > Self::MAX_CHARS {
            return Err(InvalidPackageName::Length);
        }
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')) {
            return Err(InvalidPackageName::Characters);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<PackageName> for String {
    fn from(name: PackageName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_the_systems_allow() {
        for name in ["com.wlxq2.baijiajiangtandaquan", "111111", " com.example.Mail-2_b ", &*"x".repeat(255)] {
            assert_eq!(PackageName::parse(name).unwrap().as_str(), name.trim());
        }
        for (name, fault) in [
            ("", InvalidPackageName::Empty),
            (" \t", InvalidPackageName::Empty),
            (&*"x".repeat(256), InvalidPackageName::Length),
            ("com example", InvalidPackageName::Characters),
            ("com.例", InvalidPackageName::Characters),
            ("com.example\0", InvalidPackageName::Characters),
            ("com.example;rm", InvalidPackageName::Characters),
        ] {
            assert_eq!(PackageName::parse(name), Err(fault), "{name:?}");
        }
    }
}
