//! Resource tables.

use super::{Pool, REFERENCE, STRING, chunk, typed};

/// A value of a resource.
#[derive(Clone)]
pub(crate) enum Value {
    Text(String),
    Reference(u32),
}

/// How a type writes where its entries are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    Dense,
    Sparse,
    Short,
}

/// For which devices values are.
#[derive(Clone, Copy, Default)]
pub(crate) struct Config {
    pub(crate) language: [u8; 2],
    pub(crate) density: u16,
    pub(crate) sdk: u16,
}

/// A table of one package, 0x7f, under construction.
pub(crate) struct Table {
    pool: Pool,
    layout: Layout,
    compact: bool,
    types: Vec<Vec<u8>>,
}

impl Table {
    pub(crate) fn new() -> Self {
        let pool = Pool { utf8: true, ..Pool::default() };
        Self { pool, layout: Layout::Dense, compact: false, types: Vec::new() }
    }

    /// How the types to come are written.
    pub(crate) fn layout(mut self, layout: Layout, compact: bool) -> Self {
        (self.layout, self.compact) = (layout, compact);
        self
    }

    /// A type's values for one configuration, in the order of their entries.
    pub(crate) fn of(mut self, id: u8, config: Config, values: &[Option<Value>]) -> Self {
        let (mut offsets, mut entries) = (Vec::new(), Vec::new());
        let mut count = 0u32;
        for (index, value) in values.iter().enumerate() {
            let Some(value) = value else {
                match self.layout {
                    Layout::Dense => offsets.extend(u32::MAX.to_le_bytes()),
                    Layout::Short => offsets.extend(u16::MAX.to_le_bytes()),
                    Layout::Sparse => continue,
                }
                count += 1;
                continue;
            };
            count += 1;
            let offset = u16::try_from(entries.len() / 4).unwrap();
            match self.layout {
                Layout::Dense => offsets.extend((u32::from(offset) * 4).to_le_bytes()),
                Layout::Short => offsets.extend(offset.to_le_bytes()),
                Layout::Sparse => {
                    offsets.extend([u16::try_from(index).unwrap(), offset].map(u16::to_le_bytes).concat());
                }
            }
            let (kind, data) = match value {
                Value::Text(text) => (STRING, self.pool.index(text)),
                Value::Reference(id) => (REFERENCE, *id),
            };
            if self.compact {
                entries.extend([0, 0, 8, kind]);
                entries.extend(data.to_le_bytes());
            } else {
                entries.extend([8, 0, 0, 0, 0, 0, 0, 0]);
                entries.extend(typed(kind, data));
            }
        }
        offsets.resize(offsets.len().next_multiple_of(4), 0);
        let flags = match self.layout {
            Layout::Dense => 0,
            Layout::Sparse => 1,
            Layout::Short => 2,
        };
        let mut configuration = [0; 64];
        configuration[0] = 64;
        configuration[8..10].copy_from_slice(&config.language);
        configuration[14..16].copy_from_slice(&config.density.to_le_bytes());
        configuration[24..26].copy_from_slice(&config.sdk.to_le_bytes());
        let start = u32::try_from(20 + configuration.len() + offsets.len()).unwrap();
        let mut header = vec![id, flags, 0, 0];
        header.extend([count, start].map(u32::to_le_bytes).concat());
        header.extend(configuration);
        self.types.push(chunk(0x0201, &header, &[offsets, entries].concat()));
        self
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut package = vec![0; 280];
        package[0] = 0x7f;
        let package = chunk(0x0200, &package, &self.types.concat());
        chunk(0x0002, &1u32.to_le_bytes(), &[self.pool.write(), package].concat())
    }
}
