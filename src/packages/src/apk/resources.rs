//! The resource table, `resources.arsc`: which texts and files stand behind a reference.

use std::cmp::Reverse;
use std::collections::VecDeque;

use super::RESOURCES;
use super::chunk::{self, Chunk, Chunks};
use super::strings::Strings;
use super::value::Value;
use crate::PackageError;
use crate::bytes::LittleEndian;
use crate::meter::Meter;

/// Type chunks, of which there is one for each type and configuration. Large applications have some thousands.
const MAX_TYPES: usize = 32_768;
/// References that are followed for one value. They may form a circle.
const MAX_HOPS: usize = 16;
/// Values of one resource that are looked at, one for each configuration.
const MAX_VALUES: usize = 1024;

const SPARSE: u8 = 1;
const SHORT_OFFSETS: u8 = 1 << 1;
const COMPLEX: u16 = 1;
const COMPACT: u16 = 1 << 3;
const ANY_DENSITY: u16 = 0xfffe;
const NO_DENSITY: u16 = 0xffff;
const DEFAULT_DENSITY: u16 = 160;

/// The table, of which only the places of its types are kept.
pub(super) struct Resources<'a> {
    strings: Strings<'a>,
    types: Vec<Type<'a>>,
    meter: &'a Meter<'a>,
}

/// The values of one type for one configuration.
struct Type<'a> {
    package: u8,
    id: u8,
    header: usize,
    bytes: &'a [u8],
}

/// For which devices a value is, as far as we choose by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Config {
    /// For all that nothing better fits.
    default: bool,
    /// For every language.
    any_language: bool,
    /// Dots per inch.
    density: u16,
}

impl<'a> Resources<'a> {
    /// An empty table has no values.
    pub(super) fn parse(bytes: &'a [u8], meter: &'a Meter<'a>) -> Result<Self, PackageError> {
        let broken = |reason| PackageError::unparsable(RESOURCES, reason);
        let mut resources = Self { strings: Strings::default(), types: Vec::new(), meter };
        if bytes.is_empty() {
            return Ok(resources);
        }
        let table = Chunk::parse(bytes)
            .filter(|table| table.kind == chunk::TABLE)
            .ok_or_else(|| broken("it is no resource table"))?;
        for chunk in Chunks::new(table.body()) {
            meter.step()?;
            let chunk = chunk.map_err(|_| broken("a chunk does not fit into it"))?;
            match chunk.kind {
                chunk::STRING_POOL => {
                    resources.strings = Strings::parse(&chunk).ok_or_else(|| broken("its strings are broken"))?;
                }
                chunk::TABLE_PACKAGE => resources.add_package(&chunk)?,
                _ => {}
            }
        }
        Ok(resources)
    }

    fn add_package(&mut self, package: &Chunk<'a>) -> Result<(), PackageError> {
        let broken = |reason| PackageError::unparsable(RESOURCES, reason);
        let package_id = package.bytes.u8_at(8).ok_or_else(|| broken("a package is broken"))?;
        for chunk in Chunks::new(package.body()) {
            self.meter.step()?;
            let chunk = chunk.map_err(|_| broken("a chunk does not fit into it"))?;
            if chunk.kind != chunk::TABLE_TYPE {
                continue;
            }
            if self.types.len() == MAX_TYPES {
                return Err(PackageError::TooLarge { what: "types in resources.arsc", limit: MAX_TYPES as u64 });
            }
            let id = chunk.bytes.u8_at(8).ok_or_else(|| broken("a type is broken"))?;
            self.types.push(Type { package: package_id, id, header: chunk.header(), bytes: chunk.bytes });
        }
        Ok(())
    }

    /// The text of a value. A reference is followed to the value for the default configuration. None if there is none.
    pub(super) fn text_of(&self, value: Option<&Value>) -> Result<Option<String>, PackageError> {
        let Some(mut value) = value.cloned() else { return Ok(None) };
        for _ in 0..MAX_HOPS {
            let Value::Reference(id) = value else { return Ok(Some(value.to_string())) };
            let values = self.values(id)?;
            let best = values.into_iter().min_by_key(|(config, _)| (!config.default, !config.any_language));
            let Some((_, next)) = best else { return Ok(None) };
            value = next;
        }
        Ok(None)
    }

    /// The files behind a reference, those for every language first, then by falling density.
    pub(super) fn files_of(&self, id: u32) -> Result<Vec<String>, PackageError> {
        let mut files = Vec::new();
        let mut pending = VecDeque::from([id]);
        for _ in 0..MAX_HOPS {
            let Some(id) = pending.pop_front() else { break };
            for (config, value) in self.values(id)? {
                match value {
                    Value::Text(path) => files.push((config, path)),
                    Value::Reference(id) if pending.len() < MAX_HOPS => pending.push_back(id),
                    _ => {}
                }
            }
        }
        files.sort_by_key(|(config, _)| (!config.any_language, Reverse(config.density)));
        Ok(files.into_iter().map(|(_, path)| path).collect())
    }

    /// The values of a resource, one for each configuration.
    fn values(&self, id: u32) -> Result<Vec<(Config, Value)>, PackageError> {
        let [package, kind, entry @ ..] = id.to_be_bytes();
        let entry = u16::from_be_bytes(entry);
        let mut values = Vec::new();
        for found in self.types.iter().filter(|found| found.package == package && found.id == kind) {
            self.meter.step()?;
            if values.len() == MAX_VALUES {
                break;
            }
            // What is broken is left out: protected applications break on purpose what their device never asks for.
            values.extend(found.value(entry, &self.strings).map(|value| (found.config(), value)));
        }
        Ok(values)
    }
}

impl Type<'_> {
    fn value(&self, entry: u16, strings: &Strings<'_>) -> Option<Value> {
        let start = usize::try_from(self.bytes.u32_at(16)?).ok()?;
        let at = start.checked_add(self.offset(entry)?)?;
        let flags = self.bytes.u16_at(at + 2)?;
        if flags & COMPACT != 0 {
            return Value::of(flags.to_le_bytes()[1], self.bytes.u32_at(at + 4)?, strings);
        }
        if flags & COMPLEX != 0 {
            return None;
        }
        let size = usize::from(self.bytes.u16_at(at)?);
        Value::parse(self.bytes.slice_at(at + size, 8)?, strings)
    }

    /// Where an entry begins, counted from the first one; None for an entry that this configuration does not have.
    fn offset(&self, entry: u16) -> Option<usize> {
        let count = usize::try_from(self.bytes.u32_at(12)?).ok()?;
        let flags = self.bytes.u8_at(9)?;
        let slot = |index: usize, width: usize| self.header.checked_add(index.checked_mul(width)?);
        if flags & SPARSE != 0 {
            return self.sparse_offset(entry, count);
        }
        let index = usize::from(entry);
        if index >= count {
            None
        } else if flags & SHORT_OFFSETS != 0 {
            let offset = self.bytes.u16_at(slot(index, 2)?)?;
            (offset != u16::MAX).then_some(usize::from(offset) * 4)
        } else {
            let offset = self.bytes.u32_at(slot(index, 4)?)?;
            if offset == u32::MAX { None } else { usize::try_from(offset).ok() }
        }
    }

    /// In a sparse type, pairs of an entry's index and its offset, sorted by index.
    fn sparse_offset(&self, entry: u16, count: usize) -> Option<usize> {
        let pairs = self.bytes.get(self.header..)?;
        let (mut low, mut high) = (0, count.min(pairs.len() / 4));
        while low < high {
            let middle = low.midpoint(high);
            let index = pairs.u16_at(middle * 4)?;
            if index == entry {
                return Some(usize::from(pairs.u16_at(middle * 4 + 2)?) * 4);
            }
            if index < entry { low = middle + 1 } else { high = middle }
        }
        None
    }

    fn config(&self) -> Config {
        // Its own size comes first; the header ends behind it.
        let config = self.bytes.get(20..self.header).unwrap_or_default();
        let density = match config.u16_at(14).unwrap_or(0) {
            ANY_DENSITY => 0,
            0 | NO_DENSITY => DEFAULT_DENSITY,
            density => density,
        };
        Config {
            default: config.iter().skip(4).all(|byte| *byte == 0),
            any_language: config.u32_at(8).unwrap_or(0) == 0,
            density,
        }
    }
}
