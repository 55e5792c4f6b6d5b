//! Messages with something wrong in them, or merely different.

use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};

/// A change to one place of a message.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    place: Index,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Replace(Value),
    Remove,
    AddUnknown(Value),
    Repeat(usize),
}

impl Change {
    pub(crate) fn apply(&self, message: &mut Value) {
        let mut places = Vec::new();
        collect(message, String::new(), &mut places);
        let place = self.place.get(&places);
        match &self.what {
            What::Replace(value) => *message.pointer_mut(place).unwrap() = value.clone(),
            What::Remove => remove(message, place),
            What::AddUnknown(value) => {
                if let Some(Value::Object(fields)) = message.pointer_mut(place) {
                    fields.insert("not_known_yet".into(), value.clone());
                }
            }
            What::Repeat(count) => {
                let value = message.pointer_mut(place).unwrap();
                *value = Value::Array(vec![value.clone(); *count]);
            }
        }
    }
}

/// The JSON pointers of a value and of everything in it. No name here needs escaping.
fn collect(value: &Value, place: String, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                collect(value, format!("{place}/{name}"), found);
            }
        }
        Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                collect(value, format!("{place}/{index}"), found);
            }
        }
        _ => {}
    }
    found.push(place);
}

fn remove(message: &mut Value, place: &str) {
    let Some((parent, last)) = place.rsplit_once('/') else { return };
    match message.pointer_mut(parent).unwrap() {
        Value::Object(fields) => drop(fields.remove(last)),
        Value::Array(elements) => drop(elements.remove(last.parse().unwrap())),
        _ => unreachable!("only objects and arrays hold anything"),
    }
}

pub(crate) fn any_change() -> impl Strategy<Value = Change> {
    let what = prop_oneof![
        4 => telling_value().prop_map(What::Replace),
        1 => telling_value().prop_map(What::AddUnknown),
        1 => Just(What::Remove),
        1 => prop_oneof![Just(0), Just(2), Just(100), Just(101)].prop_map(What::Repeat),
    ];
    (any::<Index>(), what).prop_map(|(place, what)| Change { place, what })
}

/// Values at the limits of what some field may hold.
///
/// Numbers such as `1.0` and `1e2` are not among them: JSON Schema takes them for integers and the code does not, which
/// schemas/README.md tells.
fn telling_value() -> impl Strategy<Value = Value> {
    let numbers = [-1, 0, 1, 2, i64::from(i16::MAX), i64::from(i16::MAX) + 1, i64::MAX, i64::MIN].map(|n| json!(n));
    let lengths = [0, 1, 31, 32, 33, 63, 64, 65, 1024, 1025].map(|length| json!("0".repeat(length)));
    let wide = [64, 65, 1024, 1025].map(|length| json!("é\u{1f69c}".repeat(length / 2) + &"x".repeat(length % 2)));
    let words = ["a\0b", "\0", "a\n", "1", "failed", "Failed", "cancel", "applied", "range"];
    let mut values = vec![json!(null), json!(true), json!(1.5), json!(u64::MAX), json!([]), json!({}), json!([null])];
    values.push(json!("A".repeat(64)));
    values.extend(numbers);
    values.extend(lengths);
    values.extend(wide);
    values.extend(words.map(|word| json!(word)));
    prop::sample::select(values)
}

/// Any JSON at all, not too large.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}
