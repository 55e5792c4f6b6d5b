//! Android's releases by the level of their interface.

use super::value::Value;

/// The releases as devices report them, from level 1 on. Later ones follow a rule: one level a release.
const RELEASES: [&str; 33] = [
    "1.0", "1.1", "1.5", "1.6", "2.0", "2.0.1", "2.1", "2.2", "2.3", "2.3.3", "3.0", "3.1", "3.2", "4.0", "4.0.3",
    "4.1", "4.2", "4.3", "4.4", "4.4", "5.0", "5.1", "6.0", "7.0", "7.1", "8.0", "8.1", "9", "10", "11", "12", "12",
    "13",
];
/// A level minus its release, since level 33 was Android 13.
const AHEAD: u32 = 20;
/// Levels beyond this are no mistake of ours.
const MAX_LEVEL: u32 = 999;

/// The release of a `minSdkVersion`. Without one it is the first, as for Android; empty for the code name of a preview.
pub(super) fn release(min_sdk: Option<&Value>) -> String {
    let level = match min_sdk {
        None => Some(1),
        Some(Value::Integer(level)) => Some(*level),
        Some(Value::Text(text)) => text.parse().ok(),
        Some(_) => None,
    };
    let Some(level) = level.filter(|level| *level <= MAX_LEVEL) else { return String::new() };
    let index = usize::try_from(level.max(1)).unwrap_or(1) - 1;
    RELEASES.get(index).map_or_else(|| (level - AHEAD).to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_their_releases() {
        let expected = [(0, "1.0"), (1, "1.0"), (16, "4.1"), (21, "5.0"), (23, "6.0"), (27, "8.1"), (29, "10")];
        let later = [(32, "12"), (33, "13"), (35, "15"), (36, "16"), (1000, "")];
        for (level, name) in expected.into_iter().chain(later) {
            assert_eq!(release(Some(&Value::Integer(level))), name, "level {level}");
        }
        assert_eq!(release(None), "1.0");
        assert_eq!(release(Some(&Value::Text("21".into()))), "5.0");
        assert_eq!(release(Some(&Value::Text("Baklava".into()))), "");
    }
}
