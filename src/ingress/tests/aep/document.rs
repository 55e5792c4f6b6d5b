//! The example of docs/api/aep.md, run as it stands there.

use std::process::Command;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};

/// What the document's own `sign` prints.
fn sign(arguments: &str) -> String {
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api/aep.md")).unwrap();
    let example = document.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let output = Command::new("bash").args(["-c", &format!("{example}\nsign {arguments}")]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_example_signs_as_it_says() {
    let known = sign("1515752817580 '' MasterKey:cd35c680b6d647068861f7fd4e79d3f5 id:3439 productId:10005986");
    assert_eq!(known, "/uEWJeihiaYwbBIxEWTK74H3MVM=");
}

#[test]
fn the_example_sorts_by_name_and_not_by_line() {
    // A hyphen and a digit come before the colon that ends a shorter name.
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(b"xQcjrfNLvQ").unwrap();
    mac.update(b"application:dFI1lzE0EN2\ntimestamp:1\nid:9\nid-a:1\nid2:a:b\nx:{}\n");
    assert_eq!(sign("1 '' id2:a:b x:{} id-a:1 id:9"), STANDARD.encode(mac.finalize().into_bytes()));
}
