//! Files made to cost time or memory, or to mean two things.
//!
//! Each is refused, or read without harm; [`crate::measure::read`] fails where one costs more than it may.

use std::io::{Cursor, Seek, SeekFrom, Write};
use std::time::Duration;

use drover_packages::{Limits, PackageError, read_timed};

use crate::build::apk;
use crate::build::images;
use crate::build::zip::{Entry, Zip};
use crate::measure::{read, read_from, read_good};

mod archives;
mod lists;
mod tables;

#[test]
fn what_is_no_package_is_none() {
    let garbage: Vec<u8> = (0..100_000u32).map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let documents =
        [&b""[..], b"P", b"PK", b"PK\x03\x04", b"PK\x05\x06", b"%PDF-1.7", b"\x7fELF", &[0; 1000], &garbage];
    for document in documents {
        let refused = read(document);
        assert!(matches!(refused, Err(PackageError::NotAPackage { .. })), "{refused:?}");
    }
    let document = Zip::default().with(Entry::deflated("word/document.xml", b"<x/>")).write();
    assert!(matches!(read(&document), Err(PackageError::NotAPackage { .. })));
    let prefixed = [&b"dex\n035\0"[..], &apk::whole().write()].concat();
    assert!(matches!(read(&prefixed), Err(PackageError::NotAPackage { .. })), "a program before the package");
}

#[test]
fn a_package_cut_off_anywhere_is_refused() {
    let whole = apk::whole().write();
    for length in (0..whole.len()).step_by(97) {
        assert!(read(&whole[..length]).is_err(), "{length} of {}", whole.len());
    }
}

#[test]
fn time_runs_out() {
    let late = || Duration::from_secs(2);
    let mut many = apk::whole();
    many.entries.extend((0..5000).map(|number| Entry::stored(&format!("assets/{number}"), b"")));
    let refused = read_timed(Cursor::new(many.write()), &Limits::default(), &late).unwrap_err();
    assert!(matches!(refused, PackageError::TimedOut(_)) && !refused.is_fault_of_file(), "{refused:?}");
}

/// A disk that fails is not the file's fault.
#[test]
fn an_error_of_the_disk_is_ours() {
    struct Broken(Cursor<Vec<u8>>, u64);
    impl std::io::Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.0.position() < self.1 { Err(std::io::Error::other("bad sector")) } else { self.0.read(buffer) }
        }
    }
    impl Seek for Broken {
        fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
            self.0.seek(to)
        }
    }
    let file = apk::whole().write();
    for bad in [1, file.len() as u64] {
        let (refused, _) = read_from(Broken(Cursor::new(file.clone()), bad), &Limits::default());
        let refused = refused.unwrap_err();
        assert!(matches!(refused, PackageError::Io(_)) && !refused.is_fault_of_file(), "{refused:?}");
    }
}

/// Every part as large as it may be, all at once.
#[test]
fn the_limits_hold_together() {
    let limits = Limits::default();
    let table = [apk::table().write(), vec![0; 30 << 20]].concat();
    let mut zip = apk::signed(&[apk::manifest(true), vec![0; 4_000_000]].concat());
    zip = zip.with(Entry::deflated("resources.arsc", &table));
    zip = zip.with(Entry::stored("res/xxhdpi/icon.png", &images::webp_of_tables(60_000)));
    zip = zip.with(Entry::stored("res/mdpi/icon.png", &images::png(limits.max_icon_side, limits.max_icon_side)));
    zip.entries.extend((0..60_000).map(|number| Entry::stored(&format!("assets/{number:070}"), b"")));
    let package = read_good(&zip.write());
    assert_eq!(package.icon.unwrap().width, limits.max_icon_side);
}

/// A gigabyte between the manifest and the directory is stepped over.
#[test]
fn a_large_package_is_not_read() {
    const HOLE: u32 = 1 << 30;
    let large = Entry { packed: HOLE, unpacked: HOLE, ..Entry::stored("assets/film", b"") };
    let (entries, rest) = apk::signed(&apk::manifest(true)).with(large).write_around(HOLE as usize);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&entries).unwrap();
    file.seek(SeekFrom::Current(HOLE.into())).unwrap();
    file.write_all(&rest).unwrap();
    let (package, cost) = read_from(file, &Limits::default());
    assert_eq!(package.unwrap().package_name, "com.example.app");
    assert!(cost.bytes < 100_000, "{cost:?}");
}
