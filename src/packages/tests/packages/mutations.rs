//! Small good files, broken at random: whatever comes, there is an answer, and it costs no more than it may.
//!
//! The corpus is built here, and each layer is broken for itself, below the archive's checksums, so that the damage
//! arrives at its reader:
//!
//! | layer | seeds |
//! |---|---|
//! | archive | the whole APK of the builders, an IPA |
//! | binary XML | its manifest in UTF-8 and UTF-16, an adaptive icon |
//! | resource table | dense, sparse and short offsets, values full and compact, chains of references |
//! | property list | XML and binary, of all kinds of values; a profile in its signed message |
//! | image | PNG, Apple's PNG, WebP |
//!
//! A mutation is some steps of: turn bits, write one of the numbers that break readers (0, -1, the sign, sizes off by
//! one), cut off, remove, repeat or copy a part elsewhere. The seed of a failure is kept by proptest beside this file.

use proptest::prelude::*;
use proptest::sample::Index;

use crate::build::apk::{self, ICON, text};
use crate::build::arsc::{Config, Layout, Table, Value as Resource};
use crate::build::axml::{Value, Xml};
use crate::build::images;
use crate::build::zip::{Entry, Zip};
use crate::measure::read;

/// One step of breaking.
#[derive(Debug, Clone)]
enum Step {
    Turn(Index, u8),
    Write(Index, u32, bool),
    Cut(Index),
    Remove(Index, usize),
    Repeat(Index, usize),
    Copy(Index, Index, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let part = 1usize..64;
    let number = prop_oneof![
        Just(0),
        Just(u32::MAX),
        Just(0x7fff_ffff),
        Just(0x8000_0000),
        Just(0xffff),
        Just(0x7f02_0000),
        0u32..64,
        any::<u32>()
    ];
    prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, bits)| Step::Turn(at, bits)),
        4 => (any::<Index>(), number, any::<bool>()).prop_map(|(at, number, big)| Step::Write(at, number, big)),
        1 => any::<Index>().prop_map(Step::Cut),
        1 => (any::<Index>(), part.clone()).prop_map(|(at, length)| Step::Remove(at, length)),
        1 => (any::<Index>(), part.clone()).prop_map(|(at, length)| Step::Repeat(at, length)),
        1 => (any::<Index>(), any::<Index>(), part).prop_map(|(from, to, length)| Step::Copy(from, to, length)),
    ]
}

fn broken(seed: &[u8], steps: &[Step]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for step in steps {
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len();
        let range = |at: &Index, part: usize| at.index(length)..(at.index(length) + part).min(length);
        match step {
            Step::Turn(at, bits) => bytes[at.index(length)] ^= bits,
            Step::Write(at, number, big) => {
                let number = if *big { number.to_be_bytes() } else { number.to_le_bytes() };
                let range = range(at, 4);
                let part = &number[..range.len()];
                bytes[range].copy_from_slice(part);
            }
            Step::Cut(at) => bytes.truncate(at.index(length)),
            Step::Remove(at, part) => drop(bytes.drain(range(at, *part))),
            Step::Repeat(at, part) => {
                let copy = bytes[range(at, *part)].repeat(20);
                bytes.splice(at.index(length)..at.index(length), copy);
            }
            Step::Copy(from, to, part) => {
                let copy = bytes[range(from, *part)].to_vec();
                bytes.splice(range(to, *part), copy);
            }
        }
    }
    bytes
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..6)
}

fn pick(seeds: &[Vec<u8>]) -> impl Strategy<Value = Vec<u8>> + use<> {
    (prop::sample::select(seeds.to_vec()), steps()).prop_map(|(seed, steps)| broken(&seed, &steps))
}

/// An application with these parts, all of them looked at.
fn android(manifest: &[u8], table: &[u8], icon: &[u8]) -> Vec<u8> {
    let parts = [("resources.arsc", table), ("res/mdpi/icon.png", icon), ("res/xxhdpi/icon.png", icon)];
    parts.into_iter().fold(apk::signed(manifest), |zip, (name, bytes)| zip.with(Entry::stored(name, bytes))).write()
}

fn ios(info: &[u8], profile: &[u8], icon: &[u8]) -> Vec<u8> {
    Zip::default()
        .with(Entry::stored("Payload/A.app/Info.plist", info))
        .with(Entry::stored("Payload/A.app/_CodeSignature/CodeResources", b"x"))
        .with(Entry::stored("Payload/A.app/embedded.mobileprovision", profile))
        .with(Entry::stored("Payload/A.app/AppIcon60x60@2x.png", icon))
        .write()
}

fn adaptive_icon() -> Vec<u8> {
    Xml::new(false)
        .start("adaptive-icon", &[])
        .start("foreground", &[("drawable", Value::Reference(ICON))])
        .end("foreground")
        .end("adaptive-icon")
        .write()
}

fn tables() -> Vec<Vec<u8>> {
    let values = [Some(Resource::Text("res/mdpi/icon.png".into())), None, Some(Resource::Reference(ICON))];
    let layouts = [(Layout::Dense, false), (Layout::Sparse, false), (Layout::Short, true)];
    let table = |(layout, compact)| {
        let config = Config { density: 480, ..Config::default() };
        let table = Table::new().layout(layout, compact).of(1, Config::default(), &values);
        table.of(2, config, &values).of(2, Config::default(), &values).write()
    };
    layouts.into_iter().map(table).chain([apk::table().write()]).collect()
}

fn list() -> plist::Value {
    let mut list = plist::Dictionary::new();
    let mut set = |key: &str, value: plist::Value| drop(list.insert(key.to_owned(), value));
    set("CFBundleIdentifier", "com.example".into());
    set("CFBundleVersion", "1".into());
    set("CFBundleName", "例".into());
    set("UIDeviceFamily", plist::Value::Array(vec![1.into(), 2.into()]));
    set("Real", 1.5.into());
    set("Data", plist::Value::Data(vec![1, 2, 3]));
    set("ProvisionsAllDevices", true.into());
    set("TeamIdentifier", plist::Value::Array(vec!["A1".into()]));
    set("ExpirationDate", plist::Date::from_xml_format("2027-01-31T12:00:00Z").unwrap().into());
    list.into()
}

fn lists() -> Vec<Vec<u8>> {
    let (mut xml, mut binary) = (Vec::new(), Vec::new());
    list().to_writer_xml(&mut xml).unwrap();
    list().to_writer_binary(&mut binary).unwrap();
    vec![xml, binary]
}

/// A list in a message that says it is signed.
fn message(list: &[u8]) -> Vec<u8> {
    let value = |tag: u8, content: &[u8]| {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82][..], &length, content].concat()
    };
    let inner = [value(0x06, b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"), value(0xa0, &value(0x04, list))].concat();
    let signed = [value(0x02, &[1]), value(0x31, &[]), value(0x30, &inner)].concat();
    let outer = [value(0x06, b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"), value(0xa0, &value(0x30, &signed))].concat();
    value(0x30, &outer)
}

fn images() -> Vec<Vec<u8>> {
    vec![images::png(20, 20), images::cgbi(20, 20), images::webp(20, 20)]
}

#[test]
fn the_seeds_are_good() {
    for table in tables() {
        assert_ne!(read(&android(&apk::manifest(true), &table, &images()[0])).unwrap().label, "");
    }
    for list in lists() {
        for image in images() {
            let package = read(&ios(&list, &message(&list), &image)).unwrap();
            assert!(package.icon.is_some() && package.provisioning.is_some());
        }
    }
    let text = [("package", text("a.b"))];
    assert!(read(&android(&apk::bare_manifest(&text), &[], &[])).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn archives(file in pick(&[apk::whole().write(), ios(&lists()[0], &message(&lists()[1]), &images()[1])])) {
        drop(read(&file));
    }

    #[test]
    fn manifests(manifest in pick(&[apk::manifest(true), apk::manifest(false)])) {
        drop(read(&android(&manifest, &apk::table().write(), &images::png(4, 4))));
    }

    #[test]
    fn resource_tables(table in pick(&tables()), icon in pick(&[adaptive_icon()])) {
        drop(read(&android(&apk::manifest(true), &table, &icon)));
    }

    #[test]
    fn property_lists(info in pick(&lists())) {
        drop(read(&ios(&info, &message(&info), &[])));
    }

    #[test]
    fn profiles(profile in pick(&[message(&lists()[0]), message(&lists()[1])])) {
        drop(read(&ios(&lists()[1], &profile, &[])));
    }

    #[test]
    fn pictures(image in pick(&images())) {
        drop(read(&ios(&lists()[1], &message(&lists()[0]), &image)));
    }
}
