//! Archives that lie.

use crate::build::apk::{self, bare_manifest, text};
use crate::build::zip::{Entry, Zip};
use crate::measure::{read, read_good, refusal};

/// An application with an entry more.
fn with(entry: Entry) -> Vec<u8> {
    apk::whole().with(entry).write()
}

/// An application whose manifest's entry was changed.
fn manifest(change: impl FnOnce(&mut Entry)) -> Vec<u8> {
    let mut zip = apk::whole();
    change(zip.entry("AndroidManifest.xml"));
    zip.write()
}

#[test]
fn bombs_do_not_go_off() {
    // Zeros as the manifest: honest about their size, and not.
    let zeros = vec![0; 1 << 20];
    let bomb = Entry::deflated("AndroidManifest.xml", &zeros.repeat(64));
    assert!(refusal(&Zip::default().with(bomb.clone()).write()).contains("bytes of AndroidManifest.xml"));
    let small = Entry { unpacked: 1000, ..bomb.clone() };
    assert!(refusal(&Zip::default().with(small).write()).contains("announced"));
    let table = Entry { name: b"resources.arsc".to_vec(), ..bomb.clone() };
    assert!(refusal(&apk::signed(&apk::manifest(true)).with(table).write()).contains("bytes of resources.arsc"));
    // Where nobody looks, it stays packed.
    read_good(&with(Entry { name: b"assets/bomb.zip".to_vec(), ..bomb }));
}

#[test]
fn entries_that_share_bytes_are_refused() {
    let mut zip = apk::whole();
    let shared = Entry::deflated("kernel", &vec![0; 100_000]);
    let at = u32::try_from(zip.write_around(0).0.len()).unwrap();
    zip = zip.with(shared.clone());
    for number in 0..1000 {
        zip = zip.with(Entry {
            name: format!("a{number:05}").into(),
            offset: Some(at),
            bytes: Vec::new(),
            ..shared.clone()
        });
    }
    assert!(refusal(&zip.write()).contains("overlap"));
    // One inside of the other: the first takes the second's header for its own bytes.
    let inner = Entry::stored("inner", &[1; 100]);
    let outer = Entry { packed: 200, unpacked: 200, ..Entry::stored("outer", &[1; 20]) };
    assert!(refusal(&apk::whole().with(outer).with(inner).write()).contains("overlap"));
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    for name in
        ["../../etc/passwd", "/etc/passwd", "res/../../x", "..", "..\\x", "a\\..\\..\\x", "\\x", "a\0b", "a\nb", ""]
    {
        let refused = refusal(&with(Entry::stored(name, b"x")));
        assert!(refused.contains("name"), "{name:?}: {refused}");
        assert!(!refused.contains(['\0', '\n']), "the name is shown as it is");
    }
    for name in ["a..b", "...", "res/..x/y", "C:x"] {
        read_good(&with(Entry::stored(name, b"x")));
    }
}

#[test]
fn symbolic_links_are_not_followed() {
    let link = |name| Entry { mode: 0o120_777, ..Entry::stored(name, b"/etc/passwd") };
    assert!(refusal(&Zip::default().with(link("AndroidManifest.xml")).write()).contains("symbolic link"));
    read_good(&with(link("assets/link")));
}

#[test]
fn a_name_twice_is_refused() {
    let other = bare_manifest(&[("package", text("com.example.other"))]);
    assert!(refusal(&with(Entry::deflated("AndroidManifest.xml", &other))).contains("twice"));
    assert!(refusal(&with(Entry::stored("classes.dex", b"x"))).contains("\"classes.dex\" is there twice"));
}

#[test]
fn a_hundred_thousand_entries_are_refused() {
    let mut zip = apk::whole();
    zip.entries.extend((0..100_000).map(|number| Entry::stored(&format!("{number}"), b"")));
    assert!(refusal(&zip.write()).contains("more entries than it says"), "the number has two bytes only");
    zip.entries.truncate(65_535);
    read_good(&zip.write());
    zip.count = Some(3);
    assert!(refusal(&zip.write()).contains("more entries"));
    zip.entries.truncate(2);
    assert!(refusal(&zip.write()).contains("fewer entries"));
    // Few entries of names as long as names can be.
    let mut long = apk::whole();
    long.entries.extend((0..200).map(|number| Entry::stored(&format!("{number:065000}"), b"")));
    assert!(refusal(&long.write()).contains("bytes of the archive's directory"));
}

#[test]
fn headers_that_contradict_the_directory_are_refused() {
    type Change = fn(&mut Entry);
    let changes: [(&str, Change); 8] = [
        ("contradicts", |entry| entry.local_unpacked = Some(10)),
        ("announced", |entry| entry.unpacked -= 1),
        ("announced", |entry| entry.unpacked += 1),
        ("checksum", |entry| entry.crc ^= 1),
        ("encrypted", |entry| entry.flags |= 1),
        ("method", |entry| entry.method = 99),
        ("two sizes", |entry| entry.method = 0),
        ("announced", |entry| entry.bytes.fill(0xff)),
    ];
    for (reason, change) in changes {
        let refused = refusal(&manifest(change));
        assert!(refused.contains(reason), "{reason}: {refused}");
    }
    // Sizes that follow the bytes, as programs that write in one go have it.
    read_good(&manifest(|entry| (entry.flags, entry.local_unpacked) = (8, Some(0))));
    // The header has the last word on that, as for Android: some programs tell one of the two alone.
    read_good(&manifest(|entry| (entry.local_flags, entry.local_unpacked) = (Some(8), Some(0))));
    read_good(&manifest(|entry| (entry.flags, entry.local_flags) = (8, Some(0))));
    let contradicting =
        manifest(|entry| (entry.flags, entry.local_flags, entry.local_unpacked) = (8, Some(0), Some(0)));
    assert!(refusal(&contradicting).contains("contradicts"));
    assert!(refusal(&manifest(|entry| entry.local_flags = Some(1))).contains("contradicts"));
    for size in [u32::MAX, 1 << 31, 100_000] {
        assert!(read(&manifest(|entry| entry.packed = size)).is_err());
        assert!(read(&manifest(|entry| entry.unpacked = size)).is_err());
        assert!(read(&manifest(|entry| entry.offset = Some(size))).is_err());
    }
}

#[test]
fn ends_that_lie_are_refused() {
    let whole = apk::whole().write();
    let end = whole.len() - 22;
    let changed = |at: usize, bytes: &[u8]| {
        let mut file = whole.clone();
        file[end + at..end + at + bytes.len()].copy_from_slice(bytes);
        refusal(&file)
    };
    assert!(changed(4, &[1, 0]).contains("volumes"));
    assert!(changed(8, &[1, 0]).contains("volumes"));
    assert!(changed(12, &[0xff; 4]).contains("zip64"));
    assert!(changed(16, &[0xff; 4]).contains("zip64"));
    assert!(changed(12, &[0, 0, 0, 0x7f]).contains("directory is not where"));
    assert!(changed(16, &[0, 0, 0, 0]).contains("directory is not where"));
    assert!(changed(20, &[1, 0]).contains("record at its end"));
    let behind = [whole.clone(), b"more".to_vec()].concat();
    assert!(refusal(&behind).contains("record at its end"));
    let commented = Zip { comment: b"a comment".to_vec(), ..apk::whole() }.write();
    read_good(&commented);
    // An archive inside of the other's comment.
    let second = Zip { comment: whole, ..apk::whole() }.write();
    assert!(read(&second).is_err());
}

#[test]
fn signing_blocks_that_lie_are_refused() {
    let good = apk::whole();
    let block = good.block.clone();
    let changed = |at: usize, bytes: &[u8]| {
        let mut zip = good.clone();
        zip.block[at..at + bytes.len()].copy_from_slice(bytes);
        refusal(&zip.write())
    };
    let footer = block.len() - 24;
    assert!(changed(footer, &[0xff; 8]).contains("size"));
    assert!(changed(footer, &[0; 8]).contains("size"));
    assert!(changed(0, &[1]).contains("contradict"));
    assert!(changed(8, &[0xff; 8]).contains("broken"));
    assert!(changed(8, &[0; 8]).contains("broken"));
    let many = vec![(7u32, &b""[..]); 10_000];
    let many = Zip { block: crate::build::zip::signing_block(&many), ..good };
    assert!(refusal(&many.write()).contains("too many"));
}
