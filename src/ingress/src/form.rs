//! Components of forms and queries (`application/x-www-form-urlencoded`).

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// A name or a value: `+` is a space, `%XX` a byte, raw UTF-8 itself, and a `%` without two digits too. `None`: it is not UTF-8.
pub(crate) fn decoded(component: &str) -> Option<String> {
    let spaced = component.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn escapes_are_decoded_once_and_what_is_none_stands_for_itself() {
        for (text, expected) in [
            ("%E4%b8%AD+%2B%2b", Some("中 ++")),
            ("%2541", Some("%41")),
            ("%", Some("%")),
            ("%4", Some("%4")),
            ("%zz%%41%+1", Some("%zz%A% 1")),
            ("%中", Some("%中")),
            ("%e4%b8", None),
            ("%ff", None),
            ("", Some("")),
        ] {
            assert_eq!(decoded(text).as_deref(), expected, "{text}");
        }
    }
}
