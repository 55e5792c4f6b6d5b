//! What reading one package may cost.

use std::time::Duration;

/// What reading one package may cost. The default is what production uses: any file gets its answer within a second and
/// 100 MB of memory.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Entries of the archive. An archive without zip64, which neither platform's packages need, has at most 65,535.
    pub max_entries: usize,
    /// Bytes of the archive's directory, which is held in memory.
    pub max_directory_bytes: u64,
    /// Unpacked bytes of a manifest: `AndroidManifest.xml`, `Info.plist`, `embedded.mobileprovision`.
    pub max_manifest_bytes: u64,
    /// Unpacked bytes of Android's `resources.arsc`.
    pub max_resources_bytes: u64,
    /// Packed and unpacked bytes of an icon's file.
    pub max_icon_bytes: u64,
    /// Pixels of an icon's width and of its height.
    pub max_icon_side: u32,
    /// Elements inside of each other in a manifest or property list.
    pub max_depth: usize,
    /// Values of a property list, counted each time they are referred to.
    pub max_values: usize,
    /// Pairs in [`Package::entries`](crate::Package::entries); further ones are left out.
    pub max_metadata: usize,
    /// Work for the whole package, in bytes that are read, unpacked or walked through. What the other limits allow in
    /// combinations that no honest package has ends here.
    pub max_work: u64,
    /// Time for the whole package.
    pub max_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_entries: 65_535,
            max_directory_bytes: 8 << 20,
            max_manifest_bytes: 4 << 20,
            max_resources_bytes: 32 << 20,
            max_icon_bytes: 2 << 20,
            max_icon_side: 1024,
            max_depth: 32,
            max_values: 50_000,
            max_metadata: 256,
            max_work: 128 << 20,
            max_time: Duration::from_secs(1),
        }
    }
}
