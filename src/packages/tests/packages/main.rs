//! Packages, real and hostile.
//!
//! - [`real`]: Android packages from package registries, signed by others' tools; see `scripts/install-deps.sh`.
//! - [`ipa`]: packages of a folder, property lists and a signed profile, made by Python and OpenSSL.
//! - [`android`]: what a manifest and a resource table may say, made by the builders here.
//! - [`hostile`]: files made to cost time or memory, or to mean two things.
//! - [`mutations`]: small good files, broken at random. Their corpus is described there.
//!
//! All of them read through [`measure::read`], which holds every reading to the limits of memory and work.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy does not know for such")]

mod android;
mod build;
mod hostile;
mod icons;
mod ipa;
mod measure;
mod mutations;
mod real;
