//! Texts of a package, which travel to devices and databases: what they may be made of.

/// Characters of a package name: Android refuses longer ones for their folders.
const MAX_NAME: usize = 223;
/// Characters of a version.
const MAX_VERSION: usize = 128;
/// Characters of a label; more than a screen shows.
const MAX_LABEL: usize = 128;

/// A package name of Android's: at least two parts, each a letter and then letters, digits and `_`.
pub(crate) fn android_package(name: &str) -> Option<String> {
    let part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic())
            && part.chars().all(|each| each.is_ascii_alphanumeric() || each == '_')
    };
    let plausible = name.len() <= MAX_NAME && name.contains('.') && name.split('.').all(part);
    plausible.then(|| name.to_owned())
}

/// A bundle identifier: parts of letters, digits, `-` and the `_` that Apple forbids and many have.
pub(crate) fn bundle_identifier(name: &str) -> Option<String> {
    let part = |part: &str| {
        !part.is_empty() && part.chars().all(|each| each.is_ascii_alphanumeric() || matches!(each, '-' | '_'))
    };
    let plausible = name.len() <= MAX_NAME && name.split('.').all(part);
    plausible.then(|| name.to_owned())
}

/// A version, trimmed. None if it is too long or has characters that are not to be seen: two versions must not look the
/// same.
pub(crate) fn version(version: &str) -> Option<String> {
    let version = version.trim();
    let plausible = version.chars().count() <= MAX_VERSION && !version.chars().any(unseen);
    plausible.then(|| version.to_owned())
}

/// A name for people, cut off where it is too long.
pub(crate) fn label(label: &str) -> String {
    let label: String = clean(label).chars().take(MAX_LABEL).collect();
    label.trim().to_owned()
}

/// A text without what cannot be seen; breaks of lines become spaces.
pub(crate) fn clean(text: &str) -> String {
    let seen = text.chars().filter(|each| each.is_whitespace() || !unseen(*each));
    let text: String = seen.map(|each| if each.is_whitespace() { ' ' } else { each }).collect();
    text.trim().to_owned()
}

/// Control characters, and those that turn the direction of writing or have no width and so make names look like others.
fn unseen(each: char) -> bool {
    each.is_control()
        || matches!(each, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(each, '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_names_are_plausible() {
        for name in ["com.example", "io.appium.settings", "a.B_2"] {
            assert_eq!(android_package(name).as_deref(), Some(name));
        }
        let long = format!("com.{}", "a".repeat(MAX_NAME));
        for name in
            ["", "com", "com.", ".com", "com..example", "com.2d", "com.a-b", "com.a b", "com.例", "com/a.b", &long]
        {
            assert_eq!(android_package(name), None, "{name}");
        }
        assert_eq!(bundle_identifier("com.example-inc.My_App").as_deref(), Some("com.example-inc.My_App"));
        for name in ["", "com..a", "com.a/b", "com.a\0", "*", &long] {
            assert_eq!(bundle_identifier(name), None, "{name}");
        }
    }

    #[test]
    fn versions_can_be_told_apart_by_eye() {
        assert_eq!(version(" 1.0 (beta) ").as_deref(), Some("1.0 (beta)"));
        for bad in ["1.0\0", "1\n0", "1.0\u{202e}", "1\u{200b}.0", &"1".repeat(MAX_VERSION + 1)] {
            assert_eq!(version(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn labels_are_trimmed_cleaned_and_cut() {
        assert_eq!(label("  My\u{202e} App\n二 \0"), "My App 二");
        assert_eq!(label(&"长".repeat(1000)).chars().count(), MAX_LABEL);
        assert_eq!(label("\u{feff}\u{200b}"), "");
    }
}
