//! Binary XML and resource tables that lie.

use crate::build::apk::{self, ICON, LABEL, text};
use crate::build::arsc::{Config, Table, Value as Resource};
use crate::build::axml::{Value, Xml};
use crate::build::zip::Entry;
use crate::measure::{read, read_good, refusal};

fn manifest(bytes: &[u8]) -> Vec<u8> {
    apk::signed(bytes).write()
}

fn table(bytes: &[u8]) -> Vec<u8> {
    apk::signed(&apk::manifest(true)).with(Entry::deflated("resources.arsc", bytes)).write()
}

/// A chunk of this size, whatever it holds.
fn chunk(kind: u16, header: u16, size: u32, rest: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &header.to_le_bytes(), &size.to_le_bytes(), rest].concat()
}

fn sized(kind: u16, header: u16, rest: &[u8]) -> Vec<u8> {
    chunk(kind, header, u32::try_from(rest.len() + 8).unwrap(), rest)
}

#[test]
fn deep_xml_is_refused() {
    let deep = (0..30_000).fold(Xml::new(true), |xml, _| xml.start("manifest", &[("package", text("com.example"))]));
    assert!(refusal(&manifest(&deep.write())).contains("too deep"));
    assert!(refusal(&manifest(&Xml::new(true).end("manifest").write())).contains("never began"));
}

#[test]
fn wide_xml_is_only_long() {
    let mut xml = Xml::new(true).start("manifest", &[("package", text("com.example"))]).start("application", &[]);
    let attributes: Vec<_> = (0..2000).map(|_| ("label", text("x"))).collect();
    for _ in 0..20 {
        xml = xml.start("meta-data", &attributes).end("meta-data");
    }
    read_good(&manifest(&xml.write()));
}

#[test]
fn sizes_of_chunks_that_lie_are_refused() {
    let good = apk::manifest(true);
    for size in [0, 1, 7, 8, 12, u32::MAX, 0x7fff_ffff, u32::try_from(good.len()).unwrap() + 1] {
        for at in [4, 12] {
            let mut lying = good.clone();
            lying[at..at + 4].copy_from_slice(&size.to_le_bytes());
            assert!(read(&manifest(&lying)).is_err(), "{size} at {at}");
            let mut lying = apk::table().write();
            lying[at..at + 4].copy_from_slice(&size.to_le_bytes());
            drop(read(&table(&lying)));
        }
    }
    for bytes in [vec![], vec![3, 0], sized(3, 8, &[]), sized(3, 8, &chunk(1, 28, 0, &[])), sized(2, 12, &[0; 4])] {
        assert!(read(&manifest(&bytes)).is_err());
    }
}

/// Four megabytes of the smallest chunks, and thirty-two of them in a table.
#[test]
fn many_empty_chunks_are_only_long() {
    let empty = chunk(0x7777, 8, 8, &[]);
    assert!(refusal(&manifest(&sized(3, 8, &empty.repeat(500_000)))).contains("empty"));
    let package = sized(0x0200, 288, &[vec![0x7f; 280], empty.repeat(4_000_000)].concat());
    read_good(&table(&sized(2, 12, &[vec![0; 4], package].concat())));
}

#[test]
fn many_types_are_refused() {
    let kind = sized(0x0201, 20, &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let package = sized(0x0200, 288, &[vec![0x7f; 280], kind.repeat(40_000)].concat());
    assert!(refusal(&table(&sized(2, 12, &[vec![0; 4], package].concat()))).contains("types"));
}

#[test]
fn pools_of_claimed_strings_cost_nothing() {
    let pool = |count: u32, start: u32, flags: u32, data: &[u8]| {
        let fields = [count, 0, flags, start, 0].map(u32::to_le_bytes).concat();
        sized(1, 28, &[fields, data.to_vec()].concat())
    };
    for count in [u32::MAX, 1 << 30, 1] {
        for start in [0, 28, 100, u32::MAX] {
            for flags in [0, 1 << 8] {
                // Strings that claim to be as long as strings can be.
                let pool = pool(count, start, flags, &[0xff; 64]);
                let element = sized(0x0102, 16, &[vec![0; 16], vec![20, 0, 20, 0, 0, 0], vec![0; 6]].concat());
                assert!(read(&manifest(&sized(3, 8, &[pool.clone(), element].concat()))).is_err());
                drop(read(&table(&sized(2, 12, &[vec![0; 4], pool].concat()))));
            }
        }
    }
}

/// Each of hundreds of values is one and the same string of two megabytes.
#[test]
fn a_long_string_used_over_and_over_is_cut() {
    let long = "x".repeat(0x7000);
    let mut xml = Xml::new(true).start("manifest", &[("package", text("com.example"))]);
    xml = xml.start("application", &[("label", text(&long))]);
    for _ in 0..20_000 {
        xml = xml.start("meta-data", &[("name", text(&long)), ("value", text(&long))]).end("meta-data");
    }
    let package = read_good(&manifest(&xml.write()));
    assert!(package.label.chars().count() == 128 && package.entries.is_empty());
}

#[test]
fn references_that_multiply_come_to_an_end() {
    // Each resource refers to the next two thousand times, once for each configuration.
    let mut table = Table::new();
    for kind in [1, 2] {
        for number in 0..2000 {
            let config = Config { density: number, ..Config::default() };
            let base = if kind == 1 { LABEL } else { ICON };
            let next: Vec<_> = (1..=50).map(|entry| Some(Resource::Reference(base + entry))).collect();
            table = table.of(kind, config, &next);
        }
    }
    let mut xml = Xml::new(true).start("manifest", &[("package", text("com.example"))]);
    xml = xml.start("application", &[("label", Value::Reference(LABEL)), ("icon", Value::Reference(ICON))]);
    for _ in 0..256 {
        xml = xml.start("meta-data", &[("name", text("x")), ("value", Value::Reference(LABEL))]).end("meta-data");
    }
    let file = apk::signed(&xml.write()).with(Entry::stored("resources.arsc", &table.write())).write();
    let package = read_good(&file);
    assert_eq!((package.label.as_str(), package.icon), ("com.example", None));
}
