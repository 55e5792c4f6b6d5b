//! Android's binary XML, one element after the other.

use super::chunk::{self, Chunk, Chunks};
use super::strings::Strings;
use super::value::{Raw, Value};
use crate::bytes::LittleEndian;
use crate::meter::Meter;
use crate::{Limits, PackageError};

/// Of an element's or attribute's name no more is needed to know it.
const MAX_NAME: usize = 64;
const ATTRIBUTE: usize = 20;

/// An attribute's name. Android goes by the resource identifier where the name has one, and so do we: what the string
/// says then is decoration, which some files use to mislead.
#[derive(Debug, Clone, Copy)]
pub(super) enum Name {
    Plain(&'static str),
    Android(u32, &'static str),
}

/// A document, read by [`next`](Self::next).
pub(super) struct Document<'a> {
    part: &'static str,
    strings: Strings<'a>,
    resource_ids: &'a [u8],
    chunks: Chunks<'a>,
    depth: usize,
    max_depth: usize,
    meter: &'a Meter<'a>,
}

/// What comes next in a document.
pub(super) enum Event<'a> {
    Start(Element<'a>),
    End,
}

/// The beginning of an element.
pub(super) struct Element<'a> {
    strings: Strings<'a>,
    resource_ids: &'a [u8],
    name: u32,
    /// Elements around it.
    pub(super) depth: usize,
    stride: usize,
    attributes: &'a [u8],
}

impl<'a> Document<'a> {
    /// `part` is the document's name in errors.
    pub(super) fn parse(
        bytes: &'a [u8],
        part: &'static str,
        limits: &Limits,
        meter: &'a Meter<'a>,
    ) -> Result<Self, PackageError> {
        let root = Chunk::parse(bytes)
            .filter(|root| root.kind == chunk::XML)
            .ok_or_else(|| PackageError::unparsable(part, "it is no binary XML"))?;
        Ok(Self {
            part,
            strings: Strings::default(),
            resource_ids: &[],
            chunks: Chunks::new(root.body()),
            depth: 0,
            max_depth: limits.max_depth,
            meter,
        })
    }

    /// The next beginning or end of an element; None at the end of the document.
    pub(super) fn next(&mut self) -> Result<Option<Event<'a>>, PackageError> {
        let broken = |reason| PackageError::unparsable(self.part, reason);
        for chunk in self.chunks.by_ref() {
            self.meter.step()?;
            let chunk = chunk.map_err(|_| broken("a chunk does not fit into it"))?;
            match chunk.kind {
                chunk::STRING_POOL => {
                    self.strings = Strings::parse(&chunk).ok_or_else(|| broken("its strings are broken"))?;
                }
                chunk::XML_RESOURCE_IDS => self.resource_ids = chunk.body(),
                chunk::XML_END => {
                    self.depth = self.depth.checked_sub(1).ok_or_else(|| broken("an element ends that never began"))?;
                    return Ok(Some(Event::End));
                }
                chunk::XML_START => {
                    if self.depth == self.max_depth {
                        return Err(broken("its elements are too deep inside of each other"));
                    }
                    let element = self.element(&chunk).ok_or_else(|| broken("an element is broken"))?;
                    self.depth += 1;
                    // Each of its attributes is compared with some names.
                    self.meter.bytes(4 * chunk.bytes.len())?;
                    return Ok(Some(Event::Start(element)));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    fn element(&self, chunk: &Chunk<'a>) -> Option<Element<'a>> {
        // Where the attributes begin counts from behind the node's header.
        let node = chunk.body();
        let (start, stride) = (usize::from(node.u16_at(8)?), usize::from(node.u16_at(10)?));
        let count = usize::from(node.u16_at(12)?);
        let attributes = node.get(start..start + stride * count)?;
        if count > 0 && stride < ATTRIBUTE {
            return None;
        }
        let (strings, resource_ids) = (self.strings, self.resource_ids);
        Some(Element { strings, resource_ids, name: node.u32_at(4)?, depth: self.depth, stride, attributes })
    }
}

impl Element<'_> {
    /// Whether the element has this name.
    pub(super) fn is(&self, name: &str) -> bool {
        self.strings.get(self.name, MAX_NAME).is_some_and(|found| found == name)
    }

    /// The value of its first attribute of this name, if that is of a kind we read.
    pub(super) fn attribute(&self, name: Name) -> Option<Value> {
        let attribute =
            self.attributes.chunks_exact(self.stride.max(1)).find(|attribute| self.bears(attribute, name))?;
        Value::of(Raw::parse(attribute.get(12..)?)?, &self.strings)
    }

    /// The same as text, empty without the attribute or with one of another kind.
    pub(super) fn text(&self, name: Name) -> String {
        match self.attribute(name) {
            Some(Value::Text(text)) => text,
            _ => String::new(),
        }
    }

    fn bears(&self, attribute: &[u8], name: Name) -> bool {
        let Some(index) = attribute.u32_at(4) else { return false };
        let id = usize::try_from(index).ok().and_then(|index| self.resource_ids.u32_at(index.checked_mul(4)?));
        let named = |name: &str| self.strings.get(index, MAX_NAME).is_some_and(|found| found == name);
        match (name, id.filter(|id| *id != 0)) {
            (Name::Android(expected, _), Some(id)) => id == expected,
            (Name::Android(_, name) | Name::Plain(name), None) => named(name),
            (Name::Plain(_), Some(_)) => false,
        }
    }
}
