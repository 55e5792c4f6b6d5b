//! Reading with a look at what it costs.

use std::cell::Cell;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::sync::Mutex;
use std::time::Duration;

use drover_packages::{Limits, Package, PackageError, read_timed};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What a hostile file may cost.
pub(crate) const MAX_MEMORY: usize = 100_000_000;
/// Looks at the clock, each after 64 KiB of work: 128 MiB in all, which take a part of a second in a release build.
const MAX_LOOKS: u64 = 2048;

/// Memory is counted for the whole process. nextest gives each test its own; this is for the threads within one.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What a reading did.
#[derive(Debug)]
pub(crate) struct Cost {
    /// Bytes that were allocated at once, at most.
    pub(crate) memory: usize,
    /// Looks at the clock.
    pub(crate) looks: u64,
    /// Bytes that were read from the file.
    pub(crate) bytes: u64,
}

/// Reads with the limits of production, and fails if that costs more than it may.
pub(crate) fn read(file: &[u8]) -> Result<Package, PackageError> {
    let (result, cost) = read_from(Cursor::new(file), &Limits::default());
    assert!(cost.memory <= MAX_MEMORY, "{cost:?} for {result:?}");
    assert!(cost.looks <= MAX_LOOKS, "{cost:?} for {result:?}");
    if let Err(error) = &result {
        assert!(error.is_fault_of_file(), "{error:?} would be ours");
    }
    result
}

/// Reads what must be a good package.
pub(crate) fn read_good(file: &[u8]) -> Package {
    read(file).expect("a good package")
}

/// Reads what must be refused, and gives the reason in words.
pub(crate) fn refusal(file: &[u8]) -> String {
    read(file).expect_err("a bad package").to_string()
}

/// Reads with limits of the test's. The clock stands still: what bounds a reading is the work.
pub(crate) fn read_from<R: Read + Seek>(file: R, limits: &Limits) -> (Result<Package, PackageError>, Cost) {
    let guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let looks = Cell::new(0);
    let elapsed = || {
        looks.set(looks.get() + 1);
        Duration::ZERO
    };
    let mut file = Counting { file, bytes: 0 };
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let result = read_timed(&mut file, limits, &elapsed);
    let memory = ALLOCATOR.peak_usage().saturating_sub(before);
    drop(guard);
    (result, Cost { memory, looks: looks.get(), bytes: file.bytes })
}

struct Counting<R> {
    file: R,
    bytes: u64,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.bytes += count as u64;
        Ok(count)
    }
}

impl<R: Seek> Seek for Counting<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
