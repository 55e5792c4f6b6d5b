//! Binary XML.

use super::{BOOLEAN, INTEGER, Pool, REFERENCE, STRING, chunk, typed};

/// A value of an attribute.
#[derive(Clone)]
pub(crate) enum Value {
    Text(String),
    Reference(u32),
    Integer(u32),
    Boolean(bool),
}

/// Identifiers of Android's attributes.
const IDS: [(&str, u32); 13] = [
    ("label", 0x0101_0001),
    ("icon", 0x0101_0002),
    ("name", 0x0101_0003),
    ("value", 0x0101_0024),
    ("resource", 0x0101_0025),
    ("src", 0x0101_0119),
    ("drawable", 0x0101_0199),
    ("minSdkVersion", 0x0101_020c),
    ("versionCode", 0x0101_021b),
    ("versionName", 0x0101_021c),
    ("roundIcon", 0x0101_052c),
    ("versionCodeMajor", 0x0101_0576),
    ("debuggable", 0x0101_000f),
];

/// A document under construction.
pub(crate) struct Xml {
    pool: Pool,
    /// Whether Android's attributes get their identifiers.
    with_ids: bool,
    nodes: Vec<Vec<u8>>,
}

impl Xml {
    pub(crate) fn new(utf8: bool) -> Self {
        let mut pool = Pool { utf8, ..Pool::default() };
        // The names with identifiers come first, so that the two lists run in parallel.
        for (name, _) in IDS {
            pool.index(name);
        }
        Self { pool, with_ids: true, nodes: Vec::new() }
    }

    pub(crate) fn without_ids(mut self) -> Self {
        self.with_ids = false;
        self
    }

    pub(crate) fn start(mut self, name: &str, attributes: &[(&str, Value)]) -> Self {
        let name = self.pool.index(name);
        let mut body = [u32::MAX, name].map(u32::to_le_bytes).concat();
        let count = u16::try_from(attributes.len()).unwrap();
        body.extend([20, 20, count, 0, 0, 0].map(u16::to_le_bytes).concat());
        for (name, value) in attributes {
            let name = self.pool.index(name);
            let (raw, value) = match value {
                Value::Text(text) => {
                    let index = self.pool.index(text);
                    (index, typed(STRING, index))
                }
                Value::Reference(id) => (u32::MAX, typed(REFERENCE, *id)),
                Value::Integer(number) => (u32::MAX, typed(INTEGER, *number)),
                Value::Boolean(flag) => (u32::MAX, typed(BOOLEAN, if *flag { u32::MAX } else { 0 })),
            };
            body.extend([u32::MAX, name, raw].map(u32::to_le_bytes).concat());
            body.extend(value);
        }
        self.nodes.push(chunk(0x0102, &[0; 8], &body));
        self
    }

    pub(crate) fn end(mut self, name: &str) -> Self {
        let name = self.pool.index(name);
        self.nodes.push(chunk(0x0103, &[0; 8], &[u32::MAX, name].map(u32::to_le_bytes).concat()));
        self
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let ids = IDS.map(|(_, id)| id.to_le_bytes()).concat();
        let ids = if self.with_ids { chunk(0x0180, &[], &ids) } else { Vec::new() };
        chunk(0x0003, &[], &[self.pool.write(), ids, self.nodes.concat()].concat())
    }
}
