//! Property lists that lie, in both of their forms.

use crate::build::zip::{Entry, Zip};
use crate::measure::{read, read_good, refusal};

/// An IPA with this `Info.plist`.
fn ipa(info: &[u8]) -> Vec<u8> {
    Zip::default()
        .with(Entry::deflated("Payload/A.app/Info.plist", info))
        .with(Entry::stored("Payload/A.app/_CodeSignature/CodeResources", b"x"))
        .write()
}

fn xml(content: &str) -> Vec<u8> {
    ipa(format!("<?xml version=\"1.0\"?><plist version=\"1.0\">{content}</plist>").as_bytes())
}

const GOOD: &str =
    "<key>CFBundleIdentifier</key><string>com.example</string><key>CFBundleVersion</key><string>1</string>";

fn dictionary(rest: &str) -> Vec<u8> {
    xml(&format!("<dict>{GOOD}{rest}</dict>"))
}

#[test]
fn xml_of_all_values_is_read() {
    let rest = "<key>a</key><integer>0x10</integer><!-- c --><key>b</key><real>1.5</real><key>c</key><true/>
        <key>d</key><date>2026-11-22T00:00:00Z</date><key>e</key><data>AAAA</data><key>f</key><string/>
        <key>g</key><string><![CDATA[<&>]]>&#x4f8b;&amp;</string><key>h</key><array><dict/></array>";
    let entries = read_good(&dictionary(rest)).entries;
    let expected = [("a", "16"), ("b", "1.5"), ("c", "true"), ("f", ""), ("g", "<&>例&")];
    assert!(entries[2..].iter().map(|(key, value)| (key.as_str(), value.as_str())).eq(expected), "{entries:?}");
}

#[test]
fn entities_are_not_unfolded() {
    let levels = (1..30).map(|level| format!("<!ENTITY l{level} \"{}\">", format!("&l{};", level - 1).repeat(10)));
    let types = format!("<!DOCTYPE plist [<!ENTITY l0 \"lol\">{}]>", levels.collect::<String>());
    let laughs = format!("{types}<plist><dict>{GOOD}<key>a</key><string>&l29;</string></dict></plist>");
    assert!(refusal(&ipa(laughs.as_bytes())).contains("entity"));
    let outside = "<!DOCTYPE plist [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>";
    let outside = format!("{outside}<plist><dict>{GOOD}<key>a</key><string>&x;</string></dict></plist>");
    assert!(refusal(&ipa(outside.as_bytes())).contains("entity"));
}

#[test]
fn deep_and_wide_xml_is_refused() {
    assert!(refusal(&xml(&"<array>".repeat(100_000))).contains("too deep"));
    assert!(refusal(&xml(&"<dict><key>a</key>".repeat(100_000))).contains("too deep"));
    assert!(
        refusal(&dictionary(&format!("<key>a</key><array>{}</array>", "<true/>".repeat(100_000)))).contains("many")
    );
}

#[test]
fn xml_that_is_no_list_is_refused() {
    let contents = [
        "",
        "<dict>",
        "<dict><string>a</string></dict>",
        "<dict><key>a</key></dict>",
        "<dict><key>a</key><key>b</key></dict>",
        "<dict>text</dict>",
        "<dict><key>a</key><string><b/></string></dict>",
        "<html/>",
        "<key>a</key>",
        "<array/>",
        "<string>x</string>",
    ];
    for content in contents {
        assert!(read(&xml(content)).is_err(), "{content}");
    }
    for document in [&b""[..], b"\xff\xfe<\0", b"{ a = b; }", b"<plist><dict></plist></dict>"] {
        assert!(read(&ipa(document)).is_err());
    }
}

/// A binary list of these objects, the first of which is the root.
fn binary(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut list = b"bplist00".to_vec();
    let mut offsets = Vec::new();
    for object in objects {
        offsets.extend(u32::try_from(list.len()).unwrap().to_be_bytes());
        list.extend(object);
    }
    let table = list.len() as u64;
    list.extend(offsets);
    list.extend([0, 0, 0, 0, 0, 0, 4, 2]);
    for number in [objects.len() as u64, 0, table] {
        list.extend(number.to_be_bytes());
    }
    ipa(&list)
}

/// An array of these objects, by a count of four bytes.
fn array(references: &[u16]) -> Vec<u8> {
    let count = u32::try_from(references.len()).unwrap().to_be_bytes();
    [&[0xaf, 0x12][..], &count, &references.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<_>>()].concat()
}

#[test]
fn binary_lists_that_go_in_circles_are_refused() {
    assert!(refusal(&binary(&[array(&[0])])).contains("too deep"));
    assert!(refusal(&binary(&[array(&[1]), array(&[0])])).contains("too deep"));
    assert!(refusal(&binary(&[array(&vec![0; 10_000])])).contains("too"));
}

#[test]
fn binary_lists_that_multiply_are_refused() {
    // Each array holds the next a thousand times: 10^60 values.
    let mut objects: Vec<_> = (1..=20).map(|next| array(&[next; 1000])).collect();
    objects.push(vec![0x09]);
    assert!(refusal(&binary(&objects)).contains("too many values"));
    // A megabyte of text, ten thousand times.
    let long = [&[0x5f, 0x12, 0, 0x10, 0, 0][..], &vec![b'x'; 1 << 20]].concat();
    assert!(refusal(&binary(&[array(&vec![1; 10_000]), long])).contains("repeats"));
}

#[test]
fn binary_lists_with_lying_counts_are_refused() {
    for object in [
        vec![],
        vec![0xa1],
        vec![0xaf, 0x13, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![0xdf, 0x13, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![0x5f, 0x12, 0xff, 0xff, 0xff, 0xff],
        vec![0x6f, 0x13, 0x80, 0, 0, 0, 0, 0, 0, 0],
        vec![0xaf, 0x1f],
        vec![0xaf],
        vec![0xd1, 0, 0, 0, 0],
        vec![0xff],
    ] {
        assert!(read(&binary(&[object])).is_err());
    }
}

#[test]
fn binary_lists_with_lying_trailers_are_refused() {
    for (at, byte) in [(6, 0), (6, 9), (7, 0), (7, 255), (8, 255), (15, 200), (16, 255), (24, 255), (31, 255)] {
        let mut list = b"bplist00\xa0\0\0\0\x08".to_vec();
        let mut trailer =
            [0, 0, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
        trailer[at] = byte;
        list.extend(trailer);
        assert!(read(&ipa(&list)).is_err(), "{byte} at {at}");
    }
}
