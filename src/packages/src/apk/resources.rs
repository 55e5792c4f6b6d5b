//! The resource table, `resources.arsc`: which texts and files stand behind a reference.

use std::cmp::Reverse;
use std::collections::VecDeque;

use super::RESOURCES;
use super::chunk::{self, Chunk, Chunks};
use super::strings::Strings;
use super::types::{Config, Type};
use super::value::{Raw, Value};
use crate::PackageError;
use crate::bytes::LittleEndian;
use crate::meter::Meter;

/// Type chunks, of which there is one for each type and configuration. Large applications have some thousands.
const MAX_TYPES: usize = 32_768;
/// References that are followed for one value. They may form a circle.
const MAX_HOPS: usize = 16;
/// Values of one resource that are looked at, one for each configuration.
const MAX_VALUES: usize = 1024;

/// The table, of which only the places of its types are kept.
pub(super) struct Resources<'a> {
    strings: Strings<'a>,
    types: Vec<Type<'a>>,
    meter: &'a Meter<'a>,
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
            self.types.push(Type::parse(package_id, &chunk).ok_or_else(|| broken("a type is broken"))?);
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
            let Some((_, raw)) = best else { return Ok(None) };
            let Some(next) = self.look_up(raw)? else { return Ok(None) };
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
            for (config, raw) in self.values(id)? {
                match self.look_up(raw)? {
                    Some(Value::Text(path)) => files.push((config, path)),
                    Some(Value::Reference(id)) if pending.len() < MAX_HOPS => pending.push_back(id),
                    _ => {}
                }
            }
        }
        files.sort_by_key(|(config, _)| (!config.any_language, Reverse(config.density)));
        Ok(files.into_iter().map(|(_, path)| path).collect())
    }

    fn look_up(&self, raw: Raw) -> Result<Option<Value>, PackageError> {
        let value = Value::of(raw, &self.strings);
        if let Some(Value::Text(text)) = &value {
            self.meter.bytes(text.len())?;
        }
        Ok(value)
    }

    /// The values of a resource, one for each configuration.
    fn values(&self, id: u32) -> Result<Vec<(Config, Raw)>, PackageError> {
        let [package, kind, entry @ ..] = id.to_be_bytes();
        let entry = u16::from_be_bytes(entry);
        let mut values = Vec::new();
        for found in self.types.iter().filter(|found| found.package == package && found.id == kind) {
            self.meter.step()?;
            if values.len() == MAX_VALUES {
                break;
            }
            // What is broken is left out: protected applications break on purpose what their device never asks for.
            values.extend(found.value(entry).map(|raw| (found.config(), raw)));
        }
        Ok(values)
    }
}
