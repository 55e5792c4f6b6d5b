//! Which signatures an APK carries. They are looked for, not verified: that is the device's part.

use std::collections::HashSet;
use std::io::{Read, Seek};

use crate::archive::Archive;
use crate::bytes::LittleEndian;
use crate::{PackageError, Signatures};

/// What stands at the end of the signing block, which itself stands before the archive's directory.
const MAGIC: &[u8] = b"APK Sig Block 42";
/// The magic, and the block's size before it.
const FOOTER: usize = 24;
const V2: u32 = 0x7109_871a;
const V3: u32 = 0xf053_68c0;
const V3_1: u32 = 0x1b93_ad61;
/// Pairs of the block that are looked at. There are signatures, stamps and padding: a dozen at most.
const MAX_PAIRS: usize = 64;

const FOLDER: &[u8] = b"META-INF/";
const CHECKSUMS: &[u8] = b"MANIFEST.MF";
const BLOCKS: [&[u8]; 3] = [b".RSA", b".DSA", b".EC"];
/// What names of files that sign end in.
const SIGNING: [&[u8]; 5] = [CHECKSUMS, b".SF", BLOCKS[0], BLOCKS[1], BLOCKS[2]];

/// Looks for each scheme's signature.
pub(super) fn present<R: Read + Seek>(archive: &mut Archive<'_, R>) -> Result<Signatures, PackageError> {
    let mut signatures = Signatures { v1: jar_signature(archive), v2: false, v3: false };
    let end = archive.directory_start();
    let Some(pairs_end) = end.checked_sub(FOOTER as u64) else { return Ok(signatures) };
    let mut footer = [0; FOOTER];
    archive.read_raw(pairs_end, &mut footer)?;
    if footer[8..] != *MAGIC {
        return Ok(signatures);
    }
    // The size stands at both ends of the block, and does not count the first of the two.
    let size = footer.u64_at(0).unwrap_or_default();
    let broken = |reason| PackageError::unparsable("the APK's signing block", reason);
    let start = end.checked_sub(size).filter(|start| *start >= 8 && size >= FOOTER as u64);
    let mut at = start.ok_or_else(|| broken("its size is wrong"))?;
    let mut first = [0; 8];
    archive.read_raw(at - 8, &mut first)?;
    if u64::from_le_bytes(first) != size {
        return Err(broken("its sizes contradict each other"));
    }
    for _ in 0..MAX_PAIRS {
        if at == pairs_end {
            return Ok(signatures);
        }
        let mut pair = [0; 12];
        archive.read_raw(at, &mut pair)?;
        let length = pair.u64_at(0).unwrap_or_default();
        let next = at.checked_add(8).and_then(|at| at.checked_add(length));
        at = next.filter(|next| length >= 4 && *next <= pairs_end).ok_or_else(|| broken("a part is broken"))?;
        match pair.u32_at(8) {
            Some(V2) => signatures.v2 |= length > 4,
            Some(V3 | V3_1) => signatures.v3 |= length > 4,
            _ => {}
        }
    }
    Err(broken("it has too many parts"))
}

/// A list of checksums, one of that, and the signature of the latter. Their names are in any case, as for Android.
fn jar_signature<R: Read + Seek>(archive: &Archive<'_, R>) -> bool {
    let names = archive.names(FOLDER).map(|name| name[FOLDER.len()..].to_ascii_uppercase());
    let names: HashSet<Vec<u8>> = names.filter(|name| SIGNING.iter().any(|end| name.ends_with(end))).collect();
    names.contains(CHECKSUMS)
        && names
            .iter()
            .filter_map(|name| name.strip_suffix(b".SF"))
            .any(|signer| BLOCKS.iter().any(|block| names.contains(&[signer, block].concat())))
}
