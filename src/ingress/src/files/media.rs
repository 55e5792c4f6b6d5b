//! What a file is, by its name.

/// The content type of a file of this name. Installers look at it before they look inside.
pub(super) fn type_of(name: &str) -> &'static str {
    let suffix = name.rsplit_once('.').map(|(_, suffix)| suffix.to_ascii_lowercase());
    match suffix.as_deref() {
        Some("apk") => "application/vnd.android.package-archive",
        Some("plist") => "text/xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("svg") => "image/svg+xml",
        // An ipa among them: that is what Apple asks for.
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::type_of;

    #[test]
    fn the_suffix_decides_in_either_case() {
        assert_eq!(type_of("a.b.APK"), "application/vnd.android.package-archive");
        for unknown in ["a.ipa", "apk", "a.", "", "a.apk/x", "a.html"] {
            assert_eq!(type_of(unknown), "application/octet-stream", "{unknown}");
        }
    }
}
