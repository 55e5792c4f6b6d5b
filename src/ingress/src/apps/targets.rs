//! Whom a push names, as the document writes it: ids in arrays or with commas between them, relationships as "1,2,3".

use std::fmt;

use drover_domain::Relationship;
use drover_service::Targets;
use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};

use crate::web::{errors::WebError, params::Params};

/// The group of those who are in no group, by the id that the document's samples give it.
const DEFAULT_GROUP: i64 = -2;

/// Ids: an array of numbers or of strings that hold them, or one string with commas between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ids(Vec<i64>);

impl Ids {
    /// Reads ids with commas between them.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(|part| part.parse().ok()).collect::<Option<_>>().map(Self)
    }

    /// The ids of a parameter, none when it is absent.
    pub(crate) fn of_parameter(params: &Params, name: &str) -> Result<Self, WebError> {
        let Some(text) = params.optional(name) else { return Ok(Self::default()) };
        Self::parse(text).ok_or_else(|| WebError::invalid(name, "holds ids with commas between them"))
    }

    /// These and others.
    pub(crate) fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Ascending, each once.
    fn sorted(mut self) -> Vec<i64> {
        self.0.sort_unstable();
        self.0.dedup();
        self.0
    }
}

impl<'de> Deserialize<'de> for Ids {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Loose;
        impl<'de> Visitor<'de> for Loose {
            type Value = Ids;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of ids")
            }

            fn visit_unit<E: Error>(self) -> Result<Ids, E> {
                Ok(Ids::default())
            }

            fn visit_i64<E: Error>(self, id: i64) -> Result<Ids, E> {
                Ok(Ids(vec![id]))
            }

            fn visit_u64<E: Error>(self, id: u64) -> Result<Ids, E> {
                i64::try_from(id).map(|id| Ids(vec![id])).map_err(|_| E::custom("is too large a number"))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Ids, E> {
                Ids::parse(text).ok_or_else(|| E::custom("holds something that is no id"))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Ids, A::Error> {
                let mut ids = Vec::new();
                while let Some(Ids(one)) = sequence.next_element_seed(One)? {
                    ids.extend(one);
                }
                Ok(Ids(ids))
            }
        }
        deserializer.deserialize_any(Loose)
    }
}

/// An element of an array: no array again.
struct One;

impl<'de> serde::de::DeserializeSeed<'de> for One {
    type Value = Ids;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Ids, D::Error> {
        Ok(Ids(crate::json::number(deserializer)?.into_iter().collect()))
    }
}

/// Whom a push names.
pub(crate) fn targets(users: Ids, groups: Ids, labels: Ids) -> Result<Targets, WebError> {
    let mut groups = groups.sorted();
    let named = groups.len();
    groups.retain(|id| *id != DEFAULT_GROUP);
    let default_group = groups.len() < named;
    let (users, labels) = (users.sorted(), labels.sorted());
    for (field, ids) in [("userIds", &users), ("groupIds", &groups), ("labelIds", &labels)] {
        if let Some(id) = ids.first().filter(|id| **id <= 0) {
            return Err(WebError::invalid(field, format!("{id} is no id")));
        }
    }
    Ok(Targets { users, groups, labels, default_group })
}

/// Whose the devices are that a push is for: numbers with commas between them. `field` is where they stand.
pub(crate) fn relationships(field: &str, text: Option<&str>) -> Result<Vec<Relationship>, WebError> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| WebError::invalid(field, "is missing"))?;
    let one = |part: &str| part.trim().parse().ok().and_then(Relationship::from_code);
    let read: Option<Vec<Relationship>> = text.split(',').map(one).collect();
    let bad = || WebError::invalid(field, "holds 1 (company), 2 (employee) or 3 (other), with commas between them");
    let mut read = read.ok_or_else(bad)?;
    read.sort_unstable();
    read.dedup();
    Ok(read)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn ids(value: Value) -> Result<Vec<i64>, String> {
        serde_json::from_value::<Ids>(value).map(|ids| ids.0).map_err(|error| error.to_string())
    }

    #[test]
    fn ids_come_in_arrays_and_with_commas_between_them() {
        for (value, expected) in [
            (json!([-2, 35]), vec![-2, 35]),
            (json!(["35", " 36 "]), vec![35, 36]),
            (json!("35, 36,"), vec![35, 36]),
            (json!(35), vec![35]),
            (json!([]), vec![]),
            (json!(""), vec![]),
            (json!(null), vec![]),
            (json!([null, ""]), vec![]),
        ] {
            assert_eq!(ids(value.clone()), Ok(expected), "{value}");
        }
        for value in [json!(["a"]), json!([[1]]), json!([1.5]), json!("1;2"), json!({}), json!(u64::MAX), json!([true])]
        {
            assert!(ids(value.clone()).is_err(), "{value}");
        }
    }

    #[test]
    fn the_default_group_is_told_apart_and_nobody_is_named_twice() {
        let read = targets(Ids(vec![7, 5, 7]), Ids(vec![9, -2]), Ids::default()).unwrap();
        let expected = Targets { users: vec![5, 7], groups: vec![9], labels: vec![], default_group: true };
        assert_eq!(read, expected);
        for (users, groups, labels, message) in [
            (vec![0], vec![], vec![], "userIds: 0 is no id"),
            (vec![-2], vec![], vec![], "userIds: -2 is no id"),
            (vec![], vec![-1, 5], vec![], "groupIds: -1 is no id"),
            (vec![], vec![], vec![-2], "labelIds: -2 is no id"),
        ] {
            let refused = targets(Ids(users), Ids(groups), Ids(labels)).unwrap_err().to_string();
            assert_eq!(refused, message);
        }
    }

    #[test]
    fn relationships_are_read_in_any_order() {
        let read = |text| relationships("deviceRelationship", text);
        let all = Relationship::ALL.to_vec();
        assert_eq!(read(Some("3,1, 2,1")).unwrap(), all);
        assert_eq!(read(Some("2")).unwrap(), [Relationship::Employee]);
        assert_eq!(read(None).unwrap_err().to_string(), "deviceRelationship: is missing");
        for bad in ["0", "4", "1;2", "1,,2", "company"] {
            let refused = read(Some(bad)).unwrap_err().to_string();
            assert!(refused.starts_with("deviceRelationship: holds 1 (company)"), "{bad} {refused}");
        }
    }
}
