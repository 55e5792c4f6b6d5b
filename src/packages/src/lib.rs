//! Reads what an application package says about itself: Android's APK and iOS' IPA.
//!
//! [`read`] is all there is to call. It is synchronous, seeks in the file instead of reading it whole, writes nothing,
//! and was written for files that lie: whatever the file claims, the work and the memory are bounded by [`Limits`].
//! Callers in asynchronous code run it on a thread for blocking work.
//!
//! It tells whether a package *carries* signatures, not whether they are right: the device checks that when it
//! installs.
//!
//! # What is refused, and what is not
//!
//! - An archive that can be read in two ways is refused: a name twice, entries that overlap, headers that contradict the
//!   directory, anything before the first entry, between directory and end, or behind it; also zip64 and encryption.
//! - Names that lead out of the archive are refused. A symbolic link is, where it stands for a part that is read.
//! - An IPA counts as signed if its application has `_CodeSignature/CodeResources`; a profile it need not have.
//! - A package name needs a plausible alphabet, a version must be visible and short. Labels are cleaned instead.
//! - An icon never is the reason: the next best is taken, or none. WebP becomes PNG; vectors are left out.
//!
//! # Own readers
//!
//! The formats are read by small readers of this crate: the zip directory (`archive`), Android's binary XML and
//! resource table (`apk`), property lists (`plist`). Libraries for them exist and were looked at. They read a whole file,
//! keep a record for each of millions of claimed entries, hide entries that come twice, or follow a property list's
//! shared objects until the memory is full. What does hold a limit is used: flate2, png, image-webp and quick-xml.

mod apk;
mod archive;
mod bytes;
mod error;
mod icon;
mod ipa;
mod limits;
mod meter;
mod package;
mod plist;
mod text;

pub use error::PackageError;
pub use limits::Limits;
pub use package::{DeviceFamily, Distribution, Icon, Package, Platform, Provisioning, Signatures};

use std::io::{Read, Seek};
use std::time::{Duration, Instant};

use archive::Archive;
use meter::Meter;

/// Reads a package, an APK or an IPA by its content; the file's name says nothing.
pub fn read<R: Read + Seek>(file: R, limits: &Limits) -> Result<Package, PackageError> {
    let started = Instant::now();
    read_timed(file, limits, &|| started.elapsed())
}

/// The same with a clock of the caller's: `elapsed` says how long reading has taken so far. It is asked after every 64 KiB
/// of work, so the number of its calls is also a measure of the work.
pub fn read_timed<R: Read + Seek>(
    file: R,
    limits: &Limits,
    elapsed: &dyn Fn() -> Duration,
) -> Result<Package, PackageError> {
    let meter = Meter::new(limits, elapsed);
    let mut archive = Archive::open(file, limits, &meter)?;
    match (archive.find(apk::MANIFEST.as_bytes()), ipa::bundle(&archive)?) {
        (Some(manifest), None) => apk::read(&mut archive, &manifest),
        (None, Some(bundle)) => ipa::read(&mut archive, &bundle),
        (None, None) => Err(PackageError::NotAPackage { reason: "it has no manifest of either" }),
        (Some(_), Some(_)) => Err(PackageError::NotAPackage { reason: "it claims to be both" }),
    }
}
