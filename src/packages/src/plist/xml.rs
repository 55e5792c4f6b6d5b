//! Property lists in XML.

use chrono::DateTime;
use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event;

use super::{Budget, Value};
use crate::PackageError;

/// Reads a list. Nothing but the entities of XML itself is known: a document that declares its own is refused where it
/// uses them.
pub(super) fn parse(bytes: &[u8], budget: Budget<'_>) -> Result<Value, PackageError> {
    let text = std::str::from_utf8(bytes).map_err(|_| budget.broken("it is neither binary nor text"))?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    reader.config_mut().expand_empty_elements = true;
    let mut list = List { reader, budget };
    match list.next()? {
        Token::Start("plist") => {}
        Token::Start(element) if element != "key" => return list.value(element),
        _ => return Err(list.budget.broken("it is no property list")),
    }
    match list.next()? {
        Token::Start(element) => list.value(element),
        Token::End | Token::Eof => Err(list.budget.broken("it is empty")),
    }
}

struct List<'a> {
    reader: Reader<&'a [u8]>,
    budget: Budget<'a>,
}

/// What stands between elements.
enum Token {
    /// An element begins, one of those that there are.
    Start(&'static str),
    End,
    Eof,
}

const ELEMENTS: [&str; 11] =
    ["plist", "dict", "array", "key", "string", "integer", "real", "true", "false", "date", "data"];

impl<'a> List<'a> {
    fn event(&mut self) -> Result<Event<'a>, PackageError> {
        self.budget.meter.step()?;
        self.reader.read_event().map_err(|error| self.budget.broken(&format!("it is no XML: {error}")))
    }

    /// The next beginning or end of an element, over white space and comments.
    fn next(&mut self) -> Result<Token, PackageError> {
        loop {
            match self.event()? {
                Event::Start(start) => {
                    let name = start.local_name();
                    let known = ELEMENTS.into_iter().find(|element| *element == name.as_ref());
                    return known.map(Token::Start).ok_or_else(|| self.budget.broken("it has an unknown element"));
                }
                Event::End(_) => return Ok(Token::End),
                Event::Eof => return Ok(Token::Eof),
                Event::Text(text) if text.trim().is_empty() => {}
                Event::Comment(_) | Event::Decl(_) | Event::DocType(_) | Event::PI(_) => {}
                _ => return Err(self.budget.broken("it has text between its elements")),
            }
        }
    }

    /// The value in an element that has begun.
    fn value(&mut self, element: &str) -> Result<Value, PackageError> {
        self.budget.value()?;
        match element {
            "dict" => return self.dictionary(),
            "array" => return self.array(),
            _ => {}
        }
        let text = self.text()?;
        Ok(match element {
            "string" => Value::String(text),
            "integer" => integer(text.trim()).map_or(Value::Other, Value::Integer),
            "real" => text.trim().parse().map_or(Value::Other, Value::Real),
            "true" => Value::Boolean(true),
            "false" => Value::Boolean(false),
            "date" => DateTime::parse_from_rfc3339(text.trim()).map_or(Value::Other, |date| Value::Date(date.to_utc())),
            "data" => Value::Other,
            _ => return Err(self.budget.broken("it has an element at the wrong place")),
        })
    }

    fn array(&mut self) -> Result<Value, PackageError> {
        self.budget.enter()?;
        let mut values = Vec::new();
        loop {
            match self.next()? {
                Token::Start(element) => values.push(self.value(element)?),
                Token::End => break,
                Token::Eof => return Err(self.budget.broken("it ends too early")),
            }
        }
        self.budget.leave();
        Ok(Value::Array(values))
    }

    fn dictionary(&mut self) -> Result<Value, PackageError> {
        self.budget.enter()?;
        let mut pairs = Vec::new();
        loop {
            match self.next()? {
                Token::Start("key") => {}
                Token::End => break,
                _ => return Err(self.budget.broken("a dictionary has a value without a key")),
            }
            self.budget.value()?;
            let key = self.text()?;
            let Token::Start(element) = self.next()? else {
                return Err(self.budget.broken("a dictionary has a key without a value"));
            };
            pairs.push((key, self.value(element)?));
        }
        self.budget.leave();
        Ok(Value::Dictionary(pairs))
    }

    /// The text up to the end of the element.
    fn text(&mut self) -> Result<String, PackageError> {
        let mut text = String::new();
        loop {
            let before = text.len();
            match self.event()? {
                Event::Text(part) => text.push_str(&part),
                Event::CData(part) => text.push_str(&part),
                Event::GeneralRef(name) => match name.resolve_char_ref() {
                    Ok(Some(character)) => text.push(character),
                    _ => text.push_str(
                        resolve_xml_entity(&name).ok_or_else(|| self.budget.broken("it uses an unknown entity"))?,
                    ),
                },
                Event::End(_) => return Ok(text),
                Event::Comment(_) => {}
                _ => return Err(self.budget.broken("it has an element inside of a text")),
            }
            self.budget.text(text.len() - before)?;
        }
    }
}

/// A decimal number, or a hexadecimal one.
fn integer(text: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
