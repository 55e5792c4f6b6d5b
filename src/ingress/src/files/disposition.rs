//! `Content-Disposition` for names in every script (RFC 6266).

use std::fmt::Write as _;

/// `attachment` with a name that every client can read, and the true one for those that know RFC 8187. Neither can leave
/// its quotes, whatever the uploader called the file.
pub(super) fn attachment(name: &str) -> String {
    let mut value = String::from("attachment; filename=\"");
    value.extend(name.chars().map(|c| if is_plain(c) { c } else { '_' }));
    value.push('"');
    if !name.chars().all(is_plain) {
        value.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                value.push(char::from(byte));
            } else {
                // Writing to a string cannot fail.
                let _ = write!(value, "%{byte:02X}");
            }
        }
    }
    value
}

/// Harmless inside quotes, and to those who take a name for a path.
fn is_plain(c: char) -> bool {
    (c.is_ascii_graphic() || c == ' ') && !"\"\\/%;".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_kept_or_spelled_out() {
        assert_eq!(attachment("fw 1.2.bin"), "attachment; filename=\"fw 1.2.bin\"");
        let hostile = attachment("固\"\r\n/../x");
        assert_eq!(hostile, "attachment; filename=\"_____.._x\"; filename*=UTF-8''%E5%9B%BA%22%0D%0A%2F..%2Fx");
    }

    proptest! {
        #[test]
        fn any_name_makes_a_header_with_one_quoted_part(name in any::<String>()) {
            let value = attachment(&name);
            prop_assert!(http::HeaderValue::from_str(&value).is_ok());
            prop_assert_eq!(value.matches('"').count(), 2);
        }
    }
}
