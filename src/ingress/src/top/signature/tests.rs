//! The vectors of requirements.md, part C, and what must not verify.

use proptest::prelude::*;

use super::*;

const SECRET: &[u8] = b"helloworld";
const VECTORS: [(&str, &str); 3] = [
    ("md5", "E31E3C9870A250AE1545556BDF3EBC01"),
    ("hmac", "6DB6BCAF1CE03D70F9C8CC29CC30516E"),
    ("hmac-sha256", "66C25BC21E233487FCDD65070B8CED1A15CFBE9DD904FF39570979A8249A4EFF"),
];

/// The call of the document, signed by this method.
fn call(sign_method: &str) -> BTreeMap<String, String> {
    let parameters = [
        ("method", "wdk.rex.software.list.check"),
        ("app_key", "12345678"),
        ("timestamp", "2016-01-01 12:00:00"),
        ("v", "2.0"),
        ("format", "json"),
        ("sign_method", sign_method),
        ("device_id", "ASUmlasdifa"),
        ("device_type", "10012"),
        ("old_versions", r#"{"packageName":"aaa", "versionCode": 111}"#),
        ("org_infos", r#"{"l3Code": "8007"}"#),
        ("attributes", r#"{"aaa":"中文"}"#),
        ("tenant_id", "10000000"),
    ];
    parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn verifies(sign_method: &str, secret: &[u8], parameters: &BTreeMap<String, String>, sign: &str) -> bool {
    verify(SignMethod::parse(sign_method).unwrap(), secret, parameters, sign).is_some()
}

#[test]
fn the_vectors_verify_in_either_case() {
    for (name, sign) in VECTORS {
        let mut parameters = call(name);
        parameters.insert("sign".into(), sign.into());
        let digits = verify(SignMethod::parse(name).unwrap(), SECRET, &parameters, sign).unwrap();
        assert_eq!(digits.len() * 2, sign.len());
        assert!(verifies(name, SECRET, &parameters, &sign.to_lowercase()), "{name}");
    }
}

#[test]
fn another_secret_or_method_or_less_of_the_signature_fails() {
    for (name, sign) in VECTORS {
        let parameters = call(name);
        assert!(!verifies(name, b"helloworle", &parameters, sign), "{name}");
        for bad in ["", "E3", &sign[..sign.len() - 2], &sign[1..], &format!("{sign}00"), &"zz".repeat(16), "é"] {
            assert!(!verifies(name, SECRET, &parameters, bad), "{name} {bad}");
        }
        for (other, _) in VECTORS.iter().filter(|(other, _)| *other != name) {
            assert!(!verifies(other, SECRET, &parameters, sign), "{name} as {other}");
        }
    }
    assert_eq!(SignMethod::parse("MD4"), None);
}

#[test]
fn empty_parameters_are_signed_by_name_or_not_at_all() {
    let mut parameters = call("md5");
    parameters.insert("session".into(), String::new());
    assert!(verifies("md5", SECRET, &parameters, VECTORS[0].1), "skipped");
    let with_names = Md5::digest(format!("helloworld{}helloworld", text(&parameters, true)));
    let digits: Vec<String> = with_names.iter().map(|byte| format!("{byte:02x}")).collect();
    let sign = digits.concat();
    assert!(verifies("md5", SECRET, &parameters, &sign), "named");
    parameters.remove("session");
    assert!(!verifies("md5", SECRET, &parameters, &sign), "not there, so not signed");
}

#[test]
fn parameters_are_sorted_by_the_bytes_of_their_names() {
    let parameters = [("b", "2"), ("B", "1"), ("é", "4"), ("bb", "3"), ("sign", "x")];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!(text(&parameters, false), "B1b2bb3é4");
}

proptest! {
    #[test]
    fn any_changed_parameter_fails(
        vector in 0_usize..3,
        which in any::<prop::sample::Index>(),
        change in prop_oneof![Just(None), "\\PC{1,20}".prop_map(Some)],
    ) {
        let (name, sign) = VECTORS[vector];
        let good = call(name);
        let mut changed = good.clone();
        let parameter = which.get(&good.keys().cloned().collect::<Vec<_>>()).clone();
        match change {
            None => { changed.remove(&parameter); }
            Some(value) => { changed.insert(parameter, value); }
        }
        prop_assume!(changed != good);
        prop_assert!(!verifies(name, SECRET, &changed, sign));
    }

    #[test]
    fn any_added_parameter_fails(name in "[a-z_]{1,8}", value in "\\PC{1,8}") {
        let mut changed = call("hmac");
        prop_assume!(name != "sign" && !changed.contains_key(&name));
        changed.insert(name, value);
        prop_assert!(!verifies("hmac", SECRET, &changed, VECTORS[1].1));
    }

    #[test]
    fn no_signature_panics(sign in "\\PC{0,64}|[0-9a-fA-F]{0,64}") {
        prop_assert!(!verifies("hmac-sha256", b"another", &call("hmac-sha256"), &sign));
    }
}
