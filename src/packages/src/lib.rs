//! Reads what an application package says about itself: Android's APK and iOS' IPA.
//!
//! [`read`] is all there is to call. It is synchronous, seeks in the file instead of reading it whole, writes nothing,
//! and was written for files that lie: whatever the file claims, the work and the memory are bounded by [`Limits`].
//! Callers in asynchronous code run it on a thread for blocking work.
//!
//! It tells whether a package *carries* signatures, not whether they are right: the device checks that when it
//! installs.
//!
//! # Own readers
//!
//! The formats are read by small readers of this crate: the zip directory (`archive`), Android's binary XML and
//! resource table (`apk`), property lists (`ipa`). Libraries for them exist and were looked at. They read a whole file,
//! keep a record for each of millions of claimed entries, hide entries that come twice, or follow a property list's
//! shared objects until the memory is full. What does hold a limit is used: flate2, png, image-webp and quick-xml.

mod error;
mod limits;
mod package;

pub use error::PackageError;
pub use limits::Limits;
pub use package::{DeviceFamily, Distribution, Icon, Package, Platform, Provisioning, Signatures};

use std::io::{Read, Seek};

/// Reads a package, an APK or an IPA by its content; the file's name says nothing.
pub fn read<R: Read + Seek>(_file: R, _limits: &Limits) -> Result<Package, PackageError> {
    Err(PackageError::NotAPackage { reason: "no reader yet" })
}
