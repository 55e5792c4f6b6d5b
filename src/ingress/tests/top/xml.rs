//! XML as a tree, read by another's parser.

use quick_xml::{Reader, events::Event};

/// An element: text, or elements in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// The one element of a well-formed document.
    pub(crate) fn parse(document: &str) -> Self {
        let mut reader = Reader::from_str(document);
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().unwrap_or_else(|error| panic!("{error}: {document}")) {
                Event::Start(start) => {
                    let name = start.name().as_ref().to_owned();
                    open.push(Self { name, ..Self::default() });
                }
                Event::End(_) => {
                    let closed = open.pop().unwrap();
                    open.last_mut().unwrap().children.push(closed);
                }
                Event::Text(text) => open.last_mut().unwrap().text.push_str(&text),
                Event::GeneralRef(name) => {
                    let escaped = format!("&{};", &*name);
                    open.last_mut().unwrap().text.push_str(&quick_xml::escape::unescape(&escaped).unwrap());
                }
                Event::Eof => break,
                Event::Decl(_) => {}
                other => panic!("{other:?}: {document}"),
            }
        }
        let [document] = <[Self; 1]>::try_from(open).unwrap();
        let [root] = <[Self; 1]>::try_from(document.children).unwrap();
        root
    }

    /// The element below this one with this name.
    pub(crate) fn get(&self, name: &str) -> &Self {
        self.children.iter().find(|child| child.name == name).unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }

    /// Whether this is like another: the same names in the same order, and of the same types.
    pub(crate) fn assert_like(&self, sample: &Self) {
        let names = |element: &Self| element.children.iter().map(|child| child.name.clone()).collect::<Vec<_>>();
        assert_eq!((&self.name, names(self)), (&sample.name, names(sample)));
        for (child, sample) in self.children.iter().zip(&sample.children) {
            child.assert_like(sample);
        }
        if sample.children.is_empty() {
            assert!(sample.text.parse::<i64>().is_err() || self.text.parse::<i64>().is_ok(), "{self:?}");
            assert!(sample.text.parse::<bool>().is_err() || self.text.parse::<bool>().is_ok(), "{self:?}");
        }
    }
}
