//! Numbers at places in bytes that may not be there.

/// Little-endian numbers, as zip and Android write them. None where the bytes end before.
pub(crate) trait LittleEndian {
    /// The byte at `at`.
    fn u8_at(&self, at: usize) -> Option<u8>;
    /// The two bytes at `at`.
    fn u16_at(&self, at: usize) -> Option<u16>;
    /// The four bytes at `at`.
    fn u32_at(&self, at: usize) -> Option<u32>;
    /// The eight bytes at `at`.
    fn u64_at(&self, at: usize) -> Option<u64>;
    /// `length` bytes from `at`.
    fn slice_at(&self, at: usize, length: usize) -> Option<&[u8]>;
}

impl LittleEndian for [u8] {
    fn u8_at(&self, at: usize) -> Option<u8> {
        self.get(at).copied()
    }

    fn u16_at(&self, at: usize) -> Option<u16> {
        array_at(self, at).map(u16::from_le_bytes)
    }

    fn u32_at(&self, at: usize) -> Option<u32> {
        array_at(self, at).map(u32::from_le_bytes)
    }

    fn u64_at(&self, at: usize) -> Option<u64> {
        array_at(self, at).map(u64::from_le_bytes)
    }

    fn slice_at(&self, at: usize, length: usize) -> Option<&[u8]> {
        self.get(at..at.checked_add(length)?)
    }
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.slice_at(at, N)?.try_into().ok()
}
